#include "server/control.h"

#include <errno.h>

#include "base/lines.h"
#include "server/command.h"
#include "server/server.h"

enum {
    LINE = 1 << 20,
    CLIENTS = 32,
    WAITING = 1 << 16, /* bytes not read by the client, above which progress is not told */
};

struct control {
    struct server *srv;
    struct mn_lines *lines;
};

/* Answers. */

static void error_write(struct mn_lines_peer *p, enum mn_cond cond, mn_str text)
{
    mn_lines_tell(p, "error",
                  json_pack("{ss%,ss%}", "code", mn_cond_name(cond).p, mn_cond_name(cond).n, "text",
                            text.p, text.n));
}

static void on_progress(void *arg, json_t *what)
{
    if (mn_lines_queued(arg) < WAITING)
        mn_lines_tell(arg, "progress", json_incref(what));
}

static void on_done(void *arg, json_t *ok, enum mn_cond cond, mn_str text)
{
    if (cond)
        error_write(arg, cond, text);
    else
        mn_lines_tell(arg, "ok", json_incref(ok));
    mn_lines_next(arg);
}

static const struct command_face face = {on_progress, on_done};

/* Requests. */

static bool is_request(const json_t *o)
{
    const json_t *args = json_object_get(o, "args");

    return json_is_array(json_object_get(o, "command")) && (!args || json_is_object(args)) &&
           json_object_size(o) == (args ? 2u : 1u);
}

/* What is wrong with it ends the request, not the connection: lines keep their places. */
static void on_line(void *arg, struct mn_lines_peer *p, mn_str line)
{
    struct control *ctl = arg;
    const struct ucred *who = mn_lines_who(p);
    json_t *o = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, NULL);

    if (is_request(o)) {
        json_t *args = json_object_get(o, "args");
        struct mn_log log = {.fields = {MN_FN("uid", who->uid), MN_FN("pid", who->pid)}};

        command_ask(ctl->srv, command_find(json_object_get(o, "command"), args), args,
                    &(struct command_asker){COMMAND_MACHINE, .log = log}, &face, p);
    } else {
        error_write(p, MN_COND_BAD_REQUEST,
                    MN_STR("expected {\"command\": [words], \"args\": {names and values}}"));
        mn_lines_next(p);
    }
    json_decref(o);
}

static void on_refused(void *arg, struct mn_lines_peer *p, int why)
{
    static struct mn_log_rate rate;
    const struct ucred *who = mn_lines_who(p);
    struct mn_log log = {.fields = {MN_FN("uid", who->uid), MN_FN("pid", who->pid)}};

    (void)arg;
    if (why == MN_E_DENIED && mn_log_rate(&rate, 5, 10000))
        mn_log_warn(&log, "control refused");
    if (why == MN_E_DENIED)
        error_write(p, MN_COND_FORBIDDEN, MN_STR("only root and the server's own user may ask"));
    else if (why == MN_E_BUSY)
        error_write(p, MN_COND_RESOURCE_CONSTRAINT, MN_STR("too many ask already"));
    else
        error_write(p, MN_COND_POLICY_VIOLATION, MN_STR("a line has at most 1 MiB"));
}

int control_open(struct server *srv, const char *path, struct mn_buf *why)
{
    static const struct mn_lines_face lines = {.line = on_line, .refused = on_refused};
    struct control *ctl = MN_NEW(struct control);
    int e;

    ctl->srv = srv;
    json_object_seed(0); /* before there are threads */
    e = mn_lines_open(srv->owners[0]->loop, path, (struct mn_lines_limits){LINE, CLIENTS}, &lines,
                      ctl, &ctl->lines);
    if (e == MN_E_BUSY)
        mn_buf_fmt(
            why, "another mynahd answers at the control socket %s; stop it, or set control.socket",
            path);
    else if (e)
        mn_buf_fmt(why, "cannot open the control socket %s: %s", path,
                   e == MN_E_IO ? strerror(errno) : mn_err_text(e));
    if (e) {
        mn_free(ctl);
        return e;
    }
    srv->control = ctl;
    return MN_E_OK;
}

void control_close(struct server *srv)
{
    if (srv->control)
        mn_lines_close(srv->control->lines);
}

bool control_busy(const struct server *srv)
{
    return srv->control && mn_lines_busy(srv->control->lines);
}

void control_free(struct server *srv)
{
    if (!srv->control)
        return;
    mn_lines_free(srv->control->lines);
    mn_free(srv->control);
    srv->control = NULL;
}

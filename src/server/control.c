#include "server/control.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypt.h"
#include "base/file.h"
#include "net/conn.h"
#include "net/listen.h"
#include "server/command.h"
#include "server/server.h"

enum {
    LINE = 1 << 20,
    CLIENTS = 32,
    WAITING = 1 << 16, /* bytes not read by the client, above which progress is not told */
    LINGER_MS = 2000,
};

struct control {
    struct server *srv;
    struct mn_listener *listener; /* NULL: closed */
    char *path;
    struct mn_list clients;
    unsigned count;
};

struct client {
    struct mn_list link;
    struct control *control;
    struct mn_conn *conn; /* NULL: it has gone */
    struct mn_turn turn;  /* goes on with what has come, or ends */
    struct mn_buf in;
    size_t seen; /* of `in`: there is no end of a line in it */
    bool busy;   /* a command of it runs */
    struct mn_log log;
};

static void client_free(struct client *cl)
{
    mn_turn_cancel(&cl->turn);
    mn_list_del(&cl->link);
    cl->control->count--;
    mn_buf_free(&cl->in);
    mn_free(cl);
}

static void hang_up(struct client *cl)
{
    if (!cl->conn)
        return;
    mn_conn_close(cl->conn, LINGER_MS);
    cl->conn = NULL;
    mn_loop_at_end(cl->control->srv->owners[0]->loop, &cl->turn);
}

/* Answers. */

static void line_write(struct client *cl, const char *key, json_t *value)
{
    json_t *o = json_pack("{sO}", key, value);
    char *text = json_dumps(o, JSON_COMPACT);

    if (cl->conn) {
        mn_conn_write(cl->conn, mn_str_from(text));
        mn_conn_write(cl->conn, MN_STR("\n"));
    }
    free(text);
    json_decref(o);
}

static void error_write(struct client *cl, enum mn_cond cond, mn_str text)
{
    json_t *e = json_pack("{ss%,ss%}", "code", mn_cond_name(cond).p, mn_cond_name(cond).n, "text",
                          text.p, text.n);

    line_write(cl, "error", e);
    json_decref(e);
}

static void on_progress(void *arg, json_t *what)
{
    struct client *cl = arg;

    if (cl->conn && mn_conn_queued(cl->conn) < WAITING)
        line_write(cl, "progress", what);
}

static void on_done(void *arg, json_t *ok, enum mn_cond cond, mn_str text)
{
    struct client *cl = arg;

    if (cond)
        error_write(cl, cond, text);
    else
        line_write(cl, "ok", ok);
    cl->busy = false;
    mn_loop_at_end(cl->control->srv->owners[0]->loop, &cl->turn);
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
static void line_read(struct client *cl, mn_str line)
{
    json_t *o = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, NULL);

    mn_crypt_wipe((void *)line.p, line.n);
    if (is_request(o)) {
        json_t *args = json_object_get(o, "args");

        cl->busy = true;
        command_ask(cl->control->srv, command_find(json_object_get(o, "command"), args), args,
                    &(struct command_asker){COMMAND_MACHINE, .log = cl->log}, &face, cl);
    } else {
        error_write(cl, MN_COND_BAD_REQUEST,
                    MN_STR("expected {\"command\": [words], \"args\": {names and values}}"));
    }
    json_decref(o);
}

static void go_on(struct mn_turn *t)
{
    struct client *cl = MN_OF(t, struct client, turn);

    while (cl->conn && !cl->busy) {
        char *end =
            cl->in.n > cl->seen ? memchr(cl->in.p + cl->seen, '\n', cl->in.n - cl->seen) : NULL;
        size_t n = end ? (size_t)(end - cl->in.p) : cl->in.n;

        if (n > LINE) {
            error_write(cl, MN_COND_POLICY_VIOLATION, MN_STR("a line has at most 1 MiB"));
            hang_up(cl);
        } else if (end) {
            line_read(cl, (mn_str){cl->in.p, n});
            mn_buf_shift(&cl->in, n + 1);
            cl->seen = 0;
        } else {
            cl->seen = n;
            break;
        }
    }
    if (cl->conn)
        mn_conn_pause(cl->conn, cl->busy);
    else if (!cl->busy)
        client_free(cl);
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct client *cl = arg;

    mn_buf_str(&cl->in, bytes);
    mn_loop_at_end(cl->control->srv->owners[0]->loop, &cl->turn);
}

static void on_closed(void *arg, int why)
{
    (void)why;
    hang_up(arg);
}

static const struct mn_conn_face conn_face = {.on_bytes = on_bytes, .on_closed = on_closed};

static void accepted(void *arg, int fd, const struct mn_addr *peer)
{
    struct control *ctl = arg;
    struct ucred who = {.pid = 0, .uid = (uid_t)-1};
    socklen_t len = sizeof who;
    struct client *cl = MN_NEW(struct client);

    (void)peer;
    cl->control = ctl;
    cl->turn.run = go_on;
    mn_list_init(&cl->link);
    mn_list_add(&ctl->clients, &cl->link);
    ctl->count++;
    cl->conn = mn_conn_tcp(ctl->srv->owners[0]->loop, fd, &conn_face, cl);
    (void)!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
    cl->log = (struct mn_log){.fields = {MN_FN("uid", who.uid), MN_FN("pid", who.pid)}};
    if (who.uid && who.uid != geteuid()) {
        static struct mn_log_rate rate;

        if (mn_log_rate(&rate, 5, 10000))
            mn_log_warn(&cl->log, "control refused");
        error_write(cl, MN_COND_FORBIDDEN, MN_STR("only root and the server's own user may ask"));
        hang_up(cl);
    } else if (ctl->count > CLIENTS) {
        error_write(cl, MN_COND_RESOURCE_CONSTRAINT, MN_STR("too many ask already"));
        hang_up(cl);
    }
}

/* Opening and closing. */

/* Nobody listens there any more: a server was killed. */
static bool is_stale(const struct sockaddr_un *at)
{
    MN_AUTO(mn_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) && errno == ECONNREFUSED;
}

static int bound(int fd, const struct sockaddr_un *at)
{
    struct stat st;

    /* The socket file gets the mode that the descriptor has, less the umask. */
    if (fchmod(fd, 0600))
        return MN_E_IO;
    if (!bind(fd, (const struct sockaddr *)at, sizeof *at))
        return MN_E_OK;
    if (errno != EADDRINUSE)
        return MN_E_IO;
    if (!is_stale(at))
        return MN_E_BUSY;
    errno = EADDRINUSE;
    if (lstat(at->sun_path, &st) || !S_ISSOCK(st.st_mode) || unlink(at->sun_path))
        return MN_E_IO;
    return bind(fd, (const struct sockaddr *)at, sizeof *at) ? MN_E_IO : MN_E_OK;
}

static int listening(const char *path, int *fd, struct mn_buf *why)
{
    MN_AUTO(mn_closep) int folder = -1;
    struct sockaddr_un at;
    int e = mn_file_socket(path, &at, &folder);

    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (e) {
        mn_buf_fmt(why, "control socket %s: its folder: %s", path, mn_err_text(e));
        return e;
    }
    e = *fd < 0 ? MN_E_IO : bound(*fd, &at);
    if (e == MN_E_BUSY)
        mn_buf_fmt(
            why, "another mynahd answers at the control socket %s; stop it, or set control.socket",
            path);
    else if (e || (e = listen(*fd, CLIENTS) ? MN_E_IO : MN_E_OK))
        mn_buf_fmt(why, "cannot open the control socket %s: %s", path, strerror(errno));
    return e;
}

int control_open(struct server *srv, const char *path, struct mn_buf *why)
{
    struct control *ctl;
    int fd, e = listening(path, &fd, why);

    if (e) {
        mn_closep(&fd);
        return e;
    }
    ctl = MN_NEW(struct control);
    ctl->path = mn_str_dup(mn_str_from(path));
    ctl->srv = srv;
    mn_list_init(&ctl->clients);
    json_object_seed(0); /* before there are threads */
    ctl->listener = mn_listen_on(srv->owners[0]->loop, fd, accepted, ctl);
    srv->control = ctl;
    return MN_E_OK;
}

void control_close(struct server *srv)
{
    struct control *ctl = srv->control;
    MN_AUTO(mn_closep) int folder = -1;
    struct sockaddr_un at;

    if (!ctl)
        return;
    if (!mn_file_socket(ctl->path, &at, &folder))
        unlink(at.sun_path);
    mn_listener_free(ctl->listener);
    MN_LIST_EACH(n, &ctl->clients) hang_up(MN_OF(n, struct client, link));
}

bool control_busy(const struct server *srv)
{
    return srv->control && srv->control->count;
}

void control_free(struct server *srv)
{
    if (!srv->control)
        return;
    mn_free(srv->control->path);
    mn_free(srv->control);
    srv->control = NULL;
}

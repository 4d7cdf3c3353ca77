/* Commands that `mynah COMMAND` gives to a terminal client that runs: each is a struct cli in one
 * of its sessions, whose lines go back over the socket. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/mynah/socket.h"
#include "apps/mynah/tui.h"
#include "base/file.h"
#include "base/lines.h"
#include "im/lang.h"

enum { LINE = 1 << 20, PEERS = 32, WORDS = 1000, CLOSE_MS = 50 };

static struct {
    struct mn_loop *loop;
    struct mn_lines *lines;
    struct mn_list runs;
} serve;

struct run {
    struct cli cli; /* first */
    struct mn_list link;
    struct mn_arena a;
    struct mn_lines_peer *peer;
    struct mn_turn turn; /* frees it, once nothing of it is under way */
};

static void write_error(struct mn_lines_peer *p, const char *name, int code, const char *text)
{
    mn_lines_tell(p, "error", json_pack("{ss,si,ss?}", "code", name, "exit", code, "text", text));
}

/* The host of a run. */

static void line(struct cli *cli, json_t *fields)
{
    mn_lines_tell(((struct run *)cli)->peer, "line", json_incref(fields));
}

static void run_free(struct mn_turn *t)
{
    struct run *r = MN_OF(t, struct run, turn);

    mn_list_del(&r->link);
    mn_arena_done(&r->a, NULL);
    mn_free(r);
}

static void ended(struct cli *cli, int code, const char *why)
{
    struct run *r = (struct run *)cli;
    const char *name = code == CLI_REFUSED   ? "refused"
                       : code == CLI_TIMEOUT ? "timeout"
                       : code == CLI_USAGE   ? "usage"
                                             : "failed";

    if (code)
        write_error(r->peer, name, code, why);
    else
        mn_lines_tell(r->peer, "ok", json_object());
    mn_lines_next(r->peer);
    r->turn.run = run_free;
    mn_loop_at_end(serve.loop, &r->turn);
}

static void password_changed(struct cli *cli)
{
    account_password_changed(mynah_client_data(cli->client));
}

static void said(struct cli *cli, const char *to, const char *id, const char *text)
{
    im_said(mynah_client_data(cli->client), to, id, text);
}

/* Requests. */

static const char *text_of(const json_t *args, const char *name)
{
    return json_string_value(json_object_get(args, name));
}

/* The account that is meant and online. */
static struct im_account_state *account_of(const json_t *args)
{
    const char *jid = text_of(args, "account");
    char *bare = jid ? mynah_jid_bare(jid) : NULL;
    struct im_account_state *a, *found = NULL;

    for (size_t i = 0; !found && (a = im_account_at(tui.im, i)); i++)
        if (mynah_client_state(a->client) == MYNAH_ONLINE &&
            (!jid || (bare && mynah_jid_same(bare, a->jid))))
            found = a;
    mynah_free(bare);
    return found;
}

/* What is wrong with it, or NULL. */
static const char *run_read(struct run *r, const json_t *command, const json_t *args)
{
    size_t n = json_array_size(command);
    const char **words = mn_arena_alloc0(&r->a, (WORDS + 1) * sizeof *words), *wait, *input;

    if (!n || n > WORDS)
        return _("no command");
    for (size_t i = 0; i < n; i++) {
        const char *word = json_string_value(json_array_get(command, i));

        if (!word)
            return _("no command");
        words[i] = mn_arena_cstr(&r->a, mn_str_from(word));
    }
    wait = text_of(args, "wait");
    input = text_of(args, "input");
    r->cli.input = mn_arena_cstr(&r->a, mn_str_from(input));
    if (text_of(args, "folder"))
        r->cli.folder = mn_arena_cstr(&r->a, mn_str_from(text_of(args, "folder")));
    r->cli.json = !json_is_false(json_object_get(args, "json"));
    r->cli.timeout_ms = json_is_integer(json_object_get(args, "timeout"))
                            ? json_integer_value(json_object_get(args, "timeout"))
                            : -1;
    r->cli.wait = wait ? cli_wait(wait) : MYNAH_SENT_ACKED;
    if (r->cli.wait < 0)
        return _("--wait takes written, acked, delivered or displayed");
    return cli_read(&r->cli, words, &r->a);
}

static void on_line(void *arg, struct mn_lines_peer *p, mn_str text)
{
    static const struct cli_host host = {line, ended, password_changed, said};
    json_t *o = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL),
           *args = json_object_get(o, "args");
    struct im_account_state *a = account_of(args);
    struct run *r = MN_NEW(struct run);
    const char *wrong = run_read(r, json_object_get(o, "command"), args);

    mn_list_init(&r->link);
    mn_list_add(&serve.runs, &r->link);
    r->peer = p;
    r->cli.host = &host;
    r->cli.ctx = tui.ctx;
    r->cli.shared = true;
    if (!wrong && a && r->cli.command->where == CLI_SHARED) {
        r->cli.client = a->client;
        if (cli_ready(&r->cli)) {
            cli_timer(&r->cli);
            r->cli.command->begin(&r->cli);
        }
    } else {
        if (wrong)
            write_error(p, "usage", CLI_USAGE, wrong);
        else
            write_error(p, "not-here", CLI_FAILED, _("no such account is online here"));
        mn_lines_next(p);
        run_free(&r->turn);
    }
    json_decref(o);
}

static void on_refused(void *arg, struct mn_lines_peer *p, int why)
{
    write_error(p, "failed", CLI_FAILED, mn_err_text(why));
}

static void on_gone(void *arg, struct mn_lines_peer *p)
{
    MN_LIST_EACH(n, &serve.runs)
    {
        struct run *r = MN_OF(n, struct run, link);

        if (r->peer == p)
            cli_end(&r->cli, CLI_FAILED);
    }
}

/* The folder is ours alone, or there is no socket in it. */
static bool is_private(const char *path)
{
    struct mn_arena a = {0};
    const char *folder = mn_arena_cstr(&a, (mn_str){path, (size_t)(strrchr(path, '/') - path)});
    struct stat st;
    bool good = !mn_file_mkdir(folder, 0700) && !lstat(folder, &st) && S_ISDIR(st.st_mode) &&
                st.st_uid == geteuid() && !(st.st_mode & 022);

    mn_arena_done(&a, NULL);
    return good;
}

void serve_open(const char *path)
{
    static const struct mn_lines_face face = {on_line, on_refused, on_gone};
    int e;

    mn_list_init(&serve.runs);
    serve.loop = mn_loop_new(MN_LOOP_EPOLL);
    MN_ASSERT(serve.loop);
    mn_loop_embed(serve.loop);
    e = is_private(path) ? mn_lines_open(serve.loop, path, (struct mn_lines_limits){LINE, PEERS},
                                         &face, NULL, &serve.lines)
                         : MN_E_DENIED;
    if (e && e != MN_E_BUSY) /* another one of us answers there: commands go to that one */
        im_note(im_chat_at(tui.im, 0), IM_ERROR, _("no socket for commands: %s: %s"), path,
                mn_err_text(e));
}

int serve_fd(void)
{
    return serve.lines ? mn_loop_fd(serve.loop) : -1;
}

int64_t serve_due(void)
{
    return serve.lines ? mn_loop_due(serve.loop) : -1;
}

void serve_turn(void)
{
    if (serve.lines)
        mn_loop_turn(serve.loop, 0);
}

void serve_close(void)
{
    if (serve.lines) {
        MN_LIST_EACH(n, &serve.runs)
        cli_end_because(&MN_OF(n, struct run, link)->cli, CLI_FAILED, _("the running mynah ended"));
        mn_lines_close(serve.lines);
        while (mn_lines_busy(serve.lines))
            mn_loop_turn(serve.loop, CLOSE_MS);
        mn_lines_free(serve.lines);
        serve.lines = NULL;
    }
    mn_loop_free(serve.loop);
    serve.loop = NULL;
}

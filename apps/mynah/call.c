/* A command that another program does: asks, and prints what comes. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "apps/mynah/socket.h"
#include "base/crypt.h"
#include "base/file.h"
#include "im/history.h"
#include "im/lang.h"

/* $XDG_RUNTIME_DIR/mynah/, else where the history is; one for each file of configuration. */
const char *socket_path(const char *config, struct mn_arena *a)
{
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    mn_str folder =
        xdg && *xdg ? mn_arena_fmt(a, "%s/mynah", xdg) : mn_str_from(im_history_path(a));
    char *real = config ? realpath(config, NULL) : NULL;
    unsigned char sum[MN_DIGEST_MAX];
    mn_str name = mn_str_from(real);

    while (!(xdg && *xdg) && folder.n && folder.p[folder.n - 1] != '/')
        folder.n--;
    if (!real)
        return mn_arena_fmt(a, "%.*s/default.sock", MN_ARG(folder)).p;
    mn_digest_of(MN_SHA256, &name, 1, sum);
    free(real);
    return mn_arena_fmt(a, "%.*s/%02x%02x%02x%02x%02x%02x%02x%02x.sock", MN_ARG(folder), sum[0],
                        sum[1], sum[2], sum[3], sum[4], sum[5], sum[6], sum[7])
        .p;
}

/* Only what runs as the same user is spoken to. */
static int connected(const char *path)
{
    MN_AUTO(mn_closep) int folder = -1;
    struct sockaddr_un at;
    struct ucred who = {.uid = (uid_t)-1};
    socklen_t len = sizeof who;
    int fd =
        mn_file_socket(path, &at, &folder) ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && (connect(fd, (struct sockaddr *)&at, sizeof at) ||
                    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) || who.uid != geteuid()))
        mn_closep(&fd);
    return fd;
}

static json_t *request(const struct cli *cli, const char *account)
{
    json_t *words = json_array(), *args = json_object();
    char folder[4096];

    json_array_append_new(words, json_string(cli->command->name));
    for (int i = 0; i < cli->arg_count; i++)
        json_array_append_new(words, json_string(cli->args[i]));
    json_object_set_new(args, "wait", json_string(cli_sent_names[cli->wait]));
    json_object_set_new(args, "json", json_boolean(cli->json));
    json_object_set_new(args, "timeout", json_integer(cli->timeout_ms));
    if (account)
        json_object_set_new(args, "account", json_string(account));
    if (cli->input)
        json_object_set_new(args, "input", json_string(cli->input));
    if (getcwd(folder, sizeof folder))
        json_object_set_new(args, "folder", json_string(folder));
    return json_pack("{so,so}", "command", words, "args", args);
}

static bool say(int fd, json_t *o)
{
    char *text = json_dumps(o, JSON_COMPACT);
    struct mn_buf b = {0};
    size_t at = 0;
    ssize_t n = 1;

    mn_buf_fmt(&b, "%s\n", text ? text : "");
    while (at < b.n && n > 0) {
        n = send(fd, b.p + at, b.n - at, MSG_NOSIGNAL);
        at += n > 0 ? (size_t)n : 0;
    }
    mn_buf_free(&b);
    free(text);
    return n > 0;
}

/* The next line; NULL: there are no more. */
static json_t *answer(FILE *from)
{
    char *line = NULL;
    size_t room = 0;
    json_t *o = getline(&line, &room, from) > 0 ? json_loads(line, 0, NULL) : NULL;

    free(line);
    return o;
}

/* All but the last one, which is returned. */
static json_t *answers_print(FILE *from, bool json)
{
    const char *why = NULL;
    json_t *o, *fields;

    while (!why && (o = answer(from)) && (fields = json_object_get(o, "line"))) {
        why = print_line(fields, json) ? NULL : strerror(errno);
        json_decref(o);
    }
    return why ? json_pack("{s{si,ss}}", "error", "exit", CLI_FAILED, "text", why) : o;
}

/* The last line says how it ended. */
static bool ended(json_t *last, int *code)
{
    const json_t *error = json_object_get(last, "error");
    const char *name = json_string_value(json_object_get(error, "code")),
               *text = json_string_value(json_object_get(error, "text"));

    *code = CLI_DONE;
    if (last && !error)
        return true;
    if (name && !strcmp(name, "not-here"))
        return false;
    *code = error ? (int)json_integer_value(json_object_get(error, "exit")) : CLI_FAILED;
    if (!error)
        text = _("the running mynah ended");
    if (text)
        print_why(text);
    return true;
}

static volatile sig_atomic_t when_interrupted;

static void interrupted(int sig)
{
    _exit(when_interrupted); /* as of a session of its own; the other side sees it go */
}

bool call_run(const struct cli *cli, const char *path, const char *account, int *code)
{
    int fd = connected(path);
    json_t *o = request(cli, account);
    FILE *from = fd >= 0 ? fdopen(fd, "r") : NULL;
    bool there;

    when_interrupted = cli_lasts(cli) ? CLI_DONE : CLI_FAILED;
    signal(SIGINT, interrupted);
    signal(SIGTERM, interrupted);
    there = from && say(fd, o);
    json_decref(o);
    if (there) {
        o = answers_print(from, cli->json);
        there = ended(o, code);
        json_decref(o);
    }
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (from)
        fclose(from);
    return there;
}

/* The keyring through secret-tool: a program of its own, so that no GLib is in ours, and arguments
 * as they are, so that no shell reads an address. */
#include "im/secret.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "im/lang.h"
#include "mynah/jid.h"

enum { PASSWORD_MAX = 4096, ERROR_MAX = 300, NOT_INSTALLED = 127 };

static void child_run(const char *const *words, int talk, int errors)
{
    mn_child_signals();
    dup2(talk, STDIN_FILENO);
    dup2(talk, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    execvp(words[0], (char *const *)words);
    _exit(NOT_INSTALLED);
}

/* Runs it with this input; its output, at most a page, and the first line of its errors land in
 * `a`. The exit code; 127: it is not installed. One socket is its standard input and output. */
static int ran(const char *const *words, mn_str input, struct mn_arena *a, mn_str *out, mn_str *err)
{
    int ends[2], errors[2], status = -1;
    char *p = mn_arena_bytes(a, PASSWORD_MAX), *said = mn_arena_bytes(a, ERROR_MAX);
    pid_t child;
    ssize_t got;
    mn_str rest;

    *out = (mn_str){p, 0};
    *err = (mn_str){0};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return -1;
    if (pipe2(errors, O_CLOEXEC | O_NONBLOCK)) {
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    child = fork();
    if (!child)
        child_run(words, ends[1], errors[1]);
    close(ends[1]);
    close(errors[1]);
    (void)!send(ends[0], input.p, input.n, MSG_NOSIGNAL);
    shutdown(ends[0], SHUT_WR);
    while (out->n < PASSWORD_MAX && (got = recv(ends[0], p + out->n, PASSWORD_MAX - out->n, 0)) > 0)
        out->n += (size_t)got;
    close(ends[0]);
    if (child > 0)
        waitpid(child, &status, 0);
    got = read(errors[0], said, ERROR_MAX);
    close(errors[0]);
    if (got > 0)
        *err = mn_str_trim(mn_str_cut((mn_str){said, (size_t)got}, '\n', &rest));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* secret-tool WORD ... service mynah account BARE; of `store` with a label. */
static int tool(const char *word, const char *label, const char *bare, mn_str input,
                struct mn_arena *a, mn_str *out, mn_str *err)
{
    const char *labelled[] = {"secret-tool", word,      label, "service",
                              "mynah",       "account", bare,  NULL};
    const char *plain[] = {"secret-tool", word, "service", "mynah", "account", bare, NULL};

    return ran(label ? labelled : plain, input, a, out, err);
}

static const char *as_written(mn_str jid, struct mn_arena *a)
{
    mn_str rest;

    return mn_arena_cstr(a, mn_str_cut(jid, '/', &rest));
}

/* One for an account, however it is written. */
static const char *key_of(mn_str jid, struct mn_arena *a)
{
    char *bare = mynah_jid_bare(as_written(jid, a));
    const char *key = bare ? mn_arena_cstr(a, mn_str_from(bare)) : as_written(jid, a);

    mynah_free(bare);
    return key;
}

static int told(int code, const char *what, mn_str jid, mn_str err, struct mn_buf *why)
{
    if (code == NOT_INSTALLED) {
        mn_buf_fmt(why, "%s", _("secret-tool is not installed (package libsecret-tools)"));
        return MN_E_NOT_FOUND;
    }
    mn_buf_fmt(why, what, MN_ARG(jid));
    if (err.n)
        mn_buf_fmt(why, ": %.*s", MN_ARG(err));
    return MN_E_DENIED;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value;
}

/* Where the keyring is spoken to; with a display one begins when it is asked for. */
static bool session_bus(struct mn_arena *a)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    return is_set("DBUS_SESSION_BUS_ADDRESS") || is_set("DISPLAY") ||
           (runtime && !access(mn_arena_fmt(a, "%s/bus", runtime).p, R_OK | W_OK));
}

bool im_secret_there(void)
{
    const char *path = getenv("PATH");
    mn_str rest = mn_str_from(path ? path : "");
    struct mn_arena a = {0};
    bool found = false, bus = session_bus(&a);

    while (rest.n && !found) {
        mn_str folder = mn_str_cut(rest, ':', &rest);

        found = !access(mn_arena_fmt(&a, "%.*s/secret-tool", MN_ARG(folder)).p, X_OK);
    }
    mn_arena_done(&a, NULL);
    return found && bus;
}

int im_secret_get(mn_str jid, struct mn_arena *a, mn_str *out, struct mn_buf *why)
{
    const char *key = key_of(jid, a), *written = as_written(jid, a);
    mn_str err;
    int code = tool("lookup", NULL, key, (mn_str){0}, a, out, &err);

    if (code && strcmp(key, written) != 0) /* so it was kept before it had one key */
        code = tool("lookup", NULL, written, (mn_str){0}, a, out, &err);
    if (!code && out->n)
        return MN_E_OK;
    return told(code, _("the keyring has no password for %.*s, or is locked"), jid, err, why);
}

int im_secret_set(mn_str jid, mn_str password, struct mn_buf *why)
{
    struct mn_arena a = {0};
    mn_str out, err;
    const char *label = mn_arena_cstr(&a, mn_arena_fmt(&a, "--label=Mynah: %.*s", MN_ARG(jid)));
    int code = tool(password.n ? "store" : "clear", password.n ? label : NULL, key_of(jid, &a),
                    password, &a, &out, &err),
        e = code ? told(code, _("the password of %.*s could not be changed in the keyring"), jid,
                        err, why)
                 : MN_E_OK;

    mn_arena_done(&a, NULL);
    return e;
}

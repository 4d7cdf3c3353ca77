/* What is asked of the server: where it is, requests and their answers, pages and lines of them. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/file.h"
#include "mynahctl.h"

enum { CHUNK = 200 };

static struct {
    int fd;
    struct mn_buf in;
    size_t done;      /* lines of --from that are through */
    char unread[300]; /* why the configuration does not tell where the server is */
} server = {.fd = -1};

/* Only these keys are looked at: the file as a whole is mynahd's to check. */
static struct place place_of(mn_str yaml, const char *path, struct mn_arena *a)
{
    static const struct mn_conf_row control[] = {
        {"socket", MN_CONF_TEXT, offsetof(struct place, socket), ""}, {0}};
    static const struct mn_conf_row file[] = {
        {"data", MN_CONF_TEXT, offsetof(struct place, data), "/var/lib/mynah"},
        {"run_as", MN_CONF_TEXT, offsetof(struct place, run_as), ""},
        {"control", MN_CONF_SECTION, 0, .rows = control},
        {0}};
    struct mn_conf_errors errors;
    struct place p;

    /* Other keys are wrong for this table: they do not matter. */
    if (mn_conf_parse(yaml, file, a, &p, &errors) &&
        mn_str_starts(errors.items[0].text, MN_STR("not YAML")))
        snprintf(server.unread, sizeof server.unread, " (%s:%d: %.*s)", path, errors.items[0].line,
                 MN_ARG(errors.items[0].text));
    return p;
}

struct place place_read(struct mn_arena *a)
{
    const char *path = ctl.config ? ctl.config : "/etc/mynah/mynahd.yaml";
    mn_str yaml = MN_STR("");
    int e = mn_file_read(path, 1 << 20, a, &yaml);

    if (e && (ctl.config || e != MN_E_NOT_FOUND))
        fail(1, "not-acceptable", "cannot read %s: %s", path, mn_err_text(e));
    return place_of(yaml, path, a);
}

static const char *socket_path(struct mn_arena *a)
{
    struct place p;

    if (ctl.socket)
        return ctl.socket;
    p = place_read(a);
    if (p.socket.n)
        return mn_arena_cstr(a, p.socket);
    if (ctl.data)
        p.data = mn_str_from(ctl.data);
    return mn_arena_fmt(a, "%.*s/control.sock", MN_ARG(p.data)).p;
}

void server_connect(void)
{
    struct mn_arena a = {0};
    const char *path = socket_path(&a);
    MN_AUTO(mn_closep) int folder = -1;
    struct sockaddr_un at;
    int e = mn_file_socket(path, &at, &folder);

    if (e == MN_E_LIMIT)
        fail(EXIT_USAGE, "bad-request", "%s is too long for the path of a socket", path);
    errno = e == MN_E_DENIED ? EACCES : ENOENT;
    if (!e)
        server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!e && !connect(server.fd, (struct sockaddr *)&at, sizeof at)) {
        mn_arena_done(&a, NULL);
        return;
    }
    if (errno == EACCES || errno == EPERM)
        fail(1, "forbidden", "you may not use %s: become root, or the user that mynahd runs as",
             path);
    fail(EXIT_DOWN, "service-unavailable",
         "no server answers at %s%s: start mynahd, or name its data folder with --data DIR (that "
         "of ./run is var/data) or its socket with --socket PATH",
         path, server.unread);
}

/* The next line from the server, as JSON. */
static json_t *answer_read(void)
{
    char *end;
    json_t *o;

    while (!(end = server.in.n ? memchr(server.in.p, '\n', server.in.n) : NULL)) {
        ssize_t n = recv(server.fd, mn_buf_room(&server.in, 65536), 65536, 0);

        if (n <= 0)
            fail(1, "service-unavailable",
                 "the server ended before it answered; look what of it was done");
        server.in.n += (size_t)n;
    }
    o = json_loadb(server.in.p, (size_t)(end - server.in.p), 0, NULL);
    if (!o)
        fail(1, "service-unavailable", "what answers there is no mynahd");
    mn_buf_shift(&server.in, (size_t)(end - server.in.p) + 1);
    return o;
}

static bool on_terminal(void)
{
    return !ctl.json && isatty(2);
}

static void progress_show(json_int_t more)
{
    if (on_terminal())
        fprintf(stderr, "\r%lld ", (long long)server.done + more);
}

/* One request: its answer's `ok`. */
static json_t *ask(const char *command, json_t *args)
{
    json_t *request = json_object(), *words = json_array(), *o, *v;
    mn_str rest = mn_str_from(command);
    char *text;

    while (rest.n) {
        mn_str word = mn_str_cut(rest, ' ', &rest);

        json_array_append_new(words, json_stringn(word.p, word.n));
    }
    json_object_set_new(request, "command", words);
    json_object_set(request, "args", args);
    text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    /* A server that hangs up has said why: that is read below. */
    for (mn_str left = mn_str_from(text); left.n;) {
        ssize_t n = send(server.fd, left.p, left.n, MSG_NOSIGNAL);

        if (n <= 0)
            break;
        left = mn_str_skip(left, (size_t)n);
    }
    (void)!send(server.fd, "\n", 1, MSG_NOSIGNAL);
    free(text);
    while ((v = json_object_get(o = answer_read(), "progress"))) {
        progress_show(json_integer_value(json_object_get(v, "done")));
        json_decref(o);
    }
    if ((v = json_object_get(o, "error"))) {
        const char *code = json_string_value(json_object_get(v, "code")),
                   *why = json_string_value(json_object_get(v, "text"));

        fail(1, code ? code : "undefined-condition", "%s", why ? why : "refused");
    }
    v = json_incref(json_object_get(o, "ok"));
    json_decref(o);
    return v;
}

/* Answers to parts of a command become one: numbers are added, lists joined. */
static void merge(json_t *whole, json_t *part)
{
    const char *key;
    json_t *v;

    json_object_foreach(part, key, v)
    {
        json_t *has_already = json_object_get(whole, key);

        if (json_is_integer(v) && json_is_integer(has_already))
            json_integer_set(has_already, json_integer_value(has_already) + json_integer_value(v));
        else if (json_is_array(v) && json_is_array(has_already))
            json_array_extend(has_already, v);
        else
            json_object_set(whole, key, v);
    }
    json_decref(part);
}

json_t *ask_pages(const char *command, json_t *args)
{
    json_t *whole = json_object(), *next;

    do {
        merge(whole, ask(command, args));
        next = json_incref(json_object_get(whole, "next"));
        json_object_del(whole, "next");
        if (next)
            json_object_set_new(args, "after", next);
    } while (next);
    return whole;
}

/* Lines. */

/* Two fields: up to the first blank, and all behind the blanks there. */
static json_t *line_json(const char *fields, mn_str line)
{
    mn_str second, first = mn_str_cut(mn_str_from(fields), ' ', &second);
    size_t n = 0;
    mn_str rest;

    while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
        n++;
    rest = mn_str_skip(line, n);
    while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t'))
        rest = mn_str_skip(rest, 1);
    return json_pack("{s%:s%,s%:s%}", first.p, first.n, line.p, n, second.p, second.n,
                     rest.n ? rest.p : "", rest.n);
}

static void chunk_ask(const char *command, json_t *args, json_t *chunk, json_t *whole)
{
    if (!json_array_size(chunk))
        return;
    merge(whole, ask(command, args));
    server.done += json_array_size(chunk);
    progress_show(0);
    json_array_clear(chunk);
}

json_t *ask_lines(const char *command, const char *name, const char *fields, json_t *args)
{
    const char *path = given("from");
    FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
    json_t *whole = json_object(), *chunk = json_array();
    char *line = NULL;
    size_t room = 0, number = 0;
    ssize_t n;

    if (!f)
        fail(1, "not-acceptable", "cannot read %s: %s", path, strerror(errno));
    json_object_set_new(args, name, chunk);
    while ((n = getline(&line, &room, f)) > 0) {
        mn_str text = line_end_off(line, n);
        json_t *item;

        number++;
        if (!text.n)
            continue;
        if (!(item = line_json(fields, text)))
            fail(1, "bad-request", "%s: line %zu is not UTF-8; the lines before it are done", path,
                 number - json_array_size(chunk));
        json_array_append_new(chunk, item);
        if (json_array_size(chunk) == CHUNK)
            chunk_ask(command, args, chunk, whole);
    }
    chunk_ask(command, args, chunk, whole);
    if (on_terminal())
        fputs("\r\033[K", stderr);
    free(line);
    if (f != stdin)
        fclose(f);
    return whole;
}

void server_close(void)
{
    mn_buf_free(&server.in);
    mn_closep(&server.fd);
}

/* mynahctl: administration from the shell, over the server's control socket (docs/control.md).
 * Command line and help are made of the table that the server runs, what is shown follows the shape
 * of the answer: what a command means is the server's business alone. */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/file.h"
#include "commands.h"
#include "restore.h"

enum { EXIT_USAGE = 64, EXIT_DOWN = 69, GIVEN_MAX = 32, CHUNK = 200 };

struct given { /* an option on the command line */
    const char *name, *value;
};

static struct {
    const char *socket, *config, *data;
    bool json;
    const char *words[GIVEN_MAX];
    struct given options[GIVEN_MAX];
    size_t word_count, option_count;
    int fd;
    struct mn_buf in;
    size_t done; /* lines of --from that are through */
} ctl = {.fd = -1};

/* Ends with one line that says what to do; scripts find it on standard output too. */
_Noreturn static void fail(int exit_code, const char *code, const char *fmt, ...) MN_PRINTF(3, 4);

static void fail(int exit_code, const char *code, const char *fmt, ...)
{
    char text[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *c = text; *c; c++)
        *c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
    fprintf(stderr, "mynahctl: %s\n", text);
    if (ctl.json) {
        json_t *e = json_pack("{s{ss,ss}}", "error", "code", code, "text", text);

        json_dumpf(e, stdout, JSON_COMPACT);
        putchar('\n');
    }
    fflush(stdout);
    _exit(exit_code);
}

/* Help. */

static void help(void)
{
    struct mn_buf b = {0};

    mn_buf_lit(&b, "mynahctl [--socket PATH | --config FILE] [--data DIR] [--json] COMMAND...\n"
                   "Administers the running mynahd, as root or as its own user.\n");
    for (size_t i = 0; i < MN_COUNT(ctl_options); i++)
        mn_buf_fmt(&b, "  --%s %-*s  %s\n", ctl_options[i].name,
                   (int)(11 - strlen(ctl_options[i].name)), ctl_options[i].value,
                   ctl_options[i].text);
    mn_buf_lit(&b, "Exit: 0 done, 1 refused or failed, 64 wrong usage, 69 no server runs\n\n");
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        mn_buf_fmt(&b, "  %s", rows[i].words);
        for (const struct arg *a = rows[i].args; a->kind; a++)
            arg_synopsis(a, &b);
        mn_buf_fmt(&b, "\n      %s\n", rows[i].text);
        for (const struct arg *a = rows[i].args; a->kind && a->kind != AFTER; a++) {
            mn_buf_lit(&b, "      ");
            arg_help(a, &b);
            mn_buf_c(&b, '\n');
        }
    }
    fwrite(b.p, 1, b.n, stdout);
    mn_buf_free(&b);
}

/* The command line. */

static bool begins(const char *text, const char *head, const char **rest)
{
    size_t n = strlen(head);

    *rest = text + n;
    return !strncmp(text, head, n);
}

/* Is `name` the option that stands for this argument, and does it take a value? */
static bool is_option_of(const struct arg *a, const char *name, bool *valued)
{
    const char *rest;

    *valued = true;
    if (a->kind == OPTION)
        return !strcmp(name, a->name);
    if (a->kind == LINES)
        return !strcmp(name, "from");
    if (a->kind != SECRET || !begins(name, a->name, &rest))
        return false;
    *valued = !strcmp(rest, "-file");
    return *valued || !strcmp(rest, "-stdin");
}

static bool is_valued(const char *name)
{
    bool valued;

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        for (const struct arg *a = rows[i].args; a->kind; a++)
            if (is_option_of(a, name, &valued))
                return valued;
    fail(EXIT_USAGE, "bad-request", "there is no option --%s; see mynahctl --help", name);
}

/* The value of an option, behind it or behind its `=`. */
static const char *value_of(char *equals, char **argv, int *i)
{
    if (equals)
        return equals + 1;
    if (!argv[*i + 1])
        fail(EXIT_USAGE, "bad-request", "%s: a value is missing", argv[*i]);
    return argv[++*i];
}

static void option(char **argv, int *i)
{
    char *name = argv[*i] + 2, *equals = strchr(name, '=');

    if (equals)
        *equals = 0;
    if (!strcmp(name, "help")) {
        help();
        exit(0);
    } else if (!strcmp(name, "version")) {
        puts("mynahctl " MN_VERSION);
        exit(0);
    } else if (!strcmp(name, "json")) {
        ctl.json = true;
    } else if (!strcmp(name, "socket")) {
        ctl.socket = value_of(equals, argv, i);
    } else if (!strcmp(name, "config")) {
        ctl.config = value_of(equals, argv, i);
    } else if (!strcmp(name, "data")) {
        ctl.data = value_of(equals, argv, i);
    } else {
        bool valued = is_valued(name);

        if (ctl.option_count == GIVEN_MAX || (equals && !valued))
            fail(EXIT_USAGE, "bad-request", "--%s: too many options, or a value too much", name);
        ctl.options[ctl.option_count++] =
            (struct given){name, valued ? value_of(equals, argv, i) : ""};
    }
}

static void command_line(char **argv)
{
    bool words_only = false;

    for (int i = 1; argv[i]; i++) {
        if (!words_only && !strcmp(argv[i], "--"))
            words_only = true;
        else if (!words_only && !strncmp(argv[i], "--", 2))
            option(argv, &i);
        else if (ctl.word_count == GIVEN_MAX)
            fail(EXIT_USAGE, "bad-request", "too many words");
        else
            ctl.words[ctl.word_count++] = argv[i];
    }
    if (ctl.socket && ctl.config)
        fail(EXIT_USAGE, "bad-request", "--socket and --config: one of them says enough");
}

static const char *given(const char *name)
{
    if (!strcmp(name, "data"))
        return ctl.data;
    for (size_t i = 0; i < ctl.option_count; i++)
        if (!strcmp(ctl.options[i].name, name))
            return ctl.options[i].value;
    return NULL;
}

/* How many words of the command line the row's name takes; 0: it is another command. */
static size_t name_words(const struct row *row)
{
    mn_str rest = mn_str_from(row->words);
    size_t n = 0;

    while (rest.n)
        if (n == ctl.word_count || !mn_str_is(mn_str_cut(rest, ' ', &rest), ctl.words[n++]))
            return 0;
    return n;
}

/* All options that were given are the row's. */
static bool takes_options(const struct row *row)
{
    for (size_t i = 0; i < ctl.option_count; i++) {
        bool valued, known = false;

        for (const struct arg *a = row->args; a->kind; a++)
            known |= is_option_of(a, ctl.options[i].name, &valued);
        if (!known)
            return false;
    }
    return true;
}

static bool has(const struct row *row, enum kind kind)
{
    for (const struct arg *a = row->args; a->kind; a++)
        if (a->kind == kind)
            return true;
    return false;
}

static const struct row *row_find(void)
{
    const struct row *named = NULL;

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        if (!name_words(&rows[i]))
            continue;
        named = &rows[i];
        if (takes_options(named) && has(named, LINES) == (given("from") != NULL))
            return named;
    }
    if (named)
        fail(EXIT_USAGE, "bad-request",
             "%s: these options do not belong to it; see mynahctl --help", named->words);
    if (!ctl.word_count)
        fail(EXIT_USAGE, "bad-request", "which command? See mynahctl --help");
    fail(EXIT_USAGE, "bad-request", "there is no command %s; see mynahctl --help", ctl.words[0]);
}

/* Text that goes to the server. */
static json_t *text_json(const char *what, mn_str s)
{
    json_t *v = json_stringn(s.p ? s.p : "", s.n);

    if (!v)
        fail(1, "bad-request", "%s is not UTF-8", what);
    return v;
}

/* Secrets. */

static mn_str line_end_off(const char *line, ssize_t n)
{
    while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        n--;
    return (mn_str){line, n > 0 ? (size_t)n : 0};
}

static json_t *first_line(const char *name, FILE *from)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n = getline(&line, &room, from);
    json_t *v;

    if (n <= 0)
        fail(1, "not-acceptable", "%s: nothing can be read there", name);
    v = text_json(name, line_end_off(line, n));
    free(line);
    return v;
}

/* Without an echo; control characters do not interrupt, so that the terminal is itself again. */
static json_t *prompt(FILE *tty, const char *what, const char *whose, const char *again)
{
    struct termios was, quiet;
    json_t *v;

    if (tcgetattr(fileno(tty), &was))
        fail(1, "not-acceptable", "the terminal: %s", strerror(errno));
    quiet = was;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    quiet.c_lflag |= ECHONL;
    tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
    fprintf(tty, "%s of %s%s: ", what, whose, again);
    fflush(tty);
    v = first_line("the terminal", tty);
    tcsetattr(fileno(tty), TCSAFLUSH, &was);
    for (const char *c = json_string_value(v); *c; c++)
        if ((unsigned char)*c < ' ')
            fail(1, "not-acceptable", "given up");
    return v;
}

static json_t *secret(const struct arg *a, const char *whose)
{
    struct mn_arena room = {0};
    const char *path = given(mn_arena_fmt(&room, "%s-file", a->name).p);
    bool from_stdin = given(mn_arena_fmt(&room, "%s-stdin", a->name).p);
    json_t *v, *again;
    FILE *f;

    if (from_stdin) {
        v = first_line("standard input", stdin);
    } else if (path) {
        if (!(f = fopen(path, "re")))
            fail(1, "not-acceptable", "cannot read %s: %s", path, strerror(errno));
        v = first_line(path, f);
        fclose(f);
    } else {
        if (!(f = fopen("/dev/tty", "r+e")))
            fail(EXIT_USAGE, "bad-request",
                 "no terminal to ask for the %s: use --%s-stdin or --%s-file FILE", a->name,
                 a->name, a->name);
        v = prompt(f, a->value, whose, "");
        again = prompt(f, a->value, whose, ", again");
        fclose(f);
        if (!json_equal(v, again))
            fail(1, "not-acceptable", "these two are not the same");
        json_decref(again);
    }
    mn_arena_done(&room, NULL);
    return v;
}

/* The server may be in another folder than we are. */
static const char *whole_path(const char *path, struct mn_arena *a)
{
    char here[4096];

    if (*path == '/' || !getcwd(here, sizeof here))
        return path;
    return mn_arena_fmt(a, "%s/%s", here, path).p;
}

/* The arguments that stand on the command line. */
static json_t *args_json(const struct row *row)
{
    size_t word = name_words(row);
    json_t *args = json_object();
    struct mn_arena room = {0};

    for (const struct arg *a = row->args; a->kind; a++) {
        bool needed = a->kind == WORD || a->kind == TEXT;

        if (needed && word == ctl.word_count)
            fail(EXIT_USAGE, "bad-request", "%s: %s is missing: %s", row->words, a->value, a->text);
        if ((needed || a->kind == MAYBE) && word < ctl.word_count) {
            const char *text = ctl.words[word++];

            if (!strcmp(a->value, "FILE"))
                text = whole_path(text, &room);
            json_object_set_new(args, a->name, text_json(a->value, mn_str_from(text)));
        } else if (a->kind == OPTION && given(a->name)) {
            json_object_set_new(args, a->name, text_json(a->value, mn_str_from(given(a->name))));
        }
    }
    if (word < ctl.word_count)
        fail(EXIT_USAGE, "bad-request", "%s: %s is too much; see mynahctl --help", row->words,
             ctl.words[word]);
    mn_arena_done(&room, NULL);
    return args;
}

/* Asked for when the server is there: nobody types a password in vain. */
static void secrets_add(const struct row *row, json_t *args)
{
    const char *whose = ctl.words[name_words(row)];

    for (const struct arg *a = row->args; a->kind; a++)
        if (a->kind == SECRET)
            json_object_set_new(args, a->name, secret(a, whose));
}

/* The connection. */

struct place { /* what of mynahd's configuration matters here */
    mn_str data, socket, run_as;
};

/* Only these keys are looked at: the file as a whole is mynahd's to check. */
static struct place place_of(mn_str yaml, struct mn_arena *a)
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

    (void)!mn_conf_parse(yaml, file, a, &p, &errors);
    return p;
}

static struct place place_read(struct mn_arena *a)
{
    const char *path = ctl.config ? ctl.config : "/etc/mynah/mynahd.yaml";
    mn_str yaml = MN_STR("");
    int e = mn_file_read(path, 1 << 20, a, &yaml);

    if (e && (ctl.config || e != MN_E_NOT_FOUND))
        fail(1, "not-acceptable", "cannot read %s: %s", path, mn_err_text(e));
    return place_of(yaml, a);
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

static void server_connect(void)
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
        ctl.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!e && !connect(ctl.fd, (struct sockaddr *)&at, sizeof at)) {
        mn_arena_done(&a, NULL);
        return;
    }
    if (errno == EACCES || errno == EPERM)
        fail(1, "forbidden", "you may not use %s: become root, or the user that mynahd runs as",
             path);
    fail(EXIT_DOWN, "service-unavailable",
         "no server answers at %s: start mynahd, or name its data folder with --data DIR (that of "
         "./run is var/data) or its socket with --socket PATH",
         path);
}

/* The next line from the server, as JSON. */
static json_t *answer_read(void)
{
    char *end;
    json_t *o;

    while (!(end = ctl.in.n ? memchr(ctl.in.p, '\n', ctl.in.n) : NULL)) {
        ssize_t n = recv(ctl.fd, mn_buf_room(&ctl.in, 65536), 65536, 0);

        if (n <= 0)
            fail(1, "service-unavailable",
                 "the server ended before it answered; look what of it was done");
        ctl.in.n += (size_t)n;
    }
    o = json_loadb(ctl.in.p, (size_t)(end - ctl.in.p), 0, NULL);
    if (!o)
        fail(1, "service-unavailable", "what answers there is no mynahd");
    mn_buf_shift(&ctl.in, (size_t)(end - ctl.in.p) + 1);
    return o;
}

static bool on_terminal(void)
{
    return !ctl.json && isatty(2);
}

static void progress_show(json_int_t more)
{
    if (on_terminal())
        fprintf(stderr, "\r%lld ", (long long)ctl.done + more);
}

/* One request: its answer's `ok`. */
static json_t *ask(const struct row *row, json_t *args)
{
    json_t *request = json_object(), *words = json_array(), *o, *v;
    mn_str rest = mn_str_from(row->words);
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
        ssize_t n = send(ctl.fd, left.p, left.n, MSG_NOSIGNAL);

        if (n <= 0)
            break;
        left = mn_str_skip(left, (size_t)n);
    }
    (void)!send(ctl.fd, "\n", 1, MSG_NOSIGNAL);
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

/* Page after page. */
static json_t *ask_pages(const struct row *row, json_t *args)
{
    json_t *whole = json_object(), *next;

    do {
        merge(whole, ask(row, args));
        next = json_incref(json_object_get(whole, "next"));
        json_object_del(whole, "next");
        if (next)
            json_object_set_new(args, "after", next);
    } while (next);
    return whole;
}

/* Lines. */

/* Two fields: up to the first blank, and all behind the blanks there. */
static json_t *line_json(const struct arg *a, mn_str line)
{
    mn_str second, first = mn_str_cut(mn_str_from(a->value), ' ', &second);
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

static void chunk_ask(const struct row *row, const struct arg *a, json_t *args, json_t *whole)
{
    json_t *chunk = json_object_get(args, a->name);

    if (!json_array_size(chunk))
        return;
    merge(whole, ask(row, args));
    ctl.done += json_array_size(chunk);
    progress_show(0);
    json_array_clear(chunk);
}

static json_t *ask_lines(const struct row *row, const struct arg *a, json_t *args)
{
    const char *path = given("from");
    FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
    json_t *whole = json_object(), *chunk = json_array();
    char *line = NULL;
    size_t room = 0, number = 0;
    ssize_t n;

    if (!f)
        fail(1, "not-acceptable", "cannot read %s: %s", path, strerror(errno));
    json_object_set_new(args, a->name, chunk);
    while ((n = getline(&line, &room, f)) > 0) {
        mn_str text = line_end_off(line, n);
        json_t *item;

        number++;
        if (!text.n)
            continue;
        if (!(item = line_json(a, text)))
            fail(1, "bad-request", "%s: line %zu is not UTF-8; the lines before it are done", path,
                 number - json_array_size(chunk));
        json_array_append_new(chunk, item);
        if (json_array_size(chunk) == CHUNK)
            chunk_ask(row, a, args, whole);
    }
    chunk_ask(row, a, args, whole);
    if (on_terminal())
        fputs("\r\033[K", stderr);
    free(line);
    if (f != stdin)
        fclose(f);
    return whole;
}

/* Showing. */

/* A value as text; what could steer a terminal is not let through. */
static mn_str shown(const json_t *v, struct mn_arena *a)
{
    mn_str s = MN_STR("-");
    char *p;

    if (json_is_integer(v))
        return mn_arena_fmt(a, "%lld", (long long)json_integer_value(v));
    if (json_is_boolean(v))
        return json_is_true(v) ? MN_STR("yes") : MN_STR("no");
    if (json_is_string(v))
        s = (mn_str){json_string_value(v), json_string_length(v)};
    p = mn_arena_bytes(a, s.n);
    for (size_t i = 0; i < s.n; i++)
        p[i] = (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? '?' : s.p[i];
    return (mn_str){p, s.n};
}

/* Characters, not bytes. */
static size_t width(mn_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void cell(mn_str s, size_t column, bool last)
{
    fwrite(s.p, 1, s.n, stdout);
    if (last)
        putchar('\n');
    else
        printf("%*s", (int)(column - width(s)) + 2, "");
}

static void table_show(const char *name, const json_t *list)
{
    struct mn_arena a = {0};
    const json_t *first = json_array_get(list, 0);
    size_t columns[32] = {0}, count = json_object_size(first), k, i;
    const char *key;
    json_t *row, *v;

    if (count > MN_COUNT(columns))
        count = MN_COUNT(columns);
    k = 0;
    json_object_foreach((json_t *)first, key, v) if (k < count) columns[k++] = strlen(key);
    json_array_foreach((json_t *)list, i, row)
    {
        k = 0;
        json_object_foreach(row, key, v) if (k < count)
        {
            size_t w = width(shown(v, &a));

            columns[k] = w > columns[k] ? w : columns[k];
            k++;
        }
    }
    k = 0;
    json_object_foreach((json_t *)first, key, v) if (k < count)
    {
        cell(mn_str_from(key), columns[k], k + 1 == count);
        k++;
    }
    json_array_foreach((json_t *)list, i, row)
    {
        k = 0;
        json_object_foreach(row, key, v) if (k < count)
        {
            cell(shown(v, &a), columns[k], k + 1 == count);
            k++;
        }
    }
    printf("%zu %s\n", json_array_size(list), name);
    mn_arena_done(&a, NULL);
}

static void words_show(const json_t *list)
{
    struct mn_arena a = {0};
    json_t *v;
    size_t i;

    json_array_foreach((json_t *)list, i, v)
    {
        mn_str s = shown(v, &a);

        printf("%s%.*s", i ? ", " : "", MN_ARG(s));
    }
    putchar('\n');
    mn_arena_done(&a, NULL);
}

static bool is_table(const json_t *v)
{
    return json_is_array(v) && (!json_array_size(v) || json_is_object(json_array_get(v, 0)));
}

static void ok_show(json_t *ok)
{
    struct mn_arena a = {0};
    size_t column = 0;
    const char *key;
    json_t *v;

    json_object_foreach(ok, key, v) if (!is_table(v) && strlen(key) > column) column = strlen(key);
    json_object_foreach(ok, key, v)
    {
        if (is_table(v)) {
            table_show(key, v);
            continue;
        }
        cell(mn_str_from(key), column, false);
        if (json_is_array(v))
            words_show(v);
        else
            cell(shown(v, &a), 0, true);
    }
    mn_arena_done(&a, NULL);
}

/* What of a command on many things could not be done: a line each. */
static int failed_show(json_t *ok)
{
    json_t *failed = json_object_get(ok, "failed"), *v;
    size_t i, count = json_array_size(failed);
    struct mn_arena a = {0};

    json_array_foreach(failed, i, v)
    {
        mn_str whose = shown(json_object_get(v, "jid"), &a),
               why = shown(json_object_get(v, "text"), &a);

        fprintf(stderr, "mynahctl: %.*s: %.*s\n", MN_ARG(whose), MN_ARG(why));
    }
    mn_arena_done(&a, NULL);
    if (count && !ctl.json)
        json_object_set_new(ok, "failed", json_integer((json_int_t)count));
    else if (!ctl.json)
        json_object_del(ok, "failed");
    return count > 0;
}

/* What is done here and not by the server. */
static json_t *restore_json(const json_t *args)
{
    const char *file = json_string_value(json_object_get(args, "file")), *dir = given("data");
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    struct place p = place_read(&a);
    int64_t bytes = 0;

    if (!dir)
        fail(EXIT_USAGE, "bad-request", "restore: --data DIR is missing: the folder to make");
    if (restore(file, dir, p.run_as.n ? mn_arena_cstr(&a, p.run_as) : "mynah", &bytes, &why))
        fail(1, "not-acceptable", "%.*s", MN_ARG(mn_buf_view(&why)));
    mn_arena_done(&a, NULL);
    mn_buf_free(&why);
    return json_pack("{ss,sI}", "data", dir, "bytes", (json_int_t)bytes);
}

int main(int argc, char **argv)
{
    const struct row *row;
    json_t *args, *ok = NULL;
    int code;

    (void)argc;
    command_line(argv);
    row = row_find();
    args = args_json(row);
    if (row->local)
        ok = restore_json(args);
    else
        server_connect();
    secrets_add(row, args);
    for (const struct arg *a = row->args; a->kind; a++)
        if (a->kind == LINES)
            ok = ask_lines(row, a, args);
    if (!ok)
        ok = ask_pages(row, args);
    code = failed_show(ok);
    if (ctl.json) {
        json_t *whole = json_pack("{sO}", "ok", ok);

        json_dumpf(whole, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(whole);
    } else {
        ok_show(ok);
    }
    json_decref(ok);
    json_decref(args);
    mn_buf_free(&ctl.in);
    mn_closep(&ctl.fd);
    return code;
}

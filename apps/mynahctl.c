/* mynahctl: administration from the shell, over the server's control socket (docs/control.md).
 * Command line and help are made of the table that the server runs, what is shown follows the shape
 * of the answer: what a command means is the server's business alone. */
#include "mynahctl.h"

#include <errno.h>
#include <stdarg.h>
#include <termios.h>
#include <unistd.h>

#include "commands.h"
#include "restore.h"

struct ctl ctl;

void fail(int exit_code, const char *code, const char *fmt, ...)
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
    if (equals && (!strcmp(name, "help") || !strcmp(name, "version") || !strcmp(name, "json")))
        fail(EXIT_USAGE, "bad-request", "--%s takes no value", name);
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

const char *given(const char *name)
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

json_t *text_json(const char *what, mn_str s)
{
    json_t *v = json_stringn(s.p ? s.p : "", s.n);

    if (!v)
        fail(1, "bad-request", "%s is not UTF-8", what);
    return v;
}

/* Secrets. */

mn_str line_end_off(const char *line, ssize_t n)
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
            ok = ask_lines(row->words, a->name, a->value, args);
    if (!ok)
        ok = ask_pages(row->words, args);
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
    server_close();
    return code;
}

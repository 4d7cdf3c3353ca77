/* The command line of mynahctl as tables: its own options, and the commands of the server. */
#pragma once

#include "base/buf.h"

struct option_row {
    char letter;
    const char *name, *value, *text;
};

enum kind { WORD = 1, TEXT, MAYBE, OPTION, SECRET, LINES, AFTER };

struct arg {
    enum kind kind;
    const char *name, *value, *text;
};

struct row {
    bool local; /* mynahctl does it itself */
    const char *words, *text;
    struct arg args[8];
};

static const struct option_row ctl_options[] = {
#define MYNAHD(...)
#define MYNAHCTL(letter, name, value, text) {letter, name, value, text},
#include "options.def"
#undef MYNAHCTL
#undef MYNAHD
};

static const struct row rows[] = {
#define ARG(kind, name, value, text) {kind, #name, value, text},
#define LOCAL(words, text, ...) {true, words, text, {__VA_ARGS__}},
#define COMMAND(fn, who, words, text, ...) {false, words, text, {__VA_ARGS__}},
#include "server/commands.def"
#undef COMMAND
#undef LOCAL
#undef ARG
};

/* How an argument is written on the command line. */
static inline void arg_synopsis(const struct arg *a, struct mn_buf *b)
{
    if (a->kind == WORD || a->kind == TEXT)
        mn_buf_fmt(b, " %s", a->value);
    else if (a->kind == MAYBE)
        mn_buf_fmt(b, " [%s]", a->value);
    else if (a->kind == OPTION)
        mn_buf_fmt(b, " [--%s %s]", a->name, a->value);
    else if (a->kind == SECRET)
        mn_buf_fmt(b, " [--%s-stdin | --%s-file FILE]", a->name, a->name);
    else if (a->kind == LINES)
        mn_buf_lit(b, " --from FILE");
}

/* What it is. */
static inline void arg_help(const struct arg *a, struct mn_buf *b)
{
    if (a->kind == SECRET)
        mn_buf_fmt(b, "%s: %s; asked for on the terminal, or the first line of what is named",
                   a->value, a->text);
    else if (a->kind == LINES)
        mn_buf_fmt(b, "FILE: %s; - is standard input", a->text);
    else
        mn_buf_fmt(b, "%s: %s", a->value, a->text);
}

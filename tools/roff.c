#include "roff.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void say(const char *fmt, ...)
{
    char *text;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    va_end(ap);
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (const char *c = text; *c; c++)
        if (*c == '-')
            fputs("\\-", stdout);
        else if (*c == '\\')
            fputs("\\e", stdout);
        else if (*c == '\'')
            fputs("\\(aq", stdout);
        else
            putchar(*c);
    free(text);
}

void head(const char *title, const char *section, const char *name, const char *what)
{
    printf(".TH %s %s \"\" \"Mynah %s\"\n.SH NAME\n", title, section, MN_VERSION);
    say("%s - %s\n", name, what);
}

void heading(const char *name)
{
    printf(".SH %s\n", name);
}

void entry(const char *term, const char *text)
{
    fputs(".TP\n.B ", stdout);
    say("%s\n", term);
    say("%s\n", text);
}

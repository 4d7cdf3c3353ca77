/* What the commands print: for people and scripts. Nothing in a text from outside may reach the
 * terminal as a command to it. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "apps/mynah/cli.h"

/* C0, DEL, C1 and the characters that turn the direction of text. */
static bool harmful(const unsigned char *p, size_t *n)
{
    *n = 1;
    if (p[0] < 0x20 || p[0] == 0x7f)
        return true;
    if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
        *n = 2;
    else if (p[0] == 0xe2 && ((p[1] == 0x80 && ((p[2] >= 0x8e && p[2] <= 0x8f) ||
                                                (p[2] >= 0xa8 && p[2] <= 0xae))) ||
                              (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
        *n = 3;
    return *n > 1;
}

static void text_print(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t n;

        if (!harmful(p, &n))
            putchar(*p);
        else
            fputs(*p == '\n' ? "\\n" : *p == '\t' ? "    " : "\xef\xbf\xbd", stdout);
        p += n;
    }
}

void cli_print(const char *name, const char *value, ...)
{
    json_t *line = json_object();
    bool first = true;
    va_list ap;

    va_start(ap, value);
    for (; name; name = va_arg(ap, const char *), value = name ? va_arg(ap, const char *) : NULL) {
        if (!value)
            continue;
        if (cli.json) {
            json_object_set_new(line, name, json_string(value));
        } else {
            fputs(first ? "" : "\t", stdout);
            text_print(value);
            first = false;
        }
    }
    va_end(ap);
    if (cli.json)
        json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

char *cli_stdin(void)
{
    struct mn_buf b = {0};
    size_t n;

    do {
        n = fread(mn_buf_room(&b, 4096), 1, 4096, stdin);
        b.n += n;
    } while (n);
    mn_buf_c(&b, 0);
    return b.p;
}

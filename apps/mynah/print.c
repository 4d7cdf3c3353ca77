/* What the commands print: for people and scripts. Nothing in a text from outside may reach the
 * terminal as a command to it. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "apps/mynah/cli.h"
#include "apps/mynah/text.h"

static void text_print(const char *text)
{
    char *safe = text_safe(text, "\\n");

    fputs(safe, stdout);
    mn_free(safe);
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

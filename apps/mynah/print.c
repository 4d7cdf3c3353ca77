/* What the commands print: for people and scripts. Nothing in a text from outside may reach the
 * terminal as a command to it. */
#include <stdio.h>

#include "apps/mynah/cli.h"
#include "apps/mynah/text.h"

static void text_print(const char *text)
{
    char *safe = text_safe(text, "\\n");

    fputs(safe, stdout);
    mn_free(safe);
}

/* What would be a command to the terminal stands there as \uXXXX: the same text to a program. */
static void json_print(const json_t *fields)
{
    char *text = json_dumps(fields, JSON_COMPACT);
    struct mn_buf b = {0};

    if (text)
        text_escape(&b, text);
    fwrite(b.p, 1, b.n, stdout);
    mn_buf_free(&b);
    free(text);
}

void print_why(const char *why)
{
    char *safe = text_safe(why, "\n");

    fprintf(stderr, "mynah: %s\n", safe);
    mn_free(safe);
}

bool print_line(json_t *fields, bool json)
{
    const char *name, *sep = "";
    json_t *value;

    if (json) {
        json_print(fields);
    } else {
        json_object_foreach(fields, name, value)
        {
            fputs(sep, stdout);
            text_print(json_string_value(value));
            sep = "\t";
        }
    }
    putchar('\n');
    return !ferror(stdout);
}

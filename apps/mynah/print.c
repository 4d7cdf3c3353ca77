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

void print_line(json_t *fields, bool json)
{
    const char *name, *sep = "";
    json_t *value;

    if (json) {
        json_dumpf(fields, stdout, JSON_COMPACT);
    } else {
        json_object_foreach(fields, name, value)
        {
            fputs(sep, stdout);
            text_print(json_string_value(value));
            sep = "\t";
        }
    }
    putchar('\n');
}

/* Manual pages on standard output, in the macros of man(7). */
#pragma once

#include "base/str.h"

/* Text, with what roff would take for its own escaped. */
void say(const char *fmt, ...) MN_PRINTF(1, 2);
void head(const char *title, const char *section, const char *name, const char *what);
void heading(const char *name);
void entry(const char *term, const char *text);

/* Text from outside on a terminal: nothing in it may be a command to the terminal, or turn around
 * what stands beside it. */
#pragma once

#include "base/str.h"

/* Controls, DEL, C1 and the characters that set the direction of text become U+FFFD; tabs become
 * spaces, line ends `newline`. Malloc'd. */
char *text_safe(const char *text, const char *newline);
/* Columns on the screen. */
int text_width(const char *text);
/* How many bytes of it fit into so many columns, at least one character; with `words` not more than
 * to the end of a word, where there is one. A line end ends it. */
size_t text_fit(const char *text, int columns, bool words);
/* Length in bytes of the character at `p`, and of the one before it. */
size_t text_next(const char *p);
size_t text_before(const char *start, const char *p);

/* Text from outside on a terminal: nothing in it may be a command to the terminal, or turn around
 * what stands beside it. Everything that is shown or printed goes through here. Texts are UTF-8;
 * what is none becomes U+FFFD. The character type of the locale has to be UTF-8. */
#pragma once

#include "base/buf.h"

/* For what is printed: controls, DEL, C1, bytes that are no UTF-8 and the characters that set the
 * direction of text become U+FFFD; tabs become spaces, line ends `newline`. Malloc'd. */
char *text_safe(const char *text, const char *newline);
/* The same for the screen, where a character has to be as wide as everybody believes: emoji that
 * are joined stand one by one, without skin tones; a letter has so many marks as a cell can hold.
 * Malloc'd. */
char *text_screen(const char *text, const char *newline);
/* JSON whose strings have such characters: there they are written \uXXXX, and mean the same. */
void text_escape(struct mn_buf *b, const char *json);
/* Columns on the screen, of such a text or of what it was made of. */
int text_width(const char *text);
int text_columns(const char *p, size_t n); /* of one character (text_next) */
/* How many bytes of it fit into so many columns, at least one character; with `words` not more than
 * to the end of a word, where there is one. A line end ends it. */
size_t text_fit(const char *text, int columns, bool words);
/* Length in bytes of the character at `p`, and of the one before it: what a reader sees as one,
 * with its marks, and a family of joined emoji whole. 0 at the end, and at the start. `p` may stand
 * inside of one: then what is before it of that. */
size_t text_next(const char *p);
size_t text_before(const char *start, const char *p);
/* The code point that it begins with; 0 at the end. */
uint32_t text_point(const char *p);
/* A code point as UTF-8; what is none: U+FFFD. */
void text_add(struct mn_buf *b, uint32_t c);

#include <wctype.h>

#include "apps/mynah/line.h"
#include "apps/mynah/text.h"

enum kind { BLANK, WORD, SIGN };

static enum kind kind_at(const struct typed *l, size_t at)
{
    wint_t c = (wint_t)text_point(l->text + at);

    return c == 0 || iswspace(c) ? BLANK : iswalnum(c) || c == '_' ? WORD : SIGN;
}

size_t line_left(const struct typed *l, size_t at)
{
    return at - text_before(l->text, l->text + at);
}

size_t line_right(const struct typed *l, size_t at)
{
    return at + text_next(l->text + at);
}

size_t line_start(const struct typed *l, size_t at)
{
    while (at && l->text[at - 1] != '\n')
        at--;
    return at;
}

size_t line_end(const struct typed *l, size_t at)
{
    return at + mn_str_find((mn_str){l->text + at, l->n - at}, '\n');
}

size_t line_first(const struct typed *l, size_t at)
{
    at = line_start(l, at);
    while (at < l->n && l->text[at] == ' ')
        at++;
    return at;
}

/* Over what fits, then over what does not: the four shapes that all motions by words have. `kinds`
 * is a set of kinds. */
static bool fits(const struct typed *l, size_t at, unsigned kinds)
{
    return kinds >> kind_at(l, at) & 1;
}

static size_t over_right(const struct typed *l, size_t at, unsigned kinds)
{
    while (at < l->n && fits(l, at, kinds))
        at = line_right(l, at);
    return at;
}

static size_t over_left(const struct typed *l, size_t at, unsigned kinds)
{
    while (at && fits(l, line_left(l, at), kinds))
        at = line_left(l, at);
    return at;
}

enum { BLANKS = 1 << BLANK, WORDS = 1 << WORD, SIGNS = 1 << SIGN };

size_t line_word_right(const struct typed *l, size_t at)
{
    return over_right(l, over_right(l, at, BLANKS | SIGNS), WORDS);
}

size_t line_word_left(const struct typed *l, size_t at)
{
    return over_left(l, over_left(l, at, BLANKS | SIGNS), WORDS);
}

size_t line_blank_right(const struct typed *l, size_t at)
{
    return over_right(l, over_right(l, at, BLANKS), WORDS | SIGNS);
}

size_t line_blank_left(const struct typed *l, size_t at)
{
    return over_left(l, over_left(l, at, BLANKS), WORDS | SIGNS);
}

/* vi: words and signs are words each, or with `big` together. */

static unsigned same(const struct typed *l, size_t at, bool big)
{
    return kind_at(l, at) == BLANK ? 0 : big ? WORDS | SIGNS : 1u << kind_at(l, at);
}

static size_t begin_right(const struct typed *l, size_t at, bool big)
{
    return over_right(l, over_right(l, at, same(l, at, big)), BLANKS);
}

static size_t begin_left(const struct typed *l, size_t at, bool big)
{
    at = over_left(l, at, BLANKS);
    return at ? over_left(l, at, same(l, line_left(l, at), big)) : 0;
}

/* Onto the last character of a word. */
static size_t last_right(const struct typed *l, size_t at, bool big)
{
    size_t next = over_right(l, line_right(l, at), BLANKS);

    if (next >= l->n)
        return at;
    return line_left(l, over_right(l, next, same(l, next, big)));
}

size_t line_vi_right(const struct typed *l, size_t at)
{
    return begin_right(l, at, false);
}

size_t line_vi_left(const struct typed *l, size_t at)
{
    return begin_left(l, at, false);
}

size_t line_vi_end(const struct typed *l, size_t at)
{
    return last_right(l, at, false);
}

size_t line_big_right(const struct typed *l, size_t at)
{
    return begin_right(l, at, true);
}

size_t line_big_left(const struct typed *l, size_t at)
{
    return begin_left(l, at, true);
}

size_t line_big_end(const struct typed *l, size_t at)
{
    return last_right(l, at, true);
}

size_t line_seek(const struct typed *l, size_t at, uint32_t c, bool back, int count)
{
    size_t start = line_start(l, at), end = line_end(l, at);

    while (back ? at > start : at < end) {
        at = back ? line_left(l, at) : line_right(l, at);
        if (at < end && text_point(l->text + at) == c && --count == 0)
            return at;
    }
    return l->n + 1;
}

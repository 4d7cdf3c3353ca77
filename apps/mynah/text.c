#include "apps/mynah/text.h"

#include <uchar.h>
#include <wchar.h>

enum { BROKEN = 0xfffd, JOINER = 0x200d, MARKS_MAX = 3 };

/* One code point of UTF-8, never past a NUL; BROKEN: there is none, one byte is passed over. */
static size_t decode(const char *text, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t more = *p < 0x80 ? 0 : *p < 0xc2 ? 4 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : *p < 0xf5 ? 3 : 4;
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint32_t c;

    *out = BROKEN;
    if (more == 4)
        return 1;
    c = more ? *p & (0x3fu >> more) : *p;
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 1;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 1;
    *out = c;
    return more + 1;
}

/* C0, DEL, C1, and what turns the direction of text or ends its line. */
static bool is_harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x206f) ||
           (c >= 0xfff9 && c <= 0xfffb);
}

static bool is_tone(uint32_t c)
{
    return c >= 0x1f3fb && c <= 0x1f3ff;
}

static bool is_flag(uint32_t c)
{
    return c >= 0x1f1e6 && c <= 0x1f1ff;
}

static int width_of(uint32_t c)
{
    int w = wcwidth((wchar_t)c);

    return w < 0 ? 1 : w;
}

/* What is not drawn: terminals disagree about the width of what it would make of its neighbours.
 * `before`: the columns of the one before it. */
static bool is_left_out(uint32_t c, int before)
{
    return c == JOINER || (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0000 && c <= 0xe0fff) ||
           c == 0xfeff || (is_tone(c) && before == 2);
}

/* Goes with the character before it. */
static bool is_part(uint32_t c)
{
    return is_tone(c) || (c >= 0xe0000 && c <= 0xe0fff) ||
           (!is_harmful(c) && c != BROKEN && width_of(c) == 0);
}

static char *cleaned(const char *text, const char *newline, bool screen)
{
    struct mn_buf b = {0};
    int before = 0, marks = 0;

    while (*text) {
        uint32_t c;
        size_t n = decode(text, &c);
        bool is_mark = c != BROKEN && !is_harmful(c) && width_of(c) == 0;

        if (c == '\n')
            mn_buf_str(&b, mn_str_from(newline));
        else if (c == '\t')
            mn_buf_lit(&b, "    ");
        else if (is_harmful(c) || c == BROKEN)
            mn_buf_lit(&b, "\xef\xbf\xbd");
        else if (!screen || !(is_left_out(c, before) || (is_mark && marks == MARKS_MAX)))
            mn_buf_add(&b, text, n);
        if (!is_mark)
            before = is_harmful(c) ? 0 : width_of(c);
        marks = is_mark ? marks + (marks < MARKS_MAX) : 0;
        text += n;
    }
    mn_buf_c(&b, 0);
    return b.p;
}

void text_escape(struct mn_buf *b, const char *json)
{
    while (*json) {
        uint32_t c;
        size_t n = decode(json, &c);

        if (is_harmful(c))
            mn_buf_fmt(b, "\\u%04x", (unsigned)c);
        else
            mn_buf_add(b, json, n);
        json += n;
    }
}

char *text_safe(const char *text, const char *newline)
{
    return cleaned(text, newline, false);
}

char *text_screen(const char *text, const char *newline)
{
    return cleaned(text, newline, true);
}

size_t text_next(const char *p)
{
    uint32_t first, c;
    size_t at = *p ? decode(p, &first) : 0, n;

    if (!at || is_harmful(first) || first == BROKEN)
        return at;
    if (is_flag(first) && (n = decode(p + at, &c)) && is_flag(c))
        at += n;
    while (p[at]) {
        n = decode(p + at, &c);
        if (!is_part(c))
            break;
        at += n;
        if (c == JOINER && p[at] && (n = decode(p + at, &c)) && c >= 0x2190 && !is_harmful(c))
            at += n; /* a picture goes on; a letter behind a joiner begins anew */
    }
    return at;
}

uint32_t text_point(const char *p)
{
    uint32_t c;

    decode(p, &c);
    return c;
}

void text_add(struct mn_buf *b, uint32_t c)
{
    if (c < 0x80) {
        mn_buf_c(b, (char)c);
        return;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = BROKEN;
    mn_buf_c(b, (char)(c < 0x800 ? 0xc0 | c >> 6 : c < 0x10000 ? 0xe0 | c >> 12 : 0xf0 | c >> 18));
    if (c >= 0x10000)
        mn_buf_c(b, (char)(0x80 | (c >> 12 & 0x3f)));
    if (c >= 0x800)
        mn_buf_c(b, (char)(0x80 | (c >> 6 & 0x3f)));
    mn_buf_c(b, (char)(0x80 | (c & 0x3f)));
}

/* ASCII always begins a character: what stands before it need not be looked at. */
size_t text_before(const char *start, const char *p)
{
    const char *at = p;
    size_t n;

    while (at > start && (at == p || (unsigned char)*at >= 0x80))
        at--;
    while (at < p && (n = text_next(at)) && at + n < p)
        at += n;
    return (size_t)(p - at);
}

int text_columns(const char *p, size_t n)
{
    int w = 0, before = 0;

    for (const char *end = p + n; p < end;) {
        uint32_t c;

        p += decode(p, &c);
        if (!is_left_out(c, before))
            w += is_harmful(c) ? 1 : width_of(c);
        before = width_of(c) ? width_of(c) : before;
    }
    return w;
}

int text_width(const char *text)
{
    int w = 0;

    for (size_t n; (n = text_next(text)); text += n)
        w += text_columns(text, n);
    return w;
}

/* What may not begin a row in Chinese and Japanese: it belongs to what stands before it. */
static bool is_closing(const char *p)
{
    static const char32_t all[] = U"，。、：；！？）》」』】〉〕”’…";
    uint32_t c = text_point(p);

    for (size_t i = 0; all[i]; i++)
        if (c == all[i])
            return true;
    return false;
}

size_t text_fit(const char *text, int columns, bool words)
{
    const char *p = text, *space = NULL;
    int w = 0;

    while (*p && *p != '\n') {
        size_t n = text_next(p);
        int more = text_columns(p, n);

        if (w + more > columns && p > text)
            return words && space && *p != ' ' ? (size_t)(space - text) : (size_t)(p - text);
        w += more;
        p += n;
        if ((more >= 2 || p[-1] == ' ') && !is_closing(p))
            space = p; /* between ideographs is room for a break */
    }
    return (size_t)(p - text);
}

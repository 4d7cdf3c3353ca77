#include "apps/mynah/text.h"

#include <wchar.h>

#include "base/buf.h"

/* C0, DEL, C1, and what turns the direction of text. */
static size_t harmful(const unsigned char *p)
{
    if (p[0] < 0x20 || p[0] == 0x7f)
        return 1;
    if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
        return 2;
    if (p[0] == 0xd8 && p[1] == 0x9c) /* ALM */
        return 2;
    if (p[0] == 0xe2 && p[1] == 0x80 &&
        ((p[2] >= 0x8e && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae)))
        return 3;
    return p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9 ? 3 : 0;
}

char *text_safe(const char *text, const char *newline)
{
    struct mn_buf b = {0};

    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t n = harmful(p);

        if (!n) {
            mn_buf_c(&b, (char)*p++);
            continue;
        }
        mn_buf_str(&b, mn_str_from(*p == '\n' ? newline : *p == '\t' ? "    " : "\xef\xbf\xbd"));
        p += n;
    }
    mn_buf_c(&b, 0);
    return b.p;
}

size_t text_next(const char *p)
{
    size_t n = 1;

    while (((unsigned char)p[n] & 0xc0) == 0x80)
        n++;
    return *p ? n : 0;
}

size_t text_before(const char *start, const char *p)
{
    size_t n = p > start ? 1 : 0;

    while (p - n > start && ((unsigned char)p[-(ptrdiff_t)n] & 0xc0) == 0x80)
        n++;
    return n;
}

static int width_of(const char *p)
{
    wchar_t c;
    mbstate_t state = {0};
    int w;

    if (mbrtowc(&c, p, text_next(p), &state) > 4)
        return 1;
    w = wcwidth(c);
    return w < 0 ? 1 : w;
}

int text_width(const char *text)
{
    int n = 0;

    for (; *text; text += text_next(text))
        n += width_of(text);
    return n;
}

size_t text_fit(const char *text, int columns, bool words)
{
    const char *p = text, *space = NULL;
    int n = 0;

    while (*p && *p != '\n') {
        int w = width_of(p);

        if (n + w > columns && p > text)
            return words && space && *p != ' ' ? (size_t)(space - text) : (size_t)(p - text);
        n += w;
        if (w == 2)
            space = p + text_next(p); /* between ideographs is room for a break */
        if (*p == ' ')
            space = p + 1;
        p += text_next(p);
    }
    return (size_t)(p - text);
}

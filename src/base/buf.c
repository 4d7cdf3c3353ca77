#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

char *mn_buf_room(struct mn_buf *b, size_t n)
{
    if (b->cap - b->n < n) {
        size_t cap = b->cap ? b->cap : 64;

        while (cap - b->n < n)
            cap += cap / 2;
        b->p = mn_realloc(b->p, cap);
        b->cap = cap;
    }
    return b->p + b->n;
}

void mn_buf_add(struct mn_buf *b, const void *p, size_t n)
{
    if (!n)
        return;
    memcpy(mn_buf_room(b, n), p, n);
    b->n += n;
}

void mn_buf_str(struct mn_buf *b, mn_str s)
{
    mn_buf_add(b, s.p, s.n);
}

void mn_buf_c(struct mn_buf *b, char c)
{
    *mn_buf_room(b, 1) = c;
    b->n++;
}

/* Text with room for it, of which nothing is written beyond the end. */
struct sheet {
    char *p;
    size_t room, n;
};

static void put(struct sheet *to, const char *p, size_t n)
{
    if (n && to->n + n <= to->room)
        memcpy(to->p + to->n, p, n);
    to->n += n;
}

static void put_number(struct sheet *to, unsigned v)
{
    char text[10];
    size_t at = sizeof text;

    do
        text[--at] = (char)('0' + v % 10);
    while (v /= 10);
    put(to, text + at, sizeof text - at);
}

/* Most texts consist of other texts: %s, %.*s and %u are done here at a fraction of what they cost
 * in the C library, which gets the rest of the format from the first thing else on. */
size_t mn_buf_vfmt(char *p, size_t room, const char *fmt, va_list ap)
{
    struct sheet to = {p, room, 0};
    const char *at;
    int n;

    for (; *(at = strchrnul(fmt, '%')); fmt = at) {
        put(&to, fmt, (size_t)(at - fmt));
        if (at[1] == 's') {
            const char *text = va_arg(ap, const char *);

            put(&to, text, strlen(text));
            at += 2;
        } else if (at[1] == '.' && at[2] == '*' && at[3] == 's') {
            int most = va_arg(ap, int);
            const char *text = va_arg(ap, const char *);

            put(&to, text, most ? strnlen(text, most < 0 ? SIZE_MAX : (size_t)most) : 0);
            at += 4;
        } else if (at[1] == 'u') {
            put_number(&to, va_arg(ap, unsigned));
            at += 2;
        } else {
            n = to.n < room ? vsnprintf(p + to.n, room - to.n, at, ap) : vsnprintf(NULL, 0, at, ap);
            MN_ASSERT(n >= 0);
            return to.n + (size_t)n;
        }
    }
    put(&to, fmt, (size_t)(at - fmt));
    put(&to, "", 1);
    return to.n - 1;
}

void mn_buf_addv(struct mn_buf *b, const char *fmt, va_list ap)
{
    va_list again;
    size_t n;

    va_copy(again, ap);
    n = mn_buf_vfmt(b->p ? b->p + b->n : NULL, b->cap - b->n, fmt, ap);
    if (n >= b->cap - b->n)
        mn_buf_vfmt(mn_buf_room(b, n + 1), n + 1, fmt, again);
    va_end(again);
    b->n += n;
}

void mn_buf_fmt(struct mn_buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    mn_buf_addv(b, fmt, ap);
    va_end(ap);
}

void mn_buf_u64(struct mn_buf *b, uint64_t v)
{
    char text[20];
    size_t at = sizeof text;

    do
        text[--at] = (char)('0' + v % 10);
    while (v /= 10);
    mn_buf_add(b, text + at, sizeof text - at);
}

/* What a byte becomes: NULL is itself. */
static const char *escape(unsigned char c, bool attr)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    case '\r':
        return "&#13;";
    case '\n':
        return attr ? "&#10;" : NULL;
    case '\t':
        return attr ? "&#9;" : NULL;
    }
    return NULL;
}

void mn_buf_xml(struct mn_buf *b, mn_str s, bool attr)
{
    size_t from = 0;

    for (size_t i = 0; i < s.n; i++) {
        const char *e = (unsigned char)s.p[i] > '>' ? NULL : escape((unsigned char)s.p[i], attr);

        if (!e)
            continue;
        mn_buf_add(b, s.p + from, i - from);
        mn_buf_add(b, e, strlen(e));
        from = i + 1;
    }
    if (from < s.n)
        mn_buf_add(b, s.p + from, s.n - from);
}

void mn_buf_shift(struct mn_buf *b, size_t n)
{
    MN_ASSERT(n <= b->n);
    b->n -= n;
    if (b->n)
        memmove(b->p, b->p + n, b->n);
}

void mn_buf_free(struct mn_buf *b)
{
    mn_free(b->p);
    *b = (struct mn_buf){0};
}

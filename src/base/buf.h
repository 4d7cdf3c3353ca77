/* A growing byte buffer, and the way text is built. {0} is an empty one; it owns its bytes. */
#pragma once

#include <stdarg.h>

#include "base/str.h"

struct mn_buf {
    char *p;
    size_t n, cap;
};

void mn_buf_add(struct mn_buf *b, const void *p, size_t n);
void mn_buf_str(struct mn_buf *b, mn_str s);
void mn_buf_c(struct mn_buf *b, char c);
/* A literal, without counting at run time. */
#define mn_buf_lit(b, lit) mn_buf_add(b, "" lit, sizeof(lit) - 1)
void mn_buf_fmt(struct mn_buf *b, const char *fmt, ...) MN_PRINTF(2, 3);
void mn_buf_addv(struct mn_buf *b, const char *fmt, va_list ap) MN_PRINTF(2, 0);
/* As vsnprintf: what it takes without the NUL; when that is not less than `room`, what stands there
 * means nothing. */
size_t mn_buf_vfmt(char *p, size_t room, const char *fmt, va_list ap) MN_PRINTF(3, 0);
void mn_buf_u64(struct mn_buf *b, uint64_t v);
/* Escaped for XML character data and for attribute values in either quotes: & < > " ' and, as
 * references, tab, LF and CR when `attr`. */
void mn_buf_xml(struct mn_buf *b, mn_str s, bool attr);
/* Room for `n` more bytes behind the end; returns where they go (then add to b->n). */
char *mn_buf_room(struct mn_buf *b, size_t n);
/* Drops the first `n` bytes. */
void mn_buf_shift(struct mn_buf *b, size_t n);
static inline mn_str mn_buf_view(const struct mn_buf *b)
{
    return (mn_str){b->p, b->n};
}
static inline void mn_buf_clear(struct mn_buf *b)
{
    b->n = 0;
}
/* Frees the bytes; the buffer is empty and may be used again. */
void mn_buf_free(struct mn_buf *b);

/* Slices: a pointer and a length, passed by value, never freed. The bytes belong to somebody else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MN_MUST_CHECK __attribute__((warn_unused_result))
#define MN_PRINTF(f, a) __attribute__((format(printf, f, a), nonnull(f)))
#define MN_COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct {
    const char *p;
    size_t n;
} mn_str;

/* A slice of a string literal. */
#define MN_STR(lit) ((mn_str){"" lit, sizeof(lit) - 1})
/* For printf("%.*s", MN_ARG(s)). */
#define MN_ARG(s) (int)(s).n, (s).p

static inline mn_str mn_str_make(const void *p, size_t n)
{
    return (mn_str){p, n};
}

/* NULL gives the empty slice. */
static inline mn_str mn_str_from(const char *c)
{
    return (mn_str){c, c ? strlen(c) : 0};
}

static inline bool mn_str_eq(mn_str a, mn_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Compares with a C string. */
static inline bool mn_str_is(mn_str a, const char *c)
{
    return mn_str_eq(a, mn_str_from(c));
}

static inline bool mn_str_starts(mn_str s, mn_str head)
{
    return s.n >= head.n && (head.n == 0 || memcmp(s.p, head.p, head.n) == 0);
}

/* Order of bytes, shorter first when one begins the other: <0, 0, >0. */
int mn_str_cmp(mn_str a, mn_str b);
bool mn_str_eq_nocase(mn_str a, mn_str b); /* ASCII letters only */

/* Up to the first `sep`; what follows it lands in `rest` (empty when there is none). */
mn_str mn_str_cut(mn_str s, char sep, mn_str *rest);
/* Index of `c`, or s.n. */
size_t mn_str_find(mn_str s, char c);
/* Without the first `n` bytes (all of them when n > s.n). */
static inline mn_str mn_str_skip(mn_str s, size_t n)
{
    n = n < s.n ? n : s.n;
    return (mn_str){n ? s.p + n : s.p, s.n - n}; /* not even 0 is added to NULL */
}
/* Without XML white space (space, tab, CR, LF) at both ends. */
mn_str mn_str_trim(mn_str s);
/* Only space, tab, CR, LF (true for the empty slice). */
bool mn_str_is_space(mn_str s);
/* A malloc'd NUL-terminated copy, to be freed by the caller. */
char *mn_str_dup(mn_str s);

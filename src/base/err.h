/* The codes our own calls return: 0 or one of these. One row per code, with its text. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define MN_ERRORS(X)                                                                               \
    X(MN_E_OK, 0, "ok")                                                                            \
    X(MN_E_AGAIN, -1, "more is needed first")                                                      \
    X(MN_E_CLOSED, -2, "closed")                                                                   \
    X(MN_E_LIMIT, -3, "over a limit")                                                              \
    X(MN_E_FORMAT, -4, "not in the expected form")                                                 \
    X(MN_E_NOT_FOUND, -5, "not found")                                                             \
    X(MN_E_EXISTS, -6, "exists already")                                                           \
    X(MN_E_DENIED, -7, "not allowed")                                                              \
    X(MN_E_FULL, -8, "no room on the disk")                                                        \
    X(MN_E_IO, -9, "input or output failed")                                                       \
    X(MN_E_STALE, -10, "rests on state that was lost")                                             \
    X(MN_E_TIMEOUT, -11, "took too long")                                                          \
    X(MN_E_TLS, -12, "TLS failed")                                                                 \
    X(MN_E_BUSY, -13, "in use")                                                                    \
    X(MN_E_XML, -14, "not well-formed XML")                                                        \
    X(MN_E_RESTRICTED, -15, "XML that XMPP forbids")

enum mn_err {
#define X(name, code, text) name = code,
    MN_ERRORS(X)
#undef X
};

/* The text of a code, static. */
const char *mn_err_text(int code);

/* For what can only be our own bug; stays in release builds. */
#define MN_ASSERT(x)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!(x), 0))                                                             \
            mn_assert_failed(#x, __FILE__, __LINE__);                                              \
    } while (0)
_Noreturn void mn_assert_failed(const char *what, const char *file, int line);
/* Memory is over: says so and aborts. Limits on what peers choose keep it out of reach. */
_Noreturn void mn_oom(void);
/* For what libraries refuse then, and only then. */
#define MN_MEMORY(x)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!(x), 0))                                                             \
            mn_oom();                                                                              \
    } while (0)
extern void (*mn_oom_handler)(void); /* called before that; NULL: nothing is */

void *mn_alloc(size_t n);            /* never NULL */
void *mn_alloc0(size_t n);           /* zeroed, never NULL */
void *mn_realloc(void *p, size_t n); /* never NULL for n > 0 */
void mn_free(void *p);               /* accepts NULL */
/* Bytes now held through the calls above (usable size), all threads; for status and the gates. */
size_t mn_alloc_bytes(void);

#define MN_NEW(type) ((type *)mn_alloc0(sizeof(type)))
#define MN_AUTO(fn) __attribute__((cleanup(fn)))

#include "base/err.h"

#include <malloc.h>
#include <stdatomic.h>

static atomic_size_t held;

const char *mn_err_text(int code)
{
    switch (code) {
#define X(name, value, text)                                                                       \
    case value:                                                                                    \
        return text;
        MN_ERRORS(X)
#undef X
    }
    return "unknown error";
}

void mn_assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "mynah: internal error: %s at %s:%d\n", what, file, line);
    abort();
}

void (*mn_oom_handler)(void);

void mn_oom(void)
{
    if (mn_oom_handler)
        mn_oom_handler();
    fputs("mynah: out of memory\n", stderr);
    abort();
}

static void *counted(void *p)
{
    if (!p)
        mn_oom();
    atomic_fetch_add_explicit(&held, malloc_usable_size(p), memory_order_relaxed);
    return p;
}

void *mn_alloc(size_t n)
{
    return counted(malloc(n ? n : 1));
}

void *mn_alloc0(size_t n)
{
    return counted(calloc(1, n ? n : 1));
}

void *mn_realloc(void *p, size_t n)
{
    if (p)
        atomic_fetch_sub_explicit(&held, malloc_usable_size(p), memory_order_relaxed);
    return counted(realloc(p, n));
}

void mn_free(void *p)
{
    if (!p)
        return;
    atomic_fetch_sub_explicit(&held, malloc_usable_size(p), memory_order_relaxed);
    free(p);
}

size_t mn_alloc_bytes(void)
{
    return atomic_load_explicit(&held, memory_order_relaxed);
}

#include "base/arena.h"

#include <stdarg.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"

enum { BLOCK = 2048 };

struct mn_block {
    struct mn_block *next;
    struct mn_pool *home; /* NULL: from malloc, of any size */
    _Alignas(16) char data[];
};

struct mn_pool {
    struct mn_block *free;
    size_t count, keep;
    _Atomic(struct mn_block *) returned; /* by other threads */
};

struct mn_pool *mn_pool_new(size_t keep)
{
    struct mn_pool *p = MN_NEW(struct mn_pool);

    p->keep = keep;
    return p;
}

static void blocks_free(struct mn_block *b)
{
    while (b) {
        struct mn_block *next = b->next;

        mn_free(b);
        b = next;
    }
}

void mn_pool_free(struct mn_pool *p)
{
    if (!p)
        return;
    blocks_free(p->free);
    blocks_free(atomic_exchange(&p->returned, NULL));
    mn_free(p);
}

static void pool_put(struct mn_pool *p, struct mn_block *b)
{
    if (p->count >= p->keep) {
        mn_free(b);
        return;
    }
    b->next = p->free;
    p->free = b;
    p->count++;
}

static struct mn_block *pool_get(struct mn_pool *p)
{
    struct mn_block *b;

    if (!p->free && atomic_load_explicit(&p->returned, memory_order_relaxed)) {
        b = atomic_exchange_explicit(&p->returned, NULL, memory_order_acquire);
        while (b) {
            struct mn_block *next = b->next;

            pool_put(p, b);
            b = next;
        }
    }
    if ((b = p->free)) {
        p->free = b->next;
        p->count--;
        return b;
    }
    b = mn_alloc(sizeof *b + BLOCK);
    b->home = p;
    return b;
}

/* A block with room for `n`; the rest of the current one is given up, unless `n` is so big that it
 * gets its own. */
static char *grow(struct mn_arena *a, size_t n)
{
    struct mn_block *b;

    if (n > BLOCK / 4 && n > (size_t)(a->end - a->p)) {
        b = NULL;
        if (n > BLOCK || a->blocks) {
            b = mn_alloc(sizeof *b + n);
            b->home = NULL;
            b->next = a->blocks;
            a->blocks = b;
            return b->data;
        }
    }
    if (a->pool) {
        b = pool_get(a->pool);
    } else {
        b = mn_alloc(sizeof *b + BLOCK);
        b->home = NULL;
    }
    b->next = a->blocks;
    a->blocks = b;
    a->p = b->data;
    a->end = b->data + BLOCK;
    return NULL;
}

char *mn_arena_bytes(struct mn_arena *a, size_t n)
{
    char *at;

    if (!a->p && !n) /* no text is still a text: never NULL */
        return (char *)"";
    if ((size_t)(a->end - a->p) < n) {
        at = grow(a, n);
        if (at)
            return at;
    }
    at = a->p;
    a->p += n;
    return at;
}

void *mn_arena_alloc(struct mn_arena *a, size_t n)
{
    size_t pad = -(uintptr_t)a->p & 7;

    n += !n;
    if ((size_t)(a->end - a->p) >= pad + n) {
        char *at = a->p + pad;

        a->p = at + n;
        return at;
    }
    n = (n + 7) & ~(size_t)7;
    a->p = a->end;
    return mn_arena_bytes(a, n);
}

void *mn_arena_alloc0(struct mn_arena *a, size_t n)
{
    return memset(mn_arena_alloc(a, n), 0, n);
}

mn_str mn_arena_str(struct mn_arena *a, mn_str s)
{
    char *p = mn_arena_bytes(a, s.n);

    if (s.n)
        memcpy(p, s.p, s.n);
    return (mn_str){p, s.n};
}

char *mn_arena_cstr(struct mn_arena *a, mn_str s)
{
    char *p = mn_arena_bytes(a, s.n + 1);

    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

mn_str mn_arena_fmt(struct mn_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    size_t room = (size_t)(a->end - a->p), n;
    char *p = a->p;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = mn_buf_vfmt(p, room, fmt, ap);
    va_end(ap);
    if (n < room) {
        a->p += n + 1;
    } else {
        p = mn_arena_bytes(a, n + 1);
        mn_buf_vfmt(p, n + 1, fmt, again);
    }
    va_end(again);
    return (mn_str){p, n};
}

static void block_home(struct mn_block *b)
{
    struct mn_pool *home = b->home;

    b->next = atomic_load_explicit(&home->returned, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&home->returned, &b->next, b,
                                                  memory_order_release, memory_order_relaxed))
        ;
}

void mn_arena_done(struct mn_arena *a, struct mn_pool *here)
{
    struct mn_block *b = a->blocks;

    while (b) {
        struct mn_block *next = b->next;

        if (!b->home)
            mn_free(b);
        else if (b->home == here)
            pool_put(here, b);
        else
            block_home(b);
        b = next;
    }
    a->blocks = NULL;
    a->p = a->end = NULL;
}

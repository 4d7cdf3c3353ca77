/* Arenas: memory that is given back all at once. Blocks come from a pool, one per loop and touched
 * by that loop's thread alone; only the way home is shared: a block freed on another thread goes
 * onto its own pool's list of returned ones (one atomic push), and the owner takes that list when
 * it needs blocks. */
#pragma once

#include "base/str.h"

struct mn_pool;
struct mn_block;

/* Keeps up to `keep` free blocks. */
struct mn_pool *mn_pool_new(size_t keep);
void mn_pool_free(struct mn_pool *p);

struct mn_arena {
    struct mn_pool *pool; /* NULL: blocks by malloc */
    struct mn_block *blocks;
    char *p, *end;
};

/* {0} or {.pool = p} is an empty arena. */
void *mn_arena_alloc(struct mn_arena *a, size_t n); /* 8-byte aligned, not cleared; never NULL */
void *mn_arena_alloc0(struct mn_arena *a, size_t n);
/* Unaligned bytes, for text; never NULL, also for 0. */
char *mn_arena_bytes(struct mn_arena *a, size_t n);
mn_str mn_arena_str(struct mn_arena *a, mn_str s); /* a copy */
char *mn_arena_cstr(struct mn_arena *a, mn_str s); /* a copy with NUL */
mn_str mn_arena_fmt(struct mn_arena *a, const char *fmt, ...) MN_PRINTF(2, 3);
/* Gives all blocks back to the pools they came from; `here` is the pool of the calling thread's
 * loop, NULL on any other thread. The arena is empty and usable afterwards. */
void mn_arena_done(struct mn_arena *a, struct mn_pool *here);
#define MN_ARENA_NEW(a, type) ((type *)mn_arena_alloc0((a), sizeof(type)))

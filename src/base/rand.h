/* Random bytes and what is made of them. The kernel's generator; thread-safe. */
#pragma once

#include "base/arena.h"

void mn_rand_bytes(void *p, size_t n);
uint64_t mn_rand_u64(void);
/* `n` characters of [0-9a-z], for ids and nonces: unpredictable, no '=' and no ','. */
mn_str mn_rand_text(struct mn_arena *a, size_t n);
/* Tests and benchmarks: from now on a fixed sequence from `seed` (0: back to the kernel's). Not for
 * servers. */
void mn_rand_fix(uint64_t seed);

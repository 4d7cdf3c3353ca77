/* Numbers: text to number without surprises, and sums of sizes that a peer chose. */
#pragma once

#include "base/str.h"

/* All digits, the whole slice, within [0, max]; false otherwise (empty, sign, space, too big). */
bool mn_num_parse(mn_str s, uint64_t max, uint64_t *out) MN_MUST_CHECK;
/* A sign is allowed; within [min, max]. */
bool mn_num_parse_int(mn_str s, int64_t min, int64_t max, int64_t *out) MN_MUST_CHECK;
/* False on overflow. */
static inline bool mn_num_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline bool mn_num_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

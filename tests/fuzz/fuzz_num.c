/* covers: mn_num_parse
 * What is accepted is that number when it is written again; what is only digits and fits is
 * accepted. */
#include "base/num.h"

#include "base/arena.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static mn_str no_zeros(mn_str s)
{
    while (s.n > 1 && s.p[0] == '0')
        s = mn_str_skip(s, 1);
    return s;
}

static bool only_digits(mn_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mn_arena a = {0};
    mn_str in = {(const char *)data, size};
    uint64_t v, again;
    int64_t i;
    bool good = mn_num_parse(in, UINT64_MAX, &v);

    MN_ASSERT(!good || only_digits(in));
    MN_ASSERT(good || !only_digits(in) || no_zeros(in).n > 19);
    if (good) {
        MN_ASSERT(mn_str_eq(no_zeros(in), mn_arena_fmt(&a, "%llu", (unsigned long long)v)));
        MN_ASSERT(mn_num_parse(in, v, &again) && again == v);
        MN_ASSERT(!v || !mn_num_parse(in, v - 1, &again));
    }
    if (mn_num_parse_int(in, INT64_MIN, INT64_MAX, &i)) {
        MN_ASSERT(mn_num_parse_int(mn_arena_fmt(&a, "%lld", (long long)i), i, i, &i));
        MN_ASSERT(i < 0 || mn_num_parse(mn_str_skip(in, in.p[0] == '+' || in.p[0] == '-'),
                                        (uint64_t)i, &again));
    }
    mn_arena_done(&a, NULL);
    return 0;
}

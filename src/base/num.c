#include "base/num.h"

bool mn_num_parse(mn_str s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (!s.n)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned char)s.p[i] - '0';

        if (d > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v))
            return false;
    }
    if (v > max)
        return false;
    *out = v;
    return true;
}

bool mn_num_parse_int(mn_str s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = s.n && s.p[0] == '-';
    uint64_t v;
    int64_t got;

    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = mn_str_skip(s, 1);
    if (!mn_num_parse(s, INT64_MAX, &v))
        return false;
    got = negative ? -(int64_t)v : (int64_t)v;
    if (got < min || got > max)
        return false;
    *out = got;
    return true;
}

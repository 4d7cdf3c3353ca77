#include "base/str.h"

#include "base/err.h"

int mn_str_cmp(mn_str a, mn_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;

    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

bool mn_str_eq_nocase(mn_str a, mn_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower((unsigned char)a.p[i]) != lower((unsigned char)b.p[i]))
            return false;
    return true;
}

size_t mn_str_find(mn_str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

    return at ? (size_t)(at - s.p) : s.n;
}

mn_str mn_str_cut(mn_str s, char sep, mn_str *rest)
{
    size_t i = mn_str_find(s, sep);

    *rest = mn_str_skip(s, i + 1);
    return (mn_str){s.p, i};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

mn_str mn_str_trim(mn_str s)
{
    while (s.n && is_space(s.p[0]))
        s = mn_str_skip(s, 1);
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool mn_str_is_space(mn_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_space(s.p[i]))
            return false;
    return true;
}

char *mn_str_dup(mn_str s)
{
    char *c = mn_alloc(s.n + 1);

    if (s.n)
        memcpy(c, s.p, s.n);
    c[s.n] = 0;
    return c;
}

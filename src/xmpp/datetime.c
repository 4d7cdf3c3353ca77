#include "xmpp/datetime.h"

#include <time.h>

#include "base/num.h"

/* `n` digits from the front of *s, within [min, max]. */
static bool digits(mn_str *s, size_t n, uint64_t min, uint64_t max, int *out)
{
    uint64_t v;

    if (s->n < n || !mn_num_parse((mn_str){s->p, n}, max, &v) || v < min)
        return false;
    *out = (int)v;
    *s = mn_str_skip(*s, n);
    return true;
}

static bool sign(mn_str *s, char c)
{
    if (!s->n || s->p[0] != c)
        return false;
    *s = mn_str_skip(*s, 1);
    return true;
}

static int days_of(int month, int year)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

static bool fraction(mn_str *s, int *ms)
{
    int scale = 100;

    *ms = 0;
    if (!sign(s, '.'))
        return true;
    if (!s->n || s->p[0] < '0' || s->p[0] > '9')
        return false;
    for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; *s = mn_str_skip(*s, 1), scale /= 10)
        *ms += (s->p[0] - '0') * scale;
    return true;
}

static bool zone(mn_str *s, int *minutes)
{
    int h, m, back;

    *minutes = 0;
    if (sign(s, 'Z'))
        return true;
    back = sign(s, '-');
    if (!back && !sign(s, '+'))
        return false;
    if (!digits(s, 2, 0, 23, &h) || !sign(s, ':') || !digits(s, 2, 0, 59, &m))
        return false;
    *minutes = (h * 60 + m) * (back ? -1 : 1);
    return true;
}

int mn_datetime_parse(mn_str s, int64_t *out)
{
    struct tm tm = {0};
    int ms, offset, year, month;

    if (!digits(&s, 4, 0, 9999, &year) || !sign(&s, '-') || !digits(&s, 2, 1, 12, &month) ||
        !sign(&s, '-') || !digits(&s, 2, 1, (uint64_t)days_of(month, year), &tm.tm_mday) ||
        !sign(&s, 'T') || !digits(&s, 2, 0, 23, &tm.tm_hour) || !sign(&s, ':') ||
        !digits(&s, 2, 0, 59, &tm.tm_min) || !sign(&s, ':') || !digits(&s, 2, 0, 59, &tm.tm_sec) ||
        !fraction(&s, &ms) || !zone(&s, &offset) || s.n)
        return MN_E_FORMAT;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    *out = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + ms;
    return MN_E_OK;
}

mn_str mn_datetime_text(int64_t wall_ms, struct mn_arena *a)
{
    time_t t = (time_t)(wall_ms / 1000);
    struct tm tm;
    char day[32];

    gmtime_r(&t, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    return mn_arena_fmt(a, "%s.%03dZ", day, (int)(wall_ms % 1000));
}

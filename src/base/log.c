#include "base/log.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

const char *const mn_log_levels[] = {"error", "warn", "info", "debug", NULL};

static struct {
    atomic_int level;
    atomic_int format;
    int fd;
} sink = {MN_LOG_INFO, MN_LOG_TEXT, 2};

void mn_log_set(enum mn_log_level level, enum mn_log_format format, int fd)
{
    sink.fd = fd;
    mn_log_set_format(format);
    atomic_store(&sink.level, (int)level);
}

void mn_log_set_level(enum mn_log_level level)
{
    atomic_store(&sink.level, (int)level);
}

void mn_log_set_format(enum mn_log_format format)
{
    atomic_store(&sink.format, (int)format);
}

bool mn_log_on(enum mn_log_level level)
{
    return (int)level <= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

/* Bytes of the character that `s` begins with; 0 when it is none to be shown as it is: controls,
 * and what is no UTF-8. */
static size_t shown(mn_str s)
{
    static const uint32_t least[] = {0, 0x20, 0xa0, 0x800, 0x10000};
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
    uint32_t v = n < 2 ? c : c & (0x7fu >> n);

    if (n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | ((unsigned char)s.p[i] & 0x3f);
    }
    return v < least[n] || v == 0x7f || v > 0x10ffff || (v >= 0xd800 && v < 0xe000) ? 0 : n;
}

/* In quotes; a byte that is not shown is \u with four digits (JSON) or \x with two. */
static void quoted(struct mn_buf *b, mn_str s, bool json)
{
    size_t n;

    mn_buf_c(b, '"');
    for (; s.n; s = mn_str_skip(s, n ? n : 1)) {
        n = shown(s);
        if (!n)
            mn_buf_fmt(b, json ? "\\u%04x" : "\\x%02x", (unsigned char)s.p[0]);
        if (*s.p == '"' || *s.p == '\\')
            mn_buf_c(b, '\\');
        mn_buf_add(b, s.p, n);
    }
    mn_buf_c(b, '"');
}

static bool plain(mn_str s)
{
    bool some = s.n > 0;

    for (size_t n; s.n; s = mn_str_skip(s, n)) {
        n = shown(s);
        if (!n || *s.p == ' ' || *s.p == '"' || *s.p == '\\' || *s.p == '=')
            return false;
    }
    return some;
}

static void field(struct mn_buf *b, const struct mn_log_field *f)
{
    bool json = sink.format == MN_LOG_JSON;

    mn_buf_fmt(b, json ? ",\"%s\":" : " %s=", f->name);
    if (!f->text.p)
        mn_buf_fmt(b, "%lld", (long long)f->number);
    else if (!json && plain(f->text))
        mn_buf_str(b, f->text);
    else
        quoted(b, f->text, json);
}

static void context(struct mn_buf *b, const struct mn_log *log)
{
    if (!log)
        return;
    context(b, log->outer);
    for (size_t i = 0; i < MN_COUNT(log->fields); i++)
        if (log->fields[i].name && !(log->fields[i].text.p && !log->fields[i].text.n))
            field(b, &log->fields[i]);
}

void mn_log_write(enum mn_log_level level, const struct mn_log *log, const char *words,
                  const struct mn_log_field *fields)
{
    struct mn_buf b = {0};
    struct timespec now;
    struct tm tm;
    char stamp[32];
    int ms;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    ms = (int)(now.tv_nsec / 1000000);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    if (sink.format == MN_LOG_JSON)
        mn_buf_fmt(&b, "{\"ts\":\"%s.%03dZ\",\"level\":\"%s\",\"msg\":\"%s\"", stamp, ms,
                   mn_log_levels[level], words);
    else
        mn_buf_fmt(&b, "%s.%03dZ %-5s %s", stamp, ms, mn_log_levels[level], words);
    context(&b, log);
    for (; fields && fields->name; fields++)
        field(&b, fields);
    mn_buf_str(&b, sink.format == MN_LOG_JSON ? MN_STR("}\n") : MN_STR("\n"));
    (void)!write(sink.fd, b.p, b.n);
    mn_buf_free(&b);
}

bool mn_log_rate(struct mn_log_rate *r, unsigned burst, int64_t ms)
{
    int64_t now = mn_clock_now();

    if (now - __atomic_load_n(&r->since, __ATOMIC_RELAXED) >= ms) {
        __atomic_store_n(&r->since, now, __ATOMIC_RELAXED);
        __atomic_store_n(&r->count, 0, __ATOMIC_RELAXED);
    }
    if (__atomic_add_fetch(&r->count, 1, __ATOMIC_RELAXED) <= burst)
        return true;
    __atomic_add_fetch(&r->missed, 1, __ATOMIC_RELAXED);
    return false;
}

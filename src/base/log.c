#include "base/log.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

static const char *const names[] = {"error", "warn", "info", "debug"};

static struct {
    atomic_int level;
    enum mn_log_format format;
    int fd;
} sink = {MN_LOG_INFO, MN_LOG_TEXT, 2};

void mn_log_set(enum mn_log_level level, enum mn_log_format format, int fd)
{
    sink.format = format;
    sink.fd = fd;
    atomic_store(&sink.level, (int)level);
}

bool mn_log_on(enum mn_log_level level)
{
    return (int)level <= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

/* In quotes; controls, quotes and bytes that are not ASCII-safe to end a line with become \u with
 * four digits (JSON) or \x with two. */
static void quoted(struct mn_buf *b, mn_str s, bool json)
{
    mn_buf_c(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"' || c == '\\') {
            mn_buf_c(b, '\\');
            mn_buf_c(b, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            mn_buf_fmt(b, json ? "\\u%04x" : "\\x%02x", c);
        } else {
            mn_buf_c(b, (char)c);
        }
    }
    mn_buf_c(b, '"');
}

static bool plain(mn_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '=' ||
            s.p[i] == 0x7f)
            return false;
    return s.n > 0;
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
                   names[level], words);
    else
        mn_buf_fmt(&b, "%s.%03dZ %-5s %s", stamp, ms, names[level], words);
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

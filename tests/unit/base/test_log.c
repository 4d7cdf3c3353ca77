#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "test.h"

static int ends[2];

static void begin(enum mn_log_level level, enum mn_log_format format)
{
    CHECK(!pipe2(ends, O_CLOEXEC | O_NONBLOCK));
    mn_log_set(level, format, ends[1]);
}

/* What was written, without the time. */
static mn_str written(void)
{
    static char room[4096];
    ssize_t n = read(ends[0], room, sizeof room);
    mn_str s = {room, n > 0 ? (size_t)n : 0};

    close(ends[0]);
    close(ends[1]);
    mn_log_set(MN_LOG_INFO, MN_LOG_TEXT, 2);
    if (s.n && s.p[0] == '{')
        return mn_str_skip(s, sizeof "{\"ts\":\"2000-01-01T00:00:00.000Z\"," - 1);
    return mn_str_skip(s, sizeof "2000-01-01T00:00:00.000Z " - 1);
}

TEST(a_line_is_words_and_fields)
{
    begin(MN_LOG_INFO, MN_LOG_TEXT);
    mn_log_info(NULL, "it happened", MN_FC("a", "plain"), MN_FN("n", -5), MN_FC("b", "two words"));
    CHECK_STR(written(), "info  it happened a=plain n=-5 b=\"two words\"\n");
    begin(MN_LOG_INFO, MN_LOG_JSON);
    mn_log_warn(NULL, "it happened", MN_FC("a", "plain"), MN_FN("n", -5), MN_FC("b", ""));
    CHECK_STR(written(),
              "\"level\":\"warn\",\"msg\":\"it happened\",\"a\":\"plain\",\"n\":-5,\"b\":\"\"}\n");
}

TEST(a_field_is_never_more_than_a_line_nor_looks_like_another)
{
    begin(MN_LOG_INFO, MN_LOG_TEXT);
    mn_log_info(NULL, "x", MN_FC("a", "1\n2 error fake b=\"3\\\x7f\t"), MN_FC("e", "c=d"));
    CHECK_STR(written(), "info  x a=\"1\\x0a2 error fake b=\\\"3\\\\\\x7f\\x09\" e=\"c=d\"\n");
    begin(MN_LOG_INFO, MN_LOG_JSON);
    mn_log_info(NULL, "x", MN_FC("a", "1\n\"\\\x01"));
    CHECK_STR(written(), "\"level\":\"info\",\"msg\":\"x\",\"a\":\"1\\u000a\\\"\\\\\\u0001\"}\n");
}

TEST(a_line_stays_utf8_whatever_is_logged)
{
    /* Overlong, surrogate, above the last, cut off, a control of two bytes. */
    static const char *const bad[] = {"\xc0\xaf",         "\xe0\x80\xaf", "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80", "\xe5\x8c",     "\xc2\x85"};

    for (size_t i = 0; i < MN_COUNT(bad); i++) {
        mn_str got;

        begin(MN_LOG_INFO, MN_LOG_TEXT);
        mn_log_info(NULL, "x", MN_FC("a", bad[i]));
        got = written();
        for (size_t k = 0; k < got.n; k++)
            CHECK((unsigned char)got.p[k] < 0x80);
    }
    begin(MN_LOG_INFO, MN_LOG_TEXT);
    mn_log_info(NULL, "x", MN_FC("a", "\xe5\x8c\x97\xf0\x9f\x98\x80"));
    CHECK_STR(written(), "info  x a=\xe5\x8c\x97\xf0\x9f\x98\x80\n");
    begin(MN_LOG_INFO, MN_LOG_JSON);
    mn_log_info(NULL, "x", MN_FC("a", "\xe5\x8c\x97 \xff\xc3"));
    CHECK_STR(written(),
              "\"level\":\"info\",\"msg\":\"x\",\"a\":\"\xe5\x8c\x97 \\u00ff\\u00c3\"}\n");
}

TEST(levels_below_the_wanted_one_say_nothing)
{
    begin(MN_LOG_WARN, MN_LOG_TEXT);
    mn_log_info(NULL, "not this");
    mn_log_debug(NULL, "nor this");
    CHECK(mn_log_on(MN_LOG_ERROR) && mn_log_on(MN_LOG_WARN) && !mn_log_on(MN_LOG_INFO));
    mn_log_error(NULL, "this");
    CHECK_STR(written(), "error this\n");
}

TEST(a_context_brings_its_fields_outer_ones_first)
{
    struct mn_log outer = {.fields = {MN_FC("peer", "::1")}},
                  inner = {.outer = &outer, .fields = {MN_FC("jid", "a@b"), MN_FC("tls", "")}};

    begin(MN_LOG_INFO, MN_LOG_TEXT);
    mn_log_info(&inner, "login", MN_FN("n", 1));
    CHECK_STR(written(), "info  login peer=::1 jid=a@b n=1\n");
}

TEST(a_rate_lets_a_burst_through_and_begins_anew)
{
    struct mn_log_rate r = {0};
    unsigned passed = 0;

    mn_clock_set(100000, 0);
    for (int i = 0; i < 10; i++)
        passed += mn_log_rate(&r, 3, 1000);
    CHECK_INT(passed, 3);
    CHECK_INT(r.missed, 7);
    mn_clock_set(100999, 0);
    CHECK(!mn_log_rate(&r, 3, 1000));
    mn_clock_set(101000, 0);
    CHECK(mn_log_rate(&r, 3, 1000));
    mn_clock_set(-1, 0);
}

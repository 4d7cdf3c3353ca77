#include "test.h"

TEST(cut_splits_at_the_first_separator)
{
    static const struct {
        const char *in, *head, *tail;
    } rows[] = {
        {"romeo@montague.net", "romeo", "montague.net"},
        {"montague.net", "montague.net", ""},
        {"@x", "", "x"},
        {"a@b@c", "a", "b@c"},
        {"", "", ""},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        mn_str rest;

        CHECK_STR(mn_str_cut(mn_str_from(rows[i].in), '@', &rest), rows[i].head);
        CHECK_STR(rest, rows[i].tail);
    }
}

TEST(order_is_by_bytes_and_length)
{
    CHECK(mn_str_cmp(MN_STR("a"), MN_STR("b")) < 0);
    CHECK(mn_str_cmp(MN_STR("ab"), MN_STR("a")) > 0);
    CHECK(mn_str_cmp(MN_STR(""), MN_STR("")) == 0);
    CHECK(mn_str_eq_nocase(MN_STR("SCRAM"), MN_STR("scram")));
    CHECK(!mn_str_eq_nocase(MN_STR("SCRAM"), MN_STR("scra")));
}

TEST(trim_takes_xml_white_space)
{
    CHECK_STR(mn_str_trim(MN_STR(" \t\r\n a b \n")), "a b");
    CHECK(mn_str_is_space(MN_STR(" \t\r\n")));
    CHECK(!mn_str_is_space(MN_STR(" \v")));
}

TEST(buffer_escapes_for_text_and_attributes)
{
    struct mn_buf b = {0};

    mn_buf_xml(&b, MN_STR("a<b>&'\"\n\r\t"), false);
    CHECK_STR(mn_buf_view(&b), "a&lt;b&gt;&amp;&apos;&quot;\n&#13;\t");
    mn_buf_clear(&b);
    mn_buf_xml(&b, MN_STR("x\ny\tz"), true);
    CHECK_STR(mn_buf_view(&b), "x&#10;y&#9;z");
    mn_buf_clear(&b);
    mn_buf_u64(&b, 18446744073709551615u);
    mn_buf_fmt(&b, "-%d", 7);
    CHECK_STR(mn_buf_view(&b), "18446744073709551615-7");
    mn_buf_shift(&b, 20);
    CHECK_STR(mn_buf_view(&b), "-7");
    mn_buf_free(&b);
}

static size_t format(char *p, size_t room, const char *fmt, ...)
{
    va_list ap;
    size_t n;

    va_start(ap, fmt);
    n = mn_buf_vfmt(p, room, fmt, ap);
    va_end(ap);
    return n;
}

/* Every row as the C library has it, with room for all of it and with less. */
TEST(formatting_is_the_c_librarys)
{
#define ROW(...)                                                                                   \
    do {                                                                                           \
        char want[200], got[200];                                                                  \
        size_t n = (size_t)snprintf(want, sizeof want, __VA_ARGS__);                               \
                                                                                                   \
        for (size_t room = 0; room <= n + 1; room++) {                                             \
            memset(got, '#', sizeof got);                                                          \
            CHECK_INT((long long)format(got, room, __VA_ARGS__), (long long)n);                    \
            CHECK(got[room] == '#');                                                               \
        }                                                                                          \
        CHECK_STR(mn_str_from(got), want);                                                         \
    } while (0)
    ROW("nothing");
    ROW("%s", "");
    ROW("<%s>%.*s</%s>", "a", 3, "bcdef", "a");
    ROW("%.*s|%.*s|%.*s", 0, "x", 5, "ab", -1, "yz");
    ROW("%u %u %u", 0u, 7u, 4294967295u);
    ROW("%s %5d %s %.*s %u", "a", -3, "b", 2, "cde", 9u);
    ROW("100%% of %zu and %#x", (size_t)5, 255);
    ROW("%s%%", "x");
#undef ROW
    CHECK_INT((long long)format(NULL, 0, "%.*s%u", 0, (char *)NULL, 5u), 1);
}

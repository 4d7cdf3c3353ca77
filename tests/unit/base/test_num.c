#include "base/num.h"

#include "test.h"

static uint64_t parsed(const char *text, uint64_t max)
{
    uint64_t v = 7;

    return mn_num_parse(mn_str_from(text), max, &v) ? v : v == 7 ? 77777 : 0;
}

TEST(only_digits_are_a_number)
{
    CHECK_INT(parsed("0", 10), 0);
    CHECK_INT(parsed("007", 10), 7);
    CHECK_INT(parsed("10", 10), 10);
    CHECK_INT(parsed("11", 10), 77777);
    static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "1e3", "\xd9\xa1"};
    for (size_t i = 0; i < MN_COUNT(bad); i++)
        CHECK_INT(parsed(bad[i], UINT64_MAX), 77777);
}

TEST(numbers_end_at_64_bits)
{
    uint64_t v = 0;

    CHECK(mn_num_parse(MN_STR("18446744073709551615"), UINT64_MAX, &v) && v == UINT64_MAX);
    CHECK(!mn_num_parse(MN_STR("18446744073709551616"), UINT64_MAX, &v));
    CHECK(!mn_num_parse(MN_STR("18446744073709551620"), UINT64_MAX, &v));
    CHECK(!mn_num_parse(MN_STR("99999999999999999999999999"), UINT64_MAX, &v));
    CHECK(v == UINT64_MAX); /* untouched */
}

TEST(a_sign_may_stand_before_what_can_be_negative)
{
    int64_t v = 5;

    CHECK(mn_num_parse_int(MN_STR("-128"), -128, 127, &v) && v == -128);
    CHECK(mn_num_parse_int(MN_STR("+127"), -128, 127, &v) && v == 127);
    CHECK(mn_num_parse_int(MN_STR("-0"), -128, 127, &v) && v == 0);
    CHECK(!mn_num_parse_int(MN_STR("128"), -128, 127, &v));
    CHECK(!mn_num_parse_int(MN_STR("-129"), -128, 127, &v));
    CHECK(!mn_num_parse_int(MN_STR("-"), -128, 127, &v));
    CHECK(!mn_num_parse_int(MN_STR("--1"), -128, 127, &v));
    CHECK(!mn_num_parse_int(MN_STR("+-1"), -128, 127, &v));
    CHECK(!mn_num_parse_int(MN_STR(""), -128, 127, &v));
    CHECK(mn_num_parse_int(MN_STR("9223372036854775807"), INT64_MIN, INT64_MAX, &v) &&
          v == INT64_MAX);
    CHECK(!mn_num_parse_int(MN_STR("9223372036854775808"), INT64_MIN, INT64_MAX, &v));
}

TEST(sums_and_products_say_when_they_do_not_fit)
{
    size_t n = 0;

    CHECK(mn_num_add(SIZE_MAX - 1, 1, &n) && n == SIZE_MAX);
    CHECK(!mn_num_add(SIZE_MAX, 1, &n));
    CHECK(mn_num_mul(1u << 16, 1u << 15, &n) && n == (size_t)1 << 31);
    CHECK(!mn_num_mul(SIZE_MAX / 2 + 1, 2, &n));
    CHECK(mn_num_mul(SIZE_MAX, 0, &n) && n == 0);
}

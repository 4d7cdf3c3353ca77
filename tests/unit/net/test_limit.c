#include "net/limit.h"

#include "base/clock.h"
#include "test.h"

TEST(failures_are_delayed_and_forgotten)
{
    struct mn_limit *l = mn_limit_new(100);

    mn_clock_set(1000000, 0);
    for (int i = 0; i < 5; i++) {
        CHECK_INT(mn_limit_delay(l, MN_STR("a")), 0);
        mn_limit_fail(l, MN_STR("a"));
    }
    mn_limit_fail(l, MN_STR("a"));
    CHECK_INT(mn_limit_delay(l, MN_STR("a")), 250);
    mn_limit_fail(l, MN_STR("a"));
    CHECK_INT(mn_limit_delay(l, MN_STR("a")), 500);
    for (int i = 0; i < 50; i++)
        mn_limit_fail(l, MN_STR("a"));
    CHECK_INT(mn_limit_delay(l, MN_STR("a")), 30000);
    CHECK_INT(mn_limit_delay(l, MN_STR("b")), 0);
    mn_clock_set(1000000 + 16 * 60000, 0);
    CHECK_INT(mn_limit_delay(l, MN_STR("a")), 0);
    mn_clock_set(-1, 0);
    mn_limit_free(l);
}

TEST(holds_and_rates_have_their_maximum)
{
    struct mn_limit *l = mn_limit_new(100);

    mn_clock_set(5000, 0);
    CHECK(mn_limit_hold(l, MN_STR("x"), 2) && mn_limit_hold(l, MN_STR("x"), 2));
    CHECK(!mn_limit_hold(l, MN_STR("x"), 2));
    mn_limit_release(l, MN_STR("x"));
    CHECK(mn_limit_hold(l, MN_STR("x"), 2));
    CHECK(mn_limit_rate(l, MN_STR("y"), 2, 1000) && mn_limit_rate(l, MN_STR("y"), 2, 1000));
    CHECK(!mn_limit_rate(l, MN_STR("y"), 2, 1000));
    mn_clock_set(6001, 0);
    CHECK(mn_limit_rate(l, MN_STR("y"), 2, 1000));
    mn_clock_set(-1, 0);
    mn_limit_free(l);
}

TEST(memory_is_bounded_but_what_is_held_stays)
{
    struct mn_limit *l = mn_limit_new(160);
    size_t before = mn_alloc_bytes();
    char key[16];

    CHECK(mn_limit_hold(l, MN_STR("kept"), 1));
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        mn_limit_fail(l, mn_str_from(key));
    }
    CHECK(mn_alloc_bytes() - before < 100000);
    CHECK(!mn_limit_hold(l, MN_STR("kept"), 1));
    mn_limit_free(l);
}

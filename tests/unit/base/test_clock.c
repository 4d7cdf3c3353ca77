#include "base/clock.h"

#include <pthread.h>
#include <time.h>

#include "test.h"

static int64_t system_ms(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

TEST(a_tick_reads_both_clocks_and_they_stand_until_the_next)
{
    int64_t before = system_ms(CLOCK_MONOTONIC), wall = system_ms(CLOCK_REALTIME), now;

    mn_clock_tick();
    now = mn_clock_now();
    CHECK(now >= before && now <= system_ms(CLOCK_MONOTONIC));
    CHECK(mn_clock_wall() >= wall);
    while (system_ms(CLOCK_MONOTONIC) <= now + 2)
        ;
    CHECK_INT(mn_clock_now(), now);
    mn_clock_tick();
    CHECK(mn_clock_now() > now + 2);
}

static void *elsewhere(void *arg)
{
    int64_t *seen = arg;

    seen[0] = mn_clock_now();
    seen[1] = mn_clock_wall();
    return NULL;
}

TEST(set_clocks_are_those_of_every_thread)
{
    int64_t seen[2] = {0, 0};
    pthread_t t;

    mn_clock_set(0, 5000);
    CHECK(!pthread_create(&t, NULL, elsewhere, seen));
    pthread_join(t, NULL);
    CHECK_INT(seen[0], 0);
    CHECK_INT(seen[1], 5000);
    mn_clock_tick();
    CHECK_INT(mn_clock_now(), 0);
    mn_clock_set(-1, 0);
    CHECK(mn_clock_now() > 0);
    CHECK(mn_clock_wall() > 5000);
}

TEST(a_thread_that_never_ticked_gets_the_time)
{
    int64_t seen[2] = {0, 0};
    pthread_t t;

    CHECK(!pthread_create(&t, NULL, elsewhere, seen));
    pthread_join(t, NULL);
    CHECK(seen[0] > 0 && seen[1] > 0);
}

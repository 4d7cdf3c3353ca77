#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static _Thread_local int64_t cached_now, cached_wall;
static _Thread_local bool fresh;
static atomic_int_fast64_t set_now = -1, set_wall;

static int64_t read_clock(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void mn_clock_tick(void)
{
    cached_now = read_clock(CLOCK_MONOTONIC);
    cached_wall = read_clock(CLOCK_REALTIME);
    fresh = true;
}

int64_t mn_clock_now(void)
{
    int64_t set = atomic_load_explicit(&set_now, memory_order_relaxed);

    if (set >= 0)
        return set;
    if (!fresh)
        mn_clock_tick();
    return cached_now;
}

int64_t mn_clock_wall(void)
{
    if (atomic_load_explicit(&set_now, memory_order_relaxed) >= 0)
        return atomic_load_explicit(&set_wall, memory_order_relaxed);
    if (!fresh)
        mn_clock_tick();
    return cached_wall;
}

void mn_clock_set(int64_t now, int64_t wall)
{
    atomic_store(&set_wall, wall);
    atomic_store(&set_now, now);
}

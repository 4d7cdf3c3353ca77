/* Time in milliseconds. `now` is monotonic, for deadlines; `wall` is Unix time, for stamps. Both
 * are cached per loop turn by base/loop, so a stamp may be early by what a turn has taken so far,
 * and is never late; tests may set them. */
#pragma once

#include <stdint.h>

int64_t mn_clock_now(void);
int64_t mn_clock_wall(void);
/* Reads both clocks of the system again (this thread). */
void mn_clock_tick(void);
/* Tests: both clocks stand still at these values for all threads, until set again; now < 0 goes
 * back to the system's. */
void mn_clock_set(int64_t now, int64_t wall);

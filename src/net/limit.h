/* Counters by address or account, thread-safe and bounded in memory: how many things somebody
 * holds, how often he failed, how fast he comes. */
#pragma once

#include "base/str.h"

struct mn_limit;
struct mn_limit *mn_limit_new(size_t entries); /* about that many keys are remembered */
void mn_limit_free(struct mn_limit *l);

/* One more for `key`, if it then holds at most `max`; every true is followed by one
 * mn_limit_release. */
bool mn_limit_hold(struct mn_limit *l, mn_str key, unsigned max);
void mn_limit_release(struct mn_limit *l, mn_str key);
/* A failure; and how many milliseconds somebody who fails should be kept waiting: 0 for the first
 * few, then doubling up to 30 s, forgotten after 15 minutes without another. */
void mn_limit_fail(struct mn_limit *l, mn_str key);
int64_t mn_limit_delay(struct mn_limit *l, mn_str key);
/* At most `count` per `ms`: counts and says whether this one is within. */
bool mn_limit_rate(struct mn_limit *l, mn_str key, int64_t count, int64_t ms);

/* Dates and times (XEP-0082). */
#pragma once

#include "base/arena.h"
#include "base/err.h"

/* "2026-11-23T00:00:00.123Z" or with an offset, to milliseconds since 1970. */
int mn_datetime_parse(mn_str text, int64_t *out) MN_MUST_CHECK;
/* UTC with milliseconds when there are some. */
mn_str mn_datetime_text(int64_t wall_ms, struct mn_arena *a);

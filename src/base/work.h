/* What may block or takes long: run on threads of its own, in bounded lanes that do not starve each
 * other. */
#pragma once

#include "base/loop.h"

enum mn_lane {
    MN_LANE_HASH,
    MN_LANE_READ,
    MN_LANE_OTHER,
    MN_LANE_LONG, /* what may take minutes */
    MN_LANES
};

struct mn_work;
struct mn_job {
    struct mn_post post;            /* first: the way back */
    void (*run)(struct mn_job *j);  /* on a lane's thread */
    void (*done)(struct mn_job *j); /* on the loop that submitted it */
    struct mn_loop *loop;
    struct mn_job *next;
};

/* threads[lane] threads each; at most `depth` jobs waiting per lane. NULL: there can be no such
 * threads. */
struct mn_work *mn_work_new(const unsigned threads[MN_LANES], size_t depth);
void mn_work_stop(struct mn_work *w); /* finishes what runs; what waits is dropped without a call */
/* Jobs run, or wait for it. What is not on its way back when this says no never will be. */
bool mn_work_busy(struct mn_work *w);
void mn_work_free(struct mn_work *w); /* the same, if that was not done */
/* From a loop's thread. MN_E_BUSY when the lane is full or stopped; the job is then still the
 * caller's. */
int mn_work_submit(struct mn_work *w, enum mn_lane lane, struct mn_job *j) MN_MUST_CHECK;
/* Those of `list` (by `next`), whose loops are named, in their order and at the cost of one; what
 * the lane has no room for stays there. */
void mn_work_submit_all(struct mn_work *w, enum mn_lane lane, struct mn_job **list);

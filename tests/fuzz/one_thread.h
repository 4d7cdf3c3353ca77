/* What the programs share that run a whole client or server: all of it in one thread, at a time
 * that is set, so that every run of an input is the same. Work of lanes is done at once, and nobody
 * waits for another thread (one_thread.c stands before base/work.c and epoll_wait). */
#pragma once

#include "base/loop.h"

extern struct mn_loop *the_loop; /* that settle() turns */

void time_begin(void); /* a second past nothing */
void settle(void);     /* turns until nothing is left to do */
void pass(int64_t ms); /* the time, and what is due then */

/* One event loop: watched descriptors, timers, posted calls, and a hook at the end of each turn. A
 * loop belongs to the thread that runs it; only mn_loop_post and mn_loop_stop may be called from
 * elsewhere. */
#pragma once

#include "base/arena.h"
#include "base/list.h"

struct mn_loop;

enum { MN_READ = 1, MN_WRITE = 2 };

/* Descriptors. The struct is the caller's and must stay until mn_loop_unwatch. Level triggered. */
struct mn_watch {
    int fd; /* -1 when not watched */
    unsigned events;
    void (*ready)(struct mn_watch *w,
                  unsigned events); /* errors and hang-ups show as MN_READ and MN_WRITE */
};
void mn_loop_watch(struct mn_loop *l, struct mn_watch *w); /* fd, events, ready are set */
void mn_loop_rewatch(struct mn_loop *l, struct mn_watch *w, unsigned events);
void mn_loop_unwatch(struct mn_loop *l,
                     struct mn_watch *w); /* also inside a callback, for any watch of the loop */

/* Timers: a wheel, so starting and stopping is O(1). The struct is the caller's. One shot; accuracy
 * about 10 ms. */
struct mn_timer {
    struct mn_list link;
    struct mn_loop *loop; /* where it runs */
    int64_t at;           /* mn_clock_now() time; 0 when it does not run */
    void (*fire)(struct mn_timer *t);
};
void mn_timer_start(struct mn_loop *l, struct mn_timer *t,
                    int64_t ms); /* (re)starts; t->fire is set; {0} is a stopped one */
void mn_timer_stop(struct mn_timer *t);

/* Posted calls, in order per posting thread. The item is owned by the loop until `run` is called.
 */
struct mn_post {
    struct mn_post *next;
    size_t bytes; /* what it holds, for the mark */
    void (*run)(struct mn_post *p);
};
void mn_loop_post(struct mn_loop *l, struct mn_post *p);
size_t mn_loop_mail_bytes(const struct mn_loop *l); /* posted and not run yet; any thread */

/* Things to do once before this turn ends (flush a connection): linked by the caller, run in order,
 * then unlinked. */
struct mn_turn {
    struct mn_list link;
    void (*run)(struct mn_turn *t);
};
void mn_loop_at_end(struct mn_loop *l,
                    struct mn_turn *t); /* nothing when it is linked already; {0} is unlinked */
void mn_turn_cancel(struct mn_turn *t);

enum mn_loop_backend { MN_LOOP_EPOLL, MN_LOOP_POLL };
struct mn_loop *mn_loop_new(enum mn_loop_backend backend); /* NULL: no descriptor is left */
void mn_loop_free(struct mn_loop *l);                      /* runs nothing any more */
void mn_loop_run(struct mn_loop *l);                       /* until mn_loop_stop */
/* One turn; waits at most `wait_ms` (-1: until something happens). True when something was done. */
bool mn_loop_turn(struct mn_loop *l, int wait_ms);
/* Inside another program's loop: that one waits until mn_loop_fd is readable or mn_loop_due is
 * over, then takes mn_loop_turn(l, 0). What is started between turns (a timer, something for the
 * end of the turn) makes the descriptor readable at once. */
void mn_loop_embed(struct mn_loop *l);   /* once, before anything else; MN_LOOP_EPOLL only */
int mn_loop_fd(const struct mn_loop *l); /* the loop's; watch it for reading, never read it */
int64_t mn_loop_due(struct mn_loop *l);  /* ms until something is to be done; -1: nothing is */
/* For an orderly end: every timer that runs fires now, and those that are started meanwhile. */
void mn_loop_fire_all(struct mn_loop *l);
void mn_loop_stop(struct mn_loop *l);            /* any thread; also from a signal handler */
bool mn_loop_stopped(struct mn_loop *l);         /* since it was asked for last, or run */
struct mn_loop *mn_loop_here(void);              /* the loop of this thread, or NULL */
struct mn_pool *mn_loop_pool(struct mn_loop *l); /* arena blocks of this loop */

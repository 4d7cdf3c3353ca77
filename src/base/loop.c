/* The wheel: 512 slots of 8 ms; a timer further away than one round waits in its slot for more
 * rounds. The next due time is remembered; when it has passed, it is found anew by looking at
 * slots, at most one round. A stopped timer may leave it too early: that costs one turn that finds
 * nothing. */
#include "base/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

enum { SLOTS = 512, TICK_MS = 8, BATCH = 128, FEW = 64 };

struct mn_loop {
    enum mn_loop_backend backend;
    int epoll, bell;
    /* poll(2): what is watched. */
    struct mn_watch **watched;
    size_t watched_count, watched_cap;
    /* What the wait returned: entries are cleared when their watch goes. */
    struct mn_watch *ready[BATCH];
    unsigned ready_events[BATCH];
    int ready_count;

    struct mn_list wheel[SLOTS];
    size_t timers;
    int64_t soonest; /* no timer is due before; 0: to be found */
    bool stopped;    /* one was since then, and may have been it */
    int64_t tick;    /* all slots before it have fired */
    struct mn_list turn;

    _Atomic(struct mn_post *) mail; /* newest first */
    atomic_size_t mail_bytes;
    atomic_bool asleep, stop;
    bool embedded, turning;
    struct mn_pool *pool;
};

static _Thread_local struct mn_loop *here;

static unsigned to_epoll(unsigned events)
{
    return (events & MN_READ ? EPOLLIN | EPOLLRDHUP : 0u) | (events & MN_WRITE ? EPOLLOUT : 0u);
}

static void epoll_set(struct mn_loop *l, int op, struct mn_watch *w)
{
    struct epoll_event e = {.events = to_epoll(w->events), .data.ptr = w};

    if (epoll_ctl(l->epoll, op, w->fd, &e))
        MN_ASSERT(errno != EBADF && errno != EINVAL);
}

void mn_loop_watch(struct mn_loop *l, struct mn_watch *w)
{
    if (l->backend == MN_LOOP_EPOLL) {
        epoll_set(l, EPOLL_CTL_ADD, w);
        return;
    }
    if (l->watched_count == l->watched_cap) {
        l->watched_cap = l->watched_cap ? l->watched_cap * 2 : 16;
        l->watched = mn_realloc(l->watched, l->watched_cap * sizeof(struct mn_watch *));
    }
    l->watched[l->watched_count++] = w;
}

void mn_loop_rewatch(struct mn_loop *l, struct mn_watch *w, unsigned events)
{
    if (w->events == events)
        return;
    w->events = events;
    if (l->backend == MN_LOOP_EPOLL)
        epoll_set(l, EPOLL_CTL_MOD, w);
}

void mn_loop_unwatch(struct mn_loop *l, struct mn_watch *w)
{
    for (int i = 0; i < l->ready_count; i++)
        if (l->ready[i] == w)
            l->ready[i] = NULL;
    if (l->backend == MN_LOOP_EPOLL) {
        epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
        return;
    }
    for (size_t i = 0; i < l->watched_count; i++)
        if (l->watched[i] == w) {
            l->watched[i] = l->watched[--l->watched_count];
            return;
        }
}

static void ring(struct mn_loop *l)
{
    (void)!write(l->bell, &(uint64_t){1}, 8);
}

/* Something was begun that only a turn can end. */
static void want_turn(struct mn_loop *l)
{
    if (l->embedded && !l->turning)
        ring(l);
}

void mn_timer_stop(struct mn_timer *t)
{
    if (!t->at)
        return;
    mn_list_del(&t->link);
    t->at = 0;
    t->loop->timers--;
    t->loop->stopped = true;
}

void mn_timer_start(struct mn_loop *l, struct mn_timer *t, int64_t ms)
{
    int64_t now, at, slot;

    mn_timer_stop(t);
    if (l->embedded && !l->turning)
        mn_clock_tick(); /* who knows how long ago the last turn was */
    now = mn_clock_now();
    at = ms < INT64_MAX - now ? now + (ms > 0 ? ms : 0) : INT64_MAX;
    t->at = at > 0 ? at : 1;
    t->loop = l;
    slot = t->at / TICK_MS;
    if (slot < l->tick)
        slot = l->tick;
    mn_list_add(&l->wheel[slot % SLOTS], &t->link);
    if (l->timers++ == 0 || (l->soonest && t->at < l->soonest))
        l->soonest = t->at;
    want_turn(l);
}

/* Milliseconds until the next timer is due; -1: none runs. */
static int64_t timers_wait(struct mn_loop *l)
{
    int64_t now = mn_clock_now(), best = -1;

    if (!l->timers)
        return -1;
    /* With many timers waking for nothing costs less than to look through them. */
    if (l->stopped && l->timers <= FEW)
        l->soonest = 0;
    l->stopped = false;
    for (int64_t i = 0; i < SLOTS && !l->soonest; i++) {
        struct mn_list *slot = &l->wheel[(l->tick + i) % SLOTS];

        MN_LIST_EACH(n, slot)
        {
            int64_t at = MN_OF(n, struct mn_timer, link)->at;

            if (best < 0 || at < best)
                best = at;
        }
        if (best >= 0 && best < (l->tick + i + 1) * TICK_MS)
            break;
    }
    if (!l->soonest)
        l->soonest = best;
    return l->soonest <= now ? 0 : l->soonest - now;
}

static bool timers_fire(struct mn_loop *l)
{
    int64_t now = mn_clock_now(), last = now / TICK_MS, first = l->tick;
    struct mn_list due;

    if (!l->timers || (l->soonest && now < l->soonest)) {
        l->tick = last;
        return false;
    }
    l->soonest = 0;
    mn_list_init(&due);
    if (last - first >= SLOTS)
        first = last - SLOTS + 1;
    for (int64_t i = first; i <= last; i++)
        MN_LIST_EACH(n, &l->wheel[i % SLOTS])
        {
            if (MN_OF(n, struct mn_timer, link)->at <= now) {
                mn_list_del(n);
                mn_list_add(&due, n);
            }
        }
    l->tick = last;
    if (mn_list_empty(&due))
        return false;
    while (!mn_list_empty(&due)) {
        struct mn_timer *t = MN_OF(due.next, struct mn_timer, link);

        mn_list_del(&t->link);
        t->at = 0;
        l->timers--;
        t->fire(t);
    }
    return true;
}

void mn_loop_post(struct mn_loop *l, struct mn_post *p)
{
    struct mn_post *old = atomic_load_explicit(&l->mail, memory_order_relaxed);

    atomic_fetch_add_explicit(&l->mail_bytes, p->bytes, memory_order_relaxed);
    do
        p->next = old;
    while (!atomic_compare_exchange_weak_explicit(&l->mail, &old, p, memory_order_seq_cst,
                                                  memory_order_relaxed));
    if (atomic_load_explicit(&l->asleep, memory_order_seq_cst) &&
        atomic_exchange(&l->asleep, false))
        ring(l);
}

size_t mn_loop_mail_bytes(const struct mn_loop *l)
{
    return atomic_load_explicit(&l->mail_bytes, memory_order_relaxed);
}

static bool mail_run(struct mn_loop *l)
{
    struct mn_post *p = atomic_exchange_explicit(&l->mail, NULL, memory_order_acquire);
    struct mn_post *first = NULL;
    bool some = p;

    while (p) {
        struct mn_post *next = p->next;

        p->next = first;
        first = p;
        p = next;
    }
    while (first) {
        struct mn_post *next = first->next;

        atomic_fetch_sub_explicit(&l->mail_bytes, first->bytes, memory_order_relaxed);
        first->run(first);
        first = next;
    }
    return some;
}

void mn_loop_at_end(struct mn_loop *l, struct mn_turn *t)
{
    if (t->link.next && !mn_list_empty(&t->link))
        return;
    mn_list_init(&t->link);
    mn_list_add(&l->turn, &t->link);
    want_turn(l);
}

void mn_turn_cancel(struct mn_turn *t)
{
    if (t->link.next)
        mn_list_del(&t->link);
}

static void turn_run(struct mn_loop *l)
{
    while (!mn_list_empty(&l->turn)) {
        struct mn_turn *t = MN_OF(l->turn.next, struct mn_turn, link);

        mn_list_del(&t->link);
        t->run(t);
    }
}

struct mn_loop *mn_loop_new(enum mn_loop_backend backend)
{
    struct mn_loop *l = MN_NEW(struct mn_loop);

    l->backend = backend;
    l->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    l->epoll = backend == MN_LOOP_EPOLL ? epoll_create1(EPOLL_CLOEXEC) : -1;
    mn_list_init(&l->turn);
    if (l->bell < 0 || (l->epoll < 0 && backend == MN_LOOP_EPOLL)) {
        mn_loop_free(l);
        return NULL;
    }
    if (l->epoll >= 0) {
        struct epoll_event e = {.events = EPOLLIN};

        epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->bell, &e);
    }
    for (size_t i = 0; i < SLOTS; i++)
        mn_list_init(&l->wheel[i]);
    l->tick = mn_clock_now() / TICK_MS;
    l->pool = mn_pool_new(256);
    return l;
}

void mn_loop_free(struct mn_loop *l)
{
    if (!l)
        return;
    if (here == l)
        here = NULL;
    if (l->epoll >= 0)
        close(l->epoll);
    if (l->bell >= 0)
        close(l->bell);
    mn_free(l->watched);
    mn_pool_free(l->pool);
    mn_free(l);
}

static void note_ready(struct mn_loop *l, struct mn_watch *w, unsigned events)
{
    l->ready[l->ready_count] = w;
    l->ready_events[l->ready_count++] = events;
}

static void bell_off(struct mn_loop *l)
{
    uint64_t count;

    (void)!read(l->bell, &count, sizeof count);
}

static void wait_epoll(struct mn_loop *l, int ms)
{
    struct epoll_event events[BATCH];
    int n = epoll_wait(l->epoll, events, BATCH, ms);

    for (int i = 0; i < n; i++) {
        unsigned e = events[i].events;

        if (!events[i].data.ptr)
            bell_off(l);
        else
            note_ready(l, events[i].data.ptr,
                       (e & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? MN_READ : 0u) |
                           (e & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? MN_WRITE : 0u));
    }
}

static void wait_poll(struct mn_loop *l, int ms)
{
    size_t count = l->watched_count;
    struct pollfd *fds = mn_alloc((count + 1) * sizeof *fds);

    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){l->watched[i]->fd,
                                 (short)((l->watched[i]->events & MN_READ ? POLLIN : 0) |
                                         (l->watched[i]->events & MN_WRITE ? POLLOUT : 0)),
                                 0};
    fds[count] = (struct pollfd){l->bell, POLLIN, 0};
    if (poll(fds, count + 1, ms) > 0) {
        if (fds[count].revents)
            bell_off(l);
        for (size_t i = 0; i < count && l->ready_count < BATCH; i++)
            if (fds[i].revents)
                note_ready(l, l->watched[i],
                           (fds[i].revents & (POLLIN | POLLHUP | POLLERR) ? MN_READ : 0u) |
                               (fds[i].revents & (POLLOUT | POLLHUP | POLLERR) ? MN_WRITE : 0u));
    }
    mn_free(fds);
}

static bool events_run(struct mn_loop *l)
{
    bool some = l->ready_count > 0;

    for (int i = 0; i < l->ready_count; i++) {
        struct mn_watch *w = l->ready[i];
        unsigned events = l->ready_events[i];

        if (w && (events &= w->events | (events == (MN_READ | MN_WRITE) ? MN_READ : 0u)))
            w->ready(w, events);
    }
    l->ready_count = 0;
    return some;
}

bool mn_loop_turn(struct mn_loop *l, int wait_ms)
{
    int64_t due;
    bool some = false;

    here = l;
    l->turning = true;
    mn_clock_tick();
    due = timers_wait(l);
    if (wait_ms < 0 || (due >= 0 && due < wait_ms))
        wait_ms = due > INT_MAX ? INT_MAX : (int)due;
    if (!mn_list_empty(&l->turn))
        wait_ms = 0;
    atomic_store_explicit(&l->asleep, true, memory_order_seq_cst);
    if (atomic_load_explicit(&l->mail, memory_order_seq_cst) || atomic_load(&l->stop))
        wait_ms = 0;
    if (l->backend == MN_LOOP_EPOLL)
        wait_epoll(l, wait_ms);
    else
        wait_poll(l, wait_ms);
    if (!l->embedded)
        atomic_store_explicit(&l->asleep, false, memory_order_relaxed);
    mn_clock_tick();
    some |= events_run(l);
    some |= mail_run(l);
    some |= timers_fire(l);
    turn_run(l);
    l->turning = false;
    return some;
}

void mn_loop_embed(struct mn_loop *l)
{
    MN_ASSERT(l->backend == MN_LOOP_EPOLL);
    l->embedded = true;
    atomic_store(&l->asleep, true); /* whoever posts always rings */
}

int mn_loop_fd(const struct mn_loop *l)
{
    return l->epoll;
}

int64_t mn_loop_due(struct mn_loop *l)
{
    mn_clock_tick();
    return !mn_list_empty(&l->turn) || atomic_load(&l->mail) ? 0 : timers_wait(l);
}

void mn_loop_run(struct mn_loop *l)
{
    while (!mn_loop_stopped(l))
        mn_loop_turn(l, -1);
}

void mn_loop_fire_all(struct mn_loop *l)
{
    here = l;
    for (size_t i = 0; l->timers; i = (i + 1) % SLOTS)
        while (!mn_list_empty(&l->wheel[i])) {
            struct mn_timer *t = MN_OF(l->wheel[i].next, struct mn_timer, link);

            mn_list_del(&t->link);
            t->at = 0;
            l->timers--;
            t->fire(t);
        }
    turn_run(l);
}

void mn_loop_stop(struct mn_loop *l)
{
    atomic_store(&l->stop, true);
    ring(l);
}

bool mn_loop_stopped(struct mn_loop *l)
{
    return atomic_exchange(&l->stop, false);
}

struct mn_loop *mn_loop_here(void)
{
    return here;
}

struct mn_pool *mn_loop_pool(struct mn_loop *l)
{
    return l->pool;
}

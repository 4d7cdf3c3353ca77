/* For targets that are clients: whatever is dialled is one end of a pair of sockets, whose other
 * end is `far`; of the stream hosts that others name, `beside`. */
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include "net/dial.h"

static int far = -1, beside = -1;

struct mn_dial {
    struct mn_loop *loop;
    struct mn_timer timer;
    void (*done)(void *arg, int code, const struct mn_dial_found *found, const char *why);
    void *arg;
    bool again, elsewhere;
};

static void end_close(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

static void cut(void)
{
    end_close(&far);
}

/* The near end. */
static int pair_new(int *other)
{
    int pair[2];

    end_close(other);
    MN_ASSERT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
    *other = pair[1];
    return pair[0];
}

static void dial_now(struct mn_timer *t)
{
    struct mn_dial *d = MN_OF(t, struct mn_dial, timer);

    if (d->again)
        d->done(d->arg, MN_E_CLOSED, NULL, "nobody else");
    else
        d->done(
            d->arg, MN_E_OK,
            &(struct mn_dial_found){pair_new(d->elsewhere ? &beside : &far), false, "x.test", 5222},
            NULL);
}

struct mn_dial *mn_dial(struct mn_loop *l, const struct mn_dial_plan *plan,
                        void (*done)(void *arg, int code, const struct mn_dial_found *found,
                                     const char *why),
                        void *arg)
{
    struct mn_dial *d = MN_NEW(struct mn_dial);

    d->elsewhere = plan->elsewhere;
    d->loop = l;
    d->timer.fire = dial_now;
    d->done = done;
    d->arg = arg;
    mn_timer_start(l, &d->timer, 0);
    return d;
}

void mn_dial_again(struct mn_dial *d, int code, const char *why)
{
    (void)code;
    (void)why;
    d->again = true;
    mn_timer_start(d->loop, &d->timer, 0);
}

void mn_dial_free(struct mn_dial *d)
{
    if (d)
        mn_timer_stop(&d->timer);
    mn_free(d);
}

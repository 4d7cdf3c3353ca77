/* Inside libuv's loop, by call-backs. Usage: loop_uv JID TO */
#include "loop.h"

#include <uv.h>

static uv_poll_t ours, keys;
static uv_timer_t clock_;

static void readable(uv_poll_t *p, int status, int events)
{
    mynah_turn(p->data, 0);
}

static void due(uv_timer_t *t)
{
    mynah_turn(t->data, 0);
}

static void watch(void *ctx, int fd, bool on)
{
    if (on) {
        uv_poll_init(uv_default_loop(), &ours, fd);
        ours.data = ctx;
        uv_poll_start(&ours, UV_READABLE, readable);
    } else {
        uv_poll_stop(&ours);
    }
}

static void timer(void *ctx, int64_t ms)
{
    clock_.data = ctx;
    if (ms < 0)
        uv_timer_stop(&clock_);
    else
        uv_timer_start(&clock_, due, (uint64_t)ms, 0);
}

static void input(uv_poll_t *p, int status, int events)
{
    if (!typed(p->data))
        uv_poll_stop(p);
}

int main(int argc, char **argv)
{
    struct mynah_context *ctx = mynah_context_new(NULL);

    uv_timer_init(uv_default_loop(), &clock_);
    uv_poll_init(uv_default_loop(), &keys, 0);
    keys.data = talker(ctx, argc, argv);
    uv_poll_start(&keys, UV_READABLE | UV_DISCONNECT, input);
    mynah_attach(ctx, &(struct mynah_loop){.size = sizeof(struct mynah_loop), .watch = watch, .timer = timer, .arg = ctx});
    while (!over)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
    mynah_context_free(ctx);
    return 0;
}

#include "client/context.h"

#include "base/clock.h"
#include "base/err.h"
#include "client/client.h"
#include "net/conn.h"
#include "net/tls.h"

enum { LANE_DEPTH = 1000, LEAVING_MS = 2000 };

struct mynah_timer {
    struct mn_timer timer;
    struct mn_list link;
    void (*fire)(void *arg);
    void *arg;
};

static void sweep(struct mn_turn *t)
{
    struct mynah_context *ctx = MN_OF(t, struct mynah_context, sweep);

    while (!mn_list_empty(&ctx->trash)) {
        struct trash *one = MN_OF(ctx->trash.next, struct trash, link);

        mn_list_del(&one->link);
        one->free(one);
    }
}

/* Runs behind what others do at the end of the turn: it puts itself there again until it is alone.
 */
static void tell(struct mn_turn *t)
{
    struct mynah_context *ctx = MN_OF(t, struct mynah_context, told);

    ctx->host.timer(ctx->host.arg, mn_loop_due(ctx->loop));
}

struct mynah_context *mynah_context_new(const struct mynah_context_config *config)
{
    struct mynah_context *ctx = MN_NEW(struct mynah_context);

    if (config)
        SIZED_COPY(ctx->conf, config);
    ctx->dns = ctx->conf.dns ? mn_str_dup(mn_str_from(ctx->conf.dns)) : NULL;
    ctx->loop = mn_loop_new(MN_LOOP_EPOLL);
    if (!ctx->loop) {
        mn_free(ctx->dns);
        mn_free(ctx);
        return NULL;
    }
    ctx->trust = mn_trust_new();
    mn_loop_embed(ctx->loop);
    mn_list_init(&ctx->clients);
    mn_list_init(&ctx->trash);
    mn_list_init(&ctx->timers);
    mn_list_init(&ctx->jobs);
    mn_list_init(&ctx->ports);
    mn_list_init(&ctx->conns);
    mn_list_init(&ctx->waits);
    ctx->sweep.run = sweep;
    ctx->told.run = tell;
    return ctx;
}

/* The last words over BOSH may need one more connection. */
static void leave(struct mynah_context *ctx)
{
    int64_t until = mn_clock_now() + LEAVING_MS, left;

    while (ctx->leaving && (left = until - mn_clock_now()) > 0)
        mn_loop_turn(ctx->loop, (int)left);
}

void mynah_context_free(struct mynah_context *ctx)
{
    if (!ctx)
        return;
    ctx->over = true;
    while (!mn_list_empty(&ctx->clients))
        mynah_client_free(MN_OF(ctx->clients.next, struct mynah_client, link));
    listen_done(ctx);
    while (!mn_list_empty(&ctx->timers))
        mynah_timer_stop(MN_OF(ctx->timers.next, struct mynah_timer, link));
    if (ctx->host.watch)
        ctx->host.watch(ctx->host.arg, mn_loop_fd(ctx->loop), false);
    ctx->host = (struct mynah_loop){0};
    mn_turn_cancel(&ctx->told);
    leave(ctx);
    /* Finishes what was begun: last bytes, posted calls that only free, the trash. */
    for (int i = 0; i < 3; i++)
        mn_loop_turn(ctx->loop, 0);
    mn_loop_fire_all(ctx->loop);
    mn_loop_turn(ctx->loop, 0);
    mn_work_free(ctx->work);
    mn_loop_turn(ctx->loop, 0);
    while (!mn_list_empty(&ctx->jobs)) {
        struct slow *s = MN_OF(ctx->jobs.next, struct slow, link);

        mn_list_del(&s->link);
        s->drop(s);
    }
    sweep(&ctx->sweep);
    mn_loop_free(ctx->loop);
    mn_conn_thread_done();
    mn_trust_free(ctx->trust);
    mn_free(ctx->dns);
    mn_free(ctx);
}

void mynah_run(struct mynah_context *ctx)
{
    if (ctx->inside)
        return;
    ctx->inside = true;
    mn_loop_run(ctx->loop);
    ctx->inside = false;
}

void mynah_stop(struct mynah_context *ctx)
{
    mn_loop_stop(ctx->loop);
}

int mynah_fd(struct mynah_context *ctx)
{
    return mn_loop_fd(ctx->loop);
}

int64_t mynah_due(struct mynah_context *ctx)
{
    return mn_loop_due(ctx->loop);
}

bool mynah_turn(struct mynah_context *ctx, int wait_ms)
{
    bool some;

    if (ctx->inside)
        return false;
    ctx->inside = true;
    some = mn_loop_turn(ctx->loop, wait_ms);
    ctx->inside = false;
    if (ctx->host.timer)
        tell(&ctx->told);
    return some;
}

void mynah_attach(struct mynah_context *ctx, const struct mynah_loop *loop)
{
    SIZED_COPY(ctx->host, loop);
    ctx->host.watch(ctx->host.arg, mn_loop_fd(ctx->loop), true);
    ctx->host.timer(ctx->host.arg, mn_loop_due(ctx->loop));
}

struct posted {
    struct mn_post post;
    struct mynah_context *ctx;
    void (*run)(void *arg);
    void *arg;
};

static void posted_run(struct mn_post *p)
{
    struct posted *q = MN_OF(p, struct posted, post);

    if (!q->ctx->over)
        q->run(q->arg);
    mn_free(q);
}

void mynah_post(struct mynah_context *ctx, void (*run)(void *arg), void *arg)
{
    struct posted *q = MN_NEW(struct posted);

    *q = (struct posted){{.run = posted_run, .bytes = sizeof *q}, ctx, run, arg};
    mn_loop_post(ctx->loop, &q->post);
}

void mynah_timer_stop(struct mynah_timer *t)
{
    if (!t)
        return;
    mn_timer_stop(&t->timer);
    mn_list_del(&t->link);
    mn_free(t);
}

static void timer_fired(struct mn_timer *m)
{
    struct mynah_timer *t = MN_OF(m, struct mynah_timer, timer);
    void (*fire)(void *arg) = t->fire;
    void *arg = t->arg;

    mynah_timer_stop(t);
    fire(arg);
}

struct mynah_timer *mynah_timer_start(struct mynah_context *ctx, int64_t ms,
                                      void (*fire)(void *arg), void *arg)
{
    struct mynah_timer *t = MN_NEW(struct mynah_timer);

    t->timer.fire = timer_fired;
    t->fire = fire;
    t->arg = arg;
    mn_list_add(&ctx->timers, &t->link);
    mn_timer_start(ctx->loop, &t->timer, ms);
    return t;
}

void context_trash(struct mynah_context *ctx, struct trash *t, void (*free_it)(struct trash *t))
{
    t->free = free_it;
    mn_list_init(&t->link);
    mn_list_add(&ctx->trash, &t->link);
    mn_loop_at_end(ctx->loop, &ctx->sweep);
}

int context_slow(struct mynah_context *ctx, struct slow *s)
{
    if (!ctx->work)
        ctx->work = mn_work_new((unsigned[MN_LANES]){1, 0, 0, 0}, LANE_DEPTH);
    if (!ctx->work)
        return MN_E_LIMIT;
    s->ctx = ctx;
    s->job.loop = ctx->loop;
    mn_list_init(&s->link);
    mn_list_add(&ctx->jobs, &s->link);
    if (!mn_work_submit(ctx->work, MN_LANE_HASH, &s->job))
        return MN_E_OK;
    mn_list_del(&s->link);
    return MN_E_BUSY;
}

void context_slow_done(struct slow *s)
{
    mn_list_del(&s->link);
}

static void listener_free(struct trash *t)
{
    mn_free(t);
}

struct mynah_listener *listener_add(struct mynah_context *ctx, struct mn_list *list,
                                    const void *calls, size_t size, void *arg)
{
    size_t given = *(const size_t *)calls;
    struct mynah_listener *l = mn_alloc0(sizeof *l + size);

    l->ctx = ctx;
    l->arg = arg;
    memcpy(l->calls, calls, given < size ? given : size);
    mn_list_add(list, &l->link);
    return l;
}

/* It stays in its list until the end of the turn: somebody may be walking there. */
static void listener_out(struct trash *t)
{
    struct mynah_listener *l = (struct mynah_listener *)t;

    mn_list_del(&l->link);
    listener_free(t);
}

void mynah_unlisten(struct mynah_listener *l)
{
    if (!l || l->gone)
        return;
    l->gone = true;
    context_trash(l->ctx, &l->trash, listener_out);
}

void listeners_mute(struct mn_list *list)
{
    MN_LIST_EACH(n, list)
    mynah_unlisten(MN_OF(n, struct mynah_listener, link));
}

void listeners_free(struct mn_list *list)
{
    MN_LIST_EACH(n, list)
    {
        struct mynah_listener *l = MN_OF(n, struct mynah_listener, link);

        mn_list_del(n);
        if (!l->gone) /* else it is in the trash already */
            listener_free(&l->trash);
    }
}

/* Codes and the odds and ends of base.h. */

/* User interfaces show these in their language: tools/texts collects them. */
#define N_(text) text

const char *mynah_code_text(int code)
{
    static const char *const texts[] = {
        N_("ok"),
        N_("a wrong argument"),
        N_("not in this state"),
        N_("no such host or service"),
        N_("nobody answers"),
        N_("encryption failed"),
        N_("the certificate is not trusted"),
        N_("the login was refused"),
        N_("no way to log in that both sides allow"),
        N_("the stream ended with an error"),
        N_("refused"),
        N_("no answer in time"),
        N_("cancelled"),
        N_("the connection was lost"),
        N_("the other side does not have it"),
        N_("not in the expected form"),
        N_("over a limit"),
        N_("input or output failed"),
    };

    return code <= 0 && (size_t)-code < MN_COUNT(texts) ? texts[-code] : N_("unknown");
}

const char *mynah_version(void)
{
    return MN_VERSION;
}

void mynah_free(void *p)
{
    mn_free(p);
}

void mynah_out_of_memory(void (*handler)(void))
{
    mn_oom_handler = handler;
}

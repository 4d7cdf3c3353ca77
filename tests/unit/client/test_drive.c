/* The three ways to drive a context, by one login each; and that nothing happens while nothing
 * happens. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "unit/client/talk.h"

static const char *const lines[] = {LOGIN(""), "<>ready<", NULL};
static bool answered;

/* The server is on a thread of its own, so that the client alone is in the context. */
static struct mynah_context *far;
static struct server server;

static void *serve(void *arg)
{
    (void)arg;
    while (!server_done(&server))
        mn_loop_turn(far->loop, 20);
    mn_conn_thread_done();
    return NULL;
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s,
                  const struct mynah_error *why)
{
    (void)why;
    if (s == MYNAH_ONLINE) {
        answered = true;
        mynah_chat(c, "a@y.test", "ready");
        mynah_stop(arg);
    }
}

static struct mynah_context *start(pthread_t *thread)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .state = state};
    struct mynah_client_config config = {.size = sizeof config,
                                         .jid = "x.test",
                                         .host = "127.0.0.1",
                                         .tls = MYNAH_TLS_OFF,
                                         .no_reconnect = true,
                                         .no_roster = true};
    struct mynah_context *ctx = mynah_context_new(NULL);

    answered = false;
    far = mynah_context_new(NULL);
    server_start(&server, far, lines);
    config.port = (uint16_t)strtoul(server.port, NULL, 10);
    CHECK(!pthread_create(thread, NULL, serve, NULL));
    CHECK_INT(mynah_client_new(ctx, &config, &talk.c, NULL), 0);
    mynah_listen(talk.c, &calls, ctx);
    CHECK_INT(mynah_client_connect(talk.c), 0);
    return ctx;
}

/* Logged in, and what was said is written: until the next question for life nobody is woken. */
static void idle(struct mynah_context *ctx)
{
    struct pollfd p = {mynah_fd(ctx), POLLIN, 0};
    int64_t due;

    while (mynah_turn(ctx, 0))
        ;
    due = mynah_due(ctx);
    if (due >= 0 && due < 50000)
        test_fail(__FILE__, __LINE__, "due in %lld ms", (long long)due);
    for (int i = 0; i < 5; i++)
        CHECK_INT(poll(&p, 1, 20), 0);
}

static void end(struct mynah_context *ctx, pthread_t thread)
{
    CHECK(answered);
    CHECK(!pthread_join(thread, NULL));
    idle(ctx);
    server_stop(&server);
    mynah_context_free(far);
    mynah_context_free(ctx);
}

TEST(a_context_runs_by_itself)
{
    pthread_t thread;
    struct mynah_context *ctx = start(&thread);

    mynah_run(ctx);
    while (mynah_turn(ctx, 0))
        ;
    end(ctx, thread);
}

TEST(a_context_is_a_descriptor_and_a_due_time)
{
    pthread_t thread;
    struct mynah_context *ctx = start(&thread);
    struct pollfd p = {mynah_fd(ctx), POLLIN, 0};
    int64_t deadline = mn_clock_now() + 60000;

    while (!answered && mn_clock_now() < deadline) {
        int64_t due = mynah_due(ctx);

        poll(&p, 1, due < 0 || due > 60000 ? 60000 : (int)due);
        mynah_turn(ctx, 0);
    }
    end(ctx, thread);
}

static int watched = -1;
static int64_t wanted = -1;
static unsigned told;

static void watch(void *arg, int fd, bool on)
{
    (void)arg;
    watched = on ? fd : -1;
}

static void timer(void *arg, int64_t ms)
{
    (void)arg;
    wanted = ms;
    told++;
}

TEST(a_context_tells_a_loop_what_it_needs)
{
    pthread_t thread;
    struct mynah_context *ctx = start(&thread);
    struct mynah_loop loop = {sizeof loop, watch, timer, NULL};
    int64_t deadline = mn_clock_now() + 60000;

    mynah_attach(ctx, &loop);
    CHECK_INT(watched, mynah_fd(ctx));
    while (!answered && mn_clock_now() < deadline) {
        struct pollfd p = {watched, POLLIN, 0};

        poll(&p, 1, wanted < 0 || wanted > 60000 ? 60000 : (int)wanted);
        mynah_turn(ctx, 0);
    }
    CHECK(wanted < 0 || wanted <= 300000);
    end(ctx, thread);
    CHECK_INT(watched, -1);
    CHECK(told > 0);
}

/* Two contexts on two threads, each posting to the other; many accounts on one. */

enum { POSTS = 1000 };

static struct pair {
    struct mynah_context *ctx, *other;
    unsigned got;
} pairs[2];

static void posted(void *arg)
{
    struct pair *p = arg;

    if (++p->got == POSTS)
        mynah_stop(p->ctx);
}

static void *run(void *arg)
{
    struct pair *p = arg, *q = p == pairs ? pairs + 1 : pairs;
    struct mynah_client *accounts[20];
    struct mynah_client_config config = {.size = sizeof config,
                                         .jid = "x.test",
                                         .host = "127.0.0.1",
                                         .port = 1,
                                         .tls = MYNAH_TLS_OFF};

    for (size_t i = 0; i < MN_COUNT(accounts); i++) {
        CHECK_INT(mynah_client_new(p->ctx, &config, &accounts[i], NULL), 0);
        CHECK_INT(mynah_client_connect(accounts[i]), 0); /* where nobody answers */
    }
    for (int i = 0; i < POSTS; i++)
        mynah_post(p->other, posted, q);
    mynah_run(p->ctx);
    for (size_t i = 0; i < MN_COUNT(accounts); i += 2)
        mynah_client_free(accounts[i]);
    return NULL;
}

TEST(contexts_on_two_threads_post_to_each_other)
{
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        pairs[i] = (struct pair){.ctx = mynah_context_new(NULL)};
    for (int i = 0; i < 2; i++)
        pairs[i].other = pairs[1 - i].ctx;
    for (int i = 0; i < 2; i++)
        CHECK(!pthread_create(&threads[i], NULL, run, &pairs[i]));
    for (int i = 0; i < 2; i++)
        CHECK(!pthread_join(threads[i], NULL));
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pairs[i].got, POSTS);
        mynah_context_free(pairs[i].ctx);
    }
}

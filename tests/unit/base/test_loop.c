#include "base/loop.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/work.h"
#include "test.h"

static const enum mn_loop_backend backends[] = {MN_LOOP_EPOLL, MN_LOOP_POLL};

static char order[64];

struct note {
    struct mn_timer timer;
    struct mn_turn turn;
    struct mn_post post;
    struct mn_watch watch;
    char name;
    struct mn_loop *loop;
};

static void noted(char c)
{
    size_t n = strlen(order);

    if (n + 1 < sizeof order) {
        order[n] = c;
        order[n + 1] = 0;
    }
}

static void timer_fired(struct mn_timer *t)
{
    noted(MN_OF(t, struct note, timer)->name);
}

TEST(timers_fire_in_time_and_only_once)
{
    for (size_t b = 0; b < MN_COUNT(backends); b++) {
        struct mn_loop *l;
        struct note n[4] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};

        mn_clock_set(1000000, 0);
        l = mn_loop_new(backends[b]);
        mn_loop_turn(l, 0);
        order[0] = 0;
        for (int i = 0; i < 4; i++)
            n[i].timer.fire = timer_fired;
        mn_timer_start(l, &n[0].timer, 50);
        mn_timer_start(l, &n[1].timer, 20000); /* more than a round of the wheel */
        mn_timer_start(l, &n[2].timer, 10);
        mn_timer_start(l, &n[3].timer, 30);
        mn_timer_stop(&n[3].timer);
        mn_clock_set(1000005, 0);
        mn_loop_turn(l, 0);
        CHECK_STR(mn_str_from(order), "");
        mn_clock_set(1000060, 0);
        mn_loop_turn(l, 0);
        CHECK_STR(mn_str_from(order), "ca");
        mn_clock_set(1019999, 0);
        mn_loop_turn(l, 0);
        CHECK_STR(mn_str_from(order), "ca");
        mn_clock_set(1020001, 0);
        mn_loop_turn(l, 0);
        CHECK_STR(mn_str_from(order), "cab");
        mn_timer_start(l, &n[0].timer, 5);
        mn_clock_set(9020001, 0); /* a long sleep */
        mn_loop_turn(l, 0);
        CHECK_STR(mn_str_from(order), "caba");
        mn_timer_start(l, &n[0].timer, INT64_MAX); /* never */
        mn_loop_turn(l, 0);
        CHECK_STR(mn_str_from(order), "caba");
        mn_timer_stop(&n[0].timer);
        mn_loop_free(l);
        mn_clock_set(-1, 0);
    }
}

static void turn_came(struct mn_turn *t)
{
    struct note *n = MN_OF(t, struct note, turn);

    noted(n->name);
    if (n->name == 'x') {
        n->name = 'y';
        mn_loop_at_end(n->loop, t);
    }
}

TEST(the_end_of_a_turn_runs_each_hook_once_in_order)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct note a = {.name = 'x', .loop = l, .turn.run = turn_came};
    struct note b = {.name = 'b', .loop = l, .turn.run = turn_came};

    order[0] = 0;
    mn_loop_at_end(l, &a.turn);
    mn_loop_at_end(l, &b.turn);
    mn_loop_at_end(l, &a.turn);
    mn_loop_turn(l, -1);
    CHECK_STR(mn_str_from(order), "xby");
    mn_loop_free(l);
}

static void readable(struct mn_watch *w, unsigned events)
{
    struct note *n = MN_OF(w, struct note, watch);
    char c;

    CHECK(events & MN_READ);
    CHECK_INT(read(w->fd, &c, 1), 1);
    noted(n->name);
    mn_loop_unwatch(n->loop, &n->watch);
    if (n->name == '1') /* the other one is ready in the same batch and goes */
        mn_loop_unwatch(n->loop, &n[1].watch);
    mn_loop_stop(n->loop);
}

TEST(a_watch_taken_out_in_a_callback_is_not_called)
{
    for (size_t b = 0; b < MN_COUNT(backends); b++) {
        struct mn_loop *l = mn_loop_new(backends[b]);
        int p[2][2];
        struct note n[2] = {{.name = '1', .loop = l}, {.name = '2', .loop = l}};

        order[0] = 0;
        for (int i = 0; i < 2; i++) {
            CHECK(!pipe(p[i]));
            n[i].watch = (struct mn_watch){p[i][0], MN_READ, readable};
            mn_loop_watch(l, &n[i].watch);
            CHECK_INT(write(p[i][1], "x", 1), 1);
        }
        mn_loop_run(l);
        CHECK(order[0] == '1' ? order[1] == 0 : order[0] == '2');
        for (int i = 0; i < 2; i++) {
            close(p[i][0]);
            close(p[i][1]);
        }
        mn_loop_free(l);
    }
}

enum { POSTS = 2000, THREADS = 3 };
static int next_of[THREADS], wrong, total;
static struct mn_loop *target;
struct numbered {
    struct mn_post post;
    int thread, number;
};

static void number_came(struct mn_post *p)
{
    struct numbered *n = (struct numbered *)p;

    wrong += n->number != next_of[n->thread]++;
    mn_free(n);
    if (++total == POSTS * THREADS)
        mn_loop_stop(target);
}

static void *poster(void *arg)
{
    for (int i = 0; i < POSTS; i++) {
        struct numbered *n = MN_NEW(struct numbered);

        n->post.run = number_came;
        n->post.bytes = 10;
        n->thread = (int)(intptr_t)arg;
        n->number = i;
        mn_loop_post(target, &n->post);
    }
    return NULL;
}

TEST(posts_keep_the_order_of_each_thread_and_wake_the_loop)
{
    pthread_t t[THREADS];

    target = mn_loop_new(MN_LOOP_EPOLL);
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, poster, (void *)i);
    mn_loop_run(target);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    CHECK_INT(wrong, 0);
    CHECK_INT(total, POSTS * THREADS);
    CHECK_INT((long long)mn_loop_mail_bytes(target), 0);
    mn_loop_free(target);
}

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static int jobs_done;

static void job_blocks(struct mn_job *j)
{
    (void)j;
    pthread_mutex_lock(&gate_lock); /* held by the test until the other lane has answered */
    pthread_mutex_unlock(&gate_lock);
}

static void job_quick(struct mn_job *j)
{
    (void)j;
}

static void job_done(struct mn_job *j)
{
    jobs_done++;
    mn_loop_stop(j->loop);
}

TEST(a_full_lane_refuses_and_starves_no_other)
{
    struct mn_work *w = mn_work_new((unsigned[]){1, 1, 1, 1}, 2);
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct mn_job blocked[4] = {0}, quick = {.run = job_quick, .done = job_done, .loop = l};
    int accepted = 0;

    pthread_mutex_lock(&gate_lock);
    for (int i = 0; i < 4; i++) {
        blocked[i] = (struct mn_job){.run = job_blocks, .done = job_done, .loop = l};
        accepted += !mn_work_submit(w, MN_LANE_HASH, &blocked[i]);
    }
    CHECK(accepted >= 2 && accepted < 4);
    CHECK(!mn_work_submit(w, MN_LANE_READ, &quick));
    mn_loop_run(l);
    CHECK_INT(jobs_done, 1);
    pthread_mutex_unlock(&gate_lock);
    while (jobs_done < 1 + accepted)
        mn_loop_run(l);
    mn_work_free(w);
    mn_loop_free(l);
}

static void post_noted(struct mn_post *p)
{
    noted(MN_OF(p, struct note, post)->name);
}

static bool rings(struct mn_loop *l)
{
    struct pollfd p = {mn_loop_fd(l), POLLIN, 0};

    return poll(&p, 1, 0) == 1;
}

TEST(inside_another_loop_the_descriptor_and_the_due_time_say_when)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL), *other = mn_loop_new(MN_LOOP_EPOLL);
    struct note n = {.name = 'a'}, t = {.name = 't'}, p = {.name = 'p'}, later = {.name = 'l'};

    mn_clock_set(1000000, 0);
    mn_loop_embed(l);
    mn_loop_turn(l, 0);
    order[0] = 0;
    n.timer.fire = timer_fired;
    t.turn.run = turn_came;
    p.post.run = post_noted;
    CHECK(!rings(l));
    CHECK_INT(mn_loop_due(l), -1);
    mn_timer_start(l, &n.timer, 500);
    CHECK(rings(l)); /* the host asks for the due time after the turn */
    mn_loop_turn(l, 0);
    CHECK(!rings(l));
    CHECK_INT(mn_loop_due(l), 500);
    mn_loop_at_end(l, &t.turn);
    CHECK(rings(l));
    CHECK_INT(mn_loop_due(l), 0);
    mn_loop_turn(l, 0);
    mn_loop_post(l, &p.post);
    CHECK(rings(l));
    mn_loop_turn(l, 0);
    CHECK(!rings(l));
    mn_loop_turn(other, 0); /* a second loop of the thread does not confuse the first */
    mn_timer_start(l, &later.timer, 90000);
    mn_timer_start(l, &n.timer, 700);
    CHECK_INT(mn_loop_due(l), 700); /* not 500, where it was before */
    mn_timer_stop(&n.timer);
    CHECK_INT(mn_loop_due(l), 90000); /* nothing wakes for a timer that was stopped */
    mn_timer_stop(&later.timer);
    CHECK_INT(mn_loop_due(l), -1);
    CHECK_STR(mn_str_from(order), "tp");
    mn_clock_set(-1, 0);
    mn_loop_free(l);
    mn_loop_free(other);
}

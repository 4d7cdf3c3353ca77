#include "base/work.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/err.h"
#include "test.h"

static struct mn_loop *loop;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held: jobs stand still */
static atomic_uint begun;
static unsigned done_count;
static bool done_here;

struct job {
    struct mn_job job;
    unsigned number;
    bool on_other_thread;
};
static unsigned order[16];
static pthread_t main_thread;

static void run(struct mn_job *j)
{
    atomic_fetch_add(&begun, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    ((struct job *)j)->on_other_thread = !pthread_equal(pthread_self(), main_thread);
}

static void done(struct mn_job *j)
{
    done_here = pthread_equal(pthread_self(), main_thread) && mn_loop_here() == loop;
    order[done_count++] = ((struct job *)j)->number;
}

static struct mn_work *begin_with(const unsigned threads[MN_LANES], size_t depth)
{
    loop = mn_loop_new(MN_LOOP_EPOLL);
    main_thread = pthread_self();
    atomic_store(&begun, 0);
    done_count = 0;
    return mn_work_new(threads, depth);
}

static struct mn_work *begin(size_t depth)
{
    return begin_with((unsigned[]){1, 1, 1, 1}, depth);
}

static int submit(struct mn_work *w, enum mn_lane lane, struct job *j, unsigned number)
{
    *j = (struct job){.job = {.run = run, .done = done, .loop = loop}, .number = number};
    return mn_work_submit(w, lane, &j->job);
}

static void wait_for(unsigned count)
{
    while (done_count < count)
        mn_loop_turn(loop, -1);
}

TEST(jobs_run_in_order_elsewhere_and_come_back)
{
    struct mn_work *w = begin(10);
    struct job jobs[5];

    for (unsigned i = 0; i < MN_COUNT(jobs); i++)
        CHECK_INT(submit(w, MN_LANE_OTHER, &jobs[i], i), 0);
    wait_for(MN_COUNT(jobs));
    for (unsigned i = 0; i < MN_COUNT(jobs); i++) {
        CHECK_INT(order[i], i);
        CHECK(jobs[i].on_other_thread);
    }
    CHECK(done_here);
    mn_work_free(w);
    mn_loop_free(loop);
}

TEST(work_is_busy_until_the_last_job_is_on_its_way_back)
{
    struct mn_work *w = begin(2);
    struct job jobs[2];

    CHECK(!mn_work_busy(w));
    pthread_mutex_lock(&gate);
    for (unsigned i = 0; i < MN_COUNT(jobs); i++)
        CHECK_INT(submit(w, MN_LANE_READ, &jobs[i], i), 0);
    CHECK(mn_work_busy(w)); /* it waits, ... */
    while (!atomic_load(&begun))
        sched_yield();
    CHECK(mn_work_busy(w)); /* ... it runs, ... */
    pthread_mutex_unlock(&gate);
    while (mn_work_busy(w))
        sched_yield();
    while (mn_loop_turn(loop, 0)) /* ... and all of it is here. */
        ;
    CHECK_INT(done_count, 2);
    mn_work_free(w);
    mn_loop_free(loop);
}

TEST(a_full_lane_says_so_and_starves_no_other)
{
    struct mn_work *w = begin(2);
    struct job jobs[5];

    pthread_mutex_lock(&gate);
    CHECK_INT(submit(w, MN_LANE_HASH, &jobs[0], 0), 0);
    while (!atomic_load(&begun)) /* it runs, and waits no longer */
        ;
    CHECK_INT(submit(w, MN_LANE_HASH, &jobs[1], 1), 0);
    CHECK_INT(submit(w, MN_LANE_HASH, &jobs[2], 2), 0);
    CHECK_INT(submit(w, MN_LANE_HASH, &jobs[3], 3), MN_E_BUSY);
    CHECK_INT(submit(w, MN_LANE_READ, &jobs[4], 4), 0);
    while (atomic_load(&begun) < 2) /* beside the lane that is full */
        ;
    pthread_mutex_unlock(&gate);
    wait_for(4);
    CHECK_INT(submit(w, MN_LANE_HASH, &jobs[3], 3), 0);
    wait_for(5);
    CHECK_INT(order[4], 3);
    mn_work_free(w);
    mn_loop_free(loop);
}

TEST(a_list_keeps_its_order_and_what_there_is_no_room_for)
{
    struct mn_work *w = begin(3);
    struct job jobs[6];
    struct mn_job *list = &jobs[1].job;

    pthread_mutex_lock(&gate);
    CHECK_INT(submit(w, MN_LANE_READ, &jobs[0], 0), 0);
    while (!atomic_load(&begun))
        ;
    for (unsigned i = 1; i < MN_COUNT(jobs); i++)
        jobs[i] = (struct job){.job = {.run = run,
                                       .done = done,
                                       .loop = loop,
                                       .next = i + 1 < MN_COUNT(jobs) ? &jobs[i + 1].job : NULL},
                               .number = i};
    mn_work_submit_all(w, MN_LANE_READ, &list);
    CHECK(list == &jobs[4].job && list->next == &jobs[5].job);
    pthread_mutex_unlock(&gate);
    wait_for(4);
    for (unsigned i = 0; i < 4; i++)
        CHECK_INT(order[i], i);
    mn_work_free(w);
    mn_loop_free(loop);
}

/* The list wakes one thread; it comes to a stand, and the others are there all the same. */
TEST(threads_wake_each_other)
{
    struct mn_work *w = begin_with((unsigned[]){1, 3, 1, 1}, 10);
    struct job jobs[3];
    struct mn_job *list = NULL;

    pthread_mutex_lock(&gate);
    for (unsigned i = MN_COUNT(jobs); i-- > 0; list = &jobs[i].job)
        jobs[i] = (struct job){.job = {.run = run, .done = done, .loop = loop, .next = list},
                               .number = i};
    mn_work_submit_all(w, MN_LANE_READ, &list);
    CHECK(!list);
    while (atomic_load(&begun) < 3)
        sched_yield();
    pthread_mutex_unlock(&gate);
    wait_for(3);
    mn_work_free(w);
    mn_loop_free(loop);
}

TEST(the_end_finishes_what_runs_and_drops_what_waits)
{
    struct mn_work *w = begin(10);
    struct job jobs[3];

    pthread_mutex_lock(&gate);
    CHECK_INT(submit(w, MN_LANE_HASH, &jobs[0], 0), 0);
    while (!atomic_load(&begun))
        ;
    CHECK_INT(submit(w, MN_LANE_HASH, &jobs[1], 1), 0);
    pthread_mutex_unlock(&gate);
    mn_work_stop(w);
    CHECK_INT(submit(w, MN_LANE_READ, &jobs[2], 2), MN_E_BUSY);
    mn_work_free(w);
    while (mn_loop_turn(loop, 0))
        ;
    CHECK(done_count >= 1 && order[0] == 0);
    CHECK_INT(atomic_load(&begun), done_count);
    mn_loop_free(loop);
}

/* No address space has room for their stacks. */
TEST(where_there_can_be_no_thread_there_are_no_lanes)
{
    pthread_attr_t before, huge;
    struct mn_work *w;

    CHECK(!pthread_getattr_default_np(&before) && !pthread_attr_init(&huge));
    CHECK(!pthread_attr_setstacksize(&huge, (size_t)1 << 47));
    CHECK(!pthread_setattr_default_np(&huge));
    w = mn_work_new((unsigned[]){1, 2, 1, 1}, 10);
    CHECK(!pthread_setattr_default_np(&before));
    CHECK(!w);
}

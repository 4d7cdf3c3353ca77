#include "fuzz/one_thread.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/work.h"

struct mn_loop *the_loop;
static int64_t now;

struct mn_work {
    char nothing;
};

struct mn_work *mn_work_new(const unsigned threads[MN_LANES], size_t depth)
{
    (void)threads;
    (void)depth;
    return MN_NEW(struct mn_work);
}

void mn_work_stop(struct mn_work *w)
{
    (void)w;
}

void mn_work_free(struct mn_work *w)
{
    mn_free(w);
}

/* What was run is on its way back at once. */
bool mn_work_busy(struct mn_work *w)
{
    (void)w;
    return false;
}

static void job_back(struct mn_post *p)
{
    struct mn_job *j = (struct mn_job *)p;

    j->done(j);
}

int mn_work_submit(struct mn_work *w, enum mn_lane lane, struct mn_job *j)
{
    (void)w;
    (void)lane;
    j->loop = j->loop ? j->loop : mn_loop_here();
    j->run(j);
    j->post.run = job_back;
    mn_loop_post(j->loop, &j->post);
    return MN_E_OK;
}

void mn_work_submit_all(struct mn_work *w, enum mn_lane lane, struct mn_job **list)
{
    while (*list) {
        struct mn_job *j = *list;

        *list = j->next;
        (void)mn_work_submit(w, lane, j);
    }
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout)
{
    (void)timeout;
    return (int)syscall(SYS_epoll_pwait, fd, events, count, 0, NULL, 8);
}

void time_begin(void)
{
    now = 1000;
    mn_clock_set(now, 1000000000000 + now);
}

/* A turn that finds nothing may still have sent what the next one finds. */
void settle(void)
{
    for (int quiet = 0; quiet < 3;)
        quiet = mn_loop_turn(the_loop, 0) ? 0 : quiet + 1;
}

void pass(int64_t ms)
{
    now += ms;
    mn_clock_set(now, 1000000000000 + now);
    settle();
}

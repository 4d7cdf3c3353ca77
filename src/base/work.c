#include "base/work.h"

#include "base/err.h"
#include "base/thread.h"

struct lane {
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct mn_job *first, **last;
    size_t waiting, depth;
    unsigned idle;    /* threads that sleep */
    unsigned running; /* jobs taken whose way back has not begun */
    bool called;      /* one of them is woken and not there yet */
    bool stop;
    pthread_t *threads;
    unsigned count;
};

struct mn_work {
    struct lane lanes[MN_LANES];
};

static void job_back(struct mn_post *p)
{
    struct mn_job *j = (struct mn_job *)p;

    j->done(j);
}

/* Whether to wake another thread; under the lock, which the one that is woken would have to wait
 * for. One at a time: it wakes the next when there is more than it takes. */
static bool call(struct lane *l)
{
    if (!l->first || !l->idle || l->called)
        return false;
    l->called = true;
    return true;
}

static void *lane_run(void *arg)
{
    struct lane *l = arg;

    pthread_mutex_lock(&l->lock);
    for (;;) {
        struct mn_job *j;
        bool more;

        while (!l->first && !l->stop) {
            l->idle++;
            pthread_cond_wait(&l->some, &l->lock);
            l->idle--;
            l->called = false;
        }
        if (l->stop)
            break;
        j = l->first;
        l->first = j->next;
        if (!l->first)
            l->last = &l->first;
        l->waiting--;
        l->running++;
        more = call(l);
        pthread_mutex_unlock(&l->lock);
        if (more)
            pthread_cond_signal(&l->some);
        j->run(j);
        j->post.run = job_back;
        mn_loop_post(j->loop, &j->post);
        pthread_mutex_lock(&l->lock);
        l->running--;
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

struct mn_work *mn_work_new(const unsigned threads[MN_LANES], size_t depth)
{
    struct mn_work *w = MN_NEW(struct mn_work);
    int e = MN_E_OK;

    for (size_t i = 0; i < MN_LANES; i++) {
        struct lane *l = &w->lanes[i];

        pthread_mutex_init(&l->lock, NULL);
        pthread_cond_init(&l->some, NULL);
        l->last = &l->first;
        l->depth = depth;
        l->threads = mn_alloc0(threads[i] * sizeof *l->threads);
        while (!e && l->count < threads[i]) {
            e = mn_thread_start(&l->threads[l->count], lane_run, l);
            l->count += !e;
        }
    }
    if (e)
        mn_work_free(w);
    return e ? NULL : w;
}

void mn_work_stop(struct mn_work *w)
{
    for (size_t i = 0; i < MN_LANES; i++) {
        struct lane *l = &w->lanes[i];

        pthread_mutex_lock(&l->lock);
        l->stop = true;
        pthread_cond_broadcast(&l->some);
        pthread_mutex_unlock(&l->lock);
        for (unsigned k = 0; k < l->count; k++)
            pthread_join(l->threads[k], NULL);
        l->count = 0;
    }
}

bool mn_work_busy(struct mn_work *w)
{
    bool busy = false;

    for (size_t i = 0; i < MN_LANES; i++) {
        struct lane *l = &w->lanes[i];

        pthread_mutex_lock(&l->lock);
        busy |= l->running || (l->first && !l->stop);
        pthread_mutex_unlock(&l->lock);
    }
    return busy;
}

void mn_work_free(struct mn_work *w)
{
    if (!w)
        return;
    mn_work_stop(w);
    for (size_t i = 0; i < MN_LANES; i++) {
        struct lane *l = &w->lanes[i];

        pthread_cond_destroy(&l->some);
        pthread_mutex_destroy(&l->lock);
        mn_free(l->threads);
    }
    mn_free(w);
}

void mn_work_submit_all(struct mn_work *w, enum mn_lane lane, struct mn_job **list)
{
    struct lane *l = &w->lanes[lane];
    bool some;

    pthread_mutex_lock(&l->lock);
    while (*list && !l->stop && l->waiting < l->depth) {
        struct mn_job *j = *list;

        *list = j->next;
        j->next = NULL;
        *l->last = j;
        l->last = &j->next;
        l->waiting++;
    }
    some = call(l);
    pthread_mutex_unlock(&l->lock);
    if (some)
        pthread_cond_signal(&l->some);
}

int mn_work_submit(struct mn_work *w, enum mn_lane lane, struct mn_job *j)
{
    if (!j->loop)
        j->loop = mn_loop_here();
    j->next = NULL;
    mn_work_submit_all(w, lane, &j);
    return j ? MN_E_BUSY : MN_E_OK;
}

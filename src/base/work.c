#include "base/work.h"

#include <pthread.h>

#include "base/err.h"

struct lane {
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct mn_job *first, **last;
    size_t waiting, depth;
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

static void *lane_run(void *arg)
{
    struct lane *l = arg;

    pthread_mutex_lock(&l->lock);
    for (;;) {
        struct mn_job *j;

        while (!l->first && !l->stop)
            pthread_cond_wait(&l->some, &l->lock);
        if (l->stop)
            break;
        j = l->first;
        l->first = j->next;
        if (!l->first)
            l->last = &l->first;
        l->waiting--;
        pthread_mutex_unlock(&l->lock);
        j->run(j);
        j->post.run = job_back;
        mn_loop_post(j->loop, &j->post);
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

struct mn_work *mn_work_new(const unsigned threads[MN_LANES], size_t depth)
{
    struct mn_work *w = MN_NEW(struct mn_work);

    for (size_t i = 0; i < MN_LANES; i++) {
        struct lane *l = &w->lanes[i];

        pthread_mutex_init(&l->lock, NULL);
        pthread_cond_init(&l->some, NULL);
        l->last = &l->first;
        l->depth = depth;
        l->count = threads[i];
        l->threads = mn_alloc0(threads[i] * sizeof *l->threads);
        for (unsigned k = 0; k < l->count; k++)
            MN_ASSERT(!pthread_create(&l->threads[k], NULL, lane_run, l));
    }
    return w;
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

int mn_work_submit(struct mn_work *w, enum mn_lane lane, struct mn_job *j)
{
    struct lane *l = &w->lanes[lane];
    int e = MN_E_OK;

    if (!j->loop)
        j->loop = mn_loop_here();
    j->next = NULL;
    pthread_mutex_lock(&l->lock);
    if (l->stop || l->waiting >= l->depth) {
        e = MN_E_BUSY;
    } else {
        *l->last = j;
        l->last = &j->next;
        l->waiting++;
        pthread_cond_signal(&l->some);
    }
    pthread_mutex_unlock(&l->lock);
    return e;
}

/* A pair of ends in memory, on one loop or on two. Bytes wait in the pair; a posted bell tells the
 * loop of an end to take them. The pair outlives both ends and every bell. */
#include <pthread.h>

#include "base/err.h"
#include "net/conn_parts.h"

struct pair;
struct conn_mem { /* one end as the pair sees it */
    struct pair *pair;
    struct mn_conn *conn; /* NULL: closed */
    struct mn_loop *loop; /* NULL: between two loops */
    struct mn_post bell;
    struct mn_buf in;
    bool belled, finished; /* finished: the other side sends no more */
};

struct pair {
    pthread_mutex_t lock;
    unsigned refs;
    struct conn_mem ends[2];
};

static struct conn_mem *other(struct conn_mem *e)
{
    return &e->pair->ends[e == &e->pair->ends[0]];
}

static void unref(struct pair *p)
{
    bool last;

    pthread_mutex_lock(&p->lock);
    last = !--p->refs;
    pthread_mutex_unlock(&p->lock);
    if (!last)
        return;
    mn_buf_free(&p->ends[0].in);
    mn_buf_free(&p->ends[1].in);
    pthread_mutex_destroy(&p->lock);
    mn_free(p);
}

static void rung(struct mn_post *post);

/* Under the lock. */
static void ring(struct conn_mem *e)
{
    if (e->belled || !e->conn || !e->loop || (!e->in.n && !e->finished))
        return;
    e->belled = true;
    e->pair->refs++;
    e->bell.run = rung;
    mn_loop_post(e->loop, &e->bell);
}

static void rung(struct mn_post *post)
{
    struct conn_mem *e = MN_OF(post, struct conn_mem, bell);
    struct pair *p = e->pair;
    struct mn_buf got = {0};
    struct mn_conn *c = NULL;
    bool finished = false;

    pthread_mutex_lock(&p->lock);
    e->belled = false;
    if (e->conn && e->loop != mn_loop_here()) {
        ring(e);
    } else if (e->conn && !e->conn->paused && !e->conn->ended) {
        c = e->conn;
        got = e->in;
        e->in = (struct mn_buf){0};
        finished = e->finished;
    }
    pthread_mutex_unlock(&p->lock);
    if (c && got.n)
        conn_input(c, mn_buf_view(&got));
    conn_buf_give(&got);
    if (c && finished) {
        bool left;

        pthread_mutex_lock(&p->lock);
        c = e->conn; /* it may be gone by now */
        left = e->in.n;
        if (left)
            ring(e);
        pthread_mutex_unlock(&p->lock);
        if (c && !left)
            conn_ended(c, MN_E_CLOSED);
    }
    unref(p);
}

static int mem_send(struct mn_conn *c, struct mn_buf *raw)
{
    struct conn_mem *o = other(c->mem);
    int e = MN_E_OK;

    pthread_mutex_lock(&o->pair->lock);
    if (!o->conn) {
        e = MN_E_CLOSED;
    } else {
        conn_buf_ready(&o->in);
        mn_buf_str(&o->in, mn_buf_view(raw));
        mn_buf_clear(raw);
        ring(o);
    }
    pthread_mutex_unlock(&o->pair->lock);
    return e;
}

static void finish(struct conn_mem *e)
{
    struct conn_mem *o = other(e);

    pthread_mutex_lock(&e->pair->lock);
    o->finished = true;
    ring(o);
    pthread_mutex_unlock(&e->pair->lock);
}

static void shut(struct mn_conn *c)
{
    finish(c->mem);
}

static void listen_(struct mn_conn *c)
{
    pthread_mutex_lock(&c->mem->pair->lock);
    ring(c->mem);
    pthread_mutex_unlock(&c->mem->pair->lock);
}

static void settle(struct mn_conn *c, struct mn_loop *l)
{
    pthread_mutex_lock(&c->mem->pair->lock);
    c->mem->loop = l;
    ring(c->mem);
    pthread_mutex_unlock(&c->mem->pair->lock);
}

static void detach(struct mn_conn *c)
{
    settle(c, NULL);
}

static void attach(struct mn_conn *c)
{
    settle(c, c->loop);
}

static void mem_free(struct mn_conn *c)
{
    struct pair *p = c->mem->pair;

    finish(c->mem);
    pthread_mutex_lock(&p->lock);
    c->mem->conn = NULL;
    pthread_mutex_unlock(&p->lock);
    unref(p);
}

/* Or lies there. */
static bool is_out(const struct mn_conn *c)
{
    (void)c;
    return true;
}

static uint64_t taken(const struct mn_conn *c)
{
    (void)c;
    return 0;
}

static const struct transport mem = {mem_send, is_out, taken,  shut,
                                     listen_,  detach, attach, mem_free};

static struct mn_conn *end(struct mn_loop *l, struct conn_mem *e, struct pair *p)
{
    struct mn_conn *c = MN_NEW(struct mn_conn);

    *e = (struct conn_mem){.pair = p, .conn = c, .loop = l};
    c->transport = &mem;
    c->mem = e;
    c->loop = l;
    c->turn.run = conn_turn;
    return c;
}

void mn_conn_mem(struct mn_loop *la, struct mn_loop *lb, struct mn_conn **a, struct mn_conn **b)
{
    struct pair *p = MN_NEW(struct pair);

    pthread_mutex_init(&p->lock, NULL);
    p->refs = 2;
    *a = end(la, &p->ends[0], p);
    *b = end(lb, &p->ends[1], p);
}

#include "server/store_back.h"

#include <stdatomic.h>
#include <time.h>

struct store_writer {
    struct store *store;
    struct mn_loop *loop;
    store_done_fn *done_fn;
    void *arg;
    struct store_commit *open; /* of this turn */
    struct mn_turn turn;
    uint64_t seq, done;
    unsigned epoch; /* of what is submitted now: behind every failure that the loop has heard of */
    atomic_uint failed; /* all of this epoch and before are stale; the backend's */
    struct store_read *waiting, **waiting_last;
    struct mn_job *reads, **reads_last; /* of this turn */
    struct mn_turn reads_turn;
    atomic_size_t unseen; /* bytes that were read, and that nobody has looked at yet */
    unsigned in_flight;
};

static void submit(struct mn_turn *t)
{
    struct store_writer *w = MN_OF(t, struct store_writer, turn);
    struct store_commit *c = w->open;

    w->open = NULL;
    w->in_flight++;
    c->epoch = w->epoch;
    w->store->backend->submit(w->store, c);
}

static void submit_now(struct store_writer *w)
{
    mn_turn_cancel(&w->turn);
    if (w->open)
        submit(&w->turn);
}

static void reads_submit(struct mn_turn *t);
static void read_go(struct store_writer *w, struct store_read *r);

struct store_writer *store_writer_new(struct store *s, struct mn_loop *l, store_done_fn *done,
                                      void *arg)
{
    struct store_writer *w = MN_NEW(struct store_writer);

    w->store = s;
    w->loop = l;
    w->done_fn = done;
    w->arg = arg;
    w->turn.run = submit;
    w->epoch = 1;
    w->waiting_last = &w->waiting;
    w->reads_last = &w->reads;
    w->reads_turn.run = reads_submit;
    return w;
}

static void reads_go(struct store_writer *w)
{
    struct store_read *r = w->waiting, **link = &w->waiting;

    while (r) {
        struct store_read *next = (struct store_read *)r->job.next;

        if (r->sees <= w->done) {
            *link = next;
            read_go(w, r);
        } else {
            link = (struct store_read **)&r->job.next;
        }
        r = next;
    }
    w->waiting_last = link;
}

/* Everything before this moment rests on what failed, what this turn wrote so far too. All of it is
 * reported at once: who heard later might write on what is lost. What comes back of it is no news.
 */
static void report(struct store_writer *w, const struct store_commit *c)
{
    w->done = c->seq;
    if (c->result) {
        submit_now(w);
        w->epoch++;
        w->done = w->seq;
    }
    w->done_fn(w->arg, c->seq, w->done, c->result);
}

static void came_back(struct mn_post *p)
{
    struct store_commit *c = (struct store_commit *)p;
    struct store_writer *w = c->writer;

    w->in_flight--;
    if (c->epoch == w->epoch)
        report(w, c);
    mn_arena_done(&c->arena, mn_loop_pool(w->loop));
    mn_free(c);
    reads_go(w);
}

void store_commit_back(struct store_commit *c)
{
    c->post.run = came_back;
    mn_loop_post(c->writer->loop, &c->post);
}

bool store_commit_stale(const struct store_commit *c)
{
    return c->epoch <= atomic_load(&c->writer->failed);
}

void store_commit_failed(const struct store_commit *c)
{
    atomic_store(&c->writer->failed, c->epoch);
}

void store_writer_free(struct store_writer *w)
{
    struct store_read *r;

    if (!w)
        return;
    submit_now(w);
    mn_turn_cancel(&w->reads_turn);
    reads_submit(&w->reads_turn);
    while (w->in_flight)
        mn_loop_turn(w->loop, -1);
    while ((r = w->waiting)) {
        w->waiting = (struct store_read *)r->job.next;
        store_read_free(r);
    }
    mn_free(w);
}

bool store_writer_busy(const struct store_writer *w)
{
    return w->open || w->in_flight || w->waiting;
}

uint64_t store_writer_done(const struct store_writer *w)
{
    return w->done;
}

static struct store_op *op(struct store_writer *w, enum op_kind kind, mn_str owner,
                           const char *store)
{
    struct store_commit *c = w->open;
    struct store_op *o;

    if (!c) {
        c = w->open = MN_NEW(struct store_commit);
        c->arena.pool = mn_loop_pool(w->loop);
        c->writer = w;
        c->last = &c->first;
        c->seq = ++w->seq;
        mn_loop_at_end(w->loop, &w->turn);
    }
    o = MN_ARENA_NEW(&c->arena, struct store_op);
    o->kind = kind;
    o->owner = mn_arena_str(&c->arena, owner);
    o->store = store;
    *c->last = o;
    c->last = &o->next;
    return o;
}

#define COPY(w, s) mn_arena_str(&(w)->open->arena, s)

uint64_t store_set(struct store_writer *w, mn_str owner, const char *store, mn_str key,
                   mn_str value)
{
    struct store_op *o = op(w, OP_SET, owner, store);

    o->key = COPY(w, key);
    o->value = COPY(w, value);
    return w->seq;
}

uint64_t store_del(struct store_writer *w, mn_str owner, const char *store, mn_str key)
{
    struct store_op *o = op(w, OP_DEL, owner, store);

    o->key = COPY(w, key);
    return w->seq;
}

uint64_t store_del_prefix(struct store_writer *w, mn_str owner, const char *store, mn_str prefix)
{
    struct store_op *o = op(w, OP_DEL_PREFIX, owner, store);

    o->key = COPY(w, prefix);
    return w->seq;
}

uint64_t store_update(struct store_writer *w, mn_str owner, const char *store, mn_str key,
                      store_update_fn *fn, void *arg)
{
    struct store_op *o = op(w, OP_UPDATE, owner, store);

    o->key = COPY(w, key);
    o->update = fn;
    o->arg = arg;
    return w->seq;
}

uint64_t store_drop(struct store_writer *w, mn_str owner)
{
    op(w, OP_DROP, owner, NULL);
    return w->seq;
}

uint64_t store_log_add(struct store_writer *w, const char *store, const struct store_entry *entries,
                       size_t count, int64_t time, mn_str value, uint64_t *id)
{
    struct store_op *o = op(w, OP_LOG_ADD, entries[0].owner, store);

    MN_ASSERT(count == 1 || count == 2);
    if (count == 2 && mn_str_eq(entries[0].owner, entries[1].owner))
        count = 1;
    for (size_t i = 0; i < count; i++)
        o->entries[i] = (struct store_entry){COPY(w, entries[i].owner), COPY(w, entries[i].peer),
                                             COPY(w, entries[i].key)};
    o->count = count;
    o->time = time;
    o->value = COPY(w, value);
    o->id_out = id;
    return w->seq;
}

uint64_t store_log_replace(struct store_writer *w, mn_str owner, const char *store, uint64_t id,
                           mn_str value)
{
    struct store_op *o = op(w, OP_LOG_REPLACE, owner, store);

    o->id = id;
    o->value = COPY(w, value);
    return w->seq;
}

uint64_t store_log_del(struct store_writer *w, mn_str owner, const char *store, uint64_t id,
                       bool whole)
{
    struct store_op *o = op(w, OP_LOG_DEL, owner, store);

    o->id = id;
    o->whole = whole;
    return w->seq;
}

uint64_t store_log_trim(struct store_writer *w, mn_str owner, const char *store, uint64_t keep,
                        uint64_t upto)
{
    struct store_op *o = op(w, OP_LOG_TRIM, owner, store);

    o->keep = keep;
    o->id = upto;
    return w->seq;
}

static uint64_t index_op(struct store_writer *w, enum op_kind kind, mn_str host, const char *store,
                         mn_str term, mn_str owner, mn_str key)
{
    struct store_op *o = op(w, kind, host, store);

    o->term = COPY(w, term);
    o->entries[0].owner = COPY(w, owner);
    o->key = COPY(w, key);
    return w->seq;
}

uint64_t store_index_add(struct store_writer *w, mn_str host, const char *store, mn_str term,
                         mn_str owner, mn_str key)
{
    return index_op(w, OP_INDEX_ADD, host, store, term, owner, key);
}

uint64_t store_index_del(struct store_writer *w, mn_str host, const char *store, mn_str term,
                         mn_str owner, mn_str key)
{
    return index_op(w, OP_INDEX_DEL, host, store, term, owner, key);
}

struct store_read *store_read_new(void)
{
    return MN_NEW(struct store_read);
}

void store_read_free(struct store_read *r)
{
    struct mn_loop *l = mn_loop_here();

    if (!r)
        return;
    mn_arena_done(&r->arena, l ? mn_loop_pool(l) : NULL);
    mn_free(r);
}

/* A few bytes ask for many, and thousands of reads may wait: while a loop has not looked at what
 * was read for it, no more is. In the end it is, whatever the loop does: it may be one that stops.
 */
enum { UNSEEN_MAX = 16 << 20, NAP_NS = 1000000, NAPS = 60000 };

static void read_run(struct mn_job *j)
{
    static const struct timespec nap = {0, NAP_NS};
    struct store_read *r = (struct store_read *)j;
    struct store_writer *w = r->writer;

    for (int i = 0; i < NAPS && atomic_load(&w->unseen) > UNSEEN_MAX; i++)
        nanosleep(&nap, NULL);
    w->store->backend->read(w->store, r);
    for (size_t i = 0; i < r->count; i++)
        r->bytes += r->rows[i].value.n;
    atomic_fetch_add(&w->unseen, r->bytes);
}

static void read_done(struct mn_job *j)
{
    struct store_read *r = (struct store_read *)j;

    if (r->bytes)
        atomic_fetch_sub(&r->writer->unseen, r->bytes);
    r->done(r);
}

static void answer(struct mn_post *p)
{
    read_done((struct mn_job *)p);
}

static void read_answered(struct store_writer *w, struct mn_job *j)
{
    j->post.run = answer;
    mn_loop_post(w->loop, &j->post);
}

/* All reads of a turn together: a thread that is woken for each of them costs more than most of
 * them do. */
static void reads_submit(struct mn_turn *t)
{
    struct store_writer *w = MN_OF(t, struct store_writer, reads_turn);
    struct mn_job *list = w->reads;

    w->reads = NULL;
    w->reads_last = &w->reads;
    if (list)
        mn_work_submit_all(w->store->work, MN_LANE_READ, &list);
    while (list) {
        struct mn_job *j = list;

        list = j->next;
        ((struct store_read *)j)->result = MN_E_BUSY;
        read_answered(w, j);
    }
}

static void read_go(struct store_writer *w, struct store_read *r)
{
    struct store *s = w->store;

    r->job.loop = w->loop;
    r->job.run = read_run;
    r->job.done = read_done;
    if (!s->work) {
        s->backend->read(s, r);
        read_answered(w, &r->job);
        return;
    }
    r->writer = w;
    r->job.next = NULL;
    *w->reads_last = &r->job;
    w->reads_last = &r->job.next;
    mn_loop_at_end(w->loop, &w->reads_turn);
}

void store_read(struct store_writer *w, struct store_read *r, uint64_t seq)
{
    if (!r->limit)
        r->limit = 1000;
    r->sees = seq;
    if (seq <= w->done) {
        read_go(w, r);
        return;
    }
    r->job.next = NULL;
    *w->waiting_last = r;
    w->waiting_last = (struct store_read **)&r->job.next;
}

void store_close(struct store *s)
{
    if (s)
        s->backend->close(s);
}

int store_check(struct store *s, struct mn_buf *why)
{
    return s->backend->check(s, why);
}

int store_backup(struct store *s, const char *path, struct store_progress *told, struct mn_buf *why)
{
    if (s->backend->backup)
        return s->backend->backup(s, path, told, why);
    mn_buf_lit(why, "this database is kept in memory only");
    return MN_E_DENIED;
}

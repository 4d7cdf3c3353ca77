/* The one thread that writes: it takes all commits that wait, runs them in one transaction and
 * reports them; then, when there is enough of it, a run of the logs' index and a checkpoint.
 *
 * Appending touches the records alone. Any other change of a log brings the index up first, in the
 * same transaction, so that every removal is one of a range of the index. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "server/store/embedded.h"

enum {
    GATHER_NS = 2000000, /* how long commits are waited for under load */
    GATHER_FULL = 512,   /* as many are enough */
    WAL_PAGES = 1000,    /* between two checkpoints */
    WAL_MANY = 4 * WAL_PAGES,
    READERS_MS = 50, /* how long it is waited for readers when it has so many */
};

struct batch { /* a transaction */
    struct embedded *s;
    struct base *db;
    struct pending *unindexed;           /* the tail from here */
    struct pending *added, **added_last; /* appended here, neither in the index nor in the tail */
};

/* The whole list into the index. */
static int index_list(struct base *db, struct pending **list)
{
    int rc = SQLITE_OK;

    while (*list && !rc) {
        struct run r = tail_run(*list);

        rc = tail_index(db, &r, r.count);
        *list = r.newest->next;
        tail_run_end(&r);
    }
    return rc;
}

static void drop_added(struct batch *b, const struct pending *upto)
{
    while (b->added != upto) {
        struct pending *next = b->added->next;

        mn_free(b->added);
        b->added = next;
    }
    if (!b->added)
        b->added_last = &b->added;
}

/* Everything into the index. What was appended in this transaction leaves memory with that. */
static int index_all(struct batch *b)
{
    struct pending *rest = b->added;
    int rc = index_list(b->db, &b->unindexed);

    if (!rc)
        rc = index_list(b->db, &rest);
    drop_added(b, rest);
    return rc;
}

/* Logs. */

/* The records behind a range of entries lose one reference each, or go. */
static int release(struct base *db, mn_str owner, const char *store, int64_t low, int64_t high)
{
    int rc = SQL_RUN(db, Q_LOG_UNREF, BLOB(owner), TEXT(store), NUMBER(low), NUMBER(high));

    return rc ? rc : SQL_RUN(db, Q_LOG_PRUNE, BLOB(owner), TEXT(store), NUMBER(low), NUMBER(high));
}

/* Q_LOG_DEL or Q_LOG_GONE. */
static int entries_remove(struct base *db, enum query how, mn_str owner, const char *store,
                          int64_t low, int64_t high)
{
    int rc = release(db, owner, store, low, high);

    return rc ? rc : SQL_RUN(db, how, BLOB(owner), TEXT(store), NUMBER(low), NUMBER(high));
}

static int record_add(struct base *db, int64_t time, mn_str value, size_t refs, mn_str entries,
                      int64_t *id)
{
    int rc = SQL_RUN(db, Q_RECORD, NUMBER(time), BLOB(value), NUMBER(refs), BLOB(entries));

    *id = sqlite3_last_insert_rowid(db->db);
    return rc;
}

/* What was published under that key before goes. */
static int unpublish(struct batch *b, const struct store_op *o, mn_str owner, mn_str key)
{
    int64_t old = 0;
    int rc = index_all(b);

    if (!rc)
        rc = sql_number(SQL_ASK(b->db, Q_LOG_BY_KEY, BLOB(owner), TEXT(o->store), BLOB(key)), &old);
    return rc || !old ? rc : entries_remove(b->db, Q_LOG_DEL, owner, o->store, old, old);
}

static int log_add(struct batch *b, const struct store_op *o)
{
    struct mn_buf packed = {0};
    int64_t id = 0;
    int rc = SQLITE_OK;

    for (size_t i = 0; i < o->count && !rc; i++)
        if (o->entries[i].key.n)
            rc = unpublish(b, o, o->entries[i].owner, o->entries[i].key);
    tail_pack(&packed, o);
    if (!rc)
        rc = record_add(b->db, o->time, o->value, o->count, mn_buf_view(&packed), &id);
    mn_buf_free(&packed);
    for (size_t i = 0; i < o->count && !rc; i++) {
        const struct store_entry *e = &o->entries[i];

        if (e->key.n) { /* it is looked up by its key, so it is in the index at once */
            rc = SQL_RUN(b->db, Q_LOG, BLOB(e->owner), TEXT(o->store), NUMBER(id), NUMBER(o->time),
                         BLOB(e->peer), BLOB(e->key));
        } else {
            *b->added_last =
                tail_entry((uint64_t)id, o->time, e->owner, mn_str_from(o->store), e->peer);
            b->added_last = &(*b->added_last)->next;
        }
    }
    if (!rc && o->id_out)
        *o->id_out = (uint64_t)id;
    return rc;
}

static int log_replace(struct batch *b, const struct store_op *o)
{
    int64_t id = (int64_t)o->id, record;
    int rc = index_all(b), before = sqlite3_total_changes(b->db->db);

    if (!rc)
        rc = release(b->db, o->owner, o->store, id, id);
    if (rc || sqlite3_total_changes(b->db->db) == before)
        return rc; /* it is not there, or gone */
    /* A record without entries: it belongs to no log of its own. */
    rc = record_add(b->db, 0, o->value, 1, MN_STR(""), &record);
    return rc ? rc
              : SQL_RUN(b->db, Q_LOG_REPOINT, BLOB(o->owner), TEXT(o->store), NUMBER(id),
                        NUMBER(record));
}

static int log_trim(struct batch *b, const struct store_op *o)
{
    int64_t cut = 0;
    int rc = index_all(b);

    if (!rc)
        rc = sql_number(SQL_ASK(b->db, Q_LOG_CUT, BLOB(o->owner), TEXT(o->store), NUMBER(o->keep)),
                        &cut);
    if (cut < (int64_t)o->id)
        cut = (int64_t)o->id;
    return rc ? rc : entries_remove(b->db, Q_LOG_DEL, o->owner, o->store, 0, cut);
}

static int log_drop(struct batch *b, mn_str owner)
{
    int rc = index_all(b);

    while (!rc) {
        sqlite3_stmt *q = SQL_ASK(b->db, Q_LOG_STORE, BLOB(owner));
        char *store;

        if ((rc = sql_next(q)) != SQLITE_ROW)
            break;
        store = mn_str_dup(sql_column(q, 0));
        sql_end(q);
        rc = entries_remove(b->db, Q_LOG_DEL, owner, store, 0, INT64_MAX);
        mn_free(store);
    }
    return rc;
}

static int drop(struct batch *b, mn_str owner)
{
    int rc = log_drop(b, owner);

    if (!rc)
        rc = SQL_RUN(b->db, Q_DROP_KV, BLOB(owner));
    return rc ? rc : SQL_RUN(b->db, Q_DROP_TERM, BLOB(owner));
}

static int update(struct base *db, const struct store_op *o)
{
    sqlite3_stmt *q = SQL_ASK(db, Q_GET, BLOB(o->owner), TEXT(o->store), BLOB(o->key));
    struct mn_buf b = {0};
    int rc = sql_next(q);

    if (rc == SQLITE_ROW) {
        o->update(o->arg, sql_column(q, 1), &b);
        sql_end(q);
        rc = SQLITE_OK;
    } else if (!rc) {
        o->update(o->arg, MN_STR(""), &b);
    }
    if (!rc)
        rc =
            SQL_RUN(db, Q_SET, BLOB(o->owner), TEXT(o->store), BLOB(o->key), BLOB(mn_buf_view(&b)));
    mn_buf_free(&b);
    return rc;
}

static int apply(struct batch *b, const struct store_op *o)
{
    int64_t id = (int64_t)o->id;
    int rc;

    switch (o->kind) {
    case OP_SET:
        return SQL_RUN(b->db, Q_SET, BLOB(o->owner), TEXT(o->store), BLOB(o->key), BLOB(o->value));
    case OP_UPDATE:
        return update(b->db, o);
    case OP_DEL:
        return SQL_RUN(b->db, Q_DEL, BLOB(o->owner), TEXT(o->store), BLOB(o->key));
    case OP_DEL_PREFIX:
        return SQL_RUN(b->db, Q_DEL_PREFIX, BLOB(o->owner), TEXT(o->store), BLOB(o->key));
    case OP_DROP:
        return drop(b, o->owner);
    case OP_LOG_ADD:
        return log_add(b, o);
    case OP_LOG_REPLACE:
        return log_replace(b, o);
    case OP_LOG_DEL:
        rc = index_all(b);
        return rc ? rc
                  : entries_remove(b->db, o->whole ? Q_LOG_DEL : Q_LOG_GONE, o->owner, o->store, id,
                                   id);
    case OP_LOG_TRIM:
        return log_trim(b, o);
    case OP_INDEX_ADD:
    case OP_INDEX_DEL:
        return SQL_RUN(b->db, o->kind == OP_INDEX_ADD ? Q_TERM_ADD : Q_TERM_DEL, BLOB(o->owner),
                       TEXT(o->store), BLOB(o->term), BLOB(o->entries[0].owner), BLOB(o->key));
    }
    return SQLITE_ERROR;
}

/* Transactions. */

/* Why the log of SQLite could not be written, which is what a transaction writes. Not by
 * sqlite3_system_errno, which does not hear of what fails in COMMIT. */
static bool over_quota(sqlite3 *db)
{
    sqlite3_file *log = NULL;
    int why = 0;

    (void)sqlite3_file_control(db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (log && log->pMethods)
        (void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &why);
    return why == EDQUOT;
}

/* The code of a failed write, which is logged. After a failed fsync nobody knows what is on the
 * disk, and asking again may be answered with a yes that is not true: only a new start, which reads
 * what is there, can go on. */
static int failure(struct base *b, int rc)
{
    static struct mn_log_rate rate;
    bool full = rc == SQLITE_FULL || (rc == SQLITE_IOERR_WRITE && over_quota(b->db));

    if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC) {
        mn_log_error(NULL,
                     "the disk refused to make a write durable; stopping so that nothing is "
                     "acknowledged that may be lost",
                     MN_FC("error", sqlite3_errmsg(b->db)));
        _exit(1);
    }
    mn_clock_tick(); /* no loop does it here */
    if (mn_log_rate(&rate, 3, 10000))
        mn_log_error(NULL,
                     full ? "the disk is full: changes are refused until there is room"
                          : "the database refused a write",
                     MN_FC("error", sqlite3_errmsg(b->db)));
    return full ? MN_E_FULL : MN_E_IO;
}

/* Ends the transaction: 0 when it is durable. */
static int finish(struct batch *b, int rc)
{
    int e;

    if (!rc)
        rc = SQL_RUN(b->db, Q_COMMIT);
    if (!rc) {
        if (b->unindexed != b->s->tail.first) { /* with it the run that was under way */
            tail_run_end(&b->s->run);
            tail_drop(&b->s->tail, b->unindexed);
        }
        tail_add(&b->s->tail, b->added);
        return MN_E_OK;
    }
    e = failure(b->db, rc);
    if (!sqlite3_get_autocommit(b->db->db))
        (void)SQL_RUN(b->db, Q_ROLLBACK);
    drop_added(b, NULL);
    return e;
}

static int begin(struct embedded *s, struct batch *b)
{
    *b = (struct batch){.s = s, .db = &s->writer, .unindexed = s->tail.first};
    b->added_last = &b->added;
    return SQL_RUN(b->db, Q_BEGIN);
}

/* One transaction over all commits of the chain; sets the result of each. */
static void write_chain(struct embedded *s, struct store_commit *chain)
{
    struct batch b;
    int rc = begin(s, &b), e;

    for (struct store_commit *c = chain; c; c = c->next) {
        c->result = store_commit_stale(c) ? MN_E_STALE : MN_E_OK;
        for (struct store_op *o = c->first; o && !rc && !c->result; o = o->next)
            rc = apply(&b, o);
    }
    e = finish(&b, rc);
    for (struct store_commit *c = chain; c && e; c = c->next)
        if (!c->result) {
            c->result = e;
            store_commit_failed(c);
        }
}

/* The next slice of a run. */
static int index_slice(struct embedded *s)
{
    struct batch b;
    int rc = begin(s, &b);

    if (!s->run.entries)
        s->run = tail_run(s->tail.first);
    if (!rc)
        rc = tail_index(b.db, &s->run, SLICE);
    if (!rc && s->run.done == s->run.count)
        b.unindexed = s->run.newest->next;
    if ((rc = finish(&b, rc)))
        tail_run_end(&s->run); /* from its beginning, another time */
    return rc;
}

/* The log begins anew when nobody reads what is in it. Readers that take turns would never leave
 * such a moment, so when it has grown they are waited for: not for who reads for long, a backup. */
static int checkpoint_make(struct embedded *s)
{
    sqlite3 *db = s->writer.db;
    int rc;

    if (s->wal_pages < WAL_MANY)
        return sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, &s->wal_done);
    sqlite3_busy_timeout(db, READERS_MS);
    rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, &s->wal_done);
    sqlite3_busy_timeout(db, BUSY_MS);
    return rc;
}

static void checkpoint(struct embedded *s)
{
    int rc;

    if (s->wal_pages < s->wal_done)
        s->wal_done = 0; /* it was begun anew */
    if (s->wal_pages - s->wal_done < WAL_PAGES)
        return;
    rc = checkpoint_make(s);
    if (rc)
        s->wal_done = s->wal_pages; /* again when the log has grown */
    if (rc && rc != SQLITE_BUSY)
        (void)failure(&s->writer, rc);
}

static bool index_due(const struct embedded *s)
{
    return s->run.entries || s->tail.count >= RUN || s->tail.bytes > TAIL_BYTES;
}

/* Between two transactions: a slice when there is enough for a run, as many as it takes when there
 * is too much, and a checkpoint when it is time. True when there is more to do. */
static bool tidy(struct embedded *s)
{
    int e = MN_E_OK;

    do {
        if (index_due(s))
            e = index_slice(s);
        checkpoint(s);
    } while (!e && s->tail.bytes > TAIL_BYTES);
    return !e && index_due(s);
}

static int wal_grew(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct embedded *s = arg;

    (void)db;
    (void)name;
    s->wal_pages = pages;
    return SQLITE_OK;
}

/* The thread. */

static void gather(struct embedded *s)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GATHER_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!rc && s->queued < GATHER_FULL && !s->stop)
        rc = pthread_cond_clockwait(&s->some, &s->lock, CLOCK_MONOTONIC, &until);
}

static void *writer_run(void *arg)
{
    struct embedded *s = arg;
    bool more = true, busy = false;

    pthread_mutex_lock(&s->lock);
    while (s->first || !s->stop) {
        struct store_commit *chain, *next;

        if (!s->first && more) {
            pthread_mutex_unlock(&s->lock);
            more = tidy(s);
            pthread_mutex_lock(&s->lock);
            continue;
        }
        if (!s->first) {
            s->idle = true;
            pthread_cond_wait(&s->some, &s->lock);
            s->idle = false;
            continue;
        }
        if (busy)
            gather(s);
        chain = s->first;
        busy = s->queued > 1;
        s->first = NULL;
        s->last = &s->first;
        s->queued = 0;
        pthread_mutex_unlock(&s->lock);
        write_chain(s, chain);
        for (; chain; chain = next) {
            next = chain->next;
            store_commit_back(chain);
        }
        more = tidy(s);
        pthread_mutex_lock(&s->lock);
        busy = busy && s->first;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

int writer_start(struct embedded *s)
{
    sqlite3_wal_hook(s->writer.db, wal_grew, s);
    s->runs = !mn_thread_start(&s->thread, writer_run, s);
    return s->runs ? MN_E_OK : MN_E_IO;
}

void writer_stop(struct embedded *s)
{
    if (!s->runs)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->some);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
}

/* From any loop. The writer is woken when it sleeps, or when it has gathered enough. */
void writer_submit(struct store *store, struct store_commit *c)
{
    struct embedded *s = (struct embedded *)store;

    c->next = NULL;
    pthread_mutex_lock(&s->lock);
    *s->last = c;
    s->last = &c->next;
    s->queued++;
    if (s->idle || s->queued == GATHER_FULL)
        pthread_cond_signal(&s->some);
    pthread_mutex_unlock(&s->lock);
}

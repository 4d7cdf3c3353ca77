/* The embedded store: one SQLite file (docs/design/002-store.md).
 *
 *   kv(owner, store, key) -> value
 *   record(id) -> time, value, refs, entries      append only, in commit order; entries: who has
 * it, packed log(owner, store, id) -> record, time, peer, key, gone        the index of records,
 * built behind them term(host, store, term, owner, key)
 *
 * One thread writes: it takes all commits that wait, runs them in one transaction, and lets the
 * index of the logs follow in sorted runs. What is not in the index yet is the tail: it stands in
 * memory and is rebuilt from the records at start. Any change to a log other than an append without
 * item key brings the index up first, in the same transaction. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "server/store_back.h"

enum {
    SCHEMA = 1,
    RUN = 1000,
    TAIL_BYTES = 8 << 20,
    GATHER_US = 2000,
    GATHER_FULL = 512,
    READERS = 8
};

enum statement {
    Q_BEGIN,
    Q_COMMIT,
    Q_ROLLBACK,
    Q_SET,
    Q_DEL,
    Q_DEL_RANGE,
    Q_DROP_KV,
    Q_DROP_TERM,
    Q_RECORD,
    Q_LOG,
    Q_LOG_RECORD,
    Q_LOG_REPOINT,
    Q_LOG_GONE,
    Q_LOG_DEL,
    Q_LOG_BY_KEY,
    Q_LOG_OLDEST,
    Q_LOG_COUNT,
    Q_LOG_ALL,
    Q_UNREF,
    Q_PRUNE,
    Q_TERM_ADD,
    Q_TERM_DEL,
    Q_META,
    Q_GET,
    Q_LIST,
    Q_RANGE,
    Q_RANGE_BACK,
    Q_STATS,
    Q_TERMS,
    Q_TERM_COUNT,
    Q_VALUE,
    Q_COUNT,
};

static const char *const sql[Q_COUNT] = {
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
    [Q_SET] = "INSERT INTO kv VALUES(?1,?2,?3,?4) ON CONFLICT DO UPDATE SET value=?4",
    [Q_DEL] = "DELETE FROM kv WHERE owner=?1 AND store=?2 AND key=?3",
    [Q_DEL_RANGE] =
        "DELETE FROM kv WHERE owner=?1 AND store=?2 AND key>=?3 AND (?4 IS NULL OR key<?4)",
    [Q_DROP_KV] = "DELETE FROM kv WHERE owner=?1",
    [Q_DROP_TERM] = "DELETE FROM term WHERE owner=?1",
    [Q_RECORD] = "INSERT INTO record(time,value,refs,entries) VALUES(?1,?2,?3,?4)",
    [Q_LOG] = "INSERT OR REPLACE INTO log VALUES(?1,?2,?3,?3,?4,?5,?6,0)",
    [Q_LOG_RECORD] = "SELECT record FROM log WHERE owner=?1 AND store=?2 AND id=?3 AND NOT gone",
    [Q_LOG_REPOINT] = "UPDATE log SET record=?4 WHERE owner=?1 AND store=?2 AND id=?3",
    [Q_LOG_GONE] = "UPDATE log SET gone=1 WHERE owner=?1 AND store=?2 AND id=?3",
    [Q_LOG_DEL] = "DELETE FROM log WHERE owner=?1 AND store=?2 AND id=?3",
    [Q_LOG_BY_KEY] = "SELECT id FROM log WHERE owner=?1 AND store=?2 AND key=?3 AND key<>x''",
    [Q_LOG_OLDEST] = "SELECT id FROM log WHERE owner=?1 AND store=?2 ORDER BY id LIMIT ?3",
    [Q_LOG_COUNT] = "SELECT count(*), coalesce(sum(id<=?3),0) FROM log WHERE owner=?1 AND store=?2",
    [Q_LOG_ALL] = "SELECT store,id FROM log WHERE owner=?1",
    [Q_UNREF] = "UPDATE record SET refs=refs-1 WHERE id=?1",
    [Q_PRUNE] = "DELETE FROM record WHERE id=?1 AND refs<=0",
    [Q_TERM_ADD] = "INSERT OR IGNORE INTO term VALUES(?1,?2,?3,?4,?5)",
    [Q_TERM_DEL] =
        "DELETE FROM term WHERE host=?1 AND store=?2 AND term=?3 AND owner=?4 AND key=?5",
    [Q_META] = "INSERT OR REPLACE INTO meta VALUES(?1,?2)",
    [Q_GET] = "SELECT key,value FROM kv WHERE owner=?1 AND store=?2 AND key=?3",
    [Q_LIST] = "SELECT key,value FROM kv WHERE owner=?1 AND store=?2 AND key>=?3 AND (?4 IS NULL "
               "OR key<?4) ORDER BY key "
               "LIMIT ?5",
    [Q_RANGE] = "SELECT l.id,l.time,l.peer,l.key,CASE WHEN l.gone THEN NULL ELSE r.value END FROM "
                "log l LEFT JOIN record r "
                "ON r.id=l.record WHERE l.owner=?1 AND l.store=?2 AND l.id>?3 AND l.id<?4 AND "
                "(?5=x'' OR l.peer=?5) AND "
                "l.time>=?6 AND l.time<=?7 AND (?9=x'' OR l.key=?9) ORDER BY l.id LIMIT ?8",
    [Q_RANGE_BACK] = "SELECT l.id,l.time,l.peer,l.key,CASE WHEN l.gone THEN NULL ELSE r.value END "
                     "FROM log l LEFT JOIN "
                     "record r ON r.id=l.record WHERE l.owner=?1 AND l.store=?2 AND l.id>?3 AND "
                     "l.id<?4 AND (?5=x'' OR "
                     "l.peer=?5) AND l.time>=?6 AND l.time<=?7 AND (?9=x'' OR l.key=?9) ORDER BY "
                     "l.id DESC LIMIT ?8",
    [Q_STATS] = "SELECT count(*),coalesce(sum(length(r.value)),0) FROM log l LEFT JOIN record r ON "
                "r.id=l.record AND NOT "
                "l.gone WHERE l.owner=?1 AND l.store=?2 AND l.id<=?3",
    [Q_TERMS] = "SELECT term,owner,key FROM term WHERE host=?1 AND store=?2 AND term>=?3 AND (?4 "
                "IS NULL OR term<?4) AND "
                "(?5 IS NULL OR (term,owner,key)>(?5,?6,?7)) ORDER BY term,owner,key LIMIT ?8",
    [Q_TERM_COUNT] = "SELECT count(*) FROM term WHERE host=?1 AND store=?2",
    [Q_VALUE] = "SELECT value FROM record WHERE id=?1",
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS kv(owner BLOB, store TEXT, key BLOB, value BLOB, PRIMARY "
    "KEY(owner,store,key)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS record(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER, value "
    "BLOB, refs INTEGER, "
    "entries BLOB);"
    "CREATE TABLE IF NOT EXISTS log(owner BLOB, store TEXT, id INTEGER, record INTEGER, time "
    "INTEGER, peer BLOB, key BLOB, "
    "gone INTEGER, PRIMARY KEY(owner,store,id)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS log_key ON log(owner,store,key) WHERE key<>x'';"
    "CREATE TABLE IF NOT EXISTS term(host BLOB, store TEXT, term BLOB, owner BLOB, key BLOB, "
    "PRIMARY "
    "KEY(host,store,term,owner,key)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS term_owner ON term(owner);";

struct base { /* a connection with its statements */
    sqlite3 *db;
    sqlite3_stmt *q[Q_COUNT];
};

struct pending { /* one entry of the tail; its texts behind it */
    struct pending *next;
    uint64_t id;
    int64_t time;
    mn_str owner, store, peer, key;
    char bytes[];
};

struct embedded {
    struct store store;
    char *path;
    int lock_file;
    struct base writer;
    pthread_t thread;
    pthread_mutex_t lock; /* queue, tail, free readers */
    pthread_cond_t some;
    struct store_commit *first, **last;
    size_t queued;
    bool stop, busy;
    struct pending *tail, **tail_last;
    size_t tail_count, tail_bytes;
    struct base readers[READERS];
    struct base *idle[READERS];
    unsigned idle_count;
    pthread_cond_t reader_free;
};

void (*store_fsync_failed)(const char *what);

static void fsync_failed(const char *what)
{
    if (store_fsync_failed) {
        store_fsync_failed(what);
        return;
    }
    mn_log_error(NULL,
                 "the disk refused to make a write durable; stopping so that nothing is "
                 "acknowledged that may be lost",
                 MN_FC("error", what));
    _exit(1);
}

/* Statements. */

static sqlite3_stmt *query(struct base *b, enum statement which)
{
    if (!b->q[which] && sqlite3_prepare_v3(b->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                                           &b->q[which], NULL) != SQLITE_OK) {
        mn_log_error(NULL, "database statement refused", MN_FC("error", sqlite3_errmsg(b->db)));
        return NULL;
    }
    return b->q[which];
}

static void bind_blob(sqlite3_stmt *q, int at, mn_str s)
{
    sqlite3_bind_blob(q, at, s.n ? s.p : "", (int)s.n, SQLITE_STATIC);
}

static void bind_text(sqlite3_stmt *q, int at, const char *s)
{
    sqlite3_bind_text(q, at, s, -1, SQLITE_STATIC);
}

/* Owner, store and key are the first three of nearly all. */
static sqlite3_stmt *query3(struct base *b, enum statement which, mn_str owner, const char *store,
                            mn_str key)
{
    sqlite3_stmt *q = query(b, which);

    if (q) {
        bind_blob(q, 1, owner);
        if (store)
            bind_text(q, 2, store);
        if (store && key.p)
            bind_blob(q, 3, key);
    }
    return q;
}

static int finish(sqlite3_stmt *q)
{
    int rc = q ? sqlite3_step(q) : SQLITE_ERROR;

    if (q) {
        sqlite3_reset(q);
        sqlite3_clear_bindings(q);
    }
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* After the last row of a read: what stepping ended with. */
static int rows_end(sqlite3_stmt *q, int rc)
{
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static mn_str column(sqlite3_stmt *q, int i)
{
    int n = sqlite3_column_bytes(q, i);

    if (sqlite3_column_type(q, i) == SQLITE_NULL)
        return (mn_str){0};
    return n ? (mn_str){sqlite3_column_blob(q, i), (size_t)n} : MN_STR("");
}

/* The least text above all that begin with `prefix`; false: there is none. */
static bool above(mn_str prefix, char *out, mn_str *end)
{
    size_t n = prefix.n;

    if (n)
        memcpy(out, prefix.p, n);
    while (n && (unsigned char)out[n - 1] == 0xff)
        n--;
    if (!n)
        return false;
    out[n - 1]++;
    *end = (mn_str){out, n};
    return true;
}

/* The tail. */

static void pack(struct mn_buf *b, mn_str s)
{
    char n[4] = {(char)(s.n >> 24), (char)(s.n >> 16), (char)(s.n >> 8), (char)s.n};

    mn_buf_add(b, n, 4);
    mn_buf_str(b, s);
}

static bool unpack(mn_str *in, mn_str *out)
{
    size_t n;

    if (in->n < 4)
        return false;
    n = (size_t)(unsigned char)in->p[0] << 24 | (size_t)(unsigned char)in->p[1] << 16 |
        (size_t)(unsigned char)in->p[2] << 8 | (unsigned char)in->p[3];
    if (in->n - 4 < n)
        return false;
    *out = (mn_str){in->p + 4, n};
    *in = mn_str_skip(*in, 4 + n);
    return true;
}

static mn_str lay(char **p, mn_str s)
{
    mn_str out = {*p, s.n};

    if (s.n)
        memcpy(*p, s.p, s.n);
    *p += s.n;
    *(*p)++ = 0;
    return out;
}

static struct pending *pending_new(uint64_t id, int64_t time, mn_str owner, mn_str store,
                                   mn_str peer, mn_str key)
{
    struct pending *t = mn_alloc(sizeof *t + owner.n + store.n + peer.n + key.n + 4);
    char *p = t->bytes;

    t->next = NULL;
    t->id = id;
    t->time = time;
    t->owner = lay(&p, owner);
    t->store = lay(&p, store);
    t->peer = lay(&p, peer);
    t->key = lay(&p, key);
    return t;
}

static void tail_add(struct embedded *s, struct pending *chain)
{
    pthread_mutex_lock(&s->lock);
    *s->tail_last = chain;
    while (*s->tail_last) {
        s->tail_count++;
        s->tail_bytes +=
            sizeof(struct pending) + (*s->tail_last)->owner.n + (*s->tail_last)->peer.n;
        s->tail_last = &(*s->tail_last)->next;
    }
    pthread_mutex_unlock(&s->lock);
}

static int by_place(const void *a, const void *b)
{
    const struct pending *x = *(struct pending *const *)a, *y = *(struct pending *const *)b;
    int r = mn_str_cmp(x->owner, y->owner);

    r = r ? r : mn_str_cmp(x->store, y->store);
    return r ? r : (x->id > y->id) - (x->id < y->id);
}

static int put_pending(struct base *b, const struct pending *t)
{
    sqlite3_stmt *q = query3(b, Q_LOG, t->owner, t->store.p, (mn_str){0});

    if (!q)
        return SQLITE_ERROR;
    sqlite3_bind_int64(q, 3, (sqlite3_int64)t->id);
    sqlite3_bind_int64(q, 4, t->time);
    bind_blob(q, 5, t->peer);
    bind_blob(q, 6, t->key);
    return finish(q);
}

static int mark_indexed(struct embedded *s, uint64_t id)
{
    sqlite3_stmt *q = query(&s->writer, Q_META);

    if (!q)
        return SQLITE_ERROR;
    bind_text(q, 1, "indexed");
    sqlite3_bind_int64(q, 2, (sqlite3_int64)id);
    return finish(q);
}

/* Up to RUN entries from the front of the tail, sorted, into the index; inside a transaction.
 * *count: how many. */
static int index_some(struct embedded *s, size_t *count)
{
    struct pending *run[RUN], *t;
    uint64_t high = 0;
    size_t n = 0;
    int rc = SQLITE_OK;

    pthread_mutex_lock(&s->lock);
    t = s->tail;
    for (size_t i = 0; i < *count && t; i++) /* those that are done already in this transaction */
        t = t->next;
    pthread_mutex_unlock(&s->lock);
    for (; t && n < RUN; t = t->next)
        run[n++] = t;
    if (!n)
        return SQLITE_OK;
    high = run[n - 1]->id;
    if (t && t->id == high) /* the other owner of that record comes with the next run */
        high--;
    qsort(run, n, sizeof *run, by_place);
    for (size_t i = 0; i < n && !rc; i++)
        rc = put_pending(&s->writer, run[i]);
    *count += n;
    return rc ? rc : mark_indexed(s, high);
}

/* After the commit: they may leave memory. */
static void tail_drop(struct embedded *s, size_t count)
{
    struct pending *gone, *t;

    pthread_mutex_lock(&s->lock);
    gone = s->tail;
    for (size_t i = 0; i < count; i++) {
        t = s->tail;
        s->tail = t->next;
        s->tail_count--;
        s->tail_bytes -= sizeof(struct pending) + t->owner.n + t->peer.n;
        if (!s->tail)
            s->tail_last = &s->tail;
        if (i + 1 == count)
            t->next = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    for (; count; count--) {
        t = gone->next;
        mn_free(gone);
        gone = t;
    }
}

/* The writer. */

struct batch {
    struct embedded *s;
    struct pending *added, **added_last; /* records of this transaction, not in the tail yet */
    size_t indexed;                      /* of the tail */
};

/* The record behind a log's entry; *record 0: there is none, or it is gone. */
static int record_of(struct base *b, mn_str owner, const char *store, int64_t id, int64_t *record)
{
    sqlite3_stmt *q = query3(b, Q_LOG_RECORD, owner, store, (mn_str){0});

    *record = 0;
    if (!q)
        return SQLITE_ERROR;
    sqlite3_bind_int64(q, 3, id);
    if (sqlite3_step(q) == SQLITE_ROW)
        *record = sqlite3_column_int64(q, 0);
    return finish(q);
}

/* One log less has it; the last one takes it away. */
static int record_unref(struct base *b, int64_t record)
{
    int rc = SQLITE_OK;

    for (int i = 0; i < 2 && !rc; i++) {
        sqlite3_stmt *q = query(b, i ? Q_PRUNE : Q_UNREF);

        if (!q)
            return SQLITE_ERROR;
        sqlite3_bind_int64(q, 1, record);
        rc = finish(q);
    }
    return rc;
}

static int write_entry_removed(struct base *b, mn_str owner, const char *store, int64_t id,
                               bool gone_only)
{
    int64_t record;
    sqlite3_stmt *q;
    int rc = record_of(b, owner, store, id, &record);

    if (rc)
        return rc;
    if (!(q = query3(b, gone_only ? Q_LOG_GONE : Q_LOG_DEL, owner, store, (mn_str){0})))
        return SQLITE_ERROR;
    sqlite3_bind_int64(q, 3, id);
    rc = finish(q);
    return rc || !record ? rc : record_unref(b, record);
}

/* Everything into the index, what this transaction added too: that never gets into the tail, so
 * that what is deleted here does not come back from there. */
static int index_all(struct batch *b)
{
    size_t before;
    int rc;

    do {
        before = b->indexed;
        rc = index_some(b->s, &b->indexed);
    } while (!rc && b->indexed > before);
    while (b->added && !rc) {
        struct pending *t = b->added;

        rc = put_pending(&b->s->writer, t);
        b->added = t->next;
        if (!rc && !b->added)
            rc = mark_indexed(b->s, t->id);
        mn_free(t);
    }
    if (!b->added)
        b->added_last = &b->added;
    return rc;
}

static int write_record(struct base *b, int64_t time, mn_str value, int refs, mn_str entries,
                        uint64_t *id)
{
    sqlite3_stmt *q = query(b, Q_RECORD);
    int rc;

    if (!q)
        return SQLITE_ERROR;
    sqlite3_bind_int64(q, 1, time);
    bind_blob(q, 2, value);
    sqlite3_bind_int(q, 3, refs);
    bind_blob(q, 4, entries);
    rc = finish(q);
    *id = (uint64_t)sqlite3_last_insert_rowid(b->db);
    return rc;
}

static int write_log_add(struct batch *b, struct store_op *o)
{
    struct mn_buf entries = {0};
    struct base *w = &b->s->writer;
    uint64_t id;
    int rc = SQLITE_OK;

    for (size_t i = 0; i < o->count; i++) {
        sqlite3_stmt *q;
        int64_t old = 0;

        pack(&entries, o->entries[i].owner);
        pack(&entries, mn_str_from(o->store));
        pack(&entries, o->entries[i].peer);
        pack(&entries, o->entries[i].key);
        if (!o->entries[i].key.n)
            continue;
        if ((rc = index_all(b)))
            break;
        if ((q = query3(w, Q_LOG_BY_KEY, o->entries[i].owner, o->store, o->entries[i].key))) {
            if (sqlite3_step(q) == SQLITE_ROW)
                old = sqlite3_column_int64(q, 0);
            finish(q);
        }
        if (old && (rc = write_entry_removed(w, o->entries[i].owner, o->store, old, false)))
            break;
    }
    if (!rc)
        rc = write_record(w, o->time, o->value, (int)o->count, mn_buf_view(&entries), &id);
    mn_buf_free(&entries);
    for (size_t i = 0; i < o->count && !rc; i++) {
        struct pending *t = pending_new(id, o->time, o->entries[i].owner, mn_str_from(o->store),
                                        o->entries[i].peer, o->entries[i].key);

        if (o->entries[i].key.n) { /* into the index with its record: it is looked up by its key */
            rc = put_pending(w, t);
            mn_free(t);
        } else {
            *b->added_last = t;
            b->added_last = &t->next;
        }
    }
    if (!rc && o->id_out)
        *o->id_out = id;
    return rc;
}

static int write_log_replace(struct batch *b, struct store_op *o)
{
    struct base *w = &b->s->writer;
    sqlite3_stmt *q;
    int64_t record;
    uint64_t id;
    int rc = index_all(b);

    if (!rc)
        rc = record_of(w, o->owner, o->store, (int64_t)o->id, &record);
    if (rc || !record)
        return rc;
    /* A record without entries: it belongs to no log of its own. */
    rc = write_record(w, 0, o->value, 1, MN_STR(""), &id);
    if (rc || !(q = query3(w, Q_LOG_REPOINT, o->owner, o->store, (mn_str){0})))
        return rc ? rc : SQLITE_ERROR;
    sqlite3_bind_int64(q, 3, (sqlite3_int64)o->id);
    sqlite3_bind_int64(q, 4, (sqlite3_int64)id);
    rc = finish(q);
    return rc ? rc : record_unref(w, record);
}

static int write_log_trim(struct batch *b, mn_str owner, const char *store, uint64_t keep,
                          uint64_t upto)
{
    struct base *w = &b->s->writer;
    sqlite3_stmt *q;
    int64_t total = 0, below = 0, go, *ids;
    size_t n = 0;
    int rc = index_all(b);

    if (rc || !(q = query3(w, Q_LOG_COUNT, owner, store, (mn_str){0})))
        return rc ? rc : SQLITE_ERROR;
    sqlite3_bind_int64(q, 3, (sqlite3_int64)upto);
    if (sqlite3_step(q) == SQLITE_ROW) {
        total = sqlite3_column_int64(q, 0);
        below = sqlite3_column_int64(q, 1);
    }
    finish(q);
    go = (uint64_t)total > keep ? total - (int64_t)keep : 0;
    go = go > below ? go : below;
    if (!go)
        return SQLITE_OK;
    ids = mn_alloc((size_t)go * sizeof *ids);
    if ((q = query3(w, Q_LOG_OLDEST, owner, store, (mn_str){0}))) {
        sqlite3_bind_int64(q, 3, go);
        while (n < (size_t)go && sqlite3_step(q) == SQLITE_ROW)
            ids[n++] = sqlite3_column_int64(q, 0);
        finish(q);
    }
    for (size_t i = 0; i < n && !rc; i++)
        rc = write_entry_removed(w, owner, store, ids[i], false);
    mn_free(ids);
    return rc;
}

static int write_drop(struct batch *b, mn_str owner)
{
    struct base *w = &b->s->writer;
    int rc = index_all(b);

    for (;;) {
        sqlite3_stmt *q = query3(w, Q_LOG_ALL, owner, NULL, (mn_str){0});
        char store[64] = "";
        int64_t id = 0;

        if (rc || !q)
            return rc ? rc : SQLITE_ERROR;
        if (sqlite3_step(q) == SQLITE_ROW) {
            snprintf(store, sizeof store, "%s", (const char *)sqlite3_column_text(q, 0));
            id = sqlite3_column_int64(q, 1);
        }
        finish(q);
        if (!id)
            break;
        rc = write_entry_removed(w, owner, store, id, false);
    }
    if (!rc)
        rc = finish(query3(w, Q_DROP_KV, owner, NULL, (mn_str){0}));
    return rc ? rc : finish(query3(w, Q_DROP_TERM, owner, NULL, (mn_str){0}));
}

static int write_op(struct batch *b, struct store_op *o)
{
    struct base *w = &b->s->writer;
    char room[2048];
    mn_str end;
    sqlite3_stmt *q;
    int rc;

    switch (o->kind) {
    case OP_SET:
        if ((q = query3(w, Q_SET, o->owner, o->store, o->key)))
            bind_blob(q, 4, o->value);
        return finish(q);
    case OP_DEL:
        return finish(query3(w, Q_DEL, o->owner, o->store, o->key));
    case OP_DEL_PREFIX:
        q = query3(w, Q_DEL_RANGE, o->owner, o->store, o->key);
        if (q && o->key.n < sizeof room && above(o->key, room, &end))
            bind_blob(q, 4, end);
        return finish(q);
    case OP_DROP:
        return write_drop(b, o->owner);
    case OP_LOG_ADD:
        return write_log_add(b, o);
    case OP_LOG_REPLACE:
        return write_log_replace(b, o);
    case OP_LOG_DEL:
        rc = index_all(b);
        return rc ? rc : write_entry_removed(w, o->owner, o->store, (int64_t)o->id, !o->whole);
    case OP_LOG_TRIM:
        return write_log_trim(b, o->owner, o->store, o->keep, o->id);
    case OP_INDEX_ADD:
    case OP_INDEX_DEL:
        if ((q = query3(w, o->kind == OP_INDEX_ADD ? Q_TERM_ADD : Q_TERM_DEL, o->owner, o->store,
                        o->term))) {
            bind_blob(q, 4, o->entries[0].owner);
            bind_blob(q, 5, o->key);
        }
        return finish(q);
    }
    return SQLITE_ERROR;
}

static bool is_sync_failure(sqlite3 *db)
{
    int x = sqlite3_extended_errcode(db);

    return x == SQLITE_IOERR_FSYNC || x == SQLITE_IOERR_DIR_FSYNC;
}

static int code_of(struct base *b, int rc)
{
    if (!rc)
        return MN_E_OK;
    if (is_sync_failure(b->db))
        fsync_failed(sqlite3_errmsg(b->db));
    return rc == SQLITE_FULL ? MN_E_FULL : MN_E_IO;
}

static void say_failure(struct base *b, int e)
{
    static struct mn_log_rate rate;

    if (mn_log_rate(&rate, 3, 10000))
        mn_log_error(NULL,
                     e == MN_E_FULL ? "the disk is full: changes are refused until there is room"
                                    : "the database refused a write",
                     MN_FC("error", sqlite3_errmsg(b->db)));
}

/* A transaction over all commits of the chain; the result of each is set. */
static void write_batch(struct embedded *s, struct store_commit *chain)
{
    struct batch b = {.s = s, .added_last = &b.added};
    int rc = finish(query(&s->writer, Q_BEGIN)), e;

    for (struct store_commit *c = chain; c && !rc; c = c->next) {
        c->result = store_commit_stale(c) ? MN_E_STALE : MN_E_OK;
        for (struct store_op *o = c->first; o && !rc && !c->result; o = o->next)
            rc = write_op(&b, o);
    }
    if (!rc && s->tail_bytes > TAIL_BYTES)
        rc = index_all(&b);
    if (!rc)
        rc = finish(query(&s->writer, Q_COMMIT));
    e = code_of(&s->writer, rc);
    if (e) {
        say_failure(&s->writer, e);
        finish(query(&s->writer, Q_ROLLBACK));
        while (b.added) {
            struct pending *next = b.added->next;

            mn_free(b.added);
            b.added = next;
        }
        for (struct store_commit *c = chain; c; c = c->next) {
            if (!c->result) {
                c->result = e;
                store_commit_failed(c);
            }
        }
        return;
    }
    tail_drop(s, b.indexed);
    tail_add(s, b.added);
}

/* Time for the index: a run of its own. */
static void index_run(struct embedded *s)
{
    size_t count = 0;
    int rc = finish(query(&s->writer, Q_BEGIN));

    if (!rc)
        rc = index_some(s, &count);
    if (!rc)
        rc = finish(query(&s->writer, Q_COMMIT));
    if (code_of(&s->writer, rc)) {
        finish(query(&s->writer, Q_ROLLBACK));
        return;
    }
    tail_drop(s, count);
}

static void wait_until(struct embedded *s, int64_t us)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += us * 1000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&s->some, &s->lock, &t);
}

static void *writer_run(void *arg)
{
    struct embedded *s = arg;
    bool gather = false;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        struct store_commit *chain;
        size_t waiting;

        if (gather && !s->stop && s->queued < GATHER_FULL)
            wait_until(s, GATHER_US);
        while (!s->first && !s->stop) {
            if (s->tail_count >= RUN) {
                pthread_mutex_unlock(&s->lock);
                index_run(s);
                pthread_mutex_lock(&s->lock);
            } else {
                pthread_cond_wait(&s->some, &s->lock);
            }
        }
        if (!s->first && s->stop)
            break;
        chain = s->first;
        waiting = s->queued;
        s->first = NULL;
        s->last = &s->first;
        s->queued = 0;
        pthread_mutex_unlock(&s->lock);
        write_batch(s, chain);
        while (chain) {
            struct store_commit *next = chain->next;

            store_commit_back(chain);
            chain = next;
        }
        if (s->tail_count >= RUN)
            index_run(s);
        pthread_mutex_lock(&s->lock);
        gather = waiting > 1 && s->first;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void submit(struct store *store, struct store_commit *c)
{
    struct embedded *s = (struct embedded *)store;

    c->next = NULL;
    pthread_mutex_lock(&s->lock);
    *s->last = c;
    s->last = &c->next;
    s->queued++;
    pthread_cond_signal(&s->some);
    pthread_mutex_unlock(&s->lock);
}

/* Readers. */

static struct base *reader_take(struct embedded *s)
{
    struct base *b;

    pthread_mutex_lock(&s->lock);
    while (!s->idle_count)
        pthread_cond_wait(&s->reader_free, &s->lock);
    b = s->idle[--s->idle_count];
    pthread_mutex_unlock(&s->lock);
    return b;
}

static void reader_give(struct embedded *s, struct base *b)
{
    pthread_mutex_lock(&s->lock);
    s->idle[s->idle_count++] = b;
    pthread_cond_signal(&s->reader_free);
    pthread_mutex_unlock(&s->lock);
}

static struct store_row *row_add(struct store_read *r, size_t *cap)
{
    if (r->count == *cap) {
        struct store_row *more = mn_arena_alloc(&r->arena, (*cap ? *cap * 2 : 16) * sizeof *more);

        if (r->count)
            memcpy(more, r->rows, r->count * sizeof *more);
        r->rows = more;
        *cap = *cap ? *cap * 2 : 16;
    }
    r->rows[r->count] = (struct store_row){0};
    return &r->rows[r->count++];
}

static mn_str kept(struct store_read *r, mn_str s)
{
    return s.p ? mn_arena_str(&r->arena, s) : s;
}

static bool tail_wants(const struct store_read *r, const struct pending *t)
{
    return mn_str_eq(t->owner, r->owner) && mn_str_is(t->store, r->store) && t->id > r->after &&
           (!r->before || t->id < r->before) && (!r->start || t->time >= r->start) &&
           (!r->end || t->time <= r->end) && (!r->peer.n || mn_str_eq(t->peer, r->peer)) &&
           (!r->key.n || mn_str_eq(t->key, r->key));
}

static int by_id(const void *a, const void *b)
{
    const struct store_row *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static int by_id_back(const void *a, const void *b)
{
    return by_id(b, a);
}

/* The tail first, then the index, merged; what moved between the two meanwhile is there twice, and
 * once is dropped. */
static int read_log(struct embedded *s, struct base *b, struct store_read *r)
{
    sqlite3_stmt *q =
        query3(b, r->backward ? Q_RANGE_BACK : Q_RANGE, r->owner, r->store, (mn_str){0});
    size_t cap = 0, from_tail, n = 0;
    int rc = SQLITE_ERROR;

    if (!q)
        return rc;
    pthread_mutex_lock(&s->lock);
    for (struct pending *t = s->tail; t; t = t->next)
        if (tail_wants(r, t)) {
            struct store_row *row = row_add(r, &cap);

            row->id = t->id;
            row->time = t->time;
            row->key = kept(r, t->key);
            row->owner = kept(r, t->peer);
        }
    pthread_mutex_unlock(&s->lock);
    from_tail = r->count;
    sqlite3_bind_int64(q, 3, (sqlite3_int64)r->after);
    sqlite3_bind_int64(q, 4, r->before ? (sqlite3_int64)r->before : INT64_MAX);
    bind_blob(q, 5, r->peer);
    sqlite3_bind_int64(q, 6, r->start ? r->start : INT64_MIN);
    sqlite3_bind_int64(q, 7, r->end ? r->end : INT64_MAX);
    sqlite3_bind_int64(q, 8, (sqlite3_int64)r->limit);
    bind_blob(q, 9, r->key);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        struct store_row *row = row_add(r, &cap);

        row->id = (uint64_t)sqlite3_column_int64(q, 0);
        row->time = sqlite3_column_int64(q, 1);
        row->owner = kept(r, column(q, 2));
        row->key = kept(r, column(q, 3));
        row->value = kept(r, column(q, 4));
    }
    if ((rc = rows_end(q, rc)))
        return rc;
    for (size_t i = 0; i < from_tail; i++) {
        if (!(q = query(b, Q_VALUE)))
            return SQLITE_ERROR;
        sqlite3_bind_int64(q, 1, (sqlite3_int64)r->rows[i].id);
        if (sqlite3_step(q) == SQLITE_ROW)
            r->rows[i].value = kept(r, column(q, 0));
        finish(q);
    }
    if (r->count)
        qsort(r->rows, r->count, sizeof *r->rows, r->backward ? by_id_back : by_id);
    for (size_t i = 0; i < r->count; i++)
        if (!n || r->rows[n - 1].id != r->rows[i].id)
            r->rows[n++] = r->rows[i];
        else if (!r->rows[n - 1].value.p)
            r->rows[n - 1] = r->rows[i];
    r->count = n < r->limit ? n : r->limit;
    return SQLITE_OK;
}

static int read_stats(struct embedded *s, struct base *b, struct store_read *r)
{
    uint64_t below = INT64_MAX;
    sqlite3_stmt *q;

    /* What the tail holds is counted from there, the rest from the index below it. */
    pthread_mutex_lock(&s->lock);
    if (s->tail)
        below = s->tail->id - 1;
    pthread_mutex_unlock(&s->lock);
    if (!(q = query3(b, Q_STATS, r->owner, r->store, (mn_str){0})))
        return SQLITE_ERROR;
    sqlite3_bind_int64(q, 3, (sqlite3_int64)below);
    if (sqlite3_step(q) == SQLITE_ROW) {
        r->total_count = (uint64_t)sqlite3_column_int64(q, 0);
        r->total_bytes = (uint64_t)sqlite3_column_int64(q, 1);
    }
    finish(q);
    if (below != INT64_MAX) {
        r->after = below;
        r->limit = SIZE_MAX >> 1;
        if (read_log(s, b, r))
            return SQLITE_ERROR;
        r->total_count += r->count;
        for (size_t i = 0; i < r->count; i++)
            r->total_bytes += r->rows[i].value.n;
        r->count = 0;
    }
    return SQLITE_OK;
}

static int read_values(struct base *b, struct store_read *r)
{
    sqlite3_stmt *q = query3(b, r->kind == STORE_GET ? Q_GET : Q_LIST, r->owner, r->store,
                             r->key.p ? r->key : MN_STR(""));
    char *room = mn_arena_bytes(&r->arena, r->key.n + 1);
    size_t cap = 0;
    mn_str end;
    int rc;

    if (!q)
        return SQLITE_ERROR;
    if (r->kind == STORE_LIST) {
        if (above(r->key, room, &end))
            bind_blob(q, 4, end);
        sqlite3_bind_int64(q, 5, (sqlite3_int64)r->limit);
    }
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        struct store_row *row = row_add(r, &cap);

        row->key = kept(r, column(q, 0));
        row->value = kept(r, column(q, 1));
    }
    return rows_end(q, rc);
}

static int read_terms(struct base *b, struct store_read *r)
{
    /* SQLite seeks to ?3 only: a later page begins there at its term, not at the prefix. */
    mn_str first = r->from.term.p ? r->from.term : r->key.p ? r->key : MN_STR("");
    sqlite3_stmt *q = query3(b, Q_TERMS, r->owner, r->store, first);
    char *room = mn_arena_bytes(&r->arena, r->key.n + 1);
    size_t cap = 0;
    mn_str end;
    int rc;

    if (!q)
        return SQLITE_ERROR;
    if (above(r->key, room, &end))
        bind_blob(q, 4, end);
    if (r->from.term.p) {
        bind_blob(q, 5, r->from.term);
        bind_blob(q, 6, r->from.owner);
        bind_blob(q, 7, r->from.key);
    }
    sqlite3_bind_int64(q, 8, (sqlite3_int64)r->limit);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        struct store_row *row = row_add(r, &cap);

        row->term = kept(r, column(q, 0));
        row->owner = kept(r, column(q, 1));
        row->key = kept(r, column(q, 2));
    }
    return rows_end(q, rc);
}

static int read_term_count(struct base *b, struct store_read *r)
{
    sqlite3_stmt *q = query3(b, Q_TERM_COUNT, r->owner, r->store, (mn_str){0});
    int rc;

    if (!q)
        return SQLITE_ERROR;
    if ((rc = sqlite3_step(q)) == SQLITE_ROW)
        r->total_count = (uint64_t)sqlite3_column_int64(q, 0);
    finish(q);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static void embedded_read(struct store *store, struct store_read *r)
{
    struct embedded *s = (struct embedded *)store;
    struct base *b = reader_take(s);
    int rc = r->kind == STORE_LOG           ? read_log(s, b, r)
             : r->kind == STORE_LOG_STATS   ? read_stats(s, b, r)
             : r->kind == STORE_INDEX       ? read_terms(b, r)
             : r->kind == STORE_INDEX_COUNT ? read_term_count(b, r)
                                            : read_values(b, r);

    r->result = rc ? MN_E_IO : MN_E_OK;
    if (rc)
        mn_log_error(NULL, "the database refused a read", MN_FC("error", sqlite3_errmsg(b->db)));
    reader_give(s, b);
}

/* Opening and closing. */

static void base_close(struct base *b)
{
    for (int i = 0; i < Q_COUNT; i++)
        sqlite3_finalize(b->q[i]);
    sqlite3_close(b->db);
    *b = (struct base){0};
}

static int base_open(struct embedded *s, struct base *b, bool writer, struct mn_buf *why)
{
    const char *sync =
        getenv("MYNAH_TEST_STORE_SYNC"); /* "OFF" in the control run of the recovery test */
    char pragma[200];
    int rc = sqlite3_open_v2(
        s->path, &b->db,
        (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE) |
            SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
        NULL);

    snprintf(pragma, sizeof pragma,
             "PRAGMA journal_mode=WAL; PRAGMA synchronous=%s; PRAGMA secure_delete=FAST; PRAGMA "
             "wal_autocheckpoint=1000; "
             "PRAGMA foreign_keys=OFF;",
             sync && !strcmp(sync, "OFF") ? "OFF" : "FULL");
    if (!rc)
        sqlite3_busy_timeout(b->db, 5000);
    if (!rc)
        rc = sqlite3_exec(b->db, pragma, NULL, NULL, NULL);
    if (!rc)
        return MN_E_OK;
    mn_buf_fmt(why, "cannot use the database %s: %s%s", s->path,
               b->db ? sqlite3_errmsg(b->db) : "out of memory",
               (rc & 0xff) == SQLITE_NOTADB || (rc & 0xff) == SQLITE_CORRUPT
                   ? "; restore a backup, or move the file away to begin anew"
                   : "");
    return MN_E_IO;
}

static int64_t number(sqlite3 *db, const char *text)
{
    sqlite3_stmt *q;
    int64_t v = 0;

    if (sqlite3_prepare_v2(db, text, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
        v = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return v;
}

static int schema_make(struct embedded *s, struct mn_buf *why)
{
    sqlite3 *db = s->writer.db;
    int64_t version = number(db, "PRAGMA user_version");
    char pragma[64];

    if (version > SCHEMA) {
        mn_buf_fmt(why,
                   "the database %s was written by a newer mynahd (layout %lld, we know %d); use "
                   "that version",
                   s->path, (long long)version, SCHEMA);
        return MN_E_FORMAT;
    }
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", SCHEMA);
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
        sqlite3_exec(db, schema, NULL, NULL, NULL) || sqlite3_exec(db, pragma, NULL, NULL, NULL) ||
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL)) {
        mn_buf_fmt(why, "cannot use the database %s: %s", s->path, sqlite3_errmsg(db));
        return MN_E_IO;
    }
    return MN_E_OK;
}

/* Records behind the high-water mark: the tail as it was. */
static int tail_load(struct embedded *s)
{
    sqlite3_stmt *q;
    int rc = sqlite3_prepare_v2(
        s->writer.db,
        "SELECT id,time,entries FROM record WHERE id>coalesce((SELECT value FROM meta WHERE "
        "name='indexed'),0) ORDER BY id",
        -1, &q, NULL);

    while (!rc && sqlite3_step(q) == SQLITE_ROW) {
        mn_str in = column(q, 2), part[4];

        while (unpack(&in, &part[0]) && unpack(&in, &part[1]) && unpack(&in, &part[2]) &&
               unpack(&in, &part[3]))
            if (!part[3].n) /* those with an item key are in the index already */
                tail_add(s, pending_new((uint64_t)sqlite3_column_int64(q, 0),
                                        sqlite3_column_int64(q, 1), part[0], part[1], part[2],
                                        part[3]));
    }
    sqlite3_finalize(q);
    return rc ? MN_E_IO : MN_E_OK;
}

static void embedded_close(struct store *store)
{
    struct embedded *s = (struct embedded *)store;

    if (s->thread) {
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        pthread_cond_signal(&s->some);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
    }
    while (s->tail)
        tail_drop(s, 1);
    for (int i = 0; i < READERS; i++)
        base_close(&s->readers[i]);
    base_close(&s->writer);
    mn_closep(&s->lock_file);
    pthread_mutex_destroy(&s->lock);
    mn_free(s->path);
    mn_free(s);
}

static int embedded_check(struct store *store, struct mn_buf *why)
{
    struct embedded *s = (struct embedded *)store;
    struct base *b = reader_take(s);
    sqlite3_stmt *q;
    int e = MN_E_IO;

    if (sqlite3_prepare_v2(b->db, "PRAGMA integrity_check", -1, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW && !strcmp((const char *)sqlite3_column_text(q, 0), "ok"))
        e = MN_E_OK;
    else
        mn_buf_fmt(why, "integrity check: %s", sqlite3_errmsg(b->db));
    sqlite3_finalize(q);
    if (!e && number(b->db, "SELECT count(*) FROM log l LEFT JOIN record r ON r.id=l.record WHERE "
                            "NOT l.gone AND r.id IS NULL")) {
        mn_buf_fmt(why, "log entries without their record");
        e = MN_E_IO;
    }
    reader_give(s, b);
    return e;
}

static int folder_lock(struct embedded *s, const char *dir, struct mn_buf *why)
{
    struct mn_arena a = {0};
    int e = mn_file_mkdir(dir, 0700);

    if (e) {
        mn_buf_fmt(why, "cannot make the folder %s: %s", dir, mn_err_text(e));
        return e;
    }
    s->lock_file = open(mn_arena_fmt(&a, "%s/lock", dir).p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    mn_arena_done(&a, NULL);
    if (s->lock_file < 0) {
        mn_buf_fmt(why, "cannot write in the folder %s: %s", dir, strerror(errno));
        return MN_E_DENIED;
    }
    if (flock(s->lock_file, LOCK_EX | LOCK_NB)) {
        mn_buf_fmt(why, "the folder %s is in use by another mynahd", dir);
        return MN_E_BUSY;
    }
    return MN_E_OK;
}

int store_open_embedded(const char *dir, struct mn_work *work, struct store **out,
                        struct mn_buf *why)
{
    static const struct store_backend backend = {submit, embedded_read, embedded_close,
                                                 embedded_check};
    struct embedded *s = MN_NEW(struct embedded);
    struct mn_buf path = {0};
    int e;

    *out = NULL;
    s->store.backend = &backend;
    s->store.work = work;
    s->lock_file = -1;
    s->last = &s->first;
    s->tail_last = &s->tail;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->some, NULL);
    pthread_cond_init(&s->reader_free, NULL);
    mn_buf_fmt(&path, "%s/mynah.db", dir);
    s->path = mn_str_dup(mn_buf_view(&path));
    mn_buf_free(&path);
    e = folder_lock(s, dir, why);
    if (!e)
        e = base_open(s, &s->writer, true, why);
    if (!e)
        e = schema_make(s, why);
    for (int i = 0; i < READERS && !e; i++) {
        e = base_open(s, &s->readers[i], false, why);
        s->idle[s->idle_count++] = &s->readers[i];
    }
    if (!e)
        e = tail_load(s);
    if (!e && pthread_create(&s->thread, NULL, writer_run, s))
        e = MN_E_IO;
    if (e)
        embedded_close(&s->store);
    else
        *out = &s->store;
    return e;
}

/* Answers to reads, on the lanes' threads, each with a connection of its own for that time. */
#include "base/clock.h"
#include "base/log.h"
#include "server/store/embedded.h"

struct base *reader_take(struct embedded *s)
{
    struct base *b;

    pthread_mutex_lock(&s->reader_lock);
    while (!s->free_count)
        pthread_cond_wait(&s->reader_free, &s->reader_lock);
    b = s->free_readers[--s->free_count];
    pthread_mutex_unlock(&s->reader_lock);
    return b;
}

void reader_give(struct embedded *s, struct base *b)
{
    pthread_mutex_lock(&s->reader_lock);
    s->free_readers[s->free_count++] = b;
    pthread_cond_signal(&s->reader_free);
    pthread_mutex_unlock(&s->reader_lock);
}

struct rows {
    struct store_row *p;
    size_t count, cap;
};

static struct store_row *row_add(struct rows *rows, struct mn_arena *a)
{
    if (rows->count == rows->cap) {
        size_t cap = rows->cap ? rows->cap * 2 : 16;
        struct store_row *more = mn_arena_alloc(a, cap * sizeof *more);

        if (rows->count)
            memcpy(more, rows->p, rows->count * sizeof *more);
        rows->p = more;
        rows->cap = cap;
    }
    rows->p[rows->count] = (struct store_row){0};
    return &rows->p[rows->count++];
}

static mn_str kept(struct mn_arena *a, mn_str s)
{
    return s.p ? mn_arena_str(a, s) : s;
}

static bool tail_wants(const struct store_read *r, const struct pending *e)
{
    return mn_str_is(e->store, r->store) && e->id > r->after && (!r->before || e->id < r->before) &&
           (!r->start || e->time >= r->start) && (!r->end || e->time <= r->end) &&
           (!r->peer.n || mn_str_eq(e->peer, r->peer)) && !r->key.n;
}

/* What the tail holds of it now, without values. */
static struct rows tail_rows(struct embedded *s, struct store_read *r)
{
    struct rows rows = {0};

    pthread_mutex_lock(&s->tail.lock);
    for (const struct pending *e = tail_first(&s->tail, r->owner); e; e = e->same)
        if (tail_wants(r, e)) {
            struct store_row *row = row_add(&rows, &r->arena);

            row->id = e->id;
            row->time = e->time;
            row->key = MN_STR("");
            row->owner = kept(&r->arena, e->peer);
        }
    pthread_mutex_unlock(&s->tail.lock);
    return rows;
}

static int value_of(struct base *b, struct mn_arena *a, struct store_row *row)
{
    sqlite3_stmt *q = SQL_ASK(b, Q_VALUE, NUMBER(row->id));
    int rc = sql_next(q);

    if (rc == SQLITE_ROW) {
        row->value = kept(a, sql_column(q, 0));
        sql_end(q);
    }
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int from_index(struct base *b, struct store_read *r, int64_t mark, struct rows *out)
{
    sqlite3_stmt *q =
        SQL_ASK(b, r->backward ? Q_RANGE_BACK : Q_RANGE, BLOB(r->owner), TEXT(r->store),
                NUMBER(r->after), NUMBER(r->before ? r->before : INT64_MAX), BLOB(r->peer),
                NUMBER(r->start ? r->start : INT64_MIN), NUMBER(r->end ? r->end : INT64_MAX),
                BLOB(r->key), NUMBER(mark), NUMBER(r->limit - out->count));
    int rc;

    while ((rc = sql_next(q)) == SQLITE_ROW) {
        struct store_row *row = row_add(out, &r->arena);

        row->id = (uint64_t)sqlite3_column_int64(q, 0);
        row->time = sqlite3_column_int64(q, 1);
        row->owner = kept(&r->arena, sql_column(q, 2));
        row->key = kept(&r->arena, sql_column(q, 3));
        row->value = kept(&r->arena, sql_column(q, 4));
    }
    return rc;
}

static int from_tail(struct base *b, struct store_read *r, const struct rows *tail,
                     struct rows *out)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; i < tail->count && out->count < r->limit && !rc; i++) {
        struct store_row *row = row_add(out, &r->arena);

        *row = tail->p[r->backward ? tail->count - 1 - i : i];
        rc = value_of(b, &r->arena, row);
    }
    return rc;
}

/* The tail is looked at first, then the database as it is from then on. The mark in that snapshot
 * says which of the two counts for an entry: what is in the index by then may be deleted there, and
 * of a run that is under way some are in both. So every entry is seen once, and all of the tail is
 * newer than all of the index. Inside a transaction. */
static int tail_settle(struct base *b, struct rows *tail, int64_t *mark)
{
    size_t old = 0;
    int rc = sql_number(SQL_ASK(b, Q_MARK), mark);

    while (old < tail->count && tail->p[old].id <= (uint64_t)*mark)
        old++;
    tail->p += old;
    tail->count -= old;
    return rc;
}

static int read_log(struct base *b, struct store_read *r, const struct rows *tail, int64_t mark)
{
    struct rows out = {0};
    int rc = SQLITE_OK;

    if (r->backward)
        rc = from_tail(b, r, tail, &out);
    if (!rc)
        rc = from_index(b, r, mark, &out);
    if (!rc && !r->backward)
        rc = from_tail(b, r, tail, &out);
    r->rows = out.p;
    r->count = out.count;
    return rc;
}

static int read_stats(struct base *b, struct store_read *r, const struct rows *tail, int64_t mark)
{
    sqlite3_stmt *q =
        SQL_ASK(b, Q_STATS, BLOB(r->owner), TEXT(r->store), NUMBER(mark), BLOB(r->peer));
    int rc = sql_next(q);

    if (rc != SQLITE_ROW)
        return rc;
    r->total_count = (uint64_t)sqlite3_column_int64(q, 0) + tail->count;
    r->total_bytes = (uint64_t)sqlite3_column_int64(q, 1);
    sql_end(q);
    rc = SQLITE_OK;
    for (size_t i = 0; i < tail->count && !rc; i++) {
        rc = value_of(b, &r->arena, &tail->p[i]);
        r->total_bytes += tail->p[i].value.n;
    }
    return rc;
}

static int read_either(struct embedded *s, struct base *b, struct store_read *r)
{
    struct rows tail = tail_rows(s, r);
    int64_t mark = 0;
    int rc = SQL_RUN(b, Q_SNAPSHOT);

    if (rc)
        return rc;
    rc = tail_settle(b, &tail, &mark);
    if (!rc)
        rc = r->kind == STORE_LOG ? read_log(b, r, &tail, mark) : read_stats(b, r, &tail, mark);
    (void)SQL_RUN(b, Q_COMMIT);
    return rc;
}

/* Values and terms: both are in order of what the prefix is of. */
static int read_keys(struct base *b, struct store_read *r)
{
    bool terms = r->kind == STORE_INDEX, on = r->from.term.p;
    sqlite3_stmt *q;
    struct rows out = {0};
    int rc = SQLITE_OK;

    if (!terms)
        q = SQL_ASK(b, r->kind == STORE_GET ? Q_GET : Q_LIST, BLOB(r->owner), TEXT(r->store),
                    BLOB(r->key));
    else if (on) /* from the least key behind that row's */
        q = SQL_ASK(b, Q_TERMS, BLOB(r->owner), TEXT(r->store), BLOB(r->from.term),
                    BLOB(r->from.owner),
                    BLOB(mn_str_make(mn_arena_cstr(&r->arena, r->from.key), r->from.key.n + 1)));
    else
        q = SQL_ASK(b, Q_TERMS, BLOB(r->owner), TEXT(r->store), BLOB(r->key), BLOB(MN_STR("")),
                    BLOB(MN_STR("")));
    while (out.count < r->limit && (rc = sql_next(q)) == SQLITE_ROW) {
        mn_str first = sql_column(q, 0);
        struct store_row *row;

        if (!mn_str_starts(first, r->key))
            break;
        row = row_add(&out, &r->arena);
        *(terms ? &row->term : &row->key) = kept(&r->arena, first);
        *(terms ? &row->owner : &row->value) = kept(&r->arena, sql_column(q, 1));
        if (terms)
            row->key = kept(&r->arena, sql_column(q, 2));
    }
    if (rc == SQLITE_ROW)
        sql_end(q);
    r->rows = out.p;
    r->count = out.count;
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int read_term_count(struct base *b, struct store_read *r)
{
    int64_t n = 0;
    int rc = sql_number(SQL_ASK(b, Q_TERM_COUNT, BLOB(r->owner), TEXT(r->store)), &n);

    r->total_count = (uint64_t)n;
    return rc;
}

void reader_read(struct store *store, struct store_read *r)
{
    static struct mn_log_rate refused;
    struct embedded *s = (struct embedded *)store;
    struct base *b = reader_take(s);
    int rc;

    if (r->kind == STORE_LOG || r->kind == STORE_LOG_STATS)
        rc = read_either(s, b, r);
    else if (r->kind == STORE_INDEX_COUNT)
        rc = read_term_count(b, r);
    else
        rc = read_keys(b, r);
    r->result = rc ? MN_E_IO : MN_E_OK;
    if (rc)
        mn_clock_tick(); /* no loop does it here */
    if (rc && mn_log_rate(&refused, 3, 10000))
        mn_log_error(NULL, "the database refused a read", MN_FC("error", sqlite3_errmsg(b->db)));
    reader_give(s, b);
}

/* Private to the files of the embedded store (docs/design/002-store.md):
 *   embedded.c   opening, upgrading, checking and closing one SQLite file
 *   sql.c        every statement
 *   tail.c       what is in the logs but not in their index yet
 *   writer.c     the thread that writes
 *   reader.c     answers to reads */
#pragma once

#include <pthread.h>
#include <sqlite3.h>

#include "base/map.h"
#include "server/store_back.h"

enum query {
    Q_BEGIN,
    Q_SNAPSHOT,
    Q_COMMIT,
    Q_ROLLBACK,
    Q_SET,
    Q_DEL,
    Q_DEL_PREFIX,
    Q_RECORD,
    Q_LOG,
    Q_LOG_UNREF,
    Q_LOG_PRUNE,
    Q_LOG_DEL,
    Q_LOG_GONE,
    Q_LOG_REPOINT,
    Q_LOG_BY_KEY,
    Q_LOG_CUT,
    Q_LOG_STORE,
    Q_DROP_KV,
    Q_DROP_TERM,
    Q_TERM_ADD,
    Q_TERM_DEL,
    Q_MARK_SET,
    Q_MARK,
    Q_GET,
    Q_LIST,
    Q_RANGE,
    Q_RANGE_BACK,
    Q_STATS,
    Q_VALUE,
    Q_TERMS,
    Q_TERM_COUNT,
    Q_TAIL,
    Q_COUNT,
};

struct base { /* a connection with its statements */
    sqlite3 *db;
    sqlite3_stmt *q[Q_COUNT];
};

struct sql_value {
    enum { SQL_END, SQL_BLOB, SQL_TEXT, SQL_NUMBER } kind;
    mn_str text;
    int64_t number;
};
#define BLOB(s) ((struct sql_value){SQL_BLOB, s, 0})
#define TEXT(c) ((struct sql_value){SQL_TEXT, mn_str_from(c), 0})
#define NUMBER(n) ((struct sql_value){SQL_NUMBER, {0}, (int64_t)(n)})

/* A statement with its values, before its first row; NULL when SQLite refuses. The values' bytes
 * are lent until its end. */
sqlite3_stmt *sql_ask(struct base *b, enum query which, const struct sql_value *values);
#define SQL_ASK(b, which, ...)                                                                     \
    sql_ask(b, which, (struct sql_value[]){__VA_ARGS__ __VA_OPT__(, ){0}})
/* SQLITE_ROW, or the end: SQLITE_OK or an error. Accepts NULL: an error. */
int sql_next(sqlite3_stmt *q);
/* Before that end: no more rows are wanted. */
void sql_end(sqlite3_stmt *q);
/* All at once: SQLITE_OK or an error. */
#define SQL_RUN(...) sql_run(SQL_ASK(__VA_ARGS__))
int sql_run(sqlite3_stmt *q);
/* The number in the first column of the only row; `*out` stays as it is without one. */
int sql_number(sqlite3_stmt *q, int64_t *out);
mn_str sql_column(sqlite3_stmt *q, int i); /* p is NULL for NULL */

/* One entry of the tail. Its texts stand behind it. */
struct pending {
    struct pending *next;
    struct pending *same; /* the next of this owner */
    struct pending *last; /* of the first of an owner: its last */
    uint64_t id;
    int64_t time;
    mn_str owner, store, peer;
    char bytes[];
};

struct tail {
    pthread_mutex_t lock; /* readers look; only the writer's thread changes it */
    struct pending *first, **last;
    struct mn_map owners; /* the first of each */
    size_t count, bytes;
};

/* A part of the tail on its way into the index, in the index's order. */
struct run {
    struct pending **entries; /* RUN + 1 of them; NULL: there is none */
    size_t count, done;
    struct pending *newest; /* of its entries the last of the list */
};

enum {
    RUN = 8000,           /* entries of the tail that are sorted together */
    SLICE = 500,          /* and go into the index in transactions of that many */
    TAIL_BYTES = 2 << 20, /* above this the index goes first, then the next commit */
    READERS = 4,
    BUSY_MS = 5000, /* how long other programs may keep us from the file */
};

struct embedded {
    struct store store;
    char *path;
    int lock_file;
    struct tail tail;
    /* writer.c */
    struct base writer;
    struct run run;
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* of the queue */
    pthread_cond_t some;
    struct store_commit *first, **last;
    size_t queued;
    bool stop, idle;
    int wal_pages, wal_done;
    /* reader.c */
    struct base readers[READERS];
    struct base *free_readers[READERS];
    unsigned free_count;
    pthread_mutex_t reader_lock;
    pthread_cond_t reader_free;
};

/* tail.c. Entries as they stand beside a record: owner, store, peer, key of each. */
void tail_pack(struct mn_buf *b, const struct store_op *add);
struct pending *tail_entry(uint64_t id, int64_t time, mn_str owner, mn_str store, mn_str peer);
void tail_add(struct tail *t, struct pending *chain);
void tail_drop(struct tail *t, const struct pending *upto); /* all before `upto` */
/* The first of that owner, under the lock; the others by `same`. */
const struct pending *tail_first(const struct tail *t, mn_str owner);
int tail_load(struct tail *t, struct base *b);
struct run tail_run(struct pending *list);
/* The next `most` of it into the index, inside a transaction; with the last of them, the mark. */
int tail_index(struct base *b, struct run *r, size_t most);
void tail_run_end(struct run *r);

/* writer.c */
int writer_start(struct embedded *s);
void writer_stop(struct embedded *s);
void writer_submit(struct store *store, struct store_commit *c);

/* reader.c */
void reader_read(struct store *store, struct store_read *r);
struct base *reader_take(struct embedded *s);
void reader_give(struct embedded *s, struct base *b);

/* backup.c: see store_backup. */
int backup_make(struct store *store, const char *path, struct store_progress *told,
                struct mn_buf *why);

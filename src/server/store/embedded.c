/* The embedded store: one SQLite file (docs/design/002-store.md).
 *
 *   kv(owner, store, key) -> value
 *   record(id) -> time, value, refs, entries     append only, in commit order; entries: whose it is
 *   log(owner, store, id) -> record, time, peer, key, gone     the logs' index, built behind
 *   term(host, store, term, owner, key)
 *   meta('indexed') -> up to which record the index is complete */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "server/store/embedded.h"

/* One step per version of the database: steps[n] brings version n to n + 1. The version covers the
 * layout and what the stores put into values and records. Steps are never edited, only added. */
static const char *const steps[] = {
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE kv(owner BLOB, store TEXT, key BLOB, value BLOB, "
    "PRIMARY KEY(owner,store,key)) WITHOUT ROWID;"
    "CREATE TABLE record(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER, value BLOB, "
    "refs INTEGER, entries BLOB);"
    "CREATE TABLE log(owner BLOB, store TEXT, id INTEGER, record INTEGER, time INTEGER, "
    "peer BLOB, key BLOB, gone INTEGER, PRIMARY KEY(owner,store,id)) WITHOUT ROWID;"
    "CREATE INDEX log_key ON log(owner,store,key) WHERE key<>x'';"
    "CREATE TABLE term(host BLOB, store TEXT, term BLOB, owner BLOB, key BLOB, "
    "PRIMARY KEY(host,store,term,owner,key)) WITHOUT ROWID;"
    "CREATE INDEX term_owner ON term(owner);",
};

#define OWN "its folder and all that is in it must belong to whom mynahd runs as"

static void base_close(struct base *b)
{
    for (int i = 0; i < Q_COUNT; i++)
        sqlite3_finalize(b->q[i]);
    sqlite3_close(b->db);
    *b = (struct base){0};
}

/* SQLite does not say which of its files it could not open. */
static void name_file(const struct embedded *s, struct mn_buf *why)
{
    static const char *const ends[] = {"-wal", "-shm"};

    for (size_t i = 0; i < MN_COUNT(ends); i++) {
        struct mn_arena a = {0};
        const char *path = mn_arena_fmt(&a, "%s%s", s->path, ends[i]).p;
        struct stat st;

        if (!stat(path, &st) && (!S_ISREG(st.st_mode) || access(path, R_OK | W_OK)))
            mn_buf_fmt(why, " (%s: %s)", path,
                       S_ISREG(st.st_mode) ? strerror(errno) : "no plain file");
        mn_arena_done(&a, NULL);
    }
}

static int refused(const struct embedded *s, const struct base *b, struct mn_buf *why)
{
    mn_buf_fmt(why, "cannot use the database %s: %s", s->path,
               b->db ? sqlite3_errmsg(b->db) : "out of memory");
    switch (b->db ? sqlite3_errcode(b->db) & 0xff : SQLITE_NOMEM) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        mn_buf_lit(why, "; restore a backup, or move the file away to begin anew");
        break;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
        name_file(s, why);
        mn_buf_lit(why, "; " OWN);
        break;
    case SQLITE_BUSY:
        mn_buf_lit(why, "; another program has it open");
        break;
    }
    return MN_E_IO;
}

static int base_open(struct embedded *s, struct base *b, const char *pragmas, struct mn_buf *why)
{
    int rc = sqlite3_open_v2(s->path, &b->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_EXRESCODE,
                             NULL);

    if (!rc)
        rc = sqlite3_busy_timeout(b->db, BUSY_MS); /* for other programs that look into the file */
    if (!rc)
        rc = sqlite3_exec(b->db, pragmas, NULL, NULL, NULL);
    return rc ? refused(s, b, why) : MN_E_OK;
}

static int64_t number(sqlite3 *db, const char *text)
{
    sqlite3_stmt *q;
    int64_t v = -1;

    if (!sqlite3_prepare_v2(db, text, -1, &q, NULL) && sqlite3_step(q) == SQLITE_ROW)
        v = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return v;
}

static int upgrade(struct embedded *s, struct mn_buf *why)
{
    enum { NEWEST = MN_COUNT(steps) };
    sqlite3 *db = s->writer.db;
    int64_t version = number(db, "PRAGMA user_version"),
            tables = number(db, "SELECT count(*) FROM sqlite_master");
    char pragma[64];
    int rc;

    if (version < 0 || tables < 0)
        return refused(s, &s->writer, why);
    if (version > NEWEST)
        mn_buf_fmt(why,
                   "the database %s was written by a newer mynahd (version %lld, we know up to "
                   "%d); use that mynahd",
                   s->path, (long long)version, NEWEST);
    else if (!version && tables)
        mn_buf_fmt(why, "the database %s belongs to another program; move it away", s->path);
    if (why->n)
        return MN_E_FORMAT;
    if (version == NEWEST)
        return MN_E_OK;
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", NEWEST);
    rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    while (!rc && version < NEWEST)
        rc = sqlite3_exec(db, steps[version++], NULL, NULL, NULL);
    if (!rc)
        rc = sqlite3_exec(db, pragma, NULL, NULL, NULL);
    if (!rc)
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return rc ? refused(s, &s->writer, why) : MN_E_OK;
}

static int base_open_all(struct embedded *s, struct mn_buf *why)
{
    int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), e;

    /* For nobody else, whatever the folder allows: SQLite gives its other files the same mode.
     * Closed before SQLite opens it, whose locks would go with any descriptor of the file. */
    if (fd < 0) {
        mn_buf_fmt(why, "cannot open the database %s: %s%s", s->path, strerror(errno),
                   errno == EACCES ? "; " OWN : "");
        return MN_E_DENIED;
    }
    mn_closep(&fd);
    e = base_open(s, &s->writer,
                  "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; "
                  "PRAGMA journal_size_limit=16777216", /* what a long backup made of it goes */
                  why);
    if (!e)
        e = upgrade(s, why);
    if (!e && tail_load(&s->tail, &s->writer))
        e = refused(s, &s->writer, why);
    for (int i = 0; i < READERS && !e; i++) {
        e = base_open(s, &s->readers[i], "PRAGMA query_only=ON", why);
        reader_give(s, &s->readers[i]);
    }
    return e;
}

static void embedded_close(struct store *store)
{
    struct embedded *s = (struct embedded *)store;

    writer_stop(s);
    tail_run_end(&s->run);
    tail_drop(&s->tail, NULL);
    for (int i = 0; i < READERS; i++)
        base_close(&s->readers[i]);
    base_close(&s->writer);
    mn_closep(&s->lock_file);
    pthread_mutex_destroy(&s->tail.lock);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->reader_lock);
    pthread_cond_destroy(&s->some);
    pthread_cond_destroy(&s->reader_free);
    mn_free(s->path);
    mn_free(s);
}

static int embedded_check(struct store *store, struct mn_buf *why)
{
    static const struct {
        const char *count, *what;
    } wrong[] = {
        {"SELECT count(*) FROM log l LEFT JOIN record r ON r.id=l.record "
         "WHERE NOT l.gone AND r.id IS NULL",
         "entries of logs without their record"},
        {"SELECT count(*) FROM record r LEFT JOIN "
         "(SELECT record,count(*) n FROM log WHERE NOT gone GROUP BY record) l ON l.record=r.id "
         "WHERE r.id<=(SELECT value FROM meta WHERE name='indexed') AND r.refs<>coalesce(l.n,0)",
         "records with a wrong count of entries"},
    };
    struct embedded *s = (struct embedded *)store;
    struct base *b = reader_take(s);
    sqlite3_stmt *q;
    int rc = sqlite3_prepare_v2(b->db, "PRAGMA integrity_check(1)", -1, &q, NULL), e = MN_E_OK;
    const char *said;

    if (!rc)
        rc = sqlite3_step(q);
    said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : sqlite3_errmsg(b->db);
    if (strcmp(said, "ok")) {
        mn_buf_fmt(why, "the database is damaged: %s", said);
        e = MN_E_IO;
    }
    sqlite3_finalize(q);
    for (size_t i = 0; i < MN_COUNT(wrong) && !e; i++) {
        int64_t n = number(b->db, wrong[i].count);

        if (n) {
            mn_buf_fmt(why, "%lld %s", (long long)n, wrong[i].what);
            e = MN_E_IO;
        }
    }
    reader_give(s, b);
    return e;
}

/* One server per folder. */
static int folder_lock(struct embedded *s, const char *dir, struct mn_buf *why)
{
    struct mn_arena a = {0};
    int e = mn_file_mkdir(dir, 0700);

    if (e) {
        mn_buf_fmt(why, "cannot make the folder %s: %s", dir,
                   e == MN_E_EXISTS ? "a file has that name" : mn_err_text(e));
        return e;
    }
    s->lock_file = open(mn_arena_fmt(&a, "%s/lock", dir).p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    mn_arena_done(&a, NULL);
    if (s->lock_file < 0) {
        mn_buf_fmt(why, "cannot write in the folder %s: %s%s", dir, strerror(errno),
                   errno == EACCES ? "; " OWN : "");
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
    static const struct store_backend backend = {writer_submit, reader_read, embedded_close,
                                                 embedded_check, backup_make};
    struct embedded *s = MN_NEW(struct embedded);
    struct mn_buf path = {0};
    int e;

    *out = NULL;
    s->store.backend = &backend;
    s->store.work = work;
    s->lock_file = -1;
    s->last = &s->first;
    s->tail.last = &s->tail.first;
    pthread_mutex_init(&s->tail.lock, NULL);
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->reader_lock, NULL);
    pthread_cond_init(&s->some, NULL);
    pthread_cond_init(&s->reader_free, NULL);
    mn_buf_fmt(&path, "%s/mynah.db", dir);
    s->path = mn_str_dup(mn_buf_view(&path));
    mn_buf_free(&path);
    e = folder_lock(s, dir, why);
    if (!e)
        e = base_open_all(s, why);
    if (!e && (e = writer_start(s)))
        mn_buf_fmt(why, "cannot start a thread: %s", mn_err_text(e));
    if (e)
        embedded_close(&s->store);
    else
        *out = &s->store;
    return e;
}

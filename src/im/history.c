/* The file, its statements, and the thread that waits for the disk. */
#include "im/history.h"

#include <sqlite3.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "im/accounts.h"
#include "im/lang.h"

enum { VERSION = 1 };

/* What is done for each message; compiled once. */
enum {
    BEGIN,
    COMMIT,
    SAVEPOINT,
    ROLLBACK_TO,
    RELEASE,
    ADD,
    WORDS_ADD,
    WORDS_FORGET,
    SENT,
    BODY_OF,
    BODY_SET,
    STATEMENTS
};
static const char *const statements[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [SAVEPOINT] = "SAVEPOINT one",
    [ROLLBACK_TO] = "ROLLBACK TO one",
    [RELEASE] = "RELEASE one",
    [ADD] = ("INSERT INTO said (account, peer, who, id, body, at, ours, sent)"
             " VALUES (:account, :peer, :who, :id, :body, :at, :ours, :sent)"),
    [WORDS_ADD] = "INSERT INTO words (rowid, tokens) VALUES (:number, :tokens)",
    [WORDS_FORGET] = "INSERT INTO words (words, rowid, tokens) VALUES ('delete', :number, :tokens)",
    [SENT] = ("UPDATE said SET sent = :sent WHERE account = :account AND id = :id AND id <> ''"
              " AND ours AND sent < :sent"),
    [BODY_OF] = "SELECT body FROM said WHERE number = :number",
    [BODY_SET] = "UPDATE said SET body = :body WHERE number = :number",
};

struct im_history {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS]; /* made when first needed */
    bool changed;                         /* a transaction is open */
    /* Keeps: waits for the disk in the place of whoever types. It has the database while there is
     * something `to_keep`, and nobody else then. */
    pthread_t keeper;
    bool has_keeper;
    pthread_mutex_t lock;
    pthread_cond_t turned;
    bool to_keep, stop;
    int kept;     /* MN_E_IO: some of it was not, which was not told yet */
    bool waiting; /* for it; of the program's thread alone */
    int fd;       /* rings when it has */
};

const char *im_history_path(struct mn_arena *a)
{
    return im_data_path("history.db", a);
}

/* The file. */

static const char schema[] =
    "CREATE TABLE said (number INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, peer TEXT "
    "NOT NULL,"
    " who TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL, ours INTEGER "
    "NOT NULL,"
    " sent INTEGER NOT NULL);"
    "CREATE INDEX said_peer ON said (account, peer, number);"
    "CREATE UNIQUE INDEX said_id ON said (account, peer, who, id) WHERE id <> '';"
    "CREATE VIRTUAL TABLE words USING fts5 (tokens, content='', tokenize='unicode61 "
    "remove_diacritics 2');"
    "PRAGMA user_version = 1;";
/* What is said of a message by its name alone. */
static const char names[] =
    "CREATE INDEX IF NOT EXISTS said_name ON said (account, id) WHERE id <> ''";

static int version_of(sqlite3 *db)
{
    sqlite3_stmt *s;
    int v = -1;

    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL))
        return -1;
    if (sqlite3_step(s) == SQLITE_ROW)
        v = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return v;
}

static int run(struct im_history *h, const char *sql)
{
    return sqlite3_exec(h->db, sql, NULL, NULL, NULL) ? MN_E_IO : MN_E_OK;
}

static int ready(struct im_history *h, struct mn_buf *why)
{
    int v;

    sqlite3_busy_timeout(h->db, 5000);
    if (run(h, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN IMMEDIATE")) {
        mn_buf_fmt(why, "%s", sqlite3_errmsg(h->db));
        return MN_E_IO;
    }
    v = version_of(h->db);
    if (v == 0 && run(h, schema))
        v = -1;
    if (v < 0 || (v <= VERSION && run(h, names)) || run(h, "COMMIT")) {
        mn_buf_fmt(why, "%s", sqlite3_errmsg(h->db));
        return MN_E_IO;
    }
    if (v <= VERSION)
        return MN_E_OK;
    mn_buf_fmt(why, _("made by a newer mynah (version %d; this one knows %d)"), v, VERSION);
    return MN_E_FORMAT;
}

static int folder_of(const char *path)
{
    struct mn_arena a = {0};
    const char *slash = strrchr(path, '/');
    int e = slash ? mn_file_mkdir(mn_arena_cstr(&a, (mn_str){path, (size_t)(slash - path)}), 0700)
                  : MN_E_OK;

    mn_arena_done(&a, NULL);
    return e;
}

int im_history_open(const char *path, struct im_history **out, struct mn_buf *why)
{
    struct im_history *h = MN_NEW(struct im_history);
    struct mn_buf text = {0};
    int e = folder_of(path);

    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->turned, NULL);
    h->fd = -1;
    *out = NULL;
    if (e || sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL)) {
        mn_buf_fmt(&text, "%s", h->db ? sqlite3_errmsg(h->db) : mn_err_text(e));
        e = MN_E_IO;
    } else {
        mn_file_private(path);
        e = ready(h, &text);
    }
    if (e) {
        mn_buf_fmt(why, "%s: %.*s", path, MN_ARG(mn_buf_view(&text)));
        im_history_close(h);
        h = NULL;
    }
    mn_buf_free(&text);
    *out = h;
    return e;
}

/* Statements. */

/* NULL: it cannot be made. */
static sqlite3_stmt *statement(struct im_history *h, int which)
{
    sqlite3_stmt **s = &h->statements[which];

    if (!*s)
        sqlite3_prepare_v3(h->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
    return *s;
}

static int finished(sqlite3_stmt *s)
{
    int r = s ? sqlite3_step(s) : SQLITE_ERROR;

    sqlite3_reset(s);
    return r == SQLITE_DONE ? MN_E_OK : r == SQLITE_CONSTRAINT ? MN_E_EXISTS : MN_E_IO;
}

/* Keeping. */

static int commit(struct im_history *h)
{
    if (!finished(statement(h, COMMIT)))
        return MN_E_OK;
    (void)run(h, "ROLLBACK");
    return MN_E_IO;
}

static void *keep(void *arg)
{
    struct im_history *h = arg;

    pthread_mutex_lock(&h->lock);
    for (;;) {
        int e;

        while (!h->to_keep && !h->stop)
            pthread_cond_wait(&h->turned, &h->lock);
        if (h->stop)
            break;
        pthread_mutex_unlock(&h->lock);
        e = commit(h);
        pthread_mutex_lock(&h->lock);
        if (e)
            h->kept = e;
        h->to_keep = false;
        pthread_cond_signal(&h->turned);
        (void)!write(h->fd, &(uint64_t){1}, sizeof(uint64_t));
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static bool has_keeper(struct im_history *h)
{
    if (h->fd < 0)
        h->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (h->fd >= 0 && !h->has_keeper)
        h->has_keeper = !mn_thread_start(&h->keeper, keep, h);
    return h->has_keeper;
}

/* The keeper is done, so that the database is the caller's. */
static void settled(struct im_history *h)
{
    uint64_t count;

    if (!h->waiting)
        return;
    pthread_mutex_lock(&h->lock);
    while (h->to_keep)
        pthread_cond_wait(&h->turned, &h->lock);
    pthread_mutex_unlock(&h->lock);
    (void)!read(h->fd, &count, sizeof count);
    h->waiting = false;
}

bool im_history_keeping(struct im_history *h)
{
    bool yes;

    if (!h->waiting)
        return false;
    pthread_mutex_lock(&h->lock);
    yes = h->to_keep;
    pthread_mutex_unlock(&h->lock);
    return yes;
}

/* What has not been told yet. */
static int outcome(struct im_history *h)
{
    int e = h->kept;

    h->kept = MN_E_OK;
    return e;
}

int im_history_keep(struct im_history *h)
{
    settled(h);
    if (h->changed && commit(h))
        h->kept = MN_E_IO;
    h->changed = false;
    return outcome(h);
}

int im_history_keep_aside(struct im_history *h, int *fd)
{
    if (!im_history_keeping(h)) {
        settled(h);
        if (!h->changed || !has_keeper(h)) {
            *fd = -1;
            return im_history_keep(h);
        }
        h->changed = false;
        h->waiting = true;
        pthread_mutex_lock(&h->lock);
        h->to_keep = true;
        pthread_mutex_unlock(&h->lock);
        pthread_cond_signal(&h->turned);
    }
    *fd = h->fd;
    return MN_E_OK;
}

void im_history_close(struct im_history *h)
{
    if (!h)
        return;
    (void)!im_history_keep(h);
    if (h->has_keeper) {
        pthread_mutex_lock(&h->lock);
        h->stop = true;
        pthread_mutex_unlock(&h->lock);
        pthread_cond_signal(&h->turned);
        pthread_join(h->keeper, NULL);
    }
    if (h->fd >= 0)
        close(h->fd);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(h->statements[i]);
    sqlite3_close(h->db);
    pthread_cond_destroy(&h->turned);
    pthread_mutex_destroy(&h->lock);
    mn_free(h);
}

/* Each change whole or not at all, with those of before and behind it as one on the disk. */
static int begin(struct im_history *h)
{
    settled(h);
    if (!h->changed && finished(statement(h, BEGIN)))
        return MN_E_IO;
    h->changed = true;
    return finished(statement(h, SAVEPOINT));
}

static int end(struct im_history *h, int e)
{
    if (e)
        (void)finished(statement(h, ROLLBACK_TO));
    (void)finished(statement(h, RELEASE));
    return e;
}

static void text(sqlite3_stmt *s, const char *name, mn_str value)
{
    int i = sqlite3_bind_parameter_index(s, name);

    if (i)
        sqlite3_bind_text(s, i, value.n ? value.p : "", (int)value.n, SQLITE_STATIC);
}

static void number_bind(sqlite3_stmt *s, const char *name, int64_t value)
{
    int i = sqlite3_bind_parameter_index(s, name);

    if (i)
        sqlite3_bind_int64(s, i, value);
}

/* The index has no texts of its own: what it is to forget has to be told to it. */
static int words_change(struct im_history *h, int64_t number, mn_str body, bool forget)
{
    sqlite3_stmt *s = statement(h, forget ? WORDS_FORGET : WORDS_ADD);
    struct mn_buf b = {0};
    int e;

    im_history_tokens(body, false, &b);
    if (s) {
        number_bind(s, ":number", number);
        text(s, ":tokens", mn_buf_view(&b));
    }
    e = finished(s);
    mn_buf_free(&b);
    return e;
}

int im_history_add(struct im_history *h, struct im_said *m)
{
    sqlite3_stmt *s;
    int e = begin(h);

    if (e)
        return e;
    s = statement(h, ADD);
    if (s) {
        text(s, ":account", m->account);
        text(s, ":peer", m->peer);
        text(s, ":who", m->who);
        text(s, ":id", m->id);
        text(s, ":body", m->body);
        number_bind(s, ":at", m->at);
        number_bind(s, ":ours", m->ours);
        number_bind(s, ":sent", m->sent);
    }
    e = finished(s);
    m->number = e ? 0 : sqlite3_last_insert_rowid(h->db);
    if (!e)
        e = words_change(h, m->number, m->body, false);
    return end(h, e);
}

int im_history_sent(struct im_history *h, mn_str account, mn_str id, int sent)
{
    sqlite3_stmt *s;
    int e = begin(h);

    if (e)
        return e;
    s = statement(h, SENT);
    if (s) {
        text(s, ":account", account);
        text(s, ":id", id);
        number_bind(s, ":sent", sent);
    }
    return end(h, finished(s));
}

static mn_str column(sqlite3_stmt *s, int i)
{
    return mn_str_make(sqlite3_column_text(s, i), (size_t)sqlite3_column_bytes(s, i));
}

static int body_change(struct im_history *h, int64_t number, mn_str old, mn_str body)
{
    sqlite3_stmt *s;
    int e = words_change(h, number, old, true);

    if (!e)
        e = words_change(h, number, body, false);
    if (e)
        return e;
    s = statement(h, BODY_SET);
    if (s) {
        text(s, ":body", body);
        number_bind(s, ":number", number);
    }
    return finished(s);
}

int im_history_correct(struct im_history *h, int64_t number, mn_str body)
{
    sqlite3_stmt *s;
    int e = begin(h);

    if (e)
        return e;
    s = statement(h, BODY_OF);
    if (!s)
        return end(h, MN_E_IO);
    number_bind(s, ":number", number);
    if (sqlite3_step(s) == SQLITE_ROW)
        e = body_change(h, number, column(s, 0), body);
    sqlite3_reset(s);
    return end(h, e);
}

int im_history_each(struct im_history *h, const struct im_history_query *q,
                    void (*each)(void *arg, const struct im_said *m), void *arg)
{
    struct mn_buf sql = {0}, words = {0};
    sqlite3_stmt *s = NULL;
    int r;

    settled(h);
    im_history_tokens(q->words, true, &words);
    if (q->words.n && !words.n)
        return MN_E_OK; /* nothing that could be found */
    mn_buf_lit(&sql, "SELECT * FROM (SELECT number, account, peer, who, id, body, at, ours, sent "
                     "FROM said WHERE 1");
    mn_buf_str(&sql, q->account.n ? MN_STR(" AND account = :account") : MN_STR(""));
    mn_buf_str(&sql, q->peer.n ? MN_STR(" AND peer = :peer") : MN_STR(""));
    mn_buf_str(&sql, q->before ? MN_STR(" AND number < :before") : MN_STR(""));
    mn_buf_str(&sql,
               words.n ? MN_STR(" AND number IN (SELECT rowid FROM words WHERE words MATCH :words)")
                       : MN_STR(""));
    mn_buf_lit(&sql, " ORDER BY number DESC LIMIT :limit) ORDER BY number");
    mn_buf_c(&sql, 0);
    if (!sqlite3_prepare_v2(h->db, sql.p, -1, &s, NULL)) {
        text(s, ":account", q->account);
        text(s, ":peer", q->peer);
        text(s, ":words", mn_buf_view(&words));
        number_bind(s, ":before", q->before);
        number_bind(s, ":limit", (int64_t)q->limit);
    }
    while ((r = s ? sqlite3_step(s) : SQLITE_ERROR) == SQLITE_ROW)
        each(arg,
             &(struct im_said){sqlite3_column_int64(s, 0), column(s, 1), column(s, 2), column(s, 3),
                               column(s, 4), column(s, 5), sqlite3_column_int64(s, 6),
                               sqlite3_column_int(s, 7), sqlite3_column_int(s, 8)});
    sqlite3_finalize(s);
    mn_buf_free(&sql);
    mn_buf_free(&words);
    return r == SQLITE_DONE ? MN_E_OK : MN_E_IO;
}

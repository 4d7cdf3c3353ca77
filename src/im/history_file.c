/* The file, its statements, and the thread that waits for the disk. */
#include "im/history_parts.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "im/accounts.h"
#include "im/lang.h"

enum { VERSION = 3 };

const char *im_history_path(struct mn_arena *a)
{
    return im_data_path("history.db", a);
}

/* The file. */

/* What leads from each version to the next. */
static const char *const versions[VERSION] = {
    ("CREATE TABLE said (number INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, peer TEXT"
     " NOT NULL, who TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL, ours"
     " INTEGER NOT NULL, sent INTEGER NOT NULL);"
     "CREATE INDEX said_peer ON said (account, peer, number);"
     "CREATE UNIQUE INDEX said_id ON said (account, peer, who, id) WHERE id <> '';"
     "CREATE VIRTUAL TABLE words USING fts5 (tokens, content='', tokenize='unicode61"
     " remove_diacritics 2')"),
    /* What is said of a message by its name alone; what was there before places were has been seen.
     */
    ("CREATE INDEX IF NOT EXISTS said_name ON said (account, id) WHERE id <> '';"
     "CREATE TABLE places (account TEXT NOT NULL, peer TEXT NOT NULL, seen INTEGER NOT NULL, draft"
     " TEXT NOT NULL DEFAULT '', nick TEXT NOT NULL DEFAULT '', inside INTEGER NOT NULL DEFAULT 0,"
     " mark TEXT NOT NULL DEFAULT '', PRIMARY KEY (account, peer)) WITHOUT ROWID;"
     "INSERT INTO places (account, peer, seen) SELECT account, peer, max(number) FROM said GROUP BY"
     " account, peer"),
    ("CREATE TABLE kept (account TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,"
     " PRIMARY KEY (account, name)) WITHOUT ROWID"),
};

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

/* The version that it has now; -1: it cannot have it. */
static int upgraded(struct im_history *h, int v)
{
    char number[40];

    for (; v < VERSION; v++)
        if (run(h, versions[v]))
            return -1;
    snprintf(number, sizeof number, "PRAGMA user_version = %d", VERSION);
    return run(h, number) ? -1 : VERSION;
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
    if (v >= 0 && v < VERSION)
        v = upgraded(h, v);
    if (v < 0 || run(h, "COMMIT")) {
        mn_buf_fmt(why, "%s", sqlite3_errmsg(h->db));
        return MN_E_IO;
    }
    if (v == VERSION)
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
    h->fd = h->claim = -1;
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
    [BODY_CALLED] =
        ("SELECT body FROM said WHERE account = :account AND peer = :peer AND who = :who"
         " AND id = :id"),
    [BODY_SET] = "UPDATE said SET body = :body WHERE number = :number",
    [SAID_MOVE] = ("UPDATE OR IGNORE said SET peer = :now WHERE account = :account AND peer = :peer"
                   " AND number > :after"),
    [PLACE_ADD] = "INSERT OR IGNORE INTO places (account, peer, seen) VALUES (:account, :peer, 0)",
    [PLACE_SET] = ("INSERT INTO places (account, peer, seen, draft, nick, inside, mark)"
                   " VALUES (:account, :peer, :seen, :draft, :nick, :inside, :mark)"
                   " ON CONFLICT DO UPDATE SET seen = max(seen, excluded.seen),"
                   " draft = excluded.draft, nick = excluded.nick, inside = excluded.inside,"
                   " mark = excluded.mark"),
    [PLACE_MOVE] = ("UPDATE OR REPLACE places SET peer = :now WHERE account = :account AND"
                    " peer = :peer"),
    [KEEP] = "INSERT OR REPLACE INTO kept (account, name, text) VALUES (:account, :name, :text)",
    [KEPT] = "SELECT text FROM kept WHERE account = :account AND name = :name",
};

sqlite3_stmt *history_statement(struct im_history *h, int which)
{
    sqlite3_stmt **s = &h->statements[which];

    if (!*s)
        sqlite3_prepare_v3(h->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
    return *s;
}

void history_bind(sqlite3_stmt *s, const struct history_value *values)
{
    for (; values->name; values++) {
        int i = sqlite3_bind_parameter_index(s, values->name);

        if (i && values->is_text)
            sqlite3_bind_text(s, i, values->text.n ? values->text.p : "", (int)values->text.n,
                              SQLITE_STATIC);
        else if (i)
            sqlite3_bind_int64(s, i, values->number);
    }
}

int history_run(struct im_history *h, int which, const struct history_value *values)
{
    sqlite3_stmt *s = history_statement(h, which);
    int r;

    if (!s)
        return MN_E_IO;
    history_bind(s, values);
    r = sqlite3_step(s);
    sqlite3_reset(s);
    return r == SQLITE_DONE ? MN_E_OK : r == SQLITE_CONSTRAINT ? MN_E_EXISTS : MN_E_IO;
}

/* One without values. */
static int plain(struct im_history *h, int which)
{
    return history_run(h, which, &(struct history_value){0});
}

/* Keeping. */

static int commit(struct im_history *h)
{
    if (!plain(h, COMMIT))
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

void history_settled(struct im_history *h)
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

bool im_history_is_changed(const struct im_history *h)
{
    return h->changed;
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

bool im_history_failed(const struct im_history *h)
{
    return h->kept != MN_E_OK;
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
    history_settled(h);
    if (h->changed && commit(h))
        h->kept = MN_E_IO;
    h->changed = false;
    return outcome(h);
}

int im_history_keep_aside(struct im_history *h, int *fd)
{
    if (!im_history_keeping(h)) {
        history_settled(h);
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
    mn_closep(&h->fd);
    mn_closep(&h->claim);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(h->statements[i]);
    sqlite3_close(h->db);
    pthread_cond_destroy(&h->turned);
    pthread_mutex_destroy(&h->lock);
    mn_free(h);
}

int history_begin(struct im_history *h)
{
    history_settled(h);
    if (!h->changed && plain(h, BEGIN))
        return MN_E_IO;
    h->changed = true;
    return plain(h, SAVEPOINT);
}

int history_end(struct im_history *h, int e)
{
    if (e)
        (void)plain(h, ROLLBACK_TO);
    (void)plain(h, RELEASE);
    return e;
}

int history_change(struct im_history *h, int which, const struct history_value *values)
{
    int e = history_begin(h);

    return e ? e : history_end(h, history_run(h, which, values));
}

mn_str history_column(sqlite3_stmt *s, int i)
{
    return mn_str_make(sqlite3_column_text(s, i), (size_t)sqlite3_column_bytes(s, i));
}

/* A backup is VACUUM INTO on a connection of its own: one read transaction, which nobody waits for.
 * The copy holds no deleted content and is a database like the one it comes from, with a seal
 * behind it, which SQLite does not look at. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/seal.h"
#include "server/store/embedded.h"

enum { STEPS = 10000 }; /* of SQLite's machine, between two looks */

struct watched {
    struct store_progress *told;
    int fd;
};

static int look(void *arg)
{
    struct watched *w = arg;
    struct stat st;

    if (!fstat(w->fd, &st))
        w->told->done = (uint64_t)st.st_size;
    return w->told->stop;
}

static uint64_t number(sqlite3 *db, const char *text)
{
    sqlite3_stmt *q = NULL;
    uint64_t n = 0;

    if (!sqlite3_prepare_v2(db, text, -1, &q, NULL) && sqlite3_step(q) == SQLITE_ROW)
        n = (uint64_t)sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return n;
}

static int copy(sqlite3 *db, const char *path)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &q, NULL);

    if (!rc)
        rc = sqlite3_bind_text(q, 1, path, -1, SQLITE_STATIC);
    if (!rc && (rc = sqlite3_step(q)) == SQLITE_DONE)
        rc = SQLITE_OK;
    sqlite3_finalize(q);
    return rc;
}

static const char *folder_of(const char *path, struct mn_arena *a)
{
    mn_str folder = mn_str_from(path);

    while (folder.n > 1 && folder.p[folder.n - 1] != '/')
        folder.n--;
    return mn_arena_cstr(a, folder);
}

/* The name of the file is as durable as what is in it. */
static int folder_sync(const char *folder)
{
    MN_AUTO(mn_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -1 : fsync(fd);
}

/* A file that SQLite would take for a part of the database that is in use. */
static bool is_ours(const struct embedded *s, const char *path, struct mn_arena *a)
{
    static const char *const ends[] = {"", "-journal", "-wal", "-shm"};
    const char *base = strrchr(path, '/') + 1, *own = strrchr(s->path, '/') + 1;
    struct stat here, there;
    bool found = false;

    for (size_t i = 0; i < MN_COUNT(ends); i++)
        found |= mn_str_is(mn_arena_fmt(a, "%s%s", own, ends[i]), base);
    return found && !stat(folder_of(path, a), &here) && !stat(folder_of(s->path, a), &there) &&
           here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* What is written, beside the file that it is to be: whoever looks for that one finds it whole or
 * not at all. One that was left by a crash is begun anew. */
struct part {
    const char *path, *journal;
    int fd;
};

static int part_open(struct part *p, const struct embedded *s, const char *path, struct mn_arena *a,
                     struct mn_buf *why)
{
    p->path = mn_arena_fmt(a, "%s.part", path).p;
    p->journal = mn_arena_fmt(a, "%s-journal", p->path).p;
    p->fd = -1;
    if (!access(path, F_OK) || is_ours(s, path, a)) {
        mn_buf_fmt(why, "cannot make %s: it is there already, or a file of the server's", path);
        return MN_E_EXISTS;
    }
    p->fd = open(p->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (p->fd >= 0 && !flock(p->fd, LOCK_EX | LOCK_NB) && !ftruncate(p->fd, 0)) {
        unlink(p->journal);
        return MN_E_OK;
    }
    mn_buf_fmt(why, "cannot make %s: %s", p->path,
               errno == EWOULDBLOCK ? "another backup writes it" : strerror(errno));
    mn_closep(&p->fd);
    return MN_E_DENIED;
}

/* Nothing takes the place of a file that came meanwhile. */
static int part_done(const struct part *p, const char *path, struct mn_arena *a)
{
    int e = renameat2(AT_FDCWD, p->path, AT_FDCWD, path, RENAME_NOREPLACE);

    if (e && (errno == EINVAL || errno == ENOSYS) && access(path, F_OK))
        e = rename(p->path, path);
    return e || folder_sync(folder_of(path, a)) ? -1 : 0;
}

static int write_out(const struct embedded *s, const struct part *p, struct store_progress *told,
                     struct mn_buf *why)
{
    struct watched w = {told, p->fd};
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(s->path, &db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                             NULL),
        e;

    if (!rc) {
        sqlite3_busy_timeout(db, 5000);
        told->of = (number(db, "PRAGMA page_count") - number(db, "PRAGMA freelist_count")) *
                   number(db, "PRAGMA page_size");
        sqlite3_progress_handler(db, STEPS, look, &w);
        rc = copy(db, p->path);
    }
    if (rc)
        mn_buf_fmt(why, "cannot write %s: %s", p->path, db ? sqlite3_errmsg(db) : "out of memory");
    sqlite3_close(db);
    e = !rc ? mn_seal_put(p->fd) : (rc & 0xff) == SQLITE_FULL ? MN_E_FULL : MN_E_IO;
    if (!rc && e)
        mn_buf_fmt(why, "cannot write %s: %s", p->path, mn_err_text(e));
    look(&w);
    return e;
}

int backup_make(struct store *store, const char *path, struct store_progress *told,
                struct mn_buf *why)
{
    const struct embedded *s = (const struct embedded *)store;
    struct mn_arena a = {0};
    struct part p;
    int e = part_open(&p, s, path, &a, why);

    if (!e) {
        e = write_out(s, &p, told, why);
        if (!e && (fsync(p.fd) || part_done(&p, path, &a))) {
            mn_buf_fmt(why, "cannot write %s: %s", path, strerror(errno));
            e = errno == EEXIST ? MN_E_EXISTS : errno == ENOSPC ? MN_E_FULL : MN_E_IO;
        }
        if (e) {
            unlink(p.path);
            unlink(p.journal);
        }
        mn_closep(&p.fd);
    }
    mn_arena_done(&a, NULL);
    return e;
}

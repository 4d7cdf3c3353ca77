/* A backup is VACUUM INTO on a connection of its own: one read transaction, which nobody waits for.
 * The copy holds no deleted content and is a database like the one it comes from. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
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

/* The name of the file is as durable as what is in it. */
static int folder_sync(const char *path)
{
    mn_str folder = mn_str_from(path);
    struct mn_arena a = {0};
    MN_AUTO(mn_closep) int fd = -1;

    while (folder.n > 1 && folder.p[folder.n - 1] != '/')
        folder.n--;
    fd = open(mn_arena_cstr(&a, folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mn_arena_done(&a, NULL);
    return fd < 0 ? -1 : fsync(fd);
}

int backup_make(struct store *store, const char *path, struct store_progress *told,
                struct mn_buf *why)
{
    const struct embedded *s = (const struct embedded *)store;
    MN_AUTO(mn_closep) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct watched w = {told, fd};
    sqlite3 *db = NULL;
    int rc, e = MN_E_OK;

    if (fd < 0) {
        mn_buf_fmt(why, "cannot make %s: %s", path, strerror(errno));
        return errno == EEXIST ? MN_E_EXISTS : MN_E_DENIED;
    }
    rc = sqlite3_open_v2(s->path, &db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (!rc) {
        sqlite3_busy_timeout(db, 5000);
        told->of = (number(db, "PRAGMA page_count") - number(db, "PRAGMA freelist_count")) *
                   number(db, "PRAGMA page_size");
        sqlite3_progress_handler(db, STEPS, look, &w);
        rc = copy(db, path);
    }
    if (rc) {
        mn_buf_fmt(why, "cannot write %s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
        e = (rc & 0xff) == SQLITE_FULL ? MN_E_FULL : MN_E_IO;
    } else if (fsync(fd) || folder_sync(path)) {
        mn_buf_fmt(why, "cannot write %s: %s", path, strerror(errno));
        e = MN_E_IO;
    }
    look(&w);
    sqlite3_close(db);
    if (e)
        unlink(path);
    return e;
}

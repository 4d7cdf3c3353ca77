#include "restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/seal.h"

#define PART "mynah.db.part"

/* As the server wrote it: SQLite does not look at what a page holds beside its own. */
static int look_at_seal(const char *file, struct mn_buf *why)
{
    MN_AUTO(mn_closep) int fd = open(file, O_RDONLY | O_CLOEXEC);
    int e = fd < 0 ? MN_E_IO : mn_seal_check(fd);

    if (e)
        mn_buf_fmt(why, "%s is no backup of mynahd: %s", file,
                   e == MN_E_NOT_FOUND ? "its last line, the seal, is missing"
                   : e == MN_E_FORMAT  ? "it is not as it was written"
                                       : mn_err_text(e));
    return e;
}

/* Whole, and one of ours. */
static int look_at(const char *file, struct mn_buf *why)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL, *ours = NULL;
    int rc = sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), e = MN_E_OK;
    const char *said;

    if (!rc)
        rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &q, NULL);
    if (!rc)
        rc = sqlite3_step(q);
    said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : sqlite3_errmsg(db);
    if (strcmp(said, "ok"))
        e = MN_E_IO;
    if (e && strchr(said, '\n')) /* it has a headline */
        said = strrchr(said, '\n') + 1;
    if (!e && sqlite3_prepare_v2(db, "SELECT owner FROM kv,meta", -1, &ours, NULL))
        e = MN_E_FORMAT;
    if (e)
        mn_buf_fmt(why, "%s is no backup of mynahd: %s", file,
                   e == MN_E_IO ? said : "another program's database");
    sqlite3_finalize(ours);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return e ? e : look_at_seal(file, why);
}

static int folder_make(const char *dir, struct mn_buf *why)
{
    int e = mn_file_mkdir(dir, 0700);
    DIR *d = e ? NULL : opendir(dir);
    const struct dirent *entry;

    if (!d) {
        mn_buf_fmt(why, "cannot make the folder %s: %s", dir, e ? mn_err_text(e) : strerror(errno));
        return MN_E_DENIED;
    }
    while (!e && (entry = readdir(d)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
            strncmp(entry->d_name, PART, strlen(PART)) != 0) /* of one that was killed */
            e = MN_E_EXISTS;
    closedir(d);
    if (e)
        mn_buf_fmt(why, "the folder %s is in use or not empty", dir);
    return e;
}

static int copy(int from, int to, int64_t *bytes)
{
    static char room[1 << 16];
    ssize_t n;

    *bytes = 0;
    while ((n = read(from, room, sizeof room)) > 0) {
        for (ssize_t at = 0, k; at < n; at += k)
            if ((k = write(to, room + at, (size_t)(n - at))) < 0)
                return -1;
        *bytes += n;
    }
    return n ? -1 : fsync(to);
}

/* Clients have seen ids of messages that came after the backup: the numbers they are made of are
 * not given again (docs/design/003-ids.md). A million a second are the time's own. */
static int numbers_pass(const char *dir)
{
    static const char text[] =
        "INSERT INTO sqlite_sequence SELECT 'record',0"
        " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name='record');"
        "UPDATE sqlite_sequence SET seq=max(seq,strftime('%s','now')<<20) WHERE name='record'";
    struct mn_arena a = {0};
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(mn_arena_fmt(&a, "%s/" PART, dir).p, &db, SQLITE_OPEN_READWRITE, NULL);

    if (!rc)
        rc = sqlite3_exec(db, text, NULL, NULL, NULL);
    sqlite3_close(db);
    mn_arena_done(&a, NULL);
    errno = rc ? EIO : 0;
    return rc ? -1 : 0;
}

/* Written beside and renamed: a folder with half a database is never a server's. */
static int file_copy(const char *file, const char *dir, const struct passwd *owner, int64_t *bytes)
{
    MN_AUTO(mn_closep) int from = open(file, O_RDONLY | O_CLOEXEC);
    MN_AUTO(mn_closep) int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    MN_AUTO(mn_closep) int to = -1;

    if (from < 0 || at < 0)
        return -1;
    to = openat(at, PART, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (to < 0 || flock(to, LOCK_EX | LOCK_NB))
        return -1;
    unlinkat(at, PART "-journal", 0);
    if (ftruncate(to, 0) || copy(from, to, bytes) || ftruncate(to, *bytes - MN_SEAL) ||
        numbers_pass(dir) ||
        (owner &&
         (fchown(to, owner->pw_uid, owner->pw_gid) || fchown(at, owner->pw_uid, owner->pw_gid))) ||
        renameat2(at, PART, at, "mynah.db", RENAME_NOREPLACE)) {
        int was = errno;

        unlinkat(at, PART, 0);
        errno = was;
        return -1;
    }
    return fsync(at);
}

int restore(const char *file, const char *dir, const char *user, int64_t *bytes, struct mn_buf *why)
{
    const struct passwd *owner = geteuid() ? NULL : getpwnam(user);
    int e = look_at(file, why);

    if (!e)
        e = folder_make(dir, why);
    if (!e && file_copy(file, dir, owner, bytes)) {
        mn_buf_fmt(why, "cannot copy %s into %s: %s", file, dir, strerror(errno));
        e = MN_E_IO;
    }
    return e;
}

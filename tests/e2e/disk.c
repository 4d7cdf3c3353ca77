/* A disk that loses its power: preloaded into a program, it lets every write below a folder through
 * and keeps beside the folder what of it would be left if the power went now. A killed program
 * leaves the page cache behind; this leaves only what was synced.
 *
 *   MYNAH_DISK       the folder, by its real path
 *   MYNAH_DISK_SEED  for what is left to chance
 *   MYNAH_DISK_LEFT  LEFT/names is the folder as it would be found; LEFT/objects holds the contents
 *                    by inode; LEFT/control is one byte per kind of trouble (below), which the test
 *                    changes while the program runs
 *
 * Contents are left when the file is synced, names when their folder is. */
#undef _FILE_OFFSET_BITS /* else pwrite is a name of pwrite64, and both are wanted */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

enum trouble {
    LIES,   /* a sync says yes and does nothing */
    FULL,   /* no write succeeds: 1, or the error that it gets */
    BROKEN, /* no sync succeeds */
    STUCK,  /* a sync waits until this is 0 again */
    BLIND,  /* no read succeeds */
    EARLY,  /* of so many writes one is left without a sync, whole or in part; 0: none */
    SLOW,   /* a read takes so many ms, 255: until this is another number */
    TROUBLES
};

static struct {
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*pread)(int, void *, size_t, off_t);
    int (*ftruncate)(int, off_t);
    int (*fsync)(int);
    int (*unlink)(const char *);
    int (*rename)(const char *, const char *);
} real;

struct range {
    off_t from, to;
};
struct file {
    struct file *next;
    ino_t ino;
    struct range *dirty;
    size_t count, cap;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder, *left;
static volatile unsigned char *control;
static struct file *files;
static unsigned random_state = 1;

static void names_keep(const char *path, bool content);

static void begin(void)
{
    char path[PATH_MAX];
    int fd;

    real.write = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    real.pwrite = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
    real.pread = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread64");
    real.ftruncate = (int (*)(int, off_t))dlsym(RTLD_NEXT, "ftruncate64");
    real.fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real.unlink = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
    real.rename = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    folder = getenv("MYNAH_DISK");
    left = getenv("MYNAH_DISK_LEFT");
    if (getenv("MYNAH_DISK_SEED"))
        random_state = (unsigned)strtoul(getenv("MYNAH_DISK_SEED"), NULL, 10);
    if (!folder || !left)
        return;
    snprintf(path, sizeof path, "%s/control", left);
    fd = open(path, O_RDWR | O_CLOEXEC);
    control = mmap(NULL, TROUBLES, PROT_READ, MAP_SHARED, fd, 0);
    if (control == MAP_FAILED)
        abort();
    close(fd);
    names_keep(folder, true);
}

__attribute__((constructor)) static void start(void)
{
    pthread_once(&once, begin);
}

/* "" for the folder itself, "/NAME" below it, NULL elsewhere. The shared memory of a database is
 * no content: it is made anew at every start. */
static const char *below(const char *path)
{
    size_t n = strlen(folder), length = strlen(path);

    if (strncmp(path, folder, n) || (path[n] && path[n] != '/'))
        return NULL;
    if (length > 4 && !strcmp(path + length - 4, "-shm"))
        return NULL;
    return path + n;
}

static bool path_of(int fd, char path[PATH_MAX])
{
    char link[40];
    ssize_t n;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = 0;
    return n > 0 && below(path) && !strstr(path, " (deleted)");
}

static struct file *file_of(int fd)
{
    char path[PATH_MAX];
    struct stat st;
    struct file *f = files;

    if (!control || fstat(fd, &st) || !S_ISREG(st.st_mode))
        return NULL;
    while (f && f->ino != st.st_ino)
        f = f->next;
    if (f || !path_of(fd, path))
        return f;
    f = calloc(1, sizeof *f);
    f->ino = st.st_ino;
    f->next = files;
    files = f;
    return f;
}

static int object(ino_t ino)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/objects/%llu", left, (unsigned long long)ino);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static void copy(int from, int to, off_t at, off_t end)
{
    static char room[65536];

    while (at < end) {
        size_t want = end - at < (off_t)sizeof room ? (size_t)(end - at) : sizeof room;
        ssize_t n = real.pread(from, room, want, at);

        if (n <= 0)
            return;
        if (real.pwrite(to, room, (size_t)n, at) != n)
            abort();
        at += n;
    }
}

/* The names of a folder, with folders below it when `content`: what is there at the start. */
static void names_keep(const char *path, bool content)
{
    char names[PATH_MAX], from[PATH_MAX], to[PATH_MAX], next[PATH_MAX];
    DIR *d;
    struct dirent *e;
    struct stat st;

    snprintf(names, sizeof names, "%s/names%s", left, below(path));
    mkdir(names, 0700);
    if (!(d = opendir(path)))
        return;
    while ((e = readdir(d))) {
        int fd, object_fd;

        if (snprintf(from, sizeof from, "%s/%s", path, e->d_name) >= (int)sizeof from ||
            snprintf(to, sizeof to, "%s/%s", names, e->d_name) >= (int)sizeof to ||
            e->d_name[0] == '.' || !below(from) || lstat(from, &st))
            continue;
        if (S_ISDIR(st.st_mode) && content)
            names_keep(from, true);
        if (!S_ISREG(st.st_mode))
            continue;
        object_fd = object(st.st_ino);
        if (content && (fd = open(from, O_RDONLY | O_CLOEXEC)) >= 0) {
            copy(fd, object_fd, 0, st.st_size);
            close(fd);
        }
        close(object_fd);
        snprintf(from, sizeof from, "%s/objects/%llu", left, (unsigned long long)st.st_ino);
        /* In one step, for the power may go in the midst of it. */
        snprintf(next, sizeof next, "%s/objects/next", left);
        if (link(from, next) || real.rename(next, to))
            abort();
        real.unlink(next); /* it stays when both are one file already */
    }
    closedir(d);
    if ((d = opendir(names))) { /* what is gone */
        while ((e = readdir(d))) {
            if (snprintf(to, sizeof to, "%s/%s", names, e->d_name) < (int)sizeof to &&
                snprintf(from, sizeof from, "%s/%s", path, e->d_name) < (int)sizeof from &&
                lstat(from, &st) && !lstat(to, &st) && S_ISREG(st.st_mode))
                real.unlink(to);
        }
        closedir(d);
    }
}

static void dirty(struct file *f, off_t from, off_t to)
{
    if (f->count && f->dirty[f->count - 1].to == from) {
        f->dirty[f->count - 1].to = to;
        return;
    }
    if (f->count == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 16;
        f->dirty = realloc(f->dirty, f->cap * sizeof *f->dirty);
    }
    f->dirty[f->count++] = (struct range){from, to};
}

static void written(int fd, const void *bytes, size_t n, off_t at)
{
    struct file *f;

    pthread_mutex_lock(&lock);
    if ((f = file_of(fd))) {
        dirty(f, at, at + (off_t)n);
        if (control[EARLY] && rand_r(&random_state) % control[EARLY] == 0) {
            int to = object(f->ino);
            size_t part = rand_r(&random_state) % 2 ? n : n / 2;

            if (real.pwrite(to, bytes, part, at) != (ssize_t)part)
                abort();
            close(to);
        }
    }
    pthread_mutex_unlock(&lock);
}

static bool concerns(int fd, enum trouble t)
{
    bool yes;

    if (!control || !control[t])
        return false;
    pthread_mutex_lock(&lock);
    yes = file_of(fd);
    pthread_mutex_unlock(&lock);
    return yes;
}

static int refusal(void)
{
    return control && control[FULL] > 1 ? control[FULL] : ENOSPC;
}

static bool refuses(int fd, enum trouble t, int code)
{
    bool yes = concerns(fd, t);

    if (yes)
        errno = code;
    return yes;
}

static void slow(int fd)
{
    if (!concerns(fd, SLOW))
        return;
    usleep(1000u * control[SLOW]);
    while (control[SLOW] == 255)
        usleep(1000);
}

SHOWN ssize_t write(int fd, const void *bytes, size_t n)
{
    ssize_t got;

    pthread_once(&once, begin);
    got = refuses(fd, FULL, refusal()) ? -1 : real.write(fd, bytes, n);
    if (got > 0 && control)
        written(fd, bytes, (size_t)got, lseek(fd, 0, SEEK_CUR) - got);
    return got;
}

SHOWN ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
    ssize_t got;

    pthread_once(&once, begin);
    got = refuses(fd, FULL, refusal()) ? -1 : real.pwrite(fd, bytes, n, at);
    if (got > 0 && control)
        written(fd, bytes, (size_t)got, at);
    return got;
}

SHOWN ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return pwrite64(fd, bytes, n, at);
}

SHOWN ssize_t pread64(int fd, void *bytes, size_t n, off_t at)
{
    pthread_once(&once, begin);
    slow(fd);
    return refuses(fd, BLIND, EIO) ? -1 : real.pread(fd, bytes, n, at);
}

SHOWN ssize_t pread(int fd, void *bytes, size_t n, off_t at)
{
    return pread64(fd, bytes, n, at);
}

SHOWN int ftruncate64(int fd, off_t length)
{
    struct file *f;
    int got;

    pthread_once(&once, begin);
    got = real.ftruncate(fd, length);
    pthread_mutex_lock(&lock);
    if (!got && (f = file_of(fd)))
        dirty(f, length, INT64_MAX);
    pthread_mutex_unlock(&lock);
    return got;
}

SHOWN int ftruncate(int fd, off_t length)
{
    return ftruncate64(fd, length);
}

static void keep(int fd)
{
    char path[PATH_MAX];
    struct stat st;
    struct file *f;
    int from, to;

    if (!fstat(fd, &st) && S_ISDIR(st.st_mode) && path_of(fd, path))
        names_keep(path, false);
    if (!(f = file_of(fd)))
        return;
    /* Opened anew: fd may be for writing only. */
    if (!path_of(fd, path) || (from = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        abort();
    to = object(f->ino);
    for (size_t i = 0; i < f->count; i++)
        copy(from, to, f->dirty[i].from, f->dirty[i].to);
    f->count = 0;
    if (real.ftruncate(to, st.st_size))
        abort();
    close(from);
    close(to);
}

SHOWN int fsync(int fd)
{
    char path[PATH_MAX];

    pthread_once(&once, begin);
    if (!control || !path_of(fd, path))
        return real.fsync(fd);
    while (control[STUCK])
        usleep(1000);
    if (control[BROKEN]) {
        errno = EIO;
        return -1;
    }
    pthread_mutex_lock(&lock);
    if (!control[LIES])
        keep(fd);
    pthread_mutex_unlock(&lock);
    return 0;
}

SHOWN int fdatasync(int fd)
{
    return fsync(fd);
}

/* The inode may be given to another file: what it held stays only under the names it has left. */
static void forget(const char *path)
{
    char gone[PATH_MAX];
    struct stat st;

    if (!control || !below(path) || lstat(path, &st) || !S_ISREG(st.st_mode))
        return;
    pthread_mutex_lock(&lock);
    snprintf(gone, sizeof gone, "%s/objects/%llu", left, (unsigned long long)st.st_ino);
    real.unlink(gone);
    for (struct file **f = &files; *f; f = &(*f)->next)
        if ((*f)->ino == st.st_ino) {
            struct file *old = *f;

            *f = old->next;
            free(old->dirty);
            free(old);
            break;
        }
    pthread_mutex_unlock(&lock);
}

SHOWN int unlink(const char *path)
{
    pthread_once(&once, begin);
    forget(path);
    return real.unlink(path);
}

SHOWN int rename(const char *from, const char *to)
{
    pthread_once(&once, begin);
    forget(to);
    return real.rename(from, to);
}

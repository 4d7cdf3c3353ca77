#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void mn_closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int code(void)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return MN_E_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return MN_E_DENIED;
    case ENOSPC:
    case EDQUOT:
        return MN_E_FULL;
    default:
        return MN_E_IO;
    }
}

int mn_file_read(const char *path, size_t max, struct mn_arena *a, mn_str *out)
{
    MN_AUTO(mn_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    size_t n = 0;
    char *p;

    if (fd < 0 || fstat(fd, &st))
        return code();
    if (S_ISDIR(st.st_mode))
        return MN_E_IO;
    if ((uint64_t)st.st_size > max)
        return MN_E_LIMIT;
    p = mn_arena_bytes(a, (size_t)st.st_size + 1);
    while (n < (size_t)st.st_size) {
        ssize_t got = read(fd, p + n, (size_t)st.st_size - n);

        if (got < 0)
            return code();
        if (got == 0)
            break;
        n += (size_t)got;
    }
    p[n] = 0;
    *out = (mn_str){p, n};
    return MN_E_OK;
}

static int write_all(int fd, mn_str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);

        if (n < 0 && errno != EINTR)
            return code();
        bytes = mn_str_skip(bytes, n > 0 ? (size_t)n : 0);
    }
    return fsync(fd) ? code() : MN_E_OK;
}

/* Where the machine lets it: a folder that is this user's alone goes before those of all. */
int mn_file_temporary(mn_str bytes, const char *suffix, struct mn_arena *a, mn_str *path)
{
    const char *const folders[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};
    MN_AUTO(mn_closep) int fd = -1;
    int e;

    for (size_t i = 0; i < MN_COUNT(folders) && fd < 0; i++)
        if (folders[i] && *folders[i]) {
            *path = mn_arena_fmt(a, "%s/mynah-XXXXXX%s", folders[i], suffix);
            fd = mkostemps((char *)path->p, (int)strlen(suffix), O_CLOEXEC); /* mode 0600 */
        }
    if (fd < 0)
        return code();
    e = write_all(fd, bytes);
    if (e)
        unlink(path->p);
    return e;
}

/* The folder that it stands in, so that the new name is durable. */
static void sync_folder(const char *path)
{
    char *folder = mn_str_dup(mn_str_from(path));
    char *slash = strrchr(folder, '/');
    MN_AUTO(mn_closep) int fd = -1;

    if (slash)
        slash[slash == folder] = 0;
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd);
    mn_free(folder);
}

int mn_file_write(const char *path, mn_str bytes, unsigned mode)
{
    struct mn_arena a = {0};
    const char *beside = mn_arena_fmt(&a, "%s.new", path).p;
    int e;

    {
        MN_AUTO(mn_closep) int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

        e = fd < 0 ? code() : fchmod(fd, mode) ? code() : write_all(fd, bytes);
    }
    if (!e && rename(beside, path))
        e = code();
    if (e)
        unlink(beside);
    else
        sync_folder(path);
    mn_arena_done(&a, NULL);
    return e;
}

const char *mn_file_behind(const char *path, struct mn_arena *a)
{
    char *real = realpath(path, NULL);
    const char *found = real ? mn_arena_cstr(a, mn_str_from(real)) : path;

    free(real);
    return found;
}

int mn_file_socket(const char *path, struct sockaddr_un *out, int *folder)
{
    mn_str whole = mn_str_from(path);
    const char *slash = strrchr(path, '/');
    struct mn_arena a = {0};
    int e = MN_E_OK;

    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    *folder = -1;
    if (whole.n >= sizeof out->sun_path && slash) {
        *folder = open(mn_arena_cstr(&a, (mn_str){path, (size_t)(slash + 1 - path)}),
                       O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (*folder < 0)
            e = code();
        whole = mn_arena_fmt(&a, "/proc/self/fd/%d%s", *folder, slash);
    }
    if (!e && whole.n >= sizeof out->sun_path) {
        mn_closep(folder);
        e = MN_E_LIMIT;
    }
    if (!e)
        memcpy(out->sun_path, whole.p, whole.n);
    mn_arena_done(&a, NULL);
    return e;
}

int mn_file_mkdir(const char *path, unsigned mode)
{
    char *p = mn_str_dup(mn_str_from(path));
    struct stat st;
    int e = MN_E_OK;

    for (char *s = p + 1; !e; s++) {
        if (*s != '/' && *s)
            continue;
        char was = *s;

        *s = 0;
        if (!mkdir(p, was ? 0755 : mode))
            sync_folder(p);
        else if (errno != EEXIST && !(was && (errno == EROFS || errno == EACCES)))
            e = code();
        *s = was;
        if (!was)
            break;
    }
    if (!e && stat(path, &st))
        e = MN_E_DENIED;
    else if (!e && !S_ISDIR(st.st_mode))
        e = MN_E_EXISTS;
    mn_free(p);
    return e;
}

void mn_file_private(const char *path)
{
    (void)!chmod(path, 0600);
}

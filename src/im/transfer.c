/* A file that comes is written beside its place as .NAME.HASH.part, which only ever holds the
 * beginning of what has that hash: so an offer of the same goes on there. Its name is taken at the
 * end, and never from another file. */
#include "im/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "im/lang.h"

enum { NAME_MAX_BYTES = 200, SPARE = 1 << 20, NAMES_MAX = 1000, HASH_SHOWN = 12 };

static char *copy(const char *text)
{
    return text ? mn_str_dup(mn_str_from(text)) : NULL;
}

static char *made(const char *fmt, ...) MN_PRINTF(1, 2);

static char *made(const char *fmt, ...)
{
    char *text;
    va_list ap;

    va_start(ap, fmt);
    MN_ASSERT(vasprintf(&text, fmt, ap) >= 0);
    va_end(ap);
    return text;
}

char *im_transfer_name(const char *offered)
{
    const char *slash = strrchr(offered, '/');
    char *name = copy(slash ? slash + 1 : offered);
    size_t n = strlen(name);

    for (char *p = name; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '\\')
            *p = '_';
    if (name[0] == '.')
        name[0] = '_';
    if (n > NAME_MAX_BYTES) {
        for (n = NAME_MAX_BYTES; ((unsigned char)name[n] & 0xc0) == 0x80;)
            n--;
        name[n] = 0;
    }
    if (*name)
        return name;
    mn_free(name);
    return copy("file");
}

const char *im_transfer_size(uint64_t bytes, char out[16])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double n = (double)bytes;
    size_t i = 0;

    while (n >= 1000 && i < MN_COUNT(units) - 1) {
        n /= 1024;
        i++;
    }
    snprintf(out, 16, i && n < 10 ? "%.1f %s" : "%.0f %s", n, units[i]);
    return out;
}

static struct im_transfer *transfer_new(const char *peer, const char *name,
                                        const struct im_transfer_calls *calls, void *arg)
{
    static unsigned number;
    struct im_transfer *t = MN_NEW(struct im_transfer);

    t->number = ++number;
    t->peer = copy(peer);
    t->name = im_transfer_name(name);
    t->calls = calls;
    t->arg = arg;
    t->fd = -1;
    return t;
}

static void transfer_free(struct im_transfer *t)
{
    mn_closep(&t->fd);
    mn_free(t->peer);
    mn_free(t->name);
    mn_free(t->path);
    mn_free(t->part);
    mn_free(t->folder);
    mn_free(t->md5);
    mn_free(t);
}

/* The call-backs of the library. */

static size_t read_at(void *arg, struct mynah_file *f, uint64_t at, void *p, size_t n)
{
    struct im_transfer *t = arg;
    ssize_t got = pread(t->fd, p, n, (off_t)at);

    if (got < 0)
        t->error = errno;
    return got > 0 ? (size_t)got : 0;
}

static bool write_at(void *arg, struct mynah_file *f, uint64_t at, const void *p, size_t n)
{
    struct im_transfer *t = arg;
    const char *from = p;

    while (n) {
        ssize_t put = pwrite(t->fd, from, n, (off_t)at);

        if (put <= 0) {
            t->error = errno;
            return false;
        }
        from += put;
        at += (uint64_t)put;
        n -= (size_t)put;
    }
    return true;
}

static void progress(void *arg, struct mynah_file *f, uint64_t bytes, uint64_t all)
{
    struct im_transfer *t = arg;

    /* Of a part that is asked for, `all` is that part. */
    t->bytes = t->length > all ? t->length - all + bytes : bytes;
    if (t->calls->progress)
        t->calls->progress(t->arg, t);
}

/* Its own name, or NAME (2), NAME (3), ...: a new one is made, which the part then takes over. */
static int name_take(struct im_transfer *t)
{
    const char *dot = strrchr(t->name, '.');
    int stem = dot ? (int)(dot - t->name) : (int)strlen(t->name), fd = -1;

    for (int i = 1; fd < 0 && i < NAMES_MAX; i++) {
        mn_free(t->path);
        t->path = i == 1 ? made("%s/%s", t->folder, t->name)
                         : made("%s/%.*s (%d)%s", t->folder, stem, t->name, i, dot ? dot : "");
        fd = open(t->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0)
        return errno;
    close(fd);
    return rename(t->part, t->path) ? errno : 0;
}

/* What a part is still good for: nothing, when its bytes were found to be wrong. */
static void part_leave(struct im_transfer *t, int code)
{
    if (t->part && (code == MYNAH_E_FORMAT || !t->md5 || !t->range))
        unlink(t->part);
}

static void done(void *arg, struct mynah_file *f, const struct mynah_error *error)
{
    struct im_transfer *t = arg;
    struct mynah_error ours = {.code = MYNAH_E_IO};

    t->file = NULL;
    if (!error && !t->ours && (fsync(t->fd) || (t->error = name_take(t))))
        error = &ours;
    if (error && t->error) {
        ours = *error;
        ours.text = strerror(t->error);
        error = &ours;
    }
    if (error)
        part_leave(t, error->code);
    t->calls->done(t->arg, t, error);
    transfer_free(t);
}

static const struct mynah_file_calls calls = {
    .size = sizeof calls, .read = read_at, .write = write_at, .progress = progress, .done = done};

/* Sending. */

static int file_open(const char *path, int *fd, struct stat *st, struct mn_buf *why)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 || fstat(*fd, st)) {
        mn_buf_fmt(why, "%s: %s", path, strerror(errno));
        return errno == ENOENT ? MN_E_NOT_FOUND : errno == EACCES ? MN_E_DENIED : MN_E_IO;
    }
    if (S_ISREG(st->st_mode))
        return MN_E_OK;
    mn_buf_fmt(why, _("%s is no file"), path);
    return MN_E_IO;
}

int im_transfer_look(const char *path, struct mn_buf *why)
{
    MN_AUTO(mn_closep) int fd = -1;
    struct stat st;

    return file_open(path, &fd, &st, why);
}

int im_transfer_send(struct mynah_client *c, const char *to, const char *path, const char *desc,
                     bool hash, const struct im_transfer_calls *tell, void *arg,
                     struct im_transfer **out, struct mn_buf *why)
{
    struct im_transfer *t = transfer_new(to, path, tell, arg);
    struct stat st;
    int e;

    *out = NULL;
    t->ours = true;
    t->path = copy(path);
    e = file_open(path, &t->fd, &st, why);
    if (!e) {
        struct mynah_file_info info = {.size = sizeof info,
                                       .name = t->name,
                                       .length = (uint64_t)st.st_size,
                                       .desc = desc,
                                       .changed_at = (int64_t)st.st_mtime * 1000,
                                       .range = true,
                                       .hash = hash};

        t->length = info.length;
        t->file = mynah_file_send(c, to, &info, 0, NULL, &calls, t);
        if (!t->file) {
            mn_buf_fmt(why, _("%s is no full address, or you are not online"), to);
            e = MN_E_CLOSED;
        }
    }
    if (e)
        transfer_free(t);
    else
        *out = t;
    return e;
}

/* Receiving. */

struct im_transfer *im_transfer_offered(struct mynah_file *f, const struct mynah_file_info *info,
                                        const char *shown, const struct im_transfer_calls *tell,
                                        void *arg)
{
    struct im_transfer *t = transfer_new(mynah_file_peer(f), shown, tell, arg);

    t->file = f;
    t->length = info->length;
    t->range = info->range;
    t->md5 = copy(info->md5);
    return t;
}

static int part_open(struct im_transfer *t, uint64_t *offset)
{
    struct stat st;

    *offset = 0;
    t->part = made("%s/.%s.%.*s.part", t->folder, t->name, HASH_SHOWN, t->md5 ? t->md5 : "new");
    t->fd = open(t->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (t->fd < 0 || fstat(t->fd, &st))
        return errno == EACCES ? MN_E_DENIED : errno == ENOENT ? MN_E_NOT_FOUND : MN_E_IO;
    if (!S_ISREG(st.st_mode))
        return MN_E_IO;
    if (flock(t->fd, LOCK_EX | LOCK_NB))
        return MN_E_BUSY;
    if (t->md5 && t->range && (uint64_t)st.st_size < t->length)
        *offset = (uint64_t)st.st_size;
    else if (ftruncate(t->fd, 0))
        return MN_E_IO;
    return MN_E_OK;
}

/* Where the system does not tell, it is tried. */
static bool has_room(const char *folder, uint64_t bytes)
{
    struct statvfs fs;

    return statvfs(folder, &fs) ||
           (bytes < INT64_MAX - SPARE && fs.f_bavail * (uint64_t)fs.f_frsize >= bytes + SPARE);
}

int im_transfer_accept(struct im_transfer *t, const char *folder, struct mn_buf *why)
{
    uint64_t offset;
    int e;

    t->folder = copy(folder);
    e = part_open(t, &offset);
    if (!e && !has_room(folder, t->length - offset))
        e = MN_E_FULL;
    if (!e) {
        t->bytes = t->begin = offset;
        mynah_file_accept(t->file, offset, 0, &calls, t);
        return MN_E_OK;
    }
    mn_buf_fmt(why, "%s/%s: %s", folder, t->name, mn_err_text(e));
    if (e == MN_E_FULL)
        part_leave(t, MYNAH_E_IO);
    im_transfer_decline(t);
    return e;
}

void im_transfer_decline(struct im_transfer *t)
{
    mynah_file_decline(t->file, NULL);
    transfer_free(t);
}

void im_transfer_cancel(struct im_transfer *t)
{
    mynah_file_cancel(t->file);
}

/* Whom to send it: one resource after the other is asked what it can. */

struct seek {
    struct mynah_client *client;
    char *bare, *full;
    size_t i;
    void (*found)(void *arg, const char *full);
    void *arg;
};

static void seek_end(struct seek *s, const char *full)
{
    s->found(s->arg, full);
    mn_free(s->bare);
    mn_free(s->full);
    mn_free(s);
}

static void seek_next(struct seek *s);

static void seek_came(void *arg, struct mynah_client *c, const struct mynah_disco *d,
                      const struct mynah_error *error)
{
    struct seek *s = arg;

    if (d && mynah_disco_has(d, "http://jabber.org/protocol/si/profile/file-transfer"))
        seek_end(s, s->full);
    else if (error && error->code != MYNAH_E_STANZA && error->code != MYNAH_E_TIMEOUT)
        seek_end(s, NULL); /* the session is no more */
    else
        seek_next(s);
}

static void seek_next(struct seek *s)
{
    const struct mynah_resource *r = mynah_roster_resource(s->client, s->bare, s->i++);

    if (!r) {
        seek_end(s, NULL);
        return;
    }
    mn_free(s->full);
    s->full = copy(r->jid);
    mynah_caps_info(s->client, s->full, seek_came, s);
}

void im_transfer_find(struct mynah_client *c, const char *jid,
                      void (*found)(void *arg, const char *full), void *arg)
{
    struct seek *s;

    if (strchr(jid, '/')) {
        found(arg, jid);
        return;
    }
    s = MN_NEW(struct seek);
    s->client = c;
    s->bare = copy(jid);
    s->found = found;
    s->arg = arg;
    seek_next(s);
}

#include "base/lines.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypt.h"
#include "base/file.h"

enum {
    CHUNK = 1 << 16,
    LINGER_MS = 2000, /* for what is still to be read by one that is hung up on */
    BREATH_MS = 200,  /* when descriptors run out */
};

struct mn_lines {
    struct mn_loop *loop;
    struct mn_lines_limits limits;
    struct mn_lines_face face;
    void *arg;
    char *path; /* NULL: closed */
    struct mn_watch watch;
    struct mn_timer breath;
    struct mn_list peers;
    unsigned count;
};

struct mn_lines_peer {
    struct mn_list link;
    struct mn_lines *service;
    struct mn_watch watch;  /* its fd -1: it has gone */
    struct mn_turn turn;    /* goes on with what has come, writes, or ends */
    struct mn_timer linger; /* runs once it is hung up on */
    struct mn_buf in, out;
    size_t seen; /* of `in`: there is no end of a line in it */
    bool busy;   /* a line of its is being answered */
    bool said;   /* it says no more, and may still listen */
    bool over;   /* hung up on: only `out` is still to go */
    struct ucred who;
};

static void later(struct mn_lines_peer *p)
{
    mn_loop_at_end(p->service->loop, &p->turn);
}

static void peer_free(struct mn_lines_peer *p)
{
    mn_turn_cancel(&p->turn);
    mn_timer_stop(&p->linger);
    mn_list_del(&p->link);
    p->service->count--;
    mn_crypt_wipe(p->in.p, p->in.n);
    mn_buf_free(&p->in);
    mn_buf_free(&p->out);
    mn_free(p);
}

static void cut(struct mn_lines_peer *p)
{
    if (p->watch.fd < 0)
        return;
    mn_timer_stop(&p->linger);
    mn_loop_unwatch(p->service->loop, &p->watch);
    mn_closep(&p->watch.fd);
    mn_buf_clear(&p->out);
    if (p->busy && p->service->face.gone)
        p->service->face.gone(p->service->arg, p);
    later(p);
}

static void lingered(struct mn_timer *t)
{
    cut(MN_OF(t, struct mn_lines_peer, linger));
}

static void hang_up(struct mn_lines_peer *p)
{
    if (p->over || p->watch.fd < 0)
        return;
    p->over = true;
    p->linger.fire = lingered;
    mn_timer_start(p->service->loop, &p->linger, LINGER_MS);
    later(p);
}

static void refuse(struct mn_lines_peer *p, int why)
{
    p->service->face.refused(p->service->arg, p, why);
    hang_up(p);
}

void mn_lines_write(struct mn_lines_peer *p, mn_str bytes)
{
    if (p->watch.fd < 0)
        return;
    mn_buf_str(&p->out, bytes);
    later(p);
}

static int add(const char *bytes, size_t n, void *b)
{
    mn_buf_add(b, bytes, n);
    return 0;
}

void mn_lines_tell(struct mn_lines_peer *p, const char *key, json_t *value)
{
    json_t *o = json_pack("{so}", key, value);
    struct mn_buf b = {0};

    json_dump_callback(o, add, &b, JSON_COMPACT);
    mn_buf_c(&b, '\n');
    mn_lines_write(p, mn_buf_view(&b));
    mn_buf_free(&b);
    json_decref(o);
}

size_t mn_lines_queued(const struct mn_lines_peer *p)
{
    return p->out.n;
}

void mn_lines_next(struct mn_lines_peer *p)
{
    p->busy = false;
    later(p);
}

const struct ucred *mn_lines_who(const struct mn_lines_peer *p)
{
    return &p->who;
}

/* What has come, line by line. */
static void lines_take(struct mn_lines_peer *p)
{
    const struct mn_lines *s = p->service;

    while (!p->busy && !p->over) {
        char *end = p->in.n > p->seen ? memchr(p->in.p + p->seen, '\n', p->in.n - p->seen) : NULL;
        size_t n = end ? (size_t)(end - p->in.p) : p->in.n;

        if (n > s->limits.line) {
            refuse(p, MN_E_LIMIT);
        } else if (end) {
            p->busy = true;
            s->face.line(s->arg, p, (mn_str){p->in.p, n});
            mn_crypt_wipe(p->in.p, n);
            mn_buf_shift(&p->in, n + 1);
            p->seen = 0;
        } else {
            p->seen = n;
            break;
        }
    }
    if (p->said && !p->busy)
        hang_up(p);
}

static void flush(struct mn_lines_peer *p)
{
    while (p->watch.fd >= 0 && p->out.n) {
        ssize_t n = send(p->watch.fd, p->out.p, p->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n < 0)
            cut(p);
        else
            mn_buf_shift(&p->out, (size_t)n);
    }
    if (p->over && !p->out.n)
        cut(p);
}

static void go_on(struct mn_turn *t)
{
    struct mn_lines_peer *p = MN_OF(t, struct mn_lines_peer, turn);

    lines_take(p);
    flush(p);
    if (p->watch.fd < 0) {
        if (!p->busy)
            peer_free(p);
        return;
    }
    /* One that sends far ahead waits; else we read on, and see when it goes. */
    mn_loop_rewatch(
        p->service->loop, &p->watch,
        (p->over || p->said || (p->busy && p->in.n > p->service->limits.line) ? 0u : MN_READ) |
            (p->out.n ? MN_WRITE : 0u));
}

static void ready(struct mn_watch *w, unsigned events)
{
    struct mn_lines_peer *p = MN_OF(w, struct mn_lines_peer, watch);
    ssize_t n;

    later(p);
    if (!(events & MN_READ) || p->over)
        return; /* writing finds out about one that has gone */
    if (p->said) {
        cut(p); /* nothing more is read, so this says that it listens no more */
        return;
    }
    n = recv(w->fd, mn_buf_room(&p->in, CHUNK), CHUNK, MSG_DONTWAIT);
    if (n > 0)
        p->in.n += (size_t)n;
    else if (n == 0)
        p->said = true;
    else if (errno != EAGAIN && errno != EINTR)
        cut(p);
}

static void peer_new(struct mn_lines *s, int fd)
{
    struct mn_lines_peer *p = MN_NEW(struct mn_lines_peer);
    socklen_t len = sizeof p->who;

    p->service = s;
    p->who = (struct ucred){.uid = (uid_t)-1};
    (void)!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &p->who, &len);
    p->turn.run = go_on;
    p->watch = (struct mn_watch){.fd = fd, .events = MN_READ, .ready = ready};
    mn_list_init(&p->link);
    mn_list_add(&s->peers, &p->link);
    mn_loop_watch(s->loop, &p->watch);
    if (p->who.uid && p->who.uid != geteuid())
        refuse(p, MN_E_DENIED);
    else if (s->count >= s->limits.peers)
        refuse(p, MN_E_BUSY);
    s->count++;
}

static void breathed(struct mn_timer *t)
{
    struct mn_lines *s = MN_OF(t, struct mn_lines, breath);

    mn_loop_rewatch(s->loop, &s->watch, MN_READ);
}

static void knock(struct mn_watch *w, unsigned events)
{
    struct mn_lines *s = MN_OF(w, struct mn_lines, watch);
    int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        peer_new(s, fd);
    } else if (errno == EMFILE || errno == ENFILE) {
        mn_loop_rewatch(s->loop, w, 0);
        s->breath.fire = breathed;
        mn_timer_start(s->loop, &s->breath, BREATH_MS);
    }
}

/* Opening and closing. */

/* Nobody listens there any more: the program was killed. */
static bool is_stale(const struct sockaddr_un *at)
{
    MN_AUTO(mn_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) && errno == ECONNREFUSED;
}

static int bound(int fd, const struct sockaddr_un *at)
{
    struct stat st;

    /* The socket file gets the mode that the descriptor has, less the umask. */
    if (fchmod(fd, 0600))
        return MN_E_IO;
    if (!bind(fd, (const struct sockaddr *)at, sizeof *at))
        return MN_E_OK;
    if (errno != EADDRINUSE)
        return MN_E_IO;
    if (!is_stale(at))
        return MN_E_BUSY;
    errno = EADDRINUSE;
    if (lstat(at->sun_path, &st) || !S_ISSOCK(st.st_mode) || unlink(at->sun_path))
        return MN_E_IO;
    return bind(fd, (const struct sockaddr *)at, sizeof *at) ? MN_E_IO : MN_E_OK;
}

int mn_lines_open(struct mn_loop *l, const char *path, struct mn_lines_limits limits,
                  const struct mn_lines_face *face, void *arg, struct mn_lines **out)
{
    MN_AUTO(mn_closep) int folder = -1;
    struct sockaddr_un at;
    int fd = -1, e = mn_file_socket(path, &at, &folder);
    struct mn_lines *s;

    *out = NULL;
    if (!e && (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
        e = MN_E_IO;
    if (!e)
        e = bound(fd, &at);
    if (!e && listen(fd, (int)limits.peers))
        e = MN_E_IO;
    if (e) {
        int why = errno;

        mn_closep(&fd);
        errno = why;
        return e;
    }
    s = MN_NEW(struct mn_lines);
    s->loop = l;
    s->limits = limits;
    s->face = *face;
    s->arg = arg;
    s->path = mn_str_dup(mn_str_from(path));
    mn_list_init(&s->peers);
    s->watch = (struct mn_watch){.fd = fd, .events = MN_READ, .ready = knock};
    mn_loop_watch(l, &s->watch);
    *out = s;
    return MN_E_OK;
}

void mn_lines_close(struct mn_lines *s)
{
    MN_AUTO(mn_closep) int folder = -1;
    struct sockaddr_un at;

    if (!s->path)
        return;
    if (!mn_file_socket(s->path, &at, &folder))
        unlink(at.sun_path);
    mn_timer_stop(&s->breath);
    mn_loop_unwatch(s->loop, &s->watch);
    mn_closep(&s->watch.fd);
    mn_free(s->path);
    s->path = NULL;
    MN_LIST_EACH(n, &s->peers) hang_up(MN_OF(n, struct mn_lines_peer, link));
}

bool mn_lines_busy(const struct mn_lines *s)
{
    return s->count;
}

void mn_lines_free(struct mn_lines *s)
{
    mn_free(s);
}

#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "net/conn.h"

enum { BATCH = 64, BREATH_MS = 100 };

struct mn_listener {
    struct mn_watch watch;
    struct mn_loop *loop;
    struct mn_addr addr;
    void (*accepted)(void *arg, int fd, const struct mn_addr *peer);
    void *arg;
    struct mn_timer breath;
    int spare; /* given up for a moment when descriptors run out, so that the caller is told and not
                  left hanging */
};

static void spare_open(struct mn_listener *l)
{
    if (l->spare < 0)
        l->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void breathed(struct mn_timer *t)
{
    struct mn_listener *l = MN_OF(t, struct mn_listener, breath);

    spare_open(l);
    mn_loop_rewatch(l->loop, &l->watch, MN_READ);
}

/* Who knocks cannot be told anything now: without a rest it would ring for ever. */
static void rest(struct mn_listener *l)
{
    mn_loop_rewatch(l->loop, &l->watch, 0);
    l->breath.fire = breathed;
    mn_timer_start(l->loop, &l->breath, BREATH_MS);
}

static void out_of_descriptors(struct mn_listener *l)
{
    static struct mn_log_rate rate;
    int fd;

    if (mn_log_rate(&rate, 1, 10000))
        mn_log_error(NULL,
                     "no descriptors left: connections are refused; raise the limit of open files");
    mn_closep(&l->spare);
    fd = accept4(l->watch.fd, NULL, NULL, SOCK_CLOEXEC);
    mn_closep(&fd);
    spare_open(l);
    if (l->spare < 0) /* another thread was faster */
        rest(l);
}

static void ready(struct mn_watch *w, unsigned events)
{
    struct mn_listener *l = MN_OF(w, struct mn_listener, watch);

    (void)events;
    for (int i = 0; i < BATCH; i++) {
        struct mn_addr peer = {0};
        socklen_t len = sizeof peer;
        int fd = accept4(w->fd, &peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno == EMFILE || errno == ENFILE)
                out_of_descriptors(l);
            else if (errno == EAGAIN)
                spare_open(l);
            else
                rest(l);
            return;
        }
        l->accepted(l->arg, fd, &peer);
    }
}

static int bound(const struct mn_addr *at, struct mn_buf *why)
{
    char text[MN_ADDR_TEXT];
    int e, one = 1, fd = socket(at->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        mn_conn_options(fd);
        if (at->sa.sa_family == AF_INET6) {
            int only = !IN6_IS_ADDR_UNSPECIFIED(&at->v6.sin6_addr);

            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
        }
        if (!bind(fd, &at->sa, mn_addr_len(at)) && !listen(fd, 1024))
            return fd;
    }
    e = errno;
    mn_addr_text(at, text);
    if (e == EADDRINUSE)
        mn_buf_fmt(why,
                   "port %u on %.*s is in use by another program; stop it or choose another port",
                   mn_addr_port(at), (int)(strrchr(text, ':') - text), text);
    else
        mn_buf_fmt(why, "cannot listen on %s: %s", text, strerror(e));
    if (fd >= 0)
        close(fd);
    errno = e;
    return -1;
}

static struct mn_listener *
listen_on(struct mn_loop *l, int fd,
          void (*accepted)(void *arg, int fd, const struct mn_addr *peer), void *arg)
{
    struct mn_listener *n = MN_NEW(struct mn_listener);
    socklen_t len = sizeof n->addr;

    n->watch = (struct mn_watch){fd, MN_READ, ready};
    n->loop = l;
    n->accepted = accepted;
    n->arg = arg;
    n->spare = -1;
    spare_open(n);
    getsockname(fd, &n->addr.sa, &len);
    mn_loop_watch(l, &n->watch);
    return n;
}

int mn_listen(struct mn_loop *l, const struct mn_addr *at,
              void (*accepted)(void *arg, int fd, const struct mn_addr *peer), void *arg,
              struct mn_listener **out, struct mn_buf *why)
{
    int fd = bound(at, why);
    int busy = errno == EADDRINUSE, none = errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;

    *out = fd < 0 ? NULL : listen_on(l, fd, accepted, arg);
    if (*out)
        return MN_E_OK;
    return busy ? MN_E_BUSY : none ? MN_E_NOT_FOUND : MN_E_IO;
}

int mn_listen_any(struct mn_loop *l, uint16_t port,
                  void (*accepted)(void *arg, int fd, const struct mn_addr *peer), void *arg,
                  struct mn_listener **out, struct mn_buf *why)
{
    static const char *const any[] = {"::", "0.0.0.0"};
    int e = MN_E_IO;

    *out = NULL;
    for (size_t i = 0; i < MN_COUNT(any) && !*out; i++) {
        struct mn_addr at;

        mn_buf_clear(why);
        e = mn_addr_parse(mn_str_from(any[i]), port, &at);
        if (!e)
            e = mn_listen(l, &at, accepted, arg, out, why);
    }
    return e;
}

void mn_listener_free(struct mn_listener *l)
{
    if (!l)
        return;
    mn_timer_stop(&l->breath);
    mn_loop_unwatch(l->loop, &l->watch);
    close(l->watch.fd);
    mn_closep(&l->spare);
    mn_free(l);
}

const struct mn_addr *mn_listener_addr(const struct mn_listener *l)
{
    return &l->addr;
}

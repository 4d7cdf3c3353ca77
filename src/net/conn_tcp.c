#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"
#include "net/conn_parts.h"

/* Who wants nothing is not watched at all: a hang-up would ring for ever. */
static void listen_(struct mn_conn *c)
{
    unsigned want = c->ended ? 0u : (c->paused ? 0u : MN_READ) | (c->blocked ? MN_WRITE : 0u);

    if (!c->loop)
        return;
    if (c->watched && want) {
        mn_loop_rewatch(c->loop, &c->watch, want);
    } else if (c->watched) {
        mn_loop_unwatch(c->loop, &c->watch);
    } else if (want) {
        c->watch.events = want;
        mn_loop_watch(c->loop, &c->watch);
    }
    c->watched = want;
}

static int tcp_send(struct mn_conn *c, struct mn_buf *raw)
{
    while (raw->n) {
        ssize_t n = send(c->watch.fd, raw->p, raw->n, MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? MN_E_AGAIN : MN_E_CLOSED;
        mn_buf_shift(raw, (size_t)n);
    }
    return MN_E_OK;
}

static void tcp_read(struct mn_conn *c)
{
    char *p = conn_scratch(0);
    ssize_t n;

    if (c->tls && conn_tls_busy(c) && !conn_tls_budget(c->loop))
        return; /* next turn */
    n = recv(c->watch.fd, p, CONN_CHUNK, 0);
    if (n > 0)
        conn_input(c, (mn_str){p, (size_t)n});
    else if (n == 0)
        conn_ended(c, MN_E_CLOSED);
    else if (errno != EAGAIN && errno != EINTR)
        conn_ended(c, MN_E_IO);
}

static void ready(struct mn_watch *w, unsigned events)
{
    struct mn_conn *c = MN_OF(w, struct mn_conn, watch);

    if (events & MN_WRITE && c->blocked) {
        c->blocked = false;
        listen_(c);
        conn_flush_soon(c);
    }
    if (events & MN_READ && c->paused)
        listen_(c);
    else if (events & MN_READ)
        tcp_read(c);
}

static bool tcp_is_out(const struct mn_conn *c)
{
    int left;

    return ioctl(c->watch.fd, SIOCOUTQ, &left) || !left;
}

static uint64_t tcp_taken(const struct mn_conn *c)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof info;

    return getsockopt(c->watch.fd, IPPROTO_TCP, TCP_INFO, &info, &n) ? 0 : info.tcpi_bytes_acked;
}

static void shut(struct mn_conn *c)
{
    shutdown(c->watch.fd, SHUT_WR);
}

static void detach(struct mn_conn *c)
{
    if (c->watched)
        mn_loop_unwatch(c->loop, &c->watch);
    c->watched = false;
}

static void attach(struct mn_conn *c)
{
    c->blocked = false;
    listen_(c);
}

static void tcp_free(struct mn_conn *c)
{
    if (c->loop && c->watched)
        mn_loop_unwatch(c->loop, &c->watch);
    close(c->watch.fd);
}

static const struct transport tcp = {tcp_send, tcp_is_out, tcp_taken, shut,
                                     listen_,  detach,     attach,    tcp_free};

void mn_conn_options(int fd)
{
    int one = 1, idle = 300, every = 60;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
}

struct mn_conn *mn_conn_accepted(struct mn_loop *l, int fd, const struct mn_addr *peer,
                                 const struct mn_conn_face *face, void *arg)
{
    struct mn_conn *c = MN_NEW(struct mn_conn);

    if (peer) {
        c->peer = mn_alloc(sizeof *peer);
        *c->peer = *peer;
    }
    c->transport = &tcp;
    c->face = face;
    c->arg = arg;
    c->loop = l;
    c->turn.run = conn_turn;
    c->watch = (struct mn_watch){fd, 0, ready};
    listen_(c);
    return c;
}

struct mn_conn *mn_conn_tcp(struct mn_loop *l, int fd, const struct mn_conn_face *face, void *arg)
{
    struct mn_addr peer = {0};
    socklen_t len = sizeof peer;
    bool known = !getpeername(fd, &peer.sa, &len);

    mn_conn_options(fd);
    return mn_conn_accepted(l, fd, known ? &peer : NULL, face, arg);
}

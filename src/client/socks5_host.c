#include "client/socks5.h"

#include "net/listen.h"
#include "net/socks5.h"

enum { GUESTS_MAX = 8, HANDSHAKE_MS = 15000, EARLY_MAX = 65536 };

/* Somebody who connected. */
struct guest {
    struct mn_list link;
    struct mn_timer timer;
    struct socks5_host *host;
    struct mn_conn *conn;
    struct mn_buf in;
    bool chosen, good; /* good: asked for what we wait for, and was told so */
};

struct socks5_host {
    struct mynah_context *ctx;
    struct mn_listener *listener;
    struct mn_list guests;
    unsigned count;
    char dst[SOCKS5_DST + 1];
};

static void guest_free(struct guest *g)
{
    mn_timer_stop(&g->timer);
    mn_list_del(&g->link);
    g->host->count--;
    if (g->conn)
        mn_conn_close(g->conn, 0);
    mn_buf_free(&g->in);
    mn_free(g);
}

static void answer(struct guest *g, uint8_t code, mn_str name, uint16_t port)
{
    struct mn_buf b = {0};

    mn_socks5_add(&b, code, name, port);
    mn_conn_write(g->conn, mn_buf_view(&b));
    mn_buf_free(&b);
}

static int choose(struct guest *g)
{
    mn_str methods;
    size_t n;
    int e = mn_socks5_methods_parse(mn_buf_view(&g->in), &methods, &n);

    if (e)
        return e;
    if (mn_str_find(methods, MN_SOCKS5_OPEN) == methods.n) {
        mn_conn_write(g->conn, mn_str_make("\5\xff", 2));
        return MN_E_DENIED;
    }
    mn_conn_write(g->conn, mn_str_make("\5\0", 2));
    mn_buf_shift(&g->in, n);
    g->chosen = true;
    return MN_E_OK;
}

/* XEP-0065 6.3.2: what was asked for is said again in the answer. */
static int request(struct guest *g)
{
    struct mn_socks5 r;
    size_t n;
    int e = mn_socks5_parse(mn_buf_view(&g->in), &r, &n);
    bool known = !e && r.code == MN_SOCKS5_CONNECT && r.is_name;

    if (e)
        return e;
    if (!known || !mn_str_is(r.host, g->host->dst)) {
        answer(g, known ? MN_SOCKS5_DENIED : MN_SOCKS5_UNKNOWN, known ? r.host : MN_STR(""),
               r.port);
        return MN_E_DENIED;
    }
    answer(g, MN_SOCKS5_DONE, r.host, r.port);
    mn_buf_shift(&g->in, n);
    g->good = true;
    mn_timer_stop(&g->timer);
    return MN_E_OK;
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct guest *g = arg;
    int e = MN_E_OK;

    mn_buf_str(&g->in, bytes);
    if (!g->chosen)
        e = choose(g);
    if (!e && !g->good)
        e = request(g);
    if (g->good)
        mn_conn_pause(g->conn, true); /* until it is known that this is the one */
    if ((e && e != MN_E_AGAIN) || g->in.n > EARLY_MAX)
        guest_free(g);
}

static void on_closed(void *arg, int why)
{
    (void)why;
    guest_free(arg);
}

static void timed(struct mn_timer *t)
{
    guest_free(MN_OF(t, struct guest, timer));
}

static const struct mn_conn_face face = {on_bytes, on_closed, NULL, NULL};

/* Who is to make room: whoever does not get on with the handshake. */
static struct guest *oldest(struct socks5_host *h)
{
    MN_LIST_EACH(n, &h->guests)
    if (!MN_OF(n, struct guest, link)->good)
        return MN_OF(n, struct guest, link);
    return MN_OF(h->guests.next, struct guest, link);
}

static void accepted(void *arg, int fd, const struct mn_addr *peer)
{
    struct socks5_host *h = arg;
    struct guest *g = MN_NEW(struct guest);

    (void)peer;
    g->host = h;
    g->timer.fire = timed;
    g->conn = mn_conn_tcp(h->ctx->loop, fd, &face, g);
    mn_list_add(&h->guests, &g->link);
    mn_timer_start(h->ctx->loop, &g->timer, HANDSHAKE_MS);
    if (++h->count > GUESTS_MAX)
        guest_free(oldest(h));
}

struct socks5_host *socks5_host_new(struct mynah_context *ctx, uint16_t port, const char *dst)
{
    struct socks5_host *h = MN_NEW(struct socks5_host);
    struct mn_buf why = {0};

    h->ctx = ctx;
    mn_list_init(&h->guests);
    snprintf(h->dst, sizeof h->dst, "%s", dst);
    if (mn_listen_any(ctx->loop, port, accepted, h, &h->listener, &why)) {
        mn_free(h);
        h = NULL;
    }
    mn_buf_free(&why);
    return h;
}

uint16_t socks5_host_port(const struct socks5_host *h)
{
    return mn_addr_port(mn_listener_addr(h->listener));
}

struct mn_conn *socks5_host_take(struct socks5_host *h, struct mn_buf *rest)
{
    struct mn_conn *conn = NULL;

    for (struct mn_list *n = h->guests.prev; n != &h->guests && !conn; n = n->prev) {
        struct guest *g = MN_OF(n, struct guest, link);

        if (!g->good)
            continue;
        conn = g->conn;
        g->conn = NULL;
        *rest = g->in;
        g->in = (struct mn_buf){0};
        guest_free(g);
        break;
    }
    return conn;
}

void socks5_host_free(struct socks5_host *h)
{
    if (!h)
        return;
    mn_listener_free(h->listener);
    while (!mn_list_empty(&h->guests))
        guest_free(MN_OF(h->guests.next, struct guest, link));
    mn_free(h);
}

#include "client/way.h"

#include "base/err.h"
#include "mynah/base.h"

struct way {
    struct mynah_context *ctx;
    struct way_plan plan;
    void (*arrived)(void *arg, struct mn_conn *conn, bool direct);
    void (*failed)(void *arg, int code, const char *why);
    void *arg;
    struct mn_dial *dial;
    struct mn_tunnel *tunnel;
    struct mn_conn *conn; /* to a proxy that is spoken to */
};

static int code_of(int code)
{
    return code == MN_E_TLS                                                   ? MYNAH_E_TLS
           : code == MN_E_NOT_FOUND || code == MN_E_DENIED || code == MN_E_IO ? MYNAH_E_DNS
           : code == MN_E_TIMEOUT                                             ? MYNAH_E_TIMEOUT
                                                                              : MYNAH_E_CONNECT;
}

static void tunnel_drop(struct way *w)
{
    if (w->conn)
        mn_conn_close(w->conn, 0);
    w->conn = NULL;
    mn_tunnel_free(w->tunnel);
    w->tunnel = NULL;
}

/* Proxies are spoken to until the last one says that the server is there. */
static void tunnel_go(struct way *w, mn_str in)
{
    struct mn_conn *conn = w->conn;
    struct mn_buf out = {0};
    const char *why;
    int e = mn_tunnel_feed(w->tunnel, in, &out, &why);

    if (out.n) {
        mn_conn_write(conn, mn_buf_view(&out));
        explicit_bzero(out.p, out.n);
    }
    mn_buf_free(&out);
    if (e == MN_E_AGAIN)
        return;
    if (e) {
        way_next(w, e == MN_E_TLS ? e : MN_E_CLOSED, why);
        return;
    }
    w->conn = NULL;
    tunnel_drop(w);
    w->arrived(w->arg, conn, w->plan.direct);
}

static void tunnel_bytes(void *arg, mn_str bytes)
{
    tunnel_go(arg, bytes);
}

static void tunnel_closed(void *arg, int why)
{
    (void)why;
    way_next(arg, MN_E_CLOSED, "the proxy closed the connection");
}

static const struct mn_conn_face tunnel_face = {tunnel_bytes, tunnel_closed, NULL, NULL};

static void dialled(void *arg, int code, const struct mn_dial_found *found, const char *why)
{
    struct way *w = arg;

    if (code) {
        w->failed(w->arg, code_of(code), why);
    } else if (!w->plan.proxy_count) {
        bool direct = found->direct;

        w->arrived(w->arg, mn_conn_tcp(w->ctx->loop, found->fd, NULL, NULL), direct);
    } else {
        w->conn = mn_conn_tcp(w->ctx->loop, found->fd, &tunnel_face, w);
        w->tunnel = mn_tunnel_new(w->plan.proxies, w->plan.proxy_count, w->plan.host, w->plan.port);
        tunnel_go(w, (mn_str){0});
    }
}

struct way *way_new(struct mynah_context *ctx, const struct way_plan *plan,
                    void (*arrived)(void *arg, struct mn_conn *conn, bool direct),
                    void (*failed)(void *arg, int code, const char *why), void *arg)
{
    struct way *w = MN_NEW(struct way);

    w->ctx = ctx;
    w->plan = *plan;
    w->arrived = arrived;
    w->failed = failed;
    w->arg = arg;
    w->dial = mn_dial(ctx->loop, &plan->dial, dialled, w);
    return w;
}

void way_next(struct way *w, int code, const char *why)
{
    mn_dial_again(w->dial, code, why); /* `why` may be the tunnel's */
    tunnel_drop(w);
}

void way_free(struct way *w)
{
    if (!w)
        return;
    tunnel_drop(w);
    mn_dial_free(w->dial);
    mn_free(w);
}

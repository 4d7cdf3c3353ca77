#include "client/socks5.h"

#include "net/socks5.h"

enum { DIAL_MS = 8000 };

struct socks5_dial {
    struct way *way;
    struct mn_conn *conn;
    struct mn_buf in;
    struct mn_timer timer;
    char dst[256];
    bool chosen; /* the method */
    void (*done)(void *arg, struct mn_conn *conn, mn_str rest);
    void *arg;
};

void socks5_dial_free(struct socks5_dial *d)
{
    if (!d)
        return;
    mn_timer_stop(&d->timer);
    way_free(d->way);
    if (d->conn)
        mn_conn_close(d->conn, 0);
    mn_buf_free(&d->in);
    mn_free(d);
}

static void finish(struct socks5_dial *d, bool good)
{
    struct mn_conn *conn = good ? d->conn : NULL;
    struct mn_buf rest = d->in;

    d->in = (struct mn_buf){0};
    if (good) {
        mn_conn_pause(d->conn, true);
        d->conn = NULL;
    }
    d->done(d->arg, conn, mn_buf_view(&rest));
    socks5_dial_free(d);
    mn_buf_free(&rest);
}

/* MN_E_AGAIN, or how it ended. */
static int step(struct socks5_dial *d)
{
    struct mn_socks5 answer;
    uint8_t method;
    size_t n;
    int e;

    if (!d->chosen) {
        struct mn_buf b = {0};

        e = mn_socks5_choice_parse(mn_buf_view(&d->in), &method, &n);
        if (e || method != MN_SOCKS5_OPEN)
            return e ? e : MN_E_DENIED;
        mn_buf_shift(&d->in, n);
        d->chosen = true;
        mn_socks5_add(&b, MN_SOCKS5_CONNECT, mn_str_from(d->dst), 0);
        mn_conn_write(d->conn, mn_buf_view(&b));
        mn_buf_free(&b);
    }
    e = mn_socks5_parse(mn_buf_view(&d->in), &answer, &n);
    if (e || answer.code != MN_SOCKS5_DONE)
        return e ? e : MN_E_DENIED;
    mn_buf_shift(&d->in, n);
    return MN_E_OK;
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct socks5_dial *d = arg;
    int e;

    mn_buf_str(&d->in, bytes);
    e = step(d);
    if (e != MN_E_AGAIN)
        finish(d, !e);
}

static void on_closed(void *arg, int why)
{
    (void)why;
    finish(arg, false);
}

static void timed(struct mn_timer *t)
{
    finish(MN_OF(t, struct socks5_dial, timer), false);
}

static const struct mn_conn_face face = {on_bytes, on_closed, NULL, NULL};

static void arrived(void *arg, struct mn_conn *conn, bool direct)
{
    struct socks5_dial *d = arg;

    (void)direct;
    d->conn = conn;
    mn_conn_face(conn, &face, d);
    mn_conn_write(d->conn, mn_str_make("\5\1\0", 3)); /* one method: none */
}

static void failed(void *arg, int code, const char *why)
{
    (void)code;
    (void)why;
    finish(arg, false);
}

struct socks5_dial *socks5_dial(struct mynah_context *ctx, const struct way_plan *way,
                                const char *dst,
                                void (*done)(void *arg, struct mn_conn *conn, mn_str rest),
                                void *arg)
{
    struct socks5_dial *d = MN_NEW(struct socks5_dial);

    d->done = done;
    d->arg = arg;
    d->timer.fire = timed;
    snprintf(d->dst, sizeof d->dst, "%s", dst);
    mn_timer_start(ctx->loop, &d->timer, DIAL_MS);
    d->way = way_new(ctx, way, arrived, failed, d);
    return d;
}

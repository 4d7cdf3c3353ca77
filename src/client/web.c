#include "client/web.h"

#include "base/clock.h"
#include "base/err.h"
#include "mynah/base.h"

enum { ANSWER_MAX = 17 << 20 }; /* a stanza of 16 MB, and what is around it */

struct web {
    struct trash trash; /* first */
    struct mynah_context *ctx;
    struct mn_tls *tls;
    const char *host;
    const struct web_face *face;
    void *arg;
    struct way *way;
    struct mn_conn *conn;
    struct mn_http *http;
    struct mn_buf waiting; /* asked before it stood */
    struct mn_arena a;
    const char *cert; /* the only one that is good, in hex; NULL: any */
    struct mn_timer last;
    bool stands, asked, gone, over; /* gone: nobody is told any more; over: in the trash */
    bool leaving;                   /* gone, with a question that has not left */
};

static void web_free(struct trash *t)
{
    struct web *w = (struct web *)t;

    way_free(w->way);
    mn_http_free(w->http);
    mn_tls_unref(w->tls);
    mn_buf_free(&w->waiting);
    mn_arena_done(&w->a, NULL);
    mn_free(w);
}

static void end(struct web *w, int64_t linger_ms)
{
    if (w->over)
        return;
    w->over = true;
    w->ctx->leaving -= w->leaving;
    w->leaving = false;
    mn_timer_stop(&w->last);
    if (w->conn)
        mn_conn_close(w->conn, linger_ms);
    w->conn = NULL;
    context_trash(w->ctx, &w->trash, web_free);
}

static void too_late(struct mn_timer *t)
{
    end(MN_OF(t, struct web, last), 0);
}

static void lost(void *arg, int code, const char *why)
{
    struct web *w = arg;

    if (w->gone)
        end(w, 0);
    else
        w->face->lost(w->arg, w, code, why);
}

static void answered(struct web *w, const struct mn_http_message *m)
{
    w->asked = false;
    w->face->answered(w->arg, w, m);
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct web *w = arg;
    struct mn_http_message m;
    int e = MN_E_FORMAT; /* nobody has asked */

    mn_http_feed(w->http, bytes);
    if (w->asked)
        e = mn_http_next(w->http, &m);
    if (e == MN_E_AGAIN)
        return;
    if (e) {
        lost(w, e == MN_E_LIMIT ? MYNAH_E_LIMIT : MYNAH_E_STREAM,
             e == MN_E_LIMIT ? "an answer over the limit" : "no HTTP there");
        return;
    }
    m.last = m.last || mn_http_busy(w->http); /* what came behind it nobody has asked for */
    answered(w, &m);
}

static void on_closed(void *arg, int why)
{
    struct web *w = arg;
    struct mn_http_message m;

    if (w->asked && why == MN_E_CLOSED && !mn_http_end(w->http, &m))
        answered(w, &m);
    else if (why == MN_E_TLS)
        lost(w, MYNAH_E_TLS, "TLS failed");
    else
        lost(w, w->stands ? MYNAH_E_LOST : MYNAH_E_CONNECT, "the connection was closed");
}

static bool is_known(const struct web *w)
{
    struct mn_arena a = {0};
    struct mn_cert_seen seen;
    bool same = true;

    if (w->cert && w->tls) {
        mn_conn_cert(w->conn, &a, &seen);
        same = mn_str_is(seen.sha256, w->cert);
        mn_arena_done(&a, NULL);
    }
    return same;
}

static void stands(void *arg)
{
    struct web *w = arg;

    w->stands = true;
    if (!is_known(w)) {
        lost(w, MYNAH_E_CERTIFICATE, "another certificate than on the connection before");
        return;
    }
    if (!w->gone)
        w->face->opened(w->arg, w);
    if (!w->over && w->waiting.n)
        mn_conn_write(w->conn, mn_buf_view(&w->waiting));
    mn_buf_free(&w->waiting);
    if (w->gone)
        end(w, w->last.at - mn_clock_now());
}

static const struct mn_conn_face conn_face = {on_bytes, on_closed, NULL, stands};

static void arrived(void *arg, struct mn_conn *conn, bool direct)
{
    struct web *w = arg;

    (void)direct;
    if (w->over) {
        mn_conn_close(conn, 0);
        return;
    }
    w->conn = conn;
    mn_conn_face(conn, &conn_face, w);
    if (w->tls)
        mn_conn_start_tls(conn, w->tls, false, w->host);
    else
        stands(w);
}

struct web *web_new(struct mynah_context *ctx, const struct way_plan *ground, struct mn_tls *tls,
                    const struct mn_url *url, const char *cert, const struct web_face *face,
                    void *arg)
{
    struct web *w = MN_NEW(struct web);
    struct way_plan plan = *ground;

    w->ctx = ctx;
    w->tls = url->tls ? mn_tls_ref(tls) : NULL;
    w->host = mn_arena_cstr(&w->a, url->host);
    w->cert = cert ? mn_arena_cstr(&w->a, mn_str_from(cert)) : NULL;
    w->face = face;
    w->arg = arg;
    w->last.fire = too_late;
    w->http = mn_http_new(false, ANSWER_MAX);
    plan.host = w->host;
    plan.port = url->port;
    if (plan.proxy_count)
        plan.proxies = mn_proxies_copy(ground->proxies, ground->proxy_count, &w->a);
    else
        plan.dial =
            (struct mn_dial_plan){w->host, w->host, url->port, MN_DIAL_STARTTLS, ground->dial.dns};
    w->way = way_new(ctx, &plan, arrived, lost, w);
    return w;
}

void web_close(struct web *w, int64_t linger_ms)
{
    if (!w || w->gone)
        return;
    w->gone = true;
    if (linger_ms && w->asked && !w->stands) {
        w->leaving = true;
        w->ctx->leaving++;
        mn_timer_start(w->ctx->loop, &w->last, linger_ms);
    } else {
        end(w, linger_ms);
    }
}

void web_ask(struct web *w, mn_str request)
{
    w->asked = true;
    if (w->stands)
        mn_conn_write(w->conn, request);
    else
        mn_buf_str(&w->waiting, request);
}

bool web_is_idle(const struct web *w)
{
    return !w->asked && !w->gone;
}

struct mn_conn *web_conn(const struct web *w)
{
    return w->stands ? w->conn : NULL;
}

void web_head(struct mn_buf *b, const char *method, const struct mn_url *url)
{
    mn_buf_fmt(b, "%s %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: libmynah\r\n", method,
               MN_ARG(url->path), MN_ARG(url->place));
}

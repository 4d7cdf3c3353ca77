#include "client/stream.h"

#include "base/err.h"
#include "client/bosh.h"
#include "mynah/base.h"

static const struct mn_xml_limits servers = {16 << 20, 256, 256};

struct stream {
    struct trash trash; /* first */
    struct mynah_context *ctx;
    struct stream_plan plan;
    char *name;
    const struct stream_face *face;
    void *arg;
    struct bosh *bosh; /* it and nothing of what follows */
    struct way *way;
    struct mn_conn *conn;
    struct mn_xml *xml;
    bool gone, pumping, ended, accepted, held;
    bool said_end; /* our side of the stream is over */
};

static void fail(struct stream *s, int code, const char *why)
{
    if (!s->gone)
        s->face->failed(s->arg, code, NULL, why);
}

static void shown(struct stream *s, bool out, mn_str text)
{
    if (s->face->wire && text.n)
        s->face->wire(s->arg, out, text);
}

static void item_came(struct stream *s, int what, const struct mn_xml_item *item,
                      struct mn_arena *a)
{
    if (what == MN_XML_OPEN) {
        s->face->opened(s->arg, item->elem);
    } else if (what == MN_XML_ELEM) {
        s->face->element(s->arg, item->elem, a);
    } else if (what == MN_XML_CLOSE) {
        s->ended = true;
        s->face->ended(s->arg);
    } else if (what < 0) {
        fail(s, MYNAH_E_STREAM, mn_err_text(what));
    }
}

static void pump(struct stream *s)
{
    struct mn_conn *conn = s->conn;
    int what;

    s->pumping = true;
    do {
        struct mn_arena a = {.pool = mn_loop_pool(s->ctx->loop)};
        struct mn_xml_item item;

        what = mn_xml_next(s->xml, &a, &item);
        item_came(s, what, &item, &a);
        mn_arena_done(&a, mn_loop_pool(s->ctx->loop));
    } while (!s->gone && !s->ended && !s->held && s->conn == conn && what > 0);
    s->pumping = false;
    if (!s->gone)
        mn_xml_keep(s->xml);
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct stream *s = arg;

    if (s->ended)
        return;
    shown(s, false, bytes);
    if (s->gone)
        return;
    mn_xml_feed(s->xml, bytes);
    if (s->held)
        mn_xml_keep(s->xml);
    else
        pump(s);
}

static void conn_drop(struct stream *s, int64_t linger_ms)
{
    if (s->conn)
        mn_conn_close(s->conn, linger_ms);
    s->conn = NULL;
}

static void on_closed(void *arg, int why)
{
    struct stream *s = arg;

    if (s->ended) {
        s->face->ended(s->arg);
        return;
    }
    fail(s, why == MN_E_TLS ? MYNAH_E_TLS : MYNAH_E_LOST,
         why == MN_E_TLS ? "TLS failed" : "the connection was closed");
}

static void on_tls(void *arg)
{
    struct stream *s = arg;

    s->face->secured(s->arg);
}

static const struct mn_conn_face conn_face = {on_bytes, on_closed, NULL, on_tls};

static void xml_new(struct stream *s)
{
    mn_xml_free(s->xml);
    s->xml = mn_xml_new(s->plan.limits ? s->plan.limits : &servers);
}

/* The server is at the other end. */
static void arrived(void *arg, struct mn_conn *conn, bool direct)
{
    struct stream *s = arg;

    if (s->gone) {
        mn_conn_close(conn, 0);
        return;
    }
    xml_new(s);
    s->conn = conn;
    mn_conn_face(conn, &conn_face, s);
    if (direct)
        mn_conn_start_tls(conn, s->plan.tls_direct, false, s->name);
    s->face->connected(s->arg, direct);
}

static void lost(void *arg, int code, const char *why)
{
    fail(arg, code, why); /* `why` lives as long as the way, and that goes with the stream */
}

static struct stream *stream_make(struct mynah_context *ctx, const struct stream_plan *plan,
                                  const struct stream_face *face, void *arg)
{
    struct stream *s = MN_NEW(struct stream);

    s->ctx = ctx;
    s->plan = *plan;
    s->name = mn_str_dup(mn_str_from(plan->name));
    s->plan.name = s->name;
    s->plan.tls = plan->tls ? mn_tls_ref(plan->tls) : NULL;
    s->plan.tls_direct = plan->tls_direct ? mn_tls_ref(plan->tls_direct) : NULL;
    s->face = face;
    s->arg = arg;
    return s;
}

struct stream *stream_new(struct mynah_context *ctx, const struct stream_plan *plan,
                          const struct stream_face *face, void *arg)
{
    struct stream *s = stream_make(ctx, plan, face, arg);

    if (plan->bosh)
        s->bosh = bosh_new(ctx, &s->plan, face, arg);
    else
        s->way = way_new(ctx, &plan->way, arrived, lost, s);
    return s;
}

struct stream *stream_accept(struct mynah_context *ctx, int fd, const struct stream_plan *plan,
                             const struct stream_face *face, void *arg)
{
    struct stream *s = stream_make(ctx, plan, face, arg);

    s->accepted = true;
    xml_new(s);
    s->conn = mn_conn_tcp(ctx->loop, fd, &conn_face, s);
    return s;
}

static void stream_free(struct trash *t)
{
    struct stream *s = (struct stream *)t;

    bosh_free(s->bosh);
    way_free(s->way);
    mn_xml_free(s->xml);
    mn_tls_unref(s->plan.tls);
    mn_tls_unref(s->plan.tls_direct);
    mn_free(s->name);
    mn_free(s);
}

void stream_close(struct stream *s, int64_t linger_ms)
{
    if (!s || s->gone)
        return;
    s->gone = true;
    if (s->bosh)
        bosh_close(s->bosh);
    conn_drop(s, linger_ms);
    context_trash(s->ctx, &s->trash, stream_free);
}

void stream_next(struct stream *s, int code, const char *why)
{
    conn_drop(s, 0);
    way_next(s->way, code == MYNAH_E_TLS ? MN_E_TLS : MN_E_CLOSED, why);
}

void stream_write_secret(struct stream *s, mn_str bytes, mn_str instead)
{
    if (!s || (!s->conn && !s->bosh) || s->gone || s->said_end)
        return;
    if (s->bosh) {
        bosh_write(s->bosh, bytes, instead);
        return;
    }
    shown(s, true, instead);
    if (s->conn)
        mn_conn_write(s->conn, bytes);
}

void stream_write(struct stream *s, mn_str bytes)
{
    stream_write_secret(s, bytes, bytes);
}

static void attr(struct mn_buf *b, const char *name, mn_str value)
{
    if (!value.n)
        return;
    mn_buf_fmt(b, " %s='", name);
    mn_buf_xml(b, value, true);
    mn_buf_c(b, '\'');
}

void stream_header(struct stream *s, const struct stream_head *h)
{
    struct mn_buf b = {0};

    if (s->bosh) {
        bosh_header(s->bosh, h);
        return;
    }
    mn_buf_fmt(&b,
               "<?xml version='1.0'?><stream:stream xmlns='%s' "
               "xmlns:stream='http://etherx.jabber.org/streams'%s",
               mn_ns_uri(h->ns).p, h->old ? "" : " version='1.0'");
    attr(&b, "from", h->from);
    attr(&b, "to", h->to);
    attr(&b, "id", h->id);
    attr(&b, "xml:lang", h->lang);
    mn_buf_c(&b, '>');
    if (!s->accepted) /* else the other's has come */
        mn_xml_restart(s->xml);
    stream_write(s, mn_buf_view(&b));
    mn_buf_free(&b);
}

void stream_hold(struct stream *s, bool hold)
{
    if (s->gone || s->held == hold)
        return;
    s->held = hold;
    mn_conn_pause(s->conn, hold);
    if (!hold && !s->pumping)
        pump(s);
}

void stream_secure(struct stream *s)
{
    mn_xml_drop(s->xml);
    if (s->accepted)
        mn_xml_restart(s->xml);
    mn_conn_start_tls(s->conn, s->plan.tls, s->accepted, s->accepted ? NULL : s->name);
}

void stream_compress(struct stream *s)
{
    mn_conn_start_zlib(s->conn);
}

void stream_end(struct stream *s)
{
    if (s->bosh)
        bosh_end(s->bosh);
    else
        stream_write(s, MN_STR("</stream:stream>"));
    s->said_end = true; /* nothing may follow (RFC 6120, 4.4) */
}

bool stream_is_bosh(const struct stream *s)
{
    return s->bosh;
}

bool stream_is_tls(const struct stream *s)
{
    return s->bosh ? bosh_is_tls(s->bosh) : s->conn && mn_conn_is_tls(s->conn);
}

bool stream_moves(const struct stream *s, uint64_t *taken)
{
    if (s->bosh)
        return bosh_moves(s->bosh, taken);
    return s->conn && mn_conn_moves(s->conn, taken);
}

uint64_t stream_mark(const struct stream *s)
{
    return s->bosh ? bosh_mark(s->bosh) : 0;
}

size_t stream_queued(const struct stream *s)
{
    return s->conn ? mn_conn_queued(s->conn) : 0;
}

void stream_renew(struct stream *s)
{
    if (s->bosh)
        bosh_renew(s->bosh);
}

struct mn_conn *stream_conn(const struct stream *s)
{
    return s->bosh ? bosh_conn(s->bosh) : s->conn;
}

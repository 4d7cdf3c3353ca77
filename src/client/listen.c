/* A connection that came is a stream (stream.c), or bytes (net/conn): which one, its program says
 * inside the call that tells of it. */
#include "mynah/listen.h"

#include <unistd.h>

#include "base/err.h"
#include "client/elem.h"
#include "client/stream.h"
#include "net/listen.h"

enum { MOST = 100, LINGER_MS = 5000, MARK_LOW = 4096, MARK_HIGH = 65536 };

static const struct mn_xml_limits limits = {1 << 20, 128, 128};

struct mynah_port {
    struct trash trash; /* first */
    struct mn_list link;
    struct mynah_context *ctx;
    struct mn_listener *listener;
    struct mn_tls *tls;
    bool direct, closed;
    unsigned most, count;
    void (*came)(void *arg, struct mynah_conn *conn);
    void *arg;
};

struct mynah_conn {
    struct trash trash; /* first */
    struct mn_list link;
    struct mynah_context *ctx;
    struct mynah_port *port; /* goes behind the last of its connections */
    int fd;                  /* until it is served */
    char peer[MN_ADDR_TEXT];
    struct mynah_conn_calls calls;
    void *arg;
    struct mn_conn *bytes;
    struct stream *stream;
    bool secure, gone;
};

/* The end. */

static void port_memory(struct trash *t)
{
    struct mynah_port *p = (struct mynah_port *)t;

    mn_tls_unref(p->tls);
    mn_free(p);
}

static void port_let_go(struct mynah_port *p)
{
    if (p->closed && !p->count)
        context_trash(p->ctx, &p->trash, port_memory);
}

static void conn_memory(struct trash *t)
{
    mn_free(t);
}

static void conn_out(struct mynah_conn *c, int64_t linger_ms)
{
    c->gone = true;
    if (c->bytes)
        mn_conn_close(c->bytes, linger_ms);
    stream_close(c->stream, linger_ms);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    mn_list_del(&c->link);
    c->port->count--;
    port_let_go(c->port);
    context_trash(c->ctx, &c->trash, conn_memory);
}

static void ended_by(struct mynah_conn *c, int code)
{
    if (c->gone)
        return;
    conn_out(c, 0);
    if (c->calls.closed)
        c->calls.closed(c->arg, c, code);
}

/* Bytes. */

static void on_bytes(void *arg, mn_str bytes)
{
    struct mynah_conn *c = arg;

    if (c->calls.bytes)
        c->calls.bytes(c->arg, c, bytes.p, bytes.n);
}

static void on_closed(void *arg, int why)
{
    ended_by(arg, why == MN_E_TLS ? MYNAH_E_TLS : MYNAH_E_LOST);
}

static void on_drained(void *arg)
{
    struct mynah_conn *c = arg;

    if (c->calls.drained)
        c->calls.drained(c->arg, c);
}

static void on_secured(void *arg)
{
    struct mynah_conn *c = arg;

    if (c->calls.secured)
        c->calls.secured(c->arg, c);
}

static const struct mn_conn_face bytes_face = {on_bytes, on_closed, on_drained, on_secured};

/* Streams. */

static void on_opened(void *arg, const struct mn_elem *header)
{
    struct mynah_conn *c = arg;
    struct mn_arena a = {.pool = mn_loop_pool(c->ctx->loop)};

    if (c->calls.opened)
        c->calls.opened(c->arg, c, elem_from(header, &a));
    mn_arena_done(&a, mn_loop_pool(c->ctx->loop));
}

static void on_element(void *arg, const struct mn_elem *e, struct mn_arena *a)
{
    struct mynah_conn *c = arg;

    c->calls.element(c->arg, c, elem_from(e, a));
}

static void on_ended(void *arg)
{
    struct mynah_conn *c = arg;

    stream_end(c->stream);
    ended_by(c, MYNAH_OK);
}

static void on_failed(void *arg, int code, const char *condition, const char *why)
{
    (void)condition;
    (void)why;
    ended_by(arg, code);
}

static const struct stream_face stream_face = {
    .secured = on_secured,
    .opened = on_opened,
    .element = on_element,
    .ended = on_ended,
    .failed = on_failed,
};

/* What programs call. */

void mynah_conn_serve(struct mynah_conn *c, const struct mynah_conn_calls *calls, void *arg)
{
    const struct stream_plan plan = {.tls = c->port->tls, .limits = &limits};
    int fd = c->fd;

    memcpy(&c->calls, calls, calls->size < sizeof c->calls ? calls->size : sizeof c->calls);
    c->arg = arg;
    if (fd < 0)
        return; /* from now on others hear of it */
    c->fd = -1;
    if (c->calls.element) {
        c->stream = stream_accept(c->ctx, fd, &plan, &stream_face, c);
    } else {
        c->bytes = mn_conn_tcp(c->ctx->loop, fd, &bytes_face, c);
        mn_conn_marks(c->bytes, MARK_LOW, MARK_HIGH);
    }
    if (c->port->direct)
        (void)mynah_conn_secure(c);
}

static struct mn_conn *conn_of(const struct mynah_conn *c)
{
    return c->gone ? NULL : c->stream ? stream_conn(c->stream) : c->bytes;
}

void mynah_conn_write(struct mynah_conn *c, const void *p, size_t n)
{
    if (c->stream)
        stream_write(c->stream, mn_str_make(p, n));
    else if (conn_of(c))
        mn_conn_write(c->bytes, mn_str_make(p, n));
}

size_t mynah_conn_unsent(const struct mynah_conn *c)
{
    return conn_of(c) ? mn_conn_queued(conn_of(c)) : 0;
}

void mynah_conn_header(struct mynah_conn *c, const char *from, const char *to, const char *id)
{
    if (c->stream)
        stream_header(c->stream, &(struct stream_head){.ns = MN_NS_CLIENT,
                                                       .from = mn_str_from(from),
                                                       .to = mn_str_from(to),
                                                       .id = mn_str_from(id)});
}

void mynah_conn_send(struct mynah_conn *c, struct mynah_elem **e)
{
    struct mn_buf b = {0};

    elem_write(&b, *e, MN_STR("jabber:client"));
    mynah_conn_write(c, b.p, b.n);
    mn_buf_free(&b);
    mynah_elem_free(*e);
    *e = NULL;
}

int mynah_conn_secure(struct mynah_conn *c)
{
    if (!c->port->tls || c->secure || !conn_of(c))
        return MYNAH_E_STATE;
    c->secure = true;
    if (c->stream)
        stream_secure(c->stream);
    else
        mn_conn_start_tls(c->bytes, c->port->tls, true, NULL);
    return MYNAH_OK;
}

void mynah_conn_close(struct mynah_conn *c)
{
    if (!c || c->gone)
        return;
    if (c->stream)
        stream_end(c->stream);
    conn_out(c, LINGER_MS);
}

const char *mynah_conn_peer(const struct mynah_conn *c)
{
    return c->peer;
}

const char *mynah_conn_tls_name(const struct mynah_conn *c)
{
    return conn_of(c) ? mn_conn_tls_name(conn_of(c)) : NULL;
}

/* Ports. */

static void accepted(void *arg, int fd, const struct mn_addr *peer)
{
    struct mynah_port *p = arg;
    struct mynah_conn *c;

    if (p->count >= p->most) {
        close(fd);
        return;
    }
    c = MN_NEW(struct mynah_conn);
    c->ctx = p->ctx;
    c->port = p;
    c->fd = fd;
    mn_addr_text(peer, c->peer);
    mn_list_add(&p->ctx->conns, &c->link);
    p->count++;
    p->came(p->arg, c);
    if (c->fd >= 0)
        conn_out(c, 0);
}

static int listen_at(struct mynah_port *p, const struct mynah_port_config *conf, struct mn_buf *why)
{
    struct mn_addr at;

    if (!conf->address)
        return mn_listen_any(p->ctx->loop, conf->port, accepted, p, &p->listener, why)
                   ? MYNAH_E_CONNECT
                   : MYNAH_OK;
    if (mn_addr_parse(mn_str_from(conf->address), conf->port, &at)) {
        mn_buf_fmt(why, "no address: %s", conf->address);
        return MYNAH_E_ARGUMENT;
    }
    return mn_listen(p->ctx->loop, &at, accepted, p, &p->listener, why) ? MYNAH_E_CONNECT
                                                                        : MYNAH_OK;
}

int mynah_port_open(struct mynah_context *ctx, const struct mynah_port_config *config,
                    void (*came)(void *arg, struct mynah_conn *conn), void *arg,
                    struct mynah_port **out, char **why)
{
    struct mynah_port *p = MN_NEW(struct mynah_port);
    struct mynah_port_config conf = {0};
    struct mn_buf text = {0};
    int code = MYNAH_OK;

    memcpy(&conf, config, config->size < sizeof conf ? config->size : sizeof conf);
    p->ctx = ctx;
    p->direct = conf.tls;
    p->most = conf.most ? conf.most : MOST;
    p->came = came;
    p->arg = arg;
    if (conf.cert_file &&
        mn_tls_server(conf.cert_file, conf.key_file ? conf.key_file : conf.cert_file, &p->tls,
                      &text))
        code = MYNAH_E_TLS;
    if (!code)
        code = listen_at(p, &conf, &text);
    mn_buf_c(&text, 0);
    if (why)
        *why = code ? mn_str_dup(mn_str_from(text.p)) : NULL;
    mn_buf_free(&text);
    mn_list_add(&ctx->ports, &p->link);
    *out = p;
    if (code) {
        mynah_port_close(p);
        *out = NULL;
    }
    return code;
}

uint16_t mynah_port_number(const struct mynah_port *p)
{
    return mn_addr_port(mn_listener_addr(p->listener));
}

void mynah_port_close(struct mynah_port *p)
{
    if (!p || p->closed)
        return;
    p->closed = true;
    mn_listener_free(p->listener);
    mn_list_del(&p->link);
    port_let_go(p);
}

void listen_done(struct mynah_context *ctx)
{
    while (!mn_list_empty(&ctx->ports))
        mynah_port_close(MN_OF(ctx->ports.next, struct mynah_port, link));
    while (!mn_list_empty(&ctx->conns))
        mynah_conn_close(MN_OF(ctx->conns.next, struct mynah_conn, link));
}

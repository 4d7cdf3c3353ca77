/* XEP-0065 SOCKS5 Bytestreams, both sides.
 *
 *   requester: [proxies are found] -> offer (own addresses, proxies) -> which one the target took
 *              -> own: the connection that came in; a proxy: dial, activate -> open
 *   target:    an offer is accepted -> dial one host after the other -> say which -> open */
#include "client/bytestream.h"

#include "base/codec.h"
#include "base/crypt.h"
#include "base/err.h"
#include "client/socks5.h"
#include "mynah/jid.h"

enum {
    OWN_MAX = 8,       /* addresses of ours in an offer */
    OFFER_MS = 150000, /* the target tries them all */
    QUEUE_MAX = 262144,
    QUEUE_LOW = 65536,
    LINGER_MS = 60000
};

struct s5b {
    struct proxies_wait wait; /* first */
    struct mynah_bytestream *stream;
    struct places places; /* offered to us, or by us */
    size_t next;
    struct place proxy; /* of the program's choice; or nothing */
    char *address;
    char dst[256];
    struct socks5_host *host;
    struct socks5_dial *dial;
    struct mn_conn *conn;
    struct mn_buf early; /* bytes that came before it was open */
    struct mynah_request *request;
    struct mn_timer linger; /* for the last bytes */
};

static struct s5b *s5b_of(struct mynah_bytestream *b)
{
    return b->state;
}

static void stop(struct mynah_bytestream *b)
{
    struct s5b *s = s5b_of(b);
    struct mynah_request *r = s->request;

    s->request = NULL;
    mynah_cancel(r);
    proxies_leave(&s->wait);
    mn_timer_stop(&s->linger);
    socks5_host_free(s->host);
    socks5_dial_free(s->dial);
    if (s->conn)
        mn_conn_close(s->conn, 0);
    places_free(&s->places);
    mn_buf_free(&s->early);
    mn_free(s->address);
    mn_free(s->proxy.jid);
    mn_free(s->proxy.host);
    mn_free(s);
}

static struct s5b *s5b_new(void)
{
    struct s5b *s = MN_NEW(struct s5b);

    mn_list_init(&s->wait.link);
    return s;
}

/* What both sides ask a stream host for (XEP-0065, 6.3.2). */
static void dst_make(struct s5b *s, const char *sid, const char *requester, const char *target)
{
    const mn_str pieces[] = {mn_str_from(sid), mn_str_from(requester), mn_str_from(target)};
    struct mn_arena a = {0};
    char sum[MN_DIGEST_MAX];
    size_t n = mn_digest_of(MN_SHA1, pieces, MN_COUNT(pieces), sum);

    snprintf(s->dst, sizeof s->dst, "%.*s", MN_ARG(mn_hex((mn_str){sum, n}, &a)));
    mn_arena_done(&a, NULL);
}

/* The connection. */

static void on_bytes(void *arg, mn_str bytes)
{
    struct mynah_bytestream *b = arg;

    if (b->open)
        bytestream_bytes(b, bytes);
    else
        mn_buf_str(&s5b_of(b)->early, bytes); /* it is paused: no more than was read already */
}

static void on_closed(void *arg, int why)
{
    struct mynah_bytestream *b = arg;
    bool all = b->open && why == MN_E_CLOSED && !mn_conn_queued(s5b_of(b)->conn);

    bytestream_end(b, all ? 0 : MYNAH_E_LOST, NULL);
}

static void conn_end(struct mynah_bytestream *b)
{
    mn_conn_close(s5b_of(b)->conn, LINGER_MS);
    s5b_of(b)->conn = NULL;
    bytestream_end(b, 0, NULL);
}

static void on_drained(void *arg)
{
    struct mynah_bytestream *b = arg;

    if (b->closing)
        conn_end(b);
    else
        bytestream_room(b);
}

static const struct mn_conn_face conn_face = {on_bytes, on_closed, on_drained, NULL};

static void conn_take(struct mynah_bytestream *b, struct mn_conn *conn, mn_str rest)
{
    struct s5b *s = s5b_of(b);

    s->conn = conn;
    mn_conn_face(conn, &conn_face, b);
    mn_conn_marks(conn, QUEUE_LOW, QUEUE_MAX - 1);
    mn_buf_str(&s->early, rest);
}

/* Each call-back may end it. */
static void go(struct mynah_bytestream *b)
{
    struct mn_buf early = s5b_of(b)->early;

    s5b_of(b)->early = (struct mn_buf){0};
    socks5_host_free(s5b_of(b)->host);
    s5b_of(b)->host = NULL;
    bytestream_opened(b);
    bytestream_bytes(b, mn_buf_view(&early));
    if (!b->ended)
        mn_conn_pause(s5b_of(b)->conn, false);
    mn_buf_free(&early);
}

static size_t write_(struct mynah_bytestream *b, mn_str bytes)
{
    struct mn_conn *conn = s5b_of(b)->conn;
    size_t queued = mn_conn_queued(conn), room = queued < QUEUE_MAX ? QUEUE_MAX - queued : 0;

    bytes.n = bytes.n < room ? bytes.n : room;
    mn_conn_write(conn, bytes);
    return bytes.n;
}

static void close_timed(struct mn_timer *t)
{
    bytestream_end(MN_OF(t, struct s5b, linger)->stream, MYNAH_E_TIMEOUT, NULL);
}

/* The kernel has all of it first: whoever hears of the end may leave then. */
static void close_(struct mynah_bytestream *b)
{
    struct s5b *s = s5b_of(b);

    if (mn_conn_queued(s->conn) <= 1) { /* goes in this turn, or with the connection */
        conn_end(b);
        return;
    }
    mn_conn_marks(s->conn, 0, 1);
    mn_conn_written(s->conn);
    s->stream = b;
    s->linger.fire = close_timed;
    mn_timer_start(b->client->ctx->loop, &s->linger, LINGER_MS);
}

/* The server is on this machine, or there is none: others may be, too. */
static bool all_is_here(const struct mynah_client *c)
{
    struct mn_conn *conn = c->stream ? stream_conn(c->stream) : NULL;

    return c->local || (conn && mn_addr_is_loopback(mn_conn_peer(conn)));
}

/* Somebody else says where to go: nothing of this machine alone, and not beside our proxies. */
static void dial(struct mynah_bytestream *b,
                 void (*dialled)(void *arg, struct mn_conn *conn, mn_str rest))
{
    struct s5b *s = s5b_of(b);
    const struct place *to = &s->places.at[s->next];
    const struct mynah_client *c = b->client;
    const struct mn_proxy *first = c->proxies;
    const struct way_plan way = {.proxies = first,
                                 .proxy_count = c->proxy_count,
                                 .host = to->host,
                                 .port = to->port,
                                 .dial = {.domain = first ? first->host : to->host,
                                          .host = first ? first->host : to->host,
                                          .port = first ? first->port : to->port,
                                          .tls = MN_DIAL_STARTTLS,
                                          .elsewhere = !first && !all_is_here(c),
                                          .dns = c->ctx->dns}};

    s->dial = socks5_dial(c->ctx, &way, s->dst, dialled, b);
}

/* The requester: what the target took. */

static void activated(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                      const struct mynah_error *error)
{
    struct mynah_bytestream *b = arg;

    (void)c;
    (void)result;
    if (b->ended)
        return;
    s5b_of(b)->request = NULL;
    if (error)
        bytestream_fail(b, error);
    else
        go(b);
}

static void proxy_dialled(void *arg, struct mn_conn *conn, mn_str rest)
{
    struct mynah_bytestream *b = arg;
    struct s5b *s = s5b_of(b);
    struct mynah_elem *query;

    s->dial = NULL;
    if (!conn) {
        bytestream_end(b, MYNAH_E_CONNECT, NULL);
        return;
    }
    conn_take(b, conn, rest);
    query = mynah_elem_new("query", NS_S5B);
    mynah_elem_set(query, "sid", b->sid);
    mynah_elem_add_text(query, "activate", NULL, b->peer);
    s->request =
        mynah_iq_send(b->client, MYNAH_SET, s->places.at[s->next].jid, &query, 0, activated, b);
}

static void used_own(struct mynah_bytestream *b)
{
    struct mn_buf rest = {0};
    struct mn_conn *conn = s5b_of(b)->host ? socks5_host_take(s5b_of(b)->host, &rest) : NULL;

    if (conn) {
        conn_take(b, conn, mn_buf_view(&rest));
        go(b);
    } else {
        bytestream_end(b, MYNAH_E_FORMAT, NULL); /* nobody is there */
    }
    mn_buf_free(&rest);
}

static void used(struct mynah_bytestream *b, const char *jid)
{
    struct s5b *s = s5b_of(b);
    char *canon = jid ? mynah_jid(jid) : NULL;

    for (s->next = 0; canon && s->next < s->places.count; s->next++)
        if (!strcmp(s->places.at[s->next].jid, canon))
            break;
    if (!canon || s->next == s->places.count)
        bytestream_end(b, MYNAH_E_FORMAT, NULL);
    else if (!strcmp(canon, mynah_client_jid(b->client)))
        used_own(b);
    else
        dial(b, proxy_dialled);
    mn_free(canon);
}

static void offer_answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                           const struct mynah_error *error)
{
    struct mynah_bytestream *b = arg;
    const struct mynah_elem *query = mynah_elem_child(result, "query", NS_S5B);

    (void)c;
    if (b->ended)
        return;
    s5b_of(b)->request = NULL;
    if (error)
        bytestream_fail(b, error);
    else
        used(b, mynah_elem_get(mynah_elem_child(query, "streamhost-used", NS_S5B), "jid"));
}

/* The requester: where it can be reached. */

static void own_add(struct s5b *s, const char *jid, const struct mn_addr *addr)
{
    char text[MN_ADDR_TEXT];
    char *host = text, *end;

    mn_addr_text(addr, text);
    end = strrchr(text, ':');
    if (*host == '[') {
        host++;
        end--;
    }
    *end = 0;
    place_add(&s->places, jid, host, socks5_host_port(s->host));
}

/* The interfaces'; that of the machine itself when the server is on it, too. */
static void own_places(struct mynah_bytestream *b, struct s5b *s)
{
    const char *jid = mynah_client_jid(b->client);
    struct mn_addr addrs[OWN_MAX];
    size_t n = mn_addr_local(addrs, OWN_MAX - 1);

    if (!b->client->local && all_is_here(b->client) &&
        !mn_addr_parse(MN_STR("127.0.0.1"), 0, &addrs[n]))
        n++;
    if (s->address)
        place_add(&s->places, jid, s->address, socks5_host_port(s->host));
    for (size_t i = 0; i < n && !s->address; i++)
        own_add(s, jid, &addrs[i]);
}

static void offer_send(struct mynah_bytestream *b, const struct places *proxies)
{
    struct s5b *s = s5b_of(b);
    struct mynah_elem *query = mynah_elem_new("query", NS_S5B);

    if (s->host)
        own_places(b, s);
    if (s->proxy.jid)
        place_add(&s->places, s->proxy.jid, s->proxy.host, s->proxy.port);
    for (size_t i = 0; proxies && i < proxies->count; i++)
        place_add(&s->places, proxies->at[i].jid, proxies->at[i].host, proxies->at[i].port);
    mynah_elem_set(query, "sid", b->sid);
    mynah_elem_set(query, "mode", "tcp");
    for (size_t i = 0; i < s->places.count; i++) {
        struct mynah_elem *e = mynah_elem_add(query, "streamhost", NULL);
        mynah_elem_set(e, "jid", s->places.at[i].jid);
        mynah_elem_set(e, "host", s->places.at[i].host);
        elem_set_number(e, "port", s->places.at[i].port);
    }
    if (s->places.count)
        s->request =
            mynah_iq_send(b->client, MYNAH_SET, b->peer, &query, OFFER_MS, offer_answered, b);
    else
        bytestream_end(b, MYNAH_E_MISSING, NULL);
    mynah_elem_free(query);
}

static void proxies_found(struct proxies_wait *w, const struct places *found)
{
    offer_send(((struct s5b *)w)->stream, found);
}

static void offer(struct mynah_bytestream *b, const struct mynah_bytestream_options *o)
{
    struct s5b *s = b->state = s5b_new();

    s->stream = b;
    if (o->proxy_jid && o->proxy_host)
        s->proxy = (struct place){mynah_jid(o->proxy_jid), mn_str_dup(mn_str_from(o->proxy_host)),
                                  o->proxy_port};
    s->address = o->address ? mn_str_dup(mn_str_from(o->address)) : NULL;
    dst_make(s, b->sid, mynah_client_jid(b->client), b->peer);
    /* Behind proxies nobody is to learn where we are, unless the program says so. */
    if (!o->no_direct && (!b->client->proxy_count || o->address))
        s->host = socks5_host_new(b->client->ctx, o->port, s->dst);
    s->wait.found = proxies_found;
    if (o->no_proxy || b->client->local) /* no server, none of its proxies */
        offer_send(b, NULL);
    else
        proxies_find(b->client, ext_state(b->client, &ext_socks5), &s->wait);
}

/* The target. */

static void dial_next(struct mynah_bytestream *b);

static void host_dialled(void *arg, struct mn_conn *conn, mn_str rest)
{
    struct mynah_bytestream *b = arg;
    struct s5b *s = s5b_of(b);
    struct mynah_elem *query;

    s->dial = NULL;
    if (!conn) {
        s->next++;
        dial_next(b);
        return;
    }
    query = mynah_elem_new("query", NS_S5B);
    mynah_elem_set(query, "sid", b->sid);
    mynah_elem_set(mynah_elem_add(query, "streamhost-used", NULL), "jid",
                   s->places.at[s->next].jid);
    mynah_ask_result(&b->ask, &query);
    conn_take(b, conn, rest);
    go(b);
}

static void dial_next(struct mynah_bytestream *b)
{
    struct s5b *s = s5b_of(b);

    if (s->next == s->places.count)
        bytestream_end(b, MYNAH_E_CONNECT, "item-not-found");
    else
        dial(b, host_dialled);
}

const struct bytestream_face face_socks5 = {.kind = MYNAH_SOCKS5,
                                            .offer = offer,
                                            .accept = dial_next,
                                            .write = write_,
                                            .close = close_,
                                            .stop = stop};

/* Named twice it is no better. */
static bool place_known(const struct places *p, const char *host, uint16_t port)
{
    for (size_t i = 0; i < p->count; i++)
        if (!strcmp(p->at[i].host, host) && p->at[i].port == port)
            return true;
    return false;
}

static void query_came(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    const struct mynah_elem *query = mynah_ask_payload(q);
    const char *sid = mynah_elem_get(query, "sid"), *mode = mynah_elem_get(query, "mode"),
               *dst = mynah_elem_get(query, "dstaddr");
    struct s5b *s = s5b_new();

    (void)arg;
    MYNAH_EACH(e, query, "streamhost", NS_S5B)
    {
        const char *jid = mynah_elem_get(e, "jid"), *host;
        uint16_t port;

        if (jid && place_read(e, &host, &port) && !place_known(&s->places, host, port))
            place_add(&s->places, jid, host, port);
    }
    if (!sid || !*sid || !s->places.count || (dst && strlen(dst) != SOCKS5_DST)) {
        mynah_ask_error(&q, "bad-request", NULL);
    } else if ((mode && strcmp(mode, "tcp") != 0) ||
               !bytestream_may_come(c, &face_socks5, sid, mynah_ask_from(q))) {
        mynah_ask_error(&q, "not-acceptable", NULL);
    } else {
        char *from = mynah_jid(mynah_ask_from(q));

        dst_make(s, sid, from ? from : "", mynah_client_jid(c));
        if (dst)
            snprintf(s->dst, sizeof s->dst, "%s", dst);
        mn_free(from);
        bytestream_came(c, &face_socks5, sid, s, &q);
        return;
    }
    places_free(&s->places);
    mn_free(s);
}

static void init(struct mynah_client *c, void *state)
{
    proxies_init(state);
    mynah_iq_serve(c, MYNAH_SET, NS_S5B, "query", query_came, state);
}

static void online(struct mynah_client *c, void *state, bool resumed)
{
    (void)c;
    if (!resumed)
        proxies_forget(state);
}

static void done(struct mynah_client *c, void *state)
{
    (void)c;
    proxies_forget(state);
}

const struct ext ext_socks5 = {
    .name = "socks5", .size = sizeof(struct proxies), .init = init, .online = online, .done = done};

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
#include "mynah/disco.h"
#include "mynah/jid.h"

#define NS_S5B "http://jabber.org/protocol/bytestreams"

enum {
    HOSTS_MAX = 16,
    OWN_MAX = 8, /* addresses of ours in an offer */
    PROXIES_MAX = 4,
    ITEMS_MAX = 32,    /* of the server that are asked whether they are one */
    FIND_MS = 6000,    /* for proxies; then the offer goes without */
    OFFER_MS = 150000, /* the target tries them all */
    QUEUE_MAX = 262144,
    QUEUE_LOW = 65536,
    LINGER_MS = 60000
};

struct place {
    char *jid, *host;
    uint16_t port;
};

struct places {
    struct place at[HOSTS_MAX];
    size_t count;
};

struct s5b {
    struct mn_list link; /* of those that wait for proxies */
    struct mynah_bytestream *stream;
    struct places places; /* offered to us, or by us */
    size_t next;
    char *address;
    char dst[256];
    struct socks5_host *host;
    struct socks5_dial *dial;
    struct mn_conn *conn;
    struct mn_buf early; /* bytes that came before it was open */
    struct mynah_request *request;
    struct mn_timer find; /* for proxies; for the last bytes */
};

/* The proxies of the account's server, found once a session. */
struct proxies {
    struct places places;
    struct mn_list waiting;
    unsigned open; /* questions */
    bool found;
};

static struct s5b *s5b_of(struct mynah_bytestream *b)
{
    return b->state;
}

static void place_add(struct places *p, const char *jid, const char *host, uint16_t port)
{
    if (p->count < HOSTS_MAX)
        p->at[p->count++] =
            (struct place){mn_str_dup(mn_str_from(jid)), mn_str_dup(mn_str_from(host)), port};
}

static void places_free(struct places *p)
{
    for (size_t i = 0; i < p->count; i++) {
        mn_free(p->at[i].jid);
        mn_free(p->at[i].host);
    }
    p->count = 0;
}

/* A <streamhost/>; false: not one that can be used. */
static bool place_read(const struct mynah_elem *e, const char **host, uint16_t *port)
{
    uint64_t n;

    *host = mynah_elem_get(e, "host");
    if (!*host || !**host || strlen(*host) > 255 || !elem_number(e, "port", 65535, &n) || !n)
        return false;
    *port = (uint16_t)n;
    return true;
}

static void stop(struct mynah_bytestream *b)
{
    struct s5b *s = s5b_of(b);
    struct mynah_request *r = s->request;

    s->request = NULL;
    mynah_cancel(r);
    mn_list_del(&s->link);
    mn_timer_stop(&s->find);
    socks5_host_free(s->host);
    socks5_dial_free(s->dial);
    if (s->conn)
        mn_conn_close(s->conn, 0);
    places_free(&s->places);
    mn_buf_free(&s->early);
    mn_free(s->address);
    mn_free(s);
}

static struct s5b *s5b_new(void)
{
    struct s5b *s = MN_NEW(struct s5b);

    mn_list_init(&s->link);
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
    bytestream_end(MN_OF(t, struct s5b, find)->stream, MYNAH_E_TIMEOUT, NULL);
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
    s->find.fire = close_timed;
    mn_timer_start(b->client->ctx->loop, &s->find, LINGER_MS);
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
        s->dial = socks5_dial(b->client->ctx, s->places.at[s->next].host,
                              s->places.at[s->next].port, s->dst, proxy_dialled, b);
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
    struct mn_conn *conn = b->client->stream ? stream_conn(b->client->stream) : NULL;
    const struct mn_addr *server = conn ? mn_conn_peer(conn) : NULL;
    struct mn_addr addrs[OWN_MAX];
    size_t n = mn_addr_local(addrs, OWN_MAX - 1);

    if (server && mn_addr_is_loopback(server) && !mn_addr_parse(MN_STR("127.0.0.1"), 0, &addrs[n]))
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

/* The requester: proxies (XEP-0065, 4). */

struct probe {
    struct proxies *proxies;
    char *jid;
};

static void probe_over(struct proxies *p)
{
    if (--p->open)
        return;
    p->found = true;
    while (!mn_list_empty(&p->waiting)) {
        struct s5b *s = MN_OF(p->waiting.next, struct s5b, link);

        mn_list_del(&s->link);
        mn_timer_stop(&s->find);
        offer_send(s->stream, &p->places);
    }
}

static void find_timed(struct mn_timer *t)
{
    struct s5b *s = MN_OF(t, struct s5b, find);

    mn_list_del(&s->link);
    offer_send(s->stream, NULL);
}

static void probe_free(struct probe *x)
{
    struct proxies *p = x->proxies;

    mn_free(x->jid);
    mn_free(x);
    probe_over(p);
}

static void address_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                         const struct mynah_error *error)
{
    struct probe *x = arg;
    const struct mynah_elem *query = mynah_elem_child(result, "query", NS_S5B);
    const char *host;
    uint16_t port;

    (void)c;
    (void)error;
    if (x->proxies->places.count < PROXIES_MAX &&
        place_read(mynah_elem_child(query, "streamhost", NS_S5B), &host, &port))
        place_add(&x->proxies->places, x->jid, host, port);
    probe_free(x);
}

static void info_came(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                      const struct mynah_error *error)
{
    struct probe *x = arg;
    struct mynah_elem *query;

    if (error || !mynah_disco_is(info, "proxy", "bytestreams")) {
        probe_free(x);
        return;
    }
    query = mynah_elem_new("query", NS_S5B);
    mynah_iq_send(c, MYNAH_GET, x->jid, &query, 0, address_came, x);
}

static void items_came(void *arg, struct mynah_client *c, const struct mynah_item *items,
                       size_t count, const struct mynah_error *error)
{
    struct proxies *p = arg;

    (void)error;
    for (size_t i = 0; i < count && i < ITEMS_MAX; i++) {
        char *jid = mynah_jid(items[i].jid);
        struct probe *x;

        if (!jid || items[i].node) {
            mn_free(jid);
            continue;
        }
        x = MN_NEW(struct probe);
        *x = (struct probe){p, jid};
        p->open++;
        mynah_disco_info(c, jid, NULL, info_came, x);
    }
    probe_over(p);
}

static void offer(struct mynah_bytestream *b, const struct mynah_bytestream_options *o)
{
    struct proxies *p = ext_state(b->client, &ext_socks5);
    struct s5b *s = b->state = s5b_new();

    s->stream = b;
    s->address = o->address ? mn_str_dup(mn_str_from(o->address)) : NULL;
    dst_make(s, b->sid, mynah_client_jid(b->client), b->peer);
    if (!o->no_direct)
        s->host = socks5_host_new(b->client->ctx, o->port, s->dst);
    if (o->no_proxy || p->found || b->client->local) { /* no server, none of its proxies */
        offer_send(b, o->no_proxy ? NULL : &p->places);
        return;
    }
    mn_list_add(&p->waiting, &s->link);
    s->find.fire = find_timed;
    mn_timer_start(b->client->ctx->loop, &s->find, FIND_MS);
    if (p->open)
        return;
    p->open = 1;
    mynah_disco_items(b->client, NULL, NULL, items_came, p);
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
        s->dial = socks5_dial(b->client->ctx, s->places.at[s->next].host,
                              s->places.at[s->next].port, s->dst, host_dialled, b);
}

static void accept_(struct mynah_bytestream *b)
{
    dial_next(b);
}

const struct bytestream_face face_socks5 = {.kind = MYNAH_SOCKS5,
                                            .offer = offer,
                                            .accept = accept_,
                                            .write = write_,
                                            .close = close_,
                                            .stop = stop};

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

        if (jid && place_read(e, &host, &port))
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
    struct proxies *p = state;

    mn_list_init(&p->waiting);
    mynah_iq_serve(c, MYNAH_SET, NS_S5B, "query", query_came, state);
}

static void online(struct mynah_client *c, void *state, bool resumed)
{
    struct proxies *p = state;

    (void)c;
    if (resumed)
        return;
    places_free(&p->places);
    p->found = false;
}

static void done(struct mynah_client *c, void *state)
{
    (void)c;
    places_free(&((struct proxies *)state)->places);
}

const struct ext ext_socks5 = {
    .name = "socks5", .size = sizeof(struct proxies), .init = init, .online = online, .done = done};

#include "mynah/bytestream.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/crypt.h"
#include "client/socks5.h"
#include "unit/client/talk.h"

#define S5B "http://jabber.org/protocol/bytestreams"
#define OFFER(id, sid, more, hosts)                                                                \
    "><iq type='set' id='" id "' from='a@y.test/1'><query xmlns='" S5B "' " sid more ">" hosts     \
    "</query></iq>"

static struct mynah_bytestream *last;

static void opened(void *arg, struct mynah_bytestream *b)
{
    (void)arg;
    note("opened:%s/%s", mynah_bytestream_peer(b), mynah_bytestream_sid(b));
    last = b;
}

static void bytes(void *arg, struct mynah_bytestream *b, const void *p, size_t n)
{
    (void)arg;
    (void)b;
    note("bytes:%.*s", (int)n, (const char *)p);
}

static void closed(void *arg, struct mynah_bytestream *b, const struct mynah_error *why)
{
    (void)arg;
    (void)b;
    note("closed:%d%s", why ? why->code : 0, why && why->condition ? why->condition : "");
}

static const struct mynah_bytestream_calls calls = {
    .size = sizeof calls, .opened = opened, .bytes = bytes, .closed = closed};

static void offered(void *arg, struct mynah_client *c, struct mynah_bytestream *b)
{
    (void)arg;
    (void)c;
    if (!strcmp(mynah_bytestream_sid(b), "no"))
        mynah_bytestream_refuse(b);
    else
        mynah_bytestream_accept(b, &calls, NULL);
}

/* The other side's end of the connection. */

static struct mn_conn *other;
static struct mn_buf got;
static bool refused, over;

static void other_bytes(void *arg, mn_str in)
{
    (void)arg;
    mn_buf_str(&got, in);
}

static void other_closed(void *arg, int why)
{
    (void)arg;
    over = why == MN_E_CLOSED;
}

static const struct mn_conn_face face = {other_bytes, other_closed, NULL, NULL};

static void dialled(void *arg, struct mn_conn *conn, mn_str rest)
{
    (void)arg;
    (void)rest;
    refused = !conn;
    other = conn;
    if (!conn)
        return;
    mn_conn_face(conn, &face, NULL);
    mn_conn_pause(conn, false);
}

static void dial_to(const char *port, const char *dst)
{
    const uint16_t n = (uint16_t)strtoul(port, NULL, 10);
    const struct way_plan way = {
        .dial = {"127.0.0.1", "127.0.0.1", n, MN_DIAL_STARTTLS}, .host = "127.0.0.1", .port = n};

    socks5_dial(talk.ctx, &way, dst, dialled, NULL);
}

static void other_take(struct socks5_host *h)
{
    struct mn_buf rest = {0};

    other = socks5_host_take(h, &rest);
    CHECK(other);
    mn_conn_face(other, &face, NULL);
    mn_conn_pause(other, false);
    mn_buf_free(&rest);
}

static void other_done(void)
{
    if (other)
        mn_conn_close(other, 0);
    other = NULL;
    mn_buf_free(&got);
    refused = over = false;
}

static bool is_dialled(void)
{
    return other;
}
static bool is_refused(void)
{
    return refused;
}
static bool is_over(void)
{
    return over;
}
static bool is_open(void)
{
    return noted("opened");
}
static bool is_closed(void)
{
    return noted("closed");
}
static bool has_bytes(void)
{
    return noted("bytes");
}
static bool has_got(void)
{
    return got.n >= 5;
}

static const char *dst_of(const char *sid, const char *from, const char *to)
{
    static char text[64];
    const mn_str pieces[] = {mn_str_from(sid), mn_str_from(from), mn_str_from(to)};
    struct mn_arena a = {0};
    char sum[MN_DIGEST_MAX];
    size_t n = mn_digest_of(MN_SHA1, pieces, 3, sum);

    snprintf(text, sizeof text, "%.*s", MN_ARG(mn_hex((mn_str){sum, n}, &a)));
    mn_arena_done(&a, NULL);
    return text;
}

/* What stands behind the last `mark` that the client said, up to a quote. */
static void said(const char *mark, char out[64])
{
    mn_str all = mn_buf_view(&talk.server.all), v = {0};
    size_t n = strlen(mark);

    for (size_t i = 0; i + n < all.n; i++)
        if (!memcmp(all.p + i, mark, n))
            v = mn_str_cut(mn_str_skip(all, i + n), '\'', &(mn_str){0});
    snprintf(out, 64, "%.*s", MN_ARG(v));
}

static bool has_offered(void)
{
    char port[64];

    said(" port='", port);
    return *port;
}

/* The last question of the client is answered: `jid` was used. */
static void say_used(const char *jid)
{
    char id[64], text[400];

    said("<iq type='set' id='", id);
    snprintf(text, sizeof text,
             "<iq type='result' id='%s' from='a@y.test/1'><query xmlns='" S5B
             "'><streamhost-used jid='%s'/></query></iq>",
             id, jid);
    mn_conn_write(talk.server.conn, mn_str_from(text));
}

static const char *const waits[] = {LOGIN(""), "<never", NULL};

static void offer(const struct mynah_bytestream_options *o)
{
    talk_start(waits, NULL);
    talk_until(talk_online);
    CHECK(mynah_bytestream_open(talk.c, MYNAH_SOCKS5, "a@y.test/1", o, &calls, NULL));
    talk_until(has_offered);
}

static const struct mynah_bytestream_options direct = {
    .size = sizeof direct, .sid = "s", .no_proxy = true};

TEST(who_asks_for_the_right_thing_is_the_other_side)
{
    const char *dst = dst_of("s", "u@x.test/r", "a@y.test/1");
    char port[64];

    offer(&direct);
    said(" port='", port);
    dial_to(port, "guess");
    talk_until(is_refused);
    dial_to(port, dst);
    talk_until(is_dialled);
    mn_conn_write(other, MN_STR("early"));
    say_used("u@x.test/r");
    talk_until(has_bytes);
    CHECK_INT(mynah_bytestream_write(last, "hello", 5), 5);
    talk_until(has_got);
    CHECK_STR(mn_buf_view(&got), "hello");
    mynah_bytestream_close(last);
    talk_until(is_over);
    talk_until(is_closed);
    other_done();
    talk_end("online opened:a@y.test/1/s bytes:early closed:0");
}

TEST(who_only_connects_is_in_nobodys_way)
{
    const char *dst = dst_of("s", "u@x.test/r", "a@y.test/1");
    char port[64];
    int idle[20];
    struct mn_addr at;

    offer(&direct);
    said(" port='", port);
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), (uint16_t)strtoul(port, NULL, 10), &at), 0);
    for (size_t i = 0; i < MN_COUNT(idle); i++) {
        idle[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK_INT(connect(idle[i], &at.sa, mn_addr_len(&at)), 0);
    }
    dial_to(port, dst);
    talk_until(is_dialled);
    say_used("u@x.test/r");
    talk_until(is_open);
    other_done();
    for (size_t i = 0; i < MN_COUNT(idle); i++)
        close(idle[i]);
    talk_end(NULL);
}

TEST(who_says_what_cannot_be)
{
    static const char *const jids[] = {"u@x.test/r", "proxy.x.test", ""};

    for (size_t i = 0; i < MN_COUNT(jids); i++) {
        offer(&direct);
        say_used(jids[i]);
        talk_until(is_closed);
        talk_end("online closed:-15");
    }
}

TEST(what_waits_is_bounded_and_an_early_end_is_told)
{
    const char *dst = dst_of("s", "u@x.test/r", "a@y.test/1");
    static char text[8 << 20];
    char port[64];

    offer(&direct);
    said(" port='", port);
    dial_to(port, dst);
    talk_until(is_dialled);
    mn_conn_pause(other, true);
    say_used("u@x.test/r");
    talk_until(is_open);
    CHECK_INT(mynah_bytestream_write(last, text, sizeof text), 262144);
    CHECK_INT(mynah_bytestream_write(last, text, sizeof text), 0);
    for (int idle = 0; idle < 20; idle++) { /* until the kernel takes no more */
        mn_loop_turn(talk.ctx->loop, 10);
        if (mynah_bytestream_write(last, text, sizeof text))
            idle = 0;
    }
    mn_conn_close(other, 0);
    other = NULL;
    talk_until(is_closed);
    other_done();
    talk_end("online opened:a@y.test/1/s closed:-13");
}

static void by_proxy(const char *activated, const char *notes)
{
    struct mynah_bytestream_options o = {.size = sizeof o, .sid = "s", .no_direct = true};
    struct socks5_host *h;
    char address[300];
    const char *const lines[] = {
        LOGIN(""),
        "<type='get' id='",
        "><iq type='result' id='%1' from='x.test'><query "
        "xmlns='http://jabber.org/protocol/disco#items'><item jid='p.x.test'/></query></iq>",
        "<type='get' id='",
        "><iq type='result' id='%1' from='p.x.test'><query "
        "xmlns='http://jabber.org/protocol/disco#info'><identity category='proxy' "
        "type='bytestreams'/></query></iq>",
        "<type='get' id='",
        address,
        "<type='set' id='",
        "><iq type='result' id='%1' from='a@y.test/1'><query xmlns='" S5B
        "'><streamhost-used jid='P.x.test'/></query></iq>",
        "<<streamhost jid='p.x.test' host='127.0.0.1'",
        "<type='set' id='",
        activated,
        "< sid='s'><activate>a@y.test/1</activate>",
        END};

    talk_start(lines, NULL);
    h = socks5_host_new(talk.ctx, 0, dst_of("s", "u@x.test/r", "a@y.test/1"));
    snprintf(address, sizeof address,
             "><iq type='result' id='%%1' from='p.x.test'><query xmlns='" S5B
             "'><streamhost jid='p.x.test' host='127.0.0.1' port='%u'/></query></iq>",
             socks5_host_port(h));
    talk_until(talk_online);
    CHECK(mynah_bytestream_open(talk.c, MYNAH_SOCKS5, "a@y.test/1", &o, &calls, NULL));
    talk_until(talk_done);
    if (noted("opened")) {
        other_take(h);
        mynah_bytestream_write(last, "hello", 5);
        talk_until(has_got);
        mn_conn_close(other, 0);
        other = NULL;
    }
    talk_until(is_closed);
    socks5_host_free(h);
    other_done();
    talk_end(notes);
}

TEST(a_proxy_of_the_server_is_found_dialled_and_activated)
{
    by_proxy("><iq type='result' id='%1' from='p.x.test'/>", "online opened:a@y.test/1/s closed:0");
    by_proxy("><iq type='error' id='%1' from='p.x.test'><error type='auth'><not-authorized "
             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
             "online closed:-10not-authorized");
}

TEST(a_proxy_may_be_chosen)
{
    const struct mynah_bytestream_options o = {.size = sizeof o,
                                               .sid = "s",
                                               .no_proxy = true,
                                               .no_direct = true,
                                               .proxy_jid = "Q.test",
                                               .proxy_host = "q",
                                               .proxy_port = 7};
    static const char *const lines[] = {
        LOGIN(""), "<<streamhost jid='q.test' host='q' port='7'/></query>", END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    CHECK(mynah_bytestream_open(talk.c, MYNAH_SOCKS5, "a@y.test/1", &o, &calls, NULL));
    talk_until(talk_done);
    talk_end(NULL);
}

TEST(without_any_way_none_is_offered)
{
    const struct mynah_bytestream_options o = {
        .size = sizeof o, .sid = "s", .no_proxy = true, .no_direct = true};

    talk_start(waits, NULL);
    talk_until(talk_online);
    CHECK(mynah_bytestream_open(talk.c, MYNAH_SOCKS5, "a@y.test/1", &o, &calls, NULL));
    talk_until(is_closed);
    talk_end("online closed:-14");
}

#define HOST(jid, port) "<streamhost jid='" jid "' host='127.0.0.1' port='" port "'/>"

TEST(theirs_are_tried_in_their_order_until_one_will)
{
    struct socks5_host *wrong, *good;
    char hosts[600];
    const char *const lines[] = {LOGIN(""), hosts, "<type='result' id='1'",
                                 "<<streamhost-used jid='good.test'/>", END};

    talk_start(lines, NULL);
    mynah_bytestream_serve(talk.c, offered, NULL);
    wrong = socks5_host_new(talk.ctx, 0, dst_of("x", "a@y.test/1", "u@x.test/r"));
    good = socks5_host_new(talk.ctx, 0, dst_of("s", "a@y.test/1", "u@x.test/r"));
    snprintf(hosts, sizeof hosts,
             OFFER("1", "sid='s'", "",
                   HOST("none.test", "0") HOST("closed.test", "1") HOST("wrong.test", "%u")
                       HOST("good.test", "%u") HOST("good2.test", "%u")),
             socks5_host_port(wrong), socks5_host_port(good), socks5_host_port(good));
    talk_until(talk_done);
    other_take(good);
    mn_conn_write(other, MN_STR("hello"));
    talk_until(has_bytes);
    mynah_bytestream_write(last, "HELLO", 5);
    talk_until(has_got);
    mn_conn_close(other, 0);
    other = NULL;
    talk_until(is_closed);
    socks5_host_free(wrong);
    socks5_host_free(good);
    other_done();
    talk_end("online opened:a@y.test/1/s bytes:hello closed:0");
}

TEST(offers_that_lead_nowhere)
{
    static const char *const lines[] = {
        LOGIN(""),
        OFFER("1", "", "", HOST("a", "1")),
        "< id='1'",
        "<<bad-request",
        OFFER("2", "sid='s'", "", ""),
        "< id='2'",
        "<<bad-request",
        OFFER("3", "sid='s'", "", HOST("a", "65536") "<streamhost jid='b' host='' port='1'/>"),
        "< id='3'",
        "<<bad-request",
        OFFER("4", "sid='s'", " dstaddr='../../etc'", HOST("a", "1")),
        "< id='4'",
        "<<bad-request",
        OFFER("5", "sid='s'", " mode='udp'", HOST("a", "1")),
        "< id='5'",
        "<<not-acceptable",
        OFFER("6", "sid='no'", "", HOST("a", "1")),
        "< id='6'",
        "<<not-acceptable",
        OFFER("7", "sid='s'", "", HOST("a", "1")),
        "< id='7'",
        "<<item-not-found",
        END};

    talk_start(lines, NULL);
    mynah_bytestream_serve(talk.c, offered, NULL);
    talk_until(talk_done);
    talk_until(is_closed);
    talk_end("online closed:-4item-not-found");
}

/* Stream hosts of somebody hostile. */

static struct {
    struct mn_listener *listener;
    mn_str says; /* to whoever connects */
    struct mn_conn *conns[20];
    size_t count;
} liar;

static void liar_bytes(void *arg, mn_str in)
{
    (void)arg;
    (void)in;
}

static void liar_closed(void *arg, int why)
{
    struct mn_conn **conn = arg;

    (void)why;
    mn_conn_close(*conn, 0);
    *conn = NULL;
}

static const struct mn_conn_face liar_face = {liar_bytes, liar_closed, NULL, NULL};

static void liar_met(void *arg, int fd, const struct mn_addr *peer)
{
    struct mn_conn **conn = &liar.conns[liar.count++];

    (void)arg;
    (void)peer;
    MN_ASSERT(liar.count <= MN_COUNT(liar.conns));
    *conn = mn_conn_tcp(talk.ctx->loop, fd, &liar_face, conn);
    mn_conn_write(*conn, liar.says);
}

static unsigned liar_begin(mn_str says)
{
    struct mn_buf why = {0};
    struct mn_addr at;

    liar.says = says;
    liar.count = 0;
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK_INT(mn_listen(talk.ctx->loop, &at, liar_met, NULL, &liar.listener, &why), 0);
    mn_buf_free(&why);
    return mn_addr_port(mn_listener_addr(liar.listener));
}

static bool liar_alone(void)
{
    size_t n = 0;

    for (size_t i = 0; i < liar.count; i++)
        n += liar.conns[i] != NULL;
    return !n;
}

static void liar_end(void)
{
    mn_listener_free(liar.listener);
    for (size_t i = 0; i < liar.count; i++)
        if (liar.conns[i])
            mn_conn_close(liar.conns[i], 0);
}

static void hosts_offered(const struct mn_buf *hosts)
{
    mn_conn_write(talk.server.conn, MN_STR("<iq type='set' id='1' from='a@y.test/1'><query sid='s' "
                                           "xmlns='" S5B "'>"));
    mn_conn_write(talk.server.conn, mn_buf_view(hosts));
    mn_conn_write(talk.server.conn, MN_STR("</query></iq>"));
}

static void host_add(struct mn_buf *b, const char *jid, const char *host, const char *port)
{
    mn_buf_fmt(b, "<streamhost jid='%s' host='%s' port='%s'/>", jid, host, port);
}

TEST(thousands_of_hosts_that_are_none_do_not_hide_the_one_that_is)
{
    static const struct {
        const char *host, *port;
    } bad[] = {{"0.0.0.0", "0"},
               {"127.0.0.1", "-1"},
               {"127.0.0.1", "65536"},
               {"127.0.0.1", "x"},
               {"255.255.255.255", "1"},
               {"224.0.0.1", "1"},
               {"fe80::1", "1"},
               {"::ffff:224.0.0.1", "1"},
               {"ff02::1", "1"},
               {"", "1"},
               {" ", "1"},
               {"a..b", "1"}};
    struct socks5_host *good;
    struct mn_buf hosts = {0};
    char port[8], name[400];

    talk_start(waits, NULL);
    mynah_bytestream_serve(talk.c, offered, NULL);
    talk_until(talk_online);
    good = socks5_host_new(talk.ctx, 0, dst_of("s", "a@y.test/1", "u@x.test/r"));
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    host_add(&hosts, "long.test", name, "1");
    for (size_t i = 0; i < MN_COUNT(bad); i++)
        host_add(&hosts, "bad.test", bad[i].host, bad[i].port);
    for (size_t i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "%zu.test", i);
        host_add(&hosts, name, "127.0.0.1", "1");
    }
    snprintf(port, sizeof port, "%u", socks5_host_port(good));
    host_add(&hosts, "good.test", "127.0.0.1", port);
    hosts_offered(&hosts);
    talk_until(is_open);
    socks5_host_free(good);
    mn_buf_free(&hosts);
    talk_end(NULL);
}

TEST(who_accepts_and_is_no_stream_host_is_left)
{
    static const struct {
        const char *says;
        size_t n;
        int64_t after_ms; /* nothing moves: so long is waited */
    } rows[] = {
        {"", 0, 9000},
        {"\5", 1, 9000},
        {"\4\0", 2, 0},
        {"\5\1", 2, 0},
        {"\5\xff", 2, 0},
        {"\5\0", 2, 9000},
        {"\5\0\5\0\0\3\xff"
         "x",
         8, 9000},
        {"\5\0\5\0\0\0\0\0\0\0", 10, 0},
        {"\5\0\5\2\0\3\0\0\0", 9, 0},
        {"\5\0HTTP/1.1 400 Bad Request\r\n\r\n", 30, 0},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_buf hosts = {0};
        char port[8];

        talk_start(waits, NULL);
        mynah_bytestream_serve(talk.c, offered, NULL);
        talk_until(talk_online);
        snprintf(port, sizeof port, "%u", liar_begin(mn_str_make(rows[i].says, rows[i].n)));
        host_add(&hosts, "liar.test", "127.0.0.1", port);
        host_add(&hosts, "again.test", "127.0.0.1", port);
        hosts_offered(&hosts);
        for (int j = 0; j < 500 && !liar.count; j++)
            mn_loop_turn(talk.ctx->loop, 10);
        for (int j = 0; j < 5; j++)
            mn_loop_turn(talk.ctx->loop, 1);
        if (rows[i].after_ms) {
            CHECK(!noted("closed"));
            mn_clock_set(mn_clock_now() + rows[i].after_ms, mn_clock_wall());
        }
        talk_until(is_closed);
        mn_clock_set(-1, 0);
        talk_until(liar_alone);
        CHECK_INT(liar.count, 1);
        liar_end();
        mn_buf_free(&hosts);
        talk_end("online closed:-4item-not-found");
    }
}

/* Neither where we are nor whom we talk to goes past them. */
TEST(behind_proxies_nothing_is_dialled_or_told_directly)
{
    static const char *const lines[] = {"<CONNECT x.test:5222 HTTP/1.1", ">HTTP/1.1 200 OK\r\n\r\n",
                                        LOGIN(""), "<never", NULL};
    struct mynah_client_config config = {
        .proxies = "http://127.0.0.1:", .no_reconnect = true, .no_roster = true};
    struct mn_buf hosts = {0};
    char port[8];

    talk_start(lines, &config);
    mynah_bytestream_serve(talk.c, offered, NULL);
    talk_until(talk_online);
    snprintf(port, sizeof port, "%u", liar_begin(MN_STR("")));
    host_add(&hosts, "liar.test", "127.0.0.1", port);
    hosts_offered(&hosts);
    talk_until(is_closed);
    CHECK_INT(liar.count, 0);
    CHECK(talk.server.refused); /* the proxy was asked once more */
    talk.server.refused = false;
    CHECK(mynah_bytestream_open(talk.c, MYNAH_SOCKS5, "a@y.test/1", &direct, &calls, NULL));
    for (int i = 0; i < 5; i++)
        mn_loop_turn(talk.ctx->loop, 1);
    liar_end();
    mn_buf_free(&hosts);
    talk_end("online closed:-4item-not-found closed:-14");
}

static size_t times_said(const char *text)
{
    mn_str all = mn_buf_view(&talk.server.all);
    size_t n = 0, len = strlen(text);

    for (size_t i = 0; i + len <= all.n; i++)
        n += !memcmp(all.p + i, text, len);
    return n;
}

static bool has_asked(void)
{
    return times_said("disco#info' ") || times_said("disco#info'/>");
}

/* A server lists what it has without end, itself and the same again among it, each of which would
 * list the others; the offer goes all the same. */
TEST(of_what_a_server_has_little_is_asked_whether_it_is_a_proxy)
{
    static const struct mynah_bytestream_options o = {.size = sizeof o, .sid = "s"};
    static const char *const lines[] = {LOGIN(""), "<disco#items", "<never", NULL};
    struct mn_buf items = {0};
    char id[64];

    talk_start(lines, NULL);
    talk_until(talk_online);
    CHECK(mynah_bytestream_open(talk.c, MYNAH_SOCKS5, "a@y.test/1", &o, &calls, NULL));
    CHECK(mynah_bytestream_open(talk.c, MYNAH_SOCKS5, "a@y.test/1", NULL, &calls, NULL));
    TALK_UNTIL(talk.server.at >= MN_COUNT(lines) - 2);
    said("<iq type='get' id='", id);
    mn_buf_fmt(&items,
               "<iq type='result' id='%s' from='x.test'><query "
               "xmlns='http://jabber.org/protocol/disco#items'><item jid='x.test'/>",
               id);
    for (unsigned i = 0; i < 20000; i++)
        mn_buf_fmt(&items, "<item jid='%u.x.test'/><item jid='x.test' node='%u'/>", i / 2, i);
    mn_buf_lit(&items, "</query></iq>");
    mn_conn_write(talk.server.conn, mn_buf_view(&items));
    talk_until(has_asked);
    for (int i = 0; i < 5; i++)
        mn_loop_turn(talk.ctx->loop, 1);
    CHECK(times_said("disco#info") <= 32);
    CHECK_INT(times_said("disco#items"), 1);
    CHECK(!has_offered());
    mn_clock_set(mn_clock_now() + 7000, mn_clock_wall());
    talk_until(has_offered);
    mn_clock_set(-1, 0);
    mn_buf_free(&items);
    talk_end("online");
}

/* Dialling with a name server of our own on loopback, listeners on other addresses of 127.0.0.0/8.
 */
#include "net/dial.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"
#include "net/listen.h"
#include "test.h"

struct record {
    const char *name;
    int type;         /* 1 A, 28 AAAA, 33 SRV */
    const char *data; /* NULL: questions for it are never answered */
    bool open;        /* SRV: the port is that of the listener */
};

static struct {
    struct mn_loop *loop;
    struct mn_watch watch;
    const struct record *records;
    struct mn_listener *listener;
    unsigned listener_port;
    char servers[40];
    /* What is asked for `held` is answered when somebody asks for `until`, or at zone_release. */
    const char *held, *until;
    struct {
        unsigned char in[512];
        size_t n;
        struct mn_addr from;
    } kept;
} zone;

static void put16(struct mn_buf *b, unsigned v)
{
    mn_buf_c(b, (char)(v >> 8));
    mn_buf_c(b, (char)v);
}

static void put_name(struct mn_buf *b, mn_str name)
{
    while (name.n) {
        mn_str label = mn_str_cut(name, '.', &name);

        mn_buf_c(b, (char)label.n);
        mn_buf_str(b, label);
    }
    mn_buf_c(b, 0);
}

static void put_data(struct mn_buf *b, const struct record *r)
{
    struct mn_addr addr;
    unsigned priority, weight, port;
    char target[64] = "";
    struct mn_buf data = {0};

    if (r->type == 33) {
        CHECK(sscanf(r->data, "%u %u %u %63s", &priority, &weight, &port, target) == 4);
        put16(&data, priority);
        put16(&data, weight);
        put16(&data, r->open ? zone.listener_port : port);
        put_name(&data, mn_str_is(mn_str_from(target), ".") ? MN_STR("") : mn_str_from(target));
    } else {
        CHECK_INT(mn_addr_parse(mn_str_from(r->data), 0, &addr), 0);
        if (r->type == 1)
            mn_buf_add(&data, &addr.v4.sin_addr, 4);
        else
            mn_buf_add(&data, &addr.v6.sin6_addr, 16);
    }
    put16(b, (unsigned)data.n);
    mn_buf_str(b, mn_buf_view(&data));
    mn_buf_free(&data);
}

/* Name and type of the one question; returns its length. */
static size_t question(const unsigned char *p, size_t n, struct mn_buf *name, int *type)
{
    size_t at = 12;

    while (at < n && p[at]) {
        if (name->n)
            mn_buf_c(name, '.');
        mn_buf_add(name, p + at + 1, p[at]);
        at += p[at] + 1u;
    }
    *type = p[at + 1] * 256 + p[at + 2];
    return at + 5 - 12;
}

static void answer(const unsigned char *in, size_t n, const struct mn_addr *to)
{
    struct mn_buf name = {0}, out = {0}, answers = {0};
    int type, count = 0, known = 0;
    bool mute = false;
    size_t q = question(in, n, &name, &type);

    for (const struct record *r = zone.records; r->name; r++) {
        if (!mn_str_eq_nocase(mn_buf_view(&name), mn_str_from(r->name)))
            continue;
        known = 1;
        if (r->type != type)
            continue;
        mute = !r->data;
        if (mute)
            break;
        count++;
        put16(&answers, 0xc00c);
        put16(&answers, (unsigned)type);
        put16(&answers, 1);
        put16(&answers, 0);
        put16(&answers, 60);
        put_data(&answers, r);
    }
    mn_buf_add(&out, in, 2);
    put16(&out, known ? 0x8180 : 0x8183);
    put16(&out, 1);
    put16(&out, (unsigned)count);
    put16(&out, 0);
    put16(&out, 0);
    mn_buf_add(&out, in + 12, q);
    mn_buf_str(&out, mn_buf_view(&answers));
    if (!mute)
        CHECK(sendto(zone.watch.fd, out.p, out.n, 0, &to->sa, sizeof to->v4) == (ssize_t)out.n);
    mn_buf_free(&name);
    mn_buf_free(&out);
    mn_buf_free(&answers);
}

static void zone_release(void)
{
    zone.held = NULL;
    if (zone.kept.n)
        answer(zone.kept.in, zone.kept.n, &zone.kept.from);
    zone.kept.n = 0;
}

static void asked(struct mn_watch *w, unsigned events)
{
    unsigned char in[512];
    struct mn_addr from;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(w->fd, in, sizeof in, 0, &from.sa, &len);
    struct mn_buf name = {0};
    int type;

    (void)events;
    if (n < 17)
        return;
    question(in, (size_t)n, &name, &type);
    if (zone.held && mn_str_is(mn_buf_view(&name), zone.held)) {
        memcpy(zone.kept.in, in, (size_t)n);
        zone.kept.n = (size_t)n;
        zone.kept.from = from;
    } else {
        answer(in, (size_t)n, &from);
    }
    if (zone.until && mn_str_is(mn_buf_view(&name), zone.until))
        zone_release();
    mn_buf_free(&name);
}

static void accepted(void *arg, int fd, const struct mn_addr *peer)
{
    (void)peer;
    ++*(int *)arg;
    close(fd);
}

/* The name server, and a listener on 127.0.7.1. */
static struct mn_loop *zone_open(const struct record *records)
{
    static int came;
    struct mn_addr at;
    struct mn_buf why = {0};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK(!bind(fd, &at.sa, mn_addr_len(&at)) && !getsockname(fd, &at.sa, &len));
    snprintf(zone.servers, sizeof zone.servers, "127.0.0.1:%u", mn_addr_port(&at));
    zone.loop = mn_loop_new(MN_LOOP_EPOLL);
    zone.watch = (struct mn_watch){fd, MN_READ, asked};
    mn_loop_watch(zone.loop, &zone.watch);
    zone.records = records;
    CHECK_INT(mn_addr_parse(MN_STR("127.0.7.1"), 0, &at), 0);
    CHECK_INT(mn_listen(zone.loop, &at, accepted, &came, &zone.listener, &why), 0);
    zone.listener_port = mn_addr_port(mn_listener_addr(zone.listener));
    mn_buf_free(&why);
    return zone.loop;
}

static void zone_close(void)
{
    mn_listener_free(zone.listener);
    mn_loop_unwatch(zone.loop, &zone.watch);
    close(zone.watch.fd);
    mn_loop_free(zone.loop);
}

struct end {
    bool done;
    int code, times;
    struct mn_dial_found found;
    char host[64], why[400];
};

static void dialled(void *arg, int code, const struct mn_dial_found *found, const char *why)
{
    struct end *e = arg;

    e->done = true;
    e->times++;
    e->code = code;
    if (found) {
        e->found = *found;
        snprintf(e->host, sizeof e->host, "%s", found->host);
    }
    snprintf(e->why, sizeof e->why, "%s", why ? why : "");
}

static struct mn_dial *dial(struct mn_loop *l, const struct mn_dial_plan *plan, struct end *e)
{
    struct mn_dial_plan p = *plan;
    struct mn_dial *d;

    p.dns = zone.servers;
    *e = (struct end){0};
    d = mn_dial(l, &p, dialled, e);
    CHECK(!e->done);
    for (int i = 0; i < 3000 && !e->done; i++)
        mn_loop_turn(l, 20);
    CHECK(e->done);
    return d;
}

TEST(a_domain_is_dialled_as_its_records_say)
{
    /* The listener stands on 127.0.7.1; on the same port of the other addresses nobody does. */
    static const struct record records[] = {
        {"_xmpp-client._tcp.two.test", 33, "10 0 0 dead.test", true},
        {"_xmpp-client._tcp.two.test", 33, "20 0 0 live.test", true},
        {"_xmpps-client._tcp.tls.test", 33, "5 0 0 live.test", true},
        {"_xmpp-client._tcp.tls.test", 33, "10 0 0 live.test", true},
        {"_xmpp-client._tcp.gone.test", 33, "0 0 0 .", false},
        {"_xmpps-client._tcp.gone.test", 33, "0 0 0 .", false},
        {"_xmpp-client._tcp.localhost", 33, "0 0 0 live.test", true},
        {"_xmpp-client._tcp.a.LOCALHOST", 33, "0 0 0 live.test", true},
        {"_xmpp-client._tcp.nohost.test", 33, "0 0 0 nobody.test", true},
        {"dead.test", 1, "127.0.7.2", false},
        {"live.test", 1, "127.0.7.2", false},
        {"live.test", 1, "127.0.7.1", false},
        {"six.test", 28, "::1", false},
        {"six.test", 1, "127.0.7.1", false},
        {NULL, 0, NULL, false},
    };
    static const struct {
        struct mn_dial_plan plan;
        int code;
        const char *host, *why;
        bool direct, own_port;
    } rows[] = {
        {{.domain = "two.test"}, 0, "live.test", "", false, false},
        {{.domain = "tls.test"}, 0, "live.test", "", true, false},
        {{.domain = "tls.test", .tls = MN_DIAL_STARTTLS}, 0, "live.test", "", false, false},
        {{.domain = "tls.test", .tls = MN_DIAL_DIRECT}, 0, "live.test", "", true, false},
        {{.domain = "gone.test"}, MN_E_DENIED, "", "no such service", false, false},
        {{.domain = "nohost.test"}, MN_E_NOT_FOUND, "", "nobody.test: no such name", false, false},
        {{.domain = "nowhere.test"},
         MN_E_NOT_FOUND,
         "",
         "nowhere.test: no such name",
         false,
         false},
        {{.domain = "x", .host = "127.0.7.1"}, 0, "127.0.7.1", "", false, true},
        {{.domain = "x", .host = "live.test"}, 0, "live.test", "", false, true},
        {{.domain = "x", .host = "six.test"}, 0, "six.test", "", false, true},
        {{.domain = "x", .host = "live.test", .tls = MN_DIAL_DIRECT},
         0,
         "live.test",
         "",
         true,
         true},
        {{.domain = "x", .host = "127.0.7.1", .elsewhere = true},
         MN_E_DENIED,
         "",
         "another machine",
         false,
         true},
        {{.domain = "x", .host = "six.test", .elsewhere = true},
         MN_E_DENIED,
         "",
         "another machine",
         false,
         true},
        {{.domain = "x", .host = "localhost", .elsewhere = true},
         MN_E_DENIED,
         "",
         "another machine",
         false,
         true},
        {{.domain = "x", .host = "127.0.7.2"}, MN_E_CLOSED, "", "Connection refused", false, true},
        {{.domain = "localhost"}, MN_E_CLOSED, "", "localhost: Connection refused", false, true},
        {{.domain = "a.LOCALHOST"}, MN_E_CLOSED, "", "a.LOCALHOST: Connection", false, true},
        {{.domain = "notlocalhost"}, MN_E_NOT_FOUND, "", "no such name", false, true},
    };
    struct mn_loop *l = zone_open(records);

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_dial_plan plan = rows[i].plan;
        struct end e;
        struct mn_dial *d;

        plan.port = rows[i].own_port ? (uint16_t)zone.listener_port : 0;
        d = dial(l, &plan, &e);
        if (e.code != rows[i].code || strcmp(e.host, rows[i].host) || !strstr(e.why, rows[i].why) ||
            e.found.direct != rows[i].direct)
            test_fail(__FILE__, __LINE__, "row %zu: %d %s %s", i, e.code, e.host, e.why);
        if (!e.code) {
            CHECK_INT(e.found.port, zone.listener_port);
            close(e.found.fd);
        }
        mn_dial_free(d);
    }
    zone_close();
}

TEST(who_was_found_and_is_no_good_is_followed_by_the_next)
{
    static const struct record records[] = {
        {"_xmpp-client._tcp.two.test", 33, "10 0 0 one.test", true},
        {"_xmpp-client._tcp.two.test", 33, "20 0 0 live.test", true},
        {"one.test", 1, "127.0.7.1", false},
        {"live.test", 1, "127.0.7.1", false},
        {NULL, 0, NULL, false},
    };
    struct mn_loop *l = zone_open(records);
    struct mn_dial *d;
    struct end e;

    d = dial(l, &(struct mn_dial_plan){.domain = "two.test"}, &e);
    CHECK_STR(mn_str_from(e.host), "one.test");
    for (int round = 0; round < 2; round++) {
        close(e.found.fd);
        e.done = false;
        mn_dial_again(d, MN_E_TLS, "speaks no TLS");
        for (int i = 0; i < 3000 && !e.done; i++)
            mn_loop_turn(l, 20);
        CHECK_STR(mn_str_from(e.host), "live.test");
        CHECK_INT(e.code, round ? MN_E_TLS : 0);
    }
    CHECK_STR(mn_str_from(e.why), "one.test: speaks no TLS; live.test: speaks no TLS");
    CHECK_INT(e.times, 3);
    mn_dial_free(d);
    /* And freed before anything came of it. */
    mn_dial_free(
        mn_dial(l, &(struct mn_dial_plan){.domain = "two.test", .dns = zone.servers}, dialled, &e));
    for (int i = 0; i < 3; i++)
        mn_loop_turn(l, 10);
    CHECK_INT(e.times, 3);
    zone_close();
}

static void turns(struct mn_loop *l, int count)
{
    for (int i = 0; i < count; i++) {
        mn_clock_set(mn_clock_now() + 20, 0);
        mn_loop_turn(l, 0);
    }
}

/* Turns until it is dialled, 20 ms each, whatever they take; how long it was. */
static int64_t dial_by_turns(struct mn_loop *l, struct end *e)
{
    int64_t begun = mn_clock_now(), now = begun;

    for (int i = 0; i < 3000 && !e->done; i++) {
        mn_clock_set(now += 20, 0);
        mn_loop_turn(l, 1);
    }
    CHECK(e->done);
    return now - begun;
}

TEST(answers_that_do_not_come_are_not_waited_for_and_late_ones_are_taken_in)
{
    static const struct record records[] = {
        {"_xmpps-client._tcp.mute.test", 33, NULL, false},
        {"_xmpp-client._tcp.mute.test", 33, "10 0 0 live.test", true},
        /* The better one comes when the other is being looked up, which never ends. */
        {"_xmpps-client._tcp.late.test", 33, "5 0 0 live.test", true},
        {"_xmpp-client._tcp.late.test", 33, "10 0 0 nobody.test", true},
        /* Nothing is known of one service, the other is silent. */
        {"_xmpps-client._tcp.bare.test", 33, NULL, false},
        {"bare.test", 1, "127.0.7.1", false},
        /* And speaks when the domain itself is being tried: that it is elsewhere, or nowhere. */
        {"_xmpps-client._tcp.else.test", 33, "5 0 0 live.test", true},
        {"else.test", 1, NULL, false},
        {"_xmpps-client._tcp.no.test", 33, "0 0 0 .", false},
        {"no.test", 1, NULL, false},
        /* Here one is refused first: the domain itself is not to be tried. */
        {"_xmpps-client._tcp.dot.test", 33, NULL, false},
        {"_xmpp-client._tcp.dot.test", 33, "0 0 0 .", false},
        {"dot.test", 1, "127.0.7.1", false},
        /* What is known is no good; the rest is waited for a while. */
        {"_xmpps-client._tcp.down.test", 33, NULL, false},
        {"_xmpp-client._tcp.down.test", 33, "10 0 0 down.test", true},
        {"down.test", 1, "127.0.7.2", false},
        /* One family's answer is missing, and the other's is nobody. */
        {"_xmpp-client._tcp.half.test", 33, "10 0 0 six.test", true},
        {"_xmpp-client._tcp.half.test", 33, "20 0 0 live.test", true},
        {"six.test", 28, NULL, false},
        {"six.test", 1, "127.0.7.2", false},
        {"nobody.test", 1, NULL, false},
        {"nobody.test", 28, NULL, false},
        {"_xmpps-client._tcp.told.test", 33, "5 0 0 also.test", true},
        {"_xmpp-client._tcp.told.test", 33, "10 0 0 live.test", true},
        {"live.test", 1, "127.0.7.1", false},
        {"also.test", 1, "127.0.7.1", false},
        {NULL, 0, NULL, false},
    };
    static const struct {
        const char *domain, *held, *until;
        int code;
        const char *host;
        bool direct;
        int64_t least, most;
    } rows[] = {
        {"mute.test", NULL, NULL, 0, "live.test", false, 300, 500},
        {"late.test", "_xmpps-client._tcp.late.test", "nobody.test", 0, "live.test", true, 300,
         600},
        {"late.test", "_xmpps-client._tcp.late.test", "_xmpp-client._tcp.late.test", 0, "live.test",
         true, 0, 200},
        {"else.test", "_xmpps-client._tcp.else.test", "else.test", 0, "live.test", true, 5000,
         5300},
        {"no.test", "_xmpps-client._tcp.no.test", "no.test", MN_E_DENIED, "", false, 5000, 5300},
        {"dot.test", NULL, NULL, MN_E_DENIED, "", false, 5000, 5300},
        {"down.test", NULL, NULL, MN_E_CLOSED, "", false, 5300, 5600},
        {"half.test", NULL, NULL, 0, "live.test", false, 2500, 3000},
        {"bare.test", NULL, NULL, MN_E_CLOSED, "", false, 5000, 5300},
    };
    struct mn_loop *l = zone_open(records);
    struct mn_dial *d;
    struct end e;

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_dial_plan plan = {.domain = rows[i].domain, .dns = zone.servers};
        int64_t took;

        zone.held = rows[i].held;
        zone.until = rows[i].until;
        e = (struct end){0};
        d = mn_dial(l, &plan, dialled, &e);
        took = dial_by_turns(l, &e);
        if (e.code != rows[i].code || strcmp(e.host, rows[i].host) ||
            e.found.direct != rows[i].direct || took < rows[i].least || took > rows[i].most)
            test_fail(__FILE__, __LINE__, "row %zu: %d %s %d ms %s", i, e.code, e.host, (int)took,
                      e.why);
        if (!e.code)
            close(e.found.fd);
        mn_dial_free(d);
    }
    /* What was dialled stays; what came late is next when it was no good. */
    e = (struct end){0};
    zone.held = "_xmpps-client._tcp.told.test";
    d = mn_dial(l, &(struct mn_dial_plan){.domain = "told.test", .dns = zone.servers}, dialled, &e);
    dial_by_turns(l, &e);
    CHECK_STR(mn_str_from(e.host), "live.test");
    close(e.found.fd);
    e.done = false;
    zone_release();
    turns(l, 300);
    CHECK(!e.done);
    mn_dial_again(d, MN_E_TLS, "speaks no TLS");
    dial_by_turns(l, &e);
    CHECK_STR(mn_str_from(e.host), "also.test");
    CHECK(e.found.direct);
    close(e.found.fd);
    mn_dial_free(d);
    mn_clock_set(-1, 0);
    zone_close();
}

/* The first address is nobody's; no resolver is asked for anything. */
TEST(known_addresses_are_dialled)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct mn_addr addrs[2];
    struct mn_listener *listener, *closed;
    struct mn_buf why = {0};
    struct mn_dial *d;
    struct end e;
    int came = 0;

    CHECK_INT(mn_listen_any(l, 0, accepted, &came, &listener, &why), 0);
    CHECK_INT(mn_listen_any(l, 0, accepted, &came, &closed, &why), 0);
    CHECK_INT(mn_addr_parse(MN_STR("127.0.7.1"), mn_addr_port(mn_listener_addr(closed)), &addrs[0]),
              0);
    CHECK_INT(
        mn_addr_parse(MN_STR("127.0.0.1"), mn_addr_port(mn_listener_addr(listener)), &addrs[1]), 0);
    mn_listener_free(closed);
    zone.servers[0] = 0;
    d = dial(l, &(struct mn_dial_plan){.domain = "pronto", .addrs = addrs, .addr_count = 2}, &e);
    CHECK_INT(e.code, 0);
    CHECK_STR(mn_str_from(e.host), "pronto");
    for (int i = 0; i < 100 && !came; i++)
        mn_loop_turn(l, 20);
    CHECK_INT(came, 1);
    close(e.found.fd);
    mn_dial_free(d);
    mn_listener_free(listener);
    mn_buf_free(&why);
    mn_loop_free(l);
}

TEST(records_are_sorted_by_priority_and_drawn_by_weight)
{
    unsigned first[3] = {0};

    for (int i = 0; i < 4000; i++) {
        struct mn_srv rows[] = {
            {20, 0, 1, "d"}, {10, 60, 2, "a"}, {10, 20, 3, "b"}, {10, 0, 4, "c"}};

        mn_srv_sort(rows, MN_COUNT(rows));
        CHECK(rows[3].target[0] == 'd');
        first[rows[0].target[0] - 'a']++;
    }
    /* 60 : 20 : next to nothing. */
    CHECK(first[0] > 2700 && first[0] < 3300);
    CHECK(first[1] > 700 && first[1] < 1300);
    CHECK(first[2] < 200);
}

/* Streams over memory, with every loop turned by hand. */
#include "base/clock.h"
#include "base/rand.h"
#include "server/c2s.h"
#include "test.h"

static const char yaml[] = "domains: [{name: localhost}]\n"
                           "auth: {mechanisms: [ANONYMOUS], without_tls: [ANONYMOUS]}\n"
                           "limits: {mailbox: 64k}\n";

struct person {
    struct mn_conn *conn;
    struct mn_buf got;
    char jid[128]; /* full */
};

static struct mn_loop *loop; /* the clients' */
static struct server *srv;

static void got(void *arg, mn_str bytes)
{
    mn_buf_str(&((struct person *)arg)->got, bytes);
}

static void closed(void *arg, int why)
{
    mn_buf_lit(&((struct person *)arg)->got, "closed");
}

static const struct mn_conn_face face = {got, closed, NULL, NULL};

/* Turns the clients' loop and the first `owners` ones until nothing happens any more. */
static void turn(unsigned owners)
{
    bool some = true;

    while (some) {
        some = mn_loop_turn(loop, 0);
        for (unsigned i = 0; i < owners; i++) {
            owner_set_here(srv->owners[i]);
            some |= mn_loop_turn(srv->owners[i]->loop, 1);
        }
    }
}

static void say(struct person *p, const char *text)
{
    mn_conn_write(p->conn, mn_str_from(text));
}

/* An anonymous session whose account lives on that owner. */
static void come(struct person *p, unsigned owner)
{
    static const char header[] = "<stream:stream to='localhost' xmlns='jabber:client' "
                                 "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

    for (;;) {
        const char *at, *end;

        *p = (struct person){.conn = server_mem(srv, 0, loop, CONF_TLS_OFF)};
        mn_conn_face(p->conn, &face, p);
        say(p, header);
        say(p, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
        turn(2);
        say(p, header);
        say(p, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
        turn(2);
        mn_buf_c(&p->got, 0);
        at = strstr(p->got.p, "<jid>");
        MN_ASSERT(at);
        at += 5;
        end = strstr(at, "</jid>");
        snprintf(p->jid, sizeof p->jid, "%.*s", (int)(end - at), at);
        mn_buf_free(&p->got);
        if (owner_of(srv, (mn_str){p->jid, strcspn(p->jid, "/")}) == srv->owners[owner])
            return;
        mn_conn_close(p->conn, 0);
        turn(2);
    }
}

static struct mn_arena conf_arena;

static void start(int64_t rate)
{
    struct mn_conf_errors errors = {0};
    struct mn_buf why = {0};
    struct server_options opt = {.loops = 2, .backend = MN_LOOP_EPOLL};
    struct config *conf;

    mn_rand_fix(7);
    mn_log_set(MN_LOG_ERROR, MN_LOG_TEXT, 2);
    loop = mn_loop_new(MN_LOOP_EPOLL);
    MN_ASSERT(!config_parse(mn_str_from(yaml), &conf_arena, &conf, &errors));
    conf->limits.stanza_rate = rate;
    opt.conf = conf;
    opt.work = mn_work_new((unsigned[]){1, 1, 1, 1}, 100);
    MN_ASSERT(!store_open_mem(&opt.store) && !server_new(&opt, &srv, &why));
}

static void stop(struct person *a, struct person *b)
{
    mn_buf_free(&a->got);
    mn_buf_free(&b->got);
    mn_conn_close(a->conn, 0);
    mn_conn_close(b->conn, 0);
    turn(2);
    server_free(srv);
    mn_loop_free(loop);
    mn_arena_done(&conf_arena, NULL);
}

/* That many messages, numbered, each of 500 bytes; and that they have come, in order. */
static void send_many(struct person *from, const char *to, int count)
{
    struct mn_arena a = {0};

    for (int i = 0; i < count; i++)
        say(from, mn_arena_fmt(&a, "<message to='%s'><body>%0500d</body></message>", to, i).p);
    mn_arena_done(&a, NULL);
}

static void have_come(struct person *to, int count)
{
    const char *at;

    mn_buf_c(&to->got, 0);
    at = to->got.p;
    for (int i = 0; i < count; i++) {
        at = strstr(at, "<body>");
        MN_ASSERT(at);
        at += 6;
        MN_ASSERT(strtol(at, NULL, 10) == i);
    }
}

TEST(who_feeds_a_crowded_loop_is_not_read)
{
    enum { MESSAGES = 4000 };
    struct person from, to;

    start(0);
    come(&from, 0);
    come(&to, 1);
    send_many(&from, to.jid, MESSAGES);
    turn(1);
    /* One more than the mark allows may be on its way, and what stands beside it. */
    CHECK(mn_loop_mail_bytes(srv->owners[1]->loop) > 65536);
    CHECK(mn_loop_mail_bytes(srv->owners[1]->loop) < 65536 + 2000);
    turn(2);
    have_come(&to, MESSAGES);
    stop(&from, &to);
}

TEST(who_sends_more_than_can_be_stored_is_not_read)
{
    enum { MESSAGES = 900 };
    struct person from, to;
    uint64_t before;

    start(0);
    come(&from, 0);
    come(&to, 0);
    before = srv->owners[0]->count.stanzas;
    *strchr(to.jid, '/') = 0;
    send_many(&from, to.jid, MESSAGES);
    mn_loop_turn(loop, 0);
    owner_set_here(srv->owners[0]);
    for (int i = 0; i < 3; i++) {
        uint64_t was = srv->owners[0]->count.stanzas;

        mn_loop_turn(srv->owners[0]->loop, 0);
        CHECK(srv->owners[0]->count.stanzas - was < 1 << 9);
    }
    turn(1);
    CHECK_INT(srv->owners[0]->count.stanzas - before, MESSAGES);
    say(&to, "<presence/>");
    turn(1);
    have_come(&to, MESSAGES);
    stop(&from, &to);
}

static int bodies(struct person *p)
{
    int count = 0;

    mn_buf_c(&p->got, 0);
    p->got.n--;
    for (const char *at = p->got.p; (at = strstr(at, "<body>")); at++)
        count++;
    return count;
}

/* A second's worth at once, the rest as it is due; nobody else waits. */
TEST(who_sends_more_than_the_rate_is_read_as_it_allows)
{
    enum { RATE = 20, MESSAGES = 100 };
    struct person from, to, other;

    start(RATE);
    mn_clock_set(1000000, 0);
    come(&from, 0);
    come(&to, 0);
    come(&other, 0);
    send_many(&from, to.jid, MESSAGES);
    turn(2);
    CHECK_INT(bodies(&to), RATE);
    for (int tenth = 1; tenth <= 40; tenth++) {
        mn_clock_set(1000000 + tenth * 100, 0);
        turn(2);
        CHECK_INT(bodies(&to), RATE + tenth * RATE / 10);
        send_many(&other, from.jid, 1);
        turn(2);
        CHECK_INT(bodies(&from), tenth);
    }
    have_come(&to, MESSAGES);
    mn_clock_set(-1, 0);
    mn_conn_close(other.conn, 0);
    mn_buf_free(&other.got);
    stop(&from, &to);
}

TEST(a_request_is_settled_when_its_recipient_has_it_on_disk)
{
    struct mn_arena a = {0};
    struct person from, to;

    start(0);
    come(&from, 0);
    come(&to, 1);
    say(&from, mn_arena_fmt(&a, "<presence type='subscribe' to='%.*s'/>", (int)strcspn(to.jid, "/"),
                            to.jid)
                   .p);
    say(&from, "<iq type='get' id='behind' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
    turn(1); /* its own loop alone: the roster is written, the request is on its way */
    mn_buf_c(&from.got, 0);
    CHECK(!strstr(from.got.p, "behind"));
    mn_buf_clear(&from.got);
    turn(2);
    mn_buf_c(&from.got, 0);
    CHECK(strstr(from.got.p, "behind"));
    mn_arena_done(&a, NULL);
    stop(&from, &to);
}

/* Those who were there have been told. */
TEST(who_comes_from_another_loop_while_it_stops_is_told)
{
    struct person p, none = {.conn = NULL};

    start(0);
    for (;;) {
        p = (struct person){.conn = server_mem(srv, 0, loop, CONF_TLS_OFF)};
        mn_conn_face(p.conn, &face, &p);
        say(&p, "<stream:stream to='localhost' xmlns='jabber:client' "
                "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
                "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
        turn(1);
        if (mn_loop_mail_bytes(srv->owners[1]->loop))
            break;
        mn_conn_close(p.conn, 0);
        turn(2);
        mn_buf_free(&p.got);
    }
    srv->owners[0]->stopping = srv->owners[1]->stopping = true;
    turn(2);
    mn_buf_c(&p.got, 0);
    CHECK(strstr(p.got.p, "<system-shutdown"));
    CHECK(strstr(p.got.p, "closed"));
    none.conn = server_mem(srv, 0, loop, CONF_TLS_OFF);
    mn_conn_face(none.conn, &face, &none);
    stop(&p, &none);
}

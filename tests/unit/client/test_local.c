/* Clients without a server, on the loop of a network of their own; time goes on as pass() says. */
#include "mynah/local.h"

#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/local.h"
#include "mynah/mynah.h"
#include "net/cert.h"
#include "net/listen.h"
#include "net/mdns_msg.h"
#include "test.h"

enum { CLIENTS = 3 };
static struct world {
    struct mynah_context *ctx;
    struct mynah_client *at[CLIENTS];
    struct mn_buf notes[CLIENTS];
    int64_t now;
    /* Somebody who is no client of ours. */
    struct mn_mdns *mdns;
    struct mn_mdns_links *links;
    struct mn_listener *listener;
    struct mn_conn *raw;
    struct mn_buf got;
    unsigned accepted;
    bool only_messages;
} w;

/* True: nothing of what follows leaves this process. */
static bool alone(void)
{
    static int is = -1;
    struct ifreq lo = {.ifr_name = "lo"};
    int fd;

    if (is >= 0)
        return is;
    is = !unshare(CLONE_NEWNET) || !unshare(CLONE_NEWUSER | CLONE_NEWNET);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    lo.ifr_flags = IFF_UP | IFF_MULTICAST;
    is = is && !ioctl(fd, SIOCSIFFLAGS, &lo);
    close(fd);
    return is;
}

static void pass(int64_t ms)
{
    for (int64_t end = w.now + ms; w.now < end;) {
        w.now += 10;
        mn_clock_set(w.now, 1000000000000 + w.now);
        for (int i = 0; i < 6; i++)
            mn_loop_turn(w.ctx->loop, 0);
    }
}

static void note_at(size_t i, const char *fmt, ...) MN_PRINTF(2, 3);
static void note_at(size_t i, const char *fmt, ...)
{
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mn_buf_fmt(&w.notes[i], "%s%s", w.notes[i].n ? " " : "", text);
}

static size_t index_of(const struct mynah_client *c)
{
    size_t i = 0;

    while (i < CLIENTS - 1 && w.at[i] != c)
        i++;
    return i;
}

static void on_state(void *arg, struct mynah_client *c, enum mynah_state s,
                     const struct mynah_error *why)
{
    (void)arg;
    if (s == MYNAH_ONLINE)
        note_at(index_of(c), "online:%s", mynah_client_jid(c));
    if (s == MYNAH_OFFLINE)
        note_at(index_of(c), "offline:%d", why ? why->code : 0);
}

static void on_presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    (void)arg;
    note_at(index_of(c), "%s%s%s%s", p->show == MYNAH_UNAVAILABLE ? "-" : "+", p->from,
            p->show == MYNAH_DND ? "/dnd" : "", p->status ? p->status : "");
}

static void on_message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    (void)arg;
    note_at(index_of(c), "%s>%s", m->from, m->body ? m->body : "-");
}

static void on_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                    const struct mynah_error *why)
{
    (void)arg;
    (void)id;
    if (w.only_messages)
        return;
    if (state == MYNAH_SENT_WRITTEN || state == MYNAH_SENT_FAILED)
        note_at(index_of(c), state == MYNAH_SENT_WRITTEN ? "written" : "failed:%d",
                why ? why->code : 0);
}

static const struct mynah_calls calls = {.size = sizeof calls,
                                         .state = on_state,
                                         .presence = on_presence,
                                         .message = on_message,
                                         .sent = on_sent};

static void noted(size_t i, const char *text)
{
    CHECK_STR(mn_buf_view(&w.notes[i]), text);
    mn_buf_clear(&w.notes[i]);
}

static bool begin(void)
{
    w = (struct world){.now = 1000000};
    if (!alone()) {
        test_skip("no network of one's own may be made here");
        return false;
    }
    mn_clock_set(w.now, 1000000000000 + w.now);
    w.ctx = mynah_context_new(NULL);
    return true;
}

static struct mynah_client *come(size_t i, const char *user, const char *machine,
                                 const struct mynah_local_config *more)
{
    struct mynah_local_config config = more ? *more : (struct mynah_local_config){0};

    config.size = sizeof config;
    config.user = user;
    config.machine = machine;
    CHECK_INT(mynah_local_new(w.ctx, &config, &w.at[i], NULL), 0);
    mynah_listen(w.at[i], &calls, NULL);
    CHECK_INT(mynah_client_connect(w.at[i]), 0);
    CHECK_INT(mynah_client_connect(w.at[i]), MYNAH_E_STATE);
    return w.at[i];
}

static void raw_close(void)
{
    if (w.raw)
        mn_conn_close(w.raw, 0);
    w.raw = NULL;
}

static void end(void)
{
    raw_close();
    mn_listener_free(w.listener);
    mn_mdns_links_free(w.links);
    mn_mdns_free(w.mdns);
    mynah_context_free(w.ctx);
    for (size_t i = 0; i < CLIENTS; i++)
        mn_buf_free(&w.notes[i]);
    mn_buf_free(&w.got);
    mn_clock_set(-1, 0);
}

static void two(void)
{
    come(0, "juliet", "pronto", NULL);
    come(1, "romeo", "forza", NULL);
    pass(3000);
    noted(0, "online:juliet@pronto +romeo@forza");
    noted(1, "online:romeo@forza +juliet@pronto");
}

static void info_came(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                      const struct mynah_error *error)
{
    (void)arg;
    note_at(index_of(c), "info:%d",
            error                                    ? error->code
            : mynah_disco_has(info, "urn:xmpp:ping") ? 1
                                                     : 0);
}

TEST(two_talk)
{
    if (!begin())
        return;
    two();
    mynah_chat(w.at[1], "juliet@pronto", "hello 北京");
    pass(200);
    noted(1, "written");
    noted(0, "romeo@forza>hello 北京");
    mynah_chat(w.at[0], "romeo@forza/any", "& you <");
    pass(200);
    noted(0, "written");
    noted(1, "juliet@pronto>& you <");
    mynah_disco_info(w.at[0], "romeo@forza", NULL, info_came, NULL);
    mynah_caps_info(w.at[1], "juliet@pronto", info_came, NULL); /* known by the stream's features */
    noted(1, "info:1");
    pass(200);
    noted(0, "info:1");
    CHECK(!mynah_local_tls_name(w.at[0], "romeo@forza"));
    mynah_client_disconnect(w.at[0]);
    pass(2000);
    noted(0, "offline:0");
    noted(1, "-juliet@pronto");
    CHECK_INT(mynah_client_connect(w.at[0]), 0);
    pass(3000);
    noted(0, "online:juliet@pronto +romeo@forza");
    noted(1, "+juliet@pronto");
    end();
}

TEST(presence_and_what_is_told)
{
    const struct mynah_local_config all = {.nick = "J 北",
                                           .first = "Juliet",
                                           .last = "C",
                                           .email = "j@x",
                                           .jid = "j@x.test",
                                           .ext = "voice",
                                           .vc = "A!"};
    const struct mynah_neighbour *n;

    if (!begin())
        return;
    come(0, "juliet", "pronto", &all);
    come(1, "romeo", "forza", NULL);
    CHECK_INT(mynah_local_tell(w.at[0], "AIM", "capulet"), 0);
    CHECK_INT(mynah_local_tell(w.at[0], "Nick", "x"), MYNAH_E_ARGUMENT);
    CHECK_INT(mynah_local_tell(w.at[0], "a=b", "x"), MYNAH_E_ARGUMENT);
    pass(3000);
    n = mynah_local_find(w.at[1], "juliet@pronto");
    CHECK(n && n == mynah_local_at(w.at[1], 0) && !mynah_local_at(w.at[1], 1));
    if (n) {
        CHECK_STR(mn_str_from(n->nick), "J 北");
        CHECK_STR(mn_str_from(n->first), "Juliet");
        CHECK_STR(mn_str_from(n->jids), "j@x.test");
        CHECK_STR(mn_str_from(n->vc), "A!");
        CHECK_STR(mn_str_from(mynah_local_told(w.at[1], n->jid, "aim")), "capulet");
        CHECK_STR(mn_str_from(mynah_local_told(w.at[1], n->jid, "1ST")), "Juliet");
        CHECK(!mynah_local_told(w.at[1], n->jid, "msg"));
        CHECK_STR(mn_str_from(n->last), "C");
        CHECK_STR(mn_str_from(n->email), "j@x");
        CHECK_STR(mn_str_from(n->ext), "voice");
        CHECK_STR(mn_str_from(n->txtvers), "1");
        CHECK_STR(mn_str_from(n->hash), "sha-1");
        CHECK(n->port && (uint16_t)strtoul(n->port, NULL, 10) ==
                             mn_addr_port(mn_listener_addr(w.at[0]->local->listener)));
        CHECK(n->ver && n->node && !n->status && !n->photo);
    }
    mn_buf_clear(&w.notes[1]);
    mynah_presence_set(w.at[0], MYNAH_DND, "busy", 0);
    pass(2000);
    noted(1, "+juliet@pronto/dndbusy");
    n = mynah_local_find(w.at[1], "juliet@pronto");
    CHECK(n && n->show == MYNAH_DND && !strcmp(n->status, "busy"));
    CHECK_INT(mynah_local_tell(w.at[0], "AIM", "montague"), 0);
    pass(2000);
    CHECK_STR(mn_str_from(mynah_local_told(w.at[1], "juliet@pronto", "AIM")), "montague");
    CHECK_INT(mynah_local_tell(w.at[0], "aim", NULL), 0);
    pass(2000);
    CHECK(!mynah_local_told(w.at[1], "juliet@pronto", "AIM"));
    mn_buf_clear(&w.notes[1]);
    mynah_presence_set(w.at[0], MYNAH_UNAVAILABLE, NULL, 0);
    pass(2000);
    noted(1, "-juliet@pronto");
    CHECK(!mynah_local_find(w.at[1], "juliet@pronto"));
    mynah_presence_set(w.at[0], MYNAH_AVAILABLE, NULL, 0);
    pass(3000);
    noted(1, "+juliet@pronto");
    end();
}

TEST(names)
{
    static const struct {
        const char *user, *machine;
        int code;
    } rows[] = {
        {"", "m", MYNAH_E_ARGUMENT},    {"u", "", MYNAH_E_ARGUMENT}, {"u", "m.x", MYNAH_E_ARGUMENT},
        {"u", "a b", MYNAH_E_ARGUMENT}, {"u", "m-1", MYNAH_OK},      {NULL, NULL, MYNAH_OK},
        {"u", "北", MYNAH_E_ARGUMENT},
    };

    if (!begin())
        return;
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mynah_local_config conf = {
            .size = sizeof conf, .user = rows[i].user, .machine = rows[i].machine};
        struct mynah_client *c;
        char *why;

        CHECK_INT(mynah_local_new(w.ctx, &conf, &c, &why), rows[i].code);
        CHECK(!rows[i].code == !why);
        mynah_client_free(c);
        mynah_free(why);
    }
    come(0, "juliet", "pronto", NULL);
    pass(2000);
    come(1, "juliet", "pronto", NULL);
    come(2, "Mary Ann@x", "Verona", NULL);
    pass(3000);
    mn_buf_clear(&w.notes[0]);
    mn_buf_clear(&w.notes[2]);
    CHECK_STR(mn_str_from(mynah_client_jid(w.at[1])), "juliet-1@pronto");
    CHECK_STR(mn_str_from(mynah_client_jid(w.at[2])), "mary\\20ann\\40x@verona");
    mynah_chat(w.at[0], "Mary\\20Ann\\40x@verona", "hello");
    pass(500);
    noted(2, "juliet@pronto>hello");
    mynah_chat(w.at[2], "juliet-1@pronto", "hello");
    pass(500);
    CHECK(memmem(w.notes[1].p, w.notes[1].n, "mary\\20ann\\40x@verona>hello", 27));
    end();
}

static void ping_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                      const struct mynah_error *error)
{
    (void)arg;
    note_at(index_of(c), "iq:%d", result ? 0 : error->code);
}

static void ask(size_t i, const char *to)
{
    struct mynah_elem *ping = mynah_elem_new("ping", "urn:xmpp:ping");

    mynah_iq_send(w.at[i], MYNAH_GET, to, &ping, 0, ping_came, NULL);
}

TEST(nobody_is_there)
{
    struct mynah_elem *p = mynah_elem_new("presence", NULL);

    if (!begin()) {
        mynah_elem_free(p);
        return;
    }
    two();
    mynah_chat(w.at[0], "nobody@there", "hello");
    ask(0, "nobody@there");
    ask(0, NULL);
    pass(200);
    noted(0, "iq:-1");
    pass(15000);
    noted(0, "failed:-14 iq:-14");
    mynah_elem_set(p, "to", "romeo@forza");
    CHECK_INT(mynah_send(w.at[0], &p), MYNAH_E_ARGUMENT);
    CHECK_INT(w.at[0]->local->peer_count, 1);
    end();
}

/* Each dials the other at the same moment: nothing is lost, and all comes in order. */
TEST(both_at_once)
{
    if (!begin())
        return;
    two();
    w.only_messages = true;
    for (int i = 0; i < 5; i++) {
        char body[2] = {(char)('a' + i), 0};

        mynah_chat(w.at[0], "romeo@forza", body);
        mynah_chat(w.at[1], "juliet@pronto", body);
        if (i > 1)
            pass(20);
    }
    pass(1000);
    noted(0, "romeo@forza>a romeo@forza>b romeo@forza>c romeo@forza>d romeo@forza>e");
    noted(1, "juliet@pronto>a juliet@pronto>b juliet@pronto>c juliet@pronto>d juliet@pronto>e");
    end();
}

/* What one side writes, and when the other ends. */
TEST(closing)
{
    if (!begin())
        return;
    two();
    mynah_chat(w.at[1], "juliet@pronto", "a");
    pass(200);
    CHECK(peer_conn(local_peer(w.at[0]->local, "romeo@forza", false)));
    mynah_chat(w.at[1], "juliet@pronto", "b");
    mynah_local_close(w.at[1], "juliet@pronto");
    mynah_chat(w.at[1], "juliet@pronto", "c"); /* by the next one */
    pass(500);
    noted(0, "romeo@forza>a romeo@forza>b romeo@forza>c");
    noted(1, "written written written");
    ask(1, "juliet@pronto");
    mynah_client_free(w.at[0]);
    w.at[0] = NULL;
    pass(500);
    CHECK(memmem(w.notes[1].p, w.notes[1].n, "iq:-13", 6));
    end();
}

/* A peer by hand. */

static void raw_bytes(void *arg, mn_str bytes)
{
    (void)arg;
    mn_buf_str(&w.got, bytes);
}

static void raw_closed(void *arg, int why)
{
    (void)arg;
    (void)why;
    mn_buf_lit(&w.got, "[closed]");
    raw_close();
}

static const struct mn_conn_face raw_face = {raw_bytes, raw_closed, NULL, NULL};

static void raw_accepted(void *arg, int fd, const struct mn_addr *peer)
{
    (void)arg;
    (void)peer;
    raw_close();
    w.accepted++;
    w.raw = mn_conn_tcp(w.ctx->loop, fd, &raw_face, NULL);
}

static void raw_say(const char *text)
{
    mn_conn_write(w.raw, mn_str_from(text));
    pass(100);
}

static bool raw_got(const char *text)
{
    bool got = w.got.n && memmem(w.got.p, w.got.n, text, strlen(text));

    if (!got)
        test_fail(__FILE__, __LINE__, "no %s in %.*s", text, MN_ARG(mn_buf_view(&w.got)));
    return got;
}

static void raw_send(void *arg, unsigned link, const struct mn_addr *to, mn_str packet)
{
    (void)arg;
    if (w.links)
        mn_mdns_links_send(w.links, link, to, packet);
}

static void raw_named(void *arg, mn_str user, mn_str machine)
{
    (void)arg;
    (void)user;
    (void)machine;
}

static void raw_come(const char *user, const char *machine)
{
    static const struct mn_mdns_face face = {raw_send, raw_named, NULL, NULL};
    struct mn_buf why = {0};

    CHECK_INT(mn_listen_any(w.ctx->loop, 0, raw_accepted, NULL, &w.listener, &why), 0);
    w.mdns = mn_mdns_new(w.ctx->loop, "_presence", &face, NULL);
    CHECK_INT(mn_mdns_links_new(w.ctx->loop, w.mdns, &w.links, &why), 0);
    mn_mdns_publish(w.mdns, mn_str_from(user), mn_str_from(machine),
                    mn_addr_port(mn_listener_addr(w.listener)),
                    MN_STR("\x9txtvers=1\xastatus=dnd"));
    mn_buf_free(&why);
}

static void raw_connect_from(const char *address)
{
    struct mn_addr from, to;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK_INT(mn_addr_parse(mn_str_from(address), 0, &from), 0);
    CHECK(!bind(fd, &from.sa, mn_addr_len(&from)));
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"),
                            mn_addr_port(mn_listener_addr(w.at[0]->local->listener)), &to),
              0);
    CHECK(!connect(fd, &to.sa, mn_addr_len(&to)));
    CHECK(!ioctl(fd, FIONBIO, &(int){1}));
    raw_close();
    mn_buf_clear(&w.got);
    w.raw = mn_conn_tcp(w.ctx->loop, fd, &raw_face, NULL);
}

static void raw_connect(void)
{
    raw_connect_from("127.0.0.1");
}

#define RAW_HEADER_OF_OURS "<?xml version='1.0'?><stream:stream xmlns='jabber:client'"
#define RAW_HEADER(attrs)                                                                          \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' " attrs ">"

/* From before XMPP 1.0: no version, no features (iChat, Pidgin). */
TEST(an_old_client_is_dialled)
{
    if (!begin())
        return;
    come(0, "juliet", "pronto", NULL);
    raw_come("Old One", "mac");
    pass(3000);
    noted(0, "online:juliet@pronto +old\\20one@mac/dnd");
    mynah_chat(w.at[0], "old\\20one@mac", "hello");
    pass(200);
    raw_got("from='juliet@pronto' to='Old One@mac'");
    noted(0, "");
    raw_say(RAW_HEADER("from='Old One@mac' to='juliet@pronto'"));
    noted(0, "written");
    raw_got("<message to='Old One@mac' type='chat'");
    raw_say("<message from='Old One@mac' to='juliet@pronto'><body>hi</body></message>");
    noted(0, "old\\20one@mac>hi");
    raw_say("</stream:stream>");
    raw_got("</stream:stream>");
    pass(200);
    raw_got("[closed]");
    CHECK_INT(w.accepted, 1);
    end();
}

/* 7.2.4 and 13.1 of the specification: what it offers, what is waited for. */
TEST(features_are_waited_for)
{
    if (!begin())
        return;
    come(0, "juliet", "pronto", NULL);
    raw_come("romeo", "forza");
    pass(3000);
    mynah_chat(w.at[0], "romeo@forza", "hello");
    pass(200);
    mn_buf_clear(&w.notes[0]);
    raw_say(RAW_HEADER("from='romeo@forza' to='juliet@pronto' version='1.0'"));
    noted(0, "");
    raw_say("<stream:features/>");
    noted(0, "written");
    mynah_local_close(w.at[0], "romeo@forza");
    pass(100);
    raw_got("</stream:stream>");
    raw_say("<message from='romeo@forza' to='juliet@pronto'><body>late</body></message>");
    noted(0, "romeo@forza>late");
    raw_say("</stream:stream>");
    raw_got("[closed]");
    mynah_chat(w.at[0], "romeo@forza", "again");
    pass(200);
    raw_say(RAW_HEADER("from='romeo@forza' to='juliet@pronto' version='1.0'"));
    pass(2500); /* none come */
    noted(0, "written");
    end();
}

/* Juliet dials Romeo, for whom the test answers. */
static void juliet_dials(void)
{
    come(0, "juliet", "pronto", NULL);
    raw_come("romeo", "forza");
    pass(3000);
    mn_buf_clear(&w.notes[0]);
    mynah_chat(w.at[0], "romeo@forza", "hello");
}

TEST(who_hangs_up_is_dialled_again)
{
    if (!begin())
        return;
    juliet_dials();
    pass(200);
    raw_close();
    pass(3000);
    raw_say(RAW_HEADER("from='romeo@forza'"));
    noted(0, "written");
    raw_close();
    pass(200);
    mynah_chat(w.at[0], "romeo@forza", "hello");
    for (int i = 0; i < 8; i++) {
        pass(800);
        raw_close();
    }
    pass(100);
    noted(0, "failed:-4");
    end();
}

TEST(streams_that_come)
{
    static const struct {
        const char *say, *got, *note;
    } rows[] = {
        {RAW_HEADER("from='x@y' to='juliet@pronto'") "<message to='z'><body>a</body></message>",
         "from='juliet@pronto' to='x@y' id='", "x@y>a"},
        {RAW_HEADER(
             "to='JULIET@pronto' version='1.0'") "<message from='x@y'><body>b</body></message>",
         "<stream:features><query xmlns='http://jabber.org/protocol/disco#info' node='", "x@y>b"},
        {RAW_HEADER("to='juliet@pronto'") "<message from='X@y'><body>c</body></message><message>"
                                          "<body>d</body></message>",
         "from='juliet@pronto'", "x@y>c x@y>d"},
        {RAW_HEADER(
             "from='x@y'") "<iq from='z@z' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
         "<iq type='result' id='1' to='x@y' from='juliet@pronto'/>", ""},
        {RAW_HEADER("from='x@y'") "<presence from='romeo@forza'/></stream:stream>",
         "</stream:stream>[closed]", ""},
        {RAW_HEADER("from='x@y' to='other@pronto'"), "<host-unknown ", ""},
        {RAW_HEADER(
             "from='x@y' to='juliet@pronto'") "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
         "<policy-violation ", ""},
        {RAW_HEADER("from='x@y'") "<message><body></message>", "<not-well-formed ", ""},
        {"<html>", "[closed]", ""},
        {"GET / HTTP/1.1\r\n\r\n", "[closed]", ""},
    };

    if (!begin())
        return;
    come(0, "juliet", "pronto", NULL);
    raw_come("x", "y");
    pass(3000);
    mn_buf_clear(&w.notes[0]);
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        raw_connect();
        raw_say(rows[i].say);
        pass(500);
        raw_got(rows[i].got);
        noted(0, rows[i].note);
    }
    end();
}

/* Names that nobody announces, or somebody at another address; the last row is of whom it says. */
TEST(a_stream_is_of_who_is_announced_there)
{
    static const struct {
        const char *from, *say, *got, *note;
    } rows[] = {
        {"127.0.0.1",
         RAW_HEADER("from='p@q' to='juliet@pronto'") "<message><body>a</body></message>",
         "<invalid-from ", ""},
        {"127.0.0.2",
         RAW_HEADER("from='x@y' to='juliet@pronto'") "<message><body>b</body></message>",
         "<invalid-from ", ""},
        {"127.0.0.2",
         RAW_HEADER(
             "to='juliet@pronto' version='1.0'") "<message from='x@y'><body>c</body></message>",
         "<invalid-from ", ""},
        {"127.0.0.1",
         RAW_HEADER("from='0123456789012345678901234567890123456789012345678901234567890123'"),
         "<invalid-from ", ""},
        {"127.0.0.1",
         RAW_HEADER("from='x@y' to='juliet@pronto'") "<message><body>d</body></message>",
         "from='juliet@pronto' to='x@y'", "x@y>d"},
    };

    if (!begin())
        return;
    come(0, "juliet", "pronto", NULL);
    raw_come("x", "y");
    pass(3000);
    mn_buf_clear(&w.notes[0]);
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        raw_connect_from(rows[i].from);
        raw_say(rows[i].say);
        pass(12000);
        raw_got(RAW_HEADER_OF_OURS);
        raw_got(rows[i].got);
        noted(0, rows[i].note);
    }
    CHECK_INT(w.at[0]->local->peer_count, 1);
    CHECK_INT(w.at[0]->local->stranger_count, 0);
    end();
}

/* A stranger who claims a name is in the way of nobody who has it; he may leave before it is known.
 */
TEST(a_claim_takes_nothing_from_whom_it_is_about)
{
    if (!begin())
        return;
    two();
    for (int i = 0; i < 10; i++) {
        raw_connect_from("127.0.0.2");
        raw_say(RAW_HEADER("from='nobody@there' to='juliet@pronto'"));
        CHECK(w.at[0]->local->stranger_count > 0);
        raw_close();
    }
    mynah_chat(w.at[1], "juliet@pronto", "hello");
    pass(500);
    noted(0, "romeo@forza>hello");
    raw_connect_from("127.0.0.2");
    raw_say(RAW_HEADER("from='nobody@there' to='juliet@pronto'"));
    mynah_client_free(w.at[0]);
    w.at[0] = NULL;
    pass(200);
    end();
}

TEST(who_is_dialled_has_the_name_that_was_dialled)
{
    if (!begin())
        return;
    juliet_dials();
    for (int i = 0; i < 3; i++) {
        pass(200);
        raw_say(RAW_HEADER("from='tybalt@verona' to='juliet@pronto' version='1.0'"));
        raw_got("<invalid-from ");
        mn_buf_clear(&w.got);
        pass(2000);
    }
    noted(0, "failed:-9");
    end();
}

/* A port that is known from before. */
TEST(who_comes_before_we_have_a_name)
{
    if (!begin())
        return;
    come(0, "juliet", "pronto", NULL);
    raw_connect();
    raw_say(RAW_HEADER("from='x@y' to='juliet@pronto'") "<message><body>a</body></message>");
    raw_got("[closed]");
    pass(2000);
    noted(0, "online:juliet@pronto");
    end();
}

TEST(strangers_are_bounded)
{
    int fds[100];
    struct mn_addr to;
    unsigned left = 0;

    if (!begin())
        return;
    come(0, "juliet", "pronto", NULL);
    pass(2000);
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"),
                            mn_addr_port(mn_listener_addr(w.at[0]->local->listener)), &to),
              0);
    for (size_t i = 0; i < MN_COUNT(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(!connect(fds[i], &to.sa, mn_addr_len(&to)));
        pass(10);
    }
    CHECK_INT(w.at[0]->local->stranger_count, 32);
    pass(16000); /* none of them says anything */
    CHECK_INT(w.at[0]->local->stranger_count, 0);
    for (size_t i = 0; i < MN_COUNT(fds); i++)
        left += (unsigned)close(fds[i]);
    CHECK_INT(left, 0);
    end();
}

/* Encryption. */

static bool asked_for(void *arg, struct mynah_client *c, const struct mynah_certificate *cert)
{
    note_at(index_of(c), "certificate:%s", cert->jid);
    return *(bool *)arg;
}

static void certified(void (*run)(const struct mynah_local_config *with))
{
    char dir[] = "/tmp/mynah-local-XXXXXX", rm[64];
    struct mn_arena a = {0};
    struct mn_cert_files files;
    struct mn_buf why = {0};
    struct mynah_local_config conf = {0};

    CHECK(mkdtemp(dir));
    CHECK_INT(mn_cert_local(dir, MN_STR("pronto"), &a, &files, &why), 0);
    conf.cert_file = files.cert;
    conf.key_file = files.key;
    run(&conf);
    snprintf(rm, sizeof rm, "rm -r %s", dir);
    CHECK(!system(rm)); /* NOLINT */
    mn_arena_done(&a, NULL);
    mn_buf_free(&why);
}

static void encrypted_one(const struct mynah_local_config *with)
{
    bool yes = true;
    struct mynah_local_config strict = {.tls_required = true};
    const struct mynah_calls more = {.size = sizeof more, .certificate = asked_for};

    come(0, "juliet", "pronto", with);
    come(1, "romeo", "forza", &strict);
    mynah_listen(w.at[1], &more, &yes);
    pass(3000);
    mn_buf_clear(&w.notes[0]);
    mn_buf_clear(&w.notes[1]);
    mynah_chat(w.at[1], "juliet@pronto", "secret");
    pass(500);
    noted(1, "certificate:juliet@pronto written");
    noted(0, "romeo@forza>secret");
    CHECK(mynah_local_tls_name(w.at[0], "romeo@forza"));
    CHECK(mynah_local_tls_name(w.at[1], "juliet@pronto"));
    mynah_local_close(w.at[1], "juliet@pronto");
    pass(500);
    yes = false;
    mynah_chat(w.at[1], "juliet@pronto", "secret");
    pass(8000);
    CHECK(memmem(w.notes[1].p, w.notes[1].n, "failed:-6", 9));
    noted(0, "");
    /* He offers none, and so is not spoken to. */
    come(2, "nurse", "verona", NULL);
    pass(3000);
    mn_buf_clear(&w.notes[1]);
    mn_buf_clear(&w.notes[2]);
    mynah_chat(w.at[1], "nurse@verona", "secret");
    pass(8000);
    noted(1, "failed:-5");
    mynah_chat(w.at[2], "romeo@forza", "plain");
    pass(8000);
    noted(1, "");
    noted(2, "failed:-9");
    mynah_chat(w.at[2], "juliet@pronto", "opportune");
    pass(500);
    noted(0, "+nurse@verona nurse@verona>opportune");
    CHECK(mynah_local_tls_name(w.at[2], "juliet@pronto"));
}

TEST(encrypted)
{
    if (!begin())
        return;
    certified(encrypted_one);
    end();
}

/* Files, by the same families as everywhere. */

static size_t file_read(void *arg, struct mynah_file *f, uint64_t at, void *p, size_t n)
{
    (void)arg;
    (void)f;
    memset(p, 'x', n);
    return at + n <= 100000 ? n : 0;
}

static bool file_write(void *arg, struct mynah_file *f, uint64_t at, const void *p, size_t n)
{
    (void)f;
    *(uint64_t *)arg += n;
    return n && at + n <= 100000 && *(const char *)p == 'x';
}

static void file_done(void *arg, struct mynah_file *f, const struct mynah_error *error)
{
    (void)f;
    note_at(arg ? 1 : 0, "file:%d", error ? error->code : 0);
}

static const struct mynah_file_calls file_calls = {
    .size = sizeof file_calls, .read = file_read, .write = file_write, .done = file_done};
static uint64_t received;

static void offered(void *arg, struct mynah_client *c, struct mynah_file *f,
                    const struct mynah_file_info *info)
{
    (void)c;
    CHECK_INT(info->length, 100000);
    mynah_file_accept(f, 0, *(unsigned *)arg, &file_calls, &received);
}

TEST(files)
{
    static const unsigned ways[] = {MYNAH_IBB, MYNAH_SOCKS5};
    struct mynah_file_info info = {.size = sizeof info, .name = "x", .length = 100000};
    struct mynah_bytestream_options options = {.size = sizeof options, .address = "127.0.0.1"};

    if (!begin())
        return;
    two();
    for (size_t i = 0; i < MN_COUNT(ways); i++) {
        unsigned way = ways[i];

        received = 0;
        mynah_file_serve(w.at[1], offered, &way);
        CHECK(mynah_file_send(w.at[0], "romeo@forza", &info, way, &options, &file_calls, NULL));
        pass(3000);
        noted(0, "file:0");
        noted(1, "file:0");
        CHECK_INT(received, 100000);
    }
    end();
}

static void icon_came(void *arg, struct mynah_client *c, const char *jid, const void *icon,
                      size_t n)
{
    (void)arg;
    note_at(index_of(c), "icon:%s:%.*s", jid, (int)n, (const char *)icon);
}

TEST(icons)
{
    const struct mynah_neighbour *n;

    if (!begin())
        return;
    two();
    CHECK_INT(mynah_local_icon_set(w.at[0], "picture", 7), 0);
    pass(2500);
    n = mynah_local_find(w.at[1], "juliet@pronto");
    CHECK(n && n->photo);
    if (n && n->photo)
        CHECK_STR(mn_str_from(n->photo), "0e66b49d04a43c19bcb2e13a53aff5d174f610fc");
    mn_buf_clear(&w.notes[1]);
    CHECK_INT(mynah_local_icon(w.at[1], "juliet@pronto", icon_came, NULL), 0);
    pass(1500);
    noted(1, "icon:juliet@pronto:picture");
    CHECK_INT(mynah_local_icon(w.at[0], "romeo@forza", icon_came, NULL), 0);
    pass(12000);
    CHECK(memmem(w.notes[0].p, w.notes[0].n, "icon:romeo@forza:", 17));
    CHECK_INT(mynah_local_icon(w.at[0], "romeo@forza", icon_came, NULL), 0); /* freed before */
    CHECK_INT(mynah_local_icon_set(w.at[0], "", 8001), MYNAH_E_LIMIT);
    end();
}

/* The streams of clients without a server, byte by byte: the other side is written by hand. */
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/local.h"
#include "near.h"
#include "net/listen.h"
#include "net/mdns_msg.h"

static struct {
    struct mn_mdns *mdns;
    struct mn_mdns_links *links;
    struct mn_listener *listener;
    struct mn_conn *raw;
    struct mn_buf got;
    unsigned accepted;
} r;

static void raw_close(void)
{
    if (r.raw)
        mn_conn_close(r.raw, 0);
    r.raw = NULL;
}

static void raw_end(void)
{
    raw_close();
    mn_listener_free(r.listener);
    mn_mdns_links_free(r.links);
    mn_mdns_free(r.mdns);
    end();
    mn_buf_free(&r.got);
    memset(&r, 0, sizeof r);
}

static void raw_bytes(void *arg, mn_str bytes)
{
    (void)arg;
    mn_buf_str(&r.got, bytes);
}

static void raw_closed(void *arg, int why)
{
    (void)arg;
    (void)why;
    mn_buf_lit(&r.got, "[closed]");
    raw_close();
}

static const struct mn_conn_face raw_face = {raw_bytes, raw_closed, NULL, NULL};

static void raw_accepted(void *arg, int fd, const struct mn_addr *peer)
{
    (void)arg;
    (void)peer;
    raw_close();
    r.accepted++;
    r.raw = mn_conn_tcp(w.ctx->loop, fd, &raw_face, NULL);
}

static void raw_say(const char *text)
{
    mn_conn_write(r.raw, mn_str_from(text));
    pass(100);
}

static bool raw_got(const char *text)
{
    bool got = r.got.n && memmem(r.got.p, r.got.n, text, strlen(text));

    if (!got)
        test_fail(__FILE__, __LINE__, "no %s in %.*s", text, MN_ARG(mn_buf_view(&r.got)));
    return got;
}

static void raw_send(void *arg, unsigned link, const struct mn_addr *to, mn_str packet)
{
    (void)arg;
    if (r.links)
        mn_mdns_links_send(r.links, link, to, packet);
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

    CHECK_INT(mn_listen_any(w.ctx->loop, 0, raw_accepted, NULL, &r.listener, &why), 0);
    r.mdns = mn_mdns_new(w.ctx->loop, "_presence", &face, NULL);
    CHECK_INT(mn_mdns_links_new(w.ctx->loop, r.mdns, &r.links, &why), 0);
    mn_mdns_publish(r.mdns, mn_str_from(user), mn_str_from(machine),
                    mn_addr_port(mn_listener_addr(r.listener)),
                    MN_STR("\x9txtvers=1\xastatus=dnd"));
    mn_buf_free(&why);
}

/* To Juliet. */
static int connected(const char *address)
{
    struct mn_addr from, to;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK_INT(mn_addr_parse(mn_str_from(address), 0, &from), 0);
    CHECK(!bind(fd, &from.sa, mn_addr_len(&from)));
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"),
                            mn_addr_port(mn_listener_addr(w.at[0]->local->listener)), &to),
              0);
    CHECK(!connect(fd, &to.sa, mn_addr_len(&to)));
    return fd;
}

static void raw_connect_from(const char *address)
{
    int fd = connected(address);

    CHECK(!ioctl(fd, FIONBIO, &(int){1}));
    raw_close();
    mn_buf_clear(&r.got);
    r.raw = mn_conn_tcp(w.ctx->loop, fd, &raw_face, NULL);
}

static void raw_connect(void)
{
    raw_connect_from("127.0.0.1");
}

#define RAW_HEADER_OF_OURS "<?xml version='1.0'?><stream:stream xmlns='jabber:client'"
#define RAW_HEADER(attrs)                                                                          \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' " attrs ">"

/* Juliet, and somebody for whom the test answers. */
static void juliet_beside(const char *user, const char *machine)
{
    come(0, "juliet", "pronto", NULL);
    raw_come(user, machine);
    pass(3000);
    mn_buf_clear(&w.notes[0]);
}

static void juliet_dials(void)
{
    juliet_beside("romeo", "forza");
    mynah_chat(w.at[0], "romeo@forza", "hello");
}

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
    CHECK_INT(r.accepted, 1);
    raw_end();
}

/* 7.2.4 and 13.1 of the specification: what it offers, what is waited for. */
TEST(features_are_waited_for)
{
    if (!begin())
        return;
    juliet_dials();
    pass(200);
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
    raw_end();
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
    raw_end();
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
    juliet_beside("x", "y");
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        raw_connect();
        raw_say(rows[i].say);
        pass(500);
        raw_got(rows[i].got);
        noted(0, rows[i].note);
    }
    raw_end();
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
    juliet_beside("x", "y");
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
    raw_end();
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
    raw_end();
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
        mn_buf_clear(&r.got);
        pass(2000);
    }
    noted(0, "failed:-9");
    raw_end();
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
    raw_end();
}

TEST(strangers_are_bounded)
{
    int fds[100];
    unsigned left = 0;

    if (!begin())
        return;
    come(0, "juliet", "pronto", NULL);
    pass(2000);
    for (size_t i = 0; i < MN_COUNT(fds); i++) {
        fds[i] = connected("127.0.0.1");
        pass(10);
    }
    CHECK_INT(w.at[0]->local->stranger_count, 32);
    pass(16000); /* none of them says anything */
    CHECK_INT(w.at[0]->local->stranger_count, 0);
    for (size_t i = 0; i < MN_COUNT(fds); i++)
        left += (unsigned)close(fds[i]);
    CHECK_INT(left, 0);
    raw_end();
}

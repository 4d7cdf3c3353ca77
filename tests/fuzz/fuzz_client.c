/* covers: mynah_elem_parse
 * A server's bytes into a client of libmynah, in process. The first character chooses where the
 * stream stands:
 *
 *   s, a     before the login, by password or as nobody
 *   o        online: with stream management, a roster, a room, messages and questions under way
 *   e        online, and the program uses everything that there is (user.c)
 *   h        before the login, over HTTP: a line is the body of an answer, a bit of time passes
 *   b        nowhere: the rest is a session that was saved
 *   x        nowhere: the rest is a document
 *
 * Then each line is said by the server. A `$` stands for the last id that the client gave to
 * anything, a `^` for the last sid. Of `e`, a line behind a `?` is what the program does, a
 * character each, and one behind a `&` is said by the stream host that was dialled last. A line
 * that is `!` alone cuts the connection, and what follows is said on the next, as far as there is
 * one: a client that was online is let in, and asks for its session. Whatever comes, each question
 * ends once, and no life line goes back. */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rand.h"
#include "client/client.h"
#include "fuzz/one_thread.h"
#include "fuzz/dial.h"
#include "fuzz/user.h"
#include "mynah/mynah.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mynah_context *ctx;
static struct mynah_client *client;
static bool lets_in, over_http, uses_all;
static unsigned asked, ended;
static char last_id[MYNAH_ID_MAX], last_sid[MYNAH_ID_MAX];

/* What the client says: its ids are remembered, the rest is gone. */

static void find(mn_str in, mn_str what, char last[MYNAH_ID_MAX])
{
    char *at;

    while ((at = memmem(in.p, in.n, what.p, what.n))) {
        mn_str value;

        in = mn_str_skip(in, (size_t)(at - in.p) + what.n);
        value = mn_str_cut(in, '\'', &in);
        if (value.n && value.n < MYNAH_ID_MAX)
            snprintf(last, MYNAH_ID_MAX, "%.*s", MN_ARG(value));
    }
}

static void hear(void)
{
    char text[65536];
    ssize_t n;

    while (far >= 0 && (n = recv(far, text, sizeof text, 0)) > 0) {
        find((mn_str){text, (size_t)n}, MN_STR(" id='"), last_id);
        find((mn_str){text, (size_t)n}, MN_STR(" sid='"), last_sid);
    }
    while (beside >= 0 && recv(beside, text, sizeof text, 0) > 0)
        ;
}

static void say_to(int *end, mn_str bytes)
{
    while (bytes.n && *end >= 0) {
        ssize_t n = send(*end, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n <= 0)
            end_close(end);
        else
            bytes = mn_str_skip(bytes, (size_t)n);
        settle();
        hear();
    }
}

static void say(mn_str bytes)
{
    say_to(&far, bytes);
}

#define HEADER                                                                                     \
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' " \
    "from='x.test' version='1.0'>"
#define SASL                                                                                       \
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"                       \
    "<mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>"

static void let_in(void)
{
    say(MN_STR(HEADER SASL));
    say(MN_STR("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"));
    say(MN_STR(HEADER "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
                      "<ver xmlns='urn:xmpp:features:rosterver'/><sm xmlns='urn:xmpp:sm:3'/>"
                      "</stream:features>"));
}

static void again(void)
{
    cut();
    settle();
    pass(40000);
    if (lets_in)
        let_in();
}

/* The program. */

static void answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                     const struct mynah_error *error)
{
    (void)c;
    MN_ASSERT(!result != !error && !*(bool *)arg);
    *(bool *)arg = true;
    ended++;
}

static bool answers[4];
static int life[4];

static void sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                 const struct mynah_error *why)
{
    int *line = arg;

    (void)c;
    (void)id;
    (void)why;
    MN_ASSERT((int)state > *line);
    *line = (int)state;
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    (void)arg;
    mynah_message_received(c, m);
    mynah_message_displayed(c, m);
}

static void presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    (void)arg;
    mynah_free(mynah_jid_bare(p->from));
    (void)mynah_roster_resource(c, p->from, 0);
}

static const struct mynah_calls calls = {
    .size = sizeof calls, .message = message, .presence = presence};

/* Of ours, whether it is online or not. */
static void say_something(void)
{
    struct mynah_elem *m = mynah_message_new("a@y.test", MYNAH_CHAT, "hi");

    mynah_presence_set(client, MYNAH_AVAILABLE, NULL, 0);
    life[0] = -1;
    (void)mynah_message_send(client, &m, NULL, sent, &life[0]);
}

static void online(void)
{
    let_in();
    say(MN_STR("<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
               "<jid>u@x.test/r</jid></bind></iq>"
               "<enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>"));
    MN_ASSERT(mynah_client_state(client) == MYNAH_ONLINE);
    mynah_presence_set(client, MYNAH_AVAILABLE, NULL, 0);
}

static void busy(void)
{
    static const struct mynah_room_calls room_calls = {.size = sizeof room_calls};
    static const char *const to[] = {NULL, "a@y.test", "x.test", "r@y.test/n"};
    struct mynah_room *room;

    online();
    MN_ASSERT(!mynah_room_new(client, "room@rooms.test", "me", &room_calls, NULL, &room));
    (void)mynah_room_join(room, NULL, NULL);
    for (size_t i = 0; i < MN_COUNT(answers); i++) {
        struct mynah_elem *q = mynah_elem_new("query", "urn:test"),
                          *m = mynah_message_new("a@y.test", MYNAH_CHAT, "hi");

        answers[i] = false;
        life[i] = -1;
        asked++;
        mynah_iq_send(client, MYNAH_GET, to[i], &q, 0, answered, &answers[i]);
        (void)mynah_message_send(client, &m, NULL, sent, &life[i]);
    }
    settle();
    hear();
}

static void line(mn_str in)
{
    struct mn_buf b = {0};

    if (mn_str_is(in, "!")) {
        again();
        return;
    }
    if (uses_all && in.n && (in.p[0] == '?' || in.p[0] == '&')) {
        if (in.p[0] == '&')
            say_to(&beside, mn_str_skip(in, 1));
        for (size_t i = 1; i < in.n && in.p[0] == '?'; i++)
            user_does((unsigned char)in.p[i]);
        settle();
        hear();
        return;
    }
    if (over_http)
        mn_buf_fmt(&b, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", in.n);
    for (size_t i = 0; i < in.n; i++)
        if (in.p[i] == '$')
            mn_buf_str(&b, mn_str_from(last_id));
        else if (in.p[i] == '^')
            mn_buf_str(&b, mn_str_from(last_sid));
        else
            mn_buf_c(&b, in.p[i]);
    say(mn_buf_view(&b));
    mn_buf_free(&b);
    if (over_http)
        pass(100);
}

/* What is written as it was read is read as it was written. */
static void document(const char *text)
{
    struct mynah_elem *e, *back;
    char *xml, *second;

    if (mynah_elem_parse(text, &e))
        return;
    xml = mynah_elem_xml(e);
    MN_ASSERT(!mynah_elem_parse(xml, &back));
    second = mynah_elem_xml(back);
    MN_ASSERT(!strcmp(xml, second));
    mynah_elem_free(e);
    mynah_elem_free(back);
    mynah_free(xml);
    mynah_free(second);
}

static void talk(char mode, mn_str in)
{
    struct mynah_client_config config = {.size = sizeof config,
                                         .jid = mode == 's' ? "u@x.test" : "x.test",
                                         .password = mode == 's' ? "secret" : NULL,
                                         .tls = MYNAH_TLS_OFF,
                                         .bosh = mode == 'h' ? "http://x.test/bind" : NULL,
                                         .compress = mode != 'o' && mode != 'e'};

    ctx = mynah_context_new(NULL);
    the_loop = ctx->loop;
    MN_ASSERT(!mynah_client_new(ctx, &config, &client, NULL));
    uses_all = mode == 'e';
    if (uses_all)
        user_begin(client);
    else
        mynah_listen(client, &calls, NULL);
    lets_in = mode == 'o' || uses_all;
    over_http = mode == 'h';
    if (mode == 'b') {
        char *bare = mn_str_dup(in);

        (void)mynah_client_restore(client, bare, in.n);
        mn_free(bare);
    }
    MN_ASSERT(!mynah_client_connect(client));
    pass(1);
    if (mode == 'o')
        busy();
    else if (uses_all)
        online();
    else if (mode == 'h')
        say_something();
    else if (mode == 'b')
        let_in();
    while (in.n && mode != 'b')
        line(mn_str_cut(in, '\n', &in));
    pass(100000);
    mynah_client_free(client);
    settle();
    cut();
    end_close(&beside);
    mynah_context_free(ctx);
    MN_ASSERT(asked == ended);
    if (uses_all)
        user_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mn_str in = {(const char *)data, size};
    char mode = size ? in.p[0] : 'x';

    time_begin();
    mn_rand_fix(1);
    asked = ended = 0;
    in = mn_str_skip(in, 1);
    if (mode == 'x') {
        char *text = mn_str_dup(in);

        document(text);
        mn_free(text);
    } else {
        talk(mode, in);
    }
    return 0;
}

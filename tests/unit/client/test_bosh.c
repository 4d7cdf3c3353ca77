/* A client over BOSH against a connection manager that follows a script. Whatever that says and
 * whatever connections do: requests come in their order, one that comes again is the same, never
 * more are under way than were allowed, and each shows the key to the one before. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/crypt.h"
#include "base/num.h"
#include "net/cert.h"
#include "net/http.h"
#include "net/tls.h"
#include "unit/client/talk.h"

/* Lines: "<text" is the next request, which has `text` in it; ">text" answers the oldest one that
 * is open, "}text" the newest; "=text" answers the oldest, head and all, "^text" does and hangs up;
 * "!" cuts the connection of the oldest, "~" that of the newest; "?" waits for the test, "@text"
 * until those have come again. `%r` in an answer is the newest number, `%p` the one before. */
enum { BODIES_MAX = 40 };

struct line_ {
    struct mn_list link;
    struct mn_conn *conn;
    struct mn_http *http;
    uint64_t rid; /* 0: no request is open */
};

static struct cm {
    struct mn_listener *listener;
    struct mn_list lines;
    const char *const *script;
    size_t at;
    char *bodies[BODIES_MAX]; /* by number, from the first one on */
    size_t count, read;       /* those that came; those that the script has waited for */
    uint64_t first;
    mn_str key; /* of the last one */
    struct mn_arena a;
    unsigned most; /* at once */
    char path[64];
    struct mn_buf again;
    char url[64];
    unsigned connections;
} cm;
static struct mn_tls *https; /* NULL: plain */

static mn_str attr(mn_str body, const char *name)
{
    mn_str head = mn_str_cut(body, '>', &(mn_str){0}), rest;
    char *p = memmem(head.p, head.n, name, strlen(name));

    return p ? mn_str_cut(mn_str_skip(head, (size_t)(p - head.p) + strlen(name)), '\'', &rest)
             : (mn_str){0};
}

/* The oldest request that is open, or the newest. */
static struct line_ *open_one(bool newest)
{
    struct line_ *found = NULL;

    MN_LIST_EACH(n, &cm.lines)
    {
        struct line_ *l = MN_OF(n, struct line_, link);

        if (l->rid && (!found || (l->rid > found->rid) == newest))
            found = l;
    }
    return found;
}

static unsigned open_count(void)
{
    unsigned count = 0;

    MN_LIST_EACH(n, &cm.lines)
    count += MN_OF(n, struct line_, link)->rid > 0;
    return count;
}

static void line_free(struct line_ *l)
{
    mn_list_del(&l->link);
    mn_conn_close(l->conn, 1000);
    mn_http_free(l->http);
    mn_free(l);
}

static void answer(struct line_ *l, mn_str text, bool raw)
{
    struct mn_buf b = {0}, whole = {0};
    char *mark;

    while ((mark = memchr(text.p, '%', text.n))) {
        mn_buf_add(&b, text.p, (size_t)(mark - text.p));
        mn_buf_u64(&b, cm.first + cm.count - (mark[1] == 'p' ? 2 : 1));
        text = mn_str_skip(text, (size_t)(mark - text.p) + 2);
    }
    mn_buf_str(&b, text);
    if (!raw)
        mn_buf_fmt(&whole, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", b.n);
    mn_buf_str(&whole, mn_buf_view(&b));
    l->rid = 0;
    mn_conn_write(l->conn, mn_buf_view(&whole));
    mn_buf_free(&b);
    mn_buf_free(&whole);
}

static bool heard(const char *text)
{
    if (cm.read == cm.count)
        return false;
    if (!strstr(cm.bodies[cm.read++], text))
        test_fail(__FILE__, __LINE__, "\"%s\" is not in %s", text, cm.bodies[cm.read - 1]);
    return true;
}

static bool came_again(const char *text)
{
    return cm.again.n && memmem(cm.again.p, cm.again.n, text, strlen(text));
}

static void go_on(void)
{
    const char *what;

    while ((what = cm.script[cm.at])) {
        struct line_ *l = open_one(strchr("}~", what[0]));

        if (what[0] == '@'   ? !came_again(what + 1)
            : what[0] == '<' ? !heard(what + 1)
                             : what[0] == '?' || !l)
            return;
        cm.at++;
        if (strchr(">}=^", what[0]))
            answer(l, mn_str_from(what + 1), strchr("=^", what[0]));
        if (strchr("!~^", what[0]))
            line_free(l);
    }
}

static void check_key(mn_str body)
{
    mn_str key = attr(body, " key='"), fresh = attr(body, " newkey='");
    unsigned char digest[MN_DIGEST_MAX];

    if (attr(body, " sid='").n && !https) {
        size_t n = mn_digest_of(MN_SHA1, &key, 1, digest);

        CHECK_STR(mn_hex(mn_str_make(digest, n), &cm.a), mn_arena_cstr(&cm.a, cm.key));
    }
    CHECK(https ? !key.n && !fresh.n : key.n || fresh.n);
    cm.key = mn_arena_str(&cm.a, fresh.n ? fresh : key);
}

static void asked(struct line_ *l, mn_str body)
{
    uint64_t rid = 0;

    CHECK(mn_num_parse(attr(body, " rid='"), (1ULL << 53) - 1, &rid) && rid);
    l->rid = rid;
    if (!cm.count || !attr(body, " sid='").n)
        cm.first = rid - cm.count;
    if (rid - cm.first < cm.count) { /* once more, and the same */
        MN_LIST_EACH(n, &cm.lines)
        if (MN_OF(n, struct line_, link) != l && MN_OF(n, struct line_, link)->rid == rid)
            MN_OF(n, struct line_, link)->rid = 0;
        CHECK_STR(body, cm.bodies[rid - cm.first]);
        mn_buf_fmt(&cm.again, "%u ", (unsigned)(rid - cm.first));
        return;
    }
    CHECK_INT(rid, cm.first + cm.count);
    CHECK(cm.count < BODIES_MAX);
    check_key(body);
    cm.bodies[cm.count++] = mn_str_dup(body);
    if (open_count() > cm.most)
        cm.most = open_count();
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct line_ *l = arg;
    struct mn_http_message m;

    mn_http_feed(l->http, bytes);
    if (mn_http_next(l->http, &m))
        return;
    CHECK(!l->rid); /* it does not ask before it is answered */
    CHECK_STR(m.method, "POST");
    snprintf(cm.path, sizeof cm.path, "%.*s", MN_ARG(m.target));
    CHECK_STR(mn_http_get(&m, "Content-Type"), "text/xml; charset=utf-8");
    asked(l, m.body);
    go_on();
}

static void on_closed(void *arg, int why)
{
    (void)why;
    line_free(arg);
}

static const struct mn_conn_face face = {on_bytes, on_closed, NULL, NULL};

static void accepted(void *arg, int fd, const struct mn_addr *peer)
{
    struct line_ *l = MN_NEW(struct line_);

    (void)arg;
    (void)peer;
    l->http = mn_http_new(true, 1 << 20);
    l->conn = mn_conn_tcp(talk.ctx->loop, fd, &face, l);
    if (https)
        mn_conn_start_tls(l->conn, https, true, NULL);
    cm.connections++;
    mn_list_add(&cm.lines, &l->link);
}

static void listen_to(const char *const *script)
{
    struct mn_addr at;
    struct mn_buf why = {0};

    cm = (struct cm){.script = script};
    mn_list_init(&cm.lines);
    talk.ctx = mynah_context_new(NULL);
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK_INT(mn_listen(talk.ctx->loop, &at, accepted, NULL, &cm.listener, &why), 0);
    snprintf(cm.url, sizeof cm.url, "http%s://127.0.0.1:%u/bind", https ? "s" : "",
             mn_addr_port(mn_listener_addr(cm.listener)));
}

static void connect_by(struct mynah_client_config config)
{
    config.bosh = cm.url;
    config.no_roster = true;
    config.tls = https ? MYNAH_TLS_REQUIRED : MYNAH_TLS_OFF;
    talk_connect(&config);
}

static void start(const char *const *script, struct mynah_client_config config)
{
    listen_to(script);
    connect_by(config);
}

static void end(const char *notes, const char *again, unsigned most)
{
    if (notes)
        CHECK_STR(mn_buf_view(&talk.notes), notes);
    CHECK_STR(mn_buf_view(&cm.again), again);
    CHECK(cm.most <= most);
    while (!mn_list_empty(&cm.lines))
        line_free(MN_OF(cm.lines.next, struct line_, link));
    for (size_t i = 0; i < cm.count; i++)
        mn_free(cm.bodies[i]);
    mn_listener_free(cm.listener);
    mynah_context_free(talk.ctx);
    mn_arena_done(&cm.a, NULL);
    mn_buf_free(&cm.again);
    mn_buf_free(&talk.notes);
}

static bool said_all(void)
{
    return !cm.script[cm.at];
}

static void say(const char *text)
{
    struct mynah_elem *m = mynah_message_new("a@y.test", MYNAH_CHAT, text);

    CHECK_INT(mynah_message_send(talk.c, &m, NULL, NULL, NULL), 0);
}

#define HEAD_ "<body xmlns='http://jabber.org/protocol/httpbind' "
#define STREAM "xmlns:stream='http://etherx.jabber.org/streams'"
#define BODY(inside) HEAD_ STREAM ">" inside "</body>"
#define EMPTY "<?xml version='1.0'?>" HEAD_ "/>"
#define SESSION                                                                                    \
    HEAD_ STREAM                                                                                   \
        " sid='s&amp;1' wait='60' hold='1' requests='2' inactivity='30' polling='1' ver='1.6' "    \
        "maxpause='10' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh' authid='7'>"
#define SUCCESS "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
#define IN(more)                                                                                   \
    "<", ">" SESSION SASL "</body>", "<mechanism='ANONYMOUS'", ">" BODY(SUCCESS),                  \
        "<xmpp:restart='true'", ">" BODY(BIND(more)), "<id='bind'", ">" BODY(BOUND)
#define FROM(text) "<message from='b@y.test'><body>" text "</body></message>"
#define OVER HEAD_ "type='terminate' condition='other-request'/>"

static const struct mynah_client_config once = {.jid = "x.test", .no_reconnect = true};

static const char *waited;

static bool noted_it(void)
{
    return noted(waited);
}

static void until(const char *text)
{
    waited = text;
    talk_until(noted_it);
}

static bool pauses(void)
{
    return cm.script[cm.at] && cm.script[cm.at][0] == '?';
}

/* Says that behind a "?". */
static void say_there(const char *text)
{
    talk_until(pauses);
    say(text);
    cm.at++;
}

TEST(a_session_goes_from_its_creation_to_its_end)
{
    static const char *const script[] = {IN(""),
                                         "<rid",
                                         "?",
                                         "<</presence><message xmlns='jabber:client' ",
                                         ">" EMPTY,
                                         ">" BODY(FROM("hi")),
                                         "<rid",
                                         "?",
                                         "<type='terminate'",
                                         ">" HEAD_ "type='terminate'/>",
                                         NULL};
    struct mynah_client_config config = once;

    config.lang = "zh";
    config.host = "h.test";
    config.port = 99;
    start(script, config);
    talk_until(talk_online);
    CHECK_STR(mn_str_from(mynah_client_jid(talk.c)), "u@x.test/r");
    talk_until(pauses);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, NULL, 0);
    say("one");
    say_there("two");
    talk_until(pauses);
    cm.at++;
    mynah_client_disconnect(talk.c);
    talk_until(talk_over);
    for (size_t i = 1; i < cm.count; i++)
        CHECK_STR(attr(mn_str_from(cm.bodies[i]), " sid='"), "s&amp;1");
    CHECK(strstr(cm.bodies[0], " to='x.test' xml:lang='zh'"));
    CHECK(strstr(cm.bodies[0], " route='xmpp:h.test:99' ver='1.11' wait='60' hold='1' ack='1' "
                               "xmpp:version='1.0'"));
    CHECK(strstr(cm.bodies[2], " to='x.test' xml:lang='zh'") && strstr(cm.bodies[2], "'/>"));
    CHECK(strstr(cm.bodies[cm.count - 1], "<presence xmlns='jabber:client' type='unavailable'/>"));
    end("online queued written queued written acked acked b@y.test>hi closing offline", "", 2);
}

TEST(what_a_broken_connection_took_is_asked_again_and_told_once)
{
    static const char *const script[] = {"<",
                                         ">" SESSION SASL "</body>",
                                         "<mechanism='ANONYMOUS'",
                                         "!",
                                         "!",
                                         ">" BODY(SUCCESS),
                                         "<xmpp:restart",
                                         "=HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
                                         ">" BODY(BIND("")),
                                         "<id='bind'",
                                         "^HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<body",
                                         ">" BODY(BOUND),
                                         "<",
                                         "^HTTP/1.0 200 OK\r\n\r\n" BODY(FROM("a")),
                                         "<",
                                         ">" OVER,
                                         NULL};

    start(script, once);
    talk_until(talk_over);
    end("online b@y.test>a offline (-13 other-request)", "1 1 2 3 ", 2);
}

TEST(answers_are_heeded_in_the_order_of_their_requests)
{
    static const char *const script[] = {
        IN(""), "<rid",   "?", "<<message", "}" BODY(FROM("2")), ">" BODY(FROM("1")),
        "<rid", ">" OVER, NULL};

    start(script, once);
    talk_until(talk_online);
    say_there("x");
    talk_until(talk_over);
    end("online queued written b@y.test>1 acked b@y.test>2 offline (-13 other-request)", "", 2);
}

TEST(what_is_asked_for_again_comes_again)
{
    static const struct {
        const char *lines[8], *again;
    } rows[] = {
        /* A recoverable condition is for all up to that one. */
        {{"}" HEAD_ "type='error'/>", "@4 5 ", ">" BODY(FROM("1")), "}" EMPTY}, "4 5 "},
        /* The answer to the first is reported as sent long ago, and never came. */
        {{"}" HEAD_ "report='%p' time='5000'/>", "@4 ", ">" BODY(FROM("1"))}, "4 "},
        {{"!", "@4 ", ">" BODY(FROM("1")), "}" EMPTY}, "4 "},
        {{"~", "@5 ", ">" BODY(FROM("1")), "}" EMPTY}, "5 "},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        const char *script[40] = {IN(""), "<rid", "?", "<<message"};
        size_t n = 11;

        for (size_t j = 0; rows[i].lines[j]; j++)
            script[n++] = rows[i].lines[j];
        script[n++] = "<rid";
        script[n] = ">" OVER;
        start(script, once);
        talk_until(talk_online);
        say_there("x");
        talk_until(talk_over);
        end("online queued written b@y.test>1 acked offline (-13 other-request)", rows[i].again, 2);
    }
}

TEST(a_new_network_is_asked_at_once)
{
    static const char *const script[] = {
        IN(""), "<rid", "?", "@4 ", "<urn:xmpp:ping", ">" BODY(FROM("1")), NULL};

    start(script, once);
    talk_until(pauses);
    mynah_client_network_changed(talk.c);
    cm.at++;
    until("1");
    end("online b@y.test>1", "4 ", 2);
}

/* A session that is gone is told of once, to the newest; the one before is asked again, and told.
 */
TEST(the_end_of_a_session_is_not_waited_for)
{
    static const char *const script[] = {IN(""),   "<rid", "?",      "<<message",
                                         "}" OVER, "@4 ",  ">" OVER, NULL};

    start(script, once);
    say_there("x");
    talk_until(talk_over);
    end("online queued written offline (-13 other-request)", "4 ", 2);
}

TEST(who_is_freed_says_that_it_is_over)
{
    static const char *const script[] = {
        IN(""), "<rid", "?", "<<message", ">" HEAD_ "ack='%r'/>", "?", "<type='terminate'", NULL};

    start(script, once);
    say_there("x");
    until("acked");
    mynah_client_free(talk.c);
    cm.at++;
    talk_until(said_all);
    end("online queued written acked", "", 2);
}

static void turns_until(size_t bodies)
{
    for (int i = 0; i < 2000 && cm.count < bodies; i++)
        mn_loop_turn(talk.ctx->loop, 5);
    CHECK_INT(cm.count, bodies);
}

/* The kernels take their time. */
static void pass_until(size_t bodies)
{
    for (int i = 0; i < 1000 && cm.count < bodies; i++) {
        mn_clock_set(mn_clock_now() + 20, mn_clock_wall());
        mn_loop_turn(talk.ctx->loop, 5);
    }
    CHECK_INT(cm.count, bodies);
}

/* Where the clock stands, the one before it has just left. */
TEST(a_request_does_not_overtake_the_one_before)
{
    static const char *const script[] = {IN(""), "<rid", "?", "<<message", "?", NULL};

    start(script, once);
    talk_until(talk_online);
    mn_clock_set(mn_clock_now(), mn_clock_wall());
    turns_until(5);
    say("x");
    for (int i = 0; i < 20; i++)
        mn_loop_turn(talk.ctx->loop, 1);
    CHECK_INT(cm.count, 5);
    cm.at++;
    pass_until(6);
    mn_clock_set(-1, 0);
    end("online queued written", "", 2);
}

/* ... unless that is known to have arrived. */
TEST(a_request_that_is_acknowledged_is_not_waited_for)
{
    static const char *const script[] = {
        IN(""), "<rid", "<<body>x<", "?", ">" HEAD_ "ack='%r'/>", "<<body>y<", NULL};

    start(script, once);
    talk_until(talk_online);
    mn_clock_set(mn_clock_now(), mn_clock_wall());
    turns_until(5);
    say("x");
    pass_until(6);
    say("y");
    cm.at++;
    go_on();
    turns_until(7); /* while the clock stands */
    mn_clock_set(-1, 0);
    end(NULL, "", 2);
}

/* ... also where all connections have a question. */
TEST(who_is_freed_says_so_on_one_more_connection)
{
    static const char *const script[] = {IN(""), "<rid",         "?", "<<message",
                                         "?",    "<>more</body", NULL};

    start(script, once);
    say_there("x");
    talk_until(pauses);
    CHECK_INT(open_count(), 2);
    say("more");
    mynah_client_free(talk.c);
    cm.at++;
    talk_until(said_all);
    CHECK(strstr(cm.bodies[cm.count - 1], " type='terminate'"));
    end("online queued written queued written", "", 3);
}

/* ... with all that was written, also when it has taken leave in order. */
TEST(what_was_said_before_the_end_is_not_lost)
{
    static const char *const script[] = {IN(""), "<rid", "?", "<<body>one", NULL};

    for (int turns = 0; turns < 3; turns++) {
        start(script, once);
        talk_until(pauses);
        say("one");
        mynah_client_disconnect(talk.c);
        for (int i = 0; i < turns; i++)
            mn_loop_turn(talk.ctx->loop, 0);
        mynah_client_free(talk.c);
        cm.at++;
        talk_until(said_all);
        CHECK(strstr(cm.bodies[cm.count - 1], " type='terminate'"));
        end(NULL, "", 2);
    }
}

static void program(void)
{
    talk.ctx = mynah_context_new(NULL);
    connect_by(once);
    talk_until(talk_online);
    say("one");
    say("two");
    mynah_client_disconnect(talk.c);
    mynah_client_free(talk.c);
    mynah_context_free(talk.ctx);
    _exit(0);
}

/* A program that ends at once, in a process of its own. */
TEST(what_was_said_before_a_program_ends_is_not_lost)
{
    static const char *const script[] = {IN(""), "<", "<<body>two", NULL};
    int status = 1;
    pid_t child;

    listen_to(script);
    child = fork();
    if (!child)
        program();
    talk_until(said_all);
    CHECK(waitpid(child, &status, 0) == child && !status);
    CHECK(strstr(cm.bodies[cm.count - 1], "<body>one<"));
    CHECK(strstr(cm.bodies[cm.count - 1], " type='terminate'"));
    end(NULL, "", 2);
}

static bool gone(void)
{
    return mn_list_empty(&cm.lines);
}

/* It is not waited for: neither by who frees all, nor longer than a moment. */
TEST(a_last_word_has_its_time)
{
    for (int i = 0; i < 2; i++) {
        static const char *const script[] = {IN(""), "<rid", "?", "<<message", "?", NULL};

        start(script, once);
        say_there("x");
        talk_until(pauses);
        mynah_client_free(talk.c);
        if (i) {
            mn_listener_free(cm.listener); /* nobody accepts it */
            cm.listener = NULL;
            talk_until(gone);
        }
        end("online queued written", "", 3);
    }
}

static bool good, asked_first;

static bool certificate(void *arg, struct mynah_client *c, const struct mynah_certificate *cert)
{
    (void)arg;
    (void)c;
    CHECK(cert->why && strlen(cert->sha256) == 64 && !cert->jid);
    CHECK_INT(cert->problems, MYNAH_CERTIFICATE_ISSUER | MYNAH_CERTIFICATE_NAME);
    note("certificate");
    asked_first = !cm.count;
    return good;
}

/* Over https that is asked before a byte is sent, and once for all connections. */
TEST(a_person_may_trust_the_certificate_of_a_connection_manager)
{
    static const char *const script[] = {IN(""), "<rid", "?", "<<message", "?", NULL};
    static const struct mynah_calls calls = {.size = sizeof calls, .certificate = certificate};
    char dir[] = "/tmp/mynah-bosh-XXXXXX", rm[64];
    struct mn_arena a = {0};
    struct mn_cert_files files;
    struct mn_buf why = {0};

    CHECK(mkdtemp(dir));
    CHECK_INT(mn_cert_local(dir, MN_STR("here.test"), &a, &files, &why), 0);
    CHECK_INT(mn_tls_server(files.cert, files.key, &https, &why), 0);
    for (int i = 0; i < 2; i++) {
        good = i;
        start(script, once);
        mynah_listen(talk.c, &calls, NULL);
        if (good) {
            say_there("x");
            talk_until(pauses);
            CHECK_INT(cm.connections, 2);
            CHECK_STR(mn_str_from(mynah_client_certificate(talk.c)->subject), "CN=here.test");
        } else {
            talk_until(talk_over);
            CHECK_INT(cm.count, 0);
        }
        CHECK(asked_first);
        end(good ? "certificate online queued written" : "certificate offline (-6)", "", 2);
    }
    mn_tls_unref(https);
    https = NULL;
    snprintf(rm, sizeof rm, "rm -r %s", dir);
    CHECK(!system(rm)); /* NOLINT */
    mn_arena_done(&a, NULL);
    mn_buf_free(&why);
}

TEST(an_acknowledgement_tells_what_has_arrived)
{
    static const char *const script[] = {IN(""), "<rid", "?", "<<message", ">" HEAD_ "ack='%r'/>",
                                         "!",    NULL};

    start(script, once);
    talk_until(talk_online);
    say_there("x");
    until("acked");
    CHECK_INT(open_count(), 0);
    end("online queued written acked", "", 2);
}

TEST(what_was_not_acknowledged_goes_into_the_next_session)
{
    static const char *const script[] = {IN(""), "<rid",      "?",       "<<message", ">" OVER,
                                         IN(""), "<<message", ">" EMPTY, NULL};

    start(script, (struct mynah_client_config){.jid = "x.test"});
    talk_until(talk_online);
    say_there("x");
    until("waiting");
    mynah_client_network_changed(talk.c);
    until("acked");
    end("online queued written waiting (-13 other-request) online acked", "", 2);
}

TEST(stream_management_acknowledges_where_it_is)
{
    static const char *const script[] = {IN(SM),
                                         "<<enable xmlns='urn:xmpp:sm:3'/>",
                                         ">" BODY("<enabled xmlns='urn:xmpp:sm:3'/>"),
                                         "<rid",
                                         "?",
                                         "<<message",
                                         ">" EMPTY,
                                         ">" BODY("<a xmlns='urn:xmpp:sm:3' h='0'/>"),
                                         "<rid",
                                         ">" BODY("<a xmlns='urn:xmpp:sm:3' h='1'/>"),
                                         NULL};

    start(script, once);
    talk_until(talk_online);
    say_there("x");
    until("acked");
    CHECK(said_all());
    end("online queued written acked", "", 2);
}

TEST(each_end_has_its_code)
{
    static const struct {
        const char *lines[12], *notes;
    } rows[] = {
        {{"<", ">" HEAD_ "type='terminate' condition='host-unknown'/>"},
         "offline (-9 host-unknown)"},
        {{"<", ">" EMPTY}, "offline (-9)"},
        {{"<", ">" BODY(SASL)}, "offline (-9)"},
        {{"<", "><html/>"}, "offline (-9)"},
        {{"<", "><body"}, "offline (-9)"},
        {{"<", "=SSH-2.0-x\r\n\r\n"}, "offline (-9)"},
        {{"<", "=HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"}, "offline (-4)"},
        {{"<", "=HTTP/1.1 302 x\r\nLocation: ftp://x/\r\nContent-Length: 0\r\n\r\n"},
         "offline (-4)"},
        {{"<", ">" HEAD_ "type='terminate' condition='see-other-uri'><uri>x</uri></body>"},
         "offline (-4)"},
        {{"<", "!"}, "offline (-13)"},
        {{"<", ">" SESSION "</body>", "<rid", ">" BODY(SASL), "<mechanism", ">" OVER},
         "offline (-13 other-request)"},
        {{"<", ">" SESSION SASL "</body>", "<mechanism",
          ">" HEAD_ "type='terminate' condition='policy-violation'/>"},
         "offline (-9 policy-violation)"},
        {{"<", ">" SESSION SASL "</body>", "<mechanism", ">" HEAD_ "type='terminate'/>"},
         "offline (-13)"},
        {{"<", ">" SESSION SASL "</body>", "<mechanism",
          ">" HEAD_ STREAM " type='terminate' condition='remote-stream-error'><stream:error>"
          "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></body>"},
         "offline (-9 conflict)"},
        {{"<", ">" HEAD_ STREAM " sid='1' wait='60' requests='2'>" SASL "</body>", "<mechanism",
          "=HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"},
         "offline (-13 item-not-found)"},
        {{"<", ">" HEAD_ STREAM " sid='1' wait='60' requests='2'>" SASL "</body>", "<mechanism",
          "=HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"},
         "offline (-9 policy-violation)"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        start(rows[i].lines, once);
        talk_until(talk_over);
        if (!mn_str_is(mn_buf_view(&talk.notes), rows[i].notes))
            test_fail(__FILE__, __LINE__, "row %zu: %.*s", i, MN_ARG(mn_buf_view(&talk.notes)));
        end(NULL, "", 2);
    }
}

TEST(who_holds_no_request_is_polled_with_pauses)
{
    static const char *const script[] = {
        "<",
        ">" HEAD_ STREAM " sid='1' wait='60' requests='1' polling='1' ver='1.6'>" SASL "</body>",
        "<mechanism",
        ">" EMPTY,
        "<rid",
        ">" EMPTY,
        "<rid",
        ">" BODY(SUCCESS),
        "<restart",
        NULL};
    int64_t began = mn_clock_now();

    start(script, once);
    talk_until(said_all);
    CHECK(mn_clock_now() - began >= 1000);
    end(NULL, "", 1);
}

TEST(who_should_hold_requests_and_does_not_is_not_asked_without_end)
{
    static const char *const script[] = {IN(""),    "<rid", ">" EMPTY, "<rid", ">" EMPTY, "<rid",
                                         ">" EMPTY, "<rid", ">" EMPTY, "<rid", ">" EMPTY, "<rid",
                                         ">" EMPTY, "<rid", ">" EMPTY, "<rid", NULL};
    int64_t began = mn_clock_now();

    start(script, once);
    talk_until(said_all);
    CHECK(mn_clock_now() - began >= 900);
    end("online", "", 1);
}

TEST(where_another_address_is_named_the_session_begins_there)
{
    static const char *const script[] = {"<", NULL};
    char moved[200];
    const char *lines[] = {"<", moved, "<", ">" SESSION SASL "</body>", "<mechanism", NULL};

    for (int i = 0; i < 2; i++) {
        start(script, once);
        snprintf(moved, sizeof moved,
                 i ? "=HTTP/1.1 307 x\r\nLocation: %s/2\r\nContent-Length: 0\r\n\r\n"
                   : ">" HEAD_ "type='terminate' condition='see-other-uri'><uri>%s/2</uri></body>",
                 cm.url);
        cm.script = lines;
        talk_until(said_all);
        CHECK(strstr(cm.path, "/bind/2"));
        end(NULL, "", 1);
    }
}

TEST(what_is_no_address_or_would_not_be_encrypted_is_refused)
{
    static const struct mynah_client_config rows[] = {
        {.jid = "x.test", .bosh = "x.test"},
        {.jid = "x.test", .bosh = "https://"},
        {.jid = "x.test", .bosh = "http://x.test/"},
        {.jid = "x.test", .bosh = "http://x.test/", .tls = MYNAH_TLS_DIRECT},
        {.jid = "x.test", .bosh = "https://x.test/", .component_secret = "x"},
    };
    struct mynah_context *ctx = mynah_context_new(NULL);

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mynah_client_config c = rows[i];
        struct mynah_client *out;

        c.size = sizeof c;
        CHECK_INT(mynah_client_new(ctx, &c, &out, NULL), MYNAH_E_ARGUMENT);
    }
    mynah_context_free(ctx);
}

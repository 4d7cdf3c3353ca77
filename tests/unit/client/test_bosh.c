/* A client over BOSH: what it makes of connections and of a connection manager. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/cert.h"
#include "unit/client/manager.h"

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
    cm_start(script, config);
    talk_until(talk_online);
    CHECK_STR(mn_str_from(mynah_client_jid(talk.c)), "u@x.test/r");
    talk_until(cm_pauses);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, NULL, 0);
    cm_say("one");
    cm_say_there("two");
    talk_until(cm_pauses);
    cm.at++;
    mynah_client_disconnect(talk.c);
    talk_until(talk_over);
    for (size_t i = 1; i < cm.count; i++)
        CHECK_STR(cm_attr(mn_str_from(cm.bodies[i]), " sid='"), "s&amp;1");
    CHECK(strstr(cm.bodies[0], " to='x.test' xml:lang='zh'"));
    CHECK(strstr(cm.bodies[0], " route='xmpp:h.test:99' ver='1.11' wait='60' hold='1' ack='1' "
                               "xmpp:version='1.0'"));
    CHECK(strstr(cm.bodies[2], " to='x.test' xml:lang='zh'") && strstr(cm.bodies[2], "'/>"));
    CHECK(strstr(cm.bodies[cm.count - 1], "<presence xmlns='jabber:client' type='unavailable'/>"));
    cm_end("online queued written queued written acked acked b@y.test>hi closing offline", "", 2);
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

    cm_start(script, once);
    talk_until(talk_over);
    cm_end("online b@y.test>a offline (-13 other-request)", "1 1 2 3 ", 2);
}

TEST(answers_are_heeded_in_the_order_of_their_requests)
{
    static const char *const script[] = {
        IN(""), "<rid",   "?", "<<message", "}" BODY(FROM("2")), ">" BODY(FROM("1")),
        "<rid", ">" OVER, NULL};

    cm_start(script, once);
    talk_until(talk_online);
    cm_say_there("x");
    talk_until(talk_over);
    cm_end("online queued written b@y.test>1 acked b@y.test>2 offline (-13 other-request)", "", 2);
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
        cm_says(rows[i].lines);
        cm_end("online queued written b@y.test>1 acked offline (-13 other-request)", rows[i].again,
               2);
    }
}

TEST(a_new_network_is_asked_at_once)
{
    static const char *const script[] = {
        IN(""), "<rid", "?", "@4 ", "<urn:xmpp:ping", ">" BODY(FROM("1")), NULL};

    cm_start(script, once);
    talk_until(cm_pauses);
    mynah_client_network_changed(talk.c);
    cm.at++;
    cm_until("1");
    cm_end("online b@y.test>1", "4 ", 2);
}

/* A session that is gone is told of once, to the newest; the one before is asked again, and told.
 */
TEST(the_end_of_a_session_is_not_waited_for)
{
    static const char *const script[] = {IN(""),   "<rid", "?",      "<<message",
                                         "}" OVER, "@4 ",  ">" OVER, NULL};

    cm_start(script, once);
    cm_say_there("x");
    talk_until(talk_over);
    cm_end("online queued written offline (-13 other-request)", "4 ", 2);
}

TEST(who_is_freed_says_that_it_is_over)
{
    static const char *const script[] = {
        IN(""), "<rid", "?", "<<message", ">" HEAD_ "ack='%r'/>", "?", "<type='terminate'", NULL};

    cm_start(script, once);
    cm_say_there("x");
    cm_until("acked");
    mynah_client_free(talk.c);
    cm.at++;
    talk_until(cm_said_all);
    cm_end("online queued written acked", "", 2);
}

static void turns_until(size_t bodies)
{
    TALK_UNTIL(cm.count >= bodies);
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

    cm_start(script, once);
    talk_until(talk_online);
    mn_clock_set(mn_clock_now(), mn_clock_wall());
    turns_until(5);
    cm_say("x");
    for (int i = 0; i < 20; i++)
        mn_loop_turn(talk.ctx->loop, 1);
    CHECK_INT(cm.count, 5);
    cm.at++;
    pass_until(6);
    mn_clock_set(-1, 0);
    cm_end("online queued written", "", 2);
}

/* ... unless that is known to have arrived. */
TEST(a_request_that_is_acknowledged_is_not_waited_for)
{
    static const char *const script[] = {
        IN(""), "<rid", "<<body>x<", "?", ">" HEAD_ "ack='%r'/>", "<<body>y<", NULL};

    cm_start(script, once);
    talk_until(talk_online);
    mn_clock_set(mn_clock_now(), mn_clock_wall());
    turns_until(5);
    cm_say("x");
    pass_until(6);
    cm_say("y");
    cm.at++;
    cm_go_on();
    turns_until(7); /* while the clock stands */
    mn_clock_set(-1, 0);
    cm_end(NULL, "", 2);
}

/* ... also where all connections have a question. */
TEST(who_is_freed_says_so_on_one_more_connection)
{
    static const char *const script[] = {IN(""), "<rid",         "?", "<<message",
                                         "?",    "<>more</body", NULL};

    cm_start(script, once);
    cm_say_there("x");
    talk_until(cm_pauses);
    CHECK_INT(cm_open_count(), 2);
    cm_say("more");
    mynah_client_free(talk.c);
    cm.at++;
    talk_until(cm_said_all);
    CHECK(strstr(cm.bodies[cm.count - 1], " type='terminate'"));
    cm_end("online queued written queued written", "", 3);
}

/* ... with all that was written, also when it has taken leave in order. */
TEST(what_was_said_before_the_end_is_not_lost)
{
    static const char *const script[] = {IN(""), "<rid", "?", "<<body>one", NULL};

    for (int turns = 0; turns < 3; turns++) {
        cm_start(script, once);
        talk_until(cm_pauses);
        cm_say("one");
        mynah_client_disconnect(talk.c);
        for (int i = 0; i < turns; i++)
            mn_loop_turn(talk.ctx->loop, 0);
        mynah_client_free(talk.c);
        cm.at++;
        talk_until(cm_said_all);
        CHECK(strstr(cm.bodies[cm.count - 1], " type='terminate'"));
        cm_end(NULL, "", 2);
    }
}

static void program(void)
{
    talk.ctx = mynah_context_new(NULL);
    cm_connect(once);
    talk_until(talk_online);
    cm_say("one");
    cm_say("two");
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

    cm_listen(script);
    child = fork();
    if (!child)
        program();
    talk_until(cm_said_all);
    CHECK(waitpid(child, &status, 0) == child && !status);
    CHECK(strstr(cm.bodies[cm.count - 1], "<body>one<"));
    CHECK(strstr(cm.bodies[cm.count - 1], " type='terminate'"));
    cm_end(NULL, "", 2);
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

        cm_start(script, once);
        cm_say_there("x");
        talk_until(cm_pauses);
        mynah_client_free(talk.c);
        if (i) {
            mn_listener_free(cm.listener); /* nobody accepts it */
            cm.listener = NULL;
            talk_until(gone);
        }
        cm_end("online queued written", "", 3);
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

/* Over cm_https that is asked before a byte is sent, and once for all connections. */
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
    CHECK_INT(mn_tls_server(files.cert, files.key, &cm_https, &why), 0);
    for (int i = 0; i < 2; i++) {
        good = i;
        cm_start(script, once);
        mynah_listen(talk.c, &calls, NULL);
        if (good) {
            cm_say_there("x");
            talk_until(cm_pauses);
            CHECK_INT(cm.connections, 2);
            CHECK_STR(mn_str_from(mynah_client_certificate(talk.c)->subject), "CN=here.test");
        } else {
            talk_until(talk_over);
            CHECK_INT(cm.count, 0);
        }
        CHECK(asked_first);
        cm_end(good ? "certificate online queued written" : "certificate offline (-6)", "", 2);
    }
    mn_tls_unref(cm_https);
    cm_https = NULL;
    snprintf(rm, sizeof rm, "rm -r %s", dir);
    CHECK(!system(rm)); /* NOLINT */
    mn_arena_done(&a, NULL);
    mn_buf_free(&why);
}

TEST(an_acknowledgement_tells_what_has_arrived)
{
    static const char *const script[] = {IN(""), "<rid", "?", "<<message", ">" HEAD_ "ack='%r'/>",
                                         "!",    NULL};

    cm_start(script, once);
    talk_until(talk_online);
    cm_say_there("x");
    cm_until("acked");
    CHECK_INT(cm_open_count(), 0);
    cm_end("online queued written acked", "", 2);
}

TEST(what_was_not_acknowledged_goes_into_the_next_session)
{
    static const char *const script[] = {IN(""), "<rid",      "?",       "<<message", ">" OVER,
                                         IN(""), "<<message", ">" EMPTY, NULL};

    cm_start(script, (struct mynah_client_config){.jid = "x.test"});
    talk_until(talk_online);
    cm_say_there("x");
    cm_until("waiting");
    mynah_client_network_changed(talk.c);
    cm_until("acked");
    cm_end("online queued written waiting (-13 other-request) online acked", "", 2);
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

    cm_start(script, once);
    talk_until(talk_online);
    cm_say_there("x");
    cm_until("acked");
    CHECK(cm_said_all());
    cm_end("online queued written acked", "", 2);
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
        cm_start(rows[i].lines, once);
        talk_until(talk_over);
        if (!mn_str_is(mn_buf_view(&talk.notes), rows[i].notes))
            test_fail(__FILE__, __LINE__, "row %zu: %.*s", i, MN_ARG(mn_buf_view(&talk.notes)));
        cm_end(NULL, "", 2);
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

    cm_start(script, once);
    talk_until(cm_said_all);
    CHECK(mn_clock_now() - began >= 1000);
    cm_end(NULL, "", 1);
}

TEST(who_should_hold_requests_and_does_not_is_not_asked_without_end)
{
    static const char *const script[] = {IN(""),    "<rid", ">" EMPTY, "<rid", ">" EMPTY, "<rid",
                                         ">" EMPTY, "<rid", ">" EMPTY, "<rid", ">" EMPTY, "<rid",
                                         ">" EMPTY, "<rid", ">" EMPTY, "<rid", NULL};
    int64_t began = mn_clock_now();

    cm_start(script, once);
    talk_until(cm_said_all);
    CHECK(mn_clock_now() - began >= 900);
    cm_end("online", "", 1);
}

TEST(where_another_address_is_named_the_session_begins_there)
{
    static const char *const script[] = {"<", NULL};
    char moved[200];
    const char *lines[] = {"<", moved, "<", ">" SESSION SASL "</body>", "<mechanism", NULL};

    for (int i = 0; i < 2; i++) {
        cm_start(script, once);
        snprintf(moved, sizeof moved,
                 i ? "=HTTP/1.1 307 x\r\nLocation: %s/2\r\nContent-Length: 0\r\n\r\n"
                   : ">" HEAD_ "type='terminate' condition='see-other-uri'><uri>%s/2</uri></body>",
                 cm.url);
        cm.script = lines;
        talk_until(cm_said_all);
        CHECK(strstr(cm.path, "/bind/2"));
        cm_end(NULL, "", 1);
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

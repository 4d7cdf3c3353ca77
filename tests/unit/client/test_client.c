/* A client against a server that follows a script: what is told to whom, once, whatever the server
 * and the network do. */
#include "client/client.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "unit/client/talk.h"

static const struct mynah_client_config again = {.no_roster = true};

/* A login needs a thread, for which no address space has room here. */
TEST(where_there_can_be_no_thread_the_login_fails)
{
    static const char *const lines[] = {
        "<<stream:stream",
        ">" HEADER "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
        "<mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>",
        "<mechanism='SCRAM-SHA-1'",
        "><challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>AAAA</challenge>", NULL};
    static const struct mynah_client_config config = {
        .jid = "u@x.test", .password = "pw", .no_reconnect = true};
    pthread_attr_t before, huge;

    CHECK(!pthread_getattr_default_np(&before) && !pthread_attr_init(&huge));
    CHECK(!pthread_attr_setstacksize(&huge, (size_t)1 << 47));
    CHECK(!pthread_setattr_default_np(&huge));
    talk_start(lines, &config);
    talk_until(talk_over);
    CHECK(!pthread_setattr_default_np(&before));
    talk_end("offline (-16)");
}

/* The limit of descriptors is reached. */
TEST(where_there_can_be_no_descriptor_there_is_no_context)
{
    static const struct mynah_client_config config = {.size = sizeof config, .jid = "x.test"};
    struct rlimit before, none;
    struct mynah_client *c;
    char *why = NULL;

    CHECK(!getrlimit(RLIMIT_NOFILE, &before));
    none = before;
    none.rlim_cur = 0;
    CHECK(!setrlimit(RLIMIT_NOFILE, &none));
    CHECK(!mynah_context_new(NULL));
    CHECK_INT(mynah_quick_open(&config, &c, &why), MYNAH_E_LIMIT);
    CHECK(!setrlimit(RLIMIT_NOFILE, &before));
    CHECK(why && !c);
    mynah_free(why);
}

/* SASL by another name than the address has. */
TEST(a_name_to_log_in_by_may_be_another)
{
    static const char *const lines[] = {
        "<<stream:stream",
        ">" HEADER "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
        "<mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>",
        "<mechanism='SCRAM-SHA-1'>biwsbj1vdGhlcixy", /* n,,n=other,r */
        "><failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>", NULL};
    static const struct mynah_client_config config = {
        .jid = "u@x.test", .authcid = "other", .password = "pw", .no_reconnect = true};

    talk_start(lines, &config);
    talk_until(talk_over);
    talk_end("offline (-7 not-authorized)");
}

/* How servers may end a login. */
TEST(each_fault_of_a_login_has_its_code)
{
    static const struct {
        const char *lines[12], *notes;
    } rows[] = {
        {{"<<stream:stream", "></stream:stream>"}, "offline (-9)"},
        {{"<<stream:stream", ">HTTP/1.1 400 Bad Request\r\n\r\n"}, "offline (-9)"},
        {{"<<stream:stream", "><html>"}, "offline (-9)"},
        {{"<<stream:stream", ">" HEADER, "!"}, "offline (-13)"},
        {{"<<stream:stream", ">" HEADER "<stream:features/>"}, "offline (-8)"},
        {{"<<stream:stream",
          ">" HEADER "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
          "<mechanism>PLAIN</mechanism></mechanisms></stream:features>"},
         "offline (-8)"},
        {{"<<stream:stream",
          ">" HEADER "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
          "</stream:error>"},
         "offline (-9 host-unknown)"},
        {{"<<stream:stream", ">" HEADER SASL, "<mechanism='ANONYMOUS'",
          "><failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"},
         "offline (-7 not-authorized)"},
        {{"<<stream:stream", ">" HEADER SASL, "<mechanism='ANONYMOUS'",
          "><failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism-too-weak/></failure>"},
         "offline (-8)"},
        {{"<<stream:stream", ">" HEADER SASL, "<mechanism='ANONYMOUS'",
          "><challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>AAAA</challenge>"},
         "offline (-7)"},
        {{"<<stream:stream", ">" HEADER SASL, "<mechanism='ANONYMOUS'",
          "><challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>A</challenge>"},
         "offline (-9)"},
        {{"<<stream:stream", ">" HEADER SASL, "<mechanism='ANONYMOUS'",
          "><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"},
         "offline (-5)"},
        {{AUTH(""), "<id='bind'",
          "><iq type='error' id='bind'><error type='cancel'><not-allowed xmlns="
          "'urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"},
         "offline (-10 not-allowed)"},
        {{AUTH(""), "<id='bind'",
          "><iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
          "<jid>u@x.test</jid></bind></iq>"},
         "offline (-9)"},
        {{AUTH(""), "<id='bind'", "><iq type='result' id='bind'/>"}, "offline (-9)"},
        {{LOGIN(""), "></stream:stream>"}, "online offline (-13)"},
        {{LOGIN(""), "><a><b></a>"}, "online offline (-9)"},
        {{LOGIN(""), "><!-- x -->"}, "online offline (-9)"},
        {{LOGIN(""), "><message><body>&lol;</body></message>"}, "online offline (-9)"},
        {{LOGIN(SM), "<<enable",
          "><enabled xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='2'/>"},
         "online offline (-9)"},
        {{LOGIN(""), "><nobody xmlns='urn:asked'/><stream:error><conflict xmlns="
                     "'urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"},
         "online offline (-9 conflict)"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        talk_start(rows[i].lines, NULL);
        talk_until(talk_over);
        if (!mn_str_is(mn_buf_view(&talk.notes), rows[i].notes))
            test_fail(__FILE__, __LINE__, "row %zu: %.*s", i, MN_ARG(mn_buf_view(&talk.notes)));
        talk_end(NULL);
    }
}

TEST(each_question_ends_once_and_only_who_was_asked_may_answer)
{
    static const char *const script[] = {
        LOGIN(""),
        "<type='get' id='",
        "><iq type='result' id='%1' from='evil@y.test'/><iq type='result' id='%1'/>"
        "<iq type='result' id='%1' from='A@y.test'/><iq type='result' id='%1' from='a@y.test'/>",
        "<type='get' id='",
        "><iq type='result' id='%1' from='u@x.test/other'/><iq type='error' id='%1' from='x.test'>"
        "<error type='cancel'><item-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        "<urn:last",
        NULL};
    struct mynah_elem *q = mynah_elem_new("query", "urn:cancelled");

    talk_start(script, NULL);
    talk_ask("early", NULL, 0);
    CHECK(!noted("early"));
    talk_until(talk_online);
    talk_ask("one", "a@Y.test", 0);
    talk_ask("two", NULL, 0);
    talk_ask("late", "a@y.test", 30);
    mynah_cancel(mynah_iq_send(talk.c, MYNAH_SET, NULL, &q, 0, note_iq, "cancelled"));
    TALK_UNTIL(noted("late"));
    q = mynah_elem_new("query", "urn:last");
    mynah_iq_send(talk.c, MYNAH_GET, NULL, &q, 0, note_iq, "lost");
    talk_until(talk_done);
    mynah_client_free(talk.c);
    talk_end("early=-2 online cancelled=-12 one=result two=-10 late=-11 lost=-12");
}

static struct mynah_request *own;

static void cancels_itself(void *name, struct mynah_client *c, const struct mynah_elem *result,
                           const struct mynah_error *error)
{
    note_iq(name, c, result, error);
    mynah_cancel(own);
}

TEST(who_cancels_a_question_that_has_ended_does_nothing)
{
    static const char *const script[] = {LOGIN(""), "<type='get' id='",
                                         "><iq type='result' id='%1'/>", END};
    struct mynah_elem *q = mynah_elem_new("query", "urn:test");

    talk_start(script, NULL);
    talk_until(talk_online);
    own = mynah_iq_send(talk.c, MYNAH_GET, NULL, &q, 0, cancels_itself, "one");
    talk_until(talk_done);
    q = mynah_elem_new("query", "urn:test");
    own = mynah_iq_send(talk.c, MYNAH_GET, NULL, &q, 0, cancels_itself, "two");
    mynah_client_free(talk.c);
    talk_end("online one=result two=-12");
}

static unsigned tries;

static void tries_again(void *name, struct mynah_client *c, const struct mynah_elem *result,
                        const struct mynah_error *error)
{
    struct mynah_elem *q = mynah_elem_new("query", "urn:test");

    note_iq(name, c, result, error);
    if (--tries)
        mynah_iq_send(c, MYNAH_GET, NULL, &q, 0, tries_again, name);
    else
        mynah_elem_free(q);
    CHECK_INT(mynah_client_connect(c), MYNAH_E_STATE);
}

TEST(who_asks_again_and_again_of_a_client_that_is_freed_hears_of_each)
{
    static const char *const script[] = {LOGIN(""), "<urn:test", NULL};
    struct mynah_elem *q = mynah_elem_new("query", "urn:test");

    talk_start(script, NULL);
    talk_until(talk_online);
    tries = 4;
    mynah_iq_send(talk.c, MYNAH_GET, NULL, &q, 0, tries_again, "try");
    talk_until(talk_done);
    mynah_client_free(talk.c);
    mn_loop_turn(talk.ctx->loop, 0);
    talk_end("online try=-12 try=-2 try=-12 try=-12");
}

static void frees_when_acked(void *name, struct mynah_client *c, const char *id,
                             enum mynah_sent state, const struct mynah_error *why)
{
    (void)id;
    (void)why;
    if (state < MYNAH_SENT_ACKED)
        return;
    note("%s", (char *)name);
    mynah_client_free(c);
}

TEST(who_frees_a_client_hears_of_no_other_message)
{
    static const char *const script[] = {
        LOGIN(SM),    "<<enable", "><enabled xmlns='urn:xmpp:sm:3'/>",
        "<<body>two", "<<r ",     "><a xmlns='urn:xmpp:sm:3' h='2'/>",
        NULL};

    talk_start(script, &again);
    talk_until(talk_online);
    for (int i = 0; i < 2; i++) {
        struct mynah_elem *m = mynah_message_new("a@y.test", MYNAH_CHAT, i ? "two" : "one");

        CHECK_INT(mynah_message_send(talk.c, &m, NULL, frees_when_acked, i ? "2" : "1"), 0);
    }
    talk_until(talk_done);
    for (int i = 0; i < 10; i++)
        mn_loop_turn(talk.ctx->loop, 5);
    talk_end("online queued written queued written 1");
}

static void in_vain(void *arg)
{
    *(bool *)arg = true;
}

static void turns_inside(void *arg)
{
    CHECK(!mynah_turn(talk.ctx, 0));
    mynah_run(talk.ctx);
    *(bool *)arg = true;
}

TEST(what_is_posted_waits_for_a_turn_of_its_own)
{
    bool came = false, turned = false;

    talk.ctx = mynah_context_new(NULL);
    mynah_post(talk.ctx, turns_inside, &turned);
    mynah_turn(talk.ctx, 0);
    CHECK(turned);
    mynah_post(talk.ctx, in_vain, &came);
    mynah_context_free(talk.ctx);
    CHECK(!came);
}

static void serve(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct mynah_elem *r = mynah_elem_new("answer", "urn:served");

    (void)c;
    note("%s:%s", (char *)arg, mynah_elem_name(mynah_ask_payload(q)));
    mynah_elem_put(r, mynah_ask_from(q));
    mynah_ask_result(&q, &r);
}

TEST(each_question_of_others_is_answered_once)
{
    static const char *const lines[] = {
        LOGIN(""),
        "><iq type='get' id='1' from='b@y.test/r'><what xmlns='urn:served'/></iq>",
        "<<iq type='result' id='1' to='b@y.test/r'><answer "
        "xmlns='urn:served'>b@y.test/r</answer></iq>",
        "><iq type='get' id='2'><else xmlns='urn:served'/></iq>",
        "<id='2'><answer xmlns='urn:served'>u@x.test<",
        "><iq type='set' id='3' from='b@y.test'><what xmlns='urn:served'/></iq>",
        "<type='error' id='3' to='b@y.test'><error type='cancel'><service-unavailable",
        "><iq type='get' id='4' from='b@y.test'/>",
        "<id='4' to='b@y.test'><error type='modify'><bad-request",
        "><iq type='get' from='b@y.test'><what xmlns='urn:served'/></iq><iq id='5'/>",
        "><iq type='get' id='6' from='b@y.test'><what xmlns='urn:served'/></iq>",
        "<id='6'",
        NULL};

    talk_start(lines, NULL);
    mynah_iq_serve(talk.c, MYNAH_GET, "urn:served", "what", serve, "what");
    mynah_iq_serve(talk.c, MYNAH_GET, "urn:served", NULL, serve, "any");
    talk_until(talk_done);
    talk_end("online what:what any:else what:what");
}

#define CARBON(way, from)                                                                          \
    "<message from='" from "' to='u@x.test/r'><" way " xmlns='urn:xmpp:carbons:2'><forwarded "     \
    "xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='a@y.test/1' to='u@x.test/2'>" \
    "<body>" way "</body></message></forwarded></" way "></message>"

TEST(messages_are_told_as_what_they_are)
{
    static const char *const lines[] = {
        LOGIN(""),
        "><message from='a@y.test/1'><body xml:lang='de'>eins</body><body>one</body></message>",
        ">" CARBON("received", "u@x.test") CARBON("sent", "u@x.test"),
        ">" CARBON("received", "a@y.test") CARBON("sent", "u@x.test/2"),
        "><message type='chat'><body>self</body></message>",
        "><presence type='nonsense' from='a@y.test'/>",
        "><iq type='get' id='end'><x xmlns='y'/></iq>",
        "<id='end'",
        NULL};

    talk_start(lines, NULL);
    talk_until(talk_done);
    talk_end(
        "online a@y.test/1>one received:a@y.test/1>received sent:a@y.test/1>sent u@x.test>self");
}

TEST(a_message_is_followed_to_its_end)
{
    static const char *const lines[] = {
        LOGIN(SM),
        "<<enable",
        "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
        "<markable",
        "><a xmlns='urn:xmpp:sm:3' h='1'/>",
        "><message from='other@y.test'><received xmlns='urn:xmpp:receipts' id='m1'/></message>",
        "><message from='a@y.test/1'><received xmlns='urn:xmpp:receipts' id='m1'/></message>",
        "><message from='a@y.test/1'><received xmlns='urn:xmpp:receipts' id='m1'/></message>",
        "><message from='a@y.test/1'><displayed xmlns='urn:xmpp:chat-markers:0' "
        "id='m1'/></message>",
        "<id='m2'",
        "><message type='error' id='m2' from='evil@y.test'><error/></message>"
        "<message type='error' id='m2' from='nobody@y.test'><error type='cancel'><item-not-found "
        "xmlns="
        "'urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        "><iq type='get' id='end'><x xmlns='y'/></iq>",
        "<id='end'",
        NULL};
    struct mynah_elem *m;

    talk_start(lines, NULL);
    m = mynah_message_new("a@y.test/1", MYNAH_CHAT, "one");
    mynah_elem_set(m, "id", "m1");
    CHECK_INT(mynah_message_send(talk.c, &m, NULL, NULL, NULL), 0);
    talk_until(talk_online);
    TALK_UNTIL(noted("displayed"));
    m = mynah_message_new("nobody@y.test", MYNAH_HEADLINE, "two");
    mynah_elem_set(m, "id", "m2");
    CHECK_INT(mynah_message_send(talk.c, &m, NULL, NULL, NULL), 0);
    talk_until(talk_done);
    talk_end("queued written online acked other@y.test>- delivered displayed queued written "
             "evil@y.test>- "
             "failed (item-not-found) nobody@y.test>-");
}

/* An error of the two servers ends it as one of the recipient does; one of anybody else is read and
 * ends nothing. */
TEST(a_message_is_refused_by_whom_it_was_for_or_a_server)
{
#define REFUSED(id, from)                                                                          \
    "<message type='error' id='" id "'" from "><error type='modify'><undefined-condition xmlns='"  \
    "urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    static const char *const lines[] = {
        LOGIN(""),
        "<id='m1'",
        "<id='m2'",
        "<id='m3'",
        "<id='m4'",
        ">" REFUSED("m1", " from='x.test'") REFUSED("m2", " from='y.test'") REFUSED("m3", "")
            REFUSED("m4", " from='z.test'") REFUSED("m4", " from='u2@x.test'")
                REFUSED("m4", " from='y.test/r'"),
        END};
    const char *const ids[] = {"m1", "m2", "m3", "m4"};

    talk_start(lines, NULL);
    talk_until(talk_online);
    for (size_t i = 0; i < MN_COUNT(ids); i++) {
        struct mynah_elem *m = mynah_message_new("a@y.test/1", MYNAH_HEADLINE, ids[i]);

        mynah_elem_set(m, "id", ids[i]);
        CHECK_INT(mynah_message_send(talk.c, &m, NULL, NULL, NULL), 0);
    }
    mn_buf_clear(&talk.notes);
    talk_until(talk_done);
    talk_end("failed (undefined-condition) x.test>- failed (undefined-condition) y.test>- "
             "failed (undefined-condition) u@x.test>- z.test>- u2@x.test>- y.test/r>-");
}

static void free_at_state(void *arg, struct mynah_client *c, enum mynah_state s,
                          const struct mynah_error *why)
{
    (void)why;
    if (s == *(enum mynah_state *)arg)
        mynah_client_free(c);
}

static void free_at_message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    (void)m;
    if (!arg)
        mynah_client_free(c);
}

TEST(a_client_may_be_freed_inside_its_call_backs)
{
    static const char *const lines[] = {
        LOGIN(""),
        "><message from='a@y.test'><body>x</body></message><message "
        "from='a@y.test'><body>y</body></message>",
        "!", NULL};
    static const enum mynah_state at[] = {MYNAH_CONNECTING, MYNAH_LOGIN, MYNAH_BINDING,
                                          MYNAH_ONLINE, MYNAH_WAITING};

    for (size_t i = 0; i <= MN_COUNT(at); i++) {
        struct mynah_calls calls = {.size = sizeof calls, .state = free_at_state};
        enum mynah_state when = i < MN_COUNT(at) ? at[i] : MYNAH_ONLINE;

        if (i == MN_COUNT(at))
            calls = (struct mynah_calls){.size = sizeof calls, .message = free_at_message};
        talk_start(lines, &again);
        mynah_listen(talk.c, &calls, i < MN_COUNT(at) ? &when : NULL);
        talk_ask("question", NULL, 0);
        if (i == 0) { /* its first state is told inside connect */
            mynah_client_disconnect(talk.c);
            mynah_client_connect(talk.c);
        }
        /* The memory goes at the end of a turn, so what is looked at is looked at inside one. */
        for (int k = 0; k < 1000 && !mn_list_empty(&talk.ctx->clients); k++)
            mn_loop_turn(talk.ctx->loop, 20);
        CHECK(mn_list_empty(&talk.ctx->clients));
        talk_end(NULL);
    }
}

#define ZLIB                                                                                       \
    "<compression xmlns='http://jabber.org/features/compress'><method>lzw</method>"                \
    "<method>zlib</method></compression>"

TEST(a_stream_is_compressed_only_on_request)
{
    static const char *const squeezed[] =
        {AUTH(ZLIB),
         "<<method>zlib</method></compress>",
         "><compressed xmlns='http://jabber.org/protocol/compress'/>",
         "z",
         "<<stream:stream",
         ">" HEADER BIND(""),
         "<id='bind'",
         ">" BOUND,
         END},
                             *const plain[] = {LOGIN(ZLIB), END};

    for (int i = 0; i < 2; i++) {
        talk_start(
            i ? squeezed : plain,
            &(struct mynah_client_config){.no_reconnect = true, .no_roster = true, .compress = i});
        CHECK(!mynah_client_is_compressed(talk.c));
        talk_until(talk_done);
        CHECK_INT(mynah_client_is_compressed(talk.c), i);
        CHECK_INT(memmem(talk.server.all.p, talk.server.all.n, "<compress", 9) != NULL, i);
        talk_end("online");
    }
}

TEST(what_goes_through_a_stream_is_counted)
{
    static const char *const lines[] = {LOGIN(""),
                                        "><message from='a@y.test'><body>1</body></message>", END};
    struct mynah_traffic t = {.size = sizeof t},
                         old = {.size = offsetof(struct mynah_traffic, stanzas_in)};

    talk_start(lines, NULL);
    talk_until(talk_done);
    mynah_client_traffic(talk.c, &t);
    mynah_client_traffic(talk.c, &old);
    CHECK(t.bytes_out >= talk.server.all.n && t.bytes_out < talk.server.all.n + 10); /* a secret */
    CHECK(t.bytes_in > 500 && old.bytes_in == t.bytes_in && !old.stanzas_in);
    CHECK_INT(t.stanzas_in, 2); /* a message, a question */
    CHECK_INT(t.stanzas_out, 1);
    CHECK_INT(t.messages_in, 1);
    CHECK_INT(t.iqs_in, 1);
    CHECK_INT(t.presences_in + t.presences_out + t.messages_out, 0);
    CHECK_INT(t.iqs_out, 1);
    talk_end(NULL);
}

TEST(what_the_program_gave_is_its_own_again)
{
    struct mynah_context *ctx = mynah_context_new(NULL);
    char jid[] = "user@x.test/r", password[] = "secret";
    struct mynah_client_config config = {.size = sizeof config, .jid = jid, .password = password};
    struct mynah_client *c;

    CHECK_INT(mynah_client_new(ctx, &config, &c, NULL), 0);
    memset(jid, 'x', sizeof jid - 1);
    memset(password, 'x', sizeof password - 1);
    CHECK_STR(mn_jid_text(&c->jid), "user@x.test/r");
    CHECK_STR(mn_str_from(mynah_client_jid(c)), "user@x.test/r");
    CHECK_STR(mn_str_from(mynah_client_bare(c)), "user@x.test");
    CHECK_STR(mn_str_from(mynah_client_password(c)), "secret");
    mynah_context_free(ctx);
}

static void why_said(void *arg, struct mynah_client *c, enum mynah_state s,
                     const struct mynah_error *why)
{
    (void)c;
    if (s == MYNAH_OFFLINE && why)
        note("%s %s", (char *)arg, why->text);
}

TEST(why_nobody_answers_is_told_in_words)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .state = why_said};
    static const char *const lines[] = {"!", NULL};
    struct mynah_client_config config = {.size = sizeof config,
                                         .jid = "x.test",
                                         .tls = MYNAH_TLS_OFF,
                                         .host = "127.0.0.1",
                                         .no_reconnect = true};
    struct mynah_client *c;

    talk_start(lines, NULL);
    talk_until(talk_over);
    config.port = (uint16_t)strtoul(talk.server.port, NULL, 10);
    mn_listener_free(talk.server.listener); /* nobody is there any more */
    talk.server.listener = NULL;
    CHECK_INT(mynah_client_new(talk.ctx, &config, &c, NULL), 0);
    mynah_listen(c, &calls, "why:");
    CHECK_INT(mynah_client_connect(c), 0);
    TALK_UNTIL(noted("why:"));
    CHECK(noted("why: 127.0.0.1: Connection refused"));
    talk_end(NULL);
}

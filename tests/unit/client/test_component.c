/* A component against a server that follows a script: the handshake, and from and to whom its
 * stanzas are. */
#include "unit/client/talk.h"

static const struct mynah_client_config config = {
    .jid = "part.x.test", .component_secret = "secret", .no_reconnect = true};

#define STREAM(id)                                                                                 \
    "<<stream:stream xmlns='jabber:component:accept' "                                             \
    "xmlns:stream='http://etherx.jabber.org/streams' to='part.x.test'>",                           \
        "><stream:stream xmlns='jabber:component:accept' "                                         \
        "xmlns:stream='http://etherx.jabber.org/streams'" id " from='part.x.test'>"
#define ONLINE                                                                                     \
    STREAM(" id='1'"), "<<handshake>bc2f114099d16656d37e45fd9e8744cb9386d462</handshake>",         \
        "><handshake/>"

TEST(a_component_that_is_not_let_in_says_why)
{
    static const struct {
        const char *lines[8], *notes;
    } rows[] = {
        {{STREAM("")}, "offline (-9)"},
        {{STREAM(" id='1'"), "<<handshake>",
          "><stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
          "</stream:error></stream:stream>"},
         "offline (-7 not-authorized)"},
        {{STREAM(" id='1'"), "<<handshake>",
          "><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
          "</stream:error></stream:stream>"},
         "offline (-7 host-unknown)"},
        {{STREAM(" id='1'"), "<<handshake>", "></stream:stream>"}, "offline (-13)"},
        {{ONLINE, "></stream:stream>"}, "online offline (-13)"},
        {{STREAM(" id='1'"), "<<handshake>",
          "><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
          "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><success "
          "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/><handshake xmlns='jabber:client:x'/>",
          "!"},
         "offline (-13)"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        talk_start(rows[i].lines, &config);
        talk_until(talk_over);
        if (!mn_str_is(mn_buf_view(&talk.notes), rows[i].notes))
            test_fail(__FILE__, __LINE__, "row %zu: %.*s", i, MN_ARG(mn_buf_view(&talk.notes)));
        talk_end(NULL);
    }
}

TEST(a_place_that_is_still_taken_is_tried_again)
{
    static const char *const lines[] = {
        STREAM(" id='1'"),
        "<<handshake>",
        "><stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
        "</stream:error></stream:stream>",
        "!",
        ONLINE,
        NULL};
    struct mynah_client_config again = config;

    again.no_reconnect = false;
    talk_start(lines, &again);
    talk_until(talk_online);
    talk_end("waiting (-7 conflict) online");
}

TEST(a_components_stanzas_say_from_whom_they_are)
{
    static const char *const lines[] = {
        ONLINE,
        "<<message to='a@x.test' from='part.x.test'><body>one</body></message>",
        "<<message to='a@x.test' from='b@part.x.test/r'><body>two</body></message>",
        "<to='a@x.test' type='chat'",
        "< from='part.x.test'><body>three</body>",
        "<<presence to='a@x.test' type='subscribe' from='part.x.test'/>",
        "<<presence to='a@x.test' from='part.x.test'>",
        NULL};
    struct mynah_elem *m;

    talk_start(lines, &config);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, "of its own", 0);
    talk_until(talk_online);
    CHECK_STR(mn_str_from(mynah_client_jid(talk.c)), "part.x.test");
    m = mynah_message_new(NULL, MYNAH_NORMAL, "to nobody");
    CHECK_INT(mynah_send(talk.c, &m), MYNAH_E_ARGUMENT);
    m = mynah_message_new(NULL, MYNAH_CHAT, "to nobody");
    CHECK_INT(mynah_message_send(talk.c, &m, NULL, NULL, NULL), MYNAH_E_ARGUMENT);
    m = mynah_message_new("a@x.test", MYNAH_NORMAL, "one");
    CHECK_INT(mynah_send(talk.c, &m), MYNAH_OK);
    m = mynah_message_new("a@x.test", MYNAH_NORMAL, "two");
    mynah_elem_set(m, "from", "b@part.x.test/r");
    CHECK_INT(mynah_send(talk.c, &m), MYNAH_OK);
    CHECK_INT(mynah_chat(talk.c, "a@x.test", "three"), MYNAH_OK);
    CHECK_INT(mynah_subscription_send(talk.c, "a@x.test", MYNAH_SUBSCRIBE, NULL), MYNAH_OK);
    CHECK_INT(mynah_presence_send(talk.c, "a@x.test", MYNAH_AVAILABLE, NULL, NULL), MYNAH_OK);
    talk_until(talk_done);
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "of its own", 10));
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "roster", 6));
    talk_end("online queued written");
}

static void probed(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    struct mynah_elem *answer = mynah_elem_new("presence", NULL);

    (void)arg;
    note("%d %s>%s", p->type, p->from, p->to);
    mynah_elem_set(answer, "from", p->to);
    mynah_elem_set(answer, "to", p->from);
    CHECK_INT(mynah_send(c, &answer), MYNAH_OK);
}

/* Servers ask for the presence of everybody below the domain; and may be asked. */
TEST(a_component_hears_of_probes_and_may_probe)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .presence = probed};
    static const char *const lines[] = {
        ONLINE,
        "><presence type='probe' from='a@x.test' to='b@part.x.test'/>"
        "<presence type='what' from='a@x.test' to='b@part.x.test'/>",
        "<<presence from='b@part.x.test' to='a@x.test'/>",
        "<<presence to='a@x.test' type='probe' from='part.x.test'/>", NULL};

    talk_start(lines, &config);
    mynah_listen(talk.c, &calls, NULL);
    talk_until(talk_online);
    CHECK_INT(mynah_subscription_send(talk.c, "a@x.test", MYNAH_PRESENCE_ERROR, NULL),
              MYNAH_E_ARGUMENT);
    while (!noted(">"))
        mynah_turn(talk.ctx, -1);
    CHECK_INT(mynah_subscription_send(talk.c, "a@x.test", MYNAH_PROBE, NULL), MYNAH_OK);
    talk_until(talk_done);
    talk_end("online 6 a@x.test>b@part.x.test");
}

static void ask(const char *name, const char *from, const char *to)
{
    struct mynah_elem *q = mynah_elem_new("query", "urn:test");

    mynah_iq_send_from(talk.c, from, MYNAH_GET, to, &q, 0, note_iq, (void *)name);
}

static bool one_ended(void)
{
    return noted("one=");
}

static bool all_ended(void)
{
    return noted("two=") && noted("nobody=");
}

TEST(only_the_answer_to_who_asked_is_one)
{
    static const char *const lines[] = {
        ONLINE,
        "<id='",
        "><iq type='result' id='%1' from='a@x.test/r' to='part.x.test'/>"
        "<iq type='result' id='%1' from='a@x.test/r' to='c@part.x.test'/>"
        "<iq type='result' id='%1' from='a@x.test/r'/>"
        "<iq type='result' id='%1' from='a@x.test' to='b@part.x.test'/>"
        "<message from='a@x.test' to='part.x.test'><body>x</body></message>"
        "<iq type='error' id='%1' from='a@x.test/r' to='B@part.x.test'><error type='cancel'>"
        "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        "<id='",
        "><iq type='result' id='%1' from='a@x.test' to='part.x.test'><query "
        "xmlns='urn:test'/></iq>",
        NULL};

    talk_start(lines, &config);
    talk_until(talk_online);
    ask("one", "b@part.x.test", "a@x.test/r");
    talk_until(one_ended);
    ask("two", NULL, "a@x.test");
    ask("nobody", NULL, NULL);
    talk_until(all_ended);
    talk_end("online a@x.test>x one=-10 nobody=-1 two=result");
}

static void serve(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct mynah_elem *none = NULL;

    (void)arg;
    (void)c;
    note("%s>%s", mynah_ask_from(q), mynah_ask_to(q));
    mynah_ask_result(&q, &none);
}

static void received(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    (void)arg;
    mynah_message_received(c, m);
}

TEST(each_address_answers_for_itself)
{
    static const char *const lines[] = {
        ONLINE,
        "><iq type='get' id='1' from='a@x.test/r' to='b@part.x.test'><q xmlns='urn:served'/></iq>",
        "<<iq type='result' id='1' to='a@x.test/r' from='b@part.x.test'/>",
        "><iq type='get' id='2' from='a@x.test/r' to='c@part.x.test'><q xmlns='urn:other'/></iq>",
        "<<iq type='error' id='2' to='a@x.test/r' from='c@part.x.test'>",
        "><iq type='get' id='3' from='a@x.test/r' to='part.x.test'>"
        "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
        "<id='3' to='a@x.test/r' from='part.x.test'>",
        "<category='component'",
        "><message id='m' from='a@x.test/r' to='d@part.x.test'><body>hi</body>"
        "<request xmlns='urn:xmpp:receipts'/></message>",
        "<<message to='a@x.test/r' from='d@part.x.test'><received",
        NULL};
    static const struct mynah_calls calls = {.size = sizeof calls, .message = received};

    talk_start(lines, &config);
    mynah_listen(talk.c, &calls, NULL);
    mynah_iq_serve(talk.c, MYNAH_GET, "urn:served", "q", serve, NULL);
    talk_until(talk_done);
    talk_end("online a@x.test/r>b@part.x.test a@x.test/r>hi");
}

TEST(a_component_is_a_domain)
{
    struct mynah_client_config c = config;
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *out;
    char *why;

    c.size = sizeof c;
    c.jid = "b@part.x.test";
    CHECK_INT(mynah_client_new(ctx, &c, &out, &why), MYNAH_E_ARGUMENT);
    CHECK_STR(mn_str_from(why), "no domain: b@part.x.test");
    mynah_free(why);
    mynah_context_free(ctx);
}

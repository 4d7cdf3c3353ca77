#include "mynah/quick.h"

#include "unit/client/talk.h"

#define RESUMABLE LOGIN(SM), "<<enable", "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>"
#define FROM_A(text) "><message from='a@y.test/1' type='chat'><body>" text "</body></message>"
#define REFUSED                                                                                    \
    "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"           \
    "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>nobody</text></error>"

static int ping(struct mynah_client *c, struct mynah_elem **answer, char **why)
{
    struct mynah_elem *p = mynah_elem_new("ping", "urn:xmpp:ping");
    int code = mynah_quick_ask(c, MYNAH_GET, NULL, &p, answer, why);

    CHECK(!p);
    return code;
}

/* What waits inside a call-back would never return. */
static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    struct mynah_elem *answer;

    note("%d", mynah_quick_online(c, NULL));
    note("%d", ping(c, &answer, NULL));
    CHECK(!answer);
    note("%d", mynah_quick_chat(c, "a@y.test", "x", NULL));
    note("%d", mynah_quick_end(c));
    mynah_quick_close(c);
}

static void check_why(char *why, const char *text)
{
    CHECK_STR(mn_str_from(why), text);
    mynah_free(why);
}

TEST(waits_asks_sends_and_ends_from_top_to_bottom)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .message = message};
    static const char *const lines[] = {RESUMABLE,
                                        FROM_A("hi"),
                                        "<type='get' id='",
                                        "><iq type='result' id='%1'><x xmlns='y'/></iq>",
                                        "<type='get' id='",
                                        "><iq type='error' id='%1'>" REFUSED "</iq>",
                                        "<<body>one</body>",
                                        "><a xmlns='urn:xmpp:sm:3' h='3'/>",
                                        "<id='m2'",
                                        "><message type='error' id='m2' from='b@y.test'>" REFUSED
                                        "</message>",
                                        "<</stream:stream>",
                                        "!",
                                        NULL};
    struct mynah_elem *answer, *m;
    char *why;

    talk_start(lines, NULL);
    mynah_listen(talk.c, &calls, NULL);
    CHECK_INT(mynah_quick_online(talk.c, &why), MYNAH_OK);
    CHECK(!why && talk_online());
    CHECK_INT(mynah_quick_online(talk.c, NULL), MYNAH_OK);
    CHECK_INT(ping(talk.c, &answer, &why), MYNAH_OK);
    CHECK(!why && mynah_elem_child(answer, "x", "y"));
    mynah_elem_free(answer);
    CHECK_INT(ping(talk.c, &answer, &why), MYNAH_E_STANZA);
    CHECK(!answer);
    check_why(why, "refused: item-not-found: nobody");
    CHECK_INT(mynah_quick_chat(talk.c, "a@y.test", "one", &why), MYNAH_OK);
    m = mynah_message_new("b@y.test", MYNAH_CHAT, "two");
    mynah_elem_set(m, "id", "m2");
    CHECK_INT(mynah_quick_send(talk.c, &m, MYNAH_SENT_DELIVERED, &why), MYNAH_E_STANZA);
    CHECK(!m);
    check_why(why, "refused: item-not-found: nobody");
    CHECK_INT(mynah_quick_end(talk.c), MYNAH_OK);
    CHECK(talk_over());
    CHECK_INT(ping(talk.c, NULL, NULL), MYNAH_E_STATE);
    talk_end("online a@y.test/1>hi -2 -2 -2 -2 queued written acked queued written failed "
             "(item-not-found) b@y.test>- -2 -2 -2 -2 closing offline");
}

TEST(a_server_that_acknowledges_nothing_gets_its_messages_too)
{
    static const char *const lines[] = {LOGIN(""), "<<body>one</body>", "!", NULL};
    char *why;

    talk_start(lines, NULL);
    CHECK_INT(mynah_quick_online(talk.c, NULL), MYNAH_OK);
    CHECK_INT(mynah_quick_chat(talk.c, "a@y.test", "one", &why), MYNAH_OK);
    CHECK(!why);
    talk_until(talk_over);
    talk_end("online queued written offline (-13)");
}

TEST(what_fails_says_why)
{
    static const char *const lines[] = {
        "<<stream:stream", ">" HEADER SASL, "<mechanism='ANONYMOUS'",
        "><failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>", NULL};
    struct mynah_client_config config = {.size = sizeof config, .jid = "a b@@"};
    struct mynah_client *c = talk.c;
    char *why;

    talk_start(lines, NULL);
    CHECK_INT(mynah_quick_online(talk.c, &why), MYNAH_E_LOGIN);
    check_why(why, "the login was refused: not-authorized");
    talk_end(NULL);
    CHECK_INT(mynah_quick_open(&config, &c, &why), MYNAH_E_ARGUMENT);
    CHECK(!c);
    check_why(why, "no address: a b@@");
    mynah_quick_close(NULL);
}

static void frees(void *arg)
{
    (void)arg;
    mynah_client_free(talk.c);
}

static void stops(void *arg)
{
    mynah_stop(arg);
}

/* At once, without turning round and round, and only the waiting that it is meant for. */
TEST(waiting_ends_when_the_loop_is_stopped)
{
    static const char *const lines[] = {LOGIN(""), "<</stream:stream>", "!", NULL};
    char *why;

    talk_start(lines, NULL);
    CHECK_INT(mynah_quick_online(talk.c, NULL), MYNAH_OK);
    mynah_timer_start(talk.ctx, 1, stops, talk.ctx);
    CHECK_INT(ping(talk.c, NULL, &why), MYNAH_E_CANCELLED);
    check_why(why, "cancelled");
    mynah_stop(talk.ctx);
    CHECK_INT(mynah_quick_chat(talk.c, "a@y.test", "x", NULL), MYNAH_OK); /* it was written */
    CHECK_INT(mynah_quick_end(talk.c), MYNAH_E_CANCELLED);
    CHECK_INT(mynah_client_state(talk.c), MYNAH_CLOSING);
    CHECK_INT(mynah_quick_end(talk.c), MYNAH_OK);
    talk_end("online queued written closing offline");
}

/* Who waits for something of a client that another call-back frees waits no more. */
TEST(waiting_ends_with_its_client)
{
    static const char *const lines[] = {LOGIN(""), "<never", NULL};

    for (int i = 0; i < 3; i++) {
        struct mynah_elem *m;
        char *why = NULL;
        int code;

        talk_start(lines, NULL);
        CHECK_INT(mynah_quick_online(talk.c, NULL), MYNAH_OK);
        mynah_timer_start(talk.ctx, 1, frees, NULL);
        m = mynah_message_new("a@y.test", MYNAH_CHAT, "x");
        code = i == 0   ? ping(talk.c, NULL, &why)
               : i == 1 ? mynah_quick_send(talk.c, &m, MYNAH_SENT_DELIVERED, &why)
                        : mynah_quick_end(talk.c);
        if (i != 1)
            mynah_elem_free(m);
        CHECK_INT(code, MYNAH_E_CANCELLED);
        mynah_free(why);
        talk_end(NULL);
    }
}

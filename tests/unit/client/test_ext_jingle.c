#include "mynah/jingle.h"

#include "mynah/disco.h"
#include "unit/client/talk.h"

#define ROSTER                                                                                     \
    "<type='get' id='", "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'>"              \
                        "<item jid='a@y.test' subscription='both'/></query></iq>"
#define JINGLE(action, sid, inside)                                                                \
    "<jingle xmlns='urn:xmpp:jingle:1' action='" action "' sid='" sid "'>" inside "</jingle>"
#define SAYS(from, id, action, sid, inside)                                                        \
    "><iq type='set' from='" from "' id='" id "'>" JINGLE(action, sid, inside) "</iq>"
#define SAY(id, action, inside) SAYS("a@y.test/1", id, action, "s", inside)
#define CONTENT(attrs, inside) "<content name='n' " attrs ">" inside "</content>"
#define D "<description xmlns='urn:d'/>"
#define T "<transport xmlns='urn:t'/>"
#define STUB CONTENT("creator='initiator'", D T)
#define OK(id) "<type='result' id='" id "'"
#define REFUSED(id, condition) "<type='error' id='" id "'", "<<" condition
#define ACK "><iq type='result' from='a@y.test/1' id='%1'/>"

static struct mynah_jingle *session;
static struct mynah_elem *description, *transport;
static struct mynah_content stub;

static void came(void *arg, struct mynah_jingle *s, const struct mynah_jingle_event *e)
{
    (void)arg;
    CHECK(s == session);
    note("came:%d(%zu)", e->action, e->count);
}

static bool info(void *arg, struct mynah_jingle *s, const struct mynah_jingle_event *e)
{
    (void)arg;
    CHECK(s == session);
    note("info:%d:%s", e->action, e->info ? mynah_elem_name(e->info) : "-");
    return !e->info || mynah_elem_is(e->info, "ringing", NULL);
}

static void ended(void *arg, struct mynah_jingle *s, enum mynah_jingle_reason reason,
                  const char *text, const struct mynah_error *error)
{
    (void)arg;
    CHECK_INT(mynah_jingle_state(s), MYNAH_JINGLE_ENDED);
    note("ended:%s:%s:%d", mynah_jingle_reason_name(reason), text ? text : "-",
         error ? error->code : 0);
    session = NULL;
}

static void drop(void)
{
    mynah_jingle_end(session, MYNAH_REASON_CANCEL, NULL);
}

static const struct mynah_jingle_calls calls = {
    .size = sizeof calls, .came = came, .info = info, .ended = ended};

static void offered(void *arg, struct mynah_client *c, struct mynah_jingle *s,
                    const struct mynah_jingle_event *e)
{
    (void)c;
    note("offer:%s:%s:%zu", mynah_jingle_peer(s), mynah_jingle_sid(s), e->count);
    if (arg)
        return; /* left alone */
    session = s;
    mynah_jingle_take(s, &calls, NULL);
}

static void begin(const char *const *lines)
{
    static const struct mynah_client_config with_roster = {.no_reconnect = true};

    talk_drop = drop;
    description = mynah_elem_new("description", "urn:d");
    transport = mynah_elem_new("transport", "urn:t");
    stub = (struct mynah_content){.size = sizeof stub,
                                  .name = "n",
                                  .creator = MYNAH_INITIATOR,
                                  .description = description,
                                  .transport = transport};
    talk_start(lines, &with_roster);
}

static void end(const char *notes)
{
    talk_until(talk_done);
    talk_end(notes);
    mynah_elem_free(description);
    mynah_elem_free(transport);
}

static void until(const char *text)
{
    TALK_UNTIL(noted(text));
    CHECK(noted(text));
}

static void roster_here(void)
{
    talk_until(talk_online);
    TALK_UNTIL(mynah_roster_is_ready(talk.c));
}

static int act(enum mynah_jingle_action action)
{
    return mynah_jingle_send(session, action, &stub, 1, NULL, note_iq, "sent");
}

TEST(a_responder_follows_a_session_from_offer_to_end)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER,
        SAY("1", "session-initiate", STUB),
        OK("1"),
        SAY("2", "session-info", ""),
        OK("2"),
        SAY("3", "session-info", "<ringing xmlns='urn:i'/>"),
        OK("3"),
        SAY("4", "session-info", "<odd xmlns='urn:i'/>"),
        REFUSED("4", "feature-not-implemented"),
        "<<unsupported-info xmlns='urn:xmpp:jingle:errors:1'/>",
        SAY("5", "transport-info", STUB),
        OK("5"),
        "<<jingle xmlns='urn:xmpp:jingle:1' action='session-accept' responder='u@x.test/r' sid='s'>"
        "<content creator='initiator' name='n'>" D T "</content></jingle>",
        SAY("6", "session-accept", STUB),
        REFUSED("6", "unexpected-request"),
        "<<out-of-order xmlns='urn:xmpp:jingle:errors:1'/>",
        SAY("7", "session-initiate", STUB),
        REFUSED("7", "unexpected-request"),
        SAYS("evil@y.test/1", "8", "session-terminate", "s", ""),
        REFUSED("8", "service-unavailable"),
        SAYS("a@y.test/2", "9", "session-terminate", "s", ""),
        REFUSED("9", "item-not-found"),
        "<<unknown-session",
        SAY("10", "session-terminate", "<reason><success/><text>bye</text></reason>"),
        OK("10"),
        SAY("11", "session-info", ""),
        REFUSED("11", "item-not-found"),
        END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    until("info:12:-");
    CHECK_INT(mynah_jingle_side(session), MYNAH_RESPONDER);
    CHECK_INT(mynah_jingle_state(session), MYNAH_JINGLE_PENDING);
    CHECK_INT(act(MYNAH_CONTENT_ACCEPT), MYNAH_E_STATE);
    CHECK_INT(act(MYNAH_SESSION_ACCEPT), 0);
    CHECK_INT(mynah_jingle_state(session), MYNAH_JINGLE_ACTIVE);
    CHECK_INT(act(MYNAH_SESSION_ACCEPT), MYNAH_E_STATE);
    end("online offer:a@y.test/1:s:1 info:8:ringing info:8:odd info:12:- ended:success:bye:0");
}

TEST(offers_that_break_the_rules_are_refused)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER,
        SAY("1", "session-initiate", ""),
        REFUSED("1", "bad-request"),
        SAY("2", "session-initiate", CONTENT("creator='responder'", D T)),
        REFUSED("2", "bad-request"),
        SAY("3", "session-initiate", CONTENT("creator='initiator'", D)),
        REFUSED("3", "bad-request"),
        SAY("4", "session-initiate", CONTENT("creator='initiator' disposition='early'", D T)),
        REFUSED("4", "bad-request"),
        SAY("5", "session-initiate", STUB STUB),
        REFUSED("5", "bad-request"),
        SAY("6", "session-begin", STUB),
        REFUSED("6", "bad-request"),
        SAYS("a@y.test/1", "7", "session-initiate", "", STUB),
        REFUSED("7", "bad-request"),
        SAY("8", "session-initiate", CONTENT("creator='nobody'", D T)),
        REFUSED("8", "bad-request"),
        SAY("9", "session-initiate",
            CONTENT("creator='initiator'",
                    D "<transport xmlns='urn:xmpp:jingle:transports:ibb:1'/>")),
        REFUSED("9", "bad-request"),
        SAYS("evil@y.test/1", "10", "session-initiate", "s", STUB),
        REFUSED("10", "service-unavailable"),
        SAY("11", "session-initiate",
            CONTENT("creator='initiator'", "<description xmlns='urn:none'/>" T)),
        OK("11"),
        "<action='session-terminate' sid='s'><reason><unsupported-applications/></reason>",
        SAYS("a@y.test/1", "12", "session-initiate", "s2",
             CONTENT("creator='initiator'", "<description xmlns='urn:left'/>" T)),
        OK("12"),
        "<action='session-terminate' sid='s2'><reason><decline/></reason>",
        END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    mynah_jingle_serve(talk.c, "urn:left", offered, "");
    end("online offer:a@y.test/1:s2:1");
}

TEST(nobody_hears_of_jingle_where_nothing_is_served)
{
    static const char *const lines[] = {LOGIN(""),
                                        ROSTER,
                                        "><iq type='get' id='d' from='a@y.test/1'><query "
                                        "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
                                        OK("d"),
                                        SAY("1", "session-initiate", STUB),
                                        REFUSED("1", "service-unavailable"),
                                        SAY("2", "session-info", ""),
                                        REFUSED("2", "service-unavailable"),
                                        END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    mynah_jingle_serve(talk.c, "urn:d", NULL, NULL);
    talk_until(talk_done);
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "urn:xmpp:jingle", 15));
    end("online");
}

/* The id of our offer stands in the line after "sid='"; `%1` is it. */
#define BEGUN "<action='session-initiate' initiator='u@x.test/r' sid='"
#define REPLY(id, action, inside)                                                                  \
    "><iq type='set' from='a@y.test/1' id='" id                                                    \
    "'><jingle xmlns='urn:xmpp:jingle:1' action='" action "' sid='%1'>" inside "</jingle></iq>"

static void start(void)
{
    roster_here();
    CHECK_INT(mynah_jingle_start(talk.c, "a@y.test/1", &stub, 1, &calls, NULL, &session), 0);
}

TEST(an_initiator_hears_of_acceptance_and_of_changes)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER,
        BEGUN,
        REPLY("1", "session-accept",
              STUB) "<iq type='set' from='a@y.test/1' id='2'><jingle xmlns='urn:xmpp:jingle:1' "
                    "action='session-accept' sid='%1'>" STUB "</jingle></iq>"
                    "<iq type='set' from='a@y.test/1' id='3'><jingle xmlns='urn:xmpp:jingle:1' "
                    "action='content-add' sid='%1'>" STUB "</jingle></iq>"
                    "<iq type='set' from='a@y.test/1' id='4'><jingle xmlns='urn:xmpp:jingle:1' "
                    "action='content-add' sid='%1'>" CONTENT(
                        "creator='responder'",
                        D T) "</jingle></iq>"
                             "<iq type='set' from='a@y.test/1' id='5'><jingle "
                             "xmlns='urn:xmpp:jingle:1' "
                             "action='content-modify' sid='%1'>" CONTENT(
                                 "creator='initiator'",
                                 "") "</jingle></iq>"
                                     "<iq type='set' from='a@y.test/1' id='6'><jingle "
                                     "xmlns='urn:xmpp:jingle:1' "
                                     "action='content-modify' sid='%1'>" CONTENT(
                                         "creator='initiator' senders='none'",
                                         "") "</jingle></iq>"
                                             "<iq type='set' from='a@y.test/1' id='7'><jingle "
                                             "xmlns='urn:xmpp:jingle:1' "
                                             "action='transport-accept' sid='%1'>" STUB
                                             "</jingle></iq>"
                                             "<iq type='set' from='a@y.test/1' id='8'><jingle "
                                             "xmlns='urn:xmpp:jingle:1' "
                                             "action='transport-replace' sid='%1'>" STUB
                                             "</jingle></iq>"
                                             "<iq type='set' from='a@y.test/1' id='9'><jingle "
                                             "xmlns='urn:xmpp:jingle:1' "
                                             "action='content-remove' sid='%1'><content "
                                             "creator='initiator' name='no'/></jingle></iq>"
                                             "<iq type='set' from='a@y.test/1' id='10'><jingle "
                                             "xmlns='urn:xmpp:jingle:1' "
                                             "action='content-accept' sid='%1'>" STUB
                                             "</jingle></iq>"
                                             "<iq type='set' from='a@y.test/1' id='11'><jingle "
                                             "xmlns='urn:xmpp:jingle:1' "
                                             "action='content-accept' sid='%1'>" CONTENT(
                                                 "creator='responder'", D T) "</jingle></iq>",
        OK("1"),
        REFUSED("2", "unexpected-request"),
        REFUSED("3", "bad-request"),
        OK("4"),
        REFUSED("5", "bad-request"),
        OK("6"),
        REFUSED("7", "unexpected-request"),
        OK("8"),
        REFUSED("9", "bad-request"),
        REFUSED("10", "unexpected-request"),
        REFUSED("11", "unexpected-request"),
        "<action='transport-reject'",
        "<action='content-reject'",
        "<action='session-terminate'",
        END};
    struct mynah_content k;

    begin(lines);
    start();
    until("came:14(1)");
    CHECK_INT(mynah_jingle_state(session), MYNAH_JINGLE_ACTIVE);
    CHECK(mynah_jingle_content(session, 0, &k) && k.senders == MYNAH_SENDERS_NONE);
    CHECK(mynah_jingle_content(session, 1, &k) && k.creator == MYNAH_RESPONDER);
    CHECK(!mynah_jingle_content(session, 2, &k));
    CHECK_INT(act(MYNAH_SESSION_ACCEPT), MYNAH_E_STATE);
    CHECK_INT(act(MYNAH_CONTENT_ADD), MYNAH_E_ARGUMENT);
    CHECK_INT(act(MYNAH_CONTENT_REJECT), MYNAH_E_STATE);
    CHECK_INT(act(MYNAH_TRANSPORT_REJECT), 0);
    CHECK_INT(act(MYNAH_TRANSPORT_REJECT), MYNAH_E_STATE);
    stub.creator = MYNAH_RESPONDER;
    CHECK_INT(act(MYNAH_CONTENT_REJECT), 0);
    CHECK(!mynah_jingle_content(session, 1, &k));
    mynah_jingle_end(session, MYNAH_REASON_BUSY, NULL);
    session = NULL;
    end("online came:7(1) came:1(1) came:2(1) came:14(1)");
}

#define ASIDE(id, action, inside)                                                                  \
    "<iq type='set' from='a@y.test/1' id='" id                                                     \
    "'><jingle xmlns='urn:xmpp:jingle:1' action='" action "' sid='%1'>" inside "</jingle></iq>"

TEST(the_initiators_action_goes_before_the_same_of_the_other_side)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER,
        BEGUN,
        REPLY("1", "session-info", "") ASIDE("2", "content-add",
                                             CONTENT("creator='responder'", D T))
            ASIDE("3", "content-add",
                  CONTENT("creator='responder'", "<description xmlns='urn:d2'/>" T))
                ASIDE("4", "transport-replace", STUB)
                    ASIDE("5", "content-modify", CONTENT("creator='initiator' senders='none'", "")),
        OK("1"),
        REFUSED("2", "conflict"),
        "<<tie-break xmlns='urn:xmpp:jingle:errors:1'/>",
        OK("3"),
        REFUSED("4", "conflict"),
        OK("5"),
        END};

    begin(lines);
    start();
    stub.name = "n2";
    CHECK_INT(act(MYNAH_CONTENT_ADD), 0);
    stub.name = "n";
    CHECK_INT(act(MYNAH_TRANSPORT_REPLACE), 0);
    CHECK_INT(act(MYNAH_TRANSPORT_REPLACE), MYNAH_E_STATE);
    end(NULL);
}

TEST(the_responder_takes_the_initiators_action_and_loses_his_own)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER,
        SAY("1", "session-initiate", STUB),
        OK("1"),
        "<type='set' id='",
        SAY("2", "transport-replace",
            STUB) "<iq type='error' from='a@y.test/1' id='%1'><error type='cancel'><conflict "
                  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        "<action='transport-replace'",
        OK("2"),
        "<action='transport-accept'",
        "<type='set' id='",
        "><iq type='error' from='a@y.test/1' id='%1'/>",
        "<action='content-add'",
        END};
    struct mynah_content k;

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    until("offer");
    CHECK_INT(act(MYNAH_TRANSPORT_REPLACE), 0);
    until("sent");
    CHECK_INT(act(MYNAH_TRANSPORT_ACCEPT), 0);
    stub.name = "n2";
    stub.creator = MYNAH_RESPONDER;
    CHECK_INT(act(MYNAH_CONTENT_ADD), 0);
    CHECK(mynah_jingle_content(session, 1, &k));
    until("sent=-10 sent=-10");
    CHECK(!mynah_jingle_content(session, 1, &k));
    end("online offer:a@y.test/1:s:1 came:14(1) sent=-10 sent=-10");
}

TEST(of_two_first_words_the_lower_id_counts)
{
    static const char *const lines[] = {LOGIN(""),
                                        ROSTER,
                                        BEGUN,
                                        SAYS("a@y.test/1", "1", "session-initiate", "~", STUB),
                                        REFUSED("1", "conflict"),
                                        "<<tie-break",
                                        SAYS("a@y.test/1", "2", "session-initiate", "!", STUB),
                                        OK("2"),
                                        END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    start();
    until("offer");
    end("online offer:a@y.test/1:!:1");
}

TEST(of_the_same_id_the_lower_address_counts)
{
    static const char *const lines[] = {
        LOGIN(""), ROSTER, BEGUN, REPLY("1", "session-initiate", STUB), OK("1"), END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    start();
    until("offer");
    CHECK_INT(mynah_jingle_side(session), MYNAH_RESPONDER);
    CHECK(noted("ended::-:-10 offer:a@y.test/1:"));
    end(NULL);
}

TEST(of_the_same_id_the_higher_address_is_refused)
{
    static const char *const lines[] = {LOGIN(""),
                                        ROSTER,
                                        BEGUN,
                                        "><iq type='set' from='u@x.test/z' id='1'>"
                                        "<jingle xmlns='urn:xmpp:jingle:1' "
                                        "action='session-initiate' sid='%1'>" STUB "</jingle></iq>",
                                        REFUSED("1", "conflict"),
                                        "<<tie-break",
                                        END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    roster_here();
    CHECK_INT(mynah_jingle_start(talk.c, "u@x.test/z", &stub, 1, &calls, NULL, &session), 0);
    end("online");
}

/* Who sends to each other is no tie: nothing of it is the same. */
TEST(two_ways_at_once_are_two_sessions)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER,
        BEGUN,
        SAYS("a@y.test/1", "1", "session-initiate", "~",
             CONTENT("creator='initiator' senders='responder'", D T)),
        REFUSED("1", "conflict"),
        SAYS("a@y.test/1", "2", "session-initiate", "~",
             CONTENT("creator='initiator' senders='initiator'", D T)),
        OK("2"),
        END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    stub.senders = MYNAH_SENDERS_INITIATOR;
    start();
    until("offer");
    end("online offer:a@y.test/1:~:1");
}

TEST(what_both_take_out_is_out)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER,
        SAY("1", "session-initiate", STUB),
        OK("1"),
        "<action='content-remove'",
        SAY("2", "content-remove", STUB),
        OK("2"),
        "<action='session-terminate' sid='s'><reason><success/></reason>",
        END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    until("offer");
    CHECK_INT(act(MYNAH_CONTENT_REMOVE), 0);
    end("online offer:a@y.test/1:s:1 came:4(1) ended:success:-:0");
}

TEST(who_offers_is_sent_elsewhere)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER,
        SAY("1", "session-initiate", STUB),
        REFUSED("1",
                "redirect xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:v@y.test</redirect>"),
        SAY("2", "session-initiate", CONTENT("creator='initiator'", D)),
        REFUSED("2", "bad-request"),
        END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    mynah_jingle_redirect(talk.c, "xmpp:v@y.test");
    end("online");
}

TEST(a_session_without_contents_is_void)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER,
        SAY("1", "session-initiate", STUB),
        OK("1"),
        SAY("2", "content-remove", STUB),
        OK("2"),
        "<action='session-terminate' sid='s'><reason><success/></reason>",
        SAY("3", "content-add", STUB),
        REFUSED("3", "item-not-found"),
        END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    end("online offer:a@y.test/1:s:1 came:4(1) ended:success:-:0");
}

TEST(who_went_is_asked_and_who_knows_of_no_session_has_none)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER,
        SAY("1", "session-initiate", STUB),
        OK("1"),
        "><presence from='a@y.test/1' type='unavailable'/>",
        "<type='set' id='",
        "><iq type='error' from='a@y.test/1' id='%1'><error type='modify'><feature-not-implemented "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><unsupported-info "
        "xmlns='urn:xmpp:jingle:errors:1'/></error></iq>",
        "<action='session-info' sid='s'/>",
        "><presence from='a@y.test/1' type='unavailable'/>",
        "<type='set' id='",
        "><iq type='error' from='a@y.test/1' id='%1'><error type='cancel'><service-unavailable "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        SAY("2", "session-initiate", STUB),
        OK("2"),
        "<type='set' id='",
        "><iq type='error' from='a@y.test/1' id='%1'><error type='cancel'><item-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><unknown-session "
        "xmlns='urn:xmpp:jingle:errors:1'/></error></iq>",
        SAY("3", "session-initiate", STUB),
        OK("3"),
        END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    until("ended:gone");
    until("ended:gone:-:-10 offer");
    CHECK_INT(act(MYNAH_TRANSPORT_INFO), 0);
    end("online offer:a@y.test/1:s:1 ended:gone:-:-10 offer:a@y.test/1:s:1 sent=-10 ended::-:-10 "
        "offer:a@y.test/1:s:1");
}

TEST(an_offer_may_be_refused_and_has_to_make_sense)
{
    static const char *const lines[] = {
        LOGIN(""), ROSTER, "<type='set' id='",
        "><iq type='error' from='a@y.test/1' id='%1'><error type='cancel'><service-unavailable "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        END};

    begin(lines);
    CHECK_INT(mynah_jingle_start(talk.c, "a@y.test/1", &stub, 1, &calls, NULL, &session),
              MYNAH_E_STATE);
    start();
    CHECK_INT(mynah_jingle_start(talk.c, "a@y.test", &stub, 1, &calls, NULL, &session),
              MYNAH_E_ARGUMENT);
    CHECK_INT(mynah_jingle_start(talk.c, "a@y.test/1", &stub, 0, &calls, NULL, &session),
              MYNAH_E_ARGUMENT);
    stub.transport = NULL;
    CHECK_INT(mynah_jingle_start(talk.c, "a@y.test/1", &stub, 1, &calls, NULL, &session),
              MYNAH_E_ARGUMENT);
    CHECK(!session);
    end("online ended::-:-10");
}

TEST(many_offers_of_one_address_are_too_many)
{
    static const char *const lines[] = {LOGIN(""),
                                        ROSTER,
                                        SAYS("a@y.test/1", "0", "session-initiate", "0", STUB),
                                        SAYS("a@y.test/1", "1", "session-initiate", "1", STUB),
                                        SAYS("a@y.test/2", "2", "session-initiate", "2", STUB),
                                        SAYS("a@y.test/2", "3", "session-initiate", "3", STUB),
                                        SAYS("a@y.test/2", "4", "session-initiate", "4", STUB),
                                        SAYS("a@y.test/2", "5", "session-initiate", "5", STUB),
                                        SAYS("a@y.test/2", "6", "session-initiate", "6", STUB),
                                        SAYS("a@y.test/2", "7", "session-initiate", "7", STUB),
                                        SAYS("a@y.test/2", "8", "session-initiate", "8", STUB),
                                        SAYS("a@y.test/2", "9", "session-initiate", "9", STUB),
                                        SAYS("a@y.test/2", "10", "session-initiate", "10", STUB),
                                        OK("9"),
                                        REFUSED("10", "resource-constraint"),
                                        END};

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    talk_until(talk_done);
    end(NULL);
}

/* What a session keeps comes in pieces of a size that they have. */
TEST(an_offer_of_any_length_is_too_long)
{
    struct mn_buf b = {0};
    const char *lines[] = {LOGIN(""),
                           ROSTER,
                           NULL,
                           REFUSED("1", "resource-constraint"),
                           SAY("2", "session-initiate", STUB),
                           OK("2"),
                           END};
    size_t at = 0;

    while (lines[at])
        at++;
    mn_buf_lit(&b, "><iq type='set' from='a@y.test/1' id='1'><jingle xmlns='urn:xmpp:jingle:1' "
                   "action='session-initiate' sid='s'><content name='n' creator='initiator'>"
                   "<description xmlns='urn:d'>");
    mn_buf_fmt(&b, "%0300000d", 0);
    mn_buf_lit(&b, "</description>" T "</content></jingle></iq>");
    mn_buf_c(&b, 0);
    lines[at] = b.p;
    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    talk_until(talk_done);
    end("online offer:a@y.test/1:s:1");
    mn_buf_free(&b);
}

/* Who sends is what both agree on: what was refused, or not answered yet when the other side
 * changed it, does not count. */
TEST(a_direction_that_is_refused_stays_as_it_was)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER,
        SAY("1", "session-initiate", STUB),
        OK("1"),
        "<type='set' id='",
        "><iq type='error' from='a@y.test/1' id='%1'/>",
        "<action='content-modify'",
        "<type='set' id='",
        SAY("2", "content-modify",
            CONTENT("creator='initiator' senders='initiator'",
                    "")) "<iq type='error' from='a@y.test/1' id='%1'/>",
        "<action='content-modify'",
        "<type='set' id='",
        ACK,
        "<action='content-modify'",
        END};
    struct mynah_content k;

    begin(lines);
    mynah_jingle_serve(talk.c, "urn:d", offered, NULL);
    until("offer");
    stub.senders = MYNAH_SENDERS_NONE;
    CHECK_INT(act(MYNAH_CONTENT_MODIFY), 0);
    CHECK(mynah_jingle_content(session, 0, &k) && k.senders == MYNAH_SENDERS_NONE);
    until("sent=-10");
    CHECK(mynah_jingle_content(session, 0, &k) && k.senders == MYNAH_SENDERS_BOTH);
    CHECK_INT(act(MYNAH_CONTENT_MODIFY), 0);
    until("sent=-10 came:2(1) sent=-10");
    CHECK(mynah_jingle_content(session, 0, &k) && k.senders == MYNAH_SENDERS_INITIATOR);
    CHECK_INT(act(MYNAH_CONTENT_MODIFY), 0);
    until("sent=result");
    CHECK(mynah_jingle_content(session, 0, &k) && k.senders == MYNAH_SENDERS_NONE);
    end(NULL);
}

/* Whether we are in a room, and what is said there while we are not. */
#include "client/client.h"
#include "mynah/room.h"

#include "unit/client/talk.h"

static struct mynah_room *room;
static const struct mynah_client_config again = {.no_roster = true};

static void joined(void *arg, struct mynah_room *r, bool created)
{
    (void)arg;
    (void)r;
    (void)created;
    note("joined");
}

static void left(void *arg, struct mynah_room *r, const struct mynah_room_gone *why)
{
    (void)arg;
    (void)r;
    note("left:%d", why->end);
}

static void message(void *arg, struct mynah_room *r, const struct mynah_message *m,
                    const char *nick)
{
    (void)arg;
    (void)r;
    note("%s:%s%s", nick ? nick : "", m->body ? m->body : "-",
         m->type == MYNAH_MESSAGE_ERROR ? "!" : "");
}

static const struct mynah_room_calls calls = {.size = sizeof calls,
                                              .joined = joined,
                                              .refused = note_refused,
                                              .left = left,
                                              .message = message};

static void drop(void)
{
    mynah_room_free(room);
}

static void enter(void)
{
    CHECK_INT(mynah_room_new(talk.c, "r@c.test", "me", &calls, NULL, &room), 0);
    CHECK_INT(mynah_room_join(room, NULL, NULL), 0);
}

static void begin(const char *const *lines)
{
    talk_drop = drop;
    room = NULL;
    talk_start(lines, &again);
    enter();
}

/* Under that id. */
static void say(const char *id)
{
    struct mynah_elem *m = mynah_message_new("r@c.test", MYNAH_GROUPCHAT, id);

    mynah_elem_set(m, "id", id);
    CHECK_INT(mynah_message_send(talk.c, &m, NULL, note_sent, ""), 0);
}

/* It waits for no clock. */
static void lose(void)
{
    talk_until(talk_loses);
    mynah_client_network_changed(talk.c);
}

static bool in(void)
{
    return noted("joined");
}

/* With one thing said. */
static void begin_and_lose(const char *const *lines)
{
    begin(lines);
    talk_until(in);
    say("one");
    lose();
}

static unsigned times(const char *text)
{
    const char *p = talk.server.all.p, *end = p + talk.server.all.n;
    unsigned n = 0;

    for (; p && (p = memmem(p, (size_t)(end - p), text, strlen(text))); p++)
        n++;
    return n;
}

#define ME                                                                                         \
    "<presence from='r@c.test/me'><x xmlns='http://jabber.org/protocol/muc#user'>"                 \
    "<item affiliation='member' role='participant'/><status code='110'/></x></presence>"
#define YOU                                                                                        \
    "<presence from='r@c.test/you'><x xmlns='http://jabber.org/protocol/muc#user'>"                \
    "<item affiliation='member' role='participant'/><status code='110'/></x></presence>"
#define OLD "<delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>"
#define SAYS(nick, id, body, more)                                                                 \
    "<message type='groupchat' from='r@c.test/" nick "' id='" id "'><body>" body "</body>" more    \
    "</message>"
#define JOIN "<<presence to='r@c.test/me' id='", "<</presence>"
#define BEGIN                                                                                      \
    LOGIN(SM), "<<enable", "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>", JOIN, ">" ME
/* The session is gone, and another one begins. */
#define ANOTHER                                                                                    \
    AUTH(SM), "<<resume",                                                                          \
        "><failed xmlns='urn:xmpp:sm:3'><item-not-found "                                          \
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",                                  \
        "<id='bind'", ">" BOUND, "<<enable", "><enabled xmlns='urn:xmpp:sm:3'/>"
/* Whoever is inside hears himself. */
#define PINGED                                                                                     \
    "<type='get' id='", "><iq type='error' id='%1' from='r@c.test/me'><error type='cancel'>"       \
                        "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"       \
                        "</error></iq>"

/* In order, what was written and what was queued; what is for others does not wait. And not before
 * the room has told what it has: a question to ourselves shows that. */
TEST(what_was_said_in_a_room_waits_until_it_is_joined_again)
{
    static const char *const lines[] = {BEGIN,
                                        "<>one<",
                                        "!",
                                        ANOTHER,
                                        "<>hello<",
                                        JOIN,
                                        ">" ME SAYS("eve", "e", "hi", OLD),
                                        PINGED,
                                        "<>one<",
                                        "<>two<",
                                        "<>three<",
                                        ">" SAYS("me", "one", "one", ""),
                                        END};

    begin_and_lose(lines);
    say("two");
    mynah_chat(talk.c, "ann@y.test", "hello");
    TALK_UNTIL(times("<ping"));
    say("three"); /* what is said meanwhile goes behind what waits */
    talk_until(talk_done);
    CHECK_INT(times(">one<"), 2);
    CHECK_INT(times(">two<"), 1);
    CHECK(noted("one=queued queued one=written written waiting"));
    CHECK(noted("me:one"));
    CHECK(noted("one=delivered"));
    CHECK(!noted("one=failed") && !noted("two=failed"));
    talk_end(NULL);
}

TEST(what_a_room_has_taken_is_not_said_again)
{
    static const char *const lines[] = {
        BEGIN,
        "<>one<",
        "<>two<",
        "<>three<",
        ">" SAYS("me", "one", "one", ""), /* it went round, and was not acknowledged */
        "!",
        ANOTHER,
        JOIN,
        ">" ME SAYS("eve", "three", "not ours", OLD)
            SAYS("me", "other", "two", OLD "<origin-id xmlns='urn:xmpp:sid:0' id='two'/>"),
        PINGED,
        "<>three<",
        END};

    begin(lines);
    talk_until(in);
    say("one");
    say("two");
    say("three");
    lose();
    talk_until(talk_done);
    CHECK_INT(times(">one<"), 1);
    CHECK_INT(times(">two<"), 1);
    CHECK_INT(times(">three<"), 2);
    CHECK(noted("one=delivered") && noted("two=delivered") && !noted("three=delivered"));
    talk_end(NULL);
}

/* By a clock that may be some minutes wrong. */
TEST(a_room_is_asked_for_what_it_may_have_taken)
{
    static const char *const lines[] = {
        BEGIN, ">" SAYS("eve", "e", "hi", OLD), "<>one<", "!", ANOTHER, JOIN, NULL};

    begin_and_lose(lines);
    talk_until(talk_done);
    CHECK(times("<history since='2019-12-31T23:55:00"));
    talk_end(NULL);
}

/* The rest of what is said goes its way. */
TEST(of_what_is_held_for_rooms_there_is_an_end)
{
    enum { BIG = 1 << 20 };
    static const char *const lines[] = {BEGIN, "!", "<never", NULL}, *const ids[] = {"a", "b", "c",
                                                                                     "d"};
    static char body[BIG + 1];
    struct mynah_elem *m;

    memset(body, 'x', BIG);
    begin(lines);
    talk_until(in);
    talk_until(talk_loses);
    for (size_t i = 0; i < MN_COUNT(ids); i++) {
        m = mynah_message_new("r@c.test", MYNAH_GROUPCHAT, body);
        mynah_elem_set(m, "id", ids[i]);
        CHECK_INT(mynah_message_send(talk.c, &m, NULL, note_sent, ""), 0);
    }
    m = mynah_message_new("other@c.test", MYNAH_GROUPCHAT, body);
    CHECK_INT(mynah_send(talk.c, &m), MYNAH_E_LIMIT);
    CHECK_INT(mynah_chat(talk.c, "ann@y.test", body), 0);
    say("e");
    talk_end("online joined waiting (-13) a=queued queued b=queued queued c=queued queued d=queued "
             "queued d=failed failed queued e=queued queued");
}

#define REFUSED(why)                                                                               \
    "><presence type='error' from='r@c.test/me'><error type='auth'><" why                          \
    " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"

/* With what the room said, and as the room would tell of each. */
TEST(what_is_held_for_a_room_that_refuses_fails_once)
{
    static const char *const lines[] = {BEGIN, "<>one<", "!", ANOTHER, JOIN, REFUSED("forbidden"),
                                        END};

    begin_and_lose(lines);
    say("two");
    talk_until(talk_done);
    CHECK_INT(times(">one<"), 1);
    CHECK_INT(times(">two<"), 0);
    talk_end("online joined one=queued queued one=written written waiting (-13) two=queued queued "
             "left:7 online refused(forbidden) one=failed/forbidden failed (forbidden) :one! "
             "two=failed/forbidden failed (forbidden) :two!");
}

TEST(what_is_held_for_a_room_that_is_left_fails_once)
{
    static const char *const lines[] = {BEGIN, "<>one<", "!", ANOTHER, JOIN, "<'unavailable'", END};

    begin_and_lose(lines);
    TALK_UNTIL(times("<presence to='r@c.test/me' id='") >= 2);
    mynah_room_leave(room, NULL);
    talk_until(talk_done);
    CHECK_INT(times(">one<"), 1);
    talk_end("online joined one=queued queued one=written written waiting (-13) left:7 online "
             "one=failed/not-acceptable failed (not-acceptable) :one!");
}

TEST(what_is_held_for_a_room_that_throws_us_out_fails_once)
{
    static const char *const lines[] = {
        BEGIN,
        "<>one<",
        "!",
        ANOTHER,
        JOIN,
        ">" ME "<presence type='unavailable' from='r@c.test/me'><x "
        "xmlns='http://jabber.org/protocol/muc#user'><item role='none'/><status "
        "code='307'/><status code='110'/></x></presence>",
        END};

    begin_and_lose(lines);
    talk_until(talk_done);
    CHECK_INT(times(">one<"), 1);
    talk_end("online joined one=queued queued one=written written waiting (-13) left:7 online "
             "joined left:1 one=failed/not-acceptable failed (not-acceptable) :one!");
}

/* The later run makes its room before it connects; also while the session goes on what was not
 * written waits, for others have been told that we go and come. */
TEST(a_later_run_holds_what_an_earlier_one_said)
{
    static const char *const first[] = {BEGIN, "<>one<", NULL};
    static const char saved[] =
        "<session xmlns='urn:mynah:session' for='x.test' jid='u@x.test/r' id='s' in='0' out='1'>"
        "<unacked id='one' room='r@c.test' lasting='1'>&lt;message to='r@c.test' type='groupchat' "
        "id='one'>&lt;body>one&lt;/body>&lt;/message></unacked>"
        "<waiting id='two' room='r@c.test' lasting='1'>&lt;message to='r@c.test' type='groupchat' "
        "id='two'>&lt;body>two&lt;/body>&lt;/message></waiting></session>";
    static const char *const anew[] = {"!",    ANOTHER,  JOIN, ">" ME SAYS("me", "one", "one", OLD),
                                       PINGED, "<>two<", END};
    static const char *const resumed[] = {"!",
                                          AUTH(SM),
                                          "<<resume",
                                          "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='1'/>",
                                          "<>one<",
                                          JOIN,
                                          ">" ME SAYS("me", "one", "one", ""),
                                          PINGED,
                                          "<>two<",
                                          END};
    const char *const *const second[] = {anew, resumed};
    void *text;
    size_t n;

    begin(first);
    talk_until(in);
    say("one");
    talk_until(talk_done);
    CHECK_INT(mynah_client_save(talk.c, &text, &n), 0);
    CHECK(strstr(text, "<unacked id='one' room='r@c.test' lasting='1'>"));
    mynah_free(text);
    talk_end(NULL);
    for (int i = 0; i < 2; i++) {
        room = NULL;
        talk_start(second[i], &again);
        talk_until(talk_loses);
        mynah_client_disconnect(talk.c);
        CHECK_INT(mynah_client_restore(talk.c, saved, sizeof saved - 1), 0);
        enter();
        CHECK_INT(mynah_client_connect(talk.c), 0);
        talk_until(talk_done);
        CHECK_INT(times(">one<"), i);
        CHECK_INT(times(">two<"), 1);
        CHECK(noted("delivered"));
        talk_end(NULL);
    }
}

#define RENAMED                                                                                    \
    "<<presence to='r@c.test/you'>",                                                               \
        "><presence type='unavailable' from='r@c.test/me'><x "                                     \
        "xmlns='http://jabber.org/protocol/muc#user'><item nick='you'/><status code='303'/>"       \
        "<status code='110'/></x></presence>" YOU
#define NO(why)                                                                                    \
    "<type='get' id='", "><iq type='error' id='%1' from='r@c.test/you'><error type='cancel'><" why \
                        " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
#define JOIN_AGAIN "<<presence to='r@c.test/you' id='", "<</presence>", ">" YOU

/* One that is dropped while its only occupant takes another name, and one that is restarted. */
TEST(a_room_that_does_not_know_us_any_more_is_joined_again)
{
    static const char *const lines[] = {
        LOGIN(""),
        JOIN,
        ">" ME,
        RENAMED,
        NO("item-not-found"),
        JOIN_AGAIN,
        "<>one<",
        "><message type='error' id='one' from='r@c.test'><error type='modify'><not-acceptable "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        NO("not-acceptable"),
        JOIN_AGAIN,
        "<>two<",
        END};

    begin(lines);
    talk_until(in);
    CHECK_INT(mynah_room_set_nick(room, "you"), 0);
    TALK_UNTIL(noted("joined left:7 joined"));
    say("one");
    TALK_UNTIL(noted("left:7 joined one="));
    TALK_UNTIL(noted("! left:7 joined"));
    say("two");
    talk_until(talk_done);
    CHECK(mynah_room_is_joined(room));
    talk_end(
        "online joined left:7 joined one=queued queued one=written written "
        "one=failed/not-acceptable failed (not-acceptable) :-! left:7 joined two=queued queued "
        "two=written written");
}

/* Two names, one behind the other: the answer to a question under the first one says nothing. */
TEST(a_room_is_asked_again_when_the_name_changes_while_it_is_asked)
{
    static const char mark[] = "type='get' id='";
    static char late[400];
    static const char *const lines[] = {
        LOGIN(""),
        JOIN,
        ">" ME,
        RENAMED,
        "<type='get' id='",
        "<<presence to='r@c.test/she'>",
        "><presence type='unavailable' from='r@c.test/you'><x "
        "xmlns='http://jabber.org/protocol/muc#user'><item nick='she'/><status code='303'/>"
        "<status code='110'/></x></presence>",
        "><iq type='get' id='e'><x xmlns='y'/></iq>",
        "<id='e'",
        late,
        "<type='get' id='",
        "><iq type='error' id='%1' from='r@c.test/she'><error type='cancel'><item-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        "<<presence to='r@c.test/she' id='",
        NULL};
    const char *id;

    begin(lines);
    talk_until(in);
    CHECK_INT(mynah_room_set_nick(room, "you"), 0);
    TALK_UNTIL(times("<ping"));
    id = memmem(talk.server.all.p, talk.server.all.n, mark, strlen(mark));
    snprintf(late, sizeof late,
             "><iq type='error' id='%.*s' from='r@c.test/you'><error type='cancel'><item-not-found "
             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
             (int)strcspn(id + strlen(mark), "'"), id + strlen(mark));
    CHECK_INT(mynah_room_set_nick(room, "she"), 0);
    talk_until(talk_done);
    talk_end("online joined left:7");
}

TEST(a_room_that_answers_knows_us)
{
#define STAYS(why)                                                                                 \
    {                                                                                              \
        LOGIN(""), JOIN, ">" ME, RENAMED, NO(why), END                                             \
    }
    static const char *const lines[][24] = {STAYS("service-unavailable"),
                                            STAYS("remote-server-timeout"),
                                            {LOGIN(""), JOIN, ">" ME, RENAMED, PINGED, END}};

    for (size_t i = 0; i < MN_COUNT(lines); i++) {
        begin(lines[i]);
        talk_until(in);
        CHECK_INT(mynah_room_set_nick(room, "you"), 0);
        talk_until(talk_done);
        talk_end("online joined");
    }
}

/* What an earlier run said under another name comes back to the next one. */
TEST(another_presence_that_is_refused_does_not_keep_us_out)
{
    static const char *const lines[] = {
        LOGIN(""), JOIN,
        "><presence type='error' id='older' from='r@c.test/you'><error type='cancel'>"
        "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>" ME,
        END};

    begin(lines);
    talk_until(talk_done);
    CHECK(mynah_room_is_joined(room));
    talk_end("online joined");
}

/* The room lets in, and lets go, the one before: the new one waits for its own answer. */
TEST(a_room_made_anew_does_not_take_the_answer_to_the_one_before)
{
    static const char mark[] = "<presence to='r@c.test/me' id='";
    static char late[700];
    static const char *const lines[] = {LOGIN(""),
                                        "<<presence to='r@c.test/me' id='",
                                        "<'unavailable'",
                                        "<<presence to='r@c.test/me' id='",
                                        late,
                                        "><iq type='get' id='e'><x xmlns='y'/></iq>",
                                        "<id='e'",
                                        ">" ME,
                                        END};
    const char *id;

    begin(lines);
    TALK_UNTIL(times(mark));
    id = memmem(talk.server.all.p, talk.server.all.n, mark, strlen(mark));
    snprintf(late, sizeof late,
             "><presence id='%.*s' from='r@c.test/me'><x "
             "xmlns='http://jabber.org/protocol/muc#user'><item role='visitor'/>"
             "<status code='110'/></x></presence><presence type='unavailable' "
             "from='r@c.test/me'><x xmlns='http://jabber.org/protocol/muc#user'>"
             "<item role='none'/><status code='110'/></x></presence>",
             (int)strcspn(id + strlen(mark), "'"), id + strlen(mark));
    mynah_room_free(room);
    enter();
    talk_until(talk_done);
    CHECK(mynah_room_is_joined(room));
    talk_end("online joined");
}

/* A program that has a room anew when it hears that it is not let in. */
static void refused_anew(void *arg, struct mynah_room *r, const struct mynah_error *why)
{
    note_refused(arg, r, why);
    mynah_room_free(r);
    enter();
    say("two");
}

TEST(a_room_that_is_over_refuses_nothing_of_the_one_in_its_place)
{
    static const struct mynah_room_calls anew = {.size = sizeof anew, .refused = refused_anew};
    static const char *const lines[] = {LOGIN(""), JOIN, REFUSED("forbidden"), JOIN, ">" ME, PINGED,
                                        "<>two<",  END};

    talk_drop = drop;
    room = NULL;
    talk_start(lines, &again);
    CHECK_INT(mynah_room_new(talk.c, "r@c.test", "me", &anew, NULL, &room), 0);
    CHECK_INT(mynah_room_join(room, NULL, NULL), 0);
    say("one");
    talk_until(talk_done);
    talk_end("one=queued queued online refused(forbidden) one=failed/not-acceptable failed "
             "(not-acceptable) two=queued queued joined two=written written");
}

static void client_ends(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                        const struct mynah_error *why)
{
    (void)arg;
    (void)id;
    (void)why;
    if (state == MYNAH_SENT_FAILED)
        mynah_client_free(c);
}

/* Inside the call that frees the room, with people in it. */
TEST(a_client_may_end_where_a_freed_room_tells_of_what_it_held)
{
    static const char *const lines[] = {LOGIN(""), JOIN, ">" ME, "<<ping", NULL};
    struct mynah_elem *m;

    begin(lines);
    m = mynah_message_new("r@c.test", MYNAH_GROUPCHAT, "one");
    CHECK_INT(mynah_message_send(talk.c, &m, NULL, client_ends, NULL), 0);
    talk_until(talk_done);
    CHECK_INT(mynah_room_count(room), 1);
    mynah_room_free(room);
    mn_loop_turn(talk.ctx->loop, 0);
    talk_end("queued online joined");
}

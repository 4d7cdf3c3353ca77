#include "mynah/room.h"

#include "unit/client/talk.h"

static struct mynah_room *room;

static void joined(void *arg, struct mynah_room *r, bool created)
{
    (void)arg;
    note("joined(%s,%zu)%s", mynah_room_nick(r), mynah_room_count(r), created ? "+new" : "");
}

static void left(void *arg, struct mynah_room *r, const struct mynah_room_gone *why)
{
    (void)arg;
    note("left:%d/%s/%s/%s/%zu", why->end, why->actor ? why->actor : "-",
         why->reason ? why->reason : "-", why->other ? why->other : "-", mynah_room_count(r));
}

static void occupant(void *arg, struct mynah_room *r, const struct mynah_occupant *o)
{
    (void)arg;
    (void)r;
    note("%s%s:%d/%d%s%s", o->self ? "*" : "", o->nick, o->affiliation, o->role, o->jid ? "=" : "",
         o->jid ? o->jid : "");
}

static void gone(void *arg, struct mynah_room *r, const struct mynah_occupant *o,
                 const struct mynah_room_gone *why)
{
    (void)arg;
    (void)r;
    note("-%s:%d/%s", o->nick, why->end, why->reason ? why->reason : "-");
}

static void renamed(void *arg, struct mynah_room *r, const char *old, const char *now)
{
    (void)arg;
    (void)r;
    note("%s>>%s", old, now);
}

static void message(void *arg, struct mynah_room *r, const struct mynah_message *m,
                    const char *nick)
{
    (void)arg;
    (void)r;
    note("%s%s:%s%s", m->type == MYNAH_CHAT ? "private " : "", nick ? nick : "",
         m->body ? m->body : "-", m->sent_at ? "@" : "");
}

static void subject(void *arg, struct mynah_room *r, const char *text, const char *nick)
{
    (void)arg;
    (void)r;
    note("subject(%s)%s", text, nick ? nick : "");
}

static void status(void *arg, struct mynah_room *r, unsigned code)
{
    (void)arg;
    (void)r;
    note("#%u", code);
}

static void voice(void *arg, struct mynah_room *r, const struct mynah_form *form)
{
    (void)arg;
    note("voice?%s", mynah_form_value(form, "muc#roomnick"));
    mynah_room_voice(r, form, true);
}

static void declined(void *arg, struct mynah_room *r, const char *who, const char *reason)
{
    (void)arg;
    (void)r;
    note("declined(%s,%s)", who, reason ? reason : "");
}

static const struct mynah_room_calls calls = {sizeof calls, joined, note_refused, left,
                                              occupant,     gone,   renamed,      message,
                                              subject,      status, voice,        declined};
static const struct mynah_client_config again = {.no_roster = true};

static bool dropped;

static void drop(void)
{
    if (!dropped)
        mynah_room_free(room);
    dropped = true;
}

static void begin(const char *const *lines, const struct mynah_client_config *config)
{
    talk_drop = drop;
    dropped = false;
    talk_start(lines, config);
    CHECK_INT(mynah_room_new(talk.c, "R@c.test/x", "me", &calls, NULL, &room), 0);
    CHECK_INT(mynah_room_join(room, "pw", NULL), 0);
    CHECK_INT(mynah_room_join(room, NULL, NULL), MYNAH_E_STATE);
}

#define PRESENCE(nick, attrs, item, more)                                                          \
    "<presence from='r@c.test/" nick "' " attrs                                                    \
    "><x xmlns='http://jabber.org/protocol/muc#user'><item " item "/>" more "</x></presence>"
#define ME PRESENCE("me", "", "affiliation='member' role='participant'", "<status code='110'/>")
#define JOIN_AS(what) "<<presence to='r@c.test/me' id='", "<'>" what, "<<password>pw</password>"
#define JOIN JOIN_AS("")
#define SAYS(nick, id, body)                                                                       \
    "<message type='groupchat' from='r@c.test/" nick "' id='" id "'><body>" body "</body></"       \
    "message>"

TEST(who_comes_goes_and_speaks_is_told)
{
    static const char *const lines[] = {
        LOGIN(""),
        JOIN,
        ">" PRESENCE("ann", "", "affiliation='owner' role='moderator' jid='ann@y.test/1'", "")
            PRESENCE("bob", "", "affiliation='none' role='visitor'", "")
                PRESENCE("me", "", "affiliation='none' role='participant'",
                         "<status code='100'/><status code='110'/>"),
        "><message type='groupchat' from='r@c.test/ann'><body>old</body><delay "
        "xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/></message>"
        "<message type='groupchat' from='r@c.test'><subject/></message>",
        ">" SAYS(
            "ann", "1",
            "hi") "<message type='groupchat' from='r@c.test/ann'><subject>new</subject></message>"
                  "<message type='chat' from='r@c.test/bob'><body>psst</body></message>"
                  "<message type='groupchat' from='r@c.test'><x "
                  "xmlns='http://jabber.org/protocol/muc#user'><status code='104'/></x></message>",
        ">" PRESENCE("bob", "", "affiliation='none' role='participant'", "")
            PRESENCE("bob", "type='unavailable'",
                     "nick='rob' affiliation='none' role='participant'", "<status code='303'/>")
                PRESENCE("rob", "", "affiliation='none' role='participant'",
                         "") "<presence from='r@c.test/rob' type='unavailable'><x "
                             "xmlns='http://jabber.org/protocol/muc#user'><item "
                             "role='none'><reason>rude</reason><actor nick='ann'/></item><status "
                             "code='307'/></x></presence>" PRESENCE("nobody", "type='unavailable'",
                                                                    "role='none'", ""),
        "><message from='r@c.test'><x xmlns='jabber:x:data' type='form'><field "
        "var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field>"
        "<field var='muc#roomnick'><value>eve</value></field><field var='muc#request_allow' "
        "type='boolean'><value>false</value></field></x></message>",
        "<<value>http://jabber.org/protocol/muc#request<",
        "<muc#request_allow'><value>true<",
        "><message from='r@c.test'><x xmlns='http://jabber.org/protocol/muc#user'><decline "
        "from='d@y.test'><reason>no</reason></decline></x></message>",
        ">" PRESENCE("me", "type='unavailable'", "nick='I' role='participant'",
                     "<status code='303'/><status code='110'/>")
            PRESENCE("I", "", "affiliation='member' role='participant'", "<status code='110'/>"),
        "><presence from='r@c.test/I' type='unavailable'><x "
        "xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='none'/>"
        "<destroy jid='other@c.test'><reason>moved</reason></destroy><status "
        "code='110'/></x></presence>",
        ">" SAYS("ann", "2", "after"),
        END};

    begin(lines, NULL);
    talk_until(talk_done);
    CHECK(!mynah_room_is_joined(room));
    talk_end("online ann:4/3=ann@y.test/1 bob:0/1 *me:0/2 joined(me,3) #100 ann:old@ subject() "
             "ann:hi subject(new)ann private bob:psst #104 "
             "bob:0/2 bob>>rob rob:0/2 -rob:1/rude voice?eve declined(d@y.test,no) me>>I *I:2/2 "
             "left:6/-/moved/other@c.test/0 ann:after");
}

/* What was asked for and declined comes back with an error: nobody else asks or declines. */
TEST(what_comes_back_is_nobody_elses)
{
    static const char *const lines[] = {
        LOGIN(""),
        JOIN,
        ">" ME,
        "><message type='error' from='r@c.test'><x xmlns='jabber:x:data' type='submit'><field "
        "var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field><field "
        "var='muc#role'><value>participant</value></field></x><error type='wait'><resource-"
        "constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        "><message type='error' from='r@c.test'><x xmlns='http://jabber.org/protocol/muc#user'>"
        "<decline to='d@y.test'/></x><error type='cancel'><item-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        END};

    begin(lines, NULL);
    talk_until(talk_done);
    talk_end("online *me:2/2 joined(me,1) :- :-");
}

TEST(a_refused_room_says_why_and_is_not_asked_again)
{
    static const char *const lines[] = {
        LOGIN(""),
        JOIN,
        "><presence type='error' from='r@c.test/me'><error type='auth'><registration-required "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
        "><iq type='get' id='m'><x xmlns='y'/></iq>",
        "<id='m'",
        "!",
        LOGIN(""),
        END};

    begin(lines, &again);
    talk_until(talk_done);
    CHECK(!memmem(talk.server.got.p ? talk.server.got.p : "", talk.server.got.n, "muc", 3));
    talk_end("online refused(registration-required) waiting (-13) online");
}

TEST(a_room_is_joined_again_after_a_loss_and_asks_for_what_was_missed)
{
    static const char *const lines[] = {
        LOGIN(""),
        JOIN,
        ">" ME,
        "><message type='groupchat' from='r@c.test/ann'><body>old</body><delay "
        "xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/></message>",
        "><iq type='get' id='m'><x xmlns='y'/></iq>",
        "<id='m'",
        "!",
        LOGIN(""),
        JOIN,
        "<<history since='2020-01-01T00:00:00",
        ">" ME,
        END};

    begin(lines, &again);
    talk_until(talk_done);
    CHECK(mynah_room_is_joined(room) && mynah_room_find(talk.c, "r@c.test/x") == room);
    mynah_room_free(room);
    CHECK(!mynah_room_find(talk.c, "r@c.test"));
    talk_end("online *me:2/2 joined(me,1) ann:old@ left:7/-/-/-/0 waiting (-13) online *me:2/2 "
             "joined(me,1)");
}

static void listed(void *arg, struct mynah_room *r, const struct mynah_room_item *items,
                   size_t count, const struct mynah_error *error)
{
    (void)arg;
    (void)r;
    note("list:%d", error ? error->code : 0);
    for (size_t i = 0; i < count; i++)
        note("%s/%d", items[i].jid, items[i].affiliation);
}

/* It is wanted between two streams of one session; and the good-bye to who was there under that
 * name before says nothing of who comes. */
TEST(a_room_that_is_wanted_without_a_stream_is_joined_with_the_next)
{
    static const char *const lines[] = {
        LOGIN(SM),
        "<<enable",
        "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
        "!",
        AUTH(SM),
        "<<resume",
        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='0'/>",
        JOIN,
        ">" PRESENCE("me", "type='unavailable'", "role='none'", "<status code='110'/>"),
        ">" ME,
        END};

    room = NULL;
    talk_drop = drop;
    dropped = false;
    talk_start(lines, &again);
    talk_until(talk_loses);
    CHECK_INT(mynah_room_new(talk.c, "r@c.test", "me", &calls, NULL, &room), 0);
    CHECK_INT(mynah_room_join(room, "pw", NULL), 0);
    talk_until(talk_done);
    CHECK(mynah_room_is_joined(room));
    talk_end("online waiting (-13) online+ *me:2/2 joined(me,1)");
}

static void configured(void *arg, struct mynah_room *r, const struct mynah_form *form,
                       const struct mynah_error *error)
{
    struct mynah_form *filled;

    if (error) {
        note("config:%d", error->code);
        return;
    }
    note("config:%s", mynah_form_title(form));
    filled = mynah_form_answer(form);
    mynah_form_set(filled, "muc#roomconfig_roomname", "R");
    mynah_room_configure(r, filled, note_iq, "configured");
    mynah_form_free(filled);
    (void)arg;
}

static void unique(void *arg, struct mynah_client *c, const char *name,
                   const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    note("name:%s%d", name ? name : "", error ? error->code : 0);
}

static void invited(void *arg, struct mynah_client *c, const struct mynah_invitation *i)
{
    (void)arg;
    note("invited(%s,%s,%s,%s)%s", i->room, i->from, i->reason ? i->reason : "",
         i->password ? i->password : "", i->direct ? "!" : "");
    CHECK_INT(mynah_invitation_decline(c, i, "busy"), i->direct ? MYNAH_E_MISSING : 0);
}

static bool in(void)
{
    return noted("joined");
}

#define ANSWER(type, inside)                                                                       \
    "<type='" type "' id='", "><iq type='result' id='%1' from='r@c.test'>" inside "</iq>"

TEST(rooms_are_ruled_and_people_asked_in)
{
    static const struct mynah_invitation_calls invitations = {sizeof invitations, invited};
    static const char *const lines[] = {
        LOGIN(""),
        JOIN,
        ">" PRESENCE("me", "", "affiliation='owner' role='moderator'",
                     "<status code='110'/><status code='201'/>"),
        ANSWER("get",
               "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' "
               "type='form'><title>T</title><field var='muc#roomconfig_roomname'/></x></query>"),
        ANSWER("get", "<query xmlns='http://jabber.org/protocol/muc#admin'><item jid='a@y.test' "
                      "affiliation='outcast'/></query>"),
        "<<item affiliation='outcast'/>",
        ANSWER("set", ""),
        "<<item nick='ann' role='none'><reason>bye</reason></item>",
        ANSWER("set", ""),
        "<<item jid='b@y.test' affiliation='admin'/>",
        ANSWER("set", ""),
        "<<item nick='ann' role='visitor'/><item jid='b@y.test' affiliation='outcast'><reason>no",
        "<type='get' id='",
        "><iq type='error' id='%1' from='c.test'/>",
        "<<invite to='i@y.test'><reason>come</reason></invite>",
        "<<message to='i@y.test'><x xmlns='jabber:x:conference' jid='r@c.test' password='pw'/>",
        "<<subject>S</subject>",
        "<<body>all</body>",
        ">" SAYS("me", "m1", "all"),
        "<to='r@c.test/ann' type='chat'",
        "<<presence to='r@c.test/you'>",
        ANSWER("set", ""),
        "<<field type='text-single' var='muc#roomconfig_roomname'><value>R</value>",
        "><message from='q@c.test'><x xmlns='http://jabber.org/protocol/muc#user'><invite "
        "from='h@y.test'><reason>x</reason></invite><password>p</password></x></message>",
        "<<message to='q@c.test'><x xmlns='http://jabber.org/protocol/muc#user'><decline "
        "to='h@y.test'><reason>busy</reason></decline>",
        "><message from='h@y.test/1'><x xmlns='jabber:x:conference' jid='z@c.test' "
        "reason='y'/></message>",
        ANSWER("set", ""),
        "<<destroy jid='o@c.test'><reason>end</reason></destroy>",
        END};
    static const struct mynah_room_item items[] = {
        {.nick = "ann", .role = MYNAH_VISITOR},
        {.jid = "b@y.test", .affiliation = MYNAH_OUTCAST, .reason = "no"}};
    struct mynah_elem *m;

    begin(lines, NULL);
    mynah_invitations_listen(talk.c, &invitations, NULL);
    talk_until(in);
    mynah_room_config(room, configured, NULL);
    mynah_room_by_affiliation(room, MYNAH_OUTCAST, listed, NULL);
    mynah_room_set_role(room, "ann", MYNAH_NO_ROLE, "bye", note_iq, "kicked");
    mynah_room_set_affiliation(room, "b@y.test", MYNAH_ADMIN, NULL, note_iq, "admin");
    mynah_room_set_items(room, items, 2, note_iq, "items");
    mynah_room_name(talk.c, "c.test", unique, NULL);
    mynah_room_invite(room, "i@y.test", "come");
    mynah_room_invite_directly(room, "i@y.test", NULL);
    mynah_room_set_subject(room, "S");
    m = mynah_message_new("r@c.test", MYNAH_GROUPCHAT, "all");
    mynah_elem_set(m, "id", "m1");
    mynah_message_send(talk.c, &m, NULL, NULL, NULL);
    mynah_room_send_private(room, "ann", "psst");
    CHECK_INT(mynah_room_set_nick(room, "you"), 0);
    TALK_UNTIL(noted("invited(z@"));
    mynah_room_destroy(room, "o@c.test", "end", NULL, note_iq, "destroyed");
    talk_until(talk_done);
    CHECK(noted("config:T") && noted("list:0 a@y.test/1") && noted("kicked=result") &&
          noted("admin=result") && noted("items=result") && noted("name:-10"));
    CHECK(noted("delivered") && noted("me:all") && noted("configured=result") &&
          noted("destroyed=result"));
    CHECK(noted("invited(q@c.test,h@y.test,x,p)") && noted("invited(z@c.test,h@y.test/1,y,)!"));
    talk_end(NULL);
}

/* XEP-0045, 7.2 and 7.7: the account's, unless a room has its own; also under a new name. */
TEST(a_room_sees_our_presence)
{
#define TO(nick) "<<presence to='r@c.test/" nick "'>"
    static const char *const lines[] = {
        LOGIN(""),
        JOIN_AS("<show>away</show><status>lunch</status>"),
        ">" PRESENCE("me", "", "affiliation='owner' role='moderator'", "<status code='110'/>"),
        "<<presence><show>dnd</show>",
        TO("me") "<show>dnd</show>",
        TO("you") "<show>dnd</show>",
        TO("me") "<show>xa</show><status>here</status>",
        "<<presence><show>chat</show>",
        TO("me") "<show>chat</show>",
        "<<presence type='unavailable'",
        "<to='r@c.test/me' type='unavailable'><status>bye</status>",
        END};

    begin(lines, NULL);
    mynah_presence_set(talk.c, MYNAH_AWAY, "lunch", 5);
    talk_until(in);
    mynah_presence_set(talk.c, MYNAH_DND, NULL, 0);
    CHECK_INT(mynah_room_set_nick(room, "you"), MYNAH_OK);
    CHECK_INT(mynah_room_set_presence(room, MYNAH_XA, "here"), MYNAH_OK);
    mynah_presence_set(talk.c, MYNAH_CHATTY, NULL, 0);
    CHECK_INT(mynah_room_set_presence(room, MYNAH_UNAVAILABLE, NULL), MYNAH_OK);
    mynah_presence_set(talk.c, MYNAH_UNAVAILABLE, NULL, 0);
    mynah_room_leave(room, "bye");
    talk_until(talk_done);
    talk_end(NULL);
}

static void went_on(void *arg, struct mynah_client *c, const struct mynah_invitation *i)
{
    (void)arg;
    (void)c;
    note("%s:%d,%s,%s", i->room, i->continues, i->thread ? i->thread : "-", i->body);
}

/* XEP-0045, 7.6 and XEP-0249, 2. */
TEST(a_talk_of_two_goes_on_in_a_room)
{
    static const struct mynah_invitation_calls invitations = {sizeof invitations, went_on};
    static const char *const lines[] = {
        LOGIN(""),
        JOIN,
        ">" PRESENCE("me", "", "affiliation='owner' role='moderator'", "<status code='110'/>"),
        "<<invite to='i@y.test'><reason>come</reason><continue thread='t1'/></invite>",
        "<<invite to='i@y.test'><continue/></invite>",
        "<<x xmlns='jabber:x:conference' jid='r@c.test' password='pw' continue='true' "
        "thread='t1'/>",
        "><message from='a@c.test'><body>A</body><x xmlns='http://jabber.org/protocol/muc#user'>"
        "<invite from='h@y.test'><continue thread='t2'/></invite></x></message>"
        "<message from='b@c.test'><body>B</body><x xmlns='http://jabber.org/protocol/muc#user'>"
        "<invite from='h@y.test'/></x></message>"
        "<message from='h@y.test/1'><body>C</body><x xmlns='jabber:x:conference' jid='c@c.test' "
        "continue='1' thread='t3'/></message>"
        "<message from='h@y.test/1'><body>D</body><x xmlns='jabber:x:conference' jid='d@c.test' "
        "continue='0'/></message>",
        END};

    begin(lines, NULL);
    mynah_invitations_listen(talk.c, &invitations, NULL);
    talk_until(in);
    CHECK_INT(mynah_room_continue(room, "i@y.test", "t1", "come", false), MYNAH_OK);
    CHECK_INT(mynah_room_continue(room, "i@y.test", NULL, NULL, false), MYNAH_OK);
    CHECK_INT(mynah_room_continue(room, "i@y.test", "t1", NULL, true), MYNAH_OK);
    talk_until(talk_done);
    CHECK(noted("a@c.test:1,t2,A b@c.test:0,-,B c@c.test:1,t3,C d@c.test:0,-,D"));
    talk_end(NULL);
}

/* What rooms and those in them may not make us believe. */

TEST(a_room_that_ends_and_renames_at_once)
{
    static const char *const lines[] = {
        LOGIN(""), JOIN, ">" ME,
        "><presence type='unavailable' from='r@c.test'><x "
        "xmlns='http://jabber.org/protocol/muc#user'><item nick='other'/><destroy/><status "
        "code='303'/></x></presence>",
        END};

    begin(lines, NULL);
    talk_until(talk_done);
    CHECK(!mynah_room_is_joined(room));
    talk_end("online *me:2/2 joined(me,1) left:6/-/-/-/0");
}

TEST(an_occupant_speaks_for_himself_only)
{
    static const struct mynah_invitation_calls invitations = {sizeof invitations, invited};
    static const char *const lines[] = {
        LOGIN(""), JOIN, ">" ME,
        /* Neither declines in the name of another ... */
        "><message from='r@c.test/eve'><x xmlns='http://jabber.org/protocol/muc#user'><decline "
        "from='d@y.test'/></x></message>",
        /* ... nor invites by one, ... */
        "><message from='r@c.test/eve'><x xmlns='http://jabber.org/protocol/muc#user'><invite "
        "from='d@y.test'/></x><body>1</body></message>",
        /* ... nor is a line in the room an invitation, or one that names nobody. */
        "><message type='groupchat' from='r@c.test/eve'><x xmlns='jabber:x:conference' "
        "jid='z@c.test'/><body>2</body></message>",
        "><message from='r@c.test'><x xmlns='http://jabber.org/protocol/muc#user'>"
        "<invite/></x><body>3</body></message>",
        END};

    begin(lines, NULL);
    mynah_invitations_listen(talk.c, &invitations, NULL);
    talk_until(talk_done);
    talk_end("online *me:2/2 joined(me,1) eve:- eve:1 eve:2 :3");
}

TEST(questions_end_with_their_room)
{
    static const char *const lines[] = {LOGIN(""), JOIN, ">" ME, "<muc#owner", "<muc#admin", END};

    begin(lines, NULL);
    talk_until(in);
    mynah_room_config(room, configured, NULL);
    mynah_room_by_role(room, MYNAH_VISITOR, listed, NULL);
    drop();
    note("freed");
    talk_until(talk_done);
    talk_end("online *me:2/2 joined(me,1) config:-12 list:-12 freed");
}

/* The first that is written asks, and what is written by that ends it. */
static void written(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                    const struct mynah_error *why)
{
    (void)arg;
    (void)c;
    (void)why;
    if (state == MYNAH_SENT_WRITTEN && !strcmp(id, "one"))
        mynah_room_by_role(room, MYNAH_VISITOR, listed, NULL);
    else if (state == MYNAH_SENT_WRITTEN)
        drop();
}

TEST(a_question_may_end_before_it_is_asked)
{
    static const char *const lines[] = {LOGIN(""), "<id='one'", "<id='two'", END};

    begin(lines, &again);
    for (int i = 0; i < 2; i++) {
        struct mynah_elem *m = mynah_message_new("a@y.test", MYNAH_CHAT, "x");

        mynah_elem_set(m, "id", i ? "two" : "one");
        CHECK_INT(mynah_message_send(talk.c, &m, NULL, written, NULL), 0);
    }
    talk_until(talk_done);
    talk_end("queued queued list:-12 written written online");
}

TEST(who_leaves_a_room_that_is_not_there_any_more_is_outside)
{
    static const char *const lines[] = {
        LOGIN(""),
        JOIN,
        ">" ME,
        "<type='unavailable'",
        "><presence type='error' from='r@c.test/me'><error type='cancel'><remote-server-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
        END};

    begin(lines, NULL);
    talk_until(in);
    mynah_room_leave(room, NULL);
    talk_until(talk_done);
    CHECK_INT(mynah_room_join(room, NULL, NULL), 0);
    talk_end("online *me:2/2 joined(me,1) left:0/-/-/-/0");
}

TEST(what_was_missed_is_asked_for_whatever_stamps_say)
{
    static const char *const lines[] = {
        LOGIN(""),
        JOIN,
        ">" ME,
        "><message type='groupchat' from='r@c.test/eve'><body>1</body><delay "
        "xmlns='urn:xmpp:delay' stamp='9999-01-01T00:00:00Z'/></message>",
        "><message type='groupchat' from='r@c.test/eve'><body>2</body><delay "
        "xmlns='urn:xmpp:delay' stamp='1999-01-01T00:00:00Z'/></message>",
        "><iq type='get' id='m'><x xmlns='y'/></iq>",
        "<id='m'",
        "!",
        LOGIN(""),
        JOIN,
        "<<history since='20",
        ">" ME,
        END};

    begin(lines, &again);
    talk_until(talk_done);
    talk_end(NULL);
}

TEST(a_room_needs_a_nickname)
{
    static const char *const lines[] = {LOGIN(""), JOIN, END};
    struct mynah_room *r;

    begin(lines, NULL);
    CHECK_INT(mynah_room_new(talk.c, "n@c.test", "", &calls, NULL, &r), MYNAH_E_ARGUMENT);
    CHECK_INT(mynah_room_new(talk.c, "n@c.test", NULL, &calls, NULL, &r), MYNAH_E_ARGUMENT);
    talk_until(talk_done);
    talk_end("online");
}

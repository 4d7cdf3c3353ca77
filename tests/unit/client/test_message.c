/* The life lines of messages: of how many, by whom they are told, and what a mark means. */
#include "mynah/room.h"
#include "unit/client/talk.h"

#define PRESENCE(nick, more)                                                                       \
    "<presence from='r@c.test/" nick "'><x xmlns='http://jabber.org/protocol/muc#user'><item "     \
    "affiliation='none' role='participant'/>" more "</x></presence>"
#define RECEIPT(from, id)                                                                          \
    "<message from='" from "'><received xmlns='urn:xmpp:receipts' id='" id "'/></message>"
#define ERROR(from, id) "<message type='error' from='" from "' id='" id "'><error/></message>"

static unsigned told[MYNAH_SENT_FAILED + 1];

static void count(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                  const struct mynah_error *why)
{
    (void)arg;
    (void)c;
    (void)id;
    (void)why;
    told[state]++;
}

static void name(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                 const struct mynah_error *why)
{
    (void)arg;
    (void)c;
    (void)why;
    if (state > MYNAH_SENT_ACKED)
        note("%s:%d", id, state);
}

static void say(const char *to, enum mynah_message_type type, const char *id, mynah_sent_call *sent)
{
    struct mynah_elem *m = mynah_message_new(to, type, "x");

    mynah_elem_set(m, "id", id);
    CHECK_INT(mynah_message_send(talk.c, &m, NULL, sent, NULL), 0);
}

TEST(each_of_those_that_wait_is_followed_however_many_they_are)
{
    static const char *const lines[] = {LOGIN(SM),
                                        "<<enable",
                                        "><enabled xmlns='urn:xmpp:sm:3'/>",
                                        "<id='last'",
                                        "><a xmlns='urn:xmpp:sm:3' h='3000'/>",
                                        END};

    memset(told, 0, sizeof told);
    talk_start(lines, NULL);
    for (int i = 0; i < 3000; i++)
        say("a@y.test", MYNAH_CHAT, i < 2999 ? NULL : "last", count);
    talk_until(talk_done);
    CHECK_INT(told[MYNAH_SENT_QUEUED], 3000);
    CHECK_INT(told[MYNAH_SENT_WRITTEN], 3000);
    CHECK_INT(told[MYNAH_SENT_ACKED], 3000);
    talk_end(NULL);
}

TEST(a_mark_is_one_of_all_before_it)
{
    static const char *const lines[] = {
        LOGIN(""), "<id='m4'",
        "><message from='a@y.test/1'><displayed xmlns='urn:xmpp:chat-markers:0' "
        "id='m3'/></message>",
        END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mn_buf_clear(&talk.notes);
    say("a@y.test", MYNAH_CHAT, "m1", name);
    say("b@y.test", MYNAH_CHAT, "m2", name);
    say("a@y.test/1", MYNAH_CHAT, "m3", name);
    say("a@y.test", MYNAH_CHAT, "m4", name);
    talk_until(talk_done);
    CHECK(noted("m1:4 displayed m3:4 displayed") && !noted("m2:4") && !noted("m4:4"));
    talk_end(NULL);
}

static struct mynah_room *room;

static bool inside(void)
{
    return mynah_room_is_joined(room);
}

TEST(only_whom_it_was_for_tells_of_a_message)
{
    static const struct mynah_room_calls calls = {.size = sizeof calls};
    static const char *const lines[] = {
        LOGIN(""), "<<presence to='r@c.test/me' id='", ">" PRESENCE("me", "<status code='110'/>"),
        "<id='room'",
        /* A room sends round what others were told, ... */
        "><message type='groupchat' from='r@c.test/me' id='talk'><body>x</body></message>",
        /* ... those inside it say that others have what they have not, ... */
        ">" RECEIPT("r@c.test/eve", "private") RECEIPT("r@c.test", "private"),
        /* ... or that they or the room do not want it. */
        ">" ERROR("r@c.test/eve", "private") ERROR("r@c.test/eve", "room"),
        "><iq type='get' id='mid'><x xmlns='y'/></iq>", "<id='mid'",
        ">" RECEIPT("r@c.test/ann", "private"),
        "><message type='groupchat' from='r@c.test/me' id='room'><body>x</body></message>",
        ">" RECEIPT("b@y.test/1", "talk"), END};

    talk_start(lines, NULL);
    CHECK_INT(mynah_room_new(talk.c, "r@c.test", "me", &calls, NULL, &room), 0);
    CHECK_INT(mynah_room_join(room, NULL, NULL), 0);
    talk_until(inside);
    say("b@y.test", MYNAH_CHAT, "talk", name);
    say("r@c.test/ann", MYNAH_CHAT, "private", name);
    say("r@c.test", MYNAH_GROUPCHAT, "room", name);
    talk_until(talk_done);
    talk_end("online queued written queued written queued written private:3 delivered room:3 "
             "delivered talk:3 delivered");
}

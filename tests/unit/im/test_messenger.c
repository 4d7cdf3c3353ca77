/* The messenger against a server that follows a script (unit/client/talk.h): what others may fill
 * it with, and what they ask. */
#include "im/messenger.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/context.h"
#include "im/form.h"
#include "unit/client/talk.h"

static struct im *im;
static struct im_history *history; /* for the next one */
static struct im_account_state *account;
static struct mn_buf flood;
static unsigned closed;

static void on_closed(void *arg, struct im_chat *chat)
{
    (void)arg;
    (void)chat;
    closed++;
}

static struct im_form *form;

static void fetched(void *arg)
{
    (void)arg;
    note("fetched");
}

static void on_captcha(void *arg, struct im_account_state *a, struct im_chat *chat,
                       const struct mynah_captcha *q)
{
    (void)arg;
    CHECK(a == account);
    note("%s asks about %s in %s", q->from, q->about, chat->jid);
    form = im_form_read(q->form);
    im_form_media(form, q->xml);
    im_form_fetch(form, a->client, q->from, fetched, NULL);
}

static void begin(const char *const *lines)
{
    static const struct im_calls calls = {
        .size = sizeof calls, .closed = on_closed, .captcha = on_captcha};
    struct mynah_client_config config = {.size = sizeof config,
                                         .jid = "x.test",
                                         .host = "127.0.0.1",
                                         .tls = MYNAH_TLS_OFF,
                                         .no_roster = true,
                                         .no_reconnect = true};

    closed = 0;
    talk.ctx = mynah_context_new(NULL);
    server_start(&talk.server, talk.ctx, lines);
    config.port = (uint16_t)strtoul(talk.server.port, NULL, 10);
    im = im_new(talk.ctx, history, &calls, NULL);
    CHECK_INT(im_connect(im, &config, &account, NULL), 0);
    talk.c = account->client;
}

static void end(void)
{
    im_form_free(form);
    form = NULL;
    im_free(im);
    server_stop(&talk.server);
    mynah_context_free(talk.ctx);
    mn_buf_free(&talk.notes);
    mn_buf_free(&flood);
}

static const struct im_chat *chat_of(const char *jid)
{
    for (size_t i = 1; i < im_chat_count(im); i++)
        if (!strcmp(im_chat_at(im, i)->jid, jid))
            return im_chat_at(im, i);
    return NULL;
}

/* Who writes opens a window; the one that was silent for longest makes room, but for one in which
 * somebody was writing. */
TEST(strangers_open_windows_up_to_an_end)
{
    const char *lines[] = {LOGIN(""), NULL, END};
    const char **slot = lines;
    struct im_chat *kept;

    while (*slot)
        slot++;
    mn_buf_c(&flood, '>');
    for (unsigned k = 0; k < 300; k++)
        mn_buf_fmt(&flood,
                   "<message from='u%u@y.test/r'><body>%u</body><delay xmlns='urn:xmpp:delay' "
                   "stamp='2020-01-01T00:%02u:%02uZ'/></message>",
                   k, k, k / 60, k % 60);
    mn_buf_c(&flood, 0);
    *slot = flood.p;
    begin(lines);
    kept = im_chat_with(account, "u0@y.test");
    kept->draft = mn_str_dup(MN_STR("not said yet"));
    talk_until(talk_done);
    CHECK_INT(im_chat_count(im), 201);
    CHECK_INT(closed, 100);
    CHECK(chat_of("u0@y.test") && !chat_of("u1@y.test") && !chat_of("u100@y.test"));
    CHECK(chat_of("u101@y.test") && chat_of("u299@y.test"));
    end();
}

TEST(a_window_keeps_so_many_bytes)
{
    const char *lines[] = {LOGIN(""), NULL, END};
    const char **slot = lines;
    const struct im_chat *chat;

    while (*slot)
        slot++;
    mn_buf_c(&flood, '>');
    for (unsigned k = 0; k < 20; k++)
        mn_buf_fmt(&flood, "<message from='a@y.test/r' id='%u'><body>%01000000u</body></message>",
                   k, k);
    mn_buf_lit(&flood, "<message from='a@y.test/r' id='20'><body>short</body><replace "
                       "xmlns='urn:xmpp:message-correct:0' id='19'/></message>");
    mn_buf_c(&flood, 0);
    *slot = flood.p;
    begin(lines);
    talk_until(talk_done);
    chat = chat_of("a@y.test");
    CHECK(chat && chat->count == 8 && chat->told == 20);
    CHECK(chat && chat->bytes > 7000000 && chat->bytes < 7002000);
    CHECK(chat && !strcmp(chat->lines[7].text, "short"));
    CHECK_INT(chat->fresh, 0);
    end();
}

/* Only whom we wrote to may ask, where we did. */
TEST(who_was_written_to_may_ask_whether_a_person_is_there)
{
#define CAPTCHA(from, about, media)                                                                \
    "<message from='" from "' id='c1'><body>visit</body><captcha xmlns='urn:xmpp:captcha'><x "     \
    "xmlns='jabber:x:data' type='form'><field type='hidden' var='FORM_TYPE'>"                      \
    "<value>urn:xmpp:captcha</value></field><field type='hidden' var='challenge'>"                 \
    "<value>c1</value></field><field type='hidden' var='from'><value>" about                       \
    "</value></field><field type='hidden' var='sid'><value>%1</value></field>"                     \
    "<field var='qa' label='Which colour?'>" media "</field></x></captcha></message>"
    static const char *const lines[] = {LOGIN(""), "<type='chat' id='",
                                        ">" CAPTCHA("y.test", "a@y.test", ""), END};

    begin(lines);
    talk_until(talk_online);
    im_say(im_chat_with(account, "a@y.test"), "hello");
    talk_until(talk_done);
    CHECK_STR(mn_buf_view(&talk.notes), "y.test asks about a@y.test in a@y.test fetched");
    end();
}

/* A picture that did not come along: each name that it has is asked for, until one is there. */
TEST(a_picture_is_fetched)
{
#define MEDIA                                                                                      \
    "<media xmlns='urn:xmpp:media-element'><uri type='image/png'>http</uri>"                       \
    "<uri type='image/png'> cid:gone </uri><uri type='image/png'>cid:there</uri>"                  \
    "<uri type='image/png'>cid:unneeded</uri></media>"
    static const char *const lines[] = {
        LOGIN(""),
        "<type='chat' id='",
        ">" CAPTCHA("y.test", "a@y.test", MEDIA),
        "<<iq type='get' id='",
        "><iq type='error' id='%1' from='y.test'><error type='cancel'><item-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        "<<iq type='get' id='",
        "><iq type='result' id='%1' from='y.test'><data xmlns='urn:xmpp:bob' cid='there' "
        "type='image/png'>cGljdHVyZQ==</data></iq>",
        END};
    char text[16] = "";
    FILE *f;

    begin(lines);
    talk_until(talk_online);
    im_say(im_chat_with(account, "a@y.test"), "hello");
    talk_until(talk_done);
    CHECK(noted("fetched"));
    CHECK(form && form->count == 1 && form->fields[0].is_file);
    f = form ? fopen(form->fields[0].link, "r") : NULL;
    CHECK(f && fread(text, 1, sizeof text - 1, f) == 7 && !strcmp(text, "picture"));
    if (f)
        fclose(f);
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "unneeded", 8));
    end();
}

static bool was_told(const char *text)
{
    return talk.server.all.n && memmem(talk.server.all.p, talk.server.all.n, text, strlen(text));
}

/* What came, and what was seen, is told to nobody who could learn by it alone that we are there. */
TEST(a_stranger_learns_of_nothing_until_we_speak_to_him)
{
#define ASKS(id)                                                                                   \
    "<message from='a@y.test/r' type='chat' id='" id "'><body>hello</body><request "               \
    "xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>"
    static const char *const lines[] = {LOGIN(""),      ">" ASKS("m1"), "<<body>yes",
                                        ">" ASKS("m2"), "<<received",   END};
    struct im_chat *chat;

    begin(lines);
    talk_until(talk_online);
    while (!chat_of("a@y.test"))
        mn_loop_turn(talk.ctx->loop, 20);
    chat = im_chat_with(account, "a@y.test");
    im_chat_seen(chat, true);
    im_say(chat, "yes");
    talk_until(talk_done);
    im_chat_seen(chat, true);
    CHECK(!was_told("id='m1'") && was_told("id='m2'"));
    end();
}

/* How much stands in a talk as said; */
static unsigned said_in(const char *jid)
{
    const struct im_chat *chat = chat_of(jid);
    unsigned said = 0;

    for (size_t i = 0; chat && i < chat->count; i++)
        said += chat->lines[i].kind == IM_SAID;
    return said;
}

/* in a room, when the script is through. */
static unsigned said_in_room(void)
{
    talk_until(talk_online);
    CHECK(im_room_join(account, "r@y.test", "me", NULL));
    talk_until(talk_done);
    CHECK(chat_of("r@y.test"));
    return said_in("r@y.test");
}

/* Whatever its type: what one occupant says to us alone does not stand in the room, as if all had
 * heard it. */
TEST(what_is_said_to_us_alone_is_not_said_in_the_room)
{
#define OCCUPANT(nick, more)                                                                       \
    "<presence from='r@y.test/" nick "'><x xmlns='http://jabber.org/protocol/muc#user'>"           \
    "<item affiliation='none' role='participant'/>" more "</x></presence>"
    static const char *const lines[] = {
        LOGIN(""), "<to='r@y.test/me'",
        ">" OCCUPANT("bob", "") OCCUPANT(
            "me",
            "<status code='110'/>") "<message from='r@y.test/bob' type='groupchat'><body>to all"
                                    "</body></message><message from='r@y.test/bob'><body>one"
                                    "</body></message><message from='r@y.test/bob' type='chat'>"
                                    "<body>two</body></message><message from='r@y.test/bob' "
                                    "type='headline'><body>three</body></message>",
        END};
    const struct im_chat *alone;

    begin(lines);
    CHECK_INT(said_in_room(), 1);
    alone = chat_of("r@y.test/bob");
    CHECK(alone && alone->count == 3 && !strcmp(alone->lines[0].text, "one"));
    end();
}

/* The same as another program of ours has heard or said it (XEP-0280). */
TEST(what_another_program_says_to_an_occupant_is_not_said_in_the_room)
{
#define CARBON(kind, from, to, body)                                                               \
    "<message from='u@x.test'><" kind " xmlns='urn:xmpp:carbons:2'><forwarded "                    \
    "xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' type='chat' from='" from            \
    "' to='" to "'>" body "</message></forwarded></" kind "></message>"
    static const char *const lines[] = {
        LOGIN(""), "<to='r@y.test/me'",
        ">" OCCUPANT("bob", "") OCCUPANT("me", "<status code='110'/>")
            CARBON("received", "r@y.test/bob", "u@x.test/s", "<body>one</body>")
                CARBON("sent", "u@x.test/s", "r@y.test/bob", "<body>two</body>"),
        END};
    const struct im_chat *alone;

    begin(lines);
    CHECK_INT(said_in_room(), 0);
    alone = chat_of("r@y.test/bob");
    CHECK(alone && alone->count == 2 && !strcmp(alone->lines[0].who, "bob"));
    CHECK(alone && alone->count == 2 && alone->lines[1].ours);
    end();
}

static bool is_settled(void)
{
    return im_settle(im, false) < 0;
}

static bool hears_one(void)
{
    (void)im_settle(im, false);
    return was_told("h='1'/>");
}

static bool says_good_bye(void)
{
    return was_told("</stream:stream>");
}

#define ENABLED "<<enable", "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>"
#define ACKS "<r xmlns='urn:xmpp:sm:3'/>"
#define FIRST "<message from='a@y.test/r' id='k1'><body>one</body></message>" ACKS
#define SECOND "<message from='a@y.test/r' id='k2'><body>two</body></message>" ACKS

static struct {
    char dir[32];
    struct rlimit before;
} disk;

/* It is full when the first message has been acknowledged. */
static void disk_begin(const char *const *lines)
{
    struct mn_buf why = {0};
    char path[64];

    snprintf(disk.dir, sizeof disk.dir, "/tmp/mynah-messenger-XXXXXX");
    CHECK(mkdtemp(disk.dir));
    snprintf(path, sizeof path, "%s/history.db", disk.dir);
    CHECK_INT(im_history_open(path, &history, &why), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &disk.before);
    begin(lines);
    talk_until(hears_one);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1, disk.before.rlim_max});
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, "full", 0);
    mn_buf_free(&why);
}

static void disk_end(void)
{
    char command[80];

    end();
    im_history_close(history);
    history = NULL;
    snprintf(command, sizeof command, "rm -rf %s", disk.dir);
    (void)!system(command);
}

/* On a full disk what came is shown, and comes again: it is not acknowledged. */
TEST(what_cannot_be_kept_is_not_acknowledged)
{
    static const char *const lines[] = {LOGIN(SM), ENABLED,    ">" FIRST,  "<h='1'/>",
                                        "<full",   ">" SECOND, "<h='1'/>", END};
    struct mn_arena a = {0};
    const struct im_chat *chat;
    mn_str session = {0};

    disk_begin(lines);
    talk_until(talk_done);
    talk_until(is_settled);
    chat = chat_of("a@y.test");
    CHECK(chat && !strcmp(chat->lines[chat->count - 1].text, "two"));
    setrlimit(RLIMIT_FSIZE, &disk.before);
    im_say(im_chat_with(account, "a@y.test"), "later");
    (void)im_settle(im, true);
    talk_until(is_settled);
    CHECK_INT(im_history_get(history, MN_STR("x.test"), MN_STR("session"), &a, &session), 0);
    CHECK(memmem(session.p, session.n, " in='1'", 7) && memmem(session.p, session.n, "later", 5));
    mynah_client_disconnect(talk.c);
    talk_until(says_good_bye);
    CHECK(!was_told("h='2'/>") && !was_told("h='3'/>"));
    mn_arena_done(&a, NULL);
    disk_end();
}

static void kept_one(void *arg, const struct im_said *m)
{
    (void)m;
    ++*(unsigned *)arg;
}

static unsigned kept_in(const char *jid)
{
    const struct im_history_query q = {.peer = mn_str_from(jid), .limit = 100};
    unsigned kept = 0;

    CHECK_INT(im_history_each(history, &q, kept_one, &kept), 0);
    return kept;
}

/* When there is room again, a session that is resumed has lost nothing, and nobody is told twice.
 */
TEST(what_could_not_be_kept_comes_again_by_a_resumed_session)
{
#define OTHERS(stamp)                                                                              \
    OCCUPANT("bob", "")                                                                            \
    OCCUPANT("me", "<status code='110'/>")                                                         \
    "<message from='r@y.test/bob' type='groupchat' id='g'><body>to all</body>" stamp "</message>"  \
    "<message from='r@y.test/bob' type='chat' id='p'><body>to you</body></message>"                \
    "<message from='a@y.test/r'><body>without an id</body></message>" CARBON(                      \
        "sent", "u@x.test/s", "b@y.test", "<body>by another</body>")
    static const char *const lines[] = {
        LOGIN(SM),
        ENABLED,
        ">" FIRST,
        "<h='1'/>",
        "<full",
        "<to='r@y.test/me'",
        ">" OTHERS("") SECOND,
        "<h='1'/>",
        "!",
        AUTH(SM),
        "<<resume xmlns='urn:xmpp:sm:3' h='1' previd='s'/>",
        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='0'/>" OTHERS(
            "<delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>") SECOND,
        "<h='8'/>",
        END};
    struct im_chat *chat;
    unsigned twice;

    disk_begin(lines);
    CHECK(im_room_join(account, "r@y.test", "me", NULL));
    talk.c->conf.no_reconnect = false;
    TALK_UNTIL(mynah_client_state(talk.c) == MYNAH_WAITING);
    talk_until(is_settled);
    setrlimit(RLIMIT_FSIZE, &disk.before);
    chat = im_chat_with(account, "a@y.test");
    CHECK_INT(chat->unread, 3);
    im_chat_seen(chat, false);
    for (twice = 0; twice < 2; twice++) {
        CHECK_INT(said_in("a@y.test"), 3);
        CHECK_INT(said_in("b@y.test"), 1);
        CHECK_INT(said_in("r@y.test"), 1);
        CHECK_INT(said_in("r@y.test/bob"), 1);
        TALK_UNTIL(is_settled() && was_told("h='8'/>"));
    }
    talk_until(talk_done);
    CHECK_INT(chat_of("r@y.test/bob")->unread, 1);
    CHECK_INT(chat->unread, 0);
    CHECK(chat->seen && chat->seen == chat->last);
    CHECK_INT(kept_in("a@y.test"), 3);
    CHECK_INT(kept_in("b@y.test"), 1);
    CHECK_INT(kept_in("r@y.test"), 1);
    CHECK_INT(kept_in("r@y.test/bob"), 1);
    disk_end();
}

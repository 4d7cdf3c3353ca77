/* A program that frees its client inside a call-back, and with it what its call-backs are about:
 * when mynah_client_free returns, what was open has ended, and nothing is told any more. */
#include "mynah/adhoc.h"
#include "mynah/jingle.h"
#include "unit/client/talk.h"

static struct {
    unsigned at; /* the call-back that frees it; counts down */
    bool freed;
    int open; /* sessions and streams */
} plan;

static void heard(struct mynah_client *c, const char *what)
{
    if (plan.freed)
        test_fail(__FILE__, __LINE__, "%s is told behind the end", what);
    if (plan.at && !--plan.at) {
        mynah_client_free(c);
        plan.freed = true;
        CHECK_INT(plan.open, 0);
    }
}

/* The roster, and who hears of stanzas by two listeners. */

static void contact(void *arg, struct mynah_client *c, const struct mynah_contact *k)
{
    (void)k;
    heard(c, arg);
}

static void there(void *arg, struct mynah_client *c, const struct mynah_contact *k,
                  const struct mynah_resource *r)
{
    (void)k;
    (void)r;
    heard(c, arg);
}

static void ready(void *arg, struct mynah_client *c)
{
    heard(c, arg);
}

static void named(void *arg, struct mynah_client *c, const char *name)
{
    (void)name;
    heard(c, arg);
}

static void invited(void *arg, struct mynah_client *c, const struct mynah_invitation *i)
{
    (void)i;
    heard(c, arg);
}

static void items(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                  const struct mynah_pubsub_item *list, size_t count)
{
    (void)e;
    (void)list;
    (void)count;
    heard(c, arg);
}

static void associated(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                       const char *child, bool on)
{
    (void)e;
    (void)child;
    (void)on;
    heard(c, arg);
}

/* Rooms and dialogs. */

static void occupant(void *arg, struct mynah_room *r, const struct mynah_occupant *o)
{
    (void)o;
    heard(mynah_room_client(r), arg);
}

static void joined(void *arg, struct mynah_room *r, bool created)
{
    (void)created;
    heard(mynah_room_client(r), arg);
}

static void status(void *arg, struct mynah_room *r, unsigned code)
{
    (void)code;
    heard(mynah_room_client(r), arg);
}

static void said(void *arg, struct mynah_dialog *d, const struct mynah_message *m)
{
    (void)m;
    heard(mynah_dialog_client(d), arg);
}

static void does(void *arg, struct mynah_dialog *d, enum mynah_chat_state state)
{
    (void)state;
    heard(mynah_dialog_client(d), arg);
}

static void locked(void *arg, struct mynah_dialog *d, const char *jid)
{
    (void)jid;
    heard(mynah_dialog_client(d), arg);
}

/* What has an end. */

static void over(void *arg, struct mynah_jingle *s, enum mynah_jingle_reason reason,
                 const char *text, const struct mynah_error *error)
{
    (void)reason;
    (void)text;
    (void)error;
    plan.open--;
    heard(mynah_jingle_client(s), arg);
}

static const struct mynah_jingle_calls jingle = {.size = sizeof jingle, .ended = over};

static void offered(void *arg, struct mynah_client *c, struct mynah_jingle *s,
                    const struct mynah_jingle_event *e)
{
    (void)e;
    plan.open++;
    mynah_jingle_take(s, &jingle, "end of a session");
    heard(c, arg);
}

static void bytes(void *arg, struct mynah_bytestream *b, const void *p, size_t n)
{
    (void)p;
    (void)n;
    (void)b;
    heard(talk.c, arg);
}

static void closed(void *arg, struct mynah_bytestream *b, const struct mynah_error *why)
{
    (void)b;
    (void)why;
    plan.open--;
    heard(talk.c, arg);
}

static void stream(void *arg, struct mynah_client *c, struct mynah_bytestream *b)
{
    static const struct mynah_bytestream_calls calls = {
        .size = sizeof calls, .bytes = bytes, .closed = closed};

    plan.open++;
    mynah_bytestream_accept(b, &calls, "a stream");
    heard(c, arg);
}

/* A stage whose call frees the client tells no end of it: what it keeps is freed there. */
static void command(void *arg, struct mynah_client *c, const struct mynah_call *call,
                    struct mynah_answer *answer)
{
    answer->more = call->action != MYNAH_CANCEL;
    plan.open += answer->more && plan.at != 1 ? 1 : answer->more ? 0 : -1;
    heard(c, arg);
}

#define ROSTER                                                                                     \
    "<type='get' id='", "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'>"              \
                        "<item jid='a@y.test' subscription='both'/>"                               \
                        "<item jid='b@y.test' subscription='both'/></query></iq>"
#define CONTENT                                                                                    \
    "<content creator='initiator' name='n'><description xmlns='urn:d'/><transport xmlns='urn:t'/>" \
    "</content>"
#define PRESENCE(nick, more)                                                                       \
    "<presence from='r@c.test/" nick "'><x xmlns='http://jabber.org/protocol/muc#user'><item "     \
    "affiliation='none' role='participant'/>" more "</x></presence>"

static const char *const lines[] = {
    LOGIN(""), ROSTER, "<<presence to='r@c.test/me' id='",
    ">" PRESENCE("ann", "") PRESENCE("me", "<status code='100'/><status code='110'/>"),
    "><message from='q@c.test'><x xmlns='http://jabber.org/protocol/muc#user'><invite "
    "from='h@y.test'/></x></message>",
    "><presence from='a@y.test/1'/>",
    "><message from='s.test'><event xmlns='http://jabber.org/protocol/pubsub#event'><items "
    "node='n'><item id='1'/></items><collection node='c'><associate node='d'/><associate "
    "node='e'/></collection></event></message>",
    "><iq type='set' id='p'><query xmlns='jabber:iq:privacy'><list name='l'/></query></iq>",
    "><iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='x@y'/><item "
    "jid='z@y'/></block></iq>",
    "><iq type='set' id='c' from='a@y.test/1'><command "
    "xmlns='http://jabber.org/protocol/commands' node='c'/></iq>",
    "><iq type='set' id='o' from='a@y.test/1'><open xmlns='http://jabber.org/protocol/ibb' "
    "block-size='100' sid='s'/></iq>",
    "><iq type='set' id='d' from='a@y.test/1'><data xmlns='http://jabber.org/protocol/ibb' "
    "seq='0' sid='s'>YQ==</data></iq>",
    "><message type='chat' from='a@y.test/1'><body>1</body><active "
    "xmlns='http://jabber.org/protocol/chatstates'/></message>",
    /* Ours and theirs of one id at once: ours ends, then theirs is offered. */
    "<action='session-initiate' initiator='u@x.test/r' sid='",
    "><iq type='set' from='a@y.test/1' id='j'><jingle xmlns='urn:xmpp:jingle:1' "
    "action='session-initiate' sid='%1'>" CONTENT "</jingle></iq>",
    END};

static void listen_all(struct mynah_client *c)
{
    static const struct mynah_roster_calls roster = {
        .size = sizeof roster, .ready = ready, .changed = contact, .presence = there};
    static const struct mynah_invitation_calls invitations = {sizeof invitations, invited};
    static const struct mynah_pubsub_calls pubsub = {
        .size = sizeof pubsub, .items = items, .associated = associated};
    static const struct mynah_privacy_calls privacy = {sizeof privacy, named};
    static const struct mynah_blocking_calls blocking = {.size = sizeof blocking, .blocked = named};

    for (int twice = 0; twice < 2; twice++) {
        mynah_roster_listen(c, &roster, "the roster");
        mynah_invitations_listen(c, &invitations, "an invitation");
        mynah_pubsub_listen(c, &pubsub, "an event");
        mynah_privacy_listen(c, &privacy, "a list");
        mynah_blocking_listen(c, &blocking, "a block");
    }
    mynah_command_serve(c, "c", NULL, command, "a command");
    mynah_bytestream_serve(c, stream, "an offered stream");
    mynah_jingle_serve(c, "urn:d", offered, "an offered session");
}

static void open_all(struct mynah_client *c)
{
    static const struct mynah_room_calls room = {
        .size = sizeof room, .occupant = occupant, .joined = joined, .status = status};
    static const struct mynah_dialog_calls dialog = {
        .size = sizeof dialog, .message = said, .state = does, .locked = locked};
    const struct mynah_dialog_config with = {.size = sizeof with, .jid = "a@y.test"};
    struct mynah_room *r;
    struct mynah_dialog *d;

    CHECK_INT(mynah_room_new(c, "r@c.test", "me", &room, "a room", &r), 0);
    CHECK_INT(mynah_room_join(r, NULL, NULL), 0);
    CHECK_INT(mynah_dialog_new(c, &with, &dialog, "a dialog", &d), 0);
}

static void start_jingle(void)
{
    struct mynah_elem *d = mynah_elem_new("description", "urn:d"),
                      *t = mynah_elem_new("transport", "urn:t");
    const struct mynah_content k = {.size = sizeof k,
                                    .name = "n",
                                    .creator = MYNAH_INITIATOR,
                                    .description = d,
                                    .transport = t};
    struct mynah_jingle *s;

    if (!mynah_jingle_start(talk.c, "a@y.test/1", &k, 1, &jingle, "end of ours", &s))
        plan.open++;
    mynah_elem_free(d);
    mynah_elem_free(t);
}

/* False: there are fewer call-backs. */
static bool ends_at(unsigned at)
{
    static const struct mynah_client_config config = {.no_reconnect = true};
    int64_t until = mn_clock_now() + 60000;
    bool started = false;

    memset(&plan, 0, sizeof plan);
    plan.at = at;
    talk_start(lines, &config);
    listen_all(talk.c);
    open_all(talk.c);
    while (!talk_done() && !plan.freed && mn_clock_now() < until) {
        mn_loop_turn(talk.ctx->loop, 20);
        if (!plan.freed && !started && mynah_roster_is_ready(talk.c)) {
            started = true;
            start_jingle();
        }
    }
    CHECK(plan.freed || talk_done());
    for (int i = 0; i < 5; i++)
        mn_loop_turn(talk.ctx->loop, 0);
    at = plan.at;
    plan.at = 0;
    talk_end(NULL);
    return !at;
}

TEST(nothing_is_told_behind_the_end)
{
    unsigned at = 1;

    while (ends_at(at))
        at++;
    CHECK(at > 25);
}

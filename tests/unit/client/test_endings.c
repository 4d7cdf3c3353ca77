/* Programs that end everything inside every call-back: each kind of end inside each kind of
 * call-back, the first one and later ones. */
#include "unit/client/talk.h"

static const struct mynah_client_config again = {.no_roster = true};

#define ENABLED "<<enable", "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>"

enum end { FREE, DISCONNECT, AGAIN, ENDS };
enum kind {
    STATE = 0, /* + the state */
    MESSAGE = 16,
    PRESENCE,
    STANZA,
    WIRE_OUT,
    WIRE_IN,
    SENT_QUEUED,
    SENT_WRITTEN,
    SENT_ACKED,
    REQUEST,
    REQUEST_LOST,
    SERVE,
    TIMER,
    KINDS
};

static struct {
    enum kind kind;
    enum end end;
    int after; /* so many call-backs of that kind */
    bool done;
    struct mynah_listener *listener;
    unsigned requests, ended;
} plan;

static void asked_more(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                       const struct mynah_error *error);

static void ask_more(struct mynah_client *c)
{
    struct mynah_elem *q = mynah_elem_new("query", "urn:test");

    if (plan.requests == 50)
        return;
    plan.requests++;
    mynah_iq_send(c, MYNAH_GET, NULL, &q, 0, asked_more, NULL);
}

static void end_it(struct mynah_client *c, enum kind kind)
{
    if (kind != plan.kind || plan.done || plan.after-- > 0)
        return;
    plan.done = true;
    mynah_unlisten(plan.listener);
    if (plan.end == FREE) {
        mynah_client_free(c);
        return;
    }
    mynah_client_disconnect(c);
    ask_more(c);
    mynah_chat(c, "a@y.test", "late");
    mynah_presence_set(c, MYNAH_AWAY, NULL, 1);
    if (plan.end == AGAIN)
        (void)mynah_client_connect(c);
}

/* Programs that ask again whenever something goes wrong. */
static void asked_more(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                       const struct mynah_error *error)
{
    (void)arg;
    CHECK(!result != !error);
    plan.ended++;
    end_it(c, result ? REQUEST : REQUEST_LOST);
    if (error && error->code == MYNAH_E_LOST)
        ask_more(c);
}

static void e_state(void *arg, struct mynah_client *c, enum mynah_state s,
                    const struct mynah_error *why)
{
    (void)arg;
    (void)why;
    end_it(c, STATE + (enum kind)s);
    if (s == MYNAH_ONLINE && !plan.done) {
        ask_more(c);
        mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
        mynah_chat(c, "a@y.test", "one");
        mynah_chat(c, "a@y.test", "two");
    }
}

static void e_message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    (void)arg;
    (void)m;
    end_it(c, MESSAGE);
}

static void e_presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    (void)arg;
    (void)p;
    end_it(c, PRESENCE);
}

static bool e_stanza(void *arg, struct mynah_client *c, const struct mynah_elem *st)
{
    (void)arg;
    (void)st;
    end_it(c, STANZA);
    return false;
}

static void e_wire(void *arg, struct mynah_client *c, bool out, const char *text, size_t n)
{
    (void)arg;
    (void)text;
    (void)n;
    end_it(c, out ? WIRE_OUT : WIRE_IN);
}

static void e_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                   const struct mynah_error *why)
{
    (void)arg;
    (void)id;
    (void)why;
    end_it(c, SENT_QUEUED + (enum kind)state);
}

static void e_serve(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    (void)arg;
    end_it(c, SERVE);
    mynah_ask_result(&q, NULL);
}

static void e_timer(void *arg)
{
    end_it(arg, TIMER);
}

static void ended_inside(enum kind kind, enum end end, int after)
{
    static const struct mynah_calls calls = {sizeof calls, e_state,    NULL,     e_message,
                                             e_sent,       e_presence, e_stanza, e_wire};
    static const char *const lines[] = {
        LOGIN(SM),
        ENABLED,
        "<type='get' id='",
        "><iq type='result' id='%1'/>",
        "<>two<",
        "><r xmlns='urn:xmpp:sm:3'/><message from='a@y.test'><body>x</body></message>"
        "<presence from='u@x.test/o'/><iq type='get' id='1'><x xmlns='urn:served'/></iq>"
        "<a xmlns='urn:xmpp:sm:3' h='3'/><message from='a@y.test'><body>y</body></message>",
        "<id='1'",
        "!",
        AUTH(SM),
        "<<resume",
        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='3'/><message "
        "from='a@y.test'><body>z</body></message>",
        "!",
        AUTH(SM),
        "<<resume",
        "><failed xmlns='urn:xmpp:sm:3' h='4'><item-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
        "<id='bind'",
        ">" BOUND,
        "!",
        NULL};
    int64_t until = mn_clock_now() + 60000;

    plan.kind = kind;
    plan.end = end;
    plan.after = after;
    plan.done = false;
    plan.requests = plan.ended = 0;
    talk_start(lines, &again);
    plan.listener = mynah_listen(talk.c, &calls, NULL);
    mynah_iq_serve(talk.c, MYNAH_GET, "urn:served", NULL, e_serve, NULL);
    mynah_timer_start(talk.ctx, 1, e_timer, talk.c);
    while (!plan.done && !talk_done() && mn_clock_now() < until) {
        mynah_client_network_changed(talk.c);
        mn_loop_turn(talk.ctx->loop, 5);
    }
    for (int i = 0; i < 4; i++)
        mn_loop_turn(talk.ctx->loop, 0);
    talk.server.refused = false;
    talk_end(NULL);
    if (plan.requests != plan.ended)
        test_fail(__FILE__, __LINE__, "kind %d, end %d: %u requests, %u ends", kind, end,
                  plan.requests, plan.ended);
}

TEST(everything_may_end_inside_every_call_back)
{
    unsigned reached = 0, all = 0;

    for (enum kind k = 0; k < KINDS; k++)
        for (enum end e = 0; e < ENDS; e++)
            for (int after = 0; after < 6; after++) {
                ended_inside(k, e, after);
                all += plan.done;
                if (!plan.done)
                    break;
                reached |= 1u << k;
            }
    printf("# %u ends\n", all);
    CHECK_INT(reached, ((1u << KINDS) - (1u << MESSAGE)) | 1u << MYNAH_WAITING |
                           1u << MYNAH_CONNECTING | 1u << MYNAH_LOGIN | 1u << MYNAH_BINDING |
                           1u << MYNAH_ONLINE);
}

static bool freed;

static void two_ends(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                     const struct mynah_error *why)
{
    (void)arg;
    (void)why;
    if (state == MYNAH_SENT_WRITTEN && !strcmp(id, "first"))
        mynah_client_disconnect(c);
    else if (state == MYNAH_SENT_WRITTEN)
        (freed ? mynah_client_free : mynah_client_disconnect)(c);
}

/* What waited goes out before it, and whoever hears of that may end the client, too. */
TEST(a_client_may_end_inside_its_good_bye)
{
    static const char *const lines[] = {LOGIN(""), "<id='first'", "<id='second'", NULL};
    static const char *const ids[] = {"first", "second"};

    for (int twice = 0; twice < 2; twice++) {
        freed = twice;
        talk_start(lines, &again);
        mynah_presence_set(talk.c, MYNAH_AVAILABLE, NULL, 0);
        for (size_t i = 0; i < MN_COUNT(ids); i++) {
            struct mynah_elem *m = mynah_message_new("a@y.test", MYNAH_CHAT, "x");

            mynah_elem_set(m, "id", ids[i]);
            CHECK_INT(mynah_message_send(talk.c, &m, NULL, two_ends, NULL), 0);
        }
        talk_until(talk_done);
        talk_end(NULL);
    }
}

/* Conversations (RFC 6121 5.1, XEP-0085, XEP-0022, XEP-0201, XEP-0296). Whoever spoke last holds
 * the lock and is the one whose support counts:
 *
 *   unlocked --content or a state--> locked --presence, "gone", error, a notice of another-->
 * unlocked
 *
 * Support is asked for by <active/> in messages. An answer with a state says yes, one without says
 * no, unless the program's features say yes; until then nothing else is told (XEP-0085, 5.1). */
#include "mynah/dialog.h"

#include "base/err.h"
#include "base/rand.h"
#include "client/ext.h"
#include "mynah/disco.h"
#include "mynah/jid.h"
#include "mynah/roster.h"

#define NS_STATES "http://jabber.org/protocol/chatstates"

enum { PAUSED_MS = 30000, INACTIVE_MS = 120000, GONE_MS = 600000, THREAD_MAX = 1023 };
enum support { UNKNOWN, YES, NO };

struct mynah_dialog {
    struct trash trash; /* first */
    struct mn_list link;
    struct mynah_client *client;
    struct mynah_dialog_calls calls;
    void *arg;
    char *jid, *thread, *locked; /* locked: a full address, or NULL */
    bool no_states, no_receipts, gone;
    unsigned ask_events;
    int paused_ms, inactive_ms, gone_ms;

    enum support support;
    struct mynah_request *caps;
    enum mynah_chat_state ours, theirs;
    struct mn_timer timer; /* to our next state */
    char *composing_id;    /* of the last message that asks for "composing" (XEP-0022); or NULL */
    bool composing_told;
    struct mynah_elem *unseen; /* the last message that asks to be told when it was seen; or NULL */
};

struct dialogs {
    struct mn_list list;
    mynah_dialog_came *came;
    void *arg;
};

static struct dialogs *dialogs_of(struct mynah_client *c)
{
    return ext_state(c, &ext_dialog);
}

#define TELL(d, member, ...)                                                                       \
    do {                                                                                           \
        if ((d)->calls.member && !(d)->gone && !(d)->client->freed)                                \
            (d)->calls.member((d)->arg, d, __VA_ARGS__);                                           \
    } while (0)

static char *text_dup(const char *text)
{
    return text ? mn_str_dup(mn_str_from(text)) : NULL;
}

static void text_set(char **slot, const char *text)
{
    char *copy = text_dup(text);

    mn_free(*slot);
    *slot = copy;
}

/* Nobody can guess it, and two clients do not choose the same (XEP-0201, 5). */
static void thread_new(struct mynah_dialog *d)
{
    struct mn_arena a = {0};

    text_set(&d->thread, mn_arena_cstr(&a, mn_rand_text(&a, 22)));
    mn_arena_done(&a, NULL);
}

void mynah_dialog_unlock(struct mynah_dialog *d)
{
    if (!d->locked)
        return;
    text_set(&d->locked, NULL);
    TELL(d, locked, NULL);
}

/* Support is a matter of the program that spoke last. */
static void forget(struct mynah_dialog *d)
{
    struct mynah_request *caps = d->caps;

    d->caps = NULL;
    mynah_cancel(caps);
    d->support = UNKNOWN;
}

static void theirs(struct mynah_dialog *d, enum mynah_chat_state state)
{
    if (d->theirs == state)
        return;
    d->theirs = state;
    if (state != MYNAH_NO_STATE)
        TELL(d, state, state);
}

/* What we are doing. */

static void notice(struct mynah_dialog *d, enum mynah_chat_state state)
{
    struct mynah_elem *m = mynah_message_new(mynah_dialog_to(d), MYNAH_CHAT, NULL);

    mynah_chat_state_add(m, state);
    mynah_elem_add_text(m, "thread", NULL, d->thread);
    mynah_send(d->client, &m);
}

static void event(struct mynah_dialog *d, unsigned events, const char *id, const char *to)
{
    struct mynah_elem *m = mynah_message_new(to, MYNAH_CHAT, NULL);

    mynah_event_add(m, events, id);
    mynah_send(d->client, &m);
}

/* XEP-0022, to who asked and does not know better. */
static void composing(struct mynah_dialog *d, bool on)
{
    if (!d->composing_id || d->composing_told == on)
        return;
    d->composing_told = on;
    event(d, on ? MYNAH_EVENT_COMPOSING : 0, d->composing_id, mynah_dialog_to(d));
}

static void tell_state(struct mynah_dialog *d, enum mynah_chat_state state)
{
    if (d->no_states || d->client->state != MYNAH_ONLINE)
        return;
    if (d->support == YES)
        notice(d, state);
    else
        composing(d, state == MYNAH_COMPOSING);
}

static void wait_next(struct mynah_dialog *d)
{
    int ms = d->ours == MYNAH_COMPOSING                           ? d->paused_ms
             : d->ours == MYNAH_ACTIVE || d->ours == MYNAH_PAUSED ? d->inactive_ms
             : d->ours == MYNAH_INACTIVE                          ? d->gone_ms
                                                                  : -1;

    mn_timer_stop(&d->timer);
    if (ms >= 0)
        mn_timer_start(d->client->ctx->loop, &d->timer, ms);
}

/* The same one is never told twice in a row (XEP-0085, 5.3). */
static void ours(struct mynah_dialog *d, enum mynah_chat_state state)
{
    bool changed = d->ours != state && !(d->ours == MYNAH_NO_STATE && state == MYNAH_GONE);

    d->ours = state;
    wait_next(d);
    if (changed)
        tell_state(d, state);
    if (changed && state == MYNAH_GONE)
        thread_new(d); /* the other side must not go on with the old one (XEP-0085, 5.7) */
}

static void timed(struct mn_timer *t)
{
    struct mynah_dialog *d = MN_OF(t, struct mynah_dialog, timer);

    ours(d, d->ours == MYNAH_COMPOSING  ? MYNAH_PAUSED
            : d->ours == MYNAH_INACTIVE ? MYNAH_GONE
                                        : MYNAH_INACTIVE);
}

/* What comes. */

static void features_came(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                          const struct mynah_error *error)
{
    struct mynah_dialog *d = arg;

    (void)c;
    (void)error;
    d->caps = NULL;
    if (info && mynah_disco_has(info, NS_STATES))
        d->support = YES;
}

/* An answer without a state: its features have the last word, when we may ask for them. */
static void ask_features(struct mynah_dialog *d)
{
    const struct mynah_resource *r;

    d->support = NO;
    for (size_t i = 0; !d->gone && (r = mynah_roster_resource(d->client, d->jid, i)); i++)
        if (d->locked && !strcmp(r->jid, d->locked)) {
            d->caps = mynah_caps_info(d->client, d->locked, features_came, d);
            return;
        }
}

static void lock(struct mynah_dialog *d, const char *from)
{
    if (!strchr(from, '/') || (d->locked && !strcmp(d->locked, from)))
        return;
    forget(d);
    text_set(&d->locked, from);
    TELL(d, locked, d->locked);
}

static void lock_by(struct mynah_dialog *d, const struct mynah_message *m, bool content)
{
    enum mynah_chat_state state = mynah_chat_state(m->xml);
    bool other = d->locked && strcmp(d->locked, m->from) != 0;

    if (state == MYNAH_GONE || m->error || (other && !content)) {
        if (!other || !content)
            mynah_dialog_unlock(d);
        if (state == MYNAH_GONE && !other)
            forget(d);
        return;
    }
    if (!content && state == MYNAH_NO_STATE)
        return;
    lock(d, m->from);
    if (state != MYNAH_NO_STATE) {
        forget(d);
        d->support = YES;
    } else if (d->support == UNKNOWN) {
        ask_features(d);
    }
}

/* Whoever starts or changes the thread, it is one for both (XEP-0201, 4). */
static void thread_by(struct mynah_dialog *d, const struct mynah_message *m)
{
    if (mynah_chat_state(m->xml) == MYNAH_GONE)
        thread_new(d);
    else if (m->body && m->thread && *m->thread && strlen(m->thread) <= THREAD_MAX &&
             strcmp(d->thread, m->thread))
        text_set(&d->thread, m->thread);
}

static void state_by(struct mynah_dialog *d, const struct mynah_message *m)
{
    enum mynah_chat_state state = mynah_chat_state(m->xml);
    unsigned events;
    const char *id;

    if (state != MYNAH_NO_STATE)
        theirs(d, state);
    else if (m->body)
        theirs(d, MYNAH_ACTIVE);
    if (m->body || !mynah_event(m->xml, &events, &id) || !id)
        return;
    if (state == MYNAH_NO_STATE && (!events || events & MYNAH_EVENT_COMPOSING))
        theirs(d, events ? MYNAH_COMPOSING : MYNAH_PAUSED);
    for (unsigned e = MYNAH_EVENT_OFFLINE; e < MYNAH_EVENT_COMPOSING; e <<= 1)
        if (events & e)
            TELL(d, event, id, (enum mynah_event)e);
}

/* What the message asks for: that it arrived, is told those only who may see that we are there. */
static void answer(struct mynah_dialog *d, const struct mynah_message *m)
{
    unsigned events;
    const char *id;
    bool asks = mynah_event(m->xml, &events, &id) && !id && m->id;

    text_set(&d->composing_id, asks && events & MYNAH_EVENT_COMPOSING ? m->id : NULL);
    d->composing_told = false;
    mynah_elem_free(d->unseen);
    d->unseen = mynah_elem_copy(m->xml);
    if (d->no_receipts || !mynah_roster_sees(d->client, m->from))
        return;
    mynah_message_received(d->client, m);
    if (asks && events & MYNAH_EVENT_DELIVERED)
        event(d, MYNAH_EVENT_DELIVERED, m->id, m->from);
}

static void message(struct mynah_dialog *d, const struct mynah_message *m)
{
    bool content = m->body || m->subject;

    if (!m->carbon) {
        if (!m->sent_at)
            lock_by(d, m, content);
        if (!m->error)
            thread_by(d, m);
        if (!m->error && !m->sent_at)
            state_by(d, m);
        if (!m->error && m->body && !d->gone)
            answer(d, m);
    }
    if (content || m->error)
        TELL(d, message, m);
}

static void on_message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    struct dialogs *s = arg;
    const char *other = m->carbon == MYNAH_CARBON_SENT ? m->to : m->from;
    struct mynah_dialog *d = mynah_dialog_find(c, other);

    if (m->type == MYNAH_GROUPCHAT || m->type == MYNAH_HEADLINE)
        return;
    if (!d && s->came && m->body && !m->carbon && !m->error) {
        s->came(s->arg, c, m);
        d = mynah_dialog_find(c, other);
    }
    if (d)
        message(d, m);
}

static void on_presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    struct mynah_dialog *d = mynah_dialog_find(c, p->from);

    (void)arg;
    if (!d || p->type != MYNAH_PRESENCE)
        return;
    if (p->show == MYNAH_UNAVAILABLE && d->locked && !strcmp(d->locked, p->from)) {
        forget(d);
        theirs(d, MYNAH_GONE);
    }
    mynah_dialog_unlock(d);
}

/* Life. */

static void init(struct mynah_client *c, void *state)
{
    static const struct mynah_calls calls = {
        .size = sizeof calls, .message = on_message, .presence = on_presence};
    struct dialogs *s = state;

    mn_list_init(&s->list);
    mynah_listen(c, &calls, s);
}

static void lost(struct mynah_client *c, void *state)
{
    struct dialogs *s = state;

    (void)c;
    MN_LIST_EACH(n, &s->list)
    {
        struct mynah_dialog *d = MN_OF(n, struct mynah_dialog, link);

        if (d->gone)
            continue;
        forget(d);
        d->ours = MYNAH_NO_STATE;
        d->theirs = MYNAH_NO_STATE;
        mn_timer_stop(&d->timer);
        text_set(&d->composing_id, NULL);
        mynah_dialog_unlock(d);
    }
}

static void dialog_memory(struct trash *t)
{
    struct mynah_dialog *d = (struct mynah_dialog *)t;

    mn_list_del(&d->link);
    mynah_elem_free(d->unseen);
    mn_free(d->composing_id);
    mn_free(d->locked);
    mn_free(d->thread);
    mn_free(d->jid);
    mn_free(d);
}

static void close_quietly(struct mynah_dialog *d)
{
    d->gone = true;
    forget(d);
    mn_timer_stop(&d->timer);
}

static void done(struct mynah_client *c, void *state)
{
    struct dialogs *s = state;

    (void)c;
    MN_LIST_EACH(n, &s->list)
    {
        struct mynah_dialog *d = MN_OF(n, struct mynah_dialog, link);

        mn_list_del(n);
        if (d->gone)
            continue;
        close_quietly(d);
        dialog_memory(&d->trash);
    }
}

const struct ext ext_dialog = {
    .name = "dialog", .size = sizeof(struct dialogs), .init = init, .done = done, .lost = lost};

/* What programs call. */

static int period(int ms, int usual)
{
    return ms ? ms : usual;
}

int mynah_dialog_new(struct mynah_client *c, const struct mynah_dialog_config *config,
                     const struct mynah_dialog_calls *calls, void *arg, struct mynah_dialog **out)
{
    struct mynah_dialog_config conf = {0};
    char *bare;
    struct mynah_dialog *d;

    *out = NULL;
    SIZED_COPY(conf, config);
    bare = conf.jid ? mynah_jid_bare(conf.jid) : NULL;
    if (!bare || mynah_dialog_find(c, bare)) {
        int e = bare ? MYNAH_E_STATE : MYNAH_E_ARGUMENT;

        mn_free(bare);
        return e;
    }
    d = MN_NEW(struct mynah_dialog);
    d->client = c;
    d->jid = bare;
    d->arg = arg;
    d->timer.fire = timed;
    d->no_states = conf.no_states;
    d->no_receipts = conf.no_receipts;
    d->ask_events = conf.ask_events;
    d->paused_ms = period(conf.paused_ms, PAUSED_MS);
    d->inactive_ms = period(conf.inactive_ms, INACTIVE_MS);
    d->gone_ms = period(conf.gone_ms, GONE_MS);
    if (calls)
        SIZED_COPY(d->calls, calls);
    thread_new(d);
    if (conf.thread)
        text_set(&d->thread, conf.thread);
    mn_list_add(&dialogs_of(c)->list, &d->link);
    *out = d;
    return MYNAH_OK;
}

void mynah_dialog_free(struct mynah_dialog *d)
{
    if (!d || d->gone)
        return;
    ours(d, MYNAH_GONE);
    close_quietly(d);
    context_trash(d->client->ctx, &d->trash, dialog_memory);
}

struct mynah_dialog *mynah_dialog_find(struct mynah_client *c, const char *jid)
{
    mn_str rest, bare = mn_str_cut(mn_str_from(jid), '/', &rest);

    MN_LIST_EACH(n, &dialogs_of(c)->list)
    {
        struct mynah_dialog *d = MN_OF(n, struct mynah_dialog, link);

        if (!d->gone && mn_str_eq(bare, mn_str_from(d->jid)))
            return d;
    }
    return NULL;
}

void mynah_dialog_serve(struct mynah_client *c, mynah_dialog_came *came, void *arg)
{
    struct dialogs *s = dialogs_of(c);

    s->came = came;
    s->arg = arg;
}

struct mynah_client *mynah_dialog_client(const struct mynah_dialog *d)
{
    return d->client;
}

const char *mynah_dialog_jid(const struct mynah_dialog *d)
{
    return d->jid;
}

const char *mynah_dialog_to(const struct mynah_dialog *d)
{
    return d->locked ? d->locked : d->jid;
}

const char *mynah_dialog_thread(const struct mynah_dialog *d)
{
    return d->thread;
}

int mynah_dialog_send(struct mynah_dialog *d, struct mynah_elem **message_, char id[MYNAH_ID_MAX],
                      mynah_sent_call *sent, void *arg)
{
    struct mynah_elem *m = *message_;

    if (mynah_elem_is(m, "message", "jabber:client")) {
        mynah_elem_set(m, "to", mynah_dialog_to(d));
        if (!mynah_elem_child(m, "thread", NULL))
            mynah_elem_add_text(m, "thread", NULL, d->thread);
        if (!d->no_states && d->support != NO && mynah_chat_state(m) == MYNAH_NO_STATE)
            mynah_chat_state_add(m, MYNAH_ACTIVE);
        if (d->ask_events)
            mynah_event_add(m, d->ask_events, NULL);
    }
    d->composing_told = false; /* the message says as much */
    d->ours = MYNAH_ACTIVE;
    wait_next(d);
    return mynah_message_send(d->client, message_, id, sent, arg);
}

int mynah_dialog_chat(struct mynah_dialog *d, const char *body)
{
    struct mynah_elem *m = mynah_message_new(d->jid, MYNAH_CHAT, body);

    return mynah_dialog_send(d, &m, NULL, NULL, NULL);
}

void mynah_dialog_typing(struct mynah_dialog *d)
{
    ours(d, MYNAH_COMPOSING);
}

void mynah_dialog_state(struct mynah_dialog *d, enum mynah_chat_state state)
{
    if (state > MYNAH_NO_STATE && state <= MYNAH_GONE)
        ours(d, state);
}

static void seen(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    struct mynah_dialog *d = arg;
    unsigned events;
    const char *id;

    mynah_message_displayed(c, m);
    if (mynah_event(m->xml, &events, &id) && !id && m->id && events & MYNAH_EVENT_DISPLAYED)
        event(d, MYNAH_EVENT_DISPLAYED, m->id, m->from);
}

void mynah_dialog_seen(struct mynah_dialog *d)
{
    struct mynah_elem *m = d->unseen;

    d->unseen = NULL;
    if (m)
        message_read(d->client, m, seen, d);
    mynah_elem_free(m);
}

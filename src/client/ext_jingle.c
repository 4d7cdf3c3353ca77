/* XEP-0166 Jingle: sessions. What the other side does is looked at and applied by the same rules
 * (jingle_rules.c) as what we do.
 *
 *   session-initiate -> PENDING --session-accept (by the responder)--> ACTIVE
 *        either --session-terminate--> ENDED: the session is no longer there
 *
 * Only the other side of a session may speak in it; for everybody else there is none of that id. */
#include "mynah/jingle.h"

#include "base/err.h"
#include "base/rand.h"
#include "client/jingle.h"
#include "mynah/disco.h"
#include "mynah/jid.h"
#include "mynah/roster.h"

#define NS_ERRORS "urn:xmpp:jingle:errors:1"

enum {
    SESSIONS_MAX = 100, /* that others began */
    PEER_MAX = 10,      /* of them by one address */
    SID_MAX = 256,
    SAID_MAX = 256 << 10, /* bytes at once: contents are kept */
    PING_MS = 10000
};

struct served {
    struct mn_list link;
    char *ns;
    mynah_jingle_offered *offered;
    void *arg;
};

struct jingle {
    struct mn_list sessions, served;
    bool strangers;
    char *elsewhere; /* where those who offer are to go; or NULL */
};

static struct jingle *jingle_of(struct mynah_client *c)
{
    return ext_state(c, &ext_jingle);
}

/* Sessions. */

static struct mynah_jingle *session_new(struct mynah_client *c, const char *peer, const char *sid,
                                        enum mynah_jingle_side side)
{
    struct mynah_jingle *s = MN_NEW(struct mynah_jingle);
    struct mn_arena a = {0};

    s->client = c;
    s->peer = mn_str_dup(mn_str_from(peer));
    s->sid = mn_str_dup(sid ? mn_str_from(sid) : mn_rand_text(&a, 22));
    s->side = side;
    mn_list_init(&s->contents);
    mn_list_init(&s->sent);
    mn_list_add(&jingle_of(c)->sessions, &s->link);
    mn_arena_done(&a, NULL);
    return s;
}

static void session_memory(struct trash *t)
{
    struct mynah_jingle *s = (struct mynah_jingle *)t;

    mn_list_del(&s->link);
    MN_LIST_EACH(n, &s->contents)
    jingle_content_free(s, MN_OF(n, struct jingle_content, link));
    mn_free(s->peer);
    mn_free(s->sid);
    mn_free(s);
}

/* It is over: what is not acknowledged is of no interest any more, but ends for who asked. */
static void session_over(struct mynah_jingle *s)
{
    s->state = MYNAH_JINGLE_ENDED;
    MN_LIST_EACH(n, &s->sent)
    {
        struct jingle_sent *w = MN_OF(n, struct jingle_sent, link);

        w->session = NULL;
        mn_list_del(n);
    }
    context_trash(s->client->ctx, &s->trash, session_memory);
}

static void ended(struct mynah_jingle *s, enum mynah_jingle_reason reason, const char *text,
                  const struct mynah_error *error)
{
    if (s->state == MYNAH_JINGLE_ENDED)
        return;
    session_over(s);
    if (s->calls.ended)
        s->calls.ended(s->arg, s, reason, text, error);
}

static struct mynah_jingle *session_find(struct mynah_client *c, const char *peer, const char *sid)
{
    MN_LIST_EACH(n, &jingle_of(c)->sessions)
    {
        struct mynah_jingle *s = MN_OF(n, struct mynah_jingle, link);

        if (s->state != MYNAH_JINGLE_ENDED && !strcmp(s->sid, sid) && !strcmp(s->peer, peer))
            return s;
    }
    return NULL;
}

static size_t sessions_by(struct mynah_client *c, const char *peer)
{
    size_t count = 0;

    MN_LIST_EACH(n, &jingle_of(c)->sessions)
    {
        const struct mynah_jingle *s = MN_OF(n, struct mynah_jingle, link);

        count += s->state != MYNAH_JINGLE_ENDED && s->side == MYNAH_RESPONDER &&
                 (!peer || mynah_jid_same(s->peer, peer));
    }
    return count;
}

/* What we say. */

/* They say that there is no such session, or nobody there: any answer else shows that there is. */
static bool says_gone(const struct jingle_sent *w, const struct mynah_error *error)
{
    const struct mynah_elem *e = mynah_elem_child(error->xml, "error", NULL);

    return mynah_elem_child(e, "unknown-session", NS_ERRORS) ||
           (w->ping && !mynah_elem_child(e, "unsupported-info", NS_ERRORS));
}

static void answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                     const struct mynah_error *error)
{
    struct jingle_sent *w = arg;
    struct mynah_jingle *s = w->session;

    mn_list_del(&w->link);
    if (s)
        jingle_settle(s, w, error != NULL);
    if (w->done)
        w->done(w->arg, c, result, error);
    if (s && error && s->state != MYNAH_JINGLE_ENDED &&
        (w->action == MYNAH_SESSION_INITIATE || says_gone(w, error)))
        ended(s, w->ping ? MYNAH_REASON_GONE : MYNAH_REASON_NONE, NULL, error);
    mynah_elem_free(w->xml);
    mn_free(w);
}

static struct jingle_sent *say(struct mynah_jingle *s, enum mynah_jingle_action action,
                               struct mynah_elem *e, int timeout_ms, mynah_iq_done *done, void *arg)
{
    struct jingle_sent *w = MN_NEW(struct jingle_sent);

    w->session = s;
    w->action = action;
    w->xml = mynah_elem_copy(e);
    w->done = done;
    w->arg = arg;
    mn_list_add(&s->sent, &w->link);
    w->request = mynah_iq_send(s->client, MYNAH_SET, s->peer, &e, timeout_ms, answered, w);
    return w;
}

void mynah_jingle_end(struct mynah_jingle *s, enum mynah_jingle_reason reason, const char *text)
{
    struct mynah_elem *e, *r;

    if (!s || s->state == MYNAH_JINGLE_ENDED)
        return;
    e = jingle_new(s, MYNAH_SESSION_TERMINATE, NULL, 0);
    if (reason != MYNAH_REASON_NONE) {
        r = mynah_elem_add(e, "reason", NULL);
        mynah_elem_add(r, mynah_jingle_reason_name(reason), NULL);
        mynah_elem_add_text(r, "text", NULL, text);
    }
    mynah_iq_send(s->client, MYNAH_SET, s->peer, &e, 0, NULL, NULL);
    session_over(s);
}

/* What they say. */

static void refuse(struct mynah_ask **q, const char *condition, const char *special)
{
    mynah_ask_refuse(q, condition, NULL, special, NS_ERRORS);
}

/* Our first word is not acknowledged yet. */
static bool is_begun(const struct mynah_jingle *s)
{
    return s->side == MYNAH_INITIATOR && s->state == MYNAH_JINGLE_PENDING &&
           !mn_list_empty(&s->sent) &&
           MN_OF(s->sent.next, struct jingle_sent, link)->action == MYNAH_SESSION_INITIATE;
}

/* Both begin at once: of what is equivalent, and of the same id, the lower id counts, then the
 * lower address (XEP-0166, 7.2.16). */
static bool ours_first(struct mynah_client *c, const char *from, const char *sid,
                       const struct mynah_jingle_event *e)
{
    MN_LIST_EACH(n, &jingle_of(c)->sessions)
    {
        const struct mynah_jingle *s = MN_OF(n, struct mynah_jingle, link);
        int order = strcmp(s->sid, sid);

        if (is_begun(s) && !strcmp(s->peer, from) && (!order || jingle_equivalent(s, e)) &&
            (order < 0 || (!order && strcmp(mynah_client_jid(c), from) < 0)))
            return true;
    }
    return false;
}

static struct served *served_find(struct jingle *j, const char *ns)
{
    MN_LIST_EACH(n, &j->served)
    {
        struct served *v = MN_OF(n, struct served, link);

        if (ns && !strcmp(v->ns, ns))
            return v;
    }
    return NULL;
}

/* The session is there and acknowledged; now it finds who wants it. */
static void offer(struct mynah_client *c, struct mynah_jingle *s,
                  const struct mynah_jingle_event *e)
{
    const struct served *v = NULL;

    for (size_t i = 0; i < e->count; i++) {
        jingle_content_add(s, &e->contents[i], false);
        v = v ? v : served_find(jingle_of(c), mynah_elem_ns(e->contents[i].description));
    }
    if (!v) {
        mynah_jingle_end(s, MYNAH_REASON_UNSUPPORTED_APPLICATIONS, NULL);
        return;
    }
    v->offered(v->arg, c, s, e);
    if (!s->taken)
        mynah_jingle_end(s, MYNAH_REASON_DECLINE, NULL);
}

static void initiate(struct mynah_client *c, const char *from, const char *sid,
                     const struct mynah_jingle_event *e, struct mynah_ask *q)
{
    static const struct mynah_error lost_tie = {.code = MYNAH_E_STANZA, .condition = "conflict"};
    struct jingle *j = jingle_of(c);
    struct mynah_jingle *ours = session_find(c, from, sid);

    if (mn_list_empty(&j->served))
        refuse(&q, "service-unavailable", NULL);
    else if (!jingle_opens(e->contents, e->count))
        refuse(&q, "bad-request", NULL);
    else if (ours_first(c, from, sid, e))
        refuse(&q, "conflict", "tie-break");
    else if (j->elsewhere)
        mynah_ask_redirect(&q, j->elsewhere);
    else if (sessions_by(c, NULL) >= SESSIONS_MAX || sessions_by(c, from) >= PEER_MAX)
        refuse(&q, "resource-constraint", NULL);
    else {
        mynah_ask_result(&q, NULL);
        if (ours) /* of the same id */
            ended(ours, MYNAH_REASON_NONE, NULL, &lost_tie);
        if (!c->freed)
            offer(c, session_new(c, from, sid, MYNAH_RESPONDER), e);
    }
}

/* An empty session-info asks whether we are still there. */
static bool understood(struct mynah_jingle *s, const struct mynah_jingle_event *e)
{
    bool ping = e->action == MYNAH_SESSION_INFO && !mynah_elem_child(e->xml, NULL, NULL);

    return ping || (s->calls.info && s->calls.info(s->arg, s, e));
}

/* A session without contents is void: who hears of it ends it (XEP-0166, 7.2.5). */
static void told(struct mynah_jingle *s, const struct mynah_jingle_event *e)
{
    bool empty = !s->count;

    if (e->action == MYNAH_SESSION_TERMINATE) {
        ended(s, e->reason, e->text, NULL);
        return;
    }
    if (s->calls.came)
        s->calls.came(s->arg, s, e);
    if (!empty || s->state == MYNAH_JINGLE_ENDED)
        return;
    mynah_jingle_end(s, MYNAH_REASON_SUCCESS, NULL);
    if (s->calls.ended)
        s->calls.ended(s->arg, s, MYNAH_REASON_SUCCESS, NULL, NULL);
}

static void act(struct mynah_jingle *s, const struct mynah_jingle_event *e, struct mynah_ask *q)
{
    enum mynah_jingle_side by = s->side == MYNAH_INITIATOR ? MYNAH_RESPONDER : MYNAH_INITIATOR;
    enum jingle_verdict v = jingle_check(s, by, e->action, e->contents, e->count);

    if (jingle_crosses(s, e)) {
        refuse(&q, "conflict", "tie-break");
    } else if (v == BAD) {
        refuse(&q, "bad-request", NULL);
    } else if (v == OUT_OF_ORDER) {
        refuse(&q, "unexpected-request", "out-of-order");
    } else if (jingle_is_info(e->action)) {
        if (understood(s, e))
            mynah_ask_result(&q, NULL);
        else
            refuse(&q, "feature-not-implemented", "unsupported-info");
    } else {
        jingle_apply(s, by, e->action, e->contents, e->count);
        mynah_ask_result(&q, NULL);
        told(s, e);
    }
}

/* Who asks learns nothing: Jingle is not spoken here, or he is not to know that we are. */
static bool hidden(struct mynah_client *c, const struct jingle *j, const char *from)
{
    return (mn_list_empty(&j->served) && mn_list_empty(&j->sessions)) ||
           (!j->strangers && !mynah_roster_sees(c, from));
}

static void asked(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct jingle *j = arg;
    struct mynah_elem *e = mynah_elem_copy(mynah_ask_payload(q));
    struct mynah_content contents[JINGLE_CONTENTS_MAX];
    struct mynah_jingle_event event;
    const char *sid = mynah_elem_get(e, "sid");
    char *from = mynah_jid(mynah_ask_from(q));
    struct mynah_jingle *s = from && sid ? session_find(c, from, sid) : NULL;

    if (!s && hidden(c, j, mynah_ask_from(q)))
        refuse(&q, "service-unavailable", NULL);
    else if (elem_weight(e) > SAID_MAX)
        refuse(&q, "resource-constraint", NULL);
    else if (!from || !sid || !*sid || strlen(sid) > SID_MAX ||
             !jingle_event_read(e, contents, &event))
        refuse(&q, "bad-request", NULL);
    else if (event.action == MYNAH_SESSION_INITIATE && (!s || is_begun(s)))
        initiate(c, from, sid, &event, q);
    else if (s)
        act(s, &event, q);
    else
        refuse(&q, "item-not-found", "unknown-session");
    mynah_elem_free(e);
    mn_free(from);
}

/* Whoever went without a word is asked whether he is still there (XEP-0166, 6.7). */
static void presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    struct jingle *j = arg;

    (void)c;
    if (p->type != MYNAH_PRESENCE || p->show != MYNAH_UNAVAILABLE)
        return;
    MN_LIST_EACH(n, &j->sessions)
    {
        struct mynah_jingle *s = MN_OF(n, struct mynah_jingle, link);

        if (s->state != MYNAH_JINGLE_ENDED && !strcmp(s->peer, p->from))
            say(s, MYNAH_SESSION_INFO, jingle_new(s, MYNAH_SESSION_INFO, NULL, 0), PING_MS, NULL,
                NULL)
                ->ping = true;
    }
}

/* Life. */

static void init(struct mynah_client *c, void *state)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .presence = presence};
    struct jingle *j = state;

    mn_list_init(&j->sessions);
    mn_list_init(&j->served);
    mynah_iq_serve(c, MYNAH_SET, NS_JINGLE, "jingle", asked, j);
    mynah_listen(c, &calls, j);
}

/* A new login has another address: nobody finds us there. */
static void lost(struct mynah_client *c, void *state)
{
    struct jingle *j = state;
    const struct mynah_error why = {.code = MYNAH_E_LOST};

    (void)c;
    MN_LIST_EACH(n, &j->sessions)
    ended(MN_OF(n, struct mynah_jingle, link), MYNAH_REASON_NONE, NULL, &why);
}

static void served_free(struct served *v)
{
    mn_list_del(&v->link);
    mn_free(v->ns);
    mn_free(v);
}

static void freed(struct mynah_client *c, void *state)
{
    struct jingle *j = state;
    const struct mynah_error why = {.code = MYNAH_E_CANCELLED};

    (void)c;
    MN_LIST_EACH(n, &j->sessions)
    ended(MN_OF(n, struct mynah_jingle, link), MYNAH_REASON_NONE, NULL, &why);
}

static void done(struct mynah_client *c, void *state)
{
    struct jingle *j = state;

    (void)c;
    MN_LIST_EACH(n, &j->sessions)
    mn_list_del(n); /* the trash frees them later */
    mn_free(j->elsewhere);
    MN_LIST_EACH(n, &j->served)
    served_free(MN_OF(n, struct served, link));
}

const struct ext ext_jingle = {.name = "jingle",
                               .size = sizeof(struct jingle),
                               .init = init,
                               .done = done,
                               .freed = freed,
                               .lost = lost};

/* What programs call. */

static void calls_set(struct mynah_jingle *s, const struct mynah_jingle_calls *calls, void *arg)
{
    SIZED_COPY(s->calls, calls);
    s->arg = arg;
    s->taken = true;
}

int mynah_jingle_start(struct mynah_client *c, const char *to, const struct mynah_content *contents,
                       size_t count, const struct mynah_jingle_calls *calls, void *arg,
                       struct mynah_jingle **out)
{
    char *peer = mynah_jid(to);
    struct mynah_jingle *s;
    struct mynah_elem *e;
    int bad = !peer || !strchr(peer, '/') || !jingle_opens(contents, count) ? MYNAH_E_ARGUMENT
              : mynah_client_state(c) != MYNAH_ONLINE                       ? MYNAH_E_STATE
                                                                            : 0;

    *out = NULL;
    if (bad) {
        mn_free(peer);
        return bad;
    }
    s = session_new(c, peer, NULL, MYNAH_INITIATOR);
    calls_set(s, calls, arg);
    for (size_t i = 0; i < count; i++)
        jingle_content_add(s, &contents[i], false);
    e = jingle_new(s, MYNAH_SESSION_INITIATE, contents, count);
    say(s, MYNAH_SESSION_INITIATE, e, 0, NULL, NULL);
    mn_free(peer);
    *out = s;
    return MYNAH_OK;
}

void mynah_jingle_serve(struct mynah_client *c, const char *description_ns,
                        mynah_jingle_offered *offered, void *arg)
{
    struct jingle *j = jingle_of(c);
    struct served *v = served_find(j, description_ns);

    if (v)
        served_free(v);
    if (offered) {
        v = MN_NEW(struct served);
        *v = (struct served){{0}, mn_str_dup(mn_str_from(description_ns)), offered, arg};
        mn_list_add(&j->served, &v->link);
    }
    mynah_disco_feature(c, NS_JINGLE, !mn_list_empty(&j->served));
}

void mynah_jingle_take(struct mynah_jingle *s, const struct mynah_jingle_calls *calls, void *arg)
{
    calls_set(s, calls, arg);
}

void mynah_jingle_strangers(struct mynah_client *c, bool welcome)
{
    jingle_of(c)->strangers = welcome;
}

void mynah_jingle_redirect(struct mynah_client *c, const char *uri)
{
    struct jingle *j = jingle_of(c);

    mn_free(j->elsewhere);
    j->elsewhere = uri ? mn_str_dup(mn_str_from(uri)) : NULL;
}

int mynah_jingle_send(struct mynah_jingle *s, enum mynah_jingle_action action,
                      const struct mynah_content *contents, size_t count, struct mynah_elem **info,
                      mynah_iq_done *done_, void *arg)
{
    struct mynah_elem *more = info ? *info : NULL, *e;
    enum jingle_verdict v = FINE;

    if (info)
        *info = NULL;
    if (s->state == MYNAH_JINGLE_ENDED || action == MYNAH_SESSION_TERMINATE)
        v = OUT_OF_ORDER;
    else
        v = jingle_check(s, s->side, action, contents, count);
    if (v != FINE) {
        mynah_elem_free(more);
        return v == BAD ? MYNAH_E_ARGUMENT : MYNAH_E_STATE;
    }
    e = jingle_new(s, action, contents, count);
    mynah_elem_hang(e, &more);
    jingle_apply(s, s->side, action, contents, count);
    say(s, action, e, 0, done_, arg);
    return MYNAH_OK;
}

struct mynah_client *mynah_jingle_client(const struct mynah_jingle *s)
{
    return s->client;
}

enum mynah_jingle_state mynah_jingle_state(const struct mynah_jingle *s)
{
    return s->state;
}

enum mynah_jingle_side mynah_jingle_side(const struct mynah_jingle *s)
{
    return s->side;
}

const char *mynah_jingle_peer(const struct mynah_jingle *s)
{
    return s->peer;
}

const char *mynah_jingle_sid(const struct mynah_jingle *s)
{
    return s->sid;
}

bool mynah_jingle_content(const struct mynah_jingle *s, size_t i, struct mynah_content *out)
{
    MN_LIST_EACH(n, &s->contents)
    if (!i--) {
        *out = MN_OF(n, struct jingle_content, link)->c;
        return true;
    }
    return false;
}

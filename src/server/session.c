#include "server/session.h"

#include "base/clock.h"
#include "base/num.h"
#include "server/block.h"
#include "server/directed.h"
#include "server/handled.h"
#include "server/module.h"
#include "server/presence.h"
#include "server/server.h"
#include "server/sm.h"

enum {
    LATE_MS = 30000,
    ANSWER_BYTES = 2560, /* a small stanza's arena, and what goes round with it */
};

struct answer {
    struct mn_list link;
    uint32_t seq;
    size_t bytes; /* in session->open_bytes */
    struct mn_stanza *st;
};

struct session *session_new(struct user *u, mn_str resource, const struct endpoint_face *face,
                            void *endpoint)
{
    mn_str bare = mn_jid_bare(&u->jid);
    struct session *old = session_find(u, resource),
                   *s = mn_alloc0(sizeof *s + bare.n + 1 + resource.n);
    char *text = (char *)(s + 1);

    s->succeeds = old && old->available && old->priority >= 0;
    if (old)
        session_kick(old, MN_STREAM_CONFLICT, MN_STR("another client took this resource"));
    memcpy(text, bare.p, bare.n);
    text[bare.n] = '/';
    memcpy(text + bare.n + 1, resource.p, resource.n);
    s->jid = (struct mn_jid){text, u->jid.user, u->jid.host, (uint16_t)resource.n};
    s->user = u;
    s->face = face;
    s->endpoint = endpoint;
    s->refs = 1;
    s->since = mn_clock_wall();
    mn_list_init(&s->tickets);
    mn_list_init(&s->answers);
    mn_list_add(&u->sessions, &s->link);
    u->session_count++;
    user_need(u);
    user_let(u);
    u->owner->count.sessions++;
    return s;
}

bool session_is(const struct session *s, mn_str resource)
{
    return mn_str_eq(mn_jid_resource(&s->jid), resource);
}

struct session *session_find(const struct user *u, mn_str resource)
{
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (session_is(s, resource))
            return s;
    }
    return NULL;
}

struct session *session_longest_away(const struct user *u)
{
    struct session *first = NULL;

    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (!s->endpoint && s->sm->until && (!first || s->sm->until < first->sm->until))
            first = s;
    }
    return first;
}

bool session_fits(struct user *u, mn_str resource)
{
    struct session *away;

    if (u->session_count < u->owner->snap->conf->limits.sessions_per_account ||
        session_find(u, resource))
        return true;
    away = session_longest_away(u);
    if (away)
        session_end(away);
    return away;
}

struct session *session_ref(struct session *s)
{
    s->refs++;
    return s;
}

void session_unref(struct session *s)
{
    if (--s->refs)
        return;
    handled_free(s);
    unheard_free(&s->unheard);
    mn_free(s);
}

/* No longer one of those that wait: its stanza, which is the caller's. */
static struct mn_stanza *answer_take(struct session *s, struct answer *a)
{
    struct mn_stanza *st = a->st;

    s->open_bytes -= a->bytes;
    mn_list_del(&a->link);
    mn_free(a);
    return st;
}

static void answers_drop(struct session *s)
{
    MN_LIST_EACH(n, &s->answers)
    mn_stanza_unref(answer_take(s, MN_OF(n, struct answer, link)));
}

/* What the client has of what was written to it (docs/design/004-delivery.md). One that
 * acknowledges by XEP-0198 says so itself. Any other is asked what it can do (XEP-0030), and the
 * answer, whatever it is, shows that it has read so far; where none comes, that it ends its stream
 * in good order, or says anything long after. Not by a ping: there are clients
 * that die of one. */

#define MARK "has-"

static void question(struct session *s)
{
    struct mn_stanza *st = mn_stanza_new(MN_IQ, MN_TYPE_GET);
    struct mn_jid host;

    st->id = mn_arena_fmt(&st->arena, MARK "%u", s->marks);
    if (!mn_jid_make((mn_str){0}, s->user->host->name, (mn_str){0}, &st->arena, &host))
        st->from = host;
    st->to = mn_jid_copy(&s->jid, &st->arena);
    mn_elem_add(&st->arena, mn_stanza_body(st), MN_NS_DISCO_INFO, "query");
    mn_stanza_seal(st);
    session_give(s, st);
}

uint32_t session_mark(struct session *s)
{
    s->marks++;
    s->marked = mn_clock_now();
    if (s->leaves || (s->sm && sm_mark(s->sm)))
        s->has = s->marks;
    else if (!s->sm)
        question(s);
    return s->marks;
}

bool session_has(const struct session *s, uint32_t mark)
{
    return (int32_t)(s->has - mark) >= 0;
}

void session_had(struct session *s)
{
    if (!s->user || s->has == s->marks)
        return;
    s->has = s->marks;
    HOOK_RUN(s->user->owner->srv, client_has, s);
}

void session_farewell(struct session *s)
{
    s->leaves = !s->sm;
    if (s->leaves)
        session_had(s);
}

/* An answer to what we have asked. */
static void answered(struct session *s, const struct mn_stanza *st)
{
    mn_str number = mn_str_skip(st->id, sizeof MARK - 1);
    uint64_t n;

    if (mn_str_starts(st->id, MN_STR(MARK)) && mn_num_parse(number, UINT32_MAX, &n) &&
        (uint32_t)n == s->marks)
        session_had(s);
}

/* Out of its account; what it had open is dropped. */
static void leave(struct session *s)
{
    struct user *u = s->user;

    mn_list_del(&s->link);
    u->session_count--;
    u->owner->count.sessions--;
    s->user = NULL;
    handled_end(u->owner, s);
    HOOK_RUN(u->owner->srv, session_left, u, s);
    if (s->held)
        HOOK_RUN(u->owner->srv, active_again, s);
    answers_drop(s);
    mn_free(s->presence);
    s->presence = NULL;
    mn_free(s->adhoc);
    s->adhoc = NULL;
}

void session_end(struct session *s)
{
    struct user *u = s->user;

    if (!u)
        return;
    user_need(u);
    if (!s->endpoint)
        handled_over(s);
    s->endpoint = NULL;
    presence_end(s);
    unheard_end(s, u);
    leave(s);
    sm_end(s, u);
    if (s->anonymous && u->exists) /* it was made for this session */
        user_remove(u, NULL);
    user_let(u);
    session_unref(s);
}

void session_forget(struct session *s)
{
    struct user *u = s->user;

    user_need(u);
    directed_free(s);
    leave(s);
    sm_free(s);
    user_let(u);
    session_unref(s);
}

void session_active(struct session *s, bool active)
{
    s->inactive = !active;
    if (active)
        HOOK_RUN(s->user->owner->srv, active_again, s);
}

void session_lost(struct session *s)
{
    if (s->user && s->inactive)
        session_active(s, true);
    if (!s->user || !sm_leave(s))
        session_end(s);
    s->log = NULL;
    s->peer = MN_STR("");
}

void session_kick(struct session *s, enum mn_stream_cond cond, mn_str text)
{
    void *endpoint = s->endpoint;
    const struct endpoint_face *face = s->face;

    session_end(s);
    if (endpoint)
        face->close(endpoint, cond, text);
}

void session_write(struct session *s, const struct mn_stanza *st, const struct mn_jid *to)
{
    if (s->inactive && s->user) {
        enum verdict v;

        HOOK_ASK(s->user->owner->srv, inactive_out, &v, s, st, to);
        if (v == DONE)
            return;
    }
    if (s->sm && s->user) {
        sm_write(s, st, to);
    } else if (s->endpoint) {
        if (s->user && s->user->owner->shared && st->kind == MN_MESSAGE)
            s->user->owner->shared->had = true;
        s->face->write(s->endpoint, st, to);
    }
}

size_t session_queued(const struct session *s)
{
    size_t queued = s->endpoint ? s->face->queued(s->endpoint) : 0;

    return s->sm && s->sm->bytes > queued ? s->sm->bytes : queued;
}

void session_give(struct session *s, struct mn_stanza *st)
{
    session_write(s, st, NULL);
    mn_stanza_unref(st);
}

/* The closed prefix: everything before the first open ticket. */
uint32_t session_settled(const struct session *s)
{
    return mn_list_empty(&s->tickets) ? s->in_count
                                      : MN_OF(s->tickets.next, struct ticket, link)->seq - 1;
}

void session_answer(struct session *s, uint32_t seq, struct mn_stanza *st)
{
    struct mn_list *behind = &s->answers;
    struct answer *a;

    if (mn_list_empty(&s->answers) && (int32_t)(session_settled(s) - seq) >= 0) {
        session_give(s, st);
        return;
    }
    a = MN_NEW(struct answer);
    a->seq = seq;
    a->st = st;
    a->bytes = ANSWER_BYTES + st->payload.n;
    s->open_bytes += a->bytes;
    /* In the order of the requests, whichever was done first. */
    while (behind->prev != &s->answers &&
           (int32_t)(MN_OF(behind->prev, struct answer, link)->seq - seq) > 0)
        behind = behind->prev;
    mn_list_add(behind, &a->link);
}

void session_push(struct session *s, struct mn_stanza *st)
{
    if (st->kind != MN_IQ || mn_list_empty(&s->answers))
        session_give(s, st);
    else
        session_answer(s, MN_OF(s->answers.prev, struct answer, link)->seq, st);
}

void session_settle(struct session *s)
{
    uint32_t upto = session_settled(s);

    if (s->sm)
        s->sm->begun |= (int32_t)(upto - s->sm->in_base) >= 0;
    handled_settled(s);
    MN_LIST_EACH(n, &s->answers)
    {
        struct answer *a = MN_OF(n, struct answer, link);

        if ((int32_t)(upto - a->seq) >= 0)
            session_give(s, answer_take(s, a));
    }
    if (s->sm)
        sm_settled(s);
    if (s->endpoint && !session_is_busy(s))
        s->face->settled(s->endpoint);
}

/* An IQ for the server itself (any of its hosts) or for the own account: whose it is. */
static const struct host *ours(const struct session *s, const struct mn_stanza *st, enum iq_at *at)
{
    if (mn_jid_none(&st->to) ||
        (!st->to.resource && mn_str_eq(mn_jid_bare(&st->to), mn_jid_bare(&s->user->jid)))) {
        *at = AT_USER;
        return s->user->host;
    }
    *at = AT_HOST;
    return st->to.user || st->to.resource ? NULL
                                          : host_find(s->user->owner->srv, mn_jid_host(&st->to));
}

static void iq_out(struct session *s, uint32_t seq, struct mn_stanza *st)
{
    enum iq_at at;
    const struct host *h = ours(s, st, &at);

    if (!h) {
        router_out(s, st);
    } else if (st->type == MN_TYPE_GET || st->type == MN_TYPE_SET) {
        struct iq iq = {.st = st,
                        .owner = s->user->owner,
                        .host = h,
                        .user = at == AT_USER ? s->user : NULL,
                        .via = s,
                        .seq = seq};

        iq_dispatch(&iq, at);
    } else {
        answered(s, st);
        mn_stanza_unref(st);
    }
}

/* It may have ended meanwhile. */
void session_sent(struct session *s, struct mn_stanza *st)
{
    struct mn_jid bare = mn_jid_to_bare(&s->jid);
    struct user *u = s->user ? s->user : user_find(owner_here(), mn_jid_bare(&bare));

    if (u)
        HOOK_RUN(u->owner->srv, message_sent, u, s, st);
    mn_stanza_unref(st);
}

/* The other sessions see it when it is settled: what is stored is copied behind its commit
 * (decision D1). */
static void message_out(struct session *s, struct mn_stanza *st)
{
    struct owner *o = s->user->owner;
    bool alone = s->user->session_count < 2;

    if (mn_jid_none(&st->to))
        mn_stanza_to(st, &s->user->jid);
    HOOK_RUN(o->srv, message_entered, o->srv, st);
    if (unheard_take(s, st)) {
        mn_stanza_unref(st);
        return;
    }
    router_out(s, alone ? st : mn_stanza_ref(st));
    if (alone)
        return;
    if (o->now.ticket)
        o->now.ticket->sent = st;
    else
        session_sent(s, st);
}

/* It is answered in its turn, like any other. */
static void refuse(struct session *s, struct mn_stanza *st, enum mn_cond cond, const char *why)
{
    if (st->type != MN_TYPE_ERROR && st->type != MN_TYPE_RESULT)
        session_answer(s, s->in_count, mn_stanza_error(st, cond, mn_str_from(why)));
    mn_stanza_unref(st);
}

void session_take(struct session *s, struct mn_stanza *st, bool malformed)
{
    struct owner *o = s->user->owner;

    session_ref(s);
    o->now.session = s;
    o->now.seq = ++s->in_count;
    o->now.bytes = st->payload.n;
    o->now.ticket = NULL;
    o->count.stanzas++;
    if (s->has != s->marks && !s->sm && mn_clock_now() - s->marked > LATE_MS && !session_queued(s))
        session_had(s);
    if (malformed) {
        refuse(s, st, MN_COND_JID_MALFORMED, "to is no address");
    } else if (s->user->blocklist && block_hits(s->user, &st->to)) {
        struct mn_stanza *e = block_error(st);

        if (e)
            session_answer(s, s->in_count, e);
        mn_stanza_unref(st);
    } else if (st->kind == MN_PRESENCE) {
        presence_out(s, st);
    } else if (st->kind == MN_MESSAGE) {
        message_out(s, st);
    } else if (!iq_ok(st)) {
        refuse(s, st, MN_COND_BAD_REQUEST, "an iq has an id, a type and one child");
    } else {
        iq_out(s, s->in_count, st);
    }
    o->now.session = NULL;
    o->now.ticket = NULL;
    handled_settled(s);
    session_unref(s);
}

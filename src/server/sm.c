#include "server/sm.h"

#include "base/clock.h"
#include "base/rand.h"
#include "server/block.h"
#include "server/handled.h"
#include "server/module.h"
#include "server/router.h"
#include "server/server.h"
#include "server/sm_record.h"

#define SM "urn:xmpp:sm:3"
enum { A_FEW = 32 << 10 };

static void raw(struct session *s, mn_str bytes)
{
    if (s->endpoint)
        s->face->raw(s->endpoint, bytes);
}

static void ask(struct session *s)
{
    if (s->endpoint)
        s->sm->asking = true;
    raw(s, MN_STR("<r xmlns='" SM "'/>"));
}

/* The wish to end is older than the moment: nothing of the session may be on the stack then. */
static void over(struct mn_timer *t)
{
    struct session *s = MN_OF(t, struct sm, absent)->session;

    if (s->user->owner->stopping && !s->endpoint)
        return; /* it will be kept */
    if (s->endpoint)
        session_kick(s, MN_STREAM_RESOURCE_CONSTRAINT, MN_STR("too much is not acknowledged"));
    else
        session_end(s);
}

struct sm *sm_new(mn_str id)
{
    struct sm *m = MN_NEW(struct sm);

    m->last = &m->first;
    m->absent.fire = over;
    memcpy(m->id, id.p, sizeof m->id - 1);
    return m;
}

void sm_enable(struct session *s, uint32_t max)
{
    struct mn_arena a = {0};
    struct sm *m = sm_new(mn_rand_text(&a, sizeof m->id - 1));

    m->session = s;
    m->in_base = s->in_count;
    m->begun = mn_list_empty(&s->tickets);
    m->resumable = max > 0;
    m->max = max;
    mn_arena_done(&a, NULL);
    s->sm = m;
    if (m->resumable)
        handled_begin(s, m->id);
}

struct sm_shared *sm_shared_new(void)
{
    struct sm_shared *shared = MN_NEW(struct sm_shared);

    shared->holders = 1;
    return shared;
}

bool sm_shared_let(struct sm_shared *shared, bool had)
{
    if (!shared)
        return !had;
    shared->had |= had;
    had = shared->had;
    had |= shared->number > 0;
    if (--shared->holders)
        return false;
    sm_record_places_free(shared);
    mn_free(shared);
    return !had;
}

struct sm_item *sm_push(struct sm *m, int64_t time, mn_str bytes, struct sm_shared *shared)
{
    struct sm_item *item = mn_alloc(sizeof *item + bytes.n);

    *item = (struct sm_item){.shared = shared, .time = time, .n = (uint32_t)bytes.n};
    if (shared)
        shared->holders++;
    memcpy(item->bytes, bytes.p, bytes.n);
    *m->last = item;
    m->last = &item->next;
    m->bytes += sizeof *item + item->n;
    m->sent++;
    return item;
}

/* One message may go to every session of the account, so what they wait with counts together. Who
 * has been away longest gives way, then who is there and acknowledges nothing. */
static void bound(struct session *s, size_t most)
{
    struct session *away = NULL;
    size_t all = 0;

    MN_LIST_EACH(n, &s->user->sessions)
    {
        const struct session *one = MN_OF(n, struct session, link);

        if (one->sm && (one->endpoint || one->sm->until))
            all += one->sm->bytes;
    }
    while (all > most && (away = session_longest_away(s->user))) {
        all -= away->sm->bytes;
        away->sm->until = 0;
        mn_timer_start(s->user->owner->loop, &away->sm->absent, 0);
    }
    if (all > most)
        mn_timer_start(s->user->owner->loop, &s->sm->absent, 0);
}

void sm_write(struct session *s, const struct mn_stanza *st, const struct mn_jid *to)
{
    struct sm *m = s->sm;
    struct owner *o = s->user->owner;
    struct mn_buf b = {0};
    const struct sm_item *item;

    mn_stanza_write(&b, st, to);
    item = sm_push(m, mn_clock_wall(), mn_buf_view(&b), st->kind == MN_MESSAGE ? o->shared : NULL);
    mn_buf_free(&b);
    raw(s, (mn_str){item->bytes, item->n});
    if (!m->asking)
        ask(s);
    if (m->bytes > A_FEW)
        bound(s, (size_t)o->snap->conf->limits.queue);
}

static struct sm_item *take(struct sm *m, struct sm_item **at)
{
    struct sm_item *item = *at;

    *at = item->next;
    if (!item->next)
        m->last = at;
    m->bytes -= sizeof *item + item->n;
    return item;
}

bool sm_mark(struct sm *m)
{
    m->mark = m->sent;
    m->marked = m->acked != m->sent;
    return !m->marked;
}

/* The client has everything up to `h`. */
static void has(struct sm *m, uint32_t h)
{
    bool logged = false;

    for (; m->acked != h; m->acked++) {
        struct sm_item *item = take(m, &m->first);

        logged |= item->shared && item->shared->number;
        if (item->at)
            sm_record_had(m, item);
        sm_shared_let(item->shared, true);
        mn_free(item);
    }
    if (m->record != SM_NO_RECORD)
        sm_record_all_had(m);
    if (m->marked && (int32_t)(h - m->mark) >= 0) {
        m->marked = false;
        session_had(m->session);
    } else if (logged) {
        HOOK_RUN(m->session->user->owner->srv, client_has, m->session);
    }
}

bool sm_acked(struct session *s, uint32_t h)
{
    struct sm *m = s->sm;

    if (h - m->acked > m->sent - m->acked)
        return false;
    has(m, h);
    m->asking = false;
    if (m->first)
        ask(s);
    return true;
}

uint32_t sm_handled(const struct session *s)
{
    return s->sm->begun ? session_settled(s) - s->sm->in_base : 0;
}

static void tell(struct session *s)
{
    struct mn_buf b = {0};

    s->sm->told = sm_handled(s);
    if (s->endpoint)
        unheard_told(s, s->sm->told + s->sm->in_base);
    mn_buf_fmt(&b, "<a xmlns='" SM "' h='%u'/>", s->sm->told);
    raw(s, mn_buf_view(&b));
    mn_buf_free(&b);
}

void sm_tell(struct session *s)
{
    s->sm->due = s->in_count - s->sm->in_base;
    tell(s);
}

void sm_settled(struct session *s)
{
    struct sm *m = s->sm;

    if ((int32_t)(m->due - m->told) > 0 && sm_handled(s) != m->told)
        tell(s);
}

void sm_wait(struct session *s, int64_t ms)
{
    s->sm->until = mn_clock_wall() + ms;
    mn_timer_start(s->user->owner->loop, &s->sm->absent, ms);
}

bool sm_leave(struct session *s)
{
    struct sm *m = s->sm;

    if (!m || !m->resumable)
        return false;
    s->endpoint = NULL;
    m->asking = false;
    sm_wait(s, (int64_t)m->max * 1000);
    return true;
}

void sm_cut(struct session *s)
{
    void *old = s->endpoint;

    if (!old)
        return;
    sm_leave(s);
    s->log = NULL;
    s->peer = MN_STR("");
    s->face->close(old, MN_STREAM_CONFLICT, MN_STR("the session goes on elsewhere"));
}

/* What stands in the queue, as a stanza. */

/* A carbon (XEP-0280); NULL: it is none. */
static const struct mn_elem *copy_in(const struct mn_stanza *st, const struct user *u)
{
    const struct mn_elem *first = mn_stanza_child(st);

    return st->kind == MN_MESSAGE && mn_jid_eq(&st->from, &u->jid) && first &&
                   first->ns == MN_NS_CARBONS
               ? first
               : NULL;
}

/* The message that came; NULL: the carbon is of one that was sent. */
static struct mn_stanza *received_in(const struct mn_elem *copy)
{
    const struct mn_elem *e =
        mn_elem_child(mn_elem_child(copy, MN_NS_FORWARD, "forwarded"), MN_NS_CLIENT, "message");
    struct mn_stanza *st = NULL;
    struct mn_buf b = {0};

    if (!e || !mn_str_is(copy->name, "received"))
        return NULL;
    mn_elem_write(&b, e, mn_ns_uri(MN_NS_CLIENT));
    (void)!mn_stanza_load(mn_buf_view(&b), &st);
    mn_buf_free(&b);
    return st;
}

/* A request that nobody is going to answer. */
static void refuse(const struct mn_stanza *st)
{
    if (st->kind == MN_IQ && (st->type == MN_TYPE_GET || st->type == MN_TYPE_SET) &&
        !mn_jid_none(&st->from))
        router_send(mn_stanza_error(st, MN_COND_SERVICE_UNAVAILABLE, MN_STR("")));
}

/* Nothing comes of who has been blocked since (XEP-0191, 3.3), as nothing comes of him that waits
 * in the log. The client has none of it: its numbers go to what follows. */
static bool is_blocked(const struct sm_item *item, const struct user *u)
{
    struct mn_stanza *st;
    bool hit = false;

    if (!mn_stanza_load((mn_str){item->bytes, item->n}, &st)) {
        const struct mn_elem *copy = copy_in(st, u);
        struct mn_stanza *inner = copy ? received_in(copy) : NULL;

        hit = block_hits(u, inner ? &inner->from : &st->from);
        if (hit)
            refuse(st);
        mn_stanza_unref(inner);
    }
    mn_stanza_unref(st);
    return hit;
}

static void leave_out_blocked(struct sm *m, const struct user *u)
{
    uint32_t before = m->acked;

    for (struct sm_item **at = &m->first; *at;) {
        struct sm_item *item;

        if (!is_blocked(*at, u)) {
            at = &(*at)->next;
            before++;
            continue;
        }
        item = take(m, at);
        if (item->at)
            sm_record_had(m, item);
        sm_shared_let(item->shared, false);
        mn_free(item);
        m->sent--;
        if (m->marked && (int32_t)(m->mark - before) > 0)
            m->mark--;
    }
}

bool sm_return(struct session *s, const struct endpoint_face *face, void *endpoint, uint32_t h)
{
    struct sm *m = s->sm;
    struct mn_buf b = {0};

    mn_timer_stop(&m->absent);
    s->face = face;
    s->endpoint = endpoint;
    if (h - m->acked > m->sent - m->acked)
        return false;
    m->told = m->due = sm_handled(s);
    unheard_told(s, m->told + m->in_base);
    mn_buf_fmt(&b, "<resumed xmlns='" SM "' previd='%s' h='%u'/>", m->id, m->told);
    raw(s, mn_buf_view(&b));
    mn_buf_free(&b);
    has(m, h);
    if (block_count(s->user)) {
        leave_out_blocked(m, s->user);
        has(m, h); /* of what was marked nothing may be left */
    }
    for (const struct sm_item *item = m->first; item; item = item->next)
        raw(s, (mn_str){item->bytes, item->n});
    if (m->first)
        ask(s);
    return true;
}

uint64_t sm_first_number(const struct sm *m)
{
    for (const struct sm_item *item = m->first; item; item = item->next)
        if (item->shared && item->shared->number)
            return item->shared->number;
    return 0;
}

struct session *sm_find(struct user *u, mn_str id)
{
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (s->sm && s->sm->resumable && mn_str_is(id, s->sm->id))
            return s;
    }
    return NULL;
}

/* To the account instead of the resource; with the time at which it would have been read. */
static struct mn_stanza *message_again(struct mn_stanza *st, struct user *u, int64_t time)
{
    struct mn_stanza *again = mn_stanza_wrap(st);

    mn_stanza_to(again, &u->jid);
    mn_stanza_delay(again, u->host->name, time);
    return again;
}

/* NULL: it goes nowhere. A carbon of what came is as good as the message itself, one of what was
 * sent is for now or never. */
static struct mn_stanza *unacknowledged(const struct sm_item *item, struct user *u)
{
    struct mn_stanza *st, *again = NULL;

    if (!mn_stanza_load((mn_str){item->bytes, item->n}, &st)) {
        const struct mn_elem *copy = copy_in(st, u);
        struct mn_stanza *inner = copy ? received_in(copy) : NULL;

        if (copy)
            again = inner ? message_again(inner, u, item->time) : NULL;
        else if (st->kind == MN_MESSAGE && st->type != MN_TYPE_ERROR &&
                 st->type != MN_TYPE_GROUPCHAT && st->type != MN_TYPE_HEADLINE)
            again = message_again(st, u, item->time);
        else
            refuse(st);
        mn_stanza_unref(inner);
    }
    mn_stanza_unref(st);
    return again;
}

void sm_give_on(struct sm *m, struct user *u)
{
    struct sm_move *move = sm_move_new(m, u);

    while (m->first) {
        struct sm_item *item = take(m, &m->first);
        struct mn_stanza *st = NULL;

        m->acked++;
        if (sm_shared_let(item->shared, false) && u && u->exists)
            st = unacknowledged(item, u);
        if (st)
            router_send_part(st, sm_move_ticket(move, item->at), 0);
        else
            sm_move_leave(move, item->at);
        mn_free(item);
    }
    sm_move_end(move);
    mn_free(m);
}

static struct sm *taken(struct session *s)
{
    struct sm *m = s->sm;

    s->sm = NULL;
    if (m)
        mn_timer_stop(&m->absent);
    return m;
}

void sm_end(struct session *s, struct user *u)
{
    struct sm *m = taken(s);

    if (m)
        sm_give_on(m, u);
}

void sm_free(struct session *s)
{
    sm_end(s, NULL);
}

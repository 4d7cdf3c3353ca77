#include "server/deliver.h"

#include "server/block.h"
#include "server/directed.h"
#include "server/iq.h"
#include "server/module.h"
#include "server/presence.h"
#include "server/sm_record.h"
#include "server/unheard.h"

/* Messages to an account (RFC 6121, 8.5). */

static void serve(struct session *s, const struct mn_stanza *st)
{
    s->served = s->user->owner->serving;
    session_write(s, st, NULL);
}

static void delivered(struct user *u, const struct mn_stanza *st)
{
    if (u->session_count > 1)
        HOOK_RUN(u->owner->srv, message_delivered, u, st);
}

/* While older messages of the account go to a session, what comes for that one, or for any, goes
 * the same way: behind them. They are about to where the session has taken another one's place and
 * that one's messages wait for its presence. */
static bool goes_behind(const struct route *r, const struct session *s)
{
    const struct user *u = r->user;
    bool going = u->offline.behind && (!s || s == u->offline.to),
         about = s && s->succeeds && u->offline.count && !mn_stanza_is_state(r->st);

    return (going || about) && (r->st->type == MN_TYPE_CHAT || r->st->type == MN_TYPE_NONE ||
                                r->st->type == MN_TYPE_NORMAL);
}

static bool to_best(struct user *u, struct mn_stanza *st)
{
    int best = -1;

    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (s->available && s->priority > best)
            best = s->priority;
    }
    if (best < 0)
        return false;
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (s->available && (st->type == MN_TYPE_HEADLINE ? s->priority >= 0 : s->priority == best))
            serve(s, st);
    }
    delivered(u, st);
    return true;
}

static void to_resource(struct session *s, struct mn_stanza *st)
{
    serve(s, st);
    delivered(s->user, st);
}

/* `s`: the one that it is for; NULL: any. What a session has left on the disk stays there until
 * another one is known to have it: it goes through the log. */
static void message_bare(struct route *r, struct session *s)
{
    bool behind = goes_behind(r, s) || sm_is_recorded(r->ticket);
    enum verdict v;

    switch (r->st->type) {
    case MN_TYPE_ERROR:
        route_finish(r);
        return;
    case MN_TYPE_GROUPCHAT:
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "");
        return;
    case MN_TYPE_HEADLINE:
        to_best(r->user, r->st);
        route_finish(r);
        return;
    }
    if (!behind && to_best(r->user, r->st)) {
        route_finish(r);
        return;
    }
    HOOK_ASK(r->user->owner->srv, message_undelivered, &v, r);
    if (v != PASS)
        return;
    if (behind && s)
        to_resource(s, r->st);
    else if (!behind || !to_best(r->user, r->st)) {
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "");
        return;
    }
    route_finish(r);
}

static void message_to(struct route *r)
{
    struct session *s =
        r->st->to.resource ? session_find(r->user, mn_jid_resource(&r->st->to)) : NULL;

    if (s && !goes_behind(r, s)) {
        to_resource(s, r->st);
        route_finish(r);
    } else if (!s && r->st->to.resource && r->st->type != MN_TYPE_CHAT) { /* 8.5.3.2.1 */
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "");
    } else {
        message_bare(r, s);
    }
}

static void message_in(struct route *r)
{
    struct owner *o = r->user->owner;
    struct sm_shared *outer = o->shared,
                     *shared = r->user->session_count > 1 ? sm_shared_new() : NULL;

    if (r->st->type == MN_TYPE_ERROR)
        unheard_refused(r->user, r->st->id);
    o->serving++;
    o->shared = shared;
    message_to(r);
    o->shared = outer;
    sm_shared_let(shared, false);
}

static void iq_in(struct route *r)
{
    bool request = r->st->type == MN_TYPE_GET || r->st->type == MN_TYPE_SET;
    struct session *s;

    if (r->st->to.resource) {
        s = session_find(r->user, mn_jid_resource(&r->st->to));
        /* 8.5.3.1: whether it is there is told to nobody who does not know. */
        if (!s || (request && !presence_subscriber(r->user, &r->st->from) &&
                   !directed_near(s, &r->st->from))) {
            route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "");
            return;
        }
        session_write(s, r->st, NULL);
    } else if (request) {
        struct iq iq = {.st = mn_stanza_ref(r->st),
                        .owner = r->user->owner,
                        .host = r->user->host,
                        .user = r->user};

        iq_dispatch(&iq, AT_USER);
    }
    route_finish(r);
}

/* RFC 6121 8.5.1: nobody of that name. Presence and requests are passed over, as they would be
 * where somebody does not answer; a probe is answered as where the asker has no subscription. */
static void nobody(struct route *r)
{
    const struct mn_stanza *st = r->st;

    if (st->kind == MN_PRESENCE && st->type == MN_TYPE_PROBE)
        presence_answer(r->user, st, MN_TYPE_UNSUBSCRIBED);
    if (st->kind == MN_PRESENCE || (st->type == MN_TYPE_HEADLINE && !st->to.resource))
        route_finish(r);
    else
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "");
}

/* XEP-0191: as if the account were offline; presence gets no answer at all. */
static void blocked(struct route *r)
{
    if (r->st->kind == MN_PRESENCE)
        route_finish(r);
    else
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "");
}

static void deliver_now(struct route *r)
{
    struct user *u = r->user;

    if (!u->exists) {
        nobody(r);
        return;
    }
    if (u->blocklist && block_hits(u, &r->st->from)) {
        blocked(r);
        return;
    }
    switch (r->st->kind) {
    case MN_MESSAGE:
        message_in(r);
        break;
    case MN_PRESENCE:
        presence_in(r);
        break;
    default:
        iq_in(r);
    }
}

/* What comes for an account waits twice: while the account is parked, behind whatever came for it
 * before; then, while something of the same sender is held, behind that. Only what the held FIFO
 * lets go meets a parked account again: it stands before all that has not been there yet. */

static void unless_held(struct wait *w, int result);

static void park(struct route *r, bool was_held)
{
    r->wait.go = unless_held;
    mn_list_init(&r->wait.link);
    mn_list_add(was_held ? &r->user->parked_first : &r->user->parked, &r->wait.link);
}

static void unheld(struct wait *w, int result)
{
    struct route *r = MN_OF(w, struct route, wait);

    (void)result;
    if (user_is_parked(r->user))
        park(r, true);
    else
        deliver_now(r);
}

static void unless_held(struct wait *w, int result)
{
    struct route *r = MN_OF(w, struct route, wait);
    struct owner *o = r->user->owner;
    struct gate *held = mn_jid_none(&r->st->from) ? NULL
                                                  : fifo_find(o, FIFO_IN, mn_jid_bare(&r->st->from),
                                                              mn_jid_bare(&r->user->jid));

    (void)result;
    if (!held) {
        deliver_now(r);
        return;
    }
    r = route_keep(r);
    r->wait.go = unheld;
    gate_wait(o, held, &r->wait, 0);
}

void deliver_again(struct route *r)
{
    if (user_is_parked(r->user))
        park(route_keep(r), false);
    else
        unless_held(&r->wait, 0);
}

void deliver(struct route *r)
{
    if (r->kept)
        user_need(r->user);
    deliver_again(r);
}

#include "server/router.h"

#include "server/block.h"
#include "server/component.h"
#include "server/handled.h"
#include "server/iq.h"
#include "server/module.h"
#include "server/presence.h"
#include "server/sm_record.h"

enum { SPARE = 256 };

/* Routes on the heap come from a stock per owner. */

static struct route *route_alloc(struct owner *o)
{
    struct route *r = o->spare;

    if (!r)
        return mn_alloc(sizeof *r);
    o->spare = (struct route *)r->post.next;
    o->spare_count--;
    return r;
}

static void route_release(struct route *r)
{
    struct owner *o = owner_here();

    if (o->spare_count >= SPARE) {
        mn_free(r);
        return;
    }
    r->post.next = (struct mn_post *)o->spare;
    o->spare = r;
    o->spare_count++;
}

void route_spare_free(struct owner *o)
{
    while (o->spare) {
        struct route *next = (struct route *)o->spare->post.next;

        mn_free(o->spare);
        o->spare = next;
    }
}

struct route *route_keep(struct route *r)
{
    struct owner *o = owner_here();
    struct route *k;

    if (r->kept)
        return r;
    k = route_alloc(o);
    *k = *r;
    k->kept = true;
    if (!k->ticket) {
        k->ticket = ticket_part(o);
        k->home = o;
    }
    if (k->user)
        user_need(k->user);
    r->st = NULL;
    r->ticket = NULL;
    r->user = NULL;
    return k;
}

/* The ticket came home. */
static void home(struct route *r)
{
    if (r->counted)
        handled_home(owner_here(), r->ticket);
    ticket_done(r->ticket);
    route_release(r);
}

static void ticket_back(struct mn_post *p)
{
    home((struct route *)p);
}

static void give_back(struct route *r)
{
    if (!r->ticket) {
        route_release(r);
    } else if (r->home == owner_here()) {
        home(r);
    } else {
        r->post.run = ticket_back;
        r->post.bytes = sizeof *r;
        mn_loop_post(r->home->loop, &r->post);
    }
}

static void settled(struct wait *w, int result)
{
    struct route *r = MN_OF(w, struct route, wait);
    struct user *u = r->user;

    (void)result;
    r->user = NULL;
    user_let(u);
    give_back(r);
}

void route_finish(struct route *r)
{
    struct user *u = r->user;

    mn_stanza_unref(r->st);
    r->st = NULL;
    if (!r->kept)
        return;
    sm_moved(r->ticket);
    /* What this stanza changed at its recipient must be durable before its sender hears that it is
     * settled. */
    if (u && r->ticket && !gate_open(&u->out)) {
        r->wait.go = settled;
        gate_wait(u->owner, &u->out, &r->wait, u->wrote);
        return;
    }
    r->user = NULL;
    if (u)
        user_let(u);
    give_back(r);
}

/* By the failure of a commit. */
static void refuse_lost(struct route *r, int result)
{
    route_refuse(r, result == MN_E_FULL ? MN_COND_RESOURCE_CONSTRAINT : MN_COND_INTERNAL, "");
}

void route_refuse(struct route *r, enum mn_cond cond, const char *text)
{
    struct mn_stanza *st = r->st;
    bool silent = st->type == MN_TYPE_ERROR || st->type == MN_TYPE_RESULT || mn_jid_none(&st->from);

    if (!silent)
        router_send(mn_stanza_error(st, cond, mn_str_from(text)));
    route_finish(r);
}

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
    bool behind = goes_behind(r, s) || sm_is_moving(r->ticket);
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
                   !presence_directed_to(s, &r->st->from))) {
            route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "");
        } else {
            session_write(s, r->st, NULL);
            route_finish(r);
        }
    } else if (request) {
        struct iq iq = {.st = mn_stanza_ref(r->st),
                        .owner = r->user->owner,
                        .host = r->user->host,
                        .user = r->user};

        iq_dispatch(&iq, AT_USER);
        route_finish(r);
    } else {
        route_finish(r);
    }
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

static void deliver(struct route *r)
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

static void unparked(struct wait *w, int result);

static void park(struct route *r, bool was_held)
{
    r->wait.go = unparked;
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
        deliver(r);
}

static void hold_or_deliver(struct route *r)
{
    struct owner *o = r->user->owner;
    struct gate *held = mn_jid_none(&r->st->from) ? NULL
                                                  : fifo_find(o, FIFO_IN, mn_jid_bare(&r->st->from),
                                                              mn_jid_bare(&r->user->jid));

    if (!held) {
        deliver(r);
        return;
    }
    r = route_keep(r);
    r->wait.go = unheld;
    gate_wait(o, held, &r->wait, 0);
}

static void held(struct wait *w, int result)
{
    struct route *r = MN_OF(w, struct route, wait);

    if (result)
        refuse_lost(r, result);
    else
        route_finish(r);
}

void route_hold(struct route *r)
{
    struct user *u = r->user;

    if (user_is_clean(u)) {
        route_finish(r);
        return;
    }
    r = route_keep(r);
    r->wait.go = held;
    gate_wait(u->owner,
              fifo_make(u->owner, FIFO_IN, mn_jid_bare(&r->st->from), mn_jid_bare(&u->jid)),
              &r->wait, u->wrote);
}

static void unparked(struct wait *w, int result)
{
    (void)result;
    hold_or_deliver(MN_OF(w, struct route, wait));
}

void route_again(struct route *r)
{
    if (user_is_parked(r->user))
        park(r, false);
    else
        hold_or_deliver(r);
}

/* On the recipient's owner; the account is found. */
static void to_user(struct route *r)
{
    if (r->kept)
        user_need(r->user);
    if (user_is_parked(r->user))
        park(route_keep(r), false);
    else
        hold_or_deliver(r);
}

static void to_other_domain(struct owner *o, struct route *r);

static void router_in(struct owner *o, struct route *r)
{
    const struct host *h = host_find(o->srv, mn_jid_host(&r->st->to));
    struct mn_jid bare = mn_jid_to_bare(&r->st->to);

    if (!h) { /* it was, where the stanza came from; a reload goes from loop to loop */
        to_other_domain(o, r);
        return;
    }
    r->user = user_get(o, h, &bare);
    to_user(r);
}

/* To the server's own address. */
static void to_host(struct owner *o, const struct host *h, struct route *r)
{
    if (r->st->kind == MN_IQ && !r->st->to.resource &&
        (r->st->type == MN_TYPE_GET || r->st->type == MN_TYPE_SET)) {
        struct iq iq = {.st = mn_stanza_ref(r->st), .owner = o, .host = h};

        iq_dispatch(&iq, AT_HOST);
        route_finish(r);
    } else if (r->st->kind == MN_PRESENCE && r->st->type != MN_TYPE_SUBSCRIBE) {
        route_finish(r);
    } else {
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "");
    }
}

static void crossed(struct mn_post *p)
{
    struct owner *o = owner_here();

    o->count.crossed++;
    router_in(o, (struct route *)p);
}

/* RFC 6120 10.4: no way to there. A probe alone is no reason for an error (RFC 6121 4.3). */
static void unreachable(struct route *r, enum mn_cond cond, const char *why)
{
    if (r->st->kind == MN_PRESENCE && r->st->type == MN_TYPE_PROBE)
        route_finish(r);
    else
        route_refuse(r, cond, why);
}

/* On its loop. */
static void component_in(struct owner *o, struct route *r)
{
    if (component_write(component_find(o->srv, mn_jid_host(&r->st->to)), r->st))
        route_finish(r);
    else
        unreachable(r, MN_COND_SERVICE_UNAVAILABLE, "the component is not connected");
}

static void component_crossed(struct mn_post *p)
{
    struct owner *o = owner_here();

    o->count.crossed++;
    component_in(o, (struct route *)p);
}

static void cross(struct route *r, struct owner *there, void (*run)(struct mn_post *p))
{
    r = route_keep(r);
    r->post.run = run;
    r->post.bytes = sizeof *r + r->st->payload.n + 256;
    owner_post(there, &r->post);
}

static void to_other_domain(struct owner *o, struct route *r)
{
    const struct component *c = component_find(o->srv, mn_jid_host(&r->st->to));

    if (!c)
        unreachable(r, MN_COND_REMOTE_SERVER_NOT_FOUND,
                    "this server does not speak to other domains");
    else if (component_owner(o->srv, c) == o)
        component_in(o, r);
    else
        cross(r, component_owner(o->srv, c), component_crossed);
}

static void route_on(struct owner *o, struct route *r)
{
    struct mn_stanza *st = r->st;
    const struct host *h = host_find(o->srv, mn_jid_host(&st->to));
    struct owner *there;

    if (!h) {
        to_other_domain(o, r);
        return;
    }
    if (!st->to.user) {
        to_host(o, h, r);
        return;
    }
    there = owner_of(o->srv, mn_jid_bare(&st->to));
    if (there == o)
        router_in(o, r);
    else
        cross(r, there, crossed);
}

/* What waits for a change of its sender, and what follows it to the same recipient. A subscription
 * that is lost with the change is answered; the presence that would have followed is not. */

static bool is_subscription(const struct mn_stanza *st)
{
    return st->kind == MN_PRESENCE && st->type >= MN_TYPE_SUBSCRIBE &&
           st->type <= MN_TYPE_UNSUBSCRIBED;
}

static void may_leave(struct wait *w, int result)
{
    struct route *r = MN_OF(w, struct route, wait);

    if (!result)
        route_on(owner_here(), r);
    else if (is_subscription(r->st))
        refuse_lost(r, result);
    else
        route_finish(r);
}

static void leave_behind(struct owner *o, struct gate *g, struct route *r, uint64_t seq)
{
    r = route_keep(r);
    r->wait.go = may_leave;
    gate_wait(o, g, &r->wait, seq);
}

static struct gate *held_before(struct owner *o, const struct mn_stanza *st,
                                const struct mn_jid *to)
{
    if (!o->fifos.count || mn_jid_none(&st->from))
        return NULL;
    return fifo_find(o, FIFO_OUT, mn_jid_bare(&st->from), mn_jid_bare(to));
}

static void route_go(struct owner *o, struct route *r)
{
    struct gate *held = held_before(o, r->st, &r->st->to);

    if (held)
        leave_behind(o, held, r, 0);
    else
        route_on(o, r);
}

void router_out(struct session *s, struct mn_stanza *st)
{
    struct route r = {.st = st, .home = s->user->owner};

    if (st->kind == MN_IQ && st->type == MN_TYPE_BAD)
        route_refuse(&r, MN_COND_BAD_REQUEST, "");
    else
        route_go(s->user->owner, &r);
}

/* No ticket: whatever is being handled now is not what this belongs to. */
void router_send(struct mn_stanza *st)
{
    struct owner *o = owner_here();
    struct session *s = o->now.session;
    struct route r = {.st = st, .home = o};

    o->now.session = NULL;
    route_go(o, &r);
    o->now.session = s;
}

void router_send_part(struct mn_stanza *st, struct ticket *part, uint64_t seq)
{
    struct owner *o = owner_here();
    struct session *s = o->now.session;
    struct route r = {.st = st, .home = o, .ticket = part};

    o->now.session = NULL;
    if (seq)
        leave_behind(o, fifo_make(o, FIFO_OUT, mn_jid_bare(&st->from), mn_jid_bare(&st->to)), &r,
                     seq);
    else
        route_go(o, part ? route_keep(&r) : &r);
    o->now.session = s;
}

/* Fan-out. */

struct fan {
    struct mn_post post;
    struct mn_stanza *st;
    size_t count;
    struct mn_jid to[];
};

/* Presence for an account that is not even in memory: no session is there to see it, and a contact
 * of ours who is probed is not available. Nothing is loaded to find that out. */
static void fan_absent(const struct mn_stanza *st, const struct mn_jid *to)
{
    struct mn_stanza *answer;

    if (st->type != MN_TYPE_PROBE)
        return;
    answer = mn_stanza_new(MN_PRESENCE, MN_TYPE_UNAVAILABLE);
    mn_stanza_from(answer, to);
    mn_stanza_to(answer, &st->from);
    router_send(answer);
}

/* One envelope goes round, with one address after the other; who keeps it has it for himself. */
static void fan_out(struct owner *o, struct mn_stanza *st, const struct mn_jid *to, size_t count)
{
    struct mn_stanza *one = NULL;

    for (size_t i = 0; i < count; i++) {
        struct route r = {.home = o, .user = user_find(o, mn_jid_bare(&to[i]))};

        if (!r.user) {
            fan_absent(st, &to[i]);
            continue;
        }
        if (!one)
            one = mn_stanza_wrap(st);
        mn_stanza_to(one, &to[i]);
        r.st = mn_stanza_ref(one);
        to_user(&r);
        if (mn_stanza_shared(one)) {
            mn_stanza_unref(one);
            one = NULL;
        }
    }
    mn_stanza_unref(one);
}

static void fan_crossed(struct mn_post *p)
{
    struct fan *f = (struct fan *)p;
    struct owner *o = owner_here();

    fan_out(o, f->st, f->to, f->count);
    o->count.crossed += f->count;
    mn_stanza_unref(f->st);
    mn_free(f);
}

static void fan_post(struct owner *there, struct mn_stanza *st, const struct mn_jid *to,
                     size_t count)
{
    size_t bytes = 0;
    struct fan *f;
    char *text;

    for (size_t i = 0; i < count; i++)
        bytes += mn_jid_text(&to[i]).n;
    f = mn_alloc(sizeof *f + count * sizeof *f->to + bytes);
    f->post.run = fan_crossed;
    f->post.bytes = sizeof *f + count * sizeof *f->to + bytes + st->payload.n;
    f->st = mn_stanza_ref(st);
    f->count = count;
    text = (char *)(f->to + count);
    for (size_t i = 0; i < count; i++) {
        mn_str t = mn_jid_text(&to[i]);

        f->to[i] = to[i];
        f->to[i].p = memcpy(text, t.p, t.n);
        text += t.n;
    }
    owner_post(there, &f->post);
}

/* Contacts at a component, and those for whom something is held, get an envelope each. */
static void fan_alone(struct mn_stanza *st, const struct mn_jid *to)
{
    struct mn_stanza *one = mn_stanza_wrap(st);

    mn_stanza_to(one, to);
    router_send(one);
}

void router_fan(struct mn_stanza *st, const struct mn_jid *to, size_t count)
{
    struct owner *o = owner_here(), **of = mn_alloc(count * sizeof *of);
    struct session *s = o->now.session;
    struct mn_jid *some = mn_alloc(count * sizeof *some);

    o->now.session = NULL;
    for (size_t i = 0; i < count; i++) {
        bool here = to[i].user && host_find(o->srv, mn_jid_host(&to[i])),
             alone = held_before(o, st, &to[i]) ||
                     (!here && component_find(o->srv, mn_jid_host(&to[i])));

        of[i] = here && !alone ? owner_of(o->srv, mn_jid_bare(&to[i])) : NULL;
        if (alone)
            fan_alone(st, &to[i]);
    }
    for (unsigned k = 0; k < o->srv->owner_count; k++) {
        struct owner *there = o->srv->owners[k];
        size_t n = 0;

        for (size_t i = 0; i < count; i++)
            if (of[i] == there)
                some[n++] = to[i];
        if (there == o)
            fan_out(o, st, some, n);
        else if (n)
            fan_post(there, st, some, n);
    }
    o->now.session = s;
    mn_free(some);
    mn_free(of);
}

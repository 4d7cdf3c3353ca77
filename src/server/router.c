#include "server/router.h"

#include "server/component.h"
#include "server/deliver.h"
#include "server/iq.h"

static void to_account(struct owner *o, const struct host *h, struct route *r)
{
    struct mn_jid bare = mn_jid_to_bare(&r->st->to);

    r->user = user_get(o, h, &bare);
    deliver(r);
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

static void crossed(struct mn_post *p)
{
    struct route *r = (struct route *)p;
    struct owner *o = owner_here();
    const struct host *h = host_find(o->srv, mn_jid_host(&r->st->to));

    o->count.crossed++;
    if (h)
        to_account(o, h, r);
    else /* it was, where the stanza came from; a reload goes from loop to loop */
        to_other_domain(o, r);
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
        to_account(o, h, r);
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
        route_lost(r, result);
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

void router_send_part(struct mn_stanza *st, struct ticket *part, uint64_t seq)
{
    struct owner *o = owner_here();
    struct session *s = o->now.session;
    struct route r = {.st = st, .home = o, .ticket = part};

    o->now.session = NULL; /* what is being handled now is not what this belongs to */
    if (seq)
        leave_behind(o, fifo_make(o, FIFO_OUT, mn_jid_bare(&st->from), mn_jid_bare(&st->to)), &r,
                     seq);
    else
        route_go(o, part ? route_keep(&r) : &r);
    o->now.session = s;
}

void router_send(struct mn_stanza *st)
{
    router_send_part(st, NULL, 0);
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
        deliver(&r);
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

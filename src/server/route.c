#include "server/route.h"

#include "server/handled.h"
#include "server/router.h"
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
static void home(struct mn_post *p)
{
    struct route *r = (struct route *)p;

    if (r->counted)
        handled_home(owner_here(), r->ticket);
    ticket_done(r->ticket);
    route_release(r);
}

static void give_back(struct route *r)
{
    if (!r->ticket) {
        route_release(r);
    } else if (r->home == owner_here()) {
        home(&r->post);
    } else {
        r->post.run = home;
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

void route_refuse(struct route *r, enum mn_cond cond, const char *text)
{
    struct mn_stanza *st = r->st;
    bool silent = st->type == MN_TYPE_ERROR || st->type == MN_TYPE_RESULT || mn_jid_none(&st->from);

    if (!silent)
        router_send(mn_stanza_error(st, cond, mn_str_from(text)));
    route_finish(r);
}

void route_lost(struct route *r, int result)
{
    route_refuse(r, result == MN_E_FULL ? MN_COND_RESOURCE_CONSTRAINT : MN_COND_INTERNAL, "");
}

static void held(struct wait *w, int result)
{
    struct route *r = MN_OF(w, struct route, wait);

    if (result)
        route_lost(r, result);
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

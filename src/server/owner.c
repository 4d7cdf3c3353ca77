#include "server/owner.h"

#include "server/notice.h"
#include "server/router.h"
#include "server/server.h"

static _Thread_local struct owner *here;

struct owner *owner_here(void)
{
    return here;
}

void owner_set_here(struct owner *o)
{
    here = o;
}

struct owner *owner_of(struct server *srv, mn_str bare)
{
    return srv->owners[srv->owner_count == 1 ? 0 : mn_hash(bare) % srv->owner_count];
}

void owner_post(struct owner *to, struct mn_post *p)
{
    mn_loop_post(to->loop, p);
    if (here && mn_loop_mail_bytes(to->loop) > (size_t)here->snap->conf->limits.mailbox)
        here->crowded = to;
}

/* Gates. */

void gate_init(struct gate *g)
{
    mn_list_init(&g->waits);
    mn_list_init(&g->link);
}

void gate_wait(struct owner *o, struct gate *g, struct wait *w, uint64_t seq)
{
    if (gate_open(g)) {
        mn_list_del(&g->link);
        mn_list_add(g->is_fifo ? &o->held : &o->gates, &g->link);
    }
    w->seq = seq;
    mn_list_init(&w->link);
    mn_list_add(&g->waits, &w->link);
}

/* What is through at `upto`, in order; `result` is that of the commits since `from`. A wait may
 * free the gate's owner, so the gate is looked at before each. */
static void gate_release(struct gate *g, uint64_t from, uint64_t upto, int result)
{
    while (!gate_open(g)) {
        struct wait *w = MN_OF(g->waits.next, struct wait, link);

        if (w->seq > upto)
            return;
        mn_list_del(&w->link);
        if (gate_open(g)) {
            mn_list_del(&g->link);
            w->go(w, w->seq >= from ? result : MN_E_OK);
            return;
        }
        w->go(w, w->seq >= from ? result : MN_E_OK);
    }
}

/* Held FIFOs. */

struct fifo {
    struct gate gate;
    mn_str key;
    char bytes[];
};

static mn_str fifo_key(struct mn_buf *b, enum fifo_side side, mn_str from, mn_str to)
{
    mn_buf_c(b, (char)side);
    mn_buf_str(b, from);
    mn_buf_c(b, 0);
    mn_buf_str(b, to);
    return mn_buf_view(b);
}

/* Empty ones go when a commit is through, all of them: while there is one, every stanza looks. */
static void fifos_sweep(struct owner *o)
{
    struct fifo *f, *gone[256];
    bool more;

    do {
        size_t at = 0, count = 0;

        while (count < MN_COUNT(gone) && (f = mn_map_next(&o->fifos, &at)))
            if (gate_open(&f->gate))
                gone[count++] = f;
        more = count == MN_COUNT(gone);
        while (count) {
            f = gone[--count];
            mn_map_del(&o->fifos, f->key);
            mn_list_del(&f->gate.link);
            mn_free(f);
        }
    } while (more);
}

struct gate *fifo_find(struct owner *o, enum fifo_side side, mn_str from, mn_str to)
{
    struct mn_buf b = {0};
    struct fifo *f;

    if (!o->fifos.count)
        return NULL;
    f = mn_map_get(&o->fifos, fifo_key(&b, side, from, to));
    mn_buf_free(&b);
    return f && !gate_open(&f->gate) ? &f->gate : NULL;
}

struct gate *fifo_make(struct owner *o, enum fifo_side side, mn_str from, mn_str to)
{
    struct mn_buf b = {0};
    mn_str key = fifo_key(&b, side, from, to);
    struct fifo *f = mn_map_get(&o->fifos, key);

    if (!f) {
        f = mn_alloc0(sizeof *f + key.n);
        memcpy(f->bytes, key.p, key.n);
        f->key = (mn_str){f->bytes, key.n};
        gate_init(&f->gate);
        f->gate.is_fifo = true;
        mn_map_put(&o->fifos, f->key, f);
    }
    mn_buf_free(&b);
    return &f->gate;
}

/* Taken off as a whole: what is queued anew meanwhile waits for later commits. */
static void gates_release(struct mn_list *gates, uint64_t from, uint64_t upto, int result)
{
    struct mn_list all;

    mn_list_init(&all);
    MN_LIST_EACH(n, gates)
    {
        mn_list_del(n);
        mn_list_add(&all, n);
    }
    while (!mn_list_empty(&all)) {
        struct gate *g = MN_OF(all.next, struct gate, link);

        mn_list_del(&g->link);
        mn_list_add(gates, &g->link);
        gate_release(g, from, upto, result);
    }
}

/* What a sender's stanza lets leave goes before what follows from that sender. Of a failure all
 * accounts know before anything is done about it: none writes on what another has not heard of. */
static void committed(void *arg, uint64_t from, uint64_t upto, int result)
{
    struct owner *o = arg;

    o->count.failed_commits += result != 0;
    if (result)
        users_lost(o, from);
    gates_release(&o->gates, from, upto, result);
    gates_release(&o->held, from, upto, result);
    if (o->fifos.count)
        fifos_sweep(o);
}

/* Tickets. */

enum { TICKET_BYTES = 3072 }; /* a small stanza's arena, and what goes round with it */

struct ticket *ticket_part(struct owner *o)
{
    struct session *s = o->now.session;

    if (!s)
        return NULL;
    if (!o->now.ticket) {
        struct ticket *t = MN_NEW(struct ticket);

        t->session = session_ref(s);
        t->handled = s->handled;
        t->seq = o->now.seq;
        t->bytes = o->now.bytes + TICKET_BYTES;
        s->open_bytes += t->bytes;
        mn_list_init(&t->link);
        mn_list_add(&s->tickets, &t->link);
        o->now.ticket = t;
    }
    o->now.ticket->parts++;
    return o->now.ticket;
}

struct ticket *ticket_more(struct ticket *t)
{
    if (t)
        t->parts++;
    return t;
}

void ticket_done(struct ticket *t)
{
    struct session *s;

    if (!t || --t->parts)
        return;
    if (!(s = t->session)) {
        mn_free(t);
        return;
    }
    s->open_bytes -= t->bytes;
    if (owner_here()->now.ticket == t)
        owner_here()->now.ticket = NULL;
    mn_list_del(&t->link);
    if (t->sent)
        session_sent(s, t->sent);
    mn_free(t);
    session_settle(s);
    session_unref(s);
}

struct owner *owner_new(struct server *srv, unsigned index, struct mn_loop *loop,
                        struct snapshot *snap)
{
    struct owner *o = MN_NEW(struct owner);

    o->srv = srv;
    o->snap = snap ? snapshot_ref(snap) : NULL;
    o->index = index;
    o->loop = loop;
    mn_list_init(&o->idle);
    mn_list_init(&o->gates);
    mn_list_init(&o->held);
    mn_list_init(&o->streams);
    o->writer = store_writer_new(srv->store, loop, committed, o);
    return o;
}

void owner_free(struct owner *o)
{
    struct user *u;
    struct fifo *f;
    size_t at = 0;

    owner_set_here(o);
    mn_loop_turn(o->loop, 0);
    mn_timer_stop(&o->srv->hourly);
    store_writer_free(o->writer);
    while (mn_loop_turn(o->loop, 0))
        ;
    while ((f = mn_map_next(&o->fifos, &at)))
        mn_free(f);
    mn_map_free(&o->fifos);
    for (at = 0; (u = mn_map_next(&o->users, &at));)
        user_free(u);
    mn_map_free(&o->users);
    notice_free(o);
    route_spare_free(o);
    snapshot_take(o, NULL);
    mn_free(o);
    owner_set_here(NULL);
}

/* XEP-0160 offline messages with XEP-0203 delays: kept in the log "offline", stored before they are
 * acknowledged, delivered in order to the first resource that takes messages. */
#include "base/clock.h"
#include "server/block.h"
#include "server/handled.h"
#include "server/module.h"
#include "server/sm_record.h"
#include "xmpp/datetime.h"

struct conf {
    bool on;
    int64_t max_messages, max_per_sender, max_bytes;
};
#define AT(field) offsetof(struct conf, field)
static const struct mn_conf_row keys[] = {
    {"max_messages", MN_CONF_INT, AT(max_messages), "2000", .min = 1, .max = 1000000,
     .text = "per account", .live = true},
    {"max_per_sender", MN_CONF_INT, AT(max_per_sender), "1000", .min = 1, .max = 1000000,
     .text = "of these, so many of one address", .live = true},
    {"max_bytes", MN_CONF_SIZE, AT(max_bytes), "64M", .min = 65536, .max = INT64_C(1) << 40,
     .text = "per account; half of it for the messages of one address", .live = true},
    {0}};

static const struct conf *conf_of(const struct owner *o)
{
    return config_module(o->snap->conf, &mod_offline);
}

static void give_out(struct user *u);
static struct session *taker(const struct user *u);

/* What goes through the log though somebody is there goes from there to one session; the others get
 * a copy (XEP-0280) as soon as it is stored, as if it had been delivered. So do those with a
 * negative priority when nobody takes messages; who has not said yet that he is there may be the
 * next one to take what waits. The log answers for it: the copy is for now or never. */
static void copies(const struct route *r)
{
    struct user *u = r->user;
    struct owner *o = u->owner;
    struct sm_shared *outer = o->shared;
    struct session *to = u->offline.to ? u->offline.to : taker(u);
    struct mn_stanza *st;

    if (u->session_count < (to ? 2 : 1))
        return;
    st = mn_stanza_wrap(r->st);
    HOOK_RUN(o->srv, message_numbered, u, st, r->number);
    o->serving++;
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (to ? s == to : !s->available)
            s->served = o->serving;
    }
    o->shared = sm_shared_new();
    HOOK_RUN(o->srv, message_delivered, u, st);
    sm_shared_let(o->shared, true);
    o->shared = outer;
    mn_stanza_unref(st);
}

/* What came out of a record goes at once to who is there. */
static void stored(struct wait *w, int result)
{
    struct route *r = MN_OF(w, struct route, wait);

    r->user->offline.known &= !result;
    if (result) {
        if (!sm_move_again(r))
            route_lost(r, result);
    } else {
        copies(r);
        if (sm_is_recorded(r->ticket))
            give_out(r->user);
        route_finish(r);
    }
}

/* That a domain of ours has delayed something is ours to say: a stranger's word for it would go on
 * as such, and keep ours away. */
static bool forged(const void *srv, const struct mn_elem *e)
{
    struct mn_arena a = {0};
    struct mn_jid j;
    bool ours = mn_elem_is(e, MN_NS_DELAY, "delay") &&
                !mn_jid_parse(mn_elem_get(e, "from"), &a, &j) && !j.user && !j.resource &&
                host_find(srv, mn_jid_host(&j));

    mn_arena_done(&a, NULL);
    return ours;
}

static void entered(const struct server *srv, struct mn_stanza *st)
{
    mn_stanza_drop(st, forged, srv);
}

static void store(struct route *r)
{
    struct user *u = r->user;
    struct owner *o = u->owner;
    struct mn_stanza *kept;
    struct store_entry e = {mn_jid_bare(&u->jid), mn_jid_bare(&r->st->from), {0}};
    struct mn_buf b = {0};
    uint64_t seq;
    size_t n;

    r = route_keep(r);
    kept = mn_stanza_wrap(r->st);
    mn_stanza_delay(kept, u->host->name, mn_clock_wall());
    mn_stanza_write(&b, kept, NULL);
    mn_stanza_unref(kept);
    seq = store_log_add(o->writer, "offline", &e, 1, mn_clock_wall(), mn_buf_view(&b), &r->number);
    n = b.n;
    mn_buf_free(&b);
    u->offline.count++;
    u->offline.bytes += n;
    u->wrote = seq;
    handled_stored(o, r);
    sm_move_stored(r->ticket);
    r->wait.go = stored;
    gate_wait(o, fifo_make(o, FIFO_IN, mn_jid_bare(&r->st->from), mn_jid_bare(&u->jid)), &r->wait,
              seq);
}

static void ask(struct route *r, mn_str peer, void (*done)(struct store_read *s));

/* Is so much too much for one sender? */
static bool is_too_much(const struct conf *conf, uint64_t count, uint64_t bytes)
{
    return count >= (uint64_t)conf->max_per_sender || bytes >= (uint64_t)conf->max_bytes / 2;
}

static void room_of_sender(struct store_read *s)
{
    struct route *r = s->arg;
    struct user *u = r->user;

    user_need(u);
    if (s->result)
        route_refuse(r, MN_COND_INTERNAL, "");
    else if (!u->exists)
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "");
    else if (is_too_much(conf_of(u->owner), s->total_count, s->total_bytes))
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE,
                     "too many of your messages wait for this user");
    else
        store(r);
    store_read_free(s);
    user_unpark(u);
    user_let(u);
}

/* How much waits already is known; how much of this sender, is asked only where it may be too much.
 * The account may have been removed while that was asked. */
static void admit(struct route *r)
{
    const struct user *u = r->user;
    const struct conf *conf = conf_of(u->owner);

    if (!u->exists)
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "");
    else if (u->offline.count >= (uint64_t)conf->max_messages ||
             u->offline.bytes >= (uint64_t)conf->max_bytes)
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "too many messages wait for this user");
    else if (is_too_much(conf, u->offline.count, u->offline.bytes))
        ask(r, mn_jid_bare(&r->st->from), room_of_sender);
    else
        store(r);
}

static void counted(struct store_read *s)
{
    struct route *r = s->arg;
    struct user *u = r->user;

    user_need(u);
    if (s->result) {
        route_refuse(r, MN_COND_INTERNAL, "");
    } else {
        u->offline.known = true;
        u->offline.count = s->total_count;
        u->offline.bytes = s->total_bytes;
        admit(r);
    }
    store_read_free(s);
    user_unpark(u);
    user_let(u);
}

static void ask(struct route *r, mn_str peer, void (*done)(struct store_read *s))
{
    struct store_read *s = store_read_new();

    r = route_keep(r);
    s->kind = STORE_LOG_STATS;
    s->owner = mn_arena_str(&s->arena, mn_jid_bare(&r->user->jid));
    s->peer = mn_arena_str(&s->arena, peer);
    s->store = "offline";
    s->done = done;
    s->arg = r;
    user_park(r->user);
    store_read(r->user->owner->writer, s, r->user->wrote);
}

/* What is for now or never (XEP-0160, 3; hints of XEP-0334). */
static bool hinted(const struct mn_stanza *st, const char *hint)
{
    return mn_elem_child(st->elem, MN_NS_HINTS, hint);
}

static enum verdict undelivered(struct route *r)
{
    struct user *u = r->user;

    if ((mn_stanza_is_state(r->st) || !mn_elem_first(r->st->elem)) && !u->offline.behind) {
        route_finish(r);
        return DONE;
    }
    if (mn_stanza_is_state(r->st) || !mn_elem_first(r->st->elem) || hinted(r->st, "no-store"))
        return PASS;
    if (sm_move_waits(r))
        return DONE;
    if (sm_is_recorded(r->ticket)) /* nothing more than there was */
        store(r);
    else if (u->offline.known)
        admit(r);
    else
        ask(r, (mn_str){0}, counted);
    return DONE;
}

/* What waits goes out in pages to one session, the next when its client has taken most of the last:
 * all at once might be more than may wait for a client, and end its session. Until the last is out,
 * whatever comes for the account is stored behind it (user->offline.behind). A message leaves the
 * log when the client has shown that it has it (session_mark): one mark at a time, behind all that
 * was written by then. When the session goes before that, what it was not seen to have goes to the
 * next one, or waits. */
enum { PAGE = 32, LOOK_AGAIN_MS = 50 };

struct flush {
    struct user *u;
    struct mn_timer timer;
    bool idle;       /* until its session comes back, says something or goes */
    bool over;       /* all is out */
    bool exact;      /* `out` is known; not of a session that was kept over a restart */
    bool plain;      /* some went out before the session acknowledged by itself */
    uint64_t marked; /* the mark stands behind that one; 0: none */
    struct {
        uint64_t count, bytes;
    } out, before; /* of what was written and is in the log; of it before the mark */
    uint32_t mark;
};

/* Who got something and has not said so stands in the account still (sm_keep.c). */
static void flush_stop(struct flush *f)
{
    struct user *u = f->u;

    u->offline.flush = NULL;
    u->offline.behind = false;
    mn_timer_stop(&f->timer);
    mn_free(f);
    user_let(u);
}

static void flush_end(struct flush *f)
{
    f->u->offline.to = NULL;
    f->u->offline.upto = f->u->offline.had;
    flush_stop(f);
}

static bool takes(const struct session *s)
{
    return s->available && s->priority >= 0;
}

static struct session *taker(const struct user *u)
{
    MN_LIST_EACH(n, &u->sessions)
    {
        if (takes(MN_OF(n, struct session, link)))
            return MN_OF(n, struct session, link);
    }
    return NULL;
}

static bool is_full(const struct session *s)
{
    return session_queued(s) > (size_t)s->user->owner->snap->conf->limits.queue / 4;
}

static void go(struct flush *f)
{
    f->idle = f->over = false;
    f->u->offline.behind = taker(f->u);
    mn_timer_start(f->u->owner->loop, &f->timer, 0);
}

/* What a client has leaves the log; when that fails, later. Nobody gets it again meanwhile. */
enum { TRIM_AGAIN_MS = 1000 };

struct trim {
    struct wait wait;
    struct mn_timer timer;
    struct user *u;
    uint64_t upto;
};

static void trim_write(struct trim *t)
{
    struct user *u = t->u;

    u->wrote =
        store_log_trim(u->owner->writer, mn_jid_bare(&u->jid), "offline", UINT64_MAX >> 1, t->upto);
    user_act(u, &t->wait);
}

static void trim_end(struct trim *t)
{
    user_let(t->u);
    mn_free(t);
}

static void trim_again(struct mn_timer *timer)
{
    struct trim *t = MN_OF(timer, struct trim, timer);

    t->u->offline.known = false; /* it may have been counted with these */
    if (t->u->owner->stopping || t->upto < t->u->offline.had)
        trim_end(t);
    else
        trim_write(t);
}

static void trimmed(struct wait *w, int result)
{
    struct trim *t = MN_OF(w, struct trim, wait);

    if (result)
        mn_timer_start(t->u->owner->loop, &t->timer, TRIM_AGAIN_MS);
    else
        trim_end(t);
}

static void trim(struct user *u, uint64_t upto)
{
    struct trim *t = MN_NEW(struct trim);

    u->offline.had = t->upto = upto;
    t->u = u;
    t->wait.go = trimmed;
    t->timer.fire = trim_again;
    user_need(u);
    trim_write(t);
}

static void had(struct flush *f)
{
    struct user *u = f->u;

    trim(u, f->marked);
    u->offline.known &= f->exact;
    u->offline.count -= f->before.count;
    u->offline.bytes -= f->before.bytes;
    f->out.count -= f->before.count;
    f->out.bytes -= f->before.bytes;
    f->marked = 0;
}

static void mark(struct flush *f)
{
    if (f->marked || f->u->offline.upto == f->u->offline.had)
        return;
    f->marked = f->u->offline.upto;
    f->before.count = f->out.count;
    f->before.bytes = f->out.bytes;
    f->mark = session_mark(f->u->offline.to);
    if (session_has(f->u->offline.to, f->mark))
        had(f);
}

static void flush_page(void *arg, struct user *u);

/* Goes on when the client has room. */
static void flush_on(struct mn_timer *t)
{
    struct flush *f = MN_OF(t, struct flush, timer);
    struct user *u = f->u;
    struct session *s = u->offline.to;

    if (!s || (!takes(s) && u->offline.upto == u->offline.had))
        s = u->offline.to = taker(u);
    if (u->owner->stopping) {
        flush_stop(f);
    } else if (!s) {
        flush_end(f);
    } else if (!takes(s)) {
        f->idle = true;
        u->offline.behind = false;
    } else if (is_full(s) && !s->endpoint) {
        f->idle = true;
    } else if (is_full(s)) {
        mn_timer_start(u->owner->loop, t, LOOK_AGAIN_MS);
    } else {
        u->offline.behind = true;
        user_when_loaded(u, flush_page, f);
    }
}

/* It is in the log still: when the session ends it needs no way back there. Who has been blocked
 * since is not heard any more (XEP-0191), and what came from him goes with the rest. */
static void give(struct user *u, const struct store_row *row)
{
    struct sm_shared *shared = sm_shared_new();
    struct owner *o = u->owner;
    struct mn_stanza *st;

    shared->number = row->id;
    o->shared = shared;
    if (!mn_stanza_load(row->value, &st) && !block_hits(u, &st->from)) {
        HOOK_RUN(o->srv, message_numbered, u, st, row->id);
        session_write(u->offline.to, st, NULL);
    }
    o->shared = NULL;
    sm_shared_let(shared, false);
    mn_stanza_unref(st);
}

static void all_out(struct flush *f)
{
    struct user *u = f->u;

    u->offline.behind = false;
    u->offline.known = f->exact;
    u->offline.count = f->out.count;
    u->offline.bytes = f->out.bytes;
    f->idle = f->over = true;
    if (u->offline.upto == u->offline.had)
        flush_end(f);
}

static void flush_read(struct store_read *r)
{
    struct flush *f = r->arg;
    struct user *u = f->u;
    struct session *s = u->offline.to;
    size_t i = 0;

    user_need(u);
    for (; i < r->count && s && !(i && is_full(s)); i++) {
        give(u, &r->rows[i]);
        f->plain |= !s->sm;
        u->offline.upto = r->rows[i].id;
        f->out.count++;
        f->out.bytes += r->rows[i].value.n;
    }
    if (s)
        mark(f);
    if (r->result)
        mn_timer_start(u->owner->loop, &f->timer, LOOK_AGAIN_MS);
    else if (!s || i < r->count || i == r->limit)
        go(f);
    else
        all_out(f);
    user_unpark(u);
    user_let(u);
    store_read_free(r);
}

static void flush_page(void *arg, struct user *u)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_LOG;
    r->owner = mn_arena_str(&r->arena, mn_jid_bare(&u->jid));
    r->store = "offline";
    r->key = MN_STR("");
    r->after = u->offline.upto;
    r->limit = PAGE;
    r->done = flush_read;
    r->arg = arg;
    user_park(u); /* what comes meanwhile is delivered behind */
    store_read(u->owner->writer, r, u->wrote);
}

/* Behind what is being stored just now. One that was kept over a restart goes on where it was. */
static void ready(struct session *s)
{
    struct user *u = s->user;
    struct flush *f = u->offline.flush;

    if (f && f->idle)
        go(f);
    if (f || (u->offline.known && !u->offline.count && !u->offline.to))
        return;
    u->offline.flush = f = MN_NEW(struct flush);
    f->u = u;
    f->timer.fire = flush_on;
    f->exact = !u->offline.to;
    u->offline.to = u->offline.to ? u->offline.to : s;
    u->offline.behind = true;
    user_need(u);
    mark(f);
    user_when_loaded(u, flush_page, f);
}

static void give_out(struct user *u)
{
    struct session *s = taker(u);

    if (s)
        ready(s);
}

/* How far a client that acknowledges by itself has done so is known to the message. */
static uint64_t acknowledged(const struct user *u, const struct session *s)
{
    struct flush *f = u->offline.flush;
    uint64_t next;

    if (!s->sm || (f && f->plain))
        return 0;
    next = sm_first_number(s->sm);
    return next ? next - 1 : u->offline.upto;
}

static void trim_acknowledged(struct user *u, const struct session *s)
{
    struct flush *f = u->offline.flush;
    uint64_t upto = acknowledged(u, s);

    if (upto <= u->offline.had)
        return;
    trim(u, upto);
    u->offline.known = false; /* how many those are was not counted */
    if (f)
        f->exact = false;
}

static void client_has(struct session *s)
{
    struct user *u = s->user;
    struct flush *f = u->offline.flush;

    if (u->offline.to != s)
        return;
    if (!f || !f->marked || !session_has(s, f->mark)) {
        trim_acknowledged(u, s);
        return;
    }
    had(f);
    mark(f);
    trim_acknowledged(u, s); /* it may stand between the two marks */
    if (f->over && !f->marked)
        flush_end(f);
    else if (f->idle && !f->over)
        go(f);
}

static void left(struct user *u, struct session *s)
{
    struct flush *f = u->offline.flush;

    if (u->offline.to != s)
        return;
    trim_acknowledged(u, s);
    u->offline.to = NULL;
    u->offline.upto = u->offline.had;
    if (!f)
        return;
    f->marked = f->out.count = f->out.bytes = 0;
    f->plain = false;
    if (f->idle)
        go(f);
}

const struct module mod_offline = {
    .name = "offline",
    .xep = {{160, "1.0.1", "Best Practices for Handling Offline Messages",
             "wire/offline; wire/offline-room; wire/offline-acknowledged; wire/offline-farewell; "
             "wire/offline-many; wire/offline-without-body"},
            {203, "2.0", "Delayed Delivery", "wire/offline; wire/delay"},
            {334, "1.0.0", "Message Processing Hints", "wire/hints"}},
    .feature = {"msgoffline"},
    .conf = keys,
    .conf_size = sizeof(struct conf),
    .message_entered = entered,
    .message_undelivered = undelivered,
    .session_ready = ready,
    .session_left = left,
    .client_has = client_has,
};

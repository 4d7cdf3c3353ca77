/* XEP-0160 offline messages with XEP-0203 delays: kept in the log "offline", stored before they are
 * acknowledged, delivered in order to the first resource that takes messages. */
#include "base/clock.h"
#include "server/handled.h"
#include "server/module.h"
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
     .text = "per account", .live = true},
    {0}};

static const struct conf *conf_of(const struct owner *o)
{
    return config_module(o->snap->conf, &mod_offline);
}

static void stored(struct wait *w, int result)
{
    struct route *r = MN_OF(w, struct route, wait);

    if (result) {
        r->user->offline.known = false;
        route_refuse(r, result == MN_E_FULL ? MN_COND_RESOURCE_CONSTRAINT : MN_COND_INTERNAL, "");
    } else {
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

    kept = mn_stanza_wrap(r->st);
    mn_stanza_delay(kept, u->host->name, mn_clock_wall());
    mn_stanza_write(&b, kept, NULL);
    mn_stanza_unref(kept);
    seq = store_log_add(o->writer, "offline", &e, 1, mn_clock_wall(), mn_buf_view(&b), NULL);
    n = b.n;
    mn_buf_free(&b);
    u->offline.count++;
    u->offline.bytes += n;
    u->wrote = seq;
    r = route_keep(r);
    handled_stored(o, r);
    r->wait.go = stored;
    gate_wait(o, fifo_make(o, FIFO_IN, mn_jid_bare(&r->st->from), mn_jid_bare(&u->jid)), &r->wait,
              seq);
}

static void ask(struct route *r, mn_str peer, void (*done)(struct store_read *s));

static void room_of_sender(struct store_read *s)
{
    struct route *r = s->arg;
    struct user *u = r->user;

    user_need(u);
    if (s->result)
        route_refuse(r, MN_COND_INTERNAL, "");
    else if (s->total_count >= (uint64_t)conf_of(u->owner)->max_per_sender)
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE,
                     "too many of your messages wait for this user");
    else
        store(r);
    store_read_free(s);
    user_unpark(u);
    user_let(u);
}

/* How many wait already is known; how many of this sender, is asked only where it may be too many.
 */
static void admit(struct route *r)
{
    const struct user *u = r->user;
    const struct conf *conf = conf_of(u->owner);

    if (u->offline.count >= (uint64_t)conf->max_messages ||
        u->offline.bytes >= (uint64_t)conf->max_bytes)
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "too many messages wait for this user");
    else if (u->offline.count >= (uint64_t)conf->max_per_sender)
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

    if (hinted(r->st, "no-store"))
        return PASS;
    if ((mn_stanza_is_state(r->st) || !mn_elem_first(r->st->elem)) && !hinted(r->st, "store")) {
        route_finish(r);
        return DONE;
    }
    if (u->offline.known)
        admit(r);
    else
        ask(r, (mn_str){0}, counted);
    return DONE;
}

/* What waits goes out in pages, the next when the client has taken most of the last: all at once
 * might be more than may wait for a client, and end its session. Until the last is out, whatever
 * comes for the account is stored behind it (user->offline.flush). */
enum { PAGE = 32, LOOK_AGAIN_MS = 50 };

struct flush {
    struct session *s; /* a reference; another one goes on when it ends */
    struct user *u;
    uint64_t upto; /* id of the last one that went out */
    struct mn_timer timer;
};

static void flush_end(struct flush *f)
{
    struct user *u = f->u;

    u->offline.flush = NULL;
    session_unref(f->s);
    mn_free(f);
    user_let(u);
}

static bool takes(const struct session *s)
{
    return s->user && s->available && s->priority >= 0;
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

static void flush_page(void *arg, struct user *u);

/* Goes on when the client has room. */
static void flush_on(struct mn_timer *t)
{
    struct flush *f = MN_OF(t, struct flush, timer);
    struct session *s = takes(f->s) ? f->s : taker(f->u);

    if (!s || f->u->owner->stopping) {
        flush_end(f);
        return;
    }
    session_ref(s);
    session_unref(f->s);
    f->s = s;
    if (is_full(s))
        mn_timer_start(f->u->owner->loop, &f->timer, LOOK_AGAIN_MS);
    else
        user_when_loaded(f->u, flush_page, f);
}

static void flush_read(struct store_read *r)
{
    struct flush *f = r->arg;
    struct user *u = f->u;
    size_t i = 0, bytes = 0;

    for (; i < r->count && f->s->user && !(i && is_full(f->s)); i++) {
        struct mn_stanza *st;

        bytes += r->rows[i].value.n;
        if (!mn_stanza_load(r->rows[i].value, &st)) {
            HOOK_RUN(u->owner->srv, message_numbered, u, st, r->rows[i].id);
            session_write(f->s, st, NULL);
        }
        mn_stanza_unref(st);
    }
    if (i) {
        u->wrote = store_log_trim(u->owner->writer, mn_jid_bare(&u->jid), "offline",
                                  UINT64_MAX >> 1, r->rows[i - 1].id);
        f->upto = r->rows[i - 1].id;
        u->offline.count -= u->offline.known ? i : 0;
        u->offline.bytes -= u->offline.known ? bytes : 0;
    }
    if (r->result || i < r->count || i == r->limit) {
        mn_timer_start(u->owner->loop, &f->timer, r->result ? LOOK_AGAIN_MS : 0);
        user_unpark(u);
    } else {
        u->offline.count = u->offline.bytes = 0;
        u->offline.known = true;
        user_need(u);
        flush_end(f);
        user_unpark(u);
        user_let(u);
    }
    store_read_free(r);
}

static void flush_page(void *arg, struct user *u)
{
    struct store_read *r = store_read_new();
    struct flush *f = arg;

    r->kind = STORE_LOG;
    r->owner = mn_arena_str(&r->arena, mn_jid_bare(&u->jid));
    r->store = "offline";
    r->key = MN_STR("");
    r->after = f->upto;
    r->limit = PAGE;
    r->done = flush_read;
    r->arg = f;
    user_park(u); /* what comes meanwhile is delivered behind */
    store_read(u->owner->writer, r, u->wrote);
}

/* Behind what is being stored just now. */
static void ready(struct session *s)
{
    struct user *u = s->user;
    struct flush *f;

    if (u->offline.flush || (u->offline.known && !u->offline.count))
        return;
    u->offline.flush = f = MN_NEW(struct flush);
    f->s = session_ref(s);
    f->u = u;
    f->timer.fire = flush_on;
    user_need(u);
    user_when_loaded(u, flush_page, f);
}

const struct module mod_offline = {
    .name = "offline",
    .xep = {{160, "1.0.1", "Best Practices for Handling Offline Messages",
             "wire/offline; wire/offline-room"},
            {203, "2.0", "Delayed Delivery", "wire/offline; wire/delay"},
            {334, "1.0.0", "Message Processing Hints", "wire/hints"}},
    .feature = {"msgoffline"},
    .conf = keys,
    .conf_size = sizeof(struct conf),
    .message_entered = entered,
    .message_undelivered = undelivered,
    .session_ready = ready,
};

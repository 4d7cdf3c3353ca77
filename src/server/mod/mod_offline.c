/* XEP-0160 offline messages with XEP-0203 delays: kept in the log "offline", stored before they are
 * acknowledged, delivered in order to the first resource that takes messages. */
#include "base/clock.h"
#include "server/module.h"
#include "xmpp/datetime.h"

struct conf {
    bool on;
    int64_t max_messages;
};
static const struct mn_conf_row keys[] = {{"max_messages", MN_CONF_INT,
                                           offsetof(struct conf, max_messages), "1000", .min = 1,
                                           .max = 1000000, .text = "per account", .live = true},
                                          {0}};

static const struct conf *conf_of(const struct owner *o)
{
    return config_module(o->snap->conf, &mod_offline);
}

static void stored(struct wait *w, int result)
{
    struct route *r = MN_OF(w, struct route, wait);

    if (result)
        route_refuse(r, result == MN_E_FULL ? MN_COND_RESOURCE_CONSTRAINT : MN_COND_INTERNAL, "");
    else
        route_finish(r);
}

static void counted(struct store_read *s)
{
    struct route *r = s->arg;
    struct user *u = r->user;
    struct owner *o = u->owner;
    struct mn_stanza *st = r->st;
    struct store_entry e = {mn_jid_bare(&u->jid), mn_jid_bare(&st->from), {0}};

    user_need(u);
    if (s->result) {
        route_refuse(r, MN_COND_INTERNAL, "");
    } else if (s->total_count >= (uint64_t)conf_of(o)->max_messages) {
        route_refuse(r, MN_COND_SERVICE_UNAVAILABLE, "too many messages wait for this user");
    } else {
        struct mn_buf b = {0};
        struct mn_stanza *kept = mn_stanza_wrap(st);
        uint64_t seq;

        mn_stanza_delay(kept, u->host->name, mn_clock_wall());
        mn_stanza_write(&b, kept, NULL);
        mn_stanza_unref(kept);
        seq = store_log_add(o->writer, "offline", &e, 1, mn_clock_wall(), mn_buf_view(&b), NULL);
        mn_buf_free(&b);
        r->wait.go = stored;
        u->wrote = seq;
        gate_wait(o, fifo_make(o, mn_jid_bare(&st->from), mn_jid_bare(&u->jid)), &r->wait, seq);
    }
    store_read_free(s);
    user_unpark(u);
    user_let(u);
}

/* What is for now or never (XEP-0160, 3; hints of XEP-0334). */
static bool hinted(const struct mn_stanza *st, const char *hint)
{
    return mn_elem_child(st->elem, MN_NS_HINTS, hint);
}

static enum verdict undelivered(struct route *r)
{
    struct store_read *s;
    struct user *u = r->user;

    if (hinted(r->st, "no-store"))
        return PASS;
    if ((mn_stanza_is_state(r->st) || !mn_elem_first(r->st->elem)) && !hinted(r->st, "store")) {
        route_finish(r);
        return DONE;
    }
    r = route_keep(r);
    s = store_read_new();
    s->kind = STORE_LOG_STATS;
    s->owner = mn_arena_str(&s->arena, mn_jid_bare(&u->jid));
    s->store = "offline";
    s->done = counted;
    s->arg = r;
    user_park(u);
    store_read(u->owner->writer, s, u->wrote);
    return DONE;
}

struct flush {
    struct session *s; /* it may end meanwhile; the account is unparked all the same */
    struct user *u;
};

static void flush_read(struct store_read *r)
{
    struct flush *f = r->arg;
    struct user *u = f->u;

    if (f->s->user && r->count) {
        for (size_t i = 0; i < r->count; i++) {
            struct mn_stanza *st;

            if (!mn_stanza_load(r->rows[i].value, &st))
                session_write(f->s, st, NULL);
            mn_stanza_unref(st);
        }
        u->wrote = store_log_trim(u->owner->writer, mn_jid_bare(&u->jid), "offline",
                                  UINT64_MAX >> 1, r->rows[r->count - 1].id);
    }
    store_read_free(r);
    session_unref(f->s);
    mn_free(f);
    user_unpark(u);
    user_let(u);
}

static void flush(void *arg, struct user *u)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_LOG;
    r->owner = mn_arena_str(&r->arena, mn_jid_bare(&u->jid));
    r->store = "offline";
    r->key = MN_STR("");
    r->limit = 1000000;
    r->done = flush_read;
    r->arg = arg;
    user_park(u); /* what comes meanwhile is delivered behind */
    store_read(u->owner->writer, r, u->wrote);
}

/* Behind what is being stored just now. */
static void ready(struct session *s)
{
    struct flush *f = MN_NEW(struct flush);

    f->s = session_ref(s);
    f->u = s->user;
    user_need(f->u);
    user_when_loaded(f->u, flush, f);
}

const struct module mod_offline = {
    .name = "offline",
    .xep = {{160, "1.0.1", "Best Practices for Handling Offline Messages", "wire/offline"},
            {203, "2.0", "Delayed Delivery", "wire/offline"},
            {334, "1.0.0", "Message Processing Hints", "wire/hints"}},
    .feature = {"msgoffline"},
    .conf = keys,
    .conf_size = sizeof(struct conf),
    .message_undelivered = undelivered,
    .session_ready = ready,
};

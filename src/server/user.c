#include "server/user.h"

#include "base/clock.h"
#include "base/num.h"
#include "server/block.h"
#include "server/handled.h"
#include "server/notice.h"
#include "server/presence.h"
#include "server/quota.h"
#include "server/router.h"
#include "server/server.h"

enum { IDLE_KEPT = 4096, ITEMS_MAX = 1 << 20 };

/* Since when each of them is what it is, is not kept: whoever is made again counts as changed when
 * the last of them was (user_get). That is thousands of accounts ago, and to log in takes seconds.
 */
static void evict(struct owner *o)
{
    while (o->idle_count > IDLE_KEPT) {
        struct user *u = MN_OF(o->idle.next, struct user, idle);

        mn_list_del(&u->idle);
        o->idle_count--;
        if (u->since > o->forgotten)
            o->forgotten = u->since;
        mn_map_del(&o->users, mn_jid_bare(&u->jid));
        user_free(u);
    }
}

static bool needed(const struct user *u)
{
    return u->needs || u->session_count || !mn_list_empty(&u->parked) ||
           !mn_list_empty(&u->parked_first) || !gate_open(&u->out) ||
           u->wrote > store_writer_done(u->owner->writer);
}

/* On and off the list of those nobody needs. */
static void settle(struct user *u)
{
    bool idle = !mn_list_empty(&u->idle), wanted = needed(u);

    if (idle == !wanted)
        return;
    if (wanted) {
        mn_list_del(&u->idle);
        u->owner->idle_count--;
        return;
    }
    mn_list_add(&u->owner->idle, &u->idle);
    u->owner->idle_count++;
    evict(u->owner);
}

void user_need(struct user *u)
{
    u->needs++;
    settle(u);
}

void user_let(struct user *u)
{
    u->needs--;
    settle(u);
}

struct user *user_find(struct owner *o, mn_str bare)
{
    struct user *u = mn_map_get(&o->users, bare);

    if (u && !mn_list_empty(&u->idle)) {
        mn_list_del(&u->idle);
        mn_list_add(&o->idle, &u->idle);
    }
    return u;
}

static void load(struct user *u);

struct user *user_get(struct owner *o, const struct host *h, const struct mn_jid *bare)
{
    mn_str text = mn_jid_bare(bare);
    struct user *u = user_find(o, text);
    char *copy;

    if (u)
        return u;
    u = mn_alloc0(sizeof *u + text.n);
    copy = (char *)(u + 1);
    memcpy(copy, text.p, text.n);
    u->owner = o;
    u->host = h;
    u->since = o->forgotten;
    u->jid = (struct mn_jid){copy, bare->user, bare->host, 0};
    mn_list_init(&u->idle);
    mn_list_init(&u->sessions);
    mn_list_init(&u->parked);
    mn_list_init(&u->parked_first);
    gate_init(&u->out);
    mn_map_put(&o->users, mn_jid_bare(&u->jid), u);
    load(u);
    return u;
}

void user_free(struct user *u)
{
    roster_free(&u->roster);
    block_free(u);
    unheard_free(&u->unheard);
    quota_free(u);
    mn_free(u);
}

/* Loading: one read of the store "user". */

struct then { /* in user->parked, beside routes */
    struct wait wait;
    void (*fn)(void *arg, struct user *u);
    void *arg;
    struct user *user;
};

/* A read that failed says nothing of the account, not even whether there is one: it is asked again,
 * and who waits for it waits on. */
struct again {
    struct mn_timer timer;
    struct user *user;
};
enum { AGAIN_MS = 200 };

static void load_read(struct user *u);
static void loaded(struct user *u);

static void again(struct mn_timer *t)
{
    struct again *a = MN_OF(t, struct again, timer);
    struct user *u = a->user;

    mn_free(a);
    if (u->owner->stopping)
        loaded(u); /* nobody comes any more */
    else
        load_read(u);
}

/* Made for a session, and no account in the store. */
static bool is_anonymous(const struct user *u)
{
    MN_LIST_EACH(n, &u->sessions)
    {
        if (MN_OF(n, struct session, link)->anonymous)
            return true;
    }
    return false;
}

static void load_done(struct store_read *r)
{
    struct user *u = r->arg;
    mn_str item = MN_STR(USER_ITEM), blocked = MN_STR(USER_BLOCKED);

    /* A session changed something while this was under way: memory is newer than what was read. */
    if (!r->result && r->sees < u->wrote) {
        store_read_free(r);
        load_read(u);
        return;
    }
    u->unreadable = r->result && r->result != MN_E_BUSY;
    roster_free(&u->roster);
    block_free(u);
    quota_free(u);
    u->exists = is_anonymous(u);
    u->disabled = u->fresh = false;
    u->motd = 0;
    if (r->result) {
        struct again *a = MN_NEW(struct again);

        a->user = u;
        a->timer.fire = again;
        mn_timer_start(u->owner->loop, &a->timer, AGAIN_MS);
        store_read_free(r);
        return;
    }
    for (size_t i = 0; i < r->count; i++) {
        struct store_row *row = &r->rows[i];
        struct roster_item got;

        if (mn_str_is(row->key, USER_ACCOUNT))
            u->exists = !u->removed;
        else if (mn_str_is(row->key, USER_DISABLED))
            u->disabled = true;
        else if (mn_str_is(row->key, USER_VERSION) && row->value.n == 8)
            memcpy(&u->roster.version, row->value.p, 8);
        else if (mn_str_is(row->key, USER_NEW))
            u->fresh = true;
        else if (mn_str_is(row->key, USER_MOTD))
            (void)!mn_num_parse(row->value, UINT64_MAX, &u->motd);
        else if (mn_str_is(row->key, USER_QUOTA))
            quota_load(u, row->value);
        else if (mn_str_starts(row->key, item) &&
                 roster_record_parse(mn_str_skip(row->key, item.n), row->value, &got))
            roster_add(&u->roster, &got); /* keys are there once */
        else if (mn_str_starts(row->key, blocked))
            block_add(u, mn_str_skip(row->key, blocked.n));
    }
    store_read_free(r);
    loaded(u);
}

static void loaded(struct user *u)
{
    u->loaded = true;
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (s->endpoint)
            s->face->settled(s->endpoint);
    }
    user_unpark(u);
    user_let(u);
}

static void load_read(struct user *u)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_LIST;
    r->owner = mn_jid_bare(&u->jid);
    r->store = USER_STORE;
    r->key = MN_STR("");
    r->limit = ITEMS_MAX;
    r->done = load_done;
    r->arg = u;
    store_read(u->owner->writer, r, u->wrote);
}

static void load(struct user *u)
{
    user_need(u);
    user_park(u);
    u->loaded = false;
    load_read(u);
}

static void then_go(struct wait *w, int result)
{
    struct then *t = (struct then *)w;
    struct user *u = t->user;

    (void)result;
    t->fn(t->arg, u);
    mn_free(t);
    user_let(u);
}

void user_when_loaded(struct user *u, void (*then)(void *arg, struct user *u), void *arg)
{
    struct then *t;

    if (!user_is_parked(u)) {
        then(arg, u);
        return;
    }
    t = MN_NEW(struct then);
    user_need(u);
    t->wait.go = then_go;
    t->fn = then;
    t->arg = arg;
    t->user = u;
    mn_list_add(&u->parked, &t->wait.link);
}

void user_park(struct user *u)
{
    u->parked_for++;
}

bool user_is_parked(const struct user *u)
{
    return !u->loaded || u->parked_for || !mn_list_empty(&u->parked) ||
           !mn_list_empty(&u->parked_first);
}

void user_unpark(struct user *u)
{
    MN_ASSERT(u->parked_for);
    user_need(u);
    u->parked_for--;
    while (!u->parked_for && !(mn_list_empty(&u->parked_first) && mn_list_empty(&u->parked))) {
        struct mn_list *from = mn_list_empty(&u->parked_first) ? &u->parked : &u->parked_first;
        struct wait *w = MN_OF(from->next, struct wait, link);

        mn_list_del(&w->link);
        w->go(w, MN_E_OK);
    }
    user_let(u);
}

/* What leaves because of an uncommitted change. */

struct leaving {
    struct wait wait;
    struct user *user;
    struct session *session; /* a reference; NULL: only the ticket leaves */
    struct mn_stanza *st;
    struct ticket *ticket;
};

/* A change that was answered in memory is lost: what we hold is not what is stored. */
static void lost(struct user *u)
{
    u->removed = u->offline.known = false;
    if (u->loaded)
        load(u);
}

void users_lost(struct owner *o, uint64_t from)
{
    struct user *u;

    for (size_t at = 0; (u = mn_map_next(&o->users, &at));)
        if (u->wrote >= from)
            lost(u);
}

static void leave(struct wait *w, int result)
{
    struct leaving *l = (struct leaving *)w;
    struct user *u = l->user;

    if (!result && l->session)
        session_push(l->session, mn_stanza_ref(l->st));
    mn_stanza_unref(l->st);
    if (l->session)
        session_unref(l->session);
    ticket_done(l->ticket);
    mn_free(l);
    user_let(u);
}

bool user_is_clean(const struct user *u)
{
    return gate_open(&u->out) && u->wrote <= store_writer_done(u->owner->writer);
}

void user_act(struct user *u, struct wait *w)
{
    if (user_is_clean(u))
        w->go(w, MN_E_OK);
    else
        gate_wait(u->owner, &u->out, w, u->wrote);
}

static void leave_later(struct user *u, struct session *s, struct mn_stanza *st, struct ticket *t)
{
    struct leaving *l = MN_NEW(struct leaving);

    user_need(u);
    l->wait.go = leave;
    l->user = u;
    l->session = s ? session_ref(s) : NULL;
    l->st = st;
    l->ticket = t;
    gate_wait(u->owner, &u->out, &l->wait, u->wrote);
}

void user_wrote(struct user *u, uint64_t seq)
{
    u->wrote = seq;
    leave_later(u, NULL, NULL, ticket_part(u->owner));
}

void user_push(struct user *u, struct session *s, struct mn_stanza *st)
{
    if (user_is_clean(u))
        session_push(s, st);
    else
        leave_later(u, s, st, NULL);
}

void user_send(struct user *u, struct mn_stanza *st)
{
    router_send_part(st, ticket_part(u->owner), user_is_clean(u) ? 0 : u->wrote);
}

void user_read(struct user *u, const char *store, mn_str key, void (*done)(struct store_read *r),
               void *arg)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_GET;
    r->owner = mn_arena_str(&r->arena, mn_jid_bare(&u->jid));
    r->store = store;
    r->key = mn_arena_str(&r->arena, key);
    r->done = done;
    r->arg = arg;
    store_read(u->owner->writer, r, u->wrote);
}

/* Coming and going. */

bool user_is_of(const struct user *u, uint64_t moment)
{
    return u->since <= moment;
}

void user_created(struct user *u)
{
    u->exists = u->fresh = true;
    u->made++;
    u->removed = u->disabled = false;
    u->motd = 0;
    roster_free(&u->roster);
    block_free(u);
    quota_free(u);
}

static void sessions_end(struct user *u, const struct session *except, enum mn_stream_cond cond,
                         mn_str why)
{
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (s != except)
            session_kick(s, cond, why);
    }
}

void user_rekeyed(struct user *u)
{
    u->since = ++u->owner->accounts_changed;
}

void user_reset(struct user *u, const struct session *except)
{
    user_need(u);
    sessions_end(u, except, MN_STREAM_RESET, MN_STR("the password was changed"));
    user_let(u);
}

/* Whoever has proved who they are, but has no session yet, meets the flag there. */
void user_disable(struct user *u, bool disabled)
{
    struct store_writer *w = u->owner->writer;
    mn_str bare = mn_jid_bare(&u->jid);
    struct mn_arena a = {0};

    if (u->disabled == disabled)
        return;
    user_need(u);
    u->disabled = disabled;
    if (disabled) {
        sessions_end(u, NULL, MN_STREAM_NOT_AUTHORIZED, MN_STR("the account is disabled"));
        store_index_add(w, mn_jid_host(&u->jid), "disabled", mn_jid_user(&u->jid), bare,
                        MN_STR(""));
        user_wrote(u, store_set(w, bare, USER_STORE, MN_STR(USER_DISABLED),
                                mn_arena_fmt(&a, "%lld", (long long)mn_clock_wall())));
    } else {
        store_index_del(w, mn_jid_host(&u->jid), "disabled", mn_jid_user(&u->jid), bare,
                        MN_STR(""));
        user_wrote(u, store_del(w, bare, USER_STORE, MN_STR(USER_DISABLED)));
    }
    mn_arena_done(&a, NULL);
    user_let(u);
}

static void tell(struct user *u, const struct mn_jid *contact, enum mn_type type)
{
    struct mn_stanza *st = mn_stanza_new(MN_PRESENCE, type);

    mn_stanza_from(st, &u->jid);
    mn_stanza_to(st, contact);
    user_send(u, st);
}

/* RFC 6121 has no word on it; as if every item were removed first (XEP-0077, 3.2: contacts are
 * unsubscribed). */
void user_remove(struct user *u, struct session *except)
{
    struct session *asks = u->owner->now.session;
    struct roster_item item;
    struct mn_arena a = {0};

    user_need(u);
    sessions_end(u, except, MN_STREAM_NOT_AUTHORIZED, MN_STR("the account was removed"));
    presence_end_all(u);
    u->since = ++u->owner->accounts_changed;
    u->exists = false;
    u->removed = true;
    u->offline.known = false;
    store_index_del(u->owner->writer, mn_jid_host(&u->jid), "accounts", mn_jid_user(&u->jid),
                    mn_jid_bare(&u->jid), MN_STR(""));
    handled_drop(u->owner, mn_jid_bare(&u->jid));
    user_wrote(u, store_drop(u->owner->writer, mn_jid_bare(&u->jid)));
    /* Who asks ends with the account: its answer waits for no contact. */
    u->owner->now.session = NULL;
    for (uint32_t at = 0; roster_next(&u->roster, &at, &item);) {
        struct mn_jid contact;

        if (mn_jid_parse(item.jid, &a, &contact))
            continue;
        if (item.flags & (ROSTER_TO | ROSTER_PENDING_OUT))
            tell(u, &contact, MN_TYPE_UNSUBSCRIBE);
        if (item.flags & (ROSTER_FROM | ROSTER_PENDING_IN))
            tell(u, &contact, MN_TYPE_UNSUBSCRIBED);
    }
    u->owner->now.session = asks;
    unheard_free(&u->unheard);
    block_free(u);
    quota_free(u);
    roster_free(&u->roster);
    mn_arena_done(&a, NULL);
    user_let(u);
}

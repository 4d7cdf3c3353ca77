#include "server/presence.h"

#include "base/clock.h"
#include "base/num.h"
#include "server/block.h"
#include "server/directed.h"
#include "server/module.h"

/* Roster items. */

static struct mn_stanza *push_stanza(struct user *u, const struct roster_item *item)
{
    struct mn_stanza *st = mn_stanza_new(MN_IQ, MN_TYPE_SET);
    struct mn_elem *q = mn_elem_add(&st->arena, mn_stanza_body(st), MN_NS_ROSTER, "query");

    st->id = mn_arena_fmt(&st->arena, "push-%llx", (unsigned long long)u->roster.version);
    if (u->owner->snap->conf->roster.versioning)
        mn_elem_set(&st->arena, q, "ver",
                    mn_arena_fmt(&st->arena, "%llx", (unsigned long long)u->roster.version));
    roster_item_elem(&st->arena, q, item, !(item->flags & ROSTER_LISTED));
    mn_stanza_seal(st);
    return st;
}

void presence_item_changed(struct user *u, const struct roster_item *item, bool push)
{
    struct store_writer *w = u->owner->writer;
    struct mn_arena a = {0};
    mn_str key = mn_arena_fmt(&a, USER_ITEM "%.*s", MN_ARG(item->jid)), bare = mn_jid_bare(&u->jid);
    mn_str record = roster_record(item, &a);
    struct roster_item copy = {0};
    uint64_t seq;

    /* `item` may point into the block that is about to change. */
    MN_ASSERT(roster_record_parse(mn_arena_str(&a, item->jid), record, &copy));
    roster_put(&u->roster, &copy);
    seq = copy.flags ? store_set(w, bare, USER_STORE, key, record)
                     : store_del(w, bare, USER_STORE, key);
    if (push) {
        int64_t now = mn_clock_wall();

        u->roster.version =
            u->roster.version >= (uint64_t)now ? u->roster.version + 1 : (uint64_t)now;
        seq = store_set(w, bare, USER_STORE, MN_STR(USER_VERSION),
                        (mn_str){(char *)&u->roster.version, 8});
    }
    user_wrote(u, seq);
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);
        struct mn_stanza *st;

        if (!push || !s->interested)
            continue;
        st = push_stanza(u, &copy);
        mn_stanza_to(st, &s->jid);
        user_push(u, s, st);
    }
    mn_arena_done(&a, NULL);
}

/* Broadcast. */

struct flat *presence_flat(mn_str id, mn_str lang, mn_str payload)
{
    struct flat *f = mn_alloc(sizeof *f + id.n + lang.n + payload.n);
    const mn_str parts[] = {id, lang, payload};
    char *p = f->bytes;

    f->id = (uint32_t)id.n;
    f->lang = (uint32_t)lang.n;
    f->payload = (uint32_t)payload.n;
    for (size_t i = 0; i < MN_COUNT(parts); i++) {
        if (parts[i].n)
            memcpy(p, parts[i].p, parts[i].n);
        p += parts[i].n;
    }
    return f;
}

static mn_str part(struct mn_stanza *st, const char *p, uint32_t n)
{
    return n ? mn_arena_str(&st->arena, (mn_str){p, n}) : (mn_str){0};
}

/* That the session is there, for `to`: its last presence again, or (`mere`) no more than that. */
static struct mn_stanza *presence_of(const struct session *s, const struct mn_jid *to, bool mere)
{
    struct mn_stanza *st = mn_stanza_new(MN_PRESENCE, MN_TYPE_NONE);
    const struct flat *f = s->presence;

    mn_stanza_from(st, &s->jid);
    mn_stanza_to(st, to);
    if (f)
        st->id = part(st, f->bytes, f->id);
    if (f && !mere) {
        st->lang = part(st, f->bytes + f->id, f->lang);
        st->payload = part(st, f->bytes + f->id + f->lang, f->payload);
    }
    return st;
}

/* To every contact with any of `flags`, and to the own other available resources. */
static void broadcast(struct session *s, struct mn_stanza *st, unsigned flags)
{
    struct user *u = s->user;
    struct mn_arena a = {.pool = mn_loop_pool(u->owner->loop)};
    struct mn_jid *to = mn_arena_alloc(&a, (u->roster.count + 1) * sizeof *to);
    struct roster_item item;
    size_t count = 0;

    for (uint32_t at = 0; roster_next(&u->roster, &at, &item);)
        if (item.flags & flags && !mn_jid_parse(mn_arena_str(&a, item.jid), &a, &to[count]) &&
            !block_hits(u, &to[count]))
            count++;
    if (count)
        router_fan(st, to, count);
    mn_arena_done(&a, mn_loop_pool(u->owner->loop));
}

static void to_own(struct session *s, struct mn_stanza *st, bool self)
{
    MN_LIST_EACH(n, &s->user->sessions)
    {
        struct session *other = MN_OF(n, struct session, link);

        if (other->available && (self || other != s))
            session_write(other, st, &other->jid);
    }
}

/* The subscription requests that came while nobody could see them (RFC 6121 3.1.3), and those not
 * answered yet. */
static void requests_read(struct store_read *r)
{
    struct session *s = r->arg;

    /* Those that would be too much at once are shown another time. */
    for (size_t i = 0; i < r->count && s->user && s->available &&
                       session_queued(s) < (size_t)s->user->owner->snap->conf->limits.queue / 2;
         i++) {
        struct mn_stanza *st;

        if (!mn_stanza_load(r->rows[i].value, &st) && !block_hits(s->user, &st->from))
            session_write(s, st, NULL);
        mn_stanza_unref(st);
    }
    store_read_free(r);
    session_unref(s);
}

static void requests_show(struct session *s)
{
    struct roster_item item;
    bool some = false;

    for (uint32_t at = 0; roster_next(&s->user->roster, &at, &item);)
        some |= item.flags & ROSTER_PENDING_IN;
    if (some) {
        struct store_read *r = store_read_new();

        r->kind = STORE_LIST;
        r->owner = mn_arena_str(&r->arena, mn_jid_bare(&s->user->jid));
        r->store = "requests";
        r->key = MN_STR("");
        r->done = requests_read;
        r->arg = session_ref(s);
        store_read(s->user->owner->writer, r, s->user->wrote);
    }
}

static bool priority_of(const struct mn_stanza *st, int8_t *out)
{
    struct mn_arena a = {0};
    mn_str text = mn_str_trim(mn_elem_child_text(st->elem, MN_NS_CLIENT, "priority", &a));
    int64_t v = 0;
    bool ok = !text.n || mn_num_parse_int(text, -128, 127, &v);

    *out = (int8_t)v;
    mn_arena_done(&a, NULL);
    return ok;
}

static void first_presence(struct session *s)
{
    struct mn_stanza *probe = mn_stanza_new(MN_PRESENCE, MN_TYPE_PROBE);

    mn_stanza_from(probe, &s->jid);
    broadcast(s, probe, ROSTER_TO);
    mn_stanza_unref(probe);
    MN_LIST_EACH(n, &s->user->sessions)
    {
        struct session *other = MN_OF(n, struct session, link);

        if (other != s && other->available)
            session_give(s, presence_of(other, &s->jid, false));
    }
    requests_show(s);
}

static void available(struct session *s, struct mn_stanza *st)
{
    bool first = !s->available, could = s->available && s->priority >= 0;
    int8_t priority;

    if (!priority_of(st, &priority)) {
        session_give(s, mn_stanza_error(st, MN_COND_BAD_REQUEST,
                                        MN_STR("priority must be from -128 to 127")));
        return;
    }
    mn_free(s->presence);
    s->presence = presence_flat(st->id, st->lang, st->payload);
    s->priority = priority;
    s->available = true;
    s->succeeds = false;
    to_own(s, st, true);
    broadcast(s, st, ROSTER_FROM);
    if (first)
        first_presence(s);
    if (!could && priority >= 0)
        HOOK_RUN(s->user->owner->srv, session_ready, s);
}

static void unavailable(struct session *s, struct mn_stanza *st)
{
    bool was = s->available;

    if (was) {
        broadcast(s, st, ROSTER_FROM);
        to_own(s, st, true);
    }
    s->available = s->succeeds = false;
    if (was)
        HOOK_RUN(s->user->owner->srv, session_unavailable, s, st);
    s->priority = 0;
    mn_free(s->presence);
    s->presence = NULL;
    directed_end(s, st);
}

void presence_end(struct session *s)
{
    struct mn_stanza *st;

    if (!s->available && !s->directed)
        return;
    st = mn_stanza_new(MN_PRESENCE, MN_TYPE_UNAVAILABLE);
    mn_stanza_from(st, &s->jid);
    unavailable(s, st);
    mn_stanza_unref(st);
}

void presence_end_all(struct user *u)
{
    MN_LIST_EACH(n, &u->sessions)
    presence_end(MN_OF(n, struct session, link));
}

/* Subscriptions going out. */

void presence_hide_from(struct session *s, const struct mn_jid *to)
{
    struct mn_stanza *st = mn_stanza_new(MN_PRESENCE, MN_TYPE_UNAVAILABLE);

    mn_stanza_from(st, &s->jid);
    mn_stanza_to(st, to);
    user_send(s->user, st);
}

/* Our presence of all resources to somebody, or its end. */
static void show(struct user *u, const struct mn_jid *to, bool on)
{
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (s->available && on)
            user_send(u, presence_of(s, to, false));
        else if (s->available)
            presence_hide_from(s, to);
    }
}

void presence_show(struct user *u, const struct mn_jid *contact)
{
    show(u, contact, true);
}

void presence_hide(struct user *u, const struct mn_jid *contact)
{
    show(u, contact, false);
}

static void forget_request(struct user *u, mn_str contact)
{
    user_wrote(u, store_del(u->owner->writer, mn_jid_bare(&u->jid), "requests", contact));
}

/* A request is kept by its recipient until it is answered, so strangers must not make it long (RFC
 * 6121 3.1.3). */
enum { REQUEST_MAX = 16 << 10 };

static void refuse_out(struct session *s, struct mn_stanza *st, enum mn_cond cond, const char *why)
{
    session_give(s, mn_stanza_error(st, cond, mn_str_from(why)));
    mn_stanza_unref(st);
}

bool presence_roster_full(const struct user *u)
{
    return u->roster.count - u->roster.unlisted >= (size_t)u->owner->snap->conf->roster.max_items;
}

static void subscription_out(struct session *s, struct mn_stanza *st)
{
    struct user *u = s->user;
    struct mn_jid bare = mn_jid_to_bare(&st->to), from = mn_jid_to_bare(&s->jid);
    struct roster_item item;
    unsigned was, acts;

    if (mn_str_eq(mn_jid_bare(&bare), mn_jid_bare(&u->jid))) {
        mn_stanza_unref(st);
        return;
    }
    if (st->type == MN_TYPE_SUBSCRIBE && st->payload.n > REQUEST_MAX) {
        refuse_out(s, st, MN_COND_POLICY_VIOLATION, "the request is too long");
        return;
    }
    roster_find(&u->roster, mn_jid_bare(&bare), &item);
    was = item.flags;
    acts = roster_outbound((enum mn_type)st->type, u->owner->snap->conf->roster.preapproval,
                           &item.flags);
    if (!(was & ROSTER_LISTED) && item.flags & ROSTER_LISTED && presence_roster_full(u)) {
        refuse_out(s, st, MN_COND_RESOURCE_CONSTRAINT, "the roster is full");
        return;
    }
    mn_stanza_from(st, &from);
    mn_stanza_to(st, &bare);
    if (acts & ROSTER_FORGET)
        forget_request(u, mn_jid_bare(&bare));
    if (item.flags != was)
        presence_item_changed(u, &item, acts & ROSTER_PUSH);
    if (st->type == MN_TYPE_UNSUBSCRIBED && was & ROSTER_FROM)
        show(u, &bare, false);
    if (acts & ROSTER_ROUTE)
        user_send(u, mn_stanza_ref(st));
    if (st->type == MN_TYPE_SUBSCRIBED && item.flags & ~was & ROSTER_FROM)
        show(u, &bare, true);
    mn_stanza_unref(st);
}

static bool is_subscription(const struct mn_stanza *st)
{
    return st->type >= MN_TYPE_SUBSCRIBE && st->type <= MN_TYPE_UNSUBSCRIBED;
}

static void directed(struct session *s, struct mn_stanza *st)
{
    unsigned flags = roster_flags(&s->user->roster, mn_jid_bare(&st->to));
    bool may = true;

    /* Those who get our broadcasts need no note while we are available (RFC 6121 4.6.2). */
    if (st->type == MN_TYPE_NONE && !(flags & ROSTER_FROM && s->available))
        may = directed_note(s, &st->to);
    else if (st->type == MN_TYPE_UNAVAILABLE)
        directed_forget(s, &st->to);
    if (may)
        router_out(s, st);
    else
        refuse_out(s, st, MN_COND_RESOURCE_CONSTRAINT, "too many see this resource already");
}

void presence_out(struct session *s, struct mn_stanza *st)
{
    bool nobody = mn_jid_none(&st->to);

    if (st->type == MN_TYPE_BAD ||
        (nobody && st->type != MN_TYPE_NONE && st->type != MN_TYPE_UNAVAILABLE)) {
        if (st->type != MN_TYPE_ERROR && st->type != MN_TYPE_PROBE)
            session_give(s, mn_stanza_error(st, MN_COND_BAD_REQUEST, MN_STR("no such presence")));
        mn_stanza_unref(st);
    } else if (nobody) {
        if (st->type == MN_TYPE_NONE)
            available(s, st);
        else
            unavailable(s, st);
        mn_stanza_unref(st);
    } else if (is_subscription(st)) {
        subscription_out(s, st);
    } else if (st->type == MN_TYPE_PROBE) {
        router_out(s, st);
    } else {
        directed(s, st);
    }
}

/* Coming in. */

/* The id is that of what is answered (RFC 6120 8.1.3). */
void presence_answer(struct user *u, const struct mn_stanza *st, enum mn_type type)
{
    struct mn_stanza *answer = mn_stanza_reply(st, type);
    struct mn_jid asker = mn_jid_to_bare(&st->from);

    mn_stanza_from(answer, &u->jid);
    mn_stanza_to(answer, &asker);
    user_send(u, answer);
}

/* RFC 6121 3: requests and answers reach the interested resources, or the available ones for
 * requests. */
static void subscription_deliver(struct user *u, struct mn_stanza *st)
{
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (st->type == MN_TYPE_SUBSCRIBE ? s->available : s->interested)
            user_push(u, s, mn_stanza_ref(st));
    }
}

static void keep_request(struct user *u, const struct mn_stanza *st)
{
    struct mn_buf b = {0};

    mn_stanza_write(&b, st, NULL);
    user_wrote(u, store_set(u->owner->writer, mn_jid_bare(&u->jid), "requests",
                            mn_jid_bare(&st->from), mn_buf_view(&b)));
    mn_buf_free(&b);
}

static void subscription_in(struct route *r)
{
    struct user *u = r->user;
    struct mn_stanza *st = mn_stanza_wrap(r->st);
    struct mn_jid from = mn_jid_to_bare(&st->from), own = u->jid;
    struct roster_item item;
    unsigned was, acts;

    roster_find(&u->roster, mn_jid_bare(&from), &item);
    was = item.flags;
    if (!was && u->roster.unlisted >= (size_t)u->owner->snap->conf->roster.max_requests) {
        mn_stanza_unref(st);
        route_finish(r);
        return;
    }
    acts = roster_inbound((enum mn_type)st->type, &item.flags);
    st->from = from;
    st->to = own;
    if (acts & ROSTER_KEEP)
        keep_request(u, st);
    if (acts & ROSTER_FORGET)
        forget_request(u, mn_jid_bare(&from));
    if (acts & ROSTER_ROUTE)
        subscription_deliver(u, st);
    if (item.flags != was)
        presence_item_changed(u, &item, acts & ROSTER_PUSH);
    if (acts & ROSTER_REPLY && st->type == MN_TYPE_SUBSCRIBE) {
        presence_answer(u, st, MN_TYPE_SUBSCRIBED);
        show(u, &from, true);
    } else if (acts & ROSTER_REPLY) {
        if (was & ROSTER_FROM)
            show(u, &from, false);
        presence_answer(u, st, MN_TYPE_UNSUBSCRIBED);
    }
    mn_stanza_unref(st);
    route_hold(r);
}

bool presence_subscriber(const struct user *u, const struct mn_jid *who)
{
    struct mn_jid bare = mn_jid_to_bare(who);

    return mn_str_eq(mn_jid_bare(&bare), mn_jid_bare(&u->jid)) ||
           roster_flags(&u->roster, mn_jid_bare(&bare)) & ROSTER_FROM;
}

/* RFC 6121 4.3.2 and 4.6.6: subscribers hear all of every resource, or that the one they name is
 * there; who got directed presence hears that this resource is there. */
static void probe_in(struct route *r)
{
    const struct mn_stanza *st = r->st;
    bool full = st->to.resource, subscriber = presence_subscriber(r->user, &st->from), told = false;

    MN_LIST_EACH(n, &r->user->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if ((full && !session_is(s, mn_jid_resource(&st->to))) ||
            !(subscriber ? s->available : directed_to(s, &st->from)))
            continue;
        router_send(presence_of(s, &st->from, full || !subscriber));
        told = true;
    }
    if (!told && subscriber)
        router_send(mn_stanza_reply(st, MN_TYPE_UNAVAILABLE));
    else if (!told)
        presence_answer(r->user, st, MN_TYPE_UNSUBSCRIBED);
    route_finish(r);
}

void presence_in(struct route *r)
{
    struct mn_stanza *st = r->st;

    if (is_subscription(st)) {
        subscription_in(r);
        return;
    }
    if (st->type == MN_TYPE_PROBE) {
        probe_in(r);
        return;
    }
    MN_LIST_EACH(n, &r->user->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (st->to.resource && !session_is(s, mn_jid_resource(&st->to)))
            continue;
        if (st->type == MN_TYPE_UNAVAILABLE)
            directed_forget(s, &st->from); /* RFC 6121 4.6.1 */
        /* What goes wrong with a subscription comes back to the bare address. */
        if (st->to.resource || s->available || (st->type == MN_TYPE_ERROR && s->interested))
            session_write(s, st, NULL);
    }
    route_finish(r);
}

/* Resumable sessions over a restart (decision D3). At the end each session that lost its stream is
 * written down whole: counters, queue, presence, who got directed presence; at the start all of
 * them are there again before anybody can ask, and wait for their clients. The record goes when its
 * client is back or the session ends; until then a crash leaves what there was before.
 *
 * Owner's store "sm", key = SM-ID; index "sm" of the host names them all. The record: version, then
 * numbers of 8 bytes as this machine has them, and texts as length and bytes. A message that
 * several sessions of the account have stands in the record of each with the same number. */
#include "base/clock.h"
#include "server/handled.h"
#include "server/presence.h"
#include "server/server.h"
#include "server/sm.h"

enum { VERSION = 4, OLDEST = 2, GRACE_MS = 60000 };
enum { AVAILABLE = 1, INTERESTED = 2, CARBONS = 4, BLOCKLIST = 8 };
/* Of a message: nobody else has it, or somebody has acknowledged it; anything else is the number of
 * those who share it. */
enum { ALONE, HAD };

static void put(struct mn_buf *b, const void *p, size_t n)
{
    mn_buf_str(b, (mn_str){p, n});
}

static void put_number(struct mn_buf *b, int64_t v)
{
    put(b, &v, sizeof v);
}

static void put_text(struct mn_buf *b, mn_str s)
{
    put_number(b, (int64_t)s.n);
    mn_buf_str(b, s);
}

static bool take_number(mn_str *s, int64_t *v)
{
    if (s->n < sizeof *v)
        return false;
    memcpy(v, s->p, sizeof *v);
    *s = mn_str_skip(*s, sizeof *v);
    return true;
}

static bool take_text(mn_str *s, mn_str *out)
{
    int64_t n;

    if (!take_number(s, &n) || n < 0 || (uint64_t)n > s->n)
        return false;
    *out = (mn_str){s->p, (size_t)n};
    *s = mn_str_skip(*s, (size_t)n);
    return true;
}

/* Unlike that of any other message of the account: nothing is made while its sessions are written
 * down. */
static int64_t number_of(const struct sm_shared *shared)
{
    return !shared ? ALONE : shared->had ? HAD : (int64_t)(uintptr_t)shared;
}

static void write_down(struct session *s)
{
    struct sm *m = s->sm;
    struct user *u = s->user;
    struct store_writer *w = u->owner->writer;
    struct mn_buf b = {0};
    mn_str id = mn_str_from(m->id), jid;
    size_t at = 0;

    put_number(&b, VERSION);
    put_text(&b, mn_jid_resource(&s->jid));
    put_number(&b, sm_handled(s));
    put_number(&b, m->sent);
    put_number(&b, m->acked);
    put_number(&b, m->max);
    put_number(&b, m->until);
    put_number(&b, (s->available ? AVAILABLE : 0) | (s->interested ? INTERESTED : 0) |
                       (s->carbons ? CARBONS : 0) | (s->blocklist ? BLOCKLIST : 0));
    put_number(&b, s->priority);
    put_number(&b, s == u->offline.to ? (int64_t)u->offline.upto : 0);
    if (s->available) {
        const struct flat *f = s->presence;

        put_text(&b, (mn_str){f->bytes, f->id});
        put_text(&b, (mn_str){f->bytes + f->id, f->lang});
        put_text(&b, (mn_str){f->bytes + f->id + f->lang, f->payload});
    }
    while (presence_directed_next(s, &at, &jid))
        put_text(&b, jid);
    put_text(&b, MN_STR(""));
    for (const struct sm_item *i = m->first; i; i = i->next) {
        put_number(&b, i->time);
        put_number(&b, number_of(i->shared));
        put_number(&b, i->shared ? (int64_t)i->shared->number : 0);
        put_text(&b, (mn_str){i->bytes, i->n});
    }
    store_set(w, mn_jid_bare(&u->jid), "sm", id, mn_buf_view(&b));
    store_index_add(w, mn_jid_host(&u->jid), "sm", id, mn_jid_bare(&u->jid), id);
    mn_buf_free(&b);
}

static void record_del(const struct session *s)
{
    struct store_writer *w = s->user->owner->writer;
    mn_str id = mn_str_from(s->sm->id), bare = mn_jid_bare(&s->jid);

    store_index_del(w, mn_jid_host(&s->jid), "sm", id, bare, id);
    user_wrote(s->user, store_del(w, bare, "sm", id));
}

struct leaving {
    struct wait wait;
    struct session *session; /* a reference */
};

static void left(struct wait *w, int result)
{
    struct leaving *l = MN_OF(w, struct leaving, wait);

    if (l->session->sm)
        l->session->sm->record = result ? SM_RECORD_STALE : SM_NO_RECORD;
    session_unref(l->session);
    mn_free(l);
}

bool sm_record_over(struct session *s)
{
    if (s->sm->record == SM_RECORD) {
        struct leaving *l = MN_NEW(struct leaving);

        l->wait.go = left;
        l->session = session_ref(s);
        s->sm->record = SM_RECORD_LEAVING;
        record_del(s);
        user_act(s->user, &l->wait);
    }
    return s->sm->record != SM_RECORD_LEAVING;
}

void sm_record_end(const struct session *s)
{
    if (s->sm && s->sm->record)
        record_del(s);
}

static bool keep_of(struct user *u)
{
    bool some = false;

    user_need(u);
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (s->sm && s->sm->resumable && !s->endpoint) {
            write_down(s);
            session_forget(s);
            some = true;
        }
    }
    user_let(u);
    return some;
}

/* An account that nobody needs any more may leave the map, and with it the order: so once more when
 * there was something. */
void sm_keep_all(struct owner *o)
{
    bool some;

    do {
        struct user *u;

        some = false;
        for (size_t at = 0; (u = mn_map_next(&o->users, &at));)
            some |= keep_of(u);
    } while (some);
}

/* The start. */

struct sm_start {
    struct server *srv;
    unsigned under_way;   /* reads */
    struct mn_map groups; /* account and number -> struct group */
};

struct group {
    struct sm_shared *shared;
    mn_str key;
    char bytes[];
};

/* The one that goes by this number in the account's records; the caller is a holder. */
static struct sm_shared *shared_of(struct sm_start *start, const struct user *u, int64_t number)
{
    struct mn_buf key = {0};
    struct group *g;

    mn_buf_fmt(&key, "%llx %.*s", (unsigned long long)number, MN_ARG(mn_jid_bare(&u->jid)));
    g = mn_map_get(&start->groups, mn_buf_view(&key));
    if (!g) {
        g = mn_alloc(sizeof *g + key.n);
        memcpy(g->bytes, key.p, key.n);
        g->key = (mn_str){g->bytes, key.n};
        g->shared = sm_shared_new();
        mn_map_put(&start->groups, g->key, g);
    }
    mn_buf_free(&key);
    g->shared->holders++;
    return g->shared;
}

static void groups_free(struct sm_start *start)
{
    struct group *g;
    size_t at = 0;

    while ((g = mn_map_next(&start->groups, &at))) {
        sm_shared_let(g->shared, false);
        mn_free(g);
    }
    mn_map_free(&start->groups);
}

static bool restore(struct sm_start *start, struct user *u, mn_str id, mn_str r)
{
    mn_str resource, text, presence[3];
    int64_t version, in, sent, acked, max, until, flags, priority, upto = 0, now = mn_clock_wall();
    struct mn_arena a = {0};
    struct session *s;
    struct sm *m;

    if (!take_number(&r, &version) || version < OLDEST || version > VERSION ||
        !take_text(&r, &resource) || !take_number(&r, &in) || !take_number(&r, &sent) ||
        !take_number(&r, &acked) || !take_number(&r, &max) || max < 1 || !take_number(&r, &until) ||
        !take_number(&r, &flags) || !take_number(&r, &priority) ||
        (version > 3 && !take_number(&r, &upto)) || !u->exists || id.n != sizeof m->id - 1)
        return false;
    for (int i = 0; i < 3 && flags & AVAILABLE; i++)
        if (!take_text(&r, &presence[i]))
            return false;
    s = session_new(u, resource, NULL, NULL);
    sm_enable(s, (uint32_t)max);
    m = s->sm;
    memcpy(m->id, id.p, id.n);
    m->record = SM_RECORD;
    handled_rename(s, m->id);
    s->in_count = (uint32_t)in;
    handled_settled(s);
    m->told = m->due = (uint32_t)in;
    m->sent = m->acked = (uint32_t)acked;
    s->interested = flags & INTERESTED;
    s->available = flags & AVAILABLE;
    s->carbons = flags & CARBONS;
    s->blocklist = flags & BLOCKLIST;
    s->priority = (int8_t)priority;
    if (s->available)
        s->presence = presence_flat(presence[0], presence[1], presence[2]);
    while (take_text(&r, &text) && text.n) {
        struct mn_jid to;

        if (!mn_jid_parse(text, &a, &to))
            presence_directed_add(s, &to);
    }
    mn_arena_done(&a, NULL);
    for (int64_t time, number, in_log = 0; take_number(&r, &time) && take_number(&r, &number) &&
                                           (version < 4 || take_number(&r, &in_log)) &&
                                           take_text(&r, &text);) {
        struct sm_shared *shared = number == ALONE ? NULL
                                   : number == HAD ? sm_shared_new()
                                                   : shared_of(start, u, number);

        if (shared && in_log)
            shared->number = (uint64_t)in_log;
        sm_push(m, time, text, shared);
        sm_shared_let(shared, number == HAD);
    }
    if (upto) { /* those are in the log still */
        u->offline.to = s;
        u->offline.upto = (uint64_t)upto;
    }
    /* The clock may have been set back meanwhile. */
    until = until > now + max * 1000 ? now + max * 1000 : until;
    sm_wait(s, until < now + GRACE_MS ? GRACE_MS : until - now);
    return true;
}

struct coming {
    struct owner *owner;
    struct user *user;
    struct sm_start *start;
    mn_str id;
    char bytes[];
};

static void record_ask(struct coming *c);

/* Nothing of them is touched: the next start finds them. */
static void unreadable(int why)
{
    static struct mn_log_rate rate;

    if (mn_log_rate(&rate, 3, 10000))
        mn_log_error(NULL, "sessions of before the restart could not be read",
                     MN_FC("why", mn_err_text(why)),
                     MN_FC("do", "see what the disk has and start again: until then the messages "
                                 "that their clients had not acknowledged wait in the database"));
}

static void record_read(struct store_read *r)
{
    struct coming *c = r->arg;
    struct store_writer *w = c->owner->writer;
    mn_str bare = mn_jid_bare(&c->user->jid);

    if (r->result == MN_E_BUSY) { /* there are more sessions than reads can wait */
        store_read_free(r);
        record_ask(c);
        return;
    }
    if (r->result)
        unreadable(r->result);
    if (!r->result && !(r->count && restore(c->start, c->user, c->id, r->rows[0].value))) {
        store_del(w, bare, "sm", c->id);
        store_index_del(w, mn_jid_host(&c->user->jid), "sm", c->id, bare, c->id);
    }
    c->start->under_way--;
    store_read_free(r);
    user_let(c->user);
    mn_free(c);
}

static void record_ask(struct coming *c)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_GET;
    r->owner = mn_arena_str(&r->arena, mn_jid_bare(&c->user->jid));
    r->store = "sm";
    r->key = mn_arena_str(&r->arena, c->id);
    r->done = record_read;
    r->arg = c;
    store_read(c->owner->writer, r, 0);
}

static void user_there(void *arg, struct user *u)
{
    struct coming *c = arg;

    user_need(u);
    c->user = u;
    record_ask(c);
}

static void page_read(struct store_read *r);

static void page_ask(struct sm_start *start, const struct host *h, const struct store_row *from)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_INDEX;
    r->owner = h->name;
    r->store = "sm";
    if (from)
        r->from = (struct store_row){.term = mn_arena_str(&r->arena, from->term),
                                     .owner = mn_arena_str(&r->arena, from->owner),
                                     .key = mn_arena_str(&r->arena, from->key)};
    r->limit = 200;
    r->done = page_read;
    r->arg = start;
    start->under_way++;
    store_read(start->srv->owners[0]->writer, r, 0);
}

static void page_read(struct store_read *r)
{
    struct sm_start *start = r->arg;
    struct mn_arena a = {0};

    for (size_t i = 0; i < r->count; i++) {
        const struct store_row *row = &r->rows[i];
        struct coming *c = mn_alloc0(sizeof *c + row->key.n);
        struct mn_jid j;

        memcpy(c->bytes, row->key.p, row->key.n);
        c->id = (mn_str){c->bytes, row->key.n};
        c->start = start;
        c->owner = owner_of(start->srv, row->owner);
        if (mn_jid_parse(row->owner, &a, &j)) {
            mn_free(c);
            continue;
        }
        start->under_way++;
        owner_set_here(c->owner);
        user_when_loaded(user_get(c->owner, host_find(start->srv, mn_jid_host(&j)), &j), user_there,
                         c);
    }
    if (r->result == MN_E_BUSY)
        page_ask(start, host_find(start->srv, r->owner), r->from.term.p ? &r->from : NULL);
    else if (r->result)
        unreadable(r->result);
    else if (r->count == r->limit)
        page_ask(start, host_find(start->srv, r->owner), &r->rows[r->count - 1]);
    start->under_way--;
    store_read_free(r);
    mn_arena_done(&a, NULL);
}

void sm_restore_all(struct server *srv)
{
    struct sm_start start = {.srv = srv};

    for (size_t i = 0; i < srv->owners[0]->snap->host_count; i++)
        page_ask(&start, srv->owners[0]->snap->hosts[i], NULL);
    while (start.under_way)
        for (unsigned i = 0; i < srv->owner_count; i++) {
            owner_set_here(srv->owners[i]);
            mn_loop_turn(srv->owners[i]->loop, 1);
        }
    groups_free(&start);
    owner_set_here(NULL);
}

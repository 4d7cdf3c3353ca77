/* Resumable sessions over a restart (decision D3). At the end each session that lost its stream is
 * written down whole: counters, queue, presence, who got directed presence; at the start all of
 * them are there again before anybody can ask, and wait for their clients. The record goes when its
 * client is back or the session ends; until then a crash leaves what there was before.
 *
 * The record (sm_record.h has where it stands): version, then numbers of 8 bytes as this machine
 * has them, and texts as length and bytes. A message that several sessions of the account have
 * stands in the record of each with the same number. */
#include "base/clock.h"
#include "base/num.h"
#include "server/handled.h"
#include "server/presence.h"
#include "server/server.h"
#include "server/sm_record.h"

enum { VERSION = 4, OLDEST = 2, GRACE_MS = 60000, ROWS_MAX = 1 << 24 };
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
    struct mn_buf b = {0};
    mn_str jid;
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
    sm_record_write(s, mn_buf_view(&b));
    mn_buf_free(&b);
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
    struct mn_list ended; /* struct ended */
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

/* What stands in the record before the messages. */
struct head {
    int64_t version, in, sent, acked, max, until, flags, priority, upto;
    mn_str resource, presence[3];
};

static bool head_take(mn_str *r, struct head *h)
{
    *h = (struct head){0};
    if (!take_number(r, &h->version) || h->version < OLDEST || h->version > VERSION ||
        !take_text(r, &h->resource) || !take_number(r, &h->in) || !take_number(r, &h->sent) ||
        !take_number(r, &h->acked) || !take_number(r, &h->max) || h->max < 1 ||
        !take_number(r, &h->until) || !take_number(r, &h->flags) || !take_number(r, &h->priority) ||
        (h->version > 3 && !take_number(r, &h->upto)))
        return false;
    for (int i = 0; i < 3 && h->flags & AVAILABLE; i++)
        if (!take_text(r, &h->presence[i]))
            return false;
    return true;
}

static struct session *session_of(struct user *u, mn_str id, const struct head *h)
{
    struct session *s = session_new(u, h->resource, NULL, NULL);
    struct sm *m;

    sm_enable(s, (uint32_t)h->max);
    m = s->sm;
    memcpy(m->id, id.p, id.n);
    handled_rename(s, m->id);
    s->in_count = (uint32_t)h->in;
    handled_settled(s);
    m->told = m->due = (uint32_t)h->in;
    s->interested = h->flags & INTERESTED;
    s->available = h->flags & AVAILABLE;
    s->carbons = h->flags & CARBONS;
    s->blocklist = h->flags & BLOCKLIST;
    s->priority = (int8_t)h->priority;
    if (s->available)
        s->presence = presence_flat(h->presence[0], h->presence[1], h->presence[2]);
    if (h->upto) { /* those are in the log still */
        u->offline.to = s;
        u->offline.upto = (uint64_t)h->upto;
    }
    return s;
}

/* Who got directed presence. `s`: NULL when it has ended. */
static void directed_take(mn_str *r, struct session *s)
{
    struct mn_arena a = {0};
    struct mn_jid to;
    mn_str text;

    while (take_text(r, &text) && text.n)
        if (s && !mn_jid_parse(text, &a, &to))
            presence_directed_add(s, &to);
    mn_arena_done(&a, NULL);
}

/* What the rows beside the record say. */
struct beside {
    bool ended;
    uint32_t first, count;
    bool *had; /* of `count` messages from number `first` on */
};

static void beside_read(const struct store_read *r, struct beside *b)
{
    for (size_t i = 0; i < r->count; i++) {
        mn_str what;
        uint64_t at;

        mn_str_cut(r->rows[i].key, '/', &what);
        b->ended |= mn_str_is(what, "end");
        if (mn_num_parse(what, UINT32_MAX, &at) && (uint32_t)at - b->first < b->count)
            b->had[(uint32_t)at - b->first] = true;
    }
}

static void messages_take(struct sm_start *start, struct user *u, struct sm *m, mn_str r,
                          int64_t version, const struct beside *b)
{
    mn_str text;

    for (int64_t time, number, in_log = 0; take_number(&r, &time) && take_number(&r, &number) &&
                                           (version < 4 || take_number(&r, &in_log)) &&
                                           take_text(&r, &text);) {
        uint32_t nth = m->sent + 1 - b->first;
        bool had = number == HAD || (nth < b->count && b->had[nth]);
        struct sm_shared *shared = had               ? sm_shared_new()
                                   : number == ALONE ? NULL
                                                     : shared_of(start, u, number);

        if (shared && in_log)
            shared->number = (uint64_t)in_log;
        sm_push(m, time, text, shared);
        if (shared && !had)
            sm_record_place(shared, mn_str_from(m->id), m->sent);
        sm_shared_let(shared, had);
    }
}

struct ended { /* before the restart, and its messages have not all gone on */
    struct mn_list link;
    struct user *user;
    struct sm *sm;
};

static bool restore(struct sm_start *start, struct user *u, mn_str id,
                    const struct store_read *rows)
{
    mn_str r = rows->count ? rows->rows[0].value : MN_STR("");
    int64_t now = mn_clock_wall();
    struct beside b = {0};
    struct head h;
    struct session *s;
    struct sm *m;

    if (!head_take(&r, &h) || !u->exists || id.n != sizeof m->id - 1)
        return false;
    b.first = (uint32_t)h.acked + 1;
    b.count = (uint32_t)(r.n / (3 * sizeof(int64_t)));
    b.had = mn_alloc0(b.count + 1);
    beside_read(rows, &b);
    s = b.ended ? NULL : session_of(u, id, &h);
    m = s ? s->sm : sm_new(id);
    m->record = SM_RECORD;
    m->sent = m->acked = (uint32_t)h.acked;
    directed_take(&r, s);
    messages_take(start, u, m, r, h.version, &b);
    mn_free(b.had);
    if (!s) {
        struct ended *e = MN_NEW(struct ended);

        e->user = u;
        e->sm = m;
        user_need(u);
        mn_list_add(&start->ended, &e->link);
        return true;
    }
    /* The clock may have been set back meanwhile. */
    h.until = h.until > now + h.max * 1000 ? now + h.max * 1000 : h.until;
    sm_wait(s, h.until < now + GRACE_MS ? GRACE_MS : h.until - now);
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

    if (r->result == MN_E_BUSY) { /* there are more sessions than reads can wait */
        store_read_free(r);
        record_ask(c);
        return;
    }
    if (r->result)
        unreadable(r->result);
    if (!r->result && !restore(c->start, c->user, c->id, r))
        sm_record_drop(c->user, c->id);
    c->start->under_way--;
    store_read_free(r);
    user_let(c->user);
    mn_free(c);
}

static void record_ask(struct coming *c)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_LIST;
    r->owner = mn_arena_str(&r->arena, mn_jid_bare(&c->user->jid));
    r->store = "sm";
    r->key = mn_arena_str(&r->arena, c->id);
    r->limit = ROWS_MAX;
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

/* Who shares what is known now. */
static void ended_go_on(struct sm_start *start)
{
    MN_LIST_EACH(n, &start->ended)
    {
        struct ended *e = MN_OF(n, struct ended, link);

        owner_set_here(e->user->owner);
        sm_give_on(e->sm, e->user);
        user_let(e->user);
        mn_free(e);
    }
}

void sm_restore_all(struct server *srv)
{
    struct sm_start start = {.srv = srv};

    mn_list_init(&start.ended);
    for (size_t i = 0; i < srv->owners[0]->snap->host_count; i++)
        page_ask(&start, srv->owners[0]->snap->hosts[i], NULL);
    while (start.under_way)
        for (unsigned i = 0; i < srv->owner_count; i++) {
            owner_set_here(srv->owners[i]);
            mn_loop_turn(srv->owners[i]->loop, 1);
        }
    groups_free(&start);
    ended_go_on(&start);
    owner_set_here(NULL);
}

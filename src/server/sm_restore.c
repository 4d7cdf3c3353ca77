/* Sessions that were written down are there again at the start before anybody can ask, and wait for
 * their clients. */
#include "base/clock.h"
#include "base/num.h"
#include "server/directed.h"
#include "server/handled.h"
#include "server/presence.h"
#include "server/server.h"
#include "server/sm_record.h"

enum { GRACE_MS = 60000, ROWS_MAX = 1 << 24 };

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

struct sm_start {
    struct server *srv;
    unsigned under_way;    /* reads */
    struct mn_map groups;  /* account and number -> struct group */
    struct mn_list ended;  /* struct ended */
    struct mn_list coming; /* struct coming: its account is being read */
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
    if (!take_number(r, &h->version) || h->version < SM_RECORD_OLDEST ||
        h->version > SM_RECORD_VERSION || !take_text(r, &h->resource) || !take_number(r, &h->in) ||
        !take_number(r, &h->sent) || !take_number(r, &h->acked) || !take_number(r, &h->max) ||
        h->max < 1 || !take_number(r, &h->until) || !take_number(r, &h->flags) ||
        !take_number(r, &h->priority) || (h->version > 3 && !take_number(r, &h->upto)))
        return false;
    for (int i = 0; i < 3 && h->flags & SM_AVAILABLE; i++)
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
    s->interested = h->flags & SM_INTERESTED;
    s->available = h->flags & SM_AVAILABLE;
    s->carbons = h->flags & SM_CARBONS;
    s->blocklist = h->flags & SM_BLOCKLIST;
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
            (void)directed_note(s, &to);
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
        bool had = number == SM_HAD || (nth < b->count && b->had[nth]);
        struct sm_shared *shared = had                  ? sm_shared_new()
                                   : number == SM_ALONE ? NULL
                                                        : shared_of(start, u, number);
        struct sm_item *item;

        if (shared && in_log)
            shared->number = (uint64_t)in_log;
        item = sm_push(m, time, text, shared);
        item->at = m->sent; /* counts it now */
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
    struct mn_list link; /* in start->coming until the account is there */
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

    if (!c->start) { /* the start has not waited for it */
        mn_free(c);
        return;
    }
    mn_list_del(&c->link);
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
        c->user = user_get(c->owner, host_find(start->srv, mn_jid_host(&j)), &j);
        mn_list_add(&start->coming, &c->link);
        user_when_loaded(c->user, user_there, c);
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

/* Accounts that cannot be read keep nobody else from being served. */
static void unreadable_go(struct sm_start *start)
{
    unsigned some = 0;

    MN_LIST_EACH(n, &start->coming)
    some += MN_OF(n, struct coming, link)->user->unreadable;
    if (some < start->under_way)
        return;
    while (!mn_list_empty(&start->coming)) {
        struct coming *c = MN_OF(start->coming.next, struct coming, link);

        unreadable(MN_E_IO);
        mn_list_del(&c->link);
        c->start = NULL;
        start->under_way--;
    }
}

void sm_restore_all(struct server *srv)
{
    struct sm_start start = {.srv = srv};

    mn_list_init(&start.ended);
    mn_list_init(&start.coming);
    for (size_t i = 0; i < srv->owners[0]->snap->host_count; i++)
        page_ask(&start, srv->owners[0]->snap->hosts[i], NULL);
    while (start.under_way) {
        bool some = false;

        for (unsigned i = 0; i < srv->owner_count; i++) {
            owner_set_here(srv->owners[i]);
            some |= mn_loop_turn(srv->owners[i]->loop, 1);
        }
        if (!some) /* else there is more to come */
            unreadable_go(&start);
    }
    groups_free(&start);
    ended_go_on(&start);
    owner_set_here(NULL);
}

/* What others tell: records with the time until which they hold, the instances that follow from
 * them, questions. Of everybody the pointer and the TXT data are kept up (RFC 6762, 5.2). */
#include "net/mdns_parts.h"

#include "base/clock.h"

enum {
    RECORDS_MAX = 4000,
    PEERS_MAX = 500,
    TTL_MAX = 86400,
    GONE_MS = 1000, /* 10.1, 10.2: others may have something to say to it */
    QUERY_MS = 1000,
    TXT_TRIES = 3,
    REFRESHES = 4,
    DOUBT_MS = 10000,
    QUERY_ROOM = 1200 /* then the known answers go on in the next packet */
};

struct peer {
    struct mn_list link;
    mn_str name;
    struct mn_buf txt; /* as it was told */
    bool told, has_txt;
    unsigned tries; /* for TXT */
    int64_t next;
};

static mn_str label_of(mn_str name)
{
    mn_str rest;

    return mn_mdns_first(name, &rest);
}

static bool is_instance(const struct mn_mdns *m, mn_str name)
{
    mn_str rest;

    return mn_mdns_first(name, &rest).n && mn_str_eq_nocase(rest, m->service) &&
           !own_instance(m, name);
}

static struct peer *peer_find(const struct mn_mdns *m, mn_str name)
{
    MN_LIST_EACH(n, &m->peers)
    if (mn_str_eq_nocase(MN_OF(n, struct peer, link)->name, name))
        return MN_OF(n, struct peer, link);
    return NULL;
}

static void record_free(struct mn_mdns *m, struct record *c)
{
    mn_list_del(&c->link);
    m->record_count--;
    mn_free(c);
}

static void peer_free(struct mn_mdns *m, struct peer *p)
{
    mn_list_del(&p->link);
    m->peer_count--;
    mn_buf_free(&p->txt);
    mn_free(p);
}

struct record *cache_find(const struct mn_mdns *m, mn_str name, uint16_t type)
{
    struct record *best = NULL;

    MN_LIST_EACH(n, &m->records)
    {
        struct record *c = MN_OF(n, struct record, link);

        if (c->r.type == type && mn_str_eq_nocase(c->r.name, name) && (!best || c->at >= best->at))
            best = c;
    }
    return best;
}

static struct record *pointer_to(const struct mn_mdns *m, mn_str name)
{
    MN_LIST_EACH(n, &m->records)
    {
        struct record *c = MN_OF(n, struct record, link);

        if (c->r.type == MN_RR_PTR && mn_str_eq_nocase(c->r.data, name))
            return c;
    }
    return NULL;
}

/* What comes. */

static struct record *record_new(struct mn_mdns *m, unsigned via, const struct mn_mdns_record *r)
{
    struct record *c = mn_alloc0(sizeof *c + r->name.n + r->data.n);
    char *p = (char *)(c + 1);

    memcpy(p, r->name.p, r->name.n);
    if (r->data.n)
        memcpy(p + r->name.n, r->data.p, r->data.n);
    c->via = via;
    c->r = *r;
    c->r.name.p = p;
    c->r.data.p = p + r->name.n;
    mn_list_add(&m->records, &c->link);
    m->record_count++;
    return c;
}

static bool same_data(const struct mn_mdns_record *a, const struct mn_mdns_record *b)
{
    bool names = a->type == MN_RR_PTR || a->type == MN_RR_SRV;

    return names ? mn_str_eq_nocase(a->data, b->data) : mn_str_eq(a->data, b->data);
}

static void keep(struct mn_mdns *m, unsigned via, const struct mn_mdns_record *r)
{
    int64_t now = mn_clock_now(), ttl = r->ttl < TTL_MAX ? r->ttl : TTL_MAX;
    struct record *same = NULL;

    MN_LIST_EACH(n, &m->records)
    {
        struct record *c = MN_OF(n, struct record, link);

        if (c->via != via || c->r.type != r->type || !mn_str_eq_nocase(c->r.name, r->name))
            continue;
        if (same_data(&c->r, r))
            same = c;
        else if (r->flush && c->at < now - GONE_MS && c->until > now + GONE_MS)
            c->until = now + GONE_MS;
    }
    if (!same && ttl && m->record_count < RECORDS_MAX)
        same = record_new(m, via, r);
    if (!same)
        return;
    same->at = ttl ? now : same->at;
    same->asked = ttl ? 0 : REFRESHES;
    same->r.ttl = (uint32_t)ttl;
    same->until = now + (ttl ? ttl * 1000 : GONE_MS);
}

static void peer_add(struct mn_mdns *m, mn_str name)
{
    struct peer *p = mn_alloc0(sizeof *p + name.n);

    memcpy(p + 1, name.p, name.n);
    p->name = mn_str_make(p + 1, name.n);
    p->next = mn_clock_now() + mdns_lot(20, 120);
    mn_list_add(&m->peers, &p->link);
    m->peer_count++;
}

static void pointer_came(struct mn_mdns *m, unsigned via, const struct mn_mdns_record *r)
{
    if (!mn_str_eq_nocase(r->name, m->service) || !is_instance(m, r->data) || !m->browsing)
        return;
    if (!peer_find(m, r->data) && (!r->ttl || m->peer_count == PEERS_MAX))
        return;
    keep(m, via, r);
    if (!peer_find(m, r->data) && pointer_to(m, r->data))
        peer_add(m, r->data);
}

/* Some instance says that it is on that host. */
static bool is_host(const struct mn_mdns *m, mn_str name)
{
    MN_LIST_EACH(n, &m->records)
    {
        const struct record *c = MN_OF(n, struct record, link);

        if (c->r.type == MN_RR_SRV && mn_str_eq_nocase(mn_str_skip(c->r.data, 6), name))
            return true;
    }
    return false;
}

static void detail_came(struct mn_mdns *m, unsigned via, const struct mn_mdns_record *r)
{
    bool wanted = r->type == MN_RR_SRV
                      ? is_instance(m, r->name) &&
                            (peer_find(m, r->name) || lookup_wants(m, r->name, MN_RR_SRV))
                  : r->type == MN_RR_TXT ? is_instance(m, r->name) && peer_find(m, r->name)
                                         : false;

    if (wanted)
        keep(m, via, r);
    lookup_came(m, r);
}

/* Who is new, or says something else. */
static void peers_tell(struct mn_mdns *m)
{
    MN_LIST_EACH(n, &m->peers)
    {
        struct peer *p = MN_OF(n, struct peer, link);
        const struct record *c = cache_find(m, p->name, MN_RR_TXT);

        if (p->told && (!c || (p->has_txt && mn_str_eq(mn_buf_view(&p->txt), c->r.data))))
            continue;
        if (!c && !p->tries)
            continue; /* it is asked for first */
        mn_buf_clear(&p->txt);
        mn_buf_str(&p->txt, c ? c->r.data : (mn_str){0});
        p->told = true;
        p->has_txt = c;
        m->face->found(m->arg, label_of(p->name), mn_buf_view(&p->txt));
    }
}

void cache_heard(struct mn_mdns *m, struct link *l, const struct mn_mdns_msg *msg)
{
    for (size_t i = 0; i < msg->record_count; i++)
        if (msg->records[i].type == MN_RR_PTR)
            pointer_came(m, l->id, &msg->records[i]);
    for (size_t i = 0; i < msg->record_count; i++)
        detail_came(m, l->id, &msg->records[i]);
    for (size_t i = 0; i < msg->record_count; i++)
        if ((msg->records[i].type == MN_RR_A || msg->records[i].type == MN_RR_AAAA) &&
            is_host(m, msg->records[i].name))
            keep(m, l->id, &msg->records[i]);
    peers_tell(m);
}

/* What goes. */

static void peer_gone(struct mn_mdns *m, struct peer *p)
{
    struct mn_buf label = {0};
    bool told = p->told;

    MN_LIST_EACH(n, &m->records)
    {
        struct record *c = MN_OF(n, struct record, link);

        if (c->r.type != MN_RR_PTR && mn_str_eq_nocase(c->r.name, p->name))
            record_free(m, c);
    }
    mn_buf_str(&label, label_of(p->name));
    peer_free(m, p);
    if (told)
        m->face->gone(m->arg, mn_buf_view(&label));
    mn_buf_free(&label);
}

static void peers_sweep(struct mn_mdns *m)
{
    MN_LIST_EACH(n, &m->peers)
    {
        struct peer *p = MN_OF(n, struct peer, link);

        if (!pointer_to(m, p->name))
            peer_gone(m, p);
    }
}

void cache_link_gone(struct mn_mdns *m, unsigned via)
{
    MN_LIST_EACH(n, &m->records)
    if (MN_OF(n, struct record, link)->via == via)
        record_free(m, MN_OF(n, struct record, link));
    peers_sweep(m);
}

void cache_done(struct mn_mdns *m)
{
    while (!mn_list_empty(&m->peers))
        peer_free(m, MN_OF(m->peers.next, struct peer, link));
    while (!mn_list_empty(&m->records))
        record_free(m, MN_OF(m->records.next, struct record, link));
}

/* Questions. */

void cache_ask(struct questions *q, mn_str name, uint16_t type)
{
    for (size_t i = 0; i < q->count; i++)
        if (q->at[i].type == type && mn_str_eq_nocase(q->at[i].name, name))
            return;
    if (q->count == MN_COUNT(q->at))
        return;                                       /* the next time */
    q->at[q->count].name = mn_arena_str(&q->a, name); /* whoever it is about may go first */
    q->at[q->count++].type = type;
}

/* 7.1: what is known for more than half of its life yet. */
static void known_answers(struct mn_mdns *m, struct link *l, int64_t now, struct mn_mdns_out *o)
{
    MN_LIST_EACH(n, &m->records)
    {
        const struct record *c = MN_OF(n, struct record, link);
        struct mn_mdns_record r = c->r;
        int64_t left = c->until - now;

        if (c->via != l->id || r.type != MN_RR_PTR || left * 2 < (int64_t)r.ttl * 1000)
            continue;
        r.ttl = (uint32_t)(left / 1000);
        r.flush = false;
        if (o->b.n > QUERY_ROOM) {
            mn_mdns_truncated(o);
            mdns_send(m, l, NULL, o);
            mn_mdns_begin(o, 0, false);
        }
        mn_mdns_add(o, MN_MDNS_ANSWER, &r);
    }
}

static void ask(struct mn_mdns *m, const struct questions *q, int64_t now)
{
    MN_LIST_EACH(n, &m->links)
    {
        struct link *l = MN_OF(n, struct link, link);
        struct mn_mdns_out o = {{0}, {0}, 0};
        bool pointers = false;

        mn_mdns_begin(&o, 0, false);
        for (size_t i = 0; i < q->count; i++) {
            bool pointer = q->at[i].type == MN_RR_PTR;

            mn_mdns_ask(&o, q->at[i].name, q->at[i].type, false);
            pointers = pointers || pointer;
        }
        if (pointers) {
            answer_known(m, l, &o);
            known_answers(m, l, now, &o);
        }
        mdns_send(m, l, NULL, &o);
        mn_buf_free(&o.b);
    }
}

/* When it is asked for again: at 80, 85, 90 and 95 hundredths of its life. */
static int64_t refresh_at(const struct record *c)
{
    int64_t life = c->until - c->at;

    if (c->asked >= REFRESHES || (c->r.type != MN_RR_PTR && c->r.type != MN_RR_TXT))
        return NEVER;
    return c->at + life / 100 * (80 + 5 * (int64_t)c->asked);
}

static void records_tick(struct mn_mdns *m, int64_t now, struct questions *q)
{
    MN_LIST_EACH(n, &m->records)
    {
        struct record *c = MN_OF(n, struct record, link);

        if (c->until <= now) {
            record_free(m, c);
        } else if (refresh_at(c) <= now) {
            c->asked++;
            cache_ask(q, c->r.name, c->r.type);
        }
    }
}

static void peers_tick(struct mn_mdns *m, int64_t now, struct questions *q)
{
    MN_LIST_EACH(n, &m->peers)
    {
        struct peer *p = MN_OF(n, struct peer, link);

        if (p->has_txt)
            p->next = NEVER;
        if (p->next > now)
            continue;
        cache_ask(q, p->name, MN_RR_TXT);
        p->next = ++p->tries == TXT_TRIES ? NEVER : now + QUERY_MS * (int64_t)p->tries;
    }
}

/* 10.4. */
void mn_mdns_doubt(struct mn_mdns *m, mn_str instance)
{
    int64_t now = mn_clock_now();

    MN_LIST_EACH(n, &m->records)
    {
        struct record *c = MN_OF(n, struct record, link);

        if (c->r.type == MN_RR_SRV && mn_str_eq_nocase(label_of(c->r.name), instance))
            c->until = now;
        if (c->r.type != MN_RR_PTR || !mn_str_eq_nocase(label_of(c->r.data), instance))
            continue;
        c->at = now - 4 * DOUBT_MS; /* so that it is asked for at once, and three times more */
        c->until = c->until < now + DOUBT_MS ? c->until : now + DOUBT_MS;
        c->asked = 0;
    }
    mdns_schedule(m);
}

void mn_mdns_browse(struct mn_mdns *m)
{
    m->browsing = true;
    m->browse_gap = QUERY_MS;
    m->browse_next = mn_clock_now() + mdns_lot(20, 120); /* 5.2 */
    mdns_schedule(m);
}

int64_t cache_due(const struct mn_mdns *m)
{
    int64_t due = m->browse_next;

    MN_LIST_EACH(n, &m->records)
    {
        const struct record *c = MN_OF(n, struct record, link);
        int64_t at = refresh_at(c) < c->until ? refresh_at(c) : c->until;

        due = at < due ? at : due;
    }
    MN_LIST_EACH(n, &m->peers)
    due = MN_OF(n, struct peer, link)->next < due ? MN_OF(n, struct peer, link)->next : due;
    return due;
}

void cache_tick(struct mn_mdns *m, int64_t now)
{
    struct questions q = {.a = {.pool = mn_loop_pool(m->loop)}};

    if (m->browse_next <= now) {
        cache_ask(&q, m->service, MN_RR_PTR);
        m->browse_next = now + m->browse_gap;
        m->browse_gap = m->browse_gap * 3 < NEVER_MS ? m->browse_gap * 3 : NEVER_MS;
    }
    records_tick(m, now, &q);
    peers_sweep(m);
    peers_tick(m, now, &q);
    lookup_tick(m, now, &q);
    ask(m, &q, now);
    mn_arena_done(&q.a, mn_loop_pool(m->loop));
    peers_tell(m);
}

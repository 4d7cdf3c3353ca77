/* Our own side: names are probed for (RFC 6762, 8.1), announced (8.3), defended (9), and told to
 * who asks (6).
 *
 *   none -> publish -> probe three times, 250 ms apart -> announce twice, a second apart -> stands
 *             ^  ^ conflict while probing: the next name     conflict later: probe again  |
 *             '--'------------------------------------------------------------------------'
 *
 * The host's addresses may be told by other programs of this machine as well: they are no conflict,
 * and no good-bye is said for them. */
#include "net/mdns_parts.h"

#include <stdlib.h>

#include "base/clock.h"

enum {
    TTL_HOST = 120, /* RFC 6762, 10: what has a host's name in it */
    TTL_OTHER = 4500,
    TTL_LEGACY = 10,
    PROBES = 3,
    PROBE_MS = 250,
    ANNOUNCEMENTS = 2,
    ANNOUNCE_MS = 1000,
    DEFER_MS = 1000,
    CONFLICTS_MAX = 15, /* then slowly */
    SLOW_MS = 5000,
    MULTICAST = 5353
};

#define ANNOUNCED (OWN(SERVICE) | OWN(TYPES) | OWN(SRV) | OWN(TXT) | OWN(ADDR))

static uint32_t ttl_of(enum own x)
{
    return x == OWN_SRV || x == OWN_ADDR || x == OWN_HOST_NSEC ? TTL_HOST : TTL_OTHER;
}

/* Names. */

static void numbered(struct mn_buf *b, mn_str base, unsigned n, size_t most)
{
    char tail[16] = "";

    if (n)
        snprintf(tail, sizeof tail, "-%u", n);
    base.n = base.n + strlen(tail) > most ? most - strlen(tail) : base.n;
    mn_buf_clear(b);
    mn_buf_str(b, base);
    mn_buf_str(b, mn_str_from(tail));
}

static void names_make(struct mn_mdns *m)
{
    struct mn_buf label = {0};

    numbered(&m->named_machine, m->machine, m->machine_n, MN_MDNS_LABEL / 2);
    numbered(&m->named_user, m->user, m->user_n, MN_MDNS_LABEL - 1 - m->named_machine.n);
    mn_buf_str(&label, mn_buf_view(&m->named_user));
    mn_buf_c(&label, '@');
    mn_buf_str(&label, mn_buf_view(&m->named_machine));
    mn_buf_clear(&m->instance);
    mn_mdns_label(&m->instance, mn_buf_view(&label));
    mn_buf_str(&m->instance, m->service);
    mn_buf_clear(&m->host);
    mn_mdns_label(&m->host, mn_buf_view(&m->named_machine));
    mn_buf_str(&m->host, m->local);
    mn_buf_free(&label);
    m->named = false;
}

bool own_instance(const struct mn_mdns *m, mn_str name)
{
    return m->stage != STAGE_NONE && mn_str_eq_nocase(name, mn_buf_view(&m->instance));
}

static bool own_host(const struct mn_mdns *m, mn_str name)
{
    return m->stage != STAGE_NONE && mn_str_eq_nocase(name, mn_buf_view(&m->host));
}

/* Records. */

static mn_str addr_data(const struct mn_addr *a)
{
    return a->sa.sa_family == AF_INET6 ? mn_str_make(&a->v6.sin6_addr, 16)
                                       : mn_str_make(&a->v4.sin_addr, 4);
}

static uint16_t addr_type(const struct mn_addr *a)
{
    return a->sa.sa_family == AF_INET6 ? MN_RR_AAAA : MN_RR_A;
}

static mn_str srv_data(const struct mn_mdns *m, struct mn_buf *b)
{
    mn_buf_add(b, "\0\0\0\0", 4); /* priority and weight mean nothing here */
    mn_buf_c(b, (char)(m->port >> 8));
    mn_buf_c(b, (char)m->port);
    mn_buf_str(b, mn_buf_view(&m->host));
    return mn_buf_view(b);
}

/* RFC 6762, 6.1: the types that a name has, in the one window that there is. */
static mn_str nsec_data(mn_str name, const uint16_t *types, size_t count, struct mn_buf *b)
{
    unsigned char map[8] = {0};
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        map[types[i] / 8] |= (unsigned char)(0x80 >> types[i] % 8);
        n = types[i] / 8u + 1 > n ? types[i] / 8u + 1 : n;
    }
    mn_buf_str(b, name);
    mn_buf_c(b, 0);
    mn_buf_c(b, (char)n);
    mn_buf_add(b, map, n);
    return mn_buf_view(b);
}

static mn_str instance_nsec(const struct mn_mdns *m, struct mn_buf *b)
{
    uint16_t types[3] = {MN_RR_TXT, MN_RR_SRV, MN_RR_NULL};

    return nsec_data(mn_buf_view(&m->instance), types, m->icon.n ? 3 : 2, b);
}

static mn_str host_nsec(const struct mn_mdns *m, const struct link *l, struct mn_buf *b)
{
    uint16_t types[LINK_ADDRS];

    for (size_t i = 0; i < l->addr_count; i++)
        types[i] = addr_type(&l->addrs[i]);
    return nsec_data(mn_buf_view(&m->host), types, l->addr_count, b);
}

/* One of them as it stands on that link; several for OWN_ADDR, where `i` counts. False: no more. */
static bool own_record(const struct mn_mdns *m, const struct link *l, enum own x, size_t i,
                       struct mn_buf *b, struct mn_mdns_record *out)
{
    mn_str instance = mn_buf_view(&m->instance), host = mn_buf_view(&m->host);

    if (i && (x != OWN_ADDR || i >= l->addr_count))
        return false;
    mn_buf_clear(b);
    switch (x) {
    case OWN_SERVICE:
        *out = (struct mn_mdns_record){m->service, MN_RR_PTR, false, 0, instance};
        break;
    case OWN_TYPES:
        *out = (struct mn_mdns_record){m->types, MN_RR_PTR, false, 0, m->service};
        break;
    case OWN_SRV:
        *out = (struct mn_mdns_record){instance, MN_RR_SRV, true, 0, srv_data(m, b)};
        break;
    case OWN_TXT:
        *out = (struct mn_mdns_record){instance, MN_RR_TXT, true, 0, mn_buf_view(&m->txt)};
        break;
    case OWN_ICON:
        *out = (struct mn_mdns_record){instance, MN_RR_NULL, true, 0, mn_buf_view(&m->icon)};
        return m->icon.n > 0;
    case OWN_NSEC:
        *out = (struct mn_mdns_record){instance, MN_RR_NSEC, true, 0, instance_nsec(m, b)};
        break;
    case OWN_HOST_NSEC:
        *out = (struct mn_mdns_record){host, MN_RR_NSEC, true, 0, host_nsec(m, l, b)};
        break;
    default:
        *out = (struct mn_mdns_record){host, addr_type(&l->addrs[i]), true, 0,
                                       addr_data(&l->addrs[i])};
    }
    return true;
}

/* Those of `set` into a message. `ttl`: at most this. */
static void add(const struct mn_mdns *m, const struct link *l, unsigned set, enum mn_mdns_part part,
                uint32_t ttl, bool legacy, struct mn_mdns_out *o)
{
    struct mn_buf b = {0};
    struct mn_mdns_record r;

    for (enum own x = 0; x < OWN_COUNT; x++)
        for (size_t i = 0; set & 1u << x && own_record(m, l, x, i, &b, &r); i++) {
            r.ttl = ttl_of(x) < ttl ? ttl_of(x) : ttl;
            r.flush = r.flush && !legacy && part != MN_MDNS_AUTHORITY;
            mn_mdns_add(o, part, &r);
        }
    mn_buf_free(&b);
}

/* What goes along with an answer unasked (RFC 6763, 12). */
static unsigned more_of(unsigned set)
{
    unsigned more = 0;

    if (set & OWN(SERVICE))
        more |= OWN(SRV) | OWN(TXT) | OWN(ADDR);
    if (set & OWN(SRV))
        more |= OWN(ADDR);
    if (set & (OWN(SRV) | OWN(TXT)))
        more |= OWN(NSEC);
    if ((set | more) & OWN(ADDR))
        more |= OWN(HOST_NSEC);
    return more & ~set;
}

static void tell(struct mn_mdns *m, struct link *l, unsigned set, const struct mn_addr *to)
{
    struct mn_mdns_out o = {{0}, {0}, 0};
    int64_t now = mn_clock_now();

    mn_mdns_begin(&o, 0, true);
    add(m, l, set, MN_MDNS_ANSWER, UINT32_MAX, false, &o);
    add(m, l, more_of(set), MN_MDNS_MORE, UINT32_MAX, false, &o);
    for (enum own x = 0; !to && x < OWN_COUNT; x++)
        if (set & 1u << x)
            l->sent[x] = now;
    mdns_send(m, l, to, &o);
    mn_buf_free(&o.b);
}

/* Publishing. */

static void probe_from(struct mn_mdns *m, int64_t ms)
{
    m->stage = STAGE_PROBE;
    m->left = PROBES;
    m->next = mn_clock_now() + ms;
}

void mn_mdns_publish(struct mn_mdns *m, mn_str user, mn_str machine, uint16_t port, mn_str txt)
{
    m->user = mn_arena_str(&m->a, user);
    m->machine = mn_arena_str(&m->a, machine);
    m->port = port;
    m->user_n = m->machine_n = m->conflicts = 0;
    m->stage = STAGE_PROBE;
    names_make(m);
    mn_mdns_txt(m, txt);
    probe_from(m, mdns_lot(0, PROBE_MS));
    mdns_schedule(m);
}

void mn_mdns_txt(struct mn_mdns *m, mn_str txt)
{
    mn_str kept = txt.n && txt.n <= MN_MDNS_TXT ? txt : mn_str_make("", 1); /* RFC 6763, 6.1 */

    if (mn_str_eq(mn_buf_view(&m->txt), kept))
        return;
    mn_buf_clear(&m->txt);
    mn_buf_str(&m->txt, kept);
    if (m->stage < STAGE_ANNOUNCE)
        return;
    if (m->stage == STAGE_STANDS) {
        m->announce = 0;
        m->next = mn_clock_now();
    }
    /* Once a second, whatever the program does. */
    MN_LIST_EACH(n, &m->links)
    {
        int64_t free_at = MN_OF(n, struct link, link)->sent[OWN_TXT] + ANNOUNCE_MS;

        m->next = m->next < free_at ? free_at : m->next;
    }
    m->stage = STAGE_ANNOUNCE;
    m->announce |= OWN(TXT);
    m->left = ANNOUNCEMENTS;
    mdns_schedule(m);
}

void mn_mdns_icon(struct mn_mdns *m, mn_str icon)
{
    mn_buf_clear(&m->icon);
    if (icon.n <= MN_MDNS_ICON)
        mn_buf_str(&m->icon, icon);
}

void mn_mdns_bye(struct mn_mdns *m)
{
    bool told = m->stage >= STAGE_ANNOUNCE;

    m->stage = STAGE_NONE;
    m->next = NEVER;
    MN_LIST_EACH(n, &m->links)
    {
        struct link *l = MN_OF(n, struct link, link);
        struct mn_mdns_out o = {{0}, {0}, 0};

        l->answer = 0;
        memset(l->sent, 0, sizeof l->sent);
        if (!told)
            continue;
        mn_mdns_begin(&o, 0, true);
        add(m, l, OWN(SERVICE) | OWN(SRV) | OWN(TXT), MN_MDNS_ANSWER, 0, false, &o);
        mdns_send(m, l, NULL, &o);
        mn_buf_free(&o.b);
    }
    mdns_schedule(m);
}

void own_done(struct mn_mdns *m)
{
    struct mn_buf *all[] = {&m->txt,  &m->icon,       &m->instance,
                            &m->host, &m->named_user, &m->named_machine};

    for (size_t i = 0; i < MN_COUNT(all); i++)
        mn_buf_free(all[i]);
}

/* On another link somebody else may have the names. */
void own_link_changed(struct mn_mdns *m)
{
    if (m->stage != STAGE_NONE)
        probe_from(m, mdns_lot(0, PROBE_MS));
}

static void probe(struct mn_mdns *m)
{
    MN_LIST_EACH(n, &m->links)
    {
        struct link *l = MN_OF(n, struct link, link);
        struct mn_mdns_out o = {{0}, {0}, 0};

        mn_mdns_begin(&o, 0, false);
        /* Not by unicast, as 8.1 proposes: another program that has the port might get it. */
        mn_mdns_ask(&o, mn_buf_view(&m->instance), MN_RR_ANY, false);
        mn_mdns_ask(&o, mn_buf_view(&m->host), MN_RR_ANY, false);
        add(m, l, OWN(SRV) | OWN(TXT) | OWN(ADDR), MN_MDNS_AUTHORITY, UINT32_MAX, false, &o);
        mdns_send(m, l, NULL, &o);
        mn_buf_free(&o.b);
    }
}

static void stage_go(struct mn_mdns *m, int64_t now)
{
    bool fresh = m->stage == STAGE_PROBE && !m->left && !m->named;

    if (m->stage == STAGE_PROBE && m->left) {
        probe(m);
        m->left--;
        m->next = now + PROBE_MS;
        return;
    }
    if (m->stage == STAGE_PROBE) {
        m->stage = STAGE_ANNOUNCE;
        m->announce = ANNOUNCED;
        m->left = ANNOUNCEMENTS;
        m->named = true;
    }
    MN_LIST_EACH(n, &m->links)
    tell(m, MN_OF(n, struct link, link), m->announce, NULL);
    m->next = now + ANNOUNCE_MS;
    if (!--m->left) {
        m->stage = STAGE_STANDS;
        m->conflicts = 0;
        m->next = NEVER;
    }
    if (fresh)
        m->face->named(m->arg, mn_buf_view(&m->named_user), mn_buf_view(&m->named_machine));
}

int64_t own_due(const struct mn_mdns *m)
{
    int64_t due = m->next;

    MN_LIST_EACH(n, &m->links)
    {
        const struct link *l = MN_OF(n, struct link, link);

        if (l->answer && l->due < due)
            due = l->due;
    }
    return due;
}

void own_tick(struct mn_mdns *m, int64_t now)
{
    MN_LIST_EACH(n, &m->links)
    {
        struct link *l = MN_OF(n, struct link, link);
        unsigned set = l->answer;

        if (!set || l->due > now)
            continue;
        l->answer = 0;
        tell(m, l, set, NULL);
    }
    if (m->next <= now)
        stage_go(m, now);
}

/* Questions. */

static unsigned asked_instance(const struct mn_mdns *m, uint16_t type)
{
    switch (type) {
    case MN_RR_SRV:
        return OWN(SRV);
    case MN_RR_TXT:
        return OWN(TXT);
    case MN_RR_ANY:
        return OWN(SRV) | OWN(TXT);
    case MN_RR_NULL:
        return m->icon.n ? OWN(ICON) : OWN(NSEC);
    default:
        return OWN(NSEC);
    }
}

static unsigned asked_host(const struct link *l, uint16_t type)
{
    for (size_t i = 0; i < l->addr_count; i++)
        if (type == MN_RR_ANY || addr_type(&l->addrs[i]) == type)
            return OWN(ADDR);
    return OWN(HOST_NSEC);
}

static unsigned asked(const struct mn_mdns *m, const struct link *l,
                      const struct mn_mdns_question *q)
{
    bool pointer = q->type == MN_RR_PTR || q->type == MN_RR_ANY;

    if (own_instance(m, q->name))
        return asked_instance(m, q->type);
    if (own_host(m, q->name))
        return asked_host(l, q->type);
    if (pointer && mn_str_eq_nocase(q->name, m->service))
        return OWN(SERVICE);
    return pointer && mn_str_eq_nocase(q->name, m->types) ? OWN(TYPES) : 0;
}

static bool same(const struct mn_mdns_record *a, const struct mn_mdns_record *b)
{
    bool names = a->type == MN_RR_PTR || a->type == MN_RR_SRV;

    return a->type == b->type && mn_str_eq_nocase(a->name, b->name) &&
           (names ? mn_str_eq_nocase(a->data, b->data) : mn_str_eq(a->data, b->data));
}

static bool knows_record(const struct mn_mdns_msg *msg, const struct mn_mdns_record *r,
                         uint32_t ttl)
{
    for (size_t i = 0; i < msg->answers; i++)
        if (msg->records[i].ttl >= ttl / 2 && same(&msg->records[i], r))
            return true;
    return false;
}

/* Without what the asker knows already (7.1). */
static unsigned unknown(const struct mn_mdns *m, const struct link *l, unsigned set,
                        const struct mn_mdns_msg *msg)
{
    struct mn_buf b = {0};
    struct mn_mdns_record r;

    for (enum own x = 0; x < OWN_COUNT; x++) {
        bool knows = set & 1u << x;

        for (size_t i = 0; knows && own_record(m, l, x, i, &b, &r); i++)
            knows = knows_record(msg, &r, ttl_of(x));
        if (knows)
            set &= ~(1u << x);
    }
    mn_buf_free(&b);
    return set;
}

void own_known(const struct mn_mdns *m, const struct link *l, struct mn_mdns_out *o)
{
    if (m->stage >= STAGE_ANNOUNCE)
        add(m, l, OWN(SERVICE), MN_MDNS_ANSWER, UINT32_MAX, false, o);
}

/* A resolver that knows only of DNS (6.7). */
static void tell_legacy(struct mn_mdns *m, struct link *l, const struct mn_addr *to, unsigned set,
                        const struct mn_mdns_msg *msg)
{
    struct mn_mdns_out o = {{0}, {0}, 0};

    mn_mdns_begin(&o, msg->id, true);
    for (size_t i = 0; i < msg->question_count; i++)
        if (asked(m, l, &msg->questions[i]))
            mn_mdns_ask(&o, msg->questions[i].name, msg->questions[i].type, false);
    add(m, l, set, MN_MDNS_ANSWER, TTL_LEGACY, true, &o);
    add(m, l, more_of(set), MN_MDNS_MORE, TTL_LEGACY, true, &o);
    mdns_send(m, l, to, &o);
    mn_buf_free(&o.b);
}

/* 5.4: to the asker alone, unless everybody's memory of it gets old. */
static unsigned for_one(const struct link *l, unsigned set, int64_t now)
{
    unsigned one = 0;

    for (enum own x = 0; x < OWN_COUNT; x++)
        if (set & 1u << x && l->sent[x] && now - l->sent[x] < (int64_t)ttl_of(x) * 250)
            one |= 1u << x;
    return one;
}

/* Together with what is under way, not before others had time to say the same, and not twice within
 * a second (6), or within a quarter when it is to defend a name. */
static void answer_soon(struct link *l, const struct mn_addr *from, unsigned set,
                        const struct mn_mdns_msg *msg, int64_t now)
{
    bool shared = set & (OWN(SERVICE) | OWN(TYPES));
    int64_t gap = msg->authorities ? PROBE_MS : 1000,
            due = now + (msg->truncated ? mdns_lot(400, 500)
                         : shared       ? mdns_lot(20, 120)
                                        : 0);

    for (enum own x = 0; x < OWN_COUNT; x++)
        if (set & 1u << x && l->sent[x] && due < l->sent[x] + gap)
            due = l->sent[x] + gap;
    l->several = l->answer && (l->several || !mn_addr_eq(&l->asker, from));
    l->due = l->answer && l->due < due ? l->due : due;
    l->answer |= set;
    l->asker = *from;
}

static void tiebreak(struct mn_mdns *m, const struct link *l, const struct mn_mdns_msg *msg);

void own_asked(struct mn_mdns *m, struct link *l, const struct mn_addr *from,
               const struct mn_mdns_msg *msg)
{
    int64_t now = mn_clock_now();
    unsigned set = 0, one = 0;

    if (m->stage == STAGE_PROBE)
        tiebreak(m, l, msg);
    if (m->stage < STAGE_ANNOUNCE)
        return;
    if (l->answer && !l->several && mn_addr_eq(&l->asker, from))
        l->answer = unknown(m, l, l->answer, msg); /* known answers go on */
    for (size_t i = 0; i < msg->question_count; i++) {
        unsigned some = asked(m, l, &msg->questions[i]);

        set |= some;
        one |= msg->questions[i].unicast ? for_one(l, some, now) : 0;
    }
    set = unknown(m, l, set, msg);
    if (set && mn_addr_port(from) != MULTICAST) {
        tell_legacy(m, l, from, set, msg);
        return;
    }
    one &= set;
    if (one)
        tell(m, l, one, from);
    if (set & ~one)
        answer_soon(l, from, set & ~one, msg, now);
}

/* Conflicts. */

static bool is_ours(const struct mn_mdns *m, const struct mn_mdns_record *r)
{
    MN_LIST_EACH(n, &m->links)
    {
        const struct link *l = MN_OF(n, struct link, link);

        for (size_t i = 0; i < l->addr_count; i++)
            if (addr_type(&l->addrs[i]) == r->type && mn_str_eq(addr_data(&l->addrs[i]), r->data))
                return true;
    }
    return false;
}

/* Another machine says that the host's name is its own. */
static bool takes_host(const struct mn_mdns *m, const struct mn_mdns_record *r)
{
    return own_host(m, r->name) && (r->type == MN_RR_A || r->type == MN_RR_AAAA) && !is_ours(m, r);
}

/* TXT data, which may change, always come with SRV. */
static bool takes_instance(const struct mn_mdns *m, const struct mn_mdns_record *r)
{
    struct mn_buf b = {0};
    bool other = own_instance(m, r->name) && r->type == MN_RR_SRV &&
                 !mn_str_eq_nocase(r->data, srv_data(m, &b));

    mn_buf_free(&b);
    return other;
}

static void conflict(struct mn_mdns *m, bool host)
{
    if (m->stage != STAGE_PROBE) {
        probe_from(m, mdns_lot(0, PROBE_MS)); /* 9: who it really is */
        return;
    }
    if (host)
        m->machine_n++;
    else
        m->user_n++;
    names_make(m);
    probe_from(m, ++m->conflicts > CONFLICTS_MAX ? SLOW_MS : mdns_lot(0, PROBE_MS));
}

void own_heard(struct mn_mdns *m, const struct mn_mdns_msg *msg)
{
    bool host = false, instance = false;

    for (size_t i = 0; m->stage != STAGE_NONE && i < msg->record_count; i++) {
        const struct mn_mdns_record *r = &msg->records[i];

        host = host || (r->ttl && takes_host(m, r));
        instance = instance || (r->ttl && takes_instance(m, r));
    }
    if (host || instance)
        conflict(m, host);
}

/* 8.2: type, then data; the earlier one loses. */
static int by_rank(const void *a, const void *b)
{
    const struct mn_mdns_record *x = a, *y = b;

    return x->type != y->type ? (x->type < y->type ? -1 : 1) : mn_str_cmp(x->data, y->data);
}

static bool loses(struct mn_mdns_record *ours, size_t n, struct mn_mdns_record *theirs, size_t k)
{
    qsort(ours, n, sizeof *ours, by_rank);
    qsort(theirs, k, sizeof *theirs, by_rank);
    for (size_t i = 0; i < n && i < k; i++) {
        int order = by_rank(&ours[i], &theirs[i]);

        if (order)
            return order < 0;
    }
    return n < k;
}

/* What is proposed for the instance, or for the host, by both sides. */
static bool loses_name(struct mn_mdns *m, const struct link *l, const struct mn_mdns_msg *msg,
                       bool host)
{
    struct mn_mdns_record ours[LINK_ADDRS + 2], theirs[64];
    struct mn_buf b = {0}, srv = {0};
    size_t n = 0, k = 0;
    bool others = !host;

    for (size_t i = msg->answers; i < msg->answers + msg->authorities && k < MN_COUNT(theirs); i++)
        if (host ? own_host(m, msg->records[i].name) : own_instance(m, msg->records[i].name)) {
            theirs[k++] = msg->records[i];
            others = others || takes_host(m, &msg->records[i]);
        }
    while (host && own_record(m, l, OWN_ADDR, n, &b, &ours[n]))
        n++;
    if (!host && own_record(m, l, OWN_SRV, 0, &srv, &ours[0]) &&
        own_record(m, l, OWN_TXT, 0, &b, &ours[1]))
        n = 2;
    others = k && others && loses(ours, n, theirs, k);
    mn_buf_free(&b);
    mn_buf_free(&srv);
    return others;
}

/* Somebody probes for the same name at the same time: who loses looks again when the other will
 * have it. */
static void tiebreak(struct mn_mdns *m, const struct link *l, const struct mn_mdns_msg *msg)
{
    if (msg->authorities && (loses_name(m, l, msg, true) || loses_name(m, l, msg, false)))
        probe_from(m, DEFER_MS);
}

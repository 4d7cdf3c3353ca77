/* Our records as they stand on a link, and who is told of them: everybody when they are announced,
 * whoever asks (RFC 6762, 6), without what he knows already (7). */
#include "net/mdns_parts.h"

#include "base/clock.h"

enum {
    TTL_HOST = 120, /* RFC 6762, 10: what has a host's name in it */
    TTL_OTHER = 4500,
    TTL_LEGACY = 10,
    DEFEND_MS = 250,
    MULTICAST = 5353
};

static uint32_t ttl_of(enum own x)
{
    return x == OWN_SRV || x == OWN_ADDR || x == OWN_HOST_NSEC ? TTL_HOST : TTL_OTHER;
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

bool own_record(const struct mn_mdns *m, const struct link *l, enum own x, size_t i,
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

void own_add(const struct mn_mdns *m, const struct link *l, unsigned set, enum mn_mdns_part part,
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

void own_tell(struct mn_mdns *m, struct link *l, unsigned set, const struct mn_addr *to)
{
    struct mn_mdns_out o = {{0}, {0}, 0};
    int64_t now = mn_clock_now();

    mn_mdns_begin(&o, 0, true);
    own_add(m, l, set, MN_MDNS_ANSWER, UINT32_MAX, false, &o);
    own_add(m, l, more_of(set), MN_MDNS_MORE, UINT32_MAX, false, &o);
    for (enum own x = 0; !to && x < OWN_COUNT; x++)
        if (set & 1u << x)
            l->sent[x] = now;
    mdns_send(m, l, to, &o);
    mn_buf_free(&o.b);
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

void answer_known(const struct mn_mdns *m, const struct link *l, struct mn_mdns_out *o)
{
    if (m->stage >= STAGE_ANNOUNCE)
        own_add(m, l, OWN(SERVICE), MN_MDNS_ANSWER, UINT32_MAX, false, o);
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
    own_add(m, l, set, MN_MDNS_ANSWER, TTL_LEGACY, true, &o);
    own_add(m, l, more_of(set), MN_MDNS_MORE, TTL_LEGACY, true, &o);
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
    int64_t gap = msg->authorities ? DEFEND_MS : 1000,
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

void answer_asked(struct mn_mdns *m, struct link *l, const struct mn_addr *from,
                  const struct mn_mdns_msg *msg)
{
    int64_t now = mn_clock_now();
    unsigned set = 0, one = 0;

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
        own_tell(m, l, one, from);
    if (set & ~one)
        answer_soon(l, from, set & ~one, msg, now);
}

int64_t answer_due(const struct mn_mdns *m)
{
    int64_t due = NEVER;

    MN_LIST_EACH(n, &m->links)
    {
        const struct link *l = MN_OF(n, struct link, link);

        if (l->answer && l->due < due)
            due = l->due;
    }
    return due;
}

void answer_tick(struct mn_mdns *m, int64_t now)
{
    MN_LIST_EACH(n, &m->links)
    {
        struct link *l = MN_OF(n, struct link, link);
        unsigned set = l->answer;

        if (!set || l->due > now)
            continue;
        l->answer = 0;
        own_tell(m, l, set, NULL);
    }
}

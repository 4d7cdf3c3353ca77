/* Our names: they are probed for (RFC 6762, 8.1), announced (8.3) and defended (9).
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
    PROBES = 3,
    PROBE_MS = 250,
    ANNOUNCEMENTS = 2,
    ANNOUNCE_MS = 1000,
    DEFER_MS = 1000,
    CONFLICTS_MAX = 15, /* then slowly */
    SLOW_MS = 5000
};

#define ANNOUNCED (OWN(SERVICE) | OWN(TYPES) | OWN(SRV) | OWN(TXT) | OWN(ADDR))

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

bool own_host(const struct mn_mdns *m, mn_str name)
{
    return m->stage != STAGE_NONE && mn_str_eq_nocase(name, mn_buf_view(&m->host));
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
        own_add(m, l, OWN(SERVICE) | OWN(SRV) | OWN(TXT), MN_MDNS_ANSWER, 0, false, &o);
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
        own_add(m, l, OWN(SRV) | OWN(TXT) | OWN(ADDR), MN_MDNS_AUTHORITY, UINT32_MAX, false, &o);
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
    own_tell(m, MN_OF(n, struct link, link), m->announce, NULL);
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
    return m->next;
}

void own_tick(struct mn_mdns *m, int64_t now)
{
    if (m->next <= now)
        stage_go(m, now);
}

/* Conflicts. */

static bool is_ours(const struct mn_mdns *m, const struct mn_mdns_record *r)
{
    struct mn_buf b = {0};
    struct mn_mdns_record o;
    bool ours = false;

    MN_LIST_EACH(n, &m->links)
    for (size_t i = 0; own_record(m, MN_OF(n, struct link, link), OWN_ADDR, i, &b, &o); i++)
        ours = ours || (o.type == r->type && mn_str_eq(o.data, r->data));
    mn_buf_free(&b);
    return ours;
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
    struct mn_mdns_record o;
    bool other = own_instance(m, r->name) && r->type == MN_RR_SRV &&
                 own_record(m, NULL, OWN_SRV, 0, &b, &o) && !mn_str_eq_nocase(r->data, o.data);

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
void own_asked(struct mn_mdns *m, const struct link *l, const struct mn_mdns_msg *msg)
{
    if (m->stage == STAGE_PROBE && msg->authorities &&
        (loses_name(m, l, msg, true) || loses_name(m, l, msg, false)))
        probe_from(m, DEFER_MS);
}

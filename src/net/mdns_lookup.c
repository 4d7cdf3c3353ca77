/* Where somebody is to be reached, and his picture: asked for when it is needed (XEP-0174, 10.1).
 */
#include "net/mdns_parts.h"

#include "base/clock.h"

enum { FOUND_MAX = 16, TRIES = 4, TRY_MS = 600 };

struct mn_mdns_lookup {
    struct mn_list link;
    struct mn_mdns *m;
    char name[MN_MDNS_NAME];
    size_t name_n;
    uint16_t type; /* SRV or NULL */
    unsigned tries;
    int64_t next;
    bool came;   /* something that may end it */
    mn_str data; /* of the NULL record; owned */
    void (*done)(void *arg, const struct mn_mdns_found *found);
    void *arg;
};

bool lookup_wants(const struct mn_mdns *m, mn_str name, uint16_t type)
{
    MN_LIST_EACH(n, &m->lookups)
    {
        const struct mn_mdns_lookup *w = MN_OF(n, struct mn_mdns_lookup, link);

        if (w->type == type && mn_str_eq_nocase((mn_str){w->name, w->name_n}, name))
            return true;
    }
    return false;
}

void lookup_came(struct mn_mdns *m, const struct mn_mdns_record *r)
{
    bool place = r->type == MN_RR_SRV || r->type == MN_RR_A || r->type == MN_RR_AAAA;

    MN_LIST_EACH(n, &m->lookups)
    {
        struct mn_mdns_lookup *w = MN_OF(n, struct mn_mdns_lookup, link);
        bool icon = w->type == MN_RR_NULL && r->type == MN_RR_NULL && !w->data.p && r->data.n &&
                    mn_str_eq_nocase((mn_str){w->name, w->name_n}, r->name);

        if (icon)
            w->data = (mn_str){mn_str_dup(r->data), r->data.n};
        w->came = w->came || icon || (place && w->type == MN_RR_SRV);
    }
}

static size_t gather(const struct mn_mdns *m, const struct record *srv, struct mn_addr *out)
{
    mn_str host = mn_str_skip(srv->r.data, 6);
    uint16_t port =
        (uint16_t)((unsigned char)srv->r.data.p[4] << 8 | (unsigned char)srv->r.data.p[5]);
    size_t count = 0;

    MN_LIST_EACH(n, &m->records)
    {
        const struct record *c = MN_OF(n, struct record, link);
        struct mn_addr a = {0};
        bool v6 = c->r.type == MN_RR_AAAA, had = false;

        if ((!v6 && c->r.type != MN_RR_A) || !mn_str_eq_nocase(c->r.name, host))
            continue;
        a.sa.sa_family = v6 ? AF_INET6 : AF_INET;
        memcpy(v6 ? (void *)&a.v6.sin6_addr : (void *)&a.v4.sin_addr, c->r.data.p, c->r.data.n);
        a.v6.sin6_port = htons(port); /* at the same place in both */
        if (v6 && IN6_IS_ADDR_LINKLOCAL(&a.v6.sin6_addr))
            a.v6.sin6_scope_id = c->via / 2;
        for (size_t i = 0; i < count; i++)
            had = had || mn_addr_eq(&out[i], &a);
        if (!had && count < FOUND_MAX)
            out[count++] = a;
    }
    return count;
}

static void end(struct mn_mdns_lookup *w, const struct mn_mdns_found *found)
{
    mn_list_del(&w->link);
    w->done(w->arg, found);
    mn_mdns_lookup_free(w);
}

static void ask(struct mn_mdns_lookup *w, const struct record *srv, int64_t now,
                struct questions *q)
{
    cache_ask(q, mn_str_make(w->name, w->name_n), w->type);
    if (srv) {
        cache_ask(q, mn_str_skip(srv->r.data, 6), MN_RR_A);
        cache_ask(q, mn_str_skip(srv->r.data, 6), MN_RR_AAAA);
    }
    w->next = now + ((int64_t)TRY_MS << w->tries++);
}

/* True: it has ended, and others may have been freed by who was told. */
static bool one_tick(struct mn_mdns_lookup *w, int64_t now, struct questions *q)
{
    mn_str name = {w->name, w->name_n};
    const struct record *srv = w->type == MN_RR_SRV ? cache_find(w->m, name, MN_RR_SRV) : NULL;
    struct mn_addr addrs[FOUND_MAX];
    struct mn_mdns_found found = {addrs, srv ? gather(w->m, srv, addrs) : 0, w->data};

    w->came = false;
    if (!found.count && !found.data.n && w->next > now)
        return false;
    if (!found.count && !found.data.n && w->tries < TRIES) {
        ask(w, srv, now, q);
        return false;
    }
    end(w, &found);
    return true;
}

void lookup_tick(struct mn_mdns *m, int64_t now, struct questions *q)
{
    bool again = true;

    while (again) {
        again = false;
        MN_LIST_EACH(n, &m->lookups)
        if (one_tick(MN_OF(n, struct mn_mdns_lookup, link), now, q)) {
            again = true;
            break;
        }
    }
}

static struct mn_mdns_lookup *lookup_new(struct mn_mdns *m, mn_str instance, uint16_t type,
                                         void (*done)(void *arg, const struct mn_mdns_found *found),
                                         void *arg)
{
    struct mn_mdns_lookup *w = MN_NEW(struct mn_mdns_lookup);
    struct mn_buf name = {0};

    mn_mdns_label(&name, instance);
    mn_buf_str(&name, m->service);
    memcpy(w->name, name.p, name.n);
    w->name_n = name.n;
    mn_buf_free(&name);
    w->m = m;
    w->type = type;
    w->done = done;
    w->arg = arg;
    w->next = mn_clock_now();
    mn_list_add(&m->lookups, &w->link);
    mdns_schedule(m);
    return w;
}

struct mn_mdns_lookup *mn_mdns_where(struct mn_mdns *m, mn_str instance,
                                     void (*done)(void *arg, const struct mn_mdns_found *found),
                                     void *arg)
{
    return lookup_new(m, instance, MN_RR_SRV, done, arg);
}

struct mn_mdns_lookup *mn_mdns_icon_of(struct mn_mdns *m, mn_str instance,
                                       void (*done)(void *arg, const struct mn_mdns_found *found),
                                       void *arg)
{
    return lookup_new(m, instance, MN_RR_NULL, done, arg);
}

void mn_mdns_lookup_free(struct mn_mdns_lookup *w)
{
    if (!w)
        return;
    mn_list_del(&w->link);
    mn_free((void *)w->data.p);
    mn_free(w);
}

void lookup_done(struct mn_mdns *m)
{
    while (!mn_list_empty(&m->lookups))
        mn_mdns_lookup_free(MN_OF(m->lookups.next, struct mn_mdns_lookup, link));
}

int64_t lookup_due(const struct mn_mdns *m)
{
    int64_t due = NEVER;

    MN_LIST_EACH(n, &m->lookups)
    {
        const struct mn_mdns_lookup *w = MN_OF(n, struct mn_mdns_lookup, link);

        int64_t at = w->came ? 0 : w->next;

        due = at < due ? at : due;
    }
    return due;
}

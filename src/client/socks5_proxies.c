#include "client/socks5.h"

#include "client/client.h"
#include "client/elem.h"
#include "mynah/disco.h"
#include "mynah/jid.h"

enum {
    PROXIES_MAX = 4,
    ITEMS_MAX = 32, /* of the server that are asked whether they are one */
    FIND_MS = 6000  /* then the offer goes without */
};

void place_add(struct places *p, const char *jid, const char *host, uint16_t port)
{
    if (p->count < PLACES_MAX)
        p->at[p->count++] =
            (struct place){mn_str_dup(mn_str_from(jid)), mn_str_dup(mn_str_from(host)), port};
}

void places_free(struct places *p)
{
    for (size_t i = 0; i < p->count; i++) {
        mn_free(p->at[i].jid);
        mn_free(p->at[i].host);
    }
    p->count = 0;
}

bool place_read(const struct mynah_elem *e, const char **host, uint16_t *port)
{
    uint64_t n;

    *host = mynah_elem_get(e, "host");
    if (!*host || !**host || strlen(*host) > 255 || !elem_number(e, "port", 65535, &n) || !n)
        return false;
    *port = (uint16_t)n;
    return true;
}

void proxies_init(struct proxies *p)
{
    mn_list_init(&p->waiting);
}

void proxies_forget(struct proxies *p)
{
    places_free(&p->places);
    p->found = false;
}

void proxies_leave(struct proxies_wait *w)
{
    mn_list_del(&w->link);
    mn_timer_stop(&w->late);
}

struct probe {
    struct proxies *proxies;
    char *jid;
};

static void probe_over(struct proxies *p)
{
    if (--p->open)
        return;
    p->found = true;
    while (!mn_list_empty(&p->waiting)) {
        struct proxies_wait *w = MN_OF(p->waiting.next, struct proxies_wait, link);

        proxies_leave(w);
        w->found(w, &p->places);
    }
}

static void probe_free(struct probe *x)
{
    struct proxies *p = x->proxies;

    mn_free(x->jid);
    mn_free(x);
    probe_over(p);
}

static void address_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                         const struct mynah_error *error)
{
    struct probe *x = arg;
    const struct mynah_elem *query = mynah_elem_child(result, "query", NS_S5B);
    const char *host;
    uint16_t port;

    (void)c;
    (void)error;
    if (x->proxies->places.count < PROXIES_MAX &&
        place_read(mynah_elem_child(query, "streamhost", NS_S5B), &host, &port))
        place_add(&x->proxies->places, x->jid, host, port);
    probe_free(x);
}

static void info_came(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                      const struct mynah_error *error)
{
    struct probe *x = arg;
    struct mynah_elem *query;

    if (error || !mynah_disco_is(info, "proxy", "bytestreams")) {
        probe_free(x);
        return;
    }
    query = mynah_elem_new("query", NS_S5B);
    mynah_iq_send(c, MYNAH_GET, x->jid, &query, 0, address_came, x);
}

static void items_came(void *arg, struct mynah_client *c, const struct mynah_item *items,
                       size_t count, const struct mynah_error *error)
{
    struct proxies *p = arg;

    (void)error;
    for (size_t i = 0; i < count && i < ITEMS_MAX; i++) {
        char *jid = mynah_jid(items[i].jid);
        struct probe *x;

        if (!jid || items[i].node) {
            mn_free(jid);
            continue;
        }
        x = MN_NEW(struct probe);
        *x = (struct probe){p, jid};
        p->open++;
        mynah_disco_info(c, jid, NULL, info_came, x);
    }
    probe_over(p);
}

static void timed(struct mn_timer *t)
{
    struct proxies_wait *w = MN_OF(t, struct proxies_wait, late);

    proxies_leave(w);
    w->found(w, NULL);
}

void proxies_find(struct mynah_client *c, struct proxies *p, struct proxies_wait *w)
{
    if (p->found) {
        w->found(w, &p->places);
        return;
    }
    mn_list_add(&p->waiting, &w->link);
    w->late.fire = timed;
    mn_timer_start(c->ctx->loop, &w->late, FIND_MS);
    if (p->open)
        return;
    p->open = 1;
    mynah_disco_items(c, NULL, NULL, items_came, p);
}

#include "net/mdns_parts.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"

enum { PORT = 5353, LINKS_MAX = 64 };

int64_t mdns_lot(int64_t from, int64_t to)
{
    return from + (int64_t)(mn_rand_u64() % (uint64_t)(to - from + 1));
}

void mdns_schedule(struct mn_mdns *m)
{
    int64_t now = mn_clock_now(), due = NEVER;
    const int64_t all[] = {answer_due(m), own_due(m), cache_due(m), lookup_due(m)};

    for (size_t i = 0; i < MN_COUNT(all); i++)
        due = all[i] < due ? all[i] : due;
    if (due == NEVER)
        mn_timer_stop(&m->timer);
    else
        mn_timer_start(m->loop, &m->timer, due > now ? due - now : 0);
}

static void timed(struct mn_timer *t)
{
    struct mn_mdns *m = MN_OF(t, struct mn_mdns, timer);
    int64_t now = mn_clock_now();

    answer_tick(m, now);
    own_tick(m, now);
    cache_tick(m, now);
    mdns_schedule(m);
}

void mdns_send(struct mn_mdns *m, struct link *l, const struct mn_addr *to, struct mn_mdns_out *o)
{
    if (!mn_mdns_empty(o))
        m->face->send(m->arg, l->id, to, mn_buf_view(&o->b));
}

struct mn_mdns *mn_mdns_new(struct mn_loop *l, const char *service, const struct mn_mdns_face *face,
                            void *arg)
{
    struct mn_mdns *m = MN_NEW(struct mn_mdns);
    struct mn_buf b = {0};

    m->loop = l;
    m->face = face;
    m->arg = arg;
    m->timer.fire = timed;
    m->browse_next = m->next = NEVER;
    mn_list_init(&m->links);
    mn_list_init(&m->records);
    mn_list_init(&m->peers);
    mn_list_init(&m->lookups);
    mn_mdns_label(&b, MN_STR("local"));
    mn_mdns_root(&b);
    m->local = mn_arena_str(&m->a, mn_buf_view(&b));
    mn_buf_clear(&b);
    mn_mdns_label(&b, mn_str_from(service));
    mn_mdns_label(&b, MN_STR("_tcp"));
    mn_buf_str(&b, m->local);
    m->service = mn_arena_str(&m->a, mn_buf_view(&b));
    mn_buf_clear(&b);
    mn_mdns_label(&b, MN_STR("_services"));
    mn_mdns_label(&b, MN_STR("_dns-sd"));
    mn_mdns_label(&b, MN_STR("_udp"));
    mn_buf_str(&b, m->local);
    m->types = mn_arena_str(&m->a, mn_buf_view(&b));
    mn_buf_free(&b);
    return m;
}

static struct link *link_find(const struct mn_mdns *m, unsigned id)
{
    MN_LIST_EACH(n, &m->links)
    if (MN_OF(n, struct link, link)->id == id)
        return MN_OF(n, struct link, link);
    return NULL;
}

static void link_free(struct link *l)
{
    mn_list_del(&l->link);
    mn_free(l);
}

void mn_mdns_free(struct mn_mdns *m)
{
    if (!m)
        return;
    mn_timer_stop(&m->timer);
    own_done(m);
    lookup_done(m);
    cache_done(m);
    MN_LIST_EACH(n, &m->links)
    link_free(MN_OF(n, struct link, link));
    mn_arena_done(&m->a, NULL);
    mn_free(m);
}

static unsigned link_count(const struct mn_mdns *m)
{
    unsigned n = 0;

    MN_LIST_EACH(at, &m->links)
    n++;
    return n;
}

void mn_mdns_link(struct mn_mdns *m, unsigned id, const struct mn_addr *addrs, size_t count)
{
    struct link *l = link_find(m, id);
    bool fresh = !l;

    count = count < LINK_ADDRS ? count : LINK_ADDRS;
    if (!count) {
        if (l) {
            cache_link_gone(m, id);
            link_free(l);
            mdns_schedule(m);
        }
        return;
    }
    if (l && l->addr_count == count && !memcmp(l->addrs, addrs, count * sizeof *addrs))
        return;
    if (fresh && link_count(m) == LINKS_MAX)
        return;
    if (fresh) {
        l = MN_NEW(struct link);
        l->id = id;
        mn_list_add(&m->links, &l->link);
    }
    memcpy(l->addrs, addrs, count * sizeof *addrs);
    l->addr_count = count;
    own_link_changed(m);
    if (fresh && m->browsing) /* who is there, too? */
        mn_mdns_browse(m);
    mdns_schedule(m);
}

void mn_mdns_feed(struct mn_mdns *m, unsigned link, const struct mn_addr *from, mn_str packet)
{
    struct link *l = link_find(m, link);
    struct mn_arena a = {.pool = mn_loop_pool(m->loop)};
    struct mn_mdns_msg msg;

    if (!l)
        return;
    if (mn_mdns_parse(packet, &a, &msg)) {
        char text[MN_ADDR_TEXT];

        mn_log_debug(NULL, "a broken mDNS packet was passed over",
                     MN_FC("from", mn_addr_text(from, text)));
    } else if (!msg.response) {
        own_asked(m, l, &msg);
        answer_asked(m, l, from, &msg);
    } else if (mn_addr_port(from) == PORT) { /* RFC 6762, 6 */
        own_heard(m, &msg);
        cache_heard(m, l, &msg);
    }
    mn_arena_done(&a, mn_loop_pool(m->loop));
    mdns_schedule(m);
}

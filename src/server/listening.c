#include "server/listening.h"

#include "base/log.h"
#include "net/listen.h"

struct listening {
    struct mn_list link; /* in srv->listening */
    struct server *srv;
    struct mn_listener *listener; /* NULL: it gives way to another of the same port */
    struct mn_addr at;            /* as asked for: port 0 is any */
    struct conf_listen is, next;  /* what it does, and will if nothing fails */
    bool fresh, stays;
};

static const char *const service_names[] = {"c2s", "component"};
static const char *const tls_names[] = {"required", "offered", "direct", "off"};

static void accepted(void *arg, int fd, const struct mn_addr *peer)
{
    struct listening *l = arg;

    server_accept(l->srv, fd, peer, l->is.service, l->is.tls);
}

static int listen_at(struct listening *l, struct mn_buf *why)
{
    return mn_listen(l->srv->owners[0]->loop, &l->at, accepted, l, &l->listener, why);
}

static void drop(struct listening *l)
{
    mn_list_del(&l->link);
    mn_listener_free(l->listener);
    mn_free(l);
}

static bool is_at(const struct listening *l, const struct mn_addr *at)
{
    char a[MN_ADDR_TEXT], b[MN_ADDR_TEXT];

    return !strcmp(mn_addr_text(&l->at, a), mn_addr_text(at, b));
}

/* The one that is there already. Of those on any free port each is as good as another that does the
 * same. */
static struct listening *find(struct server *srv, const struct mn_addr *at,
                              const struct conf_listen *c)
{
    MN_LIST_EACH(n, &srv->listening)
    {
        struct listening *l = MN_OF(n, struct listening, link);

        if (!l->stays && is_at(l, at) &&
            (mn_addr_port(at) || (l->is.service == c->service && l->is.tls == c->tls)))
            return l;
    }
    return NULL;
}

/* auto: loopback of both families for components, and for all while no domain is configured, else
 * every address; a family that is missing is passed over. */
struct wanted {
    const char *address[2];
    bool both;
};

static struct wanted wanted(const struct config *conf, const struct conf_listen *c,
                            struct mn_arena *a)
{
    if (!mn_str_is(c->address, "auto"))
        return (struct wanted){{mn_arena_cstr(a, c->address)}, false};
    if (!conf->domains.count || c->service == CONF_COMPONENT)
        return (struct wanted){{"127.0.0.1", "::1"}, true};
    return (struct wanted){{"::", "0.0.0.0"}, false};
}

static struct mn_addr addr_of(const char *text, const struct conf_listen *c)
{
    struct mn_addr at;

    MN_ASSERT(!mn_addr_parse(mn_str_from(text), (uint16_t)c->port, &at));
    return at;
}

static const struct conf_listen *rows_of(const struct config *conf, size_t *count)
{
    static const struct conf_listen usual[] = {{0, MN_STR("auto"), 5222, CONF_TLS_REQUIRED},
                                               {0, MN_STR("auto"), 5223, CONF_TLS_DIRECT}};

    *count = conf->listen.count ? conf->listen.count : MN_COUNT(usual);
    return conf->listen.count ? conf->listen.items : usual;
}

static bool is_wanted(const struct listening *l, const struct config *conf)
{
    struct mn_arena a = {0};
    size_t count;
    const struct conf_listen *c = rows_of(conf, &count);
    bool found = l->stays;

    for (size_t i = 0; i < count; i++) {
        struct wanted w = wanted(conf, &c[i], &a);

        for (int k = 0; k <= w.both; k++) {
            struct mn_addr at = addr_of(w.address[k], &c[i]);

            found |= is_at(l, &at);
        }
    }
    mn_arena_done(&a, NULL);
    return found;
}

/* One address keeps the same port of another busy (127.0.0.1 that of ::): what is not wanted any
 * more closes first. */
static bool give_way(struct server *srv, const struct mn_addr *at, const struct config *conf)
{
    bool some = false;

    MN_LIST_EACH(n, &srv->listening)
    {
        struct listening *l = MN_OF(n, struct listening, link);

        if (!l->listener || mn_addr_port(&l->at) != mn_addr_port(at) || is_wanted(l, conf))
            continue;
        mn_listener_free(l->listener);
        l->listener = NULL;
        some = true;
    }
    return some;
}

static int want(struct server *srv, const struct config *conf, const struct conf_listen *c,
                const char *address, struct mn_buf *why)
{
    struct mn_addr at = addr_of(address, c);
    struct listening *l = find(srv, &at, c);
    int e = MN_E_OK;

    if (!l) {
        l = MN_NEW(struct listening);
        l->srv = srv;
        l->at = at;
        l->fresh = true;
        e = listen_at(l, why);
        if (e == MN_E_BUSY && give_way(srv, &at, conf)) {
            mn_buf_clear(why);
            e = listen_at(l, why);
        }
        if (e) {
            mn_free(l);
            return e;
        }
        mn_list_add(&srv->listening, &l->link);
    }
    l->next = *c;
    l->stays = true;
    return MN_E_OK;
}

static int want_row(struct server *srv, const struct config *conf, const struct conf_listen *c,
                    struct mn_buf *why)
{
    struct mn_arena a = {0};
    struct wanted w = wanted(conf, c, &a);
    int e = want(srv, conf, c, w.address[0], why);

    if (w.both && !e) {
        e = want(srv, conf, c, w.address[1], why);
        e = e == MN_E_NOT_FOUND ? MN_E_OK : e;
    } else if (w.address[1] && e == MN_E_NOT_FOUND) {
        e = want(srv, conf, c, w.address[1], why);
    }
    if (!e)
        mn_buf_clear(why);
    mn_arena_done(&a, NULL);
    return e;
}

static void tell(const struct listening *l, const char *what)
{
    char text[MN_ADDR_TEXT];

    mn_log_info(NULL, what, MN_FC("service", service_names[l->is.service]),
                MN_FC("address", mn_addr_text(mn_listener_addr(l->listener), text)),
                MN_FC("tls", tls_names[l->is.tls]));
}

static void settle(struct listening *l)
{
    bool same = l->is.service == l->next.service && l->is.tls == l->next.tls;

    if (!l->stays) {
        if (l->listener)
            tell(l, "listener closed");
        drop(l);
        return;
    }
    l->is = l->next;
    if (l->fresh || !same)
        tell(l, l->fresh ? "listening" : "listener changed");
    l->fresh = l->stays = false;
}

/* As it was before: what is new goes, then comes back what gave way to it. */
static void undo(struct server *srv)
{
    MN_LIST_EACH(n, &srv->listening)
    {
        struct listening *l = MN_OF(n, struct listening, link);

        l->stays = false;
        if (l->fresh)
            drop(l);
    }
    MN_LIST_EACH(n, &srv->listening)
    {
        struct listening *l = MN_OF(n, struct listening, link);
        struct mn_buf why = {0};

        if (!l->listener && listen_at(l, &why)) {
            mn_log_error(NULL, "listener lost", MN_F("why", mn_buf_view(&why)));
            drop(l);
        }
        mn_buf_free(&why);
    }
}

int listening_set(struct server *srv, const struct config *conf, struct mn_buf *why)
{
    size_t count;
    const struct conf_listen *c = rows_of(conf, &count);
    int e = MN_E_OK;

    for (size_t i = 0; i < count && !e; i++)
        e = want_row(srv, conf, &c[i], why);
    if (e) {
        undo(srv);
        return e;
    }
    MN_LIST_EACH(n, &srv->listening)
    settle(MN_OF(n, struct listening, link));
    return MN_E_OK;
}

const struct mn_addr *server_addr(const struct server *srv, size_t i)
{
    MN_LIST_EACH(n, &srv->listening)
    if (!i--)
        return mn_listener_addr(MN_OF(n, struct listening, link)->listener);
    return NULL;
}

void listening_end(struct server *srv)
{
    MN_LIST_EACH(n, &srv->listening)
    drop(MN_OF(n, struct listening, link));
}

#include "server/snapshot.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/cert.h"
#include "server/handled.h"
#include "server/server.h"
#include "xmpp/sasl.h"

enum { HOUR = 3600000, DAY = 24 * HOUR };

static struct mn_tls *pick(void *arg, mn_str name)
{
    struct server *srv = arg;
    struct mn_arena a = {0};
    mn_str host;
    const struct host *h = NULL;

    if (!mn_jid_host_prep(name, &a, &host))
        h = host_find(srv, host);
    mn_arena_done(&a, NULL);
    return h ? snapshot_tls(owner_here(), h) : NULL;
}

struct mn_tls *snapshot_tls(const struct owner *o, const struct host *h)
{
    return o->snap->tls[h - o->srv->hosts];
}

static const struct conf_domain *domain_of(const struct config *c, const struct host *h,
                                           struct mn_arena *a)
{
    const struct conf_domain *d = c->domains.items;
    mn_str name;

    for (size_t i = 0; i < c->domains.count; i++)
        if (!mn_jid_host_prep(d[i].name, a, &name) && mn_str_eq(name, h->name))
            return &d[i];
    return NULL;
}

static int certificate_open(struct server *srv, const struct host *h, const struct conf_domain *d,
                            mn_str client_ca, struct mn_arena *a, struct mn_tls **out,
                            struct mn_buf *why)
{
    struct mn_cert_files f;
    mn_str ascii;
    int e = MN_E_OK;

    if (d && d->certificate.n) {
        f.cert = mn_arena_cstr(a, d->certificate);
        f.key = mn_arena_cstr(a, d->key);
    } else if (!srv->certs) {
        return MN_E_OK;
    } else {
        e = mn_jid_host_ascii(h->name, a, &ascii);
        if (!e)
            e = mn_cert_local(srv->certs, ascii, a, &f, why);
    }
    if (!e)
        e = mn_tls_server(f.cert, f.key, out, why);
    if (!e)
        mn_tls_pick(*out, pick, srv);
    if (!e && client_ca.n)
        e = mn_tls_ask(*out, mn_arena_cstr(a, client_ca), why);
    return e;
}

static unsigned mask_of(const struct mn_conf_list *l)
{
    unsigned mask = 0;

    for (size_t i = 0; i < l->count; i++)
        mask |= 1u << mn_sasl_find(((mn_str *)l->items)[i]);
    return mask;
}

static int fill(struct snapshot *s, struct server *srv, const struct config *conf,
                const struct snapshot *old, struct mn_buf *why)
{
    int e = MN_E_OK;

    s->conf = conf;
    s->mechanisms = mask_of(&conf->auth.mechanisms);
    s->without_tls = mask_of(&conf->auth.without_tls);
    s->host_count = srv->host_count;
    s->tls = mn_alloc0(s->host_count * sizeof(struct mn_tls *));
    for (size_t i = 0; i < s->host_count && !e; i++) {
        const struct conf_domain *d = domain_of(conf, &srv->hosts[i], &s->a);

        if (d || srv->built_in || !old)
            e = certificate_open(srv, &srv->hosts[i], d, conf->auth.client_ca, &s->a, &s->tls[i],
                                 why);
        else if (old->tls[i])
            s->tls[i] = mn_tls_ref(old->tls[i]);
    }
    return e;
}

static struct snapshot *good(struct snapshot *s, int e)
{
    if (!e)
        return s;
    snapshot_unref(s);
    return NULL;
}

static struct snapshot *blank(void)
{
    struct snapshot *s = MN_NEW(struct snapshot);

    s->refs = 1;
    return s;
}

struct snapshot *snapshot_new(struct server *srv, const struct config *conf,
                              const struct snapshot *old, struct mn_buf *why)
{
    struct snapshot *s = blank();

    return good(s, fill(s, srv, conf, old, why));
}

struct snapshot *snapshot_read(struct server *srv, const struct snapshot *old, struct mn_buf *why)
{
    struct snapshot *s = blank();
    struct config *conf = NULL;
    int e = srv->read(srv->read_arg, &s->a, &conf, why);

    return good(s, e ? e : fill(s, srv, conf, old, why));
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
        return;
    for (size_t i = 0; i < s->host_count; i++)
        mn_tls_unref(s->tls[i]);
    mn_free(s->tls);
    mn_arena_done(&s->a, NULL);
    mn_free(s);
}

void snapshot_take(struct owner *o, struct snapshot *s)
{
    snapshot_unref(o->snap);
    o->snap = s;
    mn_free(o->caps);
    o->caps = NULL;
}

/* Certificates that end. */

/* How many of these days before the end have come. */
static unsigned stage(int64_t left)
{
    static const int64_t days[] = {21, 7, 1};
    unsigned n = 0;

    while (n < MN_COUNT(days) && left <= days[n] * DAY)
        n++;
    return n;
}

static void look(struct mn_timer *t)
{
    struct server *srv = MN_OF(t, struct server, hourly);
    struct owner *o = srv->owners[0];

    if (o->stopping)
        return;
    for (size_t i = 0; i < srv->host_count; i++) {
        struct mn_tls *tls = o->snap->tls[i];
        int64_t left = tls ? mn_tls_expires(tls) - mn_clock_wall() : INT64_MAX;
        unsigned now = stage(left);

        if (now > srv->told[i])
            mn_log_warn(NULL, left > 0 ? "certificate ends soon" : "certificate has ended",
                        MN_F("domain", srv->hosts[i].name), MN_FN("days", left / DAY));
        srv->told[i] = (unsigned char)now;
    }
    handled_sweep(o);
    mn_timer_start(o->loop, t, HOUR);
}

void snapshot_watch(struct server *srv)
{
    memset(srv->told, 0, srv->host_count);
    srv->hourly.fire = look;
    look(&srv->hourly);
}

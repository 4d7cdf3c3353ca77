#include "server/snapshot.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/cert.h"
#include "server/component.h"
#include "server/module.h"
#include "xmpp/sasl.h"

enum { HOUR = 3600000 };
#define DAY (24 * (int64_t)HOUR)

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

size_t snapshot_host(const struct snapshot *s, const struct host *h)
{
    size_t i = 0;

    while (i < s->host_count && s->hosts[i] != h)
        i++;
    return i;
}

bool snapshot_serves(const struct snapshot *s, const struct host *h)
{
    return snapshot_host(s, h) < s->host_count;
}

struct mn_tls *snapshot_tls(const struct owner *o, const struct host *h)
{
    size_t i = snapshot_host(o->snap, h);

    return i < o->snap->host_count ? o->snap->tls[i] : NULL;
}

/* A domain that comes back is the one it was. One reload at a time comes here. */
static const struct host *host_known(struct server *srv, mn_str name)
{
    struct host *h;

    for (h = srv->hosts; h && !mn_str_eq(h->name, name); h = h->next)
        ;
    if (!h) {
        h = MN_NEW(struct host);
        *h = (struct host){{mn_str_dup(name), name.n}, srv->hosts};
        srv->hosts = h;
    }
    return h;
}

void snapshot_hosts_free(struct server *srv)
{
    struct host *h;

    while ((h = srv->hosts)) {
        srv->hosts = h->next;
        mn_free((void *)h->name.p);
        mn_free(h);
    }
    mn_free(srv->told);
}

static bool key_is_open(const char *key)
{
    struct stat st;

    return !stat(key, &st) && st.st_mode & (S_IROTH | S_IWOTH);
}

/* It works, but not as whoever wrote it will expect. */
static void files_look(const struct mn_cert_files *f, const struct mn_tls *tls,
                       const struct host *h, const char *name)
{
    struct mn_buf why = {0};

    mn_clock_tick(); /* this may be a lane */
    mn_tls_doubts(tls, name, &why);
    if (why.n)
        mn_log_warn(NULL, "clients may refuse the certificate", MN_F("domain", h->name),
                    MN_FC("file", f->cert), MN_F("why", mn_buf_view(&why)));
    if (key_is_open(f->key))
        mn_log_warn(NULL, "the key of a certificate is open to everybody on this machine",
                    MN_FC("file", f->key), MN_FC("do", "chmod o= it"));
    mn_buf_free(&why);
}

/* What a start would refuse, or tell of. */
static void certificate_check(const struct conf_domain *d, struct mn_arena *a, struct mn_buf *why)
{
    const char *cert = mn_arena_cstr(a, d->certificate), *key = mn_arena_cstr(a, d->key);
    mn_str name = {0}, ascii = {0};
    struct mn_buf doubts = {0};
    struct mn_tls *tls = NULL;

    if (!mn_tls_server(cert, key, &tls, why) && !mn_jid_host_prep(d->name, a, &name) &&
        !mn_jid_host_ascii(name, a, &ascii)) {
        mn_tls_doubts(tls, mn_arena_cstr(a, ascii), &doubts);
        if (mn_tls_expires(tls) <= mn_clock_wall())
            mn_buf_fmt(&doubts, "%sit has ended", doubts.n ? "; " : "");
        if (doubts.n)
            mn_buf_fmt(why, "clients may refuse the certificate %s: %.*s", cert,
                       MN_ARG(mn_buf_view(&doubts)));
        if (key_is_open(key))
            mn_buf_fmt(why, "%sthe key %s is open to everybody on this machine: chmod o= it",
                       why->n ? "; " : "", key);
    }
    mn_tls_unref(tls);
    mn_buf_free(&doubts);
}

/* Any context will do. */
static void ca_check(const char *ca, struct mn_buf *why)
{
    static const struct mn_tls_client any = {.verify = MN_VERIFY_NONE};
    struct mn_tls *tls = NULL;

    if (!mn_tls_client(&any, &tls, why))
        (void)!mn_tls_ask(tls, ca, why);
    mn_tls_unref(tls);
}

void snapshot_check(const struct config *conf, const char *file, struct mn_buf *why)
{
    const struct conf_domain *d = conf->domains.items;
    struct mn_arena a = {0};
    struct mn_buf one = {0};

    mn_clock_tick(); /* no loop runs yet */
    for (size_t i = 0; i < conf->domains.count; i++) {
        if (d[i].certificate.n)
            certificate_check(&d[i], &a, &one);
        if (one.n)
            mn_buf_fmt(why, "%s:%d: domain %.*s: %.*s\n", file, conf->domains.line,
                       MN_ARG(d[i].name), MN_ARG(mn_buf_view(&one)));
        mn_buf_clear(&one);
    }
    if (conf->auth.client_ca.n)
        ca_check(mn_arena_cstr(&a, conf->auth.client_ca), &one);
    if (one.n)
        mn_buf_fmt(why, "%s: auth.client_ca: %.*s\n", file, MN_ARG(mn_buf_view(&one)));
    mn_buf_free(&one);
    mn_arena_done(&a, NULL);
}

static int certificate_open(struct server *srv, const struct host *h, const struct conf_domain *d,
                            mn_str client_ca, struct mn_arena *a, struct mn_tls **out,
                            struct mn_buf *why)
{
    struct mn_cert_files f;
    mn_str ascii = {0};
    int e;

    if (!d->certificate.n && !srv->certs)
        return MN_E_OK;
    e = mn_jid_host_ascii(h->name, a, &ascii);
    f.cert = mn_arena_cstr(a, d->certificate);
    f.key = mn_arena_cstr(a, d->key);
    if (!e && !d->certificate.n)
        e = mn_cert_local(srv->certs, ascii, a, &f, why);
    if (!e)
        e = mn_tls_server(f.cert, f.key, out, why);
    if (!e && d->certificate.n)
        files_look(&f, *out, h, mn_arena_cstr(a, ascii));
    if (!e)
        mn_tls_pick(*out, pick, srv);
    if (!e && client_ca.n)
        e = mn_tls_ask(*out, mn_arena_cstr(a, client_ca), why);
    return e;
}

static int host_open(struct snapshot *s, struct server *srv, const struct conf_domain *d, size_t i,
                     struct mn_buf *why)
{
    mn_str name;
    int e = mn_jid_host_prep(d->name, &s->a, &name);

    if (e)
        return e;
    for (size_t k = 0; k < srv->component_count; k++)
        if (mn_str_eq(srv->components[k].name, name)) {
            mn_buf_fmt(why, "domain %.*s: a component has that name until the next start",
                       MN_ARG(name));
            return MN_E_EXISTS;
        }
    s->hosts[i] = host_known(srv, name);
    return certificate_open(srv, s->hosts[i], d, s->conf->auth.client_ca, &s->a, &s->tls[i], why);
}

static unsigned mask_of(const struct mn_conf_list *l)
{
    unsigned mask = 0;

    for (size_t i = 0; i < l->count; i++)
        mask |= 1u << mn_sasl_find(((mn_str *)l->items)[i]);
    return mask;
}

static int fill(struct snapshot *s, struct server *srv, const struct config *conf,
                struct mn_buf *why)
{
    static const struct conf_domain local = {MN_STR("localhost"), MN_STR(""), MN_STR("")};
    const struct conf_domain *d = conf->domains.count ? conf->domains.items : &local;
    int e = MN_E_OK;

    s->conf = conf;
    s->built_in = !conf->domains.count;
    s->hooks = hooks_new(srv, conf);
    s->mechanisms = mask_of(&conf->auth.mechanisms);
    s->without_tls = mask_of(&conf->auth.without_tls);
    s->host_count = s->built_in ? 1 : conf->domains.count;
    s->hosts = mn_arena_alloc0(&s->a, s->host_count * sizeof(struct host *));
    s->tls = mn_arena_alloc0(&s->a, s->host_count * sizeof(struct mn_tls *));
    for (size_t i = 0; i < s->host_count && !e; i++)
        e = host_open(s, srv, &d[i], i, why);
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

struct snapshot *snapshot_new(struct server *srv, const struct config *conf, struct mn_buf *why)
{
    struct snapshot *s = blank();

    return good(s, fill(s, srv, conf, why));
}

struct snapshot *snapshot_read(struct server *srv, struct mn_buf *why)
{
    struct snapshot *s = blank();
    struct config *conf = NULL;
    int e = srv->read(srv->read_arg, &s->a, &conf, why);

    return good(s, e ? e : fill(s, srv, conf, why));
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
    mn_free(s->hooks);
    mn_arena_done(&s->a, NULL);
    mn_free(s);
}

/* Domains that are served no more. */

static bool left(const struct snapshot *next, const struct host *h)
{
    return h && !snapshot_serves(next, h);
}

/* Sessions end by the snapshot of before: whom they leave is told as ever. What is still on its way
 * here ends when it arrives (stream.c). */
static void leave(struct owner *o, const struct snapshot *next)
{
    struct user **gone = mn_alloc(o->users.count * sizeof *gone), *u;
    size_t at = 0, count = 0;

    while ((u = mn_map_next(&o->users, &at)))
        if (u->session_count && left(next, u->host)) {
            user_need(u);
            gone[count++] = u;
        }
    while (count) {
        u = gone[--count];
        MN_LIST_EACH(n, &u->sessions)
        session_kick(MN_OF(n, struct session, link), MN_STREAM_HOST_GONE, MN_STR(""));
        user_let(u);
    }
    MN_LIST_EACH(n, &o->streams)
    stream_look(MN_OF(n, struct stream, link), next);
    mn_free(gone);
}

void snapshot_take(struct owner *o, struct snapshot *s)
{
    if (o->snap)
        leave(o, s);
    snapshot_unref(o->snap);
    o->snap = s;
    mn_free(o->caps);
    o->caps = NULL;
}

/* Certificates that end. */

/* How many of these days before the end have come; the last is the end. */
static unsigned stage(int64_t left)
{
    static const int64_t days[] = {21, 7, 1, 0};
    unsigned n = 0;

    while (n < MN_COUNT(days) && left <= days[n] * DAY)
        n++;
    return n;
}

static void tell(struct server *srv)
{
    const struct snapshot *s = srv->owners[0]->snap;

    for (size_t i = 0; i < s->host_count; i++) {
        int64_t left = s->tls[i] ? mn_tls_expires(s->tls[i]) - mn_clock_wall() : INT64_MAX;
        unsigned now = stage(left);

        if (now > srv->told[i])
            mn_log_warn(NULL, left > 0 ? "certificate ends soon" : "certificate has ended",
                        MN_F("domain", s->hosts[i]->name), MN_FN("days", left / DAY));
        srv->told[i] = (unsigned char)now;
    }
}

/* One of those that we have made is to be made anew. */
static bool is_due(const struct server *srv)
{
    const struct snapshot *s = srv->owners[0]->snap;
    const struct conf_domain *d = s->conf->domains.items;

    for (size_t i = 0; i < s->host_count; i++)
        if (s->tls[i] && (s->built_in || !d[i].certificate.n) &&
            mn_tls_expires(s->tls[i]) - mn_clock_wall() <= MN_CERT_RENEW_DAYS * DAY)
            return true;
    return false;
}

static void look(struct server *srv)
{
    struct owner *o = srv->owners[0];

    tell(srv);
    mn_timer_start(o->loop, &srv->hourly, HOUR);
}

static void hour_over(struct mn_timer *t)
{
    struct server *srv = MN_OF(t, struct server, hourly);

    if (srv->owners[0]->stopping)
        return;
    look(srv);
    if (is_due(srv))
        server_reload(srv, "certificate that ends soon");
}

/* Decision L7: verifiers that are no better than the password itself. */
static void verifiers_tell(unsigned mechanisms)
{
    static const enum mn_sasl_mech like_passwords[] = {MN_SASL_DIGEST_MD5, MN_SASL_CRAM_MD5};

    for (size_t i = 0; i < MN_COUNT(like_passwords); i++)
        if (mechanisms & 1u << like_passwords[i])
            mn_log_warn(NULL,
                        "whoever reads the database or a backup can log in with what is kept for "
                        "this mechanism",
                        MN_FC("mechanism", mn_sasl_names[like_passwords[i]]));
}

void snapshot_watch(struct server *srv)
{
    verifiers_tell(srv->owners[0]->snap->mechanisms);
    mn_free(srv->told);
    srv->told = mn_alloc0(srv->owners[0]->snap->host_count);
    srv->hourly.fire = hour_over;
    look(srv);
}

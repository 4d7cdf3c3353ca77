#include "server/server.h"

#include <pthread.h>
#include <sched.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/rand.h"
#include "base/thread.h"
#include "server/anonymous.h"
#include "server/command.h"
#include "server/component.h"
#include "server/control.h"
#include "server/handled.h"
#include "server/listening.h"
#include "server/module.h"
#include "server/sm.h"

struct running {       /* what server.c alone needs */
    struct server srv; /* first */
    pthread_t *threads;
    unsigned next; /* owner of the next connection */
    struct mn_arena a;
};

static const struct snapshot *snapshot_here(const struct server *srv)
{
    const struct owner *o = owner_here();

    return (o ? o : srv->owners[0])->snap;
}

const struct host *host_find(const struct server *srv, mn_str name)
{
    const struct snapshot *s = snapshot_here(srv);

    for (size_t i = 0; i < s->host_count; i++)
        if (mn_str_eq(s->hosts[i]->name, name))
            return s->hosts[i];
    return NULL;
}

const struct host *host_first(const struct server *srv)
{
    return snapshot_here(srv)->hosts[0];
}

/* The secret behind fake salts is made once: a name that has no account gets the same salt from
 * every start. */
struct secret {
    struct server *srv;
    bool there;
    int result;
};

/* The oldest goes when there are too many. */
static bool shown_add(struct server *srv)
{
    uint32_t now = (uint32_t)srv->conf->auth.iterations;
    size_t n = 0;

    while (n < MN_COUNT(srv->shown) && srv->shown[n])
        if (srv->shown[n++] == now)
            return false;
    if (n == MN_COUNT(srv->shown))
        memmove(srv->shown, srv->shown + 1, --n * sizeof *srv->shown);
    srv->shown[n] = now;
    return true;
}

static void secret_read(struct store_read *r)
{
    struct secret *s = r->arg;
    struct mn_buf b = {0};
    struct server *srv = s->srv;
    mn_str was = r->count ? r->rows[0].value : MN_STR("");

    s->there = true;
    s->result = r->result;
    if (was.n >= sizeof srv->secret)
        memcpy(srv->secret, was.p, sizeof srv->secret);
    if (was.n == sizeof srv->secret + sizeof srv->shown)
        memcpy(srv->shown, was.p + sizeof srv->secret, sizeof srv->shown);
    if (!r->result && (shown_add(srv) || !was.n)) {
        mn_buf_add(&b, srv->secret, sizeof srv->secret);
        mn_buf_add(&b, srv->shown, sizeof srv->shown);
        store_set(srv->owners[0]->writer, MN_STR(""), "server", MN_STR("secret"), mn_buf_view(&b));
        mn_buf_free(&b);
    }
    store_read_free(r);
}

static int secret_load(struct server *srv)
{
    struct secret s = {srv, false, 0};
    char key[MN_DIGEST_MAX];
    struct store_read *r = store_read_new();

    mn_rand_bytes(srv->secret, sizeof srv->secret);
    r->kind = STORE_GET;
    r->store = "server";
    r->key = MN_STR("secret");
    r->done = secret_read;
    r->arg = &s;
    store_read(srv->owners[0]->writer, r, 0);
    while (!s.there)
        mn_loop_turn(srv->owners[0]->loop, 1000);
    mn_hmac(MN_SHA256, (mn_str){srv->secret, sizeof srv->secret}, MN_STR("stanza-id"), key);
    memcpy(srv->id_key, key, sizeof srv->id_key);
    return s.result;
}

int server_new(const struct server_options *opt, struct server **out, struct mn_buf *why)
{
    struct running *r = MN_NEW(struct running);
    struct server *s = &r->srv;
    struct snapshot *snap;
    int e;

    mn_list_init(&s->listening);
    mn_list_init(&s->reloads);
    s->conf = opt->conf;
    s->store = opt->store;
    s->work = opt->work;
    s->started = mn_clock_now();
    s->limits = mn_limit_new(65536);
    s->certs = opt->certs;
    s->log_auto = opt->log_auto;
    s->read = opt->read;
    s->read_arg = opt->read_arg;
    e = components_open(s, &s->conf->components, &r->a, why);
    snap = e ? NULL : snapshot_new(s, s->conf, why);
    if (!snap && !e)
        e = MN_E_TLS;
    s->owner_count = opt->loops;
    s->owners = mn_alloc0(s->owner_count * sizeof(struct owner *));
    for (unsigned i = 0; i < s->owner_count; i++) {
        struct mn_loop *l = mn_loop_new(opt->backend);

        MN_ASSERT(l); /* nobody has connected yet */
        s->owners[i] = owner_new(s, i, l, snap);
    }
    snapshot_unref(snap);
    r->threads = mn_alloc0(s->owner_count * sizeof *r->threads);
    iq_table_build();
    if (!e && opt->control)
        e = control_open(s, opt->control, why);
    *out = s;
    if (!e && (e = secret_load(s)))
        mn_buf_fmt(
            why, "cannot read the database in %.*s: %s; see what the disk has, or restore a backup",
            MN_ARG(s->conf->data), mn_err_text(e));
    if (!e) {
        sm_restore_all(s);
        anonymous_sweep(s);
        handled_sweep(s->owners[0]);
        snapshot_watch(s);
    }
    return e;
}

/* Connections are dealt out to the loops in turn. */
struct dealt {
    struct mn_post post;
    struct owner *owner;
    struct mn_conn *conn; /* NULL: to be made of fd */
    struct mn_addr peer;
    int fd, tls;
    bool component;
};

static const struct mn_conn_face nobody;

static void dealt(struct mn_post *p)
{
    struct dealt *d = (struct dealt *)p;

    if (!d->conn)
        d->conn = mn_conn_accepted(d->owner->loop, d->fd, &d->peer, &nobody, NULL);
    if (d->owner->stopping)
        mn_conn_close(d->conn, 0);
    else if (d->component)
        component_accept(d->owner, d->conn);
    else
        c2s_new(d->owner, d->conn, (enum conf_tls)d->tls);
    mn_free(d);
}

struct mn_conn *server_mem(struct server *srv, unsigned at, struct mn_loop *l, int tls)
{
    struct dealt *d = MN_NEW(struct dealt);
    struct mn_conn *client;

    d->owner = srv->owners[at % srv->owner_count];
    mn_conn_mem(l, d->owner->loop, &client, &d->conn);
    d->tls = tls;
    d->post.run = dealt;
    mn_loop_post(d->owner->loop, &d->post);
    return client;
}

void server_accept(struct server *srv, int fd, const struct mn_addr *peer, int service, int tls)
{
    struct running *r = (struct running *)srv;
    struct dealt *d = MN_NEW(struct dealt);

    d->component = service == CONF_COMPONENT;
    d->owner = srv->owners[r->next++ % srv->owner_count];
    d->fd = fd;
    d->peer = *peer;
    d->tls = tls;
    d->post.run = dealt;
    mn_loop_post(d->owner->loop, &d->post);
}

int server_listen(struct server *srv, struct mn_buf *why)
{
    return listening_set(srv, srv->conf, why);
}

static void streams_end(struct owner *o)
{
    o->stopping = true;
    MN_LIST_EACH(n, &o->streams)
    stream_stop(MN_OF(n, struct stream, link));
}

static void *owner_run(void *arg)
{
    struct owner *o = arg;

    owner_set_here(o);
    mn_loop_run(o->loop);
    /* Everybody is told and everything is written, for at most a second. */
    streams_end(o);
    for (int64_t until = mn_clock_now() + 1000;
         !mn_list_empty(&o->streams) && mn_clock_now() < until;)
        mn_loop_turn(o->loop, 20);
    mn_conn_thread_done();
    return NULL;
}

/* What the loops had to do, each in its place, and what came to them from others. */
static void tell_counts(const struct server *srv)
{
    struct mn_buf stanzas = {0};
    uint64_t crossed = 0, moved = 0;

    for (unsigned i = 0; i < srv->owner_count; i++) {
        const struct owner *o = srv->owners[i];

        mn_buf_fmt(&stanzas, "%s%llu", i ? "," : "", (unsigned long long)o->count.stanzas);
        crossed += o->count.crossed;
        moved += o->count.moved;
    }
    mn_log_info(NULL, "served", MN_F("stanzas", mn_buf_view(&stanzas)),
                MN_FN("crossed", (int64_t)crossed), MN_FN("moved", (int64_t)moved));
    mn_buf_free(&stanzas);
}

void server_run(struct server *srv)
{
    struct running *r = (struct running *)srv;

    for (unsigned i = 1; i < srv->owner_count; i++)
        if (mn_thread_start(&r->threads[i], owner_run, srv->owners[i]))
            mn_thread_missing();
    owner_run(srv->owners[0]);
    for (unsigned i = 1; i < srv->owner_count; i++)
        pthread_join(r->threads[i], NULL);
    tell_counts(srv);
}

static void reload_progress(void *arg, json_t *what)
{
    (void)arg;
    (void)what;
}

/* What came of it is in the log. */
static void reload_done(void *arg, json_t *ok, enum mn_cond cond, mn_str text)
{
    (void)arg;
    (void)ok;
    (void)cond;
    (void)text;
}

void server_reload(struct server *srv, const char *by)
{
    static const struct command_face face = {reload_progress, reload_done};
    const struct command_asker who = {COMMAND_MACHINE, .log = {.fields = {MN_FC("by", by)}}};

    command_ask(srv, &command_rows[COMMAND_AT_reload], NULL, &who, &face, NULL);
}

void server_stop(struct server *srv)
{
    for (unsigned i = srv->owner_count; i-- > 0;)
        mn_loop_stop(srv->owners[i]->loop);
}

/* What one owner's end sends to another, the commits behind it, what is read for it, and commands
 * that run, until nobody has anything left. */
static void drain(struct server *srv)
{
    for (int quiet = 0, round = 0; quiet < 4 && round < 1000; round++) {
        bool some = control_busy(srv) || srv->commands || (srv->work && mn_work_busy(srv->work));

        for (unsigned i = 0; i < srv->owner_count; i++) {
            owner_set_here(srv->owners[i]);
            /* connections that linger, sessions without one */
            mn_loop_fire_all(srv->owners[i]->loop);
            some |= mn_loop_turn(srv->owners[i]->loop, 5);
            some |= store_writer_busy(srv->owners[i]->writer);
        }
        quiet = some ? 0 : quiet + 1;
    }
}

void server_free(struct server *srv)
{
    struct running *r = (struct running *)srv;
    struct mn_loop **loops = mn_alloc(srv->owner_count * sizeof(struct mn_loop *));

    listening_end(srv);
    control_close(srv);
    for (unsigned i = 0; i < srv->owner_count; i++)
        srv->owners[i]->stopping = true;
    drain(srv);
    for (unsigned i = 0; i < srv->owner_count; i++) {
        owner_set_here(srv->owners[i]);
        sm_keep_all(srv->owners[i]);
    }
    if (srv->work)
        mn_work_stop(srv->work);
    drain(srv);
    control_free(srv);
    for (unsigned i = 0; i < srv->owner_count; i++) {
        loops[i] = srv->owners[i]->loop;
        owner_free(srv->owners[i]);
    }
    store_close(srv->store);
    /* Last: the store's threads may have been about to ring a loop whose commit was there already.
     */
    for (unsigned i = 0; i < srv->owner_count; i++)
        mn_loop_free(loops[i]);
    mn_free(loops);
    mn_work_free(srv->work);
    mn_limit_free(srv->limits);
    snapshot_hosts_free(srv);
    mn_free(srv->owners);
    mn_free(r->threads);
    mn_arena_done(&r->a, NULL);
    mn_conn_thread_done();
    mn_free(r);
}

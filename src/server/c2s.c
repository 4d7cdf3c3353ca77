#include "server/c2s.h"

#include "base/clock.h"
#include "base/num.h"
#include "server/module.h"
#include "server/sm.h"

static struct c2s *of(const struct stream *s)
{
    return MN_OF(s, struct c2s, stream);
}

mn_str c2s_group(const struct c2s *c, char out[16])
{
    return mn_addr_group(mn_conn_peer(c->stream.conn), out);
}

void c2s_refused(const struct c2s *c, mn_str account, const char *why)
{
    if (stream_may_log(&c->stream))
        mn_log_info(&c->stream.log, "login refused", MN_F("account", account), MN_FC("why", why));
}

bool c2s_is_loopback(const struct c2s *c)
{
    return mn_addr_is_loopback(mn_conn_peer(c->stream.conn));
}

bool c2s_may(const struct c2s *c, enum mn_sasl_mech m)
{
    if (!(c->stream.owner->snap->mechanisms & 1u << m))
        return false;
    return c->stream.secure ||
           (c->tls_policy != CONF_TLS_REQUIRED && c->stream.owner->snap->without_tls & 1u << m);
}

/* Those of the starts, and what a reload has brought. */
static void shown_fill(const uint32_t shown[], size_t most, struct mn_sasl_env *e)
{
    bool known = false;

    for (size_t i = 0; i < most && shown[i]; i++) {
        e->shown[e->shown_count++] = shown[i];
        known |= shown[i] == e->iterations;
    }
    if (!known)
        e->shown[e->shown_count++] = e->iterations;
}

struct mn_sasl_env c2s_sasl_env(const struct c2s *c)
{
    const struct server *srv = c->stream.owner->srv;
    const struct snapshot *snap = c->stream.owner->snap;
    struct mn_sasl_env e = {.host = c->host->name,
                            .tls = c->stream.secure,
                            .tls13 = mn_conn_is_tls13(c->stream.conn),
                            .secret = {srv->secret, sizeof srv->secret},
                            .iterations = (unsigned)snap->conf->auth.iterations,
                            .mechs = snap->mechanisms};

    shown_fill(srv->shown, MN_COUNT(srv->shown), &e);
    return e;
}

void c2s_creds(struct c2s *c, mn_str bare, void (*done)(struct store_read *r), void *arg)
{
    struct owner *o = c->stream.owner;
    const struct user *u = user_find(o, bare);
    struct store_read *r = store_read_new();

    r->kind = STORE_GET;
    r->owner = mn_arena_str(&r->arena, bare);
    r->store = "auth";
    r->key = MN_STR("creds");
    r->done = done;
    r->arg = arg;
    store_read(o->writer, r, u ? u->wrote : 0);
}

/* Not when any account here changed meanwhile: it may be this one, and the next login comes. */
void c2s_renew(struct c2s *c, struct mn_sasl *sasl)
{
    struct mn_arena a = {0};
    mn_str record = mn_sasl_renewed(sasl);

    if (record.p && c->since == c->stream.owner->accounts_changed)
        store_set(c->stream.owner->writer,
                  mn_arena_fmt(&a, "%.*s@%.*s", MN_ARG(mn_sasl_user(sasl)), MN_ARG(c->host->name)),
                  "auth", MN_STR("creds"), record);
    mn_arena_done(&a, NULL);
}

/* The log names the session by text of its own. */
static void let_go(struct c2s *c, struct session *s)
{
    c->stream.log.fields[1] = (struct mn_log_field){0};
    session_unref(s);
}

static void on_gone(struct stream *stream, bool lost)
{
    struct c2s *c = of(stream);
    struct session *s = c->session;

    if (!s)
        return;
    c->session = NULL;
    if (lost)
        session_lost(s);
    else
        session_end(s);
    let_go(c, s);
}

static void on_free(struct stream *s)
{
    struct c2s *c = of(s);

    login_free(c);
    mn_free((void *)c->user.p);
    mn_free((void *)c->lang.p);
    mn_free(c->claimed);
    mn_free(c);
}

/* Who can resume gets a last <a/>, and no word that would end the session (decision D3a). */
static void on_stop(struct stream *s)
{
    struct c2s *c = of(s);

    if (c->session && c->session->sm && c->session->sm->resumable) {
        sm_tell(c->session);
        stream_break(s);
    } else {
        stream_error(s, MN_STREAM_SYSTEM_SHUTDOWN, "");
    }
}

static bool is_busy(const struct stream *s)
{
    return of(s)->session && session_is_busy(of(s)->session);
}

/* The stream's header (RFC 6120, 4.7). */

static void keep_lang(struct c2s *c, mn_str lang)
{
    mn_free((void *)c->lang.p);
    c->lang = lang.n && lang.n < 40 ? (mn_str){mn_str_dup(lang), lang.n} : (mn_str){0};
}

static void features(struct c2s *c)
{
    struct mn_buf *b = mn_conn_out(c->stream.conn);
    size_t before;

    mn_buf_lit(b, "<stream:features>");
    before = b->n;
    HOOK_RUN(c->stream.owner->srv, stream_features, c, b);
    if (b->n == before) {
        b->n -= sizeof "<stream:features>" - 1;
        mn_buf_lit(b, "<stream:features/>");
    } else {
        mn_buf_lit(b, "</stream:features>");
    }
    mn_conn_written(c->stream.conn);
}

/* RFC 6120 4.7.5: two numbers, compared as such; what is newer than 1.0 gets 1.0. */
static bool version_ok(mn_str version)
{
    mn_str minor, major = mn_str_cut(version, '.', &minor);
    int64_t v;

    return mn_num_parse_int(major, 1, 1000, &v) && mn_num_parse_int(minor, 0, 1000, &v);
}

static enum mn_stream_cond header_fault(struct c2s *c, const struct mn_xml_item *item,
                                        const struct host *h, const struct mn_jid *from,
                                        const char **why)
{
    const struct mn_elem *e = item->elem;
    mn_str ns = item->default_ns;

    /* The content namespace may also be declared on each element instead (RFC 6120 4.8.2). */
    if (e->ns != MN_NS_STREAM || (ns.n && !mn_str_eq(ns, mn_ns_uri(MN_NS_CLIENT)) &&
                                  !mn_str_eq(ns, mn_ns_uri(MN_NS_STREAM)))) {
        *why = "a client's stream is {http://etherx.jabber.org/streams}stream with jabber:client "
               "as content namespace";
        return MN_STREAM_INVALID_NAMESPACE;
    }
    if (!mn_str_is(e->name, "stream")) {
        *why = "the first element is not stream";
        return MN_STREAM_BAD_FORMAT;
    }
    if (mn_elem_get(e, "from").p && mn_jid_none(from)) {
        *why = "from is no address";
        return MN_STREAM_INVALID_FROM;
    }
    if (!h || h != c->host) {
        *why = mn_elem_get(e, "to").p ? "this server does not serve that domain" : "to is missing";
        return MN_STREAM_HOST_UNKNOWN;
    }
    if (!version_ok(mn_elem_get(e, "version"))) {
        *why = "version 1.0 is needed";
        return MN_STREAM_UNSUPPORTED_VERSION;
    }
    if (!mn_jid_none(from) && c->user.n &&
        (!mn_str_eq(mn_jid_user(from), c->user) || !mn_str_eq(mn_jid_host(from), h->name))) {
        *why = "from is not who logged in";
        return MN_STREAM_INVALID_FROM;
    }
    return MN_STREAM_NONE;
}

static mn_str name(const struct stream *s)
{
    const struct c2s *c = of(s);

    return (c->host ? c->host : host_first(c->stream.owner->srv))->name;
}

static void on_header(struct stream *s, const struct mn_xml_item *item, struct mn_arena *a)
{
    struct c2s *c = of(s);
    const struct mn_elem *e = item->elem;
    enum mn_stream_cond cond;
    const char *why = "";
    struct mn_jid from;
    const struct host *h = NULL;
    char id[STREAM_ID];
    mn_str to;

    if (!mn_jid_host_prep(mn_elem_get(e, "to"), a, &to))
        h = host_find(c->stream.owner->srv, to);
    if (h && (!c->host || !c->user.n || c->host == h))
        c->host = h;
    keep_lang(c, mn_elem_lang(e));
    if (mn_jid_parse(mn_elem_get(e, "from"), a, &from))
        from = (struct mn_jid){0};
    cond = header_fault(c, item, h, &from, &why);
    stream_open(s, mn_jid_none(&from) ? (mn_str){0} : mn_jid_bare(&from), id);
    c->state = c->user.n ? C2S_KNOWN : C2S_OPEN;
    mn_free(c->claimed);
    c->claimed = c->stream.secure && !c->user.n && !mn_jid_none(&from)
                     ? mn_str_dup(mn_jid_bare(&from))
                     : NULL;
    if (cond)
        stream_error(&c->stream, cond, why);
    else
        features(c);
}

/* Stanzas. */

static bool from_ok(const struct c2s *c, const struct mn_stanza *st)
{
    if (mn_jid_none(&st->from))
        return true;
    return mn_str_eq(mn_jid_bare(&st->from), mn_jid_bare(&c->session->jid)) &&
           (!st->from.resource ||
            mn_str_eq(mn_jid_resource(&st->from), mn_jid_resource(&c->session->jid)));
}

/* limits.stanza_rate: as many as a second has may come at once; then each when it is due. */
static void pace(struct c2s *c)
{
    int64_t rate = c->stream.owner->snap->conf->limits.stanza_rate, now, each, early;

    if (!rate)
        return;
    now = mn_clock_now() * 1000;
    each = 1000000 / rate;
    c->paid = (c->paid > now ? c->paid : now) + each;
    early = c->paid + each - now - 1000000;
    if (early > 0)
        stream_rest(&c->stream, (early + 999) / 1000);
}

static void bound_stanza(struct c2s *c, struct mn_stanza *st, bool malformed)
{
    bool bad_from = malformed && mn_elem_get(st->elem, "from").p && mn_jid_none(&st->from);

    if (bad_from || !from_ok(c, st)) {
        stream_error(&c->stream, MN_STREAM_INVALID_FROM, "from is not who logged in");
        mn_stanza_unref(st);
        return;
    }
    /* The session's address outlives no stanza: a copy of its own. */
    mn_stanza_from(st, &c->session->jid);
    if (!st->lang.p && c->lang.n)
        st->lang = mn_arena_str(&st->arena, c->lang);
    pace(c);
    session_take(c->session, st, malformed);
}

/* Without a bound resource only a few IQs are heard (registration, jabber:iq:auth, bind). */
static void early_stanza(struct c2s *c, struct mn_stanza *st, bool malformed)
{
    bool ours = mn_jid_none(&st->to) || (!st->to.user && !st->to.resource &&
                                         mn_str_eq(mn_jid_host(&st->to), c->host->name));

    if (st->kind == MN_IQ && (st->type == MN_TYPE_GET || st->type == MN_TYPE_SET) && st->id.n &&
        !malformed && ours && iq_hears(mn_stanza_child(st), (enum mn_type)st->type, AT_STREAM)) {
        struct iq iq = {.st = st, .owner = c->stream.owner, .host = c->host, .stream = c};

        st->from = st->to = (struct mn_jid){0};
        iq_dispatch(&iq, AT_STREAM);
        return;
    }
    stream_error(&c->stream, MN_STREAM_NOT_AUTHORIZED,
                 c->user.n ? "bind a resource first" : "log in first");
    mn_stanza_unref(st);
}

static bool stream_element(struct c2s *c, const struct mn_xml_item *item)
{
    for (const struct module *const *m = modules; *m; m++)
        for (const struct stream_row *row = (*m)->stream;
             row->fn && module_on(c->stream.owner->srv, *m); row++)
            if (mn_elem_is(item->elem, row->ns, row->name))
                return row->fn(c, item);
    return false;
}

static void on_elem(struct stream *s, const struct mn_xml_item *item, struct mn_arena *a)
{
    struct c2s *c = of(s);
    struct mn_stanza *st;
    int e;

    if (item->elem->ns != MN_NS_CLIENT) {
        if (!stream_element(c, item))
            stream_error(&c->stream,
                         item->elem->ns == MN_NS_SERVER ? MN_STREAM_INVALID_NAMESPACE
                                                        : MN_STREAM_UNSUPPORTED_STANZA_TYPE,
                         "no such element at this point");
        return;
    }
    e = mn_stanza_parse(item, a, MN_NS_CLIENT, &st);
    if (e == MN_E_NOT_FOUND)
        stream_error(&c->stream, MN_STREAM_UNSUPPORTED_STANZA_TYPE, "not message, presence or iq");
    else if (c->state == C2S_BOUND)
        bound_stanza(c, st, e);
    else
        early_stanza(c, st, e);
}

static void on_end(struct stream *s)
{
    struct c2s *c = of(s);

    if (c->session && !s->unsent)
        session_farewell(c->session);
}

static bool stays(const struct stream *s, const struct snapshot *next)
{
    return !of(s)->host || snapshot_serves(next, of(s)->host);
}

static void on_moved(struct stream *s)
{
    struct c2s *c = of(s);

    c->since = s->owner->accounts_changed;
    c->then(c, c->then_arg);
}

static const struct stream_face face = {
    .ns = "jabber:client",
    .attributes = " version='1.0' xml:lang='en'",
    .late = "the login took too long",
    .deaf = "client does not read",
    .name = name,
    .header = on_header,
    .element = on_elem,
    .moved = on_moved,
    .ended = on_end,
    .gone = on_gone,
    .free = on_free,
    .busy = is_busy,
    .stop = on_stop,
    .stays = stays,
};

bool c2s_is_of(const struct c2s *c, const struct user *u)
{
    return user_is_of(u, c->since);
}

void c2s_move(struct c2s *c, mn_str bare, void (*then)(struct c2s *c, void *arg), void *arg)
{
    c->then = then;
    c->then_arg = arg;
    stream_move(&c->stream, owner_of(c->stream.owner->srv, bare));
}

void c2s_new(struct owner *o, struct mn_conn *conn, enum conf_tls policy)
{
    struct c2s *c = MN_NEW(struct c2s);

    if (!stream_init(&c->stream, &face, o, conn)) {
        mn_free(c);
        return;
    }
    c->tls_policy = (uint8_t)policy;
    if (policy == CONF_TLS_DIRECT)
        mn_conn_start_tls(conn, snapshot_tls(o, host_first(o->srv)), true, NULL);
}

bool c2s_expects(const struct c2s *c, mn_str user)
{
    struct mn_arena a = {0};
    bool ok = !c->claimed ||
              mn_str_eq(mn_str_from(c->claimed),
                        mn_arena_fmt(&a, "%.*s@%.*s", MN_ARG(user), MN_ARG(c->host->name)));

    mn_arena_done(&a, NULL);
    return ok;
}

void c2s_authenticated(struct c2s *c, mn_str user)
{
    const char *was = c->user.p;

    mn_free(c->claimed);
    c->claimed = NULL;
    c->user = (mn_str){mn_str_dup(user), user.n};
    mn_free((void *)was);
    c->refused = 0; /* from here on, of attempts to bind */
    c->stream.owner->count.logins++;
    stream_let_in(&c->stream);
}

struct mn_jid c2s_jid(struct c2s *c, struct mn_arena *a)
{
    struct mn_jid j;

    MN_ASSERT(!mn_jid_make(c->user, c->host->name, (mn_str){0}, a, &j));
    return j;
}

/* The session's way out. */

static void endpoint_write(void *endpoint, const struct mn_stanza *st, const struct mn_jid *to)
{
    stream_write(endpoint, st, to);
}

static void endpoint_raw(void *endpoint, mn_str bytes)
{
    stream_raw(endpoint, bytes);
}

static size_t endpoint_queued(const void *endpoint)
{
    const struct stream *s = endpoint;

    return s->conn ? mn_conn_queued(s->conn) : 0;
}

static void endpoint_settled(void *endpoint)
{
    stream_settled(endpoint);
}

static void endpoint_close(void *endpoint, enum mn_stream_cond cond, mn_str text)
{
    struct c2s *c = of(endpoint);
    struct session *s = c->session;
    struct mn_arena a = {0};

    c->session = NULL;
    stream_error(&c->stream, cond, mn_arena_cstr(&a, text));
    let_go(c, s);
    mn_arena_done(&a, NULL);
}

static const struct endpoint_face endpoint = {endpoint_write, endpoint_raw, endpoint_queued,
                                              endpoint_settled, endpoint_close};

struct c2s *c2s_of(const struct session *s)
{
    return s->face == &endpoint && s->endpoint ? of(s->endpoint) : NULL;
}

/* From now on the stream is that session's. */
static void take_session(struct c2s *c, struct session *s)
{
    c->session = session_ref(s);
    c->session->log = &c->stream.log;
    c->session->peer = mn_str_from(c->stream.peer);
    c->state = C2S_BOUND;
    stream_in_time(&c->stream);
    c->stream.log.fields[1] = MN_F("jid", mn_jid_text(&c->session->jid));
}

static void tell_session(struct c2s *c, const char *what)
{
    if (stream_may_log(&c->stream))
        mn_log_info(&c->stream.log, what,
                    MN_FC("tls", c->stream.secure ? mn_conn_tls_name(c->stream.conn) : "none"));
}

void c2s_bind(struct c2s *c, struct user *u, mn_str resource)
{
    take_session(c, session_new(u, resource, &endpoint, &c->stream));
    c->session->anonymous = c->anonymous;
    tell_session(c, "session");
}

bool c2s_resume(struct c2s *c, struct session *s, uint32_t h)
{
    take_session(c, s);
    tell_session(c, "session resumed");
    if (!sm_return(s, &endpoint, &c->stream, h))
        return false;
    if (s->inactive) /* its old stream was there still */
        session_active(s, true);
    if (s->available && s->priority >= 0)
        HOOK_RUN(c->stream.owner->srv, session_ready, s);
    return true;
}

#include "server/c2s.h"

#include "base/clock.h"
#include "base/num.h"
#include "base/rand.h"
#include "server/module.h"
#include "server/sm.h"
#include "server/stranger.h"

enum { LINGER_MS = 5000 };

struct mn_xml_limits c2s_limits(const struct c2s *c)
{
    const struct config *conf = c->owner->snap->conf;

    return (struct mn_xml_limits){
        (size_t)(c->user.n ? conf->limits.stanza : conf->limits.stanza_before_login),
        (unsigned)conf->limits.depth, (unsigned)conf->limits.attributes};
}

mn_str c2s_group(const struct c2s *c, char out[16])
{
    return mn_addr_group(mn_conn_peer(c->conn), out);
}

static bool may_log(const struct c2s *c)
{
    return stranger_may_log(c->srv, mn_conn_peer(c->conn), &c->log);
}

void c2s_refused(const struct c2s *c, mn_str account, const char *why)
{
    if (may_log(c))
        mn_log_info(&c->log, "login refused", MN_F("account", account), MN_FC("why", why));
}

bool c2s_is_loopback(const struct c2s *c)
{
    return mn_addr_is_loopback(mn_conn_peer(c->conn));
}

bool c2s_may(const struct c2s *c, enum mn_sasl_mech m)
{
    if (!(c->owner->snap->mechanisms & 1u << m))
        return false;
    return c->secure ||
           (c->tls_policy != CONF_TLS_REQUIRED && c->owner->snap->without_tls & 1u << m);
}

static void limit(struct c2s *c)
{
    struct mn_xml_limits limits = c2s_limits(c);

    mn_xml_limit(c->xml, &limits);
}

/* It no longer counts among those who are not let in yet. */
static void count_off(struct c2s *c)
{
    if (c->counted)
        stranger_let(c->srv, mn_conn_peer(c->conn));
    c->counted = false;
}

static void c2s_free(struct c2s *c)
{
    login_free(c);
    mn_turn_cancel(&c->turn);
    mn_timer_stop(&c->deadline);
    mn_list_del(&c->link);
    mn_xml_free(c->xml);
    mn_free((void *)c->user.p);
    mn_free((void *)c->lang.p);
    mn_free(c->claimed);
    mn_free(c);
}

/* The log names the session by text of its own. */
static void let_go(struct c2s *c, struct session *s)
{
    c->log.fields[1] = (struct mn_log_field){0};
    session_unref(s);
}

/* The connection goes; the struct goes when nothing is under way with it any more. */
static void shut(struct c2s *c, int64_t linger, bool lost)
{
    if (c->state == C2S_CLOSED)
        return;
    count_off(c);
    c->state = C2S_CLOSED;
    if (c->session) {
        struct session *s = c->session;

        c->session = NULL;
        if (lost)
            session_lost(s);
        else
            session_end(s);
        let_go(c, s);
    }
    mn_timer_stop(&c->deadline);
    mn_conn_close(c->conn, linger);
    c->conn = NULL;
    if (!c->waiting || c->busy)
        mn_loop_at_end(c->owner->loop, &c->turn);
}

static void check_queue(struct c2s *c)
{
    if (!c->overflow && mn_conn_queued(c->conn) > (size_t)c->owner->snap->conf->limits.queue) {
        c->overflow = true;
        mn_loop_at_end(c->owner->loop, &c->turn);
    }
}

void c2s_raw(struct c2s *c, mn_str bytes)
{
    if (c->state == C2S_CLOSED || c->overflow)
        return;
    mn_conn_write(c->conn, bytes);
    check_queue(c);
}

void c2s_write(struct c2s *c, const struct mn_stanza *st, const struct mn_jid *to)
{
    if (c->state == C2S_CLOSED || c->overflow)
        return;
    mn_stanza_write(mn_conn_out(c->conn), st, to);
    mn_conn_written(c->conn);
    check_queue(c);
}

static void header(struct c2s *c, mn_str to)
{
    struct mn_arena a = {.pool = mn_loop_pool(c->owner->loop)};
    struct mn_buf *b = mn_conn_out(c->conn);
    mn_str from = (c->host ? c->host : host_first(c->srv))->name;

    mn_buf_lit(b, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                  "xmlns:stream='http://etherx.jabber.org/streams' id='");
    mn_buf_str(b, mn_rand_text(&a, 24));
    mn_buf_lit(b, "' from='");
    mn_buf_xml(b, from, true);
    if (to.n) {
        mn_buf_lit(b, "' to='");
        mn_buf_xml(b, to, true);
    }
    mn_buf_lit(b, "' version='1.0' xml:lang='en'>");
    mn_conn_written(c->conn);
    mn_arena_done(&a, mn_loop_pool(c->owner->loop));
}

void c2s_error(struct c2s *c, enum mn_stream_cond cond, const char *text)
{
    c2s_error_with(c, cond, text, (mn_str){0});
}

void c2s_error_with(struct c2s *c, enum mn_stream_cond cond, const char *text, mn_str more)
{
    struct mn_buf *b;

    if (c->state == C2S_CLOSED)
        return;
    mn_log_debug(&c->log, "stream error", MN_F("condition", mn_stream_cond_name(cond)),
                 MN_FC("why", text));
    c->owner->count.refused++;
    /* RFC 6120 4.9.1.2: also an error in the first header is told inside a stream of ours. */
    if (c->state == C2S_OPENING)
        header(c, (mn_str){0});
    b = mn_conn_out(c->conn);
    mn_buf_lit(b, "<stream:error><");
    mn_buf_str(b, mn_stream_cond_name(cond));
    mn_buf_lit(b, " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
    if (*text) {
        mn_buf_lit(b, "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>");
        mn_buf_xml(b, mn_str_from(text), false);
        mn_buf_lit(b, "</text>");
    }
    mn_buf_str(b, more);
    mn_buf_lit(b, "</stream:error></stream:stream>");
    mn_conn_written(c->conn);
    shut(c, LINGER_MS, false);
}

void c2s_close(struct c2s *c)
{
    if (c->state == C2S_CLOSED)
        return;
    if (c->state == C2S_OPENING)
        header(c, (mn_str){0});
    c2s_raw(c, MN_STR("</stream:stream>"));
    shut(c, LINGER_MS, false);
}

void c2s_stop(struct c2s *c)
{
    if (c->state == C2S_BOUND && c->session->sm && c->session->sm->resumable) {
        sm_tell(c->session);
        shut(c, LINGER_MS, true);
    } else {
        c2s_error(c, MN_STREAM_SYSTEM_SHUTDOWN, "");
    }
}

void c2s_restart(struct c2s *c)
{
    mn_xml_restart(c->xml);
    c->state = C2S_OPENING;
}

/* The stream's header (RFC 6120, 4.7). */

static void keep_lang(struct c2s *c, mn_str lang)
{
    mn_free((void *)c->lang.p);
    c->lang = lang.n && lang.n < 40 ? (mn_str){mn_str_dup(lang), lang.n} : (mn_str){0};
}

static void features(struct c2s *c)
{
    struct mn_buf *b = mn_conn_out(c->conn);
    size_t before;

    mn_buf_lit(b, "<stream:features>");
    before = b->n;
    HOOK_RUN(c->srv, stream_features, c, b);
    if (b->n == before) {
        b->n -= sizeof "<stream:features>" - 1;
        mn_buf_lit(b, "<stream:features/>");
    } else {
        mn_buf_lit(b, "</stream:features>");
    }
    mn_conn_written(c->conn);
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

static void on_header(struct c2s *c, const struct mn_xml_item *item, struct mn_arena *a)
{
    const struct mn_elem *e = item->elem;
    enum mn_stream_cond cond;
    const char *why = "";
    struct mn_jid from;
    const struct host *h = NULL;
    mn_str name;

    if (!mn_jid_host_prep(mn_elem_get(e, "to"), a, &name))
        h = host_find(c->srv, name);
    if (h && (!c->host || !c->user.n || c->host == h))
        c->host = h;
    keep_lang(c, mn_elem_lang(e));
    if (mn_jid_parse(mn_elem_get(e, "from"), a, &from))
        from = (struct mn_jid){0};
    cond = header_fault(c, item, h, &from, &why);
    header(c, mn_jid_none(&from) ? (mn_str){0} : mn_jid_bare(&from));
    c->state = c->user.n ? C2S_KNOWN : C2S_OPEN;
    limit(c);
    mn_free(c->claimed);
    c->claimed =
        c->secure && !c->user.n && !mn_jid_none(&from) ? mn_str_dup(mn_jid_bare(&from)) : NULL;
    if (cond)
        c2s_error(c, cond, why);
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

/* Pressure: who feeds a loop that is over the mark is not read until that loop has worked off what
 * it has now. The stream's post, which moves no more, goes there behind all of it and comes back.
 */

static void echo_back(struct mn_post *p)
{
    c2s_go_on(MN_OF(p, struct c2s, post));
}

static void echo(struct mn_post *p)
{
    struct c2s *c = MN_OF(p, struct c2s, post);

    p->run = echo_back;
    mn_loop_post(c->owner->loop, p);
}

static void take(struct c2s *c, struct mn_stanza *st, bool malformed)
{
    struct owner *o = c->owner;

    o->crowded = NULL;
    session_take(c->session, st, malformed);
    if (c->state != C2S_BOUND || c->waiting)
        return;
    c->busy = session_is_busy(c->session);
    if (!c->busy && !o->crowded)
        return;
    c2s_wait(c);
    if (c->busy)
        return;
    c->post.run = echo;
    c->post.bytes = 0;
    mn_loop_post(o->crowded->loop, &c->post);
}

static void bound_stanza(struct c2s *c, struct mn_stanza *st, bool malformed)
{
    bool bad_from = malformed && mn_elem_get(st->elem, "from").p && mn_jid_none(&st->from);

    if (bad_from || !from_ok(c, st)) {
        c2s_error(c, MN_STREAM_INVALID_FROM, "from is not who logged in");
        mn_stanza_unref(st);
        return;
    }
    /* The session's address outlives no stanza: a copy of its own. */
    mn_stanza_from(st, &c->session->jid);
    if (!st->lang.p && c->lang.n)
        st->lang = mn_arena_str(&st->arena, c->lang);
    take(c, st, malformed);
}

/* Without a bound resource only a few IQs are heard (registration, jabber:iq:auth, bind). */
static void early_stanza(struct c2s *c, struct mn_stanza *st, bool malformed)
{
    bool ours = mn_jid_none(&st->to) || (!st->to.user && !st->to.resource &&
                                         mn_str_eq(mn_jid_host(&st->to), c->host->name));

    if (st->kind == MN_IQ && (st->type == MN_TYPE_GET || st->type == MN_TYPE_SET) && st->id.n &&
        !malformed && ours && iq_hears(mn_stanza_child(st), (enum mn_type)st->type, AT_STREAM)) {
        struct iq iq = {.st = st, .owner = c->owner, .host = c->host, .stream = c};

        st->from = st->to = (struct mn_jid){0};
        iq_dispatch(&iq, AT_STREAM);
        return;
    }
    c2s_error(c, MN_STREAM_NOT_AUTHORIZED, c->user.n ? "bind a resource first" : "log in first");
    mn_stanza_unref(st);
}

static bool stream_element(struct c2s *c, const struct mn_xml_item *item)
{
    for (const struct module *const *m = modules; *m; m++)
        for (const struct stream_row *row = (*m)->stream; row->fn && module_on(c->srv, *m); row++)
            if (mn_elem_is(item->elem, row->ns, row->name))
                return row->fn(c, item);
    return false;
}

static void on_elem(struct c2s *c, const struct mn_xml_item *item, struct mn_arena *a)
{
    struct mn_stanza *st;
    int e;

    if (item->elem->ns != MN_NS_CLIENT) {
        if (!stream_element(c, item))
            c2s_error(c,
                      item->elem->ns == MN_NS_SERVER ? MN_STREAM_INVALID_NAMESPACE
                                                     : MN_STREAM_UNSUPPORTED_STANZA_TYPE,
                      "no such element at this point");
        return;
    }
    e = mn_stanza_parse(item, a, MN_NS_CLIENT, &st);
    if (e == MN_E_NOT_FOUND)
        c2s_error(c, MN_STREAM_UNSUPPORTED_STANZA_TYPE, "not message, presence or iq");
    else if (c->state == C2S_BOUND)
        bound_stanza(c, st, e);
    else
        early_stanza(c, st, e);
}

static void on_end(struct c2s *c)
{
    if (c->session && !mn_conn_queued(c->conn))
        session_farewell(c->session);
    c2s_close(c);
}

/* Input. */

static void pump(struct c2s *c)
{
    struct mn_pool *pool = mn_loop_pool(c->owner->loop);

    c->pumping = true;
    if (c->state == C2S_BOUND && session_is_busy(c->session)) {
        c->busy = true;
        c2s_wait(c);
    }
    while (!c->waiting && !c->overflow && c->state != C2S_CLOSED) {
        struct mn_arena a = {.pool = pool};
        struct mn_xml_item item;
        int e = mn_xml_next(c->xml, &a, &item);

        if (e == MN_XML_OPEN)
            on_header(c, &item, &a);
        else if (e == MN_XML_ELEM)
            on_elem(c, &item, &a);
        else if (e == MN_XML_CLOSE)
            on_end(c);
        else if (e < 0)
            c2s_error(c, mn_stream_cond_of(e),
                      e == MN_E_LIMIT ? "over a limit of size, depth or attributes"
                                      : mn_err_text(e));
        mn_arena_done(&a, pool);
        if (e == MN_XML_NOTHING)
            break;
    }
    c->pumping = false;
    mn_xml_keep(c->xml);
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct c2s *c = arg;

    mn_xml_feed(c->xml, bytes);
    if (c->waiting)
        mn_xml_keep(c->xml);
    else
        pump(c);
}

static void on_closed(void *arg, int why)
{
    struct c2s *c = arg;

    mn_log_debug(&c->log, "connection ended", MN_FC("why", mn_err_text(why)));
    shut(c, 0, true);
}

static void on_tls(void *arg)
{
    struct c2s *c = arg;

    c->secure = true;
    mn_log_debug(&c->log, "TLS", MN_FC("with", mn_conn_tls_name(c->conn)));
}

static const struct mn_conn_face face = {on_bytes, on_closed, NULL, on_tls};

void c2s_wait(struct c2s *c)
{
    c->waiting = true;
    if (c->conn)
        mn_conn_pause(c->conn, true);
}

bool c2s_go_on(struct c2s *c)
{
    c->waiting = false;
    if (c->state == C2S_CLOSED) {
        if (c->pumping)
            mn_loop_at_end(c->owner->loop, &c->turn);
        else
            c2s_free(c);
        return false;
    }
    mn_conn_pause(c->conn, false);
    if (!c->pumping)
        pump(c);
    return true;
}

/* Moving. */

static void deadline_start(struct c2s *c)
{
    if (c->state != C2S_BOUND && c->state != C2S_CLOSED)
        mn_timer_start(c->owner->loop, &c->deadline, c->deadline_at - mn_clock_now());
}

static void arrived(struct mn_post *p)
{
    struct c2s *c = MN_OF(p, struct c2s, post);

    c->owner = owner_here();
    mn_list_add(&c->owner->streams, &c->link);
    mn_conn_attach(c->conn, c->owner->loop);
    deadline_start(c);
    c->owner->count.moved++;
    if (c->host && !snapshot_serves(c->owner->snap, c->host)) /* a reload was faster */
        c2s_error(c, MN_STREAM_HOST_GONE, "");
    c->arrived(c, c->arrived_arg);
}

static void leave(struct c2s *c)
{
    c->moving = false;
    if (c->state == C2S_CLOSED) {
        c->arrived(c, c->arrived_arg);
        return;
    }
    mn_timer_stop(&c->deadline);
    mn_list_del(&c->link);
    mn_conn_detach(c->conn);
    c->post.run = arrived;
    c->post.bytes = sizeof *c + mn_xml_held(c->xml);
    mn_loop_post(c->goal->loop, &c->post);
}

void c2s_move(struct c2s *c, mn_str bare, void (*then)(struct c2s *c, void *arg), void *arg)
{
    struct owner *goal = owner_of(c->srv, bare);

    c2s_wait(c);
    if (goal == c->owner || c->state == C2S_CLOSED) {
        then(c, arg);
        return;
    }
    c->arrived = then;
    c->arrived_arg = arg;
    c->goal = goal;
    c->moving = true;
    mn_loop_at_end(c->owner->loop, &c->turn);
}

/* With nothing of it on the stack. */
static void at_end(struct mn_turn *t)
{
    struct c2s *c = MN_OF(t, struct c2s, turn);

    if (c->overflow && c->state != C2S_CLOSED) {
        if (may_log(c))
            mn_log_info(&c->log, "client does not read",
                        MN_FN("bytes", (int64_t)mn_conn_queued(c->conn)));
        shut(c, 0, true);
    }
    if (c->moving) {
        leave(c);
    } else if (c->busy && (c->state == C2S_CLOSED || !session_is_busy(c->session))) {
        c->busy = false;
        c2s_go_on(c);
    } else if (c->state == C2S_CLOSED && !c->waiting)
        c2s_free(c);
}

static void deadline_over(struct mn_timer *t)
{
    struct c2s *c = MN_OF(t, struct c2s, deadline);

    c2s_error(c, MN_STREAM_POLICY_VIOLATION, "the login took too long");
}

struct c2s *c2s_new(struct owner *o, struct mn_conn *conn, enum conf_tls policy)
{
    struct c2s *c;
    struct mn_xml_limits limits;

    if (!stranger_hold(o, mn_conn_peer(conn))) {
        mn_conn_face(conn, &face, NULL);
        mn_conn_close(conn, 0);
        return NULL;
    }
    c = MN_NEW(struct c2s);
    c->counted = true;
    c->srv = o->srv;
    c->owner = o;
    c->conn = conn;
    c->tls_policy = (uint8_t)policy;
    limits = c2s_limits(c);
    c->xml = mn_xml_new(&limits);
    c->turn.run = at_end;
    c->deadline.fire = deadline_over;
    c->deadline_at = mn_clock_now() + o->snap->conf->limits.login_time;
    mn_addr_text(mn_conn_peer(conn), c->peer);
    c->log = (struct mn_log){.fields = {MN_FC("peer", c->peer)}};
    mn_list_init(&c->link);
    mn_list_add(&o->streams, &c->link);
    mn_conn_face(conn, &face, c);
    deadline_start(c);
    if (policy == CONF_TLS_DIRECT)
        mn_conn_start_tls(conn, snapshot_tls(o, host_first(o->srv)), true, NULL);
    return c;
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
    c->owner->count.logins++;
    count_off(c);
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
    c2s_write(endpoint, st, to);
}

static void endpoint_raw(void *endpoint, mn_str bytes)
{
    c2s_raw(endpoint, bytes);
}

static size_t endpoint_queued(const void *endpoint)
{
    const struct c2s *c = endpoint;

    return c->conn ? mn_conn_queued(c->conn) : 0;
}

static void endpoint_settled(void *endpoint)
{
    struct c2s *c = endpoint;

    if (c->busy)
        mn_loop_at_end(c->owner->loop, &c->turn);
}

static void endpoint_close(void *endpoint, enum mn_stream_cond cond, mn_str text)
{
    struct c2s *c = endpoint;
    struct session *s = c->session;
    struct mn_arena a = {0};

    c->session = NULL;
    c2s_error(c, cond, mn_arena_cstr(&a, text));
    let_go(c, s);
    mn_arena_done(&a, NULL);
}

static const struct endpoint_face endpoint = {endpoint_write, endpoint_raw, endpoint_queued,
                                              endpoint_settled, endpoint_close};

struct c2s *c2s_of(const struct session *s)
{
    return s->face == &endpoint ? s->endpoint : NULL;
}

/* From now on the stream is that session's. */
static void take_session(struct c2s *c, struct session *s)
{
    c->session = session_ref(s);
    c->session->log = &c->log;
    c->session->peer = mn_str_from(c->peer);
    c->state = C2S_BOUND;
    mn_timer_stop(&c->deadline);
    limit(c);
    c->log.fields[1] = MN_F("jid", mn_jid_text(&c->session->jid));
}

static void tell_session(struct c2s *c, const char *what)
{
    if (may_log(c))
        mn_log_info(&c->log, what, MN_FC("tls", c->secure ? mn_conn_tls_name(c->conn) : "none"));
}

void c2s_bind(struct c2s *c, struct user *u, mn_str resource)
{
    take_session(c, session_new(u, resource, &endpoint, c));
    c->session->anonymous = c->anonymous;
    tell_session(c, "session");
}

bool c2s_resume(struct c2s *c, struct session *s, uint32_t h)
{
    take_session(c, s);
    tell_session(c, "session resumed");
    if (!sm_return(s, &endpoint, c, h))
        return false;
    if (s->inactive) /* its old stream was there still */
        session_active(s, true);
    if (s->available && s->priority >= 0)
        HOOK_RUN(c->srv, session_ready, s);
    return true;
}

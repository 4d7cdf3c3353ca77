#include "server/component.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/crypt.h"
#include "base/file.h"
#include "base/rand.h"
#include "server/iq.h"
#include "server/module.h"
#include "server/stranger.h"

enum { LINGER_MS = 5000, ID = 24, SECRET_MAX = 4096 };

/* Waits for a header (of: NULL), for the handshake, or is what the component's `stream` names. */
struct component_stream {
    struct mn_list link; /* in owner->components */
    struct owner *owner;
    struct mn_conn *conn; /* NULL: it has ended */
    struct mn_xml *xml;
    struct component *of;
    char id[ID];
    bool opened, known;
    bool waiting, overflow, counted;
    struct mn_timer deadline;
    struct mn_turn turn;
    struct mn_post post; /* to a loop that has too much mail, and back */
    struct mn_log log;
    char peer[MN_ADDR_TEXT];
};

/* What is configured. */

static int secret_of(const struct conf_component *conf, struct mn_arena *a, mn_str *out,
                     struct mn_buf *why)
{
    int e;

    if (!conf->secret_file.n) {
        *out = mn_arena_str(a, conf->secret);
        return MN_E_OK;
    }
    e = mn_file_read(mn_arena_cstr(a, conf->secret_file), SECRET_MAX, a, out);
    *out = mn_str_trim(*out);
    if (!e && !out->n)
        e = MN_E_FORMAT;
    if (e)
        mn_buf_fmt(why, "component %.*s: %.*s: %s", MN_ARG(conf->name), MN_ARG(conf->secret_file),
                   e == MN_E_FORMAT ? "the file holds no secret" : mn_err_text(e));
    return e;
}

int components_open(struct server *srv, const struct mn_conf_list *list, struct mn_arena *a,
                    struct mn_buf *why)
{
    const struct conf_component *conf = list->items;
    int e = MN_E_OK;

    srv->component_count = list->count;
    srv->components = mn_arena_alloc0(a, (srv->component_count + 1) * sizeof *srv->components);
    for (size_t i = 0; i < srv->component_count && !e; i++) {
        e = mn_jid_host_prep(conf[i].name, a, &srv->components[i].name);
        srv->components[i].name = mn_arena_str(a, srv->components[i].name);
        if (!e)
            e = secret_of(&conf[i], a, &srv->components[i].secret, why);
    }
    return e;
}

static bool is_below(mn_str host, mn_str name)
{
    return host.n > name.n && host.p[host.n - name.n - 1] == '.' &&
           mn_str_eq(mn_str_skip(host, host.n - name.n), name);
}

bool component_below(const struct component *c, mn_str host)
{
    return is_below(c->name, host);
}

struct component *component_find(const struct server *srv, mn_str host)
{
    struct component *best = NULL;

    for (size_t i = 0; i < srv->component_count; i++) {
        struct component *c = &srv->components[i];

        if ((mn_str_eq(host, c->name) || is_below(host, c->name)) &&
            (!best || c->name.n > best->name.n))
            best = c;
    }
    return best && host_find(srv, host) ? NULL : best;
}

struct owner *component_owner(const struct server *srv)
{
    return srv->owners[0];
}

/* The stream's end. */

static void count_off(struct component_stream *c)
{
    if (c->counted)
        stranger_let(c->owner->srv, mn_conn_peer(c->conn));
    c->counted = false;
}

static void stream_free(struct component_stream *c)
{
    mn_turn_cancel(&c->turn);
    mn_list_del(&c->link);
    mn_xml_free(c->xml);
    mn_free(c);
}

/* What it can repeat, too. */
static void tell(const struct component_stream *c, enum mn_log_level level, const char *what)
{
    if (stranger_may_log(c->owner->srv, mn_conn_peer(c->conn), &c->log))
        mn_log_at(level, &c->log, what, MN_F("name", c->of->name));
}

static void shut(struct component_stream *c, int64_t linger)
{
    if (!c->conn)
        return;
    if (c->known) {
        c->of->stream = NULL;
        tell(c, MN_LOG_INFO, "component gone");
    }
    count_off(c);
    mn_timer_stop(&c->deadline);
    mn_conn_close(c->conn, linger);
    c->conn = NULL;
    if (!c->waiting)
        mn_loop_at_end(c->owner->loop, &c->turn);
}

static void at_end(struct mn_turn *t)
{
    struct component_stream *c = MN_OF(t, struct component_stream, turn);

    if (c->overflow && c->conn) {
        tell(c, MN_LOG_WARN, "component does not read");
        shut(c, 0);
    }
    if (!c->conn && !c->waiting)
        stream_free(c);
}

static void raw(struct component_stream *c, mn_str bytes)
{
    mn_conn_write(c->conn, bytes);
}

static void header(struct component_stream *c)
{
    struct mn_arena a = {0};
    struct mn_buf *b = mn_conn_out(c->conn);

    memcpy(c->id, mn_rand_text(&a, ID).p, ID);
    mn_buf_fmt(b,
               "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
               "xmlns:stream='http://etherx.jabber.org/streams' id='%.*s",
               ID, c->id);
    if (c->of) {
        mn_buf_lit(b, "' from='");
        mn_buf_xml(b, c->of->name, true);
    }
    mn_buf_lit(b, "'>");
    mn_conn_written(c->conn);
    mn_arena_done(&a, NULL);
    c->opened = true;
}

static void fail(struct component_stream *c, enum mn_stream_cond cond, const char *text)
{
    struct mn_buf *b;

    if (!c->conn)
        return;
    c->owner->count.refused++;
    if (!c->opened)
        header(c);
    b = mn_conn_out(c->conn);
    mn_buf_fmt(b, "<stream:error><%.*s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>",
               MN_ARG(mn_stream_cond_name(cond)));
    if (*text)
        mn_buf_fmt(b, "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>%s</text>",
                   text);
    mn_buf_lit(b, "</stream:error></stream:stream>");
    mn_conn_written(c->conn);
    shut(c, LINGER_MS);
}

static void end(struct component_stream *c)
{
    if (!c->opened)
        header(c);
    raw(c, MN_STR("</stream:stream>"));
    shut(c, LINGER_MS);
}

/* Login. */

static void limit(struct component_stream *c)
{
    const struct config *conf = c->owner->snap->conf;
    struct mn_xml_limits limits = {
        (size_t)(c->known ? conf->limits.stanza : conf->limits.stanza_before_login),
        (unsigned)conf->limits.depth, (unsigned)conf->limits.attributes};

    mn_xml_limit(c->xml, &limits);
}

static void on_header(struct component_stream *c, const struct mn_xml_item *item,
                      struct mn_arena *a)
{
    const struct mn_elem *e = item->elem;
    mn_str name;

    if (!mn_jid_host_prep(mn_elem_get(e, "to"), a, &name))
        c->of = component_find(c->owner->srv, name);
    if (c->of && !mn_str_eq(c->of->name, name))
        c->of = NULL;
    header(c);
    if (!mn_elem_is(e, MN_NS_STREAM, "stream") ||
        !mn_str_eq(item->default_ns, mn_ns_uri(MN_NS_COMPONENT)))
        fail(c, MN_STREAM_INVALID_NAMESPACE, "a component's stream has jabber:component:accept");
    else if (!c->of)
        fail(c, MN_STREAM_HOST_UNKNOWN, "no component of that name is configured");
}

static bool proves(const struct component_stream *c, mn_str got)
{
    struct mn_arena a = {0};
    mn_str pieces[] = {{c->id, ID}, c->of->secret};
    char hash[MN_DIGEST_MAX];
    size_t n = mn_digest_of(MN_SHA1, pieces, 2, hash);
    bool ok = mn_crypt_eq(got, mn_hex((mn_str){hash, n}, &a));

    mn_arena_done(&a, NULL);
    return ok;
}

static void on_handshake(struct component_stream *c, const struct mn_elem *e, struct mn_arena *a)
{
    if (!proves(c, mn_str_trim(mn_elem_text(e, a)))) {
        tell(c, MN_LOG_WARN, "component with a wrong secret");
        fail(c, MN_STREAM_NOT_AUTHORIZED, "wrong secret");
        return;
    }
    if (c->of->stream) {
        fail(c, MN_STREAM_CONFLICT, "the component is connected already");
        return;
    }
    c->known = true;
    c->of->stream = c;
    c->of->peer = mn_str_from(c->peer);
    c->of->since = mn_clock_wall();
    count_off(c);
    mn_timer_stop(&c->deadline);
    limit(c);
    raw(c, MN_STR("<handshake/>"));
    tell(c, MN_LOG_INFO, "component");
}

static void deadline_over(struct mn_timer *t)
{
    fail(MN_OF(t, struct component_stream, deadline), MN_STREAM_POLICY_VIOLATION,
         "the handshake took too long");
}

/* Stanzas. */

bool component_write(struct component *of, const struct mn_stanza *st)
{
    struct component_stream *c = of->stream;

    if (!c)
        return false;
    if (c->overflow)
        return true; /* what was to be written is lost with the connection */
    mn_stanza_write(mn_conn_out(c->conn), st, NULL);
    mn_conn_written(c->conn);
    if (mn_conn_queued(c->conn) > (size_t)c->owner->snap->conf->limits.queue) {
        c->overflow = true;
        mn_loop_at_end(c->owner->loop, &c->turn);
    }
    return true;
}

static void pump(struct component_stream *c);

static void go_on(struct mn_post *p)
{
    struct component_stream *c = MN_OF(p, struct component_stream, post);

    c->waiting = false;
    if (!c->conn) {
        stream_free(c);
        return;
    }
    mn_conn_pause(c->conn, false);
    pump(c);
}

static void echo(struct mn_post *p)
{
    struct component_stream *c = MN_OF(p, struct component_stream, post);

    p->run = go_on;
    mn_loop_post(c->owner->loop, p);
}

/* As from a session, without tickets: nobody counts what a component has sent. */
static void take(struct component_stream *c, struct mn_stanza *st)
{
    struct owner *o = c->owner;

    o->crowded = NULL;
    o->count.stanzas++;
    if (st->kind == MN_MESSAGE)
        HOOK_RUN(o->srv, message_entered, o->srv, st);
    router_send(st);
    if (!o->crowded || !c->conn)
        return;
    c->waiting = true; /* pressure, as in c2s.c */
    mn_conn_pause(c->conn, true);
    c->post.run = echo;
    c->post.bytes = 0;
    mn_loop_post(o->crowded->loop, &c->post);
}

static void refuse(struct component_stream *c, struct mn_stanza *st, enum mn_cond cond,
                   const char *why)
{
    if (st->type != MN_TYPE_ERROR && st->type != MN_TYPE_RESULT) {
        struct mn_stanza *e = mn_stanza_error(st, cond, mn_str_from(why));

        component_write(c->of, e);
        mn_stanza_unref(e);
    }
    mn_stanza_unref(st);
}

static void on_stanza(struct component_stream *c, struct mn_stanza *st)
{
    bool from = mn_elem_get(st->elem, "from").p, to = mn_elem_get(st->elem, "to").p;

    if (!from || !to) {
        fail(c, MN_STREAM_IMPROPER_ADDRESSING, "a component's stanza has from and to");
        mn_stanza_unref(st);
    } else if (mn_jid_none(&st->from) ||
               component_find(c->owner->srv, mn_jid_host(&st->from)) != c->of) {
        fail(c, MN_STREAM_INVALID_FROM, "from is not of the component's domain");
        mn_stanza_unref(st);
    } else if (mn_jid_none(&st->to)) {
        refuse(c, st, MN_COND_JID_MALFORMED, "to is no address");
    } else if (st->kind == MN_IQ && !iq_ok(st)) {
        refuse(c, st, MN_COND_BAD_REQUEST, "an iq has an id, a type and one child");
    } else {
        take(c, st);
    }
}

static void on_elem(struct component_stream *c, const struct mn_xml_item *item, struct mn_arena *a)
{
    struct mn_stanza *st;

    if (!c->known && mn_elem_is(item->elem, MN_NS_COMPONENT, "handshake"))
        on_handshake(c, item->elem, a);
    else if (!c->known)
        fail(c, MN_STREAM_NOT_AUTHORIZED, "the handshake comes first");
    else if (mn_stanza_parse(item, a, MN_NS_COMPONENT, &st) == MN_E_NOT_FOUND)
        fail(c, MN_STREAM_UNSUPPORTED_STANZA_TYPE, "not message, presence or iq");
    else
        on_stanza(c, st);
}

/* Input. */

static void pump(struct component_stream *c)
{
    struct mn_pool *pool = mn_loop_pool(c->owner->loop);

    while (!c->waiting && c->conn) {
        struct mn_arena a = {.pool = pool};
        struct mn_xml_item item;
        int e = mn_xml_next(c->xml, &a, &item);

        if (e == MN_XML_OPEN)
            on_header(c, &item, &a);
        else if (e == MN_XML_ELEM)
            on_elem(c, &item, &a);
        else if (e == MN_XML_CLOSE)
            end(c);
        else if (e < 0)
            fail(c, mn_stream_cond_of(e), mn_err_text(e));
        mn_arena_done(&a, pool);
        if (e == MN_XML_NOTHING)
            break;
    }
    mn_xml_keep(c->xml);
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct component_stream *c = arg;

    mn_xml_feed(c->xml, bytes);
    if (c->waiting)
        mn_xml_keep(c->xml);
    else
        pump(c);
}

static void on_closed(void *arg, int why)
{
    struct component_stream *c = arg;

    mn_log_debug(&c->log, "connection ended", MN_FC("why", mn_err_text(why)));
    shut(c, 0);
}

static const struct mn_conn_face face = {on_bytes, on_closed, NULL, NULL};

void component_accept(struct owner *o, struct mn_conn *conn)
{
    const struct config *conf = o->snap->conf;
    struct mn_xml_limits none = {0};
    struct component_stream *c;

    if (!stranger_hold(o, mn_conn_peer(conn))) {
        mn_conn_face(conn, &face, NULL);
        mn_conn_close(conn, 0);
        return;
    }
    c = MN_NEW(struct component_stream);
    c->counted = true;
    c->owner = o;
    c->conn = conn;
    c->xml = mn_xml_new(&none);
    limit(c);
    c->turn.run = at_end;
    c->deadline.fire = deadline_over;
    mn_timer_start(o->loop, &c->deadline, conf->limits.login_time);
    mn_addr_text(mn_conn_peer(conn), c->peer);
    c->log = (struct mn_log){.fields = {MN_FC("peer", c->peer)}};
    mn_list_init(&c->link);
    mn_list_add(&o->components, &c->link);
    mn_conn_face(conn, &face, c);
}

void component_stop(struct owner *o)
{
    MN_LIST_EACH(n, &o->components)
    fail(MN_OF(n, struct component_stream, link), MN_STREAM_SYSTEM_SHUTDOWN, "");
}

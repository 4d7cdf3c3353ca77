#include "server/component.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/crypt.h"
#include "base/file.h"
#include "server/iq.h"
#include "server/module.h"

enum { SECRET_MAX = 4096, LOOK_MS = 20, ANSWER_MS = 5000 };

/* Waits for a header (of: NULL), for the handshake, or is what the component's `stream` names. */
struct component_stream {
    struct stream stream;
    struct component *of;
    char id[STREAM_ID];
    struct { /* of the one that has the name */
        struct mn_timer timer;
        int64_t until;
        uint64_t login, taken;
    } asked;
};

static struct component_stream *of(const struct stream *s)
{
    return MN_OF(s, struct component_stream, stream);
}

static bool is_known(const struct component_stream *c)
{
    return c->of && c->of->stream == &c->stream;
}

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

struct owner *component_owner(struct server *srv, const struct component *c)
{
    return owner_of(srv, c->name);
}

/* What it can repeat, too. */
static void tell(const struct stream *s, enum mn_log_level level, const char *what)
{
    if (stream_may_log(s))
        mn_log_at(level, &s->log, what);
}

/* Login. */

static mn_str name(const struct stream *s)
{
    return of(s)->of ? of(s)->of->name : (mn_str){0};
}

static void on_header(struct stream *s, const struct mn_xml_item *item, struct mn_arena *a)
{
    struct component_stream *c = of(s);
    const struct mn_elem *e = item->elem;
    mn_str host;

    if (!mn_jid_host_prep(mn_elem_get(e, "to"), a, &host))
        c->of = component_find(s->owner->srv, host);
    if (c->of && !mn_str_eq(c->of->name, host))
        c->of = NULL;
    stream_open(s, (mn_str){0}, c->id);
    if (!mn_elem_is(e, MN_NS_STREAM, "stream") ||
        !mn_str_eq(item->default_ns, mn_ns_uri(MN_NS_COMPONENT))) {
        stream_error(s, MN_STREAM_INVALID_NAMESPACE,
                     "a component's stream has jabber:component:accept");
    } else if (!c->of) {
        stream_error(s, MN_STREAM_HOST_UNKNOWN, "no component of that name is configured");
    } else {
        s->log.fields[1] = MN_F("name", c->of->name);
        stream_move(s, component_owner(s->owner->srv, c->of));
    }
}

static bool proves(const struct component_stream *c, mn_str got)
{
    struct mn_arena a = {0};
    mn_str pieces[] = {{c->id, STREAM_ID}, c->of->secret};
    char hash[MN_DIGEST_MAX];
    size_t n = mn_digest_of(MN_SHA1, pieces, 2, hash);
    bool ok = mn_crypt_eq(got, mn_hex((mn_str){hash, n}, &a));

    mn_arena_done(&a, NULL);
    return ok;
}

static void let_in(struct component_stream *c)
{
    struct stream *s = &c->stream;

    c->of->stream = s;
    c->of->since = mn_clock_wall();
    c->of->logins++;
    stream_let_in(s);
    stream_in_time(s);
    stream_raw(s, MN_STR("<handshake/>"));
    tell(s, MN_LOG_INFO, "component");
}

/* One connection has the name while its machine answers for it (XEP-0114, 3). One whose machine is
 * gone without a word would have it for a quarter of an hour: when another one proves that it knows
 * the secret, something is said on the old one, and when not even TCP has that in time, it goes. */

static void answers(struct mn_timer *t)
{
    struct component_stream *c = MN_OF(t, struct component_stream, asked.timer);
    struct stream *s = &c->stream, *old = c->of->stream;

    if (s->closed || !old) {
        if (!s->closed)
            let_in(c);
    } else if (c->of->logins != c->asked.login || mn_conn_is_out(old->conn) ||
               mn_conn_moves(old->conn, &c->asked.taken)) {
        stream_error(s, MN_STREAM_CONFLICT, "the component is connected already");
    } else if (mn_clock_now() < c->asked.until) {
        mn_timer_start(s->owner->loop, t, LOOK_MS);
        return;
    } else {
        tell(old, MN_LOG_WARN, "component does not answer: another connection has its name now");
        stream_break(old);
        let_in(c);
    }
    stream_go_on(s);
}

static void ask_old(struct component_stream *c)
{
    struct stream *old = c->of->stream;

    stream_wait(&c->stream);
    c->asked.login = c->of->logins;
    (void)mn_conn_moves(old->conn, &c->asked.taken);
    stream_raw(old, MN_STR(" "));
    c->asked.until = mn_clock_now() + ANSWER_MS;
    c->asked.timer.fire = answers;
    mn_timer_start(c->stream.owner->loop, &c->asked.timer, LOOK_MS);
}

static void on_handshake(struct component_stream *c, const struct mn_elem *e, struct mn_arena *a)
{
    struct stream *s = &c->stream;

    if (!proves(c, mn_str_trim(mn_elem_text(e, a)))) {
        tell(s, MN_LOG_WARN, "component with a wrong secret");
        stream_error(s, MN_STREAM_NOT_AUTHORIZED, "wrong secret");
        return;
    }
    if (c->of->stream)
        ask_old(c);
    else
        let_in(c);
}

static void on_gone(struct stream *s, bool lost)
{
    struct component_stream *c = of(s);

    (void)lost;
    if (!is_known(c))
        return;
    c->of->stream = NULL;
    tell(s, MN_LOG_INFO, "component gone");
}

static void on_free(struct stream *s)
{
    mn_free(of(s));
}

/* Stanzas. */

bool component_write(struct component *c, const struct mn_stanza *st)
{
    if (!c || !c->stream)
        return false;
    stream_write(c->stream, st, NULL);
    return true;
}

/* As from a session, without tickets: nobody counts what a component has sent. */
static void take(struct owner *o, struct mn_stanza *st)
{
    o->count.stanzas++;
    if (st->kind == MN_MESSAGE)
        HOOK_RUN(o->srv, message_entered, o->srv, st);
    router_send(st);
}

static void refuse(struct stream *s, struct mn_stanza *st, enum mn_cond cond, const char *why)
{
    if (st->type != MN_TYPE_ERROR && st->type != MN_TYPE_RESULT) {
        struct mn_stanza *e = mn_stanza_error(st, cond, mn_str_from(why));

        stream_write(s, e, NULL);
        mn_stanza_unref(e);
    }
    mn_stanza_unref(st);
}

static void on_stanza(struct component_stream *c, struct mn_stanza *st)
{
    bool from = mn_elem_get(st->elem, "from").p, to = mn_elem_get(st->elem, "to").p;
    struct stream *s = &c->stream;

    if (!from || !to) {
        stream_error(s, MN_STREAM_IMPROPER_ADDRESSING, "a component's stanza has from and to");
        mn_stanza_unref(st);
    } else if (mn_jid_none(&st->from) ||
               component_find(s->owner->srv, mn_jid_host(&st->from)) != c->of) {
        stream_error(s, MN_STREAM_INVALID_FROM, "from is not of the component's domain");
        mn_stanza_unref(st);
    } else if (mn_jid_none(&st->to)) {
        refuse(s, st, MN_COND_JID_MALFORMED, "to is no address");
    } else if (st->kind == MN_IQ && !iq_ok(st)) {
        refuse(s, st, MN_COND_BAD_REQUEST, "an iq has an id, a type and one child");
    } else if (st->kind == MN_PRESENCE && st->type == MN_TYPE_BAD) {
        refuse(s, st, MN_COND_BAD_REQUEST, "no such presence");
    } else {
        take(s->owner, st);
    }
}

static void on_elem(struct stream *s, const struct mn_xml_item *item, struct mn_arena *a)
{
    struct component_stream *c = of(s);
    bool known = is_known(c);
    struct mn_stanza *st;

    if (!known && mn_elem_is(item->elem, MN_NS_COMPONENT, "handshake"))
        on_handshake(c, item->elem, a);
    else if (!known)
        stream_error(s, MN_STREAM_NOT_AUTHORIZED, "the handshake comes first");
    else if (mn_stanza_parse(item, a, MN_NS_COMPONENT, &st) == MN_E_NOT_FOUND)
        stream_error(s, MN_STREAM_UNSUPPORTED_STANZA_TYPE, "not message, presence or iq");
    else
        on_stanza(c, st);
}

static const struct stream_face face = {
    .ns = "jabber:component:accept",
    .attributes = "",
    .late = "the handshake took too long",
    .deaf = "component does not read",
    .name = name,
    .header = on_header,
    .element = on_elem,
    .gone = on_gone,
    .free = on_free,
};

void component_accept(struct owner *o, struct mn_conn *conn)
{
    struct component_stream *c = MN_NEW(struct component_stream);

    if (!stream_init(&c->stream, &face, o, conn))
        mn_free(c);
}

/* The life of a client: attempts, sessions, losses. */
#include "client/client.h"

#include <stdarg.h>

#include "base/err.h"
#include "base/clock.h"
#include "base/rand.h"
#include "client/ext.h"
#include "client/local.h"

enum {
    CONNECT_MS = 60000,
    KEEPALIVE_MS = 300000,
    PROBE_MS = 15000, /* for an answer to a question for life */
    BACK_OFF_MS = 1000,
    BACK_OFF_MAX = 6, /* doublings */
    LINGER_MS = 2000,
    COMPONENT_PORT = 5347
};

void client_log(struct mynah_client *c, enum mynah_log_level level, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (!c->ctx->conf.log)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    c->ctx->conf.log(c->ctx->conf.log_arg, level, c->bare, text);
}

bool client_state(struct mynah_client *c, enum mynah_state state, const struct mynah_error *why)
{
    if (c->state != state || why) {
        c->state = state;
        CLIENT_TELL(c, state, state, why);
    }
    return c->state == state && !c->freed;
}

void client_id(struct mynah_client *c, char out[MYNAH_ID_MAX])
{
    snprintf(out, MYNAH_ID_MAX, "%s-%lx", c->id_head, ++c->ids);
}

char *mynah_id(struct mynah_client *c)
{
    char id[MYNAH_ID_MAX];

    client_id(c, id);
    return mn_str_dup(mn_str_from(id));
}

void error_of(const struct mynah_elem *stanza, struct mynah_error *out)
{
    const struct mynah_elem *e = mynah_elem_child(stanza, "error", NULL), *cond = NULL,
                            *special = NULL;
    const char *ns = mn_ns_uri(MN_NS_STANZA_ERRORS).p;

    MYNAH_EACH(child, e, NULL, NULL)
    if (!special && !mynah_elem_is(child, NULL, ns))
        special = child;
    else if (!cond && mynah_elem_is(child, NULL, ns) && !mynah_elem_is(child, "text", NULL))
        cond = child;
    *out = (struct mynah_error){.code = MYNAH_E_STANZA,
                                .condition = cond ? mynah_elem_name(cond) : "undefined-condition",
                                .type = mynah_elem_get(e, "type"),
                                .text = mynah_elem_child_text(e, "text", ns),
                                .by = mynah_elem_get(e, "by"),
                                .xml = stanza,
                                .special = mynah_elem_name(special),
                                .special_ns = mynah_elem_ns(special)};
}

bool from_self(const struct mynah_client *c, const char *from)
{
    return !from || !strcmp(from, c->bare);
}

bool from_server(const struct mynah_client *c, const char *from)
{
    return from_self(c, from) || !strcmp(from, c->domain);
}

/* The connection's life. */

static void stop(struct mynah_client *c)
{
    login_free(c);
    mn_timer_stop(&c->timer);
    mn_timer_stop(&c->idle);
    sm_stream_gone(c);
    if (c->local)
        local_stop(c);
    c->stream = NULL;
    c->nonsasl = NONSASL_NONE;
    c->waits = WAITS_NOT;
    c->authenticated = c->opened = c->stopping = c->probing = false;
}

/* What ended is over for good when nothing can be resumed. */
void client_session_over(struct mynah_client *c)
{
    bool had = c->bound != NULL;

    sm_session_lost(c);
    mn_free(c->bound);
    c->bound = NULL;
    if (had)
        exts_lost(c);
    iq_lost(c, MYNAH_E_LOST);
}

static void pause_before(struct mynah_client *c)
{
    unsigned n = c->failures < BACK_OFF_MAX ? c->failures : BACK_OFF_MAX;
    int64_t most = BACK_OFF_MS << n;

    /* Not all together: after a restart of the server everybody comes back. */
    mn_timer_start(c->ctx->loop, &c->timer,
                   most / 2 + (int64_t)(mn_rand_u64() % (uint64_t)(most / 2 + 1)));
}

void client_fail(struct mynah_client *c, const struct mynah_error *why, bool final)
{
    struct mynah_error told = *why;
    bool again = !final && !c->conf.no_reconnect && !c->stopping;
    enum mynah_state next = again ? MYNAH_WAITING : MYNAH_OFFLINE;

    if (c->state == MYNAH_OFFLINE || c->state == MYNAH_WAITING)
        return;
    client_log(c, MYNAH_LOG_INFO, "offline: %s%s%s", mynah_code_text(why->code),
               why->condition ? ": " : "", why->condition ? why->condition : "");
    stream_close(c->stream, 0);
    stop(c);
    /* From here on nothing can be asked, also not by those who hear that their question is lost. */
    c->state = next;
    if (!again || !c->sm.id)
        client_session_over(c);
    if (c->freed || c->state != next)
        return;
    c->failures++;
    if (again)
        pause_before(c);
    client_state(c, next, &told);
}

void client_fail_code(struct mynah_client *c, int code, const char *text, bool final)
{
    client_fail(c, &(struct mynah_error){.code = code, .text = text}, final);
}

void client_fail_order(struct mynah_client *c)
{
    client_fail_code(c, MYNAH_E_STREAM, "the server answers what was not asked", false);
}

void client_header(struct mynah_client *c)
{
    c->waits = WAITS_FEATURES;
    stream_header(c->stream, &(struct stream_head){
                                 .ns = c->component ? MN_NS_COMPONENT : MN_NS_CLIENT,
                                 .to = mn_jid_host(&c->jid),
                                 .lang = mn_str_from(c->conf.lang),
                                 .old = c->component,
                             });
}

static void connected(void *arg, bool direct)
{
    struct mynah_client *c = arg;

    c->opened = false;
    if (direct)
        client_state(c, MYNAH_SECURING, NULL);
    else
        client_header(c);
}

bool client_person_trusts(struct mynah_client *c, const struct mn_cert_seen *seen, const char *jid,
                          bool otherwise, struct mn_arena *a)
{
    const struct mynah_certificate cert = {mn_arena_cstr(a, seen->why),
                                           mn_arena_cstr(a, seen->subject),
                                           mn_arena_cstr(a, seen->issuer),
                                           mn_arena_cstr(a, seen->sha256),
                                           seen->not_before,
                                           seen->not_after,
                                           jid};

    MN_LIST_EACH(n, &c->listeners)
    {
        struct mynah_listener *l = MN_OF(n, struct mynah_listener, link);
        const struct mynah_calls *calls = (const struct mynah_calls *)l->calls;

        if (!l->gone && calls->certificate)
            return calls->certificate(l->arg, c, &cert);
    }
    return otherwise;
}

static bool trusted(struct mynah_client *c)
{
    struct mn_arena a = {0};
    struct mn_cert_seen seen;
    bool yes;

    mn_conn_cert(stream_conn(c->stream), &a, &seen);
    if (c->conf.pin)
        yes = mn_str_eq_nocase(seen.sha256, mn_str_from(c->conf.pin));
    else
        yes = seen.trusted || client_person_trusts(c, &seen, NULL, false, &a);
    if (!yes && !c->freed && c->state == MYNAH_SECURING) {
        mn_str why = c->conf.pin ? MN_STR("not the pinned certificate") : seen.why;

        client_fail_code(c, MYNAH_E_CERTIFICATE, mn_arena_cstr(&a, why), true);
    }
    mn_arena_done(&a, NULL);
    return yes && !c->freed && c->state == MYNAH_SECURING;
}

static void secured(void *arg)
{
    struct mynah_client *c = arg;

    if (!trusted(c))
        return;
    client_log(c, MYNAH_LOG_DEBUG, "encrypted: %s", mn_conn_tls_name(stream_conn(c->stream)));
    client_header(c);
}

static void opened(void *arg, const struct mn_elem *header)
{
    struct mynah_client *c = arg;

    mn_free(c->stream_id);
    c->stream_id = mn_str_dup(mn_elem_get(header, "id"));
    c->opened = mn_elem_is(header, MN_NS_STREAM, "stream");
    if (!c->opened)
        client_fail_code(c, MYNAH_E_STREAM, "no XMPP server answers there", false);
    else if (c->component)
        component_opened(c, mn_str_from(c->stream_id));
    else if (!mn_elem_get(header, "version").p)
        login_features(c, NULL); /* a server from before RFC 3920 sends none */
}

/* There is no place for us here. */
static bool is_final(const char *condition)
{
    return !strcmp(condition, "host-unknown") || !strcmp(condition, "host-gone") ||
           !strcmp(condition, "improper-addressing") || !strcmp(condition, "not-authorized");
}

static void stream_error(struct mynah_client *c, const struct mynah_elem *e)
{
    const char *ns = mn_ns_uri(MN_NS_STREAM_ERRORS).p;
    const struct mynah_elem *cond = NULL;
    bool joining = c->component && c->state == MYNAH_LOGIN, final;
    struct mynah_error why = {.code = joining ? MYNAH_E_LOGIN : MYNAH_E_STREAM, .xml = e};

    MYNAH_EACH(child, e, NULL, ns)
    if (!cond && !mynah_elem_is(child, "text", NULL))
        cond = child;
    why.condition = cond ? mynah_elem_name(cond) : "undefined-condition";
    why.text = mynah_elem_child_text(e, "text", ns);
    /* Another program took our place. A component's may still be held by the connection that it has
     * just lost. */
    final = (!strcmp(why.condition, "conflict") && !joining) || is_final(why.condition);
    mn_free(c->sm.id); /* a stream error ends the session (XEP-0198, 5) */
    c->sm.id = NULL;
    client_fail(c, &why, final);
}

static int64_t silence(const struct mynah_client *c, int64_t at_most)
{
    int64_t ms = c->conf.keepalive_ms ? c->conf.keepalive_ms : KEEPALIVE_MS;

    return ms < at_most ? ms : at_most;
}

static void alive(struct mynah_client *c)
{
    c->probing = false;
    if (c->state == MYNAH_ONLINE && !c->local)
        mn_timer_start(c->ctx->loop, &c->idle, silence(c, INT64_MAX));
}

static void probe(struct mynah_client *c)
{
    struct mynah_elem *ping;

    c->probing = true;
    mn_timer_start(c->ctx->loop, &c->idle, silence(c, PROBE_MS));
    if (c->sm.on) {
        c->sm.asked = false;
        sm_ask(c);
        return;
    }
    ping = mynah_elem_new("ping", "urn:xmpp:ping");
    mynah_iq_send(c, MYNAH_GET, c->domain, &ping, PROBE_MS, NULL, NULL);
}

static void silent(struct mn_timer *t)
{
    struct mynah_client *c = MN_OF(t, struct mynah_client, idle);

    if (c->probing)
        client_fail_code(c, MYNAH_E_LOST, "the server does not answer any more", false);
    else
        probe(c);
}

bool client_is_stanza(const struct mynah_elem *e)
{
    return mynah_elem_is(e, "message", "jabber:client") ||
           mynah_elem_is(e, "presence", "jabber:client") || mynah_elem_is(e, "iq", "jabber:client");
}

static bool session_element(struct mynah_client *c, const struct mynah_elem *e)
{
    return sm_element(c, e) || login_element(c, e);
}

/* Before there is a session, and TLS, somebody else may speak for the server. */
static bool may_say(const struct mynah_client *c, const struct mynah_elem *e)
{
    return c->state == MYNAH_ONLINE || c->state == MYNAH_CLOSING || c->state == MYNAH_BINDING ||
           (c->state == MYNAH_OPEN && mynah_elem_is(e, "iq", NULL));
}

static void element(void *arg, const struct mn_elem *came, struct mn_arena *a)
{
    struct mynah_client *c = arg;
    struct mynah_elem *e = elem_from(came, a);

    alive(c);
    if (c->component)
        elem_rename(e, MN_NS_COMPONENT, MN_NS_CLIENT);
    if (c->conf.bosh) /* many a connection manager does not say what namespace it is (XEP-0206) */
        elem_rename(e, MN_NS_BOSH, MN_NS_CLIENT);
    if (mynah_elem_is(e, "features", mn_ns_uri(MN_NS_STREAM).p) && !c->component) {
        login_features(c, e);
    } else if (mynah_elem_is(e, "error", mn_ns_uri(MN_NS_STREAM).p)) {
        stream_error(c, e);
    } else if (client_is_stanza(e)) {
        if ((c->state == MYNAH_BINDING && login_iq(c, e)) ||
            (c->state == MYNAH_LOGIN && nonsasl_iq(c, e)))
            return;
        if (!may_say(c, e)) {
            client_fail_order(c);
            return;
        }
        /* Nobody can acknowledge it behind our good-bye, so the next session gets it. */
        if (c->stopping && c->sm.enabled && mynah_elem_is(e, "message", NULL))
            return;
        c->traffic.stanzas_in++;
        sm_received(c);
        client_stanza(c, e);
    } else if (!(c->component ? component_element(c, e) : session_element(c, e))) {
        client_log(c, MYNAH_LOG_WARN, "an element that nobody waits for: %s", mynah_elem_name(e));
    }
}

static void over(struct mynah_client *c)
{
    stream_close(c->stream, 0);
    stop(c);
    c->state = MYNAH_OFFLINE;
    client_session_over(c);
    if (!c->freed && c->state == MYNAH_OFFLINE)
        CLIENT_TELL(c, state, MYNAH_OFFLINE, NULL);
}

static void ended(void *arg)
{
    struct mynah_client *c = arg;
    struct stream *s = c->stream;

    if (c->stopping) {
        over(c);
        return;
    }
    stream_end(c->stream);
    if (c->stream == s)
        client_fail_code(c, MYNAH_E_LOST, "the server closed the stream", false);
}

static void acked(void *arg, uint64_t mark)
{
    sm_arrived(arg, mark);
}

static void failed(void *arg, int code, const char *condition, const char *why)
{
    struct mynah_client *c = arg;
    const struct mynah_error error = {.code = code, .condition = condition, .text = why};

    if (c->stopping)
        over(c);
    else if (c->conf.bosh)
        client_fail(c, &error, code == MYNAH_E_CERTIFICATE || (condition && is_final(condition)));
    else if (stream_conn(c->stream) && !c->opened && code != MYNAH_E_STREAM)
        stream_next(c->stream, code, why); /* it never spoke XMPP to us: others may */
    else
        client_fail_code(c, code, why, false);
}

static void wire(void *arg, bool out, mn_str text)
{
    struct mynah_client *c = arg;

    *(out ? &c->traffic.bytes_out : &c->traffic.bytes_in) += text.n;
    CLIENT_TELL(c, wire, out, text.p, text.n);
}

static const struct stream_face face = {connected, secured, opened, element,
                                        acked,     ended,   failed, wire};

static void attempt(struct mynah_client *c)
{
    if (!client_state(c, MYNAH_CONNECTING, NULL) || c->stream)
        return;
    c->stream = attempt_stream(c, &face);
    if (c->stream)
        mn_timer_start(c->ctx->loop, &c->timer,
                       c->conf.connect_ms ? c->conf.connect_ms : CONNECT_MS);
}

/* The pause is over, or the attempt has taken too long, or the other's end of the stream has. */
static void timed(struct mn_timer *t)
{
    struct mynah_client *c = MN_OF(t, struct mynah_client, timer);

    if (c->state == MYNAH_WAITING)
        attempt(c);
    else if (c->stopping)
        over(c);
    else
        client_fail_code(c, MYNAH_E_TIMEOUT, "the server took too long", false);
}

void client_online(struct mynah_client *c, bool resumed)
{
    c->failures = 0;
    c->resumed = resumed;
    login_free(c);
    mn_timer_stop(&c->timer);
    client_log(c, MYNAH_LOG_INFO, resumed ? "resumed as %s" : "online as %s", c->bound);
    c->state = MYNAH_ONLINE;
    alive(c);
    if (!resumed) {
        exts_bound(c); /* the roster is asked for before presence asks who is there */
        presence_again(c);
    }
    sm_flush(c);
    if (c->state == MYNAH_ONLINE)
        exts_online(c, resumed);
    if (c->state == MYNAH_ONLINE && !c->freed)
        CLIENT_TELL(c, state, MYNAH_ONLINE, NULL);
}

void client_stanza(struct mynah_client *c, const struct mynah_elem *st)
{
    MN_LIST_EACH(n, &c->listeners)
    {
        struct mynah_listener *l = MN_OF(n, struct mynah_listener, link);
        const struct mynah_calls *calls = (const struct mynah_calls *)l->calls;

        if (!l->gone && calls->stanza && calls->stanza(l->arg, c, st))
            return;
    }
    if (c->freed)
        return;
    if (mynah_elem_is(st, "iq", NULL))
        iq_came(c, st);
    else if (exts_stanza(c, st) || c->freed)
        return;
    else if (mynah_elem_is(st, "message", NULL))
        message_came(c, st);
    else
        presence_came(c, st);
}

/* What programs call. */

static const char *text_of(struct mn_arena *a, const char *text)
{
    return text ? elem_clean(a, text).p : NULL;
}

static int refuse(char **why, const char *fmt, const char *what)
{
    struct mn_buf b = {0};

    if (why) {
        mn_buf_fmt(&b, fmt, what); /* NOLINT: formats are ours */
        mn_buf_c(&b, 0);
        *why = b.p;
    }
    return MYNAH_E_ARGUMENT;
}

static void client_memory(struct trash *t)
{
    struct mynah_client *c = (struct mynah_client *)t;

    iq_lost(c, MYNAH_E_CANCELLED); /* what was asked inside the call-backs of the first time */
    listeners_free(&c->listeners);
    iq_done(c);
    message_done(c);
    presence_done(c);
    sm_done(c);
    exts_done(c);
    if (c->local)
        local_free(c);
    mynah_elem_free(c->features);
    mn_tls_unref(c->tls);
    mn_tls_unref(c->tls_direct);
    if (c->password)
        explicit_bzero(c->password, strlen(c->password));
    mn_free(c->password);
    mn_free(c->stream_id);
    mn_free(c->bound);
    mn_free(c->bare);
    mn_free(c->domain);
    mn_arena_done(&c->a, NULL);
    mn_free(c);
}

static void texts_copy(struct mynah_client *c)
{
    const char **texts[] = {&c->conf.host,     &c->conf.ca_file, &c->conf.cert_file,
                            &c->conf.key_file, &c->conf.pin,     &c->conf.mechanisms,
                            &c->conf.authzid,  &c->conf.lang,    &c->conf.bosh};

    for (size_t i = 0; i < MN_COUNT(texts); i++)
        *texts[i] = text_of(&c->a, *texts[i]);
}

void client_called(struct mynah_client *c, const struct mn_jid *jid, bool bound)
{
    mn_free(c->bare);
    mn_free(c->domain);
    c->bare = mn_str_dup(mn_jid_bare(jid));
    c->domain = mn_str_dup(mn_jid_host(jid));
    if (!bound)
        return;
    mn_free(c->bound);
    c->bound = mn_str_dup(mn_jid_text(jid));
}

/* XEP-0114 knows neither DNS nor STARTTLS. */
static void component_set(struct mynah_client *c)
{
    c->component = true;
    c->conf.password = c->conf.component_secret;
    c->conf.component_secret = NULL;
    c->conf.no_roster = true;
    if (c->conf.tls != MYNAH_TLS_DIRECT)
        c->conf.tls = MYNAH_TLS_OFF;
    c->conf.host = c->conf.host ? c->conf.host : c->domain_ascii.p;
    c->conf.port = c->conf.port ? c->conf.port : COMPONENT_PORT;
}

static int conf_read(struct mynah_client *c, char **why)
{
    const struct mynah_client_config *conf = &c->conf;

    if (!conf->jid || mn_jid_parse(mn_arena_str(&c->a, mn_str_from(conf->jid)), &c->a, &c->jid) ||
        (conf->component_secret && (c->jid.user || c->jid.resource)))
        return refuse(why, conf->component_secret ? "no domain: %s" : "no address: %s",
                      conf->jid ? conf->jid : "(none)");
    if (conf->proxies &&
        mn_proxies_parse(mn_str_from(conf->proxies), &c->a, &c->proxies, &c->proxy_count))
        return refuse(why, "proxies: %s is expected", "socks5://host:port or http://host:port");
    if (mn_jid_host_ascii(mn_jid_host(&c->jid), &c->a, &c->domain_ascii))
        c->domain_ascii = mn_jid_host(&c->jid);
    c->domain_ascii.p = mn_arena_cstr(&c->a, c->domain_ascii);
    c->conf.proxies = NULL; /* there may be passwords in it */
    return attempt_check(c) ? refuse(why, "bosh: %s is expected",
                                     "https://host/path, auto, or http where encryption is off")
                            : MYNAH_OK;
}

int mynah_client_new(struct mynah_context *ctx, const struct mynah_client_config *config,
                     struct mynah_client **out, char **why)
{
    struct mynah_client *c = MN_NEW(struct mynah_client);
    uint64_t head = mn_rand_u64();
    int e;

    *out = NULL;
    if (why)
        *why = NULL;
    SIZED_COPY(c->conf, config);
    e = conf_read(c, why);
    if (e) {
        mn_arena_done(&c->a, NULL);
        mn_free(c);
        return e;
    }
    if (c->conf.component_secret)
        component_set(c);
    c->ctx = ctx;
    c->password = c->conf.password ? mn_str_dup(mn_str_from(c->conf.password)) : NULL;
    c->conf.jid = c->conf.password = NULL;
    texts_copy(c);
    client_called(c, &c->jid, false);
    snprintf(c->id_head, sizeof c->id_head, "%08x", (unsigned)head);
    mn_list_init(&c->listeners);
    mn_list_init(&c->request_list);
    mn_list_init(&c->asks);
    mn_list_init(&c->track_list);
    c->timer.fire = timed;
    c->idle.fire = silent;
    c->show = MYNAH_AVAILABLE;
    sm_init(c);
    mn_list_add(&ctx->clients, &c->link);
    exts_init(c);
    *out = c;
    return MYNAH_OK;
}

void mynah_client_free(struct mynah_client *c)
{
    if (!c || c->freed)
        return;
    c->freed = true;
    c->state = MYNAH_OFFLINE;
    listeners_mute(&c->listeners);
    sm_end(c);
    stream_close(c->stream, LINGER_MS);
    stop(c);
    iq_lost(c, MYNAH_E_CANCELLED);
    mn_list_del(&c->link);
    context_trash(c->ctx, &c->trash, client_memory);
}

struct mynah_listener *mynah_listen(struct mynah_client *c, const struct mynah_calls *calls,
                                    void *arg)
{
    return listener_add(c->ctx, &c->listeners, calls, sizeof *calls, arg);
}

int mynah_client_connect(struct mynah_client *c)
{
    if (c->state != MYNAH_OFFLINE)
        return MYNAH_E_STATE;
    c->failures = 0;
    if (c->local)
        local_start(c);
    else
        attempt(c);
    return MYNAH_OK;
}

int mynah_client_login(struct mynah_client *c)
{
    if (c->state != MYNAH_OPEN)
        return MYNAH_E_STATE;
    login_go(c);
    return MYNAH_OK;
}

static bool stream_is_up(const struct mynah_client *c)
{
    return c->stream && (c->state == MYNAH_ONLINE || c->state == MYNAH_OPEN);
}

void mynah_client_disconnect(struct mynah_client *c)
{
    struct stream *s = c->stream;

    if (c->state == MYNAH_OFFLINE || c->stopping)
        return;
    mn_free(c->sm.id);
    c->sm.id = NULL;
    if (!stream_is_up(c)) {
        over(c);
        return;
    }
    if (c->state == MYNAH_ONLINE && c->has_presence)
        presence_end(c);
    sm_end(c);
    stream_end(c->stream);
    if (c->stream != s) /* a console that was told of the good-bye has ended it otherwise */
        return;
    c->stopping = true;
    mn_timer_stop(&c->idle);
    mn_timer_start(c->ctx->loop, &c->timer, LINGER_MS);
    client_state(c, MYNAH_CLOSING, NULL);
}

void mynah_client_network_changed(struct mynah_client *c)
{
    if (c->state == MYNAH_WAITING) {
        c->failures = 0;
        mn_timer_start(c->ctx->loop, &c->timer, 0);
    } else if (c->local) {
        local_look(c);
    } else if (c->state == MYNAH_ONLINE) {
        stream_renew(c->stream);
        probe(c);
    }
}

enum mynah_state mynah_client_state(const struct mynah_client *c)
{
    return c->state;
}

int64_t mynah_client_retry_ms(const struct mynah_client *c)
{
    int64_t left = c->timer.at - mn_clock_now();

    return c->state != MYNAH_WAITING || !c->timer.at ? -1 : left > 0 ? left : 0;
}

const char *mynah_client_jid(const struct mynah_client *c)
{
    return c->bound ? c->bound : c->jid.p;
}

const char *mynah_client_bare(const struct mynah_client *c)
{
    return c->bare;
}

const char *mynah_client_domain(const struct mynah_client *c)
{
    return c->domain;
}

bool mynah_client_is_resumed(const struct mynah_client *c)
{
    return c->resumed;
}

const char *mynah_client_tls_name(const struct mynah_client *c)
{
    struct mn_conn *conn = c->stream ? stream_conn(c->stream) : NULL;

    return conn ? mn_conn_tls_name(conn) : NULL;
}

const char *mynah_client_mechanism(const struct mynah_client *c)
{
    return c->mechanism;
}

void mynah_client_traffic(const struct mynah_client *c, struct mynah_traffic *out)
{
    struct mynah_traffic now = c->traffic;

    now.size = out->size;
    memcpy(out, &now, now.size < sizeof now ? now.size : sizeof now);
}

const struct mynah_elem *mynah_client_features(const struct mynah_client *c)
{
    return c->features;
}

void mynah_client_set_data(struct mynah_client *c, void *data)
{
    c->data = data;
}

void *mynah_client_data(const struct mynah_client *c)
{
    return c->data;
}

const char *mynah_client_password(const struct mynah_client *c)
{
    return c->password;
}

void mynah_client_set_password(struct mynah_client *c, const char *password)
{
    if (c->password)
        explicit_bzero(c->password, strlen(c->password));
    mn_free(c->password);
    c->password = password ? mn_str_dup(mn_str_from(password)) : NULL;
}

int mynah_send(struct mynah_client *c, struct mynah_elem **stanza)
{
    struct mynah_elem *st = *stanza;
    bool presence = mynah_elem_is(st, "presence", NULL), to = mynah_elem_get(st, "to");
    bool good = client_is_stanza(st) && (!c->component || to) && (!c->local || to != presence);

    if (good)
        sm_send(c, st, mynah_elem_is(st, "message", NULL), NULL);
    mynah_elem_free(st);
    *stanza = NULL;
    return good ? MYNAH_OK : MYNAH_E_ARGUMENT;
}

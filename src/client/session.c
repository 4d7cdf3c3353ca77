/* What a client's stream tells, from its connection to its end, and where stanzas go. */
#include "base/err.h"
#include "client/client.h"
#include "client/ext.h"

enum { KEPT_MAX = 512 << 20 };

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

struct mynah_certificate client_certificate_of(const struct mn_cert_seen *seen, const char *jid,
                                               struct mn_arena *a)
{
    return (struct mynah_certificate){.why = mn_arena_cstr(a, seen->why),
                                      .subject = mn_arena_cstr(a, seen->subject),
                                      .issuer = mn_arena_cstr(a, seen->issuer),
                                      .sha256 = mn_arena_cstr(a, seen->sha256),
                                      .not_before = seen->not_before,
                                      .not_after = seen->not_after,
                                      .jid = jid,
                                      .problems = jid ? 0 : seen->problems};
}

bool client_person_trusts(struct mynah_client *c, const struct mn_cert_seen *seen, const char *jid,
                          bool otherwise, struct mn_arena *a)
{
    const struct mynah_certificate cert = client_certificate_of(seen, jid, a);

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
    if (cond && mynah_elem_is(cond, "see-other-host", NULL))
        attempt_elsewhere(c, mynah_elem_text(cond));
    mn_free(c->sm.id); /* a stream error ends the session (XEP-0198, 5) */
    c->sm.id = NULL;
    client_fail(c, &why, final);
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

/* Its session is over, too: what it was answered is not to be written again. */
static void too_much(struct mynah_client *c, const char *why)
{
    mn_free(c->sm.id);
    c->sm.id = NULL;
    client_fail_code(c, MYNAH_E_LIMIT, why, false);
}

static void element(void *arg, const struct mn_elem *came, struct mn_arena *a)
{
    struct mynah_client *c = arg;
    struct mynah_elem *e = elem_from(came, a);

    alive_came(c, e);
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
        traffic_stanza(c, false, *mynah_elem_name(e));
        if (!sm_received(c, e))
            client_stanza(c, e);
        else if (mynah_elem_is(e, "message", NULL))
            message_repeated(c, e);
    } else if (!(c->component ? component_element(c, e) : session_element(c, e))) {
        client_log(c, MYNAH_LOG_WARN, "an element that nobody waits for: %s", mynah_elem_name(e));
    }
    if (c->stream && sm_is_flooded(c))
        too_much(c, "the server asks and does not listen");
    else if (c->stream && c->kept > KEPT_MAX)
        too_much(c, "the server says more than can be kept");
}

static void ended(void *arg)
{
    struct mynah_client *c = arg;

    if (c->stopping) {
        client_over(c);
        return;
    }
    stream_end(c->stream);
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
        client_over(c);
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
    shown_moved(c, out, text);
}

const struct stream_face client_face = {connected, secured, opened, element,
                                        acked,     ended,   failed, wire};

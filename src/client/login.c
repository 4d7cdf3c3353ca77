/* From a stream to a session: STARTTLS, compression, SASL, resumption or binding (RFC 6120, 5 to 7;
 * XEP-0138, XEP-0198). Each <features/> is looked at anew; what has been done is not offered again,
 * or passed over. */
#include "base/codec.h"
#include "base/err.h"
#include "client/client.h"

enum { ANNOUNCED_MAX = 64 };

/* SASL under way. The exchange's slow step runs on the context's lane; when the login is given up
 * meanwhile, the job frees it. */
struct login {
    struct slow slow;            /* first */
    struct mynah_client *client; /* NULL: given up */
    struct mn_arena a;
    struct mn_sasl_env env;
    mn_str announced[ANNOUNCED_MAX];
    unsigned tried; /* bits of mechanisms */
    enum mn_sasl_mech mech;
    bool external, busy;
    bool bound;                  /* a -PLUS was tried */
    struct mn_sasl_client *sasl; /* NULL: it is EXTERNAL, if anything */
    mn_str in, out;
    enum mn_sasl_result result;
};

static void login_memory(struct login *l)
{
    mn_sasl_client_free(l->sasl);
    mn_arena_done(&l->a, NULL);
    mn_free(l);
}

void login_free(struct mynah_client *c)
{
    struct login *l = c->login;

    c->login = NULL;
    if (!l)
        return;
    l->client = NULL;
    if (!l->busy)
        login_memory(l);
}

static const struct mynah_elem *feature(const struct mynah_client *c, const char *name,
                                        enum mn_ns ns)
{
    return mynah_elem_child(c->features, name, mn_ns_uri(ns).p);
}

#define WRITE(c, lit) stream_write((c)->stream, MN_STR(lit))

/* SASL. */

bool login_allows(const struct mynah_client *c, mn_str name)
{
    mn_str list = mn_str_from(c->conf.mechanisms);

    while (list.n) {
        mn_str one = mn_str_cut(list, ' ', &list);

        if (mn_str_eq_nocase(one, name))
            return true;
    }
    return false;
}

static bool offered(const struct login *l, mn_str name)
{
    for (size_t i = 0; i < l->env.announced_count; i++)
        if (mn_str_eq(l->announced[i], name))
            return true;
    return false;
}

static mn_str sasl_user(const struct mynah_client *c)
{
    return c->conf.authcid ? mn_str_from(c->conf.authcid) : mn_jid_user(&c->jid);
}

/* May it be used, on this connection and with what we have? */
static bool usable(const struct mynah_client *c, const struct login *l, enum mn_sasl_mech m)
{
    mn_str name = mn_sasl_name(m);
    bool user = sasl_user(c).n > 0, scram = mn_str_starts(name, MN_STR("SCRAM-"));

    if (l->tried & 1u << m || !offered(l, name))
        return false;
    /* Somebody in between may have refused it, and the server would take what comes without it for
     * that of a client that cannot bind (RFC 5802, 6). */
    if (l->bound && !mn_sasl_is_plus(m))
        return false;
    if (c->conf.mechanisms ? !login_allows(c, name) : !scram && m != MN_SASL_ANONYMOUS)
        return false;
    if (m == MN_SASL_ANONYMOUS)
        return !user;
    if (!user || !c->password)
        return false;
    if (m == MN_SASL_PLAIN)
        return l->env.tls;
    return !mn_sasl_is_plus(m) || l->env.exporter.p || l->env.unique.p || l->env.endpoint.p;
}

static void sasl_write(struct mynah_client *c, const char *open, mn_str text, const char *close)
{
    struct mn_buf b = {0}, shown = {0};

    mn_buf_fmt(&b, "<%s xmlns='urn:ietf:params:xml:ns:xmpp-sasl'", open);
    if (c->login && !strcmp(close, "auth"))
        mn_buf_fmt(&b, " mechanism='%s'", c->mechanism);
    mn_buf_c(&b, '>');
    mn_buf_str(&shown, mn_buf_view(&b));
    mn_buf_str(&b, text);
    mn_buf_lit(&shown, "...");
    mn_buf_fmt(&b, "</%s>", close);
    mn_buf_fmt(&shown, "</%s>", close);
    stream_write_secret(c->stream, mn_buf_view(&b), mn_buf_view(&shown));
    explicit_bzero(b.p, b.n);
    mn_buf_free(&b);
    mn_buf_free(&shown);
}

static void refused(struct mynah_client *c, const char *why)
{
    client_fail_code(c, MYNAH_E_LOGIN, why, true);
}

/* What the slow step came to. */
static void stepped(struct mynah_client *c)
{
    struct login *l = c->login;

    if (l->result != MN_SASL_CHALLENGE) {
        refused(c, mn_sasl_client_reason(l->sasl));
        return;
    }
    sasl_write(c, "response", mn_base64(l->out, &l->a), "response");
}

static void step_run(struct mn_job *j)
{
    struct login *l = (struct login *)j;

    l->result = mn_sasl_client_step(l->sasl, l->in, &l->out);
}

static void step_done(struct mn_job *j)
{
    struct login *l = (struct login *)j;

    context_slow_done(&l->slow);
    l->busy = false;
    if (l->client)
        stepped(l->client);
    else
        login_memory(l);
}

static void step_drop(struct slow *s)
{
    login_memory((struct login *)s);
}

static void challenge(struct mynah_client *c, mn_str in)
{
    struct login *l = c->login;
    int e;

    l->in = in;
    l->slow.job.run = step_run;
    l->slow.job.done = step_done;
    l->slow.drop = step_drop;
    l->busy = true;
    e = context_slow(c->ctx, &l->slow);
    if (e) {
        l->busy = false;
        client_fail_code(c, MYNAH_E_LIMIT,
                         e == MN_E_BUSY ? "too many logins at once" : "no thread can be started",
                         false);
    }
}

static void binding(struct mynah_client *c, enum mn_binding b, const char *name, mn_str *out)
{
    const struct mynah_elem *list = feature(c, "sasl-channel-binding", MN_NS_SASL_CB);
    bool listed = !list && b == MN_BIND_UNIQUE;

    /* XEP-0440: what the server does not list it cannot do. Without a list it means tls-unique (RFC
     * 5802, 6.1), which TLS 1.3 has not; what old servers take there instead is not agreed upon. */
    MYNAH_EACH(e, list, "channel-binding", NULL)
    listed = listed || !strcmp(mynah_elem_get(e, "type") ? mynah_elem_get(e, "type") : "", name);
    if (listed)
        (void)mn_conn_binding(stream_conn(c->stream), b, &c->login->a, out);
}

static struct login *login_new(struct mynah_client *c)
{
    struct login *l = c->login = MN_NEW(struct login);
    struct mn_conn *conn = stream_is_bosh(c->stream) ? NULL : stream_conn(c->stream);

    l->client = c;
    l->env.tls = stream_is_tls(c->stream);
    l->env.tls13 = conn && mn_conn_is_tls13(conn);
    l->env.host = mn_jid_host(&c->jid);
    l->env.announced = l->announced;
    MYNAH_EACH(m, feature(c, "mechanisms", MN_NS_SASL), "mechanism", NULL)
    if (l->env.announced_count < ANNOUNCED_MAX)
        l->announced[l->env.announced_count++] =
            mn_arena_str(&l->a, mn_str_from(mynah_elem_text(m)));
    if (l->env.tls && conn) { /* the connections of BOSH are its own, and come and go */
        binding(c, MN_BIND_EXPORTER, "tls-exporter", &l->env.exporter);
        binding(c, MN_BIND_UNIQUE, "tls-unique", &l->env.unique);
        binding(c, MN_BIND_END_POINT, "tls-server-end-point", &l->env.endpoint);
    }
    return l;
}

static void external(struct mynah_client *c)
{
    struct login *l = c->login;
    mn_str id = mn_str_from(c->conf.authzid ? c->conf.authzid : c->jid.user ? c->bare : NULL);

    l->external = true;
    c->mechanism = "EXTERNAL";
    sasl_write(c, "auth", id.n ? mn_base64(id, &l->a) : MN_STR("="), "auth");
}

static void exchange(struct mynah_client *c, enum mn_sasl_mech m)
{
    struct login *l = c->login;
    mn_str out;

    l->tried |= 1u << m;
    l->bound |= mn_sasl_is_plus(m);
    l->mech = m;
    mn_sasl_client_free(l->sasl);
    l->sasl = mn_sasl_client_new(m, sasl_user(c), mn_str_from(c->password),
                                 mn_str_from(c->conf.authzid), &l->env);
    c->mechanism = mn_sasl_name(m).p;
    if (mn_sasl_client_step(l->sasl, (mn_str){0}, &out) != MN_SASL_CHALLENGE) {
        refused(c, mn_sasl_client_reason(l->sasl));
        return;
    }
    sasl_write(c, "auth",
               !out.p  ? (mn_str){0}
               : out.n ? mn_base64(out, &l->a)
                       : MN_STR("="),
               "auth");
}

/* The strongest way that is left. */
static void sasl_next(struct mynah_client *c)
{
    struct login *l = c->login;

    if (!l->external && c->conf.cert_file && offered(l, MN_STR("EXTERNAL")) &&
        (!c->conf.mechanisms || login_allows(c, MN_STR("EXTERNAL")))) {
        external(c);
        return;
    }
    for (enum mn_sasl_mech m = 0; m < MN_SASL_MECHS; m++)
        if (usable(c, l, m)) {
            exchange(c, m);
            return;
        }
    /* XEP-0078 is for who cannot use SASL, not for who was refused there. */
    if (!l->tried && !l->external && nonsasl_start(c))
        return;
    client_fail_code(c, MYNAH_E_MECHANISM,
                     l->tried || l->external ? "every way to log in was refused" : NULL, true);
}

static void success(struct mynah_client *c, mn_str in)
{
    struct login *l = c->login;

    if (l->sasl && mn_sasl_client_end(l->sasl, in)) {
        refused(c, mn_sasl_client_reason(l->sasl));
        return;
    }
    client_log(c, MYNAH_LOG_DEBUG, "logged in by %s", c->mechanism);
    login_free(c);
    c->authenticated = true;
    if (client_state(c, MYNAH_BINDING, NULL))
        client_header(c);
}

static void failure(struct mynah_client *c, const struct mynah_elem *e)
{
    const struct mynah_elem *cond = mynah_elem_child(e, NULL, NULL);
    struct mynah_error why = {.code = MYNAH_E_LOGIN,
                              .condition = cond ? mynah_elem_name(cond) : "not-authorized",
                              .text = mynah_elem_child_text(e, "text", NULL),
                              .xml = e};
    bool credentials = !strcmp(why.condition, "not-authorized") ||
                       !strcmp(why.condition, "account-disabled") ||
                       !strcmp(why.condition, "credentials-expired");

    if (!strcmp(why.condition, "temporary-auth-failure"))
        client_fail(c, &why, false);
    else if (credentials && c->login->sasl)
        client_fail(c, &why, true);
    else
        sasl_next(c); /* this way is not open; no password was told to be wrong */
}

static void sasl_came(struct mynah_client *c, const struct mynah_elem *e)
{
    struct login *l = c->login;
    mn_str in = {0}, text = mn_str_trim(mn_str_from(mynah_elem_text(e)));

    if (mynah_elem_is(e, "failure", NULL)) {
        l->busy ? refused(c, "an answer in the midst of our question") : failure(c, e);
        return;
    }
    if (text.n && !mn_str_is(text, "=") && mn_base64_parse(text, &l->a, &in)) {
        client_fail_code(c, MYNAH_E_STREAM, "SASL without base64", false);
    } else if (l->busy) {
        refused(c, "an answer in the midst of our question");
    } else if (mynah_elem_is(e, "challenge", NULL)) {
        l->sasl ? challenge(c, in) : refused(c, "a challenge to EXTERNAL");
    } else if (mynah_elem_is(e, "success", NULL)) {
        success(c, in);
    }
}

static void sasl_start(struct mynah_client *c)
{
    if (!feature(c, "mechanisms", MN_NS_SASL)) {
        if (!nonsasl_start(c))
            client_fail_code(c, MYNAH_E_MECHANISM, "the server offers no login here", true);
        return;
    }
    login_free(c);
    login_new(c);
    if (client_state(c, MYNAH_LOGIN, NULL))
        sasl_next(c);
}

/* Binding. */

static void bind_ask(struct mynah_client *c)
{
    struct mn_buf b = {0};

    if (!feature(c, "bind", MN_NS_BIND)) {
        client_fail_code(c, MYNAH_E_STREAM, "the server offers no session", false);
        return;
    }
    mn_buf_lit(&b, "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>");
    if (c->jid.resource) {
        mn_buf_lit(&b, "<resource>");
        mn_buf_xml(&b, mn_jid_resource(&c->jid), false);
        mn_buf_lit(&b, "</resource>");
    }
    mn_buf_lit(&b, "</bind></iq>");
    c->waits = WAITS_BOUND;
    stream_write(c->stream, mn_buf_view(&b));
    mn_buf_free(&b);
}

void login_rebind(struct mynah_client *c)
{
    if (c->bound)
        client_session_over(c);
    if (c->state == MYNAH_BINDING)
        bind_ask(c);
}

/* RFC 3921's session, where a server still wants it. */
static bool session(struct mynah_client *c)
{
    const struct mynah_elem *e = feature(c, "session", MN_NS_SESSION);

    if (!e || mynah_elem_child(e, "optional", NULL))
        return false;
    WRITE(
        c,
        "<iq type='set' id='session'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
    return true;
}

static void bound(struct mynah_client *c)
{
    if (sm_can_enable(c))
        sm_enable(c);
    if (c->state == MYNAH_BINDING)
        client_online(c, false);
}

/* The server says who we are: an anonymous account learns its name here. */
static bool bound_as(struct mynah_client *c, const struct mynah_elem *e)
{
    const char *text = mynah_elem_child_text(mynah_elem_child(e, "bind", NULL), "jid", NULL);
    struct mn_jid jid;
    struct mn_arena a = {0};
    bool good = text && !mn_jid_parse(mn_str_from(text), &a, &jid) && jid.resource;

    if (good)
        client_called(c, &jid, true);
    mn_arena_done(&a, NULL);
    return good;
}

bool login_iq(struct mynah_client *c, const struct mynah_elem *e)
{
    const char *id = mynah_elem_get(e, "id"), *type = mynah_elem_get(e, "type");
    bool bind = id && !strcmp(id, "bind"), session_ = id && !strcmp(id, "session");
    struct mynah_error why;

    if (c->waits != WAITS_BOUND || !mynah_elem_is(e, "iq", NULL) || !type ||
        (c->bound ? !session_ : !bind)) /* one behind the other */
        return false;
    if (!strcmp(type, "error")) {
        error_of(e, &why);
        client_fail(c, &why, why.type && strcmp(why.type, "wait") != 0);
    } else if (strcmp(type, "result") != 0) {
        return false;
    } else if (bind && !bound_as(c, e)) {
        client_fail_code(c, MYNAH_E_STREAM, "an address that is none was bound", false);
    } else if (session_ || !session(c)) {
        c->waits = WAITS_NOT;
        bound(c);
    }
    return true;
}

/* What comes next. */

static bool compress(struct mynah_client *c)
{
    const struct mynah_elem *e = feature(c, "compression", MN_NS_COMPRESS_FEATURE);

    if (!c->conf.compress || stream_is_bosh(c->stream) || mn_conn_is_zlib(stream_conn(c->stream)))
        return false;
    MYNAH_EACH(m, e, "method", NULL)
    if (!strcmp(mynah_elem_text(m), "zlib")) {
        c->waits = WAITS_ZLIB;
        WRITE(c, "<compress "
                 "xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>");
        return true;
    }
    return false;
}

void login_go(struct mynah_client *c)
{
    c->conf.hold_login = false; /* what was wanted before is done: a later attempt logs in */
    sasl_start(c);
}

static void past_tls(struct mynah_client *c)
{
    if (compress(c))
        return;
    if (c->authenticated) {
        if (!sm_resume(c))
            login_rebind(c); /* also when this server cannot resume any more */
    } else if (c->conf.hold_login) {
        mn_timer_stop(&c->timer);
        client_state(c, MYNAH_OPEN, NULL);
    } else {
        sasl_start(c);
    }
}

static void starttls(struct mynah_client *c)
{
    c->waits = WAITS_TLS;
    WRITE(c, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
}

void login_features(struct mynah_client *c, const struct mynah_elem *features)
{
    /* What encrypts BOSH is https; whether it is to be has been looked at (XEP-0206). */
    bool tls = stream_is_tls(c->stream) || stream_is_bosh(c->stream), offer;

    if (c->waits != WAITS_FEATURES) {
        client_fail_order(c);
        return;
    }
    c->waits = WAITS_NOT;
    mynah_elem_free(c->features);
    c->features = mynah_elem_copy(features);
    offer = feature(c, "starttls", MN_NS_TLS);
    if (tls || c->conf.tls == MYNAH_TLS_OFF || (c->conf.tls == MYNAH_TLS_OFFERED && !offer))
        past_tls(c);
    else if (offer)
        starttls(c);
    else
        client_fail_code(c, MYNAH_E_TLS, "the server offers no encryption", true);
}

static void tls_came(struct mynah_client *c, const struct mynah_elem *e)
{
    if (c->waits != WAITS_TLS || !mynah_elem_is(e, "proceed", NULL))
        client_fail_code(c, MYNAH_E_TLS, "the server refuses encryption", false);
    else if (client_state(c, MYNAH_SECURING, NULL))
        stream_secure(c->stream);
}

static void zlib_came(struct mynah_client *c, const struct mynah_elem *e)
{
    if (c->waits != WAITS_ZLIB) {
        client_fail_order(c);
    } else if (mynah_elem_is(e, "compressed", NULL)) {
        stream_compress(c->stream);
        client_header(c);
    } else {
        c->conf.compress = false;
        c->waits = WAITS_NOT;
        past_tls(c);
    }
}

bool login_element(struct mynah_client *c, const struct mynah_elem *e)
{
    if (mynah_elem_is(e, NULL, mn_ns_uri(MN_NS_TLS).p))
        tls_came(c, e);
    else if (mynah_elem_is(e, NULL, mn_ns_uri(MN_NS_SASL).p) && c->login)
        sasl_came(c, e);
    else if (mynah_elem_is(e, NULL, mn_ns_uri(MN_NS_COMPRESS).p))
        zlib_came(c, e);
    else
        return false;
    return true;
}

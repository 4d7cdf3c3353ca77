#include "bench/client.h"

#include "base/codec.h"
#include "base/num.h"
#include "base/rand.h"
#include "xmpp/sasl_parts.h"

enum step { HELLO, PROCEED, SASL, AGAIN, SESSION, REGISTER, BIND, ROSTER, KEEP, READY };

struct client_login {
    mn_str first_bare;
    char signature[MN_DIGEST_MAX];
    struct mn_arena a;
};

void client_write(struct client *c, mn_str bytes)
{
    mn_conn_write(c->conn, bytes);
}

#define SAY(c, ...)                                                                                \
    do {                                                                                           \
        mn_buf_fmt(mn_conn_out((c)->conn), __VA_ARGS__);                                           \
        mn_conn_written((c)->conn);                                                                \
    } while (0)

static void header(struct client *c)
{
    mn_xml_restart(c->xml);
    SAY(c,
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams' to='%.*s' version='1.0'>",
        MN_ARG(c->plan->domain));
}

static void fail(struct client *c, const char *why)
{
    c->plan->failed(c, why);
}

static void login_end(struct client *c)
{
    if (!c->login)
        return;
    mn_arena_done(&c->login->a, NULL);
    mn_free(c->login);
    c->login = NULL;
}

/* SCRAM-SHA-1 (RFC 5802) by hand: what is dear of it is remembered where the plan wants that. */

static const struct client_keys *keys_for(struct client *c, mn_str salt, unsigned iterations,
                                          struct client_keys *spare)
{
    struct client_keys *k = c->keys ? c->keys : spare;

    if (k->iterations == iterations && mn_str_eq(salt, (mn_str){k->salt, k->salt_n}))
        return k;
    MN_ASSERT(salt.n <= sizeof k->salt);
    memcpy(k->salt, salt.p, salt.n);
    k->salt_n = salt.n;
    k->iterations = iterations;
    sasl_scram_derive(MN_SHA1, c->plan->password, salt, iterations, k->stored, k->server,
                      k->client);
    return k;
}

static void scram_prove(struct client *c, mn_str in)
{
    struct client_login *l = c->login;
    struct client_keys spare = {0};
    const struct client_keys *k;
    mn_str rest = in, nonce = sasl_attr(&rest, 'r'), salt = sasl_attr(&rest, 's'),
           count = sasl_attr(&rest, 'i'), bare, message;
    size_t n = mn_digest_size(MN_SHA1);
    char proof[MN_DIGEST_MAX];
    uint64_t iterations;

    if (!nonce.n || mn_base64_parse(salt, &l->a, &salt) ||
        !mn_num_parse(count, 1000000, &iterations)) {
        fail(c, "bad challenge");
        return;
    }
    k = keys_for(c, salt, (unsigned)iterations, &spare);
    bare = mn_arena_fmt(&l->a, "c=biws,r=%.*s", MN_ARG(nonce));
    message =
        mn_arena_fmt(&l->a, "%.*s,%.*s,%.*s", MN_ARG(l->first_bare), MN_ARG(in), MN_ARG(bare));
    mn_hmac(MN_SHA1, (mn_str){k->stored, n}, message, proof);
    for (size_t i = 0; i < n; i++)
        proof[i] ^= k->client[i];
    mn_hmac(MN_SHA1, (mn_str){k->server, n}, message, l->signature);
    message = mn_arena_fmt(&l->a, "%.*s,p=%.*s", MN_ARG(bare),
                           MN_ARG(mn_base64((mn_str){proof, n}, &l->a)));
    SAY(c, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%.*s</response>",
        MN_ARG(mn_base64(message, &l->a)));
}

static bool server_knows(struct client *c, mn_str in)
{
    mn_str v = sasl_attr(&in, 'v');

    return c->plan->mech == MN_SASL_PLAIN ||
           (v.n && !mn_base64_parse(v, &c->login->a, &v) &&
            mn_crypt_eq(v, (mn_str){c->login->signature, mn_digest_size(MN_SHA1)}));
}

static void sasl_start(struct client *c)
{
    struct client_login *l = c->login = MN_NEW(struct client_login);
    mn_str name = mn_sasl_name(c->plan->mech), first;

    if (c->plan->mech == MN_SASL_PLAIN) {
        first = mn_arena_fmt(&l->a, "?u%u?%.*s", c->number, MN_ARG(c->plan->password));
        for (size_t i = 0; i < first.n; i++)
            if (first.p[i] == '?')
                ((char *)first.p)[i] = 0;
    } else {
        l->first_bare =
            mn_arena_fmt(&l->a, "n=u%u,r=%.*s", c->number, MN_ARG(mn_rand_text(&l->a, 24)));
        first = mn_arena_fmt(&l->a, "n,,%.*s", MN_ARG(l->first_bare));
    }
    c->step = SASL;
    SAY(c, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='%.*s'>%.*s</auth>",
        MN_ARG(name), MN_ARG(mn_base64(first, &l->a)));
}

static void on_hello(struct client *c)
{
    if (c->plan->tls && !mn_conn_is_tls(c->conn)) {
        SAY(c, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        c->step = PROCEED;
    } else if (c->plan->registers) {
        SAY(c,
            "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>u%u</username>"
            "<password>%.*s</password></query></iq>",
            c->number, MN_ARG(c->plan->password));
        c->step = REGISTER;
    } else {
        sasl_start(c);
    }
}

static void on_sasl(struct client *c, const struct mn_elem *e)
{
    struct client_login *l = c->login;
    mn_str in = {0}, text = mn_elem_text(e, &l->a);

    if (text.n && mn_base64_parse(text, &l->a, &in)) {
        fail(c, "no base64");
    } else if (mn_elem_is(e, MN_NS_SASL, "challenge")) {
        scram_prove(c, in);
    } else if (mn_elem_is(e, MN_NS_SASL, "success") && server_knows(c, in)) {
        login_end(c);
        c->step = AGAIN;
        header(c);
    } else {
        fail(c, "not logged in");
    }
}

/* RFC 3921; since RFC 6121 nobody is to need it. */
static bool wants_session(const struct mn_elem *features)
{
    const struct mn_elem *m = mn_elem_child(features, MN_NS_SESSION, "session");

    return m && !mn_elem_child(m, MN_NS_SESSION, "optional");
}

static void get_ready(struct client *c)
{
    c->step = READY;
    c->plan->ready(c);
}

/* <enabled/>, or what came before it; <resumed/>. */
static void on_kept(struct client *c, const struct mn_elem *e)
{
    mn_str id = mn_elem_get(e, "id");
    struct client_keys *k = c->keys;

    if (mn_elem_is(e, MN_NS_SM, "enabled") && id.n && id.n < sizeof k->session) {
        memcpy(k->session, id.p, id.n);
        k->session[id.n] = 0;
        k->handled = 0;
        get_ready(c);
    } else if (mn_elem_is(e, MN_NS_SM, "resumed")) {
        get_ready(c);
    } else if (e->ns == MN_NS_SM) {
        fail(c, "no session to go on with");
    }
}

static void after_login(struct client *c, const struct mn_elem *features)
{
    if (c->plan->resumes) {
        SAY(c, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%u'/>", c->keys->session,
            c->keys->handled);
        c->step = KEEP;
        return;
    }
    c->wants_session = wants_session(features);
    SAY(c, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
           "<resource>b</resource></bind></iq>");
    c->step = BIND;
}

static void on_element(struct client *c, const struct mn_elem *e)
{
    bool result = mn_str_is(e->name, "iq") && mn_str_is(mn_elem_get(e, "type"), "result");

    if (e->ns == MN_NS_STREAM && mn_str_is(e->name, "error")) {
        fail(c, mn_elem_first(e) ? mn_elem_first(e)->name.p : "stream error");
        return;
    }
    switch ((enum step)c->step) {
    case HELLO:
        on_hello(c);
        break;
    case PROCEED:
        if (!mn_elem_is(e, MN_NS_TLS, "proceed")) {
            fail(c, "no TLS");
            break;
        }
        mn_conn_start_tls(c->conn, c->plan->tls, false, c->plan->domain.p);
        c->step = HELLO;
        header(c);
        break;
    case SASL:
        on_sasl(c, e);
        break;
    case AGAIN:
        after_login(c, e);
        break;
    case BIND:
    case SESSION:
        if (!result) {
            fail(c, "no session");
            break;
        }
        if (c->step == BIND && c->wants_session) {
            SAY(c, "<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"
                   "</iq>");
            c->step = SESSION;
            break;
        }
        SAY(c, "<iq type='get' id='l'><query xmlns='jabber:iq:roster'/></iq>");
        c->step = ROSTER;
        break;
    case ROSTER:
        if (!result)
            break;
        SAY(c, "<presence/>");
        if (c->plan->keeps) {
            SAY(c, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
            c->step = KEEP;
        } else {
            get_ready(c);
        }
        break;
    case KEEP:
        on_kept(c, e);
        break;
    case REGISTER:
        if (!result)
            fail(c, "not registered");
        else
            c->plan->ready(c);
        break;
    case READY:
        if (c->keys && e->ns == MN_NS_CLIENT)
            c->keys->handled++;
        c->plan->element(c, e);
    }
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct client *c = arg;
    struct mn_xml_item item;
    struct mn_pool *pool = mn_loop_pool(mn_loop_here());
    int what;

    c->inside = true;
    mn_xml_feed(c->xml, bytes);
    do {
        struct mn_arena a = {.pool = pool};

        what = mn_xml_next(c->xml, &a, &item);
        if (what == MN_XML_ELEM)
            on_element(c, item.elem);
        mn_arena_done(&a, pool);
    } while (c->conn && (what == MN_XML_ELEM || what == MN_XML_OPEN));
    if (c->conn && what)
        fail(c, what < 0 ? mn_err_text(what) : "the stream ended");
    c->inside = false;
    if (c->conn)
        mn_xml_keep(c->xml);
    else
        mn_xml_free(c->xml);
}

static void on_closed(void *arg, int why)
{
    fail(arg, mn_err_text(why));
}

void client_start(struct client *c, const struct client_plan *plan, unsigned number,
                  struct mn_conn *conn)
{
    static const struct mn_conn_face face = {on_bytes, on_closed, NULL, NULL};
    static const struct mn_xml_limits limits = {1 << 20, 100, 100};

    *c = (struct client){.plan = plan, .conn = conn, .number = number};
    c->xml = mn_xml_new(&limits);
    mn_conn_face(conn, &face, c);
    header(c);
}

bool client_is_ready(const struct client *c)
{
    return c->step == READY;
}

void client_done(struct client *c)
{
    if (!c->conn)
        return;
    login_end(c);
    mn_conn_close(c->conn, 0);
    c->conn = NULL;
    if (!c->inside)
        mn_xml_free(c->xml);
}

#include "bench/client.h"

#include "base/codec.h"

enum step { HELLO, PROCEED, SASL, AGAIN, REGISTER, BIND, ROSTER, READY };

struct client_login {
    struct mn_sasl_client *sasl;
    struct mn_sasl_env env;
    mn_str names[32];
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
    mn_sasl_client_free(c->login->sasl);
    mn_arena_done(&c->login->a, NULL);
    mn_free(c->login);
    c->login = NULL;
}

static void sasl_say(struct client *c, mn_str in, const char *open, const char *name)
{
    struct client_login *l = c->login;
    mn_str out;

    if (mn_sasl_client_step(l->sasl, in, &out) == MN_SASL_CHALLENGE)
        SAY(c, "<%s>%.*s</%s>", open, MN_ARG(mn_base64(out, &l->a)), name);
    else
        fail(c, mn_sasl_client_reason(l->sasl));
}

static void sasl_start(struct client *c, const struct mn_elem *features)
{
    const struct mn_elem *m = mn_elem_child(features, MN_NS_SASL, "mechanisms");
    struct client_login *l = c->login = MN_NEW(struct client_login);
    mn_str user = mn_arena_fmt(&l->a, "u%u", c->number);

    l->env.tls = mn_conn_is_tls(c->conn);
    l->env.tls13 = mn_conn_is_tls13(c->conn);
    (void)mn_conn_binding(c->conn, MN_BIND_EXPORTER, &l->a, &l->env.exporter);
    (void)mn_conn_binding(c->conn, MN_BIND_UNIQUE, &l->a, &l->env.unique);
    (void)mn_conn_binding(c->conn, MN_BIND_END_POINT, &l->a, &l->env.endpoint);
    l->env.announced = l->names;
    for (m = mn_elem_first(m); m && l->env.announced_count < MN_COUNT(l->names);
         m = mn_elem_next(m))
        l->names[l->env.announced_count++] = mn_arena_str(&l->a, mn_elem_text(m, &l->a));
    l->sasl =
        mn_sasl_client_new(MN_SASL_SCRAM_SHA_1, user, c->plan->password, (mn_str){0}, &l->env);
    c->step = SASL;
    sasl_say(c, (mn_str){0},
             "auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'", "auth");
}

static void on_hello(struct client *c, const struct mn_elem *e)
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
        sasl_start(c, e);
    }
}

static void on_sasl(struct client *c, const struct mn_elem *e)
{
    struct client_login *l = c->login;
    mn_str in = {0}, text = mn_elem_text(e, &l->a);

    if (text.n && mn_base64_parse(text, &l->a, &in)) {
        fail(c, "no base64");
    } else if (mn_elem_is(e, MN_NS_SASL, "challenge")) {
        sasl_say(c, in, "response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'", "response");
    } else if (mn_elem_is(e, MN_NS_SASL, "success") && !mn_sasl_client_end(l->sasl, in)) {
        login_end(c);
        c->step = AGAIN;
        header(c);
    } else {
        fail(c, "not logged in");
    }
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
        on_hello(c, e);
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
        SAY(c, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
               "<resource>b</resource></bind></iq>");
        c->step = BIND;
        break;
    case BIND:
        if (!result) {
            fail(c, "no resource");
            break;
        }
        SAY(c, "<iq type='get' id='l'><query xmlns='jabber:iq:roster'/></iq>");
        c->step = ROSTER;
        break;
    case ROSTER:
        if (!result)
            break;
        SAY(c, "<presence/>");
        c->step = READY;
        c->plan->ready(c);
        break;
    case REGISTER:
        if (!result)
            fail(c, "not registered");
        else
            c->plan->ready(c);
        break;
    case READY:
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

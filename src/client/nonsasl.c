/* XEP-0078, for servers that know nothing newer, and only where the program names it among its
 * mechanisms: which fields the server wants, then name, resource and either a hash over the
 * stream's id and the password, or, over TLS, the password. There is no binding behind it. */
#include "base/codec.h"
#include "base/crypt.h"
#include "client/client.h"

static void text_add(struct mn_buf *b, const char *name, mn_str text)
{
    mn_buf_fmt(b, "<%s>", name);
    mn_buf_xml(b, text, false);
    mn_buf_fmt(b, "</%s>", name);
}

bool nonsasl_start(struct mynah_client *c)
{
    struct mn_buf b = {0};

    if (!login_allows(c, MN_STR("XEP-0078")) || !c->jid.user || !c->password)
        return false;
    login_free(c);
    if (!client_state(c, MYNAH_LOGIN, NULL))
        return true;
    c->mechanism = "XEP-0078";
    c->nonsasl = NONSASL_ASKED;
    mn_buf_lit(&b, "<iq type='get' id='auth1' to='");
    mn_buf_xml(&b, mn_jid_host(&c->jid), true);
    mn_buf_lit(&b, "'><query xmlns='jabber:iq:auth'>");
    text_add(&b, "username", mn_jid_user(&c->jid));
    mn_buf_lit(&b, "</query></iq>");
    stream_write(c->stream, mn_buf_view(&b));
    mn_buf_free(&b);
    return true;
}

/* False: there is no way that both sides allow. */
static bool proof_add(struct mynah_client *c, const struct mynah_elem *asked, struct mn_buf *b)
{
    const mn_str pieces[] = {mn_str_from(c->stream_id), mn_str_from(c->password)};
    struct mn_arena a = {0};
    char hash[MN_DIGEST_MAX];
    size_t n;
    bool digest = mynah_elem_child(asked, "digest", NULL) && pieces[0].n;

    if (digest) {
        n = mn_digest_of(MN_SHA1, pieces, MN_COUNT(pieces), hash);
        text_add(b, "digest", mn_hex((mn_str){hash, n}, &a));
        mn_arena_done(&a, NULL);
    } else if (mynah_elem_child(asked, "password", NULL) && stream_is_tls(c->stream)) {
        text_add(b, "password", pieces[1]);
    } else {
        return false;
    }
    return true;
}

/* One must be named; what is made up is the same at each attempt of this client. */
static mn_str resource(const struct mynah_client *c)
{
    return c->jid.resource ? mn_jid_resource(&c->jid) : mn_str_from(c->id_head);
}

static void fields_came(struct mynah_client *c, const struct mynah_elem *asked)
{
    struct mn_buf b = {0};

    mn_buf_lit(&b, "<iq type='set' id='auth2'><query xmlns='jabber:iq:auth'>");
    text_add(&b, "username", mn_jid_user(&c->jid));
    text_add(&b, "resource", resource(c));
    if (proof_add(c, asked, &b)) {
        c->nonsasl = NONSASL_SENT;
        mn_buf_lit(&b, "</query></iq>");
        stream_write_secret(c->stream, mn_buf_view(&b),
                            MN_STR("<iq type='set' id='auth2'>...</iq>"));
    } else {
        client_fail_code(c, MYNAH_E_MECHANISM, "no way to prove ourselves that is safe here", true);
    }
    explicit_bzero(b.p, b.n);
    mn_buf_free(&b);
}

static void refused(struct mynah_client *c, const struct mynah_elem *e)
{
    struct mynah_error why;

    error_of(e, &why);
    why.code = MYNAH_E_LOGIN;
    client_fail(c, &why, true);
}

static void let_in(struct mynah_client *c)
{
    struct mn_buf full = {0};

    c->nonsasl = NONSASL_NONE;
    if (c->bound) /* of a session that this server cannot resume */
        client_session_over(c);
    if (c->state != MYNAH_LOGIN)
        return;
    mn_buf_fmt(&full, "%s/%.*s", c->bare, MN_ARG(resource(c)));
    c->bound = mn_str_dup(mn_buf_view(&full));
    mn_buf_free(&full);
    c->authenticated = true;
    client_online(c, false);
}

bool nonsasl_iq(struct mynah_client *c, const struct mynah_elem *e)
{
    const char *id = mynah_elem_get(e, "id"), *type = mynah_elem_get(e, "type");

    if (!c->nonsasl || !mynah_elem_is(e, "iq", NULL) || !id || !type ||
        strcmp(id, c->nonsasl == NONSASL_ASKED ? "auth1" : "auth2") != 0)
        return false;
    if (!strcmp(type, "error"))
        refused(c, e);
    else if (strcmp(type, "result") != 0)
        return false;
    else if (c->nonsasl == NONSASL_ASKED)
        fields_came(c, mynah_elem_child(e, "query", "jabber:iq:auth"));
    else
        let_in(c);
    return true;
}

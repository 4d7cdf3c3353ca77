/* The client's side of SASL. SCRAM, PLAIN and ANONYMOUS are the library's; DIGEST-MD5 (RFC 2831)
 * and CRAM-MD5 (RFC 2195), which no client of ours needs, are written here from their RFCs. */
#include "base/codec.h"
#include "base/crypt.h"
#include "wire/wire.h"

static mn_str text_of(mn_str message, struct mn_arena *a)
{
    if (!message.p)
        return MN_STR("");
    return message.n ? mn_base64(message, a) : MN_STR("=");
}

mn_str exchange_begin(struct client *c, mn_str mech, mn_str user, mn_str password)
{
    enum mn_sasl_mech m = mn_sasl_find(mech);
    mn_str out = {0};

    mn_sasl_client_free(c->sasl);
    c->sasl = NULL;
    c->mech = mn_arena_str(&c->arena, mech);
    c->user = mn_arena_str(&c->arena, user);
    c->password = mn_arena_str(&c->arena, password);
    if (m == MN_SASL_MECHS || m == MN_SASL_DIGEST_MD5 || m == MN_SASL_CRAM_MD5)
        return MN_STR("");
    c->env.tls = mn_conn_is_tls(c->conn);
    c->env.tls13 = c->env.tls && mn_conn_is_tls13(c->conn);
    (void)mn_conn_binding(c->conn, MN_BIND_EXPORTER, &c->arena, &c->env.exporter);
    (void)mn_conn_binding(c->conn, MN_BIND_END_POINT, &c->arena, &c->env.endpoint);
    c->sasl = mn_sasl_client_new(m, user, password, (mn_str){0}, &c->env);
    if (mn_sasl_client_step(c->sasl, (mn_str){0}, &out) != MN_SASL_CHALLENGE)
        return MN_STR("");
    return text_of(out, &c->arena);
}

static mn_str quoted(mn_str text, const char *name)
{
    const char *at = memmem(text.p, text.n, name, strlen(name));
    mn_str rest;

    if (!at)
        return MN_STR("");
    at += strlen(name);
    return mn_str_cut((mn_str){at, (size_t)(text.p + text.n - at)}, '"', &rest);
}

static mn_str md5(struct mn_arena *a, mn_str text)
{
    char *out = mn_arena_bytes(a, MN_DIGEST_MAX);

    return (mn_str){out, mn_digest_of(MN_MD5, &text, 1, out)};
}

static mn_str hex_md5(struct mn_arena *a, mn_str text)
{
    return mn_hex(md5(a, text), a);
}

/* algorithm=md5-sess, as the challenges of the time say. */
static mn_str digest_md5(struct client *c, mn_str challenge)
{
    struct mn_arena *a = &c->arena;
    mn_str realm = quoted(challenge, "realm=\""), nonce = quoted(challenge, "nonce=\""),
           cnonce = MN_STR("0000002900004823000018be00006784"),
           first = md5(a, mn_arena_fmt(a, "%.*s:%.*s:%.*s", MN_ARG(c->user), MN_ARG(realm),
                                       MN_ARG(c->password))),
           a1, ha1, uri = mn_arena_fmt(a, "xmpp/%.*s", MN_ARG(c->domain)), response;
    struct mn_buf b = {0};

    mn_buf_str(&b, first);
    mn_buf_fmt(&b, ":%.*s:%.*s", MN_ARG(nonce), MN_ARG(cnonce));
    a1 = mn_arena_str(a, mn_buf_view(&b));
    mn_buf_free(&b);
    ha1 = hex_md5(a, a1);
    for (int server = 0; server < 2; server++) {
        mn_str ha2 =
            hex_md5(a, mn_arena_fmt(a, "%s:%.*s", server ? "" : "AUTHENTICATE", MN_ARG(uri)));

        response = hex_md5(a, mn_arena_fmt(a, "%.*s:%.*s:00000001:%.*s:auth:%.*s", MN_ARG(ha1),
                                           MN_ARG(nonce), MN_ARG(cnonce), MN_ARG(ha2)));
        if (server)
            c->proof = mn_arena_fmt(a, "rspauth=%.*s", MN_ARG(response));
        else
            first = mn_arena_fmt(a,
                                 "username=\"%.*s\",realm=\"%.*s\",nonce=\"%.*s\",cnonce=\"%.*s\","
                                 "nc=00000001,qop=auth,digest-uri=\"%.*s\",response=%.*s,"
                                 "charset=utf-8",
                                 MN_ARG(c->user), MN_ARG(realm), MN_ARG(nonce), MN_ARG(cnonce),
                                 MN_ARG(uri), MN_ARG(response));
    }
    return first;
}

static mn_str cram_md5(struct client *c, mn_str challenge)
{
    char out[MN_DIGEST_MAX];
    size_t n = mn_hmac(MN_MD5, c->password, challenge, out);

    return mn_arena_fmt(&c->arena, "%.*s %.*s", MN_ARG(c->user),
                        MN_ARG(mn_hex((mn_str){out, n}, &c->arena)));
}

mn_str exchange_answer(struct client *c, mn_str challenge)
{
    mn_str in, out = {0};

    if (mn_base64_parse(challenge, &c->arena, &in))
        return (mn_str){0};
    if (mn_str_is(c->mech, "DIGEST-MD5"))
        out = digest_md5(c, in);
    else if (mn_str_is(c->mech, "CRAM-MD5"))
        out = cram_md5(c, in);
    else if (!c->sasl || mn_sasl_client_step(c->sasl, in, &out) != MN_SASL_CHALLENGE)
        return (mn_str){0};
    return text_of(out, &c->arena);
}

bool exchange_proof(void *client, mn_str text)
{
    struct client *c = client;
    mn_str in;

    if (mn_base64_parse(text, &c->arena, &in))
        return false;
    if (mn_str_is(c->mech, "DIGEST-MD5"))
        return mn_str_eq(in, c->proof);
    return c->sasl && !mn_sasl_client_end(c->sasl, in);
}

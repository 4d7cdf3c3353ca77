/* The client's end of SASL. SCRAM (RFC 5802): it binds to the channel when it can, says `y` when it
 * could but saw no -PLUS, refuses what would be cheap to guess or dear to compute, and believes a
 * success only with the server's signature. DIGEST-MD5 (RFC 2831) and CRAM-MD5 (RFC 2195) are there
 * for servers of their time; of these DIGEST-MD5 proves the server, too. */
#include "xmpp/sasl_parts.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/num.h"
#include "base/rand.h"

enum { ITERATIONS_MIN = 4096, ITERATIONS_MAX = 1000000 };

struct mn_sasl_client {
    struct mn_arena a;
    enum mn_sasl_mech mech;
    const struct mn_sasl_env *env;
    const char *reason;
    mn_str user, password, authzid;
    mn_str nonce, gs2, binding, first_bare;
    mn_str rspauth; /* of DIGEST-MD5: what the server has to say */
    bool proved;    /* it did */
    unsigned step;
    size_t signature_n;
    char signature[MN_DIGEST_MAX];
};

struct mn_sasl_client *mn_sasl_client_new(enum mn_sasl_mech m, mn_str user, mn_str password,
                                          mn_str authzid, const struct mn_sasl_env *env)
{
    struct mn_sasl_client *c = MN_NEW(struct mn_sasl_client);

    c->mech = m;
    c->env = env;
    c->user = mn_arena_str(&c->a, user);
    c->password = mn_arena_str(&c->a, password);
    c->authzid = mn_arena_str(&c->a, authzid);
    return c;
}

void mn_sasl_client_free(struct mn_sasl_client *c)
{
    if (!c)
        return;
    mn_crypt_wipe((void *)c->password.p, c->password.n);
    mn_arena_done(&c->a, NULL);
    mn_free(c);
}

const char *mn_sasl_client_reason(const struct mn_sasl_client *c)
{
    return c->reason;
}

static enum mn_sasl_result refuse(struct mn_sasl_client *c, const char *reason)
{
    c->reason = reason;
    return MN_SASL_FAIL;
}

/* A saslname: comma and equals sign written as =2C and =3D. */
static mn_str escaped(mn_str s, struct mn_arena *a)
{
    char *p = mn_arena_bytes(a, 3 * s.n), *to = p;

    for (size_t i = 0; i < s.n; i++) {
        const char *as = s.p[i] == ',' ? "=2C" : s.p[i] == '=' ? "=3D" : NULL;

        if (as) {
            memcpy(to, as, 3);
            to += 3;
        } else {
            *to++ = s.p[i];
        }
    }
    return (mn_str){p, (size_t)(to - p)};
}

static const char *best_binding(struct mn_sasl_client *c)
{
    const struct mn_sasl_env *e = c->env;

    c->binding = e->exporter.p ? e->exporter : e->unique.p ? e->unique : e->endpoint;
    return e->exporter.p   ? "tls-exporter"
           : e->unique.p   ? "tls-unique"
           : e->endpoint.p ? "tls-server-end-point"
                           : NULL;
}

static enum mn_sasl_result scram_first(struct mn_sasl_client *c, mn_str *out)
{
    const char *type = best_binding(c), *flag = type && !sasl_offers_plus(c->env) ? "y" : "n";
    mn_str authzid = escaped(c->authzid, &c->a);

    if (sasl_rows[c->mech].plus && !type)
        return refuse(c, "this connection has no channel binding");
    if (!sasl_rows[c->mech].plus)
        c->binding = (mn_str){0};
    if (sasl_rows[c->mech].plus)
        flag = mn_arena_cstr(&c->a, mn_arena_fmt(&c->a, "p=%s", type));
    c->gs2 = mn_arena_fmt(&c->a, "%s,%s%.*s,", flag, authzid.n ? "a=" : "", MN_ARG(authzid));
    c->nonce = mn_rand_text(&c->a, 24);
    c->first_bare =
        mn_arena_fmt(&c->a, "n=%.*s,r=%.*s", MN_ARG(escaped(c->user, &c->a)), MN_ARG(c->nonce));
    *out = mn_arena_fmt(&c->a, "%.*s%.*s", MN_ARG(c->gs2), MN_ARG(c->first_bare));
    return MN_SASL_CHALLENGE;
}

/* `h` of XEP-0474 and `t` of XEP-0515: what the server says it announced and speaks must be what
 * arrived here. */
static const char *tampered(struct mn_sasl_client *c, mn_str rest)
{
    while (rest.n) {
        mn_str piece = mn_str_cut(rest, ',', &rest), value = mn_str_skip(piece, 2);

        if (piece.n < 2 || piece.p[1] != '=' || piece.p[0] == 'm')
            return "an extension that is not understood";
        if (piece.p[0] == 'h' &&
            !mn_str_eq(value, sasl_announced(c->env, sasl_rows[c->mech].digest, &c->a)))
            return "the announced mechanisms were changed on the way";
        if (piece.p[0] == 't' && c->env->tls && !mn_str_is(value, c->env->tls13 ? "0304" : "0303"))
            return "the server speaks another version of TLS than we do";
    }
    return NULL;
}

static enum mn_sasl_result scram_final(struct mn_sasl_client *c, mn_str in, mn_str *out)
{
    enum mn_digest d = sasl_rows[c->mech].digest;
    size_t n = mn_digest_size(d);
    char stored[MN_DIGEST_MAX], server[MN_DIGEST_MAX], client[MN_DIGEST_MAX], sign[MN_DIGEST_MAX];
    mn_str rest = in, nonce = sasl_attr(&rest, 'r'), salt = sasl_attr(&rest, 's'),
           count = sasl_attr(&rest, 'i');
    struct mn_buf bound = {0};
    mn_str cbind, bare, message;
    uint64_t iterations;
    const char *why;

    if (mn_str_find(in, 0) < in.n || !nonce.p || !salt.n || mn_base64_parse(salt, &c->a, &salt) ||
        !salt.n)
        return refuse(c, "bad challenge");
    if (nonce.n <= c->nonce.n || !mn_str_starts(nonce, c->nonce))
        return refuse(c, "the server's nonce does not begin with ours");
    if (!mn_num_parse(count, ITERATIONS_MAX, &iterations) || iterations < ITERATIONS_MIN)
        return refuse(c, "an iteration count that is too low or too high");
    if ((why = tampered(c, rest)))
        return refuse(c, why);
    mn_buf_str(&bound, c->gs2);
    mn_buf_str(&bound, c->binding);
    cbind = mn_base64(mn_buf_view(&bound), &c->a);
    mn_buf_free(&bound);
    bare = mn_arena_fmt(&c->a, "c=%.*s,r=%.*s", MN_ARG(cbind), MN_ARG(nonce));
    message =
        mn_arena_fmt(&c->a, "%.*s,%.*s,%.*s", MN_ARG(c->first_bare), MN_ARG(in), MN_ARG(bare));
    sasl_scram_derive(d, c->password, salt, (unsigned)iterations, stored, server, client);
    mn_hmac(d, (mn_str){stored, n}, message, sign);
    for (size_t i = 0; i < n; i++)
        sign[i] ^= client[i];
    mn_hmac(d, (mn_str){server, n}, message, c->signature);
    mn_crypt_wipe(client, sizeof client);
    mn_crypt_wipe(server, sizeof server);
    *out = mn_arena_fmt(&c->a, "%.*s,p=%.*s", MN_ARG(bare),
                        MN_ARG(mn_base64((mn_str){sign, n}, &c->a)));
    c->signature_n = n; /* from here on there is something to compare with */
    return MN_SASL_CHALLENGE;
}

static enum mn_sasl_result plain(struct mn_sasl_client *c, mn_str *out)
{
    size_t n = c->authzid.n + c->user.n + c->password.n + 2;
    char *p = mn_arena_bytes(&c->a, n), *to = p;

    if (c->authzid.n)
        to = mempcpy(to, c->authzid.p, c->authzid.n);
    *to++ = 0;
    to = mempcpy(to, c->user.p, c->user.n);
    *to++ = 0;
    memcpy(to, c->password.p, c->password.n);
    *out = (mn_str){p, n};
    return MN_SASL_CHALLENGE;
}

/* DIGEST-MD5. */

struct digest_asked {
    mn_str realm, nonce, qop, charset, algorithm;
    bool has_realm;
};

/* A realm is a domain that the account may be in: ours, if it is offered, else the first. */
static void realm_take(struct mn_sasl_client *c, struct digest_asked *asked, mn_str realm)
{
    if (!asked->has_realm || mn_str_eq_nocase(realm, c->env->host))
        asked->realm = realm;
    asked->has_realm = true;
}

static bool digest_read(struct mn_sasl_client *c, mn_str in, struct digest_asked *asked)
{
    const struct {
        const char *name;
        mn_str *out;
    } known[] = {{"nonce", &asked->nonce},
                 {"qop", &asked->qop},
                 {"charset", &asked->charset},
                 {"algorithm", &asked->algorithm}};
    mn_str rest = in, name, value;
    bool bad = false;

    while (sasl_digest_pair(&c->a, &rest, &name, &value, &bad)) {
        if (mn_str_eq_nocase(name, MN_STR("realm")))
            realm_take(c, asked, value);
        for (size_t i = 0; i < MN_COUNT(known); i++)
            if (mn_str_eq_nocase(name, mn_str_from(known[i].name))) {
                if (known[i].out->p)
                    return false; /* twice */
                *known[i].out = value;
            }
    }
    return !bad && asked->nonce.n && mn_str_is(asked->algorithm, "md5-sess");
}

static bool has_auth(mn_str qop)
{
    bool yes = !qop.p; /* RFC 2831, 2.1.1: the default */

    while (qop.n && !yes)
        yes = mn_str_is(mn_str_trim(mn_str_cut(qop, ',', &qop)), "auth");
    return yes;
}

static void quoted(struct mn_buf *b, const char *name, mn_str value)
{
    mn_buf_fmt(b, "%s%s=\"", b->n ? "," : "", name);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\')
            mn_buf_c(b, '\\');
        mn_buf_c(b, value.p[i]);
    }
    mn_buf_c(b, '"');
}

static enum mn_sasl_result digest_respond(struct mn_sasl_client *c, mn_str in, mn_str *out)
{
    struct digest_asked asked = {0};
    struct sasl_digest d = {.nc = MN_STR("00000001"), .authzid = c->authzid};
    struct mn_buf b = {0};
    char *ha1 = mn_arena_bytes(&c->a, 16);
    mn_str user = sasl_latin1(c->user, &c->a);

    if (!digest_read(c, in, &asked) || !has_auth(asked.qop))
        return refuse(c, "bad challenge");
    mn_digest_of(MN_MD5,
                 (mn_str[]){user, MN_STR(":"), sasl_latin1(asked.realm, &c->a), MN_STR(":"),
                            sasl_latin1(c->password, &c->a)},
                 5, ha1);
    d.verifier = (mn_str){ha1, 16};
    d.nonce = asked.nonce;
    d.cnonce = mn_rand_text(&c->a, 24);
    d.uri = mn_arena_fmt(&c->a, "xmpp/%.*s", MN_ARG(c->env->host));
    quoted(&b, "username", asked.charset.p ? c->user : user);
    if (asked.has_realm)
        quoted(&b, "realm", asked.realm);
    quoted(&b, "nonce", d.nonce);
    quoted(&b, "cnonce", d.cnonce);
    mn_buf_fmt(&b, ",nc=%.*s,qop=auth,digest-uri=\"%.*s\",response=%.*s", MN_ARG(d.nc),
               MN_ARG(d.uri), MN_ARG(sasl_digest_value(&d, "AUTHENTICATE", &c->a)));
    if (asked.charset.p)
        mn_buf_lit(&b, ",charset=utf-8");
    if (c->authzid.n)
        quoted(&b, "authzid", c->authzid);
    c->rspauth = sasl_digest_value(&d, "", &c->a);
    *out = mn_arena_str(&c->a, mn_buf_view(&b));
    mn_buf_free(&b);
    mn_crypt_wipe(ha1, 16);
    return MN_SASL_CHALLENGE;
}

/* `rspauth`: only who knows the password can say it. */
static bool digest_proves(struct mn_sasl_client *c, mn_str in)
{
    mn_str name, value;
    bool bad = false;

    while (!c->proved && c->rspauth.n && sasl_digest_pair(&c->a, &in, &name, &value, &bad))
        c->proved = mn_str_eq_nocase(name, MN_STR("rspauth")) && mn_crypt_eq(value, c->rspauth);
    return c->proved;
}

static enum mn_sasl_result digest(struct mn_sasl_client *c, mn_str in, mn_str *out)
{
    if (c->step == 1)
        return MN_SASL_CHALLENGE; /* the server speaks first */
    if (c->step == 2)
        return digest_respond(c, in, out);
    return c->step == 3 && digest_proves(c, in)
               ? MN_SASL_CHALLENGE
               : refuse(c, "the server does not know the password");
}

static enum mn_sasl_result cram(struct mn_sasl_client *c, mn_str in, mn_str *out)
{
    char d[MN_DIGEST_MAX];

    if (c->step == 1)
        return MN_SASL_CHALLENGE;
    if (c->step > 2 || !in.n)
        return refuse(c, "bad challenge");
    mn_hmac(MN_MD5, c->password, in, d);
    *out =
        mn_arena_fmt(&c->a, "%.*s %.*s", MN_ARG(c->user), MN_ARG(mn_hex((mn_str){d, 16}, &c->a)));
    return MN_SASL_CHALLENGE;
}

enum mn_sasl_result mn_sasl_client_step(struct mn_sasl_client *c, mn_str in, mn_str *out)
{
    bool first = c->step == 0, prepared = sasl_rows[c->mech].scram || c->mech == MN_SASL_PLAIN;

    *out = (mn_str){0};
    if (first && prepared &&
        (sasl_prep(c->user, &c->a, &c->user) || sasl_prep(c->password, &c->a, &c->password)))
        return refuse(c, "a name or password with characters that may not be");
    c->step++;
    if (sasl_rows[c->mech].scram && first)
        return scram_first(c, out);
    if (sasl_rows[c->mech].scram && c->step == 2)
        return scram_final(c, in, out);
    if (c->mech == MN_SASL_DIGEST_MD5)
        return digest(c, in, out);
    if (c->mech == MN_SASL_CRAM_MD5)
        return cram(c, in, out);
    if (c->mech == MN_SASL_PLAIN && first)
        return plain(c, out);
    if (c->mech == MN_SASL_ANONYMOUS && first)
        return MN_SASL_CHALLENGE;
    if (c->mech == MN_SASL_EXTERNAL && first) {
        *out = c->authzid.n ? c->authzid : MN_STR("");
        return MN_SASL_CHALLENGE;
    }
    return refuse(c, "a challenge that the mechanism does not have");
}

int mn_sasl_client_end(struct mn_sasl_client *c, mn_str in)
{
    mn_str v;

    if (c->mech == MN_SASL_DIGEST_MD5 && !digest_proves(c, in)) {
        c->reason = "the server does not know the password";
        return MN_E_DENIED;
    }
    if (!sasl_rows[c->mech].scram)
        return MN_E_OK;
    v = c->signature_n ? sasl_attr(&in, 'v') : (mn_str){0};
    if (v.p && !mn_base64_parse(v, &c->a, &v) &&
        mn_crypt_eq(v, (mn_str){c->signature, c->signature_n}))
        return MN_E_OK;
    c->reason = "the server does not know the password";
    return MN_E_DENIED;
}

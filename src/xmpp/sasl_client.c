/* The client's end of SASL. SCRAM (RFC 5802): it binds to the channel when it can, says `y` when it
 * could but saw no -PLUS, refuses what would be cheap to guess or dear to compute, and believes a
 * success only with the server's signature. */
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

enum mn_sasl_result mn_sasl_client_step(struct mn_sasl_client *c, mn_str in, mn_str *out)
{
    bool first = c->step == 0;

    *out = (mn_str){0};
    if (first && c->mech < MN_SASL_ANONYMOUS &&
        (sasl_prep(c->user, &c->a, &c->user) || sasl_prep(c->password, &c->a, &c->password)))
        return refuse(c, "a name or password with characters that may not be");
    c->step++;
    if (sasl_rows[c->mech].scram && first)
        return scram_first(c, out);
    if (sasl_rows[c->mech].scram && c->step == 2)
        return scram_final(c, in, out);
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

    if (!sasl_rows[c->mech].scram)
        return MN_E_OK;
    v = c->signature_n ? sasl_attr(&in, 'v') : (mn_str){0};
    if (v.p && !mn_base64_parse(v, &c->a, &v) &&
        mn_crypt_eq(v, (mn_str){c->signature, c->signature_n}))
        return MN_E_OK;
    c->reason = "the server does not know the password";
    return MN_E_DENIED;
}

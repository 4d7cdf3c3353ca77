#include "xmpp/sasl_parts.h"

#include <stdlib.h>
#include <unistr.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/rand.h"
#include "xmpp/jid.h"

const struct sasl_row sasl_rows[] = {
    [MN_SASL_SCRAM_SHA_512_PLUS] = {MN_SHA512, TAG_SHA512, true, true},
    [MN_SASL_SCRAM_SHA_256_PLUS] = {MN_SHA256, TAG_SHA256, true, true},
    [MN_SASL_SCRAM_SHA_1_PLUS] = {MN_SHA1, TAG_SHA1, true, true},
    [MN_SASL_SCRAM_SHA_512] = {MN_SHA512, TAG_SHA512, true, false},
    [MN_SASL_SCRAM_SHA_256] = {MN_SHA256, TAG_SHA256, true, false},
    [MN_SASL_SCRAM_SHA_1] = {MN_SHA1, TAG_SHA1, true, false},
    [MN_SASL_DIGEST_MD5] = {MN_MD5, TAG_DIGEST, false, false},
    [MN_SASL_CRAM_MD5] = {MN_MD5, TAG_CRAM, false, false},
    [MN_SASL_PLAIN] = {MN_SHA256, 0, false, false},
    [MN_SASL_ANONYMOUS] = {MN_SHA256, 0, false, false},
    [MN_SASL_EXTERNAL] = {MN_SHA256, 0, false, false},
};

const char *const mn_sasl_names[] = {"SCRAM-SHA-512-PLUS",
                                     "SCRAM-SHA-256-PLUS",
                                     "SCRAM-SHA-1-PLUS",
                                     "SCRAM-SHA-512",
                                     "SCRAM-SHA-256",
                                     "SCRAM-SHA-1",
                                     "DIGEST-MD5",
                                     "CRAM-MD5",
                                     "PLAIN",
                                     "ANONYMOUS",
                                     NULL};

enum { WITH_VERIFIER = (1u << MN_SASL_PLAIN) - 1 }; /* all mechanisms before PLAIN */

struct mn_sasl {
    struct mn_arena a;
    enum mn_sasl_mech mech;
    struct mn_sasl_env env;
    unsigned step;
    mn_str user;
    const char *condition, *reason;
    bool wrong;
    /* PLAIN */
    mn_str password, stored, renewed;
    bool matched;
    /* SCRAM */
    bool exists;
    mn_str gs2, binding, first_bare, server_first, nonce, stored_key, server_key;
    /* DIGEST-MD5, CRAM-MD5 */
    mn_str challenge, response, verifier, digest_user, authzid;
    struct sasl_digest digest;
};

mn_str mn_sasl_name(enum mn_sasl_mech m)
{
    return m == MN_SASL_EXTERNAL ? MN_STR("EXTERNAL") : mn_str_from(mn_sasl_names[m]);
}

enum mn_sasl_mech mn_sasl_find(mn_str name)
{
    int i = 0;

    if (mn_str_is(name, "EXTERNAL"))
        return MN_SASL_EXTERNAL;
    while (mn_sasl_names[i] && !mn_str_is(name, mn_sasl_names[i]))
        i++;
    return mn_sasl_names[i] ? (enum mn_sasl_mech)i : MN_SASL_MECHS;
}

bool mn_sasl_is_plus(enum mn_sasl_mech m)
{
    return sasl_rows[m].plus;
}

size_t mn_sasl_bindings(const struct mn_sasl_env *env, mn_str out[3])
{
    size_t n = 0;

    if (env->exporter.p)
        out[n++] = MN_STR("tls-exporter");
    if (env->unique.p && !env->unique_unlisted)
        out[n++] = MN_STR("tls-unique");
    if (env->endpoint.p)
        out[n++] = MN_STR("tls-server-end-point");
    return n;
}

struct mn_sasl *mn_sasl_new(enum mn_sasl_mech m, const struct mn_sasl_env *env)
{
    struct mn_sasl *s = MN_NEW(struct mn_sasl);
    mn_str *names = mn_arena_alloc(&s->a, (env->announced_count + 1) * sizeof *names),
           *addresses = mn_arena_alloc(&s->a, (env->address_count + 1) * sizeof *addresses);

    s->mech = m;
    s->env = *env;
    s->env.host = mn_arena_str(&s->a, env->host);
    s->env.secret = mn_arena_str(&s->a, env->secret);
    if (env->exporter.p)
        s->env.exporter = mn_arena_str(&s->a, env->exporter);
    if (env->unique.p)
        s->env.unique = mn_arena_str(&s->a, env->unique);
    if (env->endpoint.p)
        s->env.endpoint = mn_arena_str(&s->a, env->endpoint);
    for (size_t i = 0; i < env->announced_count; i++)
        names[i] = mn_arena_str(&s->a, env->announced[i]);
    s->env.announced = names;
    for (size_t i = 0; i < env->address_count; i++)
        addresses[i] = mn_arena_str(&s->a, env->addresses[i]);
    s->env.addresses = addresses;
    return s;
}

static void wipe(mn_str secret)
{
    if (secret.n)
        mn_crypt_wipe((void *)secret.p, secret.n);
}

void mn_sasl_free(struct mn_sasl *s)
{
    if (!s)
        return;
    wipe(s->password);
    wipe(s->stored);
    wipe(s->stored_key);
    wipe(s->server_key);
    mn_arena_done(&s->a, NULL);
    mn_free(s);
}

mn_str mn_sasl_user(const struct mn_sasl *s)
{
    return s->user;
}
const char *mn_sasl_condition(const struct mn_sasl *s)
{
    return s->condition;
}
const char *mn_sasl_reason(const struct mn_sasl *s)
{
    return s->reason;
}
bool mn_sasl_wrong(const struct mn_sasl *s)
{
    return s->wrong;
}

static enum mn_sasl_result fail(struct mn_sasl *s, const char *condition, const char *reason)
{
    s->condition = condition;
    s->reason = reason;
    return MN_SASL_FAIL;
}

static enum mn_sasl_result wrong(struct mn_sasl *s)
{
    s->wrong = true;
    return fail(s, "not-authorized",
                s->exists || s->stored.p ? "wrong password" : "no such account");
}

static enum mn_sasl_result malformed(struct mn_sasl *s, const char *reason)
{
    return fail(s, "malformed-request", reason);
}

/* The authcid as a localpart of this host; a whole bare JID of this host is understood too. */
static bool settle_user(struct mn_sasl *s, mn_str name)
{
    mn_str host, user = mn_str_cut(name, '@', &host);
    struct mn_jid j;

    if (user.n < name.n && mn_str_eq_nocase(host, s->env.host))
        name = user;
    if (!name.n || mn_jid_make(name, s->env.host, (mn_str){0}, &s->a, &j))
        return false;
    s->user = mn_arena_str(&s->a, mn_jid_user(&j));
    return true;
}

/* Decision L8: an authzid must be the login's own bare JID. */
static bool authzid_ok(struct mn_sasl *s, mn_str authzid)
{
    struct mn_jid want, own;

    if (!authzid.n)
        return true;
    return !mn_jid_parse(authzid, &s->a, &want) && !want.resource &&
           !mn_jid_make(s->user, s->env.host, (mn_str){0}, &s->a, &own) && mn_jid_eq(&want, &own);
}

/* SCRAM. */

mn_str sasl_attr(mn_str *s, char name)
{
    mn_str rest, head = mn_str_cut(*s, ',', &rest);

    if (head.n < 2 || head.p[0] != name || head.p[1] != '=')
        return (mn_str){0};
    *s = rest;
    return mn_str_skip(head, 2);
}

/* =2C and =3D in a saslname. */
static bool saslname(struct mn_sasl *s, mn_str in, mn_str *out)
{
    char *p = mn_arena_bytes(&s->a, in.n);
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] != '=') {
            p[n++] = in.p[i];
            continue;
        }
        if (in.n - i < 3 || in.p[i + 1] != (in.p[i + 2] == 'C' ? '2' : '3') ||
            (in.p[i + 2] != 'C' && in.p[i + 2] != 'D'))
            return false;
        p[n++] = in.p[i + 2] == 'C' ? ',' : '=';
        i += 2;
    }
    *out = (mn_str){p, n};
    return n > 0;
}

bool sasl_offers_plus(const struct mn_sasl_env *env)
{
    for (size_t i = 0; i < env->announced_count; i++) {
        enum mn_sasl_mech m = mn_sasl_find(env->announced[i]);

        if (m < MN_SASL_MECHS && sasl_rows[m].plus)
            return true;
    }
    return false;
}

static int by_octets(const void *a, const void *b)
{
    return mn_str_cmp(*(const mn_str *)a, *(const mn_str *)b);
}

static void add_sorted(struct mn_buf *b, mn_str *items, size_t count)
{
    qsort(items, count, sizeof *items, by_octets);
    for (size_t i = 0; i < count; i++) {
        if (i)
            mn_buf_c(b, 0x1e);
        mn_buf_str(b, items[i]);
    }
}

/* XEP-0474, 5.1. */
mn_str sasl_announced(const struct mn_sasl_env *env, enum mn_digest d, struct mn_arena *a)
{
    size_t count = env->announced_count, n;
    mn_str *names = mn_arena_alloc(a, (count + 1) * sizeof *names), bindings[3];
    struct mn_buf b = {0};
    char digest[MN_DIGEST_MAX];

    if (count)
        memcpy(names, env->announced, count * sizeof *names);
    add_sorted(&b, names, count);
    n = mn_sasl_bindings(env, bindings);
    if (n && sasl_offers_plus(env)) {
        mn_buf_c(&b, 0x1f);
        add_sorted(&b, bindings, n);
    }
    n = mn_digest_of(d, &(mn_str){b.p, b.n}, 1, digest);
    mn_buf_free(&b);
    return mn_base64((mn_str){digest, n}, a);
}

static enum mn_sasl_result scram_first(struct mn_sasl *s, mn_str in)
{
    mn_str rest, flag = mn_str_cut(in, ',', &rest), authzid, name;

    if (flag.n == 1 && (flag.p[0] == 'n' || flag.p[0] == 'y')) {
        if (sasl_rows[s->mech].plus)
            return malformed(s, "a -PLUS mechanism without channel binding");
        if (flag.p[0] == 'y' && sasl_offers_plus(&s->env)) {
            return fail(s, "not-authorized",
                        "the client saw no -PLUS mechanism, but they were offered (downgrade)");
        }
    } else if (flag.n > 2 && flag.p[0] == 'p' && flag.p[1] == '=') {
        mn_str type = mn_str_skip(flag, 2);

        if (!sasl_rows[s->mech].plus)
            return malformed(s, "channel binding on a mechanism without it");
        s->binding = mn_str_is(type, "tls-exporter")           ? s->env.exporter
                     : mn_str_is(type, "tls-unique")           ? s->env.unique
                     : mn_str_is(type, "tls-server-end-point") ? s->env.endpoint
                                                               : (mn_str){0};
        if (!s->binding.p)
            return fail(s, "not-authorized", "a channel binding type that was not offered");
    } else {
        return malformed(s, "no gs2 header");
    }
    authzid = mn_str_cut(rest, ',', &rest);
    s->gs2 = mn_arena_str(&s->a, (mn_str){in.p, (size_t)(rest.p - in.p)});
    if (authzid.n && (!mn_str_starts(authzid, MN_STR("a=")) ||
                      !saslname(s, mn_str_skip(authzid, 2), &s->authzid)))
        return malformed(s, "bad authzid");
    s->first_bare = mn_arena_str(&s->a, rest);
    name = sasl_attr(&rest, 'n');
    if (!name.p || !saslname(s, name, &name))
        return malformed(s, "no username");
    s->nonce = sasl_attr(&rest, 'r');
    if (!s->nonce.n || s->nonce.n > 512)
        return malformed(s, "no nonce");
    for (size_t i = 0; i < s->nonce.n; i++)
        if (s->nonce.p[i] < 0x21 || s->nonce.p[i] > 0x7e)
            return malformed(s, "bad nonce");
    /* Extensions behind the nonce are optional ones: x=value, ignored. */
    while (rest.n) {
        mn_str ext = mn_str_cut(rest, ',', &rest);

        if (ext.n < 2 || ext.p[1] != '=' || ext.p[0] == 'm')
            return malformed(s, "bad extension");
    }
    if (!settle_user(s, name))
        return malformed(s, "username is no localpart");
    return MN_SASL_LOOKUP;
}

/* With how many iterations this account would have been made. One that is configured from now on
 * becomes that of some of those who do not exist, as if they had set their passwords anew. */
static unsigned invented(const struct mn_sasl *s)
{
    unsigned chosen = s->env.iterations;
    char best[MN_DIGEST_MAX] = {0}, hash[MN_DIGEST_MAX];
    struct mn_arena a = {0};

    for (size_t i = 0; i < s->env.shown_count; i++) {
        size_t n = mn_hmac(MN_SHA256, s->env.secret,
                           mn_arena_fmt(&a, "%u %.*s", s->env.shown[i], MN_ARG(s->user)), hash);

        if (memcmp(hash, best, n) < 0)
            continue;
        memcpy(best, hash, n);
        chosen = s->env.shown[i];
    }
    mn_arena_done(&a, NULL);
    return chosen;
}

static enum mn_sasl_result scram_found(struct mn_sasl *s, mn_str stored, mn_str *out)
{
    enum mn_digest d = sasl_rows[s->mech].digest;
    size_t n = mn_digest_size(d);
    struct sasl_keys k = {0};

    s->exists = sasl_scram_keys(sasl_verifier(stored, sasl_rows[s->mech].tag), n, &k);
    if (!s->exists) { /* a salt of its own per hash, as real accounts have */
        char *salt = mn_arena_alloc0(&s->a, MN_DIGEST_MAX);
        unsigned iterations = invented(s);

        mn_hmac(
            MN_SHA256, s->env.secret,
            mn_arena_fmt(&s->a, "%d %u %.*s", sasl_rows[s->mech].tag, iterations, MN_ARG(s->user)),
            salt);
        k = (struct sasl_keys){iterations, {salt, 16}, {salt, n}, {salt, n}};
    }
    s->stored_key = mn_arena_str(&s->a, k.stored);
    s->server_key = mn_arena_str(&s->a, k.server);
    s->nonce = mn_arena_fmt(&s->a, "%.*s%.*s", MN_ARG(s->nonce), MN_ARG(mn_rand_text(&s->a, 24)));
    s->server_first = mn_arena_fmt(&s->a, "r=%.*s,s=%.*s,i=%u,h=%.*s", MN_ARG(s->nonce),
                                   MN_ARG(mn_base64(k.salt, &s->a)), k.iterations,
                                   MN_ARG(sasl_announced(&s->env, d, &s->a)));
    if (s->env.tls)
        s->server_first = mn_arena_fmt(&s->a, "%.*s,t=%s", MN_ARG(s->server_first),
                                       s->env.tls13 ? "0304" : "0303");
    *out = s->server_first;
    s->step = 1;
    return MN_SASL_CHALLENGE;
}

static enum mn_sasl_result scram_final(struct mn_sasl *s, mn_str in, mn_str *out)
{
    enum mn_digest d = sasl_rows[s->mech].digest;
    size_t n = mn_digest_size(d);
    mn_str rest = in, c, nonce, proof, got, message;
    char signature[MN_DIGEST_MAX], client[MN_DIGEST_MAX], stored[MN_DIGEST_MAX];
    struct mn_buf want = {0};
    bool bound;

    c = sasl_attr(&rest, 'c');
    nonce = sasl_attr(&rest, 'r');
    if (!c.p || !nonce.p || mn_base64_parse(c, &s->a, &got))
        return malformed(s, "bad client-final message");
    while (rest.n && rest.p[0] != 'p')
        mn_str_cut(rest, ',', &rest);
    message = (mn_str){in.p, rest.n ? (size_t)(rest.p - in.p - 1) : in.n};
    proof = sasl_attr(&rest, 'p');
    if (!proof.p || rest.n || mn_base64_parse(proof, &s->a, &proof) || proof.n != n)
        return malformed(s, "bad proof");
    if (!mn_str_eq(nonce, s->nonce))
        return malformed(s, "the nonce changed");
    mn_buf_str(&want, s->gs2);
    mn_buf_str(&want, s->binding);
    bound = mn_crypt_eq(got, mn_buf_view(&want));
    mn_buf_free(&want);
    /* Decision L4: gloox sends c=biws (n,,) behind a y,, header. */
    if (!bound && !s->env.tls && mn_str_eq(s->gs2, MN_STR("y,,")) && mn_str_eq(c, MN_STR("biws")))
        bound = true;
    if (!bound)
        return fail(s, "not-authorized", "channel binding does not match");
    message = mn_arena_fmt(&s->a, "%.*s,%.*s,%.*s", MN_ARG(s->first_bare), MN_ARG(s->server_first),
                           MN_ARG(message));
    mn_hmac(d, s->stored_key, message, signature);
    for (size_t i = 0; i < n; i++)
        client[i] = proof.p[i] ^ signature[i];
    mn_digest_of(d, &(mn_str){client, n}, 1, stored);
    if (!mn_crypt_eq((mn_str){stored, n}, s->stored_key) || !s->exists)
        return wrong(s);
    if (!authzid_ok(s, s->authzid))
        return fail(s, "invalid-authzid", "authzid of somebody else");
    mn_hmac(d, s->server_key, message, signature);
    *out = mn_arena_fmt(&s->a, "v=%.*s", MN_ARG(mn_base64((mn_str){signature, n}, &s->a)));
    return MN_SASL_SUCCESS;
}

/* PLAIN. */

static enum mn_sasl_result plain_first(struct mn_sasl *s, mn_str in)
{
    mn_str rest, authzid = mn_str_cut(in, 0, &rest), user = mn_str_cut(rest, 0, &rest);

    if (!user.n || !rest.n || user.n + authzid.n + 2 > in.n || mn_str_find(rest, 0) < rest.n)
        return malformed(s, "bad PLAIN message");
    if (u8_check((const uint8_t *)in.p, in.n) || !settle_user(s, user))
        return malformed(s, "username is no localpart");
    s->authzid = mn_arena_str(&s->a, authzid);
    s->password = mn_arena_str(&s->a, rest);
    return MN_SASL_LOOKUP;
}

/* DIGEST-MD5. */

static enum mn_sasl_result digest_challenge(struct mn_sasl *s, mn_str *out)
{
    s->challenge = mn_rand_text(&s->a, 40);
    *out = mn_arena_fmt(
        &s->a, "realm=\"%.*s\",nonce=\"%.*s\",qop=\"auth\",charset=utf-8,algorithm=md5-sess",
        MN_ARG(s->env.host), MN_ARG(s->challenge));
    s->step = 1;
    return MN_SASL_CHALLENGE;
}

static enum mn_sasl_result digest_response(struct mn_sasl *s, mn_str in)
{
    mn_str rest = mn_arena_str(&s->a, in), name, value, realm = {0}, nonce = {0},
           qop = MN_STR("auth");
    bool bad = false, doubled = false;
    const struct {
        const char *name;
        mn_str *out;
    } known[] = {
        {"username", &s->digest_user},  {"realm", &realm},          {"nonce", &nonce},
        {"cnonce", &s->digest.cnonce},  {"nc", &s->digest.nc},      {"qop", &qop},
        {"digest-uri", &s->digest.uri}, {"response", &s->response}, {"authzid", &s->authzid}};
    unsigned have = 0;

    while (sasl_digest_pair(&s->a, &rest, &name, &value, &bad))
        for (unsigned i = 0; i < MN_COUNT(known); i++)
            if (mn_str_eq_nocase(name, mn_str_from(known[i].name))) {
                doubled |= have >> i & 1;
                have |= 1u << i;
                *known[i].out = value;
            }
    if (bad || doubled || !s->digest_user.n || !s->digest.cnonce.n || !s->digest.uri.n ||
        s->response.n != 32)
        return malformed(s, "bad DIGEST-MD5 response");
    if (!mn_str_eq(nonce, s->challenge) || !mn_str_is(s->digest.nc, "00000001"))
        return malformed(s, "nonce or nc is not the one asked for");
    if (!mn_str_is(qop, "auth") || (realm.n && !mn_str_eq_nocase(realm, s->env.host)))
        return malformed(s, "qop or realm that was not offered");
    if (!mn_str_starts(s->digest.uri, MN_STR("xmpp/")))
        return malformed(s, "bad digest-uri");
    if (!settle_user(s, s->digest_user))
        return malformed(s, "username is no localpart");
    return MN_SASL_LOOKUP;
}

static enum mn_sasl_result digest_found(struct mn_sasl *s, mn_str *out)
{
    s->digest.verifier = s->verifier;
    s->digest.nonce = s->challenge;
    s->digest.authzid = s->authzid;
    if (!s->verifier.p ||
        !mn_crypt_eq(sasl_digest_value(&s->digest, "AUTHENTICATE", &s->a), s->response))
        return wrong(s);
    if (!authzid_ok(s, s->authzid))
        return fail(s, "invalid-authzid", "authzid of somebody else");
    *out = mn_arena_fmt(&s->a, "rspauth=%.*s", MN_ARG(sasl_digest_value(&s->digest, "", &s->a)));
    return MN_SASL_SUCCESS;
}

/* CRAM-MD5. */

static enum mn_sasl_result cram_challenge(struct mn_sasl *s, mn_str *out)
{
    s->challenge = *out =
        mn_arena_fmt(&s->a, "<%.*s@%.*s>", MN_ARG(mn_rand_text(&s->a, 24)), MN_ARG(s->env.host));
    s->step = 1;
    return MN_SASL_CHALLENGE;
}

static enum mn_sasl_result cram_response(struct mn_sasl *s, mn_str in)
{
    size_t space = in.n;

    while (space && in.p[space - 1] != ' ')
        space--;
    if (!space || in.n - space != 32 || !settle_user(s, (mn_str){in.p, space - 1}))
        return malformed(s, "bad CRAM-MD5 response");
    s->response = mn_arena_str(&s->a, mn_str_skip(in, space));
    return MN_SASL_LOOKUP;
}

static enum mn_sasl_result cram_found(struct mn_sasl *s, mn_str *out)
{
    unsigned char d[16];

    if (s->verifier.n != MN_HMAC_MD5_STATES)
        return wrong(s);
    mn_hmac_md5_from((const unsigned char *)s->verifier.p, s->challenge, d);
    if (!mn_crypt_eq(mn_hex((mn_str){(char *)d, 16}, &s->a), s->response))
        return wrong(s);
    *out = (mn_str){0};
    return MN_SASL_SUCCESS;
}

/* EXTERNAL: who it is was proved below; the message says which of several addresses is meant. */
static enum mn_sasl_result external(struct mn_sasl *s, mn_str authzid)
{
    if (!authzid.n && s->env.address_count != 1)
        return fail(s, "invalid-authzid", "a certificate of several addresses, and no authzid");
    for (size_t i = 0; i < s->env.address_count; i++) {
        s->user = s->env.addresses[i];
        if (authzid_ok(s, authzid))
            return MN_SASL_LOOKUP;
    }
    return fail(s, "invalid-authzid", "authzid is no address of the certificate");
}

enum mn_sasl_result mn_sasl_step(struct mn_sasl *s, mn_str in, mn_str *out)
{
    static const mn_str ask = MN_STR("");

    *out = (mn_str){0};
    if (s->mech == MN_SASL_ANONYMOUS)
        return MN_SASL_SUCCESS;
    if (s->mech == MN_SASL_DIGEST_MD5 || s->mech == MN_SASL_CRAM_MD5) {
        bool digest = s->mech == MN_SASL_DIGEST_MD5;

        if (s->step == 0 && in.n)
            return malformed(s, "an initial response where the server speaks first");
        if (s->step == 0)
            return digest ? digest_challenge(s, out) : cram_challenge(s, out);
        return digest ? digest_response(s, in) : cram_response(s, in);
    }
    if (!in.p && s->step == 0) { /* no initial response: ask for it once */
        *out = ask;
        s->step = 10;
        return MN_SASL_CHALLENGE;
    }
    if (s->mech == MN_SASL_PLAIN)
        return plain_first(s, in);
    if (s->mech == MN_SASL_EXTERNAL)
        return external(s, in);
    if (mn_str_find(in, 0) < in.n) /* RFC 5802, 7: no value holds it */
        return malformed(s, "a NUL in the message");
    if (s->step == 1)
        return scram_final(s, in, out);
    return scram_first(s, mn_arena_str(&s->a, in));
}

enum mn_sasl_result mn_sasl_found(struct mn_sasl *s, mn_str stored, mn_str *out)
{
    *out = (mn_str){0};
    if (stored.p)
        s->stored = stored = mn_arena_str(&s->a, stored);
    if (sasl_rows[s->mech].scram)
        return scram_found(s, stored, out);
    if (s->mech == MN_SASL_PLAIN)
        return MN_SASL_WORK;
    if (s->mech == MN_SASL_EXTERNAL)
        return stored.p ? MN_SASL_SUCCESS : wrong(s);
    s->verifier = sasl_verifier(stored, sasl_rows[s->mech].tag);
    return s->mech == MN_SASL_DIGEST_MD5 ? digest_found(s, out) : cram_found(s, out);
}

void mn_sasl_work(struct mn_sasl *s)
{
    mn_str stored = s->stored;

    if (!stored.p) { /* as long as for an account that exists */
        if (mn_sasl_creds_make(s->user, s->env.host, s->password,
                               mn_sasl_creds_checked(s->env.mechs), invented(s), &s->a, &stored))
            stored = (mn_str){0};
        return;
    }
    s->matched = mn_sasl_creds_check(stored, s->password);
    if (s->matched && s->env.mechs & WITH_VERIFIER & ~mn_sasl_creds_mechs(stored) &&
        mn_sasl_creds_make(s->user, s->env.host, s->password, s->env.mechs, s->env.iterations,
                           &s->a, &s->renewed))
        s->renewed = (mn_str){0};
}

mn_str mn_sasl_renewed(struct mn_sasl *s)
{
    mn_str kept;

    if (s->renewed.p || !s->stored.p)
        return s->renewed;
    kept = mn_sasl_creds_keep(s->stored, s->env.mechs, &s->a);
    return kept.n == s->stored.n ? (mn_str){0} : kept;
}

enum mn_sasl_result mn_sasl_worked(struct mn_sasl *s, mn_str *out)
{
    *out = (mn_str){0};
    if (!s->matched)
        return wrong(s);
    if (!authzid_ok(s, s->authzid))
        return fail(s, "invalid-authzid", "authzid of somebody else");
    return MN_SASL_SUCCESS;
}

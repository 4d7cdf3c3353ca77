/* DIGEST-MD5 and CRAM-MD5 from the client's end: the RFCs' exchanges, and servers that do not prove
 * themselves. */
#include "xmpp/sasl_parts.h"

#include "base/codec.h"
#include "test.h"

static struct mn_arena a;
static const struct mn_sasl_env env = {.host = MN_STR("example.org")};

/* RFC 2831, 4. */
TEST(the_rfcs_digest)
{
    char ha1[16];
    struct sasl_digest d = {.verifier = {ha1, 16},
                            .nonce = MN_STR("OA6MG9tEQGm2hh"),
                            .cnonce = MN_STR("OA6MHXh6VqTrRk"),
                            .nc = MN_STR("00000001"),
                            .uri = MN_STR("imap/elwood.innosoft.com")};

    mn_digest_of(MN_MD5, &MN_STR("chris:elwood.innosoft.com:secret"), 1, ha1);
    CHECK_STR(sasl_digest_value(&d, "AUTHENTICATE", &a), "d388dad90d4bbd760a152321f2143af7");
    CHECK_STR(sasl_digest_value(&d, "", &a), "ea40f60335c427b5527b84dbabcdfffd");
    mn_arena_done(&a, NULL);
}

static struct mn_sasl_client *client(enum mn_sasl_mech m, const char *user, const char *password)
{
    struct mn_sasl_client *c =
        mn_sasl_client_new(m, mn_str_from(user), mn_str_from(password), (mn_str){0}, &env);
    mn_str out;

    CHECK_INT(mn_sasl_client_step(c, (mn_str){0}, &out), MN_SASL_CHALLENGE);
    CHECK(!out.p); /* the server speaks first */
    return c;
}

/* RFC 2195, 2. */
TEST(the_rfcs_cram)
{
    struct mn_sasl_client *c = client(MN_SASL_CRAM_MD5, "tim", "tanstaaftanstaaf");
    mn_str out, in = MN_STR("<1896.697170952@postoffice.reston.mci.net>");

    CHECK_INT(mn_sasl_client_step(c, in, &out), MN_SASL_CHALLENGE);
    CHECK_STR(out, "tim b913a602c7eda7a495b4e6e7334d3890");
    CHECK_INT(mn_sasl_client_end(c, (mn_str){0}), MN_E_OK);
    CHECK_INT(mn_sasl_client_step(c, in, &out), MN_SASL_FAIL);
    mn_sasl_client_free(c);
}

static bool ends(mn_str s, mn_str end)
{
    return s.n >= end.n && mn_str_eq(mn_str_skip(s, s.n - end.n), end);
}

TEST(challenges_are_answered_by_what_they_offer)
{
    static const struct {
        const char *in, *begins, *ends; /* NULL: refused */
    } rows[] = {
        {"realm=\"example.org\",nonce=\"n\",qop=\"auth\",charset=utf-8,algorithm=md5-sess",
         "username=\"ro\\\"m\xc3\xa9o\",realm=\"example.org\",nonce=\"n\",cnonce=\"",
         ",charset=utf-8"},
        {"nonce=\"n\",algorithm=md5-sess", "username=\"ro\\\"m\xe9o\",nonce=\"n\",cnonce=\"", ""},
        {"realm=other,realm=\"EXAMPLE.org\",realm=third,nonce=n,algorithm=md5-sess",
         "username=\"ro\\\"m\xe9o\",realm=\"EXAMPLE.org\",", ""},
        {"realm=\"\",nonce=n,qop=\"auth-int, auth\",algorithm=md5-sess",
         "username=\"ro\\\"m\xe9o\",realm=\"\",", ""},
        {"realm=\"a\\\\b\",nonce=n,algorithm=md5-sess",
         "username=\"ro\\\"m\xe9o\",realm=\"a\\\\b\",", ""},
        {"", NULL, NULL},
        {"nonce=n", NULL, NULL},
        {"nonce=n,algorithm=md5", NULL, NULL},
        {"nonce=n,nonce=m,algorithm=md5-sess", NULL, NULL},
        {"nonce=\"\",algorithm=md5-sess", NULL, NULL},
        {"nonce=n,qop=auth-int,algorithm=md5-sess", NULL, NULL},
        {"nonce=n,qop=\"\",algorithm=md5-sess", NULL, NULL},
        {"nonce=\"n,algorithm=md5-sess", NULL, NULL},
        {"nonce=n,algorithm=md5-sess,realm=\"\\", NULL, NULL},
        {"nonce=n,algorithm=md5-sess,x", NULL, NULL},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_sasl_client *c = client(MN_SASL_DIGEST_MD5, "ro\"m\xc3\xa9o", "secret");
        mn_str out;
        bool good = mn_sasl_client_step(c, mn_str_from(rows[i].in), &out) == MN_SASL_CHALLENGE;

        if (good != !!rows[i].begins ||
            (good && (!mn_str_starts(out, mn_str_from(rows[i].begins)) ||
                      !ends(out, mn_str_from(rows[i].ends)))))
            test_fail(__FILE__, __LINE__, "row %zu: %.*s", i, MN_ARG(out));
        CHECK(mn_sasl_client_end(c, MN_STR("rspauth="))); /* nothing of the kind was said */
        CHECK(mn_sasl_client_reason(c));
        mn_sasl_client_free(c);
    }
}

/* What a server that knows the password says to `response`. */
static mn_str rspauth(mn_str response, const char *password)
{
    mn_str name, value;
    bool bad;
    char ha1[16];
    struct sasl_digest d = {.verifier = {ha1, 16},
                            .nonce = MN_STR("n"),
                            .nc = MN_STR("00000001"),
                            .uri = MN_STR("xmpp/example.org")};

    while (sasl_digest_pair(&a, &response, &name, &value, &bad))
        if (mn_str_is(name, "cnonce"))
            d.cnonce = value;
    mn_digest_of(MN_MD5, (mn_str[]){MN_STR("romeo::"), mn_str_from(password)}, 2, ha1);
    return mn_arena_fmt(&a, "rspauth=%.*s", MN_ARG(sasl_digest_value(&d, "", &a)));
}

TEST(success_needs_the_servers_proof)
{
    for (int way = 0; way < 5; way++) {
        struct mn_sasl_client *c = client(MN_SASL_DIGEST_MD5, "romeo", "secret");
        mn_str out, proof, wrong;

        CHECK_INT(mn_sasl_client_step(c, MN_STR("nonce=\"n\",algorithm=md5-sess"), &out),
                  MN_SASL_CHALLENGE);
        proof = rspauth(out, "secret");
        wrong = rspauth(out, "wrong");
        if (way == 0) { /* in a challenge of its own, which is answered by nothing */
            CHECK_INT(mn_sasl_client_step(c, proof, &out), MN_SASL_CHALLENGE);
            CHECK(!out.n);
            CHECK_INT(mn_sasl_client_end(c, (mn_str){0}), MN_E_OK);
            CHECK_INT(mn_sasl_client_step(c, proof, &out), MN_SASL_FAIL);
        } else if (way == 1) { /* with the success */
            CHECK_INT(mn_sasl_client_end(c, proof), MN_E_OK);
        } else if (way == 2) {
            CHECK_INT(mn_sasl_client_step(c, wrong, &out), MN_SASL_FAIL);
            CHECK_INT(mn_sasl_client_end(c, (mn_str){0}), MN_E_DENIED);
        } else {
            CHECK_INT(mn_sasl_client_end(c, way == 3 ? wrong : (mn_str){0}), MN_E_DENIED);
        }
        mn_sasl_client_free(c);
    }
    mn_arena_done(&a, NULL);
}

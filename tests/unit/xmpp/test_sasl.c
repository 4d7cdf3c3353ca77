#include "xmpp/sasl.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/crypt.h"
#include "base/rand.h"
#include "test.h"

static struct mn_arena a;
static const unsigned all = (1u << MN_SASL_MECHS) - 1;

static struct mn_sasl_env env(void)
{
    static const mn_str names[] = {MN_STR("SCRAM-SHA-1"), MN_STR("SCRAM-SHA-1-PLUS")};

    return (struct mn_sasl_env){.host = MN_STR("example.org"),
                                .tls = true,
                                .tls13 = true,
                                .exporter = MN_STR("EXPORTER"),
                                .endpoint = MN_STR("ENDPOINT"),
                                .announced = names,
                                .announced_count = 2,
                                .secret = MN_STR("s"),
                                .iterations = 4096};
}

static mn_str creds(const char *password)
{
    mn_str out;

    CHECK(!mn_sasl_creds_make(MN_STR("romeo"), MN_STR("example.org"), mn_str_from(password), all, 10, &a, &out));
    return out;
}

/* The value of attribute `name` in a SCRAM message. */
static mn_str attr(mn_str message, char name)
{
    while (message.n) {
        mn_str piece = mn_str_cut(message, ',', &message);

        if (piece.n > 1 && piece.p[0] == name)
            return mn_str_skip(piece, 2);
    }
    return (mn_str){0};
}

/* The client's final message, and the server's signature that it expects. */
static mn_str client_final(enum mn_digest d, const char *password, mn_str first_bare, mn_str server_first, mn_str c,
                           mn_str *signature)
{
    size_t n = mn_digest_size(d);
    mn_str salt, bare = mn_arena_fmt(&a, "c=%.*s,r=%.*s", MN_ARG(mn_base64(c, &a)), MN_ARG(attr(server_first, 'r')));
    mn_str message =
        mn_arena_fmt(&a, "%.*s,%.*s,%.*s", MN_ARG(first_bare), MN_ARG(server_first), MN_ARG(bare));
    char salted[64], client[64], stored[64], sign[64], server[64];
    char *signed_ = mn_arena_bytes(&a, 64);

    CHECK(!mn_base64_parse(attr(server_first, 's'), &a, &salt));
    mn_pbkdf2(d, mn_str_from(password), salt, (unsigned)strtoul(attr(server_first, 'i').p, NULL, 10), salted);
    mn_hmac(d, (mn_str){salted, n}, MN_STR("Client Key"), client);
    mn_digest_of(d, &(mn_str){client, n}, 1, stored);
    mn_hmac(d, (mn_str){stored, n}, message, sign);
    for (size_t i = 0; i < n; i++)
        client[i] ^= sign[i];
    mn_hmac(d, (mn_str){salted, n}, MN_STR("Server Key"), server);
    mn_hmac(d, (mn_str){server, n}, message, signed_);
    *signature = mn_base64((mn_str){signed_, n}, &a);
    return mn_arena_fmt(&a, "%.*s,p=%.*s", MN_ARG(bare), MN_ARG(mn_base64((mn_str){client, n}, &a)));
}

static enum mn_sasl_result scram(enum mn_sasl_mech m, const struct mn_sasl_env *e, mn_str stored, const char *gs2,
                                 const char *c, const char *password, mn_str *server_first, const char **condition)
{
    static const enum mn_digest of[] = {MN_SHA512, MN_SHA256, MN_SHA1, MN_SHA512, MN_SHA256, MN_SHA1};
    struct mn_sasl *s = mn_sasl_new(m, e);
    mn_str bare = MN_STR("n=romeo,r=abcdef"), out, signature;
    mn_str first = mn_arena_fmt(&a, "%s%.*s", gs2, MN_ARG(bare));
    enum mn_sasl_result r = mn_sasl_step(s, first, &out);

    *server_first = (mn_str){0};
    if (r == MN_SASL_LOOKUP) {
        CHECK_STR(mn_sasl_user(s), "romeo");
        r = mn_sasl_found(s, stored, &out);
        CHECK_INT(r, MN_SASL_CHALLENGE);
        *server_first = mn_arena_str(&a, out);
        r = mn_sasl_step(s, client_final(of[m], password, bare, *server_first, mn_str_from(c), &signature), &out);
        if (r == MN_SASL_SUCCESS)
            CHECK(mn_str_eq(mn_str_skip(out, 2), signature));
    }
    *condition = r == MN_SASL_FAIL ? mn_sasl_condition(s) : "";
    mn_sasl_free(s);
    return r;
}

TEST(scram_lets_in_who_knows_the_password_and_nobody_else)
{
    struct mn_sasl_env e = env(), plain = env(), old = env();
    const char *condition;
    mn_str first;
    static const struct {
        enum mn_sasl_mech m;
        int env; /* 0: TLS 1.3, 1: no TLS, 2: TLS 1.3 with first Finished */
        const char *gs2, *c, *password;
        enum mn_sasl_result r;
    } rows[] = {
        {MN_SASL_SCRAM_SHA_1, 0, "n,,", "n,,", "secret", MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_256, 0, "n,,", "n,,", "secret", MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_512, 0, "n,a=romeo@example.org,", "n,a=romeo@example.org,", "secret", MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_512, 0, "n,a=juliet@example.org,", "n,a=juliet@example.org,", "secret", MN_SASL_FAIL},
        {MN_SASL_SCRAM_SHA_1, 0, "n,,", "n,,", "wrong", MN_SASL_FAIL},
        {MN_SASL_SCRAM_SHA_1_PLUS, 0, "p=tls-exporter,,", "p=tls-exporter,,EXPORTER", "secret", MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_1_PLUS, 0, "p=tls-exporter,,", "p=tls-exporter,,OTHER", "secret", MN_SASL_FAIL},
        {MN_SASL_SCRAM_SHA_512_PLUS, 0, "p=tls-server-end-point,,", "p=tls-server-end-point,,ENDPOINT", "secret",
         MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_1_PLUS, 0, "p=tls-unique,,", "p=tls-unique,,x", "secret", MN_SASL_FAIL},
        {MN_SASL_SCRAM_SHA_1_PLUS, 2, "p=tls-unique,,", "p=tls-unique,,FINISHED", "secret", MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_1_PLUS, 0, "n,,", "n,,", "secret", MN_SASL_FAIL},
        {MN_SASL_SCRAM_SHA_1, 0, "y,,", "y,,", "secret", MN_SASL_FAIL}, /* -PLUS was offered */
        {MN_SASL_SCRAM_SHA_1, 1, "y,,", "y,,", "secret", MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_1, 1, "y,,", "n,,", "secret", MN_SASL_SUCCESS}, /* gloox */
        {MN_SASL_SCRAM_SHA_1, 0, "n,,", "y,,", "secret", MN_SASL_FAIL},
    };

    plain.tls = false;
    plain.announced_count = 1;
    old.unique = MN_STR("FINISHED");
    old.unique_unlisted = true;
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        const struct mn_sasl_env *used = rows[i].env == 0 ? &e : rows[i].env == 1 ? &plain : &old;
        enum mn_sasl_result r = scram(rows[i].m, used, creds("secret"), rows[i].gs2, rows[i].c, rows[i].password,
                                      &first, &condition);

        if (r != rows[i].r)
            test_fail(__FILE__, __LINE__, "row %zu: %d %s", i, r, condition);
    }
    CHECK_INT(scram(MN_SASL_SCRAM_SHA_1, &e, (mn_str){0}, "n,,", "n,,", "secret", &first, &condition), MN_SASL_FAIL);
    CHECK_STR(mn_str_from(condition), "not-authorized");
    mn_arena_done(&a, NULL);
}

TEST(announced_lists_are_hashed_and_the_tls_version_told)
{
    struct mn_sasl_env e = env();
    const char *condition;
    mn_str first, again;
    unsigned char d[20];

    scram(MN_SASL_SCRAM_SHA_1, &e, creds("secret"), "n,,", "n,,", "secret", &first, &condition);
    mn_digest_of(MN_SHA1,
                 &MN_STR("SCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1ftls-exporter\x1e"
                         "tls-server-end-point"),
                 1, d);
    CHECK(mn_str_eq(attr(first, 'h'), mn_base64((mn_str){(char *)d, 20}, &a)));
    CHECK_STR(attr(first, 't'), "0304");
    /* The salt of an account that does not exist stays the same. */
    scram(MN_SASL_SCRAM_SHA_1, &e, (mn_str){0}, "n,,", "n,,", "x", &first, &condition);
    scram(MN_SASL_SCRAM_SHA_1, &e, (mn_str){0}, "n,,", "n,,", "x", &again, &condition);
    CHECK(mn_str_eq(attr(first, 's'), attr(again, 's')) && !mn_str_eq(attr(first, 'r'), attr(again, 'r')));
    mn_arena_done(&a, NULL);
}

TEST(messages_that_a_server_must_refuse)
{
    mn_str file = test_file("tests/vectors/scram-bad.tsv"), text = file, col[4], out;
    int rows = 0;

    while (test_row(&text, col, 4)) {
        struct mn_sasl_env e = env();
        struct mn_sasl *s;
        enum mn_sasl_result r;

        if (!mn_str_is(col[1], "server"))
            continue;
        rows++;
        s = mn_sasl_new(MN_SASL_SCRAM_SHA_1, &e);
        r = mn_sasl_step(s, col[2], &out);
        if (r != MN_SASL_FAIL)
            test_fail(__FILE__, __LINE__, "%.*s: %d", MN_ARG(col[0]), r);
        else
            CHECK(!mn_sasl_wrong(s));
        mn_sasl_free(s);
    }
    CHECK(rows >= 10);
    mn_free((void *)file.p);
}

TEST(plain_checks_against_the_keys)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum mn_sasl_result r;
    } rows[] = {
        {"\0romeo\0secret", 13, MN_SASL_SUCCESS},
        {"romeo@example.org\0romeo\0secret", 30, MN_SASL_SUCCESS},
        {"juliet@example.org\0romeo\0secret", 31, MN_SASL_FAIL},
        {"\0romeo@example.org\0secret", 25, MN_SASL_SUCCESS},
        {"\0romeo\0wrong", 12, MN_SASL_FAIL},
        {"\0romeo\0", 7, MN_SASL_FAIL},
        {"romeo", 5, MN_SASL_FAIL},
        {"\0\0secret", 8, MN_SASL_FAIL},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_sasl_env e = env();
        struct mn_sasl *s = mn_sasl_new(MN_SASL_PLAIN, &e);
        mn_str out;
        enum mn_sasl_result r = mn_sasl_step(s, (mn_str){rows[i].bytes, rows[i].n}, &out);

        if (r == MN_SASL_LOOKUP) {
            CHECK_INT(mn_sasl_found(s, creds("secret"), &out), MN_SASL_WORK);
            mn_sasl_work(s);
            r = mn_sasl_worked(s, &out);
        }
        if (r != rows[i].r)
            test_fail(__FILE__, __LINE__, "row %zu: %d", i, r);
        mn_sasl_free(s);
    }
    mn_arena_done(&a, NULL);
}

TEST(digest_md5_of_the_mission_trace)
{
    struct mn_sasl_env e = env();
    struct mn_sasl *s;
    mn_str out, stored, ha1, value;
    char a1[16], a2[16], d[16];

    e.host = MN_STR("a245427228c4407");
    s = mn_sasl_new(MN_SASL_DIGEST_MD5, &e);
    CHECK(!mn_sasl_creds_make(MN_STR("testuser"), e.host, MN_STR("testpwd"), all, 10, &a, &stored));
    CHECK_INT(mn_sasl_step(s, (mn_str){0}, &out), MN_SASL_CHALLENGE);
    CHECK(mn_str_starts(out, MN_STR("realm=\"a245427228c4407\",nonce=\"")));
    value = mn_str_cut(mn_str_skip(out, 31), '"', &out);
    /* What the client of the trace computes, with our nonce. */
    mn_digest_of(MN_MD5, &MN_STR("testuser:a245427228c4407:testpwd"), 1, a1);
    mn_digest_of(MN_MD5, (mn_str[]){{a1, 16}, MN_STR(":"), value, MN_STR(":cn")}, 4, a1);
    mn_digest_of(MN_MD5, &MN_STR("AUTHENTICATE:xmpp/a245427228c4407"), 1, a2);
    ha1 = mn_arena_fmt(&a, "%.*s:%.*s:00000001:cn:auth:%.*s", MN_ARG(mn_hex((mn_str){a1, 16}, &a)), MN_ARG(value),
                       MN_ARG(mn_hex((mn_str){a2, 16}, &a)));
    mn_digest_of(MN_MD5, &ha1, 1, d);
    CHECK_INT(mn_sasl_step(s,
                           mn_arena_fmt(&a,
                                        "username=\"testuser\",realm=\"a245427228c4407\",nonce=\"%.*s\",cnonce=\"cn\","
                                        "nc=00000001,qop=auth,digest-uri=\"xmpp/a245427228c4407\",response=%.*s,"
                                        "charset=utf-8",
                                        MN_ARG(value), MN_ARG(mn_hex((mn_str){d, 16}, &a))),
                           &out),
              MN_SASL_LOOKUP);
    CHECK_INT(mn_sasl_found(s, stored, &out), MN_SASL_SUCCESS);
    CHECK(mn_str_starts(out, MN_STR("rspauth=")));
    mn_sasl_free(s);
    mn_arena_done(&a, NULL);
}

TEST(records_hold_what_their_mechanisms_need)
{
    mn_str some, kept;

    CHECK(!mn_sasl_creds_make(MN_STR("u"), MN_STR("h"), MN_STR("p"), 1u << MN_SASL_SCRAM_SHA_1 | 1u << MN_SASL_DIGEST_MD5, 5,
                              &a, &some));
    CHECK(mn_sasl_creds_mechs(some) & 1u << MN_SASL_DIGEST_MD5);
    CHECK(!(mn_sasl_creds_mechs(some) & 1u << MN_SASL_SCRAM_SHA_256));
    kept = mn_sasl_creds_keep(some, 1u << MN_SASL_SCRAM_SHA_1, &a);
    CHECK(kept.n < some.n && !(mn_sasl_creds_mechs(kept) & 1u << MN_SASL_DIGEST_MD5));
    CHECK(mn_sasl_creds_check(kept, MN_STR("p")) && !mn_sasl_creds_check(kept, MN_STR("q")));
    CHECK(mn_sasl_creds_keep(kept, all, &a).p == kept.p);
    CHECK(mn_sasl_creds_make(MN_STR("u"), MN_STR("h"), MN_STR("a\ab"), all, 5, &a, &some));
    CHECK(mn_sasl_creds_make(MN_STR("u"), MN_STR("h"), MN_STR(""), all, 5, &a, &some));
    mn_arena_done(&a, NULL);
}

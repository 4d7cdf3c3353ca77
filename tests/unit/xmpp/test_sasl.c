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

    CHECK(!mn_sasl_creds_make(MN_STR("romeo"), MN_STR("example.org"), mn_str_from(password), all,
                              10, &a, &out));
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
static mn_str client_final(enum mn_digest d, const char *password, mn_str first_bare,
                           mn_str server_first, mn_str c, mn_str *signature)
{
    size_t n = mn_digest_size(d);
    mn_str salt, bare = mn_arena_fmt(&a, "c=%.*s,r=%.*s", MN_ARG(mn_base64(c, &a)),
                                     MN_ARG(attr(server_first, 'r')));
    mn_str message =
        mn_arena_fmt(&a, "%.*s,%.*s,%.*s", MN_ARG(first_bare), MN_ARG(server_first), MN_ARG(bare));
    char salted[64], client[64], stored[64], sign[64], server[64];
    char *signed_ = mn_arena_bytes(&a, 64);

    CHECK(!mn_base64_parse(attr(server_first, 's'), &a, &salt));
    mn_pbkdf2(d, mn_str_from(password), salt,
              (unsigned)strtoul(attr(server_first, 'i').p, NULL, 10), salted);
    mn_hmac(d, (mn_str){salted, n}, MN_STR("Client Key"), client);
    mn_digest_of(d, &(mn_str){client, n}, 1, stored);
    mn_hmac(d, (mn_str){stored, n}, message, sign);
    for (size_t i = 0; i < n; i++)
        client[i] ^= sign[i];
    mn_hmac(d, (mn_str){salted, n}, MN_STR("Server Key"), server);
    mn_hmac(d, (mn_str){server, n}, message, signed_);
    *signature = mn_base64((mn_str){signed_, n}, &a);
    return mn_arena_fmt(&a, "%.*s,p=%.*s", MN_ARG(bare),
                        MN_ARG(mn_base64((mn_str){client, n}, &a)));
}

static enum mn_sasl_result scram(enum mn_sasl_mech m, const struct mn_sasl_env *e, mn_str stored,
                                 const char *gs2, const char *c, const char *password,
                                 mn_str *server_first, const char **condition)
{
    static const enum mn_digest of[] = {MN_SHA512, MN_SHA256, MN_SHA1,
                                        MN_SHA512, MN_SHA256, MN_SHA1};
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
        r = mn_sasl_step(
            s, client_final(of[m], password, bare, *server_first, mn_str_from(c), &signature),
            &out);
        if (r == MN_SASL_SUCCESS)
            CHECK(mn_str_eq(mn_str_skip(out, 2), signature));
    }
    *condition = r == MN_SASL_FAIL ? mn_sasl_condition(s) : "";
    mn_sasl_free(s);
    return r;
}

TEST(scram_lets_in_who_knows_the_password_and_nobody_else)
{
    struct mn_sasl_env e = env(), plain = env(), old = env(), unbound = env();
    const char *condition;
    mn_str first;
    static const struct {
        enum mn_sasl_mech m;
        int env; /* 0: TLS 1.3, 1: no TLS, 2: TLS 1.3 with first Finished, 3: TLS without -PLUS */
        const char *gs2, *c, *password;
        enum mn_sasl_result r;
    } rows[] = {
        {MN_SASL_SCRAM_SHA_1, 0, "n,,", "n,,", "secret", MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_256, 0, "n,,", "n,,", "secret", MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_512, 0, "n,a=romeo@example.org,", "n,a=romeo@example.org,", "secret",
         MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_512, 0, "n,a=juliet@example.org,", "n,a=juliet@example.org,", "secret",
         MN_SASL_FAIL},
        {MN_SASL_SCRAM_SHA_1, 0, "n,,", "n,,", "wrong", MN_SASL_FAIL},
        {MN_SASL_SCRAM_SHA_1_PLUS, 0, "p=tls-exporter,,", "p=tls-exporter,,EXPORTER", "secret",
         MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_1_PLUS, 0, "p=tls-exporter,,", "p=tls-exporter,,OTHER", "secret",
         MN_SASL_FAIL},
        {MN_SASL_SCRAM_SHA_512_PLUS, 0, "p=tls-server-end-point,,",
         "p=tls-server-end-point,,ENDPOINT", "secret", MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_1_PLUS, 0, "p=tls-unique,,", "p=tls-unique,,x", "secret", MN_SASL_FAIL},
        {MN_SASL_SCRAM_SHA_1_PLUS, 2, "p=tls-unique,,", "p=tls-unique,,FINISHED", "secret",
         MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_1_PLUS, 0, "n,,", "n,,", "secret", MN_SASL_FAIL},
        {MN_SASL_SCRAM_SHA_1, 0, "y,,", "y,,", "secret", MN_SASL_FAIL}, /* -PLUS was offered */
        {MN_SASL_SCRAM_SHA_1, 1, "y,,", "y,,", "secret", MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_1, 1, "y,,", "n,,", "secret", MN_SASL_SUCCESS}, /* gloox */
        {MN_SASL_SCRAM_SHA_1, 0, "n,,", "y,,", "secret", MN_SASL_FAIL},
        {MN_SASL_SCRAM_SHA_1, 3, "y,,", "y,,", "secret", MN_SASL_SUCCESS},
        {MN_SASL_SCRAM_SHA_1, 3, "y,,", "n,,", "secret",
         MN_SASL_FAIL}, /* gloox's way only without TLS */
        {MN_SASL_SCRAM_SHA_1, 0, "n,a=romeo@example.org/r,", "n,a=romeo@example.org/r,", "secret",
         MN_SASL_FAIL},
    };

    plain.tls = false;
    plain.announced_count = 1;
    unbound.announced_count = 1;
    old.unique = MN_STR("FINISHED");
    old.unique_unlisted = true;
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        const struct mn_sasl_env *used[] = {&e, &plain, &old, &unbound};
        enum mn_sasl_result r = scram(rows[i].m, used[rows[i].env], creds("secret"), rows[i].gs2,
                                      rows[i].c, rows[i].password, &first, &condition);

        if (r != rows[i].r)
            test_fail(__FILE__, __LINE__, "row %zu: %d %s", i, r, condition);
    }
    CHECK_INT(
        scram(MN_SASL_SCRAM_SHA_1, &e, (mn_str){0}, "n,,", "n,,", "secret", &first, &condition),
        MN_SASL_FAIL);
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
    CHECK_STR(attr(first, 'h'), "G6k/rBLDqgOhRRaCuuatSDFkJ08="); /* XEP-0474, example 1 */
    CHECK_STR(attr(first, 't'), "0304");
    /* The salt of an account that does not exist stays the same. */
    scram(MN_SASL_SCRAM_SHA_1, &e, (mn_str){0}, "n,,", "n,,", "x", &first, &condition);
    scram(MN_SASL_SCRAM_SHA_1, &e, (mn_str){0}, "n,,", "n,,", "x", &again, &condition);
    CHECK(mn_str_eq(attr(first, 's'), attr(again, 's')) &&
          !mn_str_eq(attr(first, 'r'), attr(again, 'r')));
    /* But it is another one per hash, as a real account's are. */
    scram(MN_SASL_SCRAM_SHA_256, &e, (mn_str){0}, "n,,", "n,,", "x", &again, &condition);
    CHECK(!mn_str_eq(attr(first, 's'), attr(again, 's')) &&
          attr(again, 's').n == attr(first, 's').n);
    mn_arena_done(&a, NULL);
}

/* What is configured now tells nobody that an account is there which was made before, or that one
 * is not. */
TEST(who_is_not_there_shows_iterations_of_some_time)
{
    unsigned seen[2] = {0};

    for (int i = 0; i < 64; i++) {
        static const unsigned shown[] = {4096, 10000};
        struct mn_sasl_env e = env();
        mn_str name = mn_arena_fmt(&a, "n,,n=u%d,r=x", i), first[3];

        for (size_t k = 0; k < 3; k++) { /* before the change, behind it, by another hash */
            struct mn_sasl *s;
            mn_str out;

            e.iterations = shown[k > 0];
            e.shown_count = k ? 2 : 1;
            memcpy(e.shown, shown, sizeof shown);
            s = mn_sasl_new(k < 2 ? MN_SASL_SCRAM_SHA_1 : MN_SASL_SCRAM_SHA_256, &e);
            CHECK_INT(mn_sasl_step(s, name, &out), MN_SASL_LOOKUP);
            CHECK_INT(mn_sasl_found(s, (mn_str){0}, &out), MN_SASL_CHALLENGE);
            first[k] = mn_arena_str(&a, out);
            mn_sasl_free(s);
        }
        CHECK_STR(attr(first[0], 'i'), "4096");
        CHECK(mn_str_eq(attr(first[1], 'i'), attr(first[2], 'i')));
        seen[mn_str_is(attr(first[1], 'i'), "10000")]++;
        CHECK(mn_str_eq(attr(first[0], 'i'), attr(first[1], 'i')) ==
              mn_str_eq(attr(first[0], 's'), attr(first[1], 's')));
    }
    CHECK(seen[0] > 8 && seen[1] > 8);
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

TEST(final_messages_that_a_server_must_refuse)
{
    static const struct {
        const char *c, *nonce, *tail;
        bool wrong;
    } rows[] = {
        {"c=biws,", "", ",p=", false},                                 /* empty proof */
        {"c=biws,", "", ",p=AAAA", false},                             /* short proof */
        {"c=biws,", "", "", false},                                    /* none */
        {"c=biws,", "x", ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},    /* another nonce */
        {"c=bi*s,", "", ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},     /* not base64 */
        {"c=eSws,", "", ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},     /* y,, behind n,, */
        {"", "", ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},            /* no c= */
        {"c=biws,", "", ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=,x=1", false}, /* p= must be last */
        {"c=biws,", "", ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", true},      /* well formed, wrong */
        {"c=biws,", "", ",x=1,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", true},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_sasl_env e = env();
        struct mn_sasl *s = mn_sasl_new(MN_SASL_SCRAM_SHA_1, &e);
        mn_str out;

        CHECK_INT(mn_sasl_step(s, MN_STR("n,,n=romeo,r=abc"), &out), MN_SASL_LOOKUP);
        CHECK_INT(mn_sasl_found(s, creds("secret"), &out), MN_SASL_CHALLENGE);
        out = mn_arena_fmt(&a, "%sr=%.*s%s%s", rows[i].c, MN_ARG(attr(out, 'r')), rows[i].nonce,
                           rows[i].tail);
        CHECK_INT(mn_sasl_step(s, out, &out), MN_SASL_FAIL);
        if (mn_sasl_wrong(s) != rows[i].wrong)
            test_fail(__FILE__, __LINE__, "row %zu: %s", i, mn_sasl_reason(s));
        mn_sasl_free(s);
    }
    mn_arena_done(&a, NULL);
}

TEST(a_nul_in_a_message_is_refused)
{
    struct mn_sasl_env e = env();
    struct mn_sasl *s = mn_sasl_new(MN_SASL_SCRAM_SHA_1, &e);
    mn_str out;

    CHECK_INT(mn_sasl_step(s, MN_STR("n,,n=romeo,r=abc,x=\0y"), &out), MN_SASL_FAIL);
    mn_sasl_free(s);
}

/* So that nobody learns by the time it takes whether there is such an account. */
TEST(the_verifier_that_is_checked_is_one_that_is_made)
{
    static const enum mn_sasl_mech order[] = {MN_SASL_SCRAM_SHA_256, MN_SASL_SCRAM_SHA_512,
                                              MN_SASL_SCRAM_SHA_1};

    for (unsigned set = 0; set < 8; set++) {
        unsigned mechs = 1u << MN_SASL_PLAIN, first = 0;
        mn_str whole, one;

        for (size_t i = MN_COUNT(order); i-- > 0;)
            if (set & 1u << i)
                mechs |= first = 1u << order[i];
        first = first ? first : 1u << MN_SASL_SCRAM_SHA_256;
        CHECK_INT(mn_sasl_creds_make(MN_STR("u"), MN_STR("h"), MN_STR("p"), mechs, 1, &a, &whole),
                  0);
        CHECK_INT(mn_sasl_creds_make(MN_STR("u"), MN_STR("h"), MN_STR("p"),
                                     mn_sasl_creds_checked(mechs), 1, &a, &one),
                  0);
        CHECK(mn_sasl_creds_mechs(one) & first & mn_sasl_creds_mechs(whole));
        CHECK(one.n <= whole.n && mn_sasl_creds_check(one, MN_STR("p")));
    }
    mn_arena_done(&a, NULL);
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

/* What a client computes (RFC 2831, 2.1.2.1); `verb` is "AUTHENTICATE" or, for rspauth, empty. */
static mn_str digest(mn_str user, mn_str realm, mn_str password, mn_str nonce, mn_str cnonce,
                     mn_str uri, const char *verb)
{
    const mn_str colon = MN_STR(":");
    char a1[16], a2[16], d[16];
    mn_str text;

    mn_digest_of(MN_MD5, (mn_str[]){user, colon, realm, colon, password}, 5, a1);
    mn_digest_of(MN_MD5, (mn_str[]){{a1, 16}, colon, nonce, colon, cnonce}, 5, a1);
    mn_digest_of(MN_MD5, (mn_str[]){mn_str_from(verb), colon, uri}, 3, a2);
    text =
        mn_arena_fmt(&a, "%.*s:%.*s:00000001:%.*s:auth:%.*s", MN_ARG(mn_hex((mn_str){a1, 16}, &a)),
                     MN_ARG(nonce), MN_ARG(cnonce), MN_ARG(mn_hex((mn_str){a2, 16}, &a)));
    mn_digest_of(MN_MD5, &text, 1, d);
    return mn_hex((mn_str){d, 16}, &a);
}

TEST(digest_md5_of_the_traces)
{
    mn_str file = test_file("tests/vectors/digestmd5.tsv"), text = file, col[11];
    int rows = 0;

    while (test_row(&text, col, 11)) {
        struct mn_sasl_env e = env();
        struct mn_sasl *s;
        mn_str out, stored, nonce, uri = mn_arena_fmt(&a, "xmpp/%.*s", MN_ARG(col[2]));

        rows++;
        CHECK(mn_str_eq(digest(col[1], col[2], col[3], col[4], col[5], col[8], "AUTHENTICATE"),
                        col[9]));
        CHECK(mn_str_eq(digest(col[1], col[2], col[3], col[4], col[5], col[8], ""), col[10]));
        /* The same with a nonce of ours. */
        e.host = col[2];
        s = mn_sasl_new(MN_SASL_DIGEST_MD5, &e);
        CHECK(!mn_sasl_creds_make(col[1], e.host, col[3], all, 10, &a, &stored));
        CHECK_INT(mn_sasl_step(s, (mn_str){0}, &out), MN_SASL_CHALLENGE);
        mn_str_cut(mn_str_skip(out, mn_str_find(out, ',') + 1), '"', &nonce);
        nonce = mn_str_cut(nonce, '"', &(mn_str){0});
        CHECK(
            mn_str_eq(out, mn_arena_fmt(&a,
                                        "realm=\"%.*s\",nonce=\"%.*s\",qop=\"auth\",charset=utf-8,"
                                        "algorithm=md5-sess",
                                        MN_ARG(col[2]), MN_ARG(nonce))));
        out = mn_arena_fmt(
            &a,
            "username=\"%.*s\",realm=\"%.*s\",nonce=\"%.*s\",cnonce=\"%.*s\",nc=00000001,qop=auth,"
            "digest-uri=\"%.*s\",response=%.*s,charset=utf-8",
            MN_ARG(col[1]), MN_ARG(col[2]), MN_ARG(nonce), MN_ARG(col[5]), MN_ARG(uri),
            MN_ARG(digest(col[1], col[2], col[3], nonce, col[5], uri, "AUTHENTICATE")));
        CHECK_INT(mn_sasl_step(s, out, &out), MN_SASL_LOOKUP);
        CHECK(mn_str_eq(mn_sasl_user(s), col[1]));
        CHECK_INT(mn_sasl_found(s, stored, &out), MN_SASL_SUCCESS);
        CHECK(mn_str_eq(
            out, mn_arena_fmt(&a, "rspauth=%.*s",
                              MN_ARG(digest(col[1], col[2], col[3], nonce, col[5], uri, "")))));
        mn_sasl_free(s);
    }
    CHECK_INT(rows, 3);
    mn_free((void *)file.p);
    mn_arena_done(&a, NULL);
}

/* The exchange up to the end, the answer made from what stands before and behind the server's
 * nonce. */
static enum mn_sasl_result digest_try(const char *before, const char *behind, mn_str response,
                                      mn_str stored, bool *counts_as_wrong)
{
    struct mn_sasl_env e = env();
    struct mn_sasl *s = mn_sasl_new(MN_SASL_DIGEST_MD5, &e);
    mn_str out, nonce;
    enum mn_sasl_result r = mn_sasl_step(s, (mn_str){0}, &out);

    CHECK_INT(r, MN_SASL_CHALLENGE);
    nonce = mn_str_cut(mn_str_skip(out, strlen("realm=\"example.org\",nonce=\"")), '"', &out);
    if (!response.p) /* romeo, whose name is written in Latin-1 as Rom\xe9o */
        response = digest(MN_STR("rom\xe9o"), MN_STR("example.org"), MN_STR("p\xe4ss"), nonce,
                          MN_STR("cn"), MN_STR("xmpp/example.org"), "AUTHENTICATE");
    r = mn_sasl_step(s,
                     mn_arena_fmt(&a, "%snonce=\"%.*s\",%s,response=%.*s", before, MN_ARG(nonce),
                                  behind, MN_ARG(response)),
                     &out);
    if (r == MN_SASL_LOOKUP)
        r = mn_sasl_found(s, stored, &out);
    *counts_as_wrong = mn_sasl_wrong(s);
    mn_sasl_free(s);
    return r;
}

TEST(digest_md5_in_latin_1_and_damaged)
{
    static const char user[] = "username=\"rom\xc3\xa9o\",realm=\"example.org\",";
    static const char good[] = "cnonce=\"cn\",nc=00000001,qop=auth,digest-uri=\"xmpp/example.org\"";
    static const struct {
        const char *before, *behind;
        enum mn_sasl_result r;
        bool wrong;
    } rows[] = {
        {user, good, MN_SASL_SUCCESS, false},
        {"Username = \"rom\xc3\xa9\\o\" , , realm=\"example.org\", ", good, MN_SASL_SUCCESS, false},
        {user, "cnonce=\"cm\",nc=00000001,qop=auth,digest-uri=\"xmpp/example.org\"", MN_SASL_FAIL,
         true},
        {user, "cnonce=\"cn\",nc=00000002,qop=auth,digest-uri=\"xmpp/example.org\"", MN_SASL_FAIL,
         false},
        {user, "cnonce=\"cn\",nc=00000001,qop=auth-int,digest-uri=\"xmpp/example.org\"",
         MN_SASL_FAIL, false},
        {user, "cnonce=\"cn\",nc=00000001,qop=auth,digest-uri=\"imap/example.org\"", MN_SASL_FAIL,
         false},
        {user, "cnonce=\"cn,nc=00000001,qop=auth,digest-uri=xmpp/example.org", MN_SASL_FAIL, false},
        {"username=\"rom\xc3\xa9o\",realm=\"other.org\",", good, MN_SASL_FAIL, false},
        {"username=\"x\",username=\"rom\xc3\xa9o\",realm=\"example.org\",", good, MN_SASL_FAIL,
         false},
        {"realm=\"example.org\",", good, MN_SASL_FAIL, false},
    };
    mn_str stored;
    bool wrong;

    CHECK(!mn_sasl_creds_make(MN_STR("rom\xc3\xa9o"), MN_STR("example.org"), MN_STR("p\xc3\xa4ss"),
                              all, 10, &a, &stored));
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        enum mn_sasl_result r =
            digest_try(rows[i].before, rows[i].behind, (mn_str){0}, stored, &wrong);

        if (r != rows[i].r || wrong != rows[i].wrong)
            test_fail(__FILE__, __LINE__, "row %zu: %d %d", i, r, wrong);
    }
    CHECK_INT(digest_try(user, good, MN_STR("00000000000000000000000000000000"), stored, &wrong),
              MN_SASL_FAIL);
    CHECK(wrong);
    CHECK_INT(digest_try(user, good, (mn_str){0}, (mn_str){0}, &wrong), MN_SASL_FAIL);
    CHECK(wrong);
    mn_arena_done(&a, NULL);
}

TEST(cram_md5_checks_the_states)
{
    static const struct {
        const char *password, *user;
        enum mn_sasl_result r;
    } rows[] = {{"secret", "romeo", MN_SASL_SUCCESS},
                {"wrong", "romeo", MN_SASL_FAIL},
                {"secret", "", MN_SASL_FAIL}};

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_sasl_env e = env();
        struct mn_sasl *s = mn_sasl_new(MN_SASL_CRAM_MD5, &e);
        enum mn_sasl_result r;
        char d[16];
        mn_str out;

        CHECK_INT(mn_sasl_step(s, (mn_str){0}, &out), MN_SASL_CHALLENGE);
        CHECK(out.p[0] == '<' && mn_str_find(out, '@') < out.n);
        mn_hmac(MN_MD5, mn_str_from(rows[i].password), out, d);
        r = mn_sasl_step(
            s, mn_arena_fmt(&a, "%s %.*s", rows[i].user, MN_ARG(mn_hex((mn_str){d, 16}, &a))),
            &out);
        if (r == MN_SASL_LOOKUP)
            r = mn_sasl_found(s, creds("secret"), &out);
        CHECK_INT(r, rows[i].r);
        mn_sasl_free(s);
    }
    mn_arena_done(&a, NULL);
}

TEST(anonymous_has_no_user_and_silence_is_asked_once)
{
    struct mn_sasl_env e = env();
    struct mn_sasl *s = mn_sasl_new(MN_SASL_ANONYMOUS, &e);
    mn_str out;

    CHECK_INT(mn_sasl_step(s, (mn_str){0}, &out), MN_SASL_SUCCESS);
    CHECK_INT(mn_sasl_user(s).n, 0);
    mn_sasl_free(s);
    for (enum mn_sasl_mech m = MN_SASL_SCRAM_SHA_512_PLUS; m <= MN_SASL_PLAIN; m++) {
        if (m == MN_SASL_DIGEST_MD5 || m == MN_SASL_CRAM_MD5)
            continue;
        s = mn_sasl_new(m, &e);
        CHECK_INT(mn_sasl_step(s, (mn_str){0}, &out), MN_SASL_CHALLENGE);
        CHECK_INT(out.n, 0);
        CHECK_INT(mn_sasl_step(s, (mn_str){0}, &out), MN_SASL_FAIL);
        CHECK_STR(mn_str_from(mn_sasl_condition(s)), "malformed-request");
        mn_sasl_free(s);
    }
}

TEST(a_certificate_lets_in_whom_it_names)
{
    static const struct {
        size_t count; /* addresses of the certificate: romeo, juliet */
        const char *authzid;
        bool exists;
        const char *user, *condition;
    } rows[] = {
        {1, "", true, "romeo", NULL},
        {1, "romeo@example.org", true, "romeo", NULL},
        {1, "Romeo@EXAMPLE.org", true, "romeo", NULL},
        {2, "juliet@example.org", true, "juliet", NULL},
        {2, "romeo@example.org", true, "romeo", NULL},
        {1, "", false, "romeo", "not-authorized"},
        {2, "", true, "", "invalid-authzid"},
        {0, "", true, "", "invalid-authzid"},
        {0, "romeo@example.org", true, NULL, "invalid-authzid"},
        {1, "juliet@example.org", true, NULL, "invalid-authzid"},
        {1, "romeo@example.com", true, NULL, "invalid-authzid"},
        {1, "romeo@example.org/orchard", true, NULL, "invalid-authzid"},
        {1, "romeo", true, NULL, "invalid-authzid"},
        {1, "example.org", true, NULL, "invalid-authzid"},
        {1, "=", true, NULL, "invalid-authzid"},
        {1, "\xff", true, NULL, "invalid-authzid"},
    };
    static const mn_str names[] = {MN_STR("romeo"), MN_STR("juliet")};
    struct mn_sasl_env e = env();
    struct mn_sasl *s;
    mn_str out;

    e.addresses = names;
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        enum mn_sasl_result r;

        e.address_count = rows[i].count;
        s = mn_sasl_new(MN_SASL_EXTERNAL, &e);
        /* Silence is asked for once (RFC 4422, A). */
        CHECK_INT(mn_sasl_step(s, (mn_str){0}, &out), MN_SASL_CHALLENGE);
        CHECK_INT(out.n, 0);
        r = mn_sasl_step(s, mn_str_from(rows[i].authzid), &out);
        if (r == MN_SASL_LOOKUP)
            r = mn_sasl_found(s, rows[i].exists ? MN_STR("a record") : (mn_str){0}, &out);
        CHECK_INT(r, rows[i].condition ? MN_SASL_FAIL : MN_SASL_SUCCESS);
        if (rows[i].user)
            CHECK_STR(mn_sasl_user(s), rows[i].user);
        if (rows[i].condition)
            CHECK_STR(mn_str_from(mn_sasl_condition(s)), rows[i].condition);
        CHECK(mn_sasl_wrong(s) == !rows[i].exists);
        mn_sasl_free(s);
    }
    e.address_count = 1;
    s = mn_sasl_new(MN_SASL_EXTERNAL, &e);
    CHECK_INT(mn_sasl_step(s, (mn_str){"romeo@example.org\0", 18}, &out), MN_SASL_FAIL);
    mn_sasl_free(s);
}

TEST(the_rfcs_exchanges)
{
    mn_str file = test_file("tests/vectors/scram.tsv"), text = file, col[11];
    int rows = 0;

    while (test_row(&text, col, 11)) {
        enum mn_digest d = mn_str_is(col[1], "sha1")     ? MN_SHA1
                           : mn_str_is(col[1], "sha256") ? MN_SHA256
                                                         : MN_SHA512;
        mn_str signature, final;

        rows++;
        final =
            client_final(d, mn_arena_cstr(&a, col[3]), col[6], col[7], MN_STR("n,,"), &signature);
        CHECK(mn_str_eq(final, mn_arena_fmt(&a, "%.*s,p=%.*s", MN_ARG(col[8]), MN_ARG(col[9]))));
        CHECK(mn_str_eq(signature, col[10]));
    }
    CHECK_INT(rows, 3);
    mn_free((void *)file.p);
    mn_arena_done(&a, NULL);
}

TEST(passwords_are_prepared)
{
    mn_str file = test_file("tests/vectors/stringprep.tsv"), text = file, col[5], stored;
    int rows = 0;

    while (test_row(&text, col, 5)) {
        mn_str in, same;
        int e;

        if (!mn_str_is(col[0], "saslprep"))
            continue;
        rows++;
        in = test_unhex(col[2]);
        e = mn_sasl_creds_make(MN_STR("u"), MN_STR("h"), in, all, 1, &a, &stored);
        CHECK_INT(!!e, mn_str_is(col[1], "bad"));
        if (!e) {
            same = test_unhex(col[3]);
            CHECK(mn_sasl_creds_check(stored, same) && mn_sasl_creds_check(stored, in));
            mn_free((void *)same.p);
        }
        mn_free((void *)in.p);
    }
    CHECK_INT(rows, 9);
    mn_free((void *)file.p);
    mn_arena_done(&a, NULL);
}

TEST(a_record_made_for_a_mask_survives_it)
{
    static const unsigned masks[] = {
        1u << MN_SASL_PLAIN,
        1u << MN_SASL_PLAIN | 1u << MN_SASL_SCRAM_SHA_1,
        1u << MN_SASL_DIGEST_MD5,
        1u << MN_SASL_SCRAM_SHA_512_PLUS | 1u << MN_SASL_CRAM_MD5,
        0,
    };
    mn_str stored, kept;

    for (size_t i = 0; i < MN_COUNT(masks); i++) {
        CHECK(!mn_sasl_creds_make(MN_STR("u"), MN_STR("h"), MN_STR("p"), masks[i], 1, &a, &stored));
        CHECK(mn_sasl_creds_keep(stored, masks[i], &a).p == stored.p);
        CHECK_INT(mn_sasl_creds_mechs(stored) & masks[i], masks[i]);
        CHECK(mn_sasl_creds_check(stored, MN_STR("p")));
        /* Whatever is switched off, the password can still be checked. */
        CHECK(!mn_sasl_creds_make(MN_STR("u"), MN_STR("h"), MN_STR("p"), all, 1, &a, &stored));
        kept = mn_sasl_creds_keep(stored, masks[i], &a);
        CHECK(kept.n < stored.n && mn_sasl_creds_check(kept, MN_STR("p")));
        CHECK(!(mn_sasl_creds_mechs(kept) & ~masks[i] &
                (1u << MN_SASL_DIGEST_MD5 | 1u << MN_SASL_CRAM_MD5)));
    }
    /* Damaged ones open nothing. */
    CHECK(!mn_sasl_creds_check((mn_str){stored.p, 9}, MN_STR("p")));
    CHECK(!mn_sasl_creds_check((mn_str){0}, MN_STR("p")));
    mn_arena_done(&a, NULL);
}

TEST(records_hold_what_their_mechanisms_need)
{
    mn_str some, kept;

    CHECK(!mn_sasl_creds_make(MN_STR("u"), MN_STR("h"), MN_STR("p"),
                              1u << MN_SASL_SCRAM_SHA_1 | 1u << MN_SASL_DIGEST_MD5, 5, &a, &some));
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

/* Our client against our server; the answer of the server's side, or of the client's when it gave
 * up. */
static enum mn_sasl_result meet(enum mn_sasl_mech m, const struct mn_sasl_env *client_sees,
                                const struct mn_sasl_env *server, const char *user,
                                const char *password, const char *authzid, mn_str stored)
{
    struct mn_sasl_client *c = mn_sasl_client_new(m, mn_str_from(user), mn_str_from(password),
                                                  mn_str_from(authzid), client_sees);
    struct mn_sasl *s = mn_sasl_new(m, server);
    mn_str out = {0};
    enum mn_sasl_result r = MN_SASL_CHALLENGE;

    for (int turn = 0; turn < 3 && r == MN_SASL_CHALLENGE; turn++) {
        r = mn_sasl_client_step(c, out, &out);
        if (r == MN_SASL_FAIL)
            break;
        r = mn_sasl_step(s, out, &out);
        if (r == MN_SASL_LOOKUP)
            r = mn_sasl_found(s, stored, &out);
        if (r == MN_SASL_WORK) {
            mn_sasl_work(s);
            r = mn_sasl_worked(s, &out);
        }
    }
    if (r == MN_SASL_SUCCESS && mn_sasl_client_end(c, out))
        r = MN_SASL_FAIL;
    mn_sasl_client_free(c);
    mn_sasl_free(s);
    return r;
}

TEST(both_ends_meet_by_every_mechanism)
{
    struct mn_sasl_env e = env(), bare = env(), other = env(), old = env();
    mn_str stored, names[] = {MN_STR("SCRAM-SHA-1")},
                   more[] = {MN_STR("SCRAM-SHA-1"), MN_STR("PLAIN")}, user = MN_STR("ro,m=eo");

    e.addresses = &user; /* of a certificate */
    e.address_count = 1;
    bare.tls = bare.tls13 = false;
    bare.exporter = bare.endpoint = (mn_str){0};
    bare.announced = names;
    bare.announced_count = 1;
    other.exporter = MN_STR("SOMEBODY ELSE'S");
    CHECK(!mn_sasl_creds_make(MN_STR("ro,m=eo"), MN_STR("example.org"), MN_STR("p\xc3\xa4ss,="),
                              all, 4096, &a, &stored));
    for (enum mn_sasl_mech m = 0; m < MN_SASL_MECHS; m++) {
        bool password = m < MN_SASL_ANONYMOUS;

        CHECK_INT(meet(m, &e, &e, "ro,m=eo", "p\xc3\xa4ss,=", NULL, stored), MN_SASL_SUCCESS);
        if (password)
            CHECK_INT(meet(m, &e, &e, "ro,m=eo", "pass,=", NULL, stored), MN_SASL_FAIL);
        if (mn_sasl_is_plus(m)) {
            CHECK_INT(meet(m, &other, &e, "ro,m=eo", "p\xc3\xa4ss,=", NULL, stored), MN_SASL_FAIL);
            CHECK_INT(meet(m, &bare, &e, "ro,m=eo", "p\xc3\xa4ss,=", NULL, stored), MN_SASL_FAIL);
        }
    }
    CHECK_INT(meet(MN_SASL_SCRAM_SHA_1, &bare, &bare, "ro,m=eo",
                   "p\xc3\xa4ss,=", "ro,m=eo@example.org", stored),
              MN_SASL_SUCCESS);
    CHECK_INT(meet(MN_SASL_SCRAM_SHA_1, &bare, &bare, "ro,m=eo",
                   "p\xc3\xa4ss,=", "juliet@example.org", stored),
              MN_SASL_FAIL);
    /* Somebody took -PLUS, or a mechanism, out of the list on its way (y, then h), or changed the
     * version of TLS (t). */
    old = e;
    old.announced_count = 1;
    CHECK_INT(meet(MN_SASL_SCRAM_SHA_1, &old, &e, "ro,m=eo", "p\xc3\xa4ss,=", NULL, stored),
              MN_SASL_FAIL);
    other = bare;
    other.announced = more;
    other.announced_count = 2;
    CHECK_INT(meet(MN_SASL_SCRAM_SHA_1, &other, &other, "ro,m=eo", "p\xc3\xa4ss,=", NULL, stored),
              MN_SASL_SUCCESS);
    CHECK_INT(meet(MN_SASL_SCRAM_SHA_1, &other, &bare, "ro,m=eo", "p\xc3\xa4ss,=", NULL, stored),
              MN_SASL_FAIL);
    old = e;
    old.tls13 = false;
    CHECK_INT(meet(MN_SASL_SCRAM_SHA_1, &old, &e, "ro,m=eo", "p\xc3\xa4ss,=", NULL, stored),
              MN_SASL_FAIL);
    mn_arena_done(&a, NULL);
}

TEST(messages_that_a_client_must_refuse)
{
    mn_str file = test_file("tests/vectors/scram-bad.tsv"), text = file, col[4];
    struct mn_sasl_env e = env();
    int rows = 0;

    e.tls = false;
    while (test_row(&text, col, 4)) {
        struct mn_sasl_client *c;
        mn_str out, nonce, m;

        if (!mn_str_is(col[1], "client"))
            continue;
        rows++;
        c = mn_sasl_client_new(MN_SASL_SCRAM_SHA_1, MN_STR("user"), MN_STR("pencil"), (mn_str){0},
                               &e);
        CHECK_INT(mn_sasl_client_step(c, (mn_str){0}, &out), MN_SASL_CHALLENGE);
        nonce = attr(out, 'r');
        m = mn_str_starts(col[2], MN_STR("r=abc"))
                ? mn_arena_fmt(&a, "r=%.*s%.*s", MN_ARG(nonce), MN_ARG(mn_str_skip(col[2], 5)))
                : col[2];
        if (mn_str_starts(m, MN_STR("r="))) {
            if (mn_sasl_client_step(c, m, &out) != MN_SASL_FAIL)
                test_fail(__FILE__, __LINE__, "%.*s", MN_ARG(col[0]));
            CHECK(mn_sasl_client_end(
                c, MN_STR("v=AAAAAAAAAAAAAAAAAAAAAAAAAAA="))); /* nothing was computed */
        } else {
            CHECK(mn_sasl_client_end(c, MN_STR("v="))); /* success before anything was proved */
            CHECK_INT(
                mn_sasl_client_step(
                    c, mn_arena_fmt(&a, "r=%.*sX,s=QSXCR+Q6sek8bf92,i=4096", MN_ARG(nonce)), &out),
                MN_SASL_CHALLENGE);
            if (!mn_sasl_client_end(c, m))
                test_fail(__FILE__, __LINE__, "%.*s", MN_ARG(col[0]));
            CHECK_INT(mn_sasl_client_step(c, m, &out), MN_SASL_FAIL); /* a challenge too many */
        }
        CHECK(mn_sasl_client_reason(c));
        mn_sasl_client_free(c);
    }
    CHECK_INT(rows, 9);
    mn_free((void *)file.p);
    mn_arena_done(&a, NULL);
}

#include "base/codec.h"

#include <stdlib.h>

#include "base/crypt.h"
#include "test.h"

static struct mn_arena a;

TEST(base64_round_trips_and_refuses_what_it_must)
{
    mn_str file = test_file("tests/vectors/base64-bad.tsv"), text = file, col[2], out;
    int rows = 0;

    while (test_row(&text, col, 2)) {
        mn_str in = mn_str_is(col[0], "Zm9v\\n") ? MN_STR("Zm9v\n") : col[0];

        rows++;
        if (!mn_base64_parse(in, &a, &out))
            test_fail(__FILE__, __LINE__, "accepted %.*s", MN_ARG(in));
    }
    CHECK(rows > 8);
    for (size_t n = 0; n < 70; n++) {
        char bytes[70];

        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)(i * 37 + n);
        CHECK(!mn_base64_parse(mn_base64((mn_str){bytes, n}, &a), &a, &out));
        CHECK(mn_str_eq(out, (mn_str){bytes, n}));
    }
    mn_free((void *)file.p);
    mn_arena_done(&a, NULL);
}

TEST(digest_rows)
{
    mn_str file = test_file("tests/vectors/digests.tsv"), text = file, col[3], out;
    int rows = 0;

    while (test_row(&text, col, 3)) {
        mn_str rest, first = mn_str_cut(col[1], '|', &rest);
        unsigned char d[MN_DIGEST_MAX];

        if (mn_str_is(col[0], "base64")) {
            CHECK(mn_str_eq(mn_base64(col[1], &a), col[2]));
        } else if (mn_str_is(col[0], "pbkdf2-sha1")) {
            mn_str salt = mn_str_cut(rest, '|', &rest);

            mn_pbkdf2(MN_SHA1, first, salt, (unsigned)strtoul(rest.p, NULL, 10), d);
            CHECK(mn_str_eq(mn_hex((mn_str){(char *)d, 20}, &a), col[2]));
        } else if (mn_str_is(col[0], "legacy-auth")) {
            mn_digest_of(MN_SHA1, (mn_str[]){first, rest}, 2, d);
            CHECK(mn_str_eq(mn_hex((mn_str){(char *)d, 20}, &a), col[2]));
        } else if (mn_str_is(col[0], "turn-rest") && mn_str_is(first, "foo")) {
            mn_hmac(MN_SHA1, first, rest, d);
            CHECK(mn_str_eq(mn_base64((mn_str){(char *)d, 20}, &a), col[2]));
        } else {
            continue;
        }
        rows++;
    }
    CHECK(rows >= 11);
    (void)out;
    mn_free((void *)file.p);
    mn_arena_done(&a, NULL);
}

TEST(hmac_md5_goes_on_from_its_states)
{
    unsigned char states[MN_HMAC_MD5_STATES], d[16], e[16];

    /* RFC 2195: the example of CRAM-MD5. */
    mn_hmac_md5_states(MN_STR("tanstaaftanstaaf"), states);
    mn_hmac_md5_from(states, MN_STR("<1896.697170952@postoffice.reston.mci.net>"), d);
    CHECK_STR(mn_hex((mn_str){(char *)d, 16}, &a), "b913a602c7eda7a495b4e6e7334d3890");
    mn_hmac(MN_MD5, MN_STR("tanstaaftanstaaf"),
            MN_STR("<1896.697170952@postoffice.reston.mci.net>"), e);
    CHECK(!memcmp(d, e, 16));
    mn_digest_of(MN_MD5, (mn_str[]){MN_STR("ab"), MN_STR("c")}, 2, d);
    CHECK_STR(mn_hex((mn_str){(char *)d, 16}, &a), "900150983cd24fb0d6963f7d28e17f72");
    CHECK(mn_crypt_eq(MN_STR("ab"), MN_STR("ab")) && !mn_crypt_eq(MN_STR("ab"), MN_STR("ac")));
    mn_arena_done(&a, NULL);
}

TEST(a_block_is_encrypted_as_the_standard_says)
{
    unsigned char key[16], block[16];

    for (unsigned i = 0; i < 16; i++) { /* FIPS 197, C.1 */
        key[i] = (unsigned char)i;
        block[i] = (unsigned char)(i * 0x11);
    }
    mn_crypt_block(key, block);
    CHECK_STR(mn_hex((mn_str){(char *)block, 16}, &a), "69c4e0d86a7b0430d8cdb78070b4c55a");
    mn_arena_done(&a, NULL);
}

#include "mynah/bytes.h"

#include "test.h"

static void is(char *text, const char *want)
{
    CHECK_STR(mn_str_from(text), want);
    mynah_free(text);
}

TEST(bytes_go_through_base64_and_back)
{
    size_t n;
    char *bytes = mynah_base64_read("AP9hYg==", &n);

    CHECK(n == 4 && !memcmp(bytes,
                            "\0\xff"
                            "ab",
                            5));
    is(mynah_base64(bytes, n), "AP9hYg==");
    is(mynah_base64("", 0), "");
    mynah_free(bytes);
    for (const char *const *bad =
             (const char *const[]){"A", "AP9hYg=", "AP9h Yg==", "AP9hYh==", NULL};
         *bad; bad++)
        CHECK(!mynah_base64_read(*bad, &n) && !n);
}

/* FIPS 180-2, RFC 1321. */
TEST(digests_are_those_of_their_standards)
{
    is(mynah_digest(MYNAH_MD5, "abc", 3), "900150983cd24fb0d6963f7d28e17f72");
    is(mynah_digest(MYNAH_SHA1, "abc", 3), "a9993e364706816aba3e25717850c26c9cd0d89d");
    is(mynah_digest(MYNAH_SHA256, "abc", 3),
       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    is(mynah_digest(MYNAH_SHA512, "abc", 3), "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9ee"
                                             "ee64b55d39a2192992a274fc1a836ba3c23a3feeb"
                                             "bd454d4423643ce80e2a9ac94fa54ca49f");
}

/* Digests and what is made of them. Thread-safe; algorithms are fetched once. */
#pragma once

#include "base/arena.h"

enum mn_digest { MN_MD5, MN_SHA1, MN_SHA256, MN_SHA512, MN_DIGESTS };
enum { MN_DIGEST_MAX = 64 };

size_t mn_digest_size(enum mn_digest d);
/* `pieces` joined; returns the size. `out` has room for MN_DIGEST_MAX. */
size_t mn_digest_of(enum mn_digest d, const mn_str *pieces, size_t count, void *out);
size_t mn_hmac(enum mn_digest d, mn_str key, mn_str text, void *out);
/* RFC 2898; out of the digest's size. Slow on purpose: for a work lane. Not for MD5. */
void mn_pbkdf2(enum mn_digest d, mn_str password, mn_str salt, unsigned iterations, void *out);

/* MD5 of what comes piece by piece. */
struct mn_md5 {
    uint32_t s[4];
    uint64_t n;
    unsigned char block[64];
};
void mn_md5_init(struct mn_md5 *m);
void mn_md5_add(struct mn_md5 *m, mn_str s);
void mn_md5_end(struct mn_md5 *m, unsigned char out[16]);

/* HMAC-MD5 by its two inner states (for CRAM-MD5 verifiers): 32 bytes. */
enum { MN_HMAC_MD5_STATES = 32 };
void mn_hmac_md5_states(mn_str key, unsigned char out[MN_HMAC_MD5_STATES]);
void mn_hmac_md5_from(const unsigned char states[MN_HMAC_MD5_STATES], mn_str text,
                      unsigned char out[16]);

/* AES-128 of one block, in place: a permutation that nobody knows who does not have the key. */
void mn_crypt_block(const unsigned char key[16], unsigned char block[16]);

/* In time that depends on the lengths only. */
bool mn_crypt_eq(mn_str a, mn_str b);
void mn_crypt_wipe(void *p, size_t n);

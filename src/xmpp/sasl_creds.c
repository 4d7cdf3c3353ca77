/* A credentials record is a sequence of verifiers: (tag, length as u16, bytes).
 *   1, 2, 3  SCRAM with SHA-1, SHA-256, SHA-512: iterations as u32, length of the salt, salt,
 * StoredKey, ServerKey 4        MD5(user:realm:password) for DIGEST-MD5 5        the two states of
 * HMAC-MD5 with the password for CRAM-MD5
 */
#include "xmpp/sasl_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <stringprep.h>
#include <unistr.h>

#include "base/buf.h"
#include "base/rand.h"

enum { SCRAMS = (1u << (MN_SASL_SCRAM_SHA_1 + 1)) - 1 }; /* they stand first */

/* RFC 4013, unassigned code points allowed. */
int sasl_prep(mn_str in, struct mn_arena *a, mn_str *out)
{
    bool ascii = true;
    char *prepared = NULL;
    int e = MN_E_FORMAT;

    for (size_t i = 0; i < in.n; i++) {
        if ((unsigned char)in.p[i] < 0x20 || in.p[i] == 0x7f)
            return MN_E_FORMAT;
        ascii &= (unsigned char)in.p[i] < 0x80;
    }
    *out = in;
    if (ascii)
        return in.n ? MN_E_OK : MN_E_FORMAT;
    if (!u8_check((const uint8_t *)in.p, in.n) &&
        stringprep_profile(mn_arena_cstr(a, in), &prepared, "SASLprep", 0) == STRINGPREP_OK) {
        *out = mn_arena_str(a, mn_str_from(prepared));
        e = out->n ? MN_E_OK : MN_E_FORMAT;
    }
    free(prepared);
    return e;
}

static bool verifier_next(mn_str *stored, int *tag, mn_str *bytes)
{
    size_t n;

    if (stored->n < 3)
        return false;
    *tag = stored->p[0];
    n = (size_t)(unsigned char)stored->p[1] << 8 | (unsigned char)stored->p[2];
    if (stored->n < 3 + n)
        return false;
    *bytes = (mn_str){stored->p + 3, n};
    *stored = mn_str_skip(*stored, 3 + n);
    return true;
}

mn_str sasl_verifier(mn_str stored, int want)
{
    mn_str bytes;
    int tag;

    while (verifier_next(&stored, &tag, &bytes))
        if (tag == want)
            return bytes;
    return (mn_str){0};
}

static void verifier_add(struct mn_buf *b, int tag, mn_str bytes)
{
    char head[3] = {(char)tag, (char)(bytes.n >> 8), (char)bytes.n};

    mn_buf_add(b, head, 3);
    mn_buf_str(b, bytes);
}

bool sasl_scram_keys(mn_str v, size_t size, struct sasl_keys *out)
{
    size_t salt;

    if (v.n < 5)
        return false;
    salt = (unsigned char)v.p[4];
    if (v.n != 5 + salt + 2 * size)
        return false;
    out->iterations = (unsigned)(unsigned char)v.p[0] << 24 |
                      (unsigned)(unsigned char)v.p[1] << 16 | (unsigned)(unsigned char)v.p[2] << 8 |
                      (unsigned char)v.p[3];
    out->salt = (mn_str){v.p + 5, salt};
    out->stored = (mn_str){v.p + 5 + salt, size};
    out->server = (mn_str){v.p + 5 + salt + size, size};
    return out->iterations > 0 && out->iterations <= INT_MAX && salt > 0;
}

void sasl_scram_derive(enum mn_digest d, mn_str password, mn_str salt, unsigned iterations,
                       char *stored, char *server, char *client)
{
    char salted[MN_DIGEST_MAX], key[MN_DIGEST_MAX];
    size_t n = mn_digest_size(d);

    mn_pbkdf2(d, password, salt, iterations, salted);
    mn_hmac(d, (mn_str){salted, n}, MN_STR("Client Key"), key);
    mn_digest_of(d, &(mn_str){key, n}, 1, stored);
    mn_hmac(d, (mn_str){salted, n}, MN_STR("Server Key"), server);
    if (client)
        memcpy(client, key, n);
    mn_crypt_wipe(salted, sizeof salted);
    mn_crypt_wipe(key, sizeof key);
}

static void scram_make(struct mn_buf *b, int tag, enum mn_digest d, mn_str password,
                       unsigned iterations)
{
    char v[5 + 16 + 2 * MN_DIGEST_MAX];
    size_t n = mn_digest_size(d);

    for (int i = 0; i < 4; i++)
        v[i] = (char)(iterations >> (24 - 8 * i));
    v[4] = 16;
    mn_rand_bytes(v + 5, 16);
    sasl_scram_derive(d, password, (mn_str){v + 5, 16}, iterations, v + 21, v + 21 + n, NULL);
    verifier_add(b, tag, (mn_str){v, 21 + 2 * n});
    mn_crypt_wipe(v, sizeof v);
}

int mn_sasl_creds_make(mn_str user, mn_str host, mn_str password, unsigned mask,
                       unsigned iterations, struct mn_arena *a, mn_str *out)
{
    struct mn_buf b = {0};
    mn_str prepared;

    if (sasl_prep(password, a, &prepared) || prepared.n > 1023)
        return MN_E_FORMAT;
    /* A password alone (PLAIN) is checked against whatever keys there are, so some are always made.
     */
    if (mask & (1u << MN_SASL_SCRAM_SHA_256 | 1u << MN_SASL_SCRAM_SHA_256_PLUS) || !(mask & SCRAMS))
        scram_make(&b, TAG_SHA256, MN_SHA256, prepared, iterations);
    if (mask & (1u << MN_SASL_SCRAM_SHA_512 | 1u << MN_SASL_SCRAM_SHA_512_PLUS))
        scram_make(&b, TAG_SHA512, MN_SHA512, prepared, iterations);
    if (mask & (1u << MN_SASL_SCRAM_SHA_1 | 1u << MN_SASL_SCRAM_SHA_1_PLUS))
        scram_make(&b, TAG_SHA1, MN_SHA1, prepared, iterations);
    if (mask & 1u << MN_SASL_DIGEST_MD5) {
        unsigned char d[16];

        mn_digest_of(MN_MD5,
                     (mn_str[]){sasl_latin1(user, a), MN_STR(":"), sasl_latin1(host, a),
                                MN_STR(":"), sasl_latin1(password, a)},
                     5, d);
        verifier_add(&b, TAG_DIGEST, (mn_str){(char *)d, 16});
    }
    if (mask & 1u << MN_SASL_CRAM_MD5) {
        unsigned char states[MN_HMAC_MD5_STATES];

        mn_hmac_md5_states(password, states);
        verifier_add(&b, TAG_CRAM, (mn_str){(char *)states, sizeof states});
    }
    *out = mn_arena_str(a, mn_buf_view(&b));
    mn_buf_free(&b);
    return MN_E_OK;
}

unsigned mn_sasl_creds_checked(unsigned mechs)
{
    static const unsigned tried[] = {
        1u << MN_SASL_SCRAM_SHA_256 | 1u << MN_SASL_SCRAM_SHA_256_PLUS,
        1u << MN_SASL_SCRAM_SHA_512 | 1u << MN_SASL_SCRAM_SHA_512_PLUS,
        1u << MN_SASL_SCRAM_SHA_1 | 1u << MN_SASL_SCRAM_SHA_1_PLUS,
    };

    for (size_t i = 0; i < MN_COUNT(tried); i++)
        if (mechs & tried[i])
            return tried[i];
    return tried[0];
}

bool mn_sasl_creds_check(mn_str stored, mn_str password)
{
    static const struct {
        int tag;
        enum mn_digest d;
    } tried[] = {{TAG_SHA256, MN_SHA256}, {TAG_SHA512, MN_SHA512}, {TAG_SHA1, MN_SHA1}};
    struct mn_arena a = {0};
    bool ok = false;
    mn_str prepared;

    for (size_t i = 0; i < MN_COUNT(tried) && !sasl_prep(password, &a, &prepared); i++) {
        size_t n = mn_digest_size(tried[i].d);
        char key[MN_DIGEST_MAX], server[MN_DIGEST_MAX];
        struct sasl_keys k;

        if (!sasl_scram_keys(sasl_verifier(stored, tried[i].tag), n, &k))
            continue;
        sasl_scram_derive(tried[i].d, prepared, k.salt, k.iterations, key, server, NULL);
        ok = mn_crypt_eq((mn_str){key, n}, k.stored);
        break;
    }
    mn_arena_done(&a, NULL);
    return ok;
}

static unsigned tag_mechs(int tag)
{
    unsigned mask = 0;

    for (unsigned m = 0; m < MN_SASL_MECHS; m++)
        if (sasl_rows[m].tag == tag)
            mask |= 1u << m;
    return tag >= TAG_SHA1 && tag <= TAG_SHA512 ? mask | 1u << MN_SASL_PLAIN : mask;
}

unsigned mn_sasl_creds_mechs(mn_str stored)
{
    unsigned mask = 0;
    mn_str bytes;
    int tag;

    while (verifier_next(&stored, &tag, &bytes))
        mask |= tag_mechs(tag);
    return mask;
}

mn_str mn_sasl_creds_keep(mn_str stored, unsigned mask, struct mn_arena *a)
{
    struct mn_buf b = {0};
    mn_str rest = stored, bytes, out;
    bool some = mn_sasl_creds_mechs(stored) & mask & SCRAMS;
    int tag;

    while (verifier_next(&rest, &tag, &bytes))
        if (tag_mechs(tag) & mask & ~(1u << MN_SASL_PLAIN) || (tag <= TAG_SHA512 && !some))
            verifier_add(&b, tag, bytes);
    out = b.n == stored.n ? stored : mn_arena_str(a, mn_buf_view(&b));
    mn_buf_free(&b);
    return out;
}

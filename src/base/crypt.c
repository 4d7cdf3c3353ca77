#include "base/crypt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/err.h"

/* MD5 (RFC 1321), our own because EVP can neither export nor import its state. */
static void md5_block(uint32_t s[4], const unsigned char *p)
{
    static const uint32_t k[64] = {
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613,
        0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193,
        0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d,
        0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
        0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122,
        0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
        0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244,
        0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
        0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
        0xeb86d391};
    static const uint8_t turn[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t a = s[0], b = s[1], c = s[2], d = s[3], m[16];

    for (unsigned i = 0; i < 16; i++)
        m[i] = (uint32_t)p[4 * i] | (uint32_t)p[4 * i + 1] << 8 | (uint32_t)p[4 * i + 2] << 16 |
               (uint32_t)p[4 * i + 3] << 24;
    for (unsigned i = 0; i < 64; i++) {
        unsigned round = i / 16, g, r = turn[round][i % 4];
        uint32_t f;

        if (round == 0) {
            f = (b & c) | (~b & d);
            g = i;
        } else if (round == 1) {
            f = (d & b) | (~d & c);
            g = (5 * i + 1) % 16;
        } else if (round == 2) {
            f = b ^ c ^ d;
            g = (3 * i + 5) % 16;
        } else {
            f = c ^ (b | ~d);
            g = 7 * i % 16;
        }
        f += a + k[i] + m[g];
        a = d;
        d = c;
        c = b;
        b += f << r | f >> (32 - r);
    }
    s[0] += a;
    s[1] += b;
    s[2] += c;
    s[3] += d;
}

void mn_md5_init(struct mn_md5 *m)
{
    *m = (struct mn_md5){{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, 0, {0}};
}

void mn_md5_add(struct mn_md5 *m, mn_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        m->block[m->n++ % 64] = (unsigned char)s.p[i];
        if (m->n % 64 == 0)
            md5_block(m->s, m->block);
    }
}

static void put32(unsigned char *out, const uint32_t s[4])
{
    for (unsigned i = 0; i < 16; i++)
        out[i] = (unsigned char)(s[i / 4] >> 8 * (i % 4));
}

void mn_md5_end(struct mn_md5 *m, unsigned char out[16])
{
    uint64_t bits = m->n * 8;
    char c = (char)0x80;
    unsigned char length[8];

    mn_md5_add(m, (mn_str){&c, 1});
    c = 0;
    while (m->n % 64 != 56)
        mn_md5_add(m, (mn_str){&c, 1});
    for (unsigned i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> 8 * i);
    mn_md5_add(m, (mn_str){(char *)length, 8});
    put32(out, m->s);
}

/* The states behind key^ipad and key^opad: each has taken one block. */
void mn_hmac_md5_states(mn_str key, unsigned char out[MN_HMAC_MD5_STATES])
{
    unsigned char k[64] = {0}, pad[64];

    if (key.n > 64)
        mn_digest_of(MN_MD5, &key, 1, k);
    else if (key.n)
        memcpy(k, key.p, key.n);
    for (unsigned half = 0; half < 2; half++) {
        struct mn_md5 m;

        mn_md5_init(&m);
        for (unsigned i = 0; i < 64; i++)
            pad[i] = k[i] ^ (half ? 0x5c : 0x36);
        md5_block(m.s, pad);
        put32(out + 16 * half, m.s);
    }
    mn_crypt_wipe(k, sizeof k);
    mn_crypt_wipe(pad, sizeof pad);
}

static void md5_resume(struct mn_md5 *m, const unsigned char state[16])
{
    mn_md5_init(m);
    m->n = 64;
    for (unsigned i = 0; i < 4; i++)
        m->s[i] = (uint32_t)state[4 * i] | (uint32_t)state[4 * i + 1] << 8 |
                  (uint32_t)state[4 * i + 2] << 16 | (uint32_t)state[4 * i + 3] << 24;
}

void mn_hmac_md5_from(const unsigned char states[MN_HMAC_MD5_STATES], mn_str text,
                      unsigned char out[16])
{
    struct mn_md5 m;

    md5_resume(&m, states);
    mn_md5_add(&m, text);
    mn_md5_end(&m, out);
    md5_resume(&m, states + 16);
    mn_md5_add(&m, (mn_str){(char *)out, 16});
    mn_md5_end(&m, out);
}

static EVP_MD *fetched[MN_DIGESTS];
static EVP_CIPHER *aes;

__attribute__((constructor)) static void fetch(void)
{
    fetched[MN_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
    fetched[MN_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    fetched[MN_SHA512] = EVP_MD_fetch(NULL, "SHA512", NULL);
    aes = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
}

size_t mn_digest_size(enum mn_digest d)
{
    static const size_t sizes[] = {16, 20, 32, 64};

    return sizes[d];
}

size_t mn_digest_of(enum mn_digest d, const mn_str *pieces, size_t count, void *out)
{
    EVP_MD_CTX *ctx;

    if (d == MN_MD5) {
        struct mn_md5 m;

        mn_md5_init(&m);
        for (size_t i = 0; i < count; i++)
            mn_md5_add(&m, pieces[i]);
        mn_md5_end(&m, out);
        return 16;
    }
    ctx = EVP_MD_CTX_new();
    MN_MEMORY(ctx && fetched[d] && EVP_DigestInit_ex(ctx, fetched[d], NULL));
    for (size_t i = 0; i < count; i++)
        EVP_DigestUpdate(ctx, pieces[i].p, pieces[i].n);
    EVP_DigestFinal_ex(ctx, out, NULL);
    EVP_MD_CTX_free(ctx);
    return mn_digest_size(d);
}

size_t mn_hmac(enum mn_digest d, mn_str key, mn_str text, void *out)
{
    size_t block = d == MN_SHA512 ? 128 : 64, size = mn_digest_size(d);
    char k[128] = {0}, pad[128], inner[MN_DIGEST_MAX];

    if (key.n > block)
        mn_digest_of(d, &key, 1, k);
    else if (key.n)
        memcpy(k, key.p, key.n);
    for (size_t i = 0; i < block; i++)
        pad[i] = k[i] ^ 0x36;
    mn_digest_of(d, (mn_str[]){{pad, block}, text}, 2, inner);
    for (size_t i = 0; i < block; i++)
        pad[i] = k[i] ^ 0x5c;
    mn_digest_of(d, (mn_str[]){{pad, block}, {inner, size}}, 2, out);
    mn_crypt_wipe(k, sizeof k);
    mn_crypt_wipe(pad, sizeof pad);
    return size;
}

void mn_pbkdf2(enum mn_digest d, mn_str password, mn_str salt, unsigned iterations, void *out)
{
    MN_ASSERT(d != MN_MD5);
    MN_MEMORY(PKCS5_PBKDF2_HMAC(password.p ? password.p : "", (int)password.n,
                                (const unsigned char *)salt.p, (int)salt.n, (int)iterations,
                                fetched[d], (int)mn_digest_size(d), out));
}

void mn_crypt_block(const unsigned char key[16], unsigned char block[16])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;

    MN_MEMORY(ctx && aes && EVP_EncryptInit_ex(ctx, aes, NULL, key, NULL));
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    MN_ASSERT(EVP_EncryptUpdate(ctx, block, &n, block, 16) && n == 16);
    EVP_CIPHER_CTX_free(ctx);
}

bool mn_crypt_eq(mn_str a, mn_str b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void mn_crypt_wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}

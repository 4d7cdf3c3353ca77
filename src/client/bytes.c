#include "mynah/bytes.h"

#include "base/codec.h"
#include "base/crypt.h"

char *mynah_base64(const void *p, size_t n)
{
    struct mn_arena a = {0};
    char *text = mn_str_dup(mn_base64(mn_str_make(p, n), &a));

    mn_arena_done(&a, NULL);
    return text;
}

void *mynah_base64_read(const char *text, size_t *n)
{
    struct mn_arena a = {0};
    mn_str bytes = {0};
    char *out = mn_base64_parse(mn_str_from(text), &a, &bytes) ? NULL : mn_str_dup(bytes);

    *n = out ? bytes.n : 0;
    mn_arena_done(&a, NULL);
    return out;
}

char *mynah_digest(enum mynah_digest digest, const void *p, size_t n)
{
    static const enum mn_digest kinds[] = {MN_MD5, MN_SHA1, MN_SHA256, MN_SHA512};
    const mn_str text = mn_str_make(p, n);
    char sum[MN_DIGEST_MAX];
    struct mn_arena a = {0};
    char *out = mn_str_dup(mn_hex((mn_str){sum, mn_digest_of(kinds[digest], &text, 1, sum)}, &a));

    mn_arena_done(&a, NULL);
    return out;
}

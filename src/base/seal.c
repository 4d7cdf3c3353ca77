#include "base/seal.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/crypt.h"

#define HEAD "\nmynah seal 1 "
enum { BLOCK = 1 << 16, SUM = 32 };
_Static_assert(sizeof HEAD - 1 + 2 * SUM + 1 == MN_SEAL, "head, sum, end of line");

static size_t fill(int fd, char *block, size_t n, off_t at)
{
    size_t have = 0;

    while (have < n) {
        ssize_t got = pread(fd, block + have, n - have, at + (off_t)have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    return have;
}

/* SHA-256 of the sum of what stands before, and a block. */
static int sum_of(int fd, off_t size, char sum[SUM])
{
    char *block = mn_alloc(BLOCK);
    off_t at = 0;

    memset(sum, 0, SUM);
    while (at < size) {
        size_t n = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        mn_str pieces[] = {{sum, SUM}, {block, n}};

        if (fill(fd, block, n, at) < n)
            break;
        mn_digest_of(MN_SHA256, pieces, MN_COUNT(pieces), sum);
        at += (off_t)n;
    }
    mn_free(block);
    return at < size ? MN_E_IO : MN_E_OK;
}

static int seal_of(int fd, off_t size, struct mn_arena *a, mn_str *out)
{
    char sum[SUM];
    int e = sum_of(fd, size, sum);

    if (!e)
        *out = mn_arena_fmt(a, HEAD "%.*s\n", MN_ARG(mn_hex((mn_str){sum, SUM}, a)));
    return e;
}

int mn_seal_put(int fd)
{
    struct mn_arena a = {0};
    struct stat st;
    mn_str seal;
    ssize_t n;
    int e = fstat(fd, &st) ? MN_E_IO : seal_of(fd, st.st_size, &a, &seal);

    if (!e && (n = pwrite(fd, seal.p, seal.n, st.st_size)) != MN_SEAL)
        e = n >= 0 || errno == ENOSPC || errno == EDQUOT ? MN_E_FULL : MN_E_IO;
    mn_arena_done(&a, NULL);
    return e;
}

int mn_seal_check(int fd)
{
    struct mn_arena a = {0};
    char there[MN_SEAL];
    struct stat st;
    mn_str seal;
    off_t at;
    int e;

    if (fstat(fd, &st))
        return MN_E_IO;
    at = st.st_size - MN_SEAL;
    if (at < 0 || fill(fd, there, MN_SEAL, at) < MN_SEAL ||
        !mn_str_starts((mn_str){there, MN_SEAL}, MN_STR(HEAD)))
        return MN_E_NOT_FOUND;
    e = seal_of(fd, at, &a, &seal);
    if (!e && !mn_str_eq(seal, (mn_str){there, MN_SEAL}))
        e = MN_E_FORMAT;
    mn_arena_done(&a, NULL);
    return e;
}

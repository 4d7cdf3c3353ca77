#include "base/rand.h"

#include <errno.h>
#include <sys/random.h>

#include "base/err.h"

/* A stock per thread, so that an id costs no system call. */
static _Thread_local unsigned char stock[512];
static _Thread_local size_t left;
static uint64_t fixed;

static uint64_t fixed_next(void)
{
    uint64_t z = __atomic_add_fetch(&fixed, 0x9e3779b97f4a7c15, __ATOMIC_RELAXED);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void fill(unsigned char *p, size_t n)
{
    while (n) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0) {
            MN_ASSERT(errno == EINTR);
            continue;
        }
        p += got;
        n -= (size_t)got;
    }
}

void mn_rand_bytes(void *out, size_t n)
{
    unsigned char *p = out;

    if (fixed) {
        for (size_t i = 0; i < n; i++)
            p[i] = (unsigned char)fixed_next();
        return;
    }
    if (n > sizeof stock / 4) {
        fill(p, n);
        return;
    }
    if (left < n) {
        fill(stock, sizeof stock);
        left = sizeof stock;
    }
    left -= n;
    memcpy(p, stock + left, n);
    explicit_bzero(stock + left, n);
}

uint64_t mn_rand_u64(void)
{
    uint64_t v;

    mn_rand_bytes(&v, sizeof v);
    return v;
}

mn_str mn_rand_text(struct mn_arena *a, size_t n)
{
    static const char set[] = "0123456789abcdefghijklmnopqrstuv";
    char *p = mn_arena_bytes(a, n);

    mn_rand_bytes(p, n);
    for (size_t i = 0; i < n; i++)
        p[i] = set[(unsigned char)p[i] & 31];
    return (mn_str){p, n};
}

void mn_rand_fix(uint64_t seed)
{
    fixed = seed;
    left = 0;
}

/* Memory that ends: preloaded into a program, it lets so many allocations through and then refuses
 * one, or all that follow.
 *
 *   MYNAH_MEMORY  a file of two numbers of 8 bytes, which the test changes while the program runs:
 * how many allocations succeed from now on (negative: all), and how many fail then */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

static struct {
    atomic_int_fast64_t left, failing;
} * control;

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("MYNAH_MEMORY");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *p = fd < 0 ? MAP_FAILED
                     : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (p != MAP_FAILED)
        control = p;
    if (fd >= 0)
        close(fd);
}

static bool refuse(void)
{
    if (!control || atomic_load(&control->left) < 0 || atomic_fetch_sub(&control->left, 1) > 0)
        return false;
    if (atomic_fetch_sub(&control->failing, 1) > 0) {
        atomic_store(&control->left, 0);
        errno = ENOMEM;
        return true;
    }
    atomic_store(&control->left, -1);
    return false;
}

SHOWN void *malloc(size_t n)
{
    if (!real_malloc)
        real_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    return refuse() ? NULL : real_malloc(n);
}

SHOWN void *calloc(size_t count, size_t n)
{
    if (!real_calloc)
        real_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    return refuse() ? NULL : real_calloc(count, n);
}

SHOWN void *realloc(void *p, size_t n)
{
    if (!real_realloc)
        real_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    return refuse() ? NULL : real_realloc(p, n);
}

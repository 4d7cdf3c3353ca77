/* A wall clock that is set: preloaded into a program, it moves what the program takes for the date
 * by the seconds that stand in the file MYNAH_CLOCK, which the test changes while the program runs.
 * The clock that only goes forward (CLOCK_MONOTONIC) is left alone, as the kernel leaves it alone.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

static volatile const int64_t *by;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("MYNAH_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *by, PROT_READ, MAP_SHARED, fd, 0);

    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    if (fd >= 0)
        close(fd);
    if (p == MAP_FAILED || !real_clock_gettime)
        _exit(99);
    by = p;
}

SHOWN int clock_gettime(clockid_t id, struct timespec *t)
{
    int r;

    if (!by) /* somebody asks before the constructor has run */
        begin();
    r = real_clock_gettime(id, t);
    if (!r && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        t->tv_sec += *by;
    return r;
}

SHOWN time_t time(time_t *out)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}

SHOWN int gettimeofday(struct timeval *out, void *zone)
{
    struct timespec t;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    *out = (struct timeval){.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000};
    return 0;
}

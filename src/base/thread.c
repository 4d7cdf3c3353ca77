#include "base/thread.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void mn_thread_start(pthread_t *out, void *(*run)(void *arg), void *arg)
{
    int e = pthread_create(out, NULL, run, arg);

    if (!e)
        return;
    fprintf(stderr, "mynah: cannot start a thread: %s; raise the limits of tasks and memory\n",
            strerror(e));
    _exit(1);
}

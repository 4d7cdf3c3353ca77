#include "base/thread.h"

#include <unistd.h>

int mn_thread_start(pthread_t *out, void *(*run)(void *arg), void *arg)
{
    return pthread_create(out, NULL, run, arg) ? MN_E_LIMIT : MN_E_OK;
}

void mn_thread_missing(void)
{
    fprintf(stderr, "mynah: cannot start a thread; raise the limits of tasks and memory\n");
    _exit(1);
}

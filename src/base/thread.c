#include "base/thread.h"

#include <signal.h>
#include <unistd.h>

int mn_thread_start(pthread_t *out, void *(*run)(void *arg), void *arg)
{
    sigset_t all, before;
    int e;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    e = pthread_create(out, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e ? MN_E_LIMIT : MN_E_OK;
}

void mn_thread_missing(void)
{
    fprintf(stderr, "mynah: cannot start a thread; raise the limits of tasks and memory\n");
    _exit(1);
}

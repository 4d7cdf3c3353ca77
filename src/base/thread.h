/* Threads. */
#pragma once

#include <pthread.h>

/* Begins one. Where there can be none the program ends, with 1 and one line that says why: nothing
 * goes on without it. */
void mn_thread_start(pthread_t *out, void *(*run)(void *arg), void *arg);

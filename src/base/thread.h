/* Threads. */
#pragma once

#include <pthread.h>

#include "base/err.h"
#include "base/str.h"

/* Begins one, which takes no signals: those are for the threads of the program that they were sent
 * to. MN_E_LIMIT: there can be no more of them. */
int mn_thread_start(pthread_t *out, void *(*run)(void *arg), void *arg) MN_MUST_CHECK;
/* For a program that does not go on without: ends it with 1, and one line that says why. */
_Noreturn void mn_thread_missing(void);

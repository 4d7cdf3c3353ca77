/* Programs that ours runs. */
#pragma once

#include <sys/types.h>

#include "base/arena.h"

/* Behind fork(), in the child: signals come as to a program that a shell began, whatever its parent
 * blocks or leaves alone. */
void mn_child_signals(void);
/* Begins `sh -c command arg`: "$0" in the command is `arg`, which may be NULL. `out` not NULL: from
 * there the caller reads what it writes, and closes it. Its input is ours. -1: it cannot be. */
pid_t mn_child_start(const char *command, const char *arg, int *out);
/* What `sh -c command` writes, at most `max` bytes and a NUL behind them, in `a`. Its exit code;
 * -1: it could not run, or something ended it. Its input is ours. Waits for it. */
int mn_child_read(const char *command, size_t max, struct mn_arena *a, mn_str *out);

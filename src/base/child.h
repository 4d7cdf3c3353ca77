/* Programs that ours runs. */
#pragma once

#include "base/arena.h"

/* Behind fork(), in the child: signals come as to a program that a shell began, whatever its parent
 * blocks or leaves alone. */
void mn_child_signals(void);
/* What `sh -c command` writes, at most `max` bytes and a NUL behind them, in `a`. Its exit code;
 * -1: it could not run, or something ended it. Its input is ours. Waits for it. */
int mn_child_read(const char *command, size_t max, struct mn_arena *a, mn_str *out);

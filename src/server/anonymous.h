/* Accounts that were made for one session (XEP-0175). They go with it; the index "anonymous" names
 * those that are there, for the next start after a crash. */
#pragma once

#include "server/user.h"

/* A session is about to be bound to it. */
void anonymous_begin(struct user *u);
/* At the start: those that no session ended go now, with everything of them. */
void anonymous_sweep(struct server *srv);

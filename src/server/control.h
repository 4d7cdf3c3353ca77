/* The control socket: administration from this machine, as lines of JSON (docs/control.md). It
 * belongs to loop 0. */
#pragma once

#include "base/buf.h"

struct server;

/* MN_E_BUSY: another server answers there. */
int control_open(struct server *srv, const char *path, struct mn_buf *why) MN_MUST_CHECK;
/* Takes no more and hangs up; commands that run go on, their askers are gone. */
void control_close(struct server *srv);
bool control_busy(const struct server *srv);
void control_free(struct server *srv); /* closed, and busy no more */

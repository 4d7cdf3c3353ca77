/* Whoever is not logged in is bounded by where he comes from: by address, and by the network around
 * it, which counts as five addresses. Who is logged in no longer counts, but in the log. */
#pragma once

#include "base/log.h"
#include "net/addr.h"
#include "server/owner.h"

/* One more connection from there. False: there are too many; every true is followed by one
 * stranger_let. */
bool stranger_hold(struct owner *o, const struct mn_addr *peer);
void stranger_let(struct server *srv, const struct mn_addr *peer);
/* One more account made from there: counts, and says whether it may be. */
bool stranger_may_register(struct owner *o, const struct mn_addr *peer);
/* Whether a line of the log above debug is written that a peer can repeat, logged in or not; `log`
 * is for the one line that tells of those that are not. */
bool stranger_may_log(struct server *srv, const struct mn_addr *peer, const struct mn_log *log);

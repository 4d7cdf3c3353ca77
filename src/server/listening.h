/* The listeners: what of the configuration's list `listen` is open. On the first loop. */
#pragma once

#include "server/server.h"

/* Opens what that configuration wants and closes what it does not; what is there and stays is not
 * touched, nor are connections. All or nothing: on failure `why` says what is in the way. */
int listening_set(struct server *srv, const struct config *conf, struct mn_buf *why) MN_MUST_CHECK;
void listening_end(struct server *srv);

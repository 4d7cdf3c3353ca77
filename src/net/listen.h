/* Listening sockets. */
#pragma once

#include "base/buf.h"
#include "base/loop.h"
#include "net/addr.h"

struct mn_listener;
/* `accepted` gets each new non-blocking descriptor (its own from then on; mn_conn_accepted) on the
 * listener's loop.
 * Port 0: any free one. */
int mn_listen(struct mn_loop *l, const struct mn_addr *at,
              void (*accepted)(void *arg, int fd, const struct mn_addr *peer), void *arg,
              struct mn_listener **out, struct mn_buf *why) MN_MUST_CHECK;
/* On all addresses of both families, or of the one that the machine has. */
int mn_listen_any(struct mn_loop *l, uint16_t port,
                  void (*accepted)(void *arg, int fd, const struct mn_addr *peer), void *arg,
                  struct mn_listener **out, struct mn_buf *why) MN_MUST_CHECK;
void mn_listener_free(struct mn_listener *l);
const struct mn_addr *mn_listener_addr(const struct mn_listener *l); /* with the actual port */

/* The sockets below mdns.h: port 5353, which other responders of this machine may have as well, on
 * all interfaces that can multicast, in both families; follows interfaces that come and go. */
#pragma once

#include "base/buf.h"
#include "net/mdns.h"

struct mn_mdns_links;
/* Feeds `m`, which is told of the links at once and whenever they change. On failure `why` says
 * what is wrong. */
int mn_mdns_links_new(struct mn_loop *l, struct mn_mdns *m, struct mn_mdns_links **out,
                      struct mn_buf *why) MN_MUST_CHECK;
void mn_mdns_links_free(struct mn_mdns_links *s); /* `m` is not told; accepts NULL */
/* For the face's send. */
void mn_mdns_links_send(struct mn_mdns_links *s, unsigned link, const struct mn_addr *to,
                        mn_str packet);
/* The interfaces may have changed. */
void mn_mdns_links_look(struct mn_mdns_links *s);
/* It is an address of this machine, or in a network that one of its interfaces is in. */
bool mn_mdns_links_near(const struct mn_mdns_links *s, const struct mn_addr *a);

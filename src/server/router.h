/* The router: from a sender to a recipient, wherever both live (architecture, section 3). */
#pragma once

#include "server/route.h"

/* From a session of this owner, stamped. Takes over the reference. */
void router_out(struct session *s, struct mn_stanza *st);
/* From the server itself or on behalf of an account (`from` is set); no ticket. Takes over the
 * reference. */
void router_send(struct mn_stanza *st);
/* The same with a part of the ticket that it belongs to (NULL: none), which comes back when it is
 * settled: what it changed at its recipient is durable then. It leaves when the commit `seq` of
 * this owner is through (0: now), and what follows from the same sender to the same recipient
 * leaves behind it. */
void router_send_part(struct mn_stanza *st, struct ticket *part, uint64_t seq);
/* The same presence to many local accounts: one mailbox item per owner, and nobody is loaded for
 * it. `to` are bare JIDs, lent. */
void router_fan(struct mn_stanza *st, const struct mn_jid *to, size_t count);

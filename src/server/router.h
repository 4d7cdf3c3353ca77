/* The router: from a sender to a recipient, wherever both live (architecture, section 3). */
#pragma once

#include "server/session.h"

/* A stanza on its way. On the stack while it goes straight through; kept (moved to the heap) when
 * it crosses loops or waits. */
struct route {
    struct mn_post post;
    struct wait wait;
    struct mn_stanza *st;  /* a reference */
    struct ticket *ticket; /* a part, to be given back at its session's loop; NULL: none */
    struct owner *home;    /* where the ticket's session lives */
    struct user *user;     /* once found */
    bool kept;
    bool counted;    /* stored, and the session's count with it (handled.h) */
    uint64_t number; /* in the account's log, where it is stored */
};

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

/* For hooks and handlers on the recipient's side. */
struct route *route_keep(
    struct route *r); /* a copy on the heap with the same references; the original is empty then */
void route_finish(
    struct route *r); /* settled: gives the ticket back, drops the references, frees if kept */
/* Settled when what the account has changed is durable, and what follows from the same sender comes
 * behind what leaves then. */
void route_hold(struct route *r);
/* Settled by an error to the sender (nothing is sent in answer to errors and results). */
void route_refuse(struct route *r, enum mn_cond cond, const char *text);
/* One that was kept, once more at its recipient, as if it came now. */
void route_again(struct route *r);
void route_spare_free(struct owner *o);

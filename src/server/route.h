/* A stanza on its way to one recipient, and how it is settled: a part of its ticket stays open
 * until then. On the stack while it goes straight through; kept (moved to the heap) when it crosses
 * loops or waits. */
#pragma once

#include "server/session.h"

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

/* A copy on the heap with the same references; the original is empty then. */
struct route *route_keep(struct route *r);
/* Settled: gives the ticket back, drops the references, frees if kept. */
void route_finish(struct route *r);
/* Settled when what the account has changed is durable, and what follows from the same sender comes
 * behind what leaves then. */
void route_hold(struct route *r);
/* Settled by an error to the sender (nothing is sent in answer to errors and results). */
void route_refuse(struct route *r, enum mn_cond cond, const char *text);
/* The same by the failure of a commit. */
void route_lost(struct route *r, int result);
void route_spare_free(struct owner *o);

/* A roster (RFC 6121, 2) as one packed block, and the subscription states of RFC 6121 appendix A.
 * No I/O here: the callers in presence.c and mod_roster.c write what changed. An item's record is
 * the same in memory and in the store. */
#pragma once

#include "xmpp/stanza.h"

enum {
    ROSTER_TO = 1,          /* we get his presence */
    ROSTER_FROM = 2,        /* he gets ours */
    ROSTER_PENDING_OUT = 4, /* ask='subscribe' */
    ROSTER_PENDING_IN = 8,  /* he asked, not answered yet */
    ROSTER_APPROVED = 16,   /* pre-approved (RFC 6121 3.4) */
    ROSTER_LISTED = 32,     /* in the roster proper; without: only a state is kept, and it is never
                               shown or pushed */
};

struct roster {
    char *block; /* records, one after the other */
    uint32_t used, count;
    uint32_t unlisted, unlisted_used; /* of these: who asks, and is not in the roster proper */
    uint64_t version;
};

struct roster_item {
    mn_str jid; /* usually bare */
    unsigned flags;
    mn_str name;   /* {NULL, 0}: none */
    mn_str groups; /* packed: (length as u16, bytes) each */
};

bool roster_find(const struct roster *r, mn_str jid, struct roster_item *out);
/* Iterates in stored order: *at starts at 0. The slices are lent until the next change. */
bool roster_next(const struct roster *r, uint32_t *at, struct roster_item *out);
/* At the end; there is none of that address yet. */
void roster_add(struct roster *r, const struct roster_item *item);
/* Adds or replaces; removes when flags are 0. `item`'s slices may point into the block. */
void roster_put(struct roster *r, const struct roster_item *item);
void roster_free(struct roster *r);
unsigned roster_flags(const struct roster *r, mn_str jid); /* 0: unknown */

/* The stored record of an item (without its jid) and back. */
mn_str roster_record(const struct roster_item *item, struct mn_arena *a);
bool roster_record_parse(mn_str jid, mn_str record, struct roster_item *out);
/* A group list from names, and names from it: false at the end. */
mn_str roster_groups(const mn_str *names, size_t count, struct mn_arena *a);
bool roster_group_next(mn_str *groups, mn_str *name);
/* <item/> below `query`; `removed`: subscription='remove'. */
void roster_item_elem(struct mn_arena *a, struct mn_elem *query, const struct roster_item *item,
                      bool removed);

/* The subscription state machine: what a stanza does to the flags, and what follows from it. */
enum roster_act {
    ROSTER_ROUTE = 1, /* outbound: send it on; inbound: deliver it to the user's sessions */
    ROSTER_PUSH = 2,  /* the item changed in a way that is shown */
    ROSTER_REPLY = 4, /* inbound: answer subscribe by `subscribed`, unsubscribe by `unsubscribed` */
    ROSTER_KEEP = 8,  /* inbound subscribe: remember the request itself */
    ROSTER_FORGET = 16, /* a remembered request is answered: drop it */
};
/* `type` is one of SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED. Returns acts, *flags is
 * changed. */
unsigned roster_outbound(enum mn_type type, bool preapproval, unsigned *flags);
unsigned roster_inbound(enum mn_type type, unsigned *flags);

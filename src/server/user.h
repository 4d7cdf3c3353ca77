/* An account at its owner: sessions, roster, and what waits for it. Loaded when somebody needs it,
 * evicted when nobody does. */
#pragma once

#include "server/owner.h"
#include "server/roster.h"
#include "server/unheard.h"

struct host;
struct route;

struct user {
    struct mn_list idle; /* in owner->idle while nobody needs it */
    struct owner *owner;
    const struct host *host;
    struct mn_jid jid; /* bare; its text stands behind the struct */
    struct mn_list sessions;
    unsigned session_count, needs; /* needs: loads, parks and the like that keep it here */
    bool loaded, exists, removed;
    unsigned made;         /* counts the accounts of that name that came while it was here */
    uint64_t since;        /* accounts_changed of its last removal or password; or later (evict) */
    bool unreadable;       /* by the disk, when it was tried last; it will be tried again */
    bool disabled;         /* nobody logs in to it, messages are kept */
    bool rekeys;           /* keys of a new password are being made, as it has asked for */
    bool fresh;            /* it has never been online yet (notice.h), ... */
    uint64_t motd;         /* ... and this is the last message of the day it was told */
    unsigned parked_for;   /* > 0: what comes in waits */
    struct mn_list parked; /* routes */
    struct mn_list parked_first; /* what goes before those (router.c) */
    struct gate out;             /* what leaves because of an uncommitted change */
    uint64_t wrote;              /* newest commit that holds a change of this account */
    struct {                     /* messages for who is away (mod_offline) */
        struct flush *flush;     /* they are going out, or are out and nobody has said so yet */
        struct session *to;      /* who gets them, and has not said that it has them */
        uint64_t upto;           /* number of the last one that it got, or `had` */
        uint64_t had;            /* and of the last one that a client is known to have */
        bool behind;             /* more go to it: what comes is stored behind them */
        bool known;              /* these are */
        uint64_t count, bytes;
    } offline;
    struct roster roster;
    struct unheard_list unheard; /* of sessions that have ended */
    struct blocklist *blocklist; /* server/block.h; NULL: nobody is blocked */
    struct {                     /* server/quota.h */
        char *items;
        uint32_t n;
    } quota;
};

/* Finds or makes it, and starts loading it where that is needed. `bare` belongs to this owner. */
struct user *user_get(struct owner *o, const struct host *h, const struct mn_jid *bare);
/* Only if it is here; it is the last to be evicted then, so it stays while it is worked with. */
struct user *user_find(struct owner *o, mn_str bare);
/* Calls `then` when it is loaded: at once or later. */
void user_when_loaded(struct user *u, void (*then)(void *arg, struct user *u), void *arg);
void user_need(struct user *u);
void user_let(struct user *u); /* the opposite; may evict */
/* While parked, inbound routes wait in order. */
void user_park(struct user *u);
void user_unpark(struct user *u);
bool user_is_parked(const struct user *u); /* or not loaded yet, or others wait still */

/* A change of this account went into commit `seq`: the stanza being handled is not settled before
 * it. */
void user_wrote(struct user *u, uint64_t seq);
/* What was written since commit `from` failed: its accounts are loaded anew. */
void users_lost(struct owner *o, uint64_t from);
/* All its changes are durable. */
bool user_is_clean(const struct user *u);
/* Leaves now, or behind the uncommitted changes of this account: a stanza to a session of it (only
 * while that is there) ... */
void user_push(struct user *u, struct session *s, struct mn_stanza *st);
/* ... or to anybody; what its sessions send there goes behind it. Both take over the reference. */
void user_send(struct user *u, struct mn_stanza *st);
/* ... or any act. Dropped when the commit fails, unless `on_failure`. */
void user_act(struct user *u, struct wait *w);

/* Reads one value of the account, behind all that it has written; `done` frees the read. */
void user_read(struct user *u, const char *store, mn_str key, void (*done)(struct store_read *r),
               void *arg);

/* Is it still the account, with the password, that it was at that moment (owner->accounts_changed
 * of then)? */
bool user_is_of(const struct user *u, uint64_t moment);

/* The account is new: from now on it exists (the caller has written it). */
void user_created(struct user *u);
/* It has another password (the caller has written it): whoever is about to log in by the old one
 * does not. When that is durable the sessions end. */
void user_rekeyed(struct user *u);
void user_reset(struct user *u, const struct session *except);
/* From now on nobody logs in to it, and its sessions end; or again somebody may. */
void user_disable(struct user *u, bool disabled);
/* Everything of the account goes: sessions end, contacts are told, storage is dropped. */
void user_remove(struct user *u, struct session *except);
void user_free(struct user *u);

/* Keys of the store "user". */
#define USER_STORE "user"
#define USER_ACCOUNT "account"   /* when it was made */
#define USER_DISABLED "disabled" /* since when */
#define USER_VERSION "roster"
#define USER_ITEM "r/" /* and the contact's bare JID */

/* The roster (RFC 6121, 2) and who of it is there (4). It is fetched after each login (unless
 * `no_roster`), kept in step
 * by pushes that come from the own server and no one else, and only changes are fetched where the
 * server has versions. */
#pragma once

#include "mynah/iq.h"
#include "mynah/presence.h"

MYNAH_BEGIN

/* Who sees whose presence (RFC 6121, 2.1.2.5). */
enum mynah_subscription {
    MYNAH_NEITHER,
    MYNAH_TO,   /* we see them */
    MYNAH_FROM, /* they see us */
    MYNAH_BOTH
};

/* Lent until the roster changes, that is: until the next call-back or turn. */
struct mynah_contact {
    const char *jid, *name; /* bare as a rule; NULL: no name */
    enum mynah_subscription subscription;
    bool asked;    /* we asked and were not answered yet */
    bool approved; /* will be granted when they ask */
    const char *const *groups;
    size_t group_count;
    bool added; /* inside `changed`: it was not in the roster before */
};

/* One of somebody's programs. */
struct mynah_resource {
    const char *jid; /* full; bare of a gateway and its people */
    enum mynah_show show;
    const char *status; /* or NULL */
    int priority;
    const struct mynah_elem *xml; /* the presence that said so */
};

/* What happens to it; each may be NULL. */
struct mynah_roster_calls {
    size_t size;
    void (*ready)(void *arg, struct mynah_client *c); /* the whole roster is there */
    void (*changed)(void *arg, struct mynah_client *c,
                    const struct mynah_contact *k); /* or is new */
    void (*removed)(void *arg, struct mynah_client *c, const char *jid);
    /* Inside, mynah_roster_resource knows of it already. `r->show` MYNAH_UNAVAILABLE: it went; `k`
     * NULL: one of our own account's other programs. */
    void (*presence)(void *arg, struct mynah_client *c, const struct mynah_contact *k,
                     const struct mynah_resource *r);
    /* Somebody asks to see us: answer by mynah_subscription_send. `text` may be NULL. */
    void (*asked)(void *arg, struct mynah_client *c, const char *from, const char *text);
    /* What somebody did with a subscription: MYNAH_SUBSCRIBED, MYNAH_UNSUBSCRIBE,
     * MYNAH_UNSUBSCRIBED. */
    void (*told)(void *arg, struct mynah_client *c, const char *from,
                 enum mynah_presence_type what);
    /* The server did not give the roster (MYNAH_E_STANZA with its condition, MYNAH_E_TIMEOUT): it
     * is as it was, and not ready. A lost session is told by `state` alone. */
    void (*failed)(void *arg, struct mynah_client *c, const struct mynah_error *why);
};
/* Hears of it. */
MYNAH_API struct mynah_listener *
mynah_roster_listen(struct mynah_client *c, const struct mynah_roster_calls *calls, void *arg);

/* Asks for it by hand: with `no_roster`, or once more; told by `ready` or `failed`, as what is
 * under way is. MYNAH_E_STATE: not online. */
MYNAH_API int mynah_roster_fetch(struct mynah_client *c);
/* What a later run of the program needs to know the contacts before it has logged in, and to fetch
 * only changes then; as of mynah_client_save, *out is the program's (mynah_free). To be saved anew
 * when something of it changed (`ready`, `changed`, `removed`). Restored before connecting, of
 * which nothing is told; MYNAH_E_FORMAT: it is none of this account, MYNAH_E_STATE: it has
 * connected. */
MYNAH_API void mynah_roster_save(struct mynah_client *c, void **out, size_t *n);
MYNAH_API int mynah_roster_restore(struct mynah_client *c, const void *saved,
                                   size_t n) MYNAH_MUST_CHECK;
/* It has come since the login; how many contacts it has. */
MYNAH_API bool mynah_roster_is_ready(struct mynah_client *c);
MYNAH_API size_t mynah_roster_count(struct mynah_client *c);
/* In the order of their addresses; NULL: there are not so many. */
MYNAH_API const struct mynah_contact *mynah_roster_at(struct mynah_client *c, size_t i);
/* Exactly that address, else its bare one; NULL: it is not in the roster. */
MYNAH_API const struct mynah_contact *mynah_roster_find(struct mynah_client *c, const char *jid);
/* Whether it is of our own account, or of a contact that sees our presence; on the link-local
 * network all see it. Others are not to learn that we are there, by receipts for instance. */
MYNAH_API bool mynah_roster_sees(struct mynah_client *c, const char *jid);
/* Those of a bare address (a contact's, or our own) that are there, the one that messages reach
 * first (highest priority, then latest) at 0; NULL: not so many. */
MYNAH_API const struct mynah_resource *mynah_roster_resource(struct mynah_client *c,
                                                             const char *bare, size_t i);

/* Adds, or replaces name and groups; `done` may be NULL. What changed comes by `changed`. */
MYNAH_API struct mynah_request *mynah_roster_set(struct mynah_client *c, const char *jid,
                                                 const char *name, const char *const *groups,
                                                 size_t group_count, mynah_iq_done *done,
                                                 void *arg);
/* Takes him out; ends both subscriptions too. `done` may be NULL. */
MYNAH_API struct mynah_request *mynah_roster_remove(struct mynah_client *c, const char *jid,
                                                    mynah_iq_done *done, void *arg);

MYNAH_END

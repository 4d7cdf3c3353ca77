/* Presence (RFC 6121, 4) and subscriptions (3). */
#pragma once

#include "mynah/client.h"

MYNAH_BEGIN

/* Whether somebody may be spoken to (RFC 6121, 4.7.2.1). */
enum mynah_show {
    MYNAH_AVAILABLE,
    MYNAH_CHATTY, /* "chat" */
    MYNAH_AWAY,
    MYNAH_XA,  /* away for long */
    MYNAH_DND, /* does not want to be disturbed */
    MYNAH_UNAVAILABLE
};
/* RFC 6121, 4.7.1. */
enum mynah_presence_type {
    MYNAH_PRESENCE, /* available or not: `show` says */
    MYNAH_SUBSCRIBE,
    MYNAH_SUBSCRIBED,
    MYNAH_UNSUBSCRIBE,
    MYNAH_UNSUBSCRIBED,
    MYNAH_PRESENCE_ERROR,
    MYNAH_PROBE /* a server asks a component for the presence of `to`, or a component somebody's
                   server (RFC 6121, 4.3) */
};

/* One that came; lent. */
struct mynah_presence {
    enum mynah_presence_type type;
    const char *from;
    enum mynah_show show;
    const char *status; /* or NULL */
    int priority;
    const struct mynah_error *error;
    const struct mynah_elem *xml;
    const char *to; /* whom it is for: a component has many addresses; NULL: not said */
};

/* The account's presence, from now on and after each new login. Before the first call nothing is
 * sent, and others do not see that the account is online. `status` may be NULL, `priority` is -128
 * to 127 (RFC 6121, 4.7.2.3). */
MYNAH_API void mynah_presence_set(struct mynah_client *c, enum mynah_show show, const char *status,
                                  int priority);
/* As it was set last, whoever did that; MYNAH_UNAVAILABLE before. */
MYNAH_API enum mynah_show mynah_presence_shown(const struct mynah_client *c);
/* To one address only, with more inside: *payload is taken, NULL inside or altogether: nothing.
 * MYNAH_E_STATE: not online. */
MYNAH_API int mynah_presence_send(struct mynah_client *c, const char *to, enum mynah_show show,
                                  const char *status, struct mynah_elem **payload);
/* One more element in each presence that goes out by itself, in the place of an earlier one of the
 * same name and namespace; takes it. */
MYNAH_API void mynah_presence_add(struct mynah_client *c, struct mynah_elem **payload);
/* Takes such an element out again. */
MYNAH_API void mynah_presence_drop(struct mynah_client *c, const char *name, const char *ns);
/* Asks, grants, ends, refuses or takes back a subscription (RFC 6121, 3), or asks for presence
 * (MYNAH_PROBE: what components may). Subscriptions are those of `to` without its resource. `text`
 * may be NULL. Kept until the server has it.
 * MYNAH_E_ARGUMENT: no address, or another type. */
MYNAH_API int mynah_subscription_send(struct mynah_client *c, const char *to,
                                      enum mynah_presence_type type, const char *text);

MYNAH_END

/* Presence and subscriptions (RFC 6121, 3 and 4): what a session says of itself, and what others
 * say to an account. */
#pragma once

#include "server/router.h"

/* From a session, stamped: broadcast, directed, or a subscription. Takes over the reference. */
void presence_out(struct session *s, struct mn_stanza *st);
/* To an account of this owner; r->user is set and loaded, and exists. Settles the route. */
void presence_in(struct route *r);
/* A session ends: whoever saw it available is told. */
void presence_end(struct session *s);
/* An account is being removed: the sessions left say that they are unavailable, while the roster is
 * still there. */
void presence_end_all(struct user *u);
/* A roster item changed: written (its version with it), and pushed to the interested sessions.
 * `removed`: flags are 0. */
void presence_item_changed(struct user *u, const struct roster_item *item, bool push);
/* Nobody more goes into the roster proper. Strangers who ask do not count: they have a limit of
 * their own, so that they shut nobody out. */
bool presence_roster_full(const struct user *u);
/* Who may know of an account's resources: itself and its subscribers (and see directed.h). */
bool presence_subscriber(const struct user *u, const struct mn_jid *who);
/* A presence, flattened. */
struct flat *presence_flat(mn_str id, mn_str lang, mn_str payload);
/* An answer on the account's behalf, to the bare address of who sent `st`. */
void presence_answer(struct user *u, const struct mn_stanza *st, enum mn_type type);
/* A contact loses sight of all resources. */
void presence_hide(struct user *u, const struct mn_jid *contact);
/* ... or sees them all. */
void presence_show(struct user *u, const struct mn_jid *contact);
/* Somebody loses sight of one. */
void presence_hide_from(struct session *s, const struct mn_jid *to);

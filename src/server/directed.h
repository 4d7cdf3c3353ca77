/* Directed presence (RFC 6121, 4.6): who got it from a session, and hears of its end. */
#pragma once

#include "server/router.h"

/* False: too many already, so that they could not be told of the end. */
bool directed_note(struct session *s, const struct mn_jid *to);
void directed_forget(struct session *s, const struct mn_jid *to);
void directed_free(struct session *s);
/* Everyone who got it is told by `st` (4.6.3). */
void directed_end(struct session *s, struct mn_stanza *st);
/* One after the other; *at starts at 0. */
bool directed_next(const struct session *s, size_t *at, mn_str *jid);
/* This address got it, or the account or room that it belongs to. */
bool directed_to(const struct session *s, const struct mn_jid *who);
/* The same, or another address of that account or room: who joined a room under a name shares
 * presence with the room and all who are in it. */
bool directed_near(const struct session *s, const struct mn_jid *who);
/* Who is blocked now hears of its end, and no more of the account's sessions. */
void directed_hide_blocked(struct user *u);

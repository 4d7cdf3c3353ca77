/* How many of a session's stanzas are settled, for its client to hear when it cannot go on: after a
 * crash (decision D3), for which it is written within the commit that stores a message of it, so it
 * never says more than is on the disk and misses no message that is; and when its time is over
 * (XEP-0198, 5). */
#pragma once

#include "server/session.h"

struct handled; /* of a session that can be resumed; its tickets name it, on other loops too */

/* The session is known by its SM-ID from now on. */
void handled_begin(struct session *s, const char *id);
/* Another SM-ID: one that was restored. */
void handled_rename(struct session *s, const char *id);
/* Its count may have grown. Accepts a session without. */
void handled_settled(struct session *s);
/* What this route carries is stored in the commit of this turn; the route waits for that. */
void handled_stored(struct owner *o, struct route *r);
/* Its count is on the disk by the commit of this turn: nothing else there says it any more. */
void handled_write(struct owner *o, struct session *s);
/* A route came home whose message was stored. */
void handled_home(struct owner *o, const struct ticket *t);
/* The session is about to end without its client, who may ask later. */
void handled_over(struct session *s);
/* The session ends: nothing that counts for a crash is left. */
void handled_end(struct owner *o, struct session *s);
void handled_free(struct session *s);
/* The account goes, in the commit of this turn. */
void handled_drop(struct owner *o, mn_str bare);

/* Calls back, later, with what is known of a session that is not there any more. */
typedef void handled_fn(void *arg, bool known, uint32_t h);
void handled_ask(struct owner *o, mn_str bare, mn_str id, handled_fn *then, void *arg);
/* At the start, where no session counts on it: drops what nobody has added to for a day. */
void handled_sweep(struct owner *o);

/* Whom an account does not want to hear of (XEP-0191): asked where stanzas leave its sessions and
 * where they come in, and when presence is sent. Loaded with the account. */
#pragma once

#include "server/user.h"

#define USER_BLOCKED "b/" /* and the address: key in the store "user" */

struct blocklist;

/* Nobody's own resources and server are. */
bool block_hits(const struct user *u, const struct mn_jid *who);
/* In memory alone: the caller stores it. False: it was (or was not) there already. */
bool block_add(struct user *u, mn_str jid);
bool block_del(struct user *u, mn_str jid);
size_t block_count(const struct user *u);
/* The addresses, one after the other; *at starts at 0. */
bool block_next(const struct user *u, size_t *at, mn_str *jid);
void block_free(struct user *u);
/* What a stanza to somebody who is blocked is answered with; NULL: nothing. */
struct mn_stanza *block_error(const struct mn_stanza *st);

/* What stands on the disk of a session that was written down over a restart (sm_keep.c), and how it
 * leaves: when its client is back and has acknowledged all of it, or the session has ended and all
 * is where it belongs; until then a crash leaves what there was before. Owner's store "sm":
 *
 *   SM-ID       the record
 *   SM-ID/N     its message number N (as `sm->sent` counts) needs no way back to the account any
 *               more: a session has acknowledged it, or the account has it
 *   SM-ID/end   the session has ended, or went on; the messages without such a row go on to the
 *               account
 *
 * The index "sm" of the host names them all. All rows go together, in one commit. */
#pragma once

#include "server/router.h"
#include "server/sm.h"

/* The record: version, then numbers of 8 bytes as this machine has them, and texts as length and
 * bytes. A message that several sessions of the account have stands in the record of each with the
 * same number. */
enum { SM_RECORD_VERSION = 4, SM_RECORD_OLDEST = 2 };
enum { SM_AVAILABLE = 1, SM_INTERESTED = 2, SM_CARBONS = 4, SM_BLOCKLIST = 8 };
/* Of a message: nobody else has it, or somebody has acknowledged it; anything else is the number of
 * those who share it. */
enum { SM_ALONE, SM_HAD };

struct sm_move; /* the messages of a session that has ended, on their way to the account */

/* Instead of what was there; in the commit of this turn, like all that follows. */
void sm_record_write(const struct session *s, mn_str record);
void sm_record_drop(struct user *u, mn_str id);
/* The session is about to go on: its record goes, or stays for the messages alone. True: that is
 * done, or cannot be (SM_RECORD_STUCK): after a crash it would be there with counts of before. */
bool sm_record_over(struct session *s);
/* Message `at` of that record is this one. */
void sm_record_place(struct sm_shared *shared, mn_str id, uint32_t at);
void sm_record_places_free(struct sm_shared *shared);
/* A session has acknowledged this, which stands in a record: so says every one that it stands in.
 */
void sm_record_had(struct sm *m, const struct sm_item *item);
/* And when it has acknowledged all that stands in its own, which is there still, that one goes. */
void sm_record_all_had(struct sm *m);

/* The session with this queue has ended. NULL: nothing is left of it. */
struct sm_move *sm_move_new(const struct sm *m, struct user *u);
/* What its message `at` travels with; accepts NULL. */
struct ticket *sm_move_ticket(struct sm_move *m, uint32_t at);
/* Message `at` needs no way; accepts NULL. */
void sm_move_leave(struct sm_move *m, uint32_t at);
/* All messages have set off. Accepts NULL. */
void sm_move_end(struct sm_move *m);
/* What travels with this ticket comes out of a record: it is on the disk. Accepts NULL, as do those
 * below, and any other ticket. */
bool sm_is_recorded(const struct ticket *t);
/* It goes to where it belongs by the commit of this turn, and its row with it ... */
void sm_move_stored(const struct ticket *t);
/* ... and is there. */
void sm_moved(struct ticket *t);
/* The commit failed: once more in a while, with what is to stand behind it. False: it is of no
 * session that has ended, and is refused to its sender, who is told. */
bool sm_move_again(struct route *r);
/* Something before it waits for that: it does so too. */
bool sm_move_waits(struct route *r);

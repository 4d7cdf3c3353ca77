/* What was said: one SQLite file with full-text search that finds words of two Chinese characters.
 * Several programs may have it open. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct im_history;

struct im_said {
    int64_t number;       /* grows; set when it is added */
    mn_str account, peer; /* bare addresses; a room's is a peer too */
    mn_str who;           /* full address of who said it, or a nickname in a room */
    mn_str id;            /* of the message, or empty */
    mn_str body;
    int64_t at; /* ms since 1970 */
    bool ours;
    int sent;   /* enum mynah_sent; of what is ours */
    bool again; /* it may be one of before, told once more: its id alone counts */
};

/* $XDG_DATA_HOME/mynah/history.db, or ~/.local/share/mynah/history.db; in `a`. */
const char *im_history_path(struct mn_arena *a);
/* Made with its folders where it is not there, for its owner alone. MN_E_IO, MN_E_FORMAT (made by a
 * newer version): `why` says what. */
int im_history_open(const char *path, struct im_history **out, struct mn_buf *why) MN_MUST_CHECK;
void im_history_close(struct im_history *h); /* accepts NULL */

/* What was changed since the last call is one change on the disk, and seen by others; to be called
 * when a turn of the program is over. MN_E_IO: nothing of it is kept. */
int im_history_keep(struct im_history *h) MN_MUST_CHECK;
/* The same by a thread of its own, which waits for the disk: `*fd` can be read when it is done, -1:
 * it is. Whatever else is called before waits for it. MN_E_IO: nothing is kept of what was begun to
 * be kept before, or of this. */
int im_history_keep_aside(struct im_history *h, int *fd) MN_MUST_CHECK;
bool im_history_keeping(struct im_history *h); /* it is not done */
/* When it is: something could not be kept, which the next call of those two tells. */
bool im_history_failed(const struct im_history *h);

bool im_history_is_changed(const struct im_history *h); /* something is to be kept */

/* MN_E_EXISTS: a message of that id from the same sender is there already (a copy from an archive,
 * a carbon of what is ours). One that says something else is another one, kept without its id: some
 * programs begin to count anew each time they start. */
int im_history_add(struct im_history *h, struct im_said *m) MN_MUST_CHECK;
/* How far one of ours came; never back. */
int im_history_sent(struct im_history *h, mn_str account, mn_str id, int sent) MN_MUST_CHECK;

/* Another text in the place of what has that number; nothing happens when there is none. */
int im_history_correct(struct im_history *h, int64_t number, mn_str body) MN_MUST_CHECK;

struct im_history_query {
    mn_str account, peer; /* empty: all */
    mn_str words;         /* all of them have to be in it; empty: no matter */
    int64_t before;       /* number; 0: the newest */
    size_t limit;
};
/* The newest that fit, told oldest first; texts are lent. */
int im_history_each(struct im_history *h, const struct im_history_query *q,
                    void (*each)(void *arg, const struct im_said *m), void *arg) MN_MUST_CHECK;
/* Where somebody stopped in a talk. */
struct im_place {
    mn_str account, peer;
    mn_str draft;   /* written and not said; or empty */
    mn_str nick;    /* of a room: ours; else empty */
    mn_str mark;    /* XML of the message whose sender waits to hear that it was seen; or empty */
    int64_t seen;   /* number of the last that was before somebody's eyes; 0: nothing was */
    int64_t unread; /* of others, behind that: counted */
    bool inside;    /* of a room: it was not left */
};
/* What stands there is replaced; `seen` goes never back. There is one for each talk in which
 * anything was said. */
int im_history_place_set(struct im_history *h, const struct im_place *p) MN_MUST_CHECK;
/* The talk goes on under another address, with its place and what was said in it behind that
 * number.
 */
int im_history_move(struct im_history *h, mn_str account, mn_str peer, mn_str now,
                    int64_t after) MN_MUST_CHECK;
/* Those of an account, `peer` empty: all. Texts are lent. */
int im_history_places(struct im_history *h, mn_str account, mn_str peer,
                      void (*each)(void *arg, const struct im_place *p), void *arg) MN_MUST_CHECK;

/* Of several programs that have it open one goes on with the sessions of an earlier run, and keeps
 * its own: true for the first that asks, until it ends. */
bool im_history_claim(struct im_history *h);
/* A text of an account's, by a name, in the place of the one before; what is there, in `a`:
 * MN_E_NOT_FOUND. */
int im_history_put(struct im_history *h, mn_str account, mn_str name, mn_str text) MN_MUST_CHECK;
int im_history_get(struct im_history *h, mn_str account, mn_str name, struct mn_arena *a,
                   mn_str *out) MN_MUST_CHECK;

/* The text as the index has it: letters in lower case, runs of ideographs as pairs. For tests. */
void im_history_tokens(mn_str text, bool query, struct mn_buf *out);

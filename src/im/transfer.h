/* Files on their way: what a person sends from the disk, and what others send to it. Names are made
 * safe, nothing is overwritten, room is looked for, what came is looked at (its hash), and what
 * broke off goes on where it stopped when the other side can. On the context's thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "mynah/mynah.h"

struct im_transfer;
struct im_transfer_calls {
    void (*progress)(void *arg, struct im_transfer *t); /* of bytes; may be NULL */
    /* The last call, exactly one; it is gone then. NULL: it has arrived, at `path`. */
    void (*done)(void *arg, struct im_transfer *t, const struct mynah_error *error);
};
struct im_transfer {
    struct mynah_file *file;
    char *peer; /* full address */
    char *name; /* fit to be shown and to be a file's */
    char *path; /* where it is read, where it came to; NULL: not yet */
    bool ours;
    uint64_t bytes, length, begin; /* `begin`: so much was there already */
    unsigned number;               /* its own for this run of the program; from 1 */
    void *arg;                     /* of the calls */

    const struct im_transfer_calls *calls;
    int fd;
    char *part, *folder, *md5;
    bool range;
    int error; /* errno of what ended it here */
};

/* Whether there is such a file to be sent; as im_transfer_send says. */
int im_transfer_look(const char *path, struct mn_buf *why) MN_MUST_CHECK;
/* Offers a file to a full address. With `hash` all of it is read first, so that the other side can
 * look at what came and may go on after a break. MN_E_NOT_FOUND, MN_E_DENIED, MN_E_IO (no
 * file to be read), MN_E_CLOSED (no full address, or no session): `why` says what; no call comes
 * then. */
int im_transfer_send(struct mynah_client *c, const char *to, const char *path, const char *desc,
                     bool hash, const struct im_transfer_calls *calls, void *arg,
                     struct im_transfer **out, struct mn_buf *why) MN_MUST_CHECK;
/* One that is offered (mynah_file_offered); it waits for one of the next two. `shown`: its name as
 * it may stand on a screen. */
struct im_transfer *im_transfer_offered(struct mynah_file *f, const struct mynah_file_info *info,
                                        const char *shown, const struct im_transfer_calls *calls,
                                        void *arg);
/* Into that folder. MN_E_FULL: no room there; MN_E_BUSY: it is coming already; and those of files:
 * `why` says what. It is declined and gone then, without a call. */
int im_transfer_accept(struct im_transfer *t, const char *folder, struct mn_buf *why) MN_MUST_CHECK;
void im_transfer_decline(struct im_transfer *t); /* gone, without a call */
void im_transfer_cancel(struct im_transfer *t);  /* `done` comes inside */

/* Where somebody takes files: the first of their resources that can, told to `found` once: a full
 * address, or NULL. For a full address `found` gets that one. */
void im_transfer_find(struct mynah_client *c, const char *jid,
                      void (*found)(void *arg, const char *full), void *arg);
/* A name from outside as one for a file: no path, no control, not hidden, not longer than 200
 * bytes. Malloc'd. */
char *im_transfer_name(const char *offered);
/* "1.2 MiB"; in `out`. */
const char *im_transfer_size(uint64_t bytes, char out[16]);

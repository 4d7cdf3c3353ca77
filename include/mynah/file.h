/* Files from client to client: offered with what is to be known of them (XEP-0095, XEP-0096), sent
 * by a byte stream that both sides can (mynah/bytestream.h). The library opens no files: the
 * program reads and writes, here and there some bytes, at once. */
#pragma once

#include "mynah/bytestream.h"

MYNAH_BEGIN

struct mynah_file; /* one transfer */

/* What is said of a file before it goes. */
struct mynah_file_info {
    size_t size;                   /* of this struct */
    const char *name;              /* of one that came: never a path */
    uint64_t length;               /* bytes */
    const char *mime, *desc, *md5; /* the hash in hex; or NULL */
    int64_t changed_at;            /* ms since 1970; 0: not known */
    bool range;                    /* a part of it may be asked for */
    bool hash; /* sending, without `md5`: the library makes it, and reads all of the file for that,
                  a piece a turn, before it is offered */
};

/* How its bytes go, and its end. What sends needs `read`, what receives `write`. */
struct mynah_file_calls {
    size_t size;
    /* Sending: puts `n` bytes that stand at `at` into `p`, and says how many those were: less ends
     * the transfer. Receiving: the bytes that are there already (mynah_file_accept). */
    size_t (*read)(void *arg, struct mynah_file *f, uint64_t at, void *p, size_t n);
    /* Receiving, in order; false ends the transfer. */
    bool (*write)(void *arg, struct mynah_file *f, uint64_t at, const void *p, size_t n);
    /* `bytes` of `all` that are to go have gone (into the stream, when sending). May be NULL. */
    void (*progress)(void *arg, struct mynah_file *f, uint64_t bytes, uint64_t all);
    /* The last call, exactly one; the transfer is gone then. MYNAH_E_STANZA: `condition` says why
     * it was refused ("forbidden": by a person); MYNAH_E_MISSING: no way that both sides can;
     * MYNAH_E_FORMAT: not the bytes that were announced; MYNAH_E_IO: read or write said so; and
     * those of byte streams. */
    void (*done)(void *arg, struct mynah_file *f, const struct mynah_error *error);
};

/* Offers it to a full address. `methods`: MYNAH_SOCKS5 | MYNAH_IBB, 0 for both; they are tried in
 * this order. `options` may be NULL; their sid is not used. NULL, and no call comes: no stream of
 * the client is open, `to` is no address, the name or the length is missing. */
MYNAH_API struct mynah_file *mynah_file_send(struct mynah_client *c, const char *to,
                                             const struct mynah_file_info *info, unsigned methods,
                                             const struct mynah_bytestream_options *options,
                                             const struct mynah_file_calls *calls, void *arg);

/* What others offer: the program accepts or declines each, at once or later; `info` is lent. NULL
 * takes it out: all are declined. Announced by disco. */
typedef void mynah_file_offered(void *arg, struct mynah_client *c, struct mynah_file *f,
                                const struct mynah_file_info *info);
MYNAH_API void mynah_file_serve(struct mynah_client *c, mynah_file_offered *offered, void *arg);
/* From `offset` on (only when a range is allowed, else 0). Then the part before is read from the
 * program first, a piece a turn, when it has such a call, so that the hash of the whole can be
 * looked at. */
MYNAH_API void mynah_file_accept(struct mynah_file *f, uint64_t offset, unsigned methods,
                                 const struct mynah_file_calls *calls, void *arg);
/* Says no; the handle is gone. */
MYNAH_API void mynah_file_decline(struct mynah_file *f, const char *text); /* text: or NULL */

/* Ends it; `done` comes inside. */
MYNAH_API void mynah_file_cancel(struct mynah_file *f);
/* With whom; lent with the handle. */
MYNAH_API const char *mynah_file_peer(const struct mynah_file *f); /* full address */
/* What carries it, an enum mynah_bytestream_kind; 0: nothing yet. */
MYNAH_API unsigned mynah_file_method(const struct mynah_file *f);

MYNAH_END

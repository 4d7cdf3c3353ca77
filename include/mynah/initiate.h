/* Stream initiation (XEP-0095): what a byte stream is to be about is agreed on before it is opened.
 * A profile, named by its namespace, says what an offer and its answer hold. Files have functions
 * of their own (mynah/file.h), which stand on these. */
#pragma once

#include "mynah/bytestream.h"
#include "mynah/iq.h"

MYNAH_BEGIN

/* An offer. */
struct mynah_initiation {
    size_t size;
    const char *profile;
    const char *id;   /* that the stream will have; NULL, to be sent: a new one */
    const char *mime; /* of what comes; NULL: not said */
    unsigned methods; /* bits of enum mynah_bytestream_kind; to be sent, 0: all; of what came: those
                         that we know, at least one */
    /* Of what came: the <si/>, in which the profile's elements are. */
    const struct mynah_elem *xml;
};

/* Offers to a full address, with an element of the profile (taken; NULL, or NULL inside: none). The
 * answer says by which method: then open a stream of that kind with `id` as its sid
 * (mynah_bytestream_open). `si` may hold the profile's answer. MYNAH_E_FORMAT: the answer takes
 * nothing that was offered; else `error` says why not ("forbidden": by a person; `special`
 * "bad-profile": it is not known there). MYNAH_E_ARGUMENT, told inside the call, and NULL returned:
 * no profile. */
typedef void mynah_initiate_done(void *arg, struct mynah_client *c, const char *id,
                                 enum mynah_bytestream_kind method, const struct mynah_elem *si,
                                 const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_initiate(struct mynah_client *c, const char *to,
                                               const struct mynah_initiation *offer,
                                               struct mynah_elem **about, mynah_initiate_done *done,
                                               void *arg);

/* An offer of that profile came: the program answers `q` by one of the two below, at once or later;
 * `i` is lent for the call, its texts as long as `q`. The stream that follows comes to
 * mynah_bytestream_serve. NULL takes it out. Announced by disco. */
typedef void mynah_initiate_offered(void *arg, struct mynah_client *c, struct mynah_ask *q,
                                    const struct mynah_initiation *i);
MYNAH_API void mynah_initiate_serve(struct mynah_client *c, const char *profile,
                                    mynah_initiate_offered *offered, void *arg);
/* Yes, by that method, with an element of the profile (taken; NULL, or NULL inside: none). Takes
 * the question. */
MYNAH_API void mynah_initiate_accept(struct mynah_ask **q, enum mynah_bytestream_kind method,
                                     struct mynah_elem **about);
/* No: `special` NULL, a person says so; "no-valid-streams": none of the methods will do;
 * "bad-profile": what it says is not understood. `text` may be NULL. Takes the question. */
MYNAH_API void mynah_initiate_refuse(struct mynah_ask **q, const char *special, const char *text);

MYNAH_END

/* The bytes of an XML stream, cut where its elements end: for people who read them. It trusts
 * nothing: what is no XML comes out in pieces all the same. */
#pragma once

#include "base/buf.h"

enum { WIRE_PIECE_MAX = 65536 };

struct wire {
    struct mn_buf piece; /* what came of it so far */
    int nested;          /* elements that are open below the stream */
    size_t tag;          /* where a tag begins in the piece, + 1; 0: outside of tags */
    char quote;          /* inside of an attribute's value */
};

/* Each whole piece is told: a stream's header or end, an element with all that is in it. Lent. */
void wire_feed(struct wire *w, mn_str bytes, void (*tell)(void *arg, mn_str piece), void *arg);
void wire_done(struct wire *w);

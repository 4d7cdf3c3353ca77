/* Bits of binary data (XEP-0231): a picture in a form, a smiley. A Content-ID names them, as in
 * "cid:sha1+...@bob.xmpp.org"; they come along with what speaks of them, or are asked for. */
#pragma once

#include "mynah/iq.h"

MYNAH_BEGIN

/* What a Content-ID stands for. Lent where it is told; the bytes are the program's where a function
 * returns them. */
struct mynah_bits {
    const void *bytes;
    size_t count;
    const char *type; /* "image/png", as the sender has it; or NULL */
    int max_age;      /* seconds that it may be kept; 0: not at all; -1: not said */
};
/* Those of that Content-ID (with or without "cid:") among the children of `around`; mynah_free the
 * bytes. False: it is not there, is no base64, is more than a megabyte, or not what its hash
 * (SHA-1, SHA-256, SHA-512) says. */
MYNAH_API bool mynah_bits_read(const struct mynah_elem *around, const char *cid,
                               struct mynah_bits *out) MYNAH_MUST_CHECK;
/* Asks who spoke of it. MYNAH_E_FORMAT: what came is not that. */
typedef void mynah_bits_done(void *arg, struct mynah_client *c, const struct mynah_bits *bits,
                             const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_bits_get(struct mynah_client *c, const char *jid,
                                               const char *cid, mynah_bits_done *done, void *arg);

MYNAH_END

/* Bytes as text: base64 (RFC 4648, section 4) and digests, as XMPP has them everywhere. What
 * functions make is the program's (mynah_free). */
#pragma once

#include "mynah/base.h"

MYNAH_BEGIN

/* Base64, in one line. */
MYNAH_API char *mynah_base64(const void *p, size_t n);
/* The bytes, of which there are *n, with a NUL behind them that does not count; NULL: it is no
 * base64 as XMPP has it (RFC 6120, 13.9.1): no white space, nothing missing or left over. */
MYNAH_API void *mynah_base64_read(const char *text, size_t *n);

/* MD5 and SHA-1 are for protocols that ask for them; neither keeps anybody from forging. */
enum mynah_digest { MYNAH_MD5, MYNAH_SHA1, MYNAH_SHA256, MYNAH_SHA512 };
/* In hex, lower case. */
MYNAH_API char *mynah_digest(enum mynah_digest digest, const void *p, size_t n);

MYNAH_END

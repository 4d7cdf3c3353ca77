/* Certificates that we make ourselves: a local CA, and one certificate per domain signed by it
 * (ECDSA P-256, SHA-256). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { MN_CERT_RENEW_DAYS = 30 };
struct mn_cert_files {
    const char *ca, *cert, *key; /* paths, in the arena */
};
/* In `dir` (made when it is not there): ca.crt, ca.key, NAME.crt (with chain), NAME.key. What is
 * there and valid for MN_CERT_RENEW_DAYS more stays; what is there and cannot be read is named in
 * `why` and left alone (MN_E_DENIED). `name` as A-label. */
int mn_cert_local(const char *dir, mn_str name, struct mn_arena *a, struct mn_cert_files *out,
                  struct mn_buf *why) MN_MUST_CHECK;

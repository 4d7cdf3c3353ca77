/* TLS contexts: certificate, key and policy, shared by connections. Nothing here or above shows an
 * OpenSSL type. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct mn_tls;

/* Server side: a PEM chain and its key. On failure `why` says what to do. TLS 1.2 and up, no
 * tickets, no renegotiation. */
int mn_tls_server(const char *cert_file, const char *key_file, struct mn_tls **out,
                  struct mn_buf *why) MN_MUST_CHECK;
/* Client side. `ca_file` NULL: the peer is not verified. `max12`: at most TLS 1.2 (tests). */
int mn_tls_client(const char *ca_file, bool max12, struct mn_tls **out,
                  struct mn_buf *why) MN_MUST_CHECK;
struct mn_tls *mn_tls_ref(struct mn_tls *t);
void mn_tls_unref(struct mn_tls *t);
/* When its certificate ends, in ms since 1970. */
int64_t mn_tls_expires(const struct mn_tls *t);
/* The client names a host (SNI): `pick` returns the context for it (lent), or NULL to stay with
 * this one. */
void mn_tls_pick(struct mn_tls *t, struct mn_tls *(*pick)(void *arg, mn_str name), void *arg);

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
/* Its connections ask for a certificate of the client's, too, which must come from one of those in
 * `ca_file` (PEM; trusted for this as they stand there, roots or not), and is not to be in a CRL
 * that stands there as well. What comes of it is for mn_conn_addresses: the handshake ends well
 * without one, and with a bad one. */
int mn_tls_ask(struct mn_tls *t, const char *ca_file, struct mn_buf *why) MN_MUST_CHECK;
/* The certificates of CAs that contexts of clients share: read when they are first wanted, and anew
 * by who wants them when their files have changed. Of one thread; contexts outlive it. */
struct mn_trust;
struct mn_trust *mn_trust_new(void);
void mn_trust_free(struct mn_trust *t); /* accepts NULL */
enum mn_verify {
    MN_VERIFY_REQUIRE, /* a certificate that does not verify ends the handshake */
    MN_VERIFY_NOTE, /* the handshake ends well; mn_conn_cert says what was wrong, before a byte of
                       ours */
    MN_VERIFY_NONE,
};
struct mn_tls_client {
    enum mn_verify verify;
    const char *ca_file;              /* PEM; NULL: the system's */
    struct mn_trust *trust;           /* has them; NULL: they are read for this one alone */
    const char *cert_file, *key_file; /* our own, for SASL EXTERNAL; NULL: none */
    bool direct;                      /* no STARTTLS before: says xmpp-client by ALPN (XEP-0368) */
    bool max12;                       /* at most TLS 1.2 (tests) */
};
/* Client side. The name given to mn_conn_start_tls is looked for as RFC 6120 13.7.1.2 and RFC 9525
 * say: DNS names (a wildcard as the whole first label), SRV names for _xmpp-client, addresses;
 * never the common name. On failure `why` says what to do. */
int mn_tls_client(const struct mn_tls_client *conf, struct mn_tls **out,
                  struct mn_buf *why) MN_MUST_CHECK;
struct mn_tls *mn_tls_ref(struct mn_tls *t);
void mn_tls_unref(struct mn_tls *t);
/* When its certificate ends, in ms since 1970. */
int64_t mn_tls_expires(const struct mn_tls *t);
/* Why clients may refuse its certificate as that of the domain `name` (A-label); nothing when they
 * have no reason that is seen from here. */
void mn_tls_doubts(const struct mn_tls *t, const char *name, struct mn_buf *why);
/* The client names a host (SNI): `pick` returns the context for it (lent), or NULL to stay with
 * this one. */
void mn_tls_pick(struct mn_tls *t, struct mn_tls *(*pick)(void *arg, mn_str name), void *arg);

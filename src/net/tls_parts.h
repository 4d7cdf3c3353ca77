/* Between conn_tls.c, tls_client.c and tls_server.c; nobody else includes this. */
#pragma once

#include <openssl/ssl.h>

#include "net/tls.h"

struct mn_tls {
    SSL_CTX *ctx;
    unsigned refs;
    struct mn_tls *(*pick)(void *arg, mn_str name);
    void *pick_arg;
};

/* With what both ends want of TLS. */
struct mn_tls *tls_context_new(const SSL_METHOD *m);
/* What OpenSSL could not do, for people; forgets it. Static text. */
const char *tls_last_error(void);
/* Chain and key of one's own; on failure `why` says what to do. */
int tls_use(struct mn_tls *t, const char *cert_file, const char *key_file,
            struct mn_buf *why) MN_MUST_CHECK;
/* Server side: also where no certificate is asked for, since a connection of an older
 * configuration, which did, may get this context by its name. */
void tls_take_any(struct mn_tls *t);
/* What mn_conn_addresses tells. */
size_t tls_addresses(const SSL *ssl, struct mn_arena *a, const mn_str **out, const char **why);
/* The certificate is for the XMPP service of `name` (RFC 6120 13.7.1.2.1). */
bool tls_names_service(X509 *cert, const char *name);
/* Client side: who is expected at the other end (A-label or address). */
void tls_expect(SSL *ssl, const char *name);
/* What mn_conn_cert tells. */
void tls_seen(SSL *ssl, struct mn_arena *a, struct mn_cert_seen *out);

/* What e2ee_client.c and e2ee_server.c share: TLS inside of messages, by a key that both know (MYNAH_KEY). It is gloox's
 * experiment; no specification tells of it. */
#pragma once

#include "example.h"

#include <openssl/ssl.h>

static SSL *tls;

static inline unsigned secret_key(SSL *s, const char *name, unsigned char *out, unsigned max)
{
    const char *key = getenv("MYNAH_KEY");

    return (unsigned)snprintf((char *)out, max, "%s", key ? key : "");
}

static inline unsigned secret_name(SSL *s, const char *hint, char *name, unsigned name_max, unsigned char *out, unsigned max)
{
    snprintf(name, name_max, "both");
    return secret_key(s, name, out, max);
}

static inline void secret_open(bool server)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    SSL_CTX_set_psk_client_callback(ctx, secret_name);
    SSL_CTX_set_psk_server_callback(ctx, secret_key);
    tls = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_bio(tls, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (server)
        SSL_set_accept_state(tls);
    else
        SSL_set_connect_state(tls);
}

static inline void secret_send(struct mynah_client *c, const char *to)
{
    char bytes[16384], *text;
    int n = BIO_read(SSL_get_wbio(tls), bytes, sizeof bytes);
    struct mynah_elem *m;

    if (n <= 0)
        return;
    m = mynah_message_new(to, MYNAH_CHAT, NULL);
    text = mynah_base64(bytes, (size_t)n);
    mynah_elem_add_text(m, "xtls", "test:xtls", text);
    mynah_send(c, &m);
    mynah_free(text);
}

/* False: the message has none of it. */
static inline bool secret_read(const struct mynah_message *m)
{
    const char *text = mynah_elem_child_text(m->xml, "xtls", "test:xtls");
    size_t n;
    void *bytes = text ? mynah_base64_read(text, &n) : NULL;

    if (bytes)
        BIO_write(SSL_get_rbio(tls), bytes, (int)n);
    mynah_free(bytes);
    return bytes;
}

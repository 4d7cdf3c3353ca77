/* TLS by OpenSSL over the connection's own buffers: a BIO that reads from the piece at hand and
 * writes to c->raw, so that nothing is held while a connection is idle. No other file sees
 * OpenSSL's types for TLS. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "net/conn_parts.h"
#include "net/tls_parts.h"

/* OWN_MAX: bytes that TLS itself may have waiting to go (its flights, answers to key updates), for
 * a peer that does not read. */
enum { STEPS_PER_TURN = 16, OWN_MAX = 32768 };

struct conn_tls {
    SSL *ssl;
    struct mn_tls *context;
    mn_str in; /* what the BIO reads from, during a call */
    size_t own;
    bool done, server;
};

static BIO_METHOD *method;

static int bio_read(BIO *b, char *p, int n)
{
    struct mn_conn *c = BIO_get_data(b);
    mn_str *in = &c->tls->in;
    size_t take = in->n < (size_t)n ? in->n : (size_t)n;

    BIO_clear_retry_flags(b);
    if (!take) {
        BIO_set_retry_read(b);
        return -1;
    }
    memcpy(p, in->p, take);
    *in = mn_str_skip(*in, take);
    return (int)take;
}

static int bio_write(BIO *b, const char *p, int n)
{
    struct mn_conn *c = BIO_get_data(b);

    conn_buf_ready(&c->raw);
    mn_buf_add(&c->raw, p, (size_t)n);
    return n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
    (void)b;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *b)
{
    BIO_set_init(b, 1);
    return 1;
}

__attribute__((constructor)) static void method_make(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_ctrl);
    BIO_meth_set_create(method, bio_create);
}

/* Contexts. */

const char *tls_last_error(void)
{
    unsigned long first = ERR_peek_error(), last = ERR_peek_last_error();
    const char *text = ERR_reason_error_string(last);

    if (ERR_SYSTEM_ERROR(first)) /* what follows it says no more than that there was one */
        text = strerror(ERR_GET_REASON(first));
    else if (ERR_GET_REASON(last) == ERR_R_PEM_LIB || ERR_GET_REASON(last) == PEM_R_NO_START_LINE)
        text = "it holds none that is whole, in PEM";
    ERR_clear_error();
    return text ? text : "unknown error";
}

struct mn_tls *tls_context_new(const SSL_METHOD *m)
{
    struct mn_tls *t = MN_NEW(struct mn_tls);

    t->refs = 1;
    t->ctx = SSL_CTX_new(m);
    MN_MEMORY(t->ctx);
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(t->ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(t->ctx, 0);
    SSL_CTX_set_cipher_list(t->ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES");
    return t;
}

static int on_name(SSL *ssl, int *alert, void *arg)
{
    struct mn_tls *t = arg, *other;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    if (!name || !t->pick)
        return SSL_TLSEXT_ERR_NOACK;
    other = t->pick(t->pick_arg, mn_str_from(name));
    if (other && other != t)
        SSL_set_SSL_CTX(ssl, other->ctx);
    return SSL_TLSEXT_ERR_OK;
}

/* XEP-0368: optional, but who names protocols must name ours. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                   const unsigned char *in, unsigned in_n, void *arg)
{
    static const unsigned char ours[] = "\x0bxmpp-client";

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto((unsigned char **)out, out_n, ours, sizeof ours - 1, in, in_n) ==
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_OK;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Nobody is there to be asked, and nobody else's terminal is. */
static int no_passphrase(char *out, int n, int writes, void *asked)
{
    (void)out;
    (void)n;
    (void)writes;
    if (asked)
        *(bool *)asked = true;
    return -1;
}

/* The key is that of another certificate of the file. */
static bool key_of_later(SSL_CTX *ctx, const char *key_file)
{
    BIO *b = BIO_new_file(key_file, "r");
    EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, NULL, "") : NULL;
    STACK_OF(X509) *rest = NULL;
    bool found = false;

    SSL_CTX_get0_chain_certs(ctx, &rest);
    for (int i = 0; key && i < sk_X509_num(rest); i++)
        found |= X509_check_private_key(sk_X509_value(rest, i), key) == 1;
    EVP_PKEY_free(key);
    BIO_free(b);
    return found;
}

static void use(SSL_CTX *ctx, const char *cert_file, const char *key_file, const bool *locked,
                struct mn_buf *why)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
        mn_buf_fmt(why, "cannot use the certificate %s: %s", cert_file, tls_last_error());
    else if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1 &&
             ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_VALUES_MISMATCH)
        mn_buf_fmt(why, "cannot use the key %s: %s", key_file,
                   *locked ? "it has a passphrase; take that away (openssl pkey)"
                           : tls_last_error());
    else if (SSL_CTX_check_private_key(ctx) != 1)
        mn_buf_fmt(why, "the key %s does not belong to the certificate %s%s", key_file, cert_file,
                   key_of_later(ctx, key_file)
                       ? ", whose first one must be its own: that comes later in the file"
                       : "");
}

int tls_use(struct mn_tls *t, const char *cert_file, const char *key_file, struct mn_buf *why)
{
    size_t before = why->n;
    bool locked = false;

    SSL_CTX_set_default_passwd_cb(t->ctx, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(t->ctx, &locked);
    use(t->ctx, cert_file, key_file, &locked, why);
    SSL_CTX_set_default_passwd_cb_userdata(t->ctx, NULL);
    ERR_clear_error();
    return why->n > before ? MN_E_TLS : MN_E_OK;
}

int mn_tls_server(const char *cert_file, const char *key_file, struct mn_tls **out,
                  struct mn_buf *why)
{
    struct mn_tls *t = tls_context_new(TLS_server_method());

    *out = NULL;
    if (tls_use(t, cert_file, key_file, why)) {
        mn_tls_unref(t);
        return MN_E_TLS;
    }
    *out = t;
    SSL_CTX_set_tlsext_servername_callback(t->ctx, on_name);
    SSL_CTX_set_tlsext_servername_arg(t->ctx, t);
    SSL_CTX_set_alpn_select_cb(t->ctx, on_alpn, NULL);
    tls_take_any(t);
    return MN_E_OK;
}

struct mn_tls *mn_tls_ref(struct mn_tls *t)
{
    __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

void mn_tls_unref(struct mn_tls *t)
{
    if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
        return;
    SSL_CTX_free(t->ctx);
    mn_free(t);
}

int64_t mn_tls_expires(const struct mn_tls *t)
{
    const X509 *x = SSL_CTX_get0_certificate(t->ctx);
    struct tm tm = {0};

    return x && ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) ? timegm(&tm) * INT64_C(1000) : 0;
}

void mn_tls_pick(struct mn_tls *t, struct mn_tls *(*pick)(void *arg, mn_str name), void *arg)
{
    t->pick = pick;
    t->pick_arg = arg;
}

/* Connections. */

bool conn_tls_busy(const struct mn_conn *c)
{
    return !c->tls->done;
}

static _Thread_local int steps;

static void turn_over(struct mn_turn *t)
{
    (void)t;
    steps = 0;
}

bool conn_tls_budget(struct mn_loop *l)
{
    static _Thread_local struct mn_turn turn = {.run = turn_over};

    mn_loop_at_end(l, &turn);
    return steps++ < STEPS_PER_TURN;
}

void conn_tls_free(struct conn_tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    mn_tls_unref(t->context);
    mn_free(t);
}

static int handshake(struct mn_conn *c)
{
    int r = SSL_do_handshake(c->tls->ssl);
    int e = SSL_get_error(c->tls->ssl, r);

    if (r == 1) {
        c->tls->done = true;
        if (c->face->on_tls && !c->closing)
            c->face->on_tls(c->arg);
    }
    if (c->raw.n || c->out.n)
        conn_flush_soon(c);
    ERR_clear_error();
    return r == 1 || e == SSL_ERROR_WANT_READ ? MN_E_OK : MN_E_TLS;
}

static int pump(struct mn_conn *c)
{
    struct conn_tls *t = c->tls;
    char *p = conn_scratch(1);

    if (!t->done) {
        int e = handshake(c);

        if (e || !t->done || c->closing)
            return e;
    }
    for (;;) {
        size_t n = 0;
        int e, r = SSL_read_ex(t->ssl, p, CONN_CHUNK, &n);

        if (r != 1) {
            e = SSL_get_error(t->ssl, r);
            ERR_clear_error();
            if (c->raw.n) /* a key update's answer, an alert */
                conn_flush_soon(c);
            return e == SSL_ERROR_WANT_READ     ? MN_E_OK
                   : e == SSL_ERROR_ZERO_RETURN ? MN_E_CLOSED
                                                : MN_E_TLS;
        }
        if (c->zlib) {
            if ((e = conn_zlib_input(c, (mn_str){p, n})))
                return e;
        } else {
            conn_deliver(c, (mn_str){p, n});
        }
        if (c->closing || c->ended)
            return MN_E_OK;
    }
}

int conn_tls_input(struct mn_conn *c, mn_str bytes)
{
    struct conn_tls *t = c->tls;
    size_t before = c->raw.n;
    int e;

    t->in = bytes;
    e = pump(c);
    t->in = MN_STR(""); /* all was taken, or it is over */
    t->own = (before ? t->own : 0) + c->raw.n - before;
    return e ? e : t->own > OWN_MAX ? MN_E_LIMIT : MN_E_OK;
}

int conn_tls_output(struct mn_conn *c, mn_str bytes)
{
    while (bytes.n) {
        size_t n = 0;

        if (SSL_write_ex(c->tls->ssl, bytes.p, bytes.n, &n) != 1) {
            ERR_clear_error();
            return MN_E_TLS;
        }
        bytes = mn_str_skip(bytes, n);
    }
    return MN_E_OK;
}

void conn_tls_shut(struct mn_conn *c)
{
    SSL_shutdown(c->tls->ssl);
    ERR_clear_error();
}

void mn_conn_start_tls(struct mn_conn *c, struct mn_tls *tls, bool server, const char *server_name)
{
    struct conn_tls *t = MN_NEW(struct conn_tls);
    BIO *bio = BIO_new(method);

    MN_ASSERT(!c->tls && !c->zlib);
    MN_MEMORY(bio);
    if (c->out.n) { /* goes out in clear, before */
        mn_buf_str(&c->raw, mn_buf_view(&c->out));
        conn_buf_give(&c->out);
        conn_flush_soon(c);
    }
    BIO_set_data(bio, c);
    t->context = mn_tls_ref(tls);
    t->server = server;
    t->ssl = SSL_new(tls->ctx);
    MN_MEMORY(t->ssl);
    SSL_set_bio(t->ssl, bio, bio);
    c->tls = t;
    if (server) {
        SSL_set_accept_state(t->ssl);
        return;
    }
    SSL_set_connect_state(t->ssl);
    if (server_name)
        tls_expect(t->ssl, server_name);
    handshake(c);
}

const char *mn_conn_tls_name(const struct mn_conn *c)
{
    static _Thread_local char text[80];

    if (!c->tls)
        return NULL;
    snprintf(text, sizeof text, "%s %s", SSL_get_version(c->tls->ssl),
             SSL_get_cipher_name(c->tls->ssl));
    return text;
}

bool mn_conn_is_tls13(const struct mn_conn *c)
{
    return c->tls && SSL_version(c->tls->ssl) >= TLS1_3_VERSION;
}

mn_str mn_conn_sni(const struct mn_conn *c)
{
    const char *name = c->tls ? SSL_get_servername(c->tls->ssl, TLSEXT_NAMETYPE_host_name) : NULL;

    return name ? mn_str_from(name) : MN_STR("");
}

/* The first Finished message of the handshake as clients take it: the client's own (no session is
 * ever resumed). */
static bool finished(struct mn_conn *c, struct mn_arena *a, mn_str *out)
{
    char text[64];
    size_t n = c->tls->server ? SSL_get_peer_finished(c->tls->ssl, text, sizeof text)
                              : SSL_get_finished(c->tls->ssl, text, sizeof text);

    if (!n || n > sizeof text)
        return false;
    *out = mn_arena_str(a, (mn_str){text, n});
    return true;
}

/* RFC 5929, 4.1. */
static bool end_point(struct mn_conn *c, struct mn_arena *a, mn_str *out)
{
    X509 *x =
        c->tls->server ? SSL_get_certificate(c->tls->ssl) : SSL_get0_peer_certificate(c->tls->ssl);
    int digest, key;
    unsigned char text[EVP_MAX_MD_SIZE];
    unsigned n;

    if (!x || !OBJ_find_sigid_algs(X509_get_signature_nid(x), &digest, &key) || digest == NID_undef)
        return false;
    if (digest == NID_md5 || digest == NID_sha1)
        digest = NID_sha256;
    if (!X509_digest(x, EVP_get_digestbynid(digest), text, &n))
        return false;
    *out = mn_arena_str(a, (mn_str){(char *)text, n});
    return true;
}

bool mn_conn_binding(struct mn_conn *c, enum mn_binding b, struct mn_arena *a, mn_str *out)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    unsigned char text[32];

    if (!c->tls || !c->tls->done)
        return false;
    switch (b) {
    case MN_BIND_EXPORTER:
        if (!mn_conn_is_tls13(c) ||
            SSL_export_keying_material(c->tls->ssl, text, sizeof text, label, sizeof label - 1,
                                       NULL, 0, 0) != 1)
            return false;
        *out = mn_arena_str(a, (mn_str){(char *)text, sizeof text});
        return true;
    case MN_BIND_UNIQUE:
        return !mn_conn_is_tls13(c) && SSL_get_extms_support(c->tls->ssl) == 1 &&
               finished(c, a, out);
    case MN_BIND_END_POINT:
        return end_point(c, a, out);
    }
    return false;
}

bool mn_conn_finished13(struct mn_conn *c, struct mn_arena *a, mn_str *out)
{
    return mn_conn_is_tls13(c) && c->tls->done && finished(c, a, out);
}

void mn_conn_cert(const struct mn_conn *c, struct mn_arena *a, struct mn_cert_seen *out)
{
    *out = (struct mn_cert_seen){.why = MN_STR("no TLS")};
    if (c->tls && c->tls->done)
        tls_seen(c->tls->ssl, a, out);
}

size_t mn_conn_addresses(const struct mn_conn *c, struct mn_arena *a, const mn_str **out,
                         const char **why)
{
    *why = NULL;
    return c->tls && c->tls->server ? tls_addresses(c->tls->ssl, a, out, why) : 0;
}

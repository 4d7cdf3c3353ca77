/* The server's end of TLS: certificates of clients. Whatever is shown, the handshake ends well;
 * what is wrong with it stays at the SSL object (SSL_get_verify_result). */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "net/conn.h"
#include "net/tls_parts.h"

/* Intermediates in a chain, bytes of it, addresses in one certificate. */
enum { DEPTH_MAX = 4, CHAIN_MAX = 32768, ADDRESSES_MAX = 100 };

/* A certificate whose issuer has no CRL in the file is not held up for want of one. */
static int on_step(int fine, X509_STORE_CTX *x)
{
    if (fine || X509_STORE_CTX_get_error(x) != X509_V_ERR_UNABLE_TO_GET_CRL)
        return fine;
    X509_STORE_CTX_set_error(x, X509_V_OK);
    return 1;
}

static int on_chain(X509_STORE_CTX *x, void *arg)
{
    (void)arg;
    X509_STORE_CTX_set_verify_cb(x, on_step);
    if (X509_verify_cert(x) != 1 && X509_STORE_CTX_get_error(x) == X509_V_OK)
        X509_STORE_CTX_set_error(x, X509_V_ERR_UNSPECIFIED);
    return 1;
}

void tls_take_any(struct mn_tls *t)
{
    SSL_CTX_set_cert_verify_callback(t->ctx, on_chain, NULL);
}

static bool has_crl(SSL_CTX *ctx)
{
    STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));

    for (int i = 0; i < sk_X509_OBJECT_num(all); i++)
        if (X509_OBJECT_get_type(sk_X509_OBJECT_value(all, i)) == X509_LU_CRL)
            return true;
    return false;
}

int mn_tls_ask(struct mn_tls *t, const char *ca_file, struct mn_buf *why)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca_file);
    X509_VERIFY_PARAM *p = SSL_CTX_get0_param(t->ctx);

    if (!names || SSL_CTX_load_verify_file(t->ctx, ca_file) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        mn_buf_fmt(why, "cannot use the certificates %s: %s", ca_file, tls_last_error());
        return MN_E_TLS;
    }
    SSL_CTX_set_client_CA_list(t->ctx, names);
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_verify_depth(t->ctx, DEPTH_MAX);
    SSL_CTX_set_max_cert_list(t->ctx, CHAIN_MAX);
    X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN);
    if (has_crl(t->ctx))
        X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return MN_E_OK;
}

static const char *fault_of(const SSL *ssl, X509 *x)
{
    long e = SSL_get_verify_result(ssl);

    if (e == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || e == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
        e == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY)
        return "its issuer is not in client_ca, nor was a chain sent that leads there";
    if (e != X509_V_OK)
        return X509_verify_cert_error_string(e);
    /* RFC 6120, 13.7.1.1. */
    return X509_get_extension_flags(x) & EXFLAG_CA ? "it is that of a CA" : NULL;
}

/* How many; more than ADDRESSES_MAX when there is no place for all. */
static size_t gather(const GENERAL_NAMES *all, mn_str out[ADDRESSES_MAX])
{
    size_t n = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        const OTHERNAME *o = g->type == GEN_OTHERNAME ? g->d.otherName : NULL;
        const ASN1_STRING *text;

        if (!o || OBJ_obj2nid(o->type_id) != NID_XmppAddr || o->value->type != V_ASN1_UTF8STRING)
            continue;
        if (n == ADDRESSES_MAX)
            return n + 1;
        text = o->value->value.utf8string;
        out[n++] = mn_str_make(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
    }
    return n;
}

size_t tls_addresses(const SSL *ssl, struct mn_arena *a, const mn_str **out, const char **why)
{
    X509 *x = SSL_get0_peer_certificate(ssl);
    mn_str found[ADDRESSES_MAX], *kept;
    GENERAL_NAMES *all;
    size_t n;

    *why = x ? fault_of(ssl, x) : NULL;
    if (!x || *why)
        return 0;
    all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    n = gather(all, found);
    if (!n)
        *why = "it names no XMPP address";
    if (n > ADDRESSES_MAX) {
        *why = "it names too many addresses";
        n = 0;
    }
    *out = kept = mn_arena_alloc(a, n * sizeof *kept);
    for (size_t i = 0; i < n; i++)
        kept[i] = mn_arena_str(a, found[i]);
    GENERAL_NAMES_free(all);
    ERR_clear_error();
    return n;
}

/* Its own, then the others of the file. */
static X509 *cert_at(SSL_CTX *ctx, int i)
{
    STACK_OF(X509) *rest = NULL;

    if (!i)
        return SSL_CTX_get0_certificate(ctx);
    SSL_CTX_get0_chain_certs(ctx, &rest);
    return i <= sk_X509_num(rest) ? sk_X509_value(rest, i - 1) : NULL;
}

void mn_tls_doubts(const struct mn_tls *t, const char *name, struct mn_buf *why)
{
    X509 *own = cert_at(t->ctx, 0), *next;

    if (X509_check_host(own, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) != 1 &&
        !tls_names_service(own, name))
        mn_buf_lit(why, "it does not name the domain");
    if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0)
        mn_buf_fmt(why, "%sit is not valid yet", why->n ? "; " : "");
    for (int i = 1; (next = cert_at(t->ctx, i)); i++)
        if (X509_check_issued(next, cert_at(t->ctx, i - 1)) != X509_V_OK)
            mn_buf_fmt(why, "%snumber %d in the file is not the issuer of the one before it",
                       why->n ? "; " : "", i + 1);
    ERR_clear_error();
}

/* The client's end of TLS: whom it trusts. With MN_VERIFY_NOTE the first thing that is wrong is
 * kept at the SSL object, and the handshake goes on: the program asks its user. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/list.h"
#include "net/conn.h"
#include "net/tls_parts.h"

/* Where the first error of the verification is kept, and all as MN_CERT_ bits; and whether none
 * may pass. */
static int slot_error, slot_problems, slot_note;

/* id-on-dnsSRV, RFC 4985. */
static ASN1_OBJECT *srv_name;

__attribute__((constructor)) static void slots_make(void)
{
    slot_error = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    slot_problems = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    slot_note = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    srv_name = OBJ_txt2obj("1.3.6.1.5.5.7.8.7", 1);
}

bool tls_names_service(X509 *cert, const char *name)
{
    static const mn_str service = {"_xmpp-client.", 13};
    STACK_OF(GENERAL_NAME) *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(all) && !found; i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        const ASN1_STRING *text;
        mn_str has;

        if (g->type != GEN_OTHERNAME || OBJ_cmp(g->d.otherName->type_id, srv_name) ||
            g->d.otherName->value->type != V_ASN1_IA5STRING)
            continue;
        text = g->d.otherName->value->value.ia5string;
        has = mn_str_make(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
        found = has.n > service.n && mn_str_eq_nocase((mn_str){has.p, service.n}, service) &&
                mn_str_eq_nocase(mn_str_skip(has, service.n), mn_str_from(name));
    }
    GENERAL_NAMES_free(all);
    return found;
}

static unsigned problem_of(int e)
{
    static const struct {
        int error;
        unsigned problem;
    } rows[] = {
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, MN_CERT_ISSUER},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, MN_CERT_ISSUER},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, MN_CERT_ISSUER},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, MN_CERT_ISSUER},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, MN_CERT_ISSUER},
        {X509_V_ERR_CERT_UNTRUSTED, MN_CERT_ISSUER},
        {X509_V_ERR_HOSTNAME_MISMATCH, MN_CERT_NAME},
        {X509_V_ERR_IP_ADDRESS_MISMATCH, MN_CERT_NAME},
        {X509_V_ERR_CERT_HAS_EXPIRED, MN_CERT_EXPIRED},
        {X509_V_ERR_CERT_NOT_YET_VALID, MN_CERT_NOT_YET},
        {X509_V_ERR_CERT_REVOKED, MN_CERT_REVOKED},
        {X509_V_ERR_INVALID_CA, MN_CERT_NO_CA},
        {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, MN_CERT_NO_CA},
        {X509_V_ERR_PATH_LENGTH_EXCEEDED, MN_CERT_NO_CA},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        if (rows[i].error == e)
            return rows[i].problem;
    return MN_CERT_OTHER;
}

static unsigned problems(const SSL *ssl)
{
    return (unsigned)(uintptr_t)SSL_get_ex_data(ssl, slot_problems);
}

static int on_verify(int fine, X509_STORE_CTX *x)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
    int e = X509_STORE_CTX_get_error(x);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    if (!fine && e == X509_V_ERR_HOSTNAME_MISMATCH && name &&
        tls_names_service(X509_STORE_CTX_get0_cert(x), name)) {
        X509_STORE_CTX_set_error(x, X509_V_OK);
        return 1;
    }
    if (!fine && !SSL_get_ex_data(ssl, slot_error))
        SSL_set_ex_data(ssl, slot_error, (void *)(intptr_t)e);
    if (!fine)
        SSL_set_ex_data(ssl, slot_problems, (void *)(uintptr_t)(problems(ssl) | problem_of(e)));
    return fine || SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot_note) != NULL;
}

/* Which files, as they stand. */
struct stamp {
    struct {
        uint64_t dev, ino, s, ns;
    } of[2];
};

/* What one context trusts: a file, or the system's (NULL). */
struct cas {
    struct mn_list link;
    char *file;
    struct stamp stamp;
    X509_STORE *store;
};

struct mn_trust {
    struct mn_list all;
};

struct mn_trust *mn_trust_new(void)
{
    struct mn_trust *t = MN_NEW(struct mn_trust);

    mn_list_init(&t->all);
    return t;
}

static void cas_free(struct cas *c)
{
    mn_list_del(&c->link);
    X509_STORE_free(c->store);
    mn_free(c->file);
    mn_free(c);
}

void mn_trust_free(struct mn_trust *t)
{
    if (!t)
        return;
    MN_LIST_EACH(n, &t->all)
    cas_free(MN_OF(n, struct cas, link));
    mn_free(t);
}

/* What changes a file, or which files are in a folder, changes its ctime. */
static void stamp_take(struct stamp *s, const char *file)
{
    const char *env_file = getenv(X509_get_default_cert_file_env());
    const char *env_dir = getenv(X509_get_default_cert_dir_env());
    const char *paths[2] = {file, NULL};

    if (!file) {
        paths[0] = env_file ? env_file : X509_get_default_cert_file();
        paths[1] = env_dir ? env_dir : X509_get_default_cert_dir();
    }
    *s = (struct stamp){0};
    for (size_t i = 0; i < MN_COUNT(paths); i++) {
        struct stat st;

        if (paths[i] && !stat(paths[i], &st)) {
            s->of[i].dev = st.st_dev;
            s->of[i].ino = st.st_ino;
            s->of[i].s = (uint64_t)st.st_ctim.tv_sec;
            s->of[i].ns = (uint64_t)st.st_ctim.tv_nsec;
        }
    }
}

static X509_STORE *store_read(const char *file, struct mn_buf *why)
{
    X509_STORE *store = X509_STORE_new();

    MN_MEMORY(store);
    if (file ? X509_STORE_load_file(store, file) == 1 : X509_STORE_set_default_paths(store) == 1)
        return store;
    if (file)
        mn_buf_fmt(why, "cannot use the CA file %s: %s", file, tls_last_error());
    else
        mn_buf_fmt(why, "cannot use the system's certificates: %s", tls_last_error());
    X509_STORE_free(store);
    return NULL;
}

static struct cas *cas_of(struct mn_trust *t, const char *file)
{
    MN_LIST_EACH(n, &t->all)
    {
        struct cas *c = MN_OF(n, struct cas, link);

        if (file && c->file ? !strcmp(c->file, file) : file == c->file)
            return c;
    }
    return NULL;
}

/* The caller's own reference; NULL: `why` says why. */
static X509_STORE *store_of(struct mn_trust *t, const char *file, struct mn_buf *why)
{
    struct cas *c = t ? cas_of(t, file) : NULL;
    struct stamp stamp;
    X509_STORE *store;

    stamp_take(&stamp, file);
    if (c && memcmp(&c->stamp, &stamp, sizeof stamp)) {
        cas_free(c);
        c = NULL;
    }
    store = c ? c->store : store_read(file, why);
    if (t && store && !c) {
        c = MN_NEW(struct cas);
        c->file = file ? mn_str_dup(mn_str_from(file)) : NULL;
        c->stamp = stamp;
        c->store = store;
        mn_list_add(&t->all, &c->link);
    }
    if (c)
        X509_STORE_up_ref(store);
    return store;
}

static int trust(struct mn_tls *t, const struct mn_tls_client *conf, struct mn_buf *why)
{
    X509_STORE *store;

    if (conf->verify == MN_VERIFY_NONE)
        return MN_E_OK;
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, on_verify);
    if (conf->verify == MN_VERIFY_NOTE)
        SSL_CTX_set_ex_data(t->ctx, slot_note, t);
    store = store_of(conf->trust, conf->ca_file, why);
    if (!store)
        return MN_E_TLS;
    SSL_CTX_set_cert_store(t->ctx, store); /* takes the reference */
    return MN_E_OK;
}

int mn_tls_client(const struct mn_tls_client *conf, struct mn_tls **out, struct mn_buf *why)
{
    static const unsigned char alpn[] = "\x0bxmpp-client";
    struct mn_tls *t = tls_context_new(TLS_client_method());
    int e = trust(t, conf, why);

    if (conf->max12)
        SSL_CTX_set_max_proto_version(t->ctx, TLS1_2_VERSION);
    if (conf->direct)
        SSL_CTX_set_alpn_protos(t->ctx, alpn, sizeof alpn - 1);
    if (!e && conf->cert_file)
        e = tls_use(t, conf->cert_file, conf->key_file ? conf->key_file : conf->cert_file, why);
    if (e) {
        mn_tls_unref(t);
        t = NULL;
    }
    *out = t;
    return e;
}

void tls_expect(SSL *ssl, const char *name)
{
    struct mn_addr literal;

    if (!mn_addr_parse(mn_str_from(name), 0, &literal)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
        return;
    }
    SSL_set_tlsext_host_name(ssl, name);
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl, name);
}

static int64_t ms_of(const ASN1_TIME *at)
{
    struct tm tm = {0};

    return ASN1_TIME_to_tm(at, &tm) ? timegm(&tm) * INT64_C(1000) : 0;
}

/* On one line, as RFC 2253 writes it. */
static mn_str name_text(const X509_NAME *name, struct mn_arena *a)
{
    BIO *b = BIO_new(BIO_s_mem());
    char *p;
    mn_str text = {0};

    if (b && X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        size_t n = (size_t)BIO_get_mem_data(b, &p);

        text = mn_arena_str(a, mn_str_make(p, n));
    }
    BIO_free(b);
    return text;
}

void tls_seen(SSL *ssl, struct mn_arena *a, struct mn_cert_seen *out)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    long e = (long)(intptr_t)SSL_get_ex_data(ssl, slot_error);
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (!cert) {
        out->why = MN_STR("no certificate was shown");
        out->problems = MN_CERT_OTHER;
        return;
    }
    out->problems = problems(ssl);
    e = e ? e : SSL_get_verify_result(ssl);
    out->trusted = e == X509_V_OK && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
    out->why =
        out->trusted
            ? (mn_str){0}
            : mn_arena_str(a, mn_str_from(e ? X509_verify_cert_error_string(e) : "not looked at"));
    out->subject = name_text(X509_get_subject_name(cert), a);
    out->issuer = name_text(X509_get_issuer_name(cert), a);
    out->not_before = ms_of(X509_get0_notBefore(cert));
    out->not_after = ms_of(X509_get0_notAfter(cert));
    if (X509_digest(cert, EVP_sha256(), hash, &n))
        out->sha256 = mn_hex(mn_str_make(hash, n), a);
}

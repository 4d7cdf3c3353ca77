#include "net/cert.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"

enum { DAY = 86400, CA_DAYS = 3650, CERT_DAYS = 825 };

/* A file that is there but says nothing to us is an error: somebody may trust what it held. */
static int load(const char *cert_path, X509 **x, const char *key_path, EVP_PKEY **k,
                struct mn_buf *why)
{
    BIO *c = BIO_new_file(cert_path, "r"), *p = BIO_new_file(key_path, "r");
    const char *bad = NULL;

    *x = c ? PEM_read_bio_X509(c, NULL, NULL, NULL) : NULL;
    *k = p ? PEM_read_bio_PrivateKey(p, NULL, NULL, "") : NULL;
    if (!*x && !access(cert_path, F_OK))
        bad = cert_path;
    else if (!*k && !access(key_path, F_OK))
        bad = key_path;
    BIO_free(c);
    BIO_free(p);
    ERR_clear_error();
    if (!bad)
        return MN_E_OK;
    mn_buf_fmt(why, "cannot read %s; make it readable, or move it away to have a new one made",
               bad);
    return MN_E_DENIED;
}

static int save(const char *path, BIO *pem, unsigned mode, struct mn_buf *why)
{
    char *p;
    long n = BIO_get_mem_data(pem, &p);
    int e = mn_file_write(path, (mn_str){p, (size_t)n}, mode);

    if (e)
        mn_buf_fmt(why, "cannot write %s: %s", path, mn_err_text(e));
    return e;
}

static int save_key(const char *path, EVP_PKEY *k, struct mn_buf *why)
{
    BIO *pem = BIO_new(BIO_s_mem());
    int e;

    PEM_write_bio_PrivateKey(pem, k, NULL, NULL, 0, NULL, NULL);
    e = save(path, pem, 0600, why);
    BIO_free(pem);
    return e;
}

static int save_certs(const char *path, X509 *first, X509 *second, struct mn_buf *why)
{
    BIO *pem = BIO_new(BIO_s_mem());
    int e;

    PEM_write_bio_X509(pem, first);
    if (second)
        PEM_write_bio_X509(pem, second);
    e = save(path, pem, 0644, why);
    BIO_free(pem);
    return e;
}

static void extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    MN_MEMORY(ext);
    X509_add_ext(x, ext, -1);
    X509_EXTENSION_free(ext);
}

static X509 *new_cert(EVP_PKEY *key, const char *cn, int days)
{
    X509 *x = X509_new();
    time_t now = (time_t)(mn_clock_wall() / 1000);
    unsigned char serial[16];
    BIGNUM *number;

    mn_rand_bytes(serial, sizeof serial);
    serial[0] &= 0x7f;
    number = BN_bin2bn(serial, sizeof serial, NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
    BN_free(number);
    X509_set_version(x, 2);
    X509_time_adj_ex(X509_getm_notBefore(x), -1, 0, &now);
    X509_time_adj_ex(X509_getm_notAfter(x), days, 0, &now);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                               (const unsigned char *)cn, -1, -1, 0);
    return x;
}

static bool fresh(X509 *x)
{
    time_t then = (time_t)(mn_clock_wall() / 1000) + MN_CERT_RENEW_DAYS * DAY;

    return x && X509_cmp_time(X509_get0_notAfter(x), &then) > 0;
}

/* The CA: loaded when it is there and lasts, else made. */
static int ca(const char *dir, struct mn_arena *a, X509 **cert, EVP_PKEY **key, const char **path,
              struct mn_buf *why)
{
    const char *key_path = mn_arena_fmt(a, "%s/ca.key", dir).p;
    int e;

    *path = mn_arena_fmt(a, "%s/ca.crt", dir).p;
    e = load(*path, cert, key_path, key, why);
    if (e)
        return e;
    if (fresh(*cert) && *key && X509_check_private_key(*cert, *key))
        return MN_E_OK;
    X509_free(*cert);
    EVP_PKEY_free(*key);
    *key = EVP_EC_gen("P-256");
    *cert = new_cert(*key, "Mynah local CA", CA_DAYS);
    X509_set_issuer_name(*cert, X509_get_subject_name(*cert));
    extension(*cert, *cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    extension(*cert, *cert, NID_key_usage, "critical,keyCertSign,cRLSign");
    extension(*cert, *cert, NID_subject_key_identifier, "hash");
    X509_sign(*cert, *key, EVP_sha256());
    e = save_key(key_path, *key, why);
    return e ? e : save_certs(*path, *cert, NULL, why);
}

static bool serves(X509 *x, X509 *issuer, EVP_PKEY *key, mn_str name)
{
    return fresh(x) && key && X509_check_private_key(x, key) &&
           X509_check_issued(issuer, x) == X509_V_OK &&
           X509_check_host(x, name.p, name.n, 0, NULL) == 1;
}

int mn_cert_local(const char *dir, mn_str name, struct mn_arena *a, struct mn_cert_files *out,
                  struct mn_buf *why)
{
    X509 *issuer = NULL, *x = NULL;
    EVP_PKEY *issuer_key = NULL, *key = NULL;
    int e = mn_file_mkdir(dir, 0700);

    mn_clock_tick(); /* this may be a lane */
    if (e) {
        mn_buf_fmt(why, "cannot make the folder %s: %s", dir, mn_err_text(e));
        return e;
    }
    e = ca(dir, a, &issuer, &issuer_key, &out->ca, why);
    out->cert = mn_arena_fmt(a, "%s/%.*s.crt", dir, MN_ARG(name)).p;
    out->key = mn_arena_fmt(a, "%s/%.*s.key", dir, MN_ARG(name)).p;
    if (!e)
        e = load(out->cert, &x, out->key, &key, why);
    if (!e && !serves(x, issuer, key, name)) {
        bool local = mn_str_is(name, "localhost");
        const char *names =
            mn_arena_fmt(a, "DNS:%.*s,otherName:1.3.6.1.5.5.7.8.5;UTF8:%.*s%s", MN_ARG(name),
                         MN_ARG(name), local ? ",IP:127.0.0.1,IP:::1" : "")
                .p;

        X509_free(x);
        EVP_PKEY_free(key);
        key = EVP_EC_gen("P-256");
        x = new_cert(key, mn_arena_cstr(a, name.n > 64 ? (mn_str){name.p, 64} : name), CERT_DAYS);
        X509_set_issuer_name(x, X509_get_subject_name(issuer));
        if (ASN1_TIME_compare(X509_get0_notAfter(x), X509_get0_notAfter(issuer)) > 0)
            X509_set1_notAfter(x, X509_get0_notAfter(issuer));
        extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE");
        extension(x, issuer, NID_key_usage, "critical,digitalSignature");
        extension(x, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
        extension(x, issuer, NID_subject_alt_name, names);
        extension(x, issuer, NID_authority_key_identifier, "keyid:always");
        X509_sign(x, issuer_key, EVP_sha256());
        e = save_key(out->key, key, why);
        if (!e)
            e = save_certs(out->cert, x, issuer, why);
    }
    X509_free(x);
    X509_free(issuer);
    EVP_PKEY_free(key);
    EVP_PKEY_free(issuer_key);
    return e;
}

#include "net/cert.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "test.h"

static X509 *read_cert(const char *path)
{
    BIO *b = BIO_new_file(path, "r");
    X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);

    BIO_free(b);
    return x;
}

static mn_str content(const char *path, struct mn_arena *a)
{
    mn_str s = {0};

    CHECK_INT(mn_file_read(path, 1 << 20, a, &s), 0);
    return s;
}

static void remove_tree(const char *dir)
{
    char command[200];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    (void)!system(command);
}

TEST(a_certificate_is_made_once_and_names_its_host)
{
    char dir[] = "/tmp/mynah-cert-XXXXXX";
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    struct mn_cert_files f, again;
    struct stat st;
    mn_str ca, cert;
    X509 *x, *issuer;
    EVP_PKEY *key;

    CHECK(mkdtemp(dir));
    CHECK_INT(mn_cert_local(mn_arena_fmt(&a, "%s/tls", dir).p, MN_STR("localhost"), &a, &f, &why),
              0);
    ca = content(f.ca, &a);
    cert = content(f.cert, &a);
    CHECK(!stat(f.key, &st) && (st.st_mode & 0777) == 0600);
    CHECK(!stat(mn_arena_fmt(&a, "%s/tls/ca.key", dir).p, &st) && (st.st_mode & 0777) == 0600);
    x = read_cert(f.cert);
    issuer = read_cert(f.ca);
    key = X509_get0_pubkey(issuer);
    CHECK(X509_verify(x, key) == 1);
    CHECK(X509_check_host(x, "localhost", 0, 0, NULL) == 1 &&
          X509_check_host(x, "example.org", 0, 0, NULL) == 0);
    CHECK(X509_check_ip_asc(x, "127.0.0.1", 0) == 1 && X509_check_ip_asc(x, "::1", 0) == 1);
    CHECK_INT(X509_get_signature_nid(x), NID_ecdsa_with_SHA256);

    CHECK_INT(
        mn_cert_local(mn_arena_fmt(&a, "%s/tls", dir).p, MN_STR("localhost"), &a, &again, &why), 0);
    CHECK(mn_str_eq(cert, content(again.cert, &a)));
    CHECK_INT(mn_cert_local(mn_arena_fmt(&a, "%s/tls", dir).p, MN_STR("xn--mller-kva.example"), &a,
                            &again, &why),
              0);
    CHECK(mn_str_eq(ca, content(again.ca, &a)));
    CHECK_STR(mn_buf_view(&why), "");

    /* Without its CA a certificate is made anew. */
    CHECK(!unlink(f.ca));
    CHECK_INT(
        mn_cert_local(mn_arena_fmt(&a, "%s/tls", dir).p, MN_STR("localhost"), &a, &again, &why), 0);
    CHECK(!mn_str_eq(ca, content(again.ca, &a)) && !mn_str_eq(cert, content(again.cert, &a)));
    X509_free(x);
    X509_free(issuer);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
    remove_tree(dir);
}

TEST(a_file_that_cannot_be_used_is_named_and_left_alone)
{
    char dir[] = "/tmp/mynah-cert-XXXXXX";
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    struct mn_cert_files f;
    const char *key;

    CHECK(mkdtemp(dir));
    key = mn_arena_fmt(&a, "%s/ca.key", dir).p;
    CHECK_INT(mn_cert_local(dir, MN_STR("localhost"), &a, &f, &why), 0);
    CHECK_INT(mn_file_write(key, MN_STR("half of a k"), 0600), 0);
    CHECK_INT(mn_cert_local(dir, MN_STR("localhost"), &a, &f, &why), MN_E_DENIED);
    CHECK(memmem(why.p, why.n, "ca.key", 6));
    CHECK_STR(content(key, &a), "half of a k");
    mn_buf_clear(&why);
    CHECK(mn_cert_local("/proc/nowhere/tls", MN_STR("localhost"), &a, &f, &why) < 0 && why.n);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
    remove_tree(dir);
}

TEST(none_outlasts_the_ca_that_signed_it)
{
    char dir[] = "/tmp/mynah-cert-XXXXXX";
    int64_t day = 86400000, now = mn_clock_wall();
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    struct mn_cert_files f;
    X509 *x, *ca;

    CHECK(mkdtemp(dir));
    mn_clock_set(mn_clock_now(), now);
    CHECK_INT(mn_cert_local(dir, MN_STR("first.example"), &a, &f, &why), 0);
    mn_clock_set(mn_clock_now(), now + 3600 * day);
    CHECK_INT(mn_cert_local(dir, MN_STR("second.example"), &a, &f, &why), 0);
    x = read_cert(f.cert);
    ca = read_cert(f.ca);
    CHECK(!ASN1_TIME_compare(X509_get0_notAfter(x), X509_get0_notAfter(ca)));
    X509_free(x);
    X509_free(ca);
    mn_clock_set(-1, 0);
    remove_tree(dir);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

/* Whom the client's end of TLS trusts: certificates that are made here, shown by our own server
 * over a connection in memory. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "net/conn.h"
#include "net/tls_parts.h"
#include "test.h"

static char dir[] = "/tmp/mynah-tlsc-XXXXXX";

static const char *in_dir(const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", dir, name);
    return out;
}

__attribute__((destructor)) static void clean(void)
{
    char command[200];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (!strstr(dir, "XXXXXX"))
        (void)!system(command);
    mn_conn_thread_done();
}

struct row {
    const char *alt, *cn, *name; /* what the certificate says; whom the client expects */
    int days;                    /* until it ends */
    bool trusted, other_ca;
};

/* Signed by itself; dir/cert.pem and dir/key.pem. */
static void make(const struct row *r)
{
    X509 *x = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_NAME *name = X509_get_subject_name(x);
    X509_EXTENSION *alt =
        r->alt ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, r->alt) : NULL;
    char path[128];
    FILE *f;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -30L * 86400);
    X509_gmtime_adj(X509_getm_notAfter(x), r->days * 86400L);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)r->cn, -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_set_pubkey(x, key);
    if (alt)
        X509_add_ext(x, alt, -1);
    X509_sign(x, key, EVP_sha256());
    CHECK((f = fopen(in_dir("cert.pem", path), "w")) != NULL);
    PEM_write_X509(f, x);
    fclose(f);
    CHECK((f = fopen(in_dir("key.pem", path), "w")) != NULL);
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_EXTENSION_free(alt);
    EVP_PKEY_free(key);
    X509_free(x);
}

struct side {
    struct mn_conn *conn;
    bool tls, closed;
};

static void on_bytes(void *arg, mn_str bytes)
{
    (void)arg;
    (void)bytes;
}

static void on_closed(void *arg, int why)
{
    (void)why;
    ((struct side *)arg)->closed = true;
}

static void on_tls(void *arg)
{
    ((struct side *)arg)->tls = true;
}

static const struct mn_conn_face face = {on_bytes, on_closed, NULL, on_tls};

/* One handshake with the certificate in `dir`; true when it ended well. Takes the client's. */
static bool handshake_by(struct mn_tls *c, const char *name, struct mn_arena *a,
                         struct mn_cert_seen *seen)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct side client = {0}, server = {0};
    struct mn_buf why = {0};
    struct mn_tls *s = NULL;
    char cert[128], key[128];

    CHECK_INT(mn_tls_server(in_dir("cert.pem", cert), in_dir("key.pem", key), &s, &why), 0);
    mn_conn_mem(l, l, &client.conn, &server.conn);
    mn_conn_face(client.conn, &face, &client);
    mn_conn_face(server.conn, &face, &server);
    mn_conn_start_tls(server.conn, s, true, NULL);
    mn_conn_start_tls(client.conn, c, false, name);
    for (int i = 0; i < 100 && !client.tls && !client.closed; i++)
        mn_loop_turn(l, 10);
    mn_conn_cert(client.conn, a, seen);
    mn_conn_close(client.conn, 0);
    mn_conn_close(server.conn, 0);
    for (int i = 0; i < 3; i++)
        mn_loop_turn(l, 0);
    mn_tls_unref(s);
    mn_tls_unref(c);
    mn_loop_free(l);
    mn_buf_free(&why);
    return client.tls;
}

static bool handshake(const struct row *r, enum mn_verify verify, struct mn_arena *a,
                      struct mn_cert_seen *seen)
{
    struct mn_buf why = {0};
    struct mn_tls *c = NULL;
    char cert[128];

    in_dir("cert.pem", cert);
    CHECK_INT(mn_tls_client(&(struct mn_tls_client){verify, r->other_ca ? NULL : cert}, &c, &why),
              0);
    mn_buf_free(&why);
    return handshake_by(c, r->name, a, seen);
}

TEST(a_name_is_looked_for_where_it_belongs)
{
    static const struct row rows[] = {
        {"DNS:example.org", "x", "example.org", 30, true, false},
        {"DNS:EXAMPLE.org", "x", "example.ORG", 30, true, false},
        {"DNS:example.org", "x", "example.net", 30, false, false},
        {"DNS:example.org", "x", "xexample.org", 30, false, false},
        {"DNS:example.org", "x", "chat.example.org", 30, false, false},
        {"DNS:*.example.org", "x", "chat.example.org", 30, true, false},
        {"DNS:*.example.org", "x", "a.chat.example.org", 30, false, false},
        {"DNS:*.example.org", "x", "example.org", 30, false, false},
        {"DNS:c*.example.org", "x", "chat.example.org", 30, false, false},
        {"DNS:a.example, DNS:example.org", "x", "example.org", 30, true, false},
        {"DNS:xn--bcher-kva.example", "x", "xn--bcher-kva.example", 30, true, false},
        /* The common name is no reference any more. */
        {NULL, "example.org", "example.org", 30, false, false},
        {"DNS:other.example", "example.org", "example.org", 30, false, false},
        /* For the service. */
        {"otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.example.org", "x", "example.org", 30,
         true, false},
        {"otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.example.org", "x", "example.org", 30,
         false, false},
        {"otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.example.net", "x", "example.org", 30,
         false, false},
        {"otherName:1.3.6.1.5.5.7.8.7;UTF8:_xmpp-client.example.org", "x", "example.org", 30, false,
         false},
        {"IP:127.0.0.1", "x", "127.0.0.1", 30, true, false},
        {"IP:127.0.0.2", "x", "127.0.0.1", 30, false, false},
        {"DNS:127.0.0.1", "x", "127.0.0.1", 30, false, false},
        /* In time, and by somebody we know. */
        {"DNS:example.org", "x", "example.org", -1, false, false},
        {"DNS:example.org", "x", "example.org", 30, false, true},
        {"otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.example.org", "x", "example.org", -1,
         false, false},
        {"otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.example.org", "x", "example.org", 30,
         false, true},
    };

    if (strstr(dir, "XXXXXX"))
        CHECK(mkdtemp(dir));
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_arena a = {0};
        struct mn_cert_seen seen;

        make(&rows[i]);
        if (handshake(&rows[i], MN_VERIFY_REQUIRE, &a, &seen) != rows[i].trusted)
            test_fail(__FILE__, __LINE__, "row %zu (%s): %s", i, rows[i].alt,
                      rows[i].trusted ? "refused" : "trusted");
        CHECK(handshake(&rows[i], MN_VERIFY_NOTE, &a, &seen));
        if (seen.trusted != rows[i].trusted || (seen.why.n > 0) == rows[i].trusted)
            test_fail(__FILE__, __LINE__, "row %zu (%s): noted %.*s", i, rows[i].alt,
                      MN_ARG(seen.why));
        CHECK(handshake(&rows[i], MN_VERIFY_NONE, &a, &seen));
        CHECK(!seen.trusted);
        mn_arena_done(&a, NULL);
    }
}

/* Who forgives one of them must see the others. */
TEST(all_that_is_wrong_is_told)
{
    static const struct {
        struct row row;
        unsigned problems;
    } rows[] = {
        {{"DNS:example.org", "x", "example.org", 30, true, false}, 0},
        {{"DNS:example.org", "x", "example.org", 30, false, true}, MN_CERT_ISSUER},
        {{"DNS:example.org", "x", "example.net", 30, false, false}, MN_CERT_NAME},
        {{"DNS:example.org", "x", "example.org", -1, false, false}, MN_CERT_EXPIRED},
        {{"IP:127.0.0.2", "x", "127.0.0.1", -1, false, false}, MN_CERT_NAME | MN_CERT_EXPIRED},
        {{"DNS:example.org", "x", "example.net", -1, false, true},
         MN_CERT_ISSUER | MN_CERT_NAME | MN_CERT_EXPIRED},
        {{"otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.example.org", "x", "example.org", -1,
          false, false},
         MN_CERT_EXPIRED},
    };

    if (strstr(dir, "XXXXXX"))
        CHECK(mkdtemp(dir));
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_arena a = {0};
        struct mn_cert_seen seen;

        make(&rows[i].row);
        CHECK(handshake(&rows[i].row, MN_VERIFY_NOTE, &a, &seen));
        CHECK_INT(seen.problems, rows[i].problems);
        mn_arena_done(&a, NULL);
    }
}

TEST(what_was_shown_can_be_shown_to_a_person)
{
    static const struct row row = {"DNS:example.org", "北京", "example.org", 30, true, false};
    struct mn_arena a = {0};
    struct mn_cert_seen seen;
    int64_t now = time(NULL) * INT64_C(1000);

    if (strstr(dir, "XXXXXX"))
        CHECK(mkdtemp(dir));
    make(&row);
    CHECK(handshake(&row, MN_VERIFY_NOTE, &a, &seen));
    CHECK_STR(seen.subject, "CN=北京");
    CHECK_STR(seen.issuer, "CN=北京");
    CHECK_INT(seen.sha256.n, 64);
    CHECK(seen.not_before < now && seen.not_after > now + 29 * INT64_C(86400000));
    mn_arena_done(&a, NULL);
}

static struct mn_tls *made(struct mn_trust *trust, const char *ca_file)
{
    struct mn_tls *t;
    struct mn_buf why = {0};

    CHECK_INT(mn_tls_client(&(struct mn_tls_client){.ca_file = ca_file, .trust = trust}, &t, &why),
              0);
    mn_buf_free(&why);
    return t;
}

TEST(what_is_trusted_is_read_once_and_anew_when_it_has_changed)
{
    static const struct row row = {"DNS:example.org", "x", "example.org", 30, true, false};
    struct mn_trust *trust = mn_trust_new();
    struct mn_arena a = {0};
    struct mn_cert_seen seen;
    struct mn_tls *one, *two, *third, *alone, *whole;
    struct mn_buf why = {0};
    char path[128];

    if (strstr(dir, "XXXXXX"))
        CHECK(mkdtemp(dir));
    make(&row);
    one = made(trust, in_dir("cert.pem", path));
    two = made(trust, path);
    alone = made(NULL, path);
    whole = made(trust, NULL);
    CHECK(SSL_CTX_get_cert_store(one->ctx) == SSL_CTX_get_cert_store(two->ctx));
    CHECK(SSL_CTX_get_cert_store(one->ctx) != SSL_CTX_get_cert_store(alone->ctx));
    CHECK(SSL_CTX_get_cert_store(one->ctx) != SSL_CTX_get_cert_store(whole->ctx));
    mn_tls_unref(whole);
    mn_tls_unref(alone);
    /* Signed anew, by another key, the certificate is trusted by who reads the file now. */
    CHECK(!unlink(path));
    make(&row);
    third = made(trust, path);
    CHECK(SSL_CTX_get_cert_store(one->ctx) != SSL_CTX_get_cert_store(third->ctx));
    CHECK(!handshake_by(two, row.name, &a, &seen));
    CHECK(handshake_by(third, row.name, &a, &seen));
    /* One that is gone is not trusted from memory. */
    CHECK(!unlink(path));
    CHECK_INT(mn_tls_client(&(struct mn_tls_client){.ca_file = path, .trust = trust}, &whole, &why),
              MN_E_TLS);
    mn_trust_free(trust);
    mn_tls_unref(one);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

/* The server's side of TLS against a client that is OpenSSL's own, over a socket pair: what names,
 * protocols and versions may be asked for. */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/cert.h"
#include "net/conn.h"
#include "test.h"

static char dir[] = "/tmp/mynah-tls-XXXXXX";
static struct mn_tls *local, *other;
static struct mn_cert_files local_files, other_files;
static struct mn_arena files;

static struct mn_tls *pick(void *arg, mn_str name)
{
    (void)arg;
    return mn_str_is(name, "other.example") ? other : NULL;
}

static void certificates(void)
{
    struct mn_buf why = {0};

    if (local)
        return;
    CHECK(mkdtemp(dir));
    CHECK_INT(mn_cert_local(dir, MN_STR("localhost"), &files, &local_files, &why), 0);
    CHECK_INT(mn_cert_local(dir, MN_STR("other.example"), &files, &other_files, &why), 0);
    CHECK_INT(mn_tls_server(local_files.cert, local_files.key, &local, &why), 0);
    CHECK_INT(mn_tls_server(other_files.cert, other_files.key, &other, &why), 0);
    mn_tls_pick(local, pick, NULL);
    CHECK_STR(mn_buf_view(&why), "");
    mn_buf_free(&why);
}

__attribute__((destructor)) static void clean(void)
{
    char command[200];

    mn_tls_unref(local);
    mn_tls_unref(other);
    mn_arena_done(&files, NULL);
    mn_conn_thread_done();
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (!strstr(dir, "XXXXXX"))
        (void)!system(command);
}

struct side {
    struct mn_conn *conn;
    bool tls, closed;
    int why;
    struct mn_buf got;
};

static void on_bytes(void *arg, mn_str bytes)
{
    mn_buf_str(&((struct side *)arg)->got, bytes);
}

static void on_closed(void *arg, int why)
{
    ((struct side *)arg)->closed = true;
    ((struct side *)arg)->why = why;
}

static void on_tls(void *arg)
{
    ((struct side *)arg)->tls = true;
}

static const struct mn_conn_face face = {on_bytes, on_closed, NULL, on_tls};

struct ask {
    const char *name, *verify, *alpn, *chosen;
    size_t alpn_n;
    int max;
    bool ok;
};

static void ask(const struct ask *q)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct side s = {0};
    const unsigned char *chosen = NULL;
    unsigned chosen_n = 0;
    SSL *ssl;
    int fd[2], r = 0;

    CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd));
    SSL_CTX_load_verify_file(ctx, local_files.ca);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_security_level(ctx, 0);
    ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd[0]);
    if (q->max)
        SSL_set_max_proto_version(ssl, q->max);
    if (q->name)
        SSL_set_tlsext_host_name(ssl, q->name);
    if (q->alpn)
        SSL_set_alpn_protos(ssl, (const unsigned char *)q->alpn, (unsigned)q->alpn_n);
    SSL_set1_host(ssl, q->verify);
    s.conn = mn_conn_tcp(l, fd[1], &face, &s);
    mn_conn_start_tls(s.conn, local, true, NULL);
    for (int i = 0; i < 1000 && r != 1 && !s.closed; i++) {
        r = SSL_connect(ssl);
        if (r != 1 && SSL_get_error(ssl, r) != SSL_ERROR_WANT_READ)
            break;
        mn_loop_turn(l, 1);
    }
    for (int i = 0; i < 100 && !s.tls && !s.closed; i++)
        mn_loop_turn(l, 10);
    if ((r == 1 && s.tls) != q->ok)
        test_fail(__FILE__, __LINE__, "%s %s: %d %d", q->name ? q->name : "no name", q->verify, r,
                  s.tls);
    if (q->ok) {
        char text[10];

        SSL_get0_alpn_selected(ssl, &chosen, &chosen_n);
        CHECK_STR(((mn_str){(const char *)chosen, chosen_n}), q->chosen);
        CHECK_STR(mn_conn_sni(s.conn), q->name ? q->name : "");
        CHECK_INT(SSL_write(ssl, "hello", 5), 5);
        mn_conn_write(s.conn, MN_STR("welcome"));
        for (int i = 0; i < 100 && s.got.n < 5; i++)
            mn_loop_turn(l, 10);
        CHECK_STR(mn_buf_view(&s.got), "hello");
        CHECK_INT(SSL_read(ssl, text, sizeof text), 7);
        CHECK(!SSL_session_reused(ssl));
    } else {
        CHECK_INT(s.why, MN_E_TLS); /* and not only that somebody hung up */
    }
    mn_conn_close(s.conn, 0);
    for (int i = 0; i < 3; i++)
        mn_loop_turn(l, 10);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    close(fd[0]);
    mn_buf_free(&s.got);
    mn_loop_free(l);
}

TEST(names_protocols_and_versions_are_chosen)
{
    static const struct ask rows[] = {
        {"localhost", "localhost", NULL, "", 0, 0, true},
        {NULL, "localhost", NULL, "", 0, 0, true},
        {"other.example", "other.example", NULL, "", 0, 0, true},
        {"other.example", "other.example", NULL, "", 0, TLS1_2_VERSION, true},
        {"unknown.example", "localhost", NULL, "", 0, 0, true},
        {"localhost", "other.example", NULL, "", 0, 0, false},
        {"localhost", "localhost", "\x0bxmpp-client", "xmpp-client", 12, 0, true},
        {"other.example", "other.example", "\x02h2\x0bxmpp-client", "xmpp-client", 15, 0, true},
        {"localhost", "localhost", "\x02h2\x08http/1.1", "", 12, 0, false},
        {"localhost", "localhost", NULL, "", 0, TLS1_1_VERSION, false},
    };

    certificates();
    for (size_t i = 0; i < MN_COUNT(rows); i++)
        ask(&rows[i]);
}

TEST(what_is_wrong_with_the_files_is_said)
{
    struct mn_buf why = {0};
    struct mn_tls *t;

    certificates();
    CHECK_INT(mn_tls_server("/nowhere/x.crt", local_files.key, &t, &why), MN_E_TLS);
    CHECK(!t && mn_str_is(mn_buf_view(&why),
                          "cannot use the certificate /nowhere/x.crt: No such file or directory"));
    mn_buf_clear(&why);
    CHECK_INT(mn_tls_server("/dev/null", local_files.key, &t, &why), MN_E_TLS);
    CHECK(!t &&
          mn_str_is(mn_buf_view(&why),
                    "cannot use the certificate /dev/null: it holds none that is whole, in PEM"));
    mn_buf_clear(&why);
    CHECK_INT(mn_tls_server(local_files.cert, "/nowhere/x.key", &t, &why), MN_E_TLS);
    CHECK(!t && mn_str_is(mn_buf_view(&why),
                          "cannot use the key /nowhere/x.key: No such file or directory"));
    mn_buf_clear(&why);
    CHECK_INT(mn_tls_server(local_files.cert, other_files.key, &t, &why), MN_E_TLS);
    CHECK(!t && memmem(why.p, why.n, other_files.key, strlen(other_files.key)));
    mn_buf_clear(&why);
    CHECK_INT(mn_tls_client(&(struct mn_tls_client){.ca_file = "/nowhere/ca.crt"}, &t, &why),
              MN_E_TLS);
    CHECK(!t && mn_str_is(mn_buf_view(&why),
                          "cannot use the CA file /nowhere/ca.crt: No such file or directory"));
    mn_buf_free(&why);
}

TEST(key_updates_without_reading_their_answers_come_to_an_end)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct side s = {0};
    SSL *ssl = SSL_new(ctx);
    int fd[2], updates = 0;

    certificates();
    CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd));
    SSL_set_fd(ssl, fd[0]);
    s.conn = mn_conn_tcp(l, fd[1], &face, &s);
    mn_conn_start_tls(s.conn, local, true, NULL);
    for (int i = 0; i < 1000 && (SSL_connect(ssl) != 1 || !s.tls); i++)
        mn_loop_turn(l, 1);
    CHECK(s.tls);
    while (!s.closed && updates++ < 50000) {
        SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(ssl);
        if (updates % 50 == 0)
            mn_loop_turn(l, 0);
    }
    CHECK(s.closed);
    CHECK_INT(s.why, MN_E_LIMIT);
    CHECK(mn_conn_queued(s.conn) < 65536);
    mn_conn_close(s.conn, 0);
    for (int i = 0; i < 3; i++)
        mn_loop_turn(l, 10);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    close(fd[0]);
    mn_loop_free(l);
}

/* More than a turn may take, and with a clock that stands still. */
TEST(a_crowd_of_handshakes_comes_through)
{
    enum { CROWD = 60 };
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct side clients[CROWD] = {{0}}, servers[CROWD] = {{0}};
    struct mn_buf why = {0};
    struct mn_tls *client;
    int done = 0;

    certificates();
    CHECK_INT(mn_tls_client(&(struct mn_tls_client){.ca_file = local_files.ca}, &client, &why), 0);
    mn_clock_set(5000, 0);
    for (int i = 0; i < CROWD; i++) {
        int fd[2];

        CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd));
        clients[i].conn = mn_conn_tcp(l, fd[0], &face, &clients[i]);
        servers[i].conn = mn_conn_tcp(l, fd[1], &face, &servers[i]);
        mn_conn_start_tls(servers[i].conn, local, true, NULL);
        mn_conn_start_tls(clients[i].conn, client, false, "localhost");
    }
    for (int turns = 0; turns < 200 && done < CROWD; turns++) {
        int before = done;

        mn_loop_turn(l, 10);
        done = 0;
        for (int i = 0; i < CROWD; i++)
            done += servers[i].tls && clients[i].tls;
        CHECK(done - before <= 16);
    }
    CHECK_INT(done, CROWD);
    for (int i = 0; i < CROWD; i++) {
        mn_conn_close(clients[i].conn, 0);
        mn_conn_close(servers[i].conn, 0);
    }
    mn_clock_set(-1, 0);
    for (int i = 0; i < 5; i++)
        mn_loop_turn(l, 10);
    mn_tls_unref(client);
    mn_buf_free(&why);
    mn_loop_free(l);
}

/* Says "ping" to e2ee_server.c where nobody between them can read it. Usage: e2ee_client JID PEER/RESOURCE, with the key of
 * both in MYNAH_KEY */
#include "secret.h"

static const char *peer;

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    bool before = SSL_is_init_finished(tls);
    char said[16];
    int n;

    if (!secret_read(m))
        return;
    n = SSL_do_handshake(tls);
    if (n == 1 && !before) {
        printf("a secret is made, by %s\n", SSL_get_cipher_name(tls));
        SSL_write(tls, "ping", 4);
    }
    secret_send(c, peer);
    n = n == 1 ? SSL_read(tls, said, sizeof said) : n;
    if (n > 0)
        printf("%s: %.*s\n", m->from, n, said);
    else if (SSL_get_error(tls, n) != SSL_ERROR_WANT_READ)
        printf("no secret is made\n");
    if (n > 0 || SSL_get_error(tls, n) != SSL_ERROR_WANT_READ)
        mynah_client_disconnect(c);
}

static void state(void *ctx, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .message = message};

    if (s == MYNAH_ONLINE) {
        mynah_listen(c, &calls, NULL);
        mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
        SSL_do_handshake(tls);
        secret_send(c, peer);
    }
    example_end(ctx, c, s, why);
}

int main(int argc, char **argv)
{
    int code;

    peer = argc > 2 ? argv[2] : "";
    secret_open(false);
    code = example_run(argc, argv, state);
    SSL_free(tls);
    return code;
}

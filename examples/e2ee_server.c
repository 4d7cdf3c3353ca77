/* Waits for whom e2ee_client.c speaks for, and says "pong" where nobody between them can read it. Usage: e2ee_server JID, with
 * the key of both in MYNAH_KEY */
#include "secret.h"

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    char said[16];
    int n;

    if (!secret_read(m))
        return;
    n = SSL_read(tls, said, sizeof said); /* makes the handshake, too */
    if (n > 0) {
        printf("%s, by %s: %.*s\n", m->from, SSL_get_cipher_name(tls), n, said);
        SSL_write(tls, "pong", 4);
    }
    secret_send(c, m->from);
    if (n > 0 || SSL_get_error(tls, n) != SSL_ERROR_WANT_READ)
        mynah_client_disconnect(c);
}

static void state(void *ctx, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .message = message};

    if (s == MYNAH_CONNECTING)
        mynah_listen(c, &calls, NULL);
    if (s == MYNAH_ONLINE) {
        printf("online as %s\n", mynah_client_jid(c));
        mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
    }
    example_end(ctx, c, s, why);
}

int main(int argc, char **argv)
{
    int code;

    secret_open(true);
    code = example_run(argc, argv, state);
    SSL_free(tls);
    return code;
}

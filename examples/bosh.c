/* Over HTTP, where nothing else gets through: says where it is online and what it hears; with TO it sends TEXT, and ends when that
 * has arrived. Usage: bosh JID http[s]://host/path|auto [TO TEXT] */
#include "example.h"

static char **args;

static void sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state, const struct mynah_error *why)
{
    example_why(why);
    if (state == MYNAH_SENT_ACKED)
        printf("acknowledged\n");
    if (state >= MYNAH_SENT_ACKED)
        mynah_client_disconnect(c);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    if (s == MYNAH_ONLINE) {
        printf("online as %s over %s\n", mynah_client_jid(c), args[2]);
        mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
        if (args[3]) {
            struct mynah_elem *m = mynah_message_new(args[3], MYNAH_CHAT, args[4]);

            mynah_message_send(c, &m, NULL, sent, NULL);
        }
    }
    example_end(arg, c, s, why);
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    if (m->body && !m->carbon)
        printf("%s: %s\n", m->from, m->body);
}

int main(int argc, char **argv)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .state = state, .message = message};
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c;

    args = argv;
    if (argc != 3 && argc != 5) {
        fprintf(stderr, "usage: bosh JID http[s]://host/path|auto [TO TEXT]\n");
        return 64;
    }
    config.bosh = argv[2];
    config.tls = strncmp(argv[2], "http:", 5) ? MYNAH_TLS_REQUIRED : MYNAH_TLS_OFFERED;
    c = example_client(ctx, &config);
    mynah_listen(c, &calls, ctx);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return 0;
}

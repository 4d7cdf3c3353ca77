/* Sends one message and follows it until the server has it; then waits for messages and answers
 * each with its own text. Usage: message JID TO TEXT */
#include "example.h"

static const char *to, *text;

static void sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state, const struct mynah_error *why)
{
    static const char *const names[] = {"queued", "written", "acknowledged", "delivered", "displayed", "failed"};

    (void)arg;
    (void)c;
    printf("%s\n", names[state]);
    example_why(why);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    example_why(why);
    if (s == MYNAH_OFFLINE)
        mynah_stop(arg);
    if (s != MYNAH_ONLINE || mynah_client_is_resumed(c))
        return;
    printf("online as %s\n", mynah_client_jid(c));
    mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
    if (text) {
        struct mynah_elem *m = mynah_message_new(to, MYNAH_CHAT, text);

        mynah_message_send(c, &m, NULL, sent, NULL);
    }
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    (void)arg;
    if (!m->body || m->carbon || m->type == MYNAH_MESSAGE_ERROR)
        return;
    printf("%s: %s\n", m->from, m->body);
    mynah_message_received(c, m);
    if (!text)
        mynah_chat(c, m->from, m->body);
}

int main(int argc, char **argv)
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c = example_client(ctx, &config);

    to = argc > 3 ? argv[2] : NULL;
    text = argc > 3 ? argv[3] : NULL;
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state, .message = message}, ctx);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return 0;
}

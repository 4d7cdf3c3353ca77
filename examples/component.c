/* A component (XEP-0114): serves a whole domain, whose every address answers with what it is told,
 * and asks whoever writes for his client's name. Usage: component DOMAIN, the secret in
 * MYNAH_PASSWORD */
#include "example.h"

static void told(void *arg, struct mynah_client *c, const struct mynah_elem *result, const struct mynah_error *error)
{
    const char *name = mynah_elem_get(mynah_elem_child(mynah_elem_child(result, "query", NULL), "identity", NULL), "name");

    (void)arg;
    (void)c;
    example_why(error);
    if (result)
        printf("he uses %s\n", name ? name : "something");
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    struct mynah_elem *echo, *query;

    (void)arg;
    if (!m->body || m->type == MYNAH_MESSAGE_ERROR)
        return;
    printf("%s to %s: %s\n", m->from, m->to, m->body);
    echo = mynah_message_new(m->from, m->type, m->body);
    mynah_elem_set(echo, "from", m->to); /* whoever was written to */
    mynah_send(c, &echo);
    query = mynah_elem_new("query", "http://jabber.org/protocol/disco#info");
    mynah_iq_send_from(c, m->to, MYNAH_GET, m->from, &query, 0, told, NULL);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    if (s == MYNAH_ONLINE)
        printf("online as %s\n", mynah_client_jid(c));
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c;

    config.component_secret = config.password;
    c = example_client(ctx, &config);
    mynah_disco_identity(c, "component", "generic", "An echo");
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state, .message = message}, ctx);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return 0;
}

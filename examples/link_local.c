/* Without a server (XEP-0174): says who is in the local network, answers whoever writes, and writes
 * to somebody. Usage: link_local [USER MACHINE [TO TEXT]], with a certificate in MYNAH_CERT. */
#include "example.h"

static const char *to, *text;

static void presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    const struct mynah_neighbour *n = mynah_local_find(c, p->from);

    printf("%s %s%s%s%s%s\n", n ? "here:" : "gone:", p->from, n && n->nick ? " is " : "", n && n->nick ? n->nick : "",
           p->status ? ", " : "", p->status ? p->status : "");
    if (to && n && mynah_jid_same(p->from, to)) {
        mynah_chat(c, to, text);
        to = NULL;
    }
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    const char *tls = mynah_local_tls_name(c, m->from);
    char answer[200];

    if (!m->body)
        return;
    printf("%s: %s (%s)\n", m->from, m->body, tls ? tls : "in clear");
    snprintf(answer, sizeof answer, "You said %s", m->body);
    if (strncmp(m->body, answer, 9) != 0)
        mynah_chat(c, m->from, answer);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    if (s == MYNAH_ONLINE) {
        printf("online as %s\n", mynah_client_jid(c));
        mynah_presence_set(c, MYNAH_AWAY, "in the garden", 0);
    }
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    struct mynah_local_config config = {.size = sizeof config, .nick = "Example", .cert_file = getenv("MYNAH_CERT")};
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c;

    setvbuf(stdout, NULL, _IOLBF, 0);
    config.user = argc > 1 ? argv[1] : NULL;
    config.machine = argc > 2 ? argv[2] : NULL;
    to = argc > 4 ? argv[3] : NULL;
    text = argc > 4 ? argv[4] : NULL;
    if (mynah_local_new(ctx, &config, &c, NULL))
        return 64;
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state, .presence = presence, .message = message}, ctx);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return 0;
}

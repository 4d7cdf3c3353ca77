/* Stays online, whatever happens to the network, and says what happens; ends by Ctrl-C. Usage:
 * reconnect JID */
#include "example.h"

#include <signal.h>

static struct mynah_context *ctx;

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    example_why(why);
    if (s == MYNAH_WAITING)
        printf("waiting %lld ms\n", (long long)mynah_client_retry_ms(c));
    if (s == MYNAH_CONNECTING)
        printf("connecting\n");
    if (s == MYNAH_ONLINE && mynah_client_is_resumed(c))
        printf("resumed as %s\n", mynah_client_jid(c)); /* presence and all else is as it was */
    if (s == MYNAH_ONLINE && !mynah_client_is_resumed(c)) {
        printf("online as %s\n", mynah_client_jid(c));
        mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
    }
    if (s == MYNAH_OFFLINE)
        mynah_stop(ctx);
}

static void presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    printf("%s %s\n", p->from, p->show == MYNAH_UNAVAILABLE ? "went" : "is there"); /* we too */
}

static void ended(int sig)
{
    mynah_stop(ctx);
}

int main(int argc, char **argv)
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_client *c;

    ctx = mynah_context_new(NULL);
    c = example_client(ctx, &config);
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state, .presence = presence}, NULL);
    signal(SIGINT, ended);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return 0;
}

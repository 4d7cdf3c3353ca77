/* One client and several sessions: it logs in, leaves, and logs in once more. Usage: reset JID */
#include "example.h"

static int times;

static void state(void *ctx, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    example_why(why);
    if (s == MYNAH_ONLINE) {
        printf("online as %s, time %d\n", mynah_client_jid(c), ++times);
        mynah_client_disconnect(c);
    }
    if (s == MYNAH_OFFLINE && times == 1 && !why)
        mynah_client_connect(c);
    else if (s == MYNAH_OFFLINE)
        mynah_stop(ctx);
}

int main(int argc, char **argv)
{
    return example_run(argc, argv, state);
}

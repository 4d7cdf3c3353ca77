/* Blocks an address, lists all that are blocked, and unblocks it. Usage: blocklist JID ADDRESS */
#include "example.h"

static const char *address;

static void came(void *arg, struct mynah_client *c, const char *const *jids, size_t count, const struct mynah_error *error)
{
    example_why(error);
    printf("%zu blocked\n", count);
    for (size_t i = 0; i < count; i++)
        printf("blocked: %s\n", jids[i]);
    if (error)
        mynah_client_disconnect(c);
    else if (count)
        mynah_unblock(c, address, NULL, NULL);
    else
        mynah_block(c, address, NULL, NULL);
}

static void blocked(void *arg, struct mynah_client *c, const char *jid)
{
    printf("now blocked: %s\n", jid);
    mynah_blocking_get(c, came, NULL);
}

static void unblocked(void *arg, struct mynah_client *c, const char *jid)
{
    printf("unblocked: %s\n", jid ? jid : "all");
    mynah_client_disconnect(c);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    static const struct mynah_blocking_calls calls = {.size = sizeof calls, .blocked = blocked, .unblocked = unblocked};

    if (s == MYNAH_ONLINE) {
        mynah_blocking_listen(c, &calls, NULL);
        mynah_blocking_get(c, came, NULL);
    }
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    address = argc > 2 ? argv[2] : "spam@example.org";
    return example_run(argc, argv, state);
}

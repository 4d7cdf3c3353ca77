/* Shows a text that the account keeps on its server, and stores another. Usage: privatexml JID TEXT */
#include "example.h"

static char **args;

static void stored(void *arg, struct mynah_client *c, const struct mynah_elem *result, const struct mynah_error *error)
{
    example_why(error);
    printf(error ? "refused\n" : "stored\n");
    mynah_client_disconnect(c);
}

static void came(void *arg, struct mynah_client *c, const struct mynah_elem *was, const struct mynah_error *error)
{
    struct mynah_elem *e = mynah_elem_new("scratch", "urn:mynah:example");

    example_why(error);
    printf("was: %s\n", was ? mynah_elem_text(was) : "refused");
    mynah_elem_put(e, args[2] ? args[2] : "");
    mynah_private_set(c, &e, stored, NULL);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    if (s == MYNAH_ONLINE)
        mynah_private_get(c, "scratch", "urn:mynah:example", came, NULL);
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    args = argv;
    return example_run(argc, argv, state);
}

/* Shows who wrote while nobody was there, takes the first message, and throws the others away. Usage: flexoff JID */
#include "example.h"

static void removed(void *arg, struct mynah_client *c, const struct mynah_elem *result, const struct mynah_error *error)
{
    example_why(error);
    if (error || arg) {
        printf(error ? "not removed\n" : "removed\n");
        mynah_client_disconnect(c);
    }
}

static void listed(void *arg, struct mynah_client *c, const struct mynah_offline *list, size_t count, const struct mynah_error *error)
{
    example_why(error);
    for (size_t i = 0; i < count; i++)
        printf("from %s\n", list[i].from ? list[i].from : "?");
    if (count) {
        mynah_offline_fetch(c, &list[0].node, 1, NULL, NULL);
        mynah_offline_remove(c, &list[0].node, 1, removed, NULL);
    }
    mynah_offline_purge(c, removed, c);
}

static void counted(void *arg, struct mynah_client *c, size_t count, const struct mynah_error *error)
{
    example_why(error);
    printf("%zu messages\n", count);
    mynah_offline_list(c, listed, NULL);
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    printf("%s: %s%s\n", m->from, m->body ? m->body : "", mynah_offline_node(m->xml) ? ", kept" : "");
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .message = message};

    if (s == MYNAH_ONLINE) {
        mynah_listen(c, &calls, NULL);
        mynah_offline_count(c, counted, NULL);
    }
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    return example_run(argc, argv, state);
}

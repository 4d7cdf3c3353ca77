/* Makes a privacy list that keeps messages of an address away, makes it the account's, and shows all. Usage: privacylist JID ADDRESS */
#include "example.h"

static const char *address;

static void removed(void *arg, struct mynah_client *c, const struct mynah_elem *result, const struct mynah_error *error)
{
    example_why(error);
    printf(error ? "not removed\n" : "removed\n");
    mynah_client_disconnect(c);
}

static void items(void *arg, struct mynah_client *c, const struct mynah_privacy_item *item, size_t count, const struct mynah_error *error)
{
    example_why(error);
    for (size_t i = 0; i < count; i++)
        printf("%u %s %s%s\n", item[i].order, item[i].allow ? "allow" : "deny", item[i].value ? item[i].value : "all",
               item[i].stanzas & MYNAH_PRIVACY_MESSAGE ? ": messages" : "");
    mynah_privacy_standard(c, NULL, NULL, NULL);
    mynah_privacy_remove(c, "quiet", removed, NULL);
}

static void lists(void *arg, struct mynah_client *c, const struct mynah_privacy_lists *l, const struct mynah_error *error)
{
    example_why(error);
    for (size_t i = 0; l && i < l->count; i++)
        printf("list %s%s\n", l->names[i], l->standard && !strcmp(l->names[i], l->standard) ? ", the account's" : "");
    mynah_privacy_get(c, "quiet", items, NULL);
}

static void changed(void *arg, struct mynah_client *c, const char *name)
{
    printf("changed %s\n", name);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    static const struct mynah_privacy_calls calls = {.size = sizeof calls, .changed = changed};
    const struct mynah_privacy_item rules[] = {{MYNAH_PRIVACY_JID, address, false, 1, MYNAH_PRIVACY_MESSAGE}, {.allow = true, .order = 2}};

    if (s == MYNAH_ONLINE) {
        mynah_privacy_listen(c, &calls, NULL);
        mynah_privacy_set(c, "quiet", rules, 2, NULL, NULL);
        mynah_privacy_standard(c, "quiet", NULL, NULL);
        mynah_privacy_lists(c, lists, NULL);
    }
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    address = argc > 2 ? argv[2] : "loud@example.org";
    return example_run(argc, argv, state);
}

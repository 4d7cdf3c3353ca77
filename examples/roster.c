/* Shows the roster, adds a contact and asks to see him, removes him again. Usage: roster JID CONTACT */
#include "example.h"

static const char *contact;

static void ready(void *arg, struct mynah_client *c)
{
    const struct mynah_contact *k;

    (void)arg;
    printf("%zu contacts\n", mynah_roster_count(c));
    for (size_t i = 0; (k = mynah_roster_at(c, i)); i++)
        printf("contact %s\n", k->jid);
    mynah_roster_set(c, contact, "a friend", (const char *const[]){"Friends", "朋友"}, 2, NULL, NULL);
    mynah_subscription_send(c, contact, MYNAH_SUBSCRIBE, NULL);
}

static void changed(void *arg, struct mynah_client *c, const struct mynah_contact *k)
{
    (void)arg;
    printf("changed %s (%s)%s\n", k->jid, k->name ? k->name : "", k->asked ? ", asked" : "");
    for (size_t i = 0; i < k->group_count; i++)
        printf("group %s\n", k->groups[i]);
    if (k->asked)
        mynah_roster_remove(c, k->jid, NULL, NULL);
}

static void removed(void *arg, struct mynah_client *c, const char *jid)
{
    (void)arg;
    printf("removed %s\n", jid);
    mynah_client_disconnect(c);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    example_why(why);
    if (s == MYNAH_ONLINE)
        mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
    if (s == MYNAH_OFFLINE)
        mynah_stop(arg);
}

static const struct mynah_roster_calls calls = {
    .size = sizeof calls, .ready = ready, .changed = changed, .removed = removed};

int main(int argc, char **argv)
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c = example_client(ctx, &config);

    contact = argc > 2 ? argv[2] : "friend@example.org";
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state}, ctx);
    mynah_roster_listen(c, &calls, NULL);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return 0;
}

/* Makes a node, subscribes to it, publishes a text, hears of it, deletes the node. SERVICE "-": a personal node of the
 * account (XEP-0163), which needs no making and no subscription. Usage: pubsub JID SERVICE NODE TEXT */
#include "example.h"

static char **args, *service;
static struct mynah_listener *heard;

static void deleted(void *arg, struct mynah_client *c, const struct mynah_elem *result, const struct mynah_error *error)
{
    printf("%s\n", error ? mynah_code_text(error->code) : "deleted");
    mynah_client_disconnect(c);
}

static void event(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e, const struct mynah_pubsub_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%s: %s\n", e->service, mynah_elem_child_text(items[i].payload, "title", NULL));
    mynah_unlisten(heard); /* once is enough */
    mynah_pubsub_delete(c, service, args[3], NULL, deleted, NULL);
}

static void made(void *what, struct mynah_client *c, const char *name, const struct mynah_error *error)
{
    printf("%s %s\n", (char *)what, error ? mynah_code_text(error->code) : name);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    struct mynah_elem *entry = mynah_elem_new("entry", "http://www.w3.org/2005/Atom");

    mynah_elem_add_text(entry, "title", NULL, args[4]);
    if (s == MYNAH_ONLINE && service) {
        mynah_pubsub_create(c, service, args[3], NULL, made, "created");
        mynah_pubsub_subscribe(c, service, args[3], NULL, NULL, NULL, NULL);
    }
    if (s == MYNAH_ONLINE) /* one behind the other: servers keep the order */
        mynah_pubsub_publish(c, service, args[3], "1", &entry, NULL, made, "published");
    mynah_elem_free(entry);
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c = example_client(ctx, &config);

    if (argc < 5)
        return 64;
    args = argv;
    service = strcmp(argv[2], "-") ? argv[2] : NULL;
    mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
    mynah_pubsub_notify(c, argv[3], true);
    heard = mynah_pubsub_listen(c, &(struct mynah_pubsub_calls){.size = sizeof(struct mynah_pubsub_calls), .items = event}, NULL);
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state}, ctx);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return 0;
}

/* What an address is and can, and what the things are that it has (a server: its parts). Usage: disco JID [ADDRESS] */
#include "example.h"

static const char *address; /* NULL: the own server */
static size_t open_questions = 4;

static void answered(struct mynah_client *c)
{
    if (!--open_questions)
        mynah_client_disconnect(c);
}

static void info(void *arg, struct mynah_client *c, const struct mynah_disco *d, const struct mynah_error *error)
{
    for (size_t i = 0; d && i < d->identity_count; i++)
        printf("%s is %s/%s\n", (char *)arg, d->identities[i].category, d->identities[i].type);
    for (size_t i = 0; d && i < d->feature_count; i++)
        printf("%s has %s\n", (char *)arg, d->features[i]);
    free(arg);
    answered(c);
}

static void items(void *arg, struct mynah_client *c, const struct mynah_item *item, size_t count, const struct mynah_error *error)
{
    for (size_t i = 0; i < count; i++, open_questions++)
        mynah_disco_info(c, item[i].jid, item[i].node, info, strdup(item[i].jid));
    answered(c);
}

static void version(void *arg, struct mynah_client *c, const struct mynah_software *s, const struct mynah_error *error)
{
    if (s)
        printf("software %s %s\n", s->name ? s->name : "?", s->version ? s->version : "");
    answered(c);
}

static void pinged(void *arg, struct mynah_client *c, int64_t ms, const struct mynah_error *error)
{
    printf(error ? "no ping\n" : "there in %lld ms\n", (long long)ms);
    answered(c);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    if (s == MYNAH_ONLINE) {
        mynah_ping(c, address, pinged, NULL);
        mynah_version_get(c, address, version, NULL);
        mynah_disco_info(c, address, NULL, info, strdup(address ? address : "server"));
        mynah_disco_items(c, address, NULL, items, NULL);
    }
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    address = argc > 2 ? argv[2] : NULL;
    return example_run(argc, argv, state);
}

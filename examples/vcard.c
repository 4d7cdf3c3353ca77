/* Changes the name and the photo of the account's vCard, and waits until presence tells of it. Usage: vcard JID NAME */
#include "example.h"

static char **args;

static void show(const struct mynah_vcard *v)
{
    printf("%s, %s\n", v && v->full_name ? v->full_name : "nobody", v && v->photo_type ? v->photo_type : "no photo");
}

static void now(void *arg, struct mynah_client *c, const struct mynah_vcard *v, const struct mynah_error *error)
{
    show(v);
    mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
}

static void stored(void *arg, struct mynah_client *c, const struct mynah_elem *result, const struct mynah_error *error)
{
    puts(error ? "refused" : "stored");
    mynah_vcard_get(c, mynah_client_bare(c), now, NULL);
}

static void before(void *arg, struct mynah_client *c, const struct mynah_vcard *v, const struct mynah_error *error)
{
    struct mynah_vcard new = v ? *v : (struct mynah_vcard){.size = sizeof new};

    show(v);
    if (error && strcmp(error->condition ? error->condition : "", "item-not-found"))
        exit(1); /* nothing is set over what could not be read */
    new.full_name = args[2] ? args[2] : "Somebody";
    new.photo = "GIF89a\1\0\1\0\0\0\0;", new.photo_size = 14;
    mynah_vcard_set(c, &new, stored, NULL);
}

static void presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    const char *hash = mynah_photo_hash(p->xml);

    printf("told %s\n", hash && *hash ? hash : "nothing yet");
    if (hash && *hash)
        mynah_client_disconnect(c);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .presence = presence};

    if (s == MYNAH_ONLINE) {
        mynah_listen(c, &calls, NULL);
        mynah_photo_share(c, true);
        mynah_vcard_get(c, NULL, before, NULL);
    }
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    args = argv;
    return example_run(argc, argv, state);
}

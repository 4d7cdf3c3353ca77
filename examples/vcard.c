/* Changes the name and the photo of the account's vCard, and waits until presence tells of it. Usage: vcard JID NAME */
#include "example.h"

static const char photo[] = "GIF89a\1\0\1\0\0\0\0;";
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
    printf(error ? "refused\n" : "stored\n");
    mynah_vcard_get(c, mynah_client_bare(c), now, NULL);
}

static void before(void *arg, struct mynah_client *c, const struct mynah_vcard *v, const struct mynah_error *error)
{
    struct mynah_vcard new = v ? *v : (struct mynah_vcard){.size = sizeof new};

    show(v);
    new.full_name = args[2] ? args[2] : "Somebody";
    new.photo = photo;
    new.photo_size = sizeof photo - 1;
    mynah_vcard_set(c, &new, stored, NULL);
}

static void presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    const char *hash = mynah_photo_hash(p->xml);

    if (hash && *hash)
        mynah_client_disconnect(c);
    printf("told %s\n", hash && *hash ? hash : "nothing yet");
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

/* Makes an account: asks for the fields, fills in name and password, logs in with it. Usage:
 * register JID */
#include "example.h"

static void made(void *arg, struct mynah_client *c, const struct mynah_elem *result, const struct mynah_error *error)
{
    (void)arg;
    (void)result;
    example_why(error);
    if (error) {
        mynah_client_disconnect(c);
        return;
    }
    printf("registered\n");
    mynah_client_login(c);
}

static void fields(void *arg, struct mynah_client *c, const struct mynah_register_form *form, const struct mynah_error *error)
{
    char *user = mynah_jid_user(mynah_client_bare(c));
    const char *names[] = {"username", "password"}, *values[] = {user, arg};

    example_why(error);
    for (size_t i = 0; form && i < form->count; i++)
        printf("field %s\n", form->names[i]);
    if (form)
        mynah_register(c, NULL, names, values, 2, made, NULL);
    else
        mynah_client_disconnect(c);
    mynah_free(user);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    example_why(why);
    if (s == MYNAH_OPEN)
        mynah_register_fields(c, NULL, fields, getenv("MYNAH_PASSWORD"));
    if (s == MYNAH_ONLINE) {
        printf("online as %s\n", mynah_client_jid(c));
        mynah_client_disconnect(c);
    }
    if (s == MYNAH_OFFLINE)
        mynah_stop(arg);
}

int main(int argc, char **argv)
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c;

    config.hold_login = true;
    config.no_reconnect = true;
    c = example_client(ctx, &config);
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state}, ctx);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return 0;
}

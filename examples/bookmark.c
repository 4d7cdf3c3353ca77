/* Lists the bookmarks of an account, and adds a room that is entered after each login. Usage: bookmark JID ROOM */
#include "example.h"

static char **args;

static void stored(void *arg, struct mynah_client *c, const struct mynah_elem *result, const struct mynah_error *error)
{
    example_why(error);
    printf(error ? "refused\n" : "stored\n");
    mynah_client_disconnect(c);
}

static void came(void *arg, struct mynah_client *c, const struct mynah_bookmark *list, size_t count, const struct mynah_error *error)
{
    struct mynah_bookmark *more;

    example_why(error);
    if (error) { /* nothing is set over what could not be read */
        mynah_client_disconnect(c);
        return;
    }
    more = calloc(count + 1, sizeof *more);
    printf("%zu bookmarks\n", count);
    for (size_t i = 0; i < count; i++) {
        printf("%s (%s)%s\n", list[i].jid ? list[i].jid : list[i].url ? list[i].url : "?", list[i].name ? list[i].name : "",
               list[i].autojoin ? ", entered by itself" : "");
        more[i] = list[i];
    }
    more[count] = (struct mynah_bookmark){.jid = args[2] ? args[2] : "room@example.org", .name = "A room", .nick = "me", .autojoin = true};
    mynah_bookmarks_set(c, more, count + 1, stored, NULL);
    free(more);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    if (s == MYNAH_ONLINE)
        mynah_bookmarks_get(c, came, NULL);
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    args = argv;
    return example_run(argc, argv, state);
}

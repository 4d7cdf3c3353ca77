/* Lists the notes of an account, and adds one. Usage: annotations JID CONTACT NOTE */
#include "example.h"

#include <time.h>

static char **args;

static void stored(void *arg, struct mynah_client *c, const struct mynah_elem *result, const struct mynah_error *error)
{
    example_why(error);
    printf(error ? "refused\n" : "stored\n");
    mynah_client_disconnect(c);
}

static void came(void *arg, struct mynah_client *c, const struct mynah_annotation *list, size_t count, const struct mynah_error *error)
{
    struct mynah_annotation *more;
    int64_t now = (int64_t)time(NULL) * 1000;

    example_why(error);
    if (error) { /* nothing is set over what could not be read */
        mynah_client_disconnect(c);
        return;
    }
    more = calloc(count + 1, sizeof *more);
    printf("%zu notes\n", count);
    for (size_t i = 0; i < count; i++) {
        printf("%s: %s\n", list[i].jid, list[i].text);
        more[i] = list[i];
    }
    more[count] = (struct mynah_annotation){args[2] ? args[2] : "friend@example.org", args[2] && args[3] ? args[3] : "a friend", now, now};
    mynah_annotations_set(c, more, count + 1, stored, NULL);
    free(more);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    if (s == MYNAH_ONLINE)
        mynah_annotations_get(c, came, NULL);
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    args = argv;
    return example_run(argc, argv, state);
}

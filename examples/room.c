/* Joins a room, makes it when it is not there, says something, and shows what is said until somebody
 * says "bye". Usage: room JID ROOM NICK [TEXT] */
#include "example.h"

static char **args;

static void joined(void *arg, struct mynah_room *r, bool created)
{
    printf("joined as %s%s\n", mynah_room_nick(r), created ? ", new" : "");
    if (created)
        mynah_room_accept_defaults(r, NULL, NULL);
    if (args[4])
        mynah_room_send(r, args[4], NULL, NULL, NULL);
}

static void occupant(void *arg, struct mynah_room *r, const struct mynah_occupant *o)
{
    printf("here: %s%s\n", o->nick, o->self ? " (I)" : "");
}

static void message(void *arg, struct mynah_room *r, const struct mynah_message *m, const char *nick)
{
    printf("%s: %s\n", nick ? nick : mynah_room_jid(r), m->body ? m->body : "");
    if (m->body && !strcmp(m->body, "bye"))
        mynah_room_leave(r, NULL);
}

static void left(void *arg, struct mynah_room *r, const struct mynah_room_gone *why)
{
    printf("left\n");
    mynah_client_disconnect(mynah_room_client(r));
}

static void refused(void *arg, struct mynah_room *r, const struct mynah_error *why)
{
    example_why(why);
    mynah_client_disconnect(mynah_room_client(r));
}

int main(int argc, char **argv)
{
    static const struct mynah_room_calls calls = {
        .size = sizeof calls, .joined = joined, .refused = refused, .left = left, .occupant = occupant, .message = message};
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c = example_client(ctx, &config);
    struct mynah_room *room;

    args = argv;
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = example_end}, ctx);
    if (argc < 4 || mynah_room_new(c, argv[2], argv[3], &calls, NULL, &room) || mynah_room_join(room, NULL, NULL))
        return 64;
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return 0;
}

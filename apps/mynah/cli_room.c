/* room: says something there, or listens. A room that the running client is in is used as it is. */
#include "apps/mynah/cli.h"
#include "im/lang.h"

static void say(struct cli *cli)
{
    char *text = cli_words(cli, 2);

    cli->wait = MYNAH_SENT_DELIVERED; /* the room has sent it round */
    if (mynah_room_send(cli->room, text, cli->id, NULL, NULL))
        cli_end_because(cli, CLI_FAILED, _("it could not be sent"));
    mn_free(text);
}

/* What is said there is told to whose room it is alone, which in a session that runs is not us. */
static bool stanza(void *arg, struct mynah_client *c, const struct mynah_elem *st)
{
    struct cli *cli = arg;
    const char *from = mynah_elem_get(st, "from"), *type = mynah_elem_get(st, "type"),
               *body = mynah_elem_child_text(st, "body", "jabber:client"), *nick;
    char at[32];

    if (!mynah_elem_is(st, "message", "jabber:client") || !from || !type || !body ||
        strcmp(type, "groupchat") != 0 || !cli->room || mynah_room_find(c, from) != cli->room)
        return false;
    nick = strchr(from, '/');
    cli_print(cli, "time", cli_stamp(cli, mynah_delay(st, NULL, NULL), at), "nick",
              nick ? nick + 1 : "", "body", body, NULL);
    return false;
}

/* What is said there, or the first line of what is heard. */
static void begin(struct cli *cli)
{
    if (cli->arg_count > 2)
        say(cli);
    else
        cli_print(cli, "room", mynah_room_jid(cli->room), "nick", mynah_room_nick(cli->room), NULL);
}

static void joined(void *arg, struct mynah_room *r, bool created)
{
    struct cli *cli = arg;

    if (created)
        mynah_room_accept_defaults(r, NULL, NULL);
    begin(cli);
}

static void refused(void *arg, struct mynah_room *r, const struct mynah_error *why)
{
    cli_fail(arg, why);
}

static void left(void *arg, struct mynah_room *r, const struct mynah_room_gone *why)
{
    cli_end(arg, why->end == MYNAH_ROOM_LEFT ? CLI_DONE : CLI_REFUSED);
}

void cli_room(struct cli *cli)
{
    static const struct mynah_calls hears = {.size = sizeof hears, .stanza = stanza},
                                    says = {.size = sizeof says, .sent = cli_sent};
    static const struct mynah_room_calls calls = {
        .size = sizeof calls, .joined = joined, .refused = refused, .left = left};

    cli->listener = mynah_listen(cli->client, cli->arg_count > 2 ? &says : &hears, cli);
    if (cli->arg_count <= 2)
        cli_forever(cli);
    cli->room = mynah_room_find(cli->client, cli->args[0]);
    if (cli->room) {
        begin(cli);
        return;
    }
    cli->room_is_ours =
        !mynah_room_new(cli->client, cli->args[0], cli->args[1], &calls, cli, &cli->room);
    if (cli->room_is_ours)
        (void)!mynah_room_join(cli->room, NULL, NULL);
    else
        cli_misused(cli, _("no address of a room, or no nickname"));
}

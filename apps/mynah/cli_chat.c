/* login, register, passwd, send, listen, presence, room, raw. */
#include <stdio.h>
#include <time.h>

#include "apps/mynah/cli.h"
#include "im/lang.h"

void cli_login(void)
{
    cli_print("jid", mynah_client_jid(cli.client), "mechanism", mynah_client_mechanism(cli.client),
              "tls", mynah_client_tls_name(cli.client), NULL);
    cli_end(CLI_DONE);
}

/* The account is made with the password that it will log in with. */

static void fields_came(void *arg, struct mynah_client *c, const struct mynah_register_form *form,
                        const struct mynah_error *error)
{
    const char *values[2], *names[] = {"username", "password"};
    char *user;

    if (error) {
        cli_fail(error);
        return;
    }
    if (form->url)
        cli_print("register_at", form->url, NULL);
    user = mynah_jid_user(mynah_client_bare(c));
    values[0] = user;
    values[1] = mynah_client_password(c);
    mynah_register(c, NULL, names, values, 2, cli_done, NULL);
    mynah_free(user);
}

void cli_register(void)
{
    mynah_register_fields(cli.client, NULL, fields_came, NULL);
}

void cli_passwd(void)
{
    char *text = cli_stdin();

    text[strcspn(text, "\r\n")] = 0;
    if (*text)
        mynah_password_change(cli.client, text, cli_done, NULL);
    else
        cli_usage(_("the new password is to stand on standard input"));
    mn_free(text);
}

/* Words joined, or standard input. */
static char *words(int from)
{
    struct mn_buf b = {0};

    if (cli.arg_count <= from)
        return cli_stdin();
    for (int i = from; i < cli.arg_count; i++)
        mn_buf_fmt(&b, "%s%s", i > from ? " " : "", cli.args[i]);
    mn_buf_c(&b, 0);
    return b.p;
}

static void sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                 const struct mynah_error *why)
{
    static const char *const names[] = {"queued",    "written",   "acked",
                                        "delivered", "displayed", "failed"};

    if (state == MYNAH_SENT_FAILED) {
        cli_fail(why);
    } else if ((int)state >= cli.wait && !cli.ended) {
        if (cli.json)
            cli_print("id", id, "state", names[state], NULL);
        cli_end(CLI_DONE);
    }
}

void cli_send(void)
{
    char *text = words(1);
    struct mynah_elem *m = mynah_message_new(cli.args[0], MYNAH_CHAT, text);

    mn_free(text);
    mynah_message_send(cli.client, &m, NULL, sent, NULL);
}

static const char *stamp(int64_t ms, char out[32])
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;

    if (!ms)
        s = time(NULL);
    strftime(out, 32, cli.json ? "%Y-%m-%dT%H:%M:%SZ" : "%H:%M",
             cli.json ? gmtime_r(&s, &tm) : localtime_r(&s, &tm));
    return out;
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    static const char *const types[] = {"normal", "chat", "groupchat", "headline", "error"};
    char at[32];

    if (!m->body && !m->subject)
        return;
    cli_print("time", stamp(m->sent_at, at), "from", m->from, "to", cli.json ? m->to : NULL, "type",
              cli.json ? types[m->type] : NULL, "subject", m->subject, "body", m->body, NULL);
    if (m->type != MYNAH_MESSAGE_ERROR && !m->carbon)
        mynah_message_received(c, m);
}

void cli_listen(void)
{
    mynah_listen(cli.client,
                 &(struct mynah_calls){.size = sizeof(struct mynah_calls), .message = message},
                 NULL);
    mynah_presence_set(cli.client, MYNAH_AVAILABLE, NULL, 0);
    cli_forever();
}

void cli_presence(void)
{
    static const char *const shows[] = {"online", "chat", "away", "xa", "dnd"};

    for (size_t i = 0; i < MN_COUNT(shows); i++)
        if (!strcmp(cli.args[0], shows[i])) {
            mynah_presence_set(cli.client, (enum mynah_show)i,
                               cli.arg_count > 1 ? cli.args[1] : NULL, 0);
            cli_forever();
            return;
        }
    cli_usage(_("presence takes online, chat, away, xa or dnd"));
}

/* Rooms. */

static void room_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                      const struct mynah_error *why)
{
    if (state == MYNAH_SENT_FAILED)
        cli_fail(why);
    else if (state == MYNAH_SENT_DELIVERED)
        mynah_room_leave(arg, NULL);
}

static void joined(void *arg, struct mynah_room *r, bool created)
{
    char *text;

    if (created)
        mynah_room_accept_defaults(r, NULL, NULL);
    if (cli.arg_count <= 2) {
        cli_forever();
        return;
    }
    text = words(2);
    mynah_room_send(r, text, NULL, room_sent, r);
    mn_free(text);
}

static void room_message(void *arg, struct mynah_room *r, const struct mynah_message *m,
                         const char *nick)
{
    char at[32];

    if (m->body && cli.arg_count <= 2)
        cli_print("time", stamp(m->sent_at, at), "nick", nick, "body", m->body, NULL);
}

static void refused(void *arg, struct mynah_room *r, const struct mynah_error *why)
{
    cli_fail(why);
}

static void left(void *arg, struct mynah_room *r, const struct mynah_room_gone *why)
{
    cli_end(why->end == MYNAH_ROOM_LEFT ? CLI_DONE : CLI_REFUSED);
}

void cli_room(void)
{
    static const struct mynah_room_calls calls = {.size = sizeof calls,
                                                  .joined = joined,
                                                  .refused = refused,
                                                  .left = left,
                                                  .message = room_message};
    struct mynah_room *r;

    if (mynah_room_new(cli.client, cli.args[0], cli.args[1], &calls, NULL, &r))
        cli_usage(_("no address of a room, or no nickname"));
    mynah_room_join(r, NULL, NULL);
}

/* Stanzas as they are. */

static bool stanza(void *arg, struct mynah_client *c, const struct mynah_elem *st)
{
    char *xml = mynah_elem_xml(st);

    cli_print("xml", xml, NULL);
    mynah_free(xml);
    return false;
}

void cli_raw(void)
{
    char *text = cli_stdin();
    struct mn_buf all = {0};
    struct mynah_elem *e;

    mn_buf_fmt(&all, "<all xmlns='jabber:client'>%s</all>", text);
    mn_buf_c(&all, 0);
    mn_free(text);
    mynah_listen(cli.client,
                 &(struct mynah_calls){.size = sizeof(struct mynah_calls), .stanza = stanza}, NULL);
    if (mynah_elem_parse(all.p, &e))
        cli_usage(_("what stands on standard input is not well-formed"));
    MYNAH_EACH(st, e, NULL, NULL)
    {
        struct mynah_elem *copy = mynah_elem_copy(st);

        if (mynah_send(cli.client, &copy))
            fprintf(stderr, _("mynah: no stanza: %s\n"), mynah_elem_name(st));
    }
    mynah_elem_free(e);
    mn_buf_free(&all);
}

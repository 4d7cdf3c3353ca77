/* login, register, passwd, send, listen, presence, raw. */
#include <time.h>

#include "apps/mynah/cli.h"
#include "im/error.h"
#include "im/lang.h"

void cli_login(struct cli *cli)
{
    cli_print(cli, "jid", mynah_client_jid(cli->client), "mechanism",
              mynah_client_mechanism(cli->client), "tls", mynah_client_tls_name(cli->client), NULL);
    cli_end(cli, CLI_DONE);
}

/* The account is made with the password that it will log in with. */

static void made(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                 const struct mynah_error *error)
{
    struct cli *cli = arg;
    struct mn_arena a = {0};
    char *text;

    cli->request = NULL;
    if (error && error->code == MYNAH_E_STANZA &&
        !(error->condition && !strcmp(error->condition, "conflict"))) {
        text = im_error_text(error);
        cli_end_because(
            cli, CLI_REFUSED,
            mn_arena_fmt(&a,
                         _("%s; if the server asks for more than a name and a password: "
                           "/register in mynah shows its form"),
                         text)
                .p);
        mn_free(text);
    }
    cli_done(arg, c, result, error);
    mn_arena_done(&a, NULL);
}

static void fields_came(void *arg, struct mynah_client *c, const struct mynah_register_form *form,
                        const struct mynah_error *error)
{
    struct cli *cli = arg;
    const char *values[2], *names[] = {"username", "password"};
    char *user;

    if (!cli_came(cli, error))
        return;
    if (form->url)
        cli_print(cli, "register_at", form->url, NULL);
    user = mynah_jid_user(mynah_client_bare(c));
    values[0] = user;
    values[1] = mynah_client_password(c);
    cli->request = mynah_register(c, NULL, names, values, 2, made, cli);
    mynah_free(user);
}

void cli_register(struct cli *cli)
{
    cli->request = mynah_register_fields(cli->client, NULL, fields_came, cli);
}

static mn_str password_on(const char *input)
{
    mn_str rest, line = mn_str_cut(mn_str_from(input), '\n', &rest);

    return line.n && line.p[line.n - 1] == '\r' ? (mn_str){line.p, line.n - 1} : line;
}

void cli_passwd_check(struct cli *cli)
{
    if (!password_on(cli->input).n)
        cli_misused(cli, _("the new password is to stand on standard input"));
}

static void changed(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                    const struct mynah_error *error)
{
    struct cli *cli = arg;

    if (result)
        cli->host->password_changed(cli);
    cli_done(cli, c, result, error);
}

void cli_passwd(struct cli *cli)
{
    char *text = mn_str_dup(password_on(cli->input));

    cli->request = mynah_password_change(cli->client, text, changed, cli);
    mn_free(text);
}

/* A message, until it came as far as is wanted. */

static void came(struct cli *cli, enum mynah_sent state)
{
    if ((int)state < cli->wait || cli->ended)
        return;
    if (cli->json)
        cli_print(cli, "id", cli->id, "state", cli_sent_names[state], NULL);
    cli_end(cli, CLI_DONE);
}

void cli_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
              const struct mynah_error *why)
{
    struct cli *cli = arg;

    if (strcmp(id, cli->id) != 0)
        return;
    if (state == MYNAH_SENT_FAILED)
        cli_fail(cli, why);
    else
        came(cli, state);
}

static void heard(void *arg, struct mynah_client *c, int64_t ms, const struct mynah_error *error)
{
    struct cli *cli = arg;

    cli->request = NULL;
    if (ms < 0 && error)
        cli_fail(cli, error);
    else
        came(cli, MYNAH_SENT_ACKED);
}

/* A server that acknowledges nothing (XEP-0198) shows by its answer to what stands behind the
 * message that it has that, too. */
static void ask_behind(struct cli *cli)
{
    const struct mynah_elem *features = mynah_client_features(cli->client);

    if (cli->wait == MYNAH_SENT_ACKED && !cli->ended &&
        !mynah_elem_child(features, "sm", "urn:xmpp:sm:3"))
        cli->request = mynah_ping(cli->client, NULL, heard, cli);
}

void cli_send_check(struct cli *cli)
{
    char *text = cli_words(cli, 1);

    if (!mn_str_trim(mn_str_from(text)).n)
        cli_misused(cli, _("there is nothing to send: the text is to stand behind TO, or on "
                           "standard input"));
    mn_free(text);
}

void cli_send(struct cli *cli)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .sent = cli_sent};
    char *text, *id;
    struct mynah_elem *m;

    text = cli_words(cli, 1);
    id = mynah_id(cli->client);
    m = mynah_message_new(cli->args[0], MYNAH_CHAT, text);
    snprintf(cli->id, sizeof cli->id, "%s", id);
    mynah_elem_set(m, "id", id);
    cli->listener = mynah_listen(cli->client, &calls, cli);
    if (cli->host->said)
        cli->host->said(cli, cli->args[0], id, text);
    if (mynah_message_send(cli->client, &m, NULL, NULL, NULL))
        cli_end_because(cli, CLI_FAILED, _("it could not be sent"));
    ask_behind(cli);
    mynah_free(id);
    mn_free(text);
}

const char *cli_stamp(const struct cli *cli, int64_t ms, char out[32])
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;

    if (!ms)
        s = time(NULL);
    strftime(out, 32,
             cli->json     ? "%Y-%m-%dT%H:%M:%SZ"
             : cli->client ? "%H:%M"
                           : "%Y-%m-%d %H:%M",
             cli->json ? gmtime_r(&s, &tm) : localtime_r(&s, &tm));
    return out;
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    static const char *const types[] = {"normal", "chat", "groupchat", "headline", "error"};
    struct cli *cli = arg;
    char at[32];

    if (!m->body && !m->subject)
        return;
    if (cli->host->heard)
        cli->host->heard(cli, m);
    cli_print(cli, "time", cli_stamp(cli, m->sent_at, at), "from", m->from, "to",
              cli->json ? m->to : NULL, "type", cli->json ? types[m->type] : NULL, "subject",
              m->subject, "body", m->body, NULL);
    if (!cli->shared && mynah_roster_sees(c, m->from))
        mynah_message_received(c, m);
}

void cli_listen(struct cli *cli)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .message = message};

    cli->listener = mynah_listen(cli->client, &calls, cli);
    cli_print(cli, "jid", mynah_client_jid(cli->client), NULL); /* from now on all is heard */
    if (!cli->shared)
        mynah_presence_set(cli->client, MYNAH_AVAILABLE, NULL, 0);
    cli_forever(cli);
}

void cli_presence(struct cli *cli)
{
    static const char *const shows[] = {"online", "chat", "away", "xa", "dnd"};

    for (size_t i = 0; i < MN_COUNT(shows); i++)
        if (!strcmp(cli->args[0], shows[i])) {
            mynah_presence_set(cli->client, (enum mynah_show)i,
                               cli->arg_count > 1 ? cli->args[1] : NULL, 0);
            if (cli->shared)
                cli_end(cli, CLI_DONE);
            else
                cli_forever(cli);
            return;
        }
    cli_misused(cli, _("presence takes online, chat, away, xa or dnd"));
}

/* Stanzas as they are. */

static bool stanza(void *arg, struct mynah_client *c, const struct mynah_elem *st)
{
    char *xml = mynah_elem_xml(st);

    cli_print(arg, "xml", xml, NULL);
    mynah_free(xml);
    return false;
}

void cli_raw(struct cli *cli)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .stanza = stanza};
    struct mn_buf all = {0};
    struct mynah_elem *e;

    mn_buf_fmt(&all, "<all xmlns='jabber:client'>%s</all>", cli->input);
    mn_buf_c(&all, 0);
    cli->listener = mynah_listen(cli->client, &calls, cli);
    if (mynah_elem_parse(all.p, &e))
        cli_end_because(cli, CLI_USAGE, _("what stands on standard input is not well-formed"));
    else
        MYNAH_EACH(st, e, NULL, NULL)
        {
            struct mynah_elem *copy = mynah_elem_copy(st);

            if (mynah_send(cli->client, &copy))
                cli_print(cli, "not_sent", mynah_elem_name(st), NULL);
        }
    mynah_elem_free(e);
    mn_buf_free(&all);
}

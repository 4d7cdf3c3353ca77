/* disco, ping, adhoc, roster. */
#include "apps/mynah/cli.h"
#include "im/lang.h"

enum { STAGES_MAX = 100, COLUMNS_MAX = 100 };

/* disco: what it is, what it can, what is there. */

static void items_came(void *arg, struct mynah_client *c, const struct mynah_item *items,
                       size_t count, const struct mynah_error *error)
{
    struct cli *cli = arg;

    cli->request = NULL;
    for (size_t i = 0; i < count; i++)
        cli_print(cli, "item", items[i].jid, "node", items[i].node, "name", items[i].name, NULL);
    cli_end(cli, CLI_DONE); /* not everybody has items */
}

static void info_came(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                      const struct mynah_error *error)
{
    struct cli *cli = arg;

    if (!cli_came(cli, error))
        return;
    for (size_t i = 0; i < info->identity_count; i++)
        cli_print(cli, "category", info->identities[i].category, "type", info->identities[i].type,
                  "name", info->identities[i].name, NULL);
    for (size_t i = 0; i < info->feature_count; i++)
        cli_print(cli, "feature", info->features[i], NULL);
    cli->request = mynah_disco_items(c, cli->args[0], cli->arg_count > 1 ? cli->args[1] : NULL,
                                     items_came, cli);
}

void cli_disco(struct cli *cli)
{
    cli->request = mynah_disco_info(cli->client, cli->args[0],
                                    cli->arg_count > 1 ? cli->args[1] : NULL, info_came, cli);
}

static void ping(struct cli *cli, const char *to)
{
    struct mynah_elem *ping = mynah_elem_new("ping", "urn:xmpp:ping");

    cli->request = mynah_iq_send(cli->client, MYNAH_GET, to, &ping, 0, cli_done, cli);
}

void cli_ping(struct cli *cli)
{
    ping(cli, cli->arg_count ? cli->args[0] : mynah_client_domain(cli->client));
}

/* adhoc: fields that are named are filled in, stage by stage. */

static void commands_came(void *arg, struct mynah_client *c, const struct mynah_item *items,
                          size_t count, const struct mynah_error *error)
{
    struct cli *cli = arg;

    if (!cli_came(cli, error))
        return;
    for (size_t i = 0; i < count; i++)
        cli_print(cli, "node", items[i].node, "name", items[i].name, NULL);
    cli_end(cli, CLI_DONE);
}

static void form_print(struct cli *cli, const struct mynah_form *form)
{
    const struct mynah_field *f;

    for (size_t i = 0; (f = mynah_form_at(form, i)); i++)
        if (strcmp(f->type, "hidden"))
            for (size_t k = 0; k < f->value_count || (!k && f->var); k++)
                cli_print(cli, "field", f->var, "label", f->label, "value",
                          k < f->value_count ? f->values[k] : NULL, NULL);
    for (size_t row = 0; row < mynah_form_rows(form); row++)
        for (size_t i = 0; (f = mynah_form_column(form, i)) && i < COLUMNS_MAX; i++) {
            const char *cell = mynah_form_cell(form, row, f->var);

            if (cell)
                cli_print(cli, "field", f->var, "value", cell, NULL);
        }
}

/* FIELD=VALUE for each that was given; false: none of this form's was. */
static bool filled(const struct cli *cli, struct mynah_form *answer)
{
    bool some = false;

    for (int i = 2; i < cli->arg_count; i++) {
        const char *sign = strchr(cli->args[i], '=');
        char *name =
            sign ? mn_str_dup((mn_str){cli->args[i], (size_t)(sign - cli->args[i])}) : NULL;

        if (name && mynah_form_find(answer, name)) {
            mynah_form_set(answer, name, sign + 1);
            some = true;
        }
        mn_free(name);
    }
    return some;
}

static void stage_came(void *arg, struct mynah_client *c, const struct mynah_stage *s,
                       const struct mynah_error *error)
{
    struct cli *cli = arg;
    struct mynah_form *answer;

    if (!cli_came(cli, error))
        return;
    answer = s->status == MYNAH_EXECUTING && s->form ? mynah_form_answer(s->form) : NULL;
    if (answer && filled(cli, answer)) {
        if (++cli->stages > STAGES_MAX) {
            mynah_command_go(c, s, MYNAH_CANCEL, NULL, NULL, NULL);
            mynah_form_free(answer);
            cli_end_because(cli, CLI_REFUSED, _("it asks for the same again and again"));
            return;
        }
        cli->request = mynah_command_go(c, s, s->next, answer, stage_came, cli);
        mynah_form_free(answer);
        return;
    }
    if (s->note)
        cli_print(cli, s->note_type, s->note, NULL);
    if (s->form)
        form_print(cli, s->form);
    if (s->status == MYNAH_EXECUTING)
        mynah_command_go(c, s, MYNAH_CANCEL, NULL, NULL, NULL);
    mynah_form_free(answer);
    cli_end(cli, s->note && !strcmp(s->note_type, "error") ? CLI_REFUSED : CLI_DONE);
}

void cli_adhoc(struct cli *cli)
{
    if (cli->arg_count == 1)
        cli->request = mynah_commands(cli->client, cli->args[0], commands_came, cli);
    else
        cli->request = mynah_command(cli->client, cli->args[0], cli->args[1], stage_came, cli);
}

/* roster */

static void roster_ready(void *arg, struct mynah_client *c)
{
    static const char *const names[] = {"none", "to", "from", "both"};
    struct cli *cli = arg;
    const struct mynah_contact *k;

    for (size_t i = 0; (k = mynah_roster_at(c, i)); i++) {
        struct mn_buf groups = {0};

        for (size_t g = 0; g < k->group_count; g++)
            mn_buf_fmt(&groups, "%s%s", g ? ", " : "", k->groups[g]);
        mn_buf_c(&groups, 0);
        cli_print(cli, "jid", k->jid, "name", k->name ? k->name : "", "subscription",
                  names[k->subscription], "groups", groups.p, NULL);
        mn_buf_free(&groups);
    }
    cli_end(cli, CLI_DONE);
}

static void roster_failed(void *arg, struct mynah_client *c, const struct mynah_error *why)
{
    (void)c;
    cli_fail(arg, why);
}

/* Subscriptions have no answer of their own: one to a question behind them says that they arrived.
 */
static void subscription(struct cli *cli, const char *jid, enum mynah_presence_type type)
{
    if (mynah_subscription_send(cli->client, jid, type, NULL))
        cli_end_because(cli, CLI_FAILED, _("it could not be sent"));
    else
        ping(cli, mynah_client_domain(cli->client));
}

void cli_roster(struct cli *cli)
{
    static const struct mynah_roster_calls calls = {
        .size = sizeof calls, .ready = roster_ready, .failed = roster_failed};
    static const struct {
        const char *word;
        enum mynah_presence_type type;
    } rows[] = {
        {"ask", MYNAH_SUBSCRIBE}, {"allow", MYNAH_SUBSCRIBED}, {"refuse", MYNAH_UNSUBSCRIBED}};
    const char *word = cli->arg_count ? cli->args[0] : "",
               *jid = cli->arg_count > 1 ? cli->args[1] : NULL;

    if (!*word) {
        cli->listener = mynah_roster_listen(cli->client, &calls, cli);
        if (mynah_roster_is_ready(cli->client))
            roster_ready(cli, cli->client);
        else
            (void)mynah_roster_fetch(cli->client); /* a session that runs has failed to, maybe */
        return;
    }
    if (!jid) {
        cli_misused(cli, _("too few arguments"));
        return;
    }
    for (size_t i = 0; i < MN_COUNT(rows); i++)
        if (!strcmp(word, rows[i].word)) {
            subscription(cli, jid, rows[i].type);
            return;
        }
    if (!strcmp(word, "add"))
        cli->request = mynah_roster_set(
            cli->client, jid, cli->arg_count > 2 ? cli->args[2] : NULL, &cli->args[3],
            cli->arg_count > 3 ? (size_t)cli->arg_count - 3 : 0, cli_done, cli);
    else if (!strcmp(word, "remove"))
        cli->request = mynah_roster_remove(cli->client, jid, cli_done, cli);
    else
        cli_misused(cli, _("roster takes add, remove, ask, allow or refuse"));
}

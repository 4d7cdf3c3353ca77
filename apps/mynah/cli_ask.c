/* disco, ping, adhoc, roster. */
#include <stdio.h>

#include "apps/mynah/cli.h"
#include "im/lang.h"

/* disco: what it is, what it can, what is there. */

static void items_came(void *arg, struct mynah_client *c, const struct mynah_item *items,
                       size_t count, const struct mynah_error *error)
{
    for (size_t i = 0; i < count; i++)
        cli_print("item", items[i].jid, "node", items[i].node, "name", items[i].name, NULL);
    cli_end(CLI_DONE); /* not everybody has items */
}

static void info_came(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                      const struct mynah_error *error)
{
    if (error) {
        cli_fail(error);
        return;
    }
    for (size_t i = 0; i < info->identity_count; i++)
        cli_print("category", info->identities[i].category, "type", info->identities[i].type,
                  "name", info->identities[i].name, NULL);
    for (size_t i = 0; i < info->feature_count; i++)
        cli_print("feature", info->features[i], NULL);
    mynah_disco_items(c, cli.args[0], cli.arg_count > 1 ? cli.args[1] : NULL, items_came, NULL);
}

void cli_disco(void)
{
    mynah_disco_info(cli.client, cli.args[0], cli.arg_count > 1 ? cli.args[1] : NULL, info_came,
                     NULL);
}

void cli_ping(void)
{
    struct mynah_elem *ping = mynah_elem_new("ping", "urn:xmpp:ping");

    mynah_iq_send(cli.client, MYNAH_GET,
                  cli.arg_count ? cli.args[0] : mynah_client_domain(cli.client), &ping, 0, cli_done,
                  NULL);
}

/* adhoc: fields that are named are filled in, stage by stage. */

static void commands_came(void *arg, struct mynah_client *c, const struct mynah_item *items,
                          size_t count, const struct mynah_error *error)
{
    if (error) {
        cli_fail(error);
        return;
    }
    for (size_t i = 0; i < count; i++)
        cli_print("node", items[i].node, "name", items[i].name, NULL);
    cli_end(CLI_DONE);
}

static void form_print(const struct mynah_form *form)
{
    const struct mynah_field *f;

    for (size_t i = 0; (f = mynah_form_at(form, i)); i++)
        if (strcmp(f->type, "hidden"))
            for (size_t k = 0; k < f->value_count || (!k && f->var); k++)
                cli_print("field", f->var, "label", f->label, "value",
                          k < f->value_count ? f->values[k] : NULL, NULL);
    for (size_t row = 0; row < mynah_form_rows(form); row++)
        for (size_t i = 0; (f = mynah_form_column(form, i)); i++)
            cli_print("field", f->var, "value", mynah_form_cell(form, row, f->var), NULL);
}

/* FIELD=VALUE for each that was given; false: none of this form's was. */
static bool filled(struct mynah_form *answer)
{
    bool some = false;

    for (int i = 2; i < cli.arg_count; i++) {
        const char *sign = strchr(cli.args[i], '=');
        char *name = sign ? mn_str_dup((mn_str){cli.args[i], (size_t)(sign - cli.args[i])}) : NULL;

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
    struct mynah_form *answer;

    if (error) {
        cli_fail(error);
        return;
    }
    answer = s->status == MYNAH_EXECUTING && s->form ? mynah_form_answer(s->form) : NULL;
    if (answer && filled(answer)) {
        mynah_command_go(c, s, s->next, answer, stage_came, NULL);
        mynah_form_free(answer);
        return;
    }
    if (s->note)
        cli_print(s->note_type, s->note, NULL);
    if (s->form)
        form_print(s->form);
    if (s->status == MYNAH_EXECUTING)
        mynah_command_go(c, s, MYNAH_CANCEL, NULL, NULL, NULL);
    mynah_form_free(answer);
    cli_end(s->note && !strcmp(s->note_type, "error") ? CLI_REFUSED : CLI_DONE);
}

void cli_adhoc(void)
{
    if (cli.arg_count == 1)
        mynah_commands(cli.client, cli.args[0], commands_came, NULL);
    else
        mynah_command(cli.client, cli.args[0], cli.args[1], stage_came, NULL);
}

/* roster */

static void roster_ready(void *arg, struct mynah_client *c)
{
    static const char *const names[] = {"none", "to", "from", "both"};
    const struct mynah_contact *k;

    for (size_t i = 0; (k = mynah_roster_at(c, i)); i++) {
        struct mn_buf groups = {0};

        for (size_t g = 0; g < k->group_count; g++)
            mn_buf_fmt(&groups, "%s%s", g ? ", " : "", k->groups[g]);
        mn_buf_c(&groups, 0);
        cli_print("jid", k->jid, "name", k->name ? k->name : "", "subscription",
                  names[k->subscription], "groups", groups.p, NULL);
        mn_buf_free(&groups);
    }
    cli_end(CLI_DONE);
}

/* Subscriptions have no answer of their own: one to a question behind them says that they arrived.
 */
static void subscription(const char *jid, enum mynah_presence_type type)
{
    struct mynah_elem *ping = mynah_elem_new("ping", "urn:xmpp:ping");

    mynah_subscription_send(cli.client, jid, type, NULL);
    mynah_iq_send(cli.client, MYNAH_GET, mynah_client_domain(cli.client), &ping, 0, cli_done, NULL);
}

void cli_roster(void)
{
    static const struct mynah_roster_calls calls = {.size = sizeof calls, .ready = roster_ready};
    static const struct {
        const char *word;
        enum mynah_presence_type type;
    } rows[] = {
        {"ask", MYNAH_SUBSCRIBE}, {"allow", MYNAH_SUBSCRIBED}, {"refuse", MYNAH_UNSUBSCRIBED}};
    const char *word = cli.arg_count ? cli.args[0] : "",
               *jid = cli.arg_count > 1 ? cli.args[1] : NULL;

    if (!*word) {
        mynah_roster_listen(cli.client, &calls, NULL);
        return;
    }
    if (!jid)
        cli_usage(_("whom?"));
    for (size_t i = 0; i < MN_COUNT(rows); i++)
        if (!strcmp(word, rows[i].word)) {
            subscription(jid, rows[i].type);
            return;
        }
    if (!strcmp(word, "add"))
        mynah_roster_set(cli.client, jid, cli.arg_count > 2 ? cli.args[2] : NULL, &cli.args[3],
                         cli.arg_count > 3 ? (size_t)cli.arg_count - 3 : 0, cli_done, NULL);
    else if (!strcmp(word, "remove"))
        mynah_roster_remove(cli.client, jid, cli_done, NULL);
    else
        cli_usage(_("roster takes add, remove, ask, allow or refuse"));
}

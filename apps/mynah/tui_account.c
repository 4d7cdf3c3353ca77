/* Accounts: those of the configuration log in at the start; /account changes the list. */
#include <stdio.h>

#include "apps/mynah/commands.h"
#include "im/account_list.h"
#include "im/lang.h"

static struct {
    char *jid; /* whose password is asked for; or NULL */
    bool registers;
} asked;

/* As the configuration has it now, else by the options; in `a`. */
static struct im_account account_of(const char *jid, struct mn_arena *a)
{
    const struct im_account *found = NULL;
    struct mn_buf why = {0};
    struct im_config config;
    struct im_account acc;

    if (!im_config_load(tui.config_path, a, &config, &why))
        found = im_account_find(&config, mn_str_from(jid));
    acc = found ? *found : tui.options;
    acc.jid = mn_str_from(jid);
    mn_buf_free(&why);
    return acc;
}

static void connect_with(const struct im_account *acc, mn_str password, bool registers)
{
    struct mn_arena a = {0};
    struct mynah_client_config config = im_client_config(acc, password, &a);
    struct im_account_state *state;
    char *why;

    if (im_connect(tui.im, &config, registers, &state, &why)) {
        tui_note(IM_ERROR, "%s", why);
        mynah_free(why);
    }
    mn_arena_done(&a, NULL);
}

static void password_came(const char *text)
{
    struct mn_arena a = {0};
    struct im_account acc = account_of(asked.jid, &a);

    connect_with(&acc, mn_str_from(text), asked.registers);
    mn_free(asked.jid);
    asked.jid = NULL;
    mn_arena_done(&a, NULL);
}

static void ask(const char *jid, bool registers)
{
    char question[200];

    mn_free(asked.jid);
    asked.jid = mn_str_dup(mn_str_from(jid));
    asked.registers = registers;
    snprintf(question, sizeof question,
             registers ? _("a password for %.100s") : _("password of %.100s"), jid);
    tui_ask(question, true, password_came);
}

/* With the password that is kept for it, or asked for; one is asked for at a time. */
static void log_in(const struct im_account *acc)
{
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    const char *jid = mn_arena_cstr(&a, acc->jid);
    mn_str password;
    int e = im_password(acc, &a, &password, &why);

    if (!e)
        connect_with(acc, password, false);
    else if (e == MN_E_NOT_FOUND && !asked.jid)
        ask(jid, false);
    else
        tui_note(
            IM_ERROR, "%s: %.*s", jid,
            MN_ARG(why.n ? mn_buf_view(&why) : mn_str_from(_("/connect asks for its password"))));
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

void tui_connect(const char *jid, bool registers)
{
    struct im_account_state *state;
    struct im_account acc;
    struct mn_arena a = {0};

    for (size_t i = 0; (state = im_account_at(tui.im, i)); i++)
        if (mynah_jid_same(state->jid, jid)) {
            if (mynah_client_connect(state->client))
                tui_note(IM_ERROR, _("%s is connected, or about to be"), state->jid);
            return;
        }
    mn_free(asked.jid);
    asked.jid = NULL;
    acc = account_of(jid, &a);
    if (registers)
        ask(jid, true);
    else
        log_in(&acc);
    mn_arena_done(&a, NULL);
}

void accounts_connect(void)
{
    const struct im_account *all = tui.config.accounts.items;

    for (size_t i = 0; i < tui.config.accounts.count; i++)
        if (all[i].enabled)
            log_in(&all[i]);
}

/* /account. */

static bool is_online(const char *jid)
{
    struct im_account_state *a;

    for (size_t i = 0; (a = im_account_at(tui.im, i)); i++)
        if (mynah_jid_same(a->jid, jid))
            return mynah_client_state(a->client) == MYNAH_ONLINE;
    return false;
}

static void account_list(char **args, int count)
{
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    struct im_config config;
    const struct im_account *all;

    if (im_config_load(tui.config_path, &a, &config, &why)) {
        tui_note(IM_ERROR, "%.*s", MN_ARG(mn_buf_view(&why)));
    } else {
        all = config.accounts.items;
        tui_note(IM_NOTE, _("%zu accounts in %s"), config.accounts.count, tui.config_path);
        for (size_t i = 0; i < config.accounts.count; i++)
            tui_note(IM_NOTE, "%.*s %s%s", MN_ARG(all[i].jid),
                     is_online(mn_arena_cstr(&a, all[i].jid)) ? "●" : "○",
                     all[i].enabled ? "" : _(" (disabled)"));
    }
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

/* What became of a change of the file. */
static void told(int e, struct mn_buf *why, const char *fmt, const char *jid)
{
    char text[500];

    snprintf(text, sizeof text, fmt, jid);
    if (e)
        tui_note(IM_ERROR, "%.*s", MN_ARG(mn_buf_view(why)));
    else
        tui_note(IM_NOTE, "%s", text);
    mn_buf_free(why);
}

static void account_add(char **args, int count)
{
    struct im_account acc = tui.options;
    struct mn_buf why = {0};
    char *user = mynah_jid_user(args[0]);

    acc.jid = mn_str_from(args[0]);
    if (user)
        told(im_accounts_add(tui.config_path, &acc, &why), &why,
             _("%s is in the configuration; /connect logs it in"), args[0]);
    else
        tui_note(IM_ERROR, _("no address: %s"), args[0]);
    mynah_free(user);
}

static void account_remove(char **args, int count)
{
    struct mn_buf why = {0};

    told(im_accounts_remove(tui.config_path, mn_str_from(args[0]), &why), &why,
         _("%s is no longer in the configuration"), args[0]);
}

static void account_enable(char **args, int count)
{
    struct mn_buf why = {0};

    told(im_accounts_enable(tui.config_path, mn_str_from(args[0]), true, &why), &why,
         _("%s is logged in at every start"), args[0]);
}

static void account_disable(char **args, int count)
{
    struct mn_buf why = {0};

    told(im_accounts_enable(tui.config_path, mn_str_from(args[0]), false, &why), &why,
         _("%s is no longer logged in at the start"), args[0]);
}

void do_account(char **args, int count)
{
    static const struct command_part parts[] = {
        {"list", 0, account_list},       {"add", 1, account_add},
        {"remove", 1, account_remove},   {"enable", 1, account_enable},
        {"disable", 1, account_disable}, {0}};

    command_parts("account", parts, args, count);
}

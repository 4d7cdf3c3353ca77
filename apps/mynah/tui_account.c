/* Accounts: those of the configuration log in at the start; /account changes the list. */
#include <stdio.h>

#include "apps/mynah/commands.h"
#include "im/account_list.h"
#include "im/lang.h"

static char *asked; /* whose password is asked for; or NULL */

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

void account_connect(const struct im_account *acc, mn_str password)
{
    struct mn_arena a = {0};
    struct mynah_client_config config = im_client_config(acc, password, &a);
    struct im_account_state *state;
    char *why;

    if (im_connect(tui.im, &config, &state, &why)) {
        tui_note(IM_ERROR, "%s", why);
        mynah_free(why);
    }
    mn_arena_done(&a, NULL);
}

static void password_came(const char *text)
{
    struct mn_arena a = {0};
    struct im_account acc = account_of(asked, &a);

    account_connect(&acc, mn_str_from(text));
    mn_free(asked);
    asked = NULL;
    mn_arena_done(&a, NULL);
}

static void ask(const char *jid)
{
    char question[200];

    mn_free(asked);
    asked = mn_str_dup(mn_str_from(jid));
    snprintf(question, sizeof question, _("password of %.100s"), jid);
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
        account_connect(acc, password);
    else if (e == MN_E_NOT_FOUND && !asked)
        ask(jid);
    else
        tui_note(
            IM_ERROR, "%s: %.*s", jid,
            MN_ARG(why.n ? mn_buf_view(&why) : mn_str_from(_("/connect asks for its password"))));
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

static struct im_account_state *session_of(const char *jid)
{
    struct im_account_state *state = NULL;

    for (size_t i = 0; (state = im_account_at(tui.im, i)) && !mynah_jid_same(state->jid, jid); i++)
        ;
    return state;
}

bool account_is_there(const char *jid)
{
    return session_of(jid);
}

void tui_connect(const char *jid)
{
    struct im_account_state *state = session_of(jid);
    struct mn_arena a = {0};
    struct im_account acc;

    if (state) {
        if (mynah_client_connect(state->client))
            tui_note(IM_ERROR, _("%s is connected, or about to be"), state->jid);
        return;
    }
    mn_free(asked);
    asked = NULL;
    acc = account_of(jid, &a);
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
        for (size_t i = 0; i < config.accounts.count; i++) {
            const struct im_account_state *s = session_of(mn_arena_cstr(&a, all[i].jid));
            bool online = s && mynah_client_state(s->client) == MYNAH_ONLINE;

            tui_note(IM_NOTE, "%.*s %s%s", MN_ARG(all[i].jid), online ? "●" : "○",
                     all[i].enabled ? "" : _(" (disabled)"));
        }
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

/* Accounts: those of the configuration log in at the start; /account changes the list. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/mynah/commands.h"
#include "base/list.h"
#include "im/account_list.h"
#include "im/lang.h"

/* Whose password is asked for; the first one is being asked. */
struct asked {
    struct mn_list link;
    char *jid;
    bool keep; /* in the keyring, when it has logged in */
};
static struct mn_list asked = {&asked, &asked};
static struct mn_list entered = {&entered, &entered}; /* whose password is tried, and kept then */

/* As the configuration has it now, in `a`; NULL: it does not. */
static const struct im_account *configured(const char *jid, struct mn_arena *a)
{
    struct im_config *config = mn_arena_alloc0(a, sizeof *config);
    struct mn_buf why = {0};
    int e = im_config_load(tui.config_path, a, config, &why);

    mn_buf_free(&why);
    return e ? NULL : im_account_find(config, mn_str_from(jid));
}

/* The same, else by the options. */
static struct im_account account_of(const char *jid, struct mn_arena *a)
{
    const struct im_account *found = configured(jid, a);
    struct im_account acc = found ? *found : tui.options;

    acc.jid = mn_str_from(jid);
    return acc;
}

const char *account_password_path(const char *jid, struct mn_arena *a)
{
    const char *slash = strrchr(tui.config_path, '/');
    int n = slash ? (int)(slash - tui.config_path) : 0;
    char here[4096];

    if (tui.config_path[0] == '/' || !getcwd(here, sizeof here))
        return mn_arena_fmt(a, "%.*s/passwords/%s", n, tui.config_path, jid).p;
    return mn_arena_fmt(a, "%s/%.*s%spasswords/%s", here, n, tui.config_path, slash ? "/" : "", jid)
        .p;
}

static struct im_account_state *session_of(const char *jid)
{
    struct im_account_state *state = NULL;

    for (size_t i = 0; (state = im_account_at(tui.im, i)) && !mynah_jid_same(state->jid, jid); i++)
        ;
    return state;
}

void account_connect(const struct im_account *acc, mn_str password)
{
    struct mn_arena a = {0};
    struct im_account_state *state = session_of(mn_arena_cstr(&a, acc->jid));
    struct mynah_client_config config;
    char *why;

    if (state) {
        mynah_client_set_password(state->client, mn_arena_cstr(&a, password));
        (void)!mynah_client_connect(state->client); /* or it is about to be */
        mn_arena_done(&a, NULL);
        return;
    }
    config = im_client_config(acc, password, &a);
    if (im_connect(tui.im, &config, &state, &why)) {
        tui_note(IM_ERROR, "%s", why);
        mynah_free(why);
    } else {
        (void)!mynah_software_set(state->client, "Mynah", mynah_version(),
                                  NULL); /* it has a name */
    }
    mn_arena_done(&a, NULL);
}

static struct asked *find(struct mn_list *list, const char *jid)
{
    MN_LIST_EACH(n, list)
    if (mynah_jid_same(MN_OF(n, struct asked, link)->jid, jid))
        return MN_OF(n, struct asked, link);
    return NULL;
}

static void drop(struct asked *k)
{
    if (!k)
        return;
    mn_list_del(&k->link);
    mn_free(k->jid);
    mn_free(k);
}

static void password_came(const char *text);

static void ask_first(void)
{
    char question[200];

    if (mn_list_empty(&asked))
        return;
    snprintf(question, sizeof question, _("password of %.100s"),
             MN_OF(asked.next, struct asked, link)->jid);
    tui_ask(question, true, password_came);
}

static void ask(const char *jid, bool keep)
{
    struct asked *k;
    bool first = mn_list_empty(&asked);

    if (find(&asked, jid))
        return;
    k = MN_NEW(struct asked);
    k->jid = mn_str_dup(mn_str_from(jid));
    k->keep = keep;
    mn_list_init(&k->link);
    mn_list_add(&asked, &k->link);
    if (first)
        ask_first();
}

static void log_in_with(const char *jid, const char *password)
{
    struct mn_arena a = {0};
    struct im_account acc = account_of(jid, &a);

    account_connect(&acc, mn_str_from(password));
    mn_arena_done(&a, NULL);
}

static void password_came(const char *text)
{
    struct asked *k = MN_OF(asked.next, struct asked, link);

    mn_list_del(&k->link);
    drop(find(&entered, k->jid));
    if (*text) {
        mn_list_add(&entered, &k->link);
        log_in_with(k->jid, text);
    } else {
        tui_note(IM_NOTE, _("%s is not logged in; /connect %s asks for its password"), k->jid,
                 k->jid);
        mn_list_init(&k->link);
        drop(k);
    }
    ask_first();
}

static bool is_in_keyring(const struct im_account *acc)
{
    return acc->password == IM_PASSWORD_SECRET && !acc->password_command.n && !acc->password_file.n;
}

static void looked_up(const char *jid, const char *password, const char *why)
{
    if (session_of(jid))
        return; /* it was logged in meanwhile */
    if (password) {
        log_in_with(jid, password);
        return;
    }
    tui_note(IM_ERROR, "%s", why);
    ask(jid, true);
}

static bool is_somebody(const char *jid)
{
    struct mn_buf why = {0};
    bool yes = !im_address_check(mn_str_from(jid), true, &why);

    if (!yes)
        tui_note(IM_ERROR, "%.*s", MN_ARG(mn_buf_view(&why)));
    mn_buf_free(&why);
    return yes;
}

/* Its program may ask something on the terminal. */
static int password_by(const struct im_account *acc, struct mn_arena *a, mn_str *out,
                       struct mn_buf *why)
{
    const char *command = mn_arena_cstr(a, acc->password_command);
    mn_str written;
    int code;

    if (!*command)
        return im_password(acc, a, out, why);
    code = program_run(command, NULL, a, &written);
    return im_password_written(command, code, written, out, why);
}

/* With the password that is kept for it, or asked for, one account behind the other. */
static void log_in(const struct im_account *acc)
{
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    const char *jid = mn_arena_cstr(&a, acc->jid);
    mn_str password = {0};
    int e = is_in_keyring(acc) ? MN_E_OK : password_by(acc, &a, &password, &why);

    if (is_in_keyring(acc))
        keyring_ask(jid, NULL, looked_up);
    else if (!e)
        account_connect(acc, password);
    else
        ask(jid, false);
    if (why.n)
        tui_note(IM_ERROR, "%s: %.*s", jid, MN_ARG(mn_buf_view(&why)));
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

static void kept(const char *jid, const char *password, const char *why)
{
    if (why)
        tui_note(IM_ERROR, "%s", why);
}

void account_state(struct im_account_state *s, enum mynah_state state,
                   const struct mynah_error *why)
{
    bool wrong = state == MYNAH_OFFLINE && why && why->code == MYNAH_E_LOGIN && why->condition &&
                 !strcmp(why->condition, "not-authorized");
    struct asked *k = find(&entered, s->jid);
    struct mn_arena a = {0};
    struct im_account acc;

    if (state == MYNAH_ONLINE && k && k->keep)
        keyring_ask(s->jid, mynah_client_password(s->client), kept);
    if (wrong) {
        acc = account_of(s->jid, &a);
        ask(s->jid, is_in_keyring(&acc));
    }
    if (state == MYNAH_ONLINE || wrong)
        drop(k);
    mn_arena_done(&a, NULL);
}

void account_password_changed(const struct im_account_state *s)
{
    const char *password = mynah_client_password(s->client);
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    struct im_account acc = account_of(s->jid, &a);

    if (is_in_keyring(&acc))
        keyring_ask(s->jid, password, kept);
    else if (im_password_keep(&acc, mn_str_from(password), &why))
        tui_note(IM_ERROR, "%.*s", MN_ARG(mn_buf_view(&why)));
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

void accounts_close(void)
{
    MN_LIST_EACH(n, &asked)
    drop(MN_OF(n, struct asked, link));
    MN_LIST_EACH(n, &entered)
    drop(MN_OF(n, struct asked, link));
}

bool account_is_there(const char *jid)
{
    const struct im_account_state *state = session_of(jid);
    struct mn_arena a = {0};
    bool there =
        state && (mynah_client_state(state->client) != MYNAH_OFFLINE || configured(jid, &a));

    mn_arena_done(&a, NULL);
    return there;
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
    acc = account_of(jid, &a);
    if (configured(jid, &a) || is_somebody(jid)) /* one that is anonymous has a server alone */
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

    acc.jid = mn_str_from(args[0]);
    if (is_somebody(args[0]))
        told(im_accounts_add(tui.config_path, &acc, &why), &why,
             _("%s is in the configuration; /connect logs it in"), args[0]);
}

static void taken_out(const char *jid, const char *password, const char *why)
{
    if (why)
        tui_note(IM_ERROR, "%s", why);
    else
        tui_note(IM_NOTE, _("the keyring has no password of %s any more"), jid);
}

/* What was kept for an account that is gone. A file that was not made by us is left. */
static void password_forget(const struct im_account *acc, const char *jid, struct mn_arena *a)
{
    const char *path = mn_arena_cstr(a, acc->password_file), *ours = account_password_path(jid, a);

    if (is_in_keyring(acc))
        keyring_ask(jid, "", taken_out);
    else if (*path && strcmp(path, ours) != 0)
        tui_note(IM_NOTE, _("its password is still in %s"), path);
    else if (*path && unlink(path) && errno != ENOENT)
        tui_note(IM_ERROR, "%s: %s", path, strerror(errno));
}

static void account_remove(char **args, int count)
{
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    struct im_account acc = account_of(args[0], &a);
    char *jid = mynah_jid_bare(args[0]);
    int e = im_accounts_remove(tui.config_path, mn_str_from(args[0]), &why);

    told(e, &why, _("%s is no longer in the configuration"), args[0]);
    if (!e && jid)
        password_forget(&acc, jid, &a);
    mynah_free(jid);
    mn_arena_done(&a, NULL);
}

/* What is done on a page that belongs to no account is done as this one. */
static void account_use(char **args, int count)
{
    struct im_account_state *s = session_of(args[0]);

    if (!s) {
        tui_note(IM_ERROR, _("%s is not logged in; /connect %s does that"), args[0], args[0]);
        return;
    }
    tui.account = s;
    tui_note(IM_NOTE, _("commands on this page are for %s"), s->jid);
    panel_changed();
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
    static const struct command_part parts[] = {{"list", 0, account_list},
                                                {"add", 1, account_add},
                                                {"remove", 1, account_remove},
                                                {"enable", 1, account_enable},
                                                {"disable", 1, account_disable},
                                                {"use", 1, account_use},
                                                {0}};

    command_parts("account", parts, args, count);
}

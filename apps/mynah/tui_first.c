/* The first start, and /register, as pages one after the other: whose account, then its password or
 * what the server asks of somebody new. It is tried with a client of its own, so that one that does
 * not work leaves nothing behind; one that does goes into the configuration. */
#include <stdio.h>
#include <string.h>

#include "apps/mynah/tui_page.h"
#include "base/file.h"
#include "im/account_list.h"
#include "im/lang.h"
#include "im/pins.h"
#include "im/secret.h"

static struct {
    bool registers;
    char *jid, *password; /* or NULL */
    char keep[8];         /* of the password: "keyring", "ask", "file"; "": not said yet */
    struct mynah_client *client;
    struct im_form *form; /* what the server asked for, filled in; or NULL */
    bool plain;           /* names of fields, no data form */
} first;

static void who_ask(const char *error);
static void password_ask(const char *error);
static void form_ask(const char *error);

/* The end. */

static void client_end(void)
{
    struct mynah_client *c = first.client;

    first.client = NULL; /* what is cancelled by this is told nobody */
    mynah_client_free(c);
}

static void wiped(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    mn_free(*text);
    *text = NULL;
}

void first_close(void)
{
    client_end();
    im_form_free(first.form);
    first.form = NULL;
    wiped(&first.jid);
    wiped(&first.password);
}

static struct im_chat *here(void)
{
    return im_chat_at(tui.im, 0);
}

static void become(char **text, const char *value)
{
    char *copy = mn_str_dup(mn_str_from(value));

    wiped(text);
    *text = copy;
}

/* What worked. */

static const char *password_path(struct mn_arena *a)
{
    const char *slash = strrchr(tui.config_path, '/');
    int n = slash ? (int)(slash - tui.config_path) : 0;

    return mn_arena_cstr(
        a, mn_arena_fmt(a, "%.*s%spasswords/%s", n, tui.config_path, slash ? "/" : "", first.jid));
}

static int password_write(const char *path, struct mn_arena *a, struct mn_buf *why)
{
    const char *folder = mn_arena_cstr(a, (mn_str){path, (size_t)(strrchr(path, '/') - path)});
    int e = mn_file_mkdir(folder, 0700);

    if (!e)
        e = mn_file_write(path, mn_arena_fmt(a, "%s\n", first.password), 0600);
    if (e)
        mn_buf_fmt(why, "%s: %s", path, mn_err_text(e));
    return e;
}

/* Where it was asked to be kept; a password that cannot be is asked for at the next start. */
static void password_keep(struct im_account *acc, struct mn_arena *a)
{
    struct mn_buf why = {0};
    const char *path;

    if (!strcmp(first.keep, "keyring") &&
        !im_secret_set(acc->jid, mn_str_from(first.password), &why))
        acc->password = IM_PASSWORD_SECRET;
    if (!strcmp(first.keep, "file")) {
        path = password_path(a);
        if (!password_write(path, a, &why))
            acc->password_file = mn_str_from(path);
    }
    if (why.n)
        im_note(here(), IM_ERROR, "%.*s", MN_ARG(mn_buf_view(&why)));
    mn_buf_free(&why);
}

static void worked(void)
{
    struct im_account acc = tui.options;
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    mn_str password = mn_arena_str(&a, mn_str_from(first.password));

    acc.jid = mn_arena_str(&a, mn_str_from(first.jid));
    password_keep(&acc, &a);
    if (im_accounts_add(tui.config_path, &acc, &why))
        im_note(here(), IM_ERROR, "%.*s", MN_ARG(mn_buf_view(&why)));
    else
        im_note(here(), IM_NOTE, _("%s is in the configuration (%s)"), first.jid, tui.config_path);
    first_close();
    account_connect(&acc, password);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

/* Trying. */

static void failed(const struct mynah_error *error)
{
    char text[500];

    snprintf(text, sizeof text, "%s%s%s%s%s", _(mynah_code_text(error->code)),
             error->condition ? ": " : "", error->condition ? error->condition : "",
             error->text ? " - " : "", error->text ? error->text : "");
    if (first.form)
        form_ask(text);
    else if (error->code == MYNAH_E_LOGIN)
        password_ask(text);
    else
        who_ask(text);
}

static void on_open(void);

static void on_state(void *arg, struct mynah_client *c, enum mynah_state state,
                     const struct mynah_error *why)
{
    static const struct mynah_error gone = {.code = MYNAH_E_LOST};

    if (c != first.client)
        return;
    if (state == MYNAH_OPEN)
        on_open();
    else if (state == MYNAH_ONLINE)
        worked();
    else if (state == MYNAH_OFFLINE && !page_is_in(here())) /* one that is filled in is sent anew */
        failed(why ? why : &gone);
}

/* One that a person trusted before is trusted here too; another one is asked about by /connect. */
static bool on_certificate(void *arg, struct mynah_client *c, const struct mynah_certificate *cert)
{
    struct mn_arena a = {0};
    mn_str kept;
    enum im_pin pin = im_pin_look(im_pins_path(&a), mn_str_from(mynah_client_domain(c)),
                                  mn_str_from(cert->sha256), &a, &kept);

    mn_arena_done(&a, NULL);
    return pin == IM_PIN_SAME;
}

/* A client that logs in, or waits with an open stream for what is registered. */
static void client_begin(void)
{
    static const struct mynah_calls calls = {
        .size = sizeof calls, .state = on_state, .certificate = on_certificate};
    struct mn_arena a = {0};
    struct im_account acc = tui.options;
    struct mynah_client_config config;
    char *why;

    client_end();
    acc.jid = mn_str_from(first.jid);
    config = im_client_config(&acc, mn_str_from(first.password), &a);
    config.hold_login = first.registers;
    config.no_reconnect = config.no_resume = config.no_roster = true;
    if (mynah_client_new(tui.ctx, &config, &first.client, &why)) {
        who_ask(why);
        mynah_free(why);
    } else {
        im_note(here(), IM_NOTE, _("%s is being asked"), mynah_client_domain(first.client));
        mynah_listen(first.client, &calls, NULL);
        mynah_client_connect(first.client);
    }
    mn_arena_done(&a, NULL);
}

/* Registering. */

/* The account that the server made, which need not be the one that was named at first. */
static void made(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                 const struct mynah_error *error)
{
    char *jid;

    if (c != first.client || (error && error->code != MYNAH_E_STANZA))
        return; /* the state tells of a lost connection */
    if (error) {
        failed(error);
        return;
    }
    jid = mynah_jid_make(im_form_value(first.form, "username"), mynah_client_domain(c), NULL);
    if (jid && *im_form_value(first.form, "username"))
        become(&first.jid, jid);
    mynah_free(jid);
    become(&first.password, im_form_value(first.form, "password"));
    im_form_free(first.form);
    first.form = NULL;
    first.registers = false;
    if (*first.password)
        client_begin();
    else
        password_ask(NULL);
}

static void form_send(void)
{
    struct mn_arena a = {0};
    const char *const *names, *const *values;
    size_t n;

    if (first.plain) {
        n = im_form_answers(first.form, &a, &names, &values);
        mynah_register(first.client, NULL, names, values, n, made, NULL);
    } else {
        struct mynah_form *answer = im_form_answer(first.form);
        struct mynah_elem *x = mynah_form_elem(answer);

        mynah_register_submit(first.client, NULL, &x, made, NULL);
        mynah_form_free(answer);
    }
    mn_arena_done(&a, NULL);
}

static void form_done(void *arg, struct im_chat *chat, enum form_end end, int value,
                      struct im_form **asked)
{
    if (end == FORM_LEFT || value < 0) {
        first_close();
        return;
    }
    first.form = *asked;
    *asked = NULL;
    if (mynah_client_state(first.client) == MYNAH_OPEN)
        form_send();
    else
        mynah_client_connect(first.client); /* it has hung up meanwhile */
}

static void form_ask(const char *error)
{
    static const struct form_button buttons[] = {
        {N_("Register"), 0, true}, {N_("Cancel"), -1, false}, {0}};

    page_open(here(), &first.form, buttons, error, form_done, NULL);
}

static void asks(void *arg, struct mynah_client *c, const struct mynah_register_form *form,
                 const struct mynah_error *error)
{
    struct mynah_form *data = form && form->form ? mynah_form_read(form->form) : NULL;
    char text[300], *user = mynah_jid_user(first.jid);
    struct im_field *field;

    if (c == first.client && form && (data || form->count)) {
        first.plain = !data;
        first.form =
            data ? im_form_read(data)
                 : im_form_plain(form->instructions, form->names, form->values, form->count);
        field = im_form_find(first.form, "username");
        if (field && user)
            im_field_set(field, user);
        form_ask(NULL);
    } else if (c == first.client && form) {
        snprintf(text, sizeof text, _("this is done at %s"), form->url ? form->url : first.jid);
        who_ask(text);
    } else if (c == first.client &&
               (error->code == MYNAH_E_STANZA || error->code == MYNAH_E_FORMAT)) {
        failed(error);
    }
    mynah_form_free(data);
    mynah_free(user);
}

static void on_open(void)
{
    if (first.form)
        form_send();
    else
        mynah_register_fields(first.client, NULL, asks, NULL);
}

/* What is asked here. */

static void password_done(void *arg, struct im_chat *chat, enum form_end end, int value,
                          struct im_form **asked)
{
    if (end == FORM_LEFT || value < 0) {
        first_close();
        return;
    }
    become(&first.password, im_form_value(*asked, "password"));
    client_begin();
}

static void password_ask(const char *error)
{
    static const struct form_button buttons[] = {
        {N_("Log in"), 0, true}, {N_("Cancel"), -1, false}, {0}};
    struct im_form *form = im_form_new(first.jid, NULL);

    im_form_add(form, IM_FIELD_SECRET, "password", _("Password"), first.password)->required = true;
    page_open(here(), &form, buttons, error, password_done, NULL);
}

static void who_done(void *arg, struct im_chat *chat, enum form_end end, int value,
                     struct im_form **asked)
{
    char *bare, *user;

    if (end == FORM_LEFT || value < 0) {
        first_close();
        return;
    }
    bare = mynah_jid_bare(im_form_value(*asked, "jid"));
    user = bare ? mynah_jid_user(bare) : NULL;
    become(&first.jid, bare && user ? bare : im_form_value(*asked, "jid"));
    first.registers = !strcmp(im_form_value(*asked, "what"), "register");
    snprintf(first.keep, sizeof first.keep, "%s", im_form_value(*asked, "keep"));
    if (!user)
        who_ask(_("an address like name@server"));
    else if (account_is_there(bare))
        who_ask(_("this account is here already"));
    else if (first.registers)
        client_begin();
    else
        password_ask(NULL);
    mynah_free(user);
    mynah_free(bare);
}

static void keep_add(struct im_form *form)
{
    struct im_field *field = im_form_add(form, IM_FIELD_ONE, "keep", _("The password is"), NULL);
    const char *const kept[][2] = {{"keyring", _("in the keyring of the desktop")},
                                   {"ask", _("asked for at every start")},
                                   {"file", _("in a file that only you may read")}};
    size_t from = im_secret_there() ? 0 : 1;

    for (size_t i = from; i < MN_COUNT(kept); i++)
        im_form_option(form, field, kept[i][1], kept[i][0],
                       *first.keep ? !strcmp(first.keep, kept[i][0]) : i == from);
}

static void who_ask(const char *error)
{
    static const struct form_button buttons[] = {
        {N_("Next"), 0, true}, {N_("Cancel"), -1, false}, {0}};
    struct im_form *form =
        im_form_new(_("Your account"),
                    _("To talk you need an account on some server: one that you have, or a new "
                      "one. Esc leaves this; /register comes back."));
    struct im_field *field;

    client_end();
    field = im_form_add(form, IM_FIELD_ONE, "what", _("Do"), NULL);
    im_form_option(form, field, _("log in"), "login", !first.registers);
    im_form_option(form, field, _("make a new account"), "register", first.registers);
    field = im_form_add(form, IM_FIELD_TEXT, "jid", _("Address (name@server)"), first.jid);
    field->required = field->jid = true;
    keep_add(form);
    page_open(here(), &form, buttons, error, who_done, NULL);
}

void first_open(const char *jid, bool registers)
{
    page_close(here());
    first_close();
    first.registers = registers;
    if (jid)
        become(&first.jid, jid);
    who_ask(NULL);
    tui_show(here());
}

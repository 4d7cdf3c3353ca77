/* The first start, and /register, as pages one after the other: whose account, then its password or
 * what the server asks of somebody new. It is tried with a client of its own, so that one that does
 * not work leaves nothing behind; one that does goes into the configuration. */
#include <stdio.h>
#include <string.h>

#include "apps/mynah/tui_page.h"
#include "apps/mynah/tui_question.h"
#include "base/file.h"
#include "im/account_list.h"
#include "im/error.h"
#include "im/lang.h"
#include "im/secret.h"

static struct {
    bool registers;
    char *jid, *password; /* or NULL */
    char keep[8];         /* of the password: "keyring", "ask", "file"; "": not said yet */
    struct mynah_client *client;
    struct im_form *form; /* what the server asked for, filled in; or NULL */
    struct im_form *old;  /* one that was refused, while it is asked for anew; or NULL */
    char *why;            /* it was; or NULL */
} first;

static void who_ask(const char *error);
static void password_ask(const char *error);
static void form_ask(const char *error);
static void asks(void *arg, struct mynah_client *c, const struct mynah_register_form *form,
                 const struct mynah_error *error);

/* The end. */

static void client_end(void)
{
    struct mynah_client *c = first.client;

    first.client = NULL; /* what is cancelled by this is told nobody */
    if (c)
        certificate_forget(c);
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
    im_form_free(first.old);
    first.form = first.old = NULL;
    wiped(&first.why);
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

static void configured(const struct im_account *acc)
{
    struct mn_buf why = {0};

    if (im_accounts_add(tui.config_path, acc, &why))
        im_note(here(), IM_ERROR, "%.*s", MN_ARG(mn_buf_view(&why)));
    else
        im_note(here(), IM_NOTE, _("%.*s is in the configuration (%s)"), MN_ARG(acc->jid),
                tui.config_path);
    mn_buf_free(&why);
}

static void not_kept(const char *why)
{
    im_note(here(), IM_ERROR, _("%s; the password is asked for at every start"), why);
}

static void keyring_took(const char *jid, const char *password, const char *why)
{
    struct im_account acc = tui.options;

    acc.jid = mn_str_from(jid);
    acc.password = why ? IM_PASSWORD_ASK : IM_PASSWORD_SECRET;
    if (why)
        not_kept(why);
    configured(&acc);
}

/* The password goes where it was asked to be kept, and the account into the configuration. */
static void keep(struct im_account acc, struct mn_arena *a)
{
    struct mn_buf why = {0};
    const char *path, *folder;

    if (!strcmp(first.keep, "keyring")) {
        keyring_ask(first.jid, first.password, keyring_took);
        return;
    }
    if (!strcmp(first.keep, "file")) {
        path = account_password_path(first.jid, a);
        folder = mn_arena_cstr(a, (mn_str){path, (size_t)(strrchr(path, '/') - path)});
        (void)!mn_file_mkdir(folder, 0700); /* keeping tells, when it is not there */
        acc.password_file = mn_str_from(path);
        if (im_password_keep(&acc, mn_str_from(first.password), &why)) {
            acc.password_file = (mn_str){0};
            mn_buf_c(&why, 0);
            not_kept(why.p);
        }
    }
    configured(&acc);
    mn_buf_free(&why);
}

static void worked(void)
{
    struct im_account acc = tui.options;
    struct mn_arena a = {0};
    mn_str password = mn_arena_str(&a, mn_str_from(first.password));

    acc.jid = mn_arena_str(&a, mn_str_from(first.jid));
    keep(acc, &a);
    first_close();
    account_connect(&acc, password);
    mn_arena_done(&a, NULL);
}

/* Trying. */

static void failed(const struct mynah_error *error)
{
    char *text = im_error_text(error);

    if (first.old) {
        first.form = first.old;
        first.old = NULL;
        form_ask(first.why);
    } else if (first.form)
        form_ask(text);
    else if (error->code == MYNAH_E_LOGIN)
        password_ask(text);
    else
        who_ask(text);
    mn_free(text);
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
    else if (state == MYNAH_OFFLINE && !certificate_waits(c) &&
             !page_is_in(here())) /* one that is filled in is sent anew */
        failed(why ? why : &gone);
}

static void not_trusted(void)
{
    failed(&(struct mynah_error){.code = MYNAH_E_CERTIFICATE});
}

static bool on_certificate(void *arg, struct mynah_client *c, const struct mynah_certificate *cert)
{
    return certificate_trusted(c, cert, not_trusted);
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
        first.old = first.form;
        first.form = NULL;
        wiped(&first.why);
        first.why = im_error_text(error);
        mynah_register_fields(c, NULL, asks, NULL); /* a riddle is good for one answer */
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
    im_form_register(first.form, first.client, NULL, made, NULL);
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

/* What was typed into the one that was refused, but no answer to a riddle. */
static void refill(void)
{
    for (size_t i = 0; first.old && i < first.old->count; i++) {
        const struct im_field *from = &first.old->fields[i];
        struct im_field *to = from->var ? im_form_find(first.form, from->var) : NULL;

        if (to && !to->media && !to->locked && from->touched && from->kind == to->kind &&
            (to->kind == IM_FIELD_TEXT || to->kind == IM_FIELD_SECRET))
            im_field_set(to, from->value ? from->value : "");
    }
    im_form_free(first.old);
    first.old = NULL;
}

static void asks(void *arg, struct mynah_client *c, const struct mynah_register_form *form,
                 const struct mynah_error *error)
{
    struct im_form *asked = c == first.client && form ? im_form_registration(form) : NULL;
    char text[300], *user = mynah_jid_user(first.jid);
    struct im_field *field = asked ? im_form_find(asked, "username") : NULL;

    if (field && user)
        im_field_set(field, user);
    if (asked) {
        first.form = asked;
        refill();
        form_ask(first.why);
        wiped(&first.why);
    } else if (c == first.client && form) {
        snprintf(text, sizeof text, _("this is done at %s"), form->url ? form->url : first.jid);
        who_ask(text);
    } else if (c == first.client &&
               (error->code == MYNAH_E_STANZA || error->code == MYNAH_E_FORMAT)) {
        failed(error);
    }
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
    const char *typed = im_form_value(*asked, "jid");
    struct mn_buf why = {0};
    char *bare;

    if (end == FORM_LEFT || value < 0) {
        first_close();
        return;
    }
    bare = im_address_check(mn_str_from(typed), true, &why) ? NULL : mynah_jid_bare(typed);
    mn_buf_c(&why, 0);
    become(&first.jid, bare ? bare : typed);
    first.registers = !strcmp(im_form_value(*asked, "what"), "register");
    snprintf(first.keep, sizeof first.keep, "%s", im_form_value(*asked, "keep"));
    if (!bare)
        who_ask(why.p);
    else if (account_is_there(bare))
        who_ask(_("this account is here already"));
    else if (first.registers)
        client_begin();
    else
        password_ask(NULL);
    mn_buf_free(&why);
    mynah_free(bare);
}

static void keep_add(struct im_form *form)
{
    struct im_field *field = im_form_add(form, IM_FIELD_ONE, "keep", _("The password is"), NULL);
    const char *const kept[][2] = {{"keyring", _("in the keyring of the desktop")},
                                   {"file", _("in a file that only you may read")},
                                   {"ask", _("asked for at every start")}};
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

void first_open(const char *jid, bool registers, const char *why)
{
    page_close(here());
    first_close();
    first.registers = registers;
    if (jid)
        become(&first.jid, jid);
    who_ask(why);
    tui_show(here());
}

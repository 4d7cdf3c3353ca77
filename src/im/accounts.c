#include "im/accounts.h"

#include <sys/stat.h>

#include "base/child.h"
#include "base/err.h"
#include "base/file.h"
#include "im/lang.h"
#include "im/secret.h"
#include "mynah/mynah.h"

enum { CONFIG_MAX = 1 << 20, PASSWORD_MAX = 4096 };

static const char *const password_names[] = {"ask", "secret", NULL};
static const char *const tls_names[] = {"required", "starttls", "direct", "offered", "off", NULL};

int im_address_check(mn_str text, bool person, struct mn_buf *why)
{
    char *copy = mn_str_dup(text), *part = person ? mynah_jid_user(copy) : mynah_jid(copy);

    if (!part)
        mn_buf_fmt(why, _("%s is no address like name@server"), copy);
    mynah_free(part);
    mn_free(copy);
    return part ? MN_E_OK : MN_E_FORMAT;
}

bool im_address_same(mn_str a, mn_str b)
{
    char *one = mn_str_dup(a), *other = mn_str_dup(b);
    bool same = mynah_jid_same(one, other);

    mn_free(one);
    mn_free(other);
    return same;
}

static int check_jid(const void *value, struct mn_buf *why)
{
    return im_address_check(*(const mn_str *)value, false, why);
}

#define ACCOUNT(field) offsetof(struct im_account, field)

static const struct mn_conf_row account_rows[] = {
    {"jid", MN_CONF_TEXT, ACCOUNT(jid), NULL, .min = 1, .max = 3071, .check = check_jid,
     .text = N_("the address, with /resource or without")},
    {"enabled", MN_CONF_BOOL, ACCOUNT(enabled), "on",
     .text = N_("the terminal client logs it in when it starts")},
    {"password", MN_CONF_CHOICE, ACCOUNT(password), "ask", .choices = password_names,
     .text = N_("where it is, if neither of the next two is set: a person is asked, or the keyring "
                "of the desktop has it (secret-tool)")},
    {"password_command", MN_CONF_TEXT, ACCOUNT(password_command), "",
     .text = N_("prints the password: pass show chat, secret-tool lookup ...")},
    {"password_file", MN_CONF_TEXT, ACCOUNT(password_file), "",
     .text = N_("holds it; nobody else may read the file (mode 0600)")},
    {"host", MN_CONF_TEXT, ACCOUNT(host), "",
     .text = N_("the server's name or address, where DNS does not say it")},
    {"port", MN_CONF_INT, ACCOUNT(port), "0", .min = 0, .max = 65535,
     .text = N_("with host; 0: the usual one")},
    {"tls", MN_CONF_CHOICE, ACCOUNT(tls), "required", .choices = tls_names,
     .text = N_("what encryption is asked for")},
    {"ca_file", MN_CONF_TEXT, ACCOUNT(ca_file), "",
     .text = N_("PEM file of the authorities that are trusted instead of the system's")},
    {"pin", MN_CONF_TEXT, ACCOUNT(pin), "",
     .text = N_("SHA-256 of the one certificate that is trusted")},
    {"mechanisms", MN_CONF_TEXT, ACCOUNT(mechanisms), "",
     .text =
         N_("the ways to log in that are allowed: SCRAM-SHA-256 PLAIN ...; empty: the safe ones")},
    {"proxies", MN_CONF_TEXT, ACCOUNT(proxies), "",
     .text =
         N_("ways out, the first one first: socks5://user:password@host:port http://host:port")},
    {"bosh", MN_CONF_TEXT, ACCOUNT(bosh), "",
     .text = N_("over HTTP: https://host/path, or auto for what the domain says; empty: TCP")},
    {0},
};

#define TERMINAL(field) offsetof(struct im_config, terminal.field)

static const char *const keys_names[] = {"emacs", "vi", NULL};

static const struct mn_conf_row terminal_rows[] = {
    {"keys", MN_CONF_CHOICE, TERMINAL(keys), "emacs", .choices = keys_names,
     .text = N_("what keys edit the line")},
    {"theme", MN_CONF_TEXT, TERMINAL(theme), "dark", .max = 100,
     .text = N_("dark, light, mono, or NAME for themes/NAME.yaml beside this file")},
    {"mouse", MN_CONF_BOOL, TERMINAL(mouse), "off",
     .text = N_("a click chooses a window or a contact, the wheel scrolls")},
    {"bell", MN_CONF_BOOL, TERMINAL(bell), "on",
     .text = N_("the terminal rings when somebody speaks to you elsewhere")},
    {"title", MN_CONF_BOOL, TERMINAL(title), "on",
     .text = N_("the terminal's title tells what is unread")},
    {"panel", MN_CONF_BOOL, TERMINAL(panel), "on", .text = N_("people stand on the right")},
    {"seen", MN_CONF_BOOL, TERMINAL(seen), "on",
     .text = N_("others learn that you have seen what they wrote")},
    {0},
};

const struct mn_conf_row im_config_rows[] = {
    {"accounts", MN_CONF_LIST, offsetof(struct im_config, accounts), "[]", .rows = account_rows,
     .size = sizeof(struct im_account), .text = N_("one entry per account")},
    {"default", MN_CONF_TEXT, offsetof(struct im_config, preferred), "",
     .text = N_("the account that is meant when none is named; empty: the first")},
    {"terminal", MN_CONF_SECTION, 0, NULL, .rows = terminal_rows,
     .text = N_("the client on the terminal")},
    {0},
};

const char *im_config_path(struct mn_arena *a)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (xdg && *xdg)
        return mn_arena_cstr(a, mn_arena_fmt(a, "%s/mynah/config.yaml", xdg));
    return mn_arena_cstr(a, mn_arena_fmt(a, "%s/.config/mynah/config.yaml", home ? home : "."));
}

const char *im_data_path(const char *name, struct mn_arena *a)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    if (xdg && *xdg)
        return mn_arena_cstr(a, mn_arena_fmt(a, "%s/mynah/%s", xdg, name));
    return mn_arena_cstr(a, mn_arena_fmt(a, "%s/.local/share/mynah/%s", home ? home : ".", name));
}

int im_config_load(const char *path, struct mn_arena *a, struct im_config *out, struct mn_buf *why)
{
    struct mn_conf_errors errors = {0};
    mn_str text = {0};
    int e = mn_file_read(path, CONFIG_MAX, a, &text);

    if (e && e != MN_E_NOT_FOUND) {
        mn_buf_fmt(why, "%s: %s", path, mn_err_text(e));
        return e;
    }
    e = mn_conf_parse(text, im_config_rows, a, out, &errors);
    for (size_t i = 0; i < errors.count; i++)
        mn_buf_fmt(why, "%s%s:%d: %.*s", i ? "\n" : "", path, errors.items[i].line,
                   MN_ARG(errors.items[i].text));
    return e;
}

const struct im_account *im_account_find(const struct im_config *c, mn_str jid)
{
    const struct im_account *all = c->accounts.items;
    mn_str wanted = jid.n ? jid : c->preferred;

    if (!wanted.n)
        return c->accounts.count ? all : NULL;
    for (size_t i = 0; i < c->accounts.count; i++)
        if (im_address_same(all[i].jid, wanted))
            return &all[i];
    return NULL;
}

static mn_str first_line(mn_str text)
{
    mn_str rest, line = mn_str_cut(text, '\n', &rest);

    return line.n && line.p[line.n - 1] == '\r' ? (mn_str){line.p, line.n - 1} : line;
}

int im_password_written(const char *command, int code, mn_str written, mn_str *out,
                        struct mn_buf *why)
{
    *out = first_line(written);
    if (code == 0 && out->n)
        return MN_E_OK;
    mn_buf_fmt(why,
               code == 0 ? _("password_command gave no password: %s")
                         : _("password_command failed: %s"),
               command);
    return MN_E_DENIED;
}

static int by_command(const char *command, struct mn_arena *a, mn_str *out, struct mn_buf *why)
{
    mn_str text;
    int code = mn_child_read(command, PASSWORD_MAX, a, &text);

    return im_password_written(command, code, text, out, why);
}

static int by_file(const char *path, struct mn_arena *a, mn_str *out, struct mn_buf *why)
{
    struct stat st;
    mn_str text;
    int e;

    if (!stat(path, &st) && st.st_mode & 077) {
        mn_buf_fmt(why, _("others may read %s: chmod 600 it"), path);
        return MN_E_DENIED;
    }
    e = mn_file_read(path, PASSWORD_MAX, a, &text);
    if (e)
        mn_buf_fmt(why, "%s: %s", path, mn_err_text(e));
    else
        *out = first_line(text);
    return e;
}

int im_password(const struct im_account *acc, struct mn_arena *a, mn_str *out, struct mn_buf *why)
{
    *out = (mn_str){0};
    if (acc->password_command.n)
        return by_command(mn_arena_cstr(a, acc->password_command), a, out, why);
    if (acc->password_file.n)
        return by_file(mn_arena_cstr(a, acc->password_file), a, out, why);
    if (acc->password == IM_PASSWORD_SECRET)
        return im_secret_get(acc->jid, a, out, why) ? MN_E_DENIED : MN_E_OK;
    return MN_E_NOT_FOUND;
}

/* As its first line; what stands behind that is somebody else's. */
static int keep_in(const char *path, mn_str password, struct mn_arena *a)
{
    mn_str old = {0}, rest;
    int e = mn_file_read(path, PASSWORD_MAX, a, &old);

    if (e && e != MN_E_NOT_FOUND)
        return e;
    mn_str_cut(old, '\n', &rest);
    return mn_file_write(mn_file_behind(path, a),
                         mn_arena_fmt(a, "%.*s\n%.*s", MN_ARG(password), MN_ARG(rest)), 0600);
}

int im_password_keep(const struct im_account *acc, mn_str password, struct mn_buf *why)
{
    struct mn_arena a = {0};
    const char *path = mn_arena_cstr(&a, acc->password_file);
    int e = MN_E_OK;

    if (acc->password_command.n) {
        ; /* it has it from elsewhere */
    } else if (*path) {
        e = keep_in(path, password, &a);
        if (e)
            mn_buf_fmt(why, "%s: %s", path, mn_err_text(e));
    } else if (acc->password == IM_PASSWORD_SECRET) {
        e = im_secret_set(acc->jid, password, why);
    }
    mn_arena_done(&a, NULL);
    return e;
}

static const char *set(struct mn_arena *a, mn_str s)
{
    return s.n ? mn_arena_cstr(a, s) : NULL;
}

struct mynah_client_config im_client_config(const struct im_account *acc, mn_str password,
                                            struct mn_arena *a)
{
    return (struct mynah_client_config){
        .size = sizeof(struct mynah_client_config),
        .jid = set(a, acc->jid),
        .password = set(a, password),
        .host = set(a, acc->host),
        .port = (uint16_t)acc->port,
        .tls = (enum mynah_tls)acc->tls,
        .ca_file = set(a, acc->ca_file),
        .pin = set(a, acc->pin),
        .mechanisms = set(a, acc->mechanisms),
        .proxies = set(a, acc->proxies),
        .bosh = set(a, acc->bosh),
    };
}

/* The accounts of a person: what the configuration says of them, and their passwords. Nothing here
 * knows of terminals or windows. */
#pragma once

#include "base/conf.h"
#include "mynah/client.h"

/* Where a password is when no command and no file is named. */
enum im_password_place { IM_PASSWORD_ASK, IM_PASSWORD_SECRET };
struct im_account {
    mn_str jid, password_command, password_file, host, ca_file, pin, mechanisms, proxies, bosh;
    int64_t port;
    int password; /* enum im_password_place */
    int tls;      /* enum mynah_tls */
    bool enabled; /* is logged in when the terminal client starts */
};
/* What the terminal client looks like and answers to. */
enum im_keys { IM_KEYS_EMACS, IM_KEYS_VI };
struct im_terminal {
    int keys; /* enum im_keys */
    mn_str theme;
    bool mouse, bell, title, panel, seen;
};
struct im_config {
    struct mn_conf_list accounts; /* of struct im_account */
    mn_str preferred; /* the account that is meant when none is named; empty: the first */
    struct im_terminal terminal;
};
extern const struct mn_conf_row im_config_rows[];

/* $XDG_CONFIG_HOME/mynah/config.yaml, or ~/.config/mynah/config.yaml; in `a`. */
const char *im_config_path(struct mn_arena *a);
/* $XDG_DATA_HOME/mynah/NAME, or ~/.local/share/mynah/NAME; in `a`. */
const char *im_data_path(const char *name, struct mn_arena *a);
/* Of an account; `person`: one with a first part, which an anonymous one has not. MN_E_FORMAT:
 * `why` says so. */
int im_address_check(mn_str text, bool person, struct mn_buf *why) MN_MUST_CHECK;
/* The same account, however they are written, and with whatever resource. */
bool im_address_same(mn_str a, mn_str b);
/* No file: no accounts. MN_E_FORMAT, MN_E_DENIED, MN_E_IO: `why` says what and where. */
int im_config_load(const char *path, struct mn_arena *a, struct im_config *out,
                   struct mn_buf *why) MN_MUST_CHECK;
/* By its address, "" for the preferred one; NULL: there is none. */
const struct im_account *im_account_find(const struct im_config *c, mn_str jid);
/* The password among what a password_command wrote, with its exit code: its first line; MN_E_DENIED
 * and `why`: there is none. */
int im_password_written(const char *command, int code, mn_str written, mn_str *out,
                        struct mn_buf *why) MN_MUST_CHECK;
/* The password by the account's command or file, or from the keyring; {NULL, 0} and
 * MN_E_NOT_FOUND: it names none. MN_E_DENIED: others may read the file, the command failed, the
 * keyring has none; `why` says what to do. Blocks. */
int im_password(const struct im_account *acc, struct mn_arena *a, mn_str *out,
                struct mn_buf *why) MN_MUST_CHECK;
/* Another one from now on, where im_password looks: in the first line of the file, which nobody
 * else may read, or in the keyring; nothing where a command gives it, or nobody keeps it. `why`
 * says what did not work. Blocks. */
int im_password_keep(const struct im_account *acc, mn_str password,
                     struct mn_buf *why) MN_MUST_CHECK;
/* What mynah_client_new takes, with its texts in `a`. */
struct mynah_client_config im_client_config(const struct im_account *acc, mn_str password,
                                            struct mn_arena *a);

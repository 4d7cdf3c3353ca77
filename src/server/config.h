/* The configuration as structs, filled by base/conf from the table in config.c. A loaded one never
 * changes. */
#pragma once

#include "base/conf.h"
#include "base/log.h"

struct conf_domain {
    mn_str name, certificate, key;
    struct mn_conf_list admins;
};

enum conf_tls { CONF_TLS_REQUIRED, CONF_TLS_OFFERED, CONF_TLS_DIRECT, CONF_TLS_OFF };
enum conf_service { CONF_C2S, CONF_COMPONENT };
struct conf_listen {
    int service;
    mn_str address;
    int64_t port;
    int tls;
};

struct conf_component {
    mn_str name, secret, secret_file;
};

enum conf_open { CONF_OPEN_NO, CONF_OPEN_YES, CONF_OPEN_LOOPBACK, CONF_OPEN_AUTO };
enum conf_compression { CONF_COMPRESS_OFF, CONF_COMPRESS_AFTER_LOGIN, CONF_COMPRESS_ALWAYS };

enum conf_contact {
    CONF_CONTACT_ABUSE,
    CONF_CONTACT_ADMIN,
    CONF_CONTACT_FEEDBACK,
    CONF_CONTACT_SALES,
    CONF_CONTACT_SECURITY,
    CONF_CONTACT_STATUS,
    CONF_CONTACT_SUPPORT,
    CONF_CONTACTS
};

enum conf_log { CONF_LOG_TEXT, CONF_LOG_JSON, CONF_LOG_AUTO };

struct config {
    mn_str data, run_as;
    int64_t loops;
    struct mn_conf_list domains, listen, components, admins;
    struct {
        struct mn_conf_list mechanisms, without_tls;
        mn_str client_ca;
        int64_t iterations;
        bool iq_auth, unique_on_13;
    } auth;
    struct {
        int open;
        struct mn_conf_list fields;
        struct mn_conf_rate per_address;
    } registration;
    int compression;
    struct mn_conf_list contact[CONF_CONTACTS];
    struct {
        bool versioning, preapproval;
        int64_t max_items, max_requests;
    } roster;
    struct {
        int64_t stanza, stanza_before_login, depth, attributes;
        int64_t login_time, unauthenticated_per_address, sessions_per_account, queue, mailbox;
        int64_t stanza_rate;
        int64_t wrong_credentials, refused_forms;
    } limits;
    struct {
        int level, format;
        mn_str to;
    } log;
    struct {
        mn_str socket;
    } control;
    _Alignas(8) char modules[]; /* each module's own struct, at config_module */
};

struct module;

/* Bytes of a struct config with all modules' structs behind it. */
size_t config_size(void);
/* The rows of the whole file, modules included; static after the first call. */
const struct mn_conf_row *config_rows(void);
/* Parses and checks `yaml` (may be empty). Everything lives in `a`. The same codes as
 * mn_conf_parse. */
int config_parse(mn_str yaml, struct mn_arena *a, struct config **out,
                 struct mn_conf_errors *errors) MN_MUST_CHECK;
/* The format of the log; `log_auto` is what auto means here. */
enum mn_log_format config_log_format(const struct config *c, enum mn_log_format log_auto);
/* A module's own struct; its first member is `bool on`. */
const void *config_module(const struct config *c, const struct module *m);

#include "server/config.h"

#include "server/module.h"

enum { ROOM = 64 };

static const char *const tls_names[] = {"required", "offered", "direct", "off", NULL};
static const char *const service_names[] = {"c2s", "component", NULL};
static const char *const open_names[] = {"no", "yes", "loopback", "auto", NULL};
static const char *const compression_names[] = {"off", "after-login", "always", NULL};
static const char *const field_names[] = {"username", "name", "email", "password", NULL};
static const char *const format_names[] = {"text", "json", "auto", NULL};

static int check_domain(const void *value, struct mn_buf *why)
{
    struct mn_arena a = {0};
    mn_str out;
    int e = mn_jid_host_prep(*(const mn_str *)value, &a, &out);

    if (e)
        mn_buf_fmt(why, "%.*s is no domain name", MN_ARG(*(const mn_str *)value));
    mn_arena_done(&a, NULL);
    return e;
}

static int check_address(const void *value, struct mn_buf *why)
{
    mn_str s = *(const mn_str *)value;
    struct mn_addr a;

    if (mn_str_is(s, "auto") || !mn_addr_parse(s, 0, &a))
        return 0;
    mn_buf_fmt(why, "%.*s: expected auto or an IP address", MN_ARG(s));
    return MN_E_FORMAT;
}

static int check_sink(const void *value, struct mn_buf *why)
{
    if (mn_str_is(*(const mn_str *)value, "stderr"))
        return 0;
    mn_buf_str(why, MN_STR("expected stderr"));
    return MN_E_FORMAT;
}

/* A scheme, a colon, and printable ASCII without space behind it. */
static bool is_uri(mn_str s)
{
    size_t colon = mn_str_find(s, ':');

    if (!colon || colon + 1 >= s.n || !((s.p[0] | 32) >= 'a' && (s.p[0] | 32) <= 'z'))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || (i < colon && strchr("/?#@[]<>\"", s.p[i])))
            return false;
    return true;
}

static int check_uris(const void *value, struct mn_buf *why)
{
    const struct mn_conf_list *l = value;

    for (size_t i = 0; i < l->count; i++) {
        mn_str s = ((const mn_str *)l->items)[i];

        if (!is_uri(s)) {
            mn_buf_fmt(why, "%.*s: expected a URI such as mailto:NAME@DOMAIN", MN_ARG(s));
            return MN_E_FORMAT;
        }
    }
    return 0;
}

static int check_accounts(const void *value, struct mn_buf *why)
{
    const struct mn_conf_list *l = value;
    struct mn_arena a = {0};
    int e = 0;

    for (size_t i = 0; i < l->count && !e; i++) {
        mn_str s = ((const mn_str *)l->items)[i];
        struct mn_jid j;

        e = mn_jid_parse(s, &a, &j) || !j.user || j.resource ? MN_E_FORMAT : MN_E_OK;
        if (e)
            mn_buf_fmt(why, "%.*s: expected an account, NAME@DOMAIN", MN_ARG(s));
    }
    mn_arena_done(&a, NULL);
    return e;
}

#define AT(field) offsetof(struct config, field)

static const struct mn_conf_row domain_rows[] = {
    {"name", MN_CONF_TEXT, offsetof(struct conf_domain, name), NULL, .min = 1, .max = 1023,
     .check = check_domain, .live = true},
    {"certificate", MN_CONF_TEXT, offsetof(struct conf_domain, certificate), "",
     .text = "PEM, with chain; without: <data>/certs/NAME.crt, made and signed by a local CA",
     .live = true},
    {"key", MN_CONF_TEXT, offsetof(struct conf_domain, key), "", .text = "PEM", .live = true},
    {"admins", MN_CONF_TEXTS, offsetof(struct conf_domain, admins), "[]", .check = check_accounts,
     .text = "accounts that may administer this domain from their clients", .live = true},
    {0}};
static const struct mn_conf_row listen_rows[] = {
    {"service", MN_CONF_CHOICE, offsetof(struct conf_listen, service), "c2s",
     .choices = service_names, .live = true},
    {"address", MN_CONF_TEXT, offsetof(struct conf_listen, address), "auto", .check = check_address,
     .live = true,
     .text = "auto: every address; for components, and while no domain is configured, loopback"},
    {"port", MN_CONF_INT, offsetof(struct conf_listen, port), NULL, .min = 0, .max = 65535,
     .live = true, .text = "0: any free one"},
    {"tls", MN_CONF_CHOICE, offsetof(struct conf_listen, tls), "required", .choices = tls_names,
     .live = true, .text = "of components: off"},
    {0}};
static const struct mn_conf_row component_rows[] = {
    {"name", MN_CONF_TEXT, offsetof(struct conf_component, name), NULL, .min = 1, .max = 1023,
     .check = check_domain, .text = "its domain; what lies below it is its own, too"},
    {"secret", MN_CONF_TEXT, offsetof(struct conf_component, secret), "",
     .text = "what it shows to come in; secret_file is better", .secret = true},
    {"secret_file", MN_CONF_TEXT, offsetof(struct conf_component, secret_file), "",
     .text = "a file with the secret, which only the server can read"},
    {0}};
static const struct mn_conf_row auth_rows[] = {
    {"mechanisms", MN_CONF_TEXTS, AT(auth.mechanisms),
     "[SCRAM-SHA-512-PLUS, SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-512, SCRAM-SHA-256, "
     "SCRAM-SHA-1]",
     .choices = mn_sasl_names,
     .text = "in the order of announcement; what is kept for DIGEST-MD5 and CRAM-MD5 can be used "
             "like a password by whoever reads the database or a backup",
     .live = true},
    {"without_tls", MN_CONF_TEXTS, AT(auth.without_tls), "[]", .choices = mn_sasl_names,
     .text = "which of them on an unencrypted stream", .live = true},
    {"iterations", MN_CONF_INT, AT(auth.iterations), "10000", .min = 4096, .max = 10000000,
     .text = "of PBKDF2", .live = true},
    {"client_ca", MN_CONF_TEXT, AT(auth.client_ca), "",
     .text = "PEM of CAs, and of their CRLs: clients with a certificate of theirs that names an "
             "account (xmppAddr) may log in by it (EXTERNAL); empty: none is asked for",
     .live = true},
    {"iq_auth", MN_CONF_BOOL, AT(auth.iq_auth), "off",
     .text = "XEP-0078, with the password itself; only with PLAIN among the mechanisms",
     .live = true},
    {"tls_unique_on_13", MN_CONF_BOOL, AT(auth.unique_on_13), "on",
     .text = "accept the first Finished of TLS 1.3 where a client sends it as tls-unique",
     .live = true},
    {0}};
static const struct mn_conf_row registration_rows[] = {
    {"open", MN_CONF_CHOICE, AT(registration.open), "auto", .choices = open_names,
     .text = "auto: loopback while no domain is configured, else no", .live = true},
    {"fields", MN_CONF_TEXTS, AT(registration.fields), "[username, name, email, password]",
     .choices = field_names, .text = "what the form asks for", .live = true},
    {"per_address", MN_CONF_RATE, AT(registration.per_address), "5/h",
     .text = "a network (/24, of IPv6 /48) has five times as many; loopback on the built-in "
             "localhost is not counted",
     .live = true},
    {0}};
static const struct mn_conf_row contact_rows[] = {
    {"abuse", MN_CONF_TEXTS, AT(contact[CONF_CONTACT_ABUSE]), "[]", .check = check_uris,
     .live = true, .text = "URIs: mailto:NAME@DOMAIN, xmpp:NAME@DOMAIN, https://..."},
    {"admin", MN_CONF_TEXTS, AT(contact[CONF_CONTACT_ADMIN]), "[]", .check = check_uris,
     .live = true, .text = "as above, like those below"},
    {"feedback", MN_CONF_TEXTS, AT(contact[CONF_CONTACT_FEEDBACK]), "[]", .check = check_uris,
     .live = true},
    {"sales", MN_CONF_TEXTS, AT(contact[CONF_CONTACT_SALES]), "[]", .check = check_uris,
     .live = true},
    {"security", MN_CONF_TEXTS, AT(contact[CONF_CONTACT_SECURITY]), "[]", .check = check_uris,
     .live = true},
    {"status", MN_CONF_TEXTS, AT(contact[CONF_CONTACT_STATUS]), "[]", .check = check_uris,
     .live = true},
    {"support", MN_CONF_TEXTS, AT(contact[CONF_CONTACT_SUPPORT]), "[]", .check = check_uris,
     .live = true},
    {0}};
static const struct mn_conf_row roster_rows[] = {
    {"versioning", MN_CONF_BOOL, AT(roster.versioning), "on",
     .text = "clients get only what has changed since they had it (RFC 6121, 2.6)", .live = true},
    {"preapproval", MN_CONF_BOOL, AT(roster.preapproval), "on",
     .text = "whoever has not asked yet can be allowed to see us (RFC 6121, 3.4)", .live = true},
    {"max_items", MN_CONF_INT, AT(roster.max_items), "10000", .min = 1, .max = 100000,
     .text = "contacts of an account", .live = true},
    {"max_requests", MN_CONF_INT, AT(roster.max_requests), "1000", .min = 1, .max = 100000,
     .text = "for a subscription, from people who are not in it, waiting for an answer",
     .live = true},
    {0}};
static const struct mn_conf_row limit_rows[] = {
    {"stanza", MN_CONF_SIZE, AT(limits.stanza), "256k", .min = 10000, .max = 64 << 20,
     .text = "of a client that is logged in, and of a component", .live = true},
    {"stanza_before_login", MN_CONF_SIZE, AT(limits.stanza_before_login), "10k", .min = 10000,
     .max = 1 << 20, .text = "as announced (XEP-0478)", .live = true},
    {"stanza_rate", MN_CONF_INT, AT(limits.stanza_rate), "0", .min = 0, .max = 1000000,
     .text = "a second, of one session; what is more waits unread; 0: as many as come",
     .live = true},
    {"depth", MN_CONF_INT, AT(limits.depth), "100", .min = 10, .max = 1000,
     .text = "levels of elements in a stanza", .live = true},
    {"attributes", MN_CONF_INT, AT(limits.attributes), "100", .min = 10, .max = 1000,
     .text = "of one element", .live = true},
    {"login_time", MN_CONF_TIME, AT(limits.login_time), "60s", .min = 1000, .max = 3600000,
     .text = "from connecting to a bound resource", .live = true},
    {"unauthenticated_per_address", MN_CONF_INT, AT(limits.unauthenticated_per_address), "100",
     .min = 1, .max = 1000000,
     .text = "connections; a network (/24, of IPv6 /48) has five times as many", .live = true},
    {"sessions_per_account", MN_CONF_INT, AT(limits.sessions_per_account), "50", .min = 1,
     .max = 10000, .text = "those that wait for their client too", .live = true},
    {"queue", MN_CONF_SIZE, AT(limits.queue), "16M", .min = 65536, .max = 1 << 30,
     .text = "bytes that wait for a client that does not read; or for what an account's clients "
             "acknowledge (XEP-0198), together",
     .live = true},
    {"mailbox", MN_CONF_SIZE, AT(limits.mailbox), "16M", .min = 65536, .max = 1 << 30,
     .text = "bytes between two loops above which whoever sends them is not read", .live = true},
    {"wrong_credentials", MN_CONF_INT, AT(limits.wrong_credentials), "5", .min = 1, .max = 100,
     .text = "per stream", .live = true},
    {"refused_forms", MN_CONF_INT, AT(limits.refused_forms), "10", .min = 1, .max = 100,
     .text = "unknown mechanisms, and resources that cannot be bound, per stream", .live = true},
    {0}};
static const struct mn_conf_row log_rows[] = {
    {"level", MN_CONF_CHOICE, AT(log.level), "info", .choices = mn_log_levels,
     .text = "lines of this level and above, and what administrators do", .live = true},
    {"format", MN_CONF_CHOICE, AT(log.format), "auto", .choices = format_names,
     .text = "auto: json under journald", .live = true},
    {"to", MN_CONF_TEXT, AT(log.to), "stderr", .check = check_sink,
     .text = "nothing else: whoever starts it takes it from there"},
    {0}};
static const struct mn_conf_row control_rows[] = {
    {"socket", MN_CONF_TEXT, AT(control.socket), "", .text = "empty: <data>/control.sock"}, {0}};

/* MODULES is filled in at the first call. */
static struct mn_conf_row module_rows[ROOM + 1];
static struct mn_conf_row rows[] = {
    {"data", MN_CONF_TEXT, AT(data), "/var/lib/mynah", .min = 1, .max = 4000,
     .text = "database and certificates made by us; mode 0700"},
    {"run_as", MN_CONF_TEXT, AT(run_as), "",
     .text = "user to become when started as root; empty: mynah, if it exists"},
    {"loops", MN_CONF_INT, AT(loops), "0", .min = 0, .max = 256,
     .text = "0: one per CPU that we may use"},
    {"domains", MN_CONF_LIST, AT(domains), .rows = domain_rows, .size = sizeof(struct conf_domain)},
    {"admins", MN_CONF_TEXTS, AT(admins), "[]", .check = check_accounts,
     .text = "accounts that may administer all domains and the server from their clients",
     .live = true},
    {"listen", MN_CONF_LIST, AT(listen), .rows = listen_rows, .size = sizeof(struct conf_listen),
     .text = "left out: c2s on 5222 (tls required) and 5223 (tls direct)"},
    {"auth", MN_CONF_SECTION, 0, .rows = auth_rows},
    {"registration", MN_CONF_SECTION, 0, .rows = registration_rows},
    {"compression", MN_CONF_CHOICE, AT(compression), "off", .choices = compression_names,
     .text = "of streams (XEP-0138); always: also before the login", .live = true},
    {"components", MN_CONF_LIST, AT(components), .rows = component_rows,
     .size = sizeof(struct conf_component),
     .text = "programs that serve a domain of their own (XEP-0114)"},
    {"contact", MN_CONF_SECTION, 0, .rows = contact_rows,
     .text = "whom to turn to (XEP-0157); told to everybody who asks"},
    {"roster", MN_CONF_SECTION, 0, .rows = roster_rows},
    {"limits", MN_CONF_SECTION, 0, .rows = limit_rows},
    {"log", MN_CONF_SECTION, 0, .rows = log_rows},
    {"control", MN_CONF_SECTION, 0, .rows = control_rows},
    {"modules", MN_CONF_MODULES, AT(modules), .rows = module_rows,
     .text = "off takes a module out"},
    {0}};

static size_t place_of(const struct module *want)
{
    size_t at = 0;

    for (const struct module *const *m = modules; *m && *m != want; m++)
        at += (((*m)->conf_size ? (*m)->conf_size : sizeof(bool)) + 7) & ~(size_t)7;
    return at;
}

size_t config_size(void)
{
    return offsetof(struct config, modules) + place_of(NULL);
}

const struct mn_conf_row *config_rows(void)
{
    size_t n = 0;

    if (module_rows[0].key) /* others may look at them already */
        return rows;
    for (const struct module *const *m = modules; *m; m++)
        if (!(*m)->always)
            module_rows[n++] = (struct mn_conf_row){(*m)->name, MN_CONF_SECTION, place_of(*m),
                                                    .rows = (*m)->conf, .live = !(*m)->from_start};
    module_rows[n] = (struct mn_conf_row){0};
    return rows;
}

enum mn_log_format config_log_format(const struct config *c, enum mn_log_format log_auto)
{
    return c->log.format == CONF_LOG_AUTO ? log_auto : (enum mn_log_format)c->log.format;
}

const void *config_module(const struct config *c, const struct module *m)
{
    return c->modules + place_of(m);
}

static void also(struct mn_conf_errors *errors, int line, mn_str text)
{
    if (errors->count < 100)
        errors->items[errors->count++] = (struct mn_conf_error){line, text};
}

static void check_components(struct config *c, struct mn_arena *a, struct mn_conf_errors *errors)
{
    const struct conf_component *p = c->components.items;
    const struct conf_domain *d = c->domains.items;
    const struct conf_listen *l = c->listen.items;
    mn_str x = {0}, y = {0};

    for (size_t i = 0; i < c->listen.count; i++)
        if (l[i].service == CONF_COMPONENT && l[i].tls != CONF_TLS_OFF)
            also(errors, c->listen.line, MN_STR("service component: tls can only be off"));
    for (size_t i = 0; i < c->components.count; i++) {
        if (!p[i].secret.n == !p[i].secret_file.n)
            also(errors, c->components.line,
                 mn_arena_fmt(a, "component %.*s: expected secret or secret_file",
                              MN_ARG(p[i].name)));
        (void)!mn_jid_host_prep(p[i].name, a, &x);
        for (size_t k = 0; k < i + c->domains.count; k++) {
            (void)!mn_jid_host_prep(k < i ? p[k].name : d[k - i].name, a, &y);
            if (mn_str_eq(x, y))
                also(errors, c->components.line,
                     mn_arena_fmt(a, "component %.*s: the name stands there twice", MN_ARG(x)));
        }
    }
}

static bool lists(const struct mn_conf_list *l, mn_str text)
{
    size_t i = 0;

    while (i < l->count && !mn_str_eq(((mn_str *)l->items)[i], text))
        i++;
    return i < l->count;
}

/* What no single row can see. */
static void check_whole(struct config *c, struct mn_arena *a, struct mn_conf_errors *errors)
{
    const struct conf_domain *d = c->domains.items;

    for (size_t i = 0; i < c->domains.count; i++) {
        mn_str x = {0}, y = {0};

        if (!d[i].certificate.n != !d[i].key.n)
            also(errors, c->domains.line,
                 mn_arena_fmt(a, "domain %.*s: certificate and key belong together",
                              MN_ARG(d[i].name)));
        (void)!mn_jid_host_prep(d[i].name, a, &x);
        for (size_t k = 0; k < i; k++) {
            (void)!mn_jid_host_prep(d[k].name, a, &y);
            if (mn_str_eq(x, y))
                also(errors, c->domains.line,
                     mn_arena_fmt(a, "domain %.*s stands there twice", MN_ARG(x)));
        }
    }
    check_components(c, a, errors);
    for (size_t i = 0; i < c->auth.without_tls.count; i++) {
        mn_str name = ((mn_str *)c->auth.without_tls.items)[i];

        if (!lists(&c->auth.mechanisms, name))
            also(errors, c->auth.without_tls.line,
                 mn_arena_fmt(a, "without_tls: %.*s is not among the mechanisms", MN_ARG(name)));
        else if (mn_sasl_is_plus(mn_sasl_find(name)))
            also(errors, c->auth.without_tls.line,
                 mn_arena_fmt(a, "without_tls: %.*s needs TLS by its nature", MN_ARG(name)));
    }
    if (c->auth.iq_auth && !lists(&c->auth.mechanisms, MN_STR("PLAIN")))
        also(errors, c->auth.mechanisms.line,
             MN_STR("iq_auth: PLAIN, which it is another form of, is not among the mechanisms"));
}

int config_parse(mn_str yaml, struct mn_arena *a, struct config **out,
                 struct mn_conf_errors *errors)
{
    struct config *c = mn_arena_alloc0(a, config_size());
    int e = mn_conf_parse(yaml, config_rows(), a, c, errors);

    *out = c;
    if (!e) {
        check_whole(c, a, errors);
        e = errors->count ? MN_E_FORMAT : MN_E_OK;
    }
    return e;
}

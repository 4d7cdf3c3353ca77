/* Makes pages from the tables of the programs: manual pages, completion, documentation.
 * usage: pages NAME >FILE */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../apps/commands.h"
#include "server/protocol.h"
#include "roff.h"

static const struct option_row daemon_options[] = {
#define MYNAHD(letter, name, value, text) {letter, name, value, text},
#define MYNAHCTL(...)
#include "../apps/options.def"
#undef MYNAHCTL
#undef MYNAHD
};

/* Manual pages. */

static void options(const struct option_row *o, size_t count)
{
    heading("OPTIONS");
    for (size_t i = 0; i < count; i++) {
        fputs(".TP\n.B ", stdout);
        say("--%s %s\n", o[i].name, o[i].value);
        say("%s\n", o[i].text);
    }
}

static void page_daemon(void)
{
    head("MYNAHD", "8", "mynahd", "Jabber/XMPP server");
    heading("SYNOPSIS");
    fputs(".B mynahd\n", stdout);
    for (size_t i = 0; i < MN_COUNT(daemon_options); i++) {
        const struct option_row *o = &daemon_options[i];

        say("[--%s%s%s]\n", o->name, *o->value ? " " : "", o->value);
    }
    heading("DESCRIPTION");
    say("Serves clients of its domains. It stays in the foreground and logs to standard error, as "
        "lines of JSON under journald. It says ready in the log, and to systemd, when every "
        "listener is bound. Without a configured domain it serves localhost, on loopback only.\n");
    options(daemon_options, MN_COUNT(daemon_options));
    heading("SIGNALS");
    entry("SIGTERM, SIGINT", "tell every client and end");
    entry("SIGHUP", "read the configuration and the certificates again (mynahctl reload)");
    heading("EXIT STATUS");
    entry("0", "ended as it was told: by a signal, or by mynahctl");
    entry("1", "could not start, or had to end; the last line says why");
    entry("64", "wrong usage");
    entry("78", "wrong configuration: file, line, what is wrong, what is expected");
    heading("FILES");
    entry("/etc/mynah/mynahd.yaml", "the configuration, if it is there");
    entry("/var/lib/mynah", "database, certificates made by us, control socket (key data)");
    heading("SEE ALSO");
    fputs(".BR mynahctl (1),\n.BR mynahd.yaml (5)\n", stdout);
}

static void page_ctl(void)
{
    struct mn_buf b = {0};

    head("MYNAHCTL", "1", "mynahctl", "administers a running mynahd");
    heading("SYNOPSIS");
    fputs(".B mynahctl\n", stdout);
    say("[--socket PATH | --config FILE] [--data DIR] [--json] COMMAND...\n");
    heading("DESCRIPTION");
    say("Asks the server over its control socket, which root and the user that the server runs as "
        "may use. A password never stands on the command line.\n");
    options(ctl_options, MN_COUNT(ctl_options));
    heading("COMMANDS");
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        mn_buf_clear(&b);
        for (const struct arg *a = rows[i].args; a->kind; a++)
            arg_synopsis(a, &b);
        mn_buf_c(&b, 0);
        fputs(".TP\n.B ", stdout);
        say("%s%s\n%s\n", rows[i].words, b.p, rows[i].text);
        for (const struct arg *a = rows[i].args; a->kind && a->kind != AFTER; a++) {
            mn_buf_clear(&b);
            arg_help(a, &b);
            mn_buf_c(&b, 0);
            fputs(".br\n", stdout);
            say("%s\n", b.p);
        }
    }
    heading("EXIT STATUS");
    entry("0", "done");
    entry("1", "refused or failed; one line says why");
    entry("64", "wrong usage");
    entry("69", "no server runs");
    heading("SEE ALSO");
    fputs(".BR mynahd (8),\n.BR mynahd.yaml (5)\n", stdout);
    mn_buf_free(&b);
}

/* Every key of the configuration with its whole path. */
static void keys(const struct mn_conf_row *r, const char *before,
                 void (*each)(const char *path, const struct mn_conf_row *r))
{
    for (; r->key; r++) {
        char path[200];

        snprintf(path, sizeof path, "%s%s", before, r->key);
        each(path, r);
        snprintf(path, sizeof path, "%s%s%s.", before, r->key, r->type == MN_CONF_LIST ? "[]" : "");
        if (r->rows)
            keys(r->rows, path, each);
    }
}

static bool is_module(const char *path)
{
    return !strncmp(path, "modules.", 8);
}

/* What it takes; a module may be taken out as well. */
static mn_str takes(const char *path, const struct mn_conf_row *r, struct mn_arena *a)
{
    if (is_module(path) && r->type == MN_CONF_SECTION)
        return r->rows ? MN_STR("off, or keys below it") : MN_STR("on or off");
    return mn_conf_takes(r, a);
}

static const char *fallback(const char *path, const struct mn_conf_row *r)
{
    if (r->rows || (is_module(path) && r->type == MN_CONF_SECTION))
        return r->rows ? "" : "on";
    return !r->fallback ? "must be there" : *r->fallback ? r->fallback : "empty";
}

/* Of a section each key says it, and of a list that is not live, too. */
static bool says_live(const char *path, const struct mn_conf_row *r)
{
    return r->type != MN_CONF_MODULES && (r->type != MN_CONF_SECTION || is_module(path)) &&
           (r->live || r->type != MN_CONF_LIST);
}

static void man_key(const char *path, const struct mn_conf_row *r)
{
    struct mn_arena a = {0};
    const char *is = fallback(path, r);

    fputs(".TP\n.B ", stdout);
    say("%s\n%.*s%s%s", path, MN_ARG(takes(path, r, &a)),
        !*is                          ? ""
        : strcmp(is, "must be there") ? "; default: "
                                      : "; ",
        is);
    if (says_live(path, r))
        say(r->live ? "; live" : "; from the next start");
    if (r->text)
        say("\n.br\n%s", r->text);
    putchar('\n');
    mn_arena_done(&a, NULL);
}

static void page_yaml(void)
{
    head("MYNAHD.YAML", "5", "mynahd.yaml", "configuration of mynahd");
    heading("DESCRIPTION");
    say("A file in YAML. Every key may be left out. An unknown or doubled key, and a value that is "
        "not of the type, is an error with its line. What is live holds from a reload on (mynahctl "
        "reload, or SIGHUP), what is not from the next start.\n");
    fputs(".B mynahd \\-\\-print\\-defaults\n", stdout);
    say("prints it with all keys and their defaults,\n");
    fputs(".B mynahd \\-\\-check\\-config\n", stdout);
    say("looks at one. In the names below a dot stands for a level of keys, [] for the entries of "
        "a list.\n");
    heading("KEYS");
    keys(config_rows(), "", man_key);
    heading("EXAMPLE");
    fputs(".nf\n", stdout);
    say("domains:\n  - name: example.org\n    certificate: /etc/ssl/example.org.crt\n"
        "    key: /etc/ssl/example.org.key\n");
    fputs(".fi\n", stdout);
    heading("SEE ALSO");
    fputs(".BR mynahd (8),\n.BR mynahctl (1)\n", stdout);
}

/* The same as a table of Markdown. */

static void cell(const char *text)
{
    for (fputs("| ", stdout); *text; text++)
        printf("%s%c", *text == '|' ? "\\" : "", *text);
    putchar(' ');
}

static void table_key(const char *path, const struct mn_conf_row *r)
{
    struct mn_arena a = {0};
    bool module = is_module(path) && r->type == MN_CONF_SECTION;

    if (r->type == MN_CONF_MODULES || (r->type == MN_CONF_SECTION && !module))
        return;
    cell(path);
    cell(mn_arena_cstr(&a, takes(path, r, &a)));
    cell(module ? "on" : fallback(path, r));
    cell(!says_live(path, r) ? "" : r->live ? "yes" : "no");
    cell(r->text ? r->text : "");
    puts("|");
    mn_arena_done(&a, NULL);
}

static void page_configuration(void)
{
    puts(
        "# The configuration file\n\n"
        "YAML; every key may be left out. `mynahd --print-defaults` prints a file with all keys, "
        "`mynahd --check-config` looks at one,\n`mynahctl config show` tells what holds in a "
        "running server. In the table a dot stands for a level of keys, `[]` for the entries\nof a "
        "list. It is made from the table that checks the file (`ninja -C BUILD docs`).\n\n"
        "`mynahctl reload`, or SIGHUP, reads the file again, and the certificates. A mistake in "
        "it, or a port that cannot be opened, changes\nnothing: the answer says where it is. What "
        "is "
        "live holds from then on, for connections that are there where it can; nobody is\n"
        "disconnected but who is on a domain that goes (stream error `host-gone`). What belongs to "
        "such a domain stays in the database and is\nthere again when the domain is. New listeners "
        "open before old ones close, and who came in through one that closes stays. What is\nnot "
        "live is named in the answer, and in the log by a warning, and waits for the next start; a "
        "file with a change of it is not\nrefused. From 21 days before a certificate ends the log "
        "warns, again at 7 and at 1.\n\n"
        "With `auth.client_ca` people may log in by a certificate instead of a password (SASL "
        "EXTERNAL, XEP-0178). What the file lists is\ntrusted for this as it stands there, roots "
        "or not; the system's CAs are not asked. A certificate counts when it leads there over\nat "
        "most four intermediates, holds today, is not in a CRL of the file, is no CA's, may "
        "authenticate a client as far as it says\nwhat it may, and names `NAME@DOMAIN` of the "
        "domain at hand as xmppAddr, the otherName 1.3.6.1.5.5.7.8.5, a UTF8String. Of several\n"
        "accounts the client says which it means. A certificate that does not count ends nothing: "
        "the log says why, and the password is\nthere as ever. What a CRL says counts from the "
        "next reload, for who logs in then; when it is out of date, no certificate of its\nCA "
        "counts. Made with openssl:\n\n"
        "    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "
        "'/CN=Our people' "
        "-keyout people.key -out people.crt\n"
        "    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=alice "
        "-keyout alice.key -out alice.csr\n"
        "    echo 'subjectAltName=otherName:1.3.6.1.5.5.7.8.5;UTF8:alice@example.org' >alice.ext\n"
        "    openssl x509 -req -in alice.csr -CA people.crt -CAkey people.key -CAcreateserial "
        "-days 365 "
        "-extfile alice.ext -out alice.crt\n\n"
        "`people.crt` is for `client_ca`; `alice.crt` and `alice.key` go into Alice's client.\n\n"
        "| key | takes | default | live | what |\n|---|---|---|---|---|");
    keys(config_rows(), "", table_key);
}

/* Completion for bash: each row of the tables as a line that apps/mynahctl.bash understands. */

static void option_words(const struct option_row *o, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf(" --%s%s%s", o[i].name, *o[i].value ? "=" : "", o[i].value);
}

static void page_bash(void)
{
    fputs("# Made from the tables of mynahctl; see apps/mynahctl.bash.\n_mynahctl_rows='", stdout);
    option_words(ctl_options, MN_COUNT(ctl_options));
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        const struct arg *a = rows[i].args;

        printf("\n %s", rows[i].words);
        for (; a->kind == WORD || a->kind == TEXT || a->kind == MAYBE; a++)
            printf(" %s", a->value);
        for (; a->kind; a++)
            if (a->kind == OPTION)
                printf(" --%s=%s", a->name, a->value);
            else if (a->kind == SECRET)
                printf(" --%s-stdin --%s-file=FILE", a->name, a->name);
            else if (a->kind == LINES)
                fputs(" --from=FILE", stdout);
    }
    fputs("'\n\n", stdout);
}

/* What the server speaks, as a page and as a DOAP file. */

static void page_protocols(void)
{
    struct mn_arena a = {0};
    size_t count;
    struct protocol *p = protocols_all(&a, &count);

    puts("# Protocols\n\n"
         "What `mynahd` speaks, made from its tables (`ninja -C BUILD docs` makes it anew). "
         "`mynahctl "
         "protocols` tells the same of a running\nserver, and what of it is on: where its module "
         "is, "
         "and where the key of the configuration is set, or names that word,\nif one stands here. "
         "What of it is not done stands under without. No row without a test that\nshows it.\n\n"
         "| protocol | version | what | module | key | without | tests |\n"
         "|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < count; i++, p++) {
        int digits = p->xep ? 0 : (int)strspn(p->name + 4, "0123456789");

        if (p->xep)
            printf("| [%s](https://xmpp.org/extensions/xep-%04d.html) ", p->name, p->xep);
        else
            printf("| [%s](https://www.rfc-editor.org/rfc/rfc%.*s) ", p->name, digits, p->name + 4);
        printf("| %s | %s | %s | %s | %s | %s |\n", p->version, p->title,
               p->module ? p->module->name : "", p->key ? p->key : "", p->without ? p->without : "",
               p->test);
    }
    mn_arena_done(&a, NULL);
}

static void doap_xep(const struct protocol *p)
{
    printf("    <implements>\n      <xmpp:SupportedXep>\n"
           "        <xmpp:xep rdf:resource='https://xmpp.org/extensions/xep-%04d.html'/>\n"
           "        <xmpp:status>%s</xmpp:status>\n"
           "        <xmpp:version>%s</xmpp:version>\n",
           p->xep, p->without ? "partial" : "complete", p->version);
    if (p->without)
        printf("        <xmpp:note xml:lang='en'>without: %s</xmpp:note>\n", p->without);
    puts("      </xmpp:SupportedXep>\n    </implements>");
}

static void page_doap(void)
{
    struct mn_arena a = {0};
    size_t count;
    struct protocol *p = protocols_all(&a, &count);
    char last[8] = "";

    puts("<?xml version='1.0' encoding='UTF-8'?>\n"
         "<!-- Made from the tables of the server: ninja -C BUILD docs -->\n"
         "<rdf:RDF xmlns='http://usefulinc.com/ns/doap#' "
         "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'\n"
         "    xmlns:xmpp='https://linkmauve.fr/ns/xmpp-doap#'>\n"
         "  <Project>\n"
         "    <name>Mynah</name>\n"
         "    <shortdesc xml:lang='en'>A Jabber/XMPP server</shortdesc>\n"
         "    <programming-language>C</programming-language>\n"
         "    <os>Linux</os>\n"
         "    <license rdf:resource='https://spdx.org/licenses/MIT'/>\n"
         "    <category rdf:resource='https://linkmauve.fr/ns/xmpp-doap#category-jabber'/>\n"
         "    <category rdf:resource='https://linkmauve.fr/ns/xmpp-doap#category-xmpp'/>\n"
         "    <category rdf:resource='https://linkmauve.fr/ns/xmpp-doap#category-server'/>");
    for (size_t i = 0; i < count; i++, p++) {
        char number[8];

        snprintf(number, sizeof number, "%.*s", (int)strspn(p->name + 4, "0123456789"),
                 p->name + 4);
        if (p->xep)
            doap_xep(p);
        else if (strcmp(number, last)) /* one line for all its sections */
            printf("    <implements rdf:resource='https://www.rfc-editor.org/rfc/rfc%s'/>\n",
                   number);
        memcpy(last, number, sizeof last);
    }
    puts("  </Project>\n</rdf:RDF>");
    mn_arena_done(&a, NULL);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } pages[] = {
        {"mynahd.8", page_daemon},
        {"mynahctl.1", page_ctl},
        {"mynahd.yaml.5", page_yaml},
        {"mynahctl.bash", page_bash},
        {"configuration.md", page_configuration},
        {"protocols.md", page_protocols},
        {"mynah.doap", page_doap},
    };

    for (size_t i = 0; argc == 2 && i < MN_COUNT(pages); i++)
        if (!strcmp(argv[1], pages[i].name)) {
            pages[i].print();
            return 0;
        }
    fputs("usage: pages NAME >FILE\n", stderr);
    return 64;
}

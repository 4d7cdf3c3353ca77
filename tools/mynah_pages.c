/* Makes the pages of the client from its tables, in the language of the environment.
 * usage: mynah_pages NAME >FILE */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "im/accounts.h"
#include "im/lang.h"
#include "roff.h"

struct row {
    const char *name, *synopsis, *text;
    char letter; /* of an option: a small one works by itself */
};
static const struct row options[] = {
#define OPTION(letter, name, value, text) {name, value, text, letter},
#include "apps/mynah/options.def"
#undef OPTION
};
static const struct row commands[] = {
#define COMMAND(name, synopsis, text, ...) {#name, synopsis, text},
#include "apps/mynah/cli.def"
#undef COMMAND
};
static const struct row slashes[] = {
#define TUI(name, synopsis, text, ...) {"/" #name, synopsis, text},
#include "apps/mynah/tui.def"
#undef TUI
};

/* Manual pages. */

static void rows(const struct row *r, size_t count, const char *before)
{
    for (; count--; r++) {
        fputs(".TP\n.B ", stdout);
        if (islower(r->letter))
            say("-%c, ", r->letter);
        say("%s%s%s%s\n", before, r->name, *r->synopsis ? " " : "", r->synopsis);
        say("%s\n", *r->text ? _(r->text) : "");
    }
}

static void page_mynah(void)
{
    head("MYNAH", "1", "mynah", _("Jabber/XMPP client for the terminal, and for scripts"));
    heading(_("SYNOPSIS"));
    fputs(".B mynah\n", stdout);
    say("[OPTIONS]\n");
    fputs(".br\n.B mynah\n", stdout);
    say("[OPTIONS] COMMAND ...\n");
    heading(_("DESCRIPTION"));
    say("%s\n",
        _("Without a command it talks on the terminal: several accounts, people and rooms in "
          "windows, a history that is searched. With one it does that and ends. A running mynah "
          "takes commands into its session, when the account is logged in there."));
    heading(_("OPTIONS"));
    rows(options, MN_COUNT(options), "--");
    heading(_("COMMANDS"));
    rows(commands, MN_COUNT(commands), "");
    heading(_("ON THE TERMINAL"));
    say("%s\n",
        _("What begins with a slash is a command, what begins with two is said with one. Tab "
          "completes, Alt-1 to Alt-0 go to windows, Alt-a to the next with news, PgUp and PgDn to "
          "older lines."));
    rows(slashes, MN_COUNT(slashes), "");
    heading(_("PASSWORDS"));
    say("%s\n", _("They come from where the configuration says, from the first line of standard "
                  "input, or are asked for; they never stand on the command line. Of register it "
                  "is the new account's; passwd reads the new one from standard input."));
    heading(_("EXIT STATUS"));
    entry("0", _("done"));
    entry("1", _("failed"));
    entry("2", _("refused by the other side"));
    entry("3", _("no answer in time"));
    entry("64", _("wrong usage"));
    heading(_("FILES"));
    entry("$XDG_CONFIG_HOME/mynah/config.yaml (~/.config/...)", _("accounts: mynah.yaml(5)"));
    entry("$XDG_CONFIG_HOME/mynah/passwords/",
          _("passwords that a form was told to keep in a file"));
    entry("$XDG_DATA_HOME/mynah/history.db (~/.local/share/...)", _("what was said"));
    entry("$XDG_DATA_HOME/mynah/certificates", _("certificates that are trusted for good (/tls)"));
    entry("$XDG_RUNTIME_DIR/mynah/default.sock", _("takes commands while mynah runs"));
    heading(_("ENVIRONMENT"));
    entry("LANGUAGE, LC_ALL, LC_MESSAGES, LANG", _("the language of texts: English or Chinese"));
    entry("XDG_DOWNLOAD_DIR", _("where files go that are taken on the terminal; else ~/Downloads"));
    entry("VISUAL, EDITOR; BROWSER", _("what /editor and /url open start; else vi, xdg-open"));
    entry("NO_COLOR", _("no colours, when it is not empty"));
    heading(_("SEE ALSO"));
    fputs(".BR mynah.yaml (5)\n", stdout);
}

/* Every key with its whole path. */
static void keys(const struct mn_conf_row *r, const char *before)
{
    for (; r->key; r++) {
        struct mn_arena a = {0};
        char path[200];

        snprintf(path, sizeof path, "%s%s%s", before, r->key, r->rows ? "[]" : "");
        fputs(".TP\n.B ", stdout);
        say("%s\n", path);
        if (!r->rows) {
            mn_str takes = mn_conf_takes(r, &a);

            say("%.*s", MN_ARG(takes));
            if (r->fallback && *r->fallback)
                say("; %s %s", _("default:"), r->fallback);
            fputs("\n.br\n", stdout);
        }
        say("%s\n", r->text ? _(r->text) : "");
        snprintf(path, sizeof path, "%s%s[].", before, r->key);
        if (r->rows)
            keys(r->rows, path);
        mn_arena_done(&a, NULL);
    }
}

static void page_yaml(void)
{
    head("MYNAH.YAML", "5", "mynah.yaml", _("configuration of mynah"));
    heading(_("DESCRIPTION"));
    say("%s\n", _("The file config.yaml in $XDG_CONFIG_HOME/mynah, or ~/.config/mynah: YAML. Every "
                  "key may be left out but the address of an account; an unknown key is an error "
                  "with its line. In the names below a dot stands for a level of keys, [] for the "
                  "entries of a list."));
    heading(_("KEYS"));
    keys(im_config_rows, "");
    heading(_("EXAMPLE"));
    fputs(".nf\n", stdout);
    say("accounts:\n  - jid: alice@example.org\n    password: secret\n"
        "  - jid: alice@work.example\n    password_command: pass show work\n");
    fputs(".fi\n", stdout);
    heading(_("SEE ALSO"));
    fputs(".BR mynah (1)\n", stdout);
}

/* Completion. Each alternative of a synopsis is a line for apps/mynahctl.bash: words, and what
 * stands for arguments, without brackets and dots. */

static const char *alternative_end(const char *p)
{
    const char *end = strstr(p, " | ");

    return end ? end : p + strlen(p);
}

static void alternative(const char *p, const char *end)
{
    for (; p < end; p++)
        if (!strchr("[].", *p))
            putchar(*p);
}

static void page_bash(void)
{
    fputs("# Made from the tables of mynah; see apps/mynahctl.bash.\n_mynah_rows='", stdout);
    for (size_t i = 0; i < MN_COUNT(options); i++) {
        const char *value = options[i].synopsis, *sign = *value ? "=" : "";

        printf(" --%s%s%s", options[i].name, sign, value);
        if (islower(options[i].letter))
            printf(" -%c%s%s", options[i].letter, sign, value);
    }
    for (size_t i = 0; i < MN_COUNT(commands); i++) {
        const char *p = commands[i].synopsis, *end;

        do {
            end = alternative_end(p);
            printf("\n %s ", commands[i].name);
            alternative(p, end);
            p = end + (*end ? 3 : 0);
        } while (*end);
    }
    fputs("'\n\n", stdout);
}

/* Text inside quotes of zsh, where a colon or a bracket would end a description. */
static void quoted(const char *text)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr(":[]", *text))
            printf("\\%c", *text);
        else
            putchar(*text);
}

/* The first words of the alternatives that are words. */
static void zsh_words(const struct row *r)
{
    const char *p = r->synopsis, *end;

    printf("    %s) firsts=(", r->name);
    do {
        const char *word = p + strspn(p, "[");
        int n = (int)strcspn(word, " ]");

        end = alternative_end(p);
        if (*word >= 'a' && *word <= 'z')
            for (int i = 0; i < n; i++)
                putchar(word[i] == '|' ? ' ' : word[i]);
        putchar(' ');
        p = end + (*end ? 3 : 0);
    } while (*end);
    puts(") ;;");
}

/* `name`: with its dashes. */
static void zsh_option(const char *name, const struct row *option)
{
    const char *value = option->synopsis;

    printf("    '%s%s[", name, name[1] != '-' && *value ? "+" : "");
    quoted(option->text);
    printf("]%s%s%s", *value ? ":" : "", value,
           !strcmp(value, "FILE") ? ":_files"
           : *value               ? ":"
                                  : "");
    if (strchr(value, '|')) {
        putchar('(');
        for (; *value; value++)
            putchar(*value == '|' ? ' ' : *value);
        putchar(')');
    }
    puts("' \\");
}

static void page_zsh(void)
{
    char name[32];

    puts("#compdef mynah\n# Made from the tables of mynah.\nlocal -a commands firsts\ncommands=(");
    for (size_t i = 0; i < MN_COUNT(commands); i++) {
        printf("    '%s:", commands[i].name);
        quoted(commands[i].text);
        puts("'");
    }
    puts(")\n_arguments -s -C \\");
    for (size_t i = 0; i < MN_COUNT(options); i++) {
        snprintf(name, sizeof name, "--%s", options[i].name);
        zsh_option(name, &options[i]);
        snprintf(name, sizeof name, "-%c", options[i].letter);
        if (islower(options[i].letter))
            zsh_option(name, &options[i]);
    }
    puts("    '1:command:->command' '*::argument:->argument'\ncase $state in\n"
         "command) _describe -t commands command commands ;;\nargument)\n    case $words[1] in");
    for (size_t i = 0; i < MN_COUNT(commands); i++)
        zsh_words(&commands[i]);
    puts("    esac\n    if ((CURRENT == 2 && $#firsts)); then compadd -a firsts; else _files; fi\n"
         "    ;;\nesac");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } pages[] = {{"mynah.1", page_mynah},
                 {"mynah.yaml.5", page_yaml},
                 {"mynah.bash", page_bash},
                 {"_mynah", page_zsh}};

    im_language();
    for (size_t i = 0; argc == 2 && i < MN_COUNT(pages); i++)
        if (!strcmp(argv[1], pages[i].name)) {
            pages[i].print();
            return 0;
        }
    fputs("usage: mynah_pages NAME >FILE\n", stderr);
    return 64;
}

/* mynah: the command line of the client. Which account, its password, a connection, then one
 * command. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "apps/mynah/cli.h"
#include "apps/mynah/tui.h"
#include "im/lang.h"

struct cli cli = {.wait = MYNAH_SENT_ACKED};

const struct cli_command cli_commands[] = {
#define COMMAND(name, synopsis, text, min, max, held)                                              \
    {#name, synopsis, text, min, max, cli_##name, held},
#include "apps/mynah/cli.def"
#undef COMMAND
    {0},
};

static struct {
    const char *account, *config, *host, *port, *ca, *tls;
    bool stdin_password;
    int64_t timeout_ms;
    struct mynah_timer *timer;
} opt = {.timeout_ms = -1};

static const struct option options[] = {
    {"account", required_argument, NULL, 'a'}, {"config", required_argument, NULL, 'c'},
    {"host", required_argument, NULL, 'H'},    {"port", required_argument, NULL, 'P'},
    {"ca-file", required_argument, NULL, 'C'}, {"password-stdin", no_argument, NULL, 's'},
    {"json", no_argument, NULL, 'j'},          {"wait", required_argument, NULL, 'w'},
    {"timeout", required_argument, NULL, 't'}, {"version", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},          {0},
};
static const char *const option_texts[][2] = {
    {"--account JID", N_("which account; else the configuration's")},
    {"--config FILE", N_("else $XDG_CONFIG_HOME/mynah/config.yaml")},
    {"--host NAME, --port N", N_("where the server is, when DNS does not say it")},
    {"--ca-file FILE", N_("certificates that are trusted instead of the system's")},
    {"--password-stdin", N_("the password is the first line of standard input")},
    {"--json", N_("one JSON object a line")},
    {"--wait written|acked|delivered|displayed", N_("how far send follows its message (acked)")},
    {"--timeout SECONDS", N_("how long everything may take (60; 0: for ever)")},
    {"--version, --help", ""},
};

static void help(void)
{
    puts(_("mynah [OPTIONS]              talks on the terminal\n"
           "mynah [OPTIONS] COMMAND ...  for scripts"));
    for (size_t i = 0; i < MN_COUNT(option_texts); i++)
        printf("  %-42s %s\n", option_texts[i][0],
               *option_texts[i][1] ? _(option_texts[i][1]) : "");
    puts(_("Exit: 0 done, 1 failed, 2 refused by the other side, 3 timeout, 64 wrong usage\n"));
    for (const struct cli_command *c = cli_commands; c->name; c++)
        printf("  %s%s%s\n      %s\n", c->name, *c->synopsis ? " " : "", c->synopsis, _(c->text));
}

_Noreturn void cli_usage(const char *why)
{
    fprintf(stderr, _("mynah: %s; see mynah --help\n"), why);
    fflush(stdout);
    _exit(CLI_USAGE); /* from inside call-backs too */
}

_Noreturn static void stop(const char *why)
{
    fprintf(stderr, "mynah: %s\n", why);
    exit(CLI_FAILED);
}

static int wait_of(const char *word)
{
    static const char *const words[] = {"queued", "written", "acked", "delivered", "displayed"};

    for (size_t i = 1; i < MN_COUNT(words); i++)
        if (!strcmp(word, words[i]))
            return (int)i;
    cli_usage(_("--wait takes written, acked, delivered or displayed"));
}

static void parse(int argc, char **argv)
{
    int o;

    while ((o = getopt_long(argc, argv, "+a:c:jw:t:vh", options, NULL)) != -1) {
        switch (o) {
        case 'a':
            opt.account = optarg;
            break;
        case 'c':
            opt.config = optarg;
            break;
        case 'H':
            opt.host = optarg;
            break;
        case 'P':
            opt.port = optarg;
            break;
        case 'C':
            opt.ca = optarg;
            break;
        case 's':
            opt.stdin_password = true;
            break;
        case 'j':
            cli.json = true;
            break;
        case 'w':
            cli.wait = wait_of(optarg);
            break;
        case 't':
            opt.timeout_ms = strtol(optarg, NULL, 10) * 1000;
            break;
        case 'v':
            printf("mynah %s\n", mynah_version());
            exit(0);
        case 'h':
            help();
            exit(0);
        default:
            exit(CLI_USAGE);
        }
    }
    if (!argv[optind]) {
        cli.command = NULL;
        return;
    }
    for (cli.command = cli_commands; cli.command->name; cli.command++)
        if (!strcmp(cli.command->name, argv[optind]))
            break;
    if (!cli.command->name)
        cli_usage(_("there is no such command"));
    cli.args = (const char *const *)&argv[optind + 1];
    cli.arg_count = argc - optind - 1;
    if (cli.arg_count < cli.command->min ||
        (cli.command->max >= 0 && cli.arg_count > cli.command->max))
        cli_usage(cli.arg_count < cli.command->min ? _("too few arguments")
                                                   : _("too many arguments"));
}

/* A line that is not shown while it is typed. */
static mn_str prompted(struct mn_arena *a)
{
    struct termios old, quiet;
    char line[1024];
    size_t n;

    if (tcgetattr(STDIN_FILENO, &old))
        return (mn_str){0};
    quiet = old;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    fputs(_("Password: "), stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    if (!fgets(line, sizeof line, stdin))
        line[0] = 0;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
    fputc('\n', stderr);
    n = strcspn(line, "\r\n");
    return mn_arena_str(a, (mn_str){line, n});
}

static mn_str password_of(const struct im_account *acc, struct mn_arena *a)
{
    struct mn_buf why = {0};
    mn_str password;
    int e;

    if (opt.stdin_password) {
        char line[1024];

        if (!fgets(line, sizeof line, stdin))
            stop(_("no password on standard input"));
        return mn_arena_str(a, (mn_str){line, strcspn(line, "\r\n")});
    }
    e = im_password(acc, a, &password, &why);
    if (e == MN_E_NOT_FOUND)
        password = prompted(a);
    else if (e) {
        mn_buf_c(&why, 0);
        stop(why.p);
    }
    mn_buf_free(&why);
    return password;
}

static void config_load(struct im_config *config, struct mn_arena *a)
{
    struct mn_buf why = {0};

    if (im_config_load(opt.config ? opt.config : im_config_path(a), a, config, &why)) {
        mn_buf_c(&why, 0);
        stop(why.p);
    }
}

/* What the command line says goes before what the configuration says. */
static struct im_account overruled(struct im_account acc)
{
    acc.jid = opt.account ? mn_str_from(opt.account) : acc.jid;
    acc.host = opt.host ? mn_str_from(opt.host) : acc.host;
    acc.port = opt.port ? strtol(opt.port, NULL, 10) : acc.port;
    acc.ca_file = opt.ca ? mn_str_from(opt.ca) : acc.ca_file;
    return acc;
}

static struct im_account account(const struct im_config *config)
{
    const struct im_account *found = im_account_find(config, mn_str_from(opt.account));

    if (!found && !opt.account)
        stop(_("no account: name one by --account, or in the configuration"));
    return overruled(found ? *found : (struct im_account){0});
}

void cli_forever(void)
{
    if (opt.timeout_ms < 0) {
        mynah_timer_stop(opt.timer);
        opt.timer = NULL;
    }
}

void cli_end(int code)
{
    if (cli.ended)
        return;
    cli.ended = true;
    cli.code = code;
    mynah_client_disconnect(cli.client);
}

static void tell(const struct mynah_error *e)
{
    fprintf(stderr, "mynah: %s", _(mynah_code_text(e->code)));
    if (e->condition)
        fprintf(stderr, ": %s", e->condition);
    if (e->text)
        fprintf(stderr, " (%s)", e->text);
    fputc('\n', stderr);
}

static int code_of(const struct mynah_error *e)
{
    switch (e->code) {
    case MYNAH_E_STANZA:
    case MYNAH_E_LOGIN:
    case MYNAH_E_CERTIFICATE:
        return CLI_REFUSED;
    case MYNAH_E_TIMEOUT:
        return CLI_TIMEOUT;
    default:
        return CLI_FAILED;
    }
}

void cli_fail(const struct mynah_error *error)
{
    if (cli.ended)
        return;
    tell(error);
    cli_end(code_of(error));
}

void cli_done(void *arg, struct mynah_client *c, const struct mynah_elem *result,
              const struct mynah_error *error)
{
    if (error)
        cli_fail(error);
    else
        cli_end(CLI_DONE);
}

static void on_state(void *arg, struct mynah_client *c, enum mynah_state state,
                     const struct mynah_error *why)
{
    if ((state == MYNAH_ONLINE && !cli.command->held) || (state == MYNAH_OPEN && cli.command->held))
        cli.command->begin();
    if (state != MYNAH_OFFLINE)
        return;
    if (!cli.ended) {
        if (why)
            tell(why);
        cli.code = why ? code_of(why) : CLI_FAILED;
    }
    mynah_stop(cli.ctx);
}

static void too_long(void *arg)
{
    opt.timer = NULL;
    if (!cli.ended)
        fputs(_("mynah: no answer in time\n"), stderr);
    cli_end(CLI_TIMEOUT);
}

static void interrupted(int sig)
{
    mynah_stop(cli.ctx); /* NOLINT(bugprone-signal-handler): made for it (mynah/context.h) */
}

int main(int argc, char **argv)
{
    struct mn_arena a = {0};
    struct mynah_client_config config;
    struct im_config accounts;
    struct im_account acc;
    char *why;

    im_language();
    parse(argc, argv);
    config_load(&accounts, &a);
    if (!cli.command) {
        acc = overruled((struct im_account){0});
        config = im_client_config(&acc, (mn_str){0}, &a);
        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
            cli_usage(_("no command, and no terminal to talk on"));
        return tui_main(&accounts, &config, opt.account);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    acc = account(&accounts);
    config = im_client_config(&acc, password_of(&acc, &a), &a);
    config.hold_login = cli.command->held;
    config.no_reconnect = true;
    cli.ctx = mynah_context_new(NULL);
    if (mynah_client_new(cli.ctx, &config, &cli.client, &why))
        cli_usage(why);
    mynah_listen(cli.client,
                 &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = on_state},
                 NULL);
    if (opt.timeout_ms)
        opt.timer =
            mynah_timer_start(cli.ctx, opt.timeout_ms > 0 ? opt.timeout_ms : 60000, too_long, NULL);
    signal(SIGINT, interrupted);
    signal(SIGTERM, interrupted);
    mynah_client_connect(cli.client);
    mynah_run(cli.ctx);
    if (mynah_client_state(cli.client) != MYNAH_OFFLINE) { /* interrupted: says good-bye first */
        cli_end(CLI_DONE);
        mynah_run(cli.ctx);
    }
    mynah_context_free(cli.ctx);
    mn_arena_done(&a, NULL);
    return cli.code;
}

/* mynah: the command line of the client. Which account, its password, a connection, then one
 * command. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "apps/mynah/socket.h"
#include "apps/mynah/tui.h"
#include "base/num.h"
#include "im/error.h"
#include "im/lang.h"
#include "im/messenger.h"
#include "im/pins.h"

static struct cli cli = {.wait = MYNAH_SENT_ACKED, .timeout_ms = -1, .limit = -1};
static int exit_code;
static bool was_online;
static struct im_history *records; /* by history() */

static struct {
    const char *account, *config, *host, *bosh, *ca;
    int64_t port; /* 0: not told */
    bool stdin_password, no_socket;
    bool remember; /* the password is one that what keeps it for the account is to have */
} opt;

static const struct option options[] = {
#define OPTION(letter, name, value, text)                                                          \
    {name, sizeof(value) > 1 ? required_argument : no_argument, NULL, letter},
#include "apps/mynah/options.def"
#undef OPTION
    {"password", required_argument, NULL, 'p'}, /* else it would be short for password-stdin */
    {0},
};
static const struct {
    char letter; /* a small one works by itself */
    const char *name, *value, *text;
} option_rows[] = {
#define OPTION(letter, name, value, text) {letter, name, value, text},
#include "apps/mynah/options.def"
#undef OPTION
};

static void help(void)
{
    puts(_("mynah [OPTIONS]              talks on the terminal\n"
           "mynah [OPTIONS] COMMAND ...  for scripts"));
    for (size_t i = 0; i < MN_COUNT(option_rows); i++) {
        if (islower(option_rows[i].letter))
            printf("  -%c, ", option_rows[i].letter);
        else
            printf("  ");
        printf("--%s%s%s\n      %s\n", option_rows[i].name, *option_rows[i].value ? " " : "",
               option_rows[i].value, _(option_rows[i].text));
    }
    puts(_("Exit: 0 done, 1 failed, 2 refused by the other side, 3 timeout, 64 wrong usage\n"));
    for (const struct cli_command *c = cli_commands; c->name; c++)
        printf("  %s%s%s\n      %s\n", c->name, *c->synopsis ? " " : "", c->synopsis, _(c->text));
}

_Noreturn static void usage(const char *why)
{
    print_why(why);
    fputs(_("mynah --help lists the commands and options\n"), stderr);
    exit(CLI_USAGE);
}

_Noreturn static void usage_of(const char *fmt, const char *word)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, fmt, word);
    mn_buf_c(&b, 0);
    usage(b.p);
}

_Noreturn static void stop(const char *why)
{
    print_why(why);
    exit(CLI_FAILED);
}

static int64_t number_of(const char *option, const char *text, uint64_t max)
{
    uint64_t n;

    if (!mn_num_parse(mn_str_from(text), max, &n))
        usage_of(_("--%s takes a number"), option);
    return (int64_t)n;
}

static void parse(int argc, char **argv, struct mn_arena *a)
{
    const char *wrong, *word;
    mn_str letters = MN_STR("+:");
    int o;

    opterr = 0;
    for (size_t i = 0; i < MN_COUNT(option_rows); i++)
        if (islower(option_rows[i].letter))
            letters = mn_arena_fmt(a, "%.*s%c%s", MN_ARG(letters), option_rows[i].letter,
                                   *option_rows[i].value ? ":" : "");
    while ((o = getopt_long(argc, argv, letters.p, options, NULL)) != -1) {
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
            opt.port = number_of("port", optarg, UINT16_MAX);
            break;
        case 'B':
            opt.bosh = optarg;
            break;
        case 'C':
            opt.ca = optarg;
            break;
        case 's':
            opt.stdin_password = true;
            break;
        case 'p':
            usage(_("everybody on this machine could read a password here: let --password-stdin, "
                    "password_command or password_file give it"));
        case 'j':
            cli.json = true;
            break;
        case 'w':
            cli.wait = cli_wait(optarg);
            if (cli.wait < 0)
                usage(_("--wait takes written, acked, delivered or displayed"));
            break;
        case 't':
            cli.timeout_ms = number_of("timeout", optarg, INT32_MAX) * 1000;
            break;
        case 'l':
            cli.limit = number_of("limit", optarg, INT32_MAX);
            break;
        case 'n':
            opt.no_socket = true;
            break;
        case 'v':
            printf("mynah %s\n", mynah_version());
            exit(0);
        case 'h':
            help();
            exit(0);
        default:
            word = argv[optind - 1];
            if (strncmp(word, "--", 2) != 0)
                word = mn_arena_fmt(a, "-%c", optopt).p;
            usage_of(o == ':' ? _("%s needs a value") : _("there is no option %s"), word);
        }
    }
    if (!argv[optind]) {
        cli.command = NULL;
        return;
    }
    wrong = cli_read(&cli, (const char *const *)&argv[optind], a);
    if (wrong)
        usage(wrong);
}

/* What a terminal takes as one line; what is longer it cuts. */
enum { PASSWORD_MAX = 4094 };

/* A line of standard input; one that is too long comes cut, and is too long still. */
static bool line_read(struct mn_arena *a, mn_str *out)
{
    char line[PASSWORD_MAX + 2];
    bool there = fgets(line, sizeof line, stdin);

    *out = there ? mn_arena_str(a, (mn_str){line, strcspn(line, "\r\n")}) : (mn_str){0};
    return there;
}

static struct termios shown; /* the terminal, while a line is typed that is not */

static void shown_again(int sig)
{
    tcsetattr(STDIN_FILENO, TCSANOW, &shown);
    signal(sig, SIG_DFL);
    raise(sig);
}

/* A line that is not shown while it is typed, or until that is interrupted. */
static mn_str prompted(struct mn_arena *a)
{
    static const int ends[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    struct termios quiet;
    mn_str line;

    clearerr(stdin); /* a text may have ended there */
    if (tcgetattr(STDIN_FILENO, &shown))
        return (mn_str){0};
    for (size_t i = 0; i < MN_COUNT(ends); i++)
        signal(ends[i], shown_again);
    quiet = shown;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet); /* drops what was typed before: ask behind it */
    fputs(_("Password: "), stderr);
    (void)line_read(a, &line);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    for (size_t i = 0; i < MN_COUNT(ends); i++)
        signal(ends[i], SIG_DFL);
    fputc('\n', stderr);
    return line;
}

static mn_str password_of(const struct im_account *acc, struct mn_arena *a)
{
    struct mn_buf why = {0};
    mn_str password;
    int e = MN_E_OK;

    if (!opt.stdin_password)
        e = im_password(acc, a, &password, &why);
    else if (!line_read(a, &password))
        stop(_("no password on standard input"));
    opt.remember = acc->password == IM_PASSWORD_SECRET && e == MN_E_DENIED && isatty(STDIN_FILENO);
    if (e == MN_E_NOT_FOUND || opt.remember) {
        password = prompted(a);
    } else if (e) {
        mn_buf_c(&why, 0);
        stop(why.p);
    }
    if (password.n > PASSWORD_MAX)
        usage(_("the password is too long"));
    mn_buf_free(&why);
    return password;
}

/* All of standard input. */
static const char *stdin_read(struct mn_arena *a)
{
    struct mn_buf b = {0};
    const char *text;
    size_t n;

    do {
        n = fread(mn_buf_room(&b, 4096), 1, 4096, stdin);
        b.n += n;
    } while (n);
    text = mn_arena_cstr(a, mn_buf_view(&b));
    mn_buf_free(&b);
    return text;
}

static void config_load(struct im_config *config, struct mn_arena *a)
{
    struct mn_buf why = {0};

    if (im_config_load(opt.config ? opt.config : im_config_path(a), a, config, &why)) {
        mn_buf_c(&why, 0);
        stop(why.p);
    }
    if (opt.config && cli.command && cli.command->where != CLI_LOCAL && access(opt.config, F_OK))
        stop(mn_arena_fmt(a,
                          _("there is no %s: is its name right? mynah --config %s without a "
                            "command sets up an account and keeps it there"),
                          opt.config, opt.config)
                 .p);
}

/* Before anybody is asked for its password. */
static void address_check(const char *text)
{
    struct mn_buf why = {0};

    if (im_address_check(mn_str_from(text), false, &why)) {
        mn_buf_c(&why, 0);
        usage(why.p);
    }
}

/* What the command line says goes before what the configuration says. */
static struct im_account overruled(struct im_account acc)
{
    acc.jid = opt.account ? mn_str_from(opt.account) : acc.jid;
    acc.host = opt.host ? mn_str_from(opt.host) : acc.host;
    acc.port = opt.port ? opt.port : acc.port;
    acc.bosh = opt.bosh ? mn_str_from(opt.bosh) : acc.bosh;
    acc.ca_file = opt.ca ? mn_str_from(opt.ca) : acc.ca_file;
    return acc;
}

static struct im_account account(const struct im_config *config, struct mn_arena *a)
{
    const struct im_account *found = im_account_find(config, mn_str_from(opt.account));

    if (!found && !opt.account)
        stop(mn_arena_fmt(
                 a,
                 _("no account: name one by --account JID; mynah without a command sets one "
                   "up and keeps it in %s"),
                 opt.config ? opt.config : im_config_path(a))
                 .p);
    return overruled(found ? *found : (struct im_account){0});
}

/* A session of the program's own. */

static void line(struct cli *c, json_t *fields)
{
    if (!print_line(fields, c->json))
        cli_end_because(c, CLI_FAILED, strerror(errno));
}

static void ended(struct cli *c, int code, const char *why)
{
    if (why)
        print_why(why);
    exit_code = code;
    if (!c->client)
        return;
    mynah_client_disconnect(c->client);
    if (mynah_client_state(c->client) == MYNAH_OFFLINE)
        mynah_stop(c->ctx);
}

/* Behind the session: a keyring that a person has to unlock keeps nothing waiting that is due. */
static void password_keep(const struct im_account *acc)
{
    struct mn_buf why = {0};

    if (opt.remember && was_online &&
        im_password_keep(acc, mn_str_from(mynah_client_password(cli.client)), &why)) {
        mn_buf_c(&why, 0);
        print_why(why.p);
    }
    mn_buf_free(&why);
}

static void on_state(void *arg, struct mynah_client *c, enum mynah_state state,
                     const struct mynah_error *why)
{
    was_online |= state == MYNAH_ONLINE;
    if (state == (cli.command->where == CLI_HELD ? MYNAH_OPEN : MYNAH_ONLINE))
        cli.command->begin(&cli);
    if (state != MYNAH_OFFLINE)
        return;
    if (why)
        cli_fail(&cli, why);
    else
        cli_end(&cli, CLI_FAILED);
    mynah_stop(cli.ctx);
}

static void interrupted(int sig)
{
    mynah_stop(cli.ctx); /* NOLINT(bugprone-signal-handler): made for it (mynah/context.h) */
}

/* Nobody is asked here: what a person answered on the terminal holds. */
static bool on_certificate(void *arg, struct mynah_client *c, const struct mynah_certificate *cert)
{
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    char *domain = mynah_jid_domain(mynah_client_bare(c)), *wrong = im_certificate_text(cert);
    mn_str kept;
    enum im_pin pin =
        im_pin_look(im_pins_path(&a), mn_str_from(domain), mn_str_from(cert->sha256), &a, &kept);

    if (pin != IM_PIN_SAME) {
        mn_buf_fmt(
            &why,
            pin == IM_PIN_OTHER
                ? _("the certificate of %s is ANOTHER one than that which was trusted, and not "
                    "trusted: %s; its SHA-256 is %s. If that is the right one: answer the "
                    "question of mynah on a terminal")
                : _("the certificate of %s is not trusted: %s; its SHA-256 is %s. If that is "
                    "the right one: `pin` "
                    "in the configuration, --ca-file, or answer the question of mynah on a "
                    "terminal"),
            domain, wrong, cert->sha256);
        mn_buf_c(&why, 0);
        print_why(why.p);
    }
    mn_buf_free(&why);
    mn_free(wrong);
    mynah_free(domain);
    mn_arena_done(&a, NULL);
    return pin == IM_PIN_SAME;
}

/* What is said and heard is kept where the terminal client keeps what was: a home in which there is
 * no history gets none from a script. */
static struct im_history *history(void)
{
    static bool looked;
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    const char *path = im_history_path(&a);

    if (!looked && !access(path, F_OK) && im_history_open(path, &records, &why)) {
        mn_buf_c(&why, 0);
        print_why(why.p);
    }
    looked = true;
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
    return records;
}

static void keep_failed(int e)
{
    if (e)
        print_why(_("the history cannot be written"));
}

static void password_changed(struct cli *c)
{
    opt.remember = true;
}

static void said(struct cli *c, const char *to, const char *id, const char *text)
{
    if (history())
        keep_failed(im_keep_said(records, c->client, to, id, text));
}

static void heard(struct cli *c, const struct mynah_message *m)
{
    if (history())
        keep_failed(im_keep_heard(records, c->client, m));
}

static void on_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                    const struct mynah_error *why)
{
    if (!records || state == MYNAH_SENT_QUEUED)
        return;
    keep_failed(
        im_history_sent(records, mn_str_from(mynah_client_bare(c)), mn_str_from(id), (int)state));
    keep_failed(im_history_keep(records));
}

static const struct cli_host host = {line, ended, password_changed, said, heard};

static void session_run(const struct mynah_client_config *config, const struct im_account *acc)
{
    static const struct mynah_calls calls = {
        .size = sizeof calls, .state = on_state, .certificate = on_certificate, .sent = on_sent};
    char *why;

    cli.ctx = mynah_context_new(NULL);
    MN_ASSERT(cli.ctx); /* few descriptors are open yet */
    if (mynah_client_new(cli.ctx, config, &cli.client, &why))
        usage(why);
    mynah_listen(cli.client, &calls, NULL);
    cli_timer(&cli);
    signal(SIGINT, interrupted);
    signal(SIGTERM, interrupted);
    mynah_client_connect(cli.client);
    mynah_run(cli.ctx);
    if (mynah_client_state(cli.client) != MYNAH_OFFLINE) { /* interrupted: says good-bye first */
        if (cli_lasts(&cli))
            cli_end(&cli, CLI_DONE);
        else
            cli_end_because(&cli, CLI_FAILED, _(mynah_code_text(MYNAH_E_CANCELLED)));
        mynah_run(cli.ctx);
    }
    password_keep(acc);
    mynah_context_free(cli.ctx);
    im_history_close(records);
}

/* A running terminal client does it, if it has a session of this account; the preferred one goes
 * before any. */
static bool asked(const struct im_config *config, struct mn_arena *a)
{
    const struct im_account *found = im_account_find(config, (mn_str){0});
    const char *jid = opt.account ? opt.account : found ? mn_arena_cstr(a, found->jid) : NULL;

    return cli.command->where == CLI_SHARED && !opt.no_socket && !opt.stdin_password &&
           call_run(&cli, socket_path(opt.config, a), jid, &exit_code);
}

int main(int argc, char **argv)
{
    struct mn_arena a = {0};
    struct mynah_client_config config;
    struct im_config accounts;
    struct im_account acc;
    bool later; /* the password stands before the input */

    im_language();
    parse(argc, argv, &a);
    if (opt.account)
        address_check(opt.account);
    config_load(&accounts, &a);
    if (!cli.command) {
        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
            usage(_("no command, and no terminal to talk on"));
        acc = overruled((struct im_account){0});
        acc.jid = (mn_str){0};
        return tui_main(&accounts, opt.config ? opt.config : im_config_path(&a), &acc, opt.account,
                        opt.no_socket ? NULL : socket_path(opt.config, &a));
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    cli.host = &host;
    if (cli.command->where == CLI_LOCAL) {
        cli.account = opt.account;
        cli.command->begin(&cli);
        mn_arena_done(&a, NULL);
        return exit_code;
    }
    later = cli.arg_count <= cli.command->input && opt.stdin_password;
    if (cli.arg_count <= cli.command->input && !later)
        cli.input = stdin_read(&a);
    if ((later || cli_ready(&cli)) && !asked(&accounts, &a)) {
        acc = account(&accounts, &a);
        config = im_client_config(&acc, password_of(&acc, &a), &a);
        config.hold_login = cli.command->where == CLI_HELD;
        config.no_reconnect = true;
        if (later)
            cli.input = stdin_read(&a);
        if (!later || cli_ready(&cli))
            session_run(&config, &acc);
    }
    mn_arena_done(&a, NULL);
    return exit_code;
}

/* What all commands share: how they are read, how they end, what they print. */
#include "apps/mynah/cli.h"

#include <stdarg.h>

#include "im/error.h"
#include "im/lang.h"
#include "im/transfer.h"

enum { TIMEOUT_MS = 60000 };

const struct cli_command cli_commands[] = {
#define COMMAND(name, synopsis, text, min, max, where, input, check)                               \
    {#name, synopsis, text, min, max, cli_##name, CLI_##where, input, check},
#include "apps/mynah/cli.def"
#undef COMMAND
    {0},
};

const char *const cli_sent_names[] = {"queued",    "written",   "acked",
                                      "delivered", "displayed", "failed"};

int cli_wait(const char *word)
{
    for (int i = MYNAH_SENT_FAILED; i-- > 1;)
        if (!strcmp(word, cli_sent_names[i]))
            return i;
    return -1;
}

static const char *unknown(const char *word, struct mn_arena *a)
{
    mn_str names = mn_str_from(cli_commands[0].name);

    for (const struct cli_command *c = cli_commands + 1; c->name; c++)
        names = mn_arena_fmt(a, "%.*s, %s", MN_ARG(names), c->name);
    return mn_arena_fmt(a, _("there is no command %s; there are %.*s"), word, MN_ARG(names)).p;
}

static const char *misused(const struct cli_command *c, const char *why, struct mn_arena *a)
{
    return mn_arena_fmt(a, _("%s; usage: mynah %s %s"), why, c->name, c->synopsis).p;
}

/* One way of using a command, of those that its synopsis tells: "add JID [NAME [GROUP]...]". */
static bool is_meant(mn_str way, const char *first)
{
    mn_str rest, word = mn_str_cut(way, ' ', &rest);

    return first && mn_str_eq(word, mn_str_from(first));
}

/* An argument that is to be an address and is none; NULL: there is no such. */
static const char *no_address(mn_str way, const char *const *args)
{
    for (; way.n && *args; args++) {
        mn_str word = mn_str_cut(way, ' ', &way);
        bool asked = mn_str_eq(word, MN_STR("JID")) || mn_str_eq(word, MN_STR("TO")) ||
                     mn_str_eq(word, MN_STR("ROOM"));
        char *jid = asked ? mynah_jid(*args) : NULL;

        mynah_free(jid);
        if (asked && !jid)
            return *args;
    }
    return NULL;
}

/* Before anybody logs in: as the way that begins with the same word has it, else the first one. */
static const char *wrong_address(const struct cli *cli, struct mn_arena *a)
{
    mn_str ways, way, meant = {0};
    struct mn_buf plain = {0};

    for (const char *p = cli->command->synopsis; *p; p++)
        if (!strchr("[].", *p))
            mn_buf_c(&plain, *p);
    for (ways = mn_arena_str(a, mn_buf_view(&plain)); ways.n;) {
        way = mn_str_trim(mn_str_cut(ways, '|', &ways));
        if (!meant.n || is_meant(way, cli->args[0]))
            meant = way;
    }
    mn_buf_free(&plain);
    return no_address(meant, cli->args);
}

const char *cli_read(struct cli *cli, const char *const *words, struct mn_arena *a)
{
    const struct cli_command *c = cli_commands;
    const char *wrong;

    while (c->name && strcmp(c->name, words[0]) != 0)
        c++;
    if (!c->name)
        return unknown(words[0], a);
    cli->command = c;
    cli->args = words + 1;
    cli->arg_count = 0;
    while (cli->args[cli->arg_count])
        cli->arg_count++;
    if (cli->arg_count < c->min)
        return misused(c, _("too few arguments"), a);
    if (c->max == 0 && cli->arg_count == 1 && strchr(cli->args[0], '@'))
        return mn_arena_fmt(a, _("the account is named before the command: mynah --account %s %s"),
                            cli->args[0], c->name)
            .p;
    if (c->max >= 0 && cli->arg_count > c->max)
        return misused(c, _("too many arguments"), a);
    wrong = wrong_address(cli, a);
    return wrong ? misused(c, mn_arena_fmt(a, _("%s is no address"), wrong).p, a) : NULL;
}

bool cli_lasts(const struct cli *cli)
{
    void (*begin)(struct cli * cli) = cli->command->begin;

    return begin == cli_listen || begin == cli_presence || begin == cli_raw ||
           (begin == cli_room && cli->arg_count <= 2) ||
           (begin == cli_file && strcmp(cli->args[0], "send") != 0);
}

bool cli_ready(struct cli *cli)
{
    if (cli->command->check)
        cli->command->check(cli);
    return !cli->ended;
}

void cli_misused(struct cli *cli, const char *why)
{
    struct mn_arena a = {0};

    cli_end_because(cli, CLI_USAGE, misused(cli->command, why, &a));
    mn_arena_done(&a, NULL);
}

static void too_long(void *arg)
{
    struct cli *cli = arg;

    cli->timer = NULL;
    cli_end_because(cli, CLI_TIMEOUT, _("no answer in time"));
}

void cli_timer(struct cli *cli)
{
    if (cli->timeout_ms)
        cli->timer = mynah_timer_start(cli->ctx, cli->timeout_ms > 0 ? cli->timeout_ms : TIMEOUT_MS,
                                       too_long, cli);
}

void cli_forever(struct cli *cli)
{
    if (cli->timeout_ms >= 0)
        return;
    mynah_timer_stop(cli->timer);
    cli->timer = NULL;
}

void cli_end_because(struct cli *cli, int code, const char *why)
{
    if (cli->ended)
        return;
    cli->ended = true;
    mynah_timer_stop(cli->timer);
    mynah_cancel(cli->request);
    mynah_unlisten(cli->listener);
    if (cli->transfer)
        im_transfer_cancel(cli->transfer);
    if (cli->room_is_ours)
        mynah_room_free(cli->room);
    cli->host->ended(cli, code, why);
}

void cli_end(struct cli *cli, int code)
{
    cli_end_because(cli, code, NULL);
}

int cli_code(const struct mynah_error *e)
{
    switch (e->code) {
    case MYNAH_E_STANZA:
    case MYNAH_E_LOGIN:
        return CLI_REFUSED;
    case MYNAH_E_TIMEOUT:
        return CLI_TIMEOUT;
    default:
        return CLI_FAILED;
    }
}

void cli_fail(struct cli *cli, const struct mynah_error *error)
{
    char *text = im_error_text(error);

    cli_end_because(cli, cli_code(error), text);
    mn_free(text);
}

bool cli_came(struct cli *cli, const struct mynah_error *error)
{
    cli->request = NULL;
    if (error)
        cli_fail(cli, error);
    return !cli->ended;
}

void cli_done(void *arg, struct mynah_client *c, const struct mynah_elem *result,
              const struct mynah_error *error)
{
    if (cli_came(arg, error))
        cli_end(arg, CLI_DONE);
}

void cli_print(struct cli *cli, const char *name, const char *value, ...)
{
    json_t *line = json_object();
    va_list ap;

    va_start(ap, value);
    for (; name; name = va_arg(ap, const char *), value = name ? va_arg(ap, const char *) : NULL)
        if (value)
            json_object_set_new(line, name, json_string(value));
    va_end(ap);
    cli->host->line(cli, line);
    json_decref(line);
}

char *cli_words(const struct cli *cli, int from)
{
    struct mn_buf b = {0};

    for (int i = from; i < cli->arg_count; i++)
        mn_buf_fmt(&b, "%s%s", i > from ? " " : "", cli->args[i]);
    if (cli->arg_count <= from)
        mn_buf_fmt(&b, "%s", cli->input ? cli->input : "");
    mn_buf_c(&b, 0);
    return b.p;
}

const char *cli_path(const struct cli *cli, const char *path, struct mn_arena *a)
{
    if (*path == '/' || !cli->folder)
        return path;
    return mn_arena_fmt(a, "%s/%s", cli->folder, path).p;
}

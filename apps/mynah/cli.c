/* What all commands share: how they are read, how they end, what they print. */
#include "apps/mynah/cli.h"

#include <stdarg.h>

#include "im/lang.h"
#include "im/transfer.h"

enum { TIMEOUT_MS = 60000 };

const struct cli_command cli_commands[] = {
#define COMMAND(name, synopsis, text, min, max, where, input)                                      \
    {#name, synopsis, text, min, max, cli_##name, CLI_##where, input},
#include "apps/mynah/cli.def"
#undef COMMAND
    {0},
};

const char *cli_read(struct cli *cli, const char *const *words)
{
    for (cli->command = cli_commands; cli->command->name; cli->command++)
        if (!strcmp(cli->command->name, words[0]))
            break;
    if (!cli->command->name)
        return _("there is no such command");
    cli->args = words + 1;
    cli->arg_count = 0;
    while (cli->args[cli->arg_count])
        cli->arg_count++;
    if (cli->arg_count < cli->command->min)
        return _("too few arguments");
    if (cli->command->max >= 0 && cli->arg_count > cli->command->max)
        return _("too many arguments");
    return NULL;
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

char *cli_error_text(const struct mynah_error *e)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "%s", _(mynah_code_text(e->code)));
    if (e->condition)
        mn_buf_fmt(&b, ": %s", e->condition);
    if (e->text)
        mn_buf_fmt(&b, " (%s)", e->text);
    mn_buf_c(&b, 0);
    return b.p;
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
    char *text = cli_error_text(error);

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

/* file: sends one, or takes those that known people send. On a terminal a line shows how it goes.
 */
#include <stdio.h>
#include <unistd.h>

#include "apps/mynah/cli.h"
#include "apps/mynah/text.h"
#include "base/clock.h"
#include "im/error.h"
#include "im/lang.h"
#include "im/transfer.h"

enum { BAR = 24, NAME = 30 /* columns */, SHOWN_EVERY_MS = 100 };

static void bar_show(struct cli *cli, const struct im_transfer *t)
{
    static int64_t shown;
    int64_t now = mn_clock_now();
    char done[16], all[16], bar[BAR + 1] = {0}, *name;
    uint64_t part = t->length ? t->bytes * BAR / t->length : BAR;

    if (cli->json || !isatty(STDERR_FILENO) ||
        (now - shown < SHOWN_EVERY_MS && t->bytes < t->length))
        return;
    shown = now;
    memset(bar, '.', BAR);
    memset(bar, '#', part);
    name = text_screen(t->name, " ");
    fprintf(stderr, "\r[%s] %3u%% %s / %s  %.*s\033[K", bar,
            (unsigned)(t->length ? t->bytes * 100 / t->length : 100),
            im_transfer_size(t->bytes, done), im_transfer_size(t->length, all),
            (int)text_fit(name, NAME, false), name);
    mn_free(name);
}

static void bar_end(struct cli *cli)
{
    if (!cli->json && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static void progress(void *arg, struct im_transfer *t)
{
    cli_forever(arg); /* it goes on: how long that takes nobody knows */
    bar_show(arg, t);
}

static void tell(struct cli *cli, const struct im_transfer *t, const struct mynah_error *error)
{
    char bytes[24], begin[24], *why = error ? im_error_text(error) : NULL;

    bar_end(cli);
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)t->bytes);
    snprintf(begin, sizeof begin, "%llu", (unsigned long long)t->begin);
    cli_print(cli, t->ours ? "to" : "from", t->peer, "file", t->ours || error ? t->name : t->path,
              "bytes", bytes, "resumed_at", t->begin ? begin : NULL, "error", why, NULL);
    mn_free(why);
}

/* Sending. */

static void sent(void *arg, struct im_transfer *t, const struct mynah_error *error)
{
    struct cli *cli = arg;

    cli->transfer = NULL;
    if (error && !cli->ended) {
        bar_end(cli);
        cli_fail(cli, error);
    } else if (!error) {
        tell(cli, t, NULL);
        cli_end(cli, CLI_DONE);
    }
}

static void found(void *arg, const char *full)
{
    static const struct im_transfer_calls calls = {progress, sent};
    struct cli *cli = arg;
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    char *text = cli->arg_count > 3 ? cli_words(cli, 3) : NULL;

    cli->seeking = false;
    if (!cli->ended && full && !cli->transfer &&
        im_transfer_send(cli->client, full, cli_path(cli, cli->args[2], &a), text, true, &calls,
                         cli, &cli->transfer, &why)) {
        mn_buf_c(&why, 0);
        cli_end_because(cli, CLI_FAILED, why.p);
    }
    mn_buf_free(&why);
    mn_free(text);
    mn_arena_done(&a, NULL);
}

/* A bare address: whoever of it comes, or is there, and takes files. */
static void present(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    struct cli *cli = arg;
    char *bare = mynah_jid_bare(p->from);

    if (bare && p->type == MYNAH_PRESENCE && mynah_jid_same(bare, cli->args[1]) && !cli->seeking &&
        !cli->transfer) {
        cli->seeking = true;
        im_transfer_find(c, bare, found, cli);
    }
    mynah_free(bare);
}

static void known(void *arg, struct mynah_client *c)
{
    struct cli *cli = arg;
    const struct mynah_contact *k = mynah_roster_find(c, cli->args[1]);

    if (!mynah_jid_same(cli->args[1], mynah_client_bare(c)) &&
        (!k || k->subscription == MYNAH_NEITHER || k->subscription == MYNAH_FROM))
        cli_end_because(cli, CLI_FAILED,
                        _("they do not show us whether they are there: name the whole address, "
                          "with its /resource"));
}

static void file_send(struct cli *cli)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .presence = present};
    static const struct mynah_roster_calls roster = {.size = sizeof roster, .ready = known};

    if (strchr(cli->args[1], '/')) {
        found(cli, cli->args[1]);
        return;
    }
    cli->listener = mynah_listen(cli->client, &calls, cli);
    mynah_roster_listen(cli->client, &roster, cli);
    mynah_presence_set(cli->client, MYNAH_AVAILABLE, NULL, -1); /* messages are not for us */
}

/* Receiving. */

static void received(void *arg, struct im_transfer *t, const struct mynah_error *error)
{
    struct cli *cli = arg;

    if (cli->ended)
        return;
    tell(cli, t, error);
    if (!error && cli->limit > 0 && !--cli->limit)
        cli_end(cli, CLI_DONE);
}

/* Those that were named, else who is in the roster, and ourselves. */
static bool may_send(const struct cli *cli, const char *peer)
{
    char *bare = mynah_jid_bare(peer);
    bool may = cli->arg_count <= 2 && (mynah_roster_find(cli->client, bare) ||
                                       mynah_jid_same(bare, mynah_client_bare(cli->client)));

    for (int i = 2; i < cli->arg_count; i++)
        may |= mynah_jid_same(bare, cli->args[i]) || mynah_jid_same(peer, cli->args[i]);
    mynah_free(bare);
    return may;
}

static void offered(void *arg, struct mynah_client *c, struct mynah_file *f,
                    const struct mynah_file_info *info)
{
    static const struct im_transfer_calls calls = {progress, received};
    struct cli *cli = arg;
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    char *shown = text_safe(info->name, " "), *peer = mn_str_dup(mn_str_from(mynah_file_peer(f)));
    const char *folder = cli_path(cli, cli->arg_count > 1 ? cli->args[1] : ".", &a);

    if (!may_send(cli, peer)) {
        mynah_file_decline(f, NULL);
        mn_buf_fmt(&why, "%s", _("declined: nobody of the contacts"));
    } else if (!im_transfer_accept(im_transfer_offered(f, info, shown, &calls, cli), folder,
                                   &why)) {
        mn_buf_clear(&why);
    }
    if (why.n) {
        mn_buf_c(&why, 0);
        cli_print(cli, "from", peer, "file", shown, "error", why.p, NULL);
    }
    mn_free(peer);
    mn_free(shown);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

static void file_receive(struct cli *cli)
{
    mynah_file_serve(cli->client, offered, cli);
    mynah_presence_set(cli->client, MYNAH_AVAILABLE, NULL, -1);
    cli_print(cli, "jid", mynah_client_jid(cli->client), NULL);
    cli_forever(cli);
}

void cli_file_check(struct cli *cli)
{
    bool sends = !strcmp(cli->args[0], "send");
    struct mn_arena a = {0};
    struct mn_buf why = {0};

    if (!sends && strcmp(cli->args[0], "receive") != 0) {
        cli_misused(cli, _("file takes send or receive"));
    } else if (sends && cli->arg_count < 3) {
        cli_misused(cli, _("too few arguments"));
    } else if (sends && im_transfer_look(cli_path(cli, cli->args[2], &a), &why)) {
        mn_buf_c(&why, 0);
        cli_end_because(cli, CLI_FAILED, why.p);
    }
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

void cli_file(struct cli *cli)
{
    if (!strcmp(cli->args[0], "send"))
        file_send(cli);
    else
        file_receive(cli);
}

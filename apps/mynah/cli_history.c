/* history: what the terminal client has kept, without a session. */
#include "apps/mynah/cli.h"
#include "im/history.h"
#include "im/lang.h"

enum { USUAL = 50 };

static void said(void *arg, const struct im_said *m)
{
    struct cli *cli = arg;
    struct mn_arena a = {0};
    char at[32];

    if (cli->json)
        cli_print(cli, "time", cli_stamp(cli, m->at, at), "account", mn_arena_cstr(&a, m->account),
                  "chat", mn_arena_cstr(&a, m->peer), "who", mn_arena_cstr(&a, m->who), "id",
                  m->id.n ? mn_arena_cstr(&a, m->id) : NULL, "state",
                  m->ours && m->sent >= 0 && m->sent <= MYNAH_SENT_FAILED ? cli_sent_names[m->sent]
                                                                          : NULL,
                  "body", mn_arena_cstr(&a, m->body), NULL);
    else
        cli_print(cli, "time", cli_stamp(cli, m->at, at), "chat", mn_arena_cstr(&a, m->peer), "who",
                  mn_arena_cstr(&a, m->ours ? mn_str_from(_("me")) : m->who), "body",
                  mn_arena_cstr(&a, m->body), NULL);
    mn_arena_done(&a, NULL);
}

void cli_history(struct cli *cli)
{
    bool whole = cli->arg_count && !strcmp(cli->args[0], "export");
    const char *jid = cli->arg_count > whole ? cli->args[whole] : "all";
    char *peer = strcmp(jid, "all") != 0 ? mynah_jid_bare(jid) : NULL,
         *account = cli->account ? mynah_jid_bare(cli->account) : NULL;
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    char *words = cli_words(cli, whole + 1);
    struct im_history_query q = {.account = mn_str_from(account),
                                 .peer = mn_str_from(peer),
                                 .words = mn_str_from(words),
                                 .limit = whole || !cli->limit ? SIZE_MAX
                                          : cli->limit > 0     ? (size_t)cli->limit
                                                               : USUAL};
    struct im_history *h;

    if (im_history_open(im_history_path(&a), &h, &why)) {
        mn_buf_c(&why, 0);
        cli_end_because(cli, CLI_FAILED, why.p);
    } else {
        if (im_history_each(h, &q, said, cli))
            cli_end_because(cli, CLI_FAILED, _("the history cannot be read"));
        im_history_close(h);
        cli_end(cli, CLI_DONE);
    }
    mynah_free(account);
    mynah_free(peer);
    mn_free(words);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

/* What goes on over the end of the program, however that ends: the session of XEP-0198 with what is
 * on its way, and the roster. A session is kept in one with what came by it, and no more of it is
 * acknowledged than was: who comes back never has less than the server was told. Where something
 * could not be kept, its count of what came stays at what was acknowledged by then. */
#include "im/messenger_parts.h"

#define SESSION MN_STR("session")
#define ROSTER MN_STR("roster")

static void keep(struct im_account_state *a, mn_str name, void *text, size_t n)
{
    if (im_history_put(a->im->history, mn_str_from(a->jid), name, (mn_str){text, n}))
        im_note(a->im->chats[0], IM_ERROR, "%s", _("the history cannot be written"));
    mynah_free(text);
}

void session_keep(struct im_account_state *a, bool ends)
{
    uint32_t received = mynah_client_received(a->client);
    void *text;
    size_t n;

    if (a->roster_changed) {
        mynah_roster_save(a->client, &text, &n);
        keep(a, ROSTER, text, n);
        a->roster_changed = false;
    }
    if (!ends && !im_history_is_changed(a->im->history) && received == a->received)
        return;
    a->received = received;
    if (a->im->claimed && !(a->unkept ? mynah_client_save(a->client, &text, &n)
                                      : mynah_client_save_with(a->client, received, &text, &n)))
        keep(a, SESSION, text, n);
}

void session_restore(struct im_account_state *a)
{
    struct im_history *h = a->im->history;
    struct mn_arena arena = {0};
    mn_str text, account = mn_str_from(a->jid);

    /* What is none of this account any more is as good as nothing. */
    if (!im_history_get(h, account, ROSTER, &arena, &text))
        (void)!mynah_roster_restore(a->client, text.p, text.n);
    if (a->im->claimed && !im_history_get(h, account, SESSION, &arena, &text))
        (void)!mynah_client_restore(a->client, text.p, text.n);
    mn_arena_done(&arena, NULL);
}

/* Rooms that the account has bookmarked to be entered at the login (XEP-0048), for all its
 * programs: asked for once a run, so that who leaves one is not put into it again by a line that is
 * cut. */
#include "im/messenger_parts.h"

static void came(void *arg, struct mynah_client *c, const struct mynah_bookmark *list, size_t count,
                 const struct mynah_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].jid && list[i].autojoin && !mynah_room_find(c, list[i].jid))
            (void)im_room_join(arg, list[i].jid, list[i].nick, list[i].password);
}

void bookmarks_enter(struct im_account_state *a)
{
    if (!a->bookmarks)
        mynah_bookmarks_get(a->client, came, a);
    a->bookmarks = true;
}

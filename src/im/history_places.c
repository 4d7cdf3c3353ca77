/* Where somebody stopped in each talk: up to where it was seen, what is unread behind that, what
 * was being written. */
#include "im/history_parts.h"

int im_history_place_set(struct im_history *h, const struct im_place *p)
{
    return history_change(
        h, PLACE_SET,
        HISTORY_VALUES(HISTORY_TEXT(":account", p->account), HISTORY_TEXT(":peer", p->peer),
                       HISTORY_NUMBER(":seen", p->seen), HISTORY_TEXT(":draft", p->draft),
                       HISTORY_TEXT(":nick", p->nick), HISTORY_NUMBER(":inside", p->inside),
                       HISTORY_TEXT(":mark", p->mark)));
}

int im_history_move(struct im_history *h, mn_str account, mn_str peer, mn_str now, int64_t after)
{
    const struct history_value values[] = {HISTORY_TEXT(":account", account),
                                           HISTORY_TEXT(":peer", peer),
                                           HISTORY_TEXT(":now", now),
                                           HISTORY_NUMBER(":after", after),
                                           {0}};
    int e = history_begin(h);

    if (e)
        return e;
    e = history_run(h, SAID_MOVE, values);
    if (!e)
        e = history_run(h, PLACE_MOVE, values);
    return history_end(h, e);
}

int im_history_places(struct im_history *h, mn_str account, mn_str peer,
                      void (*each)(void *arg, const struct im_place *p), void *arg)
{
    static const char sql[] =
        "SELECT account, peer, draft, nick, mark, seen, inside, (SELECT count(*) FROM said WHERE"
        " said.account = places.account AND said.peer = places.peer AND number > seen AND NOT ours)"
        " FROM places WHERE account = :account AND (:peer = '' OR peer = :peer)";
    sqlite3_stmt *s = NULL;
    int r;

    history_settled(h);
    if (!sqlite3_prepare_v2(h->db, sql, -1, &s, NULL))
        history_bind(
            s, HISTORY_VALUES(HISTORY_TEXT(":account", account), HISTORY_TEXT(":peer", peer)));
    while ((r = s ? sqlite3_step(s) : SQLITE_ERROR) == SQLITE_ROW)
        each(arg, &(struct im_place){history_column(s, 0), history_column(s, 1),
                                     history_column(s, 2), history_column(s, 3),
                                     history_column(s, 4), sqlite3_column_int64(s, 5),
                                     sqlite3_column_int64(s, 7), sqlite3_column_int(s, 6)});
    sqlite3_finalize(s);
    return r == SQLITE_DONE ? MN_E_OK : MN_E_IO;
}

/* What else an account needs over the end of the program: a text for each name. */
#include "im/history_parts.h"

#include <fcntl.h>
#include <sys/file.h>

#include "base/file.h"

/* Whoever is killed leaves it to the next. */
bool im_history_claim(struct im_history *h)
{
    struct mn_arena a = {0};

    if (h->claim < 0) {
        h->claim = open(mn_arena_fmt(&a, "%s-lock", sqlite3_db_filename(h->db, NULL)).p,
                        O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (h->claim >= 0 && flock(h->claim, LOCK_EX | LOCK_NB))
            mn_closep(&h->claim);
    }
    mn_arena_done(&a, NULL);
    return h->claim >= 0;
}

int im_history_put(struct im_history *h, mn_str account, mn_str name, mn_str text)
{
    return history_change(h, KEEP,
                          HISTORY_VALUES(HISTORY_TEXT(":account", account),
                                         HISTORY_TEXT(":name", name), HISTORY_TEXT(":text", text)));
}

int im_history_get(struct im_history *h, mn_str account, mn_str name, struct mn_arena *a,
                   mn_str *out)
{
    sqlite3_stmt *s;
    int r;

    *out = (mn_str){0};
    history_settled(h);
    s = history_statement(h, KEPT);
    if (!s)
        return MN_E_IO;
    history_bind(s, HISTORY_VALUES(HISTORY_TEXT(":account", account), HISTORY_TEXT(":name", name)));
    r = sqlite3_step(s);
    if (r == SQLITE_ROW)
        *out = mn_arena_str(a, history_column(s, 0));
    sqlite3_reset(s);
    return r == SQLITE_ROW ? MN_E_OK : r == SQLITE_DONE ? MN_E_NOT_FOUND : MN_E_IO;
}

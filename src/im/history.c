/* What was said: added, followed, corrected, looked for. */
#include "im/history_parts.h"

/* The index has no texts of its own: what it is to forget has to be told to it. */
static int words_change(struct im_history *h, int64_t number, mn_str body, bool forget)
{
    struct mn_buf b = {0};
    int e;

    im_history_tokens(body, false, &b);
    e = history_run(h, forget ? WORDS_FORGET : WORDS_ADD,
                    HISTORY_VALUES(HISTORY_NUMBER(":number", number),
                                   HISTORY_TEXT(":tokens", mn_buf_view(&b))));
    mn_buf_free(&b);
    return e;
}

/* What has that id says something else. */
static bool is_another(struct im_history *h, const struct history_value *values, mn_str body)
{
    sqlite3_stmt *s = history_statement(h, BODY_CALLED);
    bool other = false;

    if (s) {
        history_bind(s, values);
        other = sqlite3_step(s) == SQLITE_ROW && !mn_str_eq(history_column(s, 0), body);
        sqlite3_reset(s);
    }
    return other;
}

int im_history_add(struct im_history *h, struct im_said *m)
{
    struct history_value values[] = {HISTORY_TEXT(":account", m->account),
                                     HISTORY_TEXT(":peer", m->peer),
                                     HISTORY_TEXT(":who", m->who),
                                     HISTORY_TEXT(":body", m->body),
                                     HISTORY_NUMBER(":at", m->at),
                                     HISTORY_NUMBER(":ours", m->ours),
                                     HISTORY_NUMBER(":sent", m->sent),
                                     HISTORY_TEXT(":id", m->id),
                                     {0}};
    struct history_value *id = &values[MN_COUNT(values) - 2];
    int e = history_begin(h);

    if (e)
        return e;
    e = history_run(h, ADD, values);
    if (e == MN_E_EXISTS && !m->again && is_another(h, values, m->body)) {
        id->text = (mn_str){0};
        e = history_run(h, ADD, values);
    }
    m->number = e ? 0 : sqlite3_last_insert_rowid(h->db);
    if (!e)
        e = words_change(h, m->number, m->body, false);
    /* A talk that is new has a place from then on, at which nothing of it was seen. */
    if (!e)
        e = history_run(h, PLACE_ADD, values);
    return history_end(h, e);
}

int im_history_sent(struct im_history *h, mn_str account, mn_str id, int sent)
{
    return history_change(h, SENT,
                          HISTORY_VALUES(HISTORY_TEXT(":account", account), HISTORY_TEXT(":id", id),
                                         HISTORY_NUMBER(":sent", sent)));
}

static int body_change(struct im_history *h, int64_t number, mn_str old, mn_str body)
{
    int e = words_change(h, number, old, true);

    if (!e)
        e = words_change(h, number, body, false);
    return e ? e
             : history_run(
                   h, BODY_SET,
                   HISTORY_VALUES(HISTORY_TEXT(":body", body), HISTORY_NUMBER(":number", number)));
}

int im_history_correct(struct im_history *h, int64_t number, mn_str body)
{
    sqlite3_stmt *s;
    int e = history_begin(h);

    if (e)
        return e;
    s = history_statement(h, BODY_OF);
    if (!s)
        return history_end(h, MN_E_IO);
    history_bind(s, HISTORY_VALUES(HISTORY_NUMBER(":number", number)));
    if (sqlite3_step(s) == SQLITE_ROW)
        e = body_change(h, number, history_column(s, 0), body);
    sqlite3_reset(s);
    return history_end(h, e);
}

int im_history_each(struct im_history *h, const struct im_history_query *q,
                    void (*each)(void *arg, const struct im_said *m), void *arg)
{
    struct mn_buf sql = {0}, words = {0};
    sqlite3_stmt *s = NULL;
    int r;

    history_settled(h);
    im_history_tokens(q->words, true, &words);
    if (q->words.n && !words.n)
        return MN_E_OK; /* nothing that could be found */
    mn_buf_lit(&sql, "SELECT * FROM (SELECT number, account, peer, who, id, body, at, ours, sent "
                     "FROM said WHERE 1");
    mn_buf_str(&sql, q->account.n ? MN_STR(" AND account = :account") : MN_STR(""));
    mn_buf_str(&sql, q->peer.n ? MN_STR(" AND peer = :peer") : MN_STR(""));
    mn_buf_str(&sql, q->before ? MN_STR(" AND number < :before") : MN_STR(""));
    mn_buf_str(&sql,
               words.n ? MN_STR(" AND number IN (SELECT rowid FROM words WHERE words MATCH :words)")
                       : MN_STR(""));
    mn_buf_lit(&sql, " ORDER BY number DESC LIMIT :limit) ORDER BY number");
    mn_buf_c(&sql, 0);
    if (!sqlite3_prepare_v2(h->db, sql.p, -1, &s, NULL))
        history_bind(s, HISTORY_VALUES(HISTORY_TEXT(":account", q->account),
                                       HISTORY_TEXT(":peer", q->peer),
                                       HISTORY_TEXT(":words", mn_buf_view(&words)),
                                       HISTORY_NUMBER(":before", q->before),
                                       HISTORY_NUMBER(":limit", (int64_t)q->limit)));
    while ((r = s ? sqlite3_step(s) : SQLITE_ERROR) == SQLITE_ROW)
        each(arg,
             &(struct im_said){sqlite3_column_int64(s, 0), history_column(s, 1),
                               history_column(s, 2), history_column(s, 3), history_column(s, 4),
                               history_column(s, 5), sqlite3_column_int64(s, 6),
                               sqlite3_column_int(s, 7), sqlite3_column_int(s, 8)});
    sqlite3_finalize(s);
    mn_buf_free(&sql);
    mn_buf_free(&words);
    return r == SQLITE_DONE ? MN_E_OK : MN_E_IO;
}

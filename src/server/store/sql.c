/* Every statement of the embedded store; each is prepared once per connection. */
#include "server/store/embedded.h"

#define ENTRIES "FROM log WHERE owner=?1 AND store=?2 AND id>=?3 AND id<=?4"
#define OF_RECORDS "id IN (SELECT record " ENTRIES " AND NOT gone)"
#define RANGE(order)                                                                               \
    "SELECT l.id,l.time,l.peer,l.key,CASE WHEN l.gone THEN NULL ELSE r.value END "                 \
    "FROM log l LEFT JOIN record r ON r.id=l.record "                                              \
    "WHERE l.owner=?1 AND l.store=?2 AND l.id>?3 AND l.id<?4 AND (?5=x'' OR l.peer=?5) "           \
    "AND l.time>=?6 AND l.time<=?7 AND (?8=x'' OR l.key=?8) AND (l.id<=?9 OR l.key<>x'') "         \
    "ORDER BY l.id " order " LIMIT ?10"

static const char *const texts[Q_COUNT] = {
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_SNAPSHOT] = "BEGIN",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
    [Q_SET] = "INSERT INTO kv VALUES(?1,?2,?3,?4) ON CONFLICT DO UPDATE SET value=?4",
    [Q_DEL] = "DELETE FROM kv WHERE owner=?1 AND store=?2 AND key=?3",
    [Q_DEL_PREFIX] = "DELETE FROM kv WHERE owner=?1 AND store=?2 AND key>=?3 "
                     "AND substr(key,1,length(?3))=?3",
    [Q_RECORD] = "INSERT INTO record(time,value,refs,entries) VALUES(?1,?2,?3,?4)",
    [Q_LOG] = "INSERT OR REPLACE INTO log VALUES(?1,?2,?3,?3,?4,?5,?6,0)",
    [Q_LOG_UNREF] = "UPDATE record SET refs=refs-1 WHERE " OF_RECORDS,
    [Q_LOG_PRUNE] = "DELETE FROM record WHERE refs<=0 AND " OF_RECORDS,
    [Q_LOG_DEL] = "DELETE " ENTRIES,
    [Q_LOG_GONE] = "UPDATE log SET gone=1 WHERE owner=?1 AND store=?2 AND id>=?3 AND id<=?4",
    [Q_LOG_REPOINT] = "UPDATE log SET record=?4 WHERE owner=?1 AND store=?2 AND id=?3",
    [Q_LOG_BY_KEY] = "SELECT id FROM log WHERE owner=?1 AND store=?2 AND key=?3 AND key<>x''",
    [Q_LOG_CUT] =
        "SELECT id FROM log WHERE owner=?1 AND store=?2 ORDER BY id DESC LIMIT 1 OFFSET ?3",
    [Q_LOG_STORE] = "SELECT store FROM log WHERE owner=?1 LIMIT 1",
    [Q_DROP_KV] = "DELETE FROM kv WHERE owner=?1",
    [Q_DROP_TERM] = "DELETE FROM term WHERE owner=?1",
    [Q_TERM_ADD] = "INSERT OR IGNORE INTO term VALUES(?1,?2,?3,?4,?5)",
    [Q_TERM_DEL] =
        "DELETE FROM term WHERE host=?1 AND store=?2 AND term=?3 AND owner=?4 AND key=?5",
    [Q_MARK_SET] = "INSERT OR REPLACE INTO meta VALUES('indexed',?1)",
    [Q_MARK] = "SELECT value FROM meta WHERE name='indexed'",
    [Q_GET] = "SELECT key,value FROM kv WHERE owner=?1 AND store=?2 AND key=?3",
    [Q_LIST] = "SELECT key,value FROM kv WHERE owner=?1 AND store=?2 AND key>=?3 ORDER BY key",
    [Q_RANGE] = RANGE("ASC"),
    [Q_RANGE_BACK] = RANGE("DESC"),
    [Q_STATS] = "SELECT count(*),coalesce(sum(length(r.value)),0) FROM log l LEFT JOIN record r "
                "ON r.id=l.record AND NOT l.gone WHERE l.owner=?1 AND l.store=?2 "
                "AND (l.id<=?3 OR l.key<>x'') AND (?4=x'' OR l.peer=?4)",
    [Q_VALUE] = "SELECT value FROM record WHERE id=?1",
    [Q_TERMS] = "SELECT term,owner,key FROM term WHERE host=?1 AND store=?2 "
                "AND (term,owner,key)>=(?3,?4,?5) ORDER BY term,owner,key",
    [Q_TERM_COUNT] = "SELECT count(*) FROM term WHERE host=?1 AND store=?2",
    [Q_TAIL] = "SELECT id,time,entries FROM record WHERE id>?1 ORDER BY id",
};

static int bind(sqlite3_stmt *q, int at, const struct sql_value *v)
{
    if (v->kind == SQL_NUMBER)
        return sqlite3_bind_int64(q, at, v->number);
    if (v->kind == SQL_TEXT)
        return sqlite3_bind_text64(q, at, v->text.p, v->text.n, SQLITE_STATIC, SQLITE_UTF8);
    return sqlite3_bind_blob64(q, at, v->text.n ? v->text.p : "", v->text.n, SQLITE_STATIC);
}

sqlite3_stmt *sql_ask(struct base *b, enum query which, const struct sql_value *values)
{
    sqlite3_stmt **q = &b->q[which];
    int rc = SQLITE_OK;

    if (!*q)
        rc = sqlite3_prepare_v3(b->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, q, NULL);
    for (int at = 1; !rc && values->kind; at++)
        rc = bind(*q, at, values++);
    return rc ? NULL : *q;
}

void sql_end(sqlite3_stmt *q)
{
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
}

int sql_next(sqlite3_stmt *q)
{
    int rc = q ? sqlite3_step(q) : SQLITE_ERROR;

    if (q && rc != SQLITE_ROW)
        sql_end(q);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int sql_run(sqlite3_stmt *q)
{
    return sql_number(q, &(int64_t){0});
}

int sql_number(sqlite3_stmt *q, int64_t *out)
{
    int rc = sql_next(q);

    if (rc != SQLITE_ROW)
        return rc;
    *out = sqlite3_column_int64(q, 0);
    sql_end(q);
    return SQLITE_OK;
}

mn_str sql_column(sqlite3_stmt *q, int i)
{
    int n = sqlite3_column_bytes(q, i);

    if (sqlite3_column_type(q, i) == SQLITE_NULL)
        return (mn_str){0};
    return n ? (mn_str){sqlite3_column_blob(q, i), (size_t)n} : MN_STR("");
}

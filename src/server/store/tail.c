/* The tail: entries of logs that are committed but not in the index yet. Their records say whose
 * they are, so a new start finds them behind the mark "indexed". Up to that record the index holds
 * every entry; behind it those with an item key, which go into the index at once, and what slices
 * of a run have brought there so far, which counts in the tail until the mark follows. */
#include <stdlib.h>

#include "server/store/embedded.h"

enum { DROP = 256 };

static void pack(struct mn_buf *b, mn_str s)
{
    char n[4] = {(char)(s.n >> 24), (char)(s.n >> 16), (char)(s.n >> 8), (char)s.n};

    mn_buf_add(b, n, 4);
    mn_buf_str(b, s);
}

static bool unpack(mn_str *in, mn_str *out)
{
    size_t n;

    if (in->n < 4)
        return false;
    n = (size_t)(unsigned char)in->p[0] << 24 | (size_t)(unsigned char)in->p[1] << 16 |
        (size_t)(unsigned char)in->p[2] << 8 | (unsigned char)in->p[3];
    if (in->n - 4 < n)
        return false;
    *out = (mn_str){in->p + 4, n};
    *in = mn_str_skip(*in, 4 + n);
    return true;
}

void tail_pack(struct mn_buf *b, const struct store_op *add)
{
    for (size_t i = 0; i < add->count; i++) {
        pack(b, add->entries[i].owner);
        pack(b, mn_str_from(add->store));
        pack(b, add->entries[i].peer);
        pack(b, add->entries[i].key);
    }
}

static mn_str lay(char **p, mn_str s)
{
    mn_str out = {*p, s.n};

    if (s.n)
        memcpy(*p, s.p, s.n);
    *p += s.n;
    return out;
}

struct pending *tail_entry(uint64_t id, int64_t time, mn_str owner, mn_str store, mn_str peer)
{
    struct pending *e = mn_alloc(sizeof *e + owner.n + store.n + peer.n);
    char *p = e->bytes;

    e->next = e->same = NULL;
    e->last = e;
    e->id = id;
    e->time = time;
    e->owner = lay(&p, owner);
    e->store = lay(&p, store);
    e->peer = lay(&p, peer);
    return e;
}

static size_t weight(const struct pending *e)
{
    return sizeof *e + e->owner.n + e->store.n + e->peer.n;
}

const struct pending *tail_first(const struct tail *t, mn_str owner)
{
    return mn_map_get(&t->owners, owner);
}

static void owner_add(struct tail *t, struct pending *e)
{
    struct pending *first = mn_map_get(&t->owners, e->owner);

    if (!first) {
        mn_map_put(&t->owners, e->owner, e);
        return;
    }
    first->last->same = e;
    first->last = e;
}

/* The oldest of all is the oldest of its owner. The map's key is the text of the entry it names. */
static void owner_drop(struct tail *t, struct pending *e)
{
    struct pending *heir = e->same;

    if (!heir) {
        mn_map_del(&t->owners, e->owner);
        return;
    }
    heir->last = e->last;
    mn_map_put(&t->owners, heir->owner, heir);
}

void tail_add(struct tail *t, struct pending *chain)
{
    pthread_mutex_lock(&t->lock);
    for (*t->last = chain; *t->last; t->last = &(*t->last)->next) {
        owner_add(t, *t->last);
        t->count++;
        t->bytes += weight(*t->last);
    }
    pthread_mutex_unlock(&t->lock);
}

/* In pieces, so that no reader waits for all of it: what is in the index may be in the tail still.
 */
void tail_drop(struct tail *t, const struct pending *upto)
{
    while (t->first != upto) {
        struct pending *gone = NULL, *e;

        pthread_mutex_lock(&t->lock);
        for (int i = 0; i < DROP && (e = t->first) != upto; i++) {
            t->first = e->next;
            owner_drop(t, e);
            t->count--;
            t->bytes -= weight(e);
            e->next = gone;
            gone = e;
        }
        if (!t->first)
            t->last = &t->first;
        pthread_mutex_unlock(&t->lock);
        while ((e = gone)) {
            gone = e->next;
            mn_free(e);
        }
    }
}

int tail_load(struct tail *t, struct base *b)
{
    int64_t mark = 0;
    int rc = sql_number(SQL_ASK(b, Q_MARK), &mark);
    sqlite3_stmt *q = rc ? NULL : SQL_ASK(b, Q_TAIL, NUMBER(mark));

    while ((rc = sql_next(q)) == SQLITE_ROW) {
        uint64_t id = (uint64_t)sqlite3_column_int64(q, 0);
        int64_t time = sqlite3_column_int64(q, 1);
        mn_str in = sql_column(q, 2), owner, store, peer, key;

        while (unpack(&in, &owner) && unpack(&in, &store) && unpack(&in, &peer) &&
               unpack(&in, &key))
            if (!key.n)
                tail_add(t, tail_entry(id, time, owner, store, peer));
    }
    return rc;
}

static int by_place(const void *a, const void *b)
{
    const struct pending *x = *(struct pending *const *)a, *y = *(struct pending *const *)b;
    int r = mn_str_cmp(x->owner, y->owner);

    r = r ? r : mn_str_cmp(x->store, y->store);
    return r ? r : (x->id > y->id) - (x->id < y->id);
}

struct run tail_run(struct pending *list)
{
    struct run r = {.entries = mn_alloc((RUN + 1) * sizeof(struct pending *))};

    /* A record's two entries stay together: the mark is a record's number. */
    for (; list && (r.count < RUN || list->id == r.newest->id); list = list->next)
        r.newest = r.entries[r.count++] = list;
    qsort(r.entries, r.count, sizeof *r.entries, by_place);
    return r;
}

int tail_index(struct base *b, struct run *r, size_t most)
{
    int rc = SQLITE_OK;

    for (; r->done < r->count && most && !rc; r->done++, most--) {
        const struct pending *e = r->entries[r->done];

        rc = SQL_RUN(b, Q_LOG, BLOB(e->owner), ((struct sql_value){SQL_TEXT, e->store, 0}),
                     NUMBER(e->id), NUMBER(e->time), BLOB(e->peer), BLOB(MN_STR("")));
    }
    if (!rc && r->count && r->done == r->count)
        rc = SQL_RUN(b, Q_MARK_SET, NUMBER(r->newest->id));
    return rc;
}

void tail_run_end(struct run *r)
{
    mn_free(r->entries);
    *r = (struct run){0};
}

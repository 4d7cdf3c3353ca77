/* The store in memory, for tests and for counting instructions without a disk: sorted arrays, one
 * lock. Commits are applied as they are submitted and come back with the next batch of mail. */
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "server/store_back.h"

struct item {       /* a value, a record or an index entry, its texts behind it */
    mn_str a, b, c; /* value: key, value; log: item key, peer, value; index: term, owner, key */
    uint64_t id;
    int64_t time;
    char bytes[];
};

struct bin { /* of one owner and store, in order */
    mn_str name;
    struct item **items;
    size_t count, cap;
    char bytes[];
};

struct mem {
    struct store base;
    pthread_mutex_t lock;
    struct mn_map bins;
    uint64_t id;
};

static struct bin *bin(struct mem *m, char kind, mn_str owner, const char *store, bool make)
{
    struct mn_buf name = {0};
    struct bin *b;

    mn_buf_str(&name, owner);
    mn_buf_c(&name, 0);
    mn_buf_c(&name, kind);
    mn_buf_str(&name, mn_str_from(store));
    b = mn_map_get(&m->bins, mn_buf_view(&name));
    if (!b && make) {
        b = mn_alloc0(sizeof *b + name.n);
        memcpy(b->bytes, name.p, name.n);
        b->name = (mn_str){b->bytes, name.n};
        mn_map_put(&m->bins, b->name, b);
    }
    mn_buf_free(&name);
    return b;
}

static struct item *item_new(mn_str a, mn_str b, mn_str c)
{
    struct item *i = mn_alloc(sizeof *i + a.n + b.n + c.n);
    char *p = i->bytes;
    mn_str *parts[] = {&a, &b, &c};

    for (int k = 0; k < 3; k++) {
        if (parts[k]->n)
            memcpy(p, parts[k]->p, parts[k]->n);
        if (parts[k]->p)
            parts[k]->p = p;
        p += parts[k]->n;
    }
    i->a = a;
    i->b = b;
    i->c = c;
    i->id = 0;
    i->time = 0;
    return i;
}

static int by_all(const struct item *x, mn_str a, mn_str b, mn_str c)
{
    int r = mn_str_cmp(x->a, a);

    r = r ? r : mn_str_cmp(x->b, b);
    return r ? r : mn_str_cmp(x->c, c);
}

/* First place whose key is not below. */
static size_t place_key(const struct bin *b, mn_str key)
{
    size_t lo = 0, hi = b->count;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (mn_str_cmp(b->items[mid]->a, key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static size_t place_all(const struct bin *b, mn_str x, mn_str y, mn_str z)
{
    size_t lo = 0, hi = b->count;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (by_all(b->items[mid], x, y, z) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static size_t place_id(const struct bin *b, uint64_t id)
{
    size_t lo = 0, hi = b->count;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (b->items[mid]->id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void insert(struct bin *b, size_t at, struct item *i)
{
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 4;
        b->items = mn_realloc(b->items, b->cap * sizeof(struct item *));
    }
    memmove(b->items + at + 1, b->items + at, (b->count - at) * sizeof(struct item *));
    b->items[at] = i;
    b->count++;
}

static void take_out(struct bin *b, size_t at, size_t count)
{
    if (!count)
        return;
    for (size_t i = at; i < at + count; i++)
        mn_free(b->items[i]);
    memmove(b->items + at, b->items + at + count, (b->count - at - count) * sizeof(struct item *));
    b->count -= count;
}

static void bin_free(struct bin *b)
{
    take_out(b, 0, b->count);
    mn_free(b->items);
    mn_free(b);
}

static void log_add(struct mem *m, struct store_op *o)
{
    uint64_t id = ++m->id;

    for (size_t k = 0; k < o->count; k++) {
        struct bin *b = bin(m, 'l', o->entries[k].owner, o->store, true);
        struct item *i = item_new(o->entries[k].key, o->entries[k].peer, o->value);

        for (size_t at = 0; o->entries[k].key.n && at < b->count; at++)
            if (mn_str_eq(b->items[at]->a, o->entries[k].key)) {
                take_out(b, at, 1);
                break;
            }
        i->id = id;
        i->time = o->time;
        insert(b, b->count, i);
    }
    if (o->id_out)
        *o->id_out = id;
}

static void log_change(struct bin *b, struct store_op *o)
{
    size_t at = place_id(b, o->id);
    struct item *i;

    if (at == b->count || b->items[at]->id != o->id)
        return;
    if (o->whole) {
        take_out(b, at, 1);
        return;
    }
    if (!b->items[at]->c.p)
        return; /* it is gone already, for good */
    i = item_new(b->items[at]->a, b->items[at]->b,
                 o->kind == OP_LOG_REPLACE ? o->value : (mn_str){0});
    i->id = b->items[at]->id;
    i->time = b->items[at]->time;
    mn_free(b->items[at]);
    b->items[at] = i;
}

/* Bins are named owner, NUL, kind and store: all of an owner, and index entries that name it. */
static void drop(struct mem *m, mn_str owner)
{
    size_t at = 0, count = 0;
    struct bin *b, **gone = mn_alloc((m->bins.count + 1) * sizeof *gone);

    while ((b = mn_map_next(&m->bins, &at))) {
        size_t n = mn_str_find(b->name, 0);

        if (mn_str_eq((mn_str){b->name.p, n}, owner))
            gone[count++] = b;
        for (size_t i = b->count; b->name.p[n + 1] == 'i' && i-- > 0;)
            if (mn_str_eq(b->items[i]->b, owner))
                take_out(b, i, 1);
    }
    while (count) {
        mn_map_del(&m->bins, gone[--count]->name);
        bin_free(gone[count]);
    }
    mn_free(gone);
}

static void set(struct bin *b, mn_str key, mn_str value)
{
    size_t at = place_key(b, key);

    if (at < b->count && mn_str_eq(b->items[at]->a, key))
        take_out(b, at, 1);
    insert(b, at, item_new(key, value, (mn_str){0}));
}

static void update(struct bin *b, const struct store_op *o)
{
    size_t at = place_key(b, o->key);
    struct mn_buf made = {0};

    o->update(o->arg,
              at < b->count && mn_str_eq(b->items[at]->a, o->key) ? b->items[at]->b : MN_STR(""),
              &made);
    set(b, o->key, mn_buf_view(&made));
    mn_buf_free(&made);
}

static void apply(struct mem *m, struct store_op *o)
{
    struct bin *b;
    size_t at, n;

    switch (o->kind) {
    case OP_SET:
        set(bin(m, 'v', o->owner, o->store, true), o->key, o->value);
        break;
    case OP_UPDATE:
        update(bin(m, 'v', o->owner, o->store, true), o);
        break;
    case OP_DEL:
    case OP_DEL_PREFIX:
        if (!(b = bin(m, 'v', o->owner, o->store, false)))
            break;
        at = place_key(b, o->key);
        for (n = 0; at + n < b->count && mn_str_starts(b->items[at + n]->a, o->key); n++)
            if (o->kind == OP_DEL && !mn_str_eq(b->items[at + n]->a, o->key))
                break;
        take_out(b, at, n);
        break;
    case OP_DROP:
        drop(m, o->owner);
        break;
    case OP_LOG_ADD:
        log_add(m, o);
        break;
    case OP_LOG_REPLACE:
    case OP_LOG_DEL:
        if ((b = bin(m, 'l', o->owner, o->store, false)))
            log_change(b, o);
        break;
    case OP_LOG_TRIM:
        if (!(b = bin(m, 'l', o->owner, o->store, false)))
            break;
        n = o->id ? place_id(b, o->id + 1) : 0;
        if (b->count > o->keep && b->count - o->keep > n)
            n = b->count - o->keep;
        take_out(b, 0, n);
        break;
    case OP_INDEX_ADD:
    case OP_INDEX_DEL:
        b = bin(m, 'i', o->owner, o->store, true);
        at = place_all(b, o->term, o->entries[0].owner, o->key);
        n = at < b->count && !by_all(b->items[at], o->term, o->entries[0].owner, o->key);
        if (o->kind == OP_INDEX_DEL)
            take_out(b, at, n);
        else if (!n)
            insert(b, at, item_new(o->term, o->entries[0].owner, o->key));
        break;
    }
}

static void submit(struct store *s, struct store_commit *c)
{
    struct mem *m = (struct mem *)s;

    pthread_mutex_lock(&m->lock);
    for (struct store_op *o = c->first; o; o = o->next)
        apply(m, o);
    pthread_mutex_unlock(&m->lock);
    store_commit_back(c);
}

static void add_row(struct store_read *r, const struct item *i)
{
    struct mn_arena *a = &r->arena;
    struct store_row *row = &r->rows[r->count++];

    *row = (struct store_row){0};
    if (r->kind == STORE_LOG) {
        row->id = i->id;
        row->time = i->time;
        row->key = mn_arena_str(a, i->a);
        row->owner = mn_arena_str(a, i->b);
        if (i->c.p)
            row->value = mn_arena_str(a, i->c);
    } else if (r->kind == STORE_INDEX) {
        row->term = mn_arena_str(a, i->a);
        row->owner = mn_arena_str(a, i->b);
        row->key = mn_arena_str(a, i->c);
    } else {
        row->key = mn_arena_str(a, i->a);
        row->value = mn_arena_str(a, i->b);
    }
}

static bool log_wanted(const struct store_read *r, const struct item *i)
{
    return i->id > r->after && (!r->before || i->id < r->before) &&
           (!r->start || i->time >= r->start) && (!r->end || i->time <= r->end) &&
           (!r->peer.n || mn_str_eq(i->b, r->peer)) && (!r->key.n || mn_str_eq(i->a, r->key));
}

static void read_log(struct store_read *r, const struct bin *b)
{
    for (size_t k = 0; k < b->count && r->count < r->limit; k++) {
        const struct item *i = b->items[r->backward ? b->count - 1 - k : k];

        if (r->kind == STORE_LOG_STATS) {
            if (!r->peer.n || mn_str_eq(i->b, r->peer)) {
                r->total_count++;
                r->total_bytes += i->c.n;
            }
        } else if (log_wanted(r, i)) {
            add_row(r, i);
        }
    }
}

static void read_index(struct store_read *r, const struct bin *b)
{
    size_t at = r->from.term.p ? place_all(b, r->from.term, r->from.owner, r->from.key)
                               : place_key(b, r->key);

    if (r->from.term.p && at < b->count &&
        !by_all(b->items[at], r->from.term, r->from.owner, r->from.key))
        at++;
    for (; at < b->count && r->count < r->limit && mn_str_starts(b->items[at]->a, r->key); at++)
        add_row(r, b->items[at]);
}

static void mem_read(struct store *s, struct store_read *r)
{
    struct mem *m = (struct mem *)s;
    bool log = r->kind == STORE_LOG || r->kind == STORE_LOG_STATS,
         terms = r->kind == STORE_INDEX || r->kind == STORE_INDEX_COUNT;
    struct bin *b;

    pthread_mutex_lock(&m->lock);
    b = bin(m, log ? 'l' : terms ? 'i' : 'v', r->owner, r->store, false);
    r->count = 0;
    if (b) {
        r->rows = mn_arena_alloc(&r->arena,
                                 (b->count < r->limit ? b->count : r->limit) * sizeof *r->rows);
        if (log)
            read_log(r, b);
        else if (r->kind == STORE_INDEX)
            read_index(r, b);
        else if (terms)
            r->total_count = b->count;
        else
            for (size_t at = place_key(b, r->key);
                 at < b->count && r->count < r->limit &&
                 (r->kind == STORE_GET ? mn_str_eq(b->items[at]->a, r->key)
                                       : mn_str_starts(b->items[at]->a, r->key));
                 at++)
                add_row(r, b->items[at]);
    }
    r->result = MN_E_OK;
    pthread_mutex_unlock(&m->lock);
}

static void mem_close(struct store *s)
{
    struct mem *m = (struct mem *)s;
    size_t at = 0;
    struct bin *b;

    while ((b = mn_map_next(&m->bins, &at)))
        bin_free(b);
    mn_map_free(&m->bins);
    pthread_mutex_destroy(&m->lock);
    mn_free(m);
}

static int mem_check(struct store *s, struct mn_buf *why)
{
    (void)s;
    (void)why;
    return MN_E_OK;
}

int store_open_mem(struct store **out)
{
    static const struct store_backend backend = {submit, mem_read, mem_close, mem_check};
    struct mem *m = MN_NEW(struct mem);

    pthread_mutex_init(&m->lock, NULL);
    m->base.backend = &backend;
    *out = &m->base;
    return MN_E_OK;
}

#include "net/limit.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"

enum { SHARDS = 16, FREE_FAILURES = 5, DELAY_MAX = 30000, FORGET = 15 * 60000 };

struct entry {
    struct mn_list link; /* by last use */
    mn_str key;
    unsigned holds, fails;
    int64_t failed, window;
    int64_t in_window;
    char bytes[];
};

struct shard {
    pthread_mutex_t lock;
    struct mn_map map;
    struct mn_list used; /* longest ago first */
    struct mn_list held; /* those that hold something and may not go */
};

struct mn_limit {
    size_t cap;
    struct shard shards[SHARDS];
};

struct mn_limit *mn_limit_new(size_t entries)
{
    struct mn_limit *l = MN_NEW(struct mn_limit);

    l->cap = entries / SHARDS + 1;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&l->shards[i].lock, NULL);
        mn_list_init(&l->shards[i].used);
        mn_list_init(&l->shards[i].held);
    }
    return l;
}

void mn_limit_free(struct mn_limit *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        MN_LIST_EACH(n, &l->shards[i].used)
        mn_free(MN_OF(n, struct entry, link));
        MN_LIST_EACH(n, &l->shards[i].held)
        mn_free(MN_OF(n, struct entry, link));
        mn_map_free(&l->shards[i].map);
        pthread_mutex_destroy(&l->shards[i].lock);
    }
    mn_free(l);
}

static struct shard *lock(struct mn_limit *l, mn_str key)
{
    struct shard *s = &l->shards[mn_hash(key) >> 32 & (SHARDS - 1)];

    mn_clock_tick();
    pthread_mutex_lock(&s->lock);
    return s;
}

static void drop(struct shard *s, struct entry *e)
{
    mn_map_del(&s->map, e->key);
    mn_list_del(&e->link);
    mn_free(e);
}

/* Room for one more: what was used longest ago and holds nothing goes. */
static void make_room(struct mn_limit *l, struct shard *s)
{
    while (s->map.count >= l->cap && !mn_list_empty(&s->used))
        drop(s, MN_OF(s->used.next, struct entry, link));
}

static void file(struct shard *s, struct entry *e)
{
    mn_list_del(&e->link);
    mn_list_add(e->holds ? &s->held : &s->used, &e->link);
}

static struct entry *entry(struct mn_limit *l, struct shard *s, mn_str key)
{
    struct entry *e = mn_map_get(&s->map, key);

    if (!e) {
        make_room(l, s);
        e = mn_alloc0(sizeof *e + key.n);
        memcpy(e->bytes, key.p, key.n);
        e->key = (mn_str){e->bytes, key.n};
        mn_map_put(&s->map, e->key, e);
        mn_list_init(&e->link);
    }
    file(s, e);
    return e;
}

bool mn_limit_hold(struct mn_limit *l, mn_str key, unsigned max)
{
    struct shard *s = lock(l, key);
    struct entry *e = entry(l, s, key);
    bool ok = e->holds < max;

    e->holds += ok;
    file(s, e);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

void mn_limit_release(struct mn_limit *l, mn_str key)
{
    struct shard *s = lock(l, key);
    struct entry *e = mn_map_get(&s->map, key);

    MN_ASSERT(e && e->holds);
    if (!--e->holds && !e->fails && !e->in_window)
        drop(s, e);
    else
        file(s, e);
    pthread_mutex_unlock(&s->lock);
}

void mn_limit_fail(struct mn_limit *l, mn_str key)
{
    struct shard *s = lock(l, key);
    struct entry *e = entry(l, s, key);
    int64_t now = mn_clock_now();

    if (now - e->failed > FORGET)
        e->fails = 0;
    e->fails++;
    e->failed = now;
    pthread_mutex_unlock(&s->lock);
}

int64_t mn_limit_delay(struct mn_limit *l, mn_str key)
{
    struct shard *s = lock(l, key);
    struct entry *e = mn_map_get(&s->map, key);
    int64_t ms = 0;

    if (e && e->fails > FREE_FAILURES && mn_clock_now() - e->failed <= FORGET)
        ms = e->fails - FREE_FAILURES > 7 ? DELAY_MAX : 250ll << (e->fails - FREE_FAILURES - 1);
    pthread_mutex_unlock(&s->lock);
    return ms > DELAY_MAX ? DELAY_MAX : ms;
}

bool mn_limit_rate(struct mn_limit *l, mn_str key, int64_t count, int64_t ms)
{
    struct shard *s = lock(l, key);
    struct entry *e = entry(l, s, key);
    int64_t now = mn_clock_now();
    bool ok;

    if (!e->in_window || now - e->window >= ms) {
        e->window = now;
        e->in_window = 0;
    }
    ok = ++e->in_window <= count;
    pthread_mutex_unlock(&s->lock);
    return ok;
}

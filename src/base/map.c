/* Open addressing with linear probing; deleting shifts the followers back, so there are no
 * tombstones. */
#include "base/map.h"

#include "base/err.h"
#include "base/rand.h"

static uint64_t key0, key1;

__attribute__((constructor)) static void seed(void)
{
    mn_rand_bytes(&key0, sizeof key0);
    mn_rand_bytes(&key1, sizeof key1);
}

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
#define ROUND                                                                                      \
    do {                                                                                           \
        v0 += v1;                                                                                  \
        v1 = ROTL(v1, 13) ^ v0;                                                                    \
        v0 = ROTL(v0, 32);                                                                         \
        v2 += v3;                                                                                  \
        v3 = ROTL(v3, 16) ^ v2;                                                                    \
        v0 += v3;                                                                                  \
        v3 = ROTL(v3, 21) ^ v0;                                                                    \
        v2 += v1;                                                                                  \
        v1 = ROTL(v1, 17) ^ v2;                                                                    \
        v2 = ROTL(v2, 32);                                                                         \
    } while (0)

uint64_t mn_hash(mn_str s)
{
    uint64_t v0 = key0 ^ 0x736f6d6570736575, v1 = key1 ^ 0x646f72616e646f6d;
    uint64_t v2 = key0 ^ 0x6c7967656e657261, v3 = key1 ^ 0x7465646279746573;
    uint64_t m, last = (uint64_t)s.n << 56;
    size_t i = 0;

    for (; i + 8 <= s.n; i += 8) {
        memcpy(&m, s.p + i, 8);
        v3 ^= m;
        ROUND;
        v0 ^= m;
    }
    for (unsigned shift = 0; i < s.n; i++, shift += 8)
        last |= (uint64_t)(unsigned char)s.p[i] << shift;
    v3 ^= last;
    ROUND;
    v0 ^= last;
    v2 ^= 0xff;
    ROUND;
    ROUND;
    ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

static struct mn_map_slot *slot_of(const struct mn_map *m, mn_str key, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);

    while (m->slots[i].value && (m->slots[i].hash != hash || !mn_str_eq(m->slots[i].key, key)))
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

void *mn_map_get(const struct mn_map *m, mn_str key)
{
    return m->count ? slot_of(m, key, mn_hash(key))->value : NULL;
}

static void resize(struct mn_map *m, size_t cap)
{
    struct mn_map old = *m;

    m->cap = cap;
    m->slots = mn_alloc0(cap * sizeof *m->slots);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].value)
            *slot_of(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    mn_free(old.slots);
}

void *mn_map_put(struct mn_map *m, mn_str key, void *value)
{
    uint64_t hash = mn_hash(key);
    struct mn_map_slot *slot;
    void *old;

    MN_ASSERT(value);
    if ((m->count + 1) * 4 > m->cap * 3)
        resize(m, m->cap ? m->cap * 2 : 8);
    slot = slot_of(m, key, hash);
    old = slot->value;
    m->count += !old;
    *slot = (struct mn_map_slot){key, value, hash};
    return old;
}

void *mn_map_del(struct mn_map *m, mn_str key)
{
    size_t mask = m->cap - 1, hole, i;
    struct mn_map_slot *slot;
    void *old;

    if (!m->count)
        return NULL;
    slot = slot_of(m, key, mn_hash(key));
    old = slot->value;
    if (!old)
        return NULL;
    m->count--;
    hole = i = (size_t)(slot - m->slots);
    for (;;) {
        i = (i + 1) & mask;
        if (!m->slots[i].value)
            break;
        if (((i - m->slots[i].hash) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct mn_map_slot){0};
    if (!m->count)
        mn_map_free(m);
    return old;
}

void mn_map_free(struct mn_map *m)
{
    mn_free(m->slots);
    *m = (struct mn_map){0};
}

void *mn_map_next(const struct mn_map *m, size_t *at)
{
    while (*at < m->cap)
        if (m->slots[(*at)++].value)
            return m->slots[*at - 1].value;
    return NULL;
}

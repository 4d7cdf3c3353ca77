/* A hash map from byte strings to pointers, keyed against chosen collisions (SipHash-1-3, random
 * key per process). The key's bytes are lent: they must live in what the value points to. {0} is an
 * empty map without memory. */
#pragma once

#include "base/str.h"

struct mn_map_slot {
    mn_str key;
    void *value;
    uint64_t hash;
};
struct mn_map {
    struct mn_map_slot *slots;
    size_t count, cap;
};

uint64_t mn_hash(mn_str s); /* the same all over the process */
void *mn_map_get(const struct mn_map *m, mn_str key);
/* Adds or replaces; returns the old value or NULL. The key of a replaced entry becomes `key`. */
void *mn_map_put(struct mn_map *m, mn_str key, void *value);
/* Returns what was there, or NULL. */
void *mn_map_del(struct mn_map *m, mn_str key);
void mn_map_free(struct mn_map *m);
/* Iterates: *at starts at 0; NULL at the end. No put or del in between. */
void *mn_map_next(const struct mn_map *m, size_t *at);

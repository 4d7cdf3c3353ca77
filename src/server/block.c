#include "server/block.h"

#include "server/server.h"

struct blocklist {
    struct mn_map map; /* address -> struct blocked */
};

struct blocked {
    uint32_t n;
    char text[];
};

static mn_str text_of(const struct blocked *b)
{
    return (mn_str){b->text, b->n};
}

bool block_hits(const struct user *u, const struct mn_jid *who)
{
    const struct mn_map *m;
    char room[3072];
    size_t n;

    if (!u->blocklist || mn_jid_none(who) || mn_str_eq(mn_jid_bare(who), mn_jid_bare(&u->jid)) ||
        mn_str_eq(mn_jid_text(who), u->host->name))
        return false;
    m = &u->blocklist->map;
    if (mn_map_get(m, mn_jid_text(who)) || mn_map_get(m, mn_jid_bare(who)) ||
        mn_map_get(m, mn_jid_host(who)))
        return true;
    if (!who->resource || !who->user)
        return false;
    /* domain/resource */
    n = mn_jid_host(who).n + 1 + who->resource;
    if (n > sizeof room)
        return false;
    memcpy(room, mn_jid_host(who).p, n);
    return mn_map_get(m, (mn_str){room, n});
}

bool block_add(struct user *u, mn_str jid)
{
    struct blocked *b;

    if (u->blocklist && mn_map_get(&u->blocklist->map, jid))
        return false;
    if (!u->blocklist)
        u->blocklist = MN_NEW(struct blocklist);
    b = mn_alloc(sizeof *b + jid.n);
    b->n = (uint32_t)jid.n;
    memcpy(b->text, jid.p, jid.n);
    mn_map_put(&u->blocklist->map, text_of(b), b);
    return true;
}

bool block_del(struct user *u, mn_str jid)
{
    struct blocked *b = u->blocklist ? mn_map_del(&u->blocklist->map, jid) : NULL;

    if (!b)
        return false;
    mn_free(b);
    if (!u->blocklist->map.count)
        block_free(u);
    return true;
}

size_t block_count(const struct user *u)
{
    return u->blocklist ? u->blocklist->map.count : 0;
}

bool block_next(const struct user *u, size_t *at, mn_str *jid)
{
    const struct blocked *b = u->blocklist ? mn_map_next(&u->blocklist->map, at) : NULL;

    if (b)
        *jid = text_of(b);
    return b;
}

void block_free(struct user *u)
{
    struct blocked *b;
    size_t at = 0;

    if (!u->blocklist)
        return;
    while ((b = mn_map_next(&u->blocklist->map, &at)))
        mn_free(b);
    mn_map_free(&u->blocklist->map);
    mn_free(u->blocklist);
    u->blocklist = NULL;
}

struct mn_stanza *block_error(const struct mn_stanza *st)
{
    struct mn_stanza *r;
    struct mn_elem *e;

    if (st->type == MN_TYPE_ERROR || st->type == MN_TYPE_RESULT)
        return NULL;
    r = mn_stanza_reply(st, MN_TYPE_ERROR);
    e = mn_elem_add(&r->arena, mn_stanza_body(r), MN_NS_CLIENT, "error");
    mn_elem_set(&r->arena, e, "type", MN_STR("cancel"));
    mn_elem_add(&r->arena, e, MN_NS_STANZA_ERRORS, "not-acceptable");
    mn_elem_add(&r->arena, e, MN_NS_BLOCKING_ERRORS, "blocked");
    mn_stanza_seal(r);
    return r;
}

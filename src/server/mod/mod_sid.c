/* XEP-0359 Unique and Stable Stanza IDs (docs/design/003-ids.md). What says that it is of one of
 * our addresses goes when a message comes in; what is stored for an account goes out with an id
 * made of its number in the log. AES of one block is the way there: nobody can tell the number, the
 * next id, or how many there are, and an archive finds the way back. */
#include "base/codec.h"
#include "base/crypt.h"
#include "server/module.h"

/* The address of an account or host that we serve: only those may say so. */
static bool is_ours(const struct server *srv, mn_str by)
{
    struct mn_arena a = {0};
    struct mn_jid j;
    bool ours = !mn_jid_parse(by, &a, &j) && !j.resource && host_find(srv, mn_jid_host(&j));

    mn_arena_done(&a, NULL);
    return ours;
}

static bool forged(const void *srv, const struct mn_elem *e)
{
    return mn_elem_is(e, MN_NS_SID, "stanza-id") && is_ours(srv, mn_elem_get(e, "by"));
}

static void entered(const struct server *srv, struct mn_stanza *st)
{
    mn_stanza_drop(st, forged, srv);
}

static bool has_one(const struct mn_stanza *st, mn_str by)
{
    for (const struct mn_elem *e = mn_elem_first(st->elem); e; e = mn_elem_next(e))
        if (mn_elem_is(e, MN_NS_SID, "stanza-id") && mn_str_eq(mn_elem_get(e, "by"), by))
            return true;
    return false;
}

static mn_str id_of(const struct server *srv, uint64_t number, struct mn_arena *a)
{
    unsigned char block[16] = {0};

    for (int i = 0; i < 8; i++)
        block[15 - i] = (unsigned char)(number >> 8 * i);
    mn_crypt_block(srv->id_key, block);
    return mn_hex((mn_str){(char *)block, sizeof block}, a);
}

/* One that waited before and was not acknowledged keeps the id that it went out with. */
static void numbered(const struct user *u, struct mn_stanza *st, uint64_t number)
{
    struct mn_arena *a = &st->arena;
    struct mn_elem *e;

    if (has_one(st, mn_jid_bare(&u->jid)))
        return;
    e = mn_elem_new(a, MN_NS_SID, "stanza-id");
    mn_elem_set(a, e, "by", mn_jid_bare(&u->jid));
    mn_elem_set(a, e, "id", id_of(u->owner->srv, number, a));
    mn_stanza_add(st, e);
}

const struct module mod_sid = {
    .name = "sid",
    .xep =
        {{359, "0.7.0", "Unique and Stable Stanza IDs",
          "wire/stanza-id; wire/resent; e2e/component/stanza_ids_of_ours_are_not_theirs_to_give; "
          "interop/slixmpp/keeps what comes while one is away"}},
    .user_feature = {"urn:xmpp:sid:0"},
    .message_entered = entered,
    .message_numbered = numbered,
};

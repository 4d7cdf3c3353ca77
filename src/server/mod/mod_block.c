/* XEP-0191 Blocking Command, in the polite way: who is blocked sees an account that is offline;
 * subscriptions stay as they are. */
#include "server/block.h"
#include "server/directed.h"
#include "server/module.h"
#include "server/presence.h"

struct conf {
    bool on;
    int64_t max_items;
};
static const struct mn_conf_row keys[] = {{"max_items", MN_CONF_INT,
                                           offsetof(struct conf, max_items), "1000", .min = 1,
                                           .max = 100000, .text = "per account", .live = true},
                                          {0}};

static enum mn_cond on_get(struct iq *iq)
{
    struct mn_stanza *answer;
    struct mn_elem *list;
    size_t at = 0;
    mn_str jid;

    if (!iq_is_self(iq))
        return MN_COND_FORBIDDEN;
    if (iq->via)
        iq->via->blocklist = true;
    answer = iq_answer(iq);
    list = mn_elem_add(&answer->arena, mn_stanza_body(answer), MN_NS_BLOCKING, "blocklist");
    while (block_next(iq->user, &at, &jid))
        mn_elem_set(&answer->arena, mn_elem_add(&answer->arena, list, MN_NS_BLOCKING, "item"),
                    "jid", mn_arena_str(&answer->arena, jid));
    return iq_result(iq, answer);
}

/* What is asked for, as it was understood, to all resources that know the list. */
static void push(struct iq *iq, const char *what, const mn_str *jids, size_t count)
{
    MN_LIST_EACH(n, &iq->user->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);
        struct mn_stanza *st;
        struct mn_elem *e;

        if (!s->blocklist)
            continue;
        st = mn_stanza_new(MN_IQ, MN_TYPE_SET);
        st->id = mn_arena_fmt(&st->arena, "block-%llx", (unsigned long long)iq->user->wrote);
        mn_stanza_to(st, &s->jid);
        e = mn_elem_add(&st->arena, mn_stanza_body(st), MN_NS_BLOCKING, what);
        for (size_t i = 0; i < count; i++)
            mn_elem_set(&st->arena, mn_elem_add(&st->arena, e, MN_NS_BLOCKING, "item"), "jid",
                        mn_arena_str(&st->arena, jids[i]));
        mn_stanza_seal(st);
        user_push(iq->user, s, st);
    }
}

/* The addresses of the request, prepared. */
static enum mn_cond items_of(const struct iq *iq, struct mn_arena *a, mn_str **out, size_t *count)
{
    size_t n = 0;

    for (const struct mn_elem *e = mn_elem_first(iq->child); e; e = mn_elem_next(e))
        n++;
    *out = mn_arena_alloc(a, (n + 1) * sizeof **out);
    *count = 0;
    for (const struct mn_elem *e = mn_elem_first(iq->child); e; e = mn_elem_next(e)) {
        struct mn_jid j;

        if (!mn_elem_is(e, MN_NS_BLOCKING, "item") || !mn_elem_get(e, "jid").n)
            return MN_COND_BAD_REQUEST;
        if (mn_jid_parse(mn_elem_get(e, "jid"), a, &j))
            return MN_COND_JID_MALFORMED;
        (*out)[(*count)++] = mn_jid_text(&j);
    }
    return MN_COND_NONE;
}

/* Who sees this account's presence and is hit by the list now; `was`: and was before. */
struct seen {
    struct mn_jid *jids;
    bool *was;
    size_t count;
};

static void look_at(const struct user *u, mn_str jid, struct mn_arena *a, struct seen *seen)
{
    struct mn_jid *j = &seen->jids[seen->count];

    if (!mn_jid_parse(mn_arena_str(a, jid), a, j))
        seen->was[seen->count++] = block_hits(u, j);
}

static bool hits_whole(const struct user *u, const struct mn_jid *resource)
{
    struct mn_jid bare = mn_jid_to_bare(resource);

    return block_hits(u, &bare);
}

/* The contacts, and single resources of contacts that the list changes for, when it does not hit
 * the whole contact; `jids`: none for all. */
static void look(struct user *u, const mn_str *jids, size_t count, struct mn_arena *a,
                 struct seen *seen)
{
    size_t most = u->roster.count + (count ? count : block_count(u)) + 1, at = 0;
    struct roster_item item;
    struct mn_jid j;
    mn_str jid;

    seen->jids = mn_arena_alloc(a, most * sizeof *seen->jids);
    seen->was = mn_arena_alloc(a, most);
    seen->count = 0;
    for (uint32_t i = 0; roster_next(&u->roster, &i, &item);)
        if (item.flags & ROSTER_FROM)
            look_at(u, item.jid, a, seen);
    for (size_t i = 0; count ? i < count : block_next(u, &at, &jid); i++) {
        if (count)
            jid = jids[i];
        if (!mn_jid_parse(jid, a, &j) && j.resource &&
            roster_flags(&u->roster, mn_jid_bare(&j)) & ROSTER_FROM && !hits_whole(u, &j))
            look_at(u, jid, a, seen);
    }
}

static void tell(struct user *u, const struct seen *seen)
{
    for (size_t i = 0; i < seen->count; i++) {
        const struct mn_jid *j = &seen->jids[i];
        bool is = block_hits(u, j);

        if (is && !seen->was[i] && !(j->resource && hits_whole(u, j)))
            presence_hide(u, j);
        else if (!is && seen->was[i])
            presence_show(u, j);
    }
}

static enum mn_cond change(struct iq *iq, bool on)
{
    const struct conf *conf = config_module(iq->owner->snap->conf, &mod_block);
    struct user *u = iq->user;
    struct mn_arena a = {0};
    mn_str bare, *jids;
    size_t count, at = 0;
    struct seen seen;
    enum mn_cond cond;

    if (!iq_is_self(iq))
        return MN_COND_FORBIDDEN;
    cond = items_of(iq, &a, &jids, &count);
    if (!cond && on && !count)
        cond = MN_COND_BAD_REQUEST;
    else if (!cond && on && block_count(u) + count > (size_t)conf->max_items)
        cond = MN_COND_RESOURCE_CONSTRAINT;
    if (cond) {
        mn_arena_done(&a, NULL);
        return cond;
    }
    bare = mn_jid_bare(&u->jid);
    look(u, jids, count, &a, &seen);
    for (size_t i = 0; i < count; i++) {
        mn_str key = mn_arena_fmt(&a, USER_BLOCKED "%.*s", MN_ARG(jids[i]));

        if (on && block_add(u, jids[i]))
            user_wrote(u, store_set(iq->owner->writer, bare, USER_STORE, key, MN_STR("")));
        else if (!on && block_del(u, jids[i]))
            user_wrote(u, store_del(iq->owner->writer, bare, USER_STORE, key));
    }
    if (!on && !count) {
        mn_str jid;

        while (block_next(u, &at, &jid))
            user_wrote(u, store_del(iq->owner->writer, bare, USER_STORE,
                                    mn_arena_fmt(&a, USER_BLOCKED "%.*s", MN_ARG(jid))));
        block_free(u);
    }
    tell(u, &seen);
    directed_hide_blocked(u);
    push(iq, on ? "block" : "unblock", jids, count);
    mn_arena_done(&a, NULL);
    return iq_result(iq, NULL);
}

static enum mn_cond on_block(struct iq *iq)
{
    return change(iq, true);
}

static enum mn_cond on_unblock(struct iq *iq)
{
    return change(iq, false);
}

const struct module mod_block = {
    .name = "block",
    .xep = {{191, "1.3", "Blocking Command", "wire/block; wire/block-resumed; wire/csi-blocked"}},
    .feature = {"urn:xmpp:blocking"},
    .user_feature = {"urn:xmpp:blocking"},
    .conf = keys,
    .conf_size = sizeof(struct conf),
    .iq = {{MN_TYPE_GET, MN_NS_BLOCKING, "blocklist", AT_USER, on_get},
           {MN_TYPE_SET, MN_NS_BLOCKING, "block", AT_USER, on_block},
           {MN_TYPE_SET, MN_NS_BLOCKING, "unblock", AT_USER, on_unblock}},
};

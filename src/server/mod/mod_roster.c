/* The roster as IQs (RFC 6121, 2), with versioning (2.6) and pre-approval (3.4) announced. */
#include "server/module.h"
#include "server/presence.h"

/* ITEM_ROOM: bytes in memory and on the wire for each item that a roster may have. */
enum { NAME_MAX_ = 1023, GROUPS_MAX = 100, ITEM_ROOM = 512 };

static void features(struct c2s *c, struct mn_buf *out)
{
    if (c->state != C2S_KNOWN)
        return;
    /* Not where the old ways are on: the file of 2007 announces nothing newer. */
    if (c->stream.owner->snap->conf->roster.versioning)
        mn_buf_lit(out, "<ver xmlns='urn:xmpp:features:rosterver'/>");
    if (c->stream.owner->snap->conf->roster.preapproval)
        mn_buf_lit(out, "<sub xmlns='urn:xmpp:features:pre-approval'/>");
}

static enum mn_cond on_get(struct iq *iq)
{
    struct user *u = iq->user;
    struct mn_stanza *answer;
    struct mn_arena *a;
    struct mn_elem *q;
    struct roster_item item;
    mn_str have = mn_elem_get(iq->child, "ver"), ver;
    bool versioning = iq->owner->snap->conf->roster.versioning;

    if (!iq_is_self(iq))
        return MN_COND_FORBIDDEN;
    if (iq->via)
        iq->via->interested = true;
    answer = iq_answer(iq);
    a = &answer->arena;
    ver = mn_arena_fmt(a, "%llx", (unsigned long long)u->roster.version);
    if (versioning && have.n && mn_str_eq(have, ver))
        return iq_result(iq, answer);
    q = mn_elem_add(a, mn_stanza_body(answer), MN_NS_ROSTER, "query");
    if (versioning) /* asked for or not (2.6.3) */
        mn_elem_set(a, q, "ver", ver);
    for (uint32_t at = 0; roster_next(&u->roster, &at, &item);)
        if (item.flags & ROSTER_LISTED)
            roster_item_elem(a, q, &item, false);
    return iq_result(iq, answer);
}

/* The groups of an item, each once and not empty (2.1.2.6). */
static enum mn_cond groups_of(const struct mn_elem *e, struct mn_arena *a, mn_str *out)
{
    mn_str names[GROUPS_MAX];
    size_t n = 0;

    for (const struct mn_elem *g = mn_elem_first(e); g; g = mn_elem_next(g)) {
        if (!mn_elem_is(g, MN_NS_ROSTER, "group"))
            continue;
        if (n == GROUPS_MAX)
            return MN_COND_NOT_ACCEPTABLE;
        names[n] = mn_elem_text(g, a);
        if (!names[n].n || names[n].n > NAME_MAX_)
            return MN_COND_NOT_ACCEPTABLE;
        for (size_t i = 0; i < n; i++)
            if (mn_str_eq(names[i], names[n]))
                return MN_COND_BAD_REQUEST;
        n++;
    }
    *out = roster_groups(names, n, a);
    return MN_COND_NONE;
}

static enum mn_cond removed(struct iq *iq, struct roster_item *item)
{
    struct user *u = iq->user;
    unsigned was = item->flags;
    struct mn_arena a = {0};
    struct mn_jid contact;

    if (!(was & ROSTER_LISTED))
        return MN_COND_ITEM_NOT_FOUND;
    item->flags = was & ROSTER_PENDING_IN;
    item->name = item->groups = (mn_str){0};
    item->jid = mn_arena_str(&a, item->jid);
    presence_item_changed(u, item, true);
    /* 2.5.2: what stood between the two ends with the item. */
    for (int i = 0; i < 2; i++) {
        struct mn_stanza *st;

        if (!(was & (i ? ROSTER_FROM : ROSTER_TO | ROSTER_PENDING_OUT)) ||
            mn_jid_parse(item->jid, &a, &contact))
            continue;
        if (i)
            presence_hide(u, &contact);
        st = mn_stanza_new(MN_PRESENCE, i ? MN_TYPE_UNSUBSCRIBED : MN_TYPE_UNSUBSCRIBE);
        mn_stanza_from(st, &u->jid);
        mn_stanza_to(st, &contact);
        user_send(u, st);
    }
    mn_arena_done(&a, NULL);
    return iq_result(iq, NULL);
}

static enum mn_cond changed(struct iq *iq, struct mn_arena *a)
{
    const struct mn_elem *e = mn_elem_first(iq->child);
    struct user *u = iq->user;
    struct roster_item item;
    struct mn_jid jid;
    enum mn_cond cond;
    mn_str name;

    if (!mn_elem_is(e, MN_NS_ROSTER, "item") || mn_elem_next(e) || !mn_elem_get(e, "jid").n)
        return MN_COND_BAD_REQUEST;
    if (mn_jid_parse(mn_elem_get(e, "jid"), a, &jid))
        return MN_COND_JID_MALFORMED;
    /* Decision A3: the exact address first, then the bare one. */
    if (!roster_find(&u->roster, mn_jid_text(&jid), &item) && jid.resource) {
        struct mn_jid bare = mn_jid_to_bare(&jid);
        struct roster_item other;

        if (roster_find(&u->roster, mn_jid_bare(&bare), &other))
            item = other;
    }
    if (mn_str_is(mn_elem_get(e, "subscription"), "remove"))
        return removed(iq, &item);
    if (mn_str_eq(item.jid, mn_jid_bare(&u->jid)))
        return MN_COND_NOT_ALLOWED;
    name = mn_elem_get(e, "name");
    if (name.n > NAME_MAX_)
        return MN_COND_NOT_ACCEPTABLE;
    if (!(item.flags & ROSTER_LISTED) && presence_roster_full(u))
        return MN_COND_RESOURCE_CONSTRAINT;
    if ((cond = groups_of(e, a, &item.groups)))
        return cond;
    if (u->roster.used - u->roster.unlisted_used + name.n + item.groups.n >
        ITEM_ROOM * (size_t)iq->owner->snap->conf->roster.max_items)
        return MN_COND_RESOURCE_CONSTRAINT;
    item.name = name.n ? name : (mn_str){0};
    item.flags |= ROSTER_LISTED;
    presence_item_changed(u, &item, true);
    return iq_result(iq, NULL);
}

static enum mn_cond on_set(struct iq *iq)
{
    struct mn_arena a = {0};
    enum mn_cond cond = iq_is_self(iq) ? changed(iq, &a) : MN_COND_FORBIDDEN;

    mn_arena_done(&a, NULL);
    return cond;
}

const struct module mod_roster = {
    .name = "roster",
    .rfc = {{"RFC 6121, 2", "Managing the Roster", "wire/rfc6121-2-roster"}},
    .xep = {{237, "1.3", "Roster Versioning",
             "wire/rfc6121-2.6-versioning; wire/roster-versions-off", "roster.versioning"}},
    .always = true,
    .user_feature = {"jabber:iq:roster"},
    .iq = {{MN_TYPE_GET, MN_NS_ROSTER, "query", AT_USER, on_get},
           {MN_TYPE_SET, MN_NS_ROSTER, "query", AT_USER | AT_TOLD, on_set}},
    .stream_features = features,
};

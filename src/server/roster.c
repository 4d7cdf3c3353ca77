/* A record: flags, a byte whether there is a name, its length (u16), the name, the packed groups.
 * In the block each record stands behind the length of its jid (u16), of itself (u32) and the jid.
 */
#include "server/roster.h"

#include "base/err.h"

enum { HEAD = 6 };

static size_t u16_at(const char *p)
{
    return (size_t)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

static size_t u32_at(const char *p)
{
    return u16_at(p) << 16 | u16_at(p + 2);
}

static void put16(char *p, size_t v)
{
    p[0] = (char)(v >> 8);
    p[1] = (char)v;
}

static size_t record_size(const struct roster_item *item)
{
    MN_ASSERT(item->name.n < 0x10000);
    return 4 + item->name.n + item->groups.n;
}

static void record_put(char *p, const struct roster_item *item)
{
    p[0] = (char)item->flags;
    p[1] = item->name.p != NULL;
    put16(p + 2, item->name.n);
    if (item->name.n)
        memcpy(p + 4, item->name.p, item->name.n);
    if (item->groups.n)
        memcpy(p + 4 + item->name.n, item->groups.p, item->groups.n);
}

mn_str roster_record(const struct roster_item *item, struct mn_arena *a)
{
    size_t n = record_size(item);
    char *p = mn_arena_bytes(a, n);

    record_put(p, item);
    return (mn_str){p, n};
}

bool roster_record_parse(mn_str jid, mn_str r, struct roster_item *out)
{
    size_t name;

    if (r.n < 4 || (name = u16_at(r.p + 2)) > r.n - 4)
        return false;
    *out = (struct roster_item){.jid = jid, .flags = (unsigned char)r.p[0]};
    if (r.p[1])
        out->name = (mn_str){r.p + 4, name};
    out->groups = mn_str_skip(r, 4 + name);
    return true;
}

bool roster_next(const struct roster *r, uint32_t *at, struct roster_item *out)
{
    const char *p;
    size_t jid, record;

    if (*at >= r->used)
        return false;
    p = r->block + *at;
    jid = u16_at(p);
    record = u32_at(p + 2);
    *at += (uint32_t)(HEAD + jid + record);
    return roster_record_parse((mn_str){p + HEAD, jid}, (mn_str){p + HEAD + jid, record}, out);
}

bool roster_find(const struct roster *r, mn_str jid, struct roster_item *out)
{
    for (uint32_t at = 0; roster_next(r, &at, out);)
        if (mn_str_eq(out->jid, jid))
            return true;
    *out = (struct roster_item){.jid = jid};
    return false;
}

unsigned roster_flags(const struct roster *r, mn_str jid)
{
    struct roster_item item;

    return roster_find(r, jid, &item) ? item.flags : 0;
}

void roster_add(struct roster *r, const struct roster_item *item)
{
    size_t record = record_size(item), n = HEAD + item->jid.n + record;
    char *p;

    r->block = mn_realloc(r->block, r->used + n);
    p = r->block + r->used;
    put16(p, item->jid.n);
    put16(p + 2, record >> 16);
    put16(p + 4, record);
    memcpy(p + HEAD, item->jid.p, item->jid.n);
    record_put(p + HEAD + item->jid.n, item);
    r->used += (uint32_t)n;
    r->count++;
    if (!(item->flags & ROSTER_LISTED)) {
        r->unlisted++;
        r->unlisted_used += (uint32_t)n;
    }
}

void roster_put(struct roster *r, const struct roster_item *item)
{
    struct mn_arena a = {0};
    mn_str jid = mn_arena_str(&a, item->jid);
    struct roster_item now = *item, old;
    uint32_t at = 0, from = 0;

    /* It may point into the block. */
    now.jid = jid;
    if (item->name.p)
        now.name = mn_arena_str(&a, item->name);
    now.groups = mn_arena_str(&a, item->groups);

    while (from = at, roster_next(r, &at, &old))
        if (mn_str_eq(old.jid, jid)) {
            bool was_listed = old.flags & ROSTER_LISTED;

            memmove(r->block + from, r->block + at, r->used - at);
            r->used -= at - from;
            r->count--;
            if (!was_listed) {
                r->unlisted--;
                r->unlisted_used -= at - from;
            }
            break;
        }
    if (now.flags) {
        roster_add(r, &now);
    } else if (!r->used) {
        mn_free(r->block);
        r->block = NULL;
    }
    mn_arena_done(&a, NULL);
}

void roster_free(struct roster *r)
{
    mn_free(r->block);
    *r = (struct roster){0};
}

mn_str roster_groups(const mn_str *names, size_t count, struct mn_arena *a)
{
    size_t n = 0;
    char *p, *begin;

    for (size_t i = 0; i < count; i++)
        n += 2 + names[i].n;
    p = begin = mn_arena_bytes(a, n);
    for (size_t i = 0; i < count; i++) {
        put16(p, names[i].n);
        memcpy(p + 2, names[i].p, names[i].n);
        p += 2 + names[i].n;
    }
    return (mn_str){begin, n};
}

bool roster_group_next(mn_str *groups, mn_str *name)
{
    size_t n;

    if (groups->n < 2 || (n = u16_at(groups->p)) > groups->n - 2)
        return false;
    *name = (mn_str){groups->p + 2, n};
    *groups = mn_str_skip(*groups, 2 + n);
    return true;
}

void roster_item_elem(struct mn_arena *a, struct mn_elem *query, const struct roster_item *item,
                      bool removed)
{
    static const char *const names[] = {"none", "to", "from", "both"};
    struct mn_elem *e = mn_elem_add(a, query, MN_NS_ROSTER, "item");
    mn_str groups = item->groups, group;

    mn_elem_set(a, e, "jid", mn_arena_str(a, item->jid));
    if (removed) {
        mn_elem_set(a, e, "subscription", MN_STR("remove"));
        return;
    }
    if (item->name.p)
        mn_elem_set(a, e, "name", mn_arena_str(a, item->name));
    mn_elem_set(a, e, "subscription", mn_str_from(names[item->flags & (ROSTER_TO | ROSTER_FROM)]));
    if (item->flags & ROSTER_PENDING_OUT)
        mn_elem_set(a, e, "ask", MN_STR("subscribe"));
    if (item->flags & ROSTER_APPROVED)
        mn_elem_set(a, e, "approved", MN_STR("true"));
    while (roster_group_next(&groups, &group))
        mn_elem_add_text(a, e, MN_NS_ROSTER, "group", mn_arena_str(a, group));
}

/* RFC 6121, 3 and appendix A, as flags instead of nine names. */

/* The new flags into place; a push when something changed that an item shows. */
static unsigned changed(unsigned *flags, unsigned now)
{
    unsigned was = *flags;

    *flags = now;
    return (was ^ now) & ~(unsigned)ROSTER_PENDING_IN && (was | now) & ROSTER_LISTED ? ROSTER_PUSH
                                                                                     : 0;
}

unsigned roster_outbound(enum mn_type type, bool preapproval, unsigned *flags)
{
    unsigned f = *flags, acts = 0;

    switch (type) {
    case MN_TYPE_SUBSCRIBE: /* A.2.1: always routed; ask is set unless we have the subscription */
        if (!(f & ROSTER_TO))
            f |= ROSTER_PENDING_OUT | ROSTER_LISTED;
        acts = ROSTER_ROUTE;
        break;
    case MN_TYPE_UNSUBSCRIBE: /* A.2.2 */
        f &= ~(unsigned)(ROSTER_TO | ROSTER_PENDING_OUT);
        acts = ROSTER_ROUTE;
        break;
    case MN_TYPE_SUBSCRIBED: /* A.2.3: grants what was asked; asked for nothing, it is a
                                pre-approval (3.4) */
        if (f & ROSTER_PENDING_IN) {
            f = (f & ~(unsigned)ROSTER_PENDING_IN) | ROSTER_FROM | ROSTER_LISTED;
            acts = ROSTER_ROUTE | ROSTER_FORGET;
        } else if (!(f & ROSTER_FROM) && preapproval) {
            f |= ROSTER_APPROVED | ROSTER_LISTED;
        }
        break;
    case MN_TYPE_UNSUBSCRIBED: /* A.2.4: takes back a subscription, refuses a request, or cancels a
                                  pre-approval */
        if (f & (ROSTER_FROM | ROSTER_PENDING_IN))
            acts = ROSTER_ROUTE | ROSTER_FORGET;
        f &= ~(unsigned)(ROSTER_FROM | ROSTER_PENDING_IN | ROSTER_APPROVED);
        break;
    default:
        break;
    }
    return acts | changed(flags, f);
}

unsigned roster_inbound(enum mn_type type, unsigned *flags)
{
    unsigned f = *flags, acts = 0;

    switch (type) {
    case MN_TYPE_SUBSCRIBE: /* A.3.1 */
        if (f & ROSTER_FROM) {
            acts = ROSTER_REPLY;
        } else if (f & ROSTER_APPROVED) {
            f = (f & ~(unsigned)(ROSTER_APPROVED | ROSTER_PENDING_IN)) | ROSTER_FROM;
            acts = ROSTER_REPLY;
        } else {
            f |= ROSTER_PENDING_IN;
            acts = ROSTER_KEEP | (*flags & ROSTER_PENDING_IN ? 0 : ROSTER_ROUTE);
        }
        break;
    case MN_TYPE_UNSUBSCRIBE: /* A.3.2 */
        if (f & (ROSTER_FROM | ROSTER_PENDING_IN))
            acts = ROSTER_FORGET | ROSTER_ROUTE | ROSTER_REPLY;
        f &= ~(unsigned)(ROSTER_FROM | ROSTER_PENDING_IN);
        break;
    case MN_TYPE_SUBSCRIBED: /* A.3.3: only what we asked for */
        if (f & ROSTER_PENDING_OUT) {
            f = (f & ~(unsigned)ROSTER_PENDING_OUT) | ROSTER_TO;
            acts = ROSTER_ROUTE;
        }
        break;
    case MN_TYPE_UNSUBSCRIBED: /* A.3.4 */
        if (f & (ROSTER_TO | ROSTER_PENDING_OUT))
            acts = ROSTER_ROUTE;
        f &= ~(unsigned)(ROSTER_TO | ROSTER_PENDING_OUT);
        break;
    default:
        break;
    }
    return acts | changed(flags, f);
}

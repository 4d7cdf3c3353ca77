#include "server/unheard.h"

#include "base/map.h"
#include "server/session.h"

enum { MOST = 64 }; /* in a list: the newest */

struct unheard {
    struct unheard *next;
    uint64_t hash, id;
    struct session *of; /* a reference, once it has ended */
    uint32_t seq;
};

static void push(struct unheard_list *l, struct unheard *e)
{
    e->next = NULL;
    if (l->last)
        l->last->next = e;
    else
        l->first = e;
    l->last = e;
    l->count++;
}

static struct unheard *pop(struct unheard_list *l)
{
    struct unheard *e = l->first;

    l->first = e->next;
    if (!l->first)
        l->last = NULL;
    l->count--;
    return e;
}

static void entry_free(struct unheard *e)
{
    if (e->of)
        session_unref(e->of);
    mn_free(e);
}

void unheard_free(struct unheard_list *l)
{
    while (l->first)
        entry_free(pop(l));
}

static void add(struct unheard_list *l, struct unheard *e)
{
    push(l, e);
    if (l->count > MOST)
        entry_free(pop(l));
}

/* Entries for which `goes` says so leave, the others keep their order. */
static void sift(struct unheard_list *l, bool (*goes)(void *arg, const struct unheard *e),
                 void *arg)
{
    struct unheard_list left = {0};

    while (l->first) {
        struct unheard *e = pop(l);

        if (goes(arg, e))
            entry_free(e);
        else
            push(&left, e);
    }
    *l = left;
}

/* Equal for what means the same, however it is written: names, attributes and text in their order.
 */
static uint64_t mix(uint64_t h, mn_str s)
{
    return (h ^ mn_hash(s)) * 0x9e3779b97f4a7c15u;
}

static uint64_t elem_hash(uint64_t h, const struct mn_elem *e)
{
    h = mix(mix(h, e->name), e->ns_uri);
    for (unsigned i = 0; i < e->attr_count; i++)
        h = mix(mix(mix(h, e->attrs[i].ns_uri), e->attrs[i].name), e->attrs[i].value);
    for (const struct mn_node *n = e->first; n; n = n->next)
        h = n->kind == MN_NODE_TEXT ? mix(h, ((const struct mn_text *)n)->text)
                                    : elem_hash(h, (const struct mn_elem *)n);
    return mix(h, MN_STR("")); /* its end */
}

/* The delay that a client adds to what it sends again (XEP-0198, 4) makes no other message of it.
 */
static uint64_t message_hash(const struct mn_stanza *st)
{
    uint64_t h = mix(mix(st->type, st->id), mn_jid_text(&st->to));

    for (const struct mn_elem *e = mn_elem_first(st->elem); e; e = mn_elem_next(e))
        if (!mn_elem_is(e, MN_NS_DELAY, "delay"))
            h = elem_hash(h, e);
    return h;
}

struct wanted {
    const struct session *s;
    uint64_t hash;
    bool found, settled;
};

static bool is_first_copy(void *arg, const struct unheard *e)
{
    struct wanted *w = arg;

    if (w->found || e->hash != w->hash || !mn_jid_eq(&e->of->jid, &w->s->jid))
        return false;
    w->found = true;
    w->settled = (int32_t)(session_settled(e->of) - e->seq) >= 0;
    return true;
}

/* While the first copy is not settled it may still be lost with its commit: rather twice than not
 * at all. */
static bool came_before(const struct session *s, uint64_t hash)
{
    struct wanted w = {s, hash, false, false};

    sift(&s->user->unheard, is_first_copy, &w);
    return w.settled;
}

bool unheard_take(struct session *s, const struct mn_stanza *st)
{
    struct unheard *e;
    uint64_t hash;
    bool before;

    if ((!s->sm && !s->user->unheard.count) || st->type == MN_TYPE_ERROR ||
        !mn_elem_get(mn_elem_child(st->elem, MN_NS_SID, "origin-id"), "id").n)
        return false;
    hash = message_hash(st);
    before = s->user->unheard.count && came_before(s, hash);
    if (s->sm) {
        e = MN_NEW(struct unheard);
        *e = (struct unheard){.hash = hash, .id = mn_hash(st->id), .seq = s->in_count};
        add(&s->unheard, e);
    }
    return before;
}

void unheard_told(struct session *s, uint32_t seq)
{
    while (s->unheard.first && (int32_t)(seq - s->unheard.first->seq) >= 0)
        entry_free(pop(&s->unheard));
}

void unheard_end(struct session *s, struct user *u)
{
    while (s->unheard.first) {
        struct unheard *e = pop(&s->unheard);

        e->of = session_ref(s);
        add(&u->unheard, e);
    }
}

static bool has_id(void *id, const struct unheard *e)
{
    return e->id == *(const uint64_t *)id;
}

void unheard_refused(struct user *u, mn_str id)
{
    uint64_t hash = mn_hash(id);

    sift(&u->unheard, has_id, &hash);
    MN_LIST_EACH(n, &u->sessions)
    sift(&MN_OF(n, struct session, link)->unheard, has_id, &hash);
}

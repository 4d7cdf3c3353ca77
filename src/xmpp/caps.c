#include "xmpp/caps.h"

#include <stdlib.h>

#include "base/codec.h"

/* The string is made of pieces in the order of their keys (as bytes): key, '<', what belongs to it.
 */
struct piece {
    mn_str key, rest;
};
struct pieces {
    struct piece *items;
    size_t count;
};

static int by_key(const void *a, const void *b)
{
    return mn_str_cmp(((const struct piece *)a)->key, ((const struct piece *)b)->key);
}

/* Room for one piece of each child of `e`. */
static struct pieces pieces_of(const struct mn_elem *e, struct mn_arena *a)
{
    size_t n = 0;

    for (const struct mn_elem *c = mn_elem_first(e); c; c = mn_elem_next(c))
        n++;
    return (struct pieces){mn_arena_alloc(a, (n + 1) * sizeof(struct piece)), 0};
}

static void add(struct pieces *p, mn_str key, mn_str rest)
{
    p->items[p->count++] = (struct piece){key, rest};
}

static mn_str joined(struct pieces *p, struct mn_arena *a)
{
    struct mn_buf b = {0};
    mn_str out;

    qsort(p->items, p->count, sizeof *p->items, by_key);
    for (size_t i = 0; i < p->count; i++) {
        mn_buf_str(&b, p->items[i].key);
        mn_buf_c(&b, '<');
        mn_buf_str(&b, p->items[i].rest);
    }
    out = mn_arena_str(a, mn_buf_view(&b));
    mn_buf_free(&b);
    return out;
}

static mn_str values(const struct mn_elem *field, struct mn_arena *a)
{
    struct pieces p = pieces_of(field, a);

    for (const struct mn_elem *v = mn_elem_first(field); v; v = mn_elem_next(v))
        if (mn_elem_is(v, MN_NS_DATA, "value"))
            add(&p, mn_elem_text(v, a), (mn_str){0});
    return joined(&p, a);
}

/* A form counts by its FORM_TYPE (XEP-0128), and not at all where that is missing or not hidden. */
static void add_form(struct pieces *forms, const struct mn_elem *x, struct mn_arena *a)
{
    struct pieces fields = pieces_of(x, a);
    mn_str type = {0};

    for (const struct mn_elem *f = mn_elem_first(x); f; f = mn_elem_next(f)) {
        if (!mn_elem_is(f, MN_NS_DATA, "field"))
            continue;
        if (!mn_str_is(mn_elem_get(f, "var"), "FORM_TYPE"))
            add(&fields, mn_elem_get(f, "var"), values(f, a));
        else if (mn_str_is(mn_elem_get(f, "type"), "hidden"))
            type = mn_elem_child_text(f, MN_NS_DATA, "value", a);
    }
    if (type.n)
        add(forms, type, joined(&fields, a));
}

static mn_str identity(const struct mn_elem *e, struct mn_arena *a)
{
    return mn_arena_fmt(a, "%.*s/%.*s/%.*s/%.*s", MN_ARG(mn_elem_get(e, "category")),
                        MN_ARG(mn_elem_get(e, "type")), MN_ARG(mn_elem_lang(e)),
                        MN_ARG(mn_elem_get(e, "name")));
}

mn_str mn_caps_string(const struct mn_elem *query, struct mn_arena *a)
{
    struct pieces identities = pieces_of(query, a), features = pieces_of(query, a),
                  forms = pieces_of(query, a);

    for (const struct mn_elem *e = mn_elem_first(query); e; e = mn_elem_next(e)) {
        if (mn_elem_is(e, MN_NS_DISCO_INFO, "identity"))
            add(&identities, identity(e, a), (mn_str){0});
        else if (mn_elem_is(e, MN_NS_DISCO_INFO, "feature"))
            add(&features, mn_elem_get(e, "var"), (mn_str){0});
        else if (mn_elem_is(e, MN_NS_DATA, "x"))
            add_form(&forms, e, a);
    }
    return mn_arena_fmt(a, "%.*s%.*s%.*s", MN_ARG(joined(&identities, a)),
                        MN_ARG(joined(&features, a)), MN_ARG(joined(&forms, a)));
}

mn_str mn_caps_ver(const struct mn_elem *query, enum mn_digest d, struct mn_arena *a)
{
    char hash[MN_DIGEST_MAX];
    mn_str s = mn_caps_string(query, a);

    return mn_base64((mn_str){hash, mn_digest_of(d, &s, 1, hash)}, a);
}

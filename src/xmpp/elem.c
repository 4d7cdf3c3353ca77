#include "xmpp/elem.h"

#include "base/err.h"

bool mn_elem_is(const struct mn_elem *e, enum mn_ns ns, const char *name)
{
    return e && e->ns == ns && mn_str_is(e->name, name);
}

mn_str mn_elem_get(const struct mn_elem *e, const char *name)
{
    for (unsigned i = 0; e && i < e->attr_count; i++)
        if (!e->attrs[i].ns_uri.n && mn_str_is(e->attrs[i].name, name))
            return e->attrs[i].value;
    return (mn_str){0};
}

mn_str mn_elem_lang(const struct mn_elem *e)
{
    for (unsigned i = 0; e && i < e->attr_count; i++)
        if (mn_str_is(e->attrs[i].name, "lang") &&
            mn_str_eq(e->attrs[i].ns_uri, mn_ns_uri(MN_NS_XML)))
            return e->attrs[i].value;
    return (mn_str){0};
}

static const struct mn_elem *elem_from(const struct mn_node *n)
{
    while (n && n->kind != MN_NODE_ELEM)
        n = n->next;
    return (const struct mn_elem *)n;
}

const struct mn_elem *mn_elem_first(const struct mn_elem *e)
{
    return e ? elem_from(e->first) : NULL;
}

const struct mn_elem *mn_elem_next(const struct mn_elem *e)
{
    return e ? elem_from(e->node.next) : NULL;
}

const struct mn_elem *mn_elem_child(const struct mn_elem *e, enum mn_ns ns, const char *name)
{
    for (e = mn_elem_first(e); e; e = mn_elem_next(e))
        if (e->ns == ns && (!name || mn_str_is(e->name, name)))
            break;
    return e;
}

mn_str mn_elem_text(const struct mn_elem *e, struct mn_arena *a)
{
    mn_str one = {"", 0};
    size_t n = 0, pieces = 0;
    char *p;

    for (const struct mn_node *c = e ? e->first : NULL; c; c = c->next)
        if (c->kind == MN_NODE_TEXT) {
            one = ((const struct mn_text *)c)->text;
            n += one.n;
            pieces++;
        }
    if (pieces < 2)
        return one;
    p = mn_arena_bytes(a, n);
    n = 0;
    for (const struct mn_node *c = e->first; c; c = c->next)
        if (c->kind == MN_NODE_TEXT) {
            mn_str t = ((const struct mn_text *)c)->text;

            memcpy(p + n, t.p, t.n);
            n += t.n;
        }
    return (mn_str){p, n};
}

mn_str mn_elem_child_text(const struct mn_elem *e, enum mn_ns ns, const char *name,
                          struct mn_arena *a)
{
    const struct mn_elem *c = mn_elem_child(e, ns, name);

    return c ? mn_elem_text(c, a) : (mn_str){0};
}

struct mn_elem *mn_elem_new(struct mn_arena *a, enum mn_ns ns, const char *name)
{
    struct mn_elem *e = MN_ARENA_NEW(a, struct mn_elem);

    e->node.kind = MN_NODE_ELEM;
    e->ns = ns;
    e->ns_uri = mn_ns_uri(ns);
    e->name = mn_str_from(name);
    return e;
}

static void hang(struct mn_elem *parent, struct mn_node *n)
{
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
}

void mn_elem_hang(struct mn_elem *parent, struct mn_elem *child)
{
    child->node.next = NULL;
    hang(parent, &child->node);
}

struct mn_elem *mn_elem_add(struct mn_arena *a, struct mn_elem *parent, enum mn_ns ns,
                            const char *name)
{
    struct mn_elem *e = mn_elem_new(a, ns, name);

    hang(parent, &e->node);
    return e;
}

static void set(struct mn_arena *a, struct mn_elem *e, mn_str name, mn_str ns_uri, mn_str value)
{
    struct mn_attr *attrs;

    if (!value.p)
        value = MN_STR("");
    for (unsigned i = 0; i < e->attr_count; i++)
        if (mn_str_eq(e->attrs[i].name, name) && mn_str_eq(e->attrs[i].ns_uri, ns_uri)) {
            e->attrs[i].value = value;
            return;
        }
    if (e->attr_count % 4 == 0) {
        attrs = mn_arena_alloc(a, (e->attr_count + 4) * sizeof *attrs);
        if (e->attr_count)
            memcpy(attrs, e->attrs, e->attr_count * sizeof *attrs);
        e->attrs = attrs;
    }
    e->attrs[e->attr_count++] = (struct mn_attr){name, value, ns_uri};
}

void mn_elem_set(struct mn_arena *a, struct mn_elem *e, const char *name, mn_str value)
{
    set(a, e, mn_str_from(name), (mn_str){0}, value);
}

void mn_elem_set_lang(struct mn_arena *a, struct mn_elem *e, mn_str lang)
{
    set(a, e, MN_STR("lang"), mn_ns_uri(MN_NS_XML), lang);
}

void mn_elem_put_text(struct mn_arena *a, struct mn_elem *e, mn_str text)
{
    struct mn_text *t = MN_ARENA_NEW(a, struct mn_text);

    t->node.kind = MN_NODE_TEXT;
    t->text = text;
    hang(e, &t->node);
}

struct mn_elem *mn_elem_add_text(struct mn_arena *a, struct mn_elem *parent, enum mn_ns ns,
                                 const char *name, mn_str text)
{
    struct mn_elem *e;

    if (!text.p)
        return NULL;
    e = mn_elem_add(a, parent, ns, name);
    if (text.n)
        mn_elem_put_text(a, e, text);
    return e;
}

struct mn_elem *mn_elem_copy(struct mn_arena *a, const struct mn_elem *e)
{
    struct mn_elem *c = MN_ARENA_NEW(a, struct mn_elem);

    c->node.kind = MN_NODE_ELEM;
    c->ns = e->ns;
    c->name = mn_arena_str(a, e->name);
    c->ns_uri = e->ns < MN_NS_OTHER ? mn_ns_uri(e->ns) : mn_arena_str(a, e->ns_uri);
    for (unsigned i = 0; i < e->attr_count; i++)
        set(a, c, mn_arena_str(a, e->attrs[i].name), mn_arena_str(a, e->attrs[i].ns_uri),
            mn_arena_str(a, e->attrs[i].value));
    for (const struct mn_node *n = e->first; n; n = n->next) {
        if (n->kind == MN_NODE_TEXT)
            mn_elem_put_text(a, c, mn_arena_str(a, ((const struct mn_text *)n)->text));
        else
            mn_elem_hang(c, mn_elem_copy(a, (const struct mn_elem *)n));
    }
    return c;
}

void mn_attr_write(struct mn_buf *b, const struct mn_attr *at, unsigned number)
{
    mn_buf_c(b, ' ');
    if (mn_str_eq(at->ns_uri, mn_ns_uri(MN_NS_XML))) {
        mn_buf_lit(b, "xml:");
    } else if (at->ns_uri.n) {
        mn_buf_fmt(b, "xmlns:ns%u='", number);
        mn_buf_xml(b, at->ns_uri, true);
        mn_buf_fmt(b, "' ns%u:", number);
    }
    mn_buf_str(b, at->name);
    mn_buf_lit(b, "='");
    mn_buf_xml(b, at->value, true);
    mn_buf_c(b, '\'');
}

void mn_elem_write(struct mn_buf *b, const struct mn_elem *e, mn_str outer)
{
    /* That namespace cannot be declared as the default one. */
    mn_str prefix = e->ns == MN_NS_XML ? MN_STR("xml:") : MN_STR("");

    mn_buf_c(b, '<');
    mn_buf_str(b, prefix);
    mn_buf_str(b, e->name);
    if (!prefix.n && !mn_str_eq(e->ns_uri, outer)) {
        mn_buf_lit(b, " xmlns='");
        mn_buf_xml(b, e->ns_uri, true);
        mn_buf_c(b, '\'');
        outer = e->ns_uri;
    }
    for (unsigned i = 0; i < e->attr_count; i++)
        mn_attr_write(b, &e->attrs[i], i);
    if (!e->first) {
        mn_buf_lit(b, "/>");
        return;
    }
    mn_buf_c(b, '>');
    for (const struct mn_node *n = e->first; n; n = n->next) {
        if (n->kind == MN_NODE_TEXT)
            mn_buf_xml(b, ((const struct mn_text *)n)->text, false);
        else
            mn_elem_write(b, (const struct mn_elem *)n, outer);
    }
    mn_buf_lit(b, "</");
    mn_buf_str(b, prefix);
    mn_buf_str(b, e->name);
    mn_buf_c(b, '>');
}

#include "client/elem.h"

#include "base/err.h"
#include "base/num.h"
#include "xmpp/xml.h"

/* Length of the character at `p` when it is UTF-8 and may stand in XML, else 0. */
static size_t good(const unsigned char *p, size_t left)
{
    unsigned c = p[0], n = c < 0x80   ? 1u
                           : c < 0xc2 ? 0u
                           : c < 0xe0 ? 2u
                           : c < 0xf0 ? 3u
                           : c < 0xf5 ? 4u
                                      : 0u;

    if (n == 1)
        return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
    if (!n || n > left)
        return 0;
    c &= 0x7fu >> n;
    for (unsigned i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff ||
        (c >= 0xd800 && c < 0xe000) || (c & 0xfffe) == 0xfffe)
        return 0;
    return n;
}

mn_str elem_clean(struct mn_arena *a, const char *text)
{
    size_t n = strlen(text);
    const unsigned char *p = (const unsigned char *)text, *end = p + n;
    char *out, *to;

    while (p < end && good(p, (size_t)(end - p)))
        p += good(p, (size_t)(end - p));
    if (p == end)
        return (mn_str){mn_arena_cstr(a, (mn_str){text, n}), n};
    out = to = mn_arena_bytes(a, 3 * n + 1);
    for (p = (const unsigned char *)text; p < end;) {
        size_t take = good(p, (size_t)(end - p));

        to = mempcpy(to, take ? (const char *)p : "\xef\xbf\xbd", take ? take : 3);
        p += take ? take : 1;
    }
    *to = 0;
    return (mn_str){out, (size_t)(to - out)};
}

static mn_str kept(struct mn_arena *a, mn_str s)
{
    return s.p ? (mn_str){mn_arena_cstr(a, s), s.n} : s;
}

static mn_str ns_kept(struct mn_arena *a, enum mn_ns ns, mn_str uri)
{
    return ns < MN_NS_OTHER ? mn_ns_uri(ns) : uri.p ? kept(a, uri) : MN_STR("");
}

static void text_add(struct mn_arena *a, struct mn_elem *e, mn_str text)
{
    mn_elem_put_text(a, e, text);
}

struct mynah_elem *elem_from(const struct mn_elem *e, struct mn_arena *a)
{
    struct mynah_elem *c = MN_ARENA_NEW(a, struct mynah_elem);

    c->arena = a;
    c->e.node.kind = MN_NODE_ELEM;
    c->e.ns = e->ns;
    c->e.name = kept(a, e->name);
    c->e.ns_uri = ns_kept(a, e->ns, e->ns_uri);
    c->e.attr_count = e->attr_count;
    c->e.attrs = mn_arena_alloc(a, (e->attr_count + 3) / 4 * 4 * sizeof *c->e.attrs);
    for (unsigned i = 0; i < e->attr_count; i++)
        c->e.attrs[i] = (struct mn_attr){kept(a, e->attrs[i].name), kept(a, e->attrs[i].value),
                                         kept(a, e->attrs[i].ns_uri)};
    for (const struct mn_node *n = e->first; n; n = n->next) {
        if (n->kind == MN_NODE_TEXT)
            text_add(a, &c->e, kept(a, ((const struct mn_text *)n)->text));
        else
            mn_elem_hang(&c->e, &elem_from((const struct mn_elem *)n, a)->e);
    }
    return c;
}

void elem_rename(struct mynah_elem *e, enum mn_ns from, enum mn_ns to)
{
    if (e->e.ns == from) {
        e->e.ns = to;
        e->e.ns_uri = mn_ns_uri(to);
    }
    for (struct mn_node *n = e->e.first; n; n = n->next)
        if (n->kind == MN_NODE_ELEM)
            elem_rename((struct mynah_elem *)n, from, to);
}

/* Reading. */

const char *mynah_elem_name(const struct mynah_elem *e)
{
    return e ? e->e.name.p : NULL;
}

const char *mynah_elem_ns(const struct mynah_elem *e)
{
    return e ? e->e.ns_uri.p : NULL;
}

static bool is(const struct mn_elem *e, const char *name, const char *ns)
{
    return (!name || mn_str_is(e->name, name)) && (!ns || mn_str_is(e->ns_uri, ns));
}

bool mynah_elem_is(const struct mynah_elem *e, const char *name, const char *ns)
{
    return e && is(&e->e, name, ns);
}

const char *mynah_elem_get(const struct mynah_elem *e, const char *name)
{
    if (e && !strcmp(name, "xml:lang"))
        return mn_elem_lang(&e->e).p;
    return mn_elem_get(elem_in(e), name).p;
}

bool mynah_elem_attr(const struct mynah_elem *e, size_t i, const char **name, const char **value)
{
    const struct mn_attr *at;

    if (!e || i >= e->e.attr_count)
        return false;
    at = &e->e.attrs[i];
    *name = mn_str_eq(at->ns_uri, mn_ns_uri(MN_NS_XML)) && mn_str_is(at->name, "lang") ? "xml:lang"
                                                                                       : at->name.p;
    *value = at->value.p;
    return true;
}

const char *mynah_elem_text(const struct mynah_elem *e)
{
    mn_str text;

    if (!e)
        return NULL;
    if (!e->e.first)
        return "";
    text = mn_elem_text(&e->e, e->arena);
    /* One piece ends in NUL already; joined ones have to be copied once more. */
    if (e->e.first == e->e.last)
        return text.p ? text.p : "";
    return mn_arena_cstr(e->arena, text);
}

static const struct mynah_elem *found(const struct mn_node *n, const char *name, const char *ns)
{
    for (; n; n = n->next)
        if (n->kind == MN_NODE_ELEM && is((const struct mn_elem *)n, name, ns))
            return (const struct mynah_elem *)n;
    return NULL;
}

const struct mynah_elem *mynah_elem_child(const struct mynah_elem *e, const char *name,
                                          const char *ns)
{
    return e ? found(e->e.first, name, ns) : NULL;
}

const struct mynah_elem *mynah_elem_next(const struct mynah_elem *e, const char *name,
                                         const char *ns)
{
    return e ? found(e->e.node.next, name, ns) : NULL;
}

bool elem_flag(const struct mynah_elem *e, const char *name)
{
    const char *text = mynah_elem_get(e, name);

    return text && (!strcmp(text, "true") || !strcmp(text, "1"));
}

size_t elem_count(const struct mynah_elem *e, const char *name, const char *ns)
{
    size_t n = 0;

    MYNAH_EACH(child, e, name, ns)
    n++;
    return n;
}

void *elem_room(const struct mynah_elem *e, const char *name, const char *ns, size_t size,
                struct mn_arena *a)
{
    return mn_arena_alloc0(a, (elem_count(e, name, ns) + 1) * size);
}

const struct mynah_elem *elem_nth(const struct mynah_elem *e, const char *name, const char *ns,
                                  size_t i)
{
    const struct mynah_elem *child = i < ELEM_NTH_MAX ? mynah_elem_child(e, name, ns) : NULL;

    while (child && i--)
        child = mynah_elem_next(child, name, ns);
    return child;
}

bool elem_number(const struct mynah_elem *e, const char *name, uint64_t max, uint64_t *out)
{
    const char *text = mynah_elem_get(e, name);

    return text && mn_num_parse(mn_str_from(text), max, out);
}

const char *mynah_elem_child_text(const struct mynah_elem *e, const char *name, const char *ns)
{
    return mynah_elem_text(mynah_elem_child(e, name, ns));
}

const char *mynah_elem_text_in(const struct mynah_elem *e, const char *name, const char *ns,
                               const char *lang)
{
    const struct mynah_elem *best = NULL;
    int rank = 0;

    MYNAH_EACH(child, e, name, ns)
    {
        const char *is = mynah_elem_get(child, "xml:lang");
        int r = is && lang && !strcmp(is, lang) ? 3 : !is ? 2 : 1;

        if (r > rank) {
            best = child;
            rank = r;
        }
    }
    return mynah_elem_text(best);
}

void elem_write(struct mn_buf *b, const struct mynah_elem *e, mn_str outer)
{
    mn_elem_write(b, &e->e, outer);
}

char *mynah_elem_xml(const struct mynah_elem *e)
{
    struct mn_buf b = {0};

    if (!e)
        return NULL;
    elem_write(&b, e, MN_STR(""));
    mn_buf_c(&b, 0);
    return b.p;
}

/* Building: the root's arena stands beside it. */

enum { BLOCK = 2048 }; /* that arena's smallest */

struct root {
    struct mynah_elem elem; /* first */
    struct mn_arena arena;
    size_t *kept, weight; /* counted there; or NULL */
};

static struct root *root_new(void)
{
    struct root *r = MN_NEW(struct root);

    r->elem.arena = &r->arena;
    r->elem.e.node.kind = MN_NODE_ELEM;
    return r;
}

static void belongs(struct mynah_elem *e, mn_str ns)
{
    e->e.ns = mn_ns_find(ns);
    e->e.ns_uri = ns_kept(e->arena, e->e.ns, ns);
}

static void named(struct mynah_elem *e, const char *name, mn_str ns)
{
    e->e.name = elem_clean(e->arena, name);
    belongs(e, ns);
}

struct mynah_elem *mynah_elem_new(const char *name, const char *ns)
{
    struct root *r = root_new();

    named(&r->elem, name, mn_str_from(ns ? ns : "jabber:client"));
    return &r->elem;
}

struct mynah_elem *mynah_elem_copy(const struct mynah_elem *e)
{
    struct root *r;

    if (!e)
        return NULL;
    r = root_new();
    r->elem = *elem_from(&e->e, &r->arena);
    r->elem.e.node.next = NULL;
    return &r->elem;
}

/* About what it takes in memory: few blocks are full. */
static size_t weight(const struct mn_elem *e)
{
    size_t n = sizeof(struct mynah_elem) + e->name.n + e->ns_uri.n;

    for (unsigned i = 0; i < e->attr_count; i++)
        n += sizeof *e->attrs + e->attrs[i].name.n + e->attrs[i].value.n;
    for (const struct mn_node *c = e->first; c; c = c->next)
        n += c->kind == MN_NODE_TEXT ? sizeof(struct mn_text) + ((const struct mn_text *)c)->text.n
                                     : weight((const struct mn_elem *)c);
    return n;
}

size_t elem_weight(const struct mynah_elem *e)
{
    return sizeof(struct root) + BLOCK + weight(&e->e);
}

struct mynah_elem *elem_keep(const struct mynah_elem *e, size_t *kept)
{
    struct root *r = (struct root *)mynah_elem_copy(e);

    r->kept = kept;
    r->weight = elem_weight(e);
    *kept += r->weight;
    return &r->elem;
}

void mynah_elem_free(struct mynah_elem *e)
{
    struct root *r = (struct root *)e;

    if (!r)
        return;
    if (r->kept)
        *r->kept -= r->weight;
    mn_arena_done(&r->arena, NULL);
    mn_free(r);
}

struct mynah_elem *mynah_elem_add(struct mynah_elem *parent, const char *name, const char *ns)
{
    struct mynah_elem *c = MN_ARENA_NEW(parent->arena, struct mynah_elem);

    c->arena = parent->arena;
    c->e.node.kind = MN_NODE_ELEM;
    named(c, name, ns ? mn_str_from(ns) : parent->e.ns_uri);
    mn_elem_hang(&parent->e, &c->e);
    return c;
}

struct mynah_elem *mynah_elem_add_text(struct mynah_elem *parent, const char *name, const char *ns,
                                       const char *text)
{
    struct mynah_elem *c;

    if (!text)
        return NULL;
    c = mynah_elem_add(parent, name, ns);
    mynah_elem_put(c, text);
    return c;
}

void mynah_elem_set(struct mynah_elem *e, const char *name, const char *value)
{
    if (!value)
        return;
    if (!strcmp(name, "xmlns"))
        belongs(e, elem_clean(e->arena, value));
    else if (!strcmp(name, "xml:lang"))
        mn_elem_set_lang(e->arena, &e->e, elem_clean(e->arena, value));
    else
        mn_elem_set(e->arena, &e->e, elem_clean(e->arena, name).p, elem_clean(e->arena, value));
}

void elem_set_number(struct mynah_elem *e, const char *name, uint64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    mynah_elem_set(e, name, text);
}

void mynah_elem_unset(struct mynah_elem *e, const char *name)
{
    const char *has, *value;

    for (size_t i = 0; mynah_elem_attr(e, i, &has, &value); i++)
        if (!strcmp(has, name)) {
            memmove(&e->e.attrs[i], &e->e.attrs[i + 1],
                    (--e->e.attr_count - i) * sizeof *e->e.attrs);
            return;
        }
}

void mynah_elem_drop(struct mynah_elem *e, const char *name, const char *ns)
{
    struct mn_node **slot = &e->e.first, *n;

    e->e.last = NULL;
    while ((n = *slot))
        if (n->kind == MN_NODE_ELEM && is((struct mn_elem *)n, name, ns)) {
            *slot = n->next;
        } else {
            e->e.last = n;
            slot = &n->next;
        }
}

void mynah_elem_put(struct mynah_elem *e, const char *text)
{
    if (text && *text)
        text_add(e->arena, &e->e, elem_clean(e->arena, text));
}

void mynah_elem_hang(struct mynah_elem *parent, struct mynah_elem **child)
{
    if (!child || !*child)
        return;
    mn_elem_hang(&parent->e, &elem_from(&(*child)->e, parent->arena)->e);
    mynah_elem_free(*child);
    *child = NULL;
}

int mynah_elem_parse(const char *xml, struct mynah_elem **out)
{
    static const struct mn_xml_limits limits = {1 << 20, 256, 256};
    struct mn_arena a = {0};
    struct mn_elem *e;
    int code = mn_xml_parse(mn_xml_undeclared(mn_str_from(xml)), &limits, &a, &e);

    *out = NULL;
    if (!code) {
        struct root *r = root_new();

        r->elem = *elem_from(e, &r->arena);
        *out = &r->elem;
    }
    mn_arena_done(&a, NULL);
    return !code ? MYNAH_OK : code == MN_E_LIMIT ? MYNAH_E_LIMIT : MYNAH_E_FORMAT;
}

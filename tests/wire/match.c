/* Patterns: {name} binds a variable at its first use and must be equal afterwards; {!name} is
 * something else; {*} is anything; {?} as the whole value of an attribute is anything or its
 * absence; {*} between elements is any number of them. */
#include "wire/wire.h"

void items_free(struct mn_list *items)
{
    MN_LIST_EACH(n, items)
    {
        struct item *i = MN_OF(n, struct item, link);

        mn_list_del(n);
        mn_arena_done(&i->arena, NULL);
        mn_free(i);
    }
}

const mn_str *var_get(const struct vars *v, mn_str name)
{
    for (size_t i = v->count; i-- > 0;)
        if (mn_str_eq(v->all[i].name, name))
            return &v->all[i].value;
    return NULL;
}

void var_set(struct vars *v, mn_str name, mn_str value)
{
    MN_ASSERT(v->count < MN_COUNT(v->all));
    v->all[v->count++] =
        (struct var){mn_arena_str(&v->arena, name), mn_arena_str(&v->arena, value)};
}

static bool match_var(struct vars *v, mn_str name, mn_str text)
{
    bool other = name.n && name.p[0] == '!';
    const mn_str *bound = var_get(v, mn_str_skip(name, other));

    if (other)
        return bound && text.n && !mn_str_eq(*bound, text);
    if (mn_str_is(name, "*") || mn_str_is(name, "?"))
        return true;
    if (mn_str_is(name, "proof"))
        return v->proof && v->proof(v->arg, text);
    if (bound)
        return mn_str_eq(*bound, text);
    if (!text.n)
        return false; /* a variable stands for something */
    var_set(v, name, text);
    return true;
}

/* A variable takes as little as the rest allows. */
bool match_text(struct vars *v, mn_str pattern, mn_str text)
{
    size_t head = mn_str_find(pattern, '{'), end;
    mn_str name, rest;

    if (head == pattern.n)
        return mn_str_eq(pattern, text);
    if (text.n < head || memcmp(pattern.p, text.p, head))
        return false;
    text = mn_str_skip(text, head);
    pattern = mn_str_skip(pattern, head + 1);
    end = mn_str_find(pattern, '}');
    name = (mn_str){pattern.p, end};
    rest = mn_str_skip(pattern, end + 1);
    for (size_t n = rest.n ? 0 : text.n; n <= text.n; n++) {
        size_t before = v->count;

        if (match_var(v, name, (mn_str){text.p, n}) && match_text(v, rest, mn_str_skip(text, n)))
            return true;
        v->count = before;
    }
    return false;
}

static bool match_attrs(struct vars *v, const struct mn_elem *want, const struct mn_elem *got)
{
    unsigned found = 0;

    for (unsigned i = 0; i < want->attr_count; i++) {
        const struct mn_attr *w = &want->attrs[i], *g = NULL;

        for (unsigned k = 0; k < got->attr_count && !g; k++)
            if (mn_str_eq(got->attrs[k].name, w->name) &&
                mn_str_eq(got->attrs[k].ns_uri, w->ns_uri))
                g = &got->attrs[k];
        if (!g && mn_str_is(w->value, "{?}"))
            continue;
        if (!g || !match_text(v, w->value, g->value))
            return false;
        found++;
    }
    return found == got->attr_count;
}

static bool match_elem(struct vars *v, const struct mn_elem *want, const struct mn_elem *got);

/* White space between elements is nobody's. */
static const struct mn_node *real(const struct mn_node *n)
{
    while (n && n->kind == MN_NODE_TEXT && mn_str_is_space(((const struct mn_text *)n)->text))
        n = n->next;
    return n;
}

static bool match_nodes(struct vars *v, const struct mn_node *want, const struct mn_node *got)
{
    size_t before = v->count;
    mn_str text;

    want = real(want);
    if (!want)
        return !real(got);
    if (want->kind == MN_NODE_TEXT) {
        text = mn_str_trim(((const struct mn_text *)want)->text);
        if (mn_str_is(text, "{*}")) {
            for (;; got = got->next) {
                if (match_nodes(v, want->next, got))
                    return true;
                v->count = before;
                if (!got)
                    return false;
            }
        }
    }
    got = real(got);
    if (!got || want->kind != got->kind)
        return false;
    if (want->kind == MN_NODE_TEXT
            ? !match_text(v, text, mn_str_trim(((const struct mn_text *)got)->text))
            : !match_elem(v, (const struct mn_elem *)want, (const struct mn_elem *)got))
        return false;
    return match_nodes(v, want->next, got->next);
}

static bool match_content(struct vars *v, const struct mn_elem *want, const struct mn_elem *got)
{
    struct mn_arena a = {0};
    bool same;

    if (mn_elem_first(want) || !want->first)
        return match_nodes(v, want->first, got->first);
    if (mn_str_is(mn_str_trim(mn_elem_text(want, &a)), "{*}"))
        return true;
    same = !mn_elem_first(got) && match_text(v, mn_elem_text(want, &a), mn_elem_text(got, &a));
    mn_arena_done(&a, NULL);
    return same;
}

static bool match_elem(struct vars *v, const struct mn_elem *want, const struct mn_elem *got)
{
    return mn_str_eq(want->name, got->name) && mn_str_eq(want->ns_uri, got->ns_uri) &&
           match_attrs(v, want, got) && match_content(v, want, got);
}

bool match_item(struct vars *v, const struct item *want, const struct item *got, bool exactly)
{
    size_t before = v->count;
    bool same = want->what == got->what;

    if (same && want->what == MN_XML_OPEN)
        same = mn_str_eq(want->xml.default_ns, got->xml.default_ns);
    if (same && exactly)
        same = mn_str_eq(want->xml.elem->name, got->xml.elem->name) &&
               match_attrs(v, want->xml.elem, got->xml.elem) &&
               mn_str_eq(want->xml.inner, got->xml.inner);
    else if (same && want->what != MN_XML_CLOSE)
        same = match_elem(v, want->xml.elem, got->xml.elem);
    if (!same)
        v->count = before;
    return same;
}

bool items_parse(mn_str text, struct mn_list *items)
{
    static const struct mn_xml_limits limits = {64 << 20, 1000, 1000};
    static const mn_str around = MN_STR(
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
    struct mn_xml *x = mn_xml_new(&limits);
    bool opens =
        mn_str_starts(text, MN_STR("<?xml")) || mn_str_starts(text, MN_STR("<stream:stream"));
    struct mn_buf b = {0};
    int e;

    if (!opens)
        mn_buf_str(&b, around);
    mn_buf_str(&b, text);
    mn_xml_feed(x, mn_buf_view(&b));
    for (;;) {
        struct item *i = MN_NEW(struct item);

        e = mn_xml_next(x, &i->arena, &i->xml);
        if (e <= 0 || (e == MN_XML_OPEN && !opens)) {
            mn_arena_done(&i->arena, NULL);
            mn_free(i);
            if (e <= 0)
                break;
            continue;
        }
        i->what = (enum mn_xml_what)e;
        mn_list_add(items, &i->link);
        if (e == MN_XML_CLOSE)
            break;
    }
    if (!e && mn_xml_held(x))
        e = MN_E_XML; /* begun and not ended */
    mn_xml_keep(x);
    mn_xml_free(x);
    mn_buf_free(&b);
    return e == 0 || e == MN_XML_CLOSE;
}

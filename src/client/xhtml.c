/* XEP-0071: what of a formatted text may be shown. Whatever is not in the tables goes; the text
 * inside it stays, but for scripts and the like, of which nothing stays. */
#include "client/elem.h"
#include "mynah/payload.h"

#define NS_IM "http://jabber.org/protocol/xhtml-im"
#define NS_XHTML "http://www.w3.org/1999/xhtml"

static const struct {
    const char *name, *attrs[5];
} allowed[] = {
    {"a", {"href", "style", "type"}},
    {"blockquote", {"style"}},
    {"body", {"style", "xml:lang"}},
    {"br", {NULL}},
    {"cite", {"style"}},
    {"em", {NULL}},
    {"img", {"alt", "height", "src", "style"}},
    {"li", {"style"}},
    {"ol", {"style"}},
    {"p", {"style"}},
    {"span", {"style"}},
    {"strong", {NULL}},
    {"ul", {"style"}},
};
static const char *const silent[] = {"script", "style", "object", "applet",
                                     "iframe", "head",  "title"};
static const char *const schemes[] = {"http:", "https:", "mailto:", "xmpp:", "ftp:"};
static const char *const styles[] = {
    "background-color", "color",       "font-family",  "font-size",  "font-style",
    "font-weight",      "margin-left", "margin-right", "text-align", "text-decoration"};

static bool listed(mn_str s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n && list[i]; i++)
        if (mn_str_eq_nocase(s, mn_str_from(list[i])))
            return true;
    return false;
}

static bool is_link(mn_str url)
{
    for (size_t i = 0; i < MN_COUNT(schemes); i++) {
        size_t n = strlen(schemes[i]);

        if (url.n > n && mn_str_eq_nocase((mn_str){url.p, n}, mn_str_from(schemes[i])))
            return true;
    }
    return false;
}

/* The declarations that may stay; none that could fetch or compute something. */
static mn_str style_clean(mn_str s, struct mn_buf *out)
{
    while (s.n) {
        mn_str value, one = mn_str_cut(s, ';', &s),
                      name = mn_str_trim(mn_str_cut(one, ':', &value));

        value = mn_str_trim(value);
        if (!value.n || !listed(name, styles, MN_COUNT(styles)) ||
            mn_str_find(value, '(') < value.n || mn_str_find(value, '\\') < value.n)
            continue;
        if (out->n)
            mn_buf_lit(out, "; ");
        mn_buf_str(out, name);
        mn_buf_lit(out, ": ");
        mn_buf_str(out, value);
    }
    return mn_buf_view(out);
}

/* XHTML has no HREF; who shows it as HTML has. */
static bool may_have(const char *const *attrs, size_t n, const char *name)
{
    for (size_t i = 0; i < n && attrs[i]; i++)
        if (!strcmp(attrs[i], name))
            return true;
    return false;
}

static void attr_copy(struct mynah_elem *to, const char *name, const char *value)
{
    struct mn_buf b = {0};

    if ((!strcmp(name, "href") || !strcmp(name, "src")) && !is_link(mn_str_from(value)))
        return;
    if (!strcmp(name, "style")) {
        if (style_clean(mn_str_from(value), &b).n) {
            mn_buf_c(&b, 0);
            mynah_elem_set(to, name, b.p);
        }
        mn_buf_free(&b);
        return;
    }
    mynah_elem_set(to, name, value);
}

static void copy(struct mynah_elem *to, const struct mynah_elem *e);

static void children_copy(struct mynah_elem *to, const struct mynah_elem *e)
{
    for (const struct mn_node *n = e->e.first; n; n = n->next) {
        if (n->kind == MN_NODE_TEXT)
            mynah_elem_put(to, ((const struct mn_text *)n)->text.p);
        else
            copy(to, (const struct mynah_elem *)n);
    }
}

static void copy(struct mynah_elem *to, const struct mynah_elem *e)
{
    mn_str name = e->e.name;

    if (listed(name, silent, MN_COUNT(silent)))
        return;
    for (size_t i = 0; i < MN_COUNT(allowed); i++) {
        const char *attr, *value;
        struct mynah_elem *c;

        if (!mynah_elem_is(e, allowed[i].name, NS_XHTML))
            continue;
        c = mynah_elem_add(to, allowed[i].name, NULL);
        for (size_t k = 0; mynah_elem_attr(e, k, &attr, &value); k++)
            if (may_have(allowed[i].attrs, MN_COUNT(allowed[i].attrs), attr))
                attr_copy(c, attr, value);
        children_copy(c, e);
        return;
    }
    children_copy(to, e);
}

void mynah_xhtml_add(struct mynah_elem *m, struct mynah_elem **body)
{
    struct mynah_elem *html = mynah_elem_add(m, "html", NS_IM),
                      *b = mynah_elem_add(html, "body", NS_XHTML);

    if (*body)
        children_copy(b, *body);
    mynah_elem_free(*body);
    *body = NULL;
}

struct mynah_elem *mynah_xhtml(const struct mynah_elem *m)
{
    const struct mynah_elem *body =
        mynah_elem_child(mynah_elem_child(m, "html", NS_IM), "body", NS_XHTML);
    struct mynah_elem *root, *made;

    if (!body)
        return NULL;
    root = mynah_elem_new("html", NS_XHTML);
    copy(root, body);
    made = mynah_elem_copy(mynah_elem_child(root, "body", NULL));
    mynah_elem_free(root);
    return made;
}

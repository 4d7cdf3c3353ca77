/* Two steps. The scanner walks over bytes as they come and only looks for the end of the current
 * top-level element; its state is a few numbers. When the end is there, the element's bytes are
 * copied once into the arena, and the parser goes over that copy, which checks everything and
 * builds the tree out of slices of it. */
#include "xmpp/xml_parts.h"

static void tags_free(struct mn_xml *x)
{
    mn_free(x->tags);
    x->tags = NULL;
}

struct mn_xml *mn_xml_new(const struct mn_xml_limits *limits)
{
    struct mn_xml *x = MN_NEW(struct mn_xml);

    x->limits = *limits;
    return x;
}

void mn_xml_free(struct mn_xml *x)
{
    if (!x)
        return;
    tags_free(x);
    mn_buf_free(&x->own);
    mn_free(x->outer);
    mn_free(x);
}

void mn_xml_limit(struct mn_xml *x, const struct mn_xml_limits *limits)
{
    x->limits = *limits;
}

static mn_str current(const struct mn_xml *x)
{
    return mn_str_skip(x->own.n ? mn_buf_view(&x->own) : x->lent, x->used);
}

void mn_xml_restart(struct mn_xml *x)
{
    tags_free(x);
    mn_free(x->outer);
    x->outer = NULL;
    x->outer_count = 0;
    x->open = x->begun = x->closing = x->slash = false;
    x->scan = 0;
    x->depth = 0;
    x->scanned = 0;
    x->dead = 0;
}

void mn_xml_drop(struct mn_xml *x)
{
    tags_free(x);
    x->lent = (mn_str){0};
    mn_buf_free(&x->own);
    x->used = x->scanned = 0;
    x->scan = 0;
    x->depth = 0;
}

void mn_xml_feed(struct mn_xml *x, mn_str bytes)
{
    MN_ASSERT(!x->lent.n);
    if (x->own.n) {
        mn_buf_shift(&x->own, x->used);
        x->used = 0;
        mn_buf_str(&x->own, bytes);
        if (x->own.n)
            return;
    }
    x->lent = bytes;
    x->used = 0;
}

void mn_xml_keep(struct mn_xml *x)
{
    mn_str rest = current(x);

    if (x->own.n && rest.n) {
        mn_buf_shift(&x->own, x->used);
    } else if (rest.n) {
        mn_buf_str(&x->own, rest);
    } else {
        mn_buf_free(&x->own);
    }
    x->lent = (mn_str){0};
    x->used = 0;
}

bool mn_xml_busy(const struct mn_xml *x)
{
    return x->depth > 0 || x->scan != 0;
}

size_t mn_xml_held(const struct mn_xml *x)
{
    return current(x).n;
}

int mn_xml_next(struct mn_xml *x, struct mn_arena *a, struct mn_xml_item *out)
{
    mn_str in = current(x);
    size_t whole = 0;
    int what, e = MN_E_OK;

    *out = (struct mn_xml_item){0};
    if (x->dead)
        return x->dead;
    if (x->open && x->closing)
        return MN_XML_CLOSE;
    /* White space between elements is used up at once, so that keep-alives are never held. Before
     * a header it may be left over from the stream before. */
    if (!x->scanned) {
        size_t space = 0;

        while (space < in.n && SPACE(in.p[space]))
            space++;
        x->used += space;
        in = mn_str_skip(in, space);
    }
    if (!in.n)
        return MN_XML_NOTHING;
    what = xml_scan(x, in, &whole);
    if (!what && x->depth && !xml_match(x, in, &whole))
        what = MN_XML_ELEM; /* it is none: the parser says why */
    if (whole > x->limits.bytes)
        what = MN_E_LIMIT;
    if (what == MN_XML_OPEN)
        e = xml_parse_open(x, (mn_str){in.p, whole}, a, out);
    else if (what == MN_XML_ELEM)
        e = xml_parse_elem(x, (mn_str){in.p, whole}, a, out);
    else if (what == MN_XML_CLOSE)
        x->closing = true;
    if (what < 0 || e) {
        x->dead = (int8_t)(what < 0 ? what : e);
        return x->dead;
    }
    if (what) {
        tags_free(x);
        x->used += whole;
        x->scanned = 0;
        x->open = true;
    }
    return what;
}

int mn_xml_parse(mn_str text, const struct mn_xml_limits *limits, struct mn_arena *a,
                 struct mn_elem **out)
{
    struct mn_xml x = {.limits = *limits, .open = true, .begun = true};
    struct mn_xml_item item, more;
    int what;

    mn_xml_feed(&x, text);
    what = mn_xml_next(&x, a, &item);
    if (what == MN_XML_ELEM) {
        int rest = mn_xml_next(&x, a, &more);

        *out = item.elem;
        what = rest == MN_XML_NOTHING && !mn_xml_busy(&x) ? MN_E_OK : MN_E_XML;
    } else if (what >= 0) {
        what = MN_E_XML;
    }
    tags_free(&x);
    mn_buf_free(&x.own);
    return what;
}

mn_str mn_xml_undeclared(mn_str text)
{
    mn_str head = MN_STR("<?xml "), rest;

    if (mn_str_starts(text, MN_STR("\xef\xbb\xbf")))
        text = mn_str_skip(text, 3);
    if (!mn_str_starts(text, head))
        return text;
    mn_str_cut(text, '>', &rest);
    return rest;
}

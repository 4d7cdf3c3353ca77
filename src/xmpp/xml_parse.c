/* The parser goes over an element that is whole, in a copy with zeros behind it: it checks
 * everything and builds the tree out of slices of that copy. */
#include "xmpp/xml_parts.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* One character of UTF-8 that XML allows; its length, or 0. */
static size_t utf8(const char *at, const char *end, uint32_t *out)
{
    const unsigned char *s = (const unsigned char *)at;
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;
    uint32_t c;

    if (!n || (size_t)(end - at) < n)
        return 0;
    c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) ||
        (c >= 0xd800 && c < 0xe000) || c == 0xfffe || c == 0xffff)
        return 0;
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
        return 0;
    *out = c;
    return n;
}

/* XML 1.0, fifth edition, productions 4 and 4a, beyond ASCII. */
static bool name_char(uint32_t c, bool start)
{
    static const struct {
        uint32_t from, to;
        bool start;
    } ranges[] = {
        {0xb7, 0xb7, 0},     {0xc0, 0xd6, 1},     {0xd8, 0xf6, 1},       {0xf8, 0x2ff, 1},
        {0x300, 0x36f, 0},   {0x370, 0x37d, 1},   {0x37f, 0x1fff, 1},    {0x200c, 0x200d, 1},
        {0x203f, 0x2040, 0}, {0x2070, 0x218f, 1}, {0x2c00, 0x2fef, 1},   {0x3001, 0xd7ff, 1},
        {0xf900, 0xfdcf, 1}, {0xfdf0, 0xfffd, 1}, {0x10000, 0xeffff, 1},
    };

    for (size_t i = 0; i < MN_COUNT(ranges); i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return ranges[i].start || !start;
    return false;
}

enum { FRAMES = 16, BINDINGS = 24, ATTRS = 12 };

struct frame {
    struct mn_elem *elem;
    mn_str tag; /* as written, for the end tag */
    unsigned bindings, named;
};

struct raw_attr {
    mn_str prefix;
    struct mn_attr attr;
};

struct parser {
    const char *at, *end;
    struct mn_arena *a;
    const struct mn_xml_limits *limits;
    struct frame *frames, frames_here[FRAMES];
    unsigned depth, frame_cap;
    struct binding *bindings, bindings_here[BINDINGS];
    unsigned binding_count, binding_cap,
        outside; /* outside: how many are declared around the payload */
    struct raw_attr *attrs, attrs_here[ATTRS];
    unsigned attr_count, attr_cap;
    unsigned flags;
    unsigned named; /* attributes with a namespace that hold here: mn_attr_write declares each */
    size_t uris;    /* bytes of namespaces that mn_elem_write has to name */
};

/* Twice the room, in the arena. */
static void *larger(struct mn_arena *a, void *old, unsigned *cap, size_t size)
{
    void *p = mn_arena_alloc(a, *cap * 2 * size);

    memcpy(p, old, *cap * size);
    *cap *= 2;
    return p;
}

static void bind(struct parser *p, mn_str prefix, mn_str uri, enum mn_ns ns)
{
    if (p->binding_count == p->binding_cap)
        p->bindings = larger(p->a, p->bindings, &p->binding_cap, sizeof *p->bindings);
    p->bindings[p->binding_count++] = (struct binding){prefix, uri, ns};
}

static const struct binding *bound(const struct parser *p, mn_str prefix)
{
    for (unsigned i = p->binding_count; i-- > 0;)
        if (mn_str_eq(p->bindings[i].prefix, prefix))
            return &p->bindings[i];
    return NULL;
}

/* The zeros behind the copy end white space, names and whatever else is looked for in a tag. */
static void skip_space(struct parser *p)
{
    while (SPACE(*p->at))
        p->at++;
}

/* A name without a colon from p->at; false when there is none. */
static bool part(struct parser *p)
{
    const char *from = p->at;
    const unsigned char *at = (const unsigned char *)from;

    if (*at < 0x80 && !(classes[*at] & NAME_START))
        return false;
    for (;;) {
        uint32_t code;
        size_t n;

        while (classes[*at])
            at++;
        p->at = (const char *)at;
        if (*at < 0x80)
            return true;
        n = utf8(p->at, p->end, &code);
        if (!n || !name_char(code, p->at == from))
            return false;
        at += n;
    }
}

/* A name with at most one colon, split there. The tag as written lies between where it began and
 * p->at. */
static bool name(struct parser *p, mn_str *prefix, mn_str *local)
{
    const char *from = p->at;

    *prefix = (mn_str){from, 0};
    if (!part(p))
        return false;
    if (*p->at == ':') {
        prefix->n = (size_t)(p->at - from);
        from = ++p->at;
        if (!part(p) || *p->at == ':')
            return false;
    }
    *local = (mn_str){from, (size_t)(p->at - from)};
    return true;
}

/* Up to the next byte that needs a look: `stop`, '<', '&', ']' (text), controls and everything
 * beyond ASCII. At least 16 bytes may be read behind the end (the copy in the arena has them). */
static const char *plain_run(const char *at, char stop)
{
#ifdef __SSE2__
    const __m128i s = _mm_set1_epi8(stop), lt = _mm_set1_epi8('<'), amp = _mm_set1_epi8('&');
    const __m128i low = _mm_set1_epi8(0x20);

    for (;; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)at);
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, s), _mm_cmpeq_epi8(v, lt)),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, amp), _mm_cmplt_epi8(v, low)));
        int mask = _mm_movemask_epi8(hit);

        if (mask)
            return at + __builtin_ctz((unsigned)mask);
    }
#else
    while (*at != stop && *at != '<' && *at != '&' && (signed char)*at >= 0x20)
        at++;
    return at;
#endif
}

/* One reference from `at` ('&'); its text goes to `out` (at most 4 bytes); NULL when it is none
 * that XMPP allows. */
static const char *reference(const char *at, const char *end, char *out, size_t *n, int *error)
{
    static const struct {
        mn_str name;
        char c;
    } known[] = {{MN_STR("lt;"), '<'},
                 {MN_STR("gt;"), '>'},
                 {MN_STR("amp;"), '&'},
                 {MN_STR("quot;"), '"'},
                 {MN_STR("apos;"), '\''}};
    const char *semi = find(at, end, ';');
    mn_str body = {at + 1, (size_t)(semi - at)};
    uint32_t c = 0;
    bool hex;

    *error = MN_E_XML;
    if (semi == end)
        return NULL;
    for (size_t i = 0; i < MN_COUNT(known); i++)
        if (mn_str_eq(known[i].name, body)) {
            out[0] = known[i].c;
            *n = 1;
            return semi + 1;
        }
    if (body.p[0] != '#') {
        /* A well-formed name is an entity that XMPP forbids. */
        if ((unsigned char)body.p[0] < 0x80 && classes[(unsigned char)body.p[0]] & NAME_START)
            *error = MN_E_RESTRICTED;
        return NULL;
    }
    hex = body.n > 1 && body.p[1] == 'x';
    body = mn_str_skip(body, hex ? 2 : 1);
    body.n--;
    if (!body.n)
        return NULL;
    for (size_t i = 0; i < body.n; i++) {
        unsigned char ch = (unsigned char)body.p[i];
        unsigned d = ch >= '0' && ch <= '9'                        ? ch - 48u
                     : hex && (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (ch | 32) - 'a' + 10u
                                                                   : 99;

        if (d == 99)
            return NULL;
        c = c * (hex ? 16 : 10) + d;
        if (c > 0x10ffff)
            return NULL;
    }
    if (c < 0x80) {
        out[0] = (char)c;
        *n = 1;
    } else if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        *n = 2;
    } else if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        *n = 3;
    } else {
        out[0] = (char)(0xf0 | c >> 18);
        out[1] = (char)(0x80 | (c >> 12 & 0x3f));
        out[2] = (char)(0x80 | (c >> 6 & 0x3f));
        out[3] = (char)(0x80 | (c & 0x3f));
        *n = 4;
    }
    return utf8(out, out + *n, &c) == *n ? semi + 1 : NULL;
}

/* References and line ends resolved (and white space made spaces in attributes), into the arena. */
static int decoded(struct parser *p, mn_str raw, bool attr, bool cdata, mn_str *out)
{
    const char *at = raw.p, *end = raw.p + raw.n;
    char *to = mn_arena_bytes(p->a, raw.n), *begin = to;
    int error;

    while (at < end) {
        if (*at == '&' && !cdata) {
            size_t n;

            at = reference(at, end, to, &n, &error);
            if (!at)
                return error;
            to += n;
        } else if (*at == '\r') {
            at += at + 1 < end && at[1] == '\n' ? 2 : 1;
            *to++ = attr ? ' ' : '\n';
        } else if (attr && (*at == '\n' || *at == '\t')) {
            at++;
            *to++ = ' ';
        } else {
            *to++ = *at++;
        }
    }
    *out = (mn_str){begin, (size_t)(to - begin)};
    return MN_E_OK;
}

/* Character data up to `stop` ('<' for text; a quote for values), checked; *rework: it has to be
 * decoded. */
static int run(struct parser *p, char stop, bool *rework, mn_str *out)
{
    const char *from = p->at;
    bool text = stop == '<';

    *rework = false;
    for (;;) {
        uint32_t code;
        size_t n;

        p->at = plain_run(p->at, text ? ']' : stop);
        if (p->at >= p->end)
            return MN_E_XML;
        if (*p->at == stop) {
            *out = (mn_str){from, (size_t)(p->at - from)};
            return MN_E_OK;
        }
        if (*p->at == '<')
            return MN_E_XML;
        if (*p->at == '&') {
            *rework = true;
            p->at++;
        } else if (*p->at == ']') {
            if (p->end - p->at >= 3 && p->at[1] == ']' && p->at[2] == '>')
                return MN_E_XML;
            p->at++;
        } else {
            n = utf8(p->at, p->end, &code);
            if (!n)
                return MN_E_XML;
            *rework |= code == '\r' || (!text && code < 0x20);
            p->at += n;
        }
    }
}

static int attribute(struct parser *p)
{
    struct raw_attr *r;
    bool rework;
    char quote;
    int e;

    if (p->attr_count == p->limits->attrs)
        return MN_E_LIMIT;
    if (p->attr_count == p->attr_cap)
        p->attrs = larger(p->a, p->attrs, &p->attr_cap, sizeof *p->attrs);
    r = &p->attrs[p->attr_count++];
    if (!name(p, &r->prefix, &r->attr.name))
        return MN_E_XML;
    skip_space(p);
    if (*p->at++ != '=')
        return MN_E_XML;
    skip_space(p);
    quote = *p->at++;
    if (quote != '"' && quote != '\'')
        return MN_E_XML;
    e = run(p, quote, &rework, &r->attr.value);
    if (!e && rework)
        e = decoded(p, r->attr.value, true, false, &r->attr.value);
    r->attr.ns_uri = (mn_str){0};
    p->at++;
    return e;
}

/* A namespace declaration among the attributes. */
static int declare(struct parser *p, const struct raw_attr *r)
{
    mn_str prefix = r->prefix.n ? r->attr.name : (mn_str){r->attr.name.p, 0};
    mn_str uri = r->attr.value;
    bool is_xml = mn_str_eq(prefix, MN_STR("xml"));
    enum mn_ns ns = mn_ns_find(uri);

    if (mn_str_eq(prefix, MN_STR("xmlns")) || (prefix.n && !uri.n) || is_xml != (ns == MN_NS_XML) ||
        mn_str_eq(uri, MN_STR("http://www.w3.org/2000/xmlns/")))
        return MN_E_XML;
    if (p->depth > 0 && (ns == MN_NS_CLIENT || ns == MN_NS_SERVER))
        p->flags |= MN_XML_NOT_ALONE;
    if (!is_xml)
        bind(p, prefix, uri, ns);
    return MN_E_OK;
}

static bool is_declaration(const struct raw_attr *r)
{
    mn_str n = r->prefix.n ? r->prefix : r->attr.name;

    return n.n == 5 && !memcmp(n.p, "xmlns", 5);
}

/* What a prefix stands for here. NULL: nothing. */
static const struct binding *resolve(struct parser *p, mn_str prefix)
{
    static const struct binding xml = {MN_STR("xml"),
                                       MN_STR("http://www.w3.org/XML/1998/namespace"), MN_NS_XML};
    const struct binding *b;

    if (mn_str_eq(prefix, MN_STR("xml")))
        return &xml;
    b = bound(p, prefix);
    if (b && prefix.n && p->depth > 0 && (unsigned)(b - p->bindings) < p->outside)
        p->flags |= MN_XML_NOT_ALONE;
    return b;
}

/* The attributes that are no declarations, resolved and without doubles. */
static int settle_attrs(struct parser *p, struct mn_elem *e)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->attr_count; i++) {
        struct raw_attr *r = &p->attrs[i];

        if (is_declaration(r))
            continue;
        if (r->prefix.n) {
            const struct binding *b = resolve(p, r->prefix);

            if (!b)
                return MN_E_XML;
            r->attr.ns_uri = b->uri;
            p->named += b->ns != MN_NS_XML;
            p->uris += b->ns == MN_NS_XML ? 0 : b->uri.n;
        }
        e->attrs[n] = r->attr;
        for (unsigned k = 0; k < n; k++)
            if (mn_str_eq(e->attrs[k].name, r->attr.name) &&
                mn_str_eq(e->attrs[k].ns_uri, r->attr.ns_uri))
                return MN_E_XML;
        n++;
    }
    e->attr_count = n;
    return MN_E_OK;
}

static int declarations(struct parser *p)
{
    for (unsigned i = 0; i < p->attr_count; i++) {
        const struct raw_attr *r = &p->attrs[i];
        int e;

        if (!is_declaration(r))
            continue;
        for (unsigned k = 0; k < i; k++)
            if (mn_str_eq(p->attrs[k].prefix, r->prefix) &&
                mn_str_eq(p->attrs[k].attr.name, r->attr.name))
                return MN_E_XML;
        if ((e = declare(p, r)))
            return e;
    }
    return MN_E_OK;
}

/* Each prefix is looked for among those that hold: they must not be many for many elements, neither
 * here nor for who reads what is written anew. */
static bool too_many(const struct parser *p)
{
    return p->binding_count - p->outside + p->named > 2 * p->limits->attrs;
}

static void hang(struct mn_elem *parent, struct mn_node *n)
{
    n->next = NULL;
    if (parent->last)
        ((struct mn_node *)parent->last)->next = n;
    else
        parent->first = n;
    parent->last = n;
}

static void push(struct parser *p, struct mn_elem *e, mn_str tag, unsigned bindings, unsigned named)
{
    if (p->depth == p->frame_cap)
        p->frames = larger(p->a, p->frames, &p->frame_cap, sizeof *p->frames);
    p->frames[p->depth++] = (struct frame){e, tag, bindings, named};
}

/* A start tag behind its '<'. *closed: it was <x/>. */
static int start_tag(struct parser *p, struct mn_elem **out, bool *closed)
{
    struct mn_elem *e = mn_arena_alloc(p->a, sizeof *e);
    const char *from = p->at;
    unsigned bindings = p->binding_count, named = p->named;
    const struct binding *b;
    mn_str prefix, tag;
    int err;

    *e = (struct mn_elem){.node.kind = MN_NODE_ELEM};
    if (!name(p, &prefix, &e->name))
        return MN_E_XML;
    tag = (mn_str){from, (size_t)(p->at - from)};
    p->attr_count = 0;
    for (;;) {
        bool space = SPACE(*p->at);

        skip_space(p);
        if (*p->at == '>' || *p->at == '/')
            break;
        if (!space)
            return MN_E_XML;
        if ((err = attribute(p)))
            return err;
    }
    *closed = *p->at == '/';
    p->at += *closed;
    if (*p->at++ != '>')
        return MN_E_XML;
    if (p->attr_count) {
        e->attrs = mn_arena_alloc(p->a, p->attr_count * sizeof *e->attrs);
        if ((err = declarations(p)) || (err = settle_attrs(p, e)))
            return err;
        if (too_many(p))
            return MN_E_LIMIT;
    }
    b = resolve(p, prefix);
    if (b) {
        e->ns = b->ns;
        e->ns_uri = b->uri;
    } else if (prefix.n) {
        return MN_E_XML;
    } else {
        e->ns_uri = MN_STR("");
    }
    if (p->depth) {
        struct mn_elem *parent = p->frames[p->depth - 1].elem;

        p->uris += e->ns_uri.p == parent->ns_uri.p ? 0 : e->ns_uri.n;
        hang(parent, &e->node);
    }
    /* A prefix is short and may stand for much: written anew, each element says it in full. What is
     * declared where it is used is among the bytes already. */
    if (p->uris > p->limits->bytes)
        return MN_E_LIMIT;
    if (out)
        *out = e;
    if (!*closed)
        push(p, e, tag, bindings, named);
    else if (p->depth) {
        p->binding_count = bindings;
        p->named = named;
    }
    return MN_E_OK;
}

static int end_tag(struct parser *p)
{
    struct frame *f = &p->frames[p->depth - 1];

    if ((size_t)(p->end - p->at) <= f->tag.n || memcmp(p->at, f->tag.p, f->tag.n))
        return MN_E_XML;
    p->at += f->tag.n;
    skip_space(p);
    if (*p->at++ != '>')
        return MN_E_XML;
    p->binding_count = f->bindings;
    p->named = f->named;
    p->depth--;
    return MN_E_OK;
}

static void add_text(struct parser *p, mn_str text)
{
    struct mn_text *t;

    if (!text.n)
        return;
    t = mn_arena_alloc(p->a, sizeof *t);
    *t = (struct mn_text){{NULL, MN_NODE_TEXT}, text};
    hang(p->frames[p->depth - 1].elem, &t->node);
}

static int cdata(struct parser *p)
{
    const char *from = p->at, *end = p->at;
    mn_str text;
    int e;

    for (;; end++) {
        end = find(end, p->end, ']');
        if (p->end - end < 3)
            return MN_E_XML;
        if (end[1] == ']' && end[2] == '>')
            break;
    }
    for (const char *at = from; at < end;) {
        uint32_t code;
        size_t n = utf8(at, end, &code);

        if (!n)
            return MN_E_XML;
        at += n;
    }
    p->at = end + 3;
    text = (mn_str){from, (size_t)(end - from)};
    if (mn_str_find(text, '\r') < text.n && (e = decoded(p, text, false, true, &text)))
        return e;
    add_text(p, text);
    return MN_E_OK;
}

static int content(struct parser *p, bool *closed)
{
    mn_str text;
    bool rework;
    int e = run(p, '<', &rework, &text);

    if (!e && rework)
        e = decoded(p, text, false, false, &text);
    if (e)
        return e;
    add_text(p, text);
    p->at++;
    if (*p->at == '/') {
        p->at++;
        return end_tag(p);
    }
    if (p->end - p->at > 8 && *p->at == '!') {
        p->at += 8;
        return cdata(p);
    }
    return start_tag(p, NULL, closed);
}

static void parser_init(struct parser *p, const struct mn_xml *x, mn_str copy, struct mn_arena *a)
{
    p->at = copy.p;
    p->end = copy.p + copy.n;
    p->a = a;
    p->limits = &x->limits;
    p->frames = p->frames_here;
    p->frame_cap = FRAMES;
    p->bindings = p->bindings_here;
    p->binding_cap = BINDINGS;
    p->attrs = p->attrs_here;
    p->attr_cap = ATTRS;
    p->depth = p->binding_count = p->outside = p->attr_count = p->flags = 0;
    p->named = 0;
    p->uris = 0;
    for (unsigned i = 0; i < x->outer_count; i++) {
        if (p->binding_count == p->binding_cap)
            p->bindings = larger(a, p->bindings, &p->binding_cap, sizeof *p->bindings);
        p->bindings[p->binding_count++] = x->outer[i];
    }
}

/* A copy with room behind it for reading 16 bytes at a time. */
static mn_str padded(struct mn_arena *a, mn_str s)
{
    char *p = mn_arena_bytes(a, s.n + 16);

    memcpy(p, s.p, s.n);
    memset(p + s.n, 0, 16);
    return (mn_str){p, s.n};
}

int xml_parse_elem(const struct mn_xml *x, mn_str bytes, struct mn_arena *a,
                   struct mn_xml_item *out)
{
    struct parser p;
    const struct binding *plain;
    const char *inner;
    bool closed;
    int e;

    out->raw = padded(a, bytes);
    parser_init(&p, x, out->raw, a);
    p.at++;
    if ((e = start_tag(&p, &out->elem, &closed)))
        return e;
    inner = p.at;
    p.outside = p.binding_count;
    plain = bound(&p, MN_STR(""));
    if (!plain || plain->ns != out->elem->ns ||
        (plain->ns != MN_NS_CLIENT && plain->ns != MN_NS_SERVER))
        p.flags |= MN_XML_NOT_ALONE;
    out->inner = (mn_str){inner, 0};
    while (p.depth) {
        const char *before = p.at;

        if ((e = content(&p, &closed)))
            return e;
        if (!p.depth) {
            const char *last = find(before, p.end, '<');

            out->inner.n = (size_t)(last - inner);
        }
    }
    out->flags = p.flags;
    return p.at == p.end ? MN_E_OK : MN_E_XML;
}

/* The declarations of the header outlive it. */
static void keep_outer(struct mn_xml *x, const struct parser *p)
{
    size_t bytes = 0;
    char *text;

    for (unsigned i = 0; i < p->binding_count; i++)
        bytes += p->bindings[i].prefix.n + p->bindings[i].uri.n;
    x->outer_count = (uint8_t)p->binding_count;
    x->outer = mn_alloc(p->binding_count * sizeof *x->outer + bytes);
    text = (char *)(x->outer + p->binding_count);
    for (unsigned i = 0; i < p->binding_count; i++) {
        struct binding b = p->bindings[i];

        if (b.prefix.n)
            memcpy(text, b.prefix.p, b.prefix.n);
        b.prefix.p = text;
        text += b.prefix.n;
        if (b.ns == MN_NS_OTHER) {
            memcpy(text, b.uri.p, b.uri.n);
            b.uri.p = text;
            text += b.uri.n;
        } else {
            b.uri = mn_ns_uri(b.ns);
        }
        x->outer[i] = b;
    }
}

/* One of the declaration's settings, behind white space; false: it does not come here. */
static bool setting(struct parser *p, const char *name, mn_str *value)
{
    const char *back = p->at;
    size_t n = strlen(name);
    char quote = 0;

    skip_space(p);
    if (p->at > back && (size_t)(p->end - p->at) > n && !memcmp(p->at, name, n)) {
        p->at += n;
        skip_space(p);
        if (*p->at == '=') {
            p->at++;
            skip_space(p);
            quote = *p->at++;
        }
        value->p = p->at;
        while (classes[(unsigned char)*p->at])
            p->at++;
        value->n = (size_t)(p->at - value->p);
        if (quote && strchr("'\"", quote) && *p->at++ == quote)
            return true;
    }
    p->at = back;
    return false;
}

/* <?xml version='1.0' encoding='UTF-8' standalone='yes'?>, the last two as they like. */
static int declaration(struct parser *p)
{
    mn_str v;

    p->at += 5;
    if (!setting(p, "version", &v))
        return MN_E_XML;
    if (setting(p, "encoding", &v) && !mn_str_eq_nocase(v, MN_STR("UTF-8")))
        return MN_E_DENIED;
    if (setting(p, "standalone", &v) && !mn_str_is(v, "yes") && !mn_str_is(v, "no"))
        return MN_E_XML;
    skip_space(p);
    if (p->end - p->at < 2 || p->at[0] != '?' || p->at[1] != '>')
        return MN_E_XML;
    p->at += 2;
    skip_space(p);
    return MN_E_OK;
}

/* An XML declaration, if any, and the stream's start tag. */
int xml_parse_open(struct mn_xml *x, mn_str bytes, struct mn_arena *a, struct mn_xml_item *out)
{
    struct parser p;
    const struct binding *plain;
    bool closed;
    int e;

    out->raw = padded(a, bytes);
    parser_init(&p, x, out->raw, a);
    if (bytes.n > 5 && p.at[1] == '?' && (e = declaration(&p)))
        return e;
    if (p.at >= p.end || *p.at++ != '<')
        return MN_E_XML;
    if ((e = start_tag(&p, &out->elem, &closed)))
        return e;
    if (p.at != p.end)
        return MN_E_XML;
    if (p.binding_count > 32)
        return MN_E_LIMIT;
    keep_outer(x, &p);
    plain = bound(&p, MN_STR(""));
    out->default_ns = plain ? plain->uri : MN_STR("");
    return MN_E_OK;
}

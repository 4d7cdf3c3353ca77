/* covers: mn_xml_feed mn_xml_parse
 * The same bytes through our parser, whole and in pieces, and through expat: what both make of them
 * is compared item by item (the header, each top-level element, the end). Where they may disagree
 * stands in one table. The first byte of the input says whether it begins inside a stream, and how
 * narrow the limits are. */
#include <expat.h>

#include "xmpp/xml.h"

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What expat saw that may be a reason to disagree. */
enum {
    FORBIDDEN = 1,   /* a comment, a processing instruction, a DOCTYPE */
    TOP_TEXT = 2,    /* character data directly in the stream */
    TOO_MUCH = 4,    /* an element over one of the limits */
    ENCODING = 8,    /* a declaration that names another one than UTF-8 */
    GUESSED = 16,    /* the input begins as one in UTF-16 would, or with U+FEFF */
    NAMES = 32,      /* expat stopped at a character beyond ASCII */
    LATE_DECL = 64,  /* expat stopped at an XML declaration that is not at the start */
    OTHER_END = 128, /* no end tag of the stream's name came */
};

static const struct {
    int error; /* ours; 0: we go on where expat stops */
    unsigned seen;
    const char *why;
} allowed[] = {
    {MN_E_RESTRICTED, FORBIDDEN, "RFC 6120, 11.1"},
    {MN_E_FORMAT, TOP_TEXT, "RFC 6120, 4.9.3.1: only white space is allowed between stanzas"},
    {MN_E_LIMIT, TOO_MUCH, "RFC 6120, 13.12: expat has no such limits"},
    {MN_E_DENIED, ENCODING, "RFC 6120, 11.6: only UTF-8; expat was told to ignore the name"},
    {MN_E_XML, GUESSED, "RFC 6120, 11.6: nothing to guess; U+FEFF is no byte order mark"},
    {0, NAMES, "names of XML 1.0, fifth edition; expat knows those of the fourth"},
    {0, LATE_DECL, "white space left over from the stream before may stand before a header"},
    {0, OTHER_END, "whatever the last end tag is called, the other side has finished"},
};

static bool may(int error, unsigned seen)
{
    for (size_t i = 0; i < MN_COUNT(allowed); i++)
        if (allowed[i].error == error && allowed[i].seen & seen)
            return true;
    return false;
}

/* Items as text; \1 to \6 occur in no XML. */
struct item {
    size_t end; /* in `text` */
    unsigned seen;
};
struct result {
    struct mn_buf text;
    struct item *items;
    size_t count;
    bool in_text, closed, busy; /* busy: something is begun and not ended */
    int error;
    unsigned seen;
};

static void item_end(struct result *r)
{
    r->items = mn_realloc(r->items, (r->count + 1) * sizeof *r->items);
    r->items[r->count++] = (struct item){r->text.n, r->seen};
    r->seen = 0;
}

static mn_str item_text(const struct result *r, size_t i)
{
    size_t from = i ? r->items[i - 1].end : 0;

    return (mn_str){r->text.p + from, r->items[i].end - from};
}

static void result_free(struct result *r)
{
    mn_buf_free(&r->text);
    mn_free(r->items);
}

static void put_name(struct mn_buf *b, char mark, mn_str ns, mn_str name)
{
    mn_buf_c(b, mark);
    mn_buf_str(b, ns);
    if (ns.n)
        mn_buf_c(b, 1);
    mn_buf_str(b, name);
}

/* Ours. */

static void put_start(struct mn_buf *b, const struct mn_elem *e)
{
    put_name(b, 2, e->ns_uri, e->name);
    for (unsigned i = 0; i < e->attr_count; i++) {
        put_name(b, 3, e->attrs[i].ns_uri, e->attrs[i].name);
        mn_buf_c(b, 4);
        mn_buf_str(b, e->attrs[i].value);
    }
}

static void put_elem(struct mn_buf *b, const struct mn_elem *e)
{
    bool in_text = false;

    put_start(b, e);
    for (const struct mn_node *n = e->first; n; n = n->next) {
        if (n->kind == MN_NODE_ELEM) {
            put_elem(b, (const struct mn_elem *)n);
        } else {
            if (!in_text)
                mn_buf_c(b, 5);
            mn_buf_str(b, ((const struct mn_text *)n)->text);
        }
        in_text = n->kind == MN_NODE_TEXT;
    }
    mn_buf_c(b, 6);
}

static const struct mn_xml_limits wide = {1 << 20, 10000, 10000};

/* What is written is read again as the same; so are, alone in a stream's context, the bytes of a
 * payload that is not flagged. */
static void check_elem(const struct mn_xml_item *item, struct mn_arena *a)
{
    struct mn_buf want = {0}, got = {0}, b = {0};
    struct mn_elem *again, inner = *item->elem;

    put_elem(&want, item->elem);
    mn_elem_write(&b, item->elem, MN_STR(""));
    MN_ASSERT(!mn_xml_parse(mn_buf_view(&b), &wide, a, &again));
    put_elem(&got, again);
    MN_ASSERT(mn_str_eq(mn_buf_view(&want), mn_buf_view(&got)));
    if (!(item->flags & MN_XML_NOT_ALONE)) {
        mn_buf_clear(&b);
        mn_buf_fmt(&b, "<x xmlns='%s'>", mn_ns_uri(item->elem->ns).p);
        mn_buf_str(&b, item->inner);
        mn_buf_str(&b, MN_STR("</x>"));
        MN_ASSERT(!mn_xml_parse(mn_buf_view(&b), &wide, a, &again));
        inner.first = again->first;
        mn_buf_clear(&got);
        put_elem(&got, &inner);
        MN_ASSERT(mn_str_eq(mn_buf_view(&want), mn_buf_view(&got)));
    }
    mn_buf_free(&want);
    mn_buf_free(&got);
    mn_buf_free(&b);
}

/* Feeds a piece and takes what comes; false at the end. */
static bool feed(struct mn_xml *x, mn_str piece, struct result *r)
{
    char *copy = mn_alloc(piece.n); /* its own memory, so that a byte too far is seen */
    int e;

    if (piece.n)
        memcpy(copy, piece.p, piece.n);
    mn_xml_feed(x, (mn_str){copy, piece.n});
    do {
        struct mn_arena a = {0};
        struct mn_xml_item item;

        e = mn_xml_next(x, &a, &item);
        if (e == MN_XML_OPEN) {
            put_start(&r->text, item.elem);
        } else if (e == MN_XML_ELEM) {
            put_elem(&r->text, item.elem);
            r->seen = item.flags;
            check_elem(&item, &a);
        } else if (e == MN_XML_CLOSE) {
            mn_buf_c(&r->text, 6);
            r->closed = true;
        }
        if (e > 0)
            item_end(r);
        mn_arena_done(&a, NULL);
    } while (e > 0 && e != MN_XML_CLOSE);
    if (e == MN_XML_NOTHING)
        mn_xml_keep(x);
    mn_free(copy);
    r->error = e < 0 ? e : 0;
    return e == MN_XML_NOTHING;
}

/* `pieces` 0: all at once, else the seed of the lengths. */
static struct result ours(mn_str in, const struct mn_xml_limits *limits, uint32_t pieces)
{
    struct mn_xml *x = mn_xml_new(limits);
    struct result r = {0};

    do {
        size_t n = pieces ? 1 + (pieces >> 16) % (pieces & 64 ? 3 : 40) : in.n;

        pieces = pieces ? pieces * 1103515245 + 12345 : 0;
        n = n < in.n ? n : in.n;
        if (!feed(x, (mn_str){in.p, n}, &r))
            break;
        in = mn_str_skip(in, n);
    } while (in.n);
    r.busy = mn_xml_busy(x);
    mn_xml_free(x);
    return r;
}

/* Expat's. */

struct judge {
    struct result r;
    XML_Parser p;
    const struct mn_xml_limits *limits;
    unsigned depth, declared, holding,
        outside; /* holding: declarations; outside: around the payload */
    size_t begin;
    bool decl;
};

static size_t here(const struct judge *j)
{
    return (size_t)XML_GetCurrentByteIndex(j->p);
}

static size_t behind(const struct judge *j)
{
    return here(j) + (size_t)XML_GetCurrentByteCount(j->p);
}

static void on_declared(void *arg, const char *prefix, const char *uri)
{
    struct judge *j = arg;

    (void)uri;
    j->declared++;
    j->holding += !prefix || strcmp(prefix, "xml");
}

static void on_undeclared(void *arg, const char *prefix)
{
    struct judge *j = arg;

    j->holding -= !prefix || strcmp(prefix, "xml");
}

static void on_start(void *arg, const char *name, const char **attrs)
{
    struct judge *j = arg;
    unsigned count = j->declared;

    if (j->depth == 1 || (!j->depth && !j->decl))
        j->begin = here(j);
    mn_buf_c(&j->r.text, 2);
    mn_buf_str(&j->r.text, mn_str_from(name));
    for (; *attrs; attrs += 2, count++) {
        mn_buf_c(&j->r.text, 3);
        mn_buf_str(&j->r.text, mn_str_from(attrs[0]));
        mn_buf_c(&j->r.text, 4);
        mn_buf_str(&j->r.text, mn_str_from(attrs[1]));
    }
    if (j->depth <= 1)
        j->outside = j->holding;
    if (count > j->limits->attrs || j->depth > j->limits->depth ||
        j->holding - j->outside > 2 * j->limits->attrs)
        j->r.seen |= TOO_MUCH;
    j->r.in_text = false;
    if (!j->depth++) {
        if (j->declared > 32 || behind(j) - j->begin > j->limits->bytes)
            j->r.seen |= TOO_MUCH;
        item_end(&j->r);
    }
    j->declared = 0;
}

static void on_end(void *arg, const char *name)
{
    struct judge *j = arg;

    (void)name;
    mn_buf_c(&j->r.text, 6);
    j->r.in_text = false;
    if (j->depth == 2 && behind(j) - j->begin > j->limits->bytes)
        j->r.seen |= TOO_MUCH;
    if (--j->depth <= 1)
        item_end(&j->r);
}

static void on_text(void *arg, const char *p, int n)
{
    struct judge *j = arg;
    const char *raw;
    int from, len;

    if (j->depth > 1) {
        if (!j->r.in_text)
            mn_buf_c(&j->r.text, 5);
        j->r.in_text = true;
        mn_buf_add(&j->r.text, p, (size_t)n);
        return;
    }
    raw = XML_GetInputContext(j->p, &from, &len) + from;
    if (!mn_str_is_space((mn_str){raw, (size_t)XML_GetCurrentByteCount(j->p)}))
        j->r.seen |= TOP_TEXT;
}

static void on_cdata(void *arg)
{
    struct judge *j = arg;

    if (j->depth <= 1)
        j->r.seen |= TOP_TEXT;
}

static void on_comment(void *arg, const char *text)
{
    (void)text;
    ((struct judge *)arg)->r.seen |= FORBIDDEN;
}

static void on_pi(void *arg, const char *target, const char *text)
{
    (void)target;
    on_comment(arg, text);
}

static void on_doctype(void *arg, const char *name, const char *sys, const char *pub, int internal)
{
    struct judge *j = arg;

    (void)name;
    (void)sys;
    (void)pub;
    (void)internal;
    j->r.seen |= FORBIDDEN;
    XML_StopParser(j->p, XML_FALSE);
}

static void on_decl(void *arg, const char *version, const char *encoding, int standalone)
{
    struct judge *j = arg;

    (void)version;
    (void)standalone;
    j->decl = true;
    if (encoding && !mn_str_eq_nocase(mn_str_from(encoding), MN_STR("UTF-8")))
        j->r.seen |= ENCODING;
}

/* Why it stopped, where that may be a reason. */
static void stopped(struct judge *j, mn_str in)
{
    enum XML_Error e = XML_GetErrorCode(j->p);
    size_t at = here(j);

    j->r.error = MN_E_XML;
    if (e == XML_ERROR_INVALID_TOKEN && at < in.n && in.p[at] & 0x80)
        j->r.seen |= NAMES;
    if (e == XML_ERROR_MISPLACED_XML_PI)
        j->r.seen |= LATE_DECL;
}

static struct result expats(mn_str in, const struct mn_xml_limits *limits)
{
    struct judge j = {.p = XML_ParserCreateNS("UTF-8", 1), .limits = limits};

    XML_SetUserData(j.p, &j);
    XML_SetElementHandler(j.p, on_start, on_end);
    XML_SetCharacterDataHandler(j.p, on_text);
    XML_SetCdataSectionHandler(j.p, on_cdata, NULL);
    XML_SetCommentHandler(j.p, on_comment);
    XML_SetProcessingInstructionHandler(j.p, on_pi);
    XML_SetStartDoctypeDeclHandler(j.p, on_doctype);
    XML_SetXmlDeclHandler(j.p, on_decl);
    XML_SetNamespaceDeclHandler(j.p, on_declared, on_undeclared);
    if (mn_str_starts(in, MN_STR("\xef\xbb\xbf")) || mn_str_starts(in, MN_STR("\xff\xfe")) ||
        mn_str_starts(in, MN_STR("\xfe\xff")) || (in.n > 1 && (!in.p[0] || !in.p[1])))
        j.r.seen |= GUESSED;
    if (XML_Parse(j.p, in.p, (int)in.n, XML_FALSE) != XML_STATUS_OK)
        stopped(&j, in);
    if (j.depth == 1)
        j.r.seen |= OTHER_END;
    XML_ParserFree(j.p);
    return j.r;
}

/* Comparing. */

static void differ(const char *what, size_t item, const struct result *a, const struct result *b)
{
    fprintf(stderr, "DIFFER at item %zu: %s (%zu items, error %d; %zu items, error %d, seen %u)\n",
            item, what, a->count, a->error, b->count, b->error, b->seen);
    abort();
}

/* Which of two faults in one element is told depends on how much of it was there: an end tag that
 * does not fit is told at once where nothing else came with it. */
static void same(const struct result *a, const struct result *b, const char *what)
{
    if (a->count != b->count || !a->error != !b->error ||
        !mn_str_eq(mn_buf_view(&a->text), mn_buf_view(&b->text)))
        differ(what, a->count, a, b);
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].end != b->items[i].end || a->items[i].seen != b->items[i].seen)
            differ(what, i, a, b);
}

static void compare(const struct result *us, const struct result *expat)
{
    size_t both = us->count < expat->count ? us->count : expat->count;
    unsigned seen = both < expat->count ? expat->items[both].seen : expat->seen;

    for (size_t i = 0; i < both; i++) {
        if (!mn_str_eq(item_text(us, i), item_text(expat, i)))
            differ("not the same tree", i, us, expat);
        if (expat->items[i].seen & (FORBIDDEN | TOP_TEXT | TOO_MUCH | ENCODING | GUESSED))
            differ("we took what XMPP forbids", i, us, expat);
    }
    if (us->count == both + 1 && us->closed
            ? !may(0, seen)
            : us->count > both && !may(0, seen & ~(unsigned)OTHER_END))
        differ("we took what expat refuses", both, us, expat);
    if (expat->count > both && (!us->error || !may(us->error, seen)))
        differ("we refused or missed what expat takes", both, us, expat);
}

/* A document is what stands alone in a stream that declares nothing. */
static void document(mn_str in, const struct mn_xml_limits *limits)
{
    struct mn_buf b = {0}, text = {0};
    struct mn_arena a = {0};
    struct result r;
    struct mn_elem *e;
    bool good = !mn_xml_parse(in, limits, &a, &e);

    mn_buf_str(&b, MN_STR("<s>"));
    mn_buf_str(&b, in);
    r = ours(mn_buf_view(&b), limits, 0);
    MN_ASSERT(good == (r.count == 2 && !r.error && !r.busy && !r.closed));
    if (good) {
        put_elem(&text, e);
        MN_ASSERT(mn_str_eq(item_text(&r, 1), mn_buf_view(&text)));
    }
    result_free(&r);
    mn_buf_free(&b);
    mn_buf_free(&text);
    mn_arena_done(&a, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mn_xml_limits narrow = {150, 4, 3};
    const struct mn_xml_limits *limits = size && data[0] & 2 ? &narrow : &wide;
    uint32_t seed = 2166136261u;
    struct mn_buf b = {0};
    struct result whole, pieces, expat;
    mn_str in = mn_str_skip((mn_str){(const char *)data, size}, 1);

    if (size && data[0] & 1)
        mn_buf_str(&b, MN_STR("<stream:stream xmlns='jabber:client' "
                              "xmlns:stream='http://etherx.jabber.org/streams'>"));
    mn_buf_str(&b, in);
    for (size_t i = 0; i < size; i++)
        seed = (seed ^ data[i]) * 16777619u;
    whole = ours(mn_buf_view(&b), limits, 0);
    pieces = ours(mn_buf_view(&b), limits, seed | 1);
    same(&whole, &pieces, "in pieces not the same as whole");
    expat = expats(mn_buf_view(&b), limits);
    compare(&whole, &expat);
    document(in, limits);
    result_free(&whole);
    result_free(&pieces);
    result_free(&expat);
    mn_buf_free(&b);
    return 0;
}

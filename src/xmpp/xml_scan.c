/* The scanner walks over bytes as they come, in whatever pieces, and only looks for the end of the
 * current top-level element; its state is a few numbers. What it lets pass the parser looks at. */
#include "xmpp/xml_parts.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum scan {
    SCAN_TEXT,
    SCAN_LT,  /* behind '<' */
    SCAN_TAG, /* in a start tag */
    SCAN_DQ,  /* in a value */
    SCAN_SQ,
    SCAN_END,   /* in an end tag */
    SCAN_BANG,  /* behind "<!" and `matched` characters of "[CDATA[" */
    SCAN_CDATA, /* `matched` of "]]>" */
    SCAN_PI,    /* behind "<?" */
};

/* The next quote or '>' in a tag. */
static const char *find_tag(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i dq = _mm_set1_epi8('"'), sq = _mm_set1_epi8('\''), gt = _mm_set1_epi8('>');

    for (; end - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)at);
        int mask = _mm_movemask_epi8(_mm_or_si128(
            _mm_cmpeq_epi8(v, gt), _mm_or_si128(_mm_cmpeq_epi8(v, dq), _mm_cmpeq_epi8(v, sq))));

        if (mask)
            return at + __builtin_ctz((unsigned)mask);
    }
#endif
    while (at < end && *at != '>' && *at != '"' && *at != '\'')
        at++;
    return at;
}

/* Behind '<': what begins here? A negative code when nothing may. */
static int scan_lt(struct mn_xml *x, char c)
{
    if (c == '/') {
        if (!x->open)
            return MN_E_XML;
        x->scan = SCAN_END;
    } else if (c == '!') {
        x->scan = SCAN_BANG;
        x->matched = 0;
    } else if (c == '?') {
        if (x->begun)
            return MN_E_RESTRICTED;
        x->scan = SCAN_PI;
        x->matched = 0;
    } else if ((c & 0x80) || (classes[(unsigned char)c] & NAME_START)) {
        x->scan = SCAN_TAG;
        x->slash = false;
    } else {
        return MN_E_XML;
    }
    return MN_E_OK;
}

int xml_scan(struct mn_xml *x, mn_str in, size_t *whole)
{
    const char *at = in.p + x->scanned, *end = in.p + in.n;
    int what = MN_XML_NOTHING;

    while (at < end && !what) {
        switch (x->scan) {
        case SCAN_TEXT:
            if (x->depth == 0) {
                while (at < end && SPACE(*at))
                    at++;
                if (at == end)
                    break;
                if (*at != '<') {
                    what = x->open ? MN_E_FORMAT : MN_E_XML;
                    break;
                }
            } else {
                at = find(at, end, '<');
                if (at == end)
                    break;
            }
            x->tag = (uint32_t)(at++ - in.p);
            x->scan = SCAN_LT;
            break;
        case SCAN_LT:
            what = scan_lt(x, *at++);
            x->begun = true;
            break;
        case SCAN_TAG: {
            const char *hit = find_tag(at, end);

            if (hit > at)
                x->slash = hit[-1] == '/';
            at = hit;
            if (at == end)
                break;
            if (*at++ == '>') {
                x->scan = SCAN_TEXT;
                if (!x->open) {
                    x->closing = x->slash;
                    what = MN_XML_OPEN;
                } else if (x->depth >= x->limits.depth) {
                    what = MN_E_LIMIT;
                } else if (!x->slash) {
                    x->depth++;
                } else if (!x->depth) {
                    what = MN_XML_ELEM;
                }
                break;
            }
            x->scan = at[-1] == '"' ? SCAN_DQ : SCAN_SQ;
            x->slash = false;
        }
        /* fall through */
        case SCAN_DQ:
        case SCAN_SQ:
            at = find(at, end, x->scan == SCAN_DQ ? '"' : '\'');
            if (at < end) {
                at++;
                x->scan = SCAN_TAG;
            }
            break;
        case SCAN_END:
            at = find(at, end, '>');
            if (at == end)
                break;
            at++;
            x->scan = SCAN_TEXT;
            if (!x->depth)
                what = MN_XML_CLOSE;
            else if (!--x->depth)
                what = MN_XML_ELEM;
            break;
        case SCAN_BANG:
            if (*at != "[CDATA["[x->matched]) {
                what = x->matched == 0 ? MN_E_RESTRICTED : MN_E_XML;
                break;
            }
            if (!x->depth) {
                what = x->open ? MN_E_FORMAT : MN_E_XML;
                break;
            }
            at++;
            if (++x->matched == 7) {
                x->scan = SCAN_CDATA;
                x->matched = 0;
            }
            break;
        case SCAN_CDATA:
            if (x->matched == 0)
                at = find(at, end, ']');
            if (at == end)
                break;
            if (*at == ']')
                x->matched = x->matched < 2 ? x->matched + 1 : 2;
            else if (*at == '>' && x->matched == 2)
                x->scan = SCAN_TEXT;
            else
                x->matched = 0;
            at++;
            break;
        case SCAN_PI: /* only the XML declaration: "xml" and white space must follow */
            if (x->matched < 3 ? *at != "xml"[x->matched] : x->matched == 3 && !SPACE(*at)) {
                what = MN_E_RESTRICTED;
                break;
            }
            if (x->matched == 4 && *at == '>')
                x->scan = SCAN_TEXT;
            x->matched += x->matched < 4;
            at++;
            break;
        }
    }
    *whole = (size_t)(at - in.p);
    if (!what)
        x->scanned = in.n;
    return what;
}

struct xml_open {
    size_t seen;     /* up to here it has been looked at */
    unsigned depth;  /* open tags */
    uint32_t name[]; /* where the name of each stands, from the element's begin */
};

static mn_str name_at(const char *at, const char *end)
{
    const char *to = at;

    while (to < end && !SPACE(*to) && *to != '/' && *to != '>')
        to++;
    return (mn_str){at, (size_t)(to - at)};
}

/* Behind the '>' of the tag that begins at `at`; *slash: it is closed in itself. */
static const char *tag_end(const char *at, const char *end, bool *slash)
{
    for (;;) {
        at = find_tag(at, end);
        if (at == end || *at == '>')
            break;
        at = find(at + 1, end, *at);
        if (at < end)
            at++;
    }
    *slash = at < end && at[-1] == '/';
    return at < end ? at + 1 : end;
}

bool xml_match(struct mn_xml *x, mn_str in, size_t *whole)
{
    struct xml_open *t = x->tags;
    const char *at, *end;

    if (x->scan != SCAN_TEXT)
        in.n = x->tag;
    end = in.p + in.n;
    if (!t)
        t = x->tags = mn_alloc0(sizeof *t + (x->limits.depth + 1) * sizeof *t->name);
    for (at = in.p + t->seen; (at = find(at, end, '<')) < end;) {
        bool slash;

        if (at[1] == '!') {
            for (at = find(at, end, ']'); end - at >= 3 && (at[1] != ']' || at[2] != '>');)
                at = find(at + 1, end, ']');
            at = end - at < 3 ? end : at + 3;
        } else if (at[1] == '/') {
            mn_str name = name_at(at + 2, end);

            at = find(at, end, '>') + 1;
            if (!t->depth || !mn_str_eq(name, name_at(in.p + t->name[t->depth - 1], end))) {
                *whole = (size_t)(at - in.p);
                return false;
            }
            t->depth--;
        } else {
            const char *name = at + 1;

            at = tag_end(name, end, &slash);
            if (!slash && t->depth <= x->limits.depth)
                t->name[t->depth++] = (uint32_t)(name - in.p);
        }
    }
    t->seen = in.n;
    return true;
}

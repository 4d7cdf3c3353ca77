/* What the files of xmpp/xml share: xml.c holds the stream, xml_scan.c finds the end of the next
 * thing in it, xml_parse.c checks that thing and makes the tree. */
#pragma once

#include "base/err.h"
#include "xmpp/xml.h"

struct binding {
    mn_str prefix, uri; /* the default namespace has an empty prefix */
    enum mn_ns ns;
};

struct mn_xml {
    struct mn_xml_limits limits;
    mn_str lent;
    struct mn_buf own;
    size_t used;         /* bytes of the current ones that are done with */
    size_t scanned;      /* of these, from `used` on, the scanner has seen */
    uint32_t depth, tag; /* tag: where the '<' stands that was seen last */
    uint8_t scan, matched;
    bool open, begun, closing,
        slash; /* begun: bytes of the stream were seen; slash: the last byte of a tag was '/' */
    int8_t dead;
    uint8_t outer_count;
    struct binding *outer; /* what the stream header declared; text behind it */
    struct xml_open *tags; /* while an element is here in part: xml_match */
};

#define SPACE(c) ((c) == ' ' || (c) == '\t' || (c) == '\r' || (c) == '\n')
enum { NAME_START = 1, NAME = 2 };
static const uint8_t classes[256] = {
    ['A' ... 'Z'] = NAME_START | NAME,
    ['a' ... 'z'] = NAME_START | NAME,
    ['_'] = NAME_START | NAME,
    ['0' ... '9'] = NAME,
    ['-'] = NAME,
    ['.'] = NAME,
};

static inline const char *find(const char *at, const char *end, char c)
{
    const char *hit = at < end ? memchr(at, c, (size_t)(end - at)) : NULL;

    return hit ? hit : end;
}

/* Goes on from where it stopped; *whole is where something whole ends, or where the fault is.
 * MN_XML_* or a code. */
int xml_scan(struct mn_xml *x, mn_str in, size_t *whole);
/* An element that is here in part: does each whole end tag fit? It would be told with
 * the whole element, but that may never come (RFC 6120, 4.9.1.1). Each byte is looked at once.
 * False: not the one that ends at *whole. */
bool xml_match(struct mn_xml *x, mn_str in, size_t *whole);
/* One whole element; the stream header with what stands before it. */
int xml_parse_elem(const struct mn_xml *x, mn_str bytes, struct mn_arena *a,
                   struct mn_xml_item *out);
int xml_parse_open(struct mn_xml *x, mn_str bytes, struct mn_arena *a, struct mn_xml_item *out);

/* The XML stream: bytes in, whole top-level elements out. No sockets, no callbacks; both ends of
 * the wire use it.
 *
 * RFC 6120, section 11: XML 1.0 with namespaces, UTF-8; no comments, processing instructions, DTD,
 * entities but the five predefined. A scanner finds the end of each top-level element in whatever
 * pieces the bytes come; then the element, contiguous by then, is checked and made into a tree in
 * one pass. Between elements nothing is held but the open stream.
 *
 *   mn_xml_feed(x, bytes); while ((e = mn_xml_next(x, &arena, &item)) > 0) ...;  then
 * mn_xml_keep(x) before `bytes` go.
 */
#pragma once

#include "xmpp/elem.h"

struct mn_xml_limits {
    size_t bytes;   /* of one top-level element, tags included; also of the stream header, and of
                       the namespaces that its elements and attributes are in, prefixes spelt out */
    unsigned depth; /* levels inside the stream element: a stanza is 1 */
    unsigned attrs; /* of one element, xmlns declarations counted; of those, and of attributes with
                       a namespace, twice as many may hold at one place of a payload */
};

enum mn_xml_what {
    MN_XML_NOTHING = 0, /* all bytes are used up: feed more */
    MN_XML_OPEN,        /* the stream header: element without children */
    MN_XML_ELEM,        /* a whole top-level element */
    MN_XML_CLOSE,       /* </stream:stream> */
};

enum {
    /* The payload's bytes do not stand alone (they use a prefix or xml:lang declared around them,
     * or name jabber:client or jabber:server themselves): write the tree anew, do not forward
     * `inner`. */
    MN_XML_NOT_ALONE = 1,
};

struct mn_xml_item {
    struct mn_elem *elem; /* in the arena given */
    mn_str raw;           /* MN_XML_ELEM: all bytes of it, in the arena */
    mn_str inner;         /* the bytes between its start and end tag, part of raw; empty for <x/> */
    unsigned flags;
    mn_str default_ns; /* MN_XML_OPEN: the default namespace declared in the header (content
                          namespace) */
};

struct mn_xml;

struct mn_xml *mn_xml_new(const struct mn_xml_limits *limits); /* limits are copied */
void mn_xml_free(struct mn_xml *x);
void mn_xml_limit(struct mn_xml *x,
                  const struct mn_xml_limits *limits); /* from the next element on */
/* A new stream begins with the next byte (after STARTTLS, SASL, compression). Bytes fed and not yet
 * used stay. */
void mn_xml_restart(struct mn_xml *x);
/* Drops fed bytes that are not used yet (RFC 6120 5.4.3.3: what stands behind <starttls/> is not to
 * be trusted). */
void mn_xml_drop(struct mn_xml *x);
/* Lends bytes until mn_xml_next returned MN_XML_NOTHING or mn_xml_keep was called. Not while
 * earlier ones are lent. */
void mn_xml_feed(struct mn_xml *x, mn_str bytes);
/* The next thing, or MN_XML_NOTHING, or a negative MN_E_ code, after which the stream is dead:
 * MN_E_XML not-well-formed, MN_E_RESTRICTED restricted-xml, MN_E_FORMAT bad-format (text at stream
 * level), MN_E_LIMIT policy-violation (size, depth, attributes), MN_E_DENIED unsupported-encoding.
 * The tree, names and text live in `a`. White space between elements is skipped. */
int mn_xml_next(struct mn_xml *x, struct mn_arena *a, struct mn_xml_item *out) MN_MUST_CHECK;
/* Copies what is lent and not used yet: the caller's buffer is free again. Costs nothing when all
 * was used. */
void mn_xml_keep(struct mn_xml *x);
bool mn_xml_busy(
    const struct mn_xml *x); /* an element is begun and not ended (for the deadline before login) */
size_t mn_xml_held(const struct mn_xml *x); /* bytes held unused */
/* Parses one whole document (element and all inside, white space around), for stored things and
 * tests; same codes. */
int mn_xml_parse(mn_str text, const struct mn_xml_limits *limits, struct mn_arena *a,
                 struct mn_elem **out) MN_MUST_CHECK;
/* Of a document from elsewhere, what stands behind its mark of byte order and its XML declaration,
 * where it has them; for mn_xml_parse, which reads UTF-8 only. */
mn_str mn_xml_undeclared(mn_str text);

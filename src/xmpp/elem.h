/* XML elements as values in an arena. What came off the wire is const; what we build, we build in
 * an arena and write once. No function here keeps text: slices given to the builders must live as
 * long as the arena (copy first). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "xmpp/ns.h"

enum mn_node_kind { MN_NODE_ELEM, MN_NODE_TEXT };

struct mn_node {
    struct mn_node *next; /* sibling */
    enum mn_node_kind kind;
};

struct mn_text {
    struct mn_node node;
    mn_str text; /* decoded */
};

struct mn_attr {
    mn_str name;   /* local name */
    mn_str value;  /* decoded */
    mn_str ns_uri; /* empty: in no namespace */
};

struct mn_elem {
    struct mn_node node;
    enum mn_ns ns;
    unsigned attr_count;
    mn_str name;   /* local name */
    mn_str ns_uri; /* always set, also for known ones */
    struct mn_attr *attrs;
    struct mn_node *first, *last; /* children in document order */
};

/* Reading. All accept NULL for the element and then find nothing. */
bool mn_elem_is(const struct mn_elem *e, enum mn_ns ns, const char *name);
/* Value of an attribute without namespace; absent gives {NULL, 0}, an empty one a non-NULL pointer.
 */
mn_str mn_elem_get(const struct mn_elem *e, const char *name);
mn_str mn_elem_lang(const struct mn_elem *e); /* xml:lang of this element itself */
/* First child element of that name and namespace; name NULL: any name. */
const struct mn_elem *mn_elem_child(const struct mn_elem *e, enum mn_ns ns, const char *name);
const struct mn_elem *mn_elem_first(const struct mn_elem *e); /* first child element */
const struct mn_elem *mn_elem_next(const struct mn_elem *e);  /* next sibling element */
/* All character data directly inside, joined (in the arena only where there are several pieces). */
mn_str mn_elem_text(const struct mn_elem *e, struct mn_arena *a);
/* Text of a child, the common case; {NULL, 0} when there is no such child. */
mn_str mn_elem_child_text(const struct mn_elem *e, enum mn_ns ns, const char *name,
                          struct mn_arena *a);

/* Building. `name` is lent for the arena's life (a literal, usually). */
struct mn_elem *mn_elem_new(struct mn_arena *a, enum mn_ns ns, const char *name);
struct mn_elem *mn_elem_add(struct mn_arena *a, struct mn_elem *parent, enum mn_ns ns,
                            const char *name);
void mn_elem_set(struct mn_arena *a, struct mn_elem *e, const char *name,
                 mn_str value); /* adds or replaces */
void mn_elem_set_lang(struct mn_arena *a, struct mn_elem *e, mn_str lang);
void mn_elem_put_text(struct mn_arena *a, struct mn_elem *e, mn_str text);
/* Hangs `child` (of the same arena, in no tree yet) into the tree. */
void mn_elem_hang(struct mn_elem *parent, struct mn_elem *child);
/* Add a child with text; nothing when text is {NULL, 0}. */
struct mn_elem *mn_elem_add_text(struct mn_arena *a, struct mn_elem *parent, enum mn_ns ns,
                                 const char *name, mn_str text);
/* A deep copy into another arena, names and text included. */
struct mn_elem *mn_elem_copy(struct mn_arena *a, const struct mn_elem *e);

/* Writes the element; xmlns only where the namespace differs from `outer`, the default namespace
 * around it (may be empty). No prefix but xml: is ever counted on: other prefixed attributes get a
 * declaration of their own (ns1...). */
void mn_elem_write(struct mn_buf *b, const struct mn_elem *e, mn_str outer);
/* One attribute of it, with a space before; `number` makes its prefix unlike the others'. */
void mn_attr_write(struct mn_buf *b, const struct mn_attr *at, unsigned number);

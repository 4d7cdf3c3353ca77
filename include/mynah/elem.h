/* XML elements: what came is read, what is sent is built. Namespaces stand beside names, never
 * prefixes. A tree that was built belongs to the program until it is given away; what came is const
 * and lent. */
#pragma once

#include "mynah/base.h"

MYNAH_BEGIN

/* Reading. All accept NULL for the element and give NULL (false, "") then; what they lend lives as
 * long as the tree. */
MYNAH_API const char *mynah_elem_name(const struct mynah_elem *e);
MYNAH_API const char *mynah_elem_ns(const struct mynah_elem *e);
/* Its name and namespace are these (either may be NULL: any). */
MYNAH_API bool mynah_elem_is(const struct mynah_elem *e, const char *name, const char *ns);
/* The value of an attribute, or NULL: "xml:lang" is that one, other names have no namespace. */
MYNAH_API const char *mynah_elem_get(const struct mynah_elem *e, const char *name);
/* All attributes in turn: false when there are not so many. */
MYNAH_API bool mynah_elem_attr(const struct mynah_elem *e, size_t i, const char **name,
                               const char **value);
/* The character data directly inside, joined; "" when there is none. */
MYNAH_API const char *mynah_elem_text(const struct mynah_elem *e);
/* The first child of that name and namespace (either may be NULL: any), or NULL. */
MYNAH_API const struct mynah_elem *mynah_elem_child(const struct mynah_elem *e, const char *name,
                                                    const char *ns);
/* The next element behind it below the same parent, of that name and namespace, or NULL. */
MYNAH_API const struct mynah_elem *mynah_elem_next(const struct mynah_elem *e, const char *name,
                                                   const char *ns);
/* A loop over the children of that name and namespace. */
#define MYNAH_EACH(child, parent, name, ns)                                                        \
    for (const struct mynah_elem *child = mynah_elem_child(parent, name, ns); child;               \
         child = mynah_elem_next(child, name, ns))
/* The same for those behind `e`. */
#define MYNAH_EACH_BEHIND(child, e, name, ns)                                                      \
    for (const struct mynah_elem *child = mynah_elem_next(e, name, ns); child;                     \
         child = mynah_elem_next(child, name, ns))
/* The first one at the end of a path of names below it: "query/item/group"; "*" is any. What must
 * hold of a name's owner stands behind it: "item[@jid='a@b.c']" ([@jid]: whatever it is; [@xmlns]
 * is its namespace), "item[group='x']" ([group]: with such a child), "item[2]" (the second of
 * them). Behind "//" a name is found at any depth ("//item", once a path); a path from "/" on
 * begins with the name of `e` itself. NULL: there is none, or it is no such path. */
MYNAH_API const struct mynah_elem *mynah_elem_path(const struct mynah_elem *e, const char *path);
/* All of them in turn, from 0 on. */
MYNAH_API const struct mynah_elem *mynah_elem_path_nth(const struct mynah_elem *e, const char *path,
                                                       size_t i);
/* The text of such a child, or NULL when there is none. */
MYNAH_API const char *mynah_elem_child_text(const struct mynah_elem *e, const char *name,
                                            const char *ns);
/* Of several in different languages: the text of the one in `lang` (may be NULL), else of the one
 * without a language, else of the first. */
MYNAH_API const char *mynah_elem_text_in(const struct mynah_elem *e, const char *name,
                                         const char *ns, const char *lang);
/* As it would be written where no namespace is declared; mynah_free it. */
MYNAH_API char *mynah_elem_xml(const struct mynah_elem *e);
/* A copy of one's own, with all below it; NULL of NULL. */
MYNAH_API struct mynah_elem *mynah_elem_copy(const struct mynah_elem *e);

/* Building. Bytes that are no UTF-8 and characters that XML forbids become U+FFFD. `ns` NULL: that
 * of the parent, of a stanza without one. The root is the program's until it is given away. */
MYNAH_API struct mynah_elem *mynah_elem_new(const char *name, const char *ns);
/* A new last child, returned: lent, it goes with its tree. */
MYNAH_API struct mynah_elem *mynah_elem_add(struct mynah_elem *parent, const char *name,
                                            const char *ns);
/* The same with text inside; nothing when `text` is NULL. */
MYNAH_API struct mynah_elem *mynah_elem_add_text(struct mynah_elem *parent, const char *name,
                                                 const char *ns, const char *text);
/* Adds or replaces an attribute; nothing when `value` is NULL. "xmlns" is no attribute but the
 * namespace, also of what is added below without one from then on. */
MYNAH_API void mynah_elem_set(struct mynah_elem *e, const char *name, const char *value);
MYNAH_API void mynah_elem_put(struct mynah_elem *e, const char *text); /* character data */
/* Takes an attribute out; all children of that name and namespace (either may be NULL: any). Their
 * memory goes with the tree. */
MYNAH_API void mynah_elem_unset(struct mynah_elem *e, const char *name);
MYNAH_API void mynah_elem_drop(struct mynah_elem *e, const char *name, const char *ns);
/* Moves *child below `parent`; takes it. NULL inside: nothing. */
MYNAH_API void mynah_elem_hang(struct mynah_elem *parent, struct mynah_elem **child);
/* One document from outside, in UTF-8, the program's: MYNAH_E_FORMAT, MYNAH_E_LIMIT (a megabyte,
 * 256 levels); then *out is NULL. */
MYNAH_API int mynah_elem_parse(const char *xml, struct mynah_elem **out) MYNAH_MUST_CHECK;
/* Only for the root of a tree of one's own. Accepts NULL. */
MYNAH_API void mynah_elem_free(struct mynah_elem *e);

MYNAH_END

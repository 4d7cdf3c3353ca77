/* Public elements from the inside: nodes of xmpp/elem.h whose texts all end in NUL, and that know
 * their arena. */
#pragma once

#include "mynah/elem.h"
#include "xmpp/elem.h"

struct mynah_elem {
    struct mn_elem e; /* first; children are struct mynah_elem too */
    struct mn_arena *arena;
};

/* A copy of a parsed element in `a`, which goes with it. */
struct mynah_elem *elem_from(const struct mn_elem *e, struct mn_arena *a);
static inline const struct mn_elem *elem_in(const struct mynah_elem *e)
{
    return e ? &e->e : NULL;
}
/* What is in that namespace is in another one from here on. */
void elem_rename(struct mynah_elem *e, enum mn_ns from, enum mn_ns to);
/* Of a tree that was built. */
void elem_write(struct mn_buf *b, const struct mynah_elem *e, mn_str outer);
/* Valid UTF-8 that XML allows, with NUL; copied only into `a`. */
mn_str elem_clean(struct mn_arena *a, const char *text);

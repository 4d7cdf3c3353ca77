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
/* About how many bytes a copy of it takes. */
size_t elem_weight(const struct mynah_elem *e);
/* A copy that is counted in *kept, in bytes, until it is freed. */
struct mynah_elem *elem_keep(const struct mynah_elem *e, size_t *kept);
/* Of a tree that was built. */
void elem_write(struct mn_buf *b, const struct mynah_elem *e, mn_str outer);
/* Valid UTF-8 that XML allows, with NUL; copied only into `a`. */
mn_str elem_clean(struct mn_arena *a, const char *text);

/* How many children of that name and namespace there are, and zeroed room for one of that size
 * more. */
size_t elem_count(const struct mynah_elem *e, const char *name, const char *ns);
void *elem_room(const struct mynah_elem *e, const char *name, const char *ns, size_t size,
                struct mn_arena *a);
/* The child before which there are `i` of that name and namespace; NULL: not so many, or more than
 * ELEM_NTH_MAX, so that going through them all costs no peer's square. */
enum { ELEM_NTH_MAX = 1000 };
const struct mynah_elem *elem_nth(const struct mynah_elem *e, const char *name, const char *ns,
                                  size_t i);
/* An attribute that is a number up to `max`; false: it is not there, or none, and *out is as it
 * was. */
bool elem_number(const struct mynah_elem *e, const char *name, uint64_t max, uint64_t *out);
/* An attribute that is a boolean (xs:boolean); false too when it is not there. */
bool elem_flag(const struct mynah_elem *e, const char *name);
void elem_set_number(struct mynah_elem *e, const char *name, uint64_t n);

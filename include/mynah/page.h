/* Long results in pages (XEP-0059): what is asked for, and what is told of a page. */
#pragma once

#include "mynah/elem.h"

MYNAH_BEGIN

/* Which part of a result is asked for. */
struct mynah_page_wish {
    size_t size;
    unsigned max;       /* at most so many entries; 0: as many as the other side likes */
    const char *after;  /* the page behind the entry of that id; or NULL */
    const char *before; /* the page before it, "": the last page; or NULL */
    unsigned index;     /* the page that begins there, counted from 0, where it can be done */
    bool count_only;    /* no entries, only how many there are */
};
/* Which part came. */
struct mynah_page {
    const char *first, *last; /* ids for `before` and `after` of the next wish; NULL: no entries */
    int64_t index, count;     /* where it begins, how many there are in all; -1: not told */
};

/* Into the element of a request; nothing when `w` is NULL. */
MYNAH_API void mynah_page_add(struct mynah_elem *e, const struct mynah_page_wish *w);
/* Of an answer; false: it is not in pages. Its texts live as long as the element. */
MYNAH_API bool mynah_page_read(const struct mynah_elem *e, struct mynah_page *out);

MYNAH_END

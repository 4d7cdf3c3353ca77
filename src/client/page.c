#include "mynah/page.h"

#include "base/num.h"
#include "client/elem.h"

#define NS_RSM "http://jabber.org/protocol/rsm"

static void number_add(struct mynah_elem *set, const char *name, unsigned n)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "%u", n);
    mn_buf_c(&b, 0);
    mynah_elem_add_text(set, name, NULL, b.p);
    mn_buf_free(&b);
}

void mynah_page_add(struct mynah_elem *e, const struct mynah_page_wish *w)
{
    struct mynah_elem *set;

    if (!w)
        return;
    set = mynah_elem_add(e, "set", NS_RSM);
    if (w->max || w->count_only)
        number_add(set, "max", w->count_only ? 0 : w->max);
    mynah_elem_add_text(set, "after", NULL, w->after);
    mynah_elem_add_text(set, "before", NULL, w->before);
    if (w->index)
        number_add(set, "index", w->index);
}

static int64_t number_of(const char *text)
{
    int64_t n;

    return text && mn_num_parse_int(mn_str_from(text), 0, INT64_MAX, &n) ? n : -1;
}

bool mynah_page_read(const struct mynah_elem *e, struct mynah_page *out)
{
    const struct mynah_elem *set = mynah_elem_child(e, "set", NS_RSM),
                            *first = mynah_elem_child(set, "first", NULL);

    *out = (struct mynah_page){.first = mynah_elem_child_text(set, "first", NULL),
                               .last = mynah_elem_child_text(set, "last", NULL),
                               .index = number_of(mynah_elem_get(first, "index")),
                               .count = number_of(mynah_elem_child_text(set, "count", NULL))};
    return set;
}

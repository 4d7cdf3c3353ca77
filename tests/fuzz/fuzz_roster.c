/* covers: roster_record_parse
 * A record that is read is written the same, also through a roster in memory; a damaged one breaks
 * nothing. The first byte is the length of the address. */
#include "server/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { GROUPS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mn_arena a = {0};
    struct roster r = {0};
    struct roster_item item, found;
    mn_str in = {(const char *)data, size}, jid, record, names[GROUPS], rest, whole;
    size_t count = 0, n = size ? data[0] : 0;

    in = mn_str_skip(in, 1);
    jid = (mn_str){in.p, n < in.n ? n : in.n};
    record = mn_str_skip(in, jid.n);
    if (roster_record_parse(jid, record, &item)) {
        for (rest = item.groups; count < GROUPS && roster_group_next(&rest, &names[count]);)
            count++;
        whole = roster_groups(names, count, &a);
        MN_ASSERT(mn_str_starts(item.groups, whole));
        roster_item_elem(&a, mn_elem_new(&a, MN_NS_ROSTER, "query"), &item, false);
        roster_put(&r, &item);
        roster_put(&r, &(struct roster_item){.jid = MN_STR("\1"), .flags = 1, .groups = whole});
        MN_ASSERT(!item.flags == !roster_find(&r, jid, &found) || mn_str_is(jid, "\1"));
        MN_ASSERT(!item.flags || !item.name.p || mn_str_is(jid, "\1") ||
                  (mn_str_eq(found.name, item.name) && mn_str_eq(found.groups, item.groups)));
        item.flags = 0;
        roster_put(&r, &item);
        MN_ASSERT(!roster_flags(&r, jid));
    }
    roster_free(&r);
    mn_arena_done(&a, NULL);
    return 0;
}

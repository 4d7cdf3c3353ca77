#include "server/roster.h"

#include "test.h"

/* The nine states of RFC 6121 A.1. */
enum state { NONE, OUT, IN, OUT_IN, TO, TO_IN, FROM, FROM_OUT, BOTH, STATES };

static const struct {
    const char *name;
    unsigned flags;
} states[STATES] = {
    [NONE] = {"None", 0},
    [OUT] = {"None + Pending Out", ROSTER_PENDING_OUT},
    [IN] = {"None + Pending In", ROSTER_PENDING_IN},
    [OUT_IN] = {"None + Pending Out+In", ROSTER_PENDING_OUT | ROSTER_PENDING_IN},
    [TO] = {"To", ROSTER_TO},
    [TO_IN] = {"To + Pending In", ROSTER_TO | ROSTER_PENDING_IN},
    [FROM] = {"From", ROSTER_FROM},
    [FROM_OUT] = {"From + Pending Out", ROSTER_FROM | ROSTER_PENDING_OUT},
    [BOTH] = {"Both", ROSTER_TO | ROSTER_FROM},
};

/* A row of tables 2 to 9: is the stanza routed (delivered, inbound), is it answered at once, and
 * the state behind it. */
struct row {
    bool route, reply;
    enum state after;
};

static unsigned step(bool out, enum mn_type type, unsigned *flags)
{
    return out ? roster_outbound(type, true, flags) : roster_inbound(type, flags);
}

/* The item shown to clients differs: name of the subscription, ask, approved, or that it is there.
 */
static bool shown(unsigned before, unsigned after)
{
    unsigned seen = ROSTER_TO | ROSTER_FROM | ROSTER_PENDING_OUT | ROSTER_APPROVED | ROSTER_LISTED;

    return (before ^ after) & seen;
}

static void row(bool out, enum mn_type type, enum state s, bool listed, const struct row *want)
{
    unsigned flags = states[s].flags | (listed ? ROSTER_LISTED : 0), before = flags;
    unsigned acts = step(out, type, &flags), mark = ROSTER_LISTED | ROSTER_APPROVED;
    const char *name = states[s].name;

    if ((flags & ~mark) != states[want->after].flags)
        test_fail(__FILE__, __LINE__, "%s: flags are %x, not those of %s", name, flags,
                  states[want->after].name);
    if (!(acts & ROSTER_ROUTE) != !want->route)
        test_fail(__FILE__, __LINE__, "%s: %srouted", name, want->route ? "not " : "");
    if (!(acts & ROSTER_REPLY) != !want->reply)
        test_fail(__FILE__, __LINE__, "%s: %sanswered", name, want->reply ? "not " : "");
    if (!(acts & ROSTER_PUSH) == shown(before, flags))
        test_fail(__FILE__, __LINE__, "%s: pushes %x for %x to %x", name, acts, before, flags);
    if (before & ROSTER_PENDING_IN && !(flags & ROSTER_PENDING_IN) && !(acts & ROSTER_FORGET))
        test_fail(__FILE__, __LINE__, "%s: the request is kept for ever", name);
    if (!(before & ROSTER_PENDING_IN) && flags & ROSTER_PENDING_IN && !(acts & ROSTER_KEEP))
        test_fail(__FILE__, __LINE__, "%s: the request is not kept", name);
    if (listed && !(flags & ROSTER_LISTED))
        test_fail(__FILE__, __LINE__, "%s: falls out of the roster", name);
}

/* All states; those without a subscription also for a contact that is in no roster (A.1). */
static void table(bool out, enum mn_type type, const struct row rows[STATES])
{
    for (enum state s = NONE; s < STATES; s++) {
        row(out, type, s, true, &rows[s]);
        if (s == NONE || s == IN)
            row(out, type, s, false, &rows[s]);
    }
}

TEST(table_2_outbound_subscribe)
{
    static const struct row rows[STATES] = {
        [NONE] = {true, false, OUT},      [OUT] = {true, false, OUT},
        [IN] = {true, false, OUT_IN},     [OUT_IN] = {true, false, OUT_IN},
        [TO] = {true, false, TO},         [TO_IN] = {true, false, TO_IN},
        [FROM] = {true, false, FROM_OUT}, [FROM_OUT] = {true, false, FROM_OUT},
        [BOTH] = {true, false, BOTH},
    };

    table(true, MN_TYPE_SUBSCRIBE, rows);
}

TEST(table_3_outbound_unsubscribe)
{
    static const struct row rows[STATES] = {
        [NONE] = {true, false, NONE}, [OUT] = {true, false, NONE},
        [IN] = {true, false, IN},     [OUT_IN] = {true, false, IN},
        [TO] = {true, false, NONE},   [TO_IN] = {true, false, IN},
        [FROM] = {true, false, FROM}, [FROM_OUT] = {true, false, FROM},
        [BOTH] = {true, false, FROM},
    };

    table(true, MN_TYPE_UNSUBSCRIBE, rows);
}

TEST(table_4_outbound_subscribed)
{
    static const struct row rows[STATES] = {
        [NONE] = {false, false, NONE}, [OUT] = {false, false, OUT},
        [IN] = {true, false, FROM},    [OUT_IN] = {true, false, FROM_OUT},
        [TO] = {false, false, TO},     [TO_IN] = {true, false, BOTH},
        [FROM] = {false, false, FROM}, [FROM_OUT] = {false, false, FROM_OUT},
        [BOTH] = {false, false, BOTH},
    };

    table(true, MN_TYPE_SUBSCRIBED, rows);
    for (enum state s = NONE; s < STATES; s++) {
        unsigned flags = states[s].flags;
        bool approves = s == NONE || s == OUT || s == TO;

        roster_outbound(MN_TYPE_SUBSCRIBED, true, &flags);
        CHECK_INT(!!(flags & ROSTER_APPROVED), approves);
        flags = states[s].flags;
        roster_outbound(MN_TYPE_SUBSCRIBED, false, &flags);
        CHECK(!(flags & ROSTER_APPROVED));
    }
}

TEST(table_5_outbound_unsubscribed)
{
    static const struct row rows[STATES] = {
        [NONE] = {false, false, NONE}, [OUT] = {false, false, OUT},     [IN] = {true, false, NONE},
        [OUT_IN] = {true, false, OUT}, [TO] = {false, false, TO},       [TO_IN] = {true, false, TO},
        [FROM] = {true, false, NONE},  [FROM_OUT] = {true, false, OUT}, [BOTH] = {true, false, TO},
    };

    table(true, MN_TYPE_UNSUBSCRIBED, rows);
}

TEST(table_6_inbound_subscribe)
{
    static const struct row rows[STATES] = {
        [NONE] = {true, false, IN},   [OUT] = {true, false, OUT_IN},
        [IN] = {false, false, IN},    [OUT_IN] = {false, false, OUT_IN},
        [TO] = {true, false, TO_IN},  [TO_IN] = {false, false, TO_IN},
        [FROM] = {false, true, FROM}, [FROM_OUT] = {false, true, FROM_OUT},
        [BOTH] = {false, true, BOTH},
    };

    table(false, MN_TYPE_SUBSCRIBE, rows);
}

TEST(table_7_inbound_unsubscribe)
{
    static const struct row rows[STATES] = {
        [NONE] = {false, false, NONE}, [OUT] = {false, false, OUT},    [IN] = {true, true, NONE},
        [OUT_IN] = {true, true, OUT},  [TO] = {false, false, TO},      [TO_IN] = {true, true, TO},
        [FROM] = {true, true, NONE},   [FROM_OUT] = {true, true, OUT}, [BOTH] = {true, true, TO},
    };

    table(false, MN_TYPE_UNSUBSCRIBE, rows);
}

TEST(table_8_inbound_subscribed)
{
    static const struct row rows[STATES] = {
        [NONE] = {false, false, NONE}, [OUT] = {true, false, TO},
        [IN] = {false, false, IN},     [OUT_IN] = {true, false, TO_IN},
        [TO] = {false, false, TO},     [TO_IN] = {false, false, TO_IN},
        [FROM] = {false, false, FROM}, [FROM_OUT] = {true, false, BOTH},
        [BOTH] = {false, false, BOTH},
    };

    table(false, MN_TYPE_SUBSCRIBED, rows);
}

TEST(table_9_inbound_unsubscribed)
{
    static const struct row rows[STATES] = {
        [NONE] = {false, false, NONE}, [OUT] = {true, false, NONE},
        [IN] = {false, false, IN},     [OUT_IN] = {true, false, IN},
        [TO] = {true, false, NONE},    [TO_IN] = {true, false, IN},
        [FROM] = {false, false, FROM}, [FROM_OUT] = {true, false, FROM},
        [BOTH] = {true, false, FROM},
    };

    table(false, MN_TYPE_UNSUBSCRIBED, rows);
}

/* RFC 6121, 3.4: a pre-approved request is granted without asking, and a pre-approval can be taken
 * back. */
TEST(pre_approval_answers_and_can_be_cancelled)
{
    static const enum state from[] = {NONE, OUT, TO}, to[] = {FROM, FROM_OUT, BOTH};

    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        unsigned flags = states[from[i]].flags, acts;

        acts = roster_outbound(MN_TYPE_SUBSCRIBED, true, &flags);
        CHECK_INT(acts, ROSTER_PUSH);
        CHECK_INT(flags, states[from[i]].flags | ROSTER_APPROVED | ROSTER_LISTED);
        acts = roster_inbound(MN_TYPE_SUBSCRIBE, &flags);
        CHECK_INT(acts, ROSTER_PUSH | ROSTER_REPLY);
        CHECK_INT(flags & ~(unsigned)ROSTER_APPROVED, states[to[i]].flags | ROSTER_LISTED);

        flags = states[from[i]].flags | ROSTER_APPROVED | ROSTER_LISTED;
        acts = roster_outbound(MN_TYPE_UNSUBSCRIBED, true, &flags);
        CHECK_INT(acts, ROSTER_PUSH);
        CHECK_INT(flags, states[from[i]].flags | ROSTER_LISTED);
    }
}

/* A.1: a request alone makes no item that is seen. */
TEST(a_request_alone_is_not_listed)
{
    unsigned flags = 0, acts = roster_inbound(MN_TYPE_SUBSCRIBE, &flags);

    CHECK_INT(acts, ROSTER_ROUTE | ROSTER_KEEP);
    CHECK_INT(flags, ROSTER_PENDING_IN);
    roster_outbound(MN_TYPE_UNSUBSCRIBED, true, &flags);
    CHECK_INT(flags, 0);
}

static struct roster_item item_of(const char *jid, unsigned flags, const char *name)
{
    return (struct roster_item){
        .jid = mn_str_from(jid), .flags = flags, .name = name ? mn_str_from(name) : (mn_str){0}};
}

TEST(items_are_put_found_replaced_and_removed)
{
    struct roster r = {0};
    struct roster_item item;
    struct mn_arena a = {0};
    mn_str names[] = {MN_STR("Friends"), MN_STR("\xc3\xa9t\xc3\xa9")}, groups, group;

    item = item_of("nurse@example.com", ROSTER_LISTED, "Nurse");
    item.groups = roster_groups(names, 2, &a);
    roster_put(&r, &item);
    item = item_of("romeo@example.net", ROSTER_LISTED | ROSTER_TO, NULL);
    roster_put(&r, &item);
    CHECK_INT(r.count, 2);

    CHECK(roster_find(&r, MN_STR("nurse@example.com"), &item));
    CHECK_STR(item.name, "Nurse");
    groups = item.groups;
    CHECK(roster_group_next(&groups, &group));
    CHECK_STR(group, "Friends");
    CHECK(roster_group_next(&groups, &group));
    CHECK_STR(group, "\xc3\xa9t\xc3\xa9");
    CHECK(!roster_group_next(&groups, &group));

    item.name = (mn_str){0}; /* its slices point into the block that changes */
    item.flags |= ROSTER_FROM;
    roster_put(&r, &item);
    CHECK_INT(r.count, 2);
    CHECK_INT(roster_flags(&r, MN_STR("nurse@example.com")), ROSTER_LISTED | ROSTER_FROM);
    CHECK(roster_find(&r, MN_STR("nurse@example.com"), &item) && !item.name.p && item.groups.n);

    item.flags = 0;
    roster_put(&r, &item);
    CHECK_INT(r.count, 1);
    CHECK(!roster_find(&r, MN_STR("nurse@example.com"), &item));
    CHECK_STR(item.jid, "nurse@example.com");
    item = item_of("romeo@example.net", 0, NULL);
    roster_put(&r, &item);
    CHECK(!r.count && !r.used && !r.block);
    roster_free(&r);
    mn_arena_done(&a, NULL);
}

TEST(records_survive_storage_and_broken_ones_are_refused)
{
    struct mn_arena a = {0};
    struct roster_item item = item_of("a@b", ROSTER_LISTED, ""), back;
    mn_str record = roster_record(&item, &a);

    CHECK(roster_record_parse(item.jid, record, &back));
    CHECK(back.name.p && !back.name.n);
    CHECK_INT(back.flags, ROSTER_LISTED);
    CHECK(!roster_record_parse(item.jid, MN_STR(""), &back));
    CHECK(!roster_record_parse(item.jid, ((mn_str){"\1\1\0\5abc", 7}), &back));
    mn_arena_done(&a, NULL);
}

#include "xmpp/datetime.h"

#include <stdlib.h>

#include "test.h"

TEST(the_rows_of_xep_0082)
{
    mn_str file = test_file("tests/vectors/xep0082.tsv"), text = file, col[4];

    while (test_row(&text, col, 4)) {
        int64_t ms = 0;
        int e = mn_datetime_parse(col[1], &ms);
        bool old = mn_str_starts(col[3], MN_STR("old form"));

        if (mn_str_is(col[0], "ok") && !old) {
            CHECK_INT(e, 0);
            CHECK_INT((ms - (ms % 1000 + 1000) % 1000) / 1000, strtoll(col[2].p, NULL, 10));
        } else if (!e) {
            test_fail(__FILE__, __LINE__, "accepted %.*s", MN_ARG(col[1]));
        }
    }
    mn_free((void *)file.p);
}

TEST(what_is_written_is_read_back)
{
    struct mn_arena a = {0};
    int64_t ms;

    CHECK_STR(mn_datetime_text(1795392000123, &a), "2026-11-23T00:00:00.123Z");
    CHECK(!mn_datetime_parse(mn_datetime_text(1795392000123, &a), &ms));
    CHECK_INT(ms, 1795392000123);
    mn_arena_done(&a, NULL);
}

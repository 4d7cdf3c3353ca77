#include "base/map.h"

#include "test.h"

TEST(map_keeps_what_was_put_through_growth_and_deletion)
{
    enum { N = 5000 };
    struct mn_map m = {0};
    static char keys[N][8];
    size_t at = 0, seen = 0;

    for (int i = 0; i < N; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        CHECK(!mn_map_put(&m, mn_str_from(keys[i]), keys[i]));
    }
    CHECK_INT((long long)m.count, N);
    for (int i = 0; i < N; i += 2)
        CHECK(mn_map_del(&m, mn_str_from(keys[i])) == keys[i]);
    for (int i = 0; i < N; i++)
        CHECK(mn_map_get(&m, mn_str_from(keys[i])) == (i % 2 ? keys[i] : NULL));
    while (mn_map_next(&m, &at))
        seen++;
    CHECK_INT((long long)seen, N / 2);
    CHECK(mn_map_put(&m, MN_STR("k1"), keys[0]) == keys[1]);
    for (int i = 1; i < N; i += 2)
        mn_map_del(&m, mn_str_from(keys[i]));
    CHECK(!m.slots);
    CHECK(!mn_map_del(&m, MN_STR("k1")));
}

#include "base/arena.h"

#include <pthread.h>

#include "base/buf.h"
#include "test.h"

TEST(arena_gives_aligned_memory_of_any_size)
{
    struct mn_pool *p = mn_pool_new(4);
    struct mn_arena a = {.pool = p};

    for (size_t n = 0; n < 6000; n += 37) {
        char *c = mn_arena_alloc(&a, n);

        CHECK(((uintptr_t)c & 7) == 0);
        memset(c, 1, n);
        CHECK_STR(mn_arena_str(&a, MN_STR("abc")), "abc");
    }
    CHECK_STR(mn_arena_fmt(&a, "%s-%d", "x", 5), "x-5");
    mn_arena_done(&a, p);
    mn_pool_free(p);
}

/* Whatever is left in the block or the buffer when it comes. */
TEST(text_is_formatted_where_it_fits_or_where_there_is_room)
{
    static const char want[] = "twenty-six letters or so 26";
    struct mn_arena a = {0};

    for (size_t n = 0; n < 300; n++) {
        struct mn_buf b = {0};
        mn_str first = mn_arena_fmt(&a, "%s %d", "twenty-six letters or so", 26), second;

        for (size_t i = 0; i < n; i++)
            mn_buf_c(&b, 'x');
        mn_buf_fmt(&b, "%s %d", "twenty-six letters or so", 26);
        CHECK_INT(b.n, n + sizeof want - 1);
        CHECK_STR(mn_str_skip(mn_buf_view(&b), n), want);
        mn_buf_free(&b);
        second = mn_arena_str(&a, MN_STR("y"));
        CHECK_STR(first, want);
        CHECK_INT(first.p[first.n], 0);
        CHECK_STR(second, "y");
        mn_arena_done(&a, NULL);
        (void)mn_arena_bytes(&a, 2048 - n % 64);
    }
    mn_arena_done(&a, NULL);
}

static void *free_elsewhere(void *arg)
{
    mn_arena_done(arg, NULL);
    return NULL;
}

TEST(no_text_is_still_a_text)
{
    struct mn_arena a = {0};

    CHECK(mn_arena_str(&a, MN_STR("")).p != NULL);
    CHECK(mn_arena_bytes(&a, 0) != NULL && mn_arena_alloc(&a, 0) != NULL);
    mn_arena_done(&a, NULL);
}

TEST(blocks_freed_on_another_thread_come_home)
{
    struct mn_pool *p = mn_pool_new(8);
    size_t before = 0;

    for (int i = 0; i < 3; i++) {
        struct mn_arena a = {.pool = p};
        pthread_t t;

        for (int k = 0; k < 4; k++)
            mn_arena_alloc(&a, 1500);
        pthread_create(&t, NULL, free_elsewhere, &a);
        pthread_join(t, NULL);
        if (i == 0)
            before = mn_alloc_bytes();
        else
            CHECK_INT((long long)mn_alloc_bytes(), (long long)before); /* the same blocks again */
    }
    mn_pool_free(p);
}

/* A harness: TEST(name) { CHECK(...); } in any number of files linked together with tests/test.c;
 * prints TAP. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct test {
    const char *name;
    void (*run)(void);
    struct test *next;
};
void test_add(struct test *t);
const struct test *test_first(void);
/* Notes a failure of the running test; the test goes on. */
void test_fail(const char *file, int line, const char *fmt, ...) MN_PRINTF(3, 4);
/* The rest of the running test is passed over, with the reason. */
void test_skip(const char *why);
bool test_failed(void);
/* The bytes of a file below the source tree (path from its root, e.g. "tests/vectors/jid.tsv");
 * malloc'd, mn_free it. */
mn_str test_file(const char *path);
/* One row of a tab-separated file at a time: comments and empty lines are passed over; columns that
 * are absent are empty. `text` is advanced. False at the end. */
bool test_row(mn_str *text, mn_str *columns, size_t count);
/* Hex to bytes, malloc'd. */
mn_str test_unhex(mn_str hex);

#define TEST(name)                                                                                 \
    static void test_##name(void);                                                                 \
    static struct test test_row_##name = {#name, test_##name, NULL};                               \
    __attribute__((constructor)) static void test_add_##name(void)                                 \
    {                                                                                              \
        test_add(&test_row_##name);                                                                \
    }                                                                                              \
    static void test_##name(void)

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x))                                                                                  \
            test_fail(__FILE__, __LINE__, "%s", #x);                                               \
    } while (0)
#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        long long got_ = (got), want_ = (want);                                                    \
        if (got_ != want_)                                                                         \
            test_fail(__FILE__, __LINE__, "%s is %lld, not %lld", #got, got_, want_);              \
    } while (0)
#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        mn_str got_ = (got), want_ = mn_str_from(want);                                            \
        if (!mn_str_eq(got_, want_))                                                               \
            test_fail(__FILE__, __LINE__, "%s is \"%.*s\", not \"%.*s\"", #got, MN_ARG(got_),      \
                      MN_ARG(want_));                                                              \
    } while (0)

#include "base/child.h"

#include <signal.h>

#include "test.h"

TEST(what_a_program_writes_is_cut_at_the_limit_and_ends_with_nul)
{
    static const struct {
        const char *command, *want;
        int code;
    } rows[] = {
        {"printf abcdef", "abcd", 0},
        {"printf ab; exit 3", "ab", 3},
        {"kill -9 $$", "", -1},
        {"no-such-program-anywhere 2>/dev/null", "", 127},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_arena a = {0};
        mn_str out;

        CHECK_INT(mn_child_read(rows[i].command, 4, &a, &out), rows[i].code);
        CHECK_STR(out, rows[i].want);
        CHECK_INT(out.p[out.n], 0);
        mn_arena_done(&a, NULL);
    }
}

/* Of a terminal client signals wait until it looks, or are left alone; its children are no part of
 * that. */
TEST(a_child_has_the_signals_of_a_program_that_a_shell_began)
{
    struct mn_arena a = {0};
    sigset_t resizing, before;
    mn_str out;

    sigemptyset(&resizing);
    sigaddset(&resizing, SIGWINCH);
    sigprocmask(SIG_BLOCK, &resizing, &before);
    signal(SIGPIPE, SIG_IGN);
    CHECK_INT(
        mn_child_read("exec grep -c -E '^Sig(Blk|Ign):.0+$' /proc/self/status", 100, &a, &out), 0);
    CHECK_STR(out, "2\n");
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    mn_arena_done(&a, NULL);
}

/* The scripts of a program once more, for each note that they make, and for each write that a
 * console hears of: there, inside the call-back, the client is freed, or the object that the
 * call-back is about. Nothing in what is left of the turn may touch it. Each time in a child, which
 * ends with that turn: the script knows nothing of it. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/client/talk.h"

enum { DEADLINE_S = 60, LAPS = 4, NOT_REACHED = 3, AT_ONCE = 32 };

static unsigned at; /* so many of them before it ends */
static bool object, writes;
static struct mn_turn end;

/* What is freed goes at the end of the turn: a few laps, to be behind it. */
static void over(struct mn_turn *t)
{
    static unsigned laps;

    if (++laps == LAPS)
        _exit(0);
    mn_loop_at_end(talk.ctx->loop, t);
}

static void end_it(void)
{
    if (--at)
        return;
    talk_noted = talk_wrote = NULL;
    if (object)
        talk_drop();
    else
        mynah_client_free(talk.c);
    end.run = over;
    mn_loop_at_end(talk.ctx->loop, &end);
}

static pid_t ends_at(const struct test *t, unsigned note)
{
    pid_t pid = fork();

    if (!pid) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        alarm(DEADLINE_S);
        at = note;
        *(writes ? &talk_wrote : &talk_noted) = end_it;
        t->run();
        _exit(NOT_REACHED);
    }
    return pid;
}

/* Whether there was such a note. */
static bool ended(const struct test *t, unsigned note, pid_t pid)
{
    int status = 0;

    if (pid < 0 || waitpid(pid, &status, 0) != pid ||
        (status && (!WIFEXITED(status) || WEXITSTATUS(status) != NOT_REACHED)))
        test_fail(__FILE__, __LINE__, "%s, %s %u, %s: status %x", t->name,
                  writes ? "write" : "note", note, object ? "the object" : "the client",
                  (unsigned)status);
    return !status;
}

/* Most of their time they wait to come back: many at once, where there are many. */
static void each_note(void)
{
    unsigned reached = 0;

    for (const struct test *t = test_first(); t; t = t->next) {
        unsigned note = 1, many, n;

        if (!strncmp(t->name, "ends_", 5))
            continue;
        do {
            pid_t pids[AT_ONCE];

            many = note < AT_ONCE ? note : AT_ONCE;
            for (unsigned i = 0; i < many; i++)
                pids[i] = ends_at(t, note + i);
            n = 0;
            for (unsigned i = 0; i < many; i++)
                n += ended(t, note + i, pids[i]);
            note += n;
        } while (n == many);
        reached += note - 1;
    }
    printf("# %u ends\n", reached);
}

TEST(ends_of_the_client_inside_each_note)
{
    each_note();
}

TEST(ends_of_the_object_inside_each_note)
{
    object = true;
    if (talk_drop)
        each_note();
    object = false;
}

TEST(ends_of_the_client_inside_each_write)
{
    writes = true;
    each_note();
    writes = false;
}

TEST(ends_of_the_object_inside_each_write)
{
    object = writes = true;
    if (talk_drop)
        each_note();
    object = writes = false;
}

/* Memory that is over: wherever in a login and a talk that is, the program's handler hears of it
 * first, and nothing of ours goes on with what it did not get. The linker puts these functions
 * before those of the C library (meson.build). */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/client/talk.h"

enum { HEARD = 42 };

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);

static unsigned left; /* 0: no matter; else the last of so many is not given */

static bool given(void)
{
    return !left || --left;
}

void *__wrap_malloc(size_t n)
{
    return given() ? __real_malloc(n) : NULL;
}

void *__wrap_calloc(size_t count, size_t n)
{
    return given() ? __real_calloc(count, n) : NULL;
}

void *__wrap_realloc(void *p, size_t n)
{
    return given() ? __real_realloc(p, n) : NULL;
}

static void leave(void)
{
    _exit(HEARD);
}

static void come_back(void)
{
    signal(SIGABRT, SIG_DFL);
}

static void login_and_chat(void)
{
    static const struct mynah_client_config config = {.no_reconnect = true};
    static const char *const lines[] = {
        LOGIN(SM),
        "<<enable",
        "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
        "<type='get' id='",
        "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'>"
        "<item jid='a@y.test' subscription='both'><group>G</group></item></query></iq>",
        "><presence from='a@y.test/1'/><message from='a@y.test/1' "
        "type='chat'><body>hi</body></message>",
        "<<body>answer</body>",
        "><a xmlns='urn:xmpp:sm:3' h='2'/>",
        END};

    talk_start(lines, &config);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "answer");
    talk_until(talk_done);
    talk_end(NULL);
}

/* How a process ends that does not get its nth piece: HEARD, or 0 when it needs fewer. */
static int ends(unsigned nth, void (*handler)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (!pid) {
        mynah_out_of_memory(handler);
        left = nth;
        login_and_chat();
        left = 0;
        _exit(test_failed());
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

TEST(the_handler_hears_of_each_piece_that_is_missing)
{
    unsigned heard = 0;
    int status;

    for (unsigned nth = 1; (status = ends(nth, leave)); nth++) {
        if (!WIFEXITED(status) || WEXITSTATUS(status) != HEARD)
            test_fail(__FILE__, __LINE__, "without piece %u: status %d", nth, status);
        heard++;
    }
    CHECK(heard > 200);
}

TEST(whoever_comes_back_from_it_ends)
{
    int status;

    CHECK(freopen("/dev/null", "w", stderr));
    status = ends(20, come_back);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

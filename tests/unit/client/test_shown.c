/* What consoles hear of: all that goes through a stream, in its order, never inside the call that
 * writes. */
#include "unit/client/talk.h"

static bool writing;

static void heard(void *arg, struct mynah_client *c, bool out, const char *text, size_t n)
{
    static const char *const words[] = {"<success", "<iq", "<message"};

    (void)arg;
    (void)c;
    CHECK(!writing);
    for (size_t i = 0; i < MN_COUNT(words); i++)
        if (memmem(text, n, words[i], strlen(words[i])))
            note("%s:%s", out ? "out" : "in", words[i] + 1);
}

static const struct mynah_calls console = {.size = sizeof console, .wire = heard};

static bool answered(void)
{
    return noted("a@y.test>x");
}

TEST(a_console_hears_of_all_in_its_order_behind_the_call)
{
    static const char *const lines[] = {
        LOGIN(""), "<>hi<", "><message from='a@y.test' type='chat'><body>x</body></message>", NULL};

    talk_start(lines, NULL);
    mynah_listen(talk.c, &console, NULL);
    talk_until(talk_online);
    writing = true;
    mynah_chat(talk.c, "a@y.test", "hi");
    writing = false;
    talk_until(answered);
    mynah_chat(talk.c, "a@y.test", "bye");
    mynah_client_free(talk.c); /* says what was not told yet */
    talk_end("in:success out:iq in:iq online queued written out:message in:message a@y.test>x "
             "queued written out:message");
}

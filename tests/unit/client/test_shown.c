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

enum { MANY = 100 };

/* One that talks to itself. */
static void talks(void *arg, struct mynah_client *c, bool out, const char *text, size_t n)
{
    unsigned *count = arg;

    if (out && *count && memmem(text, n, "<message", 8) && ++*count < MANY)
        mynah_chat(c, "a@y.test", "again");
}

TEST(what_is_written_inside_is_told_in_the_next_turn)
{
    static const char *const lines[] = {LOGIN(""), "<never", NULL};
    static const struct mynah_calls again = {.size = sizeof again, .wire = talks};
    unsigned count = 0;

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_listen(talk.c, &again, &count);
    count = 1;
    mynah_chat(talk.c, "a@y.test", "first");
    for (unsigned turns = 0, last; count < MANY; turns++) {
        last = count;
        CHECK(turns < 100 * MANY);
        mn_loop_turn(talk.ctx->loop, 20);
        if (count > last + 1) {
            test_fail(__FILE__, __LINE__, "%u in one turn", count - last);
            break;
        }
    }
    talk_end(NULL);
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

static struct mn_buf all;

static void keeps(void *arg, struct mynah_client *c, bool out, const char *text, size_t n)
{
    (void)arg;
    (void)c;
    if (out)
        mn_buf_add(&all, text, n);
}

static bool has_told(const char *text)
{
    return memmem(all.p, all.n, text, strlen(text));
}

/* Also where they are no part of a login; what has only their name stays. */
TEST(no_password_is_shown)
{
    static const char *const lines[] = {LOGIN(""), "<>my password: none<", NULL};
    static const struct mynah_calls calls = {.size = sizeof calls, .wire = keeps};
    struct mynah_form *form = mynah_form_new("submit", NULL);
    struct mynah_elem *x, *m;

    talk_start(lines, NULL);
    mynah_listen(talk.c, &calls, NULL);
    talk_until(talk_online);
    mynah_password_change(talk.c, "secret1", NULL, NULL);
    mynah_form_add(form, "text-private", "key", NULL, false);
    mynah_form_set(form, "key", "secret2");
    mynah_form_add(form, "text-single", "name", NULL, false);
    mynah_form_set(form, "name", "open");
    x = mynah_form_elem(form);
    mynah_form_free(form);
    mynah_register_submit(talk.c, NULL, &x, NULL, NULL);
    m = mynah_message_new("a@y.test", MYNAH_NORMAL, NULL);
    x = mynah_elem_add(m, "x", "jabber:x:conference"); /* XEP-0249 */
    mynah_elem_set(x, "password", "secret3");
    mynah_elem_set(x, "reason", "come");
    mynah_message_send(talk.c, &m, NULL, NULL, NULL);
    mynah_chat(talk.c, "a@y.test", "my password: none");
    talk_until(talk_done);
    mn_loop_turn(talk.ctx->loop, 20);
    CHECK(!has_told("secret") && has_told("<password>...</password>") && has_told("open"));
    CHECK(has_told("my password: none") && has_told(" password='...' reason='come'"));
    CHECK(memmem(talk.server.all.p, talk.server.all.n, "secret1", 7));
    CHECK(memmem(talk.server.all.p, talk.server.all.n, "secret2", 7));
    CHECK(memmem(talk.server.all.p, talk.server.all.n, "secret3", 7));
    talk_end(NULL);
    mn_buf_free(&all);
}

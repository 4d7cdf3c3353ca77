/* Servers that do not answer, or do not hear: who is asked for life, and who is left. */
#include "client/client.h"

#include "base/clock.h"
#include "unit/client/talk.h"

static const struct mynah_client_config again = {.no_roster = true};

/* Somebody who says nothing is asked, and left when as much silence follows. */
TEST(a_server_that_says_nothing_any_more_is_left)
{
    static const struct mynah_client_config impatient = {.no_roster = true, .keepalive_ms = 50};
    static const char *const lines[] = {LOGIN(""), "<urn:xmpp:ping", NULL};
    int64_t begun;

    talk_start(lines, &impatient);
    talk_until(talk_done);
    begun = mn_clock_now();
    talk_until(talk_loses);
    CHECK(mn_clock_now() - begun < 10000);
    mynah_client_free(talk.c);
    talk_end("online waiting (-13)");
}

/* ... and one who says this and that, and never answers what XEP-0198, 4 says must be answered. */
TEST(a_server_that_does_not_hear_us_is_left)
{
    static const char *const lines[] = {LOGIN(SM),
                                        "<<enable",
                                        "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
                                        "<<r ",
                                        "><r xmlns='urn:xmpp:sm:3'/>",
                                        NULL};

    talk_start(lines, &again);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "one");
    talk_until(talk_done);
    for (int i = 0; i < 10 && !talk_loses(); i++) {
        mn_clock_set(mn_clock_now() + 15001, mn_clock_wall());
        for (int k = 0; k < 5; k++)
            mn_loop_turn(talk.ctx->loop, 1);
    }
    talk_until(talk_loses);
    mn_clock_set(-1, 0);
    mynah_client_free(talk.c);
    talk_end("online queued written waiting (-13)");
}

static void pass(int64_t ms)
{
    mn_clock_set(mn_clock_now() + ms, mn_clock_wall());
}

/* With a clock that stands. */
static void turns_until(bool (*reached)(void))
{
    for (int i = 0; i < 1000 && !reached(); i++)
        mn_loop_turn(talk.ctx->loop, 20);
    CHECK(reached());
}

/* ... nor, where it acknowledges nothing, what it is asked because of that. */
TEST(a_server_that_talks_and_does_not_read_is_left)
{
    static const char *const lines[] = {LOGIN(""), "<<body>one", "<urn:xmpp:ping",
                                        "><presence from='a@y.test/1'/>", NULL};

    talk_start(lines, &again);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "one");
    for (int i = 0; i < 5; i++)
        mn_loop_turn(talk.ctx->loop, 1);
    pass(61000);
    turns_until(talk_done);
    for (int i = 0; i < 10 && !talk_loses(); i++) {
        pass(15001);
        for (int k = 0; k < 5; k++)
            mn_loop_turn(talk.ctx->loop, 1);
    }
    turns_until(talk_loses);
    mn_clock_set(-1, 0);
    mynah_client_free(talk.c);
    talk_end("online queued written waiting (-13)");
}

static void server_reads(bool on)
{
    mn_conn_pause(talk.server.conn, !on);
    for (int i = 0; i < 20; i++)
        mn_loop_turn(talk.ctx->loop, on);
}

/* Over a slow line an answer has its time from when the question has left: as long as bytes are
 * taken in, somebody hears us. */
TEST(a_server_that_takes_in_slowly_is_not_left)
{
    enum { SIZE = 1 << 20, COUNT = 24 };
    static const char *const lines[] = {
        LOGIN(SM), "<<enable", "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>", NULL};
    char *text = mn_alloc0(SIZE);

    memset(text, 'a', SIZE - 1);
    talk_start(lines, &again);
    talk_until(talk_done);
    pass(0);
    for (int i = 0; i < COUNT; i++)
        mynah_chat(talk.c, "a@y.test", text);
    server_reads(false);
    CHECK(mn_conn_queued(stream_conn(talk.c->stream)) > 0);
    for (int i = 0; i < 12; i++) { /* a sip each quarter of a minute */
        mn_conn_pause(talk.server.conn, false);
        mn_loop_turn(talk.ctx->loop, 0);
        pass(15001);
        server_reads(false);
    }
    CHECK(talk_online() && mn_conn_queued(stream_conn(talk.c->stream)) > 0);
    for (int i = 0; i < 10 && !talk_loses(); i++) {
        pass(15001);
        server_reads(false);
    }
    CHECK(talk_loses());
    mn_clock_set(-1, 0);
    mynah_client_free(talk.c);
    mn_free(text);
    talk_end(NULL);
}

static bool keeps(void *arg, struct mynah_client *c, const struct mynah_elem *stanza)
{
    (void)arg;
    (void)c;
    (void)stanza;
    return true;
}

static bool pinged(void)
{
    return talk.c->ping[0];
}

static bool ponged(void)
{
    return !talk.c->ping[0];
}

static void pong(const char *from, const char *type)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "<iq from='%s' id='%s' type='%s'/>", from, talk.c->ping, type);
    mn_conn_write(talk.server.conn, mn_buf_view(&b));
    mn_buf_free(&b);
}

/* Its answer counts whoever keeps it to himself, and holds for what was written before. */
TEST(a_server_that_answers_is_asked_again_when_there_is_more)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .stanza = keeps};
    static const char *const lines[] = {LOGIN(""),    "<<body>one",     "<urn:xmpp:ping",
                                        "<<body>two", "<urn:xmpp:ping", "><presence/>",
                                        NULL};

    talk_start(lines, &again);
    mynah_listen(talk.c, &calls, NULL);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "one");
    pass(61000);
    turns_until(pinged);
    mynah_chat(talk.c, "a@y.test", "two");
    for (int i = 0; i < 5; i++)
        mn_loop_turn(talk.ctx->loop, 1);
    pong("a@x.test", "result");
    for (int i = 0; i < 5; i++)
        mn_loop_turn(talk.ctx->loop, 1);
    CHECK(pinged());
    pong("x.test", "result");
    turns_until(ponged);
    pass(61000);
    turns_until(talk_done);
    pong("x.test", "error");
    turns_until(ponged);
    pass(200000);
    for (int i = 0; i < 5; i++)
        mn_loop_turn(talk.ctx->loop, 1);
    CHECK(ponged() && talk_online());
    mn_clock_set(-1, 0);
    mynah_client_free(talk.c);
    talk_end("online queued written queued written");
}

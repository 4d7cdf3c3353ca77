/* Sessions that outlive their stream, their program, and the answers of servers (XEP-0198). */
#include "client/client.h"

#include "base/clock.h"
#include "unit/client/talk.h"

static const struct mynah_client_config again = {.no_roster = true};

/* The connection is cut, and the session is there again. */
TEST(a_resumed_session_loses_and_doubles_nothing)
{
    static const char *const lines[] = {
        LOGIN(SM),
        "<<enable",
        "><enabled xmlns='urn:xmpp:sm:3' id='s&apos;1' resume='true'/>",
        "><message from='a@y.test/1'><body>hi</body></message>",
        "<>one<",
        "><a xmlns='urn:xmpp:sm:3' h='1'/>",
        "<>two<",
        "<>three<",
        "!",
        AUTH(SM),
        "<<resume xmlns='urn:xmpp:sm:3' h='1' previd='s&apos;1'/>",
        "><resumed xmlns='urn:xmpp:sm:3' previd='s&apos;1' h='2'/>",
        "<>three<",
        "<urn:test",
        "<<r ",
        "><a xmlns='urn:xmpp:sm:3' h='3'/>",
        "<<r ",
        NULL};

    talk_start(lines, &again);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "one");
    mynah_chat(talk.c, "a@y.test", "two");
    mynah_chat(talk.c, "a@y.test", "three");
    talk_until(talk_loses);
    talk_ask("meanwhile", NULL, 0);
    talk_until(talk_done);
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "meanwhile", 9));
    mynah_client_free(talk.c);
    talk_end(
        "online queued written queued written queued written a@y.test/1>hi acked waiting (-13) "
        "acked online+ "
        "acked meanwhile=-12");
}

static bool said(const char *text)
{
    return talk.server.all.n && memmem(talk.server.all.p, talk.server.all.n, text, strlen(text));
}

static bool talk_said_none(void)
{
    return said("h='0'/>");
}

static bool talk_said_one(void)
{
    return said("h='1'/>");
}

/* The server hears at once how much is safe, and of the rest as soon as it is. */
TEST(what_a_program_has_not_kept_is_not_acknowledged)
{
    static const char *const lines[] = {
        LOGIN(SM),
        "<<enable",
        "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
        "><message from='a@y.test/1'><body>hi</body></message><r xmlns='urn:xmpp:sm:3'/>",
        "<<a xmlns='urn:xmpp:sm:3' h='0'/>",
        "<<a xmlns='urn:xmpp:sm:3' h='1'/>",
        "><message from='a@y.test/1'><body>ho</body></message>",
        "><iq type='get' id='i' from='a@y.test/1'><x xmlns='y'/></iq><r xmlns='urn:xmpp:sm:3'/>",
        "<id='i'",
        "<<a xmlns='urn:xmpp:sm:3' h='1'/>",
        "<</stream:stream>",
        NULL};
    struct mynah_client_config held = {.size = sizeof held, .hold_acks = true};
    void *saved;
    size_t n;

    talk_start(lines, &held);
    talk_until(talk_said_none);
    CHECK_INT(mynah_client_received(talk.c), 1);
    mynah_client_ack(talk.c, 2);
    mynah_client_ack(talk.c, UINT32_MAX);
    mynah_client_ack(talk.c, 1);
    talk_until(talk_said_one);
    TALK_UNTIL(mynah_client_received(talk.c) >= 3);
    CHECK_INT(mynah_client_received(talk.c), 3);
    mynah_client_ack(talk.c, 2); /* the server waits for 3: it is told with the last word */
    CHECK_INT(mynah_client_save(talk.c, &saved, &n), 0);
    CHECK(strstr(saved, " in='2'"));
    mynah_free(saved);
    for (uint32_t i = 1; i < 5; i++) { /* not less than is acknowledged, nor more than came */
        CHECK_INT(mynah_client_save_with(talk.c, i, &saved, &n), 0);
        CHECK(strstr(saved, i == 3 ? " in='3'" : " in='2'"));
        mynah_free(saved);
    }
    mynah_client_disconnect(talk.c);
    talk_until(talk_done);
    CHECK(said("h='2'/>") && !said("h='3'/>"));
    talk_end(NULL);
}

static int times(const char *text)
{
    const char *p = talk.server.all.p, *end = p + talk.server.all.n;
    int n = 0;

    for (; (p = memmem(p, (size_t)(end - p), text, strlen(text))); p++)
        n++;
    return n;
}

/* In the same run too: the server goes on behind what is safe, and that counts from there. What was
 * asked is not answered again. */
TEST(what_a_program_has_not_kept_comes_again_by_a_resumed_session)
{
#define TWO_TO_FOUR                                                                                \
    "<message from='a@y.test/1'><body>two</body></message>"                                        \
    "<iq type='get' from='a@y.test/1' id='q1'><ping xmlns='urn:xmpp:ping'/></iq>"                  \
    "<message from='a@y.test/1'><body>four</body></message>"
    static const char *const lines[] = {
        LOGIN(SM),
        "<<enable",
        "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
        "><message from='a@y.test/1'><body>one</body></message>" TWO_TO_FOUR,
        "<kept",
        "!",
        AUTH(SM),
        "<<resume xmlns='urn:xmpp:sm:3' h='1' previd='s'/>",
        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='1'/>" TWO_TO_FOUR
        "<r xmlns='urn:xmpp:sm:3'/>",
        "<<a xmlns='urn:xmpp:sm:3' h='1'/>",
        "<<a xmlns='urn:xmpp:sm:3' h='4'/>",
        NULL};
    struct mynah_client_config held = {.size = sizeof held, .no_roster = true, .hold_acks = true};

    talk_start(lines, &held);
    TALK_UNTIL(mynah_client_received(talk.c) >= 4);
    mynah_client_ack(talk.c, 1);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, "kept", 0);
    talk_until(talk_loses);
    talk_until(talk_said_one);
    TALK_UNTIL(said("<a xmlns='urn:xmpp:sm:3' h='1'/>"));
    CHECK_INT(mynah_client_received(talk.c), 4);
    mynah_client_ack(talk.c, 4);
    talk_until(talk_done);
    CHECK_INT(times("id='q1'"), 1);
    talk_end("online a@y.test/1>one a@y.test/1>two a@y.test/1>four waiting (-13) online+ "
             "again a@y.test/1>two again a@y.test/1>four");
}

/* What comes again is known by what it says, whatever is left out, stamped or cut off once more.
 * Behind it the same is new. */
TEST(what_is_new_is_not_taken_for_what_comes_again)
{
#define PING(id) "<iq type='get' from='a@y.test/1' id='" id "'><ping xmlns='urn:xmpp:ping'/></iq>"
#define SAID(text) "<message from='a@y.test/1'><body>" text "</body></message>"
#define CARBON(more)                                                                               \
    "<message from='u@x.test'><received xmlns='urn:xmpp:carbons:2'><forwarded "                    \
    "xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='a@y.test/1' to='u@x.test/s'>" \
    "<body>copy</body></message></forwarded></received>" more "</message>"
#define STAMP "<delay xmlns='urn:xmpp:delay' from='x.test' stamp='2020-01-01T00:00:00Z'/>"
    static const char *const lines[] = {
        LOGIN(SM), "<<enable", "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
        ">" SAID("left out") PING("q1") CARBON("") SAID("same"), "<kept", "!",
        /* It is cut again before all of it came. */
        AUTH(SM), "<<resume xmlns='urn:xmpp:sm:3' h='0' previd='s'/>",
        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='2'/>" PING(
            "q1") "<r xmlns='urn:xmpp:sm:3'/>",
        "<<a ", "!", AUTH(SM), "<<resume xmlns='urn:xmpp:sm:3' h='0' previd='s'/>",
        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='2'/>" PING("q1") CARBON(STAMP) SAID("same")
            PING("q2") SAID("same") SAID("left out") PING("q1"),
        "<id='q2'", "<id='q1'", NULL};
    struct mynah_client_config held = {.size = sizeof held, .no_roster = true, .hold_acks = true};

    talk_start(lines, &held);
    TALK_UNTIL(mynah_client_received(talk.c) >= 4);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, "kept", 0);
    talk_until(talk_done);
    CHECK_INT(times("id='q1'"), 2);
    talk_end("online a@y.test/1>left out received:a@y.test/1>copy a@y.test/1>same waiting (-13) "
             "online+ waiting (-13) online+ again received:a@y.test/1>copy again a@y.test/1>same "
             "a@y.test/1>same a@y.test/1>left out");
}

TEST(a_session_that_is_gone_leaves_its_messages_to_the_next)
{
    static const char *const lines[] = {
        LOGIN(SM),
        "<<enable",
        "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
        "<>one<",
        "<>two<",
        "<urn:test",
        "!",
        AUTH(SM),
        "<<resume",
        "><failed xmlns='urn:xmpp:sm:3' h='1'><item-not-found xmlns="
        "'urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
        "<id='bind'",
        ">" BOUND,
        "<<enable",
        "<>two<",
        "<>three<",
        NULL};

    talk_start(lines, &again);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "one");
    mynah_chat(talk.c, "a@y.test", "two");
    talk_ask("question", NULL, 0);
    talk_until(talk_loses);
    mynah_chat(talk.c, "a@y.test", "three");
    talk_until(talk_done);
    /* The second enable's counts begin anew, and `one` went once. */
    CHECK(!memmem(strstr(talk.server.all.p, "<resume"), 400, ">one<", 5));
    mynah_client_free(talk.c);
    talk_end("online queued written queued written waiting (-13) queued acked question=-13 "
             "written online");
}

TEST(a_later_run_goes_on_where_an_earlier_one_stopped)
{
    static const char *const first[] = {
        LOGIN(SM), "<<enable",     "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
        "<>one<",  "<>北 &lt;京<", NULL};
    static const char *const second[] = {
        AUTH(SM), "<<resume xmlns='urn:xmpp:sm:3' h='0' previd='s'/>",
        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='1'/>", "<>北 &lt;京<", NULL};
    void *saved;
    size_t n;

    talk_start(first, &again);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "one");
    mynah_chat(talk.c, "a@y.test", "北 <京");
    talk_until(talk_done);
    CHECK_INT(mynah_client_save(talk.c, &saved, &n), 0);
    CHECK_INT(mynah_client_restore(talk.c, saved, n), MYNAH_E_STATE);
    mynah_client_free(talk.c);
    talk_end(NULL);
    talk_start(second, &again);
    mynah_client_disconnect(talk.c);
    CHECK_INT(mynah_client_restore(talk.c, "<session/>", 10), MYNAH_E_FORMAT);
    CHECK_INT(mynah_client_restore(talk.c, "<session", 8), MYNAH_E_FORMAT);
    CHECK_INT(mynah_client_restore(talk.c, saved, n),
              MYNAH_E_FORMAT); /* of u@x.test, not of x.test */
    mynah_free(saved);
    talk_end("offline");
}

/* More than a document may have elsewhere, and each of it once. */
TEST(a_later_run_has_all_that_was_not_acknowledged)
{
    enum { COUNT = 300, SAVED = 100 };
    static const char *const second[] = {
        AUTH(SM), "<<resume xmlns='urn:xmpp:sm:3' h='0' previd='s'/>",
        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='100'/>", "<number 299.", END};
    struct mn_buf saved = {0};
    char id[32];

    mn_buf_lit(&saved, "<session xmlns='urn:mynah:session' for='x.test' jid='u@x.test/r' id='s' "
                       "in='0' out='0'>");
    for (int i = 0; i < COUNT; i++)
        mn_buf_fmt(&saved,
                   "<%s id='m%d' lasting='1'>&lt;message id=&apos;m%d&apos; "
                   "to=&apos;a@y.test&apos;&gt;&lt;body&gt;number %d.%010000d&lt;/body&gt;"
                   "&lt;/message&gt;</%s>",
                   i < 2 * SAVED ? "unacked" : "waiting", i, i, i, 0,
                   i < 2 * SAVED ? "unacked" : "waiting");
    mn_buf_lit(&saved, "</session>");
    CHECK(saved.n > 2 << 20);
    talk_start(second, &again);
    mynah_client_disconnect(talk.c);
    mn_buf_clear(&talk.notes);
    CHECK_INT(mynah_client_restore(talk.c, saved.p, saved.n), 0);
    CHECK_INT(mynah_client_connect(talk.c), 0);
    talk_until(talk_done);
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, ">number %d.", i);
        if (times(id) != (i >= SAVED))
            test_fail(__FILE__, __LINE__, "%s came %d times", id, times(id));
    }
    mn_buf_free(&saved);
    talk_end(NULL);
}

/* The earlier run was killed: since it saved, it sent two more, and the server has all four. */
TEST(a_run_that_was_killed_had_gone_on_behind_what_it_saved)
{
    static const char saved[] =
        "<session xmlns='urn:mynah:session' for='x.test' jid='u@x.test/r' id='s' in='0' out='5'>"
        "<unacked id='m6' lasting='1'>&lt;message id='m6' to='a@y.test'/></unacked>"
        "<unacked id='m7' lasting='1'>&lt;message id='m7' to='a@y.test'/></unacked></session>";
    static const char *const lines[] = {"!",
                                        AUTH(SM),
                                        "<<resume xmlns='urn:xmpp:sm:3' h='0' previd='s'/>",
                                        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='9'/>",
                                        "<>ten<",
                                        "><a xmlns='urn:xmpp:sm:3' h='10'/>",
                                        "><message type='error' id='m7' from='a@y.test'/>",
                                        END};

    talk_start(lines, &again);
    talk_until(talk_loses);
    mynah_client_disconnect(talk.c);
    CHECK_INT(mynah_client_restore(talk.c, saved, sizeof saved - 1), 0);
    CHECK_INT(mynah_client_connect(talk.c), 0);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "ten");
    talk_until(talk_done);
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "id='m6'", 7));
    mynah_client_free(talk.c);
    talk_end("waiting (-4) offline acked acked online+ queued written acked failed "
             "(undefined-condition) a@y.test>-");
}

/* It knows nothing of what the earlier one was told: who is there, the roster, its rooms. */
TEST(a_later_run_asks_anew_for_all_but_messages)
{
    static const char saved[] = "<session xmlns='urn:mynah:session' for='x.test' jid='u@x.test/r' "
                                "id='s' in='3' out='0'/>";
    static const char *const lines[] = {"!",
                                        AUTH(SM),
                                        "<<resume xmlns='urn:xmpp:sm:3' h='3' previd='s'/>",
                                        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='0'/>",
                                        "<<presence type='unavailable'/>",
                                        "<jabber:iq:roster",
                                        "<<presence><show>away</show>",
                                        "<<presence to='r@c.test/me' id='",
                                        "><message from='a@y.test/1'><body>hi</body></message>",
                                        "!",
                                        AUTH(SM),
                                        "<<resume xmlns='urn:xmpp:sm:3' h='4' previd='s'/>",
                                        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='4'/>",
                                        END};
    static const struct mynah_room_calls calls = {.size = sizeof calls};
    struct mynah_room *room;

    talk_start(lines, &(struct mynah_client_config){0});
    talk_until(talk_loses);
    mynah_client_disconnect(talk.c);
    CHECK_INT(mynah_client_restore(talk.c, saved, sizeof saved - 1), 0);
    mynah_presence_set(talk.c, MYNAH_AWAY, NULL, 0);
    CHECK_INT(mynah_room_new(talk.c, "r@c.test", "me", &calls, NULL, &room), 0);
    CHECK_INT(mynah_room_join(room, NULL, NULL), 0);
    CHECK_INT(mynah_client_connect(talk.c), 0);
    talk_until(talk_done);
    CHECK_INT(times("type='unavailable'"), 1);
    talk_end("waiting (-4) offline online+ a@y.test/1>hi waiting (-13) online+");
}

static void save_at_first(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                          const struct mynah_error *why)
{
    void *saved;
    size_t n;

    (void)id;
    (void)why;
    if (state != MYNAH_SENT_ACKED || *(bool *)arg)
        return;
    *(bool *)arg = true;
    CHECK_INT(mynah_client_save(c, &saved, &n), 0);
    CHECK(strstr(saved, "out='1'") && strstr(saved, "two") && !strstr(saved, ">one"));
    mynah_free(saved);
}

/* A program that is killed while it is told of the first has heard nothing of the second. */
TEST(what_is_acknowledged_is_saved_until_it_is_told)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .sent = save_at_first};
    static const char *const lines[] = {LOGIN(SM),
                                        "<<enable",
                                        "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
                                        "<>two<",
                                        "><a xmlns='urn:xmpp:sm:3' h='2'/>",
                                        END};
    bool saved = false;

    talk_start(lines, NULL);
    mynah_listen(talk.c, &calls, &saved);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "one");
    mynah_chat(talk.c, "a@y.test", "two");
    talk_until(talk_done);
    CHECK(saved);
    talk_end("online queued written queued written acked acked");
}

/* Whoever asks at once again asks without an end. */
TEST(a_server_that_handles_late_is_not_asked_all_the_time)
{
    static const char *const lines[] = {
        LOGIN(SM),
        "<<enable",
        "><enabled xmlns='urn:xmpp:sm:3'/>",
        "<>one<",
        "<<r xmlns",
        "><a xmlns='urn:xmpp:sm:3' h='0'/><r xmlns='urn:xmpp:sm:3'/>",
        "<<a xmlns",
        "><r xmlns='urn:xmpp:sm:3'/>",
        "<<a xmlns",
        NULL};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "one");
    talk_until(talk_done);
    CHECK_INT(times("<r xmlns"), 1);
    talk_end("online queued written");
}

static bool talk_heard(void)
{
    return noted("a@y.test>x");
}

TEST(both_sides_acknowledge_before_the_end_and_nothing_follows_it)
{
    static const char *const lines[] = {LOGIN(SM),
                                        "<<enable",
                                        "><enabled xmlns='urn:xmpp:sm:3'/><message "
                                        "from='a@y.test'><body>x</body></message>",
                                        "<<presence type='unavailable'/>",
                                        "<<a xmlns='urn:xmpp:sm:3' h='1'/>",
                                        "<</stream:stream>",
                                        "><r xmlns='urn:xmpp:sm:3'/><iq type='get' id='late' "
                                        "from='x.test'><x xmlns='y'/></iq></stream:stream>",
                                        NULL};
    static const char end[] = "<r xmlns='urn:xmpp:sm:3'/></stream:stream>";
    struct mn_buf *all = &talk.server.all;

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, NULL, 0);
    talk_until(talk_heard);
    mynah_client_disconnect(talk.c);
    talk_until(talk_over);
    CHECK(all->n > sizeof end && !memcmp(all->p + all->n - sizeof end + 1, end, sizeof end - 1));
    talk_end("online a@y.test>x closing offline");
}

static bool talk_counted(void)
{
    return talk.c->sm.enabled;
}

/* What nobody can acknowledge any more comes to the next session, and is told then. */
TEST(what_crosses_the_good_bye_is_told_only_where_it_does_not_come_again)
{
    static const struct {
        const char *lines[16], *notes;
    } rows[] = {
        {{LOGIN(SM), "<<enable", "><enabled xmlns='urn:xmpp:sm:3'/>", "<</stream:stream>",
          "><message from='a@y.test'><body>x</body></message></stream:stream>"},
         "online closing offline"},
        {{LOGIN(""), "<</stream:stream>",
          "><message from='a@y.test'><body>x</body></message></stream:stream>"},
         "online closing a@y.test>x offline"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        talk_start(rows[i].lines, NULL);
        talk_until(i ? talk_online : talk_counted);
        mynah_client_disconnect(talk.c);
        talk_until(talk_over);
        talk_end(rows[i].notes);
    }
}

TEST(a_good_bye_counts_like_any_other_stanza)
{
    static const char *const lines[] = {LOGIN(SM),
                                        "<<enable",
                                        "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
                                        "<<presence><c",
                                        "<<presence type='unavailable'/>",
                                        "<</stream:stream>",
                                        "><a xmlns='urn:xmpp:sm:3' h='2'/></stream:stream>",
                                        NULL};

    talk_start(lines, &again);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, NULL, 0);
    talk_until(talk_online);
    mynah_client_disconnect(talk.c);
    talk_until(talk_over);
    talk_end("online closing offline");
}

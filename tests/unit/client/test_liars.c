/* Servers that lie about what was counted, ask without listening, and say what has no end. */
#include "client/client.h"

#include "base/clock.h"
#include "unit/client/talk.h"

#define NS_SM " xmlns='urn:xmpp:sm:3'"
#define ENABLED "<<enable", "><enabled" NS_SM " id='s' resume='true'/>"
#define NS_SASL " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

static const struct mynah_client_config again = {.no_roster = true};

static bool refused(void)
{
    return noted("(-9") || noted("(-13 ");
}

/* What is acknowledged only grows, and is never more than was sent: also when a session is resumed,
 * which is over then. */
TEST(a_count_that_cannot_be_ends_the_session)
{
#define ONE LOGIN(SM), ENABLED, "<>one<", "><a" NS_SM " h='1'/>"
#define RESUMED(attrs) "!", AUTH(SM), "<<resume", "><resumed" NS_SM " previd='s'" attrs "/>"
    static const char *const rows[][40] = {
        {ONE, "><a" NS_SM " h='0'/>", "<handled-count-too-high", NULL},
        {ONE, "><a" NS_SM " h='2'/>", "<handled-count-too-high", NULL},
        {ONE, "><a" NS_SM " h='1x'/>", "<handled-count-too-high", NULL},
        {ONE, "><a" NS_SM " h='4294967296'/>", "<handled-count-too-high", NULL},
        {ONE, RESUMED(" h='0'"), "<handled-count-too-high", NULL},
        {ONE, RESUMED(" h='2'"), "<handled-count-too-high", NULL},
        {ONE, RESUMED(" h='-1'"), "<handled-count-too-high", NULL},
        {ONE, RESUMED(""), "<handled-count-too-high", NULL},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        talk_start(rows[i], &again);
        talk_until(talk_online);
        mynah_chat(talk.c, "a@y.test", "one");
        talk_until(talk_done);
        talk_until(refused);
        CHECK(!talk.c->sm.id);
        talk_end(NULL);
        if (test_failed())
            test_fail(__FILE__, __LINE__, "row %zu", i);
    }
}

/* Without an id there is nothing to come back to, whatever is said of it: what was not acknowledged
 * goes into the next session. */
TEST(a_session_without_an_id_is_not_resumed)
{
    static const char *const lines[] = {
        LOGIN(SM),    "<<enable", "><enabled" NS_SM " resume='true'/>",
        "<>one<",     "!",        AUTH(SM),
        "<id='bind'", ">" BOUND,  "<>one<",
        NULL};

    talk_start(lines, &again);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "one");
    talk_until(talk_done);
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "<resume ", 8));
    talk_end(NULL);
}

/* Steps that are left out, said twice, or said to somebody else. */
TEST(a_login_goes_one_way)
{
    static const struct {
        const char *lines[20], *notes;
    } rows[] = {
        {{"<<stream:stream", ">" HEADER SASL, "<mechanism='ANONYMOUS'", "><success" NS_SASL "/>",
          "<<stream:stream", ">" HEADER "<stream:features/>"},
         "offline (-9)"},
        {{"<<stream:stream", ">" HEADER SASL, "<mechanism='ANONYMOUS'", "><success" NS_SASL "/>",
          "<<stream:stream", ">" HEADER SASL},
         "offline (-9)"},
        {{"<<stream:stream", ">" HEADER SASL, "<mechanism='ANONYMOUS'",
          "><success" NS_SASL "/><message from='a@y.test'><body>x</body></message>"},
         "offline (-9)"},
        {{AUTH(""), "<id='bind'",
          "><iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
          "<jid>x.test</jid></bind></iq>"},
         "offline (-9)"},
        {{AUTH(""), "<id='bind'", "><iq type='result' id='bind'/>"}, "offline (-9)"},
        {{AUTH(""), "<id='bind'", "><iq type='result' id='session'/>" BOUND, END}, "online"},
        {{LOGIN(""), "><success" NS_SASL "/><challenge" NS_SASL ">AAAA</challenge>" BOUND, END},
         "online"},
        {{AUTH(SM), "<id='bind'",
          ">" BOUND "<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
          "<jid>evil@y.test/r</jid></bind></iq>",
          END},
         "online"},
        {{"<<stream:stream", "><stream:stream xmlns:stream='urn:x'>"}, "offline (-9)"},
        {{"<<stream:stream", "><html><body>hello</body></html>"}, "offline (-9)"},
        {{"<<stream:stream", ">" HEADER "</stream:stream>"}, "offline (-13)"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        talk_start(rows[i].lines, NULL);
        talk_until(*rows[i].notes == 'o' && rows[i].notes[1] == 'n' ? talk_done : talk_over);
        if (talk_online())
            CHECK_STR(mn_str_from(mynah_client_jid(talk.c)), "u@x.test/r");
        talk_end(rows[i].notes);
        if (test_failed())
            test_fail(__FILE__, __LINE__, "row %zu", i);
    }
}

/* A certificate that is not taken is no wrong password: that is given once, and what is said of it
 * is told. */
TEST(a_wrong_password_behind_a_certificate_is_told)
{
    static const char *const lines[] = {
        "<<stream:stream",
        ">" HEADER "<stream:features><mechanisms" NS_SASL "><mechanism>EXTERNAL</mechanism>"
        "<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism></mechanisms>"
        "</stream:features>",
        "<mechanism='EXTERNAL'",
        "><failure" NS_SASL "><not-authorized/></failure>",
        "<mechanism='SCRAM-SHA-256'",
        "><failure" NS_SASL "><not-authorized/></failure>",
        NULL};
    const struct mynah_client_config config = {
        .jid = "u@x.test", .password = "p", .cert_file = "c", .no_reconnect = true};

    talk_start(lines, &config);
    talk_until(talk_over);
    talk_end("offline (-7 not-authorized)");
}

/* Questions with ids so long that answers fill memory fast. */
static struct mn_buf questions(void)
{
    struct mn_buf b = {0};

    for (int i = 0; i < 60; i++)
        mn_buf_fmt(&b, "<iq type='get' id='%01000d'><x xmlns='y'/></iq>", i);
    return b;
}

/* Asks for so many megabytes, and says of itself what `more` says in between; false: it was left
 * before. */
static bool asks(unsigned megabytes, void (*more)(void))
{
    struct mn_buf b = questions();
    int64_t end = mn_clock_now() + 60000;

    for (size_t n = 0; n < megabytes << 20 && !talk_over() && mn_clock_now() < end;) {
        if (mn_conn_queued(talk.server.conn) < 1 << 20) {
            mn_conn_write(talk.server.conn, mn_buf_view(&b));
            n += b.n;
        }
        mn_buf_clear(&talk.server.got);
        mn_buf_clear(&talk.server.all);
        more();
        mn_loop_turn(talk.ctx->loop, 20);
    }
    mn_buf_free(&b);
    CHECK(mn_clock_now() < end);
    return !talk_over();
}

static void nothing(void)
{
}

static void acknowledges_nothing(void)
{
    mn_conn_write(talk.server.conn, MN_STR("<a" NS_SM " h='0'/>"));
}

static void acknowledges(void)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "<a" NS_SM " h='%u'/>", talk.c->sm.out + talk.c->sm.unacked_count);
    mn_conn_write(talk.server.conn, mn_buf_view(&b));
    mn_buf_free(&b);
}

static void online(const char *const *lines)
{
    talk_start(lines, NULL);
    talk_until(talk_online);
    talk_until(talk_done);
}

TEST(who_asks_and_does_not_listen_is_left)
{
    static const char *const plain[] = {LOGIN(""), NULL}, *const counts[] = {LOGIN(SM), ENABLED,
                                                                             NULL};

    online(plain);
    mn_conn_pause(talk.server.conn, true);
    CHECK(!asks(64, nothing));
    talk_end("online offline (-16)");
    online(counts);
    CHECK(!asks(64, acknowledges_nothing));
    talk_end("online offline (-16)");
}

TEST(who_listens_may_ask_as_much_as_he_likes)
{
    static const char *const plain[] = {LOGIN(""), NULL}, *const counts[] = {LOGIN(SM), ENABLED,
                                                                             NULL};

    online(plain);
    CHECK(asks(24, nothing));
    talk_end("online");
    online(counts);
    CHECK(asks(24, acknowledges));
    talk_end("online");
}

/* What others say and stays: contacts, who of them is there, who is in a room, what hashes stand
 * for. Most of it is said to be there already, so that the test takes no half a gigabyte. */
TEST(what_is_kept_of_others_has_an_end)
{
#define NS_ROSTER " xmlns='jabber:iq:roster'"
    static const char *const says[] = {
        "<iq type='set' id='%d'><query" NS_ROSTER "><item jid='a%d@y.test' name='",
        "<presence from='u@x.test/%d'><status>%d",
        "<presence from='room@y.test/%d'><status>%d",
    };
    static const char *const ends[] = {"'/></query></iq>", "</status></presence>",
                                       "</status></presence>"};
    static const size_t room_left[] = {1000000, 200000, 1000000}; /* one address keeps little */
    static const char *const lines[] = {LOGIN(""), NULL};
    struct mynah_room *room;
    size_t before;

    for (size_t i = 0; i < MN_COUNT(says); i++) {
        struct mn_buf b = {0};

        online(lines);
        CHECK_INT(
            mynah_room_new(talk.c, "room@y.test", "me",
                           &(struct mynah_room_calls){.size = sizeof(struct mynah_room_calls)},
                           NULL, &room),
            0);
        CHECK_INT(mynah_room_join(room, NULL, NULL), 0);
        before = talk.c->kept;
        for (int k = 0; k < 20; k++) {
            mn_buf_fmt(&b, says[i], k, k); /* NOLINT: formats are ours */
            mn_buf_fmt(&b, "%0100000d%s", k, ends[i]);
        }
        talk.c->kept += (512 << 20) - room_left[i];
        mn_conn_write(talk.server.conn, mn_buf_view(&b));
        mn_buf_free(&b);
        talk_until(talk_over);
        talk.c->kept -= (512 << 20) - room_left[i];
        CHECK(i == 0 || talk.c->kept == before); /* contacts stay for the next session */
        talk_end("online offline (-16)");
    }
}

TEST(what_goes_is_kept_no_more)
{
    static const char *const lines[] = {
        LOGIN(""),
        "><presence from='u@x.test/1'/><presence from='u@x.test/1'><status>x</status></presence>"
        "<presence from='u@x.test/1' type='unavailable'/>"
        "<iq type='set' id='1'><query" NS_ROSTER "><item jid='a@y.test' name='A'/></query></iq>"
        "<iq type='set' id='2'><query" NS_ROSTER "><item jid='a@y.test' name='B'/></query></iq>"
        "<iq type='set' id='3'><query" NS_ROSTER
        "><item jid='a@y.test' subscription='remove'/></query></iq>",
        END};

    online(lines);
    CHECK_INT(talk.c->kept, 0);
    talk_end("online");
}

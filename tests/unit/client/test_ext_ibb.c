#include "mynah/bytestream.h"

#include "unit/client/talk.h"

#define IBB "http://jabber.org/protocol/ibb"
#define ASK(id, from, what) "><iq type='set' id='" id "' from='" from "'><" what " xmlns='" IBB "' "
#define DATA(id, from, sid, seq, text)                                                             \
    ASK(id, from, "data") "sid='" sid "' seq='" seq "'>" text "</data></iq>"
#define OPEN(id, from, sid, more) ASK(id, from, "open") "sid='" sid "' " more "/></iq>"
#define CLOSE(id, from, sid) ASK(id, from, "close") "sid='" sid "'/></iq>"
#define RESULT "><iq type='result' id='%1' from='a@y.test/1'/>"
#define REFUSED(cond)                                                                              \
    "><iq type='error' id='%1' from='a@y.test/1'><error type='cancel'><" cond                      \
    " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"

static struct mynah_bytestream *last;
static size_t taken;

static void opened(void *arg, struct mynah_bytestream *b)
{
    (void)arg;
    note("opened:%s/%s", mynah_bytestream_peer(b), mynah_bytestream_sid(b));
    last = b;
}

static void bytes(void *arg, struct mynah_bytestream *b, const void *p, size_t n)
{
    (void)arg;
    (void)b;
    note("bytes:%.*s", (int)n, (const char *)p);
}

static void drained(void *arg, struct mynah_bytestream *b)
{
    (void)arg;
    (void)b;
    note("drained");
}

static void closed(void *arg, struct mynah_bytestream *b, const struct mynah_error *why)
{
    (void)arg;
    (void)b;
    note("closed:%d%s", why ? why->code : 0, why && why->condition ? why->condition : "");
}

static const struct mynah_bytestream_calls calls = {sizeof calls, opened, bytes, drained, closed};

static void offered(void *arg, struct mynah_client *c, struct mynah_bytestream *b)
{
    (void)arg;
    (void)c;
    if (!strcmp(mynah_bytestream_sid(b), "no"))
        mynah_bytestream_refuse(b);
    else if (strcmp(mynah_bytestream_sid(b), "later") != 0)
        mynah_bytestream_accept(b, &calls, NULL);
    else
        last = b;
}

static bool is_open(void)
{
    return noted("opened");
}

static bool is_closed(void)
{
    return noted("closed");
}

static struct mynah_bytestream *ours(const struct mynah_bytestream_options *o)
{
    talk_until(talk_online);
    return mynah_bytestream_open(talk.c, MYNAH_IBB, "A@y.test/1", o, &calls, NULL);
}

TEST(ours_takes_a_smaller_block_when_asked_and_says_bye_behind_the_last_byte)
{
    static const char *const lines[] = {LOGIN(""),
                                        "< id='",
                                        REFUSED("resource-constraint"),
                                        "<block-size='512' stanza='iq'",
                                        "< id='",
                                        RESULT,
                                        "<block-size='256'",
                                        "< id='",
                                        RESULT,
                                        "< seq='0'>",
                                        "< id='",
                                        RESULT,
                                        "< seq='1'>eHh4", /* 44 bytes */
                                        "< id='",
                                        RESULT,
                                        "<close ",
                                        END};
    const struct mynah_bytestream_options o = {.size = sizeof o, .sid = "s", .block = 512};
    char text[300];

    memset(text, 'x', sizeof text);
    talk_start(lines, NULL);
    CHECK(!mynah_bytestream_open(talk.c, MYNAH_IBB, "a@y.test/1", &o, &calls, NULL));
    CHECK(ours(&o));
    talk_until(is_open);
    CHECK_INT(mynah_bytestream_write(last, text, sizeof text), sizeof text);
    mynah_bytestream_close(last);
    mynah_bytestream_close(last);
    CHECK_INT(mynah_bytestream_write(last, text, 1), 0);
    talk_until(is_closed);
    talk_until(talk_done);
    talk_end("online opened:a@y.test/1/s closed:0");
}

TEST(ours_ends_with_what_the_other_side_says)
{
    static const char *const refused[] = {LOGIN(""), "< id='", REFUSED("not-acceptable"), END};
    static const char *const unknown[] = {
        LOGIN(""), "< id='", RESULT, "< id='", REFUSED("item-not-found"), "<<close ", END};
    const struct mynah_bytestream_options o = {.size = sizeof o, .sid = "s"};

    talk_start(refused, NULL);
    ours(&o);
    talk_until(is_closed);
    talk_until(talk_done);
    talk_end("online closed:-10not-acceptable");

    talk_start(unknown, NULL);
    ours(&o);
    talk_until(is_open);
    mynah_bytestream_write(last, "x", 1);
    talk_until(is_closed);
    talk_until(talk_done);
    talk_end("online opened:a@y.test/1/s closed:-10item-not-found");
}

TEST(an_offer_that_is_taken_back_is_closed_at_the_other_side)
{
    static const char *const lines[] = {LOGIN(""), "< id='", RESULT, "<<close ", END};
    const struct mynah_bytestream_options o = {.size = sizeof o, .sid = "s"};

    talk_start(lines, NULL);
    mynah_bytestream_close(ours(&o));
    talk_until(is_closed);
    talk_until(talk_done);
    talk_end("online closed:-12");
}

TEST(what_waits_is_bounded_and_room_is_told)
{
    static const char *const lines[] = {LOGIN(""), "< id='", RESULT,   "< id='", RESULT,
                                        "< id='",  RESULT,   "< id='", RESULT,   "< id='",
                                        RESULT,    "< id='", RESULT,   END};
    const struct mynah_bytestream_options o = {.size = sizeof o, .sid = "s", .block = 32768};
    static char text[400000];

    talk_start(lines, NULL);
    ours(&o);
    talk_until(is_open);
    taken = mynah_bytestream_write(last, text, sizeof text);
    CHECK_INT(taken, 65536); /* and all of it under way */
    taken = mynah_bytestream_write(last, text, sizeof text);
    CHECK_INT(taken, 65536);
    taken = mynah_bytestream_write(last, text, sizeof text);
    CHECK_INT(taken, 65536);
    CHECK_INT(mynah_bytestream_write(last, text, sizeof text), 0);
    talk_until(talk_done);
    talk_end("online opened:a@y.test/1/s drained");
}

TEST(messages_go_in_windows_with_a_ping_behind)
{
    static const char *const lines[] = {
        LOGIN(""),
        "< id='",
        RESULT,
        "<stanza='message'",
        "<<message",
        "< seq='3'",
        "< id='",
        REFUSED("service-unavailable"),
        "<ping",
        "< seq='4'",
        "< id='",
        RESULT,
        "><message type='error' from='a@y.test/1' id='1'><data xmlns='" IBB
        "' sid='s' seq='4'/><error type='cancel'><remote-server-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        "<<close ",
        END};
    const struct mynah_bytestream_options o = {
        .size = sizeof o, .sid = "s", .block = 1, .messages = true};

    talk_start(lines, NULL);
    ours(&o);
    talk_until(is_open);
    CHECK_INT(mynah_bytestream_write(last, "abcde", 5), 5);
    talk_until(is_closed);
    talk_until(talk_done);
    talk_end("online opened:a@y.test/1/s closed:-10remote-server-not-found");
}

TEST(theirs_is_taken_in_order_from_them_alone)
{
    static const char *const lines[] = {LOGIN(""),
                                        OPEN("1", "a@y.test/1", "s", "block-size='4'"),
                                        "<type='result' id='1'",
                                        DATA("2", "a@y.test/1", "s", "0", "YWJj"),
                                        "<type='result' id='2'",
                                        DATA("3", "b@y.test/1", "s", "1", "YWJj"),
                                        "< id='3'",
                                        "<item-not-found",
                                        DATA("4", "a@y.test/1", "t", "1", "YWJj"),
                                        "< id='4'",
                                        "<item-not-found",
                                        OPEN("5", "a@y.test/1", "s", "block-size='4'"),
                                        "< id='5'",
                                        "<not-acceptable",
                                        CLOSE("6", "b@y.test/1", "s"),
                                        "< id='6'",
                                        "<item-not-found",
                                        DATA("7", "a@y.test/1", "s", "1", "ZA=="),
                                        "<type='result' id='7'",
                                        CLOSE("8", "a@y.test/1", "s"),
                                        "<type='result' id='8'",
                                        CLOSE("9", "a@y.test/1", "s"),
                                        "< id='9'",
                                        "<item-not-found",
                                        END};

    talk_start(lines, NULL);
    mynah_bytestream_serve(talk.c, offered, NULL);
    talk_until(talk_done);
    talk_end("online opened:a@y.test/1/s bytes:abc bytes:d closed:0");
}

TEST(a_bad_block_ends_it)
{
    static const struct {
        const char *seq, *text, *cond;
    } rows[] = {
        {"2", "YWJj", "<unexpected-request"}, {"0", "YWJj", "<unexpected-request"},
        {"65537", "YWJj", "<bad-request"},    {"-1", "YWJj", "<bad-request"},
        {"1", "YWJjZGU=", "<bad-request"},    {"1", "YWJjZGVmZ2hp", "<bad-request"},
        {"1", "YW Jj", "<bad-request"},       {"1", "=WJj", "<bad-request"},
        {"1", "YWJ", "<bad-request"},         {"1", "YWI=YWI=", "<bad-request"},
        {"1", "<x/>", "<bad-request"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        char bad[400];
        const char *const lines[] = {LOGIN(""),
                                     OPEN("1", "a@y.test/1", "s", "block-size='4'"),
                                     "<type='result' id='1'",
                                     DATA("2", "a@y.test/1", "s", "0", "YWJj"),
                                     "<type='result' id='2'",
                                     bad,
                                     "< id='3'",
                                     rows[i].cond,
                                     "<<close ",
                                     DATA("4", "a@y.test/1", "s", "1", "YWJj"),
                                     "< id='4'",
                                     "<item-not-found",
                                     END};

        snprintf(bad, sizeof bad, DATA("3", "a@y.test/1", "s", "%s", "%s"), rows[i].seq,
                 rows[i].text);
        talk_start(lines, NULL);
        mynah_bytestream_serve(talk.c, offered, NULL);
        talk_until(talk_done);
        talk_end("online opened:a@y.test/1/s bytes:abc closed:-15");
    }
}

TEST(offers_that_make_no_sense_or_are_not_wanted)
{
    static const char *const lines[] = {
        LOGIN(""),
        OPEN("1", "a@y.test/1", "s", ""),
        "< id='1'",
        "<bad-request",
        OPEN("2", "a@y.test/1", "s", "block-size='0'"),
        "< id='2'",
        "<bad-request",
        OPEN("3", "a@y.test/1", "s", "block-size='65536'"),
        "< id='3'",
        "<bad-request",
        OPEN("4", "a@y.test/1", "s", "block-size='65535'"),
        "< id='4'",
        "<resource-constraint",
        OPEN("5", "a@y.test/1", "", "block-size='4096'"),
        "< id='5'",
        "<bad-request",
        OPEN("6", "a@y.test/1", "s", "block-size='4096' stanza='smoke'"),
        "< id='6'",
        "<bad-request",
        OPEN("7", "a@y.test/1", "no", "block-size='4096'"),
        "< id='7'",
        "<not-acceptable",
        DATA("8", "a@y.test/1", "no", "0", "YWJj"),
        "< id='8'",
        "<item-not-found",
        OPEN("9", "a@y.test/1", "later", "block-size='4096'"),
        DATA("10", "a@y.test/1", "later", "0", "YWJj"),
        "< id='10'",
        "<item-not-found",
        "!",
        NULL};

    talk_start(lines, NULL);
    mynah_bytestream_serve(talk.c, offered, NULL);
    talk_until(talk_over);
    mynah_bytestream_accept(last, &calls, NULL);
    talk_until(is_closed);
    talk_end("online offline (-13) closed:-13");
}

static size_t blocks;

static void counted(void *arg, struct mynah_bytestream *b, const void *p, size_t n)
{
    (void)arg;
    (void)b;
    (void)p;
    blocks += n;
}

static void offered_count(void *arg, struct mynah_client *c, struct mynah_bytestream *b)
{
    const struct mynah_bytestream_calls count = {
        .size = sizeof count, .bytes = counted, .closed = closed};

    (void)arg;
    (void)c;
    mynah_bytestream_accept(b, &count, NULL);
}

TEST(messages_of_theirs_are_counted_around)
{
    struct mn_buf all = {0};
    const char *lines[] = {LOGIN(""),
                           OPEN("1", "a@y.test/1", "s", "block-size='4' stanza='message'"),
                           "<type='result' id='1'",
                           NULL,
                           "<<close ",
                           END};

    mn_buf_c(&all, '>');
    for (unsigned i = 0; i <= 65536 + 1; i++)
        mn_buf_fmt(&all,
                   "<message from='a@y.test/1'><data xmlns='" IBB "' sid='s' seq='%u'>YQ==</data>"
                   "</message>",
                   i > 65536 ? 2 : i % 65536);
    mn_buf_c(&all, 0);
    for (size_t i = 0; i < MN_COUNT(lines); i++)
        if (!lines[i]) {
            lines[i] = all.p;
            break;
        }
    blocks = 0;
    talk_start(lines, NULL);
    mynah_bytestream_serve(talk.c, offered_count, NULL);
    talk_until(talk_done);
    talk_end("online closed:-15");
    CHECK_INT(blocks, 65537);
    mn_buf_free(&all);
}

static bool received_two(void)
{
    return mynah_client_received(talk.c) >= 2;
}

/* By a session that is resumed: the block is had, and the next one is in its turn. */
TEST(a_message_of_theirs_that_comes_again_is_no_block_more)
{
#define BLOCK(seq)                                                                                 \
    "<message from='a@y.test/1'><data xmlns='" IBB "' sid='s' seq='" seq "'>YQ==</data></message>"
    static const char *const lines[] = {
        LOGIN("<sm xmlns='urn:xmpp:sm:3'/>"),
        "<<enable",
        "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
        OPEN("1", "a@y.test/1", "s", "block-size='4' stanza='message'"),
        "<type='result' id='1'",
        ">" BLOCK("0"),
        "<kept",
        "!",
        AUTH("<sm xmlns='urn:xmpp:sm:3'/>"),
        "<<resume xmlns='urn:xmpp:sm:3' h='1' previd='s'/>",
        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='2'/>" BLOCK("0") BLOCK("1"),
        END};
    struct mynah_client_config held = {.size = sizeof held, .no_roster = true, .hold_acks = true};

    blocks = 0;
    talk_start(lines, &held);
    mynah_bytestream_serve(talk.c, offered_count, NULL);
    talk_until(received_two);
    mynah_client_ack(talk.c, 1);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, "kept", 0);
    talk_until(talk_loses);
    talk_until(talk_done);
    CHECK_INT(blocks, 2);
    CHECK(!noted("closed"));
    talk_end(NULL);
}

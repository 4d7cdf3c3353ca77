/* A connection manager that says what is not so, or too much. */
#include "base/clock.h"
#include "unit/client/manager.h"

#define THEN_ONE ">" EMPTY, "<rid", ">" BODY(FROM("1"))

/* What it says of requests that nobody has made, and what it says unasked, counts for nothing. */
TEST(a_connection_manager_may_lie)
{
    static const struct {
        const char *lines[12], *again;
    } rows[] = {
        /* It acknowledges what was never said: the message is not taken for arrived. */
        {{">" HEAD_ "ack='18446744073709551615'/>", "!", "@5 ", THEN_ONE}, "5 "},
        {{">" HEAD_ "ack='-1'/>", "!", "@5 ", THEN_ONE}, "5 "},
        /* It reports the loss of answers to come. */
        {{"}" HEAD_ "report='18446744073709551615' time='18446744073709551615'/>", "@4 ", THEN_ONE},
         "4 "},
        {{"}" HEAD_ "report='1' time='-5'/>", THEN_ONE}, ""},
        /* It says another session's id, and terms, later. */
        {{">" HEAD_ "sid='other' wait='1' requests='16' key='x' newkey='y' rid='1'/>", THEN_ONE},
         ""},
        /* It says something twice, or something else behind it. */
        {{"=HTTP/1.1 200 OK\r\nContent-Length: 57\r\n\r\n<body "
          "xmlns='http://jabber.org/protocol/httpbind'/>      "
          "HTTP/1.1 200 OK\r\nContent-Length: 138\r\n\r\n<body "
          "xmlns='http://jabber.org/protocol/httpbind'><message xmlns='jabber:client' "
          "from='b@y.test'><body>forged</body></message></body>     ",
          THEN_ONE},
         ""},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        cm_says(rows[i].lines);
        if (!mn_str_is(mn_buf_view(&talk.notes),
                       "online queued written acked b@y.test>1 offline (-13 other-request)"))
            test_fail(__FILE__, __LINE__, "row %zu: %.*s", i, MN_ARG(mn_buf_view(&talk.notes)));
        cm_end(NULL, rows[i].again, 2);
    }
}

TEST(what_it_says_has_an_end)
{
    char sid[1500] = ">" HEAD_ STREAM " wait='60' requests='2' ver='1.6' sid='";
    const char *const named[] = {"<", sid, NULL};
    static const char *const body[] = {
        IN(""), "<rid", "=HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n<body", NULL};
    static const char *const chunk[] = {
        IN(""), "<rid", "=HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n<body",
        NULL};
    /* It asks for everything again, without end. */
    static const char *const repeats[] = {
        "<",
        ">" HEAD_ STREAM " sid='1' wait='60' requests='2' inactivity='1' ver='1.6'>" SASL "</body>",
        "<mechanism",
        ">" HEAD_ "type='error'/>",
        ">" HEAD_ "type='error'/>",
        ">" HEAD_ "type='error'/>",
        ">" HEAD_ "type='error'/>",
        ">" HEAD_ "type='error'/>",
        ">" HEAD_ "type='error'/>",
        ">" HEAD_ "type='error'/>",
        NULL};
    size_t n = strlen(sid);

    memset(sid + n, 'a', 1025);
    memcpy(sid + n + 1025, "'>" SASL "</body>", sizeof "'>" SASL "</body>");
    cm_start(named, once);
    talk_until(talk_over);
    cm_end("offline (-9)", "", 1);
    cm_start(body, once);
    talk_until(talk_over);
    cm_end("online offline (-16)", "", 1);
    cm_start(chunk, once);
    talk_until(talk_over);
    cm_end("online offline (-16)", "", 1);
    cm_start(repeats, once);
    talk_until(talk_over);
    CHECK_STR(mn_buf_view(&talk.notes), "offline (-13)");
    mn_buf_clear(&cm.again);
    cm_end(NULL, "", 1);
}

static bool is_polled(void)
{
    return cm.read == 5;
}

TEST(no_answer_is_waited_for_longer_than_was_asked_for)
{
    static const char *const script[] = {
        "<",
        ">" HEAD_ STREAM " sid='1' wait='86400' requests='2' ver='1.6'>" SASL "</body>",
        "<mechanism",
        ">" BODY(SUCCESS),
        "<restart",
        ">" BODY(BIND("")),
        "<id='bind'",
        ">" BODY(BOUND),
        "<rid",
        "@4 ",
        NULL};

    cm_start(script, once);
    talk_until(is_polled);
    for (int i = 0; i < 900 && !cm_said_all(); i++) {
        mn_clock_set(mn_clock_now() + 100, mn_clock_wall());
        mn_loop_turn(talk.ctx->loop, 1);
    }
    mn_clock_set(-1, 0);
    CHECK(cm_said_all());
    cm_end("online", "4 ", 1);
}

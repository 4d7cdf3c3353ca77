#include "mynah/answers.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "unit/client/talk.h"

static const struct mynah_client_config once = {.no_reconnect = true};

#define ASK(id, from, name, ns)                                                                    \
    "><iq type='get' id='" id "' from='" from "'><" name " xmlns='" ns "'/></iq>"
#define LAST(id, from) ASK(id, from, "query", "jabber:iq:last")
static bool said(const char *text)
{
    return memmem(talk.server.all.p, talk.server.all.n, text, strlen(text));
}

TEST(pings_and_the_time_are_answered_at_once)
{
    static const char *const lines[] = {
        LOGIN(""),
        ASK("1", "x.test", "ping", "urn:xmpp:ping"),
        "<<iq type='result' id='1' to='x.test'/>",
        ASK("2", "a@y.test/1", "time", "urn:xmpp:time"),
        "<id='2' to='a@y.test/1'><time xmlns='urn:xmpp:time'><tzo>-03:30</tzo><utc>",
        "<Z</utc></time></iq>",
        ASK("3", "a@y.test/1", "query", "jabber:iq:version"),
        "<<iq type='error' id='3'",
        "<service-unavailable",
        END};

    setenv("TZ", "TEST+3:30", 1);
    tzset();
    talk_run(lines, "online");
    unsetenv("TZ");
    tzset();
}

TEST(the_software_is_told_when_the_program_says_what_it_is)
{
    static const char *const lines[] = {
        LOGIN(""),
        ASK("1", "a@y.test/1", "query", "jabber:iq:version"),
        "<id='1' to='a@y.test/1'><query xmlns='jabber:iq:version'><name>B &amp; "
        "C</name><version/><os>Plan 9</os></query></iq>",
        ASK("2", "a@y.test/1", "query", "http://jabber.org/protocol/disco#info"),
        "<<feature var='jabber:iq:version'/>",
        "<urn:xmpp:dataforms:softwareinfo",
        "<var='software'><value>B &amp; C</value>",
        "<var='os'><value>Plan 9</value>",
        END};

    talk_start(lines, NULL);
    CHECK_INT(mynah_software_set(talk.c, NULL, "1", NULL), MYNAH_E_ARGUMENT);
    CHECK_INT(mynah_software_set(talk.c, "A", "1", NULL), 0);
    CHECK_INT(mynah_software_set(talk.c, "B & C", NULL, "Plan 9"), 0);
    talk_until(talk_done);
    CHECK(!said("<value>A</value>"));
    talk_end("online");
}

TEST(activity_is_told_only_to_those_who_may_see_presence)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='get' id='",
        "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'>"
        "<item jid='sees@y.test' subscription='from'/><item jid='both@y.test' subscription='both'/>"
        "<item jid='seen@y.test' subscription='to'/><item jid='none@y.test'/></query></iq>",
        LAST("1", "sees@y.test/1"),
        "<<iq type='result' id='1' to='sees@y.test/1'><query xmlns='jabber:iq:last' seconds='",
        LAST("2", "both@y.test/1"),
        "<<iq type='result' id='2'",
        LAST("3", "seen@y.test/1"),
        "<<iq type='error' id='3'",
        "<service-unavailable",
        LAST("4", "stranger@y.test"),
        "<<iq type='error' id='4'",
        LAST("5", "none@y.test/1"),
        "<<iq type='error' id='5'",
        LAST("6", "u@x.test/other"),
        "<<iq type='result' id='6'",
        ASK("7", "u@x.test/other", "query", "http://jabber.org/protocol/disco#info"),
        "<jabber:iq:last",
        END};

    talk_start(lines, &once);
    mynah_active(talk.c);
    mynah_active(talk.c);
    talk_until(talk_done);
    talk_end("online");
}

TEST(activity_is_told_to_nobody_before_and_behind)
{
    static const char *const lines[] = {
        LOGIN(""),
        LAST("1", "u@x.test/other"),
        "<<iq type='error' id='1'",
        "<service-unavailable",
        ASK("2", "u@x.test/other", "query", "http://jabber.org/protocol/disco#info"),
        "<</query>",
        END};

    for (int round = 0; round < 2; round++) {
        talk_start(lines, NULL);
        if (round) {
            mynah_active(talk.c);
            mynah_active_hide(talk.c);
        }
        talk_until(talk_done);
        CHECK(!said("jabber:iq:last"));
        talk_end("online");
    }
}

/* What others say. */

static void pinged(void *arg, struct mynah_client *c, int64_t ms, const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    note("ping%s=%d", ms < 0 ? "?" : ms < 60000 ? "" : "!", error ? error->code : 0);
}

static void version(void *arg, struct mynah_client *c, const struct mynah_software *s,
                    const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    CHECK(!s != !error);
    if (s)
        note("version=%s/%s/%s", s->name ? s->name : "-", s->version ? s->version : "-",
             s->os ? s->os : "-");
    else
        note("version=%d", error->code);
}

static void times(void *arg, struct mynah_client *c, int64_t ms, int offset,
                  const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    note("time=%lld%+d/%d", (long long)ms, offset, error ? error->code : 0);
}

static void last(void *arg, struct mynah_client *c, int64_t seconds, const char *text,
                 const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    note("last=%lld/%s/%d", (long long)seconds, text ? text : "-", error ? error->code : 0);
}

static void ask_ping(void)
{
    mynah_ping(talk.c, NULL, pinged, NULL);
}

static void ask_version(void)
{
    mynah_version_get(talk.c, "a@y.test/1", version, NULL);
}

static void ask_time(void)
{
    mynah_time_get(talk.c, NULL, times, NULL);
}

static void ask_last(void)
{
    mynah_last_get(talk.c, NULL, last, NULL);
}

#define FROM_X "><iq type='result' id='%1' from='x.test'>"
#define NO "><iq type='error' id='%1' from='x.test'><error type='cancel'/></iq>"
#define TIME(tzo, utc)                                                                             \
    FROM_X "<time xmlns='urn:xmpp:time'><tzo>" tzo "</tzo><utc>" utc "</utc></time></iq>"
#define SECONDS(inside) FROM_X "<query xmlns='jabber:iq:last'" inside "</query></iq>"

TEST(what_others_answer_is_read_with_care)
{
    static const struct {
        void (*ask)(void);
        const char *answer, *notes;
    } rows[] = {
        {ask_ping, FROM_X "</iq>", "ping=0"},
        {ask_ping, NO, "ping=-10"},
        {ask_ping, "!", "ping?=-13"},
        {ask_version,
         "><iq type='result' id='%1' from='a@y.test/1'><query xmlns='jabber:iq:version'>"
         "<name>N</name><os>O</os></query></iq>",
         "version=N/-/O"},
        {ask_version, "><iq type='result' id='%1' from='a@y.test/1'/>", "version=-15"},
        {ask_version,
         "><iq type='error' id='%1' from='a@y.test/1'><error type='cancel'/>"
         "<query xmlns='jabber:iq:version'><name>N</name></query></iq>",
         "version=-10"},
        {ask_time, TIME("+08:00", "2006-12-19T17:58:35Z"), "time=1166551115000+480/0"},
        {ask_time, TIME("-00:30", "1970-01-01T00:00:01Z"), "time=1000-30/0"},
        {ask_time, TIME("Z", " 1970-01-01T00:00:01.5Z "), "time=1500+0/0"},
        {ask_time, TIME("+24:00", "1970-01-01T00:00:01Z"), "time=0+0/-15"},
        {ask_time, TIME("+1:000", "1970-01-01T00:00:01Z"), "time=0+0/-15"},
        {ask_time, TIME("", "1970-01-01T00:00:01Z"), "time=0+0/-15"},
        {ask_time, TIME("Z", "yesterday"), "time=0+0/-15"},
        {ask_time, FROM_X "</iq>", "time=0+0/-15"},
        {ask_time, NO, "time=0+0/-10"},
        {ask_last, SECONDS(" seconds='903'>Heading Home"), "last=903/Heading Home/0"},
        {ask_last, SECONDS(" seconds='0'>"), "last=0/-/0"},
        {ask_last, SECONDS(" seconds='-1'>x"), "last=-1/-/-15"},
        {ask_last, SECONDS(" seconds='99999999999999999999'>"), "last=-1/-/-15"},
        {ask_last, SECONDS(">"), "last=-1/-/-15"},
        {ask_last, NO, "last=-1/-/-10"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        bool cut = rows[i].answer[0] == '!';
        const char *const lines[] = {
            LOGIN(""),      "<type='get' id='",
            rows[i].answer, cut ? NULL : "><iq type='get' id='end'><x xmlns='y'/></iq>",
            "<id='end'",    NULL};
        char notes[100];

        talk_start(lines, NULL);
        talk_until(talk_online);
        rows[i].ask();
        talk_until(cut ? talk_over : talk_done);
        snprintf(notes, sizeof notes, cut ? "online %s offline (-13)" : "online %s", rows[i].notes);
        talk_end(notes);
    }
}

static int64_t active(const char *inside)
{
    struct mn_buf b = {0};
    struct mynah_elem *e;
    int64_t ms;

    mn_buf_fmt(&b, "<presence xmlns='jabber:client'>%s</presence>", inside);
    mn_buf_c(&b, 0);
    CHECK_INT(mynah_elem_parse(b.p, &e), 0);
    ms = mynah_presence_active(e);
    mynah_elem_free(e);
    mn_buf_free(&b);
    return ms;
}

TEST(a_presence_says_since_when)
{
    struct mynah_elem *e = mynah_elem_new("presence", NULL);

    mn_clock_set(1000, 1000000);
    CHECK_INT(active("<query xmlns='jabber:iq:last' seconds='600'/>"), 400000);
    CHECK_INT(active("<query xmlns='jabber:iq:last' seconds='600'/><delay xmlns='urn:xmpp:delay' "
                     "stamp='1970-01-01T00:15:00Z'/>"),
              300000);
    CHECK_INT(active("<query xmlns='jabber:iq:last' seconds='9000'/>"), 0); /* before 1970 */
    CHECK_INT(active("<query xmlns='jabber:iq:last' seconds='+5'/>"), 0);
    CHECK_INT(active("<query xmlns='jabber:iq:other' seconds='5'/>"), 0);
    CHECK(mynah_presence_active_add(e, 5));
    CHECK_INT(mynah_presence_active(e), 995000);
    mynah_elem_free(e);
    e = mynah_presence_active_add(NULL, -5);
    CHECK_STR(mn_str_from(mynah_elem_get(e, "seconds")), "0");
    mynah_elem_free(e);
    mn_clock_set(-1, 0);
}

#include "mynah/file.h"

#include "unit/client/talk.h"

#define SI "http://jabber.org/protocol/si"
#define FT SI "/profile/file-transfer"
#define NEG "http://jabber.org/protocol/feature-neg"
#define IBB "http://jabber.org/protocol/ibb"
#define S5B "http://jabber.org/protocol/bytestreams"
#define ABCDEF_MD5 "e80b5017098950fc58aad83c8c14978e" /* of "abcdef" */

#define OPTION(ns) "<option><value>" ns "</value></option>"
#define METHODS(options)                                                                           \
    "<feature xmlns='" NEG "'><x xmlns='jabber:x:data' type='form'><field var='stream-method' "    \
    "type='list-single'>" options "</field></x></feature>"
#define OFFER(id, attrs, file, methods)                                                            \
    "><iq type='set' id='" id "' from='a@y.test/1'><si xmlns='" SI "' " attrs ">" file methods     \
    "</si></iq>"
#define PROFILE(sid) "id='" sid "' profile='" FT "'"
#define FILE_(attrs, inside) "<file xmlns='" FT "' " attrs ">" inside "</file>"
#define TAKEN(ns, more)                                                                            \
    "><iq type='result' id='%1' from='a@y.test/1'><si xmlns='" SI "'>" more "<feature xmlns='" NEG \
    "'><x xmlns='jabber:x:data' type='submit'><field var='stream-method'><value>" ns               \
    "</value></field></x></feature></si></iq>"
#define RESULT "><iq type='result' id='%1' from='a@y.test/1'/>"
#define REFUSED(cond)                                                                              \
    "><iq type='error' id='%1' from='a@y.test/1'><error type='cancel'><" cond                      \
    " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
#define OPEN(id, from, sid)                                                                        \
    "><iq type='set' id='" id "' from='" from "'><open xmlns='" IBB "' sid='" sid                  \
    "' block-size='4096'/></iq>"
#define DATA(id, seq, text)                                                                        \
    "><iq type='set' id='" id "' from='a@y.test/1'><data xmlns='" IBB "' sid='s' seq='" seq        \
    "'>" text "</data></iq>"
#define CLOSE(id)                                                                                  \
    "><iq type='set' id='" id "' from='a@y.test/1'><close xmlns='" IBB "' sid='s'/></iq>"
#define ACCEPTED(id) "<type='result' id='" id "'", "<<value>" IBB "</value>"

static struct mynah_file *last;
static uint64_t offset;
static bool can_read;
static struct mynah_file *running; /* of the call-back that came last; NULL: it is done */

static size_t read_(void *arg, struct mynah_file *f, uint64_t at, void *p, size_t n)
{
    (void)arg;
    (void)f;
    if (!can_read || at + n > 6)
        return 0;
    memcpy(p, &"abcdef"[at], n);
    return n;
}

static bool write_(void *arg, struct mynah_file *f, uint64_t at, const void *p, size_t n)
{
    (void)arg;
    running = f;
    note("%d:%.*s", (int)at, (int)n, (const char *)p);
    return memcmp(p, "!", 1) != 0;
}

static void progress(void *arg, struct mynah_file *f, uint64_t bytes, uint64_t all)
{
    (void)arg;
    running = f;
    note("%d/%d", (int)bytes, (int)all);
}

static void done(void *arg, struct mynah_file *f, const struct mynah_error *error)
{
    (void)arg;
    running = f;
    note("done:%d%s", error ? error->code : 0, error && error->condition ? error->condition : "");
    running = NULL;
}

static const struct mynah_file_calls calls = {sizeof calls, read_, write_, progress, done};

static void drop(void)
{
    if (running)
        mynah_file_cancel(running);
}

static bool is_done(void)
{
    return noted("done");
}

static bool is_offered(void)
{
    return last;
}

static void offered(void *arg, struct mynah_client *c, struct mynah_file *f,
                    const struct mynah_file_info *info)
{
    (void)arg;
    (void)c;
    last = f;
    note("%s(%d)", info->name, (int)info->length);
    if (!strcmp(info->name, "no"))
        mynah_file_decline(f, "not now");
    else if (strcmp(info->name, "later") != 0)
        mynah_file_accept(f, offset, MYNAH_IBB, &calls, NULL);
}

static void sends(const char *const *lines, const char *notes)
{
    const struct mynah_file_info info = {.size = sizeof info,
                                         .name = "n",
                                         .length = 6,
                                         .mime = "text/plain",
                                         .desc = "d",
                                         .hash = true,
                                         .changed_at = 1000,
                                         .range = true};
    const struct mynah_bytestream_options direct = {
        .size = sizeof direct, .address = "127.0.0.1", .no_proxy = true};

    can_read = true;
    talk_drop = drop;
    talk_start(lines, NULL);
    CHECK(!mynah_file_send(talk.c, "a@y.test/1", &info, 0, NULL, &calls, NULL));
    talk_until(talk_online);
    CHECK(mynah_file_send(talk.c, "a@y.test/1", &info, 0, &direct, &calls, NULL));
    talk_until(talk_done);
    talk_until(is_done);
    talk_end(notes);
}

TEST(a_file_of_ours_goes_by_the_method_that_is_taken)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='set' id='",
        TAKEN(IBB, ""),
        "< mime-type='text/plain' profile='" FT "'><file xmlns='" FT
        "' name='n' size='6' hash='" ABCDEF_MD5
        "' date='1970-01-01T00:00:01.000Z'><desc>d</desc><range/></file>",
        "<<option><value>" S5B "</value></option><option><value>" IBB,
        "<type='set' id='",
        RESULT,
        "<<open ",
        "<type='set' id='",
        RESULT,
        "<YWJjZGVm",
        "<type='set' id='",
        RESULT,
        "<<close",
        END};

    sends(lines, "online 6/6 done:0");
}

static uint64_t was_read;

static size_t zeros(void *arg, struct mynah_file *f, uint64_t at, void *p, size_t n)
{
    (void)arg;
    (void)f;
    was_read = at + n;
    memset(p, 0, n);
    return n;
}

TEST(a_large_file_is_hashed_in_pieces_with_turns_between_them)
{
    static const char *const lines[] = {
        LOGIN(""), "<type='set' id='",
        "< name='n' size='3145728' hash='d1dd210d6b1312cb342b56d02bd5e651'", END};
    const struct mynah_file_info info = {
        .size = sizeof info, .name = "n", .length = 3 << 20, .hash = true};
    const struct mynah_file_calls large = {.size = sizeof large, .read = zeros, .done = done};
    struct mynah_file *f;

    talk_start(lines, NULL);
    talk_until(talk_online);
    f = mynah_file_send(talk.c, "a@y.test/1", &info, 0, NULL, &large, NULL);
    CHECK(f && was_read && was_read < info.length);
    talk_until(talk_done);
    CHECK_INT(was_read, info.length);
    mynah_file_cancel(f);
    talk_end("online done:-12");
}

TEST(a_part_is_sent_when_it_is_asked_for)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='set' id='",
        TAKEN(IBB, "<file xmlns='" FT "'><range offset='2' length='2'/></file>"),
        "<type='set' id='",
        RESULT,
        "<type='set' id='",
        RESULT,
        "<Y2Q=",
        "<type='set' id='",
        RESULT,
        "<<close",
        END};

    sends(lines, "online 2/2 done:0");
}

TEST(an_answer_that_makes_no_sense_ends_it)
{
    static const struct {
        const char *answer, *notes;
    } rows[] = {
        {REFUSED("forbidden"), "online done:-10forbidden"},
        {TAKEN("jabber:iq:oob", ""), "online done:-15"},
        {"><iq type='result' id='%1' from='a@y.test/1'/>", "online done:-15"},
        {TAKEN(IBB, "<file xmlns='" FT "'><range offset='7'/></file>"), "online done:-15"},
        {TAKEN(IBB, "<file xmlns='" FT "'><range offset='2' length='5'/></file>"),
         "online done:-15"},
        {TAKEN(IBB, "<file xmlns='" FT "'><range offset='x'/></file>"), "online done:-15"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        sends((const char *const[]){LOGIN(""), "<type='set' id='", rows[i].answer, END},
              rows[i].notes);
}

TEST(without_a_connection_it_goes_in_band)
{
    static const char *const lines[] = {LOGIN(""),
                                        "<type='set' id='",
                                        TAKEN(S5B, ""),
                                        "<type='set' id='",
                                        REFUSED("item-not-found"),
                                        "<<streamhost jid='u@x.test/r' host='127.0.0.1'",
                                        "<type='set' id='",
                                        RESULT,
                                        "<<open ",
                                        "<type='set' id='",
                                        RESULT,
                                        "<type='set' id='",
                                        RESULT,
                                        "<<close",
                                        END};
    static const char *const gone[] = {LOGIN(""),
                                       "<type='set' id='",
                                       TAKEN(IBB, ""),
                                       "<type='set' id='",
                                       RESULT,
                                       "<type='set' id='",
                                       REFUSED("item-not-found"),
                                       "<<close",
                                       END};

    sends(lines, "online 6/6 done:0");
    sends(gone, "online 6/6 done:-10item-not-found");
}

static void receives(const char *const *lines, const char *notes)
{
    last = NULL;
    talk_start(lines, NULL);
    mynah_file_serve(talk.c, offered, NULL);
    talk_until(talk_done);
    talk_end(notes);
}

#define BEGIN(hash)                                                                                \
    LOGIN(""),                                                                                     \
        OFFER("1", PROFILE("s"), FILE_("name='n' size='6' " hash, ""), METHODS(OPTION(IBB))),      \
        ACCEPTED("1"), OPEN("2", "a@y.test/1", "s"), "<type='result' id='2'"

TEST(a_file_of_theirs_is_held_against_what_they_said)
{
    static const char *const good[] = {BEGIN("hash='" ABCDEF_MD5 "'"), DATA("3", "0", "YWJj"),
                                       "<type='result' id='3'",        DATA("4", "1", "ZGVm"),
                                       "<type='result' id='4'",        END};
    static const char *const other[] = {BEGIN("hash='" ABCDEF_MD5 "'"), DATA("3", "0", "YWJjZGVn"),
                                        "<type='result' id='3'", END};
    static const char *const more[] = {BEGIN(""),
                                       DATA("3", "0", "YWJj"),
                                       "<type='result' id='3'",
                                       DATA("4", "1", "ZGVmZw=="),
                                       "<type='result' id='4'",
                                       "<<close",
                                       END};
    static const char *const less[] = {BEGIN(""), DATA("3", "0", "YWJj"), CLOSE("4"),
                                       "<type='result' id='4'", END};
    static const char *const full[] = {BEGIN(""), DATA("3", "0", "IQ=="), "<<close", END};

    receives(good, "online n(6) 0:abc 3/6 3:def 6/6 done:0");
    receives(other, "online n(6) 0:abcdeg 6/6 done:-15");
    receives(more, "online n(6) 0:abc 3/6 done:-15");
    receives(less, "online n(6) 0:abc 3/6 done:-13");
    receives(full, "online n(6) 0:! done:-17");
}

TEST(only_the_sender_may_open_what_was_accepted)
{
    static const char *const lines[] = {
        LOGIN(""),
        OFFER("1", PROFILE("s"), FILE_("name='n' size='6'", ""), METHODS(OPTION(IBB))),
        ACCEPTED("1"),
        OPEN("2", "b@y.test/1", "s"),
        "< id='2'",
        "<<not-acceptable",
        OPEN("3", "a@y.test/1", "t"),
        "< id='3'",
        "<<not-acceptable",
        OPEN("4", "a@y.test/1", "s"),
        "<type='result' id='4'",
        OPEN("5", "a@y.test/1", "s"),
        "< id='5'",
        "<<not-acceptable",
        END};

    receives(lines, "online n(6)");
}

TEST(the_rest_of_a_file_is_taken_and_the_whole_is_checked)
{
    static const char *const good[] = {
        LOGIN(""),
        OFFER("1", PROFILE("s"), FILE_("name='n' size='6' hash='" ABCDEF_MD5 "'", "<range/>"),
              METHODS(OPTION(S5B) OPTION(IBB))),
        "<<range offset='4'/>",
        OPEN("2", "a@y.test/1", "s"),
        "<type='result' id='2'",
        DATA("3", "0", "ZWY="),
        "<type='result' id='3'",
        END};
    static const char *const bad[] = {
        LOGIN(""),
        OFFER("1", PROFILE("s"), FILE_("name='n' size='6' hash='" ABCDEF_MD5 "'", "<range/>"),
              METHODS(OPTION(S5B) OPTION(IBB))),
        "<<range offset='4'/>",
        OPEN("2", "a@y.test/1", "s"),
        "<type='result' id='2'",
        DATA("3", "0", "Zmc="),
        "<type='result' id='3'",
        END};

    offset = 4;
    can_read = true;
    receives(good, "online n(6) 4:ef 2/2 done:0");
    receives(bad, "online n(6) 4:fg 2/2 done:-15");
    can_read = false; /* then there is nothing to hold it against */
    receives(bad, "online n(6) 4:fg 2/2 done:0");
    offset = 0;
}

#define IS(id, sid, file, methods, cond)                                                           \
    OFFER(id, PROFILE(sid), file, methods), "< id='" id "'", "<<" cond

TEST(offers_that_make_no_sense_or_are_not_wanted)
{
    static const char *const lines[] = {
        LOGIN(""),
        OFFER("1", "id='s' profile='urn:x'", FILE_("name='n' size='6'", ""), METHODS(OPTION(IBB))),
        "< id='1'",
        "<<bad-profile xmlns='" SI "'/>",
        OFFER("2", "profile='" FT "'", FILE_("name='n' size='6'", ""), METHODS(OPTION(IBB))),
        "< id='2'",
        "<<bad-request",
        IS("3", "s", FILE_("name='n'", ""), METHODS(OPTION(IBB)), "bad-profile"),
        IS("4", "s", FILE_("size='6'", ""), METHODS(OPTION(IBB)), "bad-profile"),
        IS("5", "s", FILE_("name='n' size='-6'", ""), METHODS(OPTION(IBB)), "bad-profile"),
        IS("6", "s", FILE_("name='/etc/..' size='6'", ""), METHODS(OPTION(IBB)), "bad-profile"),
        IS("7", "s", FILE_("name='n' size='6'", ""), METHODS(OPTION("jabber:iq:oob")),
           "no-valid-streams"),
        IS("8", "s", FILE_("name='n' size='6'", ""), "", "no-valid-streams"),
        IS("9", "s", FILE_("name='..\\/no' size='6'", ""), METHODS(OPTION(IBB)), "forbidden"),
        IS("10", "s", FILE_("name='n' size='6'", ""), METHODS(OPTION(S5B)), "no-valid-streams"),
        END};

    receives(lines, "online no(6) n(6) done:-14");
}

TEST(an_answer_that_comes_too_late_is_told_so)
{
    static const char *const lines[] = {
        LOGIN(""),
        OFFER("1", PROFILE("s"), FILE_("name='later' size='6'", ""), METHODS(OPTION(IBB))),
        OFFER("2", PROFILE("t"), FILE_("name='later' size='6'", ""), METHODS(OPTION(IBB))),
        "><iq type='get' id='3'><x xmlns='y'/></iq>",
        "< id='3'",
        "!",
        NULL};

    last = NULL;
    talk_start(lines, NULL);
    mynah_file_serve(talk.c, offered, NULL);
    talk_until(is_offered);
    talk_until(talk_over);
    mynah_file_accept(last, 0, 0, &calls, NULL);
    talk_end("online later(6) later(6) offline (-13) done:-13");
}

static struct mynah_file *two[2];

static void others_go(void *arg, struct mynah_file *f, const struct mynah_error *error)
{
    (void)arg;
    note("%d:%d", f == two[1], error->code);
    two[f == two[1]] = NULL;
    for (int i = 0; i < 2; i++)
        if (two[i])
            mynah_file_cancel(two[i]);
}

TEST(who_hears_that_one_is_lost_may_cancel_the_others)
{
    static const char *const lines[] = {LOGIN(""), "<<si ", "<<si ", "!", NULL};
    static const struct mynah_file_info info = {.size = sizeof info, .name = "n", .length = 6};
    static const struct mynah_file_calls both = {.size = sizeof both, .done = others_go};

    talk_start(lines, NULL);
    talk_until(talk_online);
    for (int i = 0; i < 2; i++)
        two[i] = mynah_file_send(talk.c, "a@y.test/1", &info, 0, NULL, &both, NULL);
    talk_until(talk_over);
    talk_end("online 0:-13 1:-12 offline (-13)");
}

/* Servers that answer what was not asked, flood, and speak for others. */
#include "client/client.h"

#include <malloc.h>

#include "unit/client/talk.h"

static const struct mynah_client_config again = {.no_roster = true};

#define ENABLED "<<enable", "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>"
#define NS_SASL " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define NS_ZLIB " xmlns='http://jabber.org/protocol/compress'"
#define ZLIB                                                                                       \
    "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>"

/* What no server may say where it stands: the stream ends, and with it nothing else. */
TEST(each_answer_to_nothing_ends_the_stream)
{
    static const struct {
        const char *lines[16], *notes;
        bool compress;
    } rows[] = {
        {{"<<stream:stream", ">" HEADER SASL "<stream:features/>"}, "offline (-9)", false},
        {{"<<stream:stream", ">" HEADER SASL "<success" NS_SASL
                             "/><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"},
         "offline (-9)",
         false},
        {{"<<stream:stream", ">" HEADER "<message from='a@y.test'><body>x</body></message>"},
         "offline (-9)",
         false},
        {{"<<stream:stream", ">" HEADER SASL, "<mechanism='ANONYMOUS'",
          "><message from='a@y.test'><body>x</body></message>"},
         "offline (-9)",
         false},
        {{LOGIN(""), ">" SASL}, "online offline (-9)", false},
        {{LOGIN(SM), ENABLED,
          "><stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" SM
          "</stream:features>"},
         "online offline (-9)",
         false},
        {{LOGIN(SM), ENABLED, "><enabled xmlns='urn:xmpp:sm:3' id='t' resume='true'/>"},
         "online offline (-9)",
         false},
        {{LOGIN(SM), ENABLED, "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='0'/>"},
         "online offline (-9)",
         false},
        {{LOGIN(SM), ENABLED, "><failed xmlns='urn:xmpp:sm:3'/>"}, "online offline (-9)", false},
        {{LOGIN(SM), ENABLED, "><a xmlns='urn:xmpp:sm:3' h='4294967295'/>"},
         "online offline (-9)",
         false},
        {{LOGIN(SM), ENABLED, "><a xmlns='urn:xmpp:sm:3' h='-1'/>"}, "online offline (-9)", false},
        {{LOGIN(SM), ENABLED, "><a xmlns='urn:xmpp:sm:3'/>"}, "online offline (-9)", false},
        {{LOGIN(""), "><enabled xmlns='urn:xmpp:sm:3'/>"}, "online offline (-9)", false},
        {{LOGIN(""), "><r xmlns='urn:xmpp:sm:3'/>"}, "online offline (-9)", false},
        {{AUTH(""), "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='0'/>"}, "offline (-9)", false},
        {{LOGIN(""), "><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"},
         "online offline (-5)",
         false},
        {{LOGIN(""), "><compressed" NS_ZLIB "/>"}, "online offline (-9)", true},
        {{LOGIN(ZLIB) "", "><compressed" NS_ZLIB "/>"}, NULL, false},
        {{AUTH(ZLIB), "<<compress", "><failure" NS_ZLIB "/><compressed" NS_ZLIB "/>"},
         "offline (-9)",
         true},
        {{LOGIN(""), ">" HEADER}, "online offline (-9)", false},
        {{LOGIN(""), "></stream:stream><message/>"}, "online offline (-13)", false},
        {{LOGIN(""), ">text"}, "online offline (-9)", false},
        {{LOGIN(""), "><message><body></message>"}, "online offline (-9)", false},
        {{LOGIN(""), "><?pi x?>"}, "online offline (-9)", false},
        {{LOGIN(""), "><p:message/>"}, "online offline (-9)", false},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mynah_client_config config = {
            .no_reconnect = true, .no_roster = true, .compress = rows[i].compress};

        talk_start(rows[i].lines, &config);
        talk_until(talk_over);
        if (rows[i].notes && !mn_str_is(mn_buf_view(&talk.notes), rows[i].notes))
            test_fail(__FILE__, __LINE__, "row %zu: %.*s", i, MN_ARG(mn_buf_view(&talk.notes)));
        talk_end(NULL);
    }
}

/* What is of another namespace, or of nobody's, is passed over, and counts as nothing. */
TEST(elements_of_other_namespaces_are_no_stanzas)
{
    static const char *const lines[] = {
        LOGIN(SM),
        ENABLED,
        "><message xmlns='jabber:server' from='a@y.test'><body>x</body></message><message "
        "xmlns=''/><x xmlns=''/>"
        "<iq type='get' id='1'><x xmlns=''/></iq><iq type='set' id='2' from='b@y.test'><x "
        "xmlns=''><y/></x></iq>",
        "<id='1'><error type='cancel'><service-unavailable",
        "<id='2'",
        "><r xmlns='urn:xmpp:sm:3'/>",
        "<<a xmlns='urn:xmpp:sm:3' h='2'/>",
        NULL};

    talk_run(lines, "online");
}

/* Of the sanitizers, which the C library's own count knows nothing of. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t held(void)
{
    struct mallinfo2 m = mallinfo2();

    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                   : m.uordblks + m.hblkhd;
}

static struct mn_buf flood;

static void flood_of(const char *fmt, unsigned n)
{
    mn_buf_clear(&flood);
    mn_buf_c(&flood, '>');
    for (unsigned i = 0; i < n; i++)
        mn_buf_fmt(&flood, fmt, i, i); /* NOLINT: formats are ours */
    mn_buf_c(&flood, 0);
}

/* So many stanzas of a kind leave nothing behind. */
static void flooded(const char *fmt, unsigned n, size_t most, const char *notes)
{
    const char *lines[] = {LOGIN(""), NULL, END};
    struct mynah_client_config config = {.no_reconnect = true};
    const char **slot = lines;
    size_t before;

    while (*slot)
        slot++;
    flood_of(fmt, n);
    *slot = flood.p;
    before = held();
    talk_start(lines, &config);
    talk_until(talk_done);
    mn_buf_clear(&talk.server.all);
    if (held() > before + most)
        test_fail(__FILE__, __LINE__, "%zu bytes are held of %s", held() - before, fmt);
    talk_end(notes);
    mn_buf_free(&flood);
}

TEST(a_hundred_thousand_stanzas_leave_nothing_behind)
{
    flooded("<iq type='result' id='%u'><x xmlns='urn:x:%u'/></iq>", 100000, 1 << 20, "online");
    flooded("<unknown xmlns='urn:x:%u'>%u</unknown>", 100000, 1 << 20, "online");
    flooded("<presence from='u%u@y.test/%u'/>", 100000, 1 << 20, "online");
    flooded("<presence from='u@x.test/%u'><status>%u</status></presence>", 20000, 2 << 20,
            "online");
    flooded("<presence from='u%u@y.test/r'><c xmlns='http://jabber.org/protocol/caps' "
            "hash='sha-1' node='n' ver='%04000u'/></presence>",
            5000, 2 << 20, "online"); /* 200 wait for the roster */
    flooded("                                                               \n", 300000, 1 << 20,
            "online");
}

TEST(one_address_has_no_end_of_resources)
{
    const char *lines[] = {LOGIN(""), NULL, END};
    const char **slot = lines;
    struct mynah_client_config config = {.no_reconnect = true};
    size_t n = 0;

    while (*slot)
        slot++;
    flood_of("<presence from='u@x.test/%u'><status>%u</status></presence>", 300);
    *slot = flood.p;
    talk_start(lines, &config);
    talk_until(talk_done);
    while (mynah_roster_resource(talk.c, "u@x.test", n))
        n++;
    CHECK_INT(n, 100);
    CHECK_STR(mn_str_from(mynah_roster_resource(talk.c, "u@x.test", 0)->status), "299");
    talk_end("online");
    mn_buf_free(&flood);
}

static struct mynah_room *room;

static void room_joined(void *arg, struct mynah_room *r, bool created)
{
    (void)arg;
    (void)created;
    note("joined(%zu)", mynah_room_count(r));
}

/* Presence of so many bytes each, of more people than a room may fill the memory with; who calls
 * everybody ourselves gets no further. */
TEST(a_room_has_no_end_of_people)
{
    static const struct mynah_room_calls calls = {.size = sizeof calls, .joined = room_joined};
#define SEATED(nick, more)                                                                         \
    "<presence from='r@c.test/" nick "'><status>%0*u</status><x "                                  \
    "xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' "                        \
    "role='participant'/>" more "</x></presence>"
    static const char *const kinds[] = {SEATED("u%u", ""), SEATED("u%u", "<status code='110'/>")};

    for (size_t i = 0; i < MN_COUNT(kinds); i++) {
        const char *lines[] = {LOGIN(""), "<to='r@c.test/me'", NULL, END};
        struct mynah_client_config config = {.no_reconnect = true, .no_roster = true};
        const char **slot = lines;
        const struct mynah_occupant *o;
        size_t before;

        while (*slot)
            slot++;
        mn_buf_clear(&flood);
        mn_buf_c(&flood, '>');
        mn_buf_fmt(&flood, SEATED("me", "<status code='110'/>"), 1, 0);
        for (unsigned k = 0; k < 1000; k++)
            mn_buf_fmt(&flood, kinds[i], k, 60000, k); /* NOLINT: formats are ours */
        mn_buf_fmt(&flood, SEATED("me", "<status code='110'/>"), 1, 7);
        mn_buf_c(&flood, 0);
        *slot = flood.p;
        before = held();
        talk_start(lines, &config);
        talk_until(talk_online);
        CHECK_INT(mynah_room_new(talk.c, "r@c.test", "me", &calls, NULL, &room), 0);
        CHECK_INT(mynah_room_join(room, NULL, NULL), 0);
        talk_until(talk_done);
        mn_buf_clear(&talk.server.all);
        CHECK(mynah_room_is_joined(room));
        CHECK(mynah_room_count(room) > 400 && mynah_room_count(room) < 600);
        o = mynah_room_occupant(room, i ? "u0" : "me");
        CHECK(o && (i || !strcmp(o->status, "7")));
        CHECK(held() < before + (40u << 20));
        talk_end(NULL);
    }
    mn_buf_free(&flood);
}

/* Of one address the oldest go where many say little or few say much; who says too much at once is
 * not there. */
TEST(presence_has_no_end)
{
    static const struct {
        const char *who;
        int bytes;
        unsigned count, kept;
    } rows[] = {{"u@x.test/%u", 10, 300, 100},
                {"u@x.test/%u", 50000, 20, 4},
                {"u@x.test/%u", 300000, 5, 0}};

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        const char *lines[] = {LOGIN(""), NULL, END};
        struct mynah_client_config config = {.no_reconnect = true};
        const char **slot = lines;
        unsigned n = 0;

        while (*slot)
            slot++;
        mn_buf_clear(&flood);
        mn_buf_c(&flood, '>');
        for (unsigned k = 0; k < rows[i].count; k++)
            mn_buf_fmt(&flood, "<presence from='u@x.test/%u'><status>%0*u</status></presence>", k,
                       rows[i].bytes, k);
        mn_buf_c(&flood, 0);
        *slot = flood.p;
        talk_start(lines, &config);
        talk_until(talk_done);
        while (mynah_roster_resource(talk.c, "u@x.test", n))
            n++;
        if (n != rows[i].kept)
            test_fail(__FILE__, __LINE__, "row %zu: %u", i, n);
        talk_end("online");
    }
    mn_buf_free(&flood);
}

static struct mynah_ask *waiting[1000];
static unsigned waiting_count;

static void kept_waiting(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    (void)arg;
    (void)c;
    CHECK(waiting_count < MN_COUNT(waiting));
    waiting[waiting_count++] = q;
}

/* A program that answers later, and who asks without waiting. */
TEST(questions_that_wait_have_an_end)
{
    static const struct {
        unsigned count;
        int bytes;
        unsigned kept;
    } rows[] = {{1200, 10, 1000}, {40, 1000000, 16}};

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        const char *lines[] = {LOGIN(""), NULL, "<<resource-constraint", END};
        struct mynah_client_config config = {.no_reconnect = true, .no_roster = true};
        const char **slot = lines;

        while (*slot)
            slot++;
        mn_buf_clear(&flood);
        mn_buf_c(&flood, '>');
        for (unsigned k = 0; k < rows[i].count; k++)
            mn_buf_fmt(
                &flood,
                "<iq type='get' id='q%u' from='a@y.test/r'><late xmlns='urn:l'>%0*u</late></iq>", k,
                rows[i].bytes, k);
        mn_buf_c(&flood, 0);
        *slot = flood.p;
        talk_start(lines, &config);
        mynah_iq_serve(talk.c, MYNAH_GET, "urn:l", "late", kept_waiting, NULL);
        talk_until(talk_done);
        CHECK_INT(waiting_count, rows[i].kept);
        while (waiting_count)
            mynah_ask_result(&waiting[--waiting_count], NULL);
        CHECK_INT(talk.c->ask_count, 0);
        talk_end("online");
    }
    mn_buf_free(&flood);
}

/* One stanza that does not end, as long as it may be; and one that is as deep. */
TEST(what_does_not_end_is_ended)
{
    static const struct {
        const char *piece;
        unsigned n;
    } rows[] = {
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", (17u << 20) / 64},
        {"<a>", 300},
        {"<a", (17u << 20) / 2}};

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        const char *lines[] = {LOGIN(""), "><message from='a@y.test'><body>", NULL, NULL};

        mn_buf_clear(&flood);
        mn_buf_c(&flood, '>');
        for (unsigned k = 0; k < rows[i].n; k++)
            mn_buf_str(&flood, mn_str_from(rows[i].piece));
        mn_buf_c(&flood, 0);
        lines[MN_COUNT(lines) - 2] = flood.p;
        talk_start(lines, NULL);
        talk_until(talk_over);
        talk_end("online offline (-9)");
        if (test_failed())
            test_fail(__FILE__, __LINE__, "row %zu", i);
    }
    mn_buf_free(&flood);
}

/* Nobody but the account speaks for the account. */
TEST(others_push_no_roster_and_forward_nothing)
{
#define PUSH(from, id)                                                                             \
    "<iq type='set' id='" id "'" from "><query xmlns='jabber:iq:roster'><item "                    \
    "jid='evil@y.test' subscription='both'/></query></iq>"
    static const char *const lines[] = {
        LOGIN(""),
        ">" PUSH(" from='evil@y.test'", "1") PUSH(" from='y.test'", "2")
            PUSH(" from='u@x.test/r'", "3") PUSH(" from='u@x.test.evil'", "4"),
        "<id='1' to='evil@y.test'><error",
        "<id='2' to='y.test'><error",
        "<id='3' to='u@x.test/r'><error",
        "<id='4' to='u@x.test.evil'><error",
        "><message from='evil@y.test'><received xmlns='urn:xmpp:carbons:2'><forwarded "
        "xmlns='urn:xmpp:forward:0'>"
        "<message xmlns='jabber:client' from='friend@y.test'><body>send "
        "money</body></message></forwarded>"
        "</received></message>",
        END};
    struct mynah_client_config config = {.no_reconnect = true, .no_roster = true};

    talk_start(lines, &config);
    talk_until(talk_done);
    CHECK_INT(mynah_roster_count(talk.c), 0);
    CHECK(!noted("money"));
    talk_end(NULL);
}

/* A message of the program's own id, twice; the life line is the later one's. */
TEST(ids_may_collide)
{
    static const char *const lines[] = {LOGIN(SM), ENABLED, "<>two<",
                                        "><a xmlns='urn:xmpp:sm:3' h='2'/>", END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    for (int i = 0; i < 2; i++) {
        struct mynah_elem *m = mynah_message_new("a@y.test", MYNAH_CHAT, i ? "two" : "one");

        mynah_elem_set(m, "id", "same");
        CHECK_INT(mynah_message_send(talk.c, &m, NULL, NULL, NULL), 0);
    }
    talk_until(talk_done);
    talk_end("online queued written queued written acked");
}

/* A server that was updated has no stream management any more: nothing is lost with it. */
TEST(a_session_that_nobody_can_resume_leaves_its_messages)
{
    static const char *const lines[] = {LOGIN(SM),    ENABLED,   "<>one<", "<>two<", "!", AUTH(""),
                                        "<id='bind'", ">" BOUND, "<>one<", "<>two<", NULL};

    talk_start(lines, &again);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "one");
    mynah_chat(talk.c, "a@y.test", "two");
    talk_until(talk_done);
    talk_end("online queued written queued written waiting (-13) online");
}

/* ... and one that will not count has got what was written meanwhile: it goes no second time. */
TEST(what_was_written_before_a_refusal_to_count_goes_once)
{
    static const char *const lines[] = {LOGIN(SM), "<<enable", "<>one<",
                                        "><failed xmlns='urn:xmpp:sm:3'><unexpected-request "
                                        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
                                        END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_chat(talk.c, "a@y.test", "one");
    talk_until(talk_done);
    CHECK(!memmem(talk.server.got.p, talk.server.got.n, ">one<", 5));
    CHECK(!memmem(strstr(talk.server.all.p, ">one<") + 5,
                  talk.server.all.n -
                      (size_t)(strstr(talk.server.all.p, ">one<") + 5 - talk.server.all.p),
                  ">one<", 5));
    talk_end("online queued written");
}

#include "mynah/offline.h"

#include "unit/client/talk.h"

static void counted(void *arg, struct mynah_client *c, size_t count,
                    const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    note("%zu,%d", count, error ? error->code : 0);
}

static void listed(void *arg, struct mynah_client *c, const struct mynah_offline *list,
                   size_t count, const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    for (size_t i = 0; i < count; i++)
        note("%s=%s", list[i].node, list[i].from ? list[i].from : "-");
    note("%zu,%d", count, error ? error->code : 0);
}

static void count(void)
{
    mynah_offline_count(talk.c, counted, NULL);
}

static void list(void)
{
    mynah_offline_list(talk.c, listed, NULL);
}

#define NODE "node='http://jabber.org/protocol/offline'"
#define ANSWER(kind, inside)                                                                       \
    "><iq type='result' id='%1' from='u@x.test'><query "                                           \
    "xmlns='http://jabber.org/protocol/disco#" kind "' " NODE ">" inside "</query></iq>"
#define NUMBER(n)                                                                                  \
    "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'><value>"                        \
    "http://jabber.org/protocol/offline</value></field><field var='number_of_messages'><value>" n  \
    "</value></field></x>"
#define NO "><iq type='error' id='%1' from='u@x.test'><error type='cancel'/></iq>"

TEST(what_waits_is_counted_and_listed)
{
    static const struct {
        void (*ask)(void);
        const char *answer, *notes;
    } rows[] = {
        {count, ANSWER("info", "<feature var='x'/>" NUMBER("66")), "66,0"},
        {count, ANSWER("info", "<x xmlns='jabber:x:data' type='result'/>" NUMBER("0")), "0,0"},
        {count, ANSWER("info", NUMBER("-1")), "0,-15"},
        {count, ANSWER("info", NUMBER("99999999999")), "0,-15"},
        {count, ANSWER("info", "<x xmlns='jabber:x:data' type='result'/>"), "0,-15"},
        {count, ANSWER("info", ""), "0,-15"},
        {count, NO, "0,-10"},
        {list,
         ANSWER("items",
                "<item jid='u@x.test' node='2'/><item jid='u@x.test'/><item jid='u@x.test' "
                "node='1' name='a@y/1'/>"),
         "1=a@y/1 2=- 2,0"},
        {list, ANSWER("items", ""), "0,0"},
        {list, NO, "0,-10"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        const char *const lines[] = {LOGIN(""),      "<type='get' id='",
                                     rows[i].answer, "><iq type='get' id='end'><x xmlns='y'/></iq>",
                                     "<id='end'",    NULL};
        char notes[200];

        talk_start(lines, NULL);
        talk_until(talk_online);
        rows[i].ask();
        talk_until(talk_done);
        CHECK(memmem(talk.server.all.p, talk.server.all.n, NODE, strlen(NODE)));
        snprintf(notes, sizeof notes, "online %s", rows[i].notes);
        talk_end(notes);
    }
}

#define SAID(type, inside)                                                                         \
    "<<iq type='" type "'",                                                                        \
        "<<offline xmlns='http://jabber.org/protocol/offline'>" inside "</offline></iq>"

TEST(messages_are_fetched_and_removed)
{
    static const char *const lines[] = {
        LOGIN(""),
        SAID("get", "<item action='view' node='1'/><item action='view' node='a&amp;b'/>"),
        SAID("get", "<fetch/>"),
        SAID("set", "<item action='remove' node='1'/>"),
        SAID("set", "<purge/>"),
        "><message from='a@y/1'><body>b</body></message>",
        END};
    static const char *const nodes[] = {"1", "a&b"};

    talk_start(lines, NULL);
    talk_until(talk_online);
    CHECK(!mynah_offline_fetch(talk.c, nodes, 0, note_iq, "fetch"));
    CHECK(!mynah_offline_remove(talk.c, nodes, 0, note_iq, "remove"));
    mynah_offline_fetch(talk.c, nodes, 2, NULL, NULL);
    mynah_offline_fetch_all(talk.c, NULL, NULL);
    mynah_offline_remove(talk.c, nodes, 1, NULL, NULL);
    mynah_offline_purge(talk.c, NULL, NULL);
    talk_until(talk_done);
    talk_end("online fetch=-1 remove=-1 a@y/1>b");
}

TEST(a_message_tells_its_node)
{
    static const char *const rows[][2] = {
        {"<offline xmlns='http://jabber.org/protocol/offline'><item node='1'/></offline>", "1"},
        {"<offline xmlns='http://jabber.org/protocol/offline'><item/></offline>", NULL},
        {"<offline xmlns='urn:x'><item node='1'/></offline>", NULL},
        {"", NULL}};

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_buf b = {0};
        struct mynah_elem *m;
        const char *node;

        mn_buf_fmt(&b, "<message xmlns='jabber:client'>%s</message>", rows[i][0]);
        mn_buf_c(&b, 0);
        CHECK_INT(mynah_elem_parse(b.p, &m), 0);
        node = mynah_offline_node(m);
        CHECK_STR(mn_str_from(node ? node : "none"), rows[i][1] ? rows[i][1] : "none");
        mynah_elem_free(m);
        mn_buf_free(&b);
    }
}

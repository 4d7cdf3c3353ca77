#include "mynah/private.h"

#include "unit/client/talk.h"

static const char *or_none(const char *text)
{
    return text ? text : "-";
}

static void xml(void *arg, struct mynah_client *c, const struct mynah_elem *stored,
                const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    CHECK(!stored != !error);
    note("%s", stored ? mynah_elem_text(stored) : "none");
    if (error)
        note("%d", error->code);
}

static void bookmarks(void *arg, struct mynah_client *c, const struct mynah_bookmark *list,
                      size_t count, const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    for (size_t i = 0; i < count; i++)
        note("%s/%s/%s/%s/%s%s", or_none(list[i].jid), or_none(list[i].url), or_none(list[i].name),
             or_none(list[i].nick), or_none(list[i].password), list[i].autojoin ? "!" : "");
    note("%zu,%d", count, error ? error->code : 0);
}

static void annotations(void *arg, struct mynah_client *c, const struct mynah_annotation *list,
                        size_t count, const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    for (size_t i = 0; i < count; i++)
        note("%s=%s/%lld/%lld", list[i].jid, list[i].text, (long long)list[i].created,
             (long long)list[i].modified);
    note("%zu,%d", count, error ? error->code : 0);
}

static void delimiter(void *arg, struct mynah_client *c, const char *text,
                      const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    note("[%s],%d", or_none(text), error ? error->code : 0);
}

static void get_xml(void)
{
    mynah_private_get(talk.c, "x", "urn:x", xml, NULL);
}

static void get_bookmarks(void)
{
    mynah_bookmarks_get(talk.c, bookmarks, NULL);
}

static void get_annotations(void)
{
    mynah_annotations_get(talk.c, annotations, NULL);
}

static void get_delimiter(void)
{
    mynah_delimiter_get(talk.c, delimiter, NULL);
}

#define STORED(inside)                                                                             \
    "><iq type='result' id='%1' from='u@x.test/r'><query xmlns='jabber:iq:private'>" inside        \
    "</query></iq>"
#define NO "><iq type='error' id='%1'><error type='cancel'/></iq>"
#define BOOKMARKS(inside) STORED("<storage xmlns='storage:bookmarks'>" inside "</storage>")
#define NOTES(inside) STORED("<storage xmlns='storage:rosternotes'>" inside "</storage>")
#define DELIMITER(inside) STORED("<roster xmlns='roster:delimiter'>" inside "</roster>")

TEST(what_is_stored_is_read_with_care)
{
    static const struct {
        void (*get)(void);
        const char *asks, *answer, *notes;
    } rows[] = {
        {get_xml, "<x xmlns='urn:x'/>", STORED("<x xmlns='urn:x'>a</x>"), "a"},
        {get_xml, "", STORED("<x xmlns='urn:y'>a</x>"), "none -15"},
        {get_xml, "", STORED(""), "none -15"},
        {get_xml, "", NO, "none -10"},
        {get_bookmarks, "<storage xmlns='storage:bookmarks'/>",
         BOOKMARKS("<conference jid='r@y' name='R' autojoin='1'><nick>N</nick><password>P</"
                   "password></conference><url url='http://x/'/><conference jid='s@y' "
                   "autojoin='yes'/><other/><conference/>"),
         "r@y/-/R/N/P! -/http://x//-/-/- s@y/-/-/-/- -/-/-/-/- -/-/-/-/- 5,0"},
        {get_bookmarks, "", BOOKMARKS(""), "0,0"},
        {get_bookmarks, "", STORED(""), "0,-15"},
        {get_bookmarks, "", NO, "0,-10"},
        {get_annotations, "<storage xmlns='storage:rosternotes'/>",
         NOTES("<note jid='a@y' cdate='1970-01-01T00:00:01Z' mdate='today'>A &amp; B</note>"
               "<note>nobody</note><other jid='b@y'/><note jid='c@y'/>"),
         "a@y=A & B/1000/0 c@y=/0/0 2,0"},
        {get_annotations, "", NO, "0,-10"},
        {get_delimiter, "<roster xmlns='roster:delimiter'/>", DELIMITER("::"), "[::],0"},
        {get_delimiter, "", DELIMITER("/"), "[/],0"},
        {get_delimiter, "", DELIMITER("e"), "[-],0"},
        {get_delimiter, "", DELIMITER(""), "[-],0"},
        {get_delimiter, "", NO, "[-],-10"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        const char *const lines[] = {LOGIN(""),      "<type='get' id='",
                                     rows[i].answer, "><iq type='get' id='end'><x xmlns='y'/></iq>",
                                     "<id='end'",    NULL};
        char notes[200];

        talk_start(lines, NULL);
        talk_until(talk_online);
        rows[i].get();
        talk_until(talk_done);
        CHECK(memmem(talk.server.all.p, talk.server.all.n, rows[i].asks, strlen(rows[i].asks)));
        snprintf(notes, sizeof notes, "online %s", rows[i].notes);
        talk_end(notes);
    }
}

TEST(lists_are_stored_as_a_whole)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='set' id='",
        "><iq type='result' id='%1'/>",
        "<<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><conference "
        "jid='r@y' name='R' autojoin='true'><nick>N</nick></conference><url url='http://x/?a&amp;b'"
        "/></storage></query>",
        "<<query xmlns='jabber:iq:private'><storage xmlns='storage:rosternotes'><note jid='a@y' "
        "mdate='1970-01-01T00:00:01.000Z'>A</note><note jid='b@y'/></storage></query>",
        "<<query xmlns='jabber:iq:private'><roster xmlns='roster:delimiter'>::</roster></query>",
        "<<query xmlns='jabber:iq:private'><roster xmlns='roster:delimiter'/></query>",
        END};
    static const struct mynah_bookmark marks[] = {
        {.jid = "r@y", .name = "R", .nick = "N", .autojoin = true}, {.url = "http://x/?a&b"}};
    static const struct mynah_annotation notes[] = {{"a@y", "A", 0, 1000}, {"b@y", NULL, 0, 0}};
    struct mynah_elem *x = mynah_elem_new("x", "urn:x");

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_private_set(talk.c, &x, note_iq, "set");
    mynah_bookmarks_set(talk.c, marks, 2, NULL, NULL);
    mynah_annotations_set(talk.c, notes, 2, NULL, NULL);
    mynah_delimiter_set(talk.c, "::", NULL, NULL);
    mynah_delimiter_set(talk.c, NULL, NULL, NULL);
    talk_until(talk_done);
    CHECK(!x);
    talk_end("online set=result");
}

static void change(void *arg, struct mynah_client *c, const struct mynah_bookmark *list,
                   size_t count, const struct mynah_error *error)
{
    struct mynah_bookmark marks[2];

    (void)arg;
    CHECK(count == (error ? 0u : 2u));
    if (error) /* the client is freed */
        return;
    memcpy(marks, list, sizeof marks);
    marks[0].name = "New";
    marks[0].autojoin = false;
    marks[0].password = NULL;
    mynah_bookmarks_set(c, marks, 2, NULL, NULL);
}

TEST(what_other_programs_store_in_bookmarks_is_kept)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='get' id='",
        BOOKMARKS("<conference jid='r@y' name='R' autojoin='1' minimize='true'><nick>N</nick>"
                  "<password>P</password><ext xmlns='urn:ext'>E</ext></conference>"
                  "<other xmlns='urn:other' a='1'/>"),
        "<<storage xmlns='storage:bookmarks'><conference jid='r@y' minimize='true' "
        "name='New'><ext xmlns='urn:ext'>E</ext><nick>N</nick></conference>"
        "<other xmlns='urn:other' a='1'/></storage>",
        "><iq type='get' id='end'><x xmlns='y'/></iq>",
        "<id='end'",
        NULL};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_bookmarks_get(talk.c, change, NULL);
    talk_until(talk_done);
    talk_end("online");
}

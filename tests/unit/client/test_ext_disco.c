#include "mynah/disco.h"

#include "client/ext.h"
#include "unit/client/talk.h"
#include "xmpp/caps.h"

static void info(void *arg, struct mynah_client *c, const struct mynah_disco *d,
                 const struct mynah_error *error)
{
    (void)c;
    if (error)
        note("%s:%d", (char *)arg, error->code);
    else
        note("%s:%s/%s+%zu%s", (char *)arg, d->identities[0].category, d->identities[0].type,
             d->feature_count,
             mynah_disco_has(d, "urn:a") && mynah_disco_is(d, "client", NULL) ? "!" : "");
}

static void items(void *arg, struct mynah_client *c, const struct mynah_item *list, size_t count,
                  const struct mynah_error *error)
{
    (void)c;
    note("%s:%d/%zu", (char *)arg, error ? error->code : 0, count);
    for (size_t i = 0; i < count; i++)
        note("%s(%s)", list[i].jid, list[i].name ? list[i].name : "");
}

#define INFO                                                                                       \
    "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' "            \
    "type='pc'/><feature var='urn:a'/></query>"
/* The hash of INFO, of "client/pc//<urn:a<". */
#define VER "uNEeMpTg9tk/GGpYGPkhWr1GUIs="
#define CAPS(jid, ver)                                                                             \
    "<presence from='" jid                                                                         \
    "'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='" ver                 \
    "'/></presence>"

#define ASKED "<type='get' id='"
#define MARK(id) "><iq type='get' id='" id "'><x xmlns='y'/></iq>", "<id='" id "'"

static size_t mark;

static bool at_mark(void)
{
    return talk.server.at >= mark;
}

static bool told_evil(void)
{
    return noted("evil");
}

TEST(a_hash_is_believed_only_when_the_answer_has_it)
{
    static const char *const lines[] = {
        LOGIN(""),
        ">" CAPS("a@y.test/1", VER) CAPS("a@y.test/2", VER)
            CAPS("evil@y.test/1", "AAAAMpTg9tk/GGpYGPkhWr1GUIs="),
        MARK("m"),
        ASKED,
        "><iq type='result' id='%1' from='a@y.test/1'>" INFO "</iq>",
        ASKED,
        "><iq type='result' id='%1' from='evil@y.test/1'>" INFO "</iq>",
        ASKED,
        "><iq type='error' id='%1' from='evil@y.test/1'/>",
        ASKED,
        "><iq type='result' id='%1' from='x.test'><query "
        "xmlns='http://jabber.org/protocol/disco#items'>"
        "<item jid='r.x.test' name='R'/><item/><item jid='p.x.test' node='n'/></query></iq>",
        ASKED,
        "><iq type='result' id='%1' from='b@y.test'/>",
        END};

    talk_start(lines, NULL);
    mark = 11;
    talk_until(at_mark);
    CHECK(mynah_caps_info(talk.c, "a@y.test/1", info, "one"));
    mark = 13;
    talk_until(at_mark);
    TALK_UNTIL(noted("one"));
    CHECK(!mynah_caps_info(talk.c, "a@y.test/2", info, "two"));
    CHECK(mynah_caps_info(talk.c, "evil@y.test/1", info, "evil"));
    talk_until(told_evil);
    CHECK(mynah_caps_info(talk.c, "evil@y.test/1", info, "again"));
    mynah_disco_items(talk.c, NULL, NULL, items, "items");
    mynah_disco_info(talk.c, "b@y.test", NULL, info, "empty");
    talk_until(talk_done);
    talk_end("online one:client/pc+1! two:client/pc+1! evil:client/pc+1! again:-10 items:0/2 "
             "r.x.test(R) p.x.test() empty:-15");
}

static bool serve(void *arg, struct mynah_client *c, const char *from, bool want_items,
                  struct mynah_elem *query)
{
    (void)arg;
    (void)c;
    if (want_items)
        return false;
    mynah_elem_set(mynah_elem_add(query, "feature", NULL), "var", from);
    return true;
}

TEST(we_say_what_we_are_and_the_hash_stands_for_it)
{
    static const char *const lines[] = {
        LOGIN(""),
        "< ver='",
        "><iq type='get' id='1' from='a@y.test/1'><query "
        "xmlns='http://jabber.org/protocol/disco#info' node='urn:mynah:client#%1'/></iq>",
        "<<identity category='client' type='bot' name='b'/>",
        "<urn:mine",
        "<http://jabber.org/protocol/caps",
        "><iq type='get' id='2' from='a@y.test/1'><query "
        "xmlns='http://jabber.org/protocol/disco#info' node='urn:mynah:client#old'/></iq>",
        "<type='error' id='2'",
        "><iq type='get' id='3' from='a@y.test/1'><query "
        "xmlns='http://jabber.org/protocol/disco#items'/></iq>",
        "<id='3' to='a@y.test/1'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
        "><iq type='get' id='4' from='a@y.test/1'><query "
        "xmlns='http://jabber.org/protocol/disco#info' node='mine'/></iq>",
        "<node='mine'><feature var='a@y.test/1'/>",
        "><iq type='get' id='5' from='a@y.test/1'><query "
        "xmlns='http://jabber.org/protocol/disco#items' node='mine'/></iq>",
        "<type='error' id='5'",
        END};

    talk_start(lines, NULL);
    mynah_disco_identity(talk.c, "client", "bot", "b");
    mynah_disco_feature(talk.c, "urn:mine", true);
    mynah_disco_feature(talk.c, "urn:not", true);
    mynah_disco_feature(talk.c, "urn:not", false);
    mynah_disco_serve(talk.c, "mine", serve, NULL);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, NULL, 0);
    talk_until(talk_done);
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "urn:not", 7));
    talk_end("online");
}

/* What names the program stands before the hash, in presence and in what is asked. */
TEST(a_program_has_a_name_of_its_own)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<node='https://me.test/' ver='",
        "><iq type='get' id='1' from='a@y.test/1'><query "
        "xmlns='http://jabber.org/protocol/disco#info' node='https://me.test/#%1'/></iq>",
        "<type='result' id='1'",
        "<node='https://me.test/#",
        "><iq type='get' id='2' from='a@y.test/1'><query "
        "xmlns='http://jabber.org/protocol/disco#info' node='urn:mynah:client#%1'/></iq>",
        "<type='error' id='2'",
        END};

    talk_start(lines, NULL);
    mynah_disco_node_set(talk.c, "https://me.test/");
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, NULL, 0);
    talk_until(talk_done);
    talk_end("online");
}

/* What somebody says at length is asked for each time. */
TEST(what_is_kept_of_others_has_an_end)
{
    static const char *const lines[] = {LOGIN(""), NULL};
    struct mynah_elem *query = mynah_elem_new("query", "http://jabber.org/protocol/disco#info");
    struct mn_arena a = {0};
    char *text = mn_arena_bytes(&a, 100001);

    memset(text, 'a', 100000);
    text[100000] = 0;
    talk_start(lines, NULL);
    mynah_elem_set(mynah_elem_add(query, "feature", NULL), "var", text);
    mynah_elem_set(query, "node",
                   mn_arena_fmt(&a, "n#%.*s", MN_ARG(mn_caps_ver(elem_in(query), MN_SHA1, &a))).p);
    disco_heard(talk.c, query);
    CHECK_INT(disco_known(talk.c), 0);
    mynah_elem_free(query);
    mn_arena_done(&a, NULL);
    talk_end(NULL);
}

/* Somebody says what he can do in a hundred thousand words, none of them twice, and knows how to
 * hash it. */
TEST(an_answer_of_many_parts_takes_no_time)
{
    static const char *const lines[] = {LOGIN(""), NULL};
    struct mynah_elem *query = mynah_elem_new("query", "http://jabber.org/protocol/disco#info");
    struct mn_arena a = {0};

    talk_start(lines, NULL);
    for (unsigned i = 0; i < 100000; i++)
        mynah_elem_set(mynah_elem_add(query, "feature", NULL), "var",
                       mn_arena_fmt(&a, "urn:%u", i).p);
    mynah_elem_set(query, "node",
                   mn_arena_fmt(&a, "n#%.*s", MN_ARG(mn_caps_ver(elem_in(query), MN_SHA1, &a))).p);
    disco_heard(talk.c, query);
    mynah_elem_free(query);
    mn_arena_done(&a, NULL);
    talk_end(NULL);
}

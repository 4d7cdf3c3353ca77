#include "mynah/disco.h"
#include "mynah/initiate.h"

#include "unit/client/talk.h"

#define SI "http://jabber.org/protocol/si"
#define NEG "http://jabber.org/protocol/feature-neg"
#define IBB "http://jabber.org/protocol/ibb"
#define S5B "http://jabber.org/protocol/bytestreams"

#define METHODS(options)                                                                           \
    "<feature xmlns='" NEG "'><x xmlns='jabber:x:data' type='form'><field var='stream-method' "    \
    "type='list-single'>" options "</field></x></feature>"
#define OPTION(ns) "<option><value>" ns "</value></option>"
#define OFFER(id, sid, profile, methods)                                                           \
    "><iq type='set' id='" id "' from='a@y.test/1'><si xmlns='" SI "' id='" sid                    \
    "' mime-type='text/x' profile='" profile "'><what xmlns='urn:p'/>" methods "</si></iq>"
#define TAKEN(ns)                                                                                  \
    "><iq type='result' id='%1' from='a@y.test/1'><si xmlns='" SI "'><yes xmlns='urn:p'/>"         \
    "<feature xmlns='" NEG "'><x xmlns='jabber:x:data' type='submit'><field var='stream-method'>"  \
    "<value>" ns "</value></field></x></feature></si></iq>"

static struct mynah_ask *later;

static void offered(void *arg, struct mynah_client *c, struct mynah_ask *q,
                    const struct mynah_initiation *i)
{
    struct mynah_elem *about = mynah_elem_new("yes", "urn:p");

    (void)c;
    CHECK(mynah_elem_child(i->xml, "what", "urn:p"));
    note("%s:%s,%s,%u", (const char *)arg, i->id, i->mime, i->methods);
    if (!strcmp(i->id, "no")) {
        mynah_initiate_refuse(&q, NULL, "not now");
    } else if (!strcmp(i->id, "odd")) {
        mynah_initiate_refuse(&q, "bad-profile", NULL);
    } else if (!strcmp(i->id, "later")) {
        later = q;
    } else {
        mynah_initiate_accept(&q, MYNAH_IBB, &about);
        CHECK(!q && !about);
    }
    mynah_elem_free(about);
}

static void bytes(void *arg, struct mynah_bytestream *b, const void *p, size_t n)
{
    (void)arg;
    note("%s:%.*s", mynah_bytestream_sid(b), (int)n, (const char *)p);
}

static void opened_by(void *arg, struct mynah_client *c, struct mynah_bytestream *b)
{
    static const struct mynah_bytestream_calls calls = {.size = sizeof calls, .bytes = bytes};

    (void)arg;
    (void)c;
    mynah_bytestream_accept(b, &calls, NULL);
}

static bool is_late(void)
{
    return later;
}

TEST(offers_go_to_who_serves_their_profile)
{
    static const char *const lines[] = {
        LOGIN(""),
        OFFER("1", "s", "urn:p", METHODS(OPTION("urn:other") OPTION(IBB) OPTION(S5B))),
        "<type='result' id='1'",
        "<<yes xmlns='urn:p'/><feature xmlns='" NEG "'>",
        "<<value>" IBB "</value>",
        "><iq type='set' id='2' from='a@y.test/1'><open xmlns='" IBB
        "' sid='s' block-size='4096'/></iq>",
        "<type='result' id='2'",
        "><iq type='set' id='3' from='a@y.test/1'><data xmlns='" IBB
        "' sid='s' seq='0'>YWJj</data></iq>",
        "<type='result' id='3'",
        OFFER("4", "no", "urn:p", METHODS(OPTION(IBB))),
        "<type='error' id='4'",
        "<<forbidden",
        "<not now",
        OFFER("5", "odd", "urn:p", METHODS(OPTION(IBB))),
        "<type='error' id='5'",
        "<<bad-profile xmlns='" SI "'",
        OFFER("6", "x", "urn:nobody", METHODS(OPTION(IBB))),
        "<type='error' id='6'",
        "<<bad-profile xmlns='" SI "'",
        OFFER("7", "x", "urn:p", METHODS(OPTION("urn:other"))),
        "<type='error' id='7'",
        "<<no-valid-streams xmlns='" SI "'",
        OFFER("8", "", "urn:p", METHODS(OPTION(IBB))),
        "<type='error' id='8'",
        "<<bad-request",
        "><iq type='get' id='9' from='a@y.test/1'><query "
        "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
        "<<feature var='" SI "'/>",
        "<<feature var='urn:p'/>",
        OFFER("10", "later", "urn:p", METHODS(OPTION(S5B))),
        "<type='error' id='10'",
        "<<no-valid-streams",
        OFFER("11", "x", "urn:p", METHODS(OPTION(IBB))),
        "<type='error' id='11'",
        "<<bad-profile",
        END};

    later = NULL;
    talk_start(lines, NULL);
    mynah_initiate_serve(talk.c, "urn:p", offered, (void *)"first");
    mynah_initiate_serve(talk.c, "urn:p", offered, (void *)"p");
    mynah_bytestream_serve(talk.c, opened_by, NULL);
    talk_until(is_late);
    mynah_initiate_serve(talk.c, "urn:p", NULL, NULL);
    mynah_initiate_serve(talk.c, "urn:p", NULL, NULL);
    mynah_initiate_refuse(&later, "no-valid-streams", NULL);
    talk_until(talk_done);
    talk_end("online p:s,text/x,3 s:abc p:no,text/x,2 p:odd,text/x,2 p:later,text/x,1");
}

static void agreed(void *arg, struct mynah_client *c, const char *id,
                   enum mynah_bytestream_kind method, const struct mynah_elem *si,
                   const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    note("%s:%d,%d%s%s", id ? id : "-", method, error ? error->code : 0,
         error && error->special ? error->special : "",
         mynah_elem_child(si, "yes", "urn:p") ? "+" : "");
}

static void initiate(const char *id, unsigned methods)
{
    struct mynah_initiation i = {
        .size = sizeof i, .profile = "urn:p", .id = id, .methods = methods, .mime = "text/x"};
    struct mynah_elem *about = mynah_elem_new("what", "urn:p");

    CHECK(mynah_initiate(talk.c, "a@y.test/1", &i, &about, agreed, NULL));
    CHECK(!about);
}

TEST(what_others_agree_to_is_one_of_what_was_offered)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='set' id='",
        TAKEN(S5B),
        "<<si xmlns='" SI "' id='one' mime-type='text/x' profile='urn:p'><what xmlns='urn:p'/>",
        "<<option><value>" S5B "</value></option><option><value>" IBB "</value></option>",
        "<type='set' id='",
        TAKEN(S5B),
        "<type='set' id='",
        TAKEN("urn:other"),
        "<type='set' id='",
        "><iq type='error' id='%1' from='a@y.test/1'><error type='cancel'><bad-request "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><bad-profile xmlns='" SI "'/></error></iq>",
        END};
    struct mynah_elem *about = mynah_elem_new("what", "urn:p");

    talk_start(lines, NULL);
    talk_until(talk_online);
    CHECK(!mynah_initiate(talk.c, "a@y.test/1",
                          &(struct mynah_initiation){.size = sizeof(struct mynah_initiation)},
                          &about, agreed, NULL));
    CHECK(!about);
    initiate("one", 0);
    initiate("two", MYNAH_IBB);
    initiate("three", 0);
    initiate("four", 0);
    talk_until(talk_done);
    talk_end("online -:0,-1 one:1,0+ two:0,-15 three:0,-15 four:0,-10bad-profile");
}

/* XEP-0078 against servers that know nothing newer, or say so. */
#include "unit/client/talk.h"

#define OLD(id)                                                                                    \
    "<<stream:stream", "><?xml version='1.0'?><stream:stream xmlns='jabber:client' "               \
                       "xmlns:stream='http://etherx.jabber.org/streams'" id " from='x.test'>"
#define ASKED "<<iq type='get' id='auth1' to='x.test'><query xmlns='jabber:iq:auth'><username>u<"
#define FIELDS(more)                                                                               \
    "><iq type='result' id='auth1'><query xmlns='jabber:iq:auth'><username/><resource/>" more      \
    "</query></iq>"
#define DIGEST "<<digest>6c9428dd4de47de946c0a101a5c57106505ce961</digest></query></iq>"
#define IN "><iq type='result' id='auth2'/>"
#define REFUSED(id, cond)                                                                          \
    "><iq type='error' id='" id "'><error type='auth'><" cond                                      \
    " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
#define FEATURES(mechanism)                                                                        \
    "<<stream:stream",                                                                             \
        ">" HEADER "<stream:features><auth xmlns='http://jabber.org/features/iq-auth'/>"           \
        "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>" mechanism               \
        "</mechanism></mechanisms></stream:features>"

TEST(each_way_to_log_in_without_sasl_ends_as_it_should)
{
    static const struct {
        const char *mechanisms, *lines[12], *notes;
    } rows[] = {
        {"XEP-0078",
         {OLD(" id='ab'"), ASKED, FIELDS("<password/><digest/>"), DIGEST, IN, END},
         "online"},
        {"XEP-0078", {OLD(" id='ab'"), ASKED, IN}, "offline (-9)"},
        {"XEP-0078",
         {OLD(" id='ab'"), ASKED, FIELDS("<digest/>"), DIGEST, FIELDS("")},
         "offline (-9)"},
        {"XEP-0078", {OLD(" id='ab'"), ASKED, FIELDS("<password/>")}, "offline (-8)"},
        {"XEP-0078", {OLD(""), ASKED, FIELDS("<password/><digest/>")}, "offline (-8)"},
        {"XEP-0078", {OLD(" id='ab'"), ASKED, "><iq type='result' id='auth1'/>"}, "offline (-8)"},
        {"XEP-0078",
         {OLD(" id='ab'"), ASKED, REFUSED("auth1", "service-unavailable")},
         "offline (-7 service-unavailable)"},
        {"XEP-0078",
         {OLD(" id='ab'"), ASKED, FIELDS("<digest/>"), DIGEST, REFUSED("auth2", "not-authorized")},
         "offline (-7 not-authorized)"},
        {"XEP-0078",
         {OLD(" id='ab'"), ASKED, FIELDS("<digest/>"), DIGEST, REFUSED("auth2", "conflict")},
         "offline (-7 conflict)"},
        {NULL, {OLD(" id='ab'")}, "offline (-8)"},
        {"PLAIN", {OLD(" id='ab'")}, "offline (-8)"},
        {"XEP-0078",
         {FEATURES("SCRAM-SHA-1"), ASKED, REFUSED("auth1", "service-unavailable")},
         "offline (-7 service-unavailable)"},
        {"CRAM-MD5 XEP-0078",
         {FEATURES("CRAM-MD5"), "<mechanism='CRAM-MD5'></auth>",
          "><failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism-too-weak/></failure>"},
         "offline (-8)"},
        {"CRAM-MD5",
         {FEATURES("CRAM-MD5"), "<mechanism='CRAM-MD5'></auth>",
          "><challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>PGE+</challenge>",
          "<<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>",
          "><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "<<stream:stream",
          ">" HEADER "</stream:stream>"},
         "offline (-13)"},
        {"DIGEST-MD5",
         {FEATURES("DIGEST-MD5"), "<mechanism='DIGEST-MD5'></auth>",
          "><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"},
         "offline (-7)"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mynah_client_config config = {.jid = "u@x.test",
                                             .password = "pencil",
                                             .mechanisms = rows[i].mechanisms,
                                             .no_reconnect = true,
                                             .no_roster = true};
        bool good = !strcmp(rows[i].notes, "online");

        talk_start(rows[i].lines, &config);
        talk_until(good ? talk_done : talk_over);
        if (!mn_str_is(mn_buf_view(&talk.notes), rows[i].notes))
            test_fail(__FILE__, __LINE__, "row %zu: %.*s", i, MN_ARG(mn_buf_view(&talk.notes)));
        if (good)
            CHECK(mn_str_starts(mn_str_from(mynah_client_jid(talk.c)), MN_STR("u@x.test/")));
        CHECK(!memmem(talk.server.all.p, talk.server.all.n, "pencil", 6));
        talk_end(NULL);
    }
}

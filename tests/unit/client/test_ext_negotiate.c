#include "mynah/negotiate.h"

#include "unit/client/talk.h"

#define NS "http://jabber.org/protocol/feature-neg"
#define TYPE "<field type='hidden' var='FORM_TYPE'><value>meet</value></field>"
#define FORM(type, fields)                                                                         \
    "<feature xmlns='" NS "'><x xmlns='jabber:x:data' type='" type "'>" fields "</x></feature>"
#define ASK(id, kind, type, fields)                                                                \
    "><iq type='" kind "' id='" id "' from='a@y.test/1'>" FORM(type, fields) "</iq>"
#define OFFER                                                                                      \
    TYPE "<field type='list-single' var='where'><option><value>park</value></option><option>"      \
         "<value>home</value></option></field>"
#define ANSWER(fields)                                                                             \
    "<type='get' id='",                                                                            \
        "><iq type='result' from='a@y.test/1' id='%1'>" FORM("submit", fields) "</iq>"

static enum mynah_agreed meet(void *arg, struct mynah_client *c, const char *from,
                              const struct mynah_form *offer, struct mynah_form *answer,
                              const char **what)
{
    const struct mynah_field *where = mynah_form_find(offer, "where");

    (void)c;
    note("%s", from);
    mynah_form_set(answer, "where", arg);
    *what = "where";
    return !where ? MYNAH_NOT_KNOWN : where->option_count ? MYNAH_AGREED : MYNAH_NOT_FOR_THEM;
}

TEST(offers_are_answered_by_one_of_their_options)
{
    static const char *const lines[] = {
        LOGIN(""),
        ASK("1", "get", "form", OFFER),
        "<type='result' id='1'",
        "<<value>meet</value>",
        "<<value>park</value>",
        ASK("2", "set", "form",
            TYPE "<field var='where'><option><value>x</value></option></field>"),
        "<type='error' id='2'",
        "<<not-acceptable",
        "<>where</text>",
        ASK("3", "get", "form", TYPE),
        "<type='error' id='3'",
        "<<feature-not-implemented",
        ASK("4", "get", "form", TYPE "<field var='where'/>"),
        "<type='error' id='4'",
        "<<service-unavailable",
        ASK("5", "get", "form", ""),
        "<type='error' id='5'",
        "<<service-unavailable",
        ASK("6", "get", "submit", TYPE),
        "<type='error' id='6'",
        "<<feature-not-implemented",
        "><iq type='get' id='7' from='a@y.test/1'><feature xmlns='" NS "'/></iq>",
        "<type='error' id='7'",
        "<<bad-request",
        ASK("8", "get", "form", OFFER "<field var='when'/>"),
        "<type='error' id='8'",
        "<>when</text>",
        END};

    talk_start(lines, NULL);
    mynah_negotiate_serve(talk.c, "meet", meet, "home");
    mynah_negotiate_serve(talk.c, "meet", meet, "park");
    mynah_negotiate_serve(talk.c, "other", meet, NULL);
    mynah_negotiate_serve(talk.c, "other", NULL, NULL);
    talk_until(talk_done);
    talk_end("online a@y.test/1 a@y.test/1 a@y.test/1 a@y.test/1 a@y.test/1");
}

static void agreed(void *arg, struct mynah_client *c, const struct mynah_form *answer,
                   const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    CHECK(!answer != !error);
    note("%s", error ? mynah_code_text(error->code) : mynah_form_value(answer, "where"));
}

TEST(only_an_answer_that_fits_what_was_offered_is_one)
{
    static const char *const lines[] = {
        LOGIN(""),
        ANSWER(TYPE "<field var='where'><value>home</value></field>"),
        ANSWER(TYPE "<field var='where'><value>moon</value></field>"),
        ANSWER("<field var='where'><value>home</value></field>"),
        ANSWER(TYPE),
        ANSWER(TYPE "<field var='where'><value>home</value><value>park</value></field>"),
        ANSWER(TYPE "<field var='where'><value>home</value></field><field var='more'/>"),
        "<type='get' id='",
        "><iq type='result' from='a@y.test/1' id='%1'/>",
        "<type='get' id='",
        "><iq type='error' from='a@y.test/1' id='%1'/>",
        END};
    struct mynah_form *offer = mynah_form_new("form", "meet");

    mynah_form_add(offer, "list-single", "where", NULL, false);
    mynah_form_option(offer, "where", NULL, "park");
    mynah_form_option(offer, "where", NULL, "home");
    talk_start(lines, NULL);
    talk_until(talk_online);
    for (int i = 0; i < 8; i++)
        mynah_negotiate(talk.c, "a@y.test/1", offer, agreed, NULL);
    mynah_form_free(offer);
    talk_until(talk_done);
    {
        struct mn_buf all = {0};
        const char *odd = mynah_code_text(MYNAH_E_FORMAT);

        mn_buf_fmt(&all, "online home %s %s %s %s %s %s %s", odd, odd, odd, odd, odd, odd,
                   mynah_code_text(MYNAH_E_STANZA));
        mn_buf_c(&all, 0);
        talk_end(all.p);
        mn_buf_free(&all);
    }
}

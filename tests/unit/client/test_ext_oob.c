#include "mynah/oob.h"

#include "unit/client/talk.h"

#define OFFER(id, inside)                                                                          \
    "><iq type='set' id='" id "' from='a@y.test/1'><query xmlns='jabber:iq:oob'>" inside           \
    "</query></iq>"

static struct mynah_ask *held;

static void offered(void *arg, struct mynah_client *c, struct mynah_ask *q, const char *url,
                    const char *desc)
{
    (void)arg;
    (void)c;
    note("%s:%s", url, desc ? desc : "-");
    if (!strcmp(url, "urn:held"))
        held = q;
    else if (!strcmp(url, "urn:gone"))
        mynah_ask_error(&q, "item-not-found", NULL);
    else
        mynah_ask_result(&q, NULL);
}

TEST(what_others_offer_is_answered_when_it_was_fetched)
{
    static const char *const lines[] = {LOGIN(""),
                                        OFFER("1", "<url>urn:held</url>"),
                                        OFFER("2", "<url>urn:a</url><desc>A</desc>"),
                                        "< id='2'",
                                        "<<iq type='result' id='1'",
                                        OFFER("3", "<url>urn:gone</url>"),
                                        "< id='3'",
                                        "<<item-not-found",
                                        OFFER("4", "<url/>"),
                                        "< id='4'",
                                        "<<bad-request",
                                        OFFER("5", ""),
                                        "< id='5'",
                                        "<<bad-request",
                                        END};

    talk_start(lines, NULL);
    mynah_oob_serve(talk.c, offered, NULL);
    TALK_UNTIL(noted("urn:a"));
    mynah_ask_result(&held, NULL);
    talk_until(talk_done);
    talk_end("online urn:held:- urn:a:A urn:gone:-");
}

TEST(nobody_serves_them)
{
    static const char *const lines[] = {LOGIN(""), OFFER("1", "<url>urn:a</url>"), "< id='1'",
                                        "<<service-unavailable", END};

    talk_run(lines, "online");
}

TEST(ours_ends_with_what_the_other_side_says)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='set' id='",
        "><iq type='result' id='%1' from='a@y.test/1'/>",
        "<<query xmlns='jabber:iq:oob'><url>urn:a</url><desc>A &amp; B</desc></query>",
        "<type='set' id='",
        "><iq type='error' id='%1' from='a@y.test/1'/>",
        "<<query xmlns='jabber:iq:oob'><url>urn:b</url></query>",
        END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_oob_offer(talk.c, "a@y.test/1", "urn:a", "A & B", note_iq, "a");
    mynah_oob_offer(talk.c, "a@y.test/1", "urn:b", NULL, note_iq, "b");
    talk_until(talk_done);
    talk_end("online a=result b=-10");
}

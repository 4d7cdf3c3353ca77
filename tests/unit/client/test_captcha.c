#include "mynah/captcha.h"

#include "base/clock.h"
#include "mynah/bits.h"
#include "unit/client/talk.h"

static void asked(void *arg, struct mynah_client *c, const struct mynah_captcha *q)
{
    struct mynah_form *answer = mynah_form_answer(q->form);

    note("%s/%s/%s/%s", q->from, q->id, q->about, q->url ? q->url : "-");
    if (*(bool *)arg) {
        mynah_form_set(answer, "ocr", "7nHL3");
        mynah_captcha_answer(c, q->from, answer, note_iq, (void *)"answer");
    } else {
        CHECK_INT(mynah_captcha_refuse(c, q->from, q->id), 0);
    }
    mynah_form_free(answer);
}

static const struct mynah_captcha_calls calls = {sizeof calls, asked};
static const struct mynah_client_config plain = {.no_roster = true, .no_reconnect = true};

#define HIDDEN(var, value) "<field type='hidden' var='" var "'><value>" value "</value></field>"
#define CHALLENGE(from, about, sid)                                                                \
    "<message from='" from "' id='F3A'><body>visit</body><x xmlns='jabber:x:oob'>"                 \
    "<url>http://v/F3A</url></x><captcha xmlns='urn:xmpp:captcha'><x xmlns='jabber:x:data' "       \
    "type='form'>" HIDDEN("FORM_TYPE", "urn:xmpp:captcha") HIDDEN("from", about)                   \
        HIDDEN("challenge", "F3A") sid "<field var='ocr' label='Enter the text you see'/></x>"     \
                                       "</captcha></message>"
#define SID(id) HIDDEN("sid", id)

static void say(const char *to, const char *id)
{
    struct mynah_elem *m = mynah_message_new(to, MYNAH_HEADLINE, "spam");

    mynah_elem_set(m, "id", id);
    CHECK_INT(mynah_message_send(talk.c, &m, NULL, NULL, NULL), 0);
}

/* Says what is going to be challenged. */
static void challenged(const char *const *lines, bool answers)
{
    static bool listening; /* as long as the client does */

    listening = answers;
    talk_start(lines, &plain);
    mynah_captcha_listen(talk.c, &calls, &listening);
    talk_until(talk_online);
    say("innocent@v.test", "spam1");
    talk_until(talk_done);
}

/* XEP-0158, examples 2 to 5. */
TEST(a_challenge_is_answered)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<id='spam1'",
        ">" CHALLENGE("v.test", "innocent@v.test", SID("spam1")),
        "<<iq type='set' id='",
        "<to='v.test'><captcha xmlns='urn:xmpp:captcha'><x xmlns='jabber:x:data' type='submit'>",
        "<var='FORM_TYPE'",
        "<<value>innocent@v.test</value>",
        "<<value>F3A</value>",
        "<<value>spam1</value>",
        "<var='ocr'",
        "<<value>7nHL3</value></field></x></captcha></iq>",
        END};

    challenged(lines, true);
    CHECK(noted("v.test/F3A/innocent@v.test/http://v/F3A") && !noted("visit"));
    talk_end(NULL);
}

TEST(a_challenge_is_refused)
{
    static const char *const lines[] = {
        LOGIN(""), "<id='spam1'",
        ">" CHALLENGE("innocent@v.test/r", "innocent@v.test", SID("spam1")),
        "<<message to='innocent@v.test/r' type='error' id='F3A'><error "
        "type='modify'><not-acceptable "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        END};

    challenged(lines, false);
    talk_end(NULL);
}

/* A room, whose form names us inside it, about the id under which we joined. */
TEST(a_room_may_ask)
{
    static const char *const lines[] = {LOGIN(""), "<to='r@c.test/me' id='",
                                        ">" CHALLENGE("r@c.test", "r@c.test/me", SID("%1")),
                                        "<to='r@c.test'><captcha", END};
    static const struct mynah_room_calls none = {.size = sizeof none};
    struct mynah_room *room;
    bool answers = true;

    talk_start(lines, &plain);
    mynah_captcha_listen(talk.c, &calls, &answers);
    talk_until(talk_online);
    CHECK_INT(mynah_room_new(talk.c, "r@c.test", "me", &none, NULL, &room), 0);
    CHECK_INT(mynah_room_join(room, NULL, NULL), 0);
    talk_until(talk_done);
    CHECK(noted("r@c.test/F3A/r@c.test/me/"));
    talk_end(NULL);
}

/* Riddles of others, and about what was not said, or long ago. */
TEST(strangers_may_not_ask)
{
    static const char *const lines[] = {
        LOGIN(""), "<id='spam1'",
        ">" CHALLENGE("evil@z.test/r", "innocent@v.test", SID("spam1"))
            CHALLENGE("v.test", "innocent@v.test", SID("spam2"))
                CHALLENGE("v.test", "innocent@v.test", "")
                    CHALLENGE("v.test", "other@v.test", SID("spam1"))
                        CHALLENGE("v.test/r", "innocent@v.test", SID("spam1"))
                            CHALLENGE("evil@v.test", "innocent@v.test", SID("spam1")),
        END};

    challenged(lines, true);
    CHECK(!noted("F3A") && !noted("visit"));
    talk_end(NULL);
}

/* Nobody listens: it is a message like others. */
TEST(who_does_not_know_of_challenges_reads_them)
{
    static const char *const lines[] = {
        LOGIN(""), "<id='spam1'", ">" CHALLENGE("v.test", "innocent@v.test", SID("spam1")), END};

    talk_start(lines, &plain);
    talk_until(talk_online);
    say("innocent@v.test", "spam1");
    talk_until(talk_done);
    CHECK(noted("v.test>visit"));
    talk_end(NULL);
}

/* Bits. */

static void bits_came(void *arg, struct mynah_client *c, const struct mynah_bits *b,
                      const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    if (b)
        note("%.*s %s %d", (int)b->count, (const char *)b->bytes, b->type ? b->type : "-",
             b->max_age);
    else
        note("error:%d", error->code);
}

#define SUM "sha1+0e66b49d04a43c19bcb2e13a53aff5d174f610fc@bob.xmpp.org" /* of "picture" */
#define DATA(cid, text)                                                                            \
    "<data xmlns='urn:xmpp:bob' cid='" cid "' type='image/png' max-age='0'>" text "</data>"
#define GOT(inside) "><iq type='result' id='%1' from='v.test'>" inside "</iq>"

TEST(bits_are_fetched_and_looked_at)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<<iq type='get' id='",
        GOT(DATA(SUM, "cGljdHVyZQ==")),
        "<<iq type='get' id='",
        GOT(DATA(SUM, "cGljdHVyZX==")),
        "<<iq type='get' id='",
        GOT(DATA("sha1+00@bob.xmpp.org", "cGljdHVyZQ==")),
        "<<iq type='get' id='",
        GOT(""),
        "<<iq type='get' id='",
        GOT(DATA("any", "cGlj\n dHVyZQ==")),
        "<<iq type='get' id='",
        "><iq type='error' id='%1' from='v.test'><error type='cancel'/></iq>",
        END};
    static const char *const cids[] = {("cid:" SUM), SUM,       "sha1+00@bob.xmpp.org",
                                       SUM,          "cid:any", SUM};

    talk_start(lines, &plain);
    talk_until(talk_online);
    mn_buf_clear(&talk.notes);
    for (size_t i = 0; i < MN_COUNT(cids); i++) {
        mynah_bits_get(talk.c, "v.test", cids[i], bits_came, NULL);
        for (int k = 0; k < 500 && talk.server.at < 2 * (i + 1) + 6; k++)
            mn_loop_turn(talk.ctx->loop, 20);
    }
    talk_until(talk_done);
    talk_end("picture image/png 0 error:-15 error:-15 error:-15 picture image/png 0 error:-10");
}

TEST(bits_that_came_along_are_read)
{
    struct mynah_elem *m;
    struct mynah_bits b;

    CHECK_INT(mynah_elem_parse("<message xmlns='jabber:client'>" DATA("other", "eA==")
                                   DATA(SUM, "cGljdHVyZQ==") "</message>",
                               &m),
              0);
    CHECK(mynah_bits_read(m, "cid:" SUM, &b) && b.count == 7 && !memcmp(b.bytes, "picture", 7));
    mynah_free((void *)b.bytes);
    CHECK(!mynah_bits_read(m, "cid:nobody", &b) && !b.bytes);
    mynah_elem_free(m);
}

#include "mynah/iodata.h"

#include "unit/client/talk.h"

#define COMMANDS "http://jabber.org/protocol/commands"
#define SET(id, attrs, inside)                                                                     \
    "><iq type='set' id='" id "' from='a@y.test/1'><command xmlns='" COMMANDS "' " attrs           \
    ">" inside "</command></iq>"
#define IO(type, inside) "<iodata xmlns='urn:xmpp:tmp:io-data' type='" type "'>" inside "</iodata>"

/* Doubles its input at once; what it is asked besides is how far it is. */
static void twice(void *arg, struct mynah_client *c, const struct mynah_call *call,
                  struct mynah_answer *answer)
{
    struct mynah_iodata io, out = {.size = sizeof out,
                                   .type = MYNAH_IO_OUTPUT,
                                   .percentage = 50,
                                   .elapsed_ms = 7,
                                   .remaining_ms = -1};
    struct mynah_elem *e = NULL;
    const char *n;

    (void)arg;
    (void)c;
    if (call->action == MYNAH_CANCEL)
        return;
    if (!mynah_iodata_read(call->xml, &io)) {
        answer->error = "bad-request";
        return;
    }
    n = mynah_elem_child_text(io.in, "n", "urn:n");
    note("%d:%s", io.type, n ? n : "-");
    if (io.type == MYNAH_IO_INPUT) {
        out.type = MYNAH_IO_STATUS;
        answer->more = true;
        answer->actions = 1u << MYNAH_NEXT | 1u << MYNAH_COMPLETE;
    } else if (io.type == MYNAH_IO_GET_OUTPUT) {
        e = mynah_elem_new("n", "urn:n");
        mynah_elem_put(e, "42");
        out.out = e;
    }
    answer->payload = mynah_iodata_new(&out);
    mynah_elem_free(e);
}

TEST(a_command_takes_and_gives_any_xml)
{
    static const char *const lines[] = {
        LOGIN(""),
        "><iq type='get' id='d' from='a@y.test/1'><query "
        "xmlns='http://jabber.org/protocol/disco#info' node='twice'/></iq>",
        "<<feature var='urn:xmpp:tmp:io-data'/>",
        SET("1", "node='twice'", IO("input", "<in><n xmlns='urn:n'>21</n></in>")),
        "<id='1'",
        "< sessionid='",
        "><iq type='set' id='2' from='a@y.test/1'><command xmlns='" COMMANDS
        "' node='twice' sessionid='%1' action='complete'>" IO("getOutput", "") "</command></iq>",
        "<<iodata xmlns='urn:xmpp:tmp:io-data' type='status'><status><elapsed>7</elapsed>"
        "<percentage>50</percentage></status></iodata>",
        "<id='2'",
        "<<iodata xmlns='urn:xmpp:tmp:io-data' type='output'><out><n xmlns='urn:n'>42</n></out>"
        "</iodata>",
        SET("3", "node='twice'", IO("guess", "")),
        "<id='3'",
        "<<bad-request",
        SET("4", "node='twice'", IO("status", "<status><percentage>101</percentage></status>")),
        "<id='4'",
        "<<bad-request",
        SET("5", "node='twice'", IO("input", "")),
        "<id='5'",
        END};

    talk_start(lines, NULL);
    mynah_command_serve(talk.c, "twice", NULL, twice, NULL);
    mynah_command_feature(talk.c, "twice", MYNAH_NS_IODATA);
    mynah_command_feature(talk.c, "none", MYNAH_NS_IODATA);
    talk_until(talk_done);
    talk_end("online 1:21 3:- 1:-"); /* the one that is open is cancelled */
}

static void staged(void *arg, struct mynah_client *c, const struct mynah_stage *s,
                   const struct mynah_error *error)
{
    struct mynah_iodata io;
    struct mynah_elem *in;

    (void)arg;
    if (error || !mynah_iodata_read(s->xml, &io)) {
        note("error");
        return;
    }
    note("%d:%s:%d", io.type, io.desc ? io.desc : "-", io.percentage);
    if (io.type == MYNAH_IO_SCHEMATA) {
        in = mynah_elem_new("n", "urn:n");
        mynah_iodata_ask(c, s->jid, s->node, NULL, MYNAH_IO_INPUT, &in, staged, NULL);
    } else if (io.type == MYNAH_IO_STATUS) {
        mynah_iodata_ask(c, s->jid, s->node, s->session,
                         io.percentage == 100 ? MYNAH_IO_GET_OUTPUT : MYNAH_IO_GET_STATUS, NULL,
                         staged, NULL);
    }
}

#define ANSWER(inside)                                                                             \
    "<type='set' id='", "><iq type='result' id='%1' from='y.test'><command xmlns='" COMMANDS       \
                        "' node='n' sessionid='s' status='executing'>" inside "</command></iq>"

TEST(a_command_of_others_is_followed_to_its_output)
{
    static const char *const lines[] = {
        LOGIN(""),
        ANSWER(IO("io-schemata-result", "<desc>D</desc><in/><out/>")),
        "< action='execute'><iodata xmlns='urn:xmpp:tmp:io-data' type='io-schemata-get'/>",
        ANSWER(IO("status", "<status><percentage> 10 </percentage></status>")),
        "< action='execute'><iodata xmlns='urn:xmpp:tmp:io-data' type='input'><in><n "
        "xmlns='urn:n'/></in>",
        ANSWER(IO("status", "<status><percentage>100</percentage></status>")),
        "< sessionid='s' action='next'><iodata xmlns='urn:xmpp:tmp:io-data' type='getStatus'/>",
        ANSWER(IO("output", "<out/>")),
        "< sessionid='s' action='complete'><iodata xmlns='urn:xmpp:tmp:io-data' "
        "type='getOutput'/>",
        END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_iodata_ask(talk.c, "y.test", "n", NULL, MYNAH_IO_SCHEMATA_GET, NULL, staged, NULL);
    talk_until(talk_done);
    talk_end("online 4:D:-1 7:-:10 7:-:100 5:-:-1");
}

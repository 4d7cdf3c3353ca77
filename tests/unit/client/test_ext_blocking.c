#include "mynah/blocking.h"

#include "unit/client/talk.h"

static void blocked(void *arg, struct mynah_client *c, const char *jid)
{
    (void)arg;
    (void)c;
    note("+%s", jid);
}

static void unblocked(void *arg, struct mynah_client *c, const char *jid)
{
    (void)arg;
    (void)c;
    note("-%s", jid ? jid : "all");
}

static const struct mynah_blocking_calls calls = {sizeof calls, blocked, unblocked};

static void came(void *arg, struct mynah_client *c, const char *const *jids, size_t count,
                 const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    for (size_t i = 0; i < count; i++)
        note("%s", jids[i]);
    note("%zu,%d", count, error ? error->code : 0);
}

#define NS "xmlns='urn:xmpp:blocking'"
#define PUSH(id, from, inside) "><iq type='set' id='" id "'" from ">" inside "</iq>"

TEST(pushes_are_believed_from_the_own_server_alone)
{
    static const char *const lines[] = {
        LOGIN(""),
        PUSH("1", "", "<block " NS "><item jid='a@y'/><item/><item jid='b@y'/></block>"),
        "<type='result' id='1'",
        PUSH("2", " from='u@x.test'", "<unblock " NS "><item jid='a@y'/></unblock>"),
        "<type='result' id='2'",
        PUSH("3", " from='evil@y.test'", "<unblock " NS "/>"),
        "<type='error' id='3' to='evil@y.test'",
        PUSH("4", " from='u@x.test/other'", "<unblock " NS "/>"),
        "<type='error' id='4'",
        PUSH("5", "", "<unblock " NS "><item/></unblock><block " NS "/>"),
        "<type='result' id='5'",
        PUSH("6", "", "<unblock " NS "/>"),
        "<type='result' id='6'",
        END};

    talk_start(lines, NULL);
    mynah_blocking_listen(talk.c, &calls, NULL);
    talk_until(talk_done);
    talk_end("online +a@y +b@y -a@y -all");
}

TEST(a_list_is_read)
{
    static const char *const rows[][2] = {
        {"><iq type='result' id='%1'><blocklist " NS
         "><item jid='a@y'/><item/><other jid='c@y'/><item jid='b@y'/></blocklist></iq>",
         "online a@y b@y 2,0"},
        {"><iq type='result' id='%1'><blocklist " NS "/></iq>", "online 0,0"},
        {"><iq type='result' id='%1'/>", "online 0,-15"},
        {"><iq type='error' id='%1'><error type='cancel'/></iq>", "online 0,-10"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        const char *const lines[] = {LOGIN(""),   "<type='get' id='",
                                     rows[i][0],  "><iq type='get' id='end'><x xmlns='y'/></iq>",
                                     "<id='end'", NULL};

        talk_start(lines, NULL);
        talk_until(talk_online);
        mynah_blocking_get(talk.c, came, NULL);
        talk_until(talk_done);
        talk_end(rows[i][1]);
    }
}

TEST(nobody_is_let_in_by_mistake)
{
    static const char *const lines[] = {LOGIN(""),
                                        "<<block " NS "><item jid='a@y'/></block>",
                                        "<<unblock " NS "><item jid='b@y'/></unblock>",
                                        "<type='set' id='",
                                        "><iq type='result' id='%1'/>",
                                        "<<unblock " NS "/>",
                                        END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_block(talk.c, "a@y", NULL, NULL);
    CHECK(!mynah_unblock(talk.c, NULL, note_iq, "null"));
    CHECK(!mynah_unblock(talk.c, "", note_iq, "empty"));
    mynah_unblock(talk.c, "b@y", NULL, NULL);
    mynah_unblock_all(talk.c, note_iq, "all");
    talk_until(talk_done);
    talk_end("online null=-1 empty=-1 all=result");
}

#include "mynah/privacy.h"

#include "unit/client/talk.h"

static void changed(void *arg, struct mynah_client *c, const char *name)
{
    (void)arg;
    (void)c;
    note("changed %s", name);
}

static const struct mynah_privacy_calls calls = {sizeof calls, changed};

static void lists_came(void *arg, struct mynah_client *c, const struct mynah_privacy_lists *l,
                       const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    CHECK(!l != !error);
    if (error) {
        note("%d", error->code);
        return;
    }
    note("%s/%s", l->active ? l->active : "-", l->standard ? l->standard : "-");
    for (size_t i = 0; i < l->count; i++)
        note("%s", l->names[i]);
}

static void items_came(void *arg, struct mynah_client *c, const struct mynah_privacy_item *items,
                       size_t count, const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    for (size_t i = 0; i < count; i++)
        note("%u:%d=%s%s/%x", (unsigned)items[i].order, items[i].type,
             items[i].value ? items[i].value : "-", items[i].allow ? "!" : "", items[i].stanzas);
    note("%zu,%d", count, error ? error->code : 0);
}

static void get_lists(void)
{
    mynah_privacy_lists(talk.c, lists_came, NULL);
}

static void get_items(void)
{
    mynah_privacy_get(talk.c, "L", items_came, NULL);
}

#define QUERY(inside)                                                                              \
    "><iq type='result' id='%1'><query xmlns='jabber:iq:privacy'>" inside "</query></iq>"
#define LIST(inside) QUERY("<list name='L'>" inside "</list>")
#define NO "><iq type='error' id='%1'><error type='cancel'/></iq>"

TEST(lists_are_read_with_care)
{
    static const struct {
        void (*get)(void);
        const char *answer, *notes;
    } rows[] = {
        {get_lists, QUERY("<active name='a'/><default/><list name='a'/><list/><list name='b'/>"),
         "a/- a b"},
        {get_lists, QUERY(""), "-/-"},
        {get_lists, "><iq type='result' id='%1'/>", "-15"},
        {get_lists, NO, "-10"},
        {get_items,
         LIST("<item type='jid' value='a@y' action='deny' order='4294967295'><message/>"
              "<presence-out/></item><item type='subscription' value='both' action='allow' "
              "order='1'/><item action='deny' order='0'><iq/><presence-in/></item>"),
         "4294967295:1=a@y/9 1:3=both!/0 0:0=-/6 3,0"},
        {get_items, LIST(""), "0,0"},
        {get_items, LIST("<item action='deny' order='1'/><item action='maybe' order='2'/>"),
         "0,-15"},
        {get_items, LIST("<item action='deny' order='4294967296'/>"), "0,-15"},
        {get_items, LIST("<item action='deny'/>"), "0,-15"},
        {get_items, LIST("<item order='1'/>"), "0,-15"},
        {get_items, LIST("<item type='name' value='x' action='deny' order='1'/>"), "0,-15"},
        {get_items, LIST("<item type='jid' action='deny' order='1'/>"), "0,-15"},
        {get_items, QUERY(""), "0,-15"},
        {get_items, NO, "0,-10"},
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
        snprintf(notes, sizeof notes, "online %s", rows[i].notes);
        talk_end(notes);
    }
}

#define SAID(inside) "<<query xmlns='jabber:iq:privacy'>" inside "</query></iq>"

TEST(lists_are_changed)
{
    static const char *const lines[] = {
        LOGIN(""),
        SAID("<list name='L'><item type='jid' value='a@y' action='deny' order='1'><message/>"
             "<presence-in/></item><item action='allow' order='4294967295'/></list>"),
        SAID("<list name='M'/>"),
        SAID("<active name='L'/>"),
        SAID("<active/>"),
        SAID("<default name='L'/>"),
        "<type='set' id='",
        "><iq type='result' id='%1'/>",
        SAID("<default/>"),
        END};
    static const struct mynah_privacy_item items[] = {
        {MYNAH_PRIVACY_JID, "a@y", false, 1, MYNAH_PRIVACY_MESSAGE | MYNAH_PRIVACY_PRESENCE_IN},
        {.allow = true, .order = UINT32_MAX, .value = "not told"}};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_privacy_set(talk.c, "L", items, 2, NULL, NULL);
    CHECK(!mynah_privacy_set(talk.c, "L", items, 0, note_iq, "empty"));
    CHECK(!mynah_privacy_set(talk.c, NULL, items, 1, note_iq, "unnamed"));
    CHECK(!mynah_privacy_remove(talk.c, NULL, note_iq, "nothing"));
    mynah_privacy_remove(talk.c, "M", NULL, NULL);
    mynah_privacy_activate(talk.c, "L", NULL, NULL);
    mynah_privacy_activate(talk.c, NULL, NULL, NULL);
    mynah_privacy_standard(talk.c, "L", NULL, NULL);
    mynah_privacy_standard(talk.c, NULL, note_iq, "last");
    talk_until(talk_done);
    talk_end("online empty=-1 unnamed=-1 nothing=-1 last=result");
}

#define PUSH(id, from, inside)                                                                     \
    "><iq type='set' id='" id "'" from "><query xmlns='jabber:iq:privacy'>" inside "</query></iq>"

TEST(pushes_are_believed_from_the_own_server_alone)
{
    static const char *const lines[] = {LOGIN(""),
                                        PUSH("1", "", "<list name='L'/>"),
                                        "<type='result' id='1'",
                                        PUSH("2", " from='evil@y.test'", "<list name='M'/>"),
                                        "<type='error' id='2' to='evil@y.test'",
                                        PUSH("3", " from='u@x.test'", "<active name='N'/>"),
                                        "<type='error' id='3'",
                                        "<bad-request",
                                        END};

    talk_start(lines, NULL);
    mynah_privacy_listen(talk.c, &calls, NULL);
    talk_until(talk_done);
    talk_end("online changed L");
}

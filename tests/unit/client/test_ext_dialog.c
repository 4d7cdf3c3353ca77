#include "mynah/dialog.h"

#include "unit/client/talk.h"

#define STATES "xmlns='http://jabber.org/protocol/chatstates'"
#define ROSTER(subscription)                                                                       \
    "<type='get' id='", "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'>"              \
                        "<item jid='a@y.test' subscription='" subscription "'/></query></iq>"

static struct mynah_dialog *d;

static void message(void *arg, struct mynah_dialog *dialog, const struct mynah_message *m)
{
    (void)arg;
    CHECK(dialog == d);
    note("told:%s", m->error ? m->error->condition : m->body);
}

static void state(void *arg, struct mynah_dialog *dialog, enum mynah_chat_state s)
{
    static const char *const names[] = {"", "active", "composing", "paused", "inactive", "gone"};

    (void)arg;
    (void)dialog;
    note("%s", names[s]);
}

static void event(void *arg, struct mynah_dialog *dialog, const char *id, enum mynah_event e)
{
    (void)arg;
    (void)dialog;
    note("event:%s:%d", id, e);
}

static void locked(void *arg, struct mynah_dialog *dialog, const char *jid)
{
    (void)arg;
    CHECK_STR(mn_str_from(mynah_dialog_to(dialog)), jid ? jid : mynah_dialog_jid(dialog));
    note("lock:%s", jid ? jid : "-");
}

static const struct mynah_dialog_calls calls = {
    .size = sizeof calls, .message = message, .state = state, .event = event, .locked = locked};
static const struct mynah_client_config with_roster = {.no_reconnect = true};

static bool dropped;

static void drop(void)
{
    if (!dropped)
        mynah_dialog_free(d);
    dropped = true;
}

static void begin(const char *const *lines, const struct mynah_dialog_config *more)
{
    struct mynah_dialog_config config = more ? *more : (struct mynah_dialog_config){0};

    config.size = sizeof config;
    config.jid = "a@y.test/x";
    config.thread = config.thread ? config.thread : "t";
    talk_drop = drop;
    dropped = false;
    talk_start(lines, &with_roster);
    CHECK_INT(mynah_dialog_new(talk.c, &config, &calls, NULL, &d), 0);
}

static void until(const char *text)
{
    TALK_UNTIL(noted(text));
    CHECK(noted(text));
}

/* The general listener of talk.c would note each message twice: only ours are compared. */
static void end(const char *notes)
{
    struct mn_buf mine = {0};
    mn_str rest = mn_buf_view(&talk.notes);

    while (rest.n) {
        mn_str word = mn_str_cut(rest, ' ', &rest);
        bool life = mn_str_is(word, "queued") || mn_str_is(word, "written") ||
                    mn_str_find(word, '>') < word.n || mn_str_is(word, "online");

        if (!life)
            mn_buf_fmt(&mine, "%s%.*s", mine.n ? " " : "", MN_ARG(word));
    }
    CHECK_STR(mn_buf_view(&mine), notes);
    mn_buf_free(&mine);
    talk_end(NULL);
}

TEST(a_dialog_holds_on_to_who_answers_until_he_changes)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER("both"),
        "<to='a@y.test' type='chat'",
        "<<thread>t</thread><active",
        "><message from='a@y.test/1' type='chat'><body>1</body><thread>t2</thread><active " STATES
        "/></message>"
        "<message from='a@y.test/2' type='chat'><composing " STATES "/></message>"
        "<message from='a@y.test/2' type='chat'><body>2</body></message>"
        "<message from='a@y.test/2' type='groupchat'><body>no</body></message>"
        "<message from='b@y.test/2' type='chat'><body>no</body></message>"
        "<message from='a@y.test/3' type='chat'><delay xmlns='urn:xmpp:delay' "
        "stamp='2020-01-01T00:00:00Z'/><body>old</body><composing " STATES "/></message>"
        "<presence from='a@y.test/1'/>"
        "<message from='a@y.test/1' type='chat'><body>3</body></message>"
        "<presence from='a@y.test/1' type='unavailable'/>"
        "<message from='a@y.test/1' type='chat'><body>4</body></message>"
        "<message from='a@y.test/1' type='error'><error type='cancel'><gone "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        END};

    begin(lines, NULL);
    talk_until(talk_online);
    CHECK_INT(mynah_dialog_chat(d, "hi"), 0);
    talk_until(talk_done);
    CHECK_STR(mn_str_from(mynah_dialog_thread(d)), "t2");
    end("lock:a@y.test/1 active told:1 lock:- composing lock:a@y.test/2 active told:2 told:old "
        "lock:- lock:a@y.test/1 told:3 gone lock:- lock:a@y.test/1 active told:4 lock:- told:gone");
}

TEST(a_program_may_let_go_of_who_answered)
{
    static const char *const lines[] = {LOGIN(""), ROSTER("both"),
                                        "><message from='a@y.test/1' type='chat'><body>1</body>"
                                        "</message>",
                                        "<to='a@y.test' type='chat'", END};

    begin(lines, NULL);
    until("told:1");
    mynah_dialog_unlock(d);
    mynah_dialog_unlock(d);
    CHECK_INT(mynah_dialog_chat(d, "to all"), 0);
    talk_until(talk_done);
    end("lock:a@y.test/1 active told:1 lock:-");
}

TEST(states_go_only_to_who_shows_that_he_knows_them)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER("none"),
        "<<body>asks</body>",
        "<<active",
        "><message from='a@y.test/1' type='chat'><body>plain</body></message>",
        "<<body>silent</body><thread>t</thread><origin",
        "><message from='a@y.test/1' type='chat'><body>knows</body><active " STATES "/></message>",
        "<<message to='a@y.test/1' type='chat'><composing " STATES "/><thread>t</thread></message>"
        "<message to='a@y.test/1' type='chat'><paused " STATES "/><thread>t</thread></message>",
        "<<body>last</body>",
        "<<active",
        "<<message to='a@y.test/1' type='chat'><inactive " STATES "/><thread>t</thread></message>"
        "<message to='a@y.test/1' type='chat'><gone " STATES "/><thread>t</thread></message>",
        END};

    begin(lines, NULL);
    talk_until(talk_online);
    mynah_dialog_typing(d);
    mynah_dialog_chat(d, "asks");
    mynah_dialog_typing(d);
    until("told:plain");
    mynah_dialog_typing(d);
    mynah_dialog_chat(d, "silent");
    until("told:knows");
    mynah_dialog_typing(d);
    mynah_dialog_typing(d);
    mynah_dialog_state(d, MYNAH_PAUSED);
    mynah_dialog_state(d, MYNAH_PAUSED);
    mynah_dialog_chat(d, "last");
    mynah_dialog_state(d, MYNAH_ACTIVE);
    mynah_dialog_state(d, MYNAH_INACTIVE);
    drop();
    CHECK(!mynah_dialog_find(talk.c, "a@y.test"));
    talk_until(talk_done);
    end("lock:a@y.test/1 active told:plain told:knows");
}

TEST(features_speak_for_who_answers_without_a_state)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER("both"),
        "><presence from='a@y.test/1'/>"
        "<message from='a@y.test/1' type='chat'><body>plain</body></message>",
        "<to='a@y.test/1'",
        "<<query xmlns='http://jabber.org/protocol/disco#info'/>",
        "><message from='a@y.test/1' type='chat'><body>again</body></message>",
        NULL};

    begin(lines, NULL);
    until("told:again");
    drop(); /* the question goes with it */
    talk_until(talk_done);
    end("lock:a@y.test/1 active told:plain told:again");
}

TEST(time_alone_goes_from_composing_to_gone_and_to_another_thread)
{
    static const char *const lines[] = {LOGIN(""),
                                        ROSTER("both"),
                                        "><message from='a@y.test/1' type='chat'><active " STATES
                                        "/></message>",
                                        "<<composing",
                                        "<<paused",
                                        "<<inactive",
                                        "<<gone",
                                        "<<body>new</body>",
                                        END};

    begin(lines, &(struct mynah_dialog_config){.paused_ms = 5, .inactive_ms = 5, .gone_ms = 5});
    until("lock:a@y.test/1");
    mynah_dialog_typing(d);
    TALK_UNTIL(strcmp(mynah_dialog_thread(d), "t"));
    CHECK(strcmp(mynah_dialog_thread(d), "t"));
    mynah_dialog_chat(d, "new");
    talk_until(talk_done);
    end("lock:a@y.test/1 active");
}

TEST(who_may_see_us_is_told_what_arrived_and_nobody_else)
{
    static const char *const lines[] = {
        LOGIN(""),
        ROSTER("from"),
        "><message from='a@y.test/1' id='m' type='chat'><body>1</body><thread>t</thread><request "
        "xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
        "<x xmlns='jabber:x:event'><delivered/><displayed/><composing/></x></message>",
        "<<received xmlns='urn:xmpp:receipts' id='m'/>",
        "<<message to='a@y.test/1' type='chat'><x "
        "xmlns='jabber:x:event'><delivered/><id>m</id></x>",
        "<<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>",
        "<<x xmlns='jabber:x:event'><displayed/><id>m</id></x>",
        "<<x xmlns='jabber:x:event'><composing/><id>m</id></x>",
        "<<x xmlns='jabber:x:event'><id>m</id></x>",
        "<<body>asks</body>",
        "<<x xmlns='jabber:x:event'><offline/></x>",
        "><message from='a@y.test'><x xmlns='jabber:x:event'><offline/><id>q</id></x></message>"
        "<message from='a@y.test/1'><x xmlns='jabber:x:event'><composing/><id>q</id></x></message>"
        "<message from='a@y.test/1'><x xmlns='jabber:x:event'><id>q</id></x></message>"
        "<iq type='set' id='2'><query xmlns='jabber:iq:roster'><item jid='a@y.test' "
        "subscription='to'/></query></iq>",
        "<id='2'",
        "><message from='a@y.test/1' id='n' type='chat'><body>2</body><request "
        "xmlns='urn:xmpp:receipts'/><x xmlns='jabber:x:event'><delivered/></x></message>",
        END};

    begin(lines, &(struct mynah_dialog_config){.ask_events = MYNAH_EVENT_OFFLINE});
    until("told:1");
    mynah_dialog_seen(d);
    mynah_dialog_seen(d);
    mynah_dialog_typing(d);
    mynah_dialog_state(d, MYNAH_PAUSED);
    mynah_dialog_chat(d, "asks");
    talk_until(talk_done);
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "id='n'", 6));
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "<id>n", 5));
    end("lock:a@y.test/1 active told:1 lock:- event:q:1 composing paused lock:a@y.test/1 active "
        "told:2");
}

static void came(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    struct mynah_dialog_config config = {.size = sizeof config, .jid = m->from};
    struct mynah_dialog *second;

    (void)arg;
    note("came:%s", m->from);
    if (strstr(m->from, "bad"))
        return;
    CHECK_INT(mynah_dialog_new(c, &config, &calls, NULL, &d), 0);
    CHECK_INT(mynah_dialog_new(c, &config, &calls, NULL, &second), MYNAH_E_STATE);
    config.jid = "@@";
    CHECK_INT(mynah_dialog_new(c, &config, &calls, NULL, &second), MYNAH_E_ARGUMENT);
}

static void freed(void *arg, struct mynah_dialog *dialog, const char *jid)
{
    (void)arg;
    (void)jid;
    note("freed");
    mynah_dialog_free(dialog);
}

TEST(the_program_chooses_who_has_a_dialog_and_may_drop_it_inside)
{
    static const struct mynah_dialog_calls drops = {
        .size = sizeof drops, .message = message, .locked = freed};
    struct mynah_dialog_config config = {.size = sizeof config, .jid = "c@y.test"};
    struct mynah_dialog *c;
    static const char *const lines[] = {
        LOGIN(""), "<type='get' id='",
        "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'><item jid='c@y.test' "
        "subscription='both'/></query></iq>",
        "><presence from='c@y.test/1'/>"
        "<message from='bad@y.test/1' type='chat'><body>0</body></message>"
        "<message from='a@y.test/1' type='chat'><composing " STATES "/></message>"
        "<message from='a@y.test/1' type='chat'><body>1</body></message>"
        "<message from='c@y.test/1' type='chat'><body>2</body></message>",
        END};

    d = NULL;
    talk_start(lines, &with_roster);
    mynah_dialog_serve(talk.c, came, NULL);
    CHECK_INT(mynah_dialog_new(talk.c, &config, &drops, NULL, &c), 0);
    talk_until(talk_done);
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "disco#info'/>", 13));
    end("came:bad@y.test/1 came:a@y.test/1 lock:a@y.test/1 active told:1 freed");
}

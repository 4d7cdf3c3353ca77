#include "mynah/adhoc.h"

#include "mynah/jid.h"

#include "unit/client/talk.h"

#define COMMANDS "http://jabber.org/protocol/commands"
#define SET(id, from, attrs, inside)                                                               \
    "><iq type='set' id='" id "' from='" from "'><command xmlns='" COMMANDS "' " attrs ">" inside  \
    "</command></iq>"
#define SUBMIT(var, value)                                                                         \
    "<x xmlns='jabber:x:data' type='submit'><field var='" var "'><value>" value                    \
    "</value></field></x>"

/* Two stages: a name, then a yes. */
static void greet(void *arg, struct mynah_client *c, const struct mynah_call *call,
                  struct mynah_answer *answer)
{
    (void)arg;
    (void)c;
    note("%s:%d%s", call->from, call->action, *call->state ? "+" : "");
    if (!*call->state) {
        *call->state = mynah_jid(call->from);
        answer->more = true;
        answer->actions = 1u << MYNAH_NEXT;
        answer->form = mynah_form_new("form", NULL);
        mynah_form_add(answer->form, "text-single", "name", "Name", true);
        return;
    }
    if (call->action == MYNAH_NEXT) {
        note("name=%s", call->form ? mynah_form_value(call->form, "name") : "?");
        answer->more = true;
        answer->actions = 1u << MYNAH_PREV | 1u << MYNAH_COMPLETE;
        answer->next = MYNAH_COMPLETE;
        return;
    }
    if (call->action == MYNAH_COMPLETE) {
        answer->note = "greeted";
        answer->note_type = "info";
    }
    mynah_free(*call->state);
}

static void never(void *arg, struct mynah_client *c, const struct mynah_call *call,
                  struct mynah_answer *answer)
{
    (void)arg;
    (void)c;
    (void)call;
    answer->error = "forbidden";
}

TEST(a_command_of_ours_goes_stage_by_stage_for_who_began_it)
{
    static const char *const lines[] = {
        LOGIN(""),
        "><iq type='get' id='l' from='a@y.test/1'><query "
        "xmlns='http://jabber.org/protocol/disco#items' node='" COMMANDS "'/></iq>",
        "<<item jid='u@x.test/r' node='greet' name='Greet'/><item",
        "< node='never'",
        "><iq type='get' id='n' from='a@y.test/1'><query "
        "xmlns='http://jabber.org/protocol/disco#info' node='greet'/></iq>",
        "<<identity category='automation' type='command-node' name='Greet'/>",
        SET("1", "a@y.test/1", "node='greet' action='execute'", ""),
        "<id='1'",
        "< sessionid='",
        "><iq type='set' id='2' from='evil@y.test/1'><command xmlns='" COMMANDS
        "' node='greet' sessionid='%1'/></iq>"
        "<iq type='set' id='3' from='a@y.test/1'><command xmlns='" COMMANDS
        "' node='greet' sessionid='%1' action='prev'/></iq>"
        "<iq type='set' id='4' from='a@y.test/1'><command xmlns='" COMMANDS
        "' node='greet' sessionid='%1'>" SUBMIT(
            "name", "Ann") "</command></iq>"
                           "<iq type='set' id='5' from='a@y.test/1'><command xmlns='" COMMANDS
                           "' node='greet' sessionid='%1' action='complete'/></iq>"
                           "<iq type='set' id='6' from='a@y.test/1'><command xmlns='" COMMANDS
                           "' node='greet' sessionid='%1'/></iq>",
        "<status='executing'><actions execute='next'><next/></actions><x",
        "<id='2'",
        "<<bad-sessionid",
        "<id='3'",
        "<<bad-action",
        "<id='4'",
        "<status='executing'><actions execute='complete'><prev/><complete/></actions></command>",
        "<id='5'",
        "<status='completed'><note type='info'>greeted</note>",
        "<id='6'",
        "<<bad-sessionid",
        SET("7", "a@y.test/1", "node='greet'", ""),
        "<id='7'",
        "< sessionid='",
        "><iq type='set' id='8' from='a@y.test/1'><command xmlns='" COMMANDS
        "' node='greet' sessionid='%1' action='cancel'/></iq>",
        "<status='canceled'",
        SET("9", "a@y.test/1", "node='never'", ""),
        "<id='9'",
        "<<forbidden",
        SET("10", "a@y.test/1", "node='none'", ""),
        "<id='10'",
        "<<item-not-found",
        SET("11", "a@y.test/1", "node='greet' action='jump'", ""),
        "<id='11'",
        "<<malformed-action",
        SET("12", "a@y.test/1", "node='greet' action='next'", ""),
        "<id='12'",
        "<<bad-action",
        SET("13", "b@y.test/1", "node='greet'", ""),
        "<id='13'",
        END};

    talk_start(lines, NULL);
    mynah_command_serve(talk.c, "greet", "Greet", greet, NULL);
    mynah_command_serve(talk.c, "never", NULL, never, NULL);
    talk_until(talk_done);
    /* The one that is open ends with the client. */
    mynah_command_serve(talk.c, "greet", NULL, NULL, NULL);
    talk_end("online a@y.test/1:0 a@y.test/1:2+ name=Ann a@y.test/1:3+ a@y.test/1:0 a@y.test/1:4+ "
             "b@y.test/1:0 b@y.test/1:4+");
}

static bool is_a(void *arg, struct mynah_client *c, const char *node, const char *from)
{
    (void)arg;
    (void)c;
    CHECK_STR(mn_str_from(node), "never");
    return mynah_jid_same(from, "a@y.test");
}

static void once_only(void *arg, struct mynah_client *c, const struct mynah_call *call,
                      struct mynah_answer *answer)
{
    (void)arg;
    note("%d%s", call->action, *call->state ? "+" : "");
    mynah_command_serve(c, call->node, NULL, NULL, NULL);
    if (call->action == MYNAH_CANCEL) {
        mynah_free(*call->state);
        return;
    }
    *call->state = mynah_jid(call->from);
    answer->more = true;
}

/* ... and then its sessions end as they do else. */
TEST(a_command_may_be_taken_out_inside_its_own_call)
{
    static const char *const lines[] = {
        LOGIN(""),
        SET("1", "a@y.test/1", "node='once'", ""),
        "<id='1'",
        "< status='completed'",
        SET("2", "a@y.test/1", "node='once'", ""),
        "<<item-not-found",
        NULL,
    };

    talk_start(lines, NULL);
    mynah_command_serve(talk.c, "once", NULL, once_only, NULL);
    talk_until(talk_done);
    mynah_client_free(talk.c);
    talk_end("online 0 4+");
}

TEST(a_command_for_some_is_hidden_from_others)
{
#define LIST(from)                                                                                 \
    "><iq type='get' id='l' from='" from "'><query "                                               \
    "xmlns='http://jabber.org/protocol/disco#items' node='" COMMANDS "'/></iq>"
#define NODE(from)                                                                                 \
    "><iq type='get' id='n' from='" from "'><query "                                               \
    "xmlns='http://jabber.org/protocol/disco#info' node='never'/></iq>"
    static const char *const lines[] = {LOGIN(""),
                                        LIST("b@y.test/1"),
                                        "<node='greet' name='Greet'/></query>",
                                        NODE("b@y.test/1"),
                                        "<<item-not-found",
                                        SET("1", "b@y.test/1", "node='never'", ""),
                                        "<id='1' to='b@y.test/1'><error type='auth'><forbidden",
                                        LIST("a@y.test/1"),
                                        "< node='never'/></query>",
                                        NODE("a@y.test/1"),
                                        "<<identity",
                                        END};

    talk_start(lines, NULL);
    mynah_command_serve(talk.c, "greet", "Greet", greet, NULL);
    mynah_command_serve(talk.c, "never", NULL, never, NULL);
    mynah_command_only(talk.c, "never", is_a, NULL);
    talk_until(talk_done);
    talk_end("online");
}

static void staged(void *arg, struct mynah_client *c, const struct mynah_stage *s,
                   const struct mynah_error *error)
{
    struct mynah_form *answer;

    if (error) {
        note("error:%d", error->code);
        return;
    }
    note("%d/%x/%d%s%s", s->status, s->actions, s->next, s->note ? s->note_type : "",
         s->note ? s->note : "");
    if (s->status != MYNAH_EXECUTING)
        return;
    answer = mynah_form_answer(s->form);
    mynah_form_set(answer, "name", "Ann");
    mynah_command_go(c, s, s->next, answer, staged, arg);
    mynah_form_free(answer);
}

TEST(a_command_of_others_is_gone_through)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='set' id='",
        "><iq type='result' id='%1' from='y.test'><command xmlns='" COMMANDS
        "' node='n' sessionid='s' status='executing'>"
        "<actions><next/></actions><x xmlns='jabber:x:data' type='form'><field "
        "var='name'/></x></command></iq>",
        "<type='set' id='",
        "><iq type='result' id='%1' from='y.test'><command xmlns='" COMMANDS
        "' node='n' sessionid='s' status='executing'>"
        "<x xmlns='jabber:x:data' type='form'><field var='name'/></x></command></iq>",
        "< action='next'><x xmlns='jabber:x:data' type='submit'><field type='text-single' "
        "var='name'><value>Ann",
        "<type='set' id='",
        "><iq type='result' id='%1' from='y.test'><command xmlns='" COMMANDS
        "' node='n' sessionid='s' status='completed'><note "
        "type='warn'>!</note><note/></command></iq>",
        "< action='complete'",
        "<type='set' id='",
        "><iq type='error' id='%1' from='y.test'/>",
        END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_command(talk.c, "y.test", "n", staged, NULL);
    TALK_UNTIL(noted("warn"));
    mynah_command(talk.c, "y.test", "none", staged, NULL);
    talk_until(talk_done);
    talk_end("online 0/14/2 0/18/3 1/18/3warn! error:-10");
}

/* Of several the one that says that it did not work; a type that nobody knows is none. */
TEST(a_command_that_failed_says_so_in_one_of_its_notes)
{
    static const struct {
        const char *inside, *notes;
    } rows[] = {
        {"<note type='jid'>a</note><note type='warn'>b</note>", "online 1/18/3infoa"},
        {"<note>a</note><note type='error'>b</note><note type='error'>c</note>",
         "online 1/18/3errorb"},
        {"", "online 1/18/3"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_buf said = {0};
        const char *lines[] = {LOGIN(""), "<type='set' id='", NULL, END};
        const char **slot = lines;

        while (*slot)
            slot++;
        mn_buf_fmt(&said,
                   "><iq type='result' id='%%1' from='y.test'><command xmlns='" COMMANDS
                   "' node='n' status='completed'>%s</command></iq>",
                   rows[i].inside);
        mn_buf_c(&said, 0);
        *slot = said.p;
        talk_start(lines, NULL);
        talk_until(talk_online);
        mynah_command(talk.c, "y.test", "n", staged, NULL);
        talk_until(talk_done);
        talk_end(rows[i].notes);
        mn_buf_free(&said);
    }
}

/* One that asks for what nobody has is cancelled, and what becomes of that is of no interest: not
 * the answer, and not the end of the session before another one. */
static void cancelled(void *arg, struct mynah_client *c, const struct mynah_stage *s,
                      const struct mynah_error *error)
{
    (void)arg;
    for (int i = 0; i < 2 && !error; i++)
        mynah_command_go(c, s, MYNAH_CANCEL, NULL, NULL, NULL);
}

TEST(a_command_may_be_cancelled_without_waiting)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='set' id='",
        "><iq type='result' id='%1' from='y.test'><command xmlns='" COMMANDS
        "' node='n' sessionid='s' status='executing'/></iq>",
        "<type='set' id='",
        "><iq type='result' id='%1' from='y.test'><command xmlns='" COMMANDS
        "' node='n' sessionid='s' status='canceled'/></iq>",
        "< action='cancel'",
        END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_command(talk.c, "y.test", "n", cancelled, NULL);
    talk_until(talk_done);
    talk_end("online");
}

TEST(nobody_takes_the_sessions_of_others)
{
#define OPEN(id, from)                                                                             \
    "<iq type='set' id='" id "' from='" from "'><command xmlns='" COMMANDS "' node='greet'/></iq>"
#define TWO(id) OPEN(id "a", "a@y.test/" id) OPEN(id "b", "a@y.test/" id)
    static const char *const lines[] = {
        LOGIN(""),
        ">" TWO("1") TWO("2") TWO("3") TWO("4") TWO("5") OPEN("6", "a@y.test/6")
            OPEN("7", "b@y.test/7"),
        "<id='5b'",
        "< status='executing'",
        "<id='6' to='a@y.test/6'><error type='wait'><resource-constraint",
        "<id='7'",
        "< status='executing'",
        END};

    talk_start(lines, NULL);
    mynah_command_serve(talk.c, "greet", "Greet", greet, NULL);
    talk_until(talk_done);
    talk_end(NULL);
}

#include "mynah/roster.h"

#include "unit/client/talk.h"

static void changed(void *arg, struct mynah_client *c, const struct mynah_contact *k)
{
    static const char *const names[] = {"none", "to", "from", "both"};

    (void)arg;
    (void)c;
    note("%s%s=%s/%s%s%s", k->added ? "+" : "", k->jid, k->name ? k->name : "-",
         names[k->subscription], k->asked ? "?" : "", k->approved ? "!" : "");
    for (size_t i = 0; i < k->group_count; i++)
        note("[%s]", k->groups[i]);
}

static void removed(void *arg, struct mynah_client *c, const char *jid)
{
    (void)arg;
    (void)c;
    note("-%s", jid);
}

static void ready(void *arg, struct mynah_client *c)
{
    (void)arg;
    note("ready(%zu)", mynah_roster_count(c));
}

static void presence(void *arg, struct mynah_client *c, const struct mynah_contact *k,
                     const struct mynah_resource *r)
{
    const struct mynah_resource *known;
    size_t i = 0;

    (void)arg;
    while ((known = mynah_roster_resource(c, r->jid, i)) && known != r)
        i++;
    CHECK(!known == (r->show == MYNAH_UNAVAILABLE));
    note("%s%s:%d", k ? "" : "self ", r->jid, r->show);
}

static void asked(void *arg, struct mynah_client *c, const char *from, const char *text)
{
    (void)arg;
    note("asks %s (%s)", from, text ? text : "");
    CHECK_INT(mynah_subscription_send(c, "@", MYNAH_SUBSCRIBED, NULL), MYNAH_E_ARGUMENT);
    CHECK_INT(mynah_subscription_send(c, "C@y.test/r", MYNAH_SUBSCRIBED, NULL), 0);
}

static void told(void *arg, struct mynah_client *c, const char *from, enum mynah_presence_type what)
{
    (void)arg;
    (void)c;
    note("%s tells %d", from, what);
}

static void failed(void *arg, struct mynah_client *c, const struct mynah_error *why)
{
    (void)arg;
    (void)c;
    note("failed(%d %s)", why->code, why->condition ? why->condition : "-");
}

static const struct mynah_roster_calls calls = {sizeof calls, ready, changed, removed,
                                                presence,     asked, told,    failed};

static const struct mynah_client_config once = {.no_reconnect = true};

static void run(const char *const *lines, const char *notes)
{
    talk_start(lines, &once);
    mynah_roster_listen(talk.c, &calls, NULL);
    talk_until(talk_done);
    talk_end(notes);
}

TEST(a_roster_is_fetched_and_follows_pushes_of_the_own_server_alone)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='get' id='",
        "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'>"
        "<item jid='B@y.test' name='Bé' subscription='both'><group>x</group><group>y</group></item>"
        "<item jid='a@y.test' ask='subscribe'/><item jid='no address@@'/></query></iq>",
        "><iq type='set' id='1' from='evil@y.test'><query xmlns='jabber:iq:roster'><item "
        "jid='evil@y.test' subscription='both'/></query></iq>",
        "<type='error' id='1' to='evil@y.test'",
        "><iq type='set' id='2'><query xmlns='jabber:iq:roster'><item jid='a@y.test' "
        "subscription='to' approved='true'/></query></iq>",
        "<type='result' id='2'",
        "><iq type='set' id='3' from='u@x.test'><query xmlns='jabber:iq:roster'><item "
        "jid='b@y.test' subscription='remove'/></query></iq>",
        "<type='result' id='3'",
        END};

    run(lines,
        "online +b@y.test=Bé/both [x] [y] +a@y.test=-/none? ready(2) a@y.test=-/to! -b@y.test");
}

TEST(only_changes_are_fetched_where_the_server_has_versions)
{
    static const char *const lines[] = {
        LOGIN("<ver xmlns='urn:xmpp:features:rosterver'/>"),
        "<type='get' id='",
        "><iq type='result' id='%1'><query xmlns='jabber:iq:roster' ver='7'>"
        "<item jid='a@y.test' subscription='both'/></query></iq>",
        "><iq type='set' id='1'><query xmlns='jabber:iq:roster' ver='8'><item "
        "jid='b@y.test'/></query></iq>",
        "<id='1'",
        "!",
        LOGIN("<ver xmlns='urn:xmpp:features:rosterver'/>"),
        "<type='get' id='",
        "><iq type='result' id='%1'/>",
        END};

    talk_start(lines, &(struct mynah_client_config){0});
    mynah_roster_listen(talk.c, &calls, NULL);
    talk_until(talk_done);
    CHECK(memmem(talk.server.all.p, talk.server.all.n, "ver=''", 6));
    CHECK(memmem(talk.server.all.p, talk.server.all.n, "ver='8'", 7));
    talk_end("online +a@y.test=-/both ready(1) +b@y.test=-/none waiting (-13) online ready(2)");
}

/* The contacts are there before the login, by their names and groups. */
TEST(a_later_run_fetches_only_what_changed_since)
{
    static const char *const first[] = {
        LOGIN("<ver xmlns='urn:xmpp:features:rosterver'/>"), "<type='get' id='",
        "><iq type='result' id='%1'><query xmlns='jabber:iq:roster' ver='7'>"
        "<item jid='B@y.test' name='Bé' subscription='both'><group>x</group></item>"
        "<item jid='a@y.test' ask='subscribe'/></query></iq>",
        END};
    /* Before an anonymous login the account is the domain. */
    static const char kept[] = "<roster xmlns='urn:mynah:roster' for='x.test' ver='7'>"
                               "<item xmlns='jabber:iq:roster' jid='a@y.test' ask='subscribe'/>"
                               "<item xmlns='jabber:iq:roster' jid='b@y.test' name='Bé' "
                               "subscription='both'><group>x</group></item></roster>";
    static const char *const second[] = {
        "!",
        LOGIN("<ver xmlns='urn:xmpp:features:rosterver'/>"),
        "<type='get' id='",
        "><iq type='result' id='%1'/>",
        "><iq type='set' id='1'><query xmlns='jabber:iq:roster' ver='8'><item "
        "jid='a@y.test' subscription='remove'/></query></iq>",
        "<id='1'",
        END};
    const struct mynah_contact *k;
    void *saved;
    size_t n;

    talk_start(first, &once);
    mynah_roster_listen(talk.c, &calls, NULL);
    talk_until(talk_done);
    mynah_roster_save(talk.c, &saved, &n);
    CHECK_INT(mynah_roster_restore(talk.c, saved, n), MYNAH_E_STATE);
    CHECK_STR(mn_str_from(strstr(saved, " ver=")), strstr(kept, " ver="));
    mynah_client_free(talk.c);
    talk_end("online +b@y.test=Bé/both [x] +a@y.test=-/none? ready(2)");

    talk_start(second, &(struct mynah_client_config){0});
    talk_until(talk_loses);
    mynah_client_disconnect(talk.c);
    CHECK_INT(mynah_roster_restore(talk.c, "<roster/>", 9), MYNAH_E_FORMAT);
    CHECK_INT(mynah_roster_restore(talk.c, "<roster", 7), MYNAH_E_FORMAT);
    CHECK_INT(mynah_roster_restore(talk.c, saved, n), MYNAH_E_FORMAT); /* another account's */
    CHECK_INT(mynah_roster_restore(talk.c, kept, sizeof kept - 1), 0);
    CHECK_INT(mynah_roster_restore(talk.c, kept, sizeof kept - 1), MYNAH_E_STATE);
    CHECK_INT(mynah_roster_count(talk.c), 2);
    k = mynah_roster_find(talk.c, "b@y.test/r");
    CHECK(k && !strcmp(k->name, "Bé") && k->group_count == 1 && !strcmp(k->groups[0], "x"));
    CHECK(!mynah_roster_is_ready(talk.c));
    mynah_free(saved);
    mynah_roster_listen(talk.c, &calls, NULL);
    mynah_client_connect(talk.c);
    talk_until(talk_done);
    CHECK(memmem(talk.server.all.p, talk.server.all.n, "ver='7'", 7));
    talk_end("waiting (-4) offline online ready(2) -a@y.test");
}

static bool has_failed(void)
{
    return noted("failed");
}

/* And what is under way is not asked for twice. */
TEST(a_roster_that_is_refused_is_told_and_asked_for_by_hand)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='get' id='",
        "><iq type='error' id='%1'><error type='wait'><internal-server-error "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        "<type='get' id='",
        "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'><item "
        "jid='a@y.test'/></query></iq>",
        "<type='get' id='",
        "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'><item "
        "jid='a@y.test'/><item jid='b@y.test'/></query></iq>",
        END};

    talk_start(lines, &once);
    CHECK_INT(mynah_roster_fetch(talk.c), MYNAH_E_STATE);
    mynah_roster_listen(talk.c, &calls, NULL);
    talk_until(has_failed);
    CHECK(!mynah_roster_is_ready(talk.c));
    CHECK_INT(mynah_roster_fetch(talk.c), MYNAH_OK);
    CHECK_INT(mynah_roster_fetch(talk.c), MYNAH_OK);
    while (!mynah_roster_is_ready(talk.c))
        mynah_turn(talk.ctx, -1);
    CHECK(!mynah_roster_find(talk.c, "a@y.test")->added);
    CHECK_INT(mynah_roster_fetch(talk.c), MYNAH_OK);
    talk_until(talk_done);
    talk_end("online failed(-10 internal-server-error) +a@y.test=-/none ready(1) a@y.test=-/none "
             "+b@y.test=-/none ready(2)");
}

TEST(without_being_told_to_nobody_asks_for_it)
{
    static const char *const lines[] = {
        LOGIN(""), "<type='get' id='",
        "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'><item "
        "jid='a@y.test'/></query></iq>",
        END};

    talk_start(lines, &(struct mynah_client_config){.no_reconnect = true, .no_roster = true});
    mynah_roster_listen(talk.c, &calls, NULL);
    talk_until(talk_online);
    CHECK_INT(mynah_roster_fetch(talk.c), MYNAH_OK);
    talk_until(talk_done);
    talk_end("online +a@y.test=-/none ready(1)");
}

TEST(who_is_there_is_known_and_the_best_comes_first)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='get' id='",
        "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'>"
        "<item jid='a@y.test' subscription='both'/></query></iq>",
        "><presence from='a@y.test/1'><show>away</show><priority>1</priority></presence><presence "
        "from='a@y.test/2'/>"
        "<presence from='a@y.test/3'><priority>1</priority></presence><presence "
        "from='u@x.test/other'/>"
        "<presence from='a@y.test/4'/><presence from='stranger@y.test/1'/><presence "
        "type='unavailable' from='a@y.test/5'/>"
        "<presence type='unavailable' from='a@y.test/2'/><presence "
        "from='a@y.test/1'><show>dnd</show></presence>"
        "<presence type='subscribe' from='c@y.test'><status>hi</status></presence>",
        "<to='c@y.test' type='subscribed'",
        "><presence type='unsubscribed' from='a@y.test/1'/>",
        END};
    static const char *const best[] = {"a@y.test/3", "a@y.test/1", "a@y.test/4"};

    talk_start(lines, &once);
    mynah_roster_listen(talk.c, &calls, NULL);
    talk_until(talk_done);
    for (size_t i = 0; i < 4; i++) {
        const struct mynah_resource *r = mynah_roster_resource(talk.c, "A@y.test/x", i);

        CHECK_STR(mn_str_from(r ? r->jid : ""), i < 3 ? best[i] : "");
    }
    CHECK(mynah_roster_resource(talk.c, "u@x.test", 0) &&
          !mynah_roster_resource(talk.c, "stranger@y.test", 0));
    CHECK(mynah_roster_find(talk.c, "a@Y.test/1") && !mynah_roster_find(talk.c, "b@y.test"));
    talk_end("online +a@y.test=-/both ready(1) a@y.test/1:2 a@y.test/2:0 a@y.test/3:0 self "
             "u@x.test/other:0 a@y.test/4:0 "
             "a@y.test/2:5 a@y.test/1:4 asks c@y.test (hi) a@y.test tells 4");
}

TEST(who_comes_before_the_roster_is_told_with_it)
{
    static const char *const lines[] = {LOGIN(""), "<type='get' id='",
                                        "><presence from='a@y.test/1'/><presence "
                                        "from='stranger@y.test/1'/><presence from='b@y.test/1'/>"
                                        "<presence type='unavailable' from='b@y.test/1'/><iq "
                                        "type='result' id='%1'><query xmlns='jabber:iq:roster'>"
                                        "<item jid='a@y.test' subscription='both'/><item "
                                        "jid='b@y.test' subscription='both'/></query></iq>"
                                        "<presence from='stranger@y.test/2'/>",
                                        END};

    talk_start(lines, &once);
    mynah_roster_listen(talk.c, &calls, NULL);
    talk_until(talk_done);
    CHECK(mynah_roster_resource(talk.c, "a@y.test", 0));
    CHECK(!mynah_roster_resource(talk.c, "stranger@y.test", 0) &&
          !mynah_roster_resource(talk.c, "b@y.test", 0));
    talk_end("online +a@y.test=-/both +b@y.test=-/both a@y.test/1:0 ready(2)");
}

TEST(gateways_are_there_without_a_resource)
{
    static const char *const lines[] = {
        LOGIN(""), "<type='get' id='",
        "><presence from='g.test'/><iq type='result' id='%1'><query xmlns='jabber:iq:roster'><item "
        "jid='g.test'/><item jid='a@g.test'/></query></iq><presence from='a@g.test'/>"
        "<presence from='u@x.test'/><presence type='unavailable' from='a@g.test'/>",
        END};

    run(lines, "online +g.test=-/none +a@g.test=-/none g.test:0 ready(2) a@g.test:0 a@g.test:5");
}

/* The push comes first; that he went does not concern us any more, and nobody says when he does. */
TEST(who_is_removed_is_not_there)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='get' id='",
        "><iq type='result' id='%1'><query xmlns='jabber:iq:roster'><item jid='a@y.test'/>"
        "<item jid='b@y.test'/></query></iq><presence from='a@y.test/1'/>"
        "<presence from='b@y.test/1'/><presence from='a@y.test/2'/>",
        "><iq type='set' id='p'><query xmlns='jabber:iq:roster'><item jid='a@y.test' "
        "subscription='remove'/></query></iq>",
        "><presence type='unavailable' from='a@y.test/1'/>",
        END};

    talk_start(lines, &once);
    mynah_roster_listen(talk.c, &calls, NULL);
    talk_until(talk_done);
    CHECK(!mynah_roster_resource(talk.c, "a@y.test", 0));
    CHECK(mynah_roster_resource(talk.c, "b@y.test", 0));
    talk_end("online +a@y.test=-/none +b@y.test=-/none ready(2) a@y.test/1:0 b@y.test/1:0 "
             "a@y.test/2:0 -a@y.test");
}

static bool roster_is_asked(void)
{
    return talk.server.all.n && memmem(talk.server.all.p, talk.server.all.n, "iq:roster", 9);
}

static void leaves(void *arg, struct mynah_client *c, const struct mynah_contact *k,
                   const struct mynah_resource *r)
{
    (void)arg;
    (void)k;
    note("%s", r->jid);
    mynah_client_disconnect(c);
}

static void hears(void *arg, struct mynah_client *c, const struct mynah_contact *k,
                  const struct mynah_resource *r)
{
    (void)arg;
    (void)c;
    (void)k;
    note("%s", r->jid);
}

/* It is answered when the session goes on, and that one ends inside what is told of it. */
static void ends_inside(const struct mynah_roster_calls two[2], const char *notes)
{
    static char answer[400];
    static const char *const lines[] = {
        LOGIN(SM),
        "<<enable",
        "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>",
        "<iq:roster",
        "><presence from='a@y.test/1'/><presence from='a@y.test/2'/>",
        "!",
        AUTH(SM),
        "<<resume",
        answer,
        "!",
        NULL};
    static const char head[] = "type='get' id='";
    const char *id;

    talk_start(lines, &(struct mynah_client_config){.keepalive_ms = 0});
    for (size_t i = 0; i < 2; i++)
        mynah_roster_listen(talk.c, &two[i], NULL);
    talk_until(roster_is_asked);
    id = (char *)memmem(talk.server.all.p, talk.server.all.n, head, strlen(head)) + strlen(head);
    snprintf(answer, sizeof answer,
             "><iq type='result' id='%.*s'><query xmlns='jabber:iq:roster'>"
             "<item jid='a@y.test'/></query></iq>",
             (int)strcspn(id, "'"), id);
    talk_until(talk_over);
    CHECK(!mynah_roster_is_ready(talk.c));
    talk_end(notes);
}

TEST(who_leaves_while_he_hears_of_who_came_before_the_roster)
{
    static const struct mynah_roster_calls two[] = {
        {.size = sizeof *two, .ready = ready, .presence = leaves},
        {.size = sizeof *two, .presence = hears}};

    ends_inside(two, "online waiting (-13) a@y.test/2 offline a@y.test/2");
}

static void leaves_at_once(void *arg, struct mynah_client *c, const struct mynah_contact *k)
{
    (void)arg;
    note("%s", k->jid);
    mynah_client_disconnect(c);
}

TEST(a_roster_in_which_the_session_ends_is_not_ready)
{
    static const struct mynah_roster_calls two[] = {
        {.size = sizeof *two, .ready = ready, .changed = leaves_at_once},
        {.size = sizeof *two, .presence = hears}};

    ends_inside(two, "online waiting (-13) a@y.test offline");
}

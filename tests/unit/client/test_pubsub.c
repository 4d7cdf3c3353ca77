#include "mynah/pubsub.h"

#include "unit/client/talk.h"

#define PUBSUB "http://jabber.org/protocol/pubsub"
#define RESULT(inside)                                                                             \
    "<et' id='", "><iq type='result' id='%1' from='s.test'><pubsub xmlns='" PUBSUB "'>" inside     \
                 "</pubsub></iq>"
#define OWNED(inside)                                                                              \
    "<et' id='", "><iq type='result' id='%1' from='s.test'><pubsub xmlns='" PUBSUB                 \
                 "#owner'>" inside "</pubsub></iq>"
#define EMPTY "<et' id='", "><iq type='result' id='%1' from='s.test'/>"
#define REFUSED(type, cond, special)                                                               \
    "<et' id='", "><iq type='error' id='%1' from='s.test'><error type='" type "'><" cond           \
                 " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><" special "/></error></iq>"
#define X(type)                                                                                    \
    "<x xmlns='jabber:x:data' type='" type "'><field var='a'><value>1</value></field></x>"
#define ERRORS " xmlns='" PUBSUB "#errors'"

static const char *or_none(const char *text)
{
    return text ? text : "-";
}

static void note_error(const struct mynah_error *error)
{
    note("%d/%s/%s/%s", error->code, or_none(error->condition), or_none(error->special),
         or_none(mynah_pubsub_missing(error)));
}

static void note_subscription(const struct mynah_pubsub_subscription *s)
{
    note("%s:%s:%s:%d%s%s", or_none(s->node), s->jid, or_none(s->subid), s->state,
         s->has_options ? "o" : "", s->needs_options ? "!" : "");
}

static void subscribed(void *arg, struct mynah_client *c, const struct mynah_pubsub_subscription *s,
                       const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    CHECK(!s != !error);
    if (s)
        note_subscription(s);
    else
        note_error(error);
}

static void named(void *arg, struct mynah_client *c, const char *name,
                  const struct mynah_error *error)
{
    (void)c;
    if (error)
        note_error(error);
    else
        note("%s=%s", (char *)arg, or_none(name));
}

static void form(void *arg, struct mynah_client *c, const struct mynah_form *f,
                 const struct mynah_error *error)
{
    (void)c;
    CHECK(!f != !error);
    if (error)
        note_error(error);
    else
        note("%s=%s", (char *)arg, or_none(mynah_form_value(f, "a")));
}

static void subscriptions(void *arg, struct mynah_client *c,
                          const struct mynah_pubsub_subscription *list, size_t count,
                          const struct mynah_error *error)
{
    (void)c;
    note("%s=%zu", (char *)arg, count);
    for (size_t i = 0; i < count; i++)
        note_subscription(&list[i]);
    if (error)
        note_error(error);
}

static void affiliates(void *arg, struct mynah_client *c, const struct mynah_pubsub_affiliate *list,
                       size_t count, const struct mynah_error *error)
{
    (void)c;
    note("%s=%zu", (char *)arg, count);
    for (size_t i = 0; i < count; i++)
        note("%s:%s:%d", or_none(list[i].node), or_none(list[i].jid), list[i].affiliation);
    if (error)
        note_error(error);
}

static void items(void *arg, struct mynah_client *c, const struct mynah_pubsub_item *list,
                  size_t count, const struct mynah_page *page, const struct mynah_error *error)
{
    (void)c;
    note("%s=%zu", (char *)arg, count);
    for (size_t i = 0; i < count; i++)
        note("%s:%s:%s", or_none(list[i].id), or_none(list[i].publisher),
             or_none(mynah_elem_name(list[i].payload)));
    if (page)
        note("%s..%s@%d/%d", or_none(page->first), or_none(page->last), (int)page->index,
             (int)page->count);
    if (error)
        note_error(error);
}

/* A filled form, for requests that are made at once. */
static struct mynah_form *filled(const char *type)
{
    struct mynah_form *f = mynah_form_new("submit", type);

    mynah_form_set(f, "a", "1");
    return f;
}

TEST(who_subscribes_is_told_what_came_of_it)
{
    static const char *const lines[] = {
        LOGIN(""),
        RESULT("<subscription node='n' jid='u@x.test' subid='7' subscription='subscribed'/>"),
        "<<subscribe node='n' jid='u@x.test'/>",
        RESULT("<subscription jid='u@x.test/r' subscription='unconfigured'><subscribe-options>"
               "<required/></subscribe-options></subscription>"),
        "< jid='u@x.test/r'/><options><x xmlns='jabber:x:data' type='submit'>",
        "<#subscribe_options</value>",
        RESULT("<subscription node='n' jid='u@x.test' subscription='pending'/>"),
        RESULT("<subscription node='n' jid='u@x.test' subscription='jump'/>"),
        RESULT("<subscription node='n' subscription='subscribed'/>"), /* nobody */
        RESULT(""),
        EMPTY,
        REFUSED("auth", "not-authorized", "pending-subscription" ERRORS),
        REFUSED("cancel", "feature-not-implemented", "unsupported feature='subscribe'" ERRORS),
        REFUSED("cancel", "feature-not-implemented", "unsupported xmlns='y' feature='subscribe'"),
        EMPTY,
        "<<unsubscribe node='n' jid='u@x.test' subid='7'/>",
        EMPTY, /* nobody listens */
        END};
    struct mynah_form *f = filled(MYNAH_PUBSUB_SUBSCRIBE_OPTIONS);

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_pubsub_subscribe(talk.c, "s.test", "n", NULL, NULL, subscribed, NULL);
    mynah_pubsub_subscribe(talk.c, "s.test", "n", "u@x.test/r", f, subscribed, NULL);
    for (int i = 0; i < 8; i++)
        mynah_pubsub_subscribe(talk.c, "s.test", "n", NULL, NULL, subscribed, NULL);
    mynah_pubsub_unsubscribe(talk.c, "s.test", "n", NULL, "7", note_iq, "un");
    mynah_pubsub_subscribe(talk.c, "s.test", "n", NULL, NULL, NULL, NULL);
    mynah_form_free(f);
    talk_until(talk_done);
    talk_end("online n:u@x.test:7:3 n:u@x.test/r:-:2o! n:u@x.test:-:1 n:u@x.test:-:0 -15/-/-/- "
             "-15/-/-/- -15/-/-/- -10/not-authorized/pending-subscription/- "
             "-10/feature-not-implemented/unsupported/subscribe "
             "-10/feature-not-implemented/unsupported/- un=result");
}

TEST(options_and_configurations_are_forms)
{
    static const char *const lines[] = {
        LOGIN(""),
        RESULT("<options node='n' jid='u@x.test'>" X("form") "</options>"),
        "<<options node='n' jid='u@x.test' subid='7'/>",
        EMPTY,
        "<<options node='n' jid='u@x.test'><x xmlns='jabber:x:data' type='submit'>",
        RESULT("<default>" X("result") "</default>"),
        "<<pubsub xmlns='" PUBSUB "'><default/>",
        RESULT("<options/>"), /* without a form */
        REFUSED("modify", "bad-request", "subid-required" ERRORS),
        OWNED("<configure node='n'>" X("form") "</configure>"),
        "<<pubsub xmlns='" PUBSUB "#owner'><configure node='n'/>",
        EMPTY,
        "<<configure node='n'><x xmlns='jabber:x:data' type='submit'>",
        OWNED("<default>" X("form") "</default>"),
        "<<pubsub xmlns='" PUBSUB "#owner'><default type='collection'/>",
        RESULT("<configure node='n'>" X("form") "</configure>"), /* in the wrong namespace */
        END};
    struct mynah_form *options = filled(MYNAH_PUBSUB_SUBSCRIBE_OPTIONS),
                      *config = filled(MYNAH_PUBSUB_NODE_CONFIG);

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_pubsub_options(talk.c, "s.test", "n", NULL, "7", form, "options");
    mynah_pubsub_set_options(talk.c, "s.test", "n", NULL, NULL, options, note_iq, "set");
    mynah_pubsub_default_options(talk.c, "s.test", NULL, form, "default");
    mynah_pubsub_options(talk.c, "s.test", "n", NULL, NULL, form, "none");
    mynah_pubsub_options(talk.c, "s.test", "n", NULL, NULL, form, "error");
    mynah_pubsub_config(talk.c, "s.test", "n", form, "config");
    mynah_pubsub_configure(talk.c, "s.test", "n", config, note_iq, "configure");
    mynah_pubsub_default_config(talk.c, "s.test", "collection", form, "usual");
    mynah_pubsub_config(talk.c, "s.test", "n", form, "wrong");
    mynah_form_free(options);
    mynah_form_free(config);
    talk_until(talk_done);
    talk_end("online options=1 set=result default=1 -15/-/-/- -10/bad-request/subid-required/- "
             "config=1 configure=result usual=1 -15/-/-/-");
}

TEST(items_come_by_ids_by_age_and_in_pages)
{
    static const char *const lines[] = {
        LOGIN(""),
        RESULT("<items node='n'><item id='1' publisher='a@x.test'><p xmlns='y'/></item>"
               "<item id='2'/><item/></items>"),
        "<<items node='n'/>",
        RESULT("<items node='n'/>"),
        "<<items node='n' subid='7' max_items='2'><item id='1'/><item id='2'/></items>",
        RESULT("<items node='n'><item id='3'/></items><set xmlns='http://jabber.org/protocol/rsm'>"
               "<first index='2'>3</first><last>3</last><count>9</count></set>"),
        "</><set xmlns='http://jabber.org/protocol/rsm'><max>1</max><after>2</after></set>",
        RESULT("<set xmlns='http://jabber.org/protocol/rsm'><first index='-2'>3</first>"
               "<count>99999999999999999999</count></set>"),
        "<rsm'><max>0</max></set>",
        EMPTY, /* not even <pubsub/> */
        "<rsm'><before/><index>5</index></set>",
        "<et' id='",
        "><iq type='error' id='%1' from='s.test'><pubsub xmlns='" PUBSUB
        "'><items node='n'><item id='1'/></items></pubsub><error type='cancel'><item-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        END};
    struct mynah_page_wish page = {.size = sizeof page, .max = 1, .after = "2"},
                           count = {.size = sizeof count, .count_only = true},
                           last = {.size = sizeof last, .before = "", .index = 5};
    struct mynah_pubsub_wish some = {.size = sizeof some,
                                     .ids = (const char *const[]){"1", "2"},
                                     .id_count = 2,
                                     .newest = 2,
                                     .subid = "7"},
                             paged = {.size = sizeof paged, .page = &page};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_pubsub_items(talk.c, "s.test", "n", NULL, items, "all");
    mynah_pubsub_items(talk.c, "s.test", "n", &some, items, "some");
    mynah_pubsub_items(talk.c, "s.test", "n", &paged, items, "page");
    paged.page = &count;
    mynah_pubsub_items(talk.c, "s.test", "n", &paged, items, "count");
    paged.page = &last;
    mynah_pubsub_items(talk.c, "s.test", "n", &paged, items, "last");
    mynah_pubsub_items(talk.c, "s.test", "n", NULL, items, "none");
    talk_until(talk_done);
    talk_end(
        "online all=3 1:a@x.test:p 2:-:- -:-:- some=0 page=1 3:-:- 3..3@2/9 count=0 3..-@-1/-1 "
        "last=0 -15/-/-/- none=0 -10/item-not-found/-/-");
}

TEST(what_is_published_has_an_id_that_is_told)
{
    static const char *const lines[] = {
        LOGIN(""),
        RESULT("<publish node='n'><item id='made'/></publish>"),
        "<<publish node='n'><item><p xmlns='y'/></item></publish></pubsub>",
        EMPTY,
        "<<publish node='n'><item id='mine'><p xmlns='y'/></item></publish><publish-options>"
        "<x xmlns='jabber:x:data' type='submit'>",
        "<#publish-options</value>",
        RESULT("<publish node='n'/>"),
        "<<publish node='n'/></pubsub>",
        REFUSED("cancel", "conflict", "precondition-not-met" ERRORS),
        EMPTY,
        "<<retract node='n' notify='true'><item id='mine'/></retract>",
        EMPTY,
        "<<retract node='n'><item id='mine'/></retract>",
        END};
    struct mynah_form *f = filled(MYNAH_PUBSUB_PUBLISH_OPTIONS);
    struct mynah_elem *p = mynah_elem_new("p", "y");

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_pubsub_publish(talk.c, "s.test", "n", NULL, &p, NULL, named, "made");
    CHECK(!p);
    p = mynah_elem_new("p", "y");
    mynah_pubsub_publish(talk.c, "s.test", "n", "mine", &p, f, named, "mine");
    mynah_pubsub_publish(talk.c, "s.test", "n", NULL, NULL, NULL, named, "none");
    mynah_pubsub_publish(talk.c, "s.test", "n", "mine", NULL, f, named, "refused");
    mynah_pubsub_retract(talk.c, "s.test", "n", "mine", true, note_iq, "loud");
    mynah_pubsub_retract(talk.c, "s.test", "n", "mine", false, note_iq, "quiet");
    mynah_form_free(f);
    talk_until(talk_done);
    talk_end("online made=made mine=mine none=- -10/conflict/precondition-not-met/- loud=result "
             "quiet=result");
}

TEST(nodes_are_made_emptied_and_deleted)
{
    static const char *const lines[] = {
        LOGIN(""),
        EMPTY,
        "<<create node='n'/><configure><x xmlns='jabber:x:data' type='submit'>",
        RESULT("<create node='changed'/>"),
        RESULT("<create node='made'/>"),
        "<<create/></pubsub>",
        EMPTY, /* made, but what? */
        REFUSED("modify", "not-acceptable", "nodeid-required" ERRORS),
        EMPTY,
        "<<delete node='n'><redirect uri='xmpp:s.test?;node=m'/></delete>",
        EMPTY,
        "<<delete node='n'/>",
        EMPTY,
        "<<pubsub xmlns='" PUBSUB "#owner'><purge node='n'/>",
        END};
    struct mynah_form *f = filled(MYNAH_PUBSUB_NODE_CONFIG);

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_pubsub_create(talk.c, "s.test", "n", f, named, "create");
    mynah_pubsub_create(talk.c, "s.test", "n", NULL, named, "changed");
    mynah_pubsub_create(talk.c, "s.test", NULL, NULL, named, "instant");
    mynah_pubsub_create(talk.c, "s.test", NULL, NULL, named, "nameless");
    mynah_pubsub_create(talk.c, "s.test", NULL, NULL, named, "refused");
    mynah_pubsub_delete(talk.c, "s.test", "n", "xmpp:s.test?;node=m", note_iq, "delete");
    mynah_pubsub_delete(talk.c, "s.test", "n", NULL, note_iq, "plain");
    mynah_pubsub_purge(talk.c, "s.test", "n", note_iq, "purge");
    mynah_form_free(f);
    talk_until(talk_done);
    talk_end("online create=n changed=changed instant=made -15/-/-/- "
             "-10/not-acceptable/nodeid-required/- delete=result plain=result purge=result");
}

TEST(lists_of_subscriptions_and_affiliations_are_read_and_changed)
{
    static const char *const lines[] = {
        LOGIN(""),
        RESULT("<subscriptions><subscription node='a' jid='u@x.test' subscription='subscribed'/>"
               "<subscription node='b' subscription='subscribed'/>"
               "<subscription node='b' jid='u@x.test' subscription='none'/></subscriptions>"),
        "<<subscriptions/>",
        RESULT("<subscriptions node='a'><subscription jid='u@x.test'/></subscriptions>"),
        "<<subscriptions node='a'/>",
        RESULT("<affiliations><affiliation node='a' affiliation='publish-only'/>"
               "<affiliation node='b' affiliation='king'/></affiliations>"),
        OWNED("<subscriptions node='n'><subscription jid='a@x.test' subscription='pending'/>"
              "</subscriptions>"),
        "<<pubsub xmlns='" PUBSUB "#owner'><subscriptions node='n'/>",
        "<et' id='",
        "><iq type='error' id='%1' from='s.test'><pubsub xmlns='" PUBSUB
        "#owner'><subscriptions node='n'><subscription jid='a@x.test' subscription='pending'/>"
        "</subscriptions></pubsub><error type='modify'><not-acceptable "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        "<<subscription jid='a@x.test' subscription='subscribed'/><subscription jid='b@x.test' "
        "subid='2' subscription='none'/>",
        OWNED("<affiliations node='n'><affiliation jid='a@x.test' affiliation='outcast'/>"
              "<affiliation jid='u@x.test' affiliation='owner'/></affiliations>"),
        EMPTY,
        "<<affiliation jid='a@x.test' affiliation='outcast'/><affiliation jid='b@x.test' "
        "affiliation='owner'/>",
        EMPTY, /* a list that is none */
        END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_pubsub_subscriptions(talk.c, "s.test", NULL, subscriptions, "mine");
    mynah_pubsub_subscriptions(talk.c, "s.test", "a", subscriptions, "there");
    mynah_pubsub_affiliations(talk.c, "s.test", NULL, affiliates, "am");
    mynah_pubsub_subscribers(talk.c, "s.test", "n", subscriptions, "who");
    mynah_pubsub_set_subscribers(
        talk.c, "s.test", "n",
        (const struct mynah_pubsub_subscriber[]){{"a@x.test", NULL, MYNAH_PUBSUB_SUBSCRIBED},
                                                 {"b@x.test", "2", MYNAH_PUBSUB_UNSUBSCRIBED}},
        2, subscriptions, "set");
    mynah_pubsub_affiliates(talk.c, "s.test", "n", affiliates, "ranks");
    mynah_pubsub_set_affiliates(
        talk.c, "s.test", "n",
        (const struct mynah_pubsub_affiliate[]){{NULL, "a@x.test", MYNAH_PUBSUB_OUTCAST},
                                                {NULL, "b@x.test", MYNAH_PUBSUB_OWNER}},
        2, affiliates, "rank");
    mynah_pubsub_affiliates(talk.c, "s.test", "n", affiliates, "none");
    talk_until(talk_done);
    talk_end("online mine=2 a:u@x.test:-:3 b:u@x.test:-:0 there=1 a:u@x.test:-:0 am=2 a:-:2 b:-:0 "
             "who=1 n:a@x.test:-:1 set=1 n:a@x.test:-:1 -10/not-acceptable/-/- ranks=2 "
             "n:a@x.test:-1 n:u@x.test:4 rank=0 none=0 -15/-/-/-");
}

static void ask_all(void)
{
    mynah_pubsub_subscribe(talk.c, NULL, "n", NULL, NULL, subscribed, NULL);
    mynah_pubsub_config(talk.c, NULL, "n", form, "");
    mynah_pubsub_create(talk.c, NULL, "n", NULL, named, "");
    mynah_pubsub_subscribers(talk.c, NULL, "n", subscriptions, "s");
    mynah_pubsub_affiliates(talk.c, NULL, "n", affiliates, "a");
    mynah_pubsub_items(talk.c, NULL, "n", NULL, items, "i");
}

TEST(what_is_not_answered_ends_with_the_session)
{
    static const char *const lines[] = {LOGIN(""), "<<items", "!", NULL};

    talk_start(lines, NULL);
    talk_until(talk_online);
    ask_all();
    talk_until(talk_over);
    ask_all(); /* without a stream */
    TALK_UNTIL(noted("i=0 -2/-/-/-"));
    talk_end("online -13/-/-/- -13/-/-/- -13/-/-/- s=0 -13/-/-/- a=0 -13/-/-/- i=0 -13/-/-/- "
             "offline (-13) -2/-/-/- -2/-/-/- -2/-/-/- s=0 -2/-/-/- a=0 -2/-/-/- i=0 -2/-/-/-");
}

/* Events. */

static void note_event(const char *what, const struct mynah_pubsub_event *e)
{
    note("%s:%s:%s%s", what, e->service, or_none(e->node), e->sent_at ? "@" : "");
    for (size_t i = 0; i < e->subid_count; i++)
        note("by:%s", e->subids[i]);
    if (e->collection)
        note("in:%s", e->collection);
}

static void on_items(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                     const struct mynah_pubsub_item *list, size_t count)
{
    note_event("items", e);
    items("items", c, list, count, NULL, NULL);
    if (arg)
        mynah_client_free(c);
}

static void on_retracted(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                         const char *const *ids, size_t count)
{
    (void)arg;
    (void)c;
    note_event("retracted", e);
    for (size_t i = 0; i < count; i++)
        note("%s", ids[i]);
}

static void on_purged(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e)
{
    (void)arg;
    (void)c;
    note_event("purged", e);
}

static void on_deleted(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                       const char *redirect)
{
    (void)arg;
    (void)c;
    note_event("deleted", e);
    note("%s", or_none(redirect));
}

static void on_configured(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                          const struct mynah_form *f)
{
    (void)arg;
    (void)c;
    note_event("configured", e);
    note("%s", f ? mynah_form_value(f, "a") : "-");
}

static void on_subscription(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                            const struct mynah_pubsub_subscription *s)
{
    (void)arg;
    (void)c;
    note_event("subscription", e);
    note_subscription(s);
}

static void on_associated(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                          const char *child, bool on)
{
    (void)arg;
    (void)c;
    note_event(on ? "in" : "out", e);
    note("%s", child);
}

static void on_asked(void *arg, struct mynah_client *c, const struct mynah_pubsub_ask *q)
{
    struct mynah_pubsub_ask later = *q;

    (void)arg;
    note("%s:%s:%s", q->service, q->node, q->jid);
    CHECK(!mynah_pubsub_answer(c, q, true));
    later.form = NULL;
    CHECK(!mynah_pubsub_answer(c, &later, false));
}

static const struct mynah_pubsub_calls calls = {
    .size = sizeof calls,
    .items = on_items,
    .retracted = on_retracted,
    .purged = on_purged,
    .deleted = on_deleted,
    .configured = on_configured,
    .subscription = on_subscription,
    .asked = on_asked,
    .associated = on_associated,
};

#define EVENT(inside, more)                                                                        \
    "><message from='s.test'><event xmlns='" PUBSUB "#event'>" inside "</event>" more "</message>"
#define ASK                                                                                        \
    "<x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE' type='hidden'><value>" PUBSUB     \
    "#subscribe_authorization</value></field><field type='hidden' var='pubsub#subid'>"             \
    "<value>7</value></field><field var='pubsub#node'><value>n</value></field>"                    \
    "<field var='pubsub#subscriber_jid'><value>a@x.test</value></field>"                           \
    "<field type='boolean' var='pubsub#allow'><value>false</value></field></x>"

TEST(what_services_tell_is_told_with_who_says_it)
{
    static const char *const lines[] = {
        LOGIN(""),
        EVENT("<items node='n'><item id='1' publisher='a@x.test'><p xmlns='y'/></item></items>",
              "<headers xmlns='http://jabber.org/protocol/shim'><header name='subid'>1</header>"
              "<header name='Other'>x</header><header name='SubID'>2</header>"
              "<header name='Collection'>c</header></headers>"),
        EVENT("<items node='n'/>", "<delay xmlns='urn:xmpp:delay' stamp='2003-12-13T23:58:37Z'/>"),
        EVENT("<items node='n'><retract id='1'/><retract/><retract id='2'/></items>", ""),
        EVENT("<items node='n'><retract id='1'/><item id='2'/></items>", ""),
        EVENT("<items node='n'><retract/></items>", ""), /* of nothing */
        EVENT("<purge node='n'/>", ""),
        EVENT("<delete node='n'><redirect uri='xmpp:y'/></delete>", ""),
        EVENT("<delete node='n'/>", ""),
        EVENT("<configuration node='n'>" X("result") "</configuration>", ""),
        EVENT("<configuration/>", ""),
        EVENT("<subscription node='n' jid='u@x.test' subscription='subscribed'/>", ""),
        EVENT("<subscription node='n' subscription='subscribed'/>", ""), /* of nobody */
        EVENT("<collection node='c'><associate node='a'/><disassociate node='b'/><associate/>"
              "</collection>",
              ""),
        EVENT("<jump node='n'/><purge xmlns='y' node='n'/>", ""),
        EVENT("<purge node='a'/><purge node='b'/>", "<body>both</body>"),
        "><message type='error' from='s.test'><event xmlns='" PUBSUB
        "#event'><purge node='bounced'/></event></message>",
        "><message><event xmlns='" PUBSUB "#event'><purge node='own'/></event></message>",
        END};

    talk_start(lines, NULL);
    CHECK(mynah_pubsub_listen(talk.c, &calls, NULL));
    talk_until(talk_done);
    talk_end("online items:s.test:n by:1 by:2 in:c items=1 1:a@x.test:p items:s.test:n@ items=0 "
             "retracted:s.test:n 1 2 items:s.test:n items=1 2:-:- retracted:s.test:n 1 "
             "purged:s.test:n deleted:s.test:n xmpp:y deleted:s.test:n - configured:s.test:n 1 "
             "configured:s.test:- - subscription:s.test:n n:u@x.test:-:3 in:s.test:c a "
             "out:s.test:c b purged:s.test:a "
             "purged:s.test:b s.test>both s.test>- purged:u@x.test:own");
}

TEST(who_wants_to_subscribe_is_answered_with_the_id_of_the_question)
{
    static const char *const lines[] = {
        LOGIN(""),
        "><message from='s.test' id='q1'>" ASK "</message>",
        "<<message ",
        "<id='q1'",
        "<pubsub#subid'><value>7<",
        "<pubsub#allow'><value>true<",
        "<<message ",
        "<id='q1'",
        "<#subscribe_authorization</value>",
        "<pubsub#subid'><value>7<",
        "<pubsub#node'><value>n<",
        "<pubsub#subscriber_jid'><value>a@x.test<",
        "<pubsub#allow'><value>false<",
        "><message from='s.test'><x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE'>"
        "<value>" PUBSUB "#subscribe_authorization</value></field></x></message>",
        "><message from='s.test'><x xmlns='jabber:x:data' type='form'/><body>form</body></message>",
        END};

    talk_start(lines, NULL);
    mynah_pubsub_listen(talk.c, &calls, NULL);
    talk_until(talk_done);
    talk_end("online s.test:n:a@x.test s.test>form");
}

TEST(a_wish_for_personal_events_is_announced)
{
    static const char *const lines[] = {LOGIN(""),
                                        "><iq type='get' id='1' from='a@x.test/1'><query "
                                        "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
                                        "<<feature var='tune+notify'/>", "<</iq>", END};

    talk_start(lines, NULL);
    mynah_pubsub_notify(talk.c, "tune", true);
    mynah_pubsub_notify(talk.c, "mood", true);
    mynah_pubsub_notify(talk.c, "mood", false);
    talk_until(talk_done);
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "mood+notify", 11));
    talk_end("online");
}

static bool freed(void)
{
    return noted("items=1");
}

TEST(a_client_may_be_freed_while_an_event_is_told)
{
    static const char *const lines[] = {
        LOGIN(""),
        EVENT("<items node='n'><item id='1'/><retract id='2'/></items><purge node='n'/>", ""),
        NULL};

    talk_start(lines, NULL);
    mynah_pubsub_listen(talk.c, &calls, "free");
    talk_until(freed);
    talk.c = NULL;
    talk_end("online items:s.test:n items=1 1:-:-");
}

/* What comes by itself. */
#include "fuzz/user_parts.h"

static void on_message(void *arg, struct mynah_client *client, const struct mynah_message *m)
{
    (void)arg;
    read_stanza(m->xml);
    read_error(m->error);
    mynah_message_received(client, m);
    mynah_message_displayed(client, m);
}

static void on_presence(void *arg, struct mynah_client *client, const struct mynah_presence *p)
{
    (void)arg;
    read_stanza(p->xml);
    (void)mynah_roster_resource(client, p->from, 0);
}

static void asks_to_see(void *arg, struct mynah_client *client, const char *from, const char *why)
{
    (void)arg;
    read_text(why);
    (void)mynah_subscription_send(client, from, MYNAH_SUBSCRIBED, NULL);
}

static void on_contact(void *arg, struct mynah_client *client, const struct mynah_contact *k)
{
    (void)arg;
    read_text(k->name);
    read_texts(k->groups, k->group_count);
    MN_ASSERT(mynah_roster_find(client, k->jid) == k);
}

static void on_invitation(void *arg, struct mynah_client *client, const struct mynah_invitation *i)
{
    (void)arg;
    read_texts((const char *const[]){i->room, i->from, i->reason, i->password, i->thread}, 5);
    (void)mynah_invitation_decline(client, i, "no");
}

static void on_captcha(void *arg, struct mynah_client *client, const struct mynah_captcha *q)
{
    (void)arg;
    read_text(q->about);
    read_stanza(q->xml);
    if (q->form && user.ask_count < ASKED_MAX) {
        struct mynah_form *answer = mynah_form_answer(q->form);

        read_form(q->form);
        mynah_captcha_answer(client, q->from, answer, on_iq, mark());
        mynah_form_free(answer);
    } else if (q->id) {
        (void)mynah_captcha_refuse(client, q->from, q->id);
    }
}

static void on_event(void *arg, struct mynah_client *client, const struct mynah_pubsub_event *e,
                     const struct mynah_pubsub_item *items, size_t n)
{
    (void)arg;
    (void)client;
    read_texts(e->subids, e->subid_count);
    for (size_t i = 0; i < n; i++)
        read_elem(items[i].xml);
}

static void on_retracted(void *arg, struct mynah_client *client, const struct mynah_pubsub_event *e,
                         const char *const *ids, size_t n)
{
    read_texts(ids, n);
    on_event(arg, client, e, NULL, 0);
}

static void on_deleted(void *arg, struct mynah_client *client, const struct mynah_pubsub_event *e,
                       const char *redirect)
{
    read_text(redirect);
    on_event(arg, client, e, NULL, 0);
}

static void on_configured(void *arg, struct mynah_client *client,
                          const struct mynah_pubsub_event *e, const struct mynah_form *f)
{
    read_form(f);
    on_event(arg, client, e, NULL, 0);
}

static void on_subscription(void *arg, struct mynah_client *client,
                            const struct mynah_pubsub_event *e,
                            const struct mynah_pubsub_subscription *s)
{
    read_elem(s->xml);
    on_event(arg, client, e, NULL, 0);
}

static void on_pubsub_asked(void *arg, struct mynah_client *client,
                            const struct mynah_pubsub_ask *q)
{
    (void)arg;
    read_form(q->form);
    (void)mynah_pubsub_answer(client, q, true);
}

static void on_jid(void *arg, struct mynah_client *client, const char *jid)
{
    (void)arg;
    (void)client;
    read_text(jid);
}

static void on_question(void *arg, struct mynah_client *client, struct mynah_ask *q)
{
    struct mynah_elem *answer = mynah_elem_new("query", "urn:test");

    (void)arg;
    (void)client;
    read_elem(mynah_ask_payload(q));
    mynah_ask_result(&q, &answer);
}

static void on_link(void *arg, struct mynah_client *client, struct mynah_ask *q, const char *url,
                    const char *desc)
{
    (void)arg;
    (void)client;
    read_texts((const char *const[]){url, desc}, 2);
    mynah_ask_error(&q, "item-not-found", NULL);
}

static void on_offer(void *arg, struct mynah_client *client, struct mynah_ask *q,
                     const struct mynah_initiation *i)
{
    struct mynah_elem *none = NULL;

    (void)arg;
    (void)client;
    read_elem(i->xml);
    if (i->methods & MYNAH_IBB)
        mynah_initiate_accept(&q, MYNAH_IBB, &none);
    else
        mynah_initiate_refuse(&q, "no-valid-streams", NULL);
}

static enum mynah_agreed on_feature(void *arg, struct mynah_client *client, const char *from,
                                    const struct mynah_form *offer, struct mynah_form *answer,
                                    const char **what)
{
    const struct mynah_field *k = mynah_form_at(offer, 1);

    (void)arg;
    (void)client;
    (void)what;
    read_text(from);
    read_form(offer);
    if (k && k->var && k->option_count)
        mynah_form_set(answer, k->var, k->options[0].value);
    return MYNAH_AGREED;
}

static void on_call(void *arg, struct mynah_client *client, const struct mynah_call *call,
                    struct mynah_answer *answer)
{
    static int stages;

    (void)arg;
    (void)client;
    read_form(call->form);
    read_elem(call->xml);
    *call->state = &stages;
    answer->more = call->action == MYNAH_EXECUTE;
    if (answer->more)
        answer->form = mynah_form_new("form", "urn:f");
    answer->actions = 1 << MYNAH_NEXT | 1 << MYNAH_COMPLETE;
}

static bool on_node(void *arg, struct mynah_client *client, const char *from, bool items,
                    struct mynah_elem *query)
{
    (void)arg;
    (void)client;
    (void)items;
    read_text(from);
    read_elem(query);
    return true;
}

static void in_dialog(void *arg, struct mynah_dialog *d, const struct mynah_message *m)
{
    (void)arg;
    read_elem(m->xml);
    mynah_dialog_seen(d);
}

static void in_room(void *arg, struct mynah_room *r, const struct mynah_message *m,
                    const char *nick)
{
    (void)arg;
    read_elem(m->xml);
    if (nick && mynah_room_occupant(r, nick))
        read_text(mynah_room_occupant(r, nick)->jid);
}

static void on_occupant(void *arg, struct mynah_room *r, const struct mynah_occupant *o)
{
    (void)arg;
    (void)r;
    read_elem(o->xml);
}

static void on_voice(void *arg, struct mynah_room *r, const struct mynah_form *f)
{
    (void)arg;
    read_form(f);
    (void)mynah_room_voice(r, f, true);
}

void user_hears(void)
{
    static const struct mynah_calls calls = {
        .size = sizeof calls, .message = on_message, .presence = on_presence};
    static const struct mynah_roster_calls roster = {
        .size = sizeof roster, .changed = on_contact, .asked = asks_to_see};
    static const struct mynah_invitation_calls invitations = {sizeof invitations, on_invitation};
    static const struct mynah_captcha_calls captchas = {sizeof captchas, on_captcha};
    static const struct mynah_pubsub_calls pubsub = {.size = sizeof pubsub,
                                                     .items = on_event,
                                                     .retracted = on_retracted,
                                                     .deleted = on_deleted,
                                                     .configured = on_configured,
                                                     .subscription = on_subscription,
                                                     .asked = on_pubsub_asked};
    static const struct mynah_privacy_calls privacy = {sizeof privacy, on_jid};
    static const struct mynah_blocking_calls blocking = {sizeof blocking, on_jid, on_jid};
    static const struct mynah_dialog_calls in = {.size = sizeof in, .message = in_dialog};
    static const struct mynah_dialog_config with = {
        .size = sizeof with, .jid = HIM, .ask_events = 15};
    static const struct mynah_room_calls room_calls = {
        .size = sizeof room_calls, .message = in_room, .occupant = on_occupant, .voice = on_voice};

    mynah_listen(user.c, &calls, NULL);
    mynah_roster_listen(user.c, &roster, NULL);
    mynah_invitations_listen(user.c, &invitations, NULL);
    mynah_captcha_listen(user.c, &captchas, NULL);
    mynah_pubsub_listen(user.c, &pubsub, NULL);
    mynah_privacy_listen(user.c, &privacy, NULL);
    mynah_blocking_listen(user.c, &blocking, NULL);
    mynah_pubsub_notify(user.c, "urn:n", true);
    MN_ASSERT(!mynah_software_set(user.c, "user", "1", NULL));
    mynah_iq_serve(user.c, MYNAH_SET, "urn:test", "query", on_question, NULL);
    mynah_oob_serve(user.c, on_link, NULL);
    mynah_initiate_serve(user.c, "urn:p", on_offer, NULL);
    mynah_negotiate_serve(user.c, "urn:f", on_feature, NULL);
    mynah_command_serve(user.c, "c", "C", on_call, NULL);
    mynah_command_feature(user.c, "c", MYNAH_NS_IODATA);
    mynah_disco_serve(user.c, "n", on_node, NULL);
    MN_ASSERT(!mynah_dialog_new(user.c, &with, &in, NULL, &user.dialog));
    MN_ASSERT(!mynah_room_new(user.c, "room@rooms.test", "me", &room_calls, NULL, &user.room));
}

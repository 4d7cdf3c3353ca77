/* XEP-0060 Publish-Subscribe: what services tell by messages, and who wants to subscribe to nodes
 * of ours. Whether a service may say that is the program's to know: it hears where it came from. */
#include "client/ext.h"
#include "client/pubsub.h"
#include "mynah/disco.h"
#include "mynah/payload.h"

#define NS_EVENT NS_PUBSUB "#event"
#define NS_ASK NS_PUBSUB "#subscribe_authorization"

struct pubsub {
    struct mn_list listeners;
};

static struct pubsub *pubsub_of(struct mynah_client *c)
{
    return ext_state(c, &ext_pubsub);
}

#define TELL(c, member, ...)                                                                       \
    LISTENERS_TELL(&pubsub_of(c)->listeners, struct mynah_pubsub_calls, member, c, __VA_ARGS__)

/* Events: one function for each element. */

static void on_items(struct mynah_client *c, const struct mynah_pubsub_event *e,
                     const struct mynah_elem *in, struct mn_arena *a)
{
    size_t count, gone = 0;
    struct mynah_pubsub_item *items = pubsub_items(in, a, &count);
    const char **ids = elem_room(in, "retract", NULL, sizeof *ids, a);

    MYNAH_EACH(r, in, "retract", NULL)
    if (mynah_elem_get(r, "id"))
        ids[gone++] = mynah_elem_get(r, "id");
    if (count || !mynah_elem_child(in, "retract", NULL))
        TELL(c, items, e, items, count);
    if (gone && !c->freed)
        TELL(c, retracted, e, ids, gone);
}

static void on_purge(struct mynah_client *c, const struct mynah_pubsub_event *e,
                     const struct mynah_elem *in, struct mn_arena *a)
{
    (void)in;
    (void)a;
    TELL(c, purged, e);
}

static void on_delete(struct mynah_client *c, const struct mynah_pubsub_event *e,
                      const struct mynah_elem *in, struct mn_arena *a)
{
    (void)a;
    TELL(c, deleted, e, mynah_elem_get(mynah_elem_child(in, "redirect", NULL), "uri"));
}

static void on_configuration(struct mynah_client *c, const struct mynah_pubsub_event *e,
                             const struct mynah_elem *in, struct mn_arena *a)
{
    struct mynah_form *form = mynah_form_read(in);

    (void)a;
    TELL(c, configured, e, form);
    mynah_form_free(form);
}

static void on_subscription(struct mynah_client *c, const struct mynah_pubsub_event *e,
                            const struct mynah_elem *in, struct mn_arena *a)
{
    struct mynah_pubsub_subscription s;

    (void)a;
    if (pubsub_subscription(in, NULL, &s))
        TELL(c, subscription, e, &s);
}

static void on_collection(struct mynah_client *c, const struct mynah_pubsub_event *e,
                          const struct mynah_elem *in, struct mn_arena *a)
{
    (void)a;
    MYNAH_EACH(k, in, NULL, NS_EVENT)
    {
        const char *node = mynah_elem_get(k, "node");
        bool on = mynah_elem_is(k, "associate", NULL);

        if (node && (on || mynah_elem_is(k, "disassociate", NULL)))
            TELL(c, associated, e, node, on);
    }
}

static const struct {
    const char *name;
    void (*told)(struct mynah_client *c, const struct mynah_pubsub_event *e,
                 const struct mynah_elem *in, struct mn_arena *a);
} kinds[] = {
    {"items", on_items},
    {"purge", on_purge},
    {"collection", on_collection},
    {"delete", on_delete},
    {"configuration", on_configuration},
    {"subscription", on_subscription},
};

static bool is_header(const struct mynah_elem *h, const char *name)
{
    const char *has = mynah_elem_get(h, "name");

    return has && mn_str_eq_nocase(mn_str_from(has), mn_str_from(name));
}

/* XEP-0131: by which subscriptions it came. */
static void headers(const struct mynah_elem *st, struct mynah_pubsub_event *e, struct mn_arena *a)
{
    const struct mynah_elem *in =
        mynah_elem_child(st, "headers", "http://jabber.org/protocol/shim");
    const char **subids = elem_room(in, "header", NULL, sizeof *subids, a);

    MYNAH_EACH(h, in, "header", NULL)
    if (is_header(h, "SubID"))
        subids[e->subid_count++] = mynah_elem_text(h);
    else if (is_header(h, "Collection"))
        e->collection = mynah_elem_text(h);
    e->subids = subids;
}

static void event(struct mynah_client *c, const char *from, const struct mynah_elem *st,
                  const struct mynah_elem *in)
{
    struct mn_arena a = {0};
    struct mynah_pubsub_event e = {
        .service = from, .sent_at = mynah_delay(st, NULL, NULL), .xml = st};

    headers(st, &e, &a);
    MYNAH_EACH(child, in, NULL, NS_EVENT)
    {
        e.node = mynah_elem_get(child, "node");
        for (size_t i = 0; i < MN_COUNT(kinds) && !c->freed; i++)
            if (mynah_elem_is(child, kinds[i].name, NULL))
                kinds[i].told(c, &e, child, &a);
    }
    mn_arena_done(&a, NULL);
}

/* Requests of others; false: it is no such form. */

static bool asked(struct mynah_client *c, const char *from, const struct mynah_elem *st)
{
    struct mynah_form *form = mynah_form_read(st);
    const char *type = form ? mynah_form_value(form, "FORM_TYPE") : NULL;
    struct mynah_pubsub_ask q;
    bool is = type && !strcmp(type, NS_ASK) && !strcmp(mynah_form_type(form), "form");

    if (is) {
        q = (struct mynah_pubsub_ask){.service = from,
                                      .node = mynah_form_value(form, "pubsub#node"),
                                      .jid = mynah_form_value(form, "pubsub#subscriber_jid"),
                                      .subid = mynah_form_value(form, "pubsub#subid"),
                                      .id = mynah_elem_get(st, "id"),
                                      .form = form};
        if (q.node && q.jid)
            TELL(c, asked, &q);
    }
    mynah_form_free(form);
    return is;
}

static bool stanza(struct mynah_client *c, void *state, const struct mynah_elem *st)
{
    struct pubsub *p = state;
    const struct mynah_elem *in = mynah_elem_child(st, "event", NS_EVENT);
    const char *type = mynah_elem_get(st, "type"), *from = mynah_elem_get(st, "from");

    if (mn_list_empty(&p->listeners) || !mynah_elem_is(st, "message", NULL) ||
        (type && !strcmp(type, "error")))
        return false;
    from = from ? from : mynah_client_bare(c);
    if (in)
        event(c, from, st, in);
    else if (!mynah_elem_child(st, "x", "jabber:x:data") || !asked(c, from, st))
        return false;
    return !mynah_elem_child(st, "body", NULL);
}

static void init(struct mynah_client *c, void *state)
{
    struct pubsub *p = state;

    (void)c;
    mn_list_init(&p->listeners);
}

static void freed(struct mynah_client *c, void *state)
{
    (void)c;
    listeners_mute(&((struct pubsub *)state)->listeners);
}

static void done(struct mynah_client *c, void *state)
{
    struct pubsub *p = state;

    (void)c;
    listeners_free(&p->listeners);
}

const struct ext ext_pubsub = {.name = "pubsub",
                               .size = sizeof(struct pubsub),
                               .init = init,
                               .done = done,
                               .freed = freed,
                               .stanza = stanza};

/* What programs call. */

struct mynah_listener *mynah_pubsub_listen(struct mynah_client *c,
                                           const struct mynah_pubsub_calls *calls, void *arg)
{
    return listener_add(c->ctx, &pubsub_of(c)->listeners, calls, sizeof *calls, arg);
}

int mynah_pubsub_answer(struct mynah_client *c, const struct mynah_pubsub_ask *q, bool allow)
{
    struct mynah_form *form =
        q->form ? mynah_form_answer(q->form) : mynah_form_new("submit", NS_ASK);
    struct mynah_elem *m = mynah_message_new(q->service, MYNAH_NORMAL, NULL), *x;

    if (q->subid)
        mynah_form_set(form, "pubsub#subid", q->subid);
    mynah_form_set(form, "pubsub#node", q->node);
    mynah_form_set(form, "pubsub#subscriber_jid", q->jid);
    mynah_form_set(form, "pubsub#allow", allow ? "true" : "false");
    x = mynah_form_elem(form);
    mynah_form_free(form);
    mynah_elem_set(m, "id", q->id);
    mynah_elem_hang(m, &x);
    return mynah_send(c, &m);
}

void mynah_pubsub_notify(struct mynah_client *c, const char *node, bool on)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "%s+notify", node);
    mn_buf_c(&b, 0);
    mynah_disco_feature(c, b.p, on);
    mn_buf_free(&b);
}

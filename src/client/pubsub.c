/* XEP-0060 Publish-Subscribe: requests. Each is a verb inside <pubsub/>, and its answer is looked
 * for below an element of a known name; what differs is how that is told. */
#include "client/pubsub.h"

#define NS_OWNER NS_PUBSUB "#owner"
#define NS_ERRORS NS_PUBSUB "#errors"

static const char *const states[] = {"none", "pending", "unconfigured", "subscribed"};
static const char *const affiliations[] = {"outcast",      "none",      "member",
                                           "publish-only", "publisher", "owner"};

/* The place of a word, or `usual` for one that nobody knows. */
static int word(const char *text, const char *const *words, int count, int usual)
{
    for (int i = 0; text && i < count; i++)
        if (!strcmp(text, words[i]))
            return i;
    return usual;
}

/* Reading. */

bool pubsub_subscription(const struct mynah_elem *e, const struct mynah_elem *in,
                         struct mynah_pubsub_subscription *out)
{
    const struct mynah_elem *options = mynah_elem_child(e, "subscribe-options", NULL);
    const char *node = mynah_elem_get(e, "node"), *state = mynah_elem_get(e, "subscription");

    *out = (struct mynah_pubsub_subscription){
        .node = node ? node : mynah_elem_get(in, "node"),
        .jid = mynah_elem_get(e, "jid"),
        .subid = mynah_elem_get(e, "subid"),
        .state = (enum mynah_pubsub_state)word(state, states, MN_COUNT(states), 0),
        .expiry = mynah_elem_get(e, "expiry"),
        .has_options = options,
        .needs_options = mynah_elem_child(options, "required", NULL),
        .xml = e,
    };
    return out->jid;
}

struct mynah_pubsub_item *pubsub_items(const struct mynah_elem *in, struct mn_arena *a,
                                       size_t *count)
{
    struct mynah_pubsub_item *list = elem_room(in, "item", NULL, sizeof *list, a);

    *count = 0;
    MYNAH_EACH(e, in, "item", NULL)
    list[(*count)++] =
        (struct mynah_pubsub_item){mynah_elem_get(e, "id"), mynah_elem_get(e, "publisher"),
                                   mynah_elem_child(e, NULL, NULL), e};
    return list;
}

const char *mynah_pubsub_missing(const struct mynah_error *error)
{
    const struct mynah_elem *e = error ? mynah_elem_child(error->xml, "error", NULL) : NULL;

    return mynah_elem_get(mynah_elem_child(e, "unsupported", NS_ERRORS), "feature");
}

/* Requests and their answers. */

struct wanted {
    const char *ns, *verb; /* the element that the answer is in */
    bool needed;           /* an answer without it is none */
    void (*tell)(struct wanted *w, struct mynah_client *c, const struct mynah_elem *in,
                 const struct mynah_elem *pubsub, const struct mynah_error *error);
    union {
        mynah_pubsub_subscribed *subscribed;
        mynah_pubsub_named *named;
        mynah_pubsub_form *form;
        mynah_pubsub_subscriptions_done *subscriptions;
        mynah_pubsub_affiliates_done *affiliates;
        mynah_pubsub_items_done *items;
    } done;
    void *arg;
    const struct mynah_elem *answer;
    char *node, *id; /* what was asked for, where the answer does not say; or NULL */
};

static void came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                 const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *pubsub =
                                mynah_elem_child(result ? result : error->xml, "pubsub", w->ns),
                            *in = mynah_elem_child(pubsub, w->verb, NULL);
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};

    w->answer = result;
    w->tell(w, c, in, pubsub, result && w->needed && !in ? &none : error);
    mn_free(w->node);
    mn_free(w->id);
    mn_free(w);
}

static char *name_dup(const char *name)
{
    return name ? mn_str_dup(mn_str_from(name)) : NULL;
}

/* <pubsub/> with its first child, which is `*verb`. */
static struct mynah_elem *pubsub_new(const char *ns, const char *name, const char *node,
                                     struct mynah_elem **verb)
{
    struct mynah_elem *e = mynah_elem_new("pubsub", ns);

    *verb = mynah_elem_add(e, name, NULL);
    mynah_elem_set(*verb, "node", node);
    return e;
}

static void form_hang(struct mynah_elem *e, const struct mynah_form *form)
{
    struct mynah_elem *x = form ? mynah_form_elem(form) : NULL;

    mynah_elem_hang(e, &x);
}

static struct mynah_request *ask(struct mynah_client *c, enum mynah_iq_type type,
                                 const char *service, struct mynah_elem *pubsub,
                                 const struct wanted *wanted)
{
    const struct mynah_elem *verb = mynah_elem_child(pubsub, NULL, NULL);
    struct wanted *w;

    if (!wanted->done.named)
        return mynah_iq_send(c, type, service, &pubsub, 0, NULL, NULL);
    w = MN_NEW(struct wanted);
    *w = *wanted;
    w->node = name_dup(mynah_elem_get(verb, "node"));
    w->id = name_dup(mynah_elem_get(mynah_elem_child(verb, "item", NULL), "id"));
    return mynah_iq_send(c, type, service, &pubsub, 0, came, w);
}

static void form_tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *in,
                      const struct mynah_elem *pubsub, const struct mynah_error *error)
{
    struct mynah_form *form = error ? NULL : mynah_form_read(in);
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = w->answer};

    w->done.form(w->arg, c, form, form || error ? error : &none);
    mynah_form_free(form);
}

static struct mynah_request *form_get(struct mynah_client *c, const char *service, const char *ns,
                                      const char *name, struct mynah_elem *pubsub,
                                      mynah_pubsub_form *done, void *arg)
{
    return ask(c, MYNAH_GET, service, pubsub,
               &(struct wanted){ns, name, true, form_tell, {.form = done}, arg});
}

static void node_tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *in,
                      const struct mynah_elem *pubsub, const struct mynah_error *error)
{
    const char *node = mynah_elem_get(in, "node");
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = w->answer};

    node = node ? node : w->node;
    if (!node && !error)
        error = &none;
    w->done.named(w->arg, c, error ? NULL : node, error);
}

static void id_tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *in,
                    const struct mynah_elem *pubsub, const struct mynah_error *error)
{
    const char *id = mynah_elem_get(mynah_elem_child(in, "item", NULL), "id");

    (void)pubsub;
    w->done.named(w->arg, c, error ? NULL : id ? id : w->id, error);
}

static void subscriptions_tell(struct wanted *w, struct mynah_client *c,
                               const struct mynah_elem *in, const struct mynah_elem *pubsub,
                               const struct mynah_error *error)
{
    struct mn_arena a = {0};
    struct mynah_pubsub_subscription *list = elem_room(in, "subscription", NULL, sizeof *list, &a);
    size_t n = 0;

    (void)pubsub;
    MYNAH_EACH(e, in, "subscription", NULL)
    if (pubsub_subscription(e, in, &list[n])) {
        list[n].node = list[n].node ? list[n].node : w->node;
        n++;
    }
    w->done.subscriptions(w->arg, c, list, n, error);
    mn_arena_done(&a, NULL);
}

static void affiliates_tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *in,
                            const struct mynah_elem *pubsub, const struct mynah_error *error)
{
    struct mn_arena a = {0};
    struct mynah_pubsub_affiliate *list = elem_room(in, "affiliation", NULL, sizeof *list, &a);
    size_t n = 0;

    (void)pubsub;
    MYNAH_EACH(e, in, "affiliation", NULL)
    list[n++] = (struct mynah_pubsub_affiliate){
        mynah_elem_get(e, "node") ? mynah_elem_get(e, "node") : w->node, mynah_elem_get(e, "jid"),
        (enum mynah_pubsub_affiliation)(
            word(mynah_elem_get(e, "affiliation"), affiliations, MN_COUNT(affiliations), 1) - 1)};
    w->done.affiliates(w->arg, c, list, n, error);
    mn_arena_done(&a, NULL);
}

/* Subscribers. */

static void subscribed_tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *in,
                            const struct mynah_elem *pubsub, const struct mynah_error *error)
{
    struct mynah_pubsub_subscription s;
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = w->answer};

    if (!pubsub_subscription(in, NULL, &s) && !error)
        error = &none;
    if (!s.node)
        s.node = w->node;
    w->done.subscribed(w->arg, c, error ? NULL : &s, error);
}

/* A verb about one subscription. */
static struct mynah_elem *subscription_new(struct mynah_client *c, const char *name,
                                           const char *node, const char *jid, const char *subid,
                                           struct mynah_elem **verb)
{
    struct mynah_elem *e = pubsub_new(NS_PUBSUB, name, node, verb);

    mynah_elem_set(*verb, "jid", jid ? jid : mynah_client_bare(c));
    mynah_elem_set(*verb, "subid", subid);
    return e;
}

struct mynah_request *mynah_pubsub_subscribe(struct mynah_client *c, const char *service,
                                             const char *node, const char *jid,
                                             const struct mynah_form *options,
                                             mynah_pubsub_subscribed *done, void *arg)
{
    struct mynah_elem *verb, *e = subscription_new(c, "subscribe", node, jid, NULL, &verb);

    if (options)
        form_hang(mynah_elem_add(e, "options", NULL), options);
    return ask(c, MYNAH_SET, service, e,
               &(struct wanted){
                   NS_PUBSUB, "subscription", true, subscribed_tell, {.subscribed = done}, arg});
}

struct mynah_request *mynah_pubsub_unsubscribe(struct mynah_client *c, const char *service,
                                               const char *node, const char *jid, const char *subid,
                                               mynah_iq_done *done, void *arg)
{
    struct mynah_elem *verb, *e = subscription_new(c, "unsubscribe", node, jid, subid, &verb);

    return mynah_iq_send(c, MYNAH_SET, service, &e, 0, done, arg);
}

struct mynah_request *mynah_pubsub_options(struct mynah_client *c, const char *service,
                                           const char *node, const char *jid, const char *subid,
                                           mynah_pubsub_form *done, void *arg)
{
    struct mynah_elem *verb, *e = subscription_new(c, "options", node, jid, subid, &verb);

    return form_get(c, service, NS_PUBSUB, "options", e, done, arg);
}

struct mynah_request *mynah_pubsub_set_options(struct mynah_client *c, const char *service,
                                               const char *node, const char *jid, const char *subid,
                                               const struct mynah_form *options,
                                               mynah_iq_done *done, void *arg)
{
    struct mynah_elem *verb, *e = subscription_new(c, "options", node, jid, subid, &verb);

    form_hang(verb, options);
    return mynah_iq_send(c, MYNAH_SET, service, &e, 0, done, arg);
}

struct mynah_request *mynah_pubsub_default_options(struct mynah_client *c, const char *service,
                                                   const char *node, mynah_pubsub_form *done,
                                                   void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_PUBSUB, "default", node, &verb);

    return form_get(c, service, NS_PUBSUB, "default", e, done, arg);
}

static struct mynah_request *subscriptions_ask(struct mynah_client *c, enum mynah_iq_type type,
                                               const char *service, const char *ns,
                                               struct mynah_elem *e,
                                               mynah_pubsub_subscriptions_done *done, void *arg)
{
    return ask(c, type, service, e,
               &(struct wanted){ns,
                                "subscriptions",
                                type == MYNAH_GET,
                                subscriptions_tell,
                                {.subscriptions = done},
                                arg});
}

struct mynah_request *mynah_pubsub_subscriptions(struct mynah_client *c, const char *service,
                                                 const char *node,
                                                 mynah_pubsub_subscriptions_done *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_PUBSUB, "subscriptions", node, &verb);

    return subscriptions_ask(c, MYNAH_GET, service, NS_PUBSUB, e, done, arg);
}

static struct mynah_request *affiliates_ask(struct mynah_client *c, enum mynah_iq_type type,
                                            const char *service, const char *ns,
                                            struct mynah_elem *e,
                                            mynah_pubsub_affiliates_done *done, void *arg)
{
    return ask(
        c, type, service, e,
        &(struct wanted){
            ns, "affiliations", type == MYNAH_GET, affiliates_tell, {.affiliates = done}, arg});
}

struct mynah_request *mynah_pubsub_affiliations(struct mynah_client *c, const char *service,
                                                const char *node,
                                                mynah_pubsub_affiliates_done *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_PUBSUB, "affiliations", node, &verb);

    return affiliates_ask(c, MYNAH_GET, service, NS_PUBSUB, e, done, arg);
}

static void items_tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *in,
                       const struct mynah_elem *pubsub, const struct mynah_error *error)
{
    struct mn_arena a = {0};
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = w->answer};
    struct mynah_page page;
    size_t n;
    struct mynah_pubsub_item *list = pubsub_items(error ? NULL : in, &a, &n);

    if (!error && !pubsub) /* without <items/> the page is empty (XEP-0059 2.2) */
        error = &none;
    w->done.items(w->arg, c, list, n, !error && mynah_page_read(pubsub, &page) ? &page : NULL,
                  error);
    mn_arena_done(&a, NULL);
}

static void wish_add(struct mynah_elem *e, struct mynah_elem *verb,
                     const struct mynah_pubsub_wish *w)
{
    struct mn_buf newest = {0};

    for (size_t i = 0; i < w->id_count; i++)
        mynah_elem_set(mynah_elem_add(verb, "item", NULL), "id", w->ids[i]);
    mynah_elem_set(verb, "subid", w->subid);
    mynah_page_add(e, w->page);
    if (!w->newest)
        return;
    mn_buf_fmt(&newest, "%u", w->newest);
    mn_buf_c(&newest, 0);
    mynah_elem_set(verb, "max_items", newest.p);
    mn_buf_free(&newest);
}

struct mynah_request *mynah_pubsub_items(struct mynah_client *c, const char *service,
                                         const char *node, const struct mynah_pubsub_wish *wish,
                                         mynah_pubsub_items_done *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_PUBSUB, "items", node, &verb);

    if (wish)
        wish_add(e, verb, wish);
    return ask(c, MYNAH_GET, service, e,
               &(struct wanted){NS_PUBSUB, "items", false, items_tell, {.items = done}, arg});
}

/* Publishers. */

struct mynah_request *mynah_pubsub_publish(struct mynah_client *c, const char *service,
                                           const char *node, const char *id,
                                           struct mynah_elem **payload,
                                           const struct mynah_form *options,
                                           mynah_pubsub_named *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_PUBSUB, "publish", node, &verb), *item;

    if (id || (payload && *payload)) {
        item = mynah_elem_add(verb, "item", NULL);
        mynah_elem_set(item, "id", id);
        if (payload)
            mynah_elem_hang(item, payload);
    }
    if (options)
        form_hang(mynah_elem_add(e, "publish-options", NULL), options);
    return ask(c, MYNAH_SET, service, e,
               &(struct wanted){NS_PUBSUB, "publish", false, id_tell, {.named = done}, arg});
}

struct mynah_request *mynah_pubsub_retract(struct mynah_client *c, const char *service,
                                           const char *node, const char *id, bool notify,
                                           mynah_iq_done *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_PUBSUB, "retract", node, &verb);

    mynah_elem_set(verb, "notify", notify ? "true" : NULL);
    mynah_elem_set(mynah_elem_add(verb, "item", NULL), "id", id);
    return mynah_iq_send(c, MYNAH_SET, service, &e, 0, done, arg);
}

/* Owners. */

struct mynah_request *mynah_pubsub_create(struct mynah_client *c, const char *service,
                                          const char *node, const struct mynah_form *config,
                                          mynah_pubsub_named *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_PUBSUB, "create", node, &verb);

    if (config)
        form_hang(mynah_elem_add(e, "configure", NULL), config);
    return ask(c, MYNAH_SET, service, e,
               &(struct wanted){NS_PUBSUB, "create", false, node_tell, {.named = done}, arg});
}

struct mynah_request *mynah_pubsub_config(struct mynah_client *c, const char *service,
                                          const char *node, mynah_pubsub_form *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_OWNER, "configure", node, &verb);

    return form_get(c, service, NS_OWNER, "configure", e, done, arg);
}

struct mynah_request *mynah_pubsub_configure(struct mynah_client *c, const char *service,
                                             const char *node, const struct mynah_form *filled,
                                             mynah_iq_done *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_OWNER, "configure", node, &verb);

    form_hang(verb, filled);
    return mynah_iq_send(c, MYNAH_SET, service, &e, 0, done, arg);
}

struct mynah_request *mynah_pubsub_default_config(struct mynah_client *c, const char *service,
                                                  const char *type, mynah_pubsub_form *done,
                                                  void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_OWNER, "default", NULL, &verb);

    mynah_elem_set(verb, "type", type);
    return form_get(c, service, NS_OWNER, "default", e, done, arg);
}

struct mynah_request *mynah_pubsub_delete(struct mynah_client *c, const char *service,
                                          const char *node, const char *redirect,
                                          mynah_iq_done *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_OWNER, "delete", node, &verb);

    if (redirect)
        mynah_elem_set(mynah_elem_add(verb, "redirect", NULL), "uri", redirect);
    return mynah_iq_send(c, MYNAH_SET, service, &e, 0, done, arg);
}

struct mynah_request *mynah_pubsub_purge(struct mynah_client *c, const char *service,
                                         const char *node, mynah_iq_done *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_OWNER, "purge", node, &verb);

    return mynah_iq_send(c, MYNAH_SET, service, &e, 0, done, arg);
}

struct mynah_request *mynah_pubsub_subscribers(struct mynah_client *c, const char *service,
                                               const char *node,
                                               mynah_pubsub_subscriptions_done *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_OWNER, "subscriptions", node, &verb);

    return subscriptions_ask(c, MYNAH_GET, service, NS_OWNER, e, done, arg);
}

struct mynah_request *mynah_pubsub_set_subscribers(struct mynah_client *c, const char *service,
                                                   const char *node,
                                                   const struct mynah_pubsub_subscriber *list,
                                                   size_t count,
                                                   mynah_pubsub_subscriptions_done *done, void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_OWNER, "subscriptions", node, &verb), *s;

    for (size_t i = 0; i < count; i++) {
        s = mynah_elem_add(verb, "subscription", NULL);
        mynah_elem_set(s, "jid", list[i].jid);
        mynah_elem_set(s, "subid", list[i].subid);
        mynah_elem_set(s, "subscription", states[list[i].state]);
    }
    return subscriptions_ask(c, MYNAH_SET, service, NS_OWNER, e, done, arg);
}

struct mynah_request *mynah_pubsub_affiliates(struct mynah_client *c, const char *service,
                                              const char *node, mynah_pubsub_affiliates_done *done,
                                              void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_OWNER, "affiliations", node, &verb);

    return affiliates_ask(c, MYNAH_GET, service, NS_OWNER, e, done, arg);
}

struct mynah_request *mynah_pubsub_set_affiliates(struct mynah_client *c, const char *service,
                                                  const char *node,
                                                  const struct mynah_pubsub_affiliate *list,
                                                  size_t count, mynah_pubsub_affiliates_done *done,
                                                  void *arg)
{
    struct mynah_elem *verb, *e = pubsub_new(NS_OWNER, "affiliations", node, &verb), *s;

    for (size_t i = 0; i < count; i++) {
        s = mynah_elem_add(verb, "affiliation", NULL);
        mynah_elem_set(s, "jid", list[i].jid);
        mynah_elem_set(s, "affiliation", affiliations[list[i].affiliation + 1]);
    }
    return affiliates_ask(c, MYNAH_SET, service, NS_OWNER, e, done, arg);
}

/* XEP-0016 Privacy Lists: requests, and pushes of the own server. */
#include "mynah/privacy.h"

#include "base/err.h"
#include "base/num.h"
#include "client/ext.h"

#define NS_PRIVACY "jabber:iq:privacy"

static const char *const types[] = {NULL, "jid", "group", "subscription"};
static const char *const stanzas[] = {"message", "iq", "presence-in", "presence-out"};

struct privacy {
    struct mn_list listeners;
};

static void pushed(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct privacy *p = arg;
    const char *name =
        mynah_elem_get(mynah_elem_child(mynah_ask_payload(q), "list", NS_PRIVACY), "name");
    char *copy = name ? mn_str_dup(mn_str_from(name)) : NULL;

    if (!from_self(c, mynah_ask_from(q))) {
        mynah_ask_error(&q, "service-unavailable", NULL);
    } else if (!copy) {
        mynah_ask_error(&q, "bad-request", NULL);
    } else {
        mynah_ask_result(&q, NULL);
        LISTENERS_TELL(&p->listeners, struct mynah_privacy_calls, changed, c, copy);
    }
    mn_free(copy);
}

static void init(struct mynah_client *c, void *state)
{
    struct privacy *p = state;

    mn_list_init(&p->listeners);
    mynah_iq_serve(c, MYNAH_SET, NS_PRIVACY, "query", pushed, p);
}

static void freed(struct mynah_client *c, void *state)
{
    (void)c;
    listeners_mute(&((struct privacy *)state)->listeners);
}

static void done(struct mynah_client *c, void *state)
{
    struct privacy *p = state;

    (void)c;
    listeners_free(&p->listeners);
}

const struct ext ext_privacy = {
    .name = "privacy", .size = sizeof(struct privacy), .init = init, .done = done, .freed = freed};

struct mynah_listener *mynah_privacy_listen(struct mynah_client *c,
                                            const struct mynah_privacy_calls *calls, void *arg)
{
    struct privacy *p = ext_state(c, &ext_privacy);

    return listener_add(c->ctx, &p->listeners, calls, sizeof *calls, arg);
}

/* Reading. */

struct wanted {
    mynah_privacy_lists_done *lists;
    mynah_privacy_done *items;
    void *arg;
};

static const struct mynah_error none = {.code = MYNAH_E_FORMAT};

static struct mynah_request *get(struct mynah_client *c, const char *name, mynah_iq_done *came,
                                 struct wanted want)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_PRIVACY);
    struct wanted *w = MN_NEW(struct wanted);

    *w = want;
    if (name)
        mynah_elem_set(mynah_elem_add(query, "list", NULL), "name", name);
    return mynah_iq_send(c, MYNAH_GET, NULL, &query, 0, came, w);
}

static void lists_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                       const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *query = mynah_elem_child(result, "query", NS_PRIVACY);
    struct mn_arena a = {0};
    const char **names = elem_room(query, "list", NS_PRIVACY, sizeof *names, &a);
    struct mynah_privacy_lists lists = {
        mynah_elem_get(mynah_elem_child(query, "active", NS_PRIVACY), "name"),
        mynah_elem_get(mynah_elem_child(query, "default", NS_PRIVACY), "name"), names, 0};

    MYNAH_EACH(list, query, "list", NS_PRIVACY)
    if (mynah_elem_get(list, "name"))
        names[lists.count++] = mynah_elem_get(list, "name");
    w->lists(w->arg, c, query ? &lists : NULL, query ? NULL : error ? error : &none);
    mn_arena_done(&a, NULL);
    mn_free(w);
}

struct mynah_request *mynah_privacy_lists(struct mynah_client *c, mynah_privacy_lists_done *done_,
                                          void *arg)
{
    return get(c, NULL, lists_came, (struct wanted){done_, NULL, arg});
}

static bool item_read(const struct mynah_elem *e, struct mynah_privacy_item *out)
{
    const char *type = mynah_elem_get(e, "type"), *action = mynah_elem_get(e, "action"),
               *order = mynah_elem_get(e, "order");
    uint64_t n;

    if (!action || (strcmp(action, "allow") && strcmp(action, "deny")) || !order ||
        !mn_num_parse(mn_str_from(order), UINT32_MAX, &n))
        return false;
    *out = (struct mynah_privacy_item){.value = mynah_elem_get(e, "value"),
                                       .allow = !strcmp(action, "allow"),
                                       .order = (uint32_t)n};
    for (size_t i = 1; type && i < MN_COUNT(types); i++)
        if (!strcmp(type, types[i]))
            out->type = (enum mynah_privacy_type)i;
    for (size_t i = 0; i < MN_COUNT(stanzas); i++)
        out->stanzas |= mynah_elem_child(e, stanzas[i], NS_PRIVACY) ? 1u << i : 0;
    return type ? out->type != MYNAH_PRIVACY_ALL && out->value : !out->value;
}

static void items_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                       const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *query = mynah_elem_child(result, "query", NS_PRIVACY),
                            *list = mynah_elem_child(query, "list", NS_PRIVACY);
    struct mn_arena a = {0};
    struct mynah_privacy_item *items = elem_room(list, "item", NS_PRIVACY, sizeof *items, &a);
    size_t n = 0;

    if (!error && !list)
        error = &none;
    MYNAH_EACH(e, list, "item", NS_PRIVACY)
    if (!item_read(e, &items[n++]))
        error = &none;
    w->items(w->arg, c, items, error ? 0 : n, error);
    mn_arena_done(&a, NULL);
    mn_free(w);
}

struct mynah_request *mynah_privacy_get(struct mynah_client *c, const char *name,
                                        mynah_privacy_done *done_, void *arg)
{
    return get(c, name, items_came, (struct wanted){NULL, done_, arg});
}

/* Changing. */

/* One <list/>, <active/> or <default/>. */
static struct mynah_elem *change_new(const char *what, const char *name, struct mynah_elem **query)
{
    struct mynah_elem *e;

    *query = mynah_elem_new("query", NS_PRIVACY);
    e = mynah_elem_add(*query, what, NULL);
    mynah_elem_set(e, "name", name);
    return e;
}

static struct mynah_request *change(struct mynah_client *c, const char *what, const char *name,
                                    mynah_iq_done *done_, void *arg)
{
    struct mynah_elem *query;

    change_new(what, name, &query);
    return mynah_iq_send(c, MYNAH_SET, NULL, &query, 0, done_, arg);
}

static void item_add(struct mynah_elem *list, const struct mynah_privacy_item *item)
{
    struct mynah_elem *e = mynah_elem_add(list, "item", NULL);
    char order[16];

    snprintf(order, sizeof order, "%u", (unsigned)item->order);
    if (item->type > MYNAH_PRIVACY_ALL && item->type <= MYNAH_PRIVACY_SUBSCRIPTION) {
        mynah_elem_set(e, "type", types[item->type]);
        mynah_elem_set(e, "value", item->value);
    }
    mynah_elem_set(e, "action", item->allow ? "allow" : "deny");
    mynah_elem_set(e, "order", order);
    for (size_t i = 0; i < MN_COUNT(stanzas); i++)
        if (item->stanzas & 1u << i)
            mynah_elem_add(e, stanzas[i], NULL);
}

/* A list without rules would be taken away (XEP-0016, 2.7). */
struct mynah_request *mynah_privacy_set(struct mynah_client *c, const char *name,
                                        const struct mynah_privacy_item *items, size_t count,
                                        mynah_iq_done *done_, void *arg)
{
    struct mynah_elem *query, *list;

    if (!name || !count)
        return iq_refuse(c, MYNAH_E_ARGUMENT, done_, arg);
    list = change_new("list", name, &query);
    for (size_t i = 0; i < count; i++)
        item_add(list, &items[i]);
    return mynah_iq_send(c, MYNAH_SET, NULL, &query, 0, done_, arg);
}

struct mynah_request *mynah_privacy_remove(struct mynah_client *c, const char *name,
                                           mynah_iq_done *done_, void *arg)
{
    return name ? change(c, "list", name, done_, arg) : iq_refuse(c, MYNAH_E_ARGUMENT, done_, arg);
}

struct mynah_request *mynah_privacy_activate(struct mynah_client *c, const char *name,
                                             mynah_iq_done *done_, void *arg)
{
    return change(c, "active", name, done_, arg);
}

struct mynah_request *mynah_privacy_standard(struct mynah_client *c, const char *name,
                                             mynah_iq_done *done_, void *arg)
{
    return change(c, "default", name, done_, arg);
}

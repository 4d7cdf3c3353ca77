#include "mynah/offline.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "client/client.h"
#include "mynah/disco.h"
#include "mynah/form.h"

#define NS_OFFLINE "http://jabber.org/protocol/offline"

struct wanted {
    mynah_offline_count_done *count;
    mynah_offline_done *list;
    void *arg;
};

static struct wanted *wanted_new(struct wanted want)
{
    struct wanted *w = MN_NEW(struct wanted);

    *w = want;
    return w;
}

/* The one of its forms that has the number. */
static bool number_of(const struct mynah_elem *query, uint64_t *out)
{
    bool found = false;

    MYNAH_EACH(x, query, "x", "jabber:x:data")
    {
        struct mynah_form *f = mynah_form_read(x);
        const char *text = mynah_form_value(f, "number_of_messages");

        found |= text && mn_num_parse(mn_str_from(text), UINT32_MAX, out);
        mynah_form_free(f);
    }
    return found;
}

static void counted(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                    const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_error none = {.code = MYNAH_E_FORMAT};
    uint64_t n = 0;

    if (info && !number_of(info->xml, &n))
        error = &none;
    w->count(w->arg, c, error ? 0 : (size_t)n, error);
    mn_free(w);
}

struct mynah_request *mynah_offline_count(struct mynah_client *c, mynah_offline_count_done *done,
                                          void *arg)
{
    return mynah_disco_info(c, c->bare, NS_OFFLINE, counted,
                            wanted_new((struct wanted){.count = done, .arg = arg}));
}

/* Servers list them in any order; nodes may be sorted (XEP-0013, 2.3). */
static int by_node(const void *a, const void *b)
{
    return strcmp(((const struct mynah_offline *)a)->node, ((const struct mynah_offline *)b)->node);
}

static void listed(void *arg, struct mynah_client *c, const struct mynah_item *items, size_t count,
                   const struct mynah_error *error)
{
    struct wanted *w = arg;
    struct mn_arena a = {0};
    struct mynah_offline *list = mn_arena_alloc0(&a, (count + 1) * sizeof *list);
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (items[i].node)
            list[n++] = (struct mynah_offline){items[i].node, items[i].name};
    qsort(list, n, sizeof *list, by_node);
    w->list(w->arg, c, list, n, error);
    mn_arena_done(&a, NULL);
    mn_free(w);
}

struct mynah_request *mynah_offline_list(struct mynah_client *c, mynah_offline_done *done,
                                         void *arg)
{
    return mynah_disco_items(c, c->bare, NS_OFFLINE, listed,
                             wanted_new((struct wanted){.list = done, .arg = arg}));
}

static struct mynah_request *nodes_send(struct mynah_client *c, enum mynah_iq_type type,
                                        const char *action, const char *const *nodes, size_t count,
                                        mynah_iq_done *done, void *arg)
{
    struct mynah_elem *e;

    if (!count)
        return iq_refuse(c, MYNAH_E_ARGUMENT, done, arg);
    e = mynah_elem_new("offline", NS_OFFLINE);
    for (size_t i = 0; i < count; i++) {
        struct mynah_elem *item = mynah_elem_add(e, "item", NULL);

        mynah_elem_set(item, "action", action);
        mynah_elem_set(item, "node", nodes[i]);
    }
    return mynah_iq_send(c, type, NULL, &e, 0, done, arg);
}

struct mynah_request *mynah_offline_fetch(struct mynah_client *c, const char *const *nodes,
                                          size_t count, mynah_iq_done *done, void *arg)
{
    return nodes_send(c, MYNAH_GET, "view", nodes, count, done, arg);
}

struct mynah_request *mynah_offline_remove(struct mynah_client *c, const char *const *nodes,
                                           size_t count, mynah_iq_done *done, void *arg)
{
    return nodes_send(c, MYNAH_SET, "remove", nodes, count, done, arg);
}

static struct mynah_request *all_send(struct mynah_client *c, enum mynah_iq_type type,
                                      const char *what, mynah_iq_done *done, void *arg)
{
    struct mynah_elem *e = mynah_elem_new("offline", NS_OFFLINE);

    mynah_elem_add(e, what, NULL);
    return mynah_iq_send(c, type, NULL, &e, 0, done, arg);
}

struct mynah_request *mynah_offline_fetch_all(struct mynah_client *c, mynah_iq_done *done,
                                              void *arg)
{
    return all_send(c, MYNAH_GET, "fetch", done, arg);
}

struct mynah_request *mynah_offline_purge(struct mynah_client *c, mynah_iq_done *done, void *arg)
{
    return all_send(c, MYNAH_SET, "purge", done, arg);
}

const char *mynah_offline_node(const struct mynah_elem *message)
{
    const struct mynah_elem *e = mynah_elem_child(message, "offline", NS_OFFLINE);

    return mynah_elem_get(mynah_elem_child(e, "item", NS_OFFLINE), "node");
}

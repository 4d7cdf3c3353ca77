/* XEP-0030 Service Discovery, from the modules' tables. */
#include "server/module.h"
#include "server/presence.h"

static void feature(struct mn_arena *a, struct mn_elem *q, const char *var)
{
    mn_elem_set(a, mn_elem_add(a, q, MN_NS_DISCO_INFO, "feature"), "var", mn_str_from(var));
}

static enum mn_cond on_info(struct iq *iq)
{
    struct mn_stanza *answer;
    struct mn_arena *a;
    struct mn_elem *q, *e;

    /* Who may not see the account learns nothing of it (XEP-0030, 8). */
    if (iq->user && !presence_subscriber(iq->user, &iq->st->from))
        return MN_COND_SERVICE_UNAVAILABLE;
    if (mn_elem_get(iq->child, "node").n)
        return MN_COND_ITEM_NOT_FOUND;
    answer = iq_answer(iq);
    a = &answer->arena;
    q = mn_elem_add(a, mn_stanza_body(answer), MN_NS_DISCO_INFO, "query");
    e = mn_elem_add(a, q, MN_NS_DISCO_INFO, "identity");
    mn_elem_set(a, e, "category", iq->user ? MN_STR("account") : MN_STR("server"));
    mn_elem_set(a, e, "type", iq->user ? MN_STR("registered") : MN_STR("im"));
    if (!iq->user)
        mn_elem_set(a, e, "name", MN_STR("Mynah"));
    for (const struct module *const *m = modules; *m; m++) {
        const char *const *list = iq->user ? (*m)->user_feature : (*m)->feature;

        for (int i = 0; i < 4 && list[i] && module_on(iq->owner->srv, *m); i++)
            feature(a, q, list[i]);
    }
    return iq_result(iq, answer);
}

static enum mn_cond on_items(struct iq *iq)
{
    struct mn_stanza *answer;

    if (iq->user && !presence_subscriber(iq->user, &iq->st->from))
        return MN_COND_SERVICE_UNAVAILABLE;
    if (mn_elem_get(iq->child, "node").n)
        return MN_COND_ITEM_NOT_FOUND;
    answer = iq_answer(iq);
    mn_elem_add(&answer->arena, mn_stanza_body(answer), MN_NS_DISCO_ITEMS, "query");
    return iq_result(iq, answer);
}

const struct module mod_disco = {
    .name = "disco",
    .xep = {{30, "2.5.0", "Service Discovery", "wire/disco"}},
    .feature = {"http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"},
    .user_feature = {"http://jabber.org/protocol/disco#info",
                     "http://jabber.org/protocol/disco#items"},
    .iq = {{MN_TYPE_GET, MN_NS_DISCO_INFO, "query", AT_HOST | AT_USER, on_info},
           {MN_TYPE_GET, MN_NS_DISCO_ITEMS, "query", AT_HOST | AT_USER, on_items}},
};

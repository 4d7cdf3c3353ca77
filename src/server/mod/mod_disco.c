/* XEP-0030 Service Discovery, from the modules' tables. */
#include "server/component.h"
#include "server/disco.h"
#include "server/module.h"
#include "server/presence.h"

static enum mn_cond on_info(struct iq *iq)
{
    struct mn_stanza *answer;
    struct disco d = {.owner = iq->owner, .host = iq->host, .user = iq->user};
    enum verdict v = DONE;

    /* Who may not see the account learns nothing of it (XEP-0030, 8). */
    if (iq->user && !presence_subscriber(iq->user, &iq->st->from))
        return MN_COND_SERVICE_UNAVAILABLE;
    answer = iq_answer(iq);
    d.a = &answer->arena;
    d.query = mn_elem_add(d.a, mn_stanza_body(answer), MN_NS_DISCO_INFO, "query");
    d.node = mn_arena_str(d.a, mn_elem_get(iq->child, "node"));
    if (d.node.n) {
        mn_elem_set(d.a, d.query, "node", d.node);
        HOOK_ASK(iq->owner->srv, disco_node, &v, &d);
    } else {
        disco_fill(&d);
    }
    if (v == DONE)
        return iq_result(iq, answer);
    mn_stanza_unref(answer);
    return MN_COND_ITEM_NOT_FOUND;
}

static enum mn_cond on_items(struct iq *iq)
{
    const struct server *srv = iq->owner->srv;
    struct mn_stanza *answer;
    struct mn_elem *q;

    if (iq->user && !presence_subscriber(iq->user, &iq->st->from))
        return MN_COND_SERVICE_UNAVAILABLE;
    if (mn_elem_get(iq->child, "node").n)
        return MN_COND_ITEM_NOT_FOUND;
    answer = iq_answer(iq);
    q = mn_elem_add(&answer->arena, mn_stanza_body(answer), MN_NS_DISCO_ITEMS, "query");
    for (size_t i = 0; i < srv->component_count && !iq->user; i++)
        if (component_below(&srv->components[i], iq->host->name))
            mn_elem_set(&answer->arena, mn_elem_add(&answer->arena, q, MN_NS_DISCO_ITEMS, "item"),
                        "jid", srv->components[i].name);
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

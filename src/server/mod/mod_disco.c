/* XEP-0030 Service Discovery, from the modules' tables. */
#include "server/component.h"
#include "server/disco.h"
#include "server/module.h"
#include "server/presence.h"

/* Who may not see the account learns nothing of it (XEP-0030, 8). */
static bool may_see(const struct iq *iq)
{
    return !iq->user || presence_subscriber(iq->user, &iq->st->from);
}

/* An answer with its query, to be filled. */
static struct mn_stanza *begin(struct iq *iq, enum mn_ns ns, struct disco *d)
{
    struct mn_stanza *answer = iq_answer(iq);

    *d = (struct disco){.owner = iq->owner,
                        .host = iq->host,
                        .user = iq->user,
                        .via = iq->via,
                        .a = &answer->arena};
    d->query = mn_elem_add(d->a, mn_stanza_body(answer), ns, "query");
    d->node = mn_arena_str(d->a, mn_elem_get(iq->child, "node"));
    if (d->node.n)
        mn_elem_set(d->a, d->query, "node", d->node);
    return answer;
}

static enum mn_cond end(struct iq *iq, struct mn_stanza *answer, const struct disco *d,
                        enum verdict v)
{
    if (v == DONE && !d->cond)
        return iq_result(iq, answer);
    mn_stanza_unref(answer);
    return v == DONE ? d->cond : MN_COND_ITEM_NOT_FOUND;
}

static enum mn_cond on_info(struct iq *iq)
{
    enum verdict v = DONE;
    struct mn_stanza *answer;
    struct disco d;

    if (!may_see(iq))
        return MN_COND_SERVICE_UNAVAILABLE;
    answer = begin(iq, MN_NS_DISCO_INFO, &d);
    if (d.node.n)
        HOOK_ASK(iq->owner->srv, disco_node, &v, &d);
    else
        disco_fill(&d);
    return end(iq, answer, &d, v);
}

/* Of an account: its available resources, for who may see them. */
static void resources(const struct disco *d)
{
    MN_LIST_EACH(n, &d->user->sessions)
    {
        const struct session *s = MN_OF(n, struct session, link);

        if (s->available)
            mn_elem_set(d->a, mn_elem_add(d->a, d->query, MN_NS_DISCO_ITEMS, "item"), "jid",
                        mn_arena_str(d->a, mn_jid_text(&s->jid)));
    }
}

static enum mn_cond on_items(struct iq *iq)
{
    const struct server *srv = iq->owner->srv;
    enum verdict v = DONE;
    struct mn_stanza *answer;
    struct disco d;

    if (!may_see(iq))
        return MN_COND_SERVICE_UNAVAILABLE;
    answer = begin(iq, MN_NS_DISCO_ITEMS, &d);
    if (d.node.n)
        HOOK_ASK(srv, disco_node_items, &v, &d);
    else if (iq->user)
        resources(&d);
    for (size_t i = 0; i < srv->component_count && !iq->user && !d.node.n; i++)
        if (component_below(&srv->components[i], iq->host->name))
            mn_elem_set(d.a, mn_elem_add(d.a, d.query, MN_NS_DISCO_ITEMS, "item"), "jid",
                        srv->components[i].name);
    return end(iq, answer, &d, v);
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

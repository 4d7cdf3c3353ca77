/* XEP-0115 Entity Capabilities of the host: a client that knows the hash need not ask what we can.
 * It is made of what would be answered at that moment. */
#include "server/disco.h"
#include "server/module.h"
#include "xmpp/caps.h"

#define NODE "urn:mynah:server"

static mn_str ver_of(struct owner *o, const struct host *host, struct mn_arena *a)
{
    struct disco d = {.owner = o, .host = host, .a = a};

    d.query = mn_elem_new(a, MN_NS_DISCO_INFO, "query");
    disco_fill(&d);
    return mn_caps_ver(d.query, MN_SHA1, a);
}

static void features(struct c2s *c, struct mn_buf *out)
{
    struct mn_arena a = {0};

    if (c->state == C2S_KNOWN)
        mn_buf_fmt(out,
                   "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='" NODE
                   "' ver='%.*s'/>",
                   MN_ARG(ver_of(c->owner, c->host, &a)));
    mn_arena_done(&a, NULL);
}

/* What has the hash is what there is without a node; an older hash is not known any more. */
static enum verdict on_node(struct disco *d)
{
    if (d->user || !mn_str_eq(d->node, mn_arena_fmt(d->a, NODE "#%.*s",
                                                    MN_ARG(ver_of(d->owner, d->host, d->a)))))
        return PASS;
    disco_fill(d);
    return DONE;
}

const struct module mod_caps = {
    .name = "caps",
    .xep = {{115, "1.6.0", "Entity Capabilities", "wire/caps; xmpp/caps/the_rows_of_xep_0115"}},
    .feature = {"http://jabber.org/protocol/caps"},
    .stream_features = features,
    .disco_node = on_node,
};

/* XEP-0115 Entity Capabilities of the host: a client that knows the hash need not ask what we can.
 * It is made of what would be answered. */
#include "server/disco.h"
#include "server/module.h"
#include "xmpp/caps.h"

#define NODE "urn:mynah:server"

struct caps_ver {
    char text[32]; /* empty: not made yet */
};

/* The same until a reload brings another snapshot, so it is not made for every login. */
static mn_str ver_of(struct owner *o, const struct host *host)
{
    struct mn_arena a = {0};
    struct disco d = {.owner = o, .host = host, .a = &a};
    size_t at = snapshot_host(o->snap, host);
    struct caps_ver *v;
    mn_str made;

    if (at == o->snap->host_count)
        return MN_STR("");

    if (!o->caps)
        o->caps = mn_alloc0(o->snap->host_count * sizeof *o->caps);
    v = &o->caps[at];
    if (!*v->text) {
        d.query = mn_elem_new(&a, MN_NS_DISCO_INFO, "query");
        disco_fill(&d);
        made = mn_caps_ver(d.query, MN_SHA1, &a);
        MN_ASSERT(made.n < sizeof v->text);
        memcpy(v->text, made.p, made.n);
        mn_arena_done(&a, NULL);
    }
    return mn_str_from(v->text);
}

static void features(struct c2s *c, struct mn_buf *out)
{
    if (c->state == C2S_KNOWN)
        mn_buf_fmt(out,
                   "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='" NODE
                   "' ver='%.*s'/>",
                   MN_ARG(ver_of(c->stream.owner, c->host)));
}

/* What has the hash is what there is without a node; an older hash is not known any more. */
static enum verdict on_node(struct disco *d)
{
    if (d->user ||
        !mn_str_eq(d->node, mn_arena_fmt(d->a, NODE "#%.*s", MN_ARG(ver_of(d->owner, d->host)))))
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

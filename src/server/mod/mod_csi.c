/* XEP-0352 Client State Indication. While nobody looks at the client, of each address only the last
 * presence is kept, and what is but a chat state is dropped; anything else wakes the phone in any
 * case, so all that is kept goes out before it, and the order stays. A resumed stream is active. */
#include "server/block.h"
#include "server/module.h"

enum { MOST = 200, MOST_BYTES = 256 << 10 };

struct held {
    struct mn_map by_from; /* full address -> struct kept */
    struct mn_list order;
    size_t bytes; /* of the payloads */
};

struct kept {
    struct mn_list link;
    struct mn_stanza *st;
    bool own_to; /* its address is the session's */
};

static void features(struct c2s *c, struct mn_buf *out)
{
    if (c->state == C2S_KNOWN)
        mn_buf_lit(out, "<csi xmlns='urn:xmpp:csi:0'/>");
}

/* Nothing of who has been blocked meanwhile (XEP-0191, 3.3: it must not be delivered). */
static void flush(struct session *s)
{
    struct held *h = s->held;
    bool was = s->inactive;

    if (!h)
        return;
    s->held = NULL;
    s->inactive = false;
    mn_map_free(&h->by_from);
    MN_LIST_EACH(n, &h->order)
    {
        struct kept *k = MN_OF(n, struct kept, link);

        if (s->user && !block_hits(s->user, &k->st->from))
            session_write(s, k->st, k->own_to ? &s->jid : NULL);
        mn_stanza_unref(k->st);
        mn_free(k);
    }
    mn_free(h);
    s->inactive = was;
}

static void keep(struct session *s, const struct mn_stanza *st, bool own_to)
{
    struct held *h = s->held;
    struct kept *k;

    if (!h) {
        h = s->held = MN_NEW(struct held);
        mn_list_init(&h->order);
    }
    k = mn_map_get(&h->by_from, mn_jid_text(&st->from));
    if (k) {
        mn_map_del(&h->by_from, mn_jid_text(&k->st->from));
        mn_list_del(&k->link);
        h->bytes -= k->st->payload.n;
        mn_stanza_unref(k->st);
    } else {
        k = MN_NEW(struct kept);
    }
    k->own_to = own_to;
    k->st = mn_stanza_ref((struct mn_stanza *)st);
    mn_list_add(&h->order, &k->link);
    mn_map_put(&h->by_from, mn_jid_text(&k->st->from), k);
    h->bytes += st->payload.n;
    if (h->by_from.count >= MOST || h->bytes > MOST_BYTES)
        flush(s);
}

static enum verdict inactive_out(struct session *s, const struct mn_stanza *st,
                                 const struct mn_jid *to)
{
    if (st->kind == MN_PRESENCE && (st->type == MN_TYPE_NONE || st->type == MN_TYPE_UNAVAILABLE) &&
        !mn_jid_none(&st->from)) {
        keep(s, st, to);
        return DONE;
    }
    if (st->kind == MN_MESSAGE && mn_stanza_is_state(st))
        return DONE;
    flush(s);
    return PASS;
}

static bool on_active(struct c2s *c, const struct mn_xml_item *item)
{
    if (c->state != C2S_BOUND)
        return false;
    session_active(c->session, true);
    return true;
}

static bool on_inactive(struct c2s *c, const struct mn_xml_item *item)
{
    if (c->state != C2S_BOUND)
        return false;
    session_active(c->session, false);
    return true;
}

const struct module mod_csi = {
    .name = "csi",
    .from_start = true,
    .xep = {{352, "1.0.0", "Client State Indication", "wire/csi; wire/csi-blocked"}},
    .stream = {{MN_NS_CSI, "active", on_active}, {MN_NS_CSI, "inactive", on_inactive}},
    .stream_features = features,
    .inactive_out = inactive_out,
    .active_again = flush,
};

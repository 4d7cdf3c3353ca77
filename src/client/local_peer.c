/* What is written to somebody (XEP-0174, 8): it waits for a stream, which is dialled when he has
 * none. */
#include "client/local.h"

#include "base/err.h"

enum {
    TRIES = 3, /* whoever has not heard of us yet hangs up, like Pidgin */
    AGAIN_MS = 1500,
    QUEUE_MAX = 1000
};

/* What cannot be written. */

static void out_failed(struct mynah_client *c, struct out *o, int code)
{
    char *id = o->id ? mn_str_dup(mn_str_from(o->id)) : NULL;
    bool lasting = o->lasting;

    out_free(o);
    if (id && lasting)
        message_state(c, id, MYNAH_SENT_FAILED, &(struct mynah_error){.code = code});
    else if (id)
        iq_lost_one(c, id, code);
    mn_free(id);
}

/* What is sent by who hears of it waits for the next stream. */
static void peer_fail(struct peer *p, int code)
{
    struct mn_list now;

    mn_list_init(&now);
    while (!mn_list_empty(&p->queue)) {
        struct mn_list *n = p->queue.next;

        mn_list_del(n);
        mn_list_add(&now, n);
    }
    p->queued = p->tries = 0;
    mn_loop_at_end(p->local->client->ctx->loop, &p->local->sweep);
    while (!mn_list_empty(&now))
        out_failed(p->local->client, MN_OF(now.next, struct out, link), code);
}

void peer_unreached(struct peer *p, int code)
{
    if (++p->tries < TRIES && p->present)
        mn_timer_start(p->local->client->ctx->loop, &p->again, AGAIN_MS);
    else
        peer_fail(p, code);
}

/* Writing. */

static void write_out(struct hop *h, struct out *o)
{
    struct mynah_client *c = h->local->client;
    char *id = o->id && o->lasting ? mn_str_dup(mn_str_from(o->id)) : NULL;

    mn_list_del(&o->link);
    hop_write(h, o->bytes);
    out_free(o);
    if (id) {
        message_state(c, id, MYNAH_SENT_WRITTEN, NULL);
        message_gone(c, id);
    }
    mn_free(id);
}

/* Whoever hears of it may have ended the stream. */
void peer_flush(struct peer *p)
{
    struct hop *h = hop_open(p);

    while (h && !mn_list_empty(&p->queue)) {
        p->queued--;
        write_out(h, MN_OF(p->queue.next, struct out, link));
        h = hop_open(p);
    }
}

static void where_came(void *arg, const struct mn_mdns_found *found)
{
    struct peer *p = arg;

    p->lookup = NULL;
    if (hop_open(p) || mn_list_empty(&p->queue))
        return;
    if (found->count)
        hop_dial(p, found);
    else
        peer_fail(p, MYNAH_E_MISSING);
}

void peer_go(struct peer *p)
{
    bool dialling = false;

    peer_flush(p);
    MN_LIST_EACH(n, &p->hops)
    dialling = dialling || MN_OF(n, struct hop, link)->stage < STAGE_CLOSING;
    if (!mn_list_empty(&p->queue) && !dialling && !p->lookup && !p->again.at && p->local->mdns &&
        p->local->client->state == MYNAH_ONLINE)
        p->lookup = mn_mdns_where(p->local->mdns, mn_str_from(p->name), where_came, p);
}

void peer_again(struct mn_timer *t)
{
    peer_go(MN_OF(t, struct peer, again));
}

/* Presence is told by multicast DNS; all else goes to somebody. */
void local_send(struct mynah_client *c, const struct mynah_elem *st, bool lasting, const char *id)
{
    struct local *l = c->local;
    const char *to = mynah_elem_get(st, "to");
    bool iq = mynah_elem_is(st, "iq", NULL);
    struct peer *p;
    struct mynah_elem *copy;
    struct mn_buf b = {0};
    struct out *o;

    if (mynah_elem_is(st, "presence", NULL)) {
        local_presence(c);
        return;
    }
    p = to ? local_peer(l, to, true) : NULL;
    copy = mynah_elem_copy(st);
    mynah_elem_set(copy, "from", l->name);
    mynah_elem_set(copy, "to", p ? p->name : NULL);
    elem_write(&b, copy, MN_STR("jabber:client"));
    o = out_new(mn_buf_view(&b), lasting, iq ? mynah_elem_get(st, "id") : id);
    mn_buf_free(&b);
    mynah_elem_free(copy);
    if (!p || p->queued == QUEUE_MAX) {
        out_failed(c, o, p ? MYNAH_E_LIMIT : MYNAH_E_MISSING);
        return;
    }
    mn_list_add(&p->queue, &o->link);
    p->queued++;
    peer_go(p);
}

/* The end of somebody. */

void peer_close(struct peer *p)
{
    MN_LIST_EACH(n, &p->hops)
    hop_close(MN_OF(n, struct hop, link));
}

void peer_stop(struct peer *p)
{
    mn_mdns_lookup_free(p->lookup);
    p->lookup = NULL;
    mn_timer_stop(&p->again);
    while (!mn_list_empty(&p->hops))
        hop_stop(MN_OF(p->hops.next, struct hop, link));
    peer_fail(p, MYNAH_E_LOST);
}

bool peer_idle(const struct peer *p)
{
    return mn_list_empty(&p->hops) && mn_list_empty(&p->queue) && !p->lookup;
}

struct mn_conn *peer_conn(struct peer *p)
{
    struct hop *h = hop_open(p);

    return h ? stream_conn(h->stream) : NULL;
}

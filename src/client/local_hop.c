/* Streams with somebody (XEP-0174, 7 to 9). Each may dial the other; when both do so at once there
 * are two streams: both are read, and each side goes on to write to the one that it had first.
 *
 *   dialled:  where is he -> TCP -> header -> his header [-> features -> STARTTLS ...] -> open
 *   accepted: his header -> header [-> features -> he takes STARTTLS or not] -> open
 *
 * Clients from before XMPP 1.0 (no version) neither send nor get features. */
#include "client/local.h"

#include <unistd.h>

#include "base/err.h"
#include "base/rand.h"
#include "client/ext.h"

enum {
    HANDSHAKE_MS = 15000,
    DIAL_MS = 30000,
    FEATURES_MS = 2000, /* some say 1.0 and send none; some take no STARTTLS and say nothing yet */
    IDLE_MS = 600000,
    LINGER_MS = 2000,
    STRANGERS_MAX = 32,
    UNSENT_MAX = 8 << 20
};

static const struct mn_xml_limits limits = {1 << 20, 128, 128};
static const struct stream_face face;

static void hop_memory(struct trash *t)
{
    mn_free(t);
}

static void alive(struct hop *h, int64_t ms)
{
    mn_timer_start(h->local->client->ctx->loop, &h->timer, ms);
}

/* The end. */

struct hop *hop_open(struct peer *p)
{
    if (p->current && p->current->stage == STAGE_OPEN)
        return p->current;
    MN_LIST_EACH(n, &p->hops)
    if (MN_OF(n, struct hop, link)->stage == STAGE_OPEN)
        return p->current = MN_OF(n, struct hop, link);
    return NULL;
}

/* Nothing is heard of it any more. */
static void hop_out(struct hop *h)
{
    h->gone = true;
    claim_over(h);
    mn_timer_stop(&h->timer);
    mn_list_del(&h->link);
    if (!h->peer)
        h->local->stranger_count--;
    else if (h->peer->current == h)
        h->peer->current = NULL;
    stream_close(h->stream, LINGER_MS);
    mn_loop_at_end(h->local->client->ctx->loop, &h->local->sweep);
    context_trash(h->local->client->ctx, &h->trash, hop_memory);
}

static void hop_end(struct hop *h, int code, const char *why)
{
    struct peer *p = h->peer;
    struct mynah_client *c = h->local->client;
    bool reached = h->stage > STAGE_DIAL, was_open = h->stage >= STAGE_OPEN;

    if (h->gone)
        return;
    client_log(c, MYNAH_LOG_INFO, "the stream with %s is over: %s", p ? p->jid : "a stranger",
               why ? why : mynah_code_text(code));
    hop_out(h);
    if (!p)
        return;
    if (was_open && !hop_open(p))
        iq_lost_to(c, p->jid, MYNAH_E_LOST);
    if (!reached)
        mn_mdns_doubt(h->local->mdns, mn_str_from(p->name));
    if (!h->dialled || was_open || !mn_list_empty(&p->hops))
        peer_go(p);
    else
        peer_unreached(p, code);
}

void hop_refuse(struct hop *h, const char *condition)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
               condition);
    stream_write(h->stream, mn_buf_view(&b));
    mn_buf_free(&b);
    if (!h->gone)
        stream_end(h->stream);
    hop_end(h, MYNAH_E_STREAM, condition);
}

void hop_limit(struct hop *h)
{
    hop_end(h, MYNAH_E_LIMIT, "too many streams");
}

/* What he has still to say is heard (9). */
void hop_close(struct hop *h)
{
    if (h->stage >= STAGE_CLOSING)
        return;
    if (h->stage < STAGE_OPEN) {
        hop_end(h, MYNAH_E_CANCELLED, NULL);
        return;
    }
    h->stage = STAGE_CLOSING;
    mn_timer_start(h->local->client->ctx->loop, &h->timer, LINGER_MS);
    stream_end(h->stream);
}

void hop_write(struct hop *h, mn_str bytes)
{
    alive(h, IDLE_MS);
    stream_write(h->stream, bytes);
}

void hop_stop(struct hop *h)
{
    if (h->stage >= STAGE_HEADER && h->stage < STAGE_CLOSING)
        stream_end(h->stream);
    if (!h->gone)
        hop_out(h);
}

static void hop_opened(struct hop *h)
{
    const char *tls = h->secured ? mn_conn_tls_name(stream_conn(h->stream)) : NULL;

    h->stage = STAGE_OPEN;
    alive(h, IDLE_MS);
    client_log(h->local->client, MYNAH_LOG_INFO, "a stream with %s: %s",
               h->peer ? h->peer->jid : "somebody", tls ? tls : "not encrypted");
    if (!h->peer)
        return;
    h->peer->tries = 0;
    peer_flush(h->peer);
}

/* What both say. */

void hop_header(struct hop *h)
{
    struct local *l = h->local;
    struct mn_arena a = {0};

    stream_header(h->stream, &(struct stream_head){
                                 .ns = MN_NS_CLIENT,
                                 .from = mn_str_from(l->name),
                                 .to = mn_str_from(h->peer ? h->peer->name : NULL),
                                 .id = h->dialled ? (mn_str){0} : mn_rand_text(&a, 16),
                                 .old = h->old,
                             });
    mn_arena_done(&a, NULL);
}

static void connected(void *arg, bool direct)
{
    struct hop *h = arg;

    (void)direct;
    h->stage = STAGE_HEADER;
    alive(h, HANDSHAKE_MS);
    hop_header(h);
}

/* Who cannot be told any other way: he is asked whether he is trusted. */
static bool trusted(struct hop *h)
{
    struct mynah_client *c = h->local->client;
    struct mn_arena a = {0};
    struct mn_cert_seen seen;
    bool yes;

    mn_conn_cert(stream_conn(h->stream), &a, &seen);
    yes = client_person_trusts(c, &seen, h->peer->jid, true, &a);
    mn_arena_done(&a, NULL);
    return yes;
}

static void secured(void *arg)
{
    struct hop *h = arg;

    h->secured = true;
    h->stage = STAGE_HEADER;
    alive(h, HANDSHAKE_MS);
    if (!h->dialled)
        return; /* his header is next */
    if (trusted(h) && !h->gone)
        hop_header(h);
    else
        hop_end(h, MYNAH_E_CERTIFICATE, NULL);
}

/* What we can, unasked (11); and STARTTLS. */
static void features(struct hop *h)
{
    struct local *l = h->local;
    struct mynah_elem *query = disco_own(l->client);
    bool tls = l->tls_in && !h->secured;
    struct mn_buf b = {0};

    mn_buf_lit(&b, "<stream:features>");
    if (tls)
        mn_buf_fmt(&b, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>%s</starttls>",
                   l->conf.tls_required ? "<required/>" : "");
    elem_write(&b, query, MN_STR("jabber:client"));
    mn_buf_lit(&b, "</stream:features>");
    mynah_elem_free(query);
    h->stage = STAGE_FEATURES;
    alive(h, FEATURES_MS);
    stream_write(h->stream, mn_buf_view(&b));
    mn_buf_free(&b);
    if (!tls && !h->gone)
        hop_opened(h);
}

void hop_welcome(struct hop *h)
{
    bool tls = !h->local->conf.tls_required || h->secured || (!h->old && h->local->tls_in);

    hop_header(h);
    if (h->gone)
        return;
    if (!h->for_us)
        hop_refuse(h, "host-unknown");
    else if (!tls)
        hop_refuse(h, "policy-violation");
    else if (h->old)
        hop_opened(h);
    else
        features(h);
}

static void he_opened(struct hop *h, const char *from, const char *to, bool old)
{
    h->old = old;
    h->for_us = !to || !strcasecmp(to, h->local->name);
    if (!h->peer && from && *from)
        hop_claims(h, from, NULL);
    else
        hop_welcome(h);
}

static void opened(void *arg, const struct mn_elem *head)
{
    struct hop *h = arg;
    bool old = !mn_elem_get(head, "version").p, right = mn_elem_is(head, MN_NS_STREAM, "stream");
    char *from = mn_str_dup(mn_elem_get(head, "from")),
         *to = mn_elem_get(head, "to").p ? mn_str_dup(mn_elem_get(head, "to")) : NULL;

    if (!right || h->stage != STAGE_HEADER) {
        hop_end(h, MYNAH_E_STREAM, "no XMPP stream");
    } else if (h->peer && from && *from && !hop_is_of(h, from)) {
        if (!h->dialled)
            hop_header(h);
        if (!h->gone)
            hop_refuse(h, "invalid-from");
    } else if (!h->dialled) {
        he_opened(h, from, to, old);
    } else if (!old) {
        h->stage = STAGE_FEATURES;
        alive(h, FEATURES_MS);
    } else if (h->local->conf.tls_required && !h->secured) {
        hop_end(h, MYNAH_E_TLS, NULL);
    } else {
        hop_opened(h);
    }
    mn_free(from);
    mn_free(to);
}

static void features_came(struct hop *h, const struct mynah_elem *e)
{
    struct local *l = h->local;
    const struct mynah_elem *query =
        mynah_elem_child(e, "query", "http://jabber.org/protocol/disco#info");

    if (h->stage != STAGE_FEATURES || !h->dialled)
        return;
    if (query)
        disco_heard(l->client, query);
    if (l->tls_out && !h->secured && mynah_elem_child(e, "starttls", mn_ns_uri(MN_NS_TLS).p)) {
        h->stage = STAGE_PROCEED;
        alive(h, HANDSHAKE_MS);
        stream_write(h->stream, MN_STR("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
    } else if (l->conf.tls_required && !h->secured) {
        hop_end(h, MYNAH_E_TLS, NULL);
    } else {
        hop_opened(h);
    }
}

static void tls_came(struct hop *h, const struct mynah_elem *e)
{
    bool begin = mynah_elem_is(e, "starttls", NULL) && !h->dialled && h->local->tls_in &&
                 !h->secured && h->stage == STAGE_FEATURES,
         go = mynah_elem_is(e, "proceed", NULL) && h->stage == STAGE_PROCEED;

    if (!begin && !go) {
        hop_refuse(h, "policy-violation");
        return;
    }
    h->stage = STAGE_TLS;
    alive(h, HANDSHAKE_MS);
    if (begin)
        stream_write(h->stream, MN_STR("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
    if (!h->gone)
        stream_secure(h->stream);
}

/* The name that counts is that of the stream; presence has its own way (6). */
void hop_stanza(struct hop *h, struct mynah_elem *e)
{
    struct local *l = h->local;
    bool early = h->stage == STAGE_FEATURES && !h->dialled && !l->conf.tls_required;

    if (h->stage < STAGE_OPEN && !early) {
        hop_refuse(h, "policy-violation");
        return;
    }
    if (early)
        hop_opened(h);
    if (h->stage == STAGE_OPEN)
        alive(h, IDLE_MS);
    if (!h->peer && mynah_elem_get(e, "from"))
        hop_claims(h, mynah_elem_get(e, "from"), e);
    if (h->gone || !h->peer)
        return;
    peer_flush(h->peer); /* what waited for him to say who he is */
    if (h->gone || mynah_elem_is(e, "presence", NULL))
        return;
    mynah_elem_set(e, "from", h->peer->jid);
    mynah_elem_set(e, "to", l->client->bare);
    client_stanza(l->client, e);
    if (!h->gone && mn_conn_queued(stream_conn(h->stream)) > UNSENT_MAX)
        hop_end(h, MYNAH_E_LIMIT, "he asks and does not listen");
}

static void element(void *arg, const struct mn_elem *came, struct mn_arena *a)
{
    struct hop *h = arg;
    struct mynah_elem *e = elem_from(came, a);

    if (client_is_stanza(e))
        hop_stanza(h, e);
    else if (mynah_elem_is(e, "features", mn_ns_uri(MN_NS_STREAM).p))
        features_came(h, e);
    else if (mynah_elem_is(e, NULL, mn_ns_uri(MN_NS_TLS).p))
        tls_came(h, e);
    else if (mynah_elem_is(e, "error", mn_ns_uri(MN_NS_STREAM).p))
        hop_end(h, MYNAH_E_STREAM, mynah_elem_name(mynah_elem_child(e, NULL, NULL)));
}

static void ended(void *arg)
{
    struct hop *h = arg;

    if (h->stage != STAGE_CLOSING)
        stream_end(h->stream);
    hop_end(h, MYNAH_E_LOST, "closed");
}

static void failed(void *arg, int code, const char *condition, const char *why)
{
    struct hop *h = arg;

    (void)condition;
    if (code == MYNAH_E_STREAM && !h->gone && h->stage > STAGE_DIAL) {
        hop_refuse(h, "not-well-formed");
        return;
    }
    if (h->dialled && h->stage == STAGE_HEADER && stream_conn(h->stream)) {
        h->stage = STAGE_DIAL;
        stream_next(h->stream, code, why); /* he may have more addresses */
        return;
    }
    hop_end(h, code, why);
}

static void wire(void *arg, bool out, mn_str text)
{
    shown_moved(((struct hop *)arg)->local->client, out, text);
}

static const struct stream_face face = {.connected = connected,
                                        .secured = secured,
                                        .opened = opened,
                                        .element = element,
                                        .ended = ended,
                                        .failed = failed,
                                        .wire = wire};

static void timed(struct mn_timer *t)
{
    struct hop *h = MN_OF(t, struct hop, timer);
    bool silent = h->stage == STAGE_FEATURES && !h->local->conf.tls_required;

    if (silent)
        hop_opened(h);
    else if (h->stage == STAGE_OPEN)
        hop_close(h);
    else
        hop_end(h, MYNAH_E_TIMEOUT, NULL);
}

static struct hop *hop_new(struct local *l, struct peer *p, bool dialled)
{
    struct hop *h = MN_NEW(struct hop);

    h->local = l;
    h->peer = p;
    h->dialled = dialled;
    h->stage = dialled ? STAGE_DIAL : STAGE_HEADER;
    h->timer.fire = timed;
    mn_list_add(p ? &p->hops : &l->strangers, &h->link);
    return h;
}

void hop_dial(struct peer *p, const struct mn_mdns_found *found)
{
    struct local *l = p->local;
    struct stream_plan plan = {
        .way.dial = {.domain = p->name, .addrs = found->addrs, .addr_count = found->count},
        .tls = l->tls_out,
        .name = strchr(p->jid, '@') ? strchr(p->jid, '@') + 1 : p->jid,
        .limits = &limits,
    };
    struct hop *h = hop_new(l, p, true);

    alive(h, DIAL_MS);
    h->stream = stream_new(l->client->ctx, &plan, &face, h);
}

void local_accepted(void *arg, int fd, const struct mn_addr *from)
{
    struct local *l = arg;
    struct stream_plan plan = {.tls = l->tls_in, .limits = &limits};
    struct hop *h;

    if (l->client->state != MYNAH_ONLINE) { /* we have no name yet: who means us comes again */
        close(fd);
        return;
    }
    if (!mn_mdns_links_near(l->links, from)) {
        char text[MN_ADDR_TEXT];

        client_log(l->client, MYNAH_LOG_WARN, "a connection from outside was refused: %s",
                   mn_addr_text(from, text));
        close(fd);
        return;
    }
    if (l->stranger_count == STRANGERS_MAX)
        hop_end(MN_OF(l->strangers.next, struct hop, link), MYNAH_E_LIMIT, "others come");
    h = hop_new(l, NULL, false);
    l->stranger_count++;
    alive(h, HANDSHAKE_MS);
    h->from = *from;
    h->stream = stream_accept(l->client->ctx, fd, &plan, &face, h);
}

void strangers_stop(struct local *l)
{
    while (!mn_list_empty(&l->strangers))
        hop_out(MN_OF(l->strangers.next, struct hop, link));
}

/* Whether the server is there, and whether it hears us. All that comes shows the first. The second
 * shows in what is acknowledged (sm.c), over BOSH in each answer; where there is neither, the
 * server is asked a while after something was written. */
#include "base/clock.h"
#include "client/client.h"

enum {
    KEEPALIVE_MS = 300000,
    PROBE_MS = 15000, /* for a sign of life */
    UNHEARD_MS = 60000,
    ANSWER_MS = 120000,
    LOOKS = 8 /* in that time */
};

void alive_wait(struct mynah_client *c, struct patience *w, struct mn_timer *t, int64_t ms)
{
    *w = (struct patience){.ms = ms, .since = mn_clock_now()};
    (void)stream_moves(c->stream, &w->taken);
    mn_timer_start(c->ctx->loop, t, (ms + LOOKS - 1) / LOOKS);
}

/* Over a slow line the question has far to go behind what was said before. */
bool alive_waits(struct mynah_client *c, struct patience *w, struct mn_timer *t)
{
    int64_t now = mn_clock_now(), look = (w->ms + LOOKS - 1) / LOOKS, left;

    if (stream_moves(c->stream, &w->taken))
        w->since = now;
    left = w->since + w->ms - now;
    if (left > 0)
        mn_timer_start(c->ctx->loop, t, left < look ? left : look);
    return left > 0;
}

static int64_t silence(const struct mynah_client *c, int64_t at_most)
{
    int64_t ms = c->conf.keepalive_ms ? c->conf.keepalive_ms : KEEPALIVE_MS;

    return ms < at_most ? ms : at_most;
}

/* What shows that it heard everything up to here. No request: whatever listeners keep to
 * themselves, its answer counts. */
static void ping(struct mynah_client *c)
{
    struct mynah_elem *iq = mynah_elem_new("iq", NULL);

    client_id(c, c->ping);
    mynah_elem_set(iq, "type", "get");
    mynah_elem_set(iq, "id", c->ping);
    mynah_elem_set(iq, "to", c->domain);
    mynah_elem_add(iq, "ping", "urn:xmpp:ping");
    alive_wait(c, &c->pong, &c->unheard, ANSWER_MS);
    sm_send(c, iq, false, NULL);
    c->ping_at = c->traffic.stanzas_out;
    mynah_elem_free(iq);
}

void alive_said(struct mynah_client *c)
{
    if (c->state == MYNAH_ONLINE && !c->unheard.at)
        mn_timer_start(c->ctx->loop, &c->unheard, UNHEARD_MS);
}

static void unheard(struct mn_timer *t)
{
    struct mynah_client *c = MN_OF(t, struct mynah_client, unheard);

    if (!c->ping[0])
        ping(c);
    else if (!alive_waits(c, &c->pong, t))
        client_fail_code(c, MYNAH_E_LOST, "the server does not hear us any more", false);
}

static bool is_pong(const struct mynah_client *c, const struct mynah_elem *e)
{
    const char *id = mynah_elem_get(e, "id"), *type = mynah_elem_get(e, "type");

    return c->ping[0] && mynah_elem_is(e, "iq", NULL) && id && !strcmp(id, c->ping) && type &&
           (!strcmp(type, "result") || !strcmp(type, "error")) &&
           from_server(c, mynah_elem_get(e, "from"));
}

void alive_came(struct mynah_client *c, const struct mynah_elem *e)
{
    c->probing = false;
    if (c->state == MYNAH_ONLINE && !c->local)
        mn_timer_start(c->ctx->loop, &c->idle, silence(c, INT64_MAX));
    if (!e || !is_pong(c, e))
        return;
    c->ping[0] = 0;
    mn_timer_stop(&c->unheard);
    if (c->traffic.stanzas_out != c->ping_at)
        alive_said(c);
}

void alive_probe(struct mynah_client *c)
{
    c->probing = true;
    alive_wait(c, &c->probe, &c->idle, silence(c, PROBE_MS));
    c->sm.asked = false;
    if (c->sm.on)
        sm_ask(c);
    else
        ping(c);
}

static void silent(struct mn_timer *t)
{
    struct mynah_client *c = MN_OF(t, struct mynah_client, idle);

    if (!c->probing)
        alive_probe(c);
    else if (!alive_waits(c, &c->probe, t))
        client_fail_code(c, MYNAH_E_LOST, "the server does not answer any more", false);
}

void alive_init(struct mynah_client *c)
{
    c->idle.fire = silent;
    c->unheard.fire = unheard;
}

void alive_stop(struct mynah_client *c)
{
    mn_timer_stop(&c->idle);
    mn_timer_stop(&c->unheard);
    c->probing = false;
    c->ping[0] = 0;
}

/* Presence among contacts, and messages for those who are away. */
#include "base/num.h"
#include "bench/load.h"

/* A ring: each has as many neighbours on either side as half of its contacts. */
static struct {
    unsigned from, count, contacts;
    unsigned missing; /* befriending: who has not agreed yet */
    unsigned round, left;
    unsigned *told; /* [who][by whom]: the last round */
    bool counting, ending;
    uint64_t counted;
    int64_t from_us, to_us, ms;
} ring;

static void ring_of(unsigned from, unsigned count, unsigned contacts)
{
    ring.from = from;
    ring.count = count;
    ring.contacts = contacts;
}

static void say_to(struct client *c, unsigned other, const char *type)
{
    mn_buf_fmt(mn_conn_out(c->conn), "<presence type='%s' to='u%u@%.*s'/>", type, other,
               MN_ARG(c->plan->domain));
    mn_conn_written(c->conn);
}

static void befriended(void)
{
    mn_timer_stop(&load.timer);
    load.element = NULL;
    printf("done %u\n", ring.missing);
}

static void unfriendly(struct mn_timer *t)
{
    (void)t;
    befriended();
}

/* A server may be slow in writing rosters down, but has to go on. */
static void befriend_goes_on(void)
{
    load.timer.fire = unfriendly;
    mn_timer_start(load.loop, &load.timer, 3 * DRAIN_MS);
}

static void befriend_element(struct client *c, const struct mn_elem *e)
{
    mn_str type = mn_elem_get(e, "type");

    if (!mn_elem_is(e, MN_NS_CLIENT, "presence"))
        return;
    if (mn_str_is(type, "subscribe"))
        say_to(c, load_sender(e), "subscribed");
    else if (mn_str_is(type, "subscribed") && !--ring.missing)
        befriended();
    else if (mn_str_is(type, "subscribed"))
        befriend_goes_on();
}

void load_befriend(unsigned from, unsigned count, unsigned contacts)
{
    load_phase(befriend_element);
    ring_of(from, count, contacts);
    ring.missing = count * contacts;
    befriend_goes_on();
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 1; k <= contacts / 2; k++) {
            say_to(&load.clients[from + i], from + (i + k) % count, "subscribe");
            say_to(&load.clients[from + i], from + (i + count - k) % count, "subscribe");
        }
}

/* Rounds: each says something new to all contacts; the next begins when all of it has arrived. */

static void presence_end(void)
{
    load_end(ring.counted, (double)(ring.to_us - ring.from_us) / 1000, 0, 0);
}

static void round_begin(void)
{
    ring.round++;
    ring.left = ring.count * ring.contacts;
    for (unsigned i = 0; i < ring.count; i++) {
        struct client *c = &load.clients[ring.from + i];

        mn_buf_fmt(mn_conn_out(c->conn),
                   "<presence><show>away</show><status>%u</status></presence>", ring.round);
        mn_conn_written(c->conn);
    }
    load.sent += ring.left;
}

static void presence_over(void)
{
    ring.counting = false;
    ring.to_us = load_now_us();
    puts("over");
    presence_end();
}

static void round_over(void)
{
    if (ring.ending)
        presence_over();
    else
        round_begin();
}

static void presence_element(struct client *c, const struct mn_elem *e)
{
    const struct mn_elem *status = mn_elem_child(e, MN_NS_CLIENT, "status");
    struct mn_arena a = {0};
    unsigned by = load_sender(e) - ring.from;
    unsigned *told;
    uint64_t round;

    if (!mn_elem_is(e, MN_NS_CLIENT, "presence") || !status || by >= ring.count ||
        by == c->number - ring.from)
        return;
    told = &ring.told[(c->number - ring.from) * ring.count + by];
    if (!mn_num_parse(mn_elem_text(status, &a), ring.round, &round))
        load_give_up("presence", "something else than what was sent");
    mn_arena_done(&a, NULL);
    if (*told >= round) {
        load.duplicated++;
        return;
    }
    load.disordered += round != *told + 1;
    *told = (unsigned)round;
    load.arrived++;
    ring.counted += ring.counting;
    if (!--ring.left)
        round_over();
}

static void presence_lost(struct mn_timer *t)
{
    (void)t;
    presence_over();
}

static void presence_measured(struct mn_timer *t)
{
    ring.ending = true; /* with this round */
    t->fire = presence_lost;
    mn_timer_start(load.loop, t, DRAIN_MS);
}

static void presence_warm(struct mn_timer *t)
{
    puts("begin");
    ring.counting = true;
    ring.from_us = load_now_us();
    t->fire = presence_measured;
    mn_timer_start(load.loop, t, ring.ms);
}

void load_presence(unsigned from, unsigned count, unsigned contacts, int64_t warm_ms, int64_t ms)
{
    load_phase(presence_element);
    ring_of(from, count, contacts);
    mn_free(ring.told);
    ring.told = mn_alloc0((size_t)count * count * sizeof *ring.told);
    ring.round = 0;
    ring.counted = 0;
    ring.ms = ms;
    ring.counting = ring.ending = false;
    load.timer.fire = presence_warm;
    mn_timer_start(load.loop, &load.timer, warm_ms);
    round_begin();
}

/* Messages for who is away. A sender asks the server for something behind its last one: a server
 * whose answers keep their place has taken them all by then. */

static struct {
    unsigned from, count, each, asked;
    struct load_stream *streams;
} away;

static void store_element(struct client *c, const struct mn_elem *e)
{
    (void)c;
    if (mn_elem_is(e, MN_NS_CLIENT, "message") && mn_str_is(mn_elem_get(e, "type"), "error"))
        load.disordered++;
    if (!mn_elem_is(e, MN_NS_CLIENT, "iq") || --away.asked)
        return;
    printf("done %llu\n", (unsigned long long)load.disordered);
    load.element = NULL;
}

static void store_one(struct client *c, unsigned to, unsigned number)
{
    mn_buf_fmt(mn_conn_out(c->conn),
               "<message type='chat' id='%u' to='u%u@%.*s'><body>Hello there, this is a typical "
               "chat line of about one hundred characters, sent by a person typing.</body>"
               "</message>",
               number, to, MN_ARG(c->plan->domain));
    mn_conn_written(c->conn);
}

void load_store(unsigned from, unsigned senders, unsigned to, unsigned count, unsigned each)
{
    load_phase(store_element);
    away.asked = senders;
    for (unsigned i = 0; i < each; i++)
        for (unsigned k = 0; k < count; k++)
            store_one(&load.clients[from + k % senders], to + k, i);
    for (unsigned i = 0; i < senders; i++)
        client_write(&load.clients[from + i],
                     MN_STR("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/>"
                            "</iq>"));
}

static void fetch_end(void)
{
    load_end(load.arrived, 0, 0, 0);
}

static void fetch_late(struct mn_timer *t)
{
    (void)t;
    fetch_end();
}

static void fetch_element(struct client *c, const struct mn_elem *e)
{
    uint64_t id;

    if (!mn_elem_is(e, MN_NS_CLIENT, "message"))
        return;
    if (c->number - away.from >= away.count || !mn_num_parse(mn_elem_get(e, "id"), away.each, &id))
        load_give_up("fetch", "something else than what was sent");
    load_arrived(&away.streams[c->number - away.from], id);
    if (load.arrived == load.sent)
        fetch_end();
}

static void fetch_logged_in(void)
{
    if (!load.element)
        return; /* all was there before */
    load.timer.fire = fetch_late;
    mn_timer_start(load.loop, &load.timer, DRAIN_MS);
}

void load_fetch(unsigned from, unsigned count, unsigned each)
{
    load_phase(fetch_element);
    load.sent = (uint64_t)count * each;
    away.from = from;
    away.count = count;
    away.each = each;
    mn_free(away.streams);
    away.streams = mn_alloc0(count * sizeof *away.streams);
    load_login(from, count, 50, fetch_logged_in);
}

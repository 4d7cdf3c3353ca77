/* covers: mn_mdns_parse mn_mdns_feed
 * What was read is written and read the same; two responders that hear whatever comes stay sound,
 * and what they send is sound. Input: packets behind two bytes of length, of which the topmost bits
 * say who hears it, and from which port it came; between them time goes on. */
#include "base/clock.h"
#include "base/rand.h"
#include "net/mdns.h"
#include "net/mdns_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mn_loop *loop;
static int64_t now;

static void again(mn_str packet)
{
    struct mn_arena a = {0};
    struct mn_mdns_out o = {{0}, {0}, 0};
    struct mn_mdns_msg msg, second;

    if (mn_mdns_parse(packet, &a, &msg)) {
        mn_arena_done(&a, NULL);
        return;
    }
    mn_mdns_begin(&o, msg.id, msg.response);
    for (size_t i = 0; i < msg.question_count; i++)
        mn_mdns_ask(&o, msg.questions[i].name, msg.questions[i].type, msg.questions[i].unicast);
    for (size_t i = 0; i < msg.answers; i++)
        mn_mdns_add(&o, MN_MDNS_ANSWER, &msg.records[i]);
    MN_ASSERT(!mn_mdns_parse(mn_buf_view(&o.b), &a, &second));
    MN_ASSERT(second.answers == msg.answers && second.question_count == msg.question_count);
    for (size_t i = 0; i < msg.answers; i++) {
        MN_ASSERT(mn_str_eq(second.records[i].name, msg.records[i].name));
        MN_ASSERT(mn_str_eq(second.records[i].data, msg.records[i].data));
        MN_ASSERT(second.records[i].ttl == msg.records[i].ttl);
    }
    mn_buf_free(&o.b);
    mn_arena_done(&a, NULL);
}

static void on_send(void *arg, unsigned link, const struct mn_addr *to, mn_str packet)
{
    struct mn_arena a = {0};
    struct mn_mdns_msg msg;

    (void)arg;
    (void)link;
    (void)to;
    MN_ASSERT(packet.n <= MN_MDNS_PACKET && !mn_mdns_parse(packet, &a, &msg));
    mn_arena_done(&a, NULL);
}

static void on_named(void *arg, mn_str user, mn_str machine)
{
    (void)arg;
    MN_ASSERT(user.n + machine.n < MN_MDNS_LABEL);
}

static void on_found(void *arg, mn_str instance, mn_str txt)
{
    (void)arg;
    (void)txt;
    MN_ASSERT(instance.n && instance.n <= MN_MDNS_LABEL);
}

static void on_gone(void *arg, mn_str instance)
{
    on_found(arg, instance, instance);
}

static void on_where(void *arg, const struct mn_mdns_found *found)
{
    *(unsigned *)arg += 1 + (unsigned)(found->count > 16);
}

static const struct mn_mdns_face face = {on_send, on_named, on_found, on_gone};

static void pass(int64_t ms)
{
    now += ms;
    mn_clock_set(now, 1000000000000 + now);
    for (int i = 0; i < 3; i++)
        mn_loop_turn(loop, 0);
}

static struct mn_mdns *responder(struct mn_addr *at)
{
    struct mn_mdns *m = mn_mdns_new(loop, "_presence", &face, NULL);

    mn_mdns_link(m, 2, at, 1);
    mn_mdns_publish(m, MN_STR("u"), MN_STR("m"), 5298, MN_STR("\3a=b"));
    mn_mdns_icon(m, MN_STR("icon"));
    mn_mdns_browse(m);
    return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mn_str in = {(const char *)data, size};
    struct mn_addr at = {0}, from = {0};
    struct mn_mdns *both[2];
    unsigned ended = 0;

    again(in);
    now = 1000000;
    mn_clock_set(now, 1000000000000 + now);
    mn_rand_fix(1);
    loop = mn_loop_new(MN_LOOP_POLL);
    MN_ASSERT(!mn_addr_parse(MN_STR("192.0.2.1"), 5353, &at));
    both[0] = responder(&at);
    both[1] = responder(&at);
    pass(300);
    for (int i = 0; i < 10; i++) /* this one has its name */
        pass(300);
    mn_mdns_free(both[1]);
    both[1] = responder(&at); /* this one asks for it */
    pass(300);
    mn_mdns_where(both[0], MN_STR("v@m"), on_where, &ended);
    while (in.n >= 2) {
        size_t head = (size_t)data[in.p - (const char *)data] << 8 | (uint8_t)in.p[1],
               n = head & 0x3fff;
        mn_str packet = mn_str_skip(in, 2);

        packet.n = packet.n < n ? packet.n : n;
        MN_ASSERT(!mn_addr_parse(MN_STR("192.0.2.9"), head & 0x8000 ? 999 : 5353, &from));
        mn_mdns_feed(both[head >> 14 & 1], 2, &from, packet);
        in = mn_str_skip(in, 2 + packet.n);
        pass(50);
    }
    for (int i = 0; i < 12; i++)
        pass(1000);
    MN_ASSERT(ended == 1);
    mn_mdns_free(both[0]);
    mn_mdns_free(both[1]);
    mn_loop_free(loop);
    return 0;
}

/* Chatting. The first of each pair talks, the second listens. */
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/num.h"
#include "bench/load.h"

enum { LATE_MAX = 1 << 22 };

static struct {
    unsigned from, pairs, turn;
    bool paced, sending, counting;
    uint64_t counted;
    int64_t measured_from, measured_to, ms;
    struct load_stream *streams; /* of each pair */
    uint32_t *late;              /* of those that count, in us */
    size_t late_count;
    struct mn_watch tick;
} chat;

static void send_one(unsigned pair, int64_t at)
{
    static const char body[] = "Hello there, this is a typical chat line of about one hundred "
                               "characters, sent by a person typing.";
    struct client *c = &load.clients[chat.from + 2 * pair];
    struct load_stream *s = &chat.streams[pair];
    struct mn_buf *b = mn_conn_out(c->conn);

    s->stamps[s->sent % IN_FLIGHT] = at;
    mn_buf_lit(b, "<message type='chat' id='");
    mn_buf_u64(b, s->sent++);
    mn_buf_lit(b, "' to='u");
    mn_buf_u64(b, c->number + 1);
    mn_buf_c(b, '@');
    mn_buf_str(b, c->plan->domain);
    mn_buf_lit(b, "'><body>");
    mn_buf_add(b, body, sizeof body - 1);
    mn_buf_lit(b, "</body></message>");
    mn_conn_written(c->conn);
    load.sent++;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void end(void)
{
    size_t n = chat.late_count;

    qsort(chat.late, n, sizeof *chat.late, by_size);
    load_end(chat.counted, (double)(chat.measured_to - chat.measured_from) / 1000,
             n ? chat.late[n / 2] : 0, n ? chat.late[n * 99 / 100] : 0);
}

static void count(const struct load_stream *s, uint64_t id)
{
    int64_t late = load_now_us() - s->stamps[id % IN_FLIGHT];

    chat.counted++;
    if (chat.late_count < LATE_MAX)
        chat.late[chat.late_count++] = (uint32_t)late;
}

static void element(struct client *c, const struct mn_elem *e)
{
    unsigned pair = (c->number - chat.from) / 2;
    struct load_stream *s = &chat.streams[pair];
    uint64_t id;

    if (!mn_elem_is(e, MN_NS_CLIENT, "message"))
        return;
    if (pair >= chat.pairs || !mn_num_parse(mn_elem_get(e, "id"), UINT64_MAX, &id) ||
        id >= s->sent || !mn_elem_child(e, MN_NS_CLIENT, "body"))
        load_give_up("chat", "something else than what was sent");
    if (!load_arrived(s, id))
        return;
    if (chat.counting)
        count(s, id);
    if (chat.sending && !chat.paced)
        send_one(pair, load_now_us());
    else if (!chat.sending && load.arrived == load.sent)
        end();
}

static void too_late(struct mn_timer *t)
{
    (void)t;
    end(); /* what did not arrive shows in the numbers */
}

static void measured(struct mn_timer *t)
{
    chat.sending = chat.counting = false;
    chat.measured_to = load_now_us();
    puts("over");
    if (chat.paced) {
        mn_loop_unwatch(load.loop, &chat.tick);
        close(chat.tick.fd);
    }
    if (load.arrived == load.sent) {
        end();
        return;
    }
    t->fire = too_late;
    mn_timer_start(load.loop, t, DRAIN_MS);
}

static void warm(struct mn_timer *t)
{
    puts("begin");
    chat.counting = true;
    chat.measured_from = load_now_us();
    t->fire = measured;
    mn_timer_start(load.loop, t, chat.ms);
}

static void tick(struct mn_watch *w, unsigned events)
{
    uint64_t times = 0;
    int64_t now = load_now_us();

    (void)events;
    if (read(w->fd, &times, sizeof times) != sizeof times)
        return;
    while (times--)
        send_one(chat.turn++ % chat.pairs, now);
}

static void tick_start(unsigned rate)
{
    struct itimerspec every = {{0, 1000000000 / rate}, {0, 1000000000 / rate}};

    chat.tick = (struct mn_watch){timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), MN_READ, tick};
    timerfd_settime(chat.tick.fd, 0, &every, NULL);
    mn_loop_watch(load.loop, &chat.tick);
}

void load_chat(bool paced, unsigned from, unsigned pairs, unsigned amount, int64_t warm_ms,
               int64_t ms)
{
    load_phase(element);
    if (!chat.late)
        chat.late = mn_alloc(LATE_MAX * sizeof *chat.late);
    mn_free(chat.streams);
    chat.streams = mn_alloc0(pairs * sizeof *chat.streams);
    chat.from = from;
    chat.pairs = pairs;
    chat.paced = paced;
    chat.ms = ms;
    chat.turn = 0;
    chat.counted = chat.late_count = 0;
    chat.sending = true;
    load.timer.fire = warm;
    mn_timer_start(load.loop, &load.timer, warm_ms);
    if (paced) {
        tick_start(amount);
        return;
    }
    for (unsigned i = 0; i < amount; i++)
        for (unsigned pair = 0; pair < pairs; pair++)
            send_one(pair, load_now_us());
}

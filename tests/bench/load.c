/* The load of tests/bench/run: clients over TCP, driven by lines on standard input, one answer
 * each.
 *
 *   register FROM COUNT   makes accounts uFROM...               -> done
 *   login FROM COUNT      logs them in and keeps them           -> done
 *   full FROM PAIRS WINDOW WARM_MS MS    chat as fast as it goes: WINDOW messages under way per
 * pair paced FROM PAIRS RATE WARM_MS MS     RATE messages a second, whether they arrive or not
 *
 * A chat says `begin` when it is warm and `end MESSAGES MS SENT ARRIVED P50 P99` when the time is
 * over and everything has arrived, with latencies in microseconds: from when a message should have
 * been sent (paced) or was (full).
 *
 *   load ADDRESS PORT plain|tls
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "bench/client.h"

enum { CLIENTS = 60000, AT_ONCE = 20, STAMPS = 1 << 22, DRAIN_MS = 20000 };

static struct {
    struct mn_loop *loop;
    struct mn_addr to;
    struct client_plan plan;
    struct client clients[CLIENTS];
    unsigned from, next, end, ready; /* of a register or login */
    struct {
        unsigned from, pairs, window;
        bool paced, sending, counting;
        uint64_t sent, arrived, counted, measured_from, measured_to;
        int64_t *stamps; /* when message number n & mask should have gone, in us */
        uint32_t *late;  /* of those that count, in us */
        size_t late_count;
        struct mn_watch tick;
        struct mn_timer phase;
        int64_t ms;
    } chat;
} load;

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "load: %s: %s\n", what, why);
    exit(1);
}

/* Connecting, at most AT_ONCE at a time. */

static void more(void)
{
    while (load.next < load.end && load.next - load.from < load.ready + AT_ONCE) {
        int fd = socket(load.to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        unsigned number = load.next++;
        static const struct mn_conn_face nobody;

        if (fd < 0 || connect(fd, &load.to.sa, mn_addr_len(&load.to)))
            give_up("connect", strerror(errno));
        fcntl(fd, F_SETFL, O_NONBLOCK);
        client_start(&load.clients[number], &load.plan, number,
                     mn_conn_tcp(load.loop, fd, &nobody, NULL));
    }
}

static void ready(struct client *c)
{
    load.ready++;
    if (c->plan->registers)
        client_done(c);
    if (load.ready == load.end - load.from)
        puts("done");
    else
        more();
}

static void failed(struct client *c, const char *why)
{
    char name[32];

    snprintf(name, sizeof name, "u%u", c->number);
    give_up(name, why);
}

static void begin(unsigned from, unsigned count, bool registers)
{
    load.plan.registers = registers;
    load.from = load.next = from;
    load.end = from + count;
    load.ready = 0;
    more();
}

/* Chatting. The first of each pair talks, the second listens. */

static void send_one(unsigned pair, int64_t at)
{
    static const char body[] = "Hello there, this is a typical chat line of about one hundred "
                               "characters, sent by a person typing.";
    struct client *c = &load.clients[load.chat.from + 2 * pair];
    uint64_t n = load.chat.sent++;
    struct mn_buf *b = mn_conn_out(c->conn);

    load.chat.stamps[n & (STAMPS - 1)] = at;
    mn_buf_lit(b, "<message type='chat' id='");
    mn_buf_u64(b, n);
    mn_buf_lit(b, "' to='u");
    mn_buf_u64(b, c->number + 1);
    mn_buf_c(b, '@');
    mn_buf_str(b, c->plan->domain);
    mn_buf_lit(b, "'><body>");
    mn_buf_add(b, body, sizeof body - 1);
    mn_buf_lit(b, "</body></message>");
    mn_conn_written(c->conn);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void chat_end(void)
{
    size_t n = load.chat.late_count;

    mn_timer_stop(&load.chat.phase);
    qsort(load.chat.late, n, sizeof *load.chat.late, by_size);
    printf("end %llu %.1f %llu %llu %u %u\n", (unsigned long long)load.chat.counted,
           (double)(load.chat.measured_to - load.chat.measured_from) / 1000,
           (unsigned long long)load.chat.sent, (unsigned long long)load.chat.arrived,
           n ? load.chat.late[n / 2] : 0, n ? load.chat.late[n * 99 / 100] : 0);
}

static void element(struct client *c, const struct mn_elem *e)
{
    uint64_t id;

    if (!mn_elem_is(e, MN_NS_CLIENT, "message"))
        return;
    if (!mn_num_parse(mn_elem_get(e, "id"), UINT64_MAX, &id) ||
        !mn_elem_child(e, MN_NS_CLIENT, "body"))
        give_up("chat", "something else than what was sent");
    load.chat.arrived++;
    if (load.chat.counting) {
        int64_t late = now_us() - load.chat.stamps[id & (STAMPS - 1)];

        load.chat.counted++;
        if (load.chat.late_count < STAMPS)
            load.chat.late[load.chat.late_count++] = (uint32_t)late;
    }
    if (load.chat.sending && !load.chat.paced)
        send_one((c->number - load.chat.from) / 2, now_us());
    else if (!load.chat.sending && load.chat.arrived == load.chat.sent)
        chat_end();
}

static void too_late(struct mn_timer *t)
{
    (void)t;
    chat_end(); /* what did not arrive shows in the numbers */
}

static void measured(struct mn_timer *t)
{
    load.chat.sending = load.chat.counting = false;
    load.chat.measured_to = (uint64_t)now_us();
    puts("over");
    if (load.chat.paced) {
        mn_loop_unwatch(load.loop, &load.chat.tick);
        close(load.chat.tick.fd);
    }
    if (load.chat.arrived == load.chat.sent) {
        chat_end();
        return;
    }
    t->fire = too_late;
    mn_timer_start(load.loop, t, DRAIN_MS);
}

static void warm(struct mn_timer *t)
{
    puts("begin");
    load.chat.counting = true;
    load.chat.measured_from = (uint64_t)now_us();
    t->fire = measured;
    mn_timer_start(load.loop, t, load.chat.ms);
}

static void tick(struct mn_watch *w, unsigned events)
{
    uint64_t times = 0;
    int64_t now = now_us();

    (void)events;
    if (read(w->fd, &times, sizeof times) != sizeof times)
        return;
    while (times--)
        send_one((unsigned)(load.chat.sent % load.chat.pairs), now);
}

static void chat(bool paced, unsigned from, unsigned pairs, unsigned amount, int64_t warm_ms,
                 int64_t ms)
{
    load.chat.from = from;
    load.chat.pairs = pairs;
    load.chat.paced = paced;
    load.chat.ms = ms;
    load.chat.sent = load.chat.arrived = load.chat.counted = load.chat.late_count = 0;
    load.chat.sending = true;
    load.chat.phase.fire = warm;
    mn_timer_start(load.loop, &load.chat.phase, warm_ms);
    if (paced) {
        struct itimerspec every = {{0, 1000000000 / amount}, {0, 1000000000 / amount}};

        load.chat.tick =
            (struct mn_watch){timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), MN_READ, tick};
        timerfd_settime(load.chat.tick.fd, 0, &every, NULL);
        mn_loop_watch(load.loop, &load.chat.tick);
        return;
    }
    for (unsigned i = 0; i < amount; i++)
        for (unsigned pair = 0; pair < pairs; pair++)
            send_one(pair, now_us());
}

/* Commands. */

static void command(struct mn_watch *w, unsigned events)
{
    char line[256];
    ssize_t n = read(w->fd, line, sizeof line - 1);
    unsigned a, b, c, d, e;

    (void)events;
    if (n <= 0) {
        mn_loop_stop(load.loop);
        return;
    }
    line[n] = 0;
    if (sscanf(line, "register %u %u", &a, &b) == 2 && a + b <= CLIENTS)
        begin(a, b, true);
    else if (sscanf(line, "login %u %u", &a, &b) == 2 && a + b <= CLIENTS)
        begin(a, b, false);
    else if (sscanf(line, "full %u %u %u %u %u", &a, &b, &c, &d, &e) == 5)
        chat(false, a, b, c, d, e);
    else if (sscanf(line, "paced %u %u %u %u %u", &a, &b, &c, &d, &e) == 5)
        chat(true, a, b, c, d, e);
    else
        give_up("no such command", line);
}

int main(int argc, char **argv)
{
    struct mn_watch commands = {0, MN_READ, command};
    struct rlimit files;
    struct mn_buf why = {0};

    if (argc != 4 || mn_addr_parse(mn_str_from(argv[1]), (uint16_t)atoi(argv[2]), &load.to)) {
        fputs("usage: load ADDRESS PORT plain|tls\n", stderr);
        return 64;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    load.plan = (struct client_plan){.domain = MN_STR("localhost"),
                                     .password = MN_STR("secret"),
                                     .ready = ready,
                                     .element = element,
                                     .failed = failed};
    if (!strcmp(argv[3], "tls") &&
        mn_tls_client(&(struct mn_tls_client){MN_VERIFY_NONE}, &load.plan.tls, &why))
        give_up("TLS", why.p);
    load.chat.stamps = mn_alloc(STAMPS * sizeof *load.chat.stamps);
    load.chat.late = mn_alloc(STAMPS * sizeof *load.chat.late);
    load.loop = mn_loop_new(MN_LOOP_EPOLL);
    mn_loop_watch(load.loop, &commands);
    mn_loop_run(load.loop);
    return 0;
}

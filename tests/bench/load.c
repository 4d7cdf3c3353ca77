/* The load of tests/bench/run: clients over TCP, each from an address of its own in 127.0.0.0/8,
 * driven by lines on standard input, one answer each.
 *
 *   to PORT plain|tls MECHANISM          that server from now on
 *   drop                                 closes all connections without a word
 *   register FROM COUNT                  makes accounts uFROM...
 *   login FROM COUNT AT_ONCE             logs them in and keeps them
 *   keep FROM COUNT AT_ONCE              the same with sessions that can be resumed (XEP-0198)
 *   resume FROM COUNT AT_ONCE            these, over new connections, with all that they missed
 *   leave                                from now on the server may end connections
 *   befriend FROM COUNT CONTACTS         a ring in which each is a contact of its neighbours
 *   store FROM SENDERS TO COUNT EACH     as many messages to each of those who are away
 *                                                               -> done FAILED
 *   full FROM PAIRS WINDOW WARM_MS MS    chat as fast as it goes: WINDOW under way per pair
 *   paced FROM PAIRS RATE WARM_MS MS     RATE messages a second, whether they arrive or not
 *   presence FROM COUNT CONTACTS WARM_MS MS    each tells its contacts, round after round
 *                                                               -> begin, over, end ...
 *   fetch FROM COUNT EACH                logs them in and waits for what was stored
 *                                                               -> end ...
 *
 * `begin` comes when it is warm, `over` when the time is, `end` when everything has arrived; what
 * it says stands at load_end. Latencies are in microseconds, from when a message should have been
 * sent (paced) or was (full). Every stanza has a number, and all numbers are looked at. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "bench/load.h"

enum { TRIES = 5, STUCK_MS = 60000 };

struct load load;

static struct {
    struct mn_addr to;
    struct client_plan plan;
    unsigned from, next, end, ready, at_once, failed, was;
    bool leaving;
    unsigned char tries[CLIENTS];
    void (*then)(void);
    struct client_keys keys[CLIENTS];
    unsigned again[CLIENTS], again_count;
    struct mn_turn turn;
} login;

int64_t load_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

_Noreturn void load_give_up(const char *what, const char *why)
{
    fprintf(stderr, "load: %s: %s\n", what, why);
    exit(1);
}

void load_phase(void (*element)(struct client *c, const struct mn_elem *e))
{
    mn_timer_stop(&load.timer);
    load.element = element;
    load.sent = load.arrived = load.duplicated = load.disordered = 0;
}

bool load_arrived(struct load_stream *s, uint64_t number)
{
    uint64_t *seen = &s->seen[number % IN_FLIGHT];

    if (*seen > number) {
        load.duplicated++;
        return false;
    }
    load.disordered += number != s->next;
    *seen = number + 1;
    s->next = number + 1;
    load.arrived++;
    return true;
}

void load_end(uint64_t count, double ms, uint32_t p50, uint32_t p99)
{
    mn_timer_stop(&load.timer);
    load.element = NULL;
    printf("end %llu %.1f %llu %llu %llu %llu %u %u\n", (unsigned long long)count, ms,
           (unsigned long long)load.sent, (unsigned long long)load.arrived,
           (unsigned long long)load.duplicated, (unsigned long long)load.disordered, p50, p99);
}

unsigned load_sender(const struct mn_elem *e)
{
    mn_str rest, user = mn_str_cut(mn_elem_get(e, "from"), '@', &rest);
    uint64_t n;

    return user.n > 1 && mn_num_parse(mn_str_skip(user, 1), CLIENTS - 1, &n) ? (unsigned)n
                                                                             : CLIENTS;
}

static void done(void)
{
    printf("done %u\n", login.failed);
}

/* Connecting. */

/* Each from an address of its own, and few from one network: nobody is limited for what all do
 * together. */
static void bind_own(int fd, unsigned number)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    int one = 1;

    own.sin_addr.s_addr = htonl(127u << 24 | (1 + number / 200 % 200) << 16 | number % 200 << 8 |
                                (1 + number / 200 / 200));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&own, sizeof own))
        load_give_up("bind", strerror(errno));
}

static void connect_one(unsigned number)
{
    static const struct mn_conn_face nobody;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        load_give_up("socket", strerror(errno));
    bind_own(fd, number);
    if (connect(fd, &login.to.sa, mn_addr_len(&login.to)) && errno != EINPROGRESS)
        load_give_up("connect", strerror(errno));
    client_start(&load.clients[number], &login.plan, number,
                 mn_conn_tcp(load.loop, fd, &nobody, NULL));
    load.clients[number].keys = &login.keys[number];
}

static void more(void)
{
    while (login.next < login.end && login.next - login.from < login.ready + login.at_once)
        connect_one(login.next++);
}

static void stuck(struct mn_timer *t)
{
    if (login.ready == login.was)
        load_give_up("login", "nothing happens any more");
    login.was = login.ready;
    mn_timer_start(load.loop, t, STUCK_MS);
}

static void ready(struct client *c)
{
    login.ready++;
    if (c->plan->registers)
        client_done(c);
    if (login.ready < login.end - login.from) {
        more();
        return;
    }
    mn_timer_stop(&load.timer);
    login.then();
}

/* Its old connection is gone by then. */
static void try_again(struct mn_turn *t)
{
    (void)t;
    while (login.again_count)
        connect_one(login.again[--login.again_count]);
}

/* One that fails while it logs in is counted and tries again; later nobody may go. */
static void failed(struct client *c, const char *why)
{
    char name[32];

    if (login.leaving && client_is_ready(c)) {
        client_done(c);
        return;
    }
    snprintf(name, sizeof name, "u%u", c->number);
    if (client_is_ready(c) || ++login.tries[c->number] >= TRIES)
        load_give_up(name, why);
    login.failed++;
    client_done(c);
    login.again[login.again_count++] = c->number;
    mn_loop_at_end(load.loop, &login.turn);
}

/* As any client does, whatever is measured: the server asks for a sign of life behind what it had
 * stored, and lets go of it then. */
static void answer(struct client *c, const struct mn_elem *e)
{
    struct mn_arena a = {0};

    client_write(c, mn_arena_fmt(&a, "<iq type='result' id='%.*s' to='%.*s'/>",
                                 MN_ARG(mn_elem_get(e, "id")), MN_ARG(mn_elem_get(e, "from"))));
    mn_arena_done(&a, NULL);
}

static void element(struct client *c, const struct mn_elem *e)
{
    if (mn_elem_is(e, MN_NS_CLIENT, "iq") && mn_str_is(mn_elem_get(e, "type"), "get"))
        answer(c, e);
    else if (load.element)
        load.element(c, e);
}

static void begin(unsigned from, unsigned count, unsigned at_once, bool registers,
                  void (*then)(void))
{
    login.plan.registers = registers;
    login.leaving = false;
    login.from = login.next = from;
    login.end = from + count;
    login.at_once = at_once;
    login.ready = login.failed = login.was = 0;
    login.then = then;
    memset(login.tries, 0, sizeof login.tries);
    load.timer.fire = stuck;
    mn_timer_start(load.loop, &load.timer, STUCK_MS);
    more();
}

void load_login(unsigned from, unsigned count, unsigned at_once, void (*then)(void))
{
    begin(from, count, at_once, false, then);
}

static void keep(unsigned from, unsigned count, unsigned at_once, bool again)
{
    login.plan.keeps = !again;
    login.plan.resumes = again;
    load_login(from, count, at_once, done);
}

static void leave(void)
{
    login.leaving = true;
    login.failed = 0;
    done();
}

static void drop(void)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        client_done(&load.clients[i]);
    login.failed = 0;
    done();
}

static void to(unsigned port, bool tls, enum mn_sasl_mech mech)
{
    struct mn_buf why = {0};

    mn_tls_unref(login.plan.tls);
    login.plan = (struct client_plan){.domain = MN_STR("localhost"),
                                      .password = MN_STR("secret"),
                                      .mech = mech,
                                      .ready = ready,
                                      .element = element,
                                      .failed = failed};
    if (tls && mn_tls_client(&(struct mn_tls_client){MN_VERIFY_NONE}, &login.plan.tls, &why))
        load_give_up("TLS", why.p);
    if (mn_addr_parse(MN_STR("127.0.0.1"), (uint16_t)port, &login.to))
        load_give_up("to", "no port");
    login.failed = 0;
    done();
}

/* Commands. */

static void command(struct mn_watch *w, unsigned events)
{
    char line[256], word[16] = "", tls[8], mech[24];
    ssize_t n = read(w->fd, line, sizeof line - 1);
    unsigned a = 0, b = 0, c = 0, d = 0, e = 0;
    int words;

    (void)events;
    if (n <= 0) {
        mn_loop_stop(load.loop);
        return;
    }
    line[n] = 0;
    words = sscanf(line, "%15s %u %u %u %u %u", word, &a, &b, &c, &d, &e);
    if (sscanf(line, "to %u %7s %23s", &a, tls, mech) == 3)
        to(a, !strcmp(tls, "tls"), mn_sasl_find(mn_str_from(mech)));
    else if (!strcmp(word, "drop"))
        drop();
    else if (!strcmp(word, "register") && words == 3)
        begin(a, b, 20, true, done);
    else if (!strcmp(word, "login") && words == 4)
        load_login(a, b, c, done);
    else if (!strcmp(word, "keep") && words == 4)
        keep(a, b, c, false);
    else if (!strcmp(word, "resume") && words == 4)
        keep(a, b, c, true);
    else if (!strcmp(word, "leave"))
        leave();
    else if (!strcmp(word, "befriend") && words == 4)
        load_befriend(a, b, c);
    else if (!strcmp(word, "full") && words == 6)
        load_chat(false, a, b, c, d, e);
    else if (!strcmp(word, "paced") && words == 6)
        load_chat(true, a, b, c, d, e);
    else if (!strcmp(word, "presence") && words == 6)
        load_presence(a, b, c, d, e);
    else if (!strcmp(word, "store") && words == 6)
        load_store(a, b, c, d, e);
    else if (!strcmp(word, "fetch") && words == 4)
        load_fetch(a, b, c);
    else
        load_give_up("no such command", line);
}

int main(void)
{
    struct mn_watch commands = {0, MN_READ, command};
    struct rlimit files;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    login.turn.run = try_again;
    load.loop = mn_loop_new(MN_LOOP_EPOLL);
    mn_loop_watch(load.loop, &commands);
    mn_loop_run(load.loop);
    return 0;
}

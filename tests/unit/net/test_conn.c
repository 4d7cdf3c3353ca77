#include "net/conn.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"
#include "net/cert.h"
#include "net/listen.h"
#include "net/tls.h"
#include "test.h"

static char dir[] = "/tmp/mynah-conn-XXXXXX";
static struct mn_tls *server_tls, *client_tls, *client12;
static struct mn_arena files;

static void certificates(void)
{
    struct mn_cert_files f;
    struct mn_buf why = {0};

    if (server_tls)
        return;
    CHECK(mkdtemp(dir));
    CHECK_INT(mn_cert_local(dir, MN_STR("localhost"), &files, &f, &why), 0);
    CHECK_INT(mn_tls_server(f.cert, f.key, &server_tls, &why), 0);
    CHECK_INT(mn_tls_client(&(struct mn_tls_client){.ca_file = f.ca}, &client_tls, &why), 0);
    CHECK_INT(
        mn_tls_client(&(struct mn_tls_client){.ca_file = f.ca, .max12 = true}, &client12, &why), 0);
    CHECK_STR(mn_buf_view(&why), "");
    mn_buf_free(&why);
}

__attribute__((destructor)) static void clean(void)
{
    char command[200];

    mn_tls_unref(server_tls);
    mn_tls_unref(client_tls);
    mn_tls_unref(client12);
    mn_arena_done(&files, NULL);
    mn_conn_thread_done();
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (!strstr(dir, "XXXXXX"))
        (void)!system(command);
}

/* What goes to the kernel comes through here, from whichever loop. */
static atomic_size_t sends;

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    sends++;
    return sendto(fd, p, n, flags, NULL, 0);
}

/* One end of a conversation: it sends `want` bytes of a known sequence and checks what it gets. */
struct side {
    struct mn_conn *conn;
    struct mn_loop *loop;
    size_t sent, got, want;
    bool wrong, closed, tls;
    int why;
    struct side *peer;
};

static char byte_at(size_t i)
{
    return (char)(i * 7 + i / 251);
}

static void send_some(struct side *s, size_t n)
{
    char text[5000];

    n = n > s->want - s->sent ? s->want - s->sent : n;
    n = n > sizeof text ? sizeof text : n;
    for (size_t i = 0; i < n; i++)
        text[i] = byte_at(s->sent + i);
    s->sent += n;
    if (n)
        mn_conn_write(s->conn, (mn_str){text, n});
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct side *s = arg;

    for (size_t i = 0; i < bytes.n; i++)
        s->wrong |= bytes.p[i] != byte_at(s->got + i);
    s->got += bytes.n;
    do
        send_some(s, 1 + (s->got * 31) % 4000);
    while (s->got == s->want &&
           s->sent < s->want); /* nothing more will come that calls for an answer */
}

static void on_closed(void *arg, int why)
{
    struct side *s = arg;

    s->closed = true;
    s->why = why;
}

static void on_tls(void *arg)
{
    ((struct side *)arg)->tls = true;
}

static const struct mn_conn_face face = {on_bytes, on_closed, NULL, on_tls};

static void pair_of(struct mn_loop *l, bool tcp, struct side *a, struct side *b)
{
    if (tcp) {
        int fd[2];

        CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd));
        a->conn = mn_conn_tcp(l, fd[0], &face, a);
        b->conn = mn_conn_tcp(l, fd[1], &face, b);
        return;
    }
    mn_conn_mem(l, l, &a->conn, &b->conn);
    mn_conn_face(a->conn, &face, a);
    mn_conn_face(b->conn, &face, b);
}

enum { PLAIN, TLS12, TLS13, ZLIB, TLS_ZLIB, MODES };

/* The layers of `mode` on both ends. */
static void secure(struct mn_loop *l, int mode, struct side *a, struct side *b)
{
    if (mode != PLAIN && mode != ZLIB) {
        mn_conn_start_tls(b->conn, server_tls, true, NULL);
        mn_conn_start_tls(a->conn, mode == TLS12 ? client12 : client_tls, false, "localhost");
        while ((!a->tls && !a->closed) || (!b->tls && !b->closed))
            mn_loop_turn(l, 1000);
    }
    if (mode == ZLIB || mode == TLS_ZLIB) {
        mn_conn_start_zlib(a->conn);
        mn_conn_start_zlib(b->conn);
    }
}

TEST(every_byte_arrives_once_and_in_order_through_all_layers)
{
    certificates();
    for (int tcp = 0; tcp < 3; tcp++)
        for (int mode = 0; mode < MODES; mode++) {
            struct mn_loop *l = mn_loop_new(tcp == 2 ? MN_LOOP_POLL : MN_LOOP_EPOLL);
            struct side a = {.want = 300000}, b = {.want = 300000};
            int turns = 0;

            pair_of(l, tcp, &a, &b);
            secure(l, mode, &a, &b);
            send_some(&a, 100);
            send_some(&b, 100);
            while ((a.got < a.want || b.got < b.want) && !a.closed && !b.closed && turns++ < 100000)
                mn_loop_turn(l, 1000);
            if (a.wrong || b.wrong || a.got != a.want || b.got != b.want)
                test_fail(__FILE__, __LINE__, "tcp %d mode %d: %zu %zu", tcp, mode, a.got, b.got);
            if (mode == TLS13)
                CHECK(!strncmp(mn_conn_tls_name(a.conn), "TLSv1.3 ", 8));
            mn_conn_close(a.conn, 1000);
            while (!b.closed)
                mn_loop_turn(l, 1000);
            CHECK_INT(b.why, MN_E_CLOSED);
            mn_conn_close(b.conn, 1000);
            for (turns = 0; turns < 20; turns++)
                mn_loop_turn(l, 5);
            mn_loop_free(l);
        }
}

TEST(bindings_are_the_same_at_both_ends)
{
    certificates();
    for (int v = 0; v < 2; v++) {
        struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
        struct side a = {0}, b = {0};
        struct mn_arena m = {0};
        mn_str x, y;

        pair_of(l, false, &a, &b);
        mn_conn_start_tls(b.conn, server_tls, true, NULL);
        mn_conn_start_tls(a.conn, v ? client12 : client_tls, false, "localhost");
        while (!a.tls || !b.tls)
            mn_loop_turn(l, 1000);
        for (int k = 0; k < 3; k++) {
            bool here = mn_conn_binding(a.conn, (enum mn_binding)k, &m, &x);

            CHECK(here == mn_conn_binding(b.conn, (enum mn_binding)k, &m, &y));
            CHECK(here == (k == MN_BIND_END_POINT || (k == MN_BIND_UNIQUE) == (v == 1)));
            CHECK(!here || mn_str_eq(x, y));
        }
        CHECK(mn_conn_finished13(a.conn, &m, &x) == !v && mn_conn_finished13(b.conn, &m, &y) == !v);
        CHECK(v || mn_str_eq(x, y));
        CHECK_STR(mn_conn_sni(b.conn), "localhost");
        mn_conn_close(a.conn, 0);
        mn_conn_close(b.conn, 0);
        for (int i = 0; i < 20; i++)
            mn_loop_turn(l, 5);
        mn_arena_done(&m, NULL);
        mn_loop_free(l);
    }
}

TEST(a_certificate_for_another_name_or_ca_is_refused)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct side a = {0}, b = {0};

    certificates();
    pair_of(l, false, &a, &b);
    mn_conn_start_tls(b.conn, server_tls, true, NULL);
    mn_conn_start_tls(a.conn, client_tls, false, "example.org");
    while (!a.closed)
        mn_loop_turn(l, 1000);
    CHECK_INT(a.why, MN_E_TLS);
    mn_conn_close(a.conn, 0);
    mn_conn_close(b.conn, 0);
    for (int i = 0; i < 20; i++)
        mn_loop_turn(l, 5);
    mn_loop_free(l);
}

TEST(a_bomb_of_zlib_ends_the_connection)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct side a = {0}, b = {0};
    char *zeros = mn_alloc0(16 << 20);

    pair_of(l, false, &a, &b);
    mn_conn_start_zlib(a.conn);
    mn_conn_start_zlib(b.conn);
    mn_conn_write(a.conn, (mn_str){zeros, 16 << 20});
    while (!b.closed)
        mn_loop_turn(l, 1000);
    CHECK_INT(b.why, MN_E_LIMIT);
    mn_conn_close(a.conn, 0);
    mn_conn_close(b.conn, 0);
    for (int i = 0; i < 20; i++)
        mn_loop_turn(l, 5);
    mn_free(zeros);
    mn_loop_free(l);
}

/* Moving: side b is carried between two loops on two threads while a talks to it. */
static struct mn_loop *homes[2];
static atomic_uint moves;
static atomic_bool stop_moving;
struct mover {
    struct mn_post post;
    struct side *side;
    unsigned at;
};

static void arrive(struct mn_post *p);

/* A turn after the arrival, so that what waits there was seen once. */
static void leave(struct mn_post *p)
{
    struct mover *m = (struct mover *)p;

    mn_conn_detach(m->side->conn);
    m->at ^= 1;
    m->post.run = arrive;
    mn_loop_post(homes[m->at], &m->post);
}

static void arrive(struct mn_post *p)
{
    struct mover *m = (struct mover *)p;

    mn_conn_attach(m->side->conn, homes[m->at]);
    atomic_fetch_add(&moves, 1);
    m->post.run = leave;
    if (!atomic_load(&stop_moving))
        mn_loop_post(homes[m->at], &m->post);
}

static void *run_home(void *arg)
{
    mn_loop_run(arg);
    mn_conn_thread_done();
    return NULL;
}

TEST(a_connection_moves_between_loops_and_loses_nothing)
{
    certificates();
    for (int mode = 0; mode < MODES; mode++)
        for (int tcp = 0; tcp < 2; tcp++) {
            struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
            struct side a = {.want = 200000}, b = {.want = 200000};
            struct mover m = {.side = &b};
            pthread_t t[2];

            pair_of(l, tcp, &a, &b);
            secure(l, mode, &a, &b);
            send_some(&b, 100);
            atomic_store(&moves, 0);
            atomic_store(&stop_moving, false);
            mn_conn_detach(b.conn);
            for (int i = 0; i < 2; i++)
                homes[i] = mn_loop_new(MN_LOOP_EPOLL);
            m.post.run = arrive;
            mn_loop_post(homes[0], &m.post);
            for (int i = 0; i < 2; i++)
                pthread_create(&t[i], NULL, run_home, homes[i]);
            send_some(&a, 100);
            for (int64_t end = mn_clock_now() + 30000;
                 a.got < a.want && !a.closed && mn_clock_now() < end;)
                mn_loop_turn(l, 1000);
            atomic_store(&stop_moving, true);
            CHECK_INT((long long)a.got, (long long)a.want);
            CHECK(!a.wrong && atomic_load(&moves) > 20);
            for (int i = 0; i < 2; i++)
                mn_loop_stop(homes[i]);
            for (int i = 0; i < 2; i++)
                pthread_join(t[i], NULL);
            while (mn_loop_turn(homes[0], 0) || mn_loop_turn(homes[1], 0))
                ;
            CHECK(!b.wrong);
            mn_loop_turn(homes[m.at], 0);
            mn_conn_close(b.conn, 0);
            for (int i = 0; i < 3; i++)
                mn_loop_turn(homes[m.at], 5);
            mn_loop_turn(l, 0);
            mn_conn_close(a.conn, 0);
            for (int i = 0; i < 5; i++)
                mn_loop_turn(l, 5);
            mn_loop_free(homes[0]);
            mn_loop_free(homes[1]);
            mn_loop_free(l);
        }
}

static struct mn_conn *accepted_conn;
static int accepted_fd;
static struct side accepted_side;
static struct mn_loop *accept_loop;

static void on_accept(void *arg, int fd, const struct mn_addr *peer)
{
    CHECK(mn_addr_is_loopback(peer));
    CHECK(!setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){1 << 20}, sizeof(int)));
    accepted_fd = fd;
    accepted_conn = accepted_side.conn =
        mn_conn_accepted(accept_loop, fd, peer, &face, &accepted_side);
    (void)arg;
}

TEST(listening_tells_its_port_and_who_is_in_the_way)
{
    struct mn_loop *l = accept_loop = mn_loop_new(MN_LOOP_EPOLL);
    struct mn_listener *first, *second;
    struct mn_buf why = {0};
    struct mn_addr at;
    struct side a = {.want = 50};
    int fd;

    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK_INT(mn_listen(l, &at, on_accept, NULL, &first, &why), 0);
    at = *mn_listener_addr(first);
    CHECK(mn_addr_port(&at) != 0);
    CHECK_INT(mn_listen(l, &at, on_accept, NULL, &second, &why), MN_E_BUSY);
    CHECK(memmem(why.p, why.n, "in use", 6));
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(!connect(fd, &at.sa, mn_addr_len(&at)));
    a.conn = mn_conn_tcp(l, fd, &face, &a);
    send_some(&a, 50);
    mn_conn_close(a.conn, 1000); /* what is queued arrives all the same */
    while (!accepted_side.closed)
        mn_loop_turn(l, 1000);
    CHECK_INT((long long)accepted_side.got, 50);
    mn_conn_close(accepted_conn, 0);
    for (int i = 0; i < 10; i++)
        mn_loop_turn(l, 5);
    mn_listener_free(first);
    mn_buf_free(&why);
    mn_loop_free(l);
}

struct late {
    struct mn_timer timer;
    struct side *side;
};

static void write_more(struct mn_timer *t)
{
    send_some(MN_OF(t, struct late, timer)->side, 50);
}

/* Whatever writes to it during a turn: input, mail, a timer. */
TEST(a_turn_sends_once)
{
    for (int tls = 0; tls < 2; tls++) {
        struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
        struct side a = {.want = 1000}, b = {.want = 1000};
        struct late late = {.timer = {.fire = write_more}, .side = &b};

        pair_of(l, true, &a, &b);
        secure(l, tls ? TLS13 : PLAIN, &a, &b);
        mn_timer_start(l, &late.timer, 0);
        send_some(&a, 300);
        send_some(&a, 100);
        sends = 0;
        mn_loop_turn(l, 0); /* the timer's bytes, and those from before */
        CHECK_INT((long long)atomic_load(&sends), 2);
        CHECK_INT((long long)b.sent, 50);
        send_some(&b, 20);
        mn_loop_turn(l, 1000); /* both take what there is, and answer it */
        CHECK_INT((long long)b.got, 400);
        CHECK(b.sent > 70 && a.sent > 400);
        CHECK_INT((long long)atomic_load(&sends), 4);
        mn_conn_close(a.conn, 0);
        mn_conn_close(b.conn, 0);
        mn_loop_fire_all(l);
        mn_loop_free(l);
    }
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t n = sizeof value;

    CHECK(!getsockopt(fd, level, name, &value, &n));
    return value;
}

/* Nagle's algorithm would hold what is small until the other side says that it has the last. What
 * is accepted has it all from its listener. */
TEST(what_is_small_does_not_wait)
{
    struct mn_loop *l = accept_loop = mn_loop_new(MN_LOOP_EPOLL);
    struct mn_listener *listener;
    struct mn_buf why = {0};
    struct mn_addr at;
    int fd;

    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK_INT(mn_listen(l, &at, on_accept, NULL, &listener, &why), 0);
    at = *mn_listener_addr(listener);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    accepted_conn = NULL;
    CHECK(!connect(fd, &at.sa, mn_addr_len(&at)));
    while (!accepted_conn)
        mn_loop_turn(l, 1000);
    CHECK(option(accepted_fd, IPPROTO_TCP, TCP_NODELAY) > 0);
    CHECK(option(accepted_fd, SOL_SOCKET, SO_KEEPALIVE) > 0);
    CHECK_INT(option(accepted_fd, IPPROTO_TCP, TCP_KEEPIDLE), 300);
    CHECK_INT(option(accepted_fd, IPPROTO_TCP, TCP_KEEPINTVL), 60);
    CHECK(mn_addr_is_loopback(mn_conn_peer(accepted_conn)));
    close(fd);
    mn_conn_close(accepted_conn, 0);
    mn_loop_fire_all(l);
    mn_listener_free(listener);
    mn_loop_free(l);
}

TEST(an_idle_connection_holds_next_to_nothing)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct side a = {.want = 9000}, b = {.want = 9000};
    size_t before;

    mn_conn_thread_done();
    before = mn_alloc_bytes();
    pair_of(l, true, &a, &b);
    send_some(&a, 4000);
    for (int i = 0; i < 50; i++)
        mn_loop_turn(l, 2);
    CHECK(b.got > 0);
    CHECK(mn_alloc_bytes() - before < 2 * 450 + 3 * 65536 + 32 * 16384);
    mn_conn_thread_done();
    CHECK(mn_alloc_bytes() - before < 2 * 450);
    mn_conn_close(a.conn, 0);
    mn_conn_close(b.conn, 0);
    for (int i = 0; i < 10; i++)
        mn_loop_turn(l, 5);
    mn_loop_free(l);
}

static void finish(struct mn_loop *l, struct side *a, struct side *b)
{
    mn_conn_close(a->conn, 0);
    if (b)
        mn_conn_close(b->conn, 0);
    for (int i = 0; i < 5; i++)
        mn_loop_turn(l, 10);
    mn_loop_free(l);
}

/* Turns until nothing happens any more; false: something rings for ever. */
static bool calms_down(struct mn_loop *l)
{
    int quiet = 0;

    for (int i = 0; i < 5000 && quiet < 3; i++)
        quiet = mn_loop_turn(l, 10) ? 0 : quiet + 1;
    return quiet == 3;
}

static unsigned drained;

static void on_drained(void *arg)
{
    struct side *s = arg;

    CHECK(mn_conn_queued(s->conn) <= 1000);
    drained++;
}

TEST(who_does_not_read_stops_nobody_and_gets_all_later)
{
    static const struct mn_conn_face marked = {on_bytes, on_closed, on_drained, on_tls};

    certificates();
    for (int mode = 0; mode < MODES; mode++) {
        struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
        struct side a = {.want = 3000000}, b = {0};

        drained = 0;
        pair_of(l, true, &a, &b);
        secure(l, mode, &a, &b);
        mn_conn_face(a.conn, &marked, &a);
        mn_conn_marks(a.conn, 1000, 5000);
        mn_conn_pause(b.conn, true);
        while (a.sent < a.want)
            send_some(&a, 5000);
        CHECK(mn_conn_queued(a.conn) > 5000);
        CHECK(calms_down(l));
        CHECK(mode >= ZLIB || (mn_conn_queued(a.conn) > 1000 && !drained && !b.got));
        mn_conn_pause(b.conn, false);
        CHECK(calms_down(l));
        CHECK(b.got == a.want && !b.wrong && drained == 1 && !mn_conn_queued(a.conn));
        finish(l, &a, &b);
    }
}

TEST(closing_with_time_delivers_everything)
{
    certificates();
    for (int mode = 0; mode < MODES; mode++) {
        struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
        struct side a = {.want = 3000000}, b = {0};

        pair_of(l, true, &a, &b);
        secure(l, mode, &a, &b);
        while (a.sent < a.want)
            send_some(&a, 5000);
        mn_conn_write(b.conn, MN_STR("what a does not want to hear any more"));
        mn_conn_close(a.conn, 10000);
        CHECK(calms_down(l));
        CHECK(b.got == a.want && !b.wrong && b.closed);
        CHECK_INT(b.why, MN_E_CLOSED);
        finish(l, &b, NULL);
    }
}

TEST(a_close_without_time_still_says_what_goes_at_once)
{
    certificates();
    for (int mode = 0; mode < MODES; mode++)
        for (int tcp = 0; tcp < 2; tcp++) {
            struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
            struct side a = {.want = 50}, b = {0};

            pair_of(l, tcp, &a, &b);
            secure(l, mode, &a, &b);
            send_some(&a, 50);
            mn_conn_close(a.conn, 0);
            CHECK(calms_down(l));
            CHECK(b.got == 50 && !b.wrong && b.closed);
            finish(l, &b, NULL);
        }
}

TEST(who_closes_while_nobody_listens_rings_once)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct side a = {.want = 4000}, b = {0};

    pair_of(l, true, &a, &b);
    mn_conn_pause(b.conn, true);
    send_some(&a, 4000);
    CHECK(calms_down(l));
    mn_conn_close(a.conn, 0);
    CHECK(calms_down(l));
    CHECK(!b.closed && !b.got);
    mn_conn_pause(b.conn, false);
    CHECK(calms_down(l));
    CHECK(b.closed && b.got == 4000 && !b.wrong);
    finish(l, &b, NULL);
}

static void answer_the_end(void *arg, int why)
{
    struct side *s = arg;

    on_closed(arg, why);
    mn_conn_write(s->conn, MN_STR("good bye"));
    mn_conn_close(s->conn, 0);
}

TEST(a_peer_that_has_said_all_still_gets_the_answer)
{
    static const struct mn_conn_face polite = {on_bytes, answer_the_end, NULL, NULL};
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct side s = {0};
    char text[100];
    int fd[2];

    CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd));
    s.conn = mn_conn_tcp(l, fd[0], &polite, &s);
    CHECK(!shutdown(fd[1], SHUT_WR));
    CHECK(calms_down(l));
    CHECK(s.closed);
    CHECK_INT(read(fd[1], text, sizeof text), 8);
    CHECK_INT(read(fd[1], text, sizeof text), 0);
    close(fd[1]);
    mn_loop_free(l);
}

static unsigned closes;

static void count_close(void *arg, int why)
{
    on_closed(arg, why);
    closes++;
}

TEST(what_came_before_a_reset_is_read_and_the_end_told_once)
{
    static const struct mn_conn_face counting = {on_bytes, count_close, NULL, NULL};
    struct mn_loop *l = accept_loop = mn_loop_new(MN_LOOP_EPOLL);
    struct side s = {0};
    struct mn_listener *listener;
    struct mn_buf why = {0};
    struct mn_addr at;
    static char text[200000]; /* more than one turn reads */
    size_t n = 0;
    int fd, under_way = 0;

    closes = 0;
    accepted_side = (struct side){0};
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK_INT(mn_listen(l, &at, on_accept, NULL, &listener, &why), 0);
    at = *mn_listener_addr(listener);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(!connect(fd, &at.sa, mn_addr_len(&at)));
    while (!accepted_side.conn)
        mn_loop_turn(l, 1000);
    s.conn = accepted_side.conn;
    mn_conn_face(s.conn, &counting, &s);
    mn_conn_write(s.conn, MN_STR("unread, so that closing resets"));
    mn_loop_turn(l, 0);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = byte_at(i);
    for (ssize_t more = 0; more >= 0 && n < sizeof text; n += (size_t)(more > 0 ? more : 0))
        more = send(fd, text + n, sizeof text - n, MSG_DONTWAIT);
    CHECK(!ioctl(fd, SIOCOUTQ, &under_way)); /* what is not there yet may be lost */
    n -= (size_t)under_way;
    CHECK(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)));
    close(fd);
    mn_conn_write(s.conn, MN_STR("into the void"));
    CHECK(calms_down(l));
    mn_conn_write(s.conn, MN_STR("again"));
    CHECK(calms_down(l));
    CHECK(closes == 1 && s.got >= n && n > 65536 && !s.wrong);
    CHECK_INT((long long)mn_conn_queued(s.conn), 0);
    mn_listener_free(listener);
    mn_buf_free(&why);
    finish(l, &s, NULL);
}

/* A conversation that goes from clear to TLS to zlib inside its call-backs, as streams do. */
struct upgrade {
    struct mn_conn *conn;
    struct mn_buf got;
    bool server;
};

static void on_step(void *arg, mn_str bytes)
{
    struct upgrade *u = arg;

    mn_buf_str(&u->got, bytes);
    if (mn_str_starts(bytes,
                      MN_STR("starttls"))) { /* what came behind it is the receiver's to drop */
        mn_conn_write(u->conn, MN_STR("proceed"));
        mn_conn_start_tls(u->conn, server_tls, true, NULL);
    } else if (mn_str_is(bytes, "proceed")) {
        mn_conn_start_tls(u->conn, client_tls, false, "localhost");
        mn_conn_write(u->conn, MN_STR("compress")); /* waits for the handshake */
    } else if (mn_str_is(bytes, "compress")) {
        mn_conn_write(u->conn, MN_STR("compressed"));
        mn_conn_start_zlib(u->conn);
    } else if (mn_str_is(bytes, "compressed")) {
        mn_conn_start_zlib(u->conn);
        mn_conn_write(u->conn, MN_STR("message"));
    } else if (mn_str_is(bytes, "message")) {
        CHECK(mn_conn_is_tls(u->conn) && mn_conn_is_zlib(u->conn));
        mn_conn_write(u->conn, MN_STR("answer"));
        mn_conn_close(u->conn, 1000);
    }
}

static void no_end(void *arg, int why)
{
    (void)arg;
    CHECK_INT(why, MN_E_CLOSED);
}

TEST(layers_are_put_in_while_talking)
{
    static const struct mn_conn_face steps = {on_step, no_end, NULL, NULL};

    certificates();
    for (int tcp = 0; tcp < 2; tcp++) {
        struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
        struct upgrade a = {0}, b = {0};
        struct side x, y;

        pair_of(l, tcp, &x, &y);
        a.conn = x.conn;
        b.conn = y.conn;
        mn_conn_face(a.conn, &steps, &a);
        mn_conn_face(b.conn, &steps, &b);
        mn_conn_write(a.conn, MN_STR("starttls and something behind it"));
        CHECK(calms_down(l));
        CHECK_STR(mn_buf_view(&b.got), "starttls and something behind itcompressmessage");
        CHECK_STR(mn_buf_view(&a.got), "proceedcompressedanswer");
        mn_buf_free(&a.got);
        mn_buf_free(&b.got);
        finish(l, &x, NULL);
    }
}

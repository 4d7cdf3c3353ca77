#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "test.h"

static int accepted[64];
static unsigned count;

static void on_accept(void *arg, int fd, const struct mn_addr *peer)
{
    CHECK(mn_addr_is_loopback(peer) && *(int *)arg == 7);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK && fcntl(fd, F_GETFD) & FD_CLOEXEC);
    accepted[count++] = fd;
}

static int knock(const struct mn_addr *at)
{
    int fd = socket(at->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(!connect(fd, &at->sa, mn_addr_len(at)));
    return fd;
}

static void close_accepted(void)
{
    while (count)
        close(accepted[--count]);
}

TEST(the_unspecified_address_hears_both_families)
{
    static const char *const knocks[] = {"127.0.0.1", "::1"};
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct mn_listener *listener;
    struct mn_buf why = {0};
    struct mn_addr at;
    int seven = 7;

    CHECK_INT(mn_addr_parse(MN_STR("::"), 0, &at), 0);
    if (mn_listen(l, &at, on_accept, &seven, &listener, &why) == MN_E_NOT_FOUND) {
        test_skip("no IPv6 here");
    } else {
        for (unsigned i = 0; i < 2; i++) {
            struct mn_addr to;
            int fd;

            CHECK_INT(mn_addr_parse(mn_str_from(knocks[i]),
                                    mn_addr_port(mn_listener_addr(listener)), &to),
                      0);
            fd = knock(&to);
            for (int turns = 0; turns < 100 && count <= i; turns++)
                mn_loop_turn(l, 100);
            CHECK_INT(count, i + 1);
            close(fd);
        }
        mn_listener_free(listener);
    }
    close_accepted();
    mn_buf_free(&why);
    mn_loop_free(l);
}

TEST(why_it_cannot_listen_is_said)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct mn_listener *first, *second;
    struct mn_buf why = {0}, want = {0};
    struct mn_addr at;
    char text[MN_ADDR_TEXT];
    int seven = 7;

    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK_INT(mn_listen(l, &at, on_accept, &seven, &first, &why), 0);
    CHECK_INT(mn_listen(l, mn_listener_addr(first), on_accept, &seven, &second, &why), MN_E_BUSY);
    mn_buf_fmt(&want, "port %u on 127.0.0.1 is in use by another program",
               mn_addr_port(mn_listener_addr(first)));
    CHECK(!second && mn_str_starts(mn_buf_view(&why), mn_buf_view(&want)));
    mn_buf_clear(&why);
    CHECK_INT(mn_addr_parse(MN_STR("192.0.2.77"), 5222, &at), 0);
    CHECK_INT(mn_listen(l, &at, on_accept, &seven, &second, &why), MN_E_NOT_FOUND);
    CHECK(memmem(why.p, why.n, mn_addr_text(&at, text), strlen(text)));
    mn_listener_free(first);
    mn_buf_free(&why);
    mn_buf_free(&want);
    mn_loop_free(l);
}

TEST(without_descriptors_the_caller_is_refused_and_not_left_hanging)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct mn_listener *listener;
    struct mn_buf why = {0};
    struct rlimit was, tight;
    struct mn_addr at;
    int fd, seven = 7, held[1024], n = 0;
    char c;

    CHECK(!getrlimit(RLIMIT_NOFILE, &was));
    tight = was;
    tight.rlim_cur = 200;
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK_INT(mn_listen(l, &at, on_accept, &seven, &listener, &why), 0);
    fd = knock(mn_listener_addr(listener));
    CHECK(!setrlimit(RLIMIT_NOFILE, &tight));
    while (n < 1024 && (held[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
    CHECK(n < 1024 && errno == EMFILE);
    for (int i = 0; i < 5; i++)
        mn_loop_turn(l, 10);
    CHECK_INT(count, 0);
    CHECK_INT(recv(fd, &c, 1, MSG_DONTWAIT), 0);
    close(fd);
    while (n)
        close(held[--n]);
    CHECK(!setrlimit(RLIMIT_NOFILE, &was));
    fd = knock(mn_listener_addr(listener)); /* and it goes on */
    for (int i = 0; i < 100 && !count; i++)
        mn_loop_turn(l, 10);
    CHECK_INT(count, 1);
    close(fd);
    close_accepted();
    mn_listener_free(listener);
    mn_buf_free(&why);
    mn_loop_free(l);
}

TEST(with_nothing_to_spare_it_rests_and_comes_back)
{
    struct mn_loop *l = mn_loop_new(MN_LOOP_EPOLL);
    struct mn_listener *listener;
    struct mn_buf why = {0};
    struct rlimit was, tight;
    struct mn_addr at;
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), seven = 7, spins = 0;
    int last = open("/dev/null", O_RDONLY | O_CLOEXEC); /* what is below is taken */

    CHECK(!getrlimit(RLIMIT_NOFILE, &was));
    tight = was;
    tight.rlim_cur = (rlim_t)last + 1;
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK(!setrlimit(RLIMIT_NOFILE, &tight));
    close(last); /* for the listener, which gets no second one */
    CHECK_INT(mn_listen(l, &at, on_accept, &seven, &listener, &why), 0);
    CHECK(
        !connect(client, &mn_listener_addr(listener)->sa, mn_addr_len(mn_listener_addr(listener))));
    for (int i = 0; i < 50; i++)
        spins += mn_loop_turn(l, 0);
    CHECK(spins < 10);
    CHECK_INT(count, 0);
    CHECK(!setrlimit(RLIMIT_NOFILE, &was));
    for (int i = 0; i < 100 && !count; i++)
        mn_loop_turn(l, 1000);
    CHECK_INT(count, 1);
    close(client);
    close_accepted();
    mn_listener_free(listener);
    mn_buf_free(&why);
    mn_loop_free(l);
}

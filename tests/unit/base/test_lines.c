#include "base/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"

static char dir[] = "/tmp/mynah-lines-XXXXXX";
static char path[64];
static struct mn_loop *loop;
static struct mn_lines *lines;
static struct mn_lines_peer *waiting; /* whose line is not answered yet */
static bool slow;
static int gone, refused;

static void on_line(void *arg, struct mn_lines_peer *p, mn_str line)
{
    mn_lines_write(p, line);
    mn_lines_write(p, MN_STR("!\n"));
    if (slow)
        waiting = p;
    else
        mn_lines_next(p);
}

static void on_refused(void *arg, struct mn_lines_peer *p, int why)
{
    refused = why;
    mn_lines_write(p, MN_STR("no\n"));
}

static void on_gone(void *arg, struct mn_lines_peer *p)
{
    gone++;
}

static void opened(void)
{
    static const struct mn_lines_face face = {on_line, on_refused, on_gone};

    if (strstr(dir, "XXXXXX"))
        CHECK(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    loop = mn_loop_new(MN_LOOP_EPOLL);
    CHECK_INT(mn_lines_open(loop, path, (struct mn_lines_limits){10, 2}, &face, NULL, &lines), 0);
    slow = false;
    gone = refused = 0;
}

static void closed(void)
{
    mn_lines_close(lines);
    while (mn_lines_busy(lines))
        mn_loop_turn(loop, 100);
    mn_lines_free(lines);
    mn_loop_free(loop);
    CHECK(access(path, F_OK) && errno == ENOENT);
    rmdir(dir);
    memcpy(strrchr(dir, '-') + 1, "XXXXXX", 6);
}

static int speaks(const char *text)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(at.sun_path, path, sizeof path);
    CHECK_INT(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT((int)write(fd, text, strlen(text)), (int)strlen(text));
    return fd;
}

/* What it hears, up to so many bytes, or to the end when it is 0. */
static void hears(int fd, size_t n, const char *expected)
{
    char got[100] = {0};
    size_t have = 0;
    ssize_t r = 1;

    while (r && (!n || have < n)) {
        mn_loop_turn(loop, 10);
        r = recv(fd, got + have, sizeof got - 1 - have, MSG_DONTWAIT);
        have += r > 0 ? (size_t)r : 0;
    }
    CHECK_STR(mn_str_from(got), expected);
}

TEST(lines_are_answered_one_after_the_other)
{
    int fd;

    opened();
    fd = speaks("a\n");
    hears(fd, 3, "a!\n");
    CHECK_INT((int)mn_lines_busy(lines), true);
    slow = true;
    CHECK_INT((int)write(fd, "b\nc\nd", 5), 5);
    hears(fd, 3, "b!\n");
    slow = false;
    mn_lines_next(waiting);
    hears(fd, 3, "c!\n");
    CHECK_INT((int)write(fd, "\n", 1), 1);
    hears(fd, 3, "d!\n");
    close(fd);
    closed();
}

TEST(who_says_no_more_still_listens)
{
    int fd;

    opened();
    slow = true;
    fd = speaks("a\nb\nhalf");
    shutdown(fd, SHUT_WR);
    hears(fd, 3, "a!\n");
    slow = false;
    mn_lines_next(waiting);
    hears(fd, 0, "b!\n");
    close(fd);
    CHECK_INT(gone, 0);
    closed();
}

TEST(who_goes_is_noticed_while_something_runs)
{
    int fd;

    opened();
    slow = true;
    fd = speaks("a\n");
    hears(fd, 3, "a!\n");
    close(fd);
    while (!gone)
        mn_loop_turn(loop, 100);
    mn_lines_write(waiting, MN_STR("nobody hears\n"));
    CHECK(mn_lines_busy(lines));
    mn_lines_next(waiting);
    while (mn_lines_busy(lines))
        mn_loop_turn(loop, 100);
    closed();
}

TEST(too_much_is_refused)
{
    int fds[3];

    opened();
    fds[0] = speaks("01234567890");
    hears(fds[0], 0, "no\n");
    CHECK_INT(refused, MN_E_LIMIT);
    close(fds[0]);
    while (mn_lines_busy(lines))
        mn_loop_turn(loop, 100);
    for (int i = 0; i < 3; i++)
        fds[i] = speaks("");
    hears(fds[2], 0, "no\n");
    CHECK_INT(refused, MN_E_BUSY);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    closed();
}

TEST(one_place_has_one_service_nobody_answers_at_is_replaced)
{
    static const struct mn_lines_face face = {on_line, on_refused, on_gone};
    struct mn_lines *second;
    struct stat st;

    opened();
    CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600);
    CHECK_INT(mn_lines_open(loop, path, (struct mn_lines_limits){10, 2}, &face, NULL, &second),
              MN_E_BUSY);
    closed();
    opened();
    {
        char kept[80];

        snprintf(kept, sizeof kept, "%s.kept", path);
        CHECK_INT(link(path, kept), 0);
        mn_lines_close(lines); /* as after a kill: the name is there, nobody listens */
        CHECK_INT(rename(kept, path), 0);
        mn_lines_free(lines);
        CHECK_INT(mn_lines_open(loop, path, (struct mn_lines_limits){10, 2}, &face, NULL, &lines),
                  0);
    }
    closed();
}

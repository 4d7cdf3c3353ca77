/* Other people's programs: one that has the terminal for a while, and a browser. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/mynah/tui.h"
#include "base/child.h"
#include "base/file.h"
#include "im/lang.h"

enum { WRITTEN_MAX = 4096 };

/* What there is to read, beyond what is kept too: it need not wait for us. */
static void take(int *fd, char *p, size_t *n)
{
    char rest[512];
    size_t space = WRITTEN_MAX - *n;
    ssize_t got = read(*fd, space ? p + *n : rest, space ? space : sizeof rest);

    if (got > 0 && space)
        *n += (size_t)got;
    if (got == 0 || (got < 0 && errno != EINTR))
        mn_closep(fd);
}

/* Its exit code. What it leaves behind may keep its end of the pipe open: nobody waits for that. */
static int wait_for(pid_t pid, int fd, char *p, size_t *n)
{
    MN_AUTO(mn_closep) int pidfd = pidfd_open(pid, 0), out = fd;
    int status = -1;
    bool gone = pidfd < 0;

    while (!gone) {
        struct pollfd fds[] = {
            {pidfd, POLLIN, 0}, {mynah_fd(tui.ctx), POLLIN, 0}, {out, POLLIN, 0}};
        int64_t due = mynah_due(tui.ctx);

        poll(fds, MN_COUNT(fds), due < 0 || due > 1000000 ? -1 : (int)due);
        if (fds[2].revents)
            take(&out, p, n);
        else
            gone = fds[0].revents; /* and all is read that it wrote */
        mynah_turn(tui.ctx, 0);
        im_settle(tui.im, false);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int program_run(const char *command, const char *arg, struct mn_arena *a, mn_str *out)
{
    char *p = mn_arena_bytes(a, WRITTEN_MAX + 1);
    int fd = -1, code = -1;
    size_t n = 0;
    pid_t pid;

    screen_leave();
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    pid = mn_child_start(command, arg, out ? &fd : NULL);
    if (pid > 0)
        code = wait_for(pid, fd, p, &n);
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    screen_back();
    p[n] = 0;
    if (out)
        *out = (mn_str){p, n};
    return code;
}

/* Nobody waits for the browser; it is given the address as one word and no shell sees it. What it
 * cannot run as comes through the pipe, which it would close by running. */
static void browser_run(const char *url, int pipe)
{
    const char *browser = getenv("BROWSER");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fork() != 0)
        _exit(0);
    mn_child_signals();
    setsid();
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    execlp(browser && *browser ? browser : "xdg-open", "browser", url, (char *)NULL);
    (void)!write(pipe, "", 1);
    _exit(127);
}

const char *program_browse(const char *what)
{
    int ends[2];
    char failed;
    pid_t pid;
    bool ran;

    if (pipe2(ends, O_CLOEXEC))
        return strerror(errno);
    pid = fork();
    if (pid == 0)
        browser_run(what, ends[1]);
    close(ends[1]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    ran = pid > 0 && read(ends[0], &failed, 1) == 0;
    close(ends[0]);
    return ran ? NULL : _("there is no browser (xdg-open, or what BROWSER names)");
}

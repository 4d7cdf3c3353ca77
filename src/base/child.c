#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

void mn_child_signals(void)
{
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        if (sig != SIGKILL && sig != SIGSTOP)
            (void)signal(sig, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* As much as there is room for; what it writes beyond that it writes to nobody. */
static size_t read_all(int fd, char *p, size_t max)
{
    size_t n = 0;
    ssize_t got;

    while (n < max && ((got = read(fd, p + n, max - n)) > 0 || (got < 0 && errno == EINTR)))
        n += got > 0 ? (size_t)got : 0;
    return n;
}

pid_t mn_child_start(const char *command, const char *arg, int *out)
{
    int ends[2] = {-1, -1};
    pid_t pid;

    if (out && pipe2(ends, O_CLOEXEC))
        return -1;
    pid = fork();
    if (pid == 0) {
        mn_child_signals();
        if (out)
            dup2(ends[1], STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", command, arg, (char *)NULL);
        _exit(127);
    }
    mn_closep(&ends[1]);
    if (pid < 0)
        mn_closep(&ends[0]);
    if (out)
        *out = ends[0];
    return pid;
}

int mn_child_read(const char *command, size_t max, struct mn_arena *a, mn_str *out)
{
    char *p = mn_arena_bytes(a, max + 1);
    int fd, status = -1;
    pid_t pid = mn_child_start(command, NULL, &fd);

    *out = (mn_str){p, pid > 0 ? read_all(fd, p, max) : 0};
    p[out->n] = 0;
    if (pid > 0)
        mn_closep(&fd);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

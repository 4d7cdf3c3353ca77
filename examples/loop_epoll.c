/* A loop of the program's own, with epoll: one descriptor and a due time. Usage: loop_epoll JID TO */
#include "loop.h"

#include <sys/epoll.h>

static void watch(int poll, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
}

int main(int argc, char **argv)
{
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c = talker(ctx, argc, argv);
    struct epoll_event e;
    int poll = epoll_create1(0);

    watch(poll, 0);
    watch(poll, mynah_fd(ctx));
    while (!over) {
        if (epoll_wait(poll, &e, 1, (int)mynah_due(ctx)) == 1 && e.data.fd == 0 && !typed(c))
            epoll_ctl(poll, EPOLL_CTL_DEL, 0, NULL);
        mynah_turn(ctx, 0);
    }
    mynah_context_free(ctx);
    return close(poll);
}

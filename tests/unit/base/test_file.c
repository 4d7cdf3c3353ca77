#include "base/file.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

/* Binds and connects a socket of that name. */
static void meet(const char *path)
{
    struct sockaddr_un at;
    int folder, server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    struct stat st;

    CHECK_INT(mn_file_socket(path, &at, &folder), 0);
    CHECK(!bind(server, (struct sockaddr *)&at, sizeof at) && !listen(server, 1));
    mn_closep(&folder);
    CHECK(!stat(path, &st) && S_ISSOCK(st.st_mode));
    CHECK_INT(mn_file_socket(path, &at, &folder), 0);
    CHECK(!connect(client, (struct sockaddr *)&at, sizeof at));
    mn_closep(&folder);
    close(client);
    close(server);
    unlink(path);
}

TEST(sockets_have_long_paths_too)
{
    char top[] = "/tmp/mynah-file-XXXXXX", folder[200], path[300], name[200];
    struct sockaddr_un at;
    int fd;

    CHECK(mkdtemp(top));
    memset(name, 'x', sizeof name);
    snprintf(folder, sizeof folder, "%s/%.150s", top, name);
    CHECK(!mkdir(folder, 0700));
    snprintf(path, sizeof path, "%s/short", top);
    meet(path);
    snprintf(path, sizeof path, "%s/control.sock", folder);
    meet(path);
    snprintf(path, sizeof path, "%s/%.120s", top, name);
    CHECK_INT(mn_file_socket(path, &at, &fd), MN_E_LIMIT);
    snprintf(path, sizeof path, "%.150s", name);
    CHECK_INT(mn_file_socket(path, &at, &fd), MN_E_LIMIT);
    snprintf(path, sizeof path, "%s/none/control.sock", folder);
    CHECK_INT(mn_file_socket(path, &at, &fd), MN_E_NOT_FOUND);
    CHECK_INT(fd, -1);
    rmdir(folder);
    rmdir(top);
}

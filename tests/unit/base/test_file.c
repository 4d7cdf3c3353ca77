#include "base/file.h"

#include <fcntl.h>
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

static char top[40];

static const char *path(const char *name)
{
    static char room[4][300];
    static unsigned next;
    char *p = room[next++ % 4];

    snprintf(p, sizeof room[0], "%s%s", top, name);
    return p;
}

static void begin(void)
{
    snprintf(top, sizeof top, "/tmp/mynah-file-XXXXXX");
    CHECK(mkdtemp(top));
}

static void end(void)
{
    char command[80];

    snprintf(command, sizeof command, "rm -rf %s", top);
    CHECK(!system(command));
}

TEST(what_is_written_is_read_whole_and_with_its_mode)
{
    struct mn_arena a = {0};
    struct stat st;
    mn_str got;

    begin();
    CHECK_INT(mn_file_write(path("/f"), MN_STR("first"), 0600), 0);
    CHECK_INT(mn_file_write(path("/f"), mn_str_make("a\0b", 3), 0640), 0);
    CHECK_INT(mn_file_read(path("/f"), 3, &a, &got), 0);
    CHECK(mn_str_eq(got, mn_str_make("a\0b", 3)) && !got.p[3]);
    CHECK(!stat(path("/f"), &st) && (st.st_mode & 0777) == 0640);
    CHECK(access(path("/f.new"), F_OK));
    CHECK_INT(mn_file_write(path("/empty"), MN_STR(""), 0600), 0);
    CHECK_INT(mn_file_read(path("/empty"), 0, &a, &got), 0);
    CHECK_INT(got.n, 0);
    mn_arena_done(&a, NULL);
    end();
}

TEST(what_cannot_be_read_or_written_has_its_code)
{
    struct mn_arena a = {0};
    mn_str got;

    begin();
    CHECK_INT(mn_file_read(path("/none"), 10, &a, &got), MN_E_NOT_FOUND);
    CHECK_INT(mn_file_read(top, 1 << 20, &a, &got), MN_E_IO);
    CHECK_INT(mn_file_write(path("/f"), MN_STR("four"), 0600), 0);
    CHECK_INT(mn_file_read(path("/f"), 3, &a, &got), MN_E_LIMIT);
    CHECK_INT(mn_file_read(path("/f/below"), 10, &a, &got), MN_E_NOT_FOUND);
    CHECK_INT(mn_file_write(path("/none/f"), MN_STR("x"), 0600), MN_E_NOT_FOUND);
    /* A folder stands in the way: what was written beside goes. */
    CHECK(!mkdir(path("/d"), 0700) && !mkdir(path("/d/e"), 0700));
    CHECK(mn_file_write(path("/d"), MN_STR("x"), 0600) != 0);
    CHECK(access(path("/d.new"), F_OK));
    mn_arena_done(&a, NULL);
    end();
}

TEST(folders_come_with_those_above_them)
{
    struct stat st;

    begin();
    CHECK_INT(mn_file_mkdir(path("/a/b/c"), 0700), 0);
    CHECK(!stat(path("/a/b/c"), &st) && S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0700);
    CHECK(!stat(path("/a/b"), &st) && (st.st_mode & 0777) == 0755);
    CHECK_INT(mn_file_mkdir(path("/a/b/c"), 0700), 0);
    CHECK_INT(mn_file_write(path("/f"), MN_STR("x"), 0600), 0);
    CHECK(mn_file_mkdir(path("/f/d"), 0700) != 0);
    CHECK(mn_file_mkdir(path("/f"), 0700) != 0);
    end();
}

TEST(a_descriptor_is_closed_once)
{
    int fd = dup(1), was = fd;

    mn_closep(&fd);
    CHECK_INT(fd, -1);
    CHECK_INT(fcntl(was, F_GETFD), -1);
    mn_closep(&fd);
}

TEST(temporary_files_go_where_there_is_room_for_them)
{
    char own[] = "/tmp/mynah-file-XXXXXX", *before = getenv("XDG_RUNTIME_DIR");
    char *kept = before ? mn_str_dup(mn_str_from(before)) : NULL;
    struct mn_arena a = {0};
    struct stat st;
    mn_str path, text;

    CHECK(mkdtemp(own));
    for (int there = 1; there >= 0; there--) { /* a folder of a session that is over is gone */
        setenv("XDG_RUNTIME_DIR", there ? own : "/no/such/folder", 1);
        CHECK_INT(mn_file_temporary(MN_STR("what"), ".txt", &a, &path), 0);
        CHECK_INT(mn_str_starts(path, mn_str_from(own)), there);
        CHECK(!strcmp(path.p + path.n - 4, ".txt") && !stat(path.p, &st));
        CHECK_INT(st.st_mode & 0777, 0600);
        CHECK_INT(mn_file_read(path.p, 100, &a, &text), 0);
        CHECK_STR(text, "what");
        unlink(path.p);
    }
    if (kept)
        setenv("XDG_RUNTIME_DIR", kept, 1);
    else
        unsetenv("XDG_RUNTIME_DIR");
    rmdir(own);
    mn_free(kept);
    mn_arena_done(&a, NULL);
}

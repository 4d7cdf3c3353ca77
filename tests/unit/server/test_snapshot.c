/* Certificates of a server that runs for years, whose clock is turned by hand. */
#include "server/snapshot.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/cert.h"
#include "server/server.h"
#include "test.h"

enum { HOUR = 3600000 };
#define DAY (24 * (int64_t)HOUR)

static char dir[40];
static const char *domain; /* of the configuration */
static struct server *srv;
static struct mn_arena arena;
static unsigned reads;

static int configure(void *arg, struct mn_arena *a, struct config **out, struct mn_buf *why)
{
    struct mn_conf_errors errors = {0};

    (void)arg;
    (void)why;
    reads++;
    return config_parse(mn_arena_fmt(a,
                                     "domains: [{%s}]\n"
                                     "listen: [{address: 127.0.0.1, port: 0}]\n",
                                     domain),
                        a, out, &errors);
}

/* The folder is there already. */
static void start(const char *as)
{
    struct server_options opt = {
        .loops = 1, .backend = MN_LOOP_EPOLL, .certs = dir, .read = configure};
    struct mn_buf why = {0};
    struct config *conf;

    domain = as;
    reads = 0;
    MN_ASSERT(!configure(NULL, &arena, &conf, &why));
    opt.conf = conf;
    opt.work = mn_work_new((unsigned[]){1, 1, 1, 1}, 100);
    MN_ASSERT(!store_open_mem(&opt.store) && !server_new(&opt, &srv, &why));
    owner_set_here(srv->owners[0]);
}

static void end(void)
{
    char command[100];

    server_free(srv);
    mn_arena_done(&arena, NULL);
    snprintf(command, sizeof command, "rm -r %s", dir);
    CHECK(!system(command));
}

static int64_t ends(void)
{
    return mn_tls_expires(srv->owners[0]->snap->tls[0]);
}

/* An hour goes by, at that time of day, and what comes of it. */
static void hour_at(int64_t wall)
{
    unsigned quiet = 0;

    mn_clock_set(mn_clock_now() + HOUR + 1, wall);
    while (quiet < 3) {
        bool some = mn_loop_turn(srv->owners[0]->loop, 10) || srv->commands;

        quiet = some ? 0 : quiet + 1;
    }
}

static void folder(int64_t now)
{
    snprintf(dir, sizeof dir, "/tmp/mynah-snapshot-XXXXXX");
    MN_ASSERT(mkdtemp(dir));
    mn_log_set(MN_LOG_ERROR, MN_LOG_TEXT, 2);
    mn_clock_set(1000, now);
}

TEST(a_certificate_of_our_own_is_made_anew_before_it_ends)
{
    int64_t now = mn_clock_wall(), first;

    folder(now);
    start("name: localhost");
    first = ends();
    CHECK(first > now + 800 * DAY);
    hour_at(now + DAY);
    CHECK(ends() == first && reads == 1);
    hour_at(first - 31 * DAY);
    CHECK(ends() == first && reads == 1);
    hour_at(first - 29 * DAY);
    CHECK(ends() > first + 700 * DAY);
    CHECK_INT(reads, 2); /* and no more than once */
    /* The clock was wrong when it was made. */
    first = ends();
    hour_at(first + 1000 * DAY);
    CHECK(ends() > first + 1800 * DAY);
    end();
}

/* What the log got since it was asked last. */
static mn_str logged(int from)
{
    static char room[4096];
    ssize_t n = read(from, room, sizeof room);

    return (mn_str){room, n > 0 ? (size_t)n : 0};
}

TEST(of_one_that_is_not_ours_is_told_that_it_ends_and_that_it_has)
{
    static const struct {
        int64_t days; /* before the end */
        const char *says;
    } rows[] = {{22, ""}, {21, "ends soon"}, {20, ""},         {8, ""},  {7, "ends soon"},
                {2, ""},  {1, "ends soon"},  {0, "has ended"}, {-1, ""}, {-400, ""}};
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    struct mn_cert_files f;
    int64_t last;
    int ends_of[2];

    folder(1800000000000);
    CHECK_INT(mn_cert_local(dir, MN_STR("localhost"), &a, &f, &why), 0);
    CHECK(!pipe2(ends_of, O_CLOEXEC | O_NONBLOCK));
    start(mn_arena_fmt(&a, "name: localhost, certificate: %s, key: %s", f.cert, f.key).p);
    last = ends();
    mn_log_set(MN_LOG_WARN, MN_LOG_TEXT, ends_of[1]);
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        mn_str got;

        hour_at(last - rows[i].days * DAY);
        got = logged(ends_of[0]);
        CHECK(*rows[i].says ? memmem(got.p, got.n, rows[i].says, strlen(rows[i].says)) != NULL
                            : !got.n);
    }
    CHECK(ends() == last && reads == 1);
    mn_log_set(MN_LOG_ERROR, MN_LOG_TEXT, 2);
    end();
    close(ends_of[0]);
    close(ends_of[1]);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

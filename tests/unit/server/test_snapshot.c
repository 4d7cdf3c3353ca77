/* Certificates of a server that runs for years, whose clock is turned by hand. */
#include "server/snapshot.h"

#include <stdlib.h>

#include "base/clock.h"
#include "server/server.h"
#include "test.h"

enum { HOUR = 3600000 };
#define DAY (24 * (int64_t)HOUR)

static char dir[] = "/tmp/mynah-snapshot-XXXXXX";
static struct server *srv;
static struct mn_arena arena;
static unsigned reads;

static int configure(void *arg, struct mn_arena *a, struct config **out, struct mn_buf *why)
{
    struct mn_conf_errors errors = {0};

    (void)arg;
    (void)why;
    reads++;
    return config_parse(MN_STR("domains: [{name: localhost}]\n"
                               "listen: [{address: 127.0.0.1, port: 0}]\n"),
                        a, out, &errors);
}

static void start(void)
{
    struct server_options opt = {
        .loops = 1, .backend = MN_LOOP_EPOLL, .certs = dir, .read = configure};
    struct mn_buf why = {0};
    struct config *conf;

    MN_ASSERT(mkdtemp(dir));
    mn_log_set(MN_LOG_ERROR, MN_LOG_TEXT, 2);
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

TEST(a_certificate_of_our_own_is_made_anew_before_it_ends)
{
    int64_t now = mn_clock_wall(), first;

    mn_clock_set(1000, now);
    start();
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

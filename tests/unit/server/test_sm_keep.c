/* Sessions that are kept over a restart. */
#include "server/config.h"
#include "server/server.h"
#include "server/sm.h"
#include "test.h"

#include <stdlib.h>

static struct mn_arena arena;
static struct server *srv;

static void start(const char *dir, size_t depth)
{
    struct server_options opt = {.loops = 1};
    struct mn_conf_errors errors;
    struct mn_buf why = {0};
    struct config *conf;

    MN_ASSERT(!config_parse(MN_STR(""), &arena, &conf, &errors));
    opt.conf = conf;
    opt.work = mn_work_new((unsigned[MN_LANES]){1, 1, 1}, depth);
    MN_ASSERT(!store_open_embedded(dir, opt.work, &opt.store, &why) &&
              !server_new(&opt, &srv, &why));
    owner_set_here(srv->owners[0]);
}

static void come(void *arg, struct user *u)
{
    static const struct endpoint_face face;
    struct session *s = session_new(u, MN_STR("r"), &face, NULL);

    sm_enable(s, 300);
    (*(unsigned *)arg)++;
}

TEST(more_sessions_are_kept_than_reads_can_wait)
{
    enum { PEOPLE = 20 };
    char dir[] = "/tmp/mynah-keep-XXXXXX", command[100];
    unsigned here = 0;
    struct owner *o;

    CHECK(mkdtemp(dir));
    start(dir, 100);
    o = srv->owners[0];
    for (int i = 0; i < PEOPLE; i++) {
        struct mn_jid j;
        uint64_t seq;

        MN_ASSERT(!mn_jid_parse(mn_arena_fmt(&arena, "u%d@localhost", i), &arena, &j));
        seq = store_set(o->writer, mn_jid_bare(&j), USER_STORE, MN_STR(USER_ACCOUNT), MN_STR("0"));
        while (store_writer_done(o->writer) < seq)
            mn_loop_turn(o->loop, 100);
        user_when_loaded(user_get(o, srv->hosts, &j), come, &here);
    }
    while (here < PEOPLE)
        mn_loop_turn(o->loop, 100);
    server_free(srv);
    start(dir, 1);
    CHECK_INT(srv->owners[0]->count.sessions, PEOPLE);
    server_free(srv);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    CHECK_INT(system(command), 0);
    mn_arena_done(&arena, NULL);
}

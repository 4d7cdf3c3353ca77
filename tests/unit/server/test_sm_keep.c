/* Sessions that are kept over a restart. */
#include "base/clock.h"
#include "server/config.h"
#include "server/handled.h"
#include "server/module.h"
#include "server/presence.h"
#include "server/router.h"
#include "server/server.h"
#include "server/sm.h"
#include "server/store_back.h"
#include "test.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct mn_arena arena;
static struct server *srv;

static void start_on(struct store *store, struct mn_work *work)
{
    struct server_options opt = {.loops = 1, .store = store, .work = work};
    struct mn_conf_errors errors;
    struct mn_buf why = {0};
    struct config *conf;

    MN_ASSERT(!config_parse(MN_STR(""), &arena, &conf, &errors));
    opt.conf = conf;
    MN_ASSERT(!server_new(&opt, &srv, &why));
    owner_set_here(srv->owners[0]);
}

static void start(const char *dir, size_t depth)
{
    struct mn_work *work = mn_work_new((unsigned[MN_LANES]){1, 1, 1}, depth);
    struct mn_buf why = {0};
    struct store *store;

    MN_ASSERT(!store_open_embedded(dir, work, &store, &why));
    start_on(store, work);
}

static void remove_all(const char *dir)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    CHECK_INT(system(command), 0);
}

static const struct endpoint_face face;

static void come(void *arg, struct user *u)
{
    sm_enable(session_new(u, MN_STR("r"), &face, NULL), 300);
    (*(unsigned *)arg)++;
}

static struct mn_jid account(const char *text)
{
    struct owner *o = srv->owners[0];
    struct mn_jid j;
    uint64_t seq;

    MN_ASSERT(!mn_jid_parse(mn_str_from(text), &arena, &j));
    seq = store_set(o->writer, mn_jid_bare(&j), USER_STORE, MN_STR(USER_ACCOUNT), MN_STR("0"));
    while (store_writer_done(o->writer) < seq)
        mn_loop_turn(o->loop, 100);
    return j;
}

TEST(more_sessions_are_kept_than_reads_can_wait)
{
    enum { PEOPLE = 20 };
    char dir[] = "/tmp/mynah-keep-XXXXXX";
    unsigned here = 0;
    struct owner *o;

    CHECK(mkdtemp(dir));
    start(dir, 100);
    o = srv->owners[0];
    for (int i = 0; i < PEOPLE; i++) {
        struct mn_jid j = account(mn_arena_fmt(&arena, "u%d@localhost", i).p);

        user_when_loaded(user_get(o, host_first(srv), &j), come, &here);
    }
    while (here < PEOPLE)
        mn_loop_turn(o->loop, 100);
    server_free(srv);
    start(dir, 1);
    CHECK_INT(srv->owners[0]->count.sessions, PEOPLE);
    server_free(srv);
    remove_all(dir);
    mn_arena_done(&arena, NULL);
}

TEST(a_clock_that_was_set_leaves_no_session_for_years)
{
    static const struct {
        int64_t later, min, max; /* in seconds */
    } rows[] = {{100, 190, 200},
                {400 * 86400, 1, 300},
                {-400 * 86400ll, 290, 300},
                {(INT64_C(1) << 32) - 1600000000, 1, 300}};

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        char dir[] = "/tmp/mynah-keep-XXXXXX";
        int64_t began = 1600000000000, then = began + rows[i].later * 1000;
        unsigned here = 0;
        struct session *s;
        struct mn_jid j;

        CHECK(mkdtemp(dir));
        mn_clock_set(1000, began);
        start(dir, 100);
        j = account("bob@localhost");
        user_when_loaded(user_get(srv->owners[0], host_first(srv), &j), come, &here);
        while (!here)
            mn_loop_turn(srv->owners[0]->loop, 100);
        sm_wait(session_find(user_find(srv->owners[0], mn_jid_bare(&j)), MN_STR("r")), 300000);
        server_free(srv);
        mn_clock_set(2000, then);
        start(dir, 100);
        s = session_find(user_find(srv->owners[0], mn_jid_bare(&j)), MN_STR("r"));
        CHECK(s);
        CHECK(s && s->sm->until >= then + rows[i].min * 1000);
        CHECK(s && s->sm->until <= then + rows[i].max * 1000);
        server_free(srv);
        remove_all(dir);
        mn_arena_done(&arena, NULL);
    }
    mn_clock_set(-1, 0);
}

static void write_down(void *endpoint, const struct mn_stanza *st, const struct mn_jid *to)
{
    mn_stanza_write(endpoint, st, to);
}

static void closed(void *endpoint, enum mn_stream_cond cond, mn_str text)
{
    (void)endpoint;
    (void)cond;
    (void)text;
}

static void come_available(void *arg, struct user *u)
{
    struct session *s = session_new(u, MN_STR("r"), &face, NULL);

    sm_enable(s, 300);
    s->available = true;
    s->presence = presence_flat((mn_str){0}, (mn_str){0}, MN_STR("<status>here</status>"));
    sm_wait(s, 300000);
    *(bool *)arg = true;
}

/* Somebody who is not kept; `arg`: what is written to him. */
static void come_watching(void *arg, struct user *u)
{
    static const struct endpoint_face written = {.write = write_down, .close = closed};
    struct session *s = session_new(u, MN_STR("r"), &written, arg);
    struct mn_stanza *st = mn_stanza_new(MN_PRESENCE, MN_TYPE_NONE);

    mn_stanza_from(st, &s->jid);
    presence_out(s, st);
}

static struct mn_jid account_with(const char *jid, const char *contact)
{
    struct roster_item item = {.flags = ROSTER_FROM | ROSTER_TO | ROSTER_LISTED};

    store_set(srv->owners[0]->writer, mn_str_from(jid), USER_STORE,
              mn_arena_fmt(&arena, USER_ITEM "%s", contact), roster_record(&item, &arena));
    return account(jid);
}

static bool says_soon(const struct mn_buf *got, const char *text)
{
    bool found = false;

    for (int i = 0; i < 100 && !found; i++) {
        mn_loop_turn(srv->owners[0]->loop, 100);
        found = got->n && memmem(got->p, got->n, text, strlen(text));
    }
    return found;
}

/* A contact who comes before its client does sees it as it was, and sees its end when its client
 * never comes. */
TEST(who_watches_sees_a_kept_session_and_its_end)
{
    char dir[] = "/tmp/mynah-keep-XXXXXX";
    int64_t began = 1600000000000;
    struct mn_buf got = {0};
    struct mn_jid alice, bob;
    struct session *s;
    bool there = false;

    CHECK(mkdtemp(dir));
    mn_clock_set(1000, began);
    start(dir, 100);
    bob = account_with("bob@localhost", "alice@localhost");
    alice = account_with("alice@localhost", "bob@localhost");
    user_when_loaded(user_get(srv->owners[0], host_first(srv), &bob), come_available, &there);
    while (!there)
        mn_loop_turn(srv->owners[0]->loop, 100);
    server_free(srv);

    mn_clock_set(2000, began + 100000); /* 200 s are left */
    start(dir, 100);
    user_when_loaded(user_get(srv->owners[0], host_first(srv), &alice), come_watching, &got);
    CHECK(says_soon(&got, "from='bob@localhost/r'><status>here</status>"));
    mn_buf_free(&got);
    mn_clock_set(2000 + 190000, began + 290000);
    while (mn_loop_turn(srv->owners[0]->loop, 100))
        ;
    CHECK(!got.n);
    mn_clock_set(2000 + 201000, began + 301000);
    CHECK(says_soon(&got,
                    "<presence type='unavailable' to='alice@localhost' from='bob@localhost/r'/>"));
    CHECK(!user_find(srv->owners[0], mn_jid_bare(&bob)) ||
          !session_find(user_find(srv->owners[0], mn_jid_bare(&bob)), MN_STR("r")));
    s = session_find(user_find(srv->owners[0], mn_jid_bare(&alice)), MN_STR("r"));
    session_end(s);
    server_free(srv);
    remove_all(dir);
    mn_buf_free(&got);
    mn_arena_done(&arena, NULL);
    mn_clock_set(-1, 0);
}

static void come_twice(void *arg, struct user *u)
{
    static const char *const names[] = {"phone", "desk"};

    for (size_t i = 0; i < MN_COUNT(names); i++) {
        struct session *s = session_new(u, mn_str_from(names[i]), &face, NULL);

        sm_enable(s, 300);
        s->available = true;
        s->presence = presence_flat((mn_str){0}, (mn_str){0}, (mn_str){0});
    }
    *(struct user **)arg = u;
}

static void counted(struct store_read *r)
{
    *(int *)r->arg = (int)r->total_count;
    store_read_free(r);
}

/* When nothing needs the account any more, all that was to be stored is. */
static int waiting_messages(const struct user *u)
{
    struct owner *o = u->owner;
    struct store_read *r = store_read_new();
    int count = -1;

    while (u->needs)
        mn_loop_turn(o->loop, 100);
    r->kind = STORE_LOG_STATS;
    r->owner = mn_jid_bare(&u->jid);
    r->store = "offline";
    r->done = counted;
    r->arg = &count;
    store_read(o->writer, r, u->wrote);
    while (count < 0)
        mn_loop_turn(o->loop, 100);
    return count;
}

static void says(const char *text)
{
    static struct mn_jid alice = {"alice@localhost", 5, 9, 0};
    struct mn_stanza *st = mn_stanza_new(MN_MESSAGE, MN_TYPE_CHAT);
    struct mn_jid bob;

    MN_ASSERT(!mn_jid_parse(MN_STR("bob@localhost"), &arena, &bob));
    mn_elem_add_text(&st->arena, mn_stanza_body(st), MN_NS_CLIENT, "body", mn_str_from(text));
    mn_stanza_seal(st);
    mn_stanza_from(st, &alice);
    mn_stanza_to(st, &bob);
    router_send(st);
}

/* Both got it before the restart, and neither comes back. */
TEST(what_two_kept_sessions_share_goes_on_once)
{
    char dir[] = "/tmp/mynah-keep-XXXXXX";
    struct user *u = NULL;
    struct mn_jid bob;
    struct owner *o;

    CHECK(mkdtemp(dir));
    start(dir, 100);
    o = srv->owners[0];
    bob = account("bob@localhost");
    user_when_loaded(user_get(o, host_first(srv), &bob), come_twice, &u);
    while (!u)
        mn_loop_turn(o->loop, 100);
    says("to both");
    server_free(srv);

    start(dir, 100);
    o = srv->owners[0];
    CHECK_INT(o->count.sessions, 2);
    u = user_find(o, MN_STR("bob@localhost"));
    while (u->session_count)
        session_end(MN_OF(u->sessions.next, struct session, link));
    CHECK_INT(waiting_messages(u), 1);
    server_free(srv);
    remove_all(dir);
    mn_arena_done(&arena, NULL);
}

static struct session *only(struct user *u)
{
    return MN_OF(u->sessions.next, struct session, link);
}

/* They waited, went out before the restart, and nobody has acknowledged them: neither does that
 * make two of them, nor are they lost. */
TEST(what_waited_and_went_out_before_a_restart_is_there_once)
{
    char dir[] = "/tmp/mynah-keep-XXXXXX";
    struct user *u = NULL;
    struct mn_jid bob;
    struct session *s;
    struct owner *o;
    unsigned came = 0;

    CHECK(mkdtemp(dir));
    start(dir, 100);
    o = srv->owners[0];
    bob = account("bob@localhost");
    u = user_get(o, srv->hosts, &bob);
    says("one");
    says("two");
    says("three");
    CHECK_INT(waiting_messages(u), 3);
    user_when_loaded(u, come, &came);
    s = only(u);
    s->available = true;
    s->presence = presence_flat((mn_str){0}, (mn_str){0}, (mn_str){0});
    mod_offline.session_ready(s);
    while (s->sm->sent < 3)
        mn_loop_turn(o->loop, 100);
    CHECK(sm_acked(s, 1));
    server_free(srv);

    start(dir, 100); /* its client comes back, has the second, and goes */
    o = srv->owners[0];
    u = user_find(o, MN_STR("bob@localhost"));
    s = only(u);
    mod_offline.session_ready(s);
    CHECK(sm_acked(s, 2));
    while (mn_loop_turn(o->loop, 200))
        ;
    CHECK_INT(s->sm->sent, 3);
    session_end(s);
    CHECK_INT(waiting_messages(u), 1);
    server_free(srv);

    start(dir, 100);
    o = srv->owners[0];
    CHECK_INT(o->count.sessions, 0);
    u = user_get(o, srv->hosts, &bob);
    CHECK_INT(waiting_messages(u), 1);
    server_free(srv);
    remove_all(dir);
    mn_arena_done(&arena, NULL);
}

/* A store that cannot read its indexes. */
static const struct store_backend *whole;

static void read_fails(struct store *s, struct store_read *r)
{
    if (r->kind == STORE_INDEX)
        r->result = MN_E_IO;
    else
        whole->read(s, r);
}

TEST(a_start_that_cannot_read_kept_sessions_says_so)
{
    struct store_backend broken;
    int fd = memfd_create("log", MFD_CLOEXEC);
    char text[1000] = "";
    struct store *store;

    MN_ASSERT(fd >= 0 && !store_open_mem(&store));
    whole = store->backend;
    broken = *whole;
    broken.read = read_fails;
    store->backend = &broken;
    mn_log_set(MN_LOG_ERROR, MN_LOG_TEXT, fd);
    start_on(store, NULL);
    server_free(srv);
    mn_log_set(MN_LOG_INFO, MN_LOG_TEXT, 2);
    CHECK(pread(fd, text, sizeof text - 1, 0) > 0);
    CHECK(strstr(text, "sessions of before the restart could not be read"));
    CHECK(strstr(text, "start again"));
    close(fd);
    mn_arena_done(&arena, NULL);
}

static void listed(struct store_read *r)
{
    *(size_t *)r->arg = r->count;
    store_read_free(r);
}

TEST(a_clock_that_was_set_takes_no_count_from_a_session)
{
    struct store_read *r = store_read_new();
    struct store *store;
    size_t count = 0;
    unsigned here = 0;
    struct owner *o;
    struct mn_jid j;

    MN_ASSERT(!store_open_mem(&store));
    mn_clock_set(1000, 1600000000000);
    start_on(store, NULL);
    o = srv->owners[0];
    j = account("bob@localhost");
    user_when_loaded(user_get(o, host_first(srv), &j), come, &here);
    while (!here)
        mn_loop_turn(o->loop, 100);
    handled_write(o, session_find(user_find(o, mn_jid_bare(&j)), MN_STR("r")));
    mn_loop_turn(o->loop, 10);
    mn_clock_set(2000 + 3600000, 1600000000000 + 2 * 86400000ll);
    for (int i = 0; i < 10; i++)
        mn_loop_turn(o->loop, 10);
    r->kind = STORE_LIST;
    r->store = "handled";
    r->owner = r->key = MN_STR("");
    r->done = listed;
    r->arg = &count;
    store_read(o->writer, r, 0);
    mn_loop_turn(o->loop, 10);
    CHECK_INT(count, 1);
    server_free(srv);
    mn_clock_set(-1, 0);
    mn_arena_done(&arena, NULL);
}

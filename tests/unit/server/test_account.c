/* Changes of accounts whose keys take their time, on two threads. */
#include "server/account.h"

#include "server/config.h"
#include "server/server.h"
#include "server/session.h"
#include "test.h"

static struct mn_arena arena;
static struct server *srv;
static struct config *conf;
static struct session session = {.refs = 1}; /* of whoever asks for their own account */

static void start(void)
{
    struct server_options opt = {.loops = 1};
    struct mn_conf_errors errors;
    struct mn_buf why = {0};

    MN_ASSERT(!config_parse(MN_STR("auth: {mechanisms: [SCRAM-SHA-1]}"), &arena, &conf, &errors));
    opt.conf = conf;
    opt.work = mn_work_new((unsigned[]){2, 1, 1, 1}, 100);
    MN_ASSERT(!store_open_mem(&opt.store) && !server_new(&opt, &srv, &why));
    owner_set_here(srv->owners[0]);
}

struct ended {
    bool is;
    enum mn_cond cond;
};

static void done(struct account_change *ch, enum mn_cond cond)
{
    *(struct ended *)ch->arg = (struct ended){true, cond};
    account_change_free(ch);
}

static void ask_as(struct session *who, enum account_what what, const char *password,
                   int64_t iterations, struct ended *ended)
{
    struct account_change *ch = account_change_new(what, host_first(srv));

    conf->auth.iterations = iterations;
    ch->name = MN_STR("alice");
    ch->password = mn_arena_str(&ch->arena, mn_str_from(password));
    ch->except = who ? session_ref(who) : NULL;
    ch->done = done;
    ch->arg = ended;
    *ended = (struct ended){0};
    account_change(ch);
}

static void ask(enum account_what what, const char *password, int64_t iterations,
                struct ended *ended)
{
    ask_as(NULL, what, password, iterations, ended);
}

static enum mn_cond wait_for(struct ended *ended)
{
    while (!ended->is)
        mn_loop_turn(srv->owners[0]->loop, 100);
    return ended->cond;
}

/* Keys of the second take so long that the third has been made by then. */
TEST(a_password_that_was_asked_for_is_not_given_to_who_has_the_name_then)
{
    struct ended made, changed, removed, again;

    start();
    ask(ACCOUNT_CREATE, "first", 4096, &made);
    CHECK_INT(wait_for(&made), MN_COND_NONE);
    ask(ACCOUNT_PASSWORD, "theirs", 1000000, &changed);
    ask(ACCOUNT_REMOVE, "", 4096, &removed);
    ask(ACCOUNT_CREATE, "mine", 4096, &again);
    CHECK_INT(wait_for(&removed), MN_COND_NONE);
    CHECK_INT(wait_for(&again), MN_COND_NONE);
    CHECK_INT(wait_for(&changed), MN_COND_ITEM_NOT_FOUND);
    ask(ACCOUNT_PASSWORD, "mine too", 4096, &changed);
    CHECK_INT(wait_for(&changed), MN_COND_NONE);
    ask(ACCOUNT_REMOVE, "", 4096, &removed);
    CHECK_INT(wait_for(&removed), MN_COND_NONE);
    ask(ACCOUNT_PASSWORD, "nobody's", 4096, &changed);
    CHECK_INT(wait_for(&changed), MN_COND_ITEM_NOT_FOUND);
    server_free(srv);
    mn_arena_done(&arena, NULL);
}

/* Two passwords are asked for, and the second is made before the first: how that ends. */
static enum mn_cond overtaken(struct session *first, struct session *second)
{
    struct ended made, slow, quick;
    enum mn_cond cond;

    start();
    ask(ACCOUNT_CREATE, "first", 4096, &made);
    CHECK_INT(wait_for(&made), MN_COND_NONE);
    ask_as(first, ACCOUNT_PASSWORD, "slow", 1000000, &slow);
    ask_as(second, ACCOUNT_PASSWORD, "quick", 4096, &quick);
    CHECK_INT(wait_for(&quick), MN_COND_NONE);
    cond = wait_for(&slow);
    server_free(srv);
    mn_arena_done(&arena, NULL);
    return cond;
}

/* It may have been thrown out by the other. */
TEST(a_password_that_a_session_asked_for_does_not_follow_on_one_that_was_asked_for_later)
{
    CHECK_INT(overtaken(&session, NULL), MN_COND_RESOURCE_CONSTRAINT);
}

/* Else whoever has stolen an account could keep it by setting passwords all the time. */
TEST(who_administers_is_not_late_by_what_a_session_has_set_meanwhile)
{
    CHECK_INT(overtaken(NULL, &session), MN_COND_NONE);
}

TEST(what_was_asked_for_before_another_password_is_late_though_the_account_was_parked)
{
    struct ended made, late;
    struct mn_jid j;
    struct user *u;

    start();
    ask(ACCOUNT_CREATE, "first", 4096, &made);
    CHECK_INT(wait_for(&made), MN_COND_NONE);
    MN_ASSERT(!mn_jid_parse(MN_STR("alice@localhost"), &arena, &j));
    u = user_get(srv->owners[0], host_first(srv), &j);
    user_park(u);
    ask_as(&session, ACCOUNT_PASSWORD, "theirs", 4096, &late);
    user_rekeyed(u);
    user_unpark(u);
    CHECK_INT(wait_for(&late), MN_COND_RESOURCE_CONSTRAINT);
    server_free(srv);
    mn_arena_done(&arena, NULL);
}

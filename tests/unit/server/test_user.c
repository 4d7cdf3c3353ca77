/* Accounts in memory, and what they are on the disk. */
#include "server/config.h"
#include "server/presence.h"
#include "server/server.h"
#include "server/store_back.h"
#include "test.h"

static struct mn_arena arena;

/* A store in memory whose commits fail while `failing`. */
static const struct store_backend *whole;
static struct store_backend with_failures;
static bool failing;

static void submit(struct store *s, struct store_commit *c)
{
    if (!failing) {
        whole->submit(s, c);
        return;
    }
    c->result = MN_E_FULL;
    store_commit_failed(c);
    store_commit_back(c);
}

static struct server *start(void)
{
    struct server_options opt = {.loops = 1};
    struct mn_conf_errors errors;
    struct mn_buf why = {0};
    struct config *conf;
    struct server *srv;

    MN_ASSERT(!config_parse(MN_STR(""), &arena, &conf, &errors) && !store_open_mem(&opt.store));
    whole = opt.store->backend;
    with_failures = *whole;
    with_failures.submit = submit;
    opt.store->backend = &with_failures;
    opt.conf = conf;
    MN_ASSERT(!server_new(&opt, &srv, &why));
    owner_set_here(srv->owners[0]);
    return srv;
}

static void quiet(struct owner *o)
{
    while (mn_loop_turn(o->loop, 0))
        ;
}

static void list(struct user *u, const char *contact)
{
    struct roster_item item = {.jid = mn_str_from(contact), .flags = ROSTER_LISTED};

    presence_item_changed(u, &item, true);
}

TEST(an_account_loaded_anew_keeps_what_changed_meanwhile)
{
    struct server *srv = start();
    struct owner *o = srv->owners[0];
    struct mn_jid alice;
    struct user *u;

    MN_ASSERT(!mn_jid_parse(MN_STR("alice@localhost"), &arena, &alice));
    store_set(o->writer, mn_jid_bare(&alice), USER_STORE, MN_STR(USER_ACCOUNT), MN_STR("1"));
    quiet(o);
    u = user_get(o, srv->hosts, &alice);
    user_need(u);
    quiet(o);

    failing = true;
    list(u, "lost@localhost");
    while (u->loaded)
        mn_loop_turn(o->loop, 0);
    failing = false;
    list(u, "kept@localhost");
    quiet(o);
    CHECK(u->loaded);
    CHECK_INT(roster_flags(&u->roster, MN_STR("lost@localhost")), 0);
    CHECK_INT(roster_flags(&u->roster, MN_STR("kept@localhost")), ROSTER_LISTED);

    user_let(u);
    server_free(srv);
    mn_arena_done(&arena, NULL);
}

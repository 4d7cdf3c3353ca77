/* The router with sessions whose endpoint is a text. */
#include "server/config.h"
#include "server/router.h"
#include "server/server.h"
#include "test.h"

static void write_down(void *endpoint, const struct mn_stanza *st, const struct mn_jid *to)
{
    mn_stanza_write(endpoint, st, to);
}

static void closed(void *endpoint, enum mn_stream_cond cond, mn_str text)
{
}

static const struct endpoint_face face = {.write = write_down, .close = closed};

static void come(void *arg, struct user *u)
{
    session_new(u, MN_STR("r"), &face, arg);
}

static void account(struct store_writer *w, const char *jid, const char *contact)
{
    struct roster_item item = {.flags = ROSTER_FROM | ROSTER_TO | ROSTER_LISTED};
    struct mn_arena a = {0};
    mn_str owner = mn_str_from(jid);

    store_set(w, owner, USER_STORE, MN_STR(USER_ACCOUNT), MN_STR("1"));
    store_set(w, owner, USER_STORE, mn_arena_fmt(&a, USER_ITEM "%s", contact),
              roster_record(&item, &a));
    mn_arena_done(&a, NULL);
}

static struct mn_jid jid(const char *text)
{
    struct mn_jid j;

    MN_ASSERT(!mn_jid_parse(mn_str_from(text), NULL, &j));
    return j;
}

/* Two of the three are being loaded, and keep what goes round meanwhile; the third is not, and is
 * left alone. */
TEST(a_fan_reaches_each_at_his_own_address_and_loads_nobody)
{
    static const char *const all[] = {"bob@localhost", "carol@localhost", "dave@localhost"};
    struct server_options opt = {.loops = 1};
    struct mn_jid alice = jid("alice@localhost"), full = jid("alice@localhost/r"), to[3];
    struct mn_conf_errors errors;
    struct mn_arena a = {0};
    struct mn_buf got = {0}, why = {0};
    struct config *conf;
    struct server *srv;
    struct owner *o;
    struct mn_stanza *st;

    MN_ASSERT(!config_parse(MN_STR(""), &a, &conf, &errors));
    opt.conf = conf;
    MN_ASSERT(!store_open_mem(&opt.store) && !server_new(&opt, &srv, &why));
    o = srv->owners[0];
    owner_set_here(o);
    account(o->writer, "alice@localhost", "bob@localhost");
    for (size_t i = 0; i < MN_COUNT(all); i++) {
        account(o->writer, all[i], "alice@localhost");
        to[i] = jid(all[i]);
    }
    while (mn_loop_turn(o->loop, 0))
        ;
    user_when_loaded(user_get(o, host_first(srv), &alice), come, &got);
    while (mn_loop_turn(o->loop, 0))
        ;

    user_get(o, host_first(srv), &to[0]);
    user_get(o, host_first(srv), &to[2]);
    st = mn_stanza_new(MN_PRESENCE, MN_TYPE_PROBE);
    mn_stanza_from(st, &full);
    router_fan(st, to, MN_COUNT(to));
    mn_stanza_unref(st);
    while (mn_loop_turn(o->loop, 0))
        ;
    CHECK(user_find(o, mn_str_from(all[0])) && !user_find(o, mn_str_from(all[1])));
    mn_buf_c(&got, 0);
    for (size_t i = 0; i < MN_COUNT(all); i++) {
        const char *at = strstr(got.p, all[i]);

        CHECK(at);
        CHECK(at && !strstr(at + 1, all[i]));
    }

    session_end(session_find(user_find(o, MN_STR("alice@localhost")), MN_STR("r")));
    server_free(srv);
    mn_buf_free(&got);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

/* The router with sessions whose endpoint is a text. */
#include "server/component.h"
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

static void turn(struct server *srv)
{
    for (unsigned quiet = 0; quiet < 4;) {
        bool some = false;

        for (unsigned i = 0; i < srv->owner_count; i++) {
            owner_set_here(srv->owners[i]);
            some |= mn_loop_turn(srv->owners[i]->loop, 1);
        }
        quiet = some ? 0 : quiet + 1;
    }
}

/* Below a component's name a domain comes, or goes, by a reload, which takes one loop after the
 * other: what sets off for the component arrives where that domain is none of its. */
TEST(what_is_for_a_component_meets_a_reload)
{
    static const char *const yaml[] = {"components: [{name: c.localhost, secret: abc}]\n"
                                       "domains: [{name: localhost}]\n",
                                       "domains: [{name: localhost}, {name: x.c.localhost}]\n"};
    struct server_options opt = {.loops = 2};
    struct mn_conf_errors errors;
    struct mn_arena a = {0};
    struct mn_buf got = {0}, why = {0};
    struct config *conf[2];
    struct server *srv;
    struct owner *there, *here;
    struct mn_jid alice, full, to = jid("x.c.localhost");
    struct mn_stanza *st;
    const char *name;

    for (int i = 0; i < 2; i++)
        MN_ASSERT(!config_parse(mn_str_from(yaml[i]), &a, &conf[i], &errors));
    opt.conf = conf[0];
    MN_ASSERT(!store_open_mem(&opt.store) && !server_new(&opt, &srv, &why));
    there = component_owner(srv, &srv->components[0]);
    here = srv->owners[!there->index];
    for (int i = 0;
         name = mn_arena_fmt(&a, "a%d@localhost", i).p, owner_of(srv, mn_str_from(name)) != here;
         i++)
        ;
    owner_set_here(here);
    account(here->writer, name, "bob@localhost");
    turn(srv);
    owner_set_here(here);
    alice = jid(name);
    full = jid(mn_arena_fmt(&a, "%s/r", name).p);
    user_when_loaded(user_get(here, host_first(srv), &alice), come, &got);
    turn(srv);

    owner_set_here(there);
    snapshot_take(there, snapshot_new(srv, conf[1], &why));
    owner_set_here(here);
    st = mn_stanza_new(MN_MESSAGE, MN_TYPE_CHAT);
    mn_stanza_from(st, &full);
    mn_stanza_to(st, &to);
    router_send(st);
    turn(srv);
    mn_buf_c(&got, 0);
    CHECK(strstr(got.p, "service-unavailable"));

    owner_set_here(here);
    session_end(session_find(user_find(here, mn_str_from(name)), MN_STR("r")));
    server_free(srv);
    mn_buf_free(&got);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}

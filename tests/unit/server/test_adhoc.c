/* Forms that were given to an administrator: how many, and how long. */
#include "base/clock.h"
#include "server/config.h"
#include "server/session.h"
#include "server/server.h"
#include "test.h"

static const char yaml[] = "domains: [{name: localhost}]\nadmins: [alice@localhost]\n";
enum { LONG = 600000 };

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

static size_t queued(const void *endpoint)
{
    (void)endpoint;
    return 0;
}

static void settled(void *endpoint)
{
    (void)endpoint;
}

static struct server *srv;
static struct mn_arena arena;
static struct mn_buf got;
static struct session *session;

static void come(void *arg, struct user *u)
{
    static const struct endpoint_face face = {
        .write = write_down, .queued = queued, .settled = settled, .close = closed};

    session = session_new(u, MN_STR("r"), &face, arg);
}

static void turn(void)
{
    while (mn_loop_turn(srv->owners[0]->loop, 0))
        ;
}

static void start(void)
{
    struct server_options opt = {.loops = 1};
    struct mn_conf_errors errors;
    struct mn_buf why = {0};
    struct config *conf;
    struct mn_jid bare;

    mn_log_set(MN_LOG_ERROR, MN_LOG_TEXT, 2);
    mn_clock_set(1000, 1);
    MN_ASSERT(!config_parse(mn_str_from(yaml), &arena, &conf, &errors));
    opt.conf = conf;
    MN_ASSERT(!store_open_mem(&opt.store) && !server_new(&opt, &srv, &why));
    owner_set_here(srv->owners[0]);
    MN_ASSERT(!mn_jid_parse(MN_STR("alice@localhost"), NULL, &bare));
    user_when_loaded(user_get(srv->owners[0], host_first(srv), &bare), come, &got);
    turn();
}

static void stop(void)
{
    session_end(session);
    turn();
    server_free(srv);
    mn_buf_free(&got);
    mn_arena_done(&arena, NULL);
    mn_clock_set(-1, 0);
}

/* What is answered to a command with that id of a form, or none. */
static mn_str ask(const char *id)
{
    struct mn_stanza *st;

    mn_buf_clear(&got);
    MN_ASSERT(!mn_stanza_load(
        mn_arena_fmt(&arena,
                     "<iq type='set' id='a' to='localhost'><command "
                     "xmlns='http://jabber.org/protocol/commands' "
                     "node='http://jabber.org/protocol/admin#end-user-session'%s%s%s>%s</command>"
                     "</iq>",
                     id ? " sessionid='" : "", id ? id : "", id ? "'" : "",
                     id ? "<x xmlns='jabber:x:data' type='submit'/>" : ""),
        &st));
    mn_stanza_from(st, &session->jid);
    session_take(session, st, false);
    turn();
    return mn_buf_view(&got);
}

static const char *form(void)
{
    mn_str answer = ask(NULL);
    const char *at = memmem(answer.p, answer.n, "sessionid='", 11);

    MN_ASSERT(at);
    return mn_arena_cstr(&arena, (mn_str){at + 11, strcspn(at + 11, "'")});
}

/* The form is empty: who is told so may still submit it. */
static bool is_open(const char *id)
{
    mn_str answer = ask(id);
    bool open = memmem(answer.p, answer.n, "<bad-payload", 12),
         over = memmem(answer.p, answer.n, "<session-expired", 16);

    CHECK(open != over);
    return open;
}

TEST(a_form_is_open_for_ten_minutes)
{
    const char *id;

    start();
    id = form();
    mn_clock_set(1000 + LONG - 1, 1);
    CHECK(is_open(id));
    mn_clock_set(1000 + LONG - 1 + LONG - 1, 1); /* since it was last looked at */
    CHECK(is_open(id));
    mn_clock_set(1000 + 3 * LONG, 1);
    CHECK(!is_open(id));
    CHECK(!is_open(id));
    stop();
}

TEST(the_oldest_of_nine_is_closed)
{
    const char *ids[9];

    start();
    for (int i = 0; i < 9; i++)
        ids[i] = form();
    CHECK(!is_open(ids[0]));
    for (int i = 1; i < 9; i++)
        CHECK(is_open(ids[i]));
    for (int i = 1; i < 9; i++)
        CHECK(strcmp(ids[0], ids[i]));
    stop();
}

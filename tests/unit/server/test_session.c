/* What leaves a session in which order; its endpoint is a text. */
#include "server/session.h"

#include "server/config.h"
#include "server/directed.h"
#include "server/presence.h"
#include "server/server.h"
#include "server/sm.h"
#include "test.h"

static void write_down(void *endpoint, const struct mn_stanza *st, const struct mn_jid *to)
{
    (void)to;
    mn_buf_str(endpoint, st->id);
    mn_buf_c(endpoint, ' ');
}

static void closed(void *endpoint, enum mn_stream_cond cond, mn_str text)
{
    (void)endpoint;
    (void)cond;
    (void)text;
}

static size_t queued(const void *endpoint)
{
    return ((const struct mn_buf *)endpoint)->n;
}

static void settled(void *endpoint)
{
    (void)endpoint;
}

static void raw(void *endpoint, mn_str bytes)
{
    mn_buf_str(endpoint, bytes);
}

static void come(void *arg, struct user *u)
{
    static const struct endpoint_face face = {
        .write = write_down, .raw = raw, .queued = queued, .settled = settled, .close = closed};

    session_new(u, MN_STR("r"), &face, arg);
}

static struct mn_stanza *stanza(enum mn_kind kind, const char *id)
{
    struct mn_stanza *st = mn_stanza_new(kind, kind == MN_IQ ? MN_TYPE_SET : MN_TYPE_SUBSCRIBE);

    st->id = mn_str_from(id);
    return st;
}

static struct server *srv;
static struct mn_arena arena;
static struct mn_buf got;

/* The session of alice@localhost/r. */
static struct session *start(void)
{
    struct server_options opt = {.loops = 1};
    struct mn_conf_errors errors;
    struct mn_buf why = {0};
    struct config *conf;
    struct owner *o;
    struct mn_jid bare;

    MN_ASSERT(!config_parse(MN_STR(""), &arena, &conf, &errors));
    opt.conf = conf;
    MN_ASSERT(!store_open_mem(&opt.store) && !server_new(&opt, &srv, &why));
    o = srv->owners[0];
    owner_set_here(o);
    MN_ASSERT(!mn_jid_parse(MN_STR("alice@localhost"), NULL, &bare));
    user_when_loaded(user_get(o, host_first(srv), &bare), come, &got);
    while (mn_loop_turn(o->loop, 0))
        ;
    return session_find(user_find(o, MN_STR("alice@localhost")), MN_STR("r"));
}

static void stop(void)
{
    server_free(srv);
    mn_buf_free(&got);
    mn_arena_done(&arena, NULL);
}

TEST(a_push_stays_behind_the_answers_that_wait)
{
    struct session *s = start();
    struct user *u = s->user;
    struct owner *o = u->owner;
    struct ticket *open;

    user_push(u, s, stanza(MN_IQ, "push1"));
    CHECK_STR(mn_buf_view(&got), "push1 ");

    /* Its first stanza is not settled, so the answer to the second waits. */
    o->now.session = s;
    o->now.seq = 1;
    open = ticket_part(o);
    o->now.session = NULL;
    o->now.ticket = NULL;
    s->in_count = 2;
    session_answer(s, 2, stanza(MN_IQ, "roster"));
    user_push(u, s, stanza(MN_IQ, "push2"));
    user_push(u, s, stanza(MN_PRESENCE, "presence"));
    CHECK_STR(mn_buf_view(&got), "push1 presence ");
    ticket_done(open);
    CHECK_STR(mn_buf_view(&got), "push1 presence roster push2 ");

    session_end(s);
    stop();
}

/* Who asks on and on while something of his is not settled is not read any more. */
TEST(answers_that_wait_are_bounded)
{
    struct session *s = start();
    struct owner *o = s->user->owner;
    struct ticket *open;
    unsigned n = 0;

    s->user->exists = true;
    o->now.session = s;
    o->now.seq = s->in_count = 1;
    open = ticket_part(o);
    o->now.session = NULL;
    o->now.ticket = NULL;
    for (; !session_is_busy(s) && n < 10000; n++)
        session_answer(s, ++s->in_count, stanza(MN_IQ, "a"));
    CHECK(n > 100 && n < 1000);
    ticket_done(open);
    CHECK(!session_is_busy(s));
    CHECK_INT(s->open_bytes, 0);
    CHECK_INT(got.n, 2 * n);

    session_end(s);
    stop();
}

TEST(counters_go_round_at_two_to_the_32)
{
    struct session *s = start();
    struct owner *o = s->user->owner;
    struct ticket *open;
    struct sm *m;

    s->in_count = 100;
    sm_enable(s, 300);
    m = s->sm;
    m->in_base = s->in_count - (UINT32_MAX - 1); /* as if so many had come */
    m->sent = m->acked = UINT32_MAX - 1;
    for (int i = 0; i < 4; i++) {
        struct mn_stanza *st = stanza(MN_PRESENCE, "p");

        session_write(s, st, NULL);
        mn_stanza_unref(st);
    }
    CHECK_INT(m->sent, 2);
    CHECK(!sm_acked(s, 3));
    CHECK(!sm_acked(s, UINT32_MAX - 2));
    CHECK(!sm_acked(s, 1u << 31));
    CHECK(sm_acked(s, UINT32_MAX));
    CHECK(!sm_acked(s, UINT32_MAX - 1));
    CHECK(m->first && m->first->next && !m->first->next->next->next);
    CHECK(sm_acked(s, 1));
    CHECK(sm_acked(s, 2));
    CHECK(!m->first);
    CHECK_INT(sm_handled(s), UINT32_MAX - 1);
    /* The last before the end is not settled yet when two more have come. */
    o->now.session = s;
    o->now.seq = s->in_count + 1;
    open = ticket_part(o);
    o->now.session = NULL;
    o->now.ticket = NULL;
    s->in_count += 3;
    CHECK_INT(sm_handled(s), UINT32_MAX - 1);
    ticket_done(open);
    CHECK_INT(sm_handled(s), 1);
    mn_buf_clear(&got);
    sm_tell(s);
    CHECK_STR(mn_buf_view(&got), "<a xmlns='urn:xmpp:sm:3' h='1'/>");
    session_end(s);
    stop();
}

TEST(an_account_is_given_up_when_its_last_word_is_stored)
{
    struct session *s = start();
    struct owner *o = s->user->owner;

    s->user->exists = true;
    s->available = true;
    session_end(s);
    for (int i = 0; i < 3; i++) /* the commit, and that it is through */
        mn_loop_turn(o->loop, 0);
    CHECK_INT(o->idle_count, 1);
    stop();
}

TEST(who_sees_a_resource_is_bounded_in_bytes)
{
    struct session *s = start();
    struct owner *o = s->user->owner;
    struct mn_arena a = {0};
    mn_str jid;
    size_t at = 0, told = 0;

    for (int i = 0; i < 1200; i++) {
        struct mn_stanza *st = mn_stanza_new(MN_PRESENCE, MN_TYPE_NONE);

        MN_ASSERT(!mn_jid_parse(mn_arena_fmt(&a, "bob@localhost/%01000d", i), &a, &st->to));
        mn_stanza_from(st, &s->jid);
        presence_out(s, st);
    }
    while (directed_next(s, &at, &jid))
        told++;
    CHECK(told > 1000 && told < 1050);
    mn_arena_done(&a, NULL);
    session_end(s);
    for (int i = 0; i < 9; i++)
        mn_loop_turn(o->loop, 0);
    stop();
}

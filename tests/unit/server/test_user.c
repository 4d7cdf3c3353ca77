/* Accounts and their changes: what leaves before and after these are durable, and what is in memory
 * when they are not. The endpoints are texts, and the store's disk can be slow or full. */
#include "base/clock.h"
#include "server/c2s.h"
#include "server/config.h"
#include "server/presence.h"
#include "server/router.h"
#include "server/server.h"
#include "server/store_back.h"
#include "test.h"

static struct mn_arena arena;

/* A store in memory. */
static const struct store_backend *whole;
static struct store_backend odd;
static enum { WELL, SLOW, FULL } disk;
static struct store_commit *slow[64];
static size_t slow_count;

static void submit(struct store *s, struct store_commit *c)
{
    if (disk == SLOW) {
        slow[slow_count++] = c;
    } else if (disk == FULL) {
        c->result = MN_E_FULL;
        store_commit_failed(c);
        store_commit_back(c);
    } else {
        whole->submit(s, c);
    }
}

static struct server *srv;
static struct owner *o;

static void start(void)
{
    struct server_options opt = {.loops = 1};
    struct mn_conf_errors errors;
    struct mn_buf why = {0};
    struct config *conf;

    disk = WELL;
    MN_ASSERT(!config_parse(MN_STR(""), &arena, &conf, &errors) && !store_open_mem(&opt.store));
    whole = opt.store->backend;
    odd = *whole;
    odd.submit = submit;
    opt.store->backend = &odd;
    opt.conf = conf;
    MN_ASSERT(!server_new(&opt, &srv, &why));
    o = srv->owners[0];
    owner_set_here(o);
}

static void end(void)
{
    server_free(srv);
    mn_arena_done(&arena, NULL);
}

/* What a turn submits at its end may come back in the next. */
static void quiet(void)
{
    while (mn_loop_turn(o->loop, 0) || mn_loop_turn(o->loop, 0))
        ;
}

/* The disk has caught up, or has become full. */
static void disk_now(int what)
{
    struct store *s = srv->store;

    disk = what;
    for (size_t i = 0; i < slow_count; i++)
        submit(s, slow[i]);
    slow_count = 0;
    quiet();
}

static struct user *account(const char *name)
{
    mn_str bare = mn_arena_fmt(&arena, "%s@localhost", name);
    struct mn_jid j;
    struct user *u;

    store_set(o->writer, bare, USER_STORE, MN_STR(USER_ACCOUNT), MN_STR("1"));
    quiet();
    MN_ASSERT(!mn_jid_parse(bare, &arena, &j));
    u = user_get(o, host_first(srv), &j);
    user_need(u);
    quiet();
    return u;
}

/* Sessions: what they get is written down as a word each, the id of what is copied with an
 * apostrophe. */

static void write_down(void *endpoint, const struct mn_stanza *st, const struct mn_jid *to)
{
    mn_str words = st->kind == MN_PRESENCE && st->type ? mn_type_name(st->type)
                   : st->id.n                          ? st->id
                                                       : mn_kind_name(st->kind);
    const char *copied = st->payload.n ? memmem(st->payload.p, st->payload.n, "id='", 4) : NULL;

    (void)to;
    if (copied)
        words = (mn_str){copied + 4, strcspn(copied + 4, "'") + 1};
    if (st->kind != MN_IQ)
        mn_buf_fmt(endpoint, "%.*s%s ", MN_ARG(words), st->type == MN_TYPE_ERROR ? "!" : "");
}

static void closed(void *endpoint, enum mn_stream_cond cond, mn_str text)
{
    (void)endpoint;
    (void)cond;
    (void)text;
}

static size_t slow_from = SIZE_MAX; /* whoever got more than that reads no more */

static size_t queued(const void *endpoint)
{
    return ((const struct mn_buf *)endpoint)->n > slow_from ? 10 << 20 : 0;
}

static void settled(void *endpoint)
{
    (void)endpoint;
}

static const struct endpoint_face face = {
    .write = write_down, .queued = queued, .settled = settled, .close = closed};

static void says(struct session *s, enum mn_kind kind, enum mn_type type, const struct user *to,
                 const char *id)
{
    struct mn_stanza *st = mn_stanza_new(kind, type);

    mn_stanza_from(st, &s->jid);
    if (to)
        mn_stanza_to(st, &to->jid);
    if (*id)
        st->id = mn_str_from(id);
    mn_elem_add_text(&st->arena, mn_stanza_body(st), MN_NS_CLIENT, "body", MN_STR("Hi"));
    mn_stanza_seal(st);
    session_take(s, st, false);
}

/* Available, interested, and nothing written yet. */
static struct session *comes(struct user *u, struct mn_buf *to)
{
    struct session *s = session_new(u, MN_STR("r"), &face, to);

    s->interested = true;
    says(s, MN_PRESENCE, MN_TYPE_NONE, NULL, "");
    quiet();
    mn_buf_clear(to);
    return s;
}

static void done(struct session *s, struct mn_buf *to)
{
    struct user *u = s->user;

    session_end(s);
    user_let(u);
    mn_buf_free(to);
}

static void list(struct user *u, const char *contact)
{
    struct roster_item item = {.jid = mn_str_from(contact), .flags = ROSTER_LISTED};

    presence_item_changed(u, &item, true);
}

TEST(an_account_loaded_anew_keeps_what_changed_meanwhile)
{
    struct user *u;

    start();
    u = account("alice");
    disk = FULL;
    list(u, "lost@localhost");
    while (u->loaded)
        mn_loop_turn(o->loop, 0);
    disk = WELL;
    list(u, "kept@localhost");
    quiet();
    CHECK(u->loaded);
    CHECK_INT(roster_flags(&u->roster, MN_STR("lost@localhost")), 0);
    CHECK_INT(roster_flags(&u->roster, MN_STR("kept@localhost")), ROSTER_LISTED);
    user_let(u);
    end();
}

/* Its own commit stood behind the one that failed and is not even reported yet. */
TEST(an_account_hears_of_a_failure_with_the_others)
{
    struct user *alice, *bob;

    start();
    alice = account("alice");
    bob = account("bob");
    disk = SLOW;
    list(alice, "lost@localhost");
    quiet();
    list(bob, "lost@localhost");
    quiet();
    CHECK_INT(slow_count, 2);
    disk = FULL;
    submit(srv->store, slow[0]);
    disk = WELL;
    quiet();
    CHECK_INT(roster_flags(&bob->roster, MN_STR("lost@localhost")), 0);
    list(bob, "kept@localhost");
    quiet();
    slow[1]->result = MN_E_STALE;
    store_commit_back(slow[1]);
    slow_count = 0;
    quiet();
    CHECK(bob->loaded);
    CHECK_INT(roster_flags(&bob->roster, MN_STR("lost@localhost")), 0);
    CHECK_INT(roster_flags(&bob->roster, MN_STR("kept@localhost")), ROSTER_LISTED);
    user_let(alice);
    user_let(bob);
    end();
}

/* RFC 6120 10.1. */
TEST(nothing_overtakes_a_subscription_of_the_same_sender)
{
    struct mn_buf to_alice = {0}, to_bob = {0}, to_carol = {0};
    struct session *alice, *bob, *carol;

    start();
    alice = comes(account("alice"), &to_alice);
    bob = comes(account("bob"), &to_bob);
    carol = comes(account("carol"), &to_carol);
    disk = SLOW;
    says(alice, MN_PRESENCE, MN_TYPE_SUBSCRIBE, bob->user, "");
    says(alice, MN_MESSAGE, MN_TYPE_CHAT, bob->user, "hello");
    says(alice, MN_MESSAGE, MN_TYPE_CHAT, carol->user, "aside");
    quiet();
    CHECK_STR(mn_buf_view(&to_bob), "");
    CHECK_STR(mn_buf_view(&to_carol), "aside ");
    /* Alice's side is durable, the request is on its way; the side of Bob is not. */
    whole->submit(srv->store, slow[0]);
    slow_count = 0;
    quiet();
    CHECK_INT(slow_count, 1);
    CHECK_STR(mn_buf_view(&to_bob), "");
    says(alice, MN_MESSAGE, MN_TYPE_CHAT, bob->user, "more");
    quiet();
    CHECK_STR(mn_buf_view(&to_bob), "");
    disk_now(WELL);
    CHECK_STR(mn_buf_view(&to_bob), "subscribe hello more ");

    /* The answer, what it shows, and what changes right after it. */
    mn_buf_clear(&to_alice);
    disk = SLOW;
    says(bob, MN_PRESENCE, MN_TYPE_SUBSCRIBED, alice->user, "");
    says(bob, MN_PRESENCE, MN_TYPE_NONE, NULL, "away");
    says(bob, MN_MESSAGE, MN_TYPE_CHAT, alice->user, "there");
    quiet();
    CHECK_STR(mn_buf_view(&to_alice), "");
    disk_now(WELL);
    CHECK_STR(mn_buf_view(&to_alice), "subscribed presence away there ");

    done(alice, &to_alice);
    done(bob, &to_bob);
    done(carol, &to_carol);
    end();
}

/* Decision D1: what is stored is stored before anybody sees it; who sent it may be gone by then. */
TEST(copies_of_what_is_stored_leave_when_it_is)
{
    struct mn_buf to_alice = {0}, to_other = {0}, to_carol = {0};
    struct session *alice, *other, *carol;
    struct user *bob;

    start();
    alice = comes(account("alice"), &to_alice);
    other = session_new(alice->user, MN_STR("other"), &face, &to_other);
    other->available = other->carbons = true;
    carol = comes(account("carol"), &to_carol);
    bob = account("bob");
    disk = SLOW;
    says(alice, MN_MESSAGE, MN_TYPE_CHAT, bob, "stored");
    says(alice, MN_MESSAGE, MN_TYPE_CHAT, carol->user, "not");
    says(alice, MN_MESSAGE, MN_TYPE_CHAT, bob, "too");
    quiet();
    CHECK_STR(mn_buf_view(&to_other), "not' ");
    user_need(alice->user);
    done(alice, &to_alice);
    mn_buf_clear(&to_other);
    disk_now(WELL);
    CHECK_STR(mn_buf_view(&to_other), "stored' too' ");
    done(other, &to_other);
    done(carol, &to_carol);
    user_let(bob);
    end();
}

static void says_to(struct session *s, const struct session *to, enum mn_type type, const char *id)
{
    struct user whom = {.jid = to->jid};

    says(s, MN_MESSAGE, type, &whom, id);
}

/* RFC 6120 10.1: a resource and its account are one recipient. The client reads slowly. */
TEST(nothing_overtakes_what_waited)
{
    struct mn_buf to_alice = {0}, to_bob = {0}, to_other = {0};
    struct session *alice, *bob, *other;
    struct user *u;

    start();
    alice = comes(account("alice"), &to_alice);
    u = account("bob");
    says(alice, MN_MESSAGE, MN_TYPE_CHAT, u, "1");
    says(alice, MN_MESSAGE, MN_TYPE_CHAT, u, "2");
    quiet();
    slow_from = sizeof "presence";
    bob = session_new(u, MN_STR("r"), &face, &to_bob);
    other = session_new(u, MN_STR("other"), &face, &to_other);
    says(bob, MN_PRESENCE, MN_TYPE_NONE, NULL, "");
    quiet();
    CHECK_STR(mn_buf_view(&to_bob), "presence 1 ");
    says_to(alice, bob, MN_TYPE_CHAT, "3");
    says_to(alice, bob, MN_TYPE_HEADLINE, "now");
    says_to(alice, other, MN_TYPE_CHAT, "elsewhere");
    quiet();
    CHECK_STR(mn_buf_view(&to_bob), "presence 1 now ");
    CHECK_STR(mn_buf_view(&to_other), "elsewhere ");
    slow_from = SIZE_MAX;
    mn_clock_set(mn_clock_now() + 1000, mn_clock_wall());
    quiet();
    mn_clock_set(-1, 0);
    CHECK_STR(mn_buf_view(&to_bob), "presence 1 now 2 3 ");
    says_to(alice, bob, MN_TYPE_CHAT, "4");
    CHECK_STR(mn_buf_view(&to_bob), "presence 1 now 2 3 4 ");
    session_end(other);
    done(bob, &to_bob);
    done(alice, &to_alice);
    mn_buf_free(&to_other);
    end();
}

/* One that answers nothing: what it says long after shows that it has read what it got. */
TEST(a_client_that_goes_on_talking_has_what_waited)
{
    struct mn_buf to_alice = {0}, to_bob = {0};
    struct session *alice, *bob;
    int64_t now = mn_clock_now();
    struct user *u;

    mn_clock_set(now, mn_clock_wall());
    start();
    alice = comes(account("alice"), &to_alice);
    u = account("bob");
    says(alice, MN_MESSAGE, MN_TYPE_CHAT, u, "1");
    quiet();
    bob = comes(u, &to_bob);
    CHECK_INT(u->offline.count, 1);
    says(bob, MN_MESSAGE, MN_TYPE_CHAT, alice->user, "at once");
    quiet();
    CHECK_INT(u->offline.count, 1);
    mn_clock_set(now + 31000, mn_clock_wall());
    mn_buf_lit(&to_bob, "unread");
    slow_from = 0;
    says(bob, MN_MESSAGE, MN_TYPE_CHAT, alice->user, "while something waits for it");
    quiet();
    CHECK_INT(u->offline.count, 1);
    slow_from = SIZE_MAX;
    says(bob, MN_MESSAGE, MN_TYPE_CHAT, alice->user, "later");
    quiet();
    CHECK_INT(u->offline.count, 0);
    mn_clock_set(-1, 0);
    done(bob, &to_bob);
    done(alice, &to_alice);
    end();
}

TEST(a_request_is_settled_when_it_is_kept_however_often_it_comes)
{
    struct mn_buf to_alice = {0}, to_bob = {0};
    struct session *alice, *bob;

    start();
    alice = comes(account("alice"), &to_alice);
    bob = comes(account("bob"), &to_bob);
    for (unsigned i = 0; i < 3; i++) {
        disk = SLOW;
        says(alice, MN_PRESENCE, MN_TYPE_SUBSCRIBE, bob->user, "");
        quiet();
        CHECK_INT(session_settled(alice), alice->in_count - 1);
        disk_now(WELL);
        CHECK_INT(session_settled(alice), alice->in_count);
    }
    CHECK_STR(mn_buf_view(&to_bob), "subscribe ");
    done(alice, &to_alice);
    done(bob, &to_bob);
    end();
}

TEST(a_subscription_that_could_not_be_kept_is_answered)
{
    struct mn_buf to_alice = {0}, to_bob = {0};
    struct session *alice, *bob;

    start();
    alice = comes(account("alice"), &to_alice);
    bob = comes(account("bob"), &to_bob);
    disk = FULL;
    says(alice, MN_PRESENCE, MN_TYPE_SUBSCRIBE, bob->user, "");
    quiet();
    CHECK_STR(mn_buf_view(&to_bob), "");
    CHECK_STR(mn_buf_view(&to_alice), "error! ");

    /* It reaches him, who cannot keep it. */
    mn_buf_clear(&to_alice);
    disk = SLOW;
    says(alice, MN_PRESENCE, MN_TYPE_SUBSCRIBE, bob->user, "");
    quiet();
    whole->submit(srv->store, slow[0]);
    slow_count = 0;
    quiet();
    disk_now(FULL);
    CHECK_STR(mn_buf_view(&to_bob), "");
    CHECK_STR(mn_buf_view(&to_alice), "error! ");
    CHECK_INT(roster_flags(&bob->user->roster, MN_STR("alice@localhost")), 0);
    done(alice, &to_alice);
    done(bob, &to_bob);
    end();
}

/* Also when it has left the memory meanwhile. */
TEST(who_came_before_a_removal_is_not_of_the_account)
{
    struct user *u;
    struct c2s before = {0}, behind = {0};

    start();
    u = account("alice");
    before.since = o->accounts_changed;
    CHECK(c2s_is_of(&before, u));
    user_remove(u, NULL);
    behind.since = o->accounts_changed;
    CHECK(!c2s_is_of(&before, u) && c2s_is_of(&behind, u));
    user_let(u);
    quiet();
    for (int i = 0; i < 5000; i++) {
        struct mn_jid j;

        MN_ASSERT(!mn_jid_parse(mn_arena_fmt(&arena, "%d@localhost", i), &arena, &j));
        user_get(o, host_first(srv), &j);
        quiet();
    }
    CHECK(!user_find(o, MN_STR("alice@localhost")));
    u = account("alice");
    CHECK(!c2s_is_of(&before, u) && c2s_is_of(&behind, u));
    user_let(u);
    end();
}

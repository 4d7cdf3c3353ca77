#include "im/history.h"

#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static char dir[] = "/tmp/mynah-history-XXXXXX";
static char path[64];

static struct im_history *opened(void)
{
    struct im_history *h = NULL;
    struct mn_buf why = {0};

    if (strstr(dir, "XXXXXX"))
        CHECK(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a/b/history.db", dir);
    CHECK_INT(im_history_open(path, &h, &why), 0);
    CHECK_STR(mn_buf_view(&why), "");
    mn_buf_free(&why);
    return h;
}

__attribute__((destructor)) static void clean(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (!strstr(dir, "XXXXXX"))
        (void)!system(command);
}

static int add(struct im_history *h, const char *peer, const char *id, const char *body)
{
    struct im_said m = {.account = MN_STR("me@x"), .at = 1000, .ours = true};

    m.peer = m.who = mn_str_from(peer);
    m.id = mn_str_from(id);
    m.body = mn_str_from(body);
    return im_history_add(h, &m);
}

static struct mn_buf seen;

static void see(void *arg, const struct im_said *m)
{
    (void)arg;
    mn_buf_fmt(&seen, "%s%.*s/%d", seen.n ? "|" : "", MN_ARG(m->body), m->sent);
}

static const char *found(struct im_history *h, const char *peer, const char *words, int64_t before,
                         size_t limit)
{
    struct im_history_query q = {
        .peer = mn_str_from(peer), .words = mn_str_from(words), .before = before, .limit = limit};

    mn_buf_clear(&seen);
    CHECK_INT(im_history_each(h, &q, see, NULL), 0);
    mn_buf_c(&seen, 0);
    return seen.p;
}

TEST(texts_are_cut_into_what_people_look_for)
{
    static const char *const rows[][3] = {
        {"Hello, world", " Hello world", " \"Hello\" \"world\""},
        {"北京开会", " 北京 京开 开会 会 ", " \"北京 京开 开会 \""},
        {"去北京ok", " 去北 北京 京  ok", " \"去北 北京 \" \"ok\""},
        {"我", " 我 ", " \"我\"*"},
        {"...", "", ""},
        {"a\"b", " a b", " \"a\" \"b\""},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_buf text = {0}, query = {0};

        im_history_tokens(mn_str_from(rows[i][0]), false, &text);
        im_history_tokens(mn_str_from(rows[i][0]), true, &query);
        CHECK_STR(mn_buf_view(&text), rows[i][1]);
        CHECK_STR(mn_buf_view(&query), rows[i][2]);
        mn_buf_free(&text);
        mn_buf_free(&query);
    }
}

TEST(what_was_said_is_found_again)
{
    struct im_history *h = opened(), *other;
    struct stat st;

    CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600);
    other = opened(); /* a second program, which sees what is kept */
    CHECK_INT(add(h, "a@y", "1", "明天去北京开会"), 0);
    CHECK_INT(add(h, "b@y", "1", "Grüße aus Köln"), 0);
    CHECK_INT(add(h, "a@y", "2", "the \"quick\" brown fox"), 0);
    CHECK_INT(add(h, "a@y", "", "fox again"), 0);
    CHECK_INT(add(h, "a@y", "", "fox again"), 0);
    CHECK_INT(add(h, "a@y", "2", "the \"quick\" brown fox"), MN_E_EXISTS);
    CHECK_STR(mn_str_from(found(other, "", "北京", 0, 10)), "");
    CHECK_INT(im_history_keep(h), 0);
    CHECK_STR(mn_str_from(found(other, "", "北京", 0, 10)), "明天去北京开会/0");
    CHECK_STR(mn_str_from(found(h, "", "京", 0, 10)), "明天去北京开会/0");
    CHECK_STR(mn_str_from(found(h, "", "会", 0, 10)), "明天去北京开会/0");
    CHECK_STR(mn_str_from(found(h, "", "北开", 0, 10)), "");
    CHECK_STR(mn_str_from(found(h, "", "grusse", 0, 10)), "");
    CHECK_STR(mn_str_from(found(h, "", "koln AUS", 0, 10)), "Grüße aus Köln/0");
    CHECK_STR(mn_str_from(found(h, "", "quick OR NOT \" * (", 0, 10)), "");
    CHECK_STR(mn_str_from(found(h, "a@y", "", 0, 2)), "fox again/0|fox again/0");
    CHECK_STR(mn_str_from(found(h, "a@y", "", 4, 2)), "明天去北京开会/0|the \"quick\" brown fox/0");
    CHECK_STR(mn_str_from(found(h, "b@y", "fox", 0, 10)), "");
    CHECK_INT(im_history_sent(h, MN_STR("me@x"), MN_STR("2"), 3), 0);
    CHECK_INT(im_history_sent(h, MN_STR("me@x"), MN_STR("2"), 2), 0);
    CHECK_STR(mn_str_from(found(h, "", "quick", 0, 10)), "the \"quick\" brown fox/3");
    im_history_close(other);
    im_history_close(h);
    h = opened();
    CHECK_STR(mn_str_from(found(h, "", "开会", 0, 10)), "明天去北京开会/0");
    im_history_close(h);
    mn_buf_free(&seen);
}

TEST(what_was_corrected_is_found_by_its_new_words_alone)
{
    struct im_history *h = opened();
    struct im_said m = {.account = MN_STR("me@x"), .peer = MN_STR("c@y"), .who = MN_STR("c@y/one")};

    m.id = MN_STR("k1");
    m.body = MN_STR("wrong 北京");
    CHECK_INT(im_history_add(h, &m), 0);
    CHECK_INT(im_history_correct(h, m.number + 1, MN_STR("of another one")), 0);
    CHECK_STR(mn_str_from(found(h, "c@y", "", 0, 10)), "wrong 北京/0");
    CHECK_INT(im_history_correct(h, m.number, MN_STR("right 上海")), 0);
    CHECK_STR(mn_str_from(found(h, "c@y", "", 0, 10)), "right 上海/0");
    CHECK_STR(mn_str_from(found(h, "c@y", "上海", 0, 10)), "right 上海/0");
    CHECK_STR(mn_str_from(found(h, "c@y", "北京", 0, 10)), "");
    im_history_close(h);
    mn_buf_free(&seen);
}

/* A program that counts its messages anew each time it starts loses none of them. */
TEST(an_id_that_comes_again_is_another_message_when_it_says_something_else)
{
    struct im_history *h = opened();
    struct im_said m = {.account = MN_STR("me@x"),
                        .peer = MN_STR("d@y"),
                        .who = MN_STR("d@y/one"),
                        .id = MN_STR("aab2a")};

    m.body = MN_STR("one");
    CHECK_INT(im_history_add(h, &m), 0);
    CHECK_INT(im_history_add(h, &m), MN_E_EXISTS);
    m.body = MN_STR("two");
    m.again = true;
    CHECK_INT(im_history_add(h, &m), MN_E_EXISTS);
    m.again = false;
    CHECK_INT(im_history_add(h, &m), 0);
    CHECK(m.number > 1);
    CHECK_STR(mn_str_from(found(h, "d@y", "", 0, 10)), "one/0|two/0");
    CHECK_STR(mn_str_from(found(h, "d@y", "two", 0, 10)), "two/0");
    im_history_close(h);
    mn_buf_free(&seen);
}

static void place(void *arg, const struct im_place *p)
{
    (void)arg;
    mn_buf_fmt(&seen, "%s%.*s %d+%d %.*s|%.*s|%.*s %d", seen.n ? " / " : "", MN_ARG(p->peer),
               (int)p->seen, (int)p->unread, MN_ARG(p->draft), MN_ARG(p->nick), MN_ARG(p->mark),
               p->inside);
}

static const char *places(struct im_history *h, const char *account, const char *peer)
{
    mn_buf_clear(&seen);
    CHECK_INT(im_history_places(h, mn_str_from(account), mn_str_from(peer), place, NULL), 0);
    mn_buf_c(&seen, 0);
    return seen.p;
}

static int64_t heard(struct im_history *h, const char *account, const char *peer, bool ours)
{
    struct im_said m = {.account = mn_str_from(account), .peer = mn_str_from(peer), .ours = ours};

    CHECK_INT(im_history_add(h, &m), 0);
    return m.number;
}

TEST(what_was_not_seen_is_unread)
{
    struct im_history *h = opened();
    struct im_place p = {.account = MN_STR("p@x"), .peer = MN_STR("a@y"), .draft = MN_STR("北京")};
    char expected[200];
    int first = (int)heard(h, "p@x", "a@y", false);

    heard(h, "q@x", "a@y", false); /* another account's */
    heard(h, "p@x", "a@y", true);
    heard(h, "p@x", "a@y", false);
    heard(h, "p@x", "b@y", false);
    CHECK_STR(mn_str_from(places(h, "p@x", "")), "a@y 0+2 || 0 / b@y 0+1 || 0");
    p.seen = first;
    CHECK_INT(im_history_place_set(h, &p), 0);
    im_history_close(h);
    h = opened();
    snprintf(expected, sizeof expected, "a@y %d+1 北京|| 0", first);
    CHECK_STR(mn_str_from(places(h, "p@x", "a@y")), expected);
    p = (struct im_place){p.account,      p.peer,    {0}, MN_STR("nick"),
                          MN_STR("<m/>"), first - 1, 0,   true};
    CHECK_INT(im_history_place_set(h, &p), 0);
    snprintf(expected, sizeof expected, "a@y %d+1 |nick|<m/> 1", first);
    CHECK_STR(mn_str_from(places(h, "p@x", "a@y")), expected);
    CHECK_STR(mn_str_from(places(h, "p@x", "c@y")), "");
    p.peer = MN_STR("c@y"); /* nothing was said there */
    p.seen = 0;
    CHECK_INT(im_history_place_set(h, &p), 0);
    CHECK_STR(mn_str_from(places(h, "p@x", "c@y")), "c@y 0+0 |nick|<m/> 1");
    im_history_close(h);
    mn_buf_free(&seen);
}

/* With what is unread, and what was seen of who had the new name before. */
TEST(a_talk_that_goes_on_under_another_name_is_one)
{
    struct im_history *h = opened();
    struct im_place p = {.account = MN_STR("m@x"), .peer = MN_STR("r@y/old"), .draft = MN_STR("d")};
    char expected[200];

    p.seen = heard(h, "m@x", "r@y/old", false);
    CHECK_INT(im_history_place_set(h, &p), 0);
    heard(h, "m@x", "r@y/old", false);
    heard(h, "m@x", "r@y/old", false);
    p.peer = MN_STR("r@y/now");
    p.seen = heard(h, "m@x", "r@y/now", false);
    CHECK_INT(im_history_place_set(h, &p), 0);
    p.seen -= 3;
    CHECK_INT(im_history_move(h, p.account, MN_STR("r@y/old"), p.peer, p.seen), 0);
    snprintf(expected, sizeof expected, "r@y/now %d+3 d|| 0", (int)p.seen);
    CHECK_STR(mn_str_from(places(h, "m@x", "")), expected);
    im_history_close(h);
    mn_buf_free(&seen);
}

/* As it was when places were not there yet. */
TEST(what_an_older_version_kept_has_been_seen)
{
    static const char older[] = "DROP TABLE kept; DROP TABLE places; DROP INDEX said_name;"
                                "PRAGMA user_version = 1";
    struct im_history *h = opened();
    char expected[200];
    sqlite3 *db;
    int last;

    heard(h, "o@x", "a@y", false);
    last = (int)heard(h, "o@x", "a@y", false);
    im_history_close(h);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, older, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    h = opened();
    snprintf(expected, sizeof expected, "a@y %d+0 || 0", last);
    CHECK_STR(mn_str_from(places(h, "o@x", "")), expected);
    heard(h, "o@x", "a@y", false);
    snprintf(expected, sizeof expected, "a@y %d+1 || 0", last);
    CHECK_STR(mn_str_from(places(h, "o@x", "")), expected);
    im_history_close(h);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    CHECK_INT(im_history_open(path, &h, &seen), MN_E_FORMAT);
    CHECK(!h && memmem(seen.p, seen.n, "99", 2));
    CHECK_INT(sqlite3_exec(db, "PRAGMA user_version = 3", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    mn_buf_free(&seen);
}

TEST(what_an_account_needs_is_kept_by_its_name)
{
    struct im_history *h = opened(), *other = opened();
    struct mn_arena a = {0};
    mn_str text;

    CHECK_INT(im_history_get(h, MN_STR("k@x"), MN_STR("n"), &a, &text), MN_E_NOT_FOUND);
    CHECK(!im_history_is_changed(h));
    CHECK_INT(im_history_put(h, MN_STR("k@x"), MN_STR("n"), MN_STR("one")), 0);
    CHECK_INT(im_history_put(h, MN_STR("k@x"), MN_STR("m"), MN_STR("other")), 0);
    CHECK_INT(im_history_put(h, MN_STR("k@x"), MN_STR("n"), MN_STR("two")), 0);
    CHECK(im_history_is_changed(h));
    CHECK(im_history_claim(h) && im_history_claim(h) && !im_history_claim(other));
    im_history_close(h);
    CHECK(im_history_claim(other));
    CHECK_INT(im_history_get(other, MN_STR("k@x"), MN_STR("n"), &a, &text), 0);
    CHECK_STR(text, "two");
    CHECK_INT(im_history_get(other, MN_STR("l@x"), MN_STR("n"), &a, &text), MN_E_NOT_FOUND);
    im_history_close(other);
    mn_arena_done(&a, NULL);
}

static off_t log_size(void)
{
    char log[80];
    struct stat st = {0};

    snprintf(log, sizeof log, "%s-wal", path);
    stat(log, &st);
    return st.st_size;
}

/* SQLite's log is moved into the file on a thread of its own while it goes on. */
TEST(nothing_is_lost_while_another_keeps)
{
    struct im_history *h = opened();
    char body[2001] = {0};
    int waited = 0;

    for (int i = 0; i < 3000; i++) {
        struct pollfd p = {.events = POLLIN};

        memset(body, 'a' + i % 26, sizeof body - 1);
        CHECK_INT(add(h, "long@y", "", body), 0);
        CHECK_INT(im_history_keep_aside(h, &p.fd), 0);
        if (i % 3 == 0 && p.fd >= 0) { /* the others are waited for by what comes next */
            CHECK_INT(poll(&p, 1, 60000), 1);
            waited++;
        }
    }
    CHECK(waited > 0);
    CHECK(log_size() < 3000 * 2000);
    im_history_close(h);
    h = opened();
    found(h, "long@y", "", 0, 5000);
    CHECK_INT(seen.n, 3000 * 2003);
    im_history_close(h);
    mn_buf_free(&seen);
}

TEST(what_could_not_be_kept_is_told_once)
{
    struct im_history *h = opened();
    struct rlimit before, none;
    int fd;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    none = (struct rlimit){1, before.rlim_max};
    CHECK_INT(add(h, "full@y", "", "one"), 0);
    setrlimit(RLIMIT_FSIZE, &none);
    CHECK_INT(im_history_keep_aside(h, &fd), 0);
    CHECK(fd >= 0);
    CHECK_STR(mn_str_from(found(h, "full@y", "", 0, 5)), ""); /* it waited */
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK_INT(im_history_keep_aside(h, &fd), MN_E_IO);
    CHECK_INT(fd, -1);
    CHECK_INT(im_history_keep_aside(h, &fd), 0);
    CHECK_INT(add(h, "full@y", "", "two"), 0);
    CHECK_INT(im_history_keep(h), 0);
    CHECK_STR(mn_str_from(found(h, "full@y", "", 0, 5)), "two/0");
    im_history_close(h);
    mn_buf_free(&seen);
}

TEST(a_file_that_is_none_of_ours_is_left_alone)
{
    struct im_history *h = opened();
    struct mn_buf why = {0};
    FILE *f;

    im_history_close(h);
    CHECK((f = fopen(path, "w")) != NULL);
    fputs("this is no database, by any means, at all, whatever one may say of it: it is text", f);
    fclose(f);
    CHECK_INT(im_history_open(path, &h, &why), MN_E_IO);
    CHECK(!h && memmem(why.p, why.n, path, strlen(path)));
    mn_buf_clear(&why);
    CHECK_INT(im_history_open("/proc/nowhere/x.db", &h, &why), MN_E_IO);
    mn_buf_free(&why);
}

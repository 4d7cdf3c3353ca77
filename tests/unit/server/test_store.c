/* One test for all backends. */
#include "server/store_back.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "test.h"

static char dir[64];
static struct mn_work *work;
static struct mn_loop *loop;
static struct store *store;
static struct store_writer *writer;
static uint64_t last_seq, done_count;
static int last_result;

static void on_done(void *arg, uint64_t from, uint64_t upto, int result)
{
    (void)arg;
    CHECK(from == last_seq + 1 || last_seq == 0);
    last_seq = upto;
    last_result = result;
    done_count++;
}

static void open_store(bool embedded)
{
    struct mn_buf why = {0};

    loop = mn_loop_new(MN_LOOP_EPOLL);
    work = mn_work_new((unsigned[]){1, 2, 1, 1}, 100);
    if (embedded)
        CHECK_INT(store_open_embedded(dir, work, &store, &why), 0);
    else
        CHECK_INT(store_open_mem(&store), 0);
    CHECK_STR(mn_buf_view(&why), "");
    last_seq = 0;
    writer = store_writer_new(store, loop, on_done, NULL);
}

static void close_store(void)
{
    struct mn_buf why = {0};

    CHECK_INT(store_check(store, &why), 0);
    store_writer_free(writer);
    store_close(store);
    mn_work_free(work);
    mn_loop_free(loop);
    mn_buf_free(&why);
}

static void wait_for(uint64_t seq)
{
    while (store_writer_done(writer) < seq)
        mn_loop_turn(loop, -1);
}

static bool answered;
static void on_read(struct store_read *r)
{
    answered = true;
    CHECK_INT(r->result, 0);
}

static struct store_read *ask(enum store_read_kind kind, const char *owner, const char *name,
                              const char *key)
{
    struct store_read *r = store_read_new();

    r->kind = kind;
    r->owner = mn_str_from(owner);
    r->store = name;
    r->key = mn_str_from(key);
    r->done = on_read;
    return r;
}

static struct store_read *get(struct store_read *r, uint64_t seq)
{
    answered = false;
    store_read(writer, r, seq);
    while (!answered)
        mn_loop_turn(loop, -1);
    return r;
}

/* Rows as text: key=value, one after the other. */
static mn_str text_of(struct store_read *r)
{
    static struct mn_buf b;

    mn_buf_clear(&b);
    for (size_t i = 0; i < r->count; i++)
        mn_buf_fmt(&b, "%.*s=%.*s%s;",
                   MN_ARG(r->kind == STORE_INDEX ? r->rows[i].term : r->rows[i].key),
                   MN_ARG(r->kind == STORE_INDEX ? r->rows[i].owner : r->rows[i].value),
                   r->kind == STORE_LOG && !r->rows[i].value.p ? "gone" : "");
    store_read_free(r);
    return mn_buf_view(&b);
}

static uint64_t add(const char *owner, const char *peer, const char *key, int64_t time,
                    const char *value, uint64_t *id)
{
    struct store_entry e = {mn_str_from(owner), mn_str_from(peer), mn_str_from(key)};

    return store_log_add(writer, "log", &e, 1, time, mn_str_from(value), id);
}

static void values(void)
{
    char longer[5000];
    uint64_t seq;

    store_set(writer, MN_STR("u"), "a", MN_STR("k1"), MN_STR("v1"));
    store_set(writer, MN_STR("u"), "a", MN_STR("k2"), MN_STR("v2"));
    store_set(writer, MN_STR("u"), "a", MN_STR("l"), MN_STR("v3"));
    store_set(writer, MN_STR("u"), "b", MN_STR("k1"), MN_STR("other store"));
    seq = store_set(writer, MN_STR("w"), "a", MN_STR("k1"), MN_STR("other owner"));
    CHECK_STR(text_of(get(ask(STORE_GET, "u", "a", "k1"), seq)),
              "k1=v1;"); /* waits for the commit by itself */
    CHECK_STR(text_of(get(ask(STORE_LIST, "u", "a", "k"), 0)), "k1=v1;k2=v2;");
    CHECK_STR(text_of(get(ask(STORE_LIST, "u", "a", ""), 0)), "k1=v1;k2=v2;l=v3;");
    store_set(writer, MN_STR("u"), "a", MN_STR("k1"), MN_STR(""));
    seq = store_del(writer, MN_STR("u"), "a", MN_STR("k2"));
    CHECK_STR(text_of(get(ask(STORE_LIST, "u", "a", ""), seq)), "k1=;l=v3;");
    wait_for(store_del(writer, MN_STR("u"), "a", MN_STR("not there"))); /* first of its turn */
    wait_for(store_del_prefix(writer, MN_STR("u"), "a", MN_STR("not there")));
    store_set(writer, MN_STR("u"), "a", MN_STR("\xff\xff"), MN_STR("edge"));
    seq = store_del_prefix(writer, MN_STR("u"), "a", MN_STR("k"));
    CHECK_STR(text_of(get(ask(STORE_LIST, "u", "a", "\xff"), seq)), "\xff\xff=edge;");
    CHECK_STR(text_of(get(ask(STORE_LIST, "u", "a", ""), 0)), "l=v3;\xff\xff=edge;");
    memset(longer, 'p', sizeof longer);
    store_set(writer, MN_STR("u"), "a", mn_str_make(longer, sizeof longer), MN_STR("v"));
    store_set(writer, MN_STR("u"), "a", MN_STR("z"), MN_STR("v4"));
    seq = store_del_prefix(writer, MN_STR("u"), "a", mn_str_make(longer, sizeof longer - 1));
    CHECK_STR(text_of(get(ask(STORE_LIST, "u", "a", ""), seq)), "l=v3;z=v4;\xff\xff=edge;");
    seq = store_drop(writer, MN_STR("u"));
    CHECK_STR(text_of(get(ask(STORE_LIST, "u", "a", ""), seq)), "");
    CHECK_STR(text_of(get(ask(STORE_GET, "w", "a", "k1"), 0)), "k1=other owner;");
}

static void logs(void)
{
    uint64_t seq = 0, id[6], both;
    struct store_entry two[] = {{MN_STR("x"), MN_STR("y"), {0}}, {MN_STR("y"), MN_STR("x"), {0}}};
    struct store_read *r;

    for (int i = 0; i < 5; i++)
        seq = add("o", i % 2 ? "p1" : "p2", "", 100 + i, (char[]){(char)('a' + i), 0}, &id[i]);
    wait_for(seq);
    for (int i = 1; i < 5; i++)
        CHECK(id[i] > id[i - 1]);
    CHECK_STR(text_of(get(ask(STORE_LOG, "o", "log", ""), 0)), "=a;=b;=c;=d;=e;");
    r = ask(STORE_LOG, "o", "log", "");
    r->backward = true;
    r->limit = 2;
    CHECK_STR(text_of(get(r, 0)), "=e;=d;");
    r = ask(STORE_LOG, "o", "log", "");
    r->after = id[1];
    r->before = id[4];
    CHECK_STR(text_of(get(r, 0)), "=c;=d;");
    r = ask(STORE_LOG, "o", "log", "");
    r->peer = MN_STR("p1");
    CHECK_STR(text_of(get(r, 0)), "=b;=d;");
    r = ask(STORE_LOG, "o", "log", "");
    r->start = 101;
    r->end = 103;
    CHECK_STR(text_of(get(r, 0)), "=b;=c;=d;");
    r = get(ask(STORE_LOG_STATS, "o", "log", ""), 0);
    CHECK_INT((long long)r->total_count, 5);
    CHECK_INT((long long)r->total_bytes, 5);
    store_read_free(r);
    r = ask(STORE_LOG_STATS, "o", "log", "");
    r->peer = MN_STR("p1");
    get(r, 0);
    CHECK_INT((long long)r->total_count, 2);
    CHECK_INT((long long)r->total_bytes, 2);
    store_read_free(r);
    store_log_replace(writer, MN_STR("o"), "log", id[2], MN_STR("C"));
    store_log_del(writer, MN_STR("o"), "log", id[3], false);
    seq = store_log_del(writer, MN_STR("o"), "log", id[4], true);
    CHECK_STR(text_of(get(ask(STORE_LOG, "o", "log", ""), seq)), "=a;=b;=C;=gone;");
    store_log_replace(writer, MN_STR("o"), "log", id[3], MN_STR("back"));
    seq = store_log_replace(writer, MN_STR("o"), "log", id[4], MN_STR("back"));
    CHECK_STR(text_of(get(ask(STORE_LOG, "o", "log", ""), seq)), "=a;=b;=C;=gone;");
    seq = store_log_trim(writer, MN_STR("o"), "log", 3, 0);
    CHECK_STR(text_of(get(ask(STORE_LOG, "o", "log", ""), seq)), "=b;=C;=gone;");
    seq = store_log_trim(writer, MN_STR("o"), "log", 100, id[1]);
    CHECK_STR(text_of(get(ask(STORE_LOG, "o", "log", ""), seq)), "=C;=gone;");
    /* Added and trimmed in one turn. */
    for (int i = 0; i < 3; i++)
        add("t", "", "", i, (char[]){(char)('a' + i), 0}, NULL);
    seq = store_log_trim(writer, MN_STR("t"), "log", 1, 0);
    CHECK_STR(text_of(get(ask(STORE_LOG, "t", "log", ""), seq)), "=c;");
    /* Keyed: publishing again replaces. */
    add("n", "", "i1", 1, "one", NULL);
    add("n", "", "i2", 2, "two", NULL);
    seq = add("n", "", "i1", 3, "one again", NULL);
    CHECK_STR(text_of(get(ask(STORE_LOG, "n", "log", ""), seq)), "i2=two;i1=one again;");
    CHECK_STR(text_of(get(ask(STORE_LOG, "n", "log", "i1"), 0)), "i1=one again;");
    /* One payload, two owners: each deletes for itself. */
    seq = store_log_add(writer, "log", two, 2, 5, MN_STR("shared"), &both);
    wait_for(seq);
    seq = store_log_del(writer, MN_STR("x"), "log", both, true);
    CHECK_STR(text_of(get(ask(STORE_LOG, "x", "log", ""), seq)), "");
    CHECK_STR(text_of(get(ask(STORE_LOG, "y", "log", ""), 0)), "=shared;");
    seq = store_log_replace(writer, MN_STR("y"), "log", both, MN_STR("mine"));
    CHECK_STR(text_of(get(ask(STORE_LOG, "y", "log", ""), seq)), "=mine;");
    two[1].owner = MN_STR("x");
    seq = store_log_add(writer, "log", two, 2, 6, MN_STR("to myself"), NULL);
    CHECK_STR(text_of(get(ask(STORE_LOG, "x", "log", ""), seq)), "=to myself;");
    store_drop(writer, MN_STR("y"));
    seq = store_drop(writer, MN_STR("x"));
    CHECK_STR(text_of(get(ask(STORE_LOG, "x", "log", ""), seq)), "");
    CHECK_STR(text_of(get(ask(STORE_LOG, "y", "log", ""), 0)), "");
}

static void indexes(void)
{
    struct store_read *r;
    uint64_t seq;

    store_index_add(writer, MN_STR("h"), "acc", MN_STR("bob"), MN_STR("bob@h"), MN_STR(""));
    store_index_add(writer, MN_STR("h"), "acc", MN_STR("alice"), MN_STR("alice@h"), MN_STR(""));
    store_index_add(writer, MN_STR("h"), "acc", MN_STR("alice"), MN_STR("alice@h"), MN_STR(""));
    seq = store_index_add(writer, MN_STR("g"), "acc", MN_STR("zed"), MN_STR("zed@g"), MN_STR(""));
    CHECK_STR(text_of(get(ask(STORE_INDEX, "h", "acc", ""), seq)), "alice=alice@h;bob=bob@h;");
    CHECK_STR(text_of(get(ask(STORE_INDEX, "h", "acc", "bo"), 0)), "bob=bob@h;");
    r = ask(STORE_INDEX, "h", "acc", "");
    r->from =
        (struct store_row){.term = MN_STR("alice"), .owner = MN_STR("alice@h"), .key = MN_STR("")};
    CHECK_STR(text_of(get(r, 0)), "bob=bob@h;");
    r = get(ask(STORE_INDEX_COUNT, "h", "acc", ""), 0);
    CHECK_INT(r->total_count, 2);
    store_read_free(r);
    r = get(ask(STORE_INDEX_COUNT, "nobody", "acc", ""), 0);
    CHECK_INT(r->total_count, 0);
    store_read_free(r);
    store_index_add(writer, MN_STR("h"), "acc", MN_STR("b"), MN_STR("z"), MN_STR("1"));
    store_index_add(writer, MN_STR("h"), "acc", MN_STR("b"), MN_STR("z"), MN_STR("12"));
    seq = store_index_add(writer, MN_STR("h"), "acc", MN_STR("b"), MN_STR("zz"), MN_STR(""));
    r = ask(STORE_INDEX, "h", "acc", "b");
    r->from = (struct store_row){.term = MN_STR("b"), .owner = MN_STR("z"), .key = MN_STR("1")};
    r->limit = 2;
    CHECK_STR(text_of(get(r, seq)), "b=z;b=zz;");
    store_drop(writer, MN_STR("z"));
    store_index_del(writer, MN_STR("h"), "acc", MN_STR("b"), MN_STR("zz"), MN_STR(""));
    seq = store_index_del(writer, MN_STR("h"), "acc", MN_STR("bob"), MN_STR("bob@h"), MN_STR(""));
    CHECK_STR(text_of(get(ask(STORE_INDEX, "h", "acc", ""), seq)), "alice=alice@h;");
    seq = store_drop(writer, MN_STR("alice@h"));
    CHECK_STR(text_of(get(ask(STORE_INDEX, "h", "acc", ""), seq)), "");
}

static void folder(void)
{
    snprintf(dir, sizeof dir, "/tmp/mynah-store-XXXXXX");
    CHECK(mkdtemp(dir));
}

static void folder_gone(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    CHECK(!system(command));
}

static void doubled(void *arg, mn_str old, struct mn_buf *out)
{
    mn_buf_fmt(out, "%.*s%.*s%s", MN_ARG(old), MN_ARG(old), (const char *)arg);
}

static void updates(void)
{
    uint64_t seq;

    store_update(writer, MN_STR("u"), "a", MN_STR("k"), doubled, "x");
    store_update(writer, MN_STR("u"), "a", MN_STR("k"), doubled, "y");
    seq = store_update(writer, MN_STR("u"), "a", MN_STR("l"), doubled, "");
    CHECK_STR(text_of(get(ask(STORE_LIST, "u", "a", ""), seq)), "k=xxy;l=;");
    store_del(writer, MN_STR("u"), "a", MN_STR("k"));
    seq = store_update(writer, MN_STR("u"), "a", MN_STR("k"), doubled, "z");
    CHECK_STR(text_of(get(ask(STORE_GET, "u", "a", "k"), seq)), "k=z;");
    wait_for(store_drop(writer, MN_STR("u")));
}

static void both(void (*run)(void))
{
    for (int embedded = 0; embedded < 2; embedded++) {
        folder();
        open_store(embedded);
        run();
        CHECK_INT(last_result, 0);
        close_store();
        folder_gone();
    }
}

TEST(values_are_made_of_those_that_are_there)
{
    both(updates);
}

TEST(values_are_kept_listed_and_dropped)
{
    both(values);
}

TEST(logs_range_both_ways_replace_delete_and_trim)
{
    both(logs);
}

TEST(indexes_are_in_order_and_paged)
{
    both(indexes);
}

TEST(one_turn_is_one_commit)
{
    folder();
    open_store(true);
    done_count = 0;
    for (int i = 0; i < 100; i++)
        store_set(writer, MN_STR("u"), "a", (mn_str){(char *)&i, sizeof i}, MN_STR("v"));
    wait_for(1);
    CHECK_INT((long long)done_count, 1);
    close_store();
    folder_gone();
}

TEST(the_index_follows_and_a_new_start_finds_all)
{
    enum { N = 5000 };
    struct store_read *r;
    uint64_t seq = 0;

    folder();
    for (int round = 0; round < 3; round++) {
        open_store(true);
        if (round < 2)
            for (int i = 0; i < N; i++) {
                seq = add("o", "p", "", 1000 + i, "x", NULL);
                if (i % 10 == 9)
                    mn_loop_turn(loop, 0);
            }
        r = ask(STORE_LOG, "o", "log", "");
        r->limit = 100000;
        get(r, round < 2 ? seq : 0);
        CHECK_INT((long long)r->count, N * (round < 2 ? round + 1 : 2));
        for (size_t i = 1; i < r->count; i++)
            CHECK(r->rows[i].id > r->rows[i - 1].id);
        CHECK(r->count && r->rows[r->count - 1].value.n == 1);
        store_read_free(r);
        r = get(ask(STORE_LOG_STATS, "o", "log", ""), 0);
        CHECK_INT((long long)r->total_count, N * (round < 2 ? round + 1 : 2));
        store_read_free(r);
        seq = 0;
        close_store();
    }
    folder_gone();
}

TEST(what_was_deleted_or_shared_is_the_same_after_a_new_start)
{
    enum { PAIRS = 600 };
    struct store_entry two[] = {{MN_STR("x"), MN_STR("y"), {0}}, {MN_STR("y"), MN_STR("x"), {0}}};
    struct store_read *r;
    uint64_t seq;

    folder();
    open_store(true);
    for (int i = 0; i < 3; i++)
        add("t", "", "", i, (char[]){(char)('a' + i), 0}, NULL);
    seq = store_log_trim(writer, MN_STR("t"), "log", 1, 0);
    wait_for(seq);
    seq = add("o", "p", "", 1, "odd",
              NULL); /* so that a run of the index ends between two owners of a record */
    for (int i = 0; i < PAIRS; i++)
        seq = store_log_add(writer, "log", two, 2, i, MN_STR("v"), NULL);
    wait_for(seq);
    close_store();
    open_store(true);
    CHECK_STR(text_of(get(ask(STORE_LOG, "t", "log", ""), 0)), "=c;");
    for (int i = 0; i < 2; i++) {
        r = get(ask(STORE_LOG, i ? "x" : "y", "log", ""), 0);
        CHECK_INT((long long)r->count, PAIRS);
        store_read_free(r);
    }
    close_store();
    folder_gone();
}

/* Slices of a run are in the index while the tail has them still; trims come in the middle. */
TEST(while_the_index_follows_every_entry_is_seen_once)
{
    enum { N = 20000, STEP = 250 };
    struct store_read *r;
    uint64_t seq = 0, kept = 0;

    folder();
    open_store(true);
    for (unsigned i = 0; i < N; i++) {
        seq = add((const char *[]){"a", "b", "c"}[i % 3], "p", "", i, "x", NULL);
        kept += i % 3 == 0;
        if (i % 10 == 9)
            mn_loop_turn(loop, 0);
        if (i % STEP != STEP - 1)
            continue;
        r = ask(STORE_LOG, "a", "log", "");
        r->limit = N;
        get(r, seq);
        CHECK_INT((long long)r->count, (long long)kept);
        for (size_t k = 1; k < r->count; k++)
            CHECK(r->rows[k].id > r->rows[k - 1].id && r->rows[k].value.n == 1);
        store_read_free(r);
        r = get(ask(STORE_LOG_STATS, "a", "log", ""), seq);
        CHECK_INT((long long)r->total_count, (long long)kept);
        CHECK_INT((long long)r->total_bytes, (long long)kept);
        store_read_free(r);
        r = ask(STORE_LOG, "a", "log", "");
        r->backward = true;
        r->limit = 5;
        get(r, seq);
        CHECK_INT((long long)r->count, 5);
        CHECK_INT(r->rows[0].time, i - i % 3);
        CHECK(r->rows[0].id > r->rows[1].id && r->rows[3].id > r->rows[4].id);
        store_read_free(r);
        if (i % (STEP * 28) == STEP * 28 - 1) {
            store_log_trim(writer, MN_STR("a"), "log", 100, 0);
            kept = 100;
        }
    }
    close_store();
    folder_gone();
}

TEST(few_entries_with_long_names_are_too_much_for_the_tail_as_well)
{
    enum { N = 1500 };
    char peer[3001];
    struct store_read *r;
    uint64_t seq = 0;

    memset(peer, 'p', sizeof peer - 1);
    peer[sizeof peer - 1] = 0;
    folder();
    open_store(true);
    for (int i = 0; i < N; i++) {
        seq = add("o", peer, "", i, "x", NULL);
        if (i % 10 == 9)
            mn_loop_turn(loop, 0);
    }
    r = ask(STORE_LOG, "o", "log", "");
    r->limit = N;
    get(r, seq);
    CHECK_INT((long long)r->count, N);
    store_read_free(r);
    close_store();
    folder_gone();
}

static int results[4];

static void on_result(void *arg, uint64_t from, uint64_t upto, int result)
{
    (void)arg;
    for (uint64_t seq = from; seq <= upto && seq < 4; seq++)
        results[seq] = result;
    last_seq = upto;
}

TEST(what_was_submitted_behind_a_failure_fails_too)
{
    struct rlimit was, small;
    char *big = mn_alloc0(8 << 20);
    bool heard;

    folder();
    open_store(true);
    store_writer_free(writer);
    writer = store_writer_new(store, loop, on_result, NULL);
    last_seq = 0;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    small = was;
    small.rlim_cur = 1 << 20;
    setrlimit(RLIMIT_FSIZE, &small);
    store_set(writer, MN_STR("u"), "a", MN_STR("big"), (mn_str){big, 8 << 20});
    mn_loop_turn(loop, 0);
    store_set(writer, MN_STR("u"), "a", MN_STR("behind"), MN_STR("v"));
    heard = last_seq > 0;
    mn_loop_turn(loop, 0);
    heard |= last_seq > 0;
    wait_for(2);
    CHECK(results[1] == MN_E_IO || results[1] == MN_E_FULL);
    CHECK(heard || results[2] != 0);
    setrlimit(RLIMIT_FSIZE, &was);
    wait_for(store_set(writer, MN_STR("u"), "a", MN_STR("after"), MN_STR("v")));
    CHECK_INT(results[3], 0); /* the loop has heard: work goes on */
    CHECK_STR(text_of(get(ask(STORE_LIST, "u", "a", ""), 3)),
              heard && !results[2] ? "after=v;behind=v;" : "after=v;");
    close_store();
    folder_gone();
    mn_free(big);
}

/* A backend whose first commit fails. */
static void fails_once(struct store *s, struct store_commit *c)
{
    (void)s;
    c->result = store_commit_stale(c) ? MN_E_STALE : c->seq == 1 ? MN_E_IO : MN_E_OK;
    if (c->result == MN_E_IO)
        store_commit_failed(c);
    store_commit_back(c);
}

static void write_again(void *arg, uint64_t from, uint64_t upto, int result)
{
    on_result(arg, from, upto, result);
    if (from == 1)
        store_set(writer, MN_STR("u"), "a", MN_STR("anew"), MN_STR("v"));
}

TEST(what_a_turn_wrote_before_it_heard_of_a_failure_fails_too)
{
    static const struct store_backend backend = {.submit = fails_once};
    struct store fake = {.backend = &backend};

    loop = mn_loop_new(MN_LOOP_EPOLL);
    writer = store_writer_new(&fake, loop, write_again, NULL);
    store_set(writer, MN_STR("u"), "a", MN_STR("first"), MN_STR("v"));
    mn_loop_turn(loop, 0);
    CHECK_INT(store_set(writer, MN_STR("u"), "a", MN_STR("not heard"), MN_STR("v")), 2);
    wait_for(3);
    CHECK_INT(results[1], MN_E_IO);
    CHECK_INT(results[2], MN_E_IO);
    CHECK_INT(results[3], 0);
    store_writer_free(writer);
    mn_loop_free(loop);
}

/* Few bytes may ask for many: what was read and not looked at is bounded. */
static const struct store_backend *real;
static atomic_int were_read, were_seen, most_unseen;

static void read_counted(struct store *s, struct store_read *r)
{
    int unseen;

    real->read(s, r);
    unseen = ++were_read - were_seen;
    if (unseen > most_unseen)
        most_unseen = unseen;
}

static void on_seen(struct store_read *r)
{
    CHECK_INT(r->count, 1);
    were_seen++;
    store_read_free(r);
}

TEST(what_was_read_and_not_seen_is_bounded)
{
    enum { EACH = 4 << 20, ALL = 40 };
    struct store_backend counted;
    char *big = mn_alloc0(EACH);
    uint64_t seq;

    folder();
    open_store(true);
    seq = store_set(writer, MN_STR("o"), "s", MN_STR("k"), (mn_str){big, EACH});
    wait_for(seq);
    real = store->backend;
    counted = *real;
    counted.read = read_counted;
    store->backend = &counted;
    for (int i = 0; i < ALL; i++) {
        struct store_read *r = ask(STORE_GET, "o", "s", "k");

        r->done = on_seen;
        store_read(writer, r, 0);
    }
    mn_loop_turn(loop, 0); /* they are asked */
    /* Time enough for more than there is room for. */
    for (int i = 0; i < 2000 && most_unseen < 10; i++)
        usleep(1000);
    while (were_seen < ALL)
        mn_loop_turn(loop, -1);
    /* So many fit, the one that is too much, and one that each thread has begun by then. */
    CHECK(most_unseen <= (16 << 20) / EACH + 1 + 2);
    store->backend = real;
    close_store();
    mn_free(big);
    folder_gone();
}

TEST(a_folder_in_use_and_a_file_that_is_no_database_are_told_apart)
{
    struct mn_buf why = {0};
    struct store *second;
    char path[100];
    FILE *f;

    folder();
    open_store(true);
    CHECK_INT(store_open_embedded(dir, work, &second, &why), MN_E_BUSY);
    CHECK(memmem(why.p, why.n, "in use", 6));
    close_store();
    snprintf(path, sizeof path, "%s/mynah.db", dir);
    f = fopen(path, "w");
    for (int i = 0; i < 2000; i++)
        fputs("this is no database ", f);
    fclose(f);
    mn_buf_clear(&why);
    CHECK(store_open_embedded(dir, NULL, &second, &why) != 0);
    CHECK(memmem(why.p, why.n, "not a database", 14) && memmem(why.p, why.n, "backup", 6));
    mn_buf_free(&why);
    folder_gone();
}

static void spoil(const char *sql)
{
    char path[100];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/mynah.db", dir);
    CHECK(!sqlite3_open(path, &db));
    CHECK(!sqlite3_exec(db, sql, NULL, NULL, NULL));
    sqlite3_close(db);
}

TEST(the_check_finds_what_is_amiss)
{
    static const struct {
        const char *sql, *says;
    } rows[] = {
        {"DELETE FROM record WHERE id=1", "1 entries of logs without their record"},
        {"UPDATE record SET refs=2 WHERE id=1", "1 records with a wrong count of entries"},
        {"DELETE FROM log WHERE id=1", "1 records with a wrong count of entries"},
        {"PRAGMA writable_schema=1; UPDATE sqlite_master SET rootpage=2 WHERE name='term'",
         "the database is damaged"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_buf why = {0};

        folder();
        open_store(true);
        add("o", "p", "", 1, "x", NULL);
        wait_for(store_log_trim(writer, MN_STR("other"), "log", 1, 0)); /* all is in the index */
        close_store();
        spoil(rows[i].sql);
        open_store(true);
        CHECK(store_check(store, &why) != 0);
        CHECK(why.n && memmem(why.p, why.n, rows[i].says, strlen(rows[i].says)));
        store_writer_free(writer);
        store_close(store);
        mn_work_free(work);
        mn_loop_free(loop);
        mn_buf_free(&why);
        folder_gone();
    }
}

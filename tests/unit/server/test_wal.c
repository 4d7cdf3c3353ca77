/* The write-ahead log of the embedded store does not keep the size that others' reading gave it. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/store_back.h"
#include "test.h"

static char dir[64];
static struct mn_work *work;
static struct mn_loop *loop;
static struct store *store;
static struct store_writer *writer;

static void on_done(void *arg, uint64_t from, uint64_t upto, int result)
{
    (void)arg;
    (void)from;
    (void)upto;
    CHECK_INT(result, 0);
}

static void begin(void)
{
    struct mn_buf why = {0};

    snprintf(dir, sizeof dir, "/tmp/mynah-wal-XXXXXX");
    CHECK(mkdtemp(dir));
    loop = mn_loop_new(MN_LOOP_EPOLL);
    work = mn_work_new((unsigned[]){1, 1, 1, 1}, 100);
    CHECK_INT(store_open_embedded(dir, work, &store, &why), 0);
    writer = store_writer_new(store, loop, on_done, NULL);
}

static void end(void)
{
    char command[100];

    store_writer_free(writer);
    store_close(store);
    mn_work_free(work);
    mn_loop_free(loop);
    snprintf(command, sizeof command, "rm -r %s", dir);
    CHECK(!system(command));
}

static long long wal_size(void)
{
    char path[100];
    struct stat st;

    snprintf(path, sizeof path, "%s/mynah.db-wal", dir);
    return stat(path, &st) ? -1 : (long long)st.st_size;
}

/* So many commits, each of so many bytes in one value. Returns the largest size of the log. */
static long long write_some(int count, size_t bytes)
{
    char *value = mn_alloc0(bytes);
    long long most = 0;

    for (int i = 0; i < count; i++) {
        uint64_t seq;

        memset(value, i, bytes); /* what is the same is not written */
        seq = store_set(writer, MN_STR("u"), "s", MN_STR("k"), (mn_str){value, bytes});
        while (store_writer_done(writer) < seq)
            mn_loop_turn(loop, -1);
        most = wal_size() > most ? wal_size() : most;
    }
    mn_free(value);
    return most;
}

/* Somebody else who has the file open. */
static sqlite3 *another(void)
{
    char path[100];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/mynah.db", dir);
    CHECK(!sqlite3_open(path, &db));
    sqlite3_busy_timeout(db, 5000);
    return db;
}

enum { MIB = 1 << 20, USUAL = 20 * MIB };

TEST(who_has_read_for_long_leaves_no_large_file)
{
    sqlite3 *db;

    begin();
    db = another();
    write_some(1, 10);
    CHECK(!sqlite3_exec(db, "BEGIN; SELECT count(*) FROM kv", NULL, NULL, NULL));
    write_some(60, MIB);
    CHECK(wal_size() > 50 * MIB);
    CHECK(!sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    write_some(6, MIB);
    CHECK(wal_size() < USUAL);
    sqlite3_close(db);
    end();
}

static atomic_bool over;

/* Always at it, but for moments. */
static void *read_on(void *arg)
{
    sqlite3 *db = another();

    (void)arg;
    while (!atomic_load(&over)) {
        CHECK(!sqlite3_exec(db, "BEGIN; SELECT count(*) FROM kv", NULL, NULL, NULL));
        usleep(2000);
        CHECK(!sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    }
    sqlite3_close(db);
    return NULL;
}

TEST(readers_who_take_turns_do_not_let_it_grow)
{
    pthread_t readers[4];

    begin();
    write_some(1, 10);
    atomic_store(&over, false);
    for (size_t i = 0; i < MN_COUNT(readers); i++)
        CHECK(!pthread_create(&readers[i], NULL, read_on, NULL));
    CHECK(write_some(250, 400000) < 2 * USUAL);
    atomic_store(&over, true);
    for (size_t i = 0; i < MN_COUNT(readers); i++)
        pthread_join(readers[i], NULL);
    end();
}

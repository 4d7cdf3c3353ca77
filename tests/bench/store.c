/* Figures of the embedded store (docs/design/002-store.md).
 *
 *   store FOLDER [SECONDS]
 *
 * A message is what an archive writes for it: 303 bytes once, an entry in the logs of both sides.
 * First as many as it takes, 200 a commit; then 2,000, 10,000 and 25,000 a second for SECONDS each,
 * those of one turn of the loop (at most a millisecond) in one commit as in the server; the last
 * two once more while each row counts a session's stanzas as well (server/handled.c), and while
 * somebody reads pages of a log without a pause. Waiting is from the end
 * of the turn to the report that it is durable; CPU is that of the whole process, for everything.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/store.h"

enum { VALUE = 303, USERS = 20000, FLOOD = 200000, FLOOD_BATCH = 200, COMMITS = 1 << 20 };

static char folder[4000];
static struct mn_work *work;
static struct mn_loop *loop;
static struct store *store;
static struct store_writer *writer;
static unsigned number = 1; /* of a small generator */

static struct {
    int64_t sent[COMMITS]; /* when commit n left, by its sequence number */
    uint32_t rows[COMMITS];
    uint32_t *waits; /* us, one per row */
    size_t count, cap, in_flight, reads;
    bool read_on, counted;
} run;

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static void done(void *arg, uint64_t from, uint64_t seq, int result)
{
    int64_t us = now_us() - run.sent[seq % COMMITS];

    (void)arg;
    (void)from;
    MN_ASSERT(!result);
    run.in_flight--;
    for (uint32_t n = run.rows[seq % COMMITS]; n && run.count < run.cap; n--)
        run.waits[run.count++] = (uint32_t)us;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double wait_ms(double part)
{
    return run.count ? run.waits[(size_t)(part * (double)(run.count - 1))] / 1000.0 : 0;
}

static unsigned next(void)
{
    number = number * 1103515245 + 12345;
    return number >> 8;
}

static void count_up(void *arg, mn_str old, struct mn_buf *out)
{
    char record[12] = {0};

    (void)arg;
    if (old.n == sizeof record)
        memcpy(record, old.p, sizeof record);
    record[8]++;
    mn_buf_add(out, record, sizeof record);
}

static void put(unsigned count)
{
    static char value[VALUE];
    char a[40], b[40], session[80];
    uint64_t seq = 0;

    for (unsigned i = 0; i < count; i++) {
        snprintf(a, sizeof a, "user%u@example.org", next() % USERS);
        snprintf(b, sizeof b, "user%u@example.org", next() % USERS);
        memset(value, 'a' + (int)(i % 26), sizeof value);
        seq = store_log_add(writer, "archive",
                            (struct store_entry[]){{mn_str_from(a), mn_str_from(b), {0}},
                                                   {mn_str_from(b), mn_str_from(a), {0}}},
                            2, 1700000000000 + i, mn_str_make(value, sizeof value), NULL);
        snprintf(session, sizeof session, "%s/abcdefghijklmnopqrstuvwx", a);
        if (run.counted)
            store_update(writer, MN_STR(""), "handled", mn_str_from(session), count_up, NULL);
    }
    if (!count)
        return;
    run.sent[seq % COMMITS] = now_us();
    run.rows[seq % COMMITS] = count;
    run.in_flight++;
}

static void read_more(void);

static void was_read(struct store_read *r)
{
    MN_ASSERT(!r->result);
    store_read_free(r);
    run.reads++;
    if (run.read_on)
        read_more();
}

static void read_more(void)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_LOG;
    r->owner = mn_arena_fmt(&r->arena, "user%u@example.org", next() % USERS);
    r->store = "archive";
    r->backward = true;
    r->limit = 50;
    r->done = was_read;
    store_read(writer, r, 0);
}

static void begin(void)
{
    struct mn_buf why = {0};
    char command[4100];

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    MN_ASSERT(!system(command));
    loop = mn_loop_new(MN_LOOP_EPOLL);
    work = mn_work_new((unsigned[]){1, 2, 1, 1}, 1000);
    if (store_open_embedded(folder, work, &store, &why)) {
        fprintf(stderr, "%.*s\n", (int)why.n, why.p);
        exit(1);
    }
    writer = store_writer_new(store, loop, done, NULL);
    run.count = run.in_flight = run.reads = 0;
}

static void end(void)
{
    run.read_on = false;
    while (mn_loop_turn(loop, 20))
        ;
    mn_work_free(work);
    store_writer_free(writer);
    store_close(store);
    mn_loop_free(loop);
}

static double megabytes(const char *name)
{
    char path[4100];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &st) ? 0 : (double)st.st_size / (1 << 20);
}

static void row(const char *what, int64_t us, int64_t cpu, double wal)
{
    qsort(run.waits, run.count, sizeof *run.waits, by_size);
    printf("%-24s %8.0f /s  %6.2f us CPU  p50 %6.2f ms  p99 %6.2f ms  most %7.2f ms  log %5.1f MB",
           what, (double)run.count * 1e6 / (double)us, (double)cpu / (double)run.count,
           wait_ms(0.5), wait_ms(0.99), wait_ms(1), wal);
    if (run.reads)
        printf("  %zu reads", run.reads);
    printf("\n");
    fflush(stdout);
}

static void flood(void)
{
    int64_t from, cpu;
    double wal = 0;

    begin();
    from = now_us();
    cpu = cpu_us();
    for (unsigned sent = 0; run.count < FLOOD;) {
        if (sent < FLOOD && run.in_flight < 4) {
            put(FLOOD_BATCH);
            sent += FLOOD_BATCH;
            mn_loop_turn(loop, 0);
        } else {
            mn_loop_turn(loop, -1);
        }
    }
    wal = megabytes("mynah.db-wal");
    row("200 a commit", now_us() - from, cpu_us() - cpu, wal);
    end();
}

enum beside { NOTHING, COUNTED, READ };

static void paced(unsigned rate, int seconds, enum beside beside)
{
    int64_t from, cpu, until, look = 0;
    uint64_t sent = 0;
    double wal = 0;
    char what[40];

    begin();
    run.counted = beside == COUNTED;
    run.read_on = beside == READ;
    if (run.read_on)
        read_more();
    from = now_us();
    until = from + seconds * 1000000LL;
    cpu = cpu_us();
    for (int64_t now = from; now < until || run.in_flight; now = now_us()) {
        if (now < until) {
            uint64_t due = (uint64_t)(now - from) * rate / 1000000;

            put((unsigned)(due - sent));
            sent = due;
        }
        if (now - look > 100000) {
            double size = megabytes("mynah.db-wal");

            wal = size > wal ? size : wal;
            look = now;
        }
        mn_loop_turn(loop, 1);
    }
    snprintf(what, sizeof what, "%u a second%s", rate,
             (const char *[]){"", ", counted", ", read"}[beside]);
    row(what, now_us() - from, cpu_us() - cpu, wal);
    end();
}

int main(int argc, char **argv)
{
    int seconds = argc > 2 ? atoi(argv[2]) : 10;

    if (argc < 2) {
        fprintf(stderr, "store FOLDER [SECONDS]: FOLDER is made anew\n");
        return 64;
    }
    snprintf(folder, sizeof folder, "%s/bench", argv[1]);
    run.cap = FLOOD + 25000 * (size_t)seconds;
    run.waits = mn_alloc(run.cap * sizeof *run.waits);
    flood();
    paced(2000, seconds, NOTHING);
    paced(2000, seconds, COUNTED);
    paced(10000, seconds, NOTHING);
    paced(10000, seconds, COUNTED);
    paced(25000, seconds, NOTHING);
    paced(25000, seconds, READ);
    mn_free(run.waits);
    return 0;
}

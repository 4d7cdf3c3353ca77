/* Our parser beside expat on the same stanza, bytes to a whole checked tree against empty handlers
 * with namespaces. Alone: the time of each. Under callgrind (tests/bench/run xml): a dump of
 * instructions for each.
 *
 *   xml FILE
 */
#include <expat.h>
#include <stdlib.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include "base/file.h"
#include "xmpp/xml.h"

enum { COUNT = 1000, TIMES = 200 };
static const char head[] = "<stream:stream xmlns='jabber:client' "
                           "xmlns:stream='http://etherx.jabber.org/streams'>";

static void ours(struct mn_xml *x, struct mn_pool *pool, mn_str corpus)
{
    struct mn_xml_item item;
    struct mn_arena a = {.pool = pool};

    mn_xml_feed(x, corpus);
    MN_ASSERT(mn_xml_next(x, &a, &item) > 0);
    mn_xml_keep(x);
    mn_arena_done(&a, pool);
}

static void XMLCALL start(void *arg, const char *name, const char **attrs)
{
    (void)arg;
    (void)name;
    (void)attrs;
}

static void XMLCALL end(void *arg, const char *name)
{
    (void)arg;
    (void)name;
}

static void XMLCALL text(void *arg, const char *p, int n)
{
    (void)arg;
    (void)p;
    (void)n;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* COUNT stanzas by ours or by expat: nanoseconds each. */
static double batch(struct mn_xml *x, struct mn_pool *pool, XML_Parser p, mn_str corpus)
{
    double began = now();

    CALLGRIND_TOGGLE_COLLECT;
    for (size_t i = 0; i < COUNT; i++) {
        if (x)
            ours(x, pool, corpus);
        else
            MN_ASSERT(XML_Parse(p, corpus.p, (int)corpus.n, 0) == XML_STATUS_OK);
    }
    CALLGRIND_TOGGLE_COLLECT;
    return (now() - began) / COUNT;
}

int main(int argc, char **argv)
{
    struct mn_xml *x = mn_xml_new(&(struct mn_xml_limits){1 << 20, 100, 100});
    struct mn_pool *pool = mn_pool_new(8);
    XML_Parser p = XML_ParserCreateNS("UTF-8", '|');
    struct mn_arena a = {0};
    double mine[TIMES], theirs[TIMES];
    mn_str corpus;

    if (argc != 2 || mn_file_read(argv[1], 1 << 20, &a, &corpus)) {
        fputs("usage: xml FILE\n", stderr);
        return 64;
    }
    XML_SetHashSalt(p, 1);
    XML_SetElementHandler(p, start, end);
    XML_SetCharacterDataHandler(p, text);
    MN_ASSERT(XML_Parse(p, head, sizeof head - 1, 0) == XML_STATUS_OK);
    ours(x, pool, (mn_str){head, sizeof head - 1});
    CALLGRIND_START_INSTRUMENTATION;
    for (size_t i = 0; i < (RUNNING_ON_VALGRIND ? 1 : TIMES); i++) {
        CALLGRIND_ZERO_STATS;
        mine[i] = batch(x, pool, NULL, corpus);
        CALLGRIND_DUMP_STATS_AT("ours 1000");
        theirs[i] = batch(NULL, NULL, p, corpus);
        CALLGRIND_DUMP_STATS_AT("expat 1000");
    }
    if (!RUNNING_ON_VALGRIND) {
        qsort(mine, TIMES, sizeof *mine, by_size);
        qsort(theirs, TIMES, sizeof *theirs, by_size);
        printf("ns per stanza of %zu bytes (median): ours %.0f, expat %.0f, ratio %.3f\n", corpus.n,
               mine[TIMES / 2], theirs[TIMES / 2], mine[TIMES / 2] / theirs[TIMES / 2]);
    }
    XML_ParserFree(p);
    mn_xml_free(x);
    mn_arena_done(&a, NULL);
    mn_pool_free(pool);
    return 0;
}

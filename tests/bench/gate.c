/* What the headline figures rest on, counted instead of timed: a server on one loop and its clients
 * on another, in this thread, over memory, with fixed randomness and a clock that stands still.
 *
 *   gate memory       bytes of ours per idle session
 *   gate allocs FILE  how often the server asks for memory per chat message, once it is warm
 *   gate count FILE   under callgrind: one dump of instructions per phase, of the server's turns
 *                     alone; FILE: a stanza from u456 to u123, which expat parses as well
 */
#include <expat.h>
#include <stdlib.h>
#include <valgrind/callgrind.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"
#include "bench/client.h"
#include "server/server.h"
#include "server/user.h"

/* Numbers of three digits, as in the corpus. */
enum { FIRST = 100, CHATTERS = 100, CONTACTS = 50, ROUNDS = 20 };

/* Before the hash key of the process is drawn. */
__attribute__((constructor(101))) static void fix(void)
{
    mn_rand_fix(1);
    mn_clock_set(1000, 1000000000000);
}

static const char yaml[] = "domains: [{name: localhost}]\n"
                           "auth: {mechanisms: [SCRAM-SHA-1], without_tls: [SCRAM-SHA-1],\n"
                           "  iterations: 4096}\n"
                           "limits: {unauthenticated_per_address: 100000}\n"
                           "log: {level: error}\n";

static struct {
    struct server *srv;
    struct mn_loop *loop; /* the clients' */
    struct mn_arena a;
    struct client *clients;
    unsigned count;
    size_t ready, messages, presences, kept, allocs;
    bool counting, serving; /* serving: the server's turn */
} lab;

/* Everything that asks the C library for memory comes through here, whoever it is. */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    lab.allocs += lab.serving;
    return __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
    lab.allocs += lab.serving;
    return __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
    lab.allocs += lab.serving;
    return __libc_realloc(p, n);
}

static void toggle(void)
{
    lab.serving = !lab.serving;
    if (lab.counting)
        CALLGRIND_TOGGLE_COLLECT;
}

/* Turns of both loops until nothing happens any more; callgrind sees the server's alone. */
static void run(void)
{
    bool some = true;

    while (some) {
        some = mn_loop_turn(lab.loop, 0);
        toggle();
        some |= mn_loop_turn(lab.srv->owners[0]->loop, 0);
        toggle();
    }
}

/* Accounts in a ring, each with as many neighbours on either side as contacts. */
static void accounts(unsigned from, unsigned count, unsigned contacts)
{
    struct store_writer *w = lab.srv->owners[0]->writer;
    mn_str creds, password = MN_STR("secret");

    MN_ASSERT(!mn_sasl_creds_make(MN_STR("u"), MN_STR("localhost"), password,
                                  1u << MN_SASL_SCRAM_SHA_1, 4096, &lab.a, &creds));
    for (unsigned i = 0; i < count; i++) {
        mn_str bare = mn_arena_fmt(&lab.a, "u%u@localhost", FIRST + from + i);

        store_set(w, bare, "auth", MN_STR("creds"), creds);
        store_set(w, bare, USER_STORE, MN_STR(USER_ACCOUNT), MN_STR("1"));
        for (unsigned k = 0; k <= contacts; k++) {
            unsigned other = (i + count + k - contacts / 2) % count;
            struct roster_item item = {.flags = ROSTER_TO | ROSTER_FROM | ROSTER_LISTED,
                                       .name = MN_STR("A friend")};
            mn_str key = mn_arena_fmt(&lab.a, USER_ITEM "u%u@localhost", FIRST + from + other);

            if (other != i)
                store_set(w, bare, USER_STORE, key, roster_record(&item, &lab.a));
        }
    }
    run();
}

static void ready(struct client *c)
{
    (void)c;
    lab.ready++;
}

static void element(struct client *c, const struct mn_elem *e)
{
    (void)c;
    lab.messages += mn_str_is(e->name, "message");
    lab.presences += mn_str_is(e->name, "presence");
    lab.kept += mn_str_is(e->name, "enabled") && mn_elem_get(e, "id").n;
}

static void failed(struct client *c, const char *why)
{
    fprintf(stderr, "client %u: %s\n", c->number, why);
    exit(1);
}

static void open_server(void)
{
    struct server_options opt = {.loops = 1};
    struct mn_conf_errors errors;
    struct mn_buf why = {0};
    struct config *conf;

    MN_ASSERT(!config_parse(mn_str_from(yaml), &lab.a, &conf, &errors));
    mn_log_set(MN_LOG_ERROR, MN_LOG_TEXT, 2);
    opt.conf = conf;
    MN_ASSERT(!store_open_mem(&opt.store));
    MN_ASSERT(!server_new(&opt, &lab.srv, &why));
    owner_set_here(lab.srv->owners[0]);
    lab.loop = mn_loop_new(MN_LOOP_EPOLL);
}

static void log_in(unsigned from, unsigned count)
{
    static const struct client_plan plan = {.domain = MN_STR("localhost"),
                                            .password = MN_STR("secret"),
                                            .mech = MN_SASL_SCRAM_SHA_1,
                                            .ready = ready,
                                            .element = element,
                                            .failed = failed};

    for (unsigned i = from; i < from + count; i++) {
        client_start(&lab.clients[i], &plan, FIRST + i,
                     server_mem(lab.srv, 0, lab.loop, CONF_TLS_OFF));
        run();
    }
    MN_ASSERT(lab.ready == from + count);
}

static void open_clients(unsigned count)
{
    lab.count = count;
    lab.clients = calloc(count, sizeof *lab.clients);
}

static void finish(void)
{
    for (unsigned i = 0; i < lab.count; i++)
        client_done(&lab.clients[i]);
    mn_loop_fire_all(lab.loop);
    run();
    server_free(lab.srv);
    while (mn_loop_turn(lab.loop, 0))
        ;
    mn_loop_free(lab.loop);
    mn_arena_done(&lab.a, NULL);
    free(lab.clients);
}

/* What a pair of ends in memory costs without anybody at either: half of it is the client's. */
static size_t client_half(void)
{
    struct mn_conn *a[64], *b[64];
    size_t before = mn_alloc_bytes(), bytes;

    for (size_t i = 0; i < MN_COUNT(a); i++)
        mn_conn_mem(lab.loop, lab.loop, &a[i], &b[i]);
    bytes = (mn_alloc_bytes() - before) / (2 * MN_COUNT(a));
    for (size_t i = 0; i < MN_COUNT(a); i++) {
        mn_conn_close(a[i], 0);
        mn_conn_close(b[i], 0);
    }
    mn_loop_fire_all(lab.loop);
    return bytes;
}

static void memory(void)
{
    enum { WARM = 10, COUNT = 1000 };
    size_t before, half;

    open_clients(WARM + COUNT);
    accounts(0, WARM + COUNT, 5);
    log_in(0, WARM); /* what is there once: pools, tables */
    half = client_half();
    before = mn_alloc_bytes();
    log_in(WARM, COUNT);
    for (unsigned i = WARM; i < WARM + COUNT; i++) /* as the client of a phone does */
        client_write(&lab.clients[i],
                     MN_STR("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"
                            "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"));
    run();
    MN_ASSERT(lab.kept == COUNT);
    for (unsigned i = WARM; i < WARM + COUNT; i++) { /* no parser of a client's counts either */
        mn_xml_free(lab.clients[i].xml);
        lab.clients[i].xml = NULL;
    }
    printf("bytes per idle session: %zu\n", (mn_alloc_bytes() - before) / COUNT - half);
}

/* What stands between two calls is one phase; `units`: how many things it did. */
static void phase_begin(void)
{
    run();
    lab.messages = lab.presences = 0;
    CALLGRIND_ZERO_STATS;
    lab.counting = true;
}

static void phase_end(const char *name, size_t units)
{
    char text[64];

    lab.counting = false;
    snprintf(text, sizeof text, "%s %zu", name, units);
    CALLGRIND_DUMP_STATS_AT(text);
}

static void XMLCALL start(void *arg, const char *name, const char **attrs)
{
    (void)name;
    (void)attrs;
    ++*(size_t *)arg;
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

static void count_expat(mn_str corpus)
{
    enum { COUNT = 1000 };
    static const char head[] = "<stream:stream xmlns='jabber:client' "
                               "xmlns:stream='http://etherx.jabber.org/streams'>";
    XML_Parser p = XML_ParserCreateNS("UTF-8", '|');
    size_t elements = 0;

    XML_SetHashSalt(p, 1);
    XML_SetUserData(p, &elements);
    XML_SetElementHandler(p, start, end);
    XML_SetCharacterDataHandler(p, text);
    MN_ASSERT(XML_Parse(p, head, sizeof head - 1, 0) == XML_STATUS_OK);
    phase_begin();
    toggle();
    for (size_t i = 0; i < COUNT; i++)
        MN_ASSERT(XML_Parse(p, corpus.p, (int)corpus.n, 0) == XML_STATUS_OK);
    toggle();
    phase_end("expat", COUNT);
    MN_ASSERT(elements == 1 + 4 * COUNT);
    XML_ParserFree(p);
}

/* The corpus with the addresses of this pair: of the same length. */
static void chat(mn_str corpus, unsigned from, unsigned to)
{
    char *copy = mn_str_dup(corpus), number[4];

    snprintf(number, sizeof number, "%03u", to);
    memcpy(strstr(copy, "u123@") + 1, number, 3);
    snprintf(number, sizeof number, "%03u", from);
    memcpy(strstr(copy, "u456@") + 1, number, 3);
    client_write(&lab.clients[from - FIRST], (mn_str){copy, corpus.n});
    mn_free(copy);
}

static void messages(mn_str corpus)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < CHATTERS; i++)
            chat(corpus, FIRST + i, FIRST + (i + 1) % CHATTERS);
        run();
    }
}

static void count_messages(mn_str corpus)
{
    phase_begin();
    messages(corpus);
    phase_end("message", lab.messages);
    MN_ASSERT(lab.messages == ROUNDS * CHATTERS);
}

static void count_presence(void)
{
    phase_begin();
    for (unsigned i = 0; i < CHATTERS; i++) {
        client_write(&lab.clients[i], MN_STR("<presence><show>away</show><status>Having lunch"
                                             "</status></presence>"));
        run();
    }
    phase_end("presence", lab.presences);
    MN_ASSERT(lab.presences == CHATTERS * (CONTACTS + 1));
}

static void allocs(const char *path)
{
    mn_str corpus;

    MN_ASSERT(!mn_file_read(path, 1 << 20, &lab.a, &corpus));
    open_clients(CHATTERS);
    accounts(0, CHATTERS, CONTACTS);
    accounts(CHATTERS, 1, 0);
    log_in(0, CHATTERS);
    for (unsigned i = 0; i < CHATTERS; i++) /* all leave something for somebody who is away */
        chat(corpus, FIRST + i, FIRST + CHATTERS);
    run();
    messages(corpus);
    lab.allocs = lab.messages = 0;
    messages(corpus);
    MN_ASSERT(lab.messages == ROUNDS * CHATTERS);
    printf("allocations per message: %.4f\n", (double)lab.allocs / (double)lab.messages);
}

static void count(const char *path)
{
    enum { LOGINS = 20 };
    mn_str corpus;

    MN_ASSERT(!mn_file_read(path, 1 << 20, &lab.a, &corpus));
    open_clients(CHATTERS + LOGINS);
    accounts(0, CHATTERS, CONTACTS);
    accounts(CHATTERS, LOGINS, 5);
    log_in(0, CHATTERS);
    CALLGRIND_START_INSTRUMENTATION;
    for (unsigned i = 0; i < CHATTERS; i++)
        chat(corpus, FIRST + i, FIRST + (i + 1) % CHATTERS);
    count_expat(corpus);
    count_messages(corpus);
    count_presence();
    phase_begin();
    log_in(CHATTERS, LOGINS);
    phase_end("login", LOGINS);
    CALLGRIND_STOP_INSTRUMENTATION;
}

int main(int argc, char **argv)
{
    bool file = argc == 3;

    if (argc != 2 + file || (!file && strcmp(argv[1], "memory")) ||
        (file && strcmp(argv[1], "count") && strcmp(argv[1], "allocs"))) {
        fputs("usage: gate memory | gate allocs FILE | gate count FILE\n", stderr);
        return 64;
    }
    open_server();
    if (!file)
        memory();
    else if (!strcmp(argv[1], "allocs"))
        allocs(argv[2]);
    else
        count(argv[2]);
    finish();
    return 0;
}

#include "fuzz/house.h"

#include <fcntl.h>

#include "base/rand.h"
#include "base/work.h"
#include "server/store_back.h"

struct server *srv;
enum disk disk;
static const struct config *config;
static struct store *store;
static struct store_backend as_opened;
static struct store_commit *slow, **slow_last = &slow;
static bool dead; /* nothing that is written any more is there */

struct config *house_config(const char *yaml)
{
    static struct mn_arena a;
    static struct config *c;
    struct mn_conf_errors errors;

    if (!c) {
        MN_ASSERT(!config_parse(mn_str_from(yaml), &a, &c, &errors));
        c->auth.iterations = 1;
    }
    return c;
}

static void commit(struct store_commit *c)
{
    if (disk != DISK_FAILS && !dead && !store_commit_stale(c)) {
        as_opened.submit(store, c);
        return;
    }
    c->result = store_commit_stale(c) ? MN_E_STALE : MN_E_IO;
    if (c->result == MN_E_IO)
        store_commit_failed(c);
    store_commit_back(c);
}

static void on_submit(struct store *s, struct store_commit *c)
{
    (void)s;
    if (disk != DISK_SLOW || dead) {
        commit(c);
        return;
    }
    c->next = NULL;
    *slow_last = c;
    slow_last = &c->next;
}

static void on_close(struct store *s)
{
    (void)s;
}

static bool slow_go(void)
{
    bool some = slow;

    while (slow) {
        struct store_commit *c = slow;

        slow = c->next;
        commit(c);
    }
    slow_last = &slow;
    return some;
}

void disk_set(enum disk how)
{
    disk = how;
    if (how != DISK_SLOW)
        slow_go();
}

static void server_begin(void)
{
    struct server_options opt = {
        .conf = config, .loops = 1, .backend = MN_LOOP_EPOLL, .store = store};
    struct mn_buf why = {0};

    disk = DISK_WELL;
    dead = false;
    opt.work = mn_work_new((unsigned[]){1, 1, 1, 1}, 100);
    MN_ASSERT(!server_new(&opt, &srv, &why));
    owner_set_here(srv->owners[0]);
    the_loop = srv->owners[0]->loop;
}

static void server_end(void)
{
    settle();
    server_free(srv);
}

void house_begin(const struct config *conf)
{
    static struct store_backend lasting;
    static int nowhere = -1;

    if (nowhere < 0)
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    mn_log_set(MN_LOG_ERROR, MN_LOG_TEXT, nowhere);
    time_begin();
    mn_rand_fix(1);
    config = conf;
    MN_ASSERT(!store_open_mem(&store));
    as_opened = lasting = *store->backend;
    lasting.submit = on_submit;
    lasting.close = on_close;
    store->backend = &lasting;
    server_begin();
}

void house_restart(void)
{
    disk_set(disk == DISK_SLOW ? DISK_WELL : disk);
    server_end();
    server_begin();
}

bool house_crash(void)
{
    bool lost;

    dead = true;
    lost = slow_go();
    server_end();
    server_begin();
    return lost;
}

void house_end(void)
{
    server_end();
    as_opened.close(store);
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct guest *g = arg;
    int e;

    mn_xml_feed(g->xml, bytes);
    do {
        struct mn_arena a = {0};
        struct mn_xml_item item;

        e = mn_xml_next(g->xml, &a, &item);
        MN_ASSERT(e >= 0);
        if (e == MN_XML_OPEN || e == MN_XML_ELEM)
            g->heard(g, e, &item, &a);
        mn_arena_done(&a, NULL);
    } while (e > 0 && e != MN_XML_CLOSE);
    mn_xml_keep(g->xml);
}

static void on_closed(void *arg, int why)
{
    (void)why;
    guest_cut(arg);
}

void guest_come(struct guest *g, struct mn_conn *conn)
{
    static const struct mn_conn_face face = {on_bytes, on_closed, NULL, NULL};
    static const struct mn_xml_limits wide = {1 << 26, 10000, 10000};

    guest_cut(g);
    g->xml = mn_xml_new(&wide);
    g->conn = conn;
    mn_conn_face(conn, &face, g);
    settle();
}

void guest_cut(struct guest *g)
{
    if (g->conn)
        mn_conn_close(g->conn, 0);
    g->conn = NULL;
    mn_xml_free(g->xml);
    g->xml = NULL;
}

void guest_say(struct guest *g, mn_str bytes)
{
    if (g->conn)
        mn_conn_write(g->conn, bytes);
}

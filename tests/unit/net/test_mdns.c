#include "net/mdns.h"

#include "base/clock.h"
#include "base/rand.h"
#include "net/mdns_msg.h"
#include "test.h"

/* Several responders on one wire; time stands still but for pass(). */
enum { NODES = 4 };
struct node {
    struct mn_mdns *m;
    struct mn_addr addr;
    struct mn_buf notes;
    bool deaf;
};
static struct wire {
    struct mn_loop *loop;
    struct node at[NODES];
    int64_t now;
    struct mn_buf last; /* packet of node 0 */
    struct mn_addr last_to;
    unsigned packets; /* of node 0 */
} w;

/* What is on its way: delivered in the next turn, as by a socket. */
struct flight {
    struct mn_post post;
    struct node *from;
    struct mn_addr to;
    bool all;
    mn_str bytes;
};

static void arrive(struct mn_post *p)
{
    struct flight *f = MN_OF(p, struct flight, post);

    for (size_t i = 0; i < NODES; i++) {
        struct node *n = &w.at[i];

        if (n->m && !n->deaf && (f->all || !memcmp(&n->addr, &f->to, sizeof f->to)))
            mn_mdns_feed(n->m, 2, &f->from->addr, f->bytes);
    }
    mn_free((void *)f->bytes.p);
    mn_free(f);
}

static void on_send(void *arg, unsigned link, const struct mn_addr *to, mn_str packet)
{
    struct flight *f = MN_NEW(struct flight);

    CHECK_INT(link, 2);
    f->post.run = arrive;
    f->from = arg;
    f->all = !to;
    if (to)
        f->to = *to;
    f->bytes = (mn_str){mn_str_dup(packet), packet.n};
    if (f->from == &w.at[0]) {
        mn_buf_clear(&w.last);
        mn_buf_str(&w.last, packet);
        w.last_to = f->to;
        w.packets++;
    }
    mn_loop_post(w.loop, &f->post);
}

static void on_named(void *arg, mn_str user, mn_str machine)
{
    mn_buf_fmt(&((struct node *)arg)->notes, "I:%.*s@%.*s ", MN_ARG(user), MN_ARG(machine));
}

static void on_found(void *arg, mn_str instance, mn_str txt)
{
    mn_buf_fmt(&((struct node *)arg)->notes, "+%.*s(%.*s) ", MN_ARG(instance),
               txt.n ? (int)txt.n - 1 : 0, txt.p + (txt.n > 0));
}

static void on_gone(void *arg, mn_str instance)
{
    mn_buf_fmt(&((struct node *)arg)->notes, "-%.*s ", MN_ARG(instance));
}

static const struct mn_mdns_face face = {on_send, on_named, on_found, on_gone};

static void pass(int64_t ms)
{
    int64_t step = ms > 100000 ? ms / 1000 : 10;

    for (int64_t end = w.now + ms; w.now < end;) {
        w.now += step;
        mn_clock_set(w.now, 1000000 + w.now);
        for (int i = 0; i < 4; i++)
            mn_loop_turn(w.loop, 0);
    }
}

static struct node *node(size_t i)
{
    struct node *n = &w.at[i];
    char text[16];

    snprintf(text, sizeof text, "192.0.2.%zu", i + 1);
    CHECK_INT(mn_addr_parse(mn_str_from(text), 5353, &n->addr), 0);
    n->m = mn_mdns_new(w.loop, "_presence", &face, n);
    mn_mdns_link(n->m, 2, &n->addr, 1);
    return n;
}

static void begin(void)
{
    w = (struct wire){.now = 1000000};
    mn_clock_set(w.now, 1000000 + w.now);
    mn_rand_fix(7);
    w.loop = mn_loop_new(MN_LOOP_EPOLL);
}

static void end(void)
{
    for (int i = 0; i < 4; i++)
        mn_loop_turn(w.loop, 0);
    for (size_t i = 0; i < NODES; i++) {
        mn_mdns_free(w.at[i].m);
        mn_buf_free(&w.at[i].notes);
    }
    mn_buf_free(&w.last);
    mn_loop_free(w.loop);
    mn_clock_set(-1, 0);
    mn_rand_fix(0);
}

static void noted(size_t i, const char *text)
{
    CHECK_STR(mn_buf_view(&w.at[i].notes), text);
    mn_buf_clear(&w.at[i].notes);
}

static void publish(size_t i, const char *user, const char *machine, const char *txt)
{
    char data[100];
    int n = snprintf(data, sizeof data, "%c%s", (int)strlen(txt), txt);

    mn_mdns_publish(w.at[i].m, mn_str_from(user), mn_str_from(machine), (uint16_t)(5298 + i),
                    mn_str_make(data, (size_t)n));
}

TEST(two_find_each_other)
{
    begin();
    for (size_t i = 0; i < 2; i++)
        mn_mdns_browse(node(i)->m);
    publish(0, "juliet", "pronto", "nick=J");
    pass(5000);
    noted(0, "I:juliet@pronto ");
    noted(1, "+juliet@pronto(nick=J) ");
    publish(1, "romeo", "forza", "nick=R"); /* later, and they hear of it unasked */
    pass(1000);
    noted(0, "+romeo@forza(nick=R) ");
    noted(1, "I:romeo@forza ");
    mn_mdns_txt(w.at[0].m, mn_str_make("\x8msg=北", 9));
    mn_mdns_txt(w.at[0].m, mn_str_make("\x8msg=京", 9));
    pass(3000);
    noted(1, "+juliet@pronto(msg=京) ");
    mn_mdns_bye(w.at[0].m);
    pass(2000);
    noted(1, "-juliet@pronto ");
    end();
}

TEST(who_comes_later_asks)
{
    begin();
    node(0);
    publish(0, "juliet", "pronto", "nick=J");
    pass(10000);
    mn_mdns_browse(node(1)->m);
    pass(1000);
    noted(1, "+juliet@pronto(nick=J) ");
    end();
}

TEST(names_that_are_taken_get_numbers)
{
    begin();
    for (size_t i = 0; i < 4; i++) {
        node(i);
        publish(i, "juliet", "pronto", "");
        pass(3000);
    }
    noted(0, "I:juliet@pronto ");
    noted(1, "I:juliet@pronto-1 ");
    noted(2, "I:juliet@pronto-2 ");
    noted(3, "I:juliet@pronto-3 ");
    end();
}

/* Another program of the same machine: the same addresses, another port. */
TEST(one_machine_two_users)
{
    begin();
    for (size_t i = 0; i < 2; i++) {
        mn_mdns_link(node(i)->m, 2, &w.at[0].addr, 1);
        publish(i, "juliet", "pronto", "");
        pass(3000);
    }
    noted(0, "I:juliet@pronto ");
    noted(1, "I:juliet-1@pronto ");
    end();
}

/* RFC 6762, 8.2: whose data come later in order keeps the name. */
TEST(two_at_once)
{
    begin();
    for (size_t i = 0; i < 2; i++) {
        node(i);
        publish(i, "juliet", "pronto", "");
    }
    pass(8000);
    noted(0, "I:juliet@pronto-1 ");
    noted(1, "I:juliet@pronto ");
    end();
}

/* 9: both had it, in two networks that are joined now. */
TEST(networks_are_joined)
{
    begin();
    for (size_t i = 0; i < 2; i++) {
        node(i)->deaf = true;
        publish(i, "juliet", "pronto", "");
    }
    pass(5000);
    noted(0, "I:juliet@pronto ");
    noted(1, "I:juliet@pronto ");
    w.at[0].deaf = w.at[1].deaf = false;
    mn_mdns_txt(w.at[0].m, MN_STR("\x1x"));
    mn_mdns_link(w.at[1].m, 2, &w.at[2].addr, 0);
    mn_mdns_link(w.at[1].m, 2, &w.at[1].addr, 1); /* asks again */
    pass(8000);
    CHECK(w.at[0].notes.n + w.at[1].notes.n > 0);
    end();
}

static void where_done(void *arg, const struct mn_mdns_found *found)
{
    struct node *n = arg;
    char text[MN_ADDR_TEXT];

    mn_buf_fmt(&n->notes, "at %zu:", found->count);
    for (size_t i = 0; i < found->count; i++)
        mn_buf_fmt(&n->notes, "%s", mn_addr_text(&found->addrs[i], text));
    mn_buf_fmt(&n->notes, "%.*s ", MN_ARG(found->data));
}

TEST(lookups)
{
    begin();
    mn_mdns_browse(node(1)->m);
    node(0);
    publish(0, "juliet", "pronto", "");
    mn_mdns_icon(w.at[0].m, MN_STR("picture"));
    pass(400000); /* what is known of addresses has run out */
    noted(1, "+juliet@pronto() ");
    mn_mdns_where(w.at[1].m, MN_STR("juliet@pronto"), where_done, &w.at[1]);
    CHECK_INT(w.at[1].notes.n, 0);
    pass(100); /* as soon as it is answered */
    noted(1, "at 1:192.0.2.1:5298 ");
    mn_mdns_icon_of(w.at[1].m, MN_STR("juliet@pronto"), where_done, &w.at[1]);
    pass(100);
    noted(1, "at 0:picture ");
    mn_mdns_where(w.at[1].m, MN_STR("nobody@pronto"), where_done, &w.at[1]);
    mn_mdns_lookup_free(mn_mdns_where(w.at[1].m, MN_STR("romeo@forza"), where_done, &w.at[1]));
    pass(12000);
    noted(1, "at 0: ");
    end();
}

/* 5.2, 10: asked for again near its end, given up behind it. */
TEST(who_is_silent_is_gone_in_time)
{
    begin();
    mn_mdns_browse(node(1)->m);
    node(0);
    publish(0, "juliet", "pronto", "");
    pass(20000000); /* kept up over several lives */
    noted(1, "+juliet@pronto() ");
    w.at[0].deaf = true;
    pass(800000);
    noted(1, "");
    pass(4000000);
    noted(1, "-juliet@pronto ");
    end();
}

TEST(whom_nobody_reaches_is_gone_sooner)
{
    begin();
    mn_mdns_browse(node(1)->m);
    node(0);
    publish(0, "juliet", "pronto", "");
    pass(5000);
    mn_mdns_doubt(w.at[1].m, MN_STR("juliet@pronto"));
    pass(15000);
    noted(1, "+juliet@pronto() "); /* it answered */
    w.at[0].deaf = true;
    mn_mdns_doubt(w.at[1].m, MN_STR("juliet@pronto"));
    pass(15000);
    noted(1, "-juliet@pronto ");
    end();
}

static void question(size_t i, uint16_t type, const char *name, uint16_t port, const char *known)
{
    struct mn_mdns_out o = {{0}, {0}, 0};
    struct mn_addr from = w.at[3].addr;
    struct mn_buf b = {0};

    CHECK_INT(mn_addr_parse(MN_STR("192.0.2.77"), port, &from), 0);
    for (mn_str rest = mn_str_from(name); rest.n;)
        mn_mdns_label(&b, mn_str_cut(rest, '.', &rest));
    mn_mdns_root(&b);
    mn_mdns_begin(&o, 7, false);
    mn_mdns_ask(&o, mn_buf_view(&b), type, false);
    if (known) {
        struct mn_mdns_record r = {mn_buf_view(&b), type, false, 4000, {0}};
        struct mn_buf data = {0};

        mn_mdns_label(&data, mn_str_from(known));
        mn_buf_str(&data, mn_buf_view(&b));
        r.data = mn_buf_view(&data);
        mn_mdns_add(&o, MN_MDNS_ANSWER, &r);
        mn_buf_free(&data);
    }
    mn_mdns_feed(w.at[i].m, 2, &from, mn_buf_view(&o.b));
    mn_buf_free(&o.b);
    mn_buf_free(&b);
}

/* The types that the last packet answers with, "PTR SRV ..." by number; then the additional ones.
 */
static void last_is(const char *text)
{
    struct mn_arena a = {0};
    struct mn_mdns_msg msg;
    struct mn_buf b = {0};

    CHECK_INT(mn_mdns_parse(mn_buf_view(&w.last), &a, &msg), 0);
    for (size_t i = 0; i < msg.record_count; i++)
        mn_buf_fmt(&b, "%s%u", i == msg.answers ? "|" : i ? " " : "", msg.records[i].type);
    CHECK_STR(mn_buf_view(&b), text);
    mn_buf_free(&b);
    mn_arena_done(&a, NULL);
}

TEST(answers)
{
    static const struct {
        uint16_t type, port;
        const char *name, *known, *answer; /* NULL: none */
    } rows[] = {
        {12, 5353, "_presence._tcp.local", NULL, "12|33 16 1 47"},
        {12, 5353, "_PRESENCE._tcp.LOCAL", NULL, "12|33 16 1 47"},
        {12, 5353, "_presence._tcp.local", "juliet@pronto", NULL},
        {12, 5353, "_presence._tcp.local", "romeo@forza", "12|33 16 1 47"},
        {12, 5353, "_services._dns-sd._udp.local", NULL, "12"},
        {33, 5353, "juliet@pronto._presence._tcp.local", NULL, "33|1 47 47"},
        {16, 5353, "juliet@pronto._presence._tcp.local", NULL, "16|47"},
        {10, 5353, "juliet@pronto._presence._tcp.local", NULL, "47"},
        {1, 5353, "pronto.local", NULL, "1|47"},
        {28, 5353, "pronto.local", NULL, "47"},
        {1, 5353, "forza.local", NULL, NULL},
        {12, 5353, "_http._tcp.local", NULL, NULL},
        {33, 4444, "juliet@pronto._presence._tcp.local", NULL, "33|1 47 47"},
    };

    begin();
    node(0);
    publish(0, "juliet", "pronto", "");
    pass(4000);
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        unsigned before = w.packets;

        question(0, rows[i].type, rows[i].name, rows[i].port, rows[i].known);
        pass(1500);
        CHECK_INT(w.packets - before, rows[i].answer != NULL);
        if (rows[i].answer)
            last_is(rows[i].answer);
        if (rows[i].port != 5353 && rows[i].answer) { /* 6.7: as DNS has it */
            CHECK_INT(mn_addr_port(&w.last_to), rows[i].port);
            CHECK_INT(w.last.p[1], 7);
        }
    }
    end();
}

/* 6: not more than once a second. */
TEST(a_flood_of_questions)
{
    unsigned before;

    begin();
    node(0);
    publish(0, "juliet", "pronto", "");
    pass(4000);
    before = w.packets;
    for (int i = 0; i < 500; i++) {
        question(0, 33, "juliet@pronto._presence._tcp.local", 5353, NULL);
        pass(10);
    }
    CHECK(w.packets - before <= 6);
    end();
}

TEST(broken_packets)
{
    static const char *const rows[] = {
        "",
        "00",
        "0000840000000001000000000c",                                     /* a name too long */
        "000084000000000100000000c00c000c0001000000780002c00c",           /* points at itself */
        "0000840000000001000000000161c00c000c000100000078ffff",           /* longer than there is */
        "0000840000000001000000000000010001000000780003010203",           /* half an address */
        "00008400000000010000000000002100010000007800050000000000",       /* no name in SRV */
        "0000840000000001ffffffff00",                                     /* counts */
        "000084000000000100000000016100000c00010000007800040161016200ff", /* behind the name */
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        mn_str raw = test_unhex(mn_str_from(rows[i]));
        struct mn_arena a = {0};
        struct mn_mdns_msg msg;

        if (!mn_mdns_parse(raw, &a, &msg))
            test_fail(__FILE__, __LINE__, "row %zu was taken", i);
        mn_arena_done(&a, NULL);
        mn_free((void *)raw.p);
    }
}

TEST(what_is_written_is_read)
{
    mn_str instance = mn_str_make("\rjuliet@pronto\t_presence\4_tcp\5local", 36),
           service = mn_str_skip(instance, 14);
    struct mn_mdns_record r = {service, MN_RR_PTR, true, 4500, instance};
    struct mn_mdns_out o = {{0}, {0}, 0};
    struct mn_arena a = {0};
    struct mn_mdns_msg msg;

    mn_mdns_begin(&o, 0, true);
    mn_mdns_add(&o, MN_MDNS_ANSWER, &r);
    r = (struct mn_mdns_record){instance, MN_RR_TXT, false, 1, MN_STR("\3a=b")};
    mn_mdns_add(&o, MN_MDNS_MORE, &r);
    CHECK(o.b.n < 90); /* names stand there once */
    CHECK_INT(mn_mdns_parse(mn_buf_view(&o.b), &a, &msg), 0);
    CHECK_INT(msg.answers, 1);
    CHECK_INT(msg.record_count, 2);
    CHECK(mn_str_eq(msg.records[0].data, instance) && msg.records[0].flush);
    CHECK(mn_str_eq(msg.records[0].name, service) && mn_str_eq(msg.records[1].name, instance));
    CHECK_STR(msg.records[1].data, "\3a=b");
    CHECK_INT(msg.records[0].ttl, 4500);
    mn_arena_done(&a, NULL);
    mn_buf_free(&o.b);
}

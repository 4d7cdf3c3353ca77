/* covers: mn_mdns_parse
 * Somebody in the local network talks to a client without a server, in process. The first character
 * says how he comes:
 *
 *   d     he is there and is dialled, with a message and a question for him
 *   a     he connects
 *   t     the rest is his TXT data
 *
 * Then each line is said by him. A `$` stands for the last id that the client gave to anything. A
 * line that is `!` alone cuts the connection; the next one is dialled, or comes, again. Whatever is
 * said, each question ends once, and what is sent is XML. */
#include "base/clock.h"
#include "base/rand.h"
#include "client/local.h"
#include "fuzz/dial.h"
#include "mynah/mynah.h"
#include "net/listen.h"
#include "net/mdns_msg.h"

/* A context for TLS takes longer than all the rest: there is one. */
#include "net/tls.h"
static int tls_client_made(const struct mn_tls_client *conf, struct mn_tls **out,
                           struct mn_buf *why);
#define mn_tls_client(...) tls_client_made(__VA_ARGS__)
#include "net/tls_client.c"
#undef mn_tls_client
int mn_tls_client(const struct mn_tls_client *conf, struct mn_tls **out, struct mn_buf *why)
{
    static struct mn_tls *made;

    if (!made)
        MN_ASSERT(!tls_client_made(conf, &made, why));
    *out = mn_tls_ref(made);
    return MN_E_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mynah_context *ctx;
static struct mynah_client *client;
static int64_t now;
static unsigned asked, ended;
static char last_id[MYNAH_ID_MAX];

/* No sockets of the network: a connection is a pair. */

struct mn_listener {
    struct mn_addr addr;
};
struct mn_mdns_links {
    char nothing;
};

int mn_listen_any(struct mn_loop *l, uint16_t port,
                  void (*accepted)(void *arg, int fd, const struct mn_addr *peer), void *arg,
                  struct mn_listener **out, struct mn_buf *why)
{
    (void)l;
    (void)accepted;
    (void)arg;
    (void)why;
    *out = MN_NEW(struct mn_listener);
    return mn_addr_parse(MN_STR("127.0.0.1"), port ? port : 5299, &(*out)->addr);
}

int mn_listen(struct mn_loop *l, const struct mn_addr *at,
              void (*accepted)(void *arg, int fd, const struct mn_addr *peer), void *arg,
              struct mn_listener **out, struct mn_buf *why)
{
    return mn_listen_any(l, mn_addr_port(at), accepted, arg, out, why);
}

void mn_listener_free(struct mn_listener *l)
{
    mn_free(l);
}

const struct mn_addr *mn_listener_addr(const struct mn_listener *l)
{
    return &l->addr;
}

int mn_mdns_links_new(struct mn_loop *l, struct mn_mdns *m, struct mn_mdns_links **out,
                      struct mn_buf *why)
{
    struct mn_addr at;

    (void)l;
    (void)why;
    *out = MN_NEW(struct mn_mdns_links);
    MN_ASSERT(!mn_addr_parse(MN_STR("192.0.2.1"), 0, &at));
    mn_mdns_link(m, 2, &at, 1);
    return MN_E_OK;
}

void mn_mdns_links_free(struct mn_mdns_links *s)
{
    mn_free(s);
}

void mn_mdns_links_send(struct mn_mdns_links *s, unsigned link, const struct mn_addr *to,
                        mn_str packet)
{
    struct mn_arena a = {0};
    struct mn_mdns_msg msg;

    (void)s;
    (void)to;
    MN_ASSERT(link == 2 && !mn_mdns_parse(packet, &a, &msg));
    mn_arena_done(&a, NULL);
}

void mn_mdns_links_look(struct mn_mdns_links *s)
{
    (void)s;
}

bool mn_mdns_links_near(const struct mn_mdns_links *s, const struct mn_addr *a)
{
    (void)s;
    return a->sa.sa_family == AF_INET;
}

static void pass(int64_t ms)
{
    now += ms;
    mn_clock_set(now, 1000000000000 + now);
    for (int i = 0; i < 4; i++)
        mynah_turn(ctx, 0);
}

/* What the client says goes by; its last id is kept. */
static void hear(void)
{
    char room[65536];
    ssize_t n;

    while (far >= 0 && (n = recv(far, room, sizeof room - 1, 0)) > 0) {
        room[n] = 0;
        for (char *p = strstr(room, " id='"); p; p = strstr(p, " id='")) {
            p += 5;
            snprintf(last_id, sizeof last_id, "%.*s", (int)strcspn(p, "'"), p);
        }
    }
}

static void come(void)
{
    struct mn_addr from;
    int fd = pair_new(&far);

    MN_ASSERT(!mn_addr_parse(MN_STR("192.0.2.9"), 999, &from));
    if (client->local->mdns)
        local_accepted(client->local, fd, &from);
    else
        close(fd);
}

static void line(char mode, mn_str text)
{
    if (mn_str_is(text, "!")) {
        cut();
        pass(5);
        if (mode == 'a')
            come();
        return;
    }
    while (text.n && far >= 0) {
        size_t at = mn_str_find(text, '$');

        (void)!send(far, text.p, at, MSG_NOSIGNAL);
        if (at < text.n)
            (void)!send(far, last_id, strlen(last_id), MSG_NOSIGNAL);
        text = mn_str_skip(text, at + 1);
    }
    pass(10);
    hear();
}

/* He is there: what multicast DNS has of him. */
static void announce(mn_str txt)
{
    static const char name[] = "\3v@m\t_presence\4_tcp\5local", host[] = "\1m\5local";
    struct mn_mdns_out o = {{0}, {0}, 0};
    mn_str instance = {name, sizeof name}, at = {host, sizeof host};
    struct mn_mdns_record r = {mn_str_skip(instance, 4), MN_RR_PTR, false, 4500, instance};
    struct mn_buf srv = {0};
    struct mn_addr from;

    MN_ASSERT(!mn_addr_parse(MN_STR("192.0.2.9"), 5353, &from));
    mn_mdns_begin(&o, 0, true);
    mn_mdns_add(&o, MN_MDNS_ANSWER, &r);
    mn_buf_add(&srv, "\0\0\0\0\x14\xb2", 6);
    mn_buf_str(&srv, at);
    r = (struct mn_mdns_record){instance, MN_RR_SRV, true, 120, mn_buf_view(&srv)};
    mn_mdns_add(&o, MN_MDNS_ANSWER, &r);
    r = (struct mn_mdns_record){instance, MN_RR_TXT, true, 4500, txt};
    mn_mdns_add(&o, MN_MDNS_ANSWER, &r);
    r = (struct mn_mdns_record){at, MN_RR_A, true, 120, MN_STR("\xc0\0\2\x9")};
    mn_mdns_add(&o, MN_MDNS_ANSWER, &r);
    mn_mdns_feed(client->local->mdns, 2, &from, mn_buf_view(&o.b));
    mn_buf_free(&srv);
    mn_buf_free(&o.b);
}

static void answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                     const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    MN_ASSERT(!result != !error);
    ended++;
}

static void on_message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    (void)arg;
    mynah_message_received(c, m);
}

static void busy(void)
{
    struct mynah_elem *ping = mynah_elem_new("ping", "urn:xmpp:ping");

    mynah_chat(client, "v@m", "hello");
    mynah_iq_send(client, MYNAH_GET, "v@m", &ping, 0, answered, NULL);
    asked++;
    pass(5);
    hear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct mynah_calls calls = {.size = sizeof calls, .message = on_message};
    const struct mynah_local_config config = {.size = sizeof config, .user = "u", .machine = "m"};
    mn_str in = {(const char *)data, size};
    char mode = size ? in.p[0] : 'a';

    now = 1000;
    mn_clock_set(now, 1000000000000 + now);
    mn_rand_fix(1);
    asked = ended = 0;
    in = mn_str_skip(in, 1);
    ctx = mynah_context_new(NULL);
    MN_ASSERT(!mynah_local_new(ctx, &config, &client, NULL));
    mynah_listen(client, &calls, NULL);
    MN_ASSERT(!mynah_client_connect(client));
    for (int i = 0; i < 8; i++)
        pass(300);
    MN_ASSERT(mynah_client_state(client) == MYNAH_ONLINE);
    in.n = mode == 't' && in.n > 2000 ? 2000 : in.n;
    announce(mode == 't' ? in : MN_STR("\x9txtvers=1"));
    if (mode == 'a')
        come();
    else
        busy();
    while (in.n && mode != 't')
        line(mode, mn_str_cut(in, '\n', &in));
    for (int i = 0; i < 70; i++)
        pass(1000);
    mynah_client_free(client);
    mynah_context_free(ctx);
    cut();
    MN_ASSERT(asked == ended);
    return 0;
}

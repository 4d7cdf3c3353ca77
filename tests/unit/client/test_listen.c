#include "mynah/listen.h"

#include <stdlib.h>
#include <unistd.h>

#include "client/context.h"
#include "mynah/mynah.h"
#include "net/cert.h"
#include "net/conn.h"
#include "net/tls.h"
#include "test.h"

static struct {
    struct mynah_context *ctx;
    struct mynah_port *port;
    struct mynah_conn *conn;
    struct mn_conn *guest;
    struct mn_buf notes, got;
    const struct mynah_conn_calls *calls;
    unsigned came;
} w;

#define NOTE(...) (mn_buf_fmt(&w.notes, __VA_ARGS__), mn_buf_c(&w.notes, ' '))

static void on_bytes(void *arg, struct mynah_conn *c, const void *p, size_t n)
{
    CHECK(arg == &w);
    NOTE("bytes:%.*s", (int)n, (const char *)p);
    mynah_conn_write(c, p, n);
}

static void on_opened(void *arg, struct mynah_conn *c, const struct mynah_elem *header)
{
    (void)arg;
    NOTE("from:%s", mynah_elem_get(header, "from"));
    mynah_conn_header(c, "me@here", mynah_elem_get(header, "from"), "i1");
}

static void on_element(void *arg, struct mynah_conn *c, const struct mynah_elem *e)
{
    struct mynah_elem *copy = mynah_elem_copy(e);

    (void)arg;
    NOTE("elem:%s", mynah_elem_name(e));
    if (mynah_elem_is(e, "starttls", NULL)) {
        mynah_elem_free(copy);
        copy = mynah_elem_new("proceed", mynah_elem_ns(e));
    }
    mynah_conn_send(c, &copy);
    if (mynah_elem_is(e, "starttls", NULL))
        CHECK_INT(mynah_conn_secure(c), 0);
    if (mynah_elem_is(e, "bye", NULL))
        mynah_conn_close(c);
}

static void on_secured(void *arg, struct mynah_conn *c)
{
    (void)arg;
    NOTE("secured:%d", mynah_conn_tls_name(c) != NULL);
}

static void on_conn_closed(void *arg, struct mynah_conn *c, int code)
{
    (void)arg;
    CHECK(!strncmp(mynah_conn_peer(c), "127.0.0.1:", 10) ||
          !strncmp(mynah_conn_peer(c), "[::1]:", 6));
    NOTE("closed:%d", code);
    w.conn = NULL;
}

static const struct mynah_conn_calls bytes = {
    .size = sizeof bytes, .bytes = on_bytes, .secured = on_secured, .closed = on_conn_closed};
static const struct mynah_conn_calls streams = {.size = sizeof streams,
                                                .opened = on_opened,
                                                .element = on_element,
                                                .secured = on_secured,
                                                .closed = on_conn_closed};

static void came(void *arg, struct mynah_conn *c)
{
    CHECK(arg == &w);
    w.came++;
    w.conn = c;
    if (w.calls)
        mynah_conn_serve(c, w.calls, &w);
}

static void guest_bytes(void *arg, mn_str text)
{
    (void)arg;
    mn_buf_str(&w.got, text);
}

static void guest_closed(void *arg, int why)
{
    (void)arg;
    mn_buf_fmt(&w.got, "[%d]", why);
    mn_conn_close(w.guest, 0);
    w.guest = NULL;
}

static void guest_tls(void *arg)
{
    (void)arg;
    mn_buf_lit(&w.got, "[tls]");
}

static const struct mn_conn_face guest_face = {guest_bytes, guest_closed, NULL, guest_tls};

static void turns(const struct mn_buf *b, const char *text)
{
    for (int i = 0; i < 1000 && !(b->n && memmem(b->p, b->n, text, strlen(text))); i++)
        mynah_turn(w.ctx, 10);
    if (!b->n || !memmem(b->p, b->n, text, strlen(text)))
        test_fail(__FILE__, __LINE__, "no \"%s\" in \"%.*s\"", text, MN_ARG(mn_buf_view(b)));
}

static void knock(void)
{
    struct mn_addr to;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), mynah_port_number(w.port), &to), 0);
    CHECK(connect(fd, &to.sa, mn_addr_len(&to)) <= 0);
    mn_buf_clear(&w.got);
    mn_buf_clear(&w.notes);
    w.guest = mn_conn_tcp(w.ctx->loop, fd, &guest_face, NULL);
}

static void say(const char *text)
{
    mn_conn_write(w.guest, mn_str_from(text));
}

static void begin(const struct mynah_conn_calls *calls, const struct mynah_port_config *more)
{
    struct mynah_port_config conf = more ? *more : (struct mynah_port_config){0};

    memset(&w, 0, sizeof w);
    conf.size = sizeof conf;
    w.calls = calls;
    w.ctx = mynah_context_new(NULL);
    CHECK_INT(mynah_port_open(w.ctx, &conf, came, &w, &w.port, NULL), 0);
}

static void end(void)
{
    if (w.guest)
        mn_conn_close(w.guest, 0);
    mynah_context_free(w.ctx);
    mn_buf_free(&w.notes);
    mn_buf_free(&w.got);
}

TEST(bytes_come_and_go)
{
    begin(&bytes, NULL);
    knock();
    say("hello");
    turns(&w.got, "hello");
    CHECK_STR(mn_buf_view(&w.notes), "bytes:hello ");
    CHECK(w.conn && !mynah_conn_tls_name(w.conn));
    CHECK_INT(mynah_conn_secure(w.conn), MYNAH_E_STATE);
    mn_conn_close(w.guest, 0);
    w.guest = NULL;
    turns(&w.notes, "closed:-13");
    knock();
    for (int i = 0; i < 100 && w.came < 2; i++)
        mynah_turn(w.ctx, 10);
    mynah_conn_write(w.conn, "bye", 3);
    mynah_conn_close(w.conn);
    turns(&w.got, "bye[-2]");
    CHECK_INT(w.notes.n, 0);
    end();
}

#define HEADER                                                                                     \
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "        \
    "from='you@there'>"

TEST(streams_come)
{
    static const struct {
        const char *say, *got, *notes;
    } rows[] = {
        {HEADER "<message><body>a</body></message></stream:stream>",
         "from='me@here' to='you@there' id='i1'><message><body>a</body></message></stream:stream>",
         "from:you@there elem:message closed:0 "},
        {HEADER "<bye/>", "<bye/></stream:stream>[-2]", "from:you@there elem:bye "},
        {HEADER "<a></b>", "[-2]", "from:you@there closed:-9 "},
        {"GET / HTTP/1.1\r\n\r\n", "[-2]", "closed:-9 "},
    };

    begin(&streams, NULL);
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        knock();
        say(rows[i].say);
        turns(&w.got, rows[i].got);
        CHECK_STR(mn_buf_view(&w.notes), rows[i].notes);
        if (w.guest)
            mn_conn_close(w.guest, 0);
        w.guest = NULL;
    }
    end();
}

static void with_certificate(bool direct)
{
    char dir[] = "/tmp/mynah-listen-XXXXXX", rm[64];
    struct mn_arena a = {0};
    struct mn_cert_files files;
    struct mn_buf why = {0};
    struct mynah_port_config conf = {.tls = direct};
    const struct mn_tls_client client = {.verify = MN_VERIFY_NONE};
    struct mn_tls *tls;

    CHECK(mkdtemp(dir));
    CHECK_INT(mn_cert_local(dir, MN_STR("here.test"), &a, &files, &why), 0);
    CHECK_INT(mn_tls_client(&client, &tls, &why), 0);
    conf.cert_file = files.cert;
    conf.key_file = files.key;
    begin(direct ? &bytes : &streams, &conf);
    knock();
    if (!direct) {
        say(HEADER "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        turns(&w.got, "<proceed");
    }
    mn_conn_start_tls(w.guest, tls, false, "here.test");
    turns(&w.got, "[tls]");
    turns(&w.notes, "secured:1");
    say(direct ? "secret" : HEADER "<message/>");
    turns(&w.got, direct ? "secret" : "<message/>");
    end();
    mn_tls_unref(tls);
    snprintf(rm, sizeof rm, "rm -r %s", dir);
    CHECK(!system(rm)); /* NOLINT */
    mn_arena_done(&a, NULL);
    mn_buf_free(&why);
}

TEST(tls_by_starttls_and_at_once)
{
    with_certificate(false);
    with_certificate(true);
}

TEST(who_is_not_served_or_too_many)
{
    begin(NULL, &(struct mynah_port_config){.most = 1});
    knock();
    turns(&w.got, "[-2]");
    w.calls = &bytes;
    knock();
    say("first");
    turns(&w.got, "first");
    {
        struct mn_conn *first = w.guest;

        knock();
        turns(&w.got, "[-2]");
        CHECK_INT(w.came, 2);
        w.guest = first;
    }
    mynah_port_close(w.port); /* who is there stays */
    say("still");
    turns(&w.got, "still");
    end();
}

TEST(ports_that_cannot_be_had)
{
    const struct mynah_port_config rows[] = {
        {.size = sizeof rows[0], .address = "nowhere"},
        {.size = sizeof rows[0], .address = "192.0.2.1"},
        {.size = sizeof rows[0], .cert_file = "/nonexistent"},
    };
    static const int codes[] = {MYNAH_E_ARGUMENT, MYNAH_E_CONNECT, MYNAH_E_TLS};

    begin(NULL, NULL);
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mynah_port *p;
        char *why;

        CHECK_INT(mynah_port_open(w.ctx, &rows[i], came, NULL, &p, &why), codes[i]);
        CHECK(!p && why && *why);
        mynah_free(why);
    }
    end();
}

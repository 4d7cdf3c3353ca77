#include "unit/client/talk.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#include "test.h"

static void go_on(struct server *s);

static void on_bytes(void *arg, mn_str bytes)
{
    struct server *s = arg;

    mn_buf_str(&s->got, bytes);
    mn_buf_str(&s->all, bytes);
    go_on(s);
}

static void hang_up(struct server *s)
{
    if (s->conn)
        mn_conn_close(s->conn, 0);
    s->conn = NULL;
    mn_buf_clear(&s->got);
}

static void on_closed(void *arg, int why)
{
    struct server *s = arg;

    (void)why;
    hang_up(s);
    if (s->lines[s->at] && s->lines[s->at][0] == '!')
        s->at++; /* the client was first */
}

static const struct mn_conn_face face = {on_bytes, on_closed, NULL, NULL};

static void say(struct server *s, const char *text)
{
    const char *mark = strstr(text, "%1");

    if (!mark) {
        mn_conn_write(s->conn, mn_str_from(text));
        return;
    }
    mn_conn_write(s->conn, mn_str_make(text, (size_t)(mark - text)));
    mn_conn_write(s->conn, (mn_str){s->got.p, mn_str_find(mn_buf_view(&s->got), '\'')});
    say(s, mark + 2);
}

/* `%1` of what is said next needs all of it. */
static bool heard(struct server *s, const char *text)
{
    char *p = s->got.n ? memmem(s->got.p, s->got.n, text, strlen(text)) : NULL;

    if (!p)
        return false;
    mn_buf_shift(&s->got, (size_t)(p - s->got.p) + strlen(text));
    return true;
}

static void go_on(struct server *s)
{
    const char *line;

    while (s->conn && (line = s->lines[s->at])) {
        if (line[0] == '<' && !heard(s, line + 1))
            return;
        s->at++;
        if (line[0] == '>')
            say(s, line + 1);
        if (line[0] == 'z')
            mn_conn_start_zlib(s->conn);
        if (line[0] == '!')
            hang_up(s);
    }
}

static void accepted(void *arg, int fd, const struct mn_addr *peer)
{
    struct server *s = arg;

    (void)peer;
    if (s->conn || !s->lines[s->at]) {
        s->refused = true;
        close(fd);
        return;
    }
    s->conn = mn_conn_tcp(s->loop, fd, &face, s);
    go_on(s);
}

void server_start(struct server *s, struct mynah_context *ctx, const char *const *lines)
{
    struct mn_addr at;
    struct mn_buf why = {0};

    *s = (struct server){.loop = ctx->loop, .lines = lines};
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK_INT(mn_listen(s->loop, &at, accepted, s, &s->listener, &why), 0);
    snprintf(s->port, sizeof s->port, "%u", mn_addr_port(mn_listener_addr(s->listener)));
    mn_buf_free(&why);
}

void server_stop(struct server *s)
{
    hang_up(s);
    mn_listener_free(s->listener);
    mn_buf_free(&s->got);
    mn_buf_free(&s->all);
}

bool server_done(const struct server *s)
{
    return !s->lines[s->at];
}

struct talk talk;
void (*talk_noted)(void), (*talk_wrote)(void), (*talk_drop)(void);

void note(const char *fmt, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mn_buf_fmt(&talk.notes, "%s%s", talk.notes.n ? " " : "", text);
    if (talk_noted)
        talk_noted();
}

static void on_state(void *arg, struct mynah_client *c, enum mynah_state s,
                     const struct mynah_error *why)
{
    static const char *const names[] = {"offline", "waiting", NULL,     NULL,     "open",
                                        NULL,      NULL,      "online", "closing"};

    (void)arg;
    if (names[s])
        note("%s%s", names[s], s == MYNAH_ONLINE && mynah_client_is_resumed(c) ? "+" : "");
    if (why)
        note("(%d%s%s)", why->code, why->condition ? " " : "",
             why->condition ? why->condition : "");
}

static void on_message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    static const char *const carbons[] = {"", "received:", "sent:"};

    (void)arg;
    (void)c;
    note("%s%s>%s", carbons[m->carbon], m->from, m->body ? m->body : "-");
}

static void on_again(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    note("again");
    on_message(arg, c, m);
}

void note_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
               const struct mynah_error *why)
{
    static const char *const names[] = {"queued",    "written",   "acked",
                                        "delivered", "displayed", "failed"};

    (void)c;
    if (arg) {
        note("%s=%s%s%s", id, names[state], why && why->condition ? "/" : "",
             why && why->condition ? why->condition : "");
        return;
    }
    note("%s", names[state]);
    if (why && why->condition)
        note("(%s)", why->condition);
}

void note_refused(void *arg, struct mynah_room *r, const struct mynah_error *why)
{
    (void)arg;
    (void)r;
    note("refused(%s)", why->condition);
}

static void on_wire(void *arg, struct mynah_client *c, bool out, const char *text, size_t n)
{
    (void)arg;
    (void)c;
    (void)text;
    (void)n;
    if (out && talk_wrote)
        talk_wrote();
}

void note_iq(void *arg, struct mynah_client *c, const struct mynah_elem *result,
             const struct mynah_error *error)
{
    (void)c;
    CHECK(!result != !error);
    if (result)
        note("%s=result", (char *)arg);
    else
        note("%s=%d", (char *)arg, error->code);
}

void talk_ask(const char *name, const char *to, int timeout_ms)
{
    struct mynah_elem *q = mynah_elem_new("query", "urn:test");

    mynah_iq_send(talk.c, MYNAH_GET, to, &q, timeout_ms, note_iq, (void *)name);
}

void talk_until(bool (*reached)(void))
{
    int64_t end = mn_clock_now() + 60000;

    while (!reached() && mn_clock_now() < end)
        mn_loop_turn(talk.ctx->loop, 20);
    if (!reached())
        test_fail(__FILE__, __LINE__, "stuck before \"%s\" with \"%.*s\"; notes: %.*s",
                  talk.server.lines ? talk.server.lines[talk.server.at] : "",
                  MN_ARG(mn_buf_view(&talk.server.got)), MN_ARG(mn_buf_view(&talk.notes)));
}

bool talk_done(void)
{
    return server_done(&talk.server);
}

bool noted(const char *text)
{
    return talk.notes.n && memmem(talk.notes.p, talk.notes.n, text, strlen(text));
}

bool talk_over(void)
{
    return mynah_client_state(talk.c) == MYNAH_OFFLINE;
}

bool talk_online(void)
{
    return mynah_client_state(talk.c) == MYNAH_ONLINE;
}

bool talk_loses(void)
{
    return noted("waiting");
}

void talk_connect(const struct mynah_client_config *more)
{
    static const struct mynah_calls calls = {.size = sizeof calls,
                                             .state = on_state,
                                             .message = on_message,
                                             .sent = note_sent,
                                             .wire = on_wire,
                                             .again = on_again};
    struct mynah_client_config config = *more;

    config.size = sizeof config;
    mn_buf_clear(&talk.notes);
    CHECK_INT(mynah_client_new(talk.ctx, &config, &talk.c, NULL), 0);
    mynah_listen(talk.c, &calls, NULL);
    CHECK_INT(mynah_client_connect(talk.c), 0);
    CHECK_INT(mynah_client_connect(talk.c), MYNAH_E_STATE);
}

void talk_start(const char *const *lines, const struct mynah_client_config *more)
{
    struct mynah_client_config config =
        more ? *more : (struct mynah_client_config){.no_reconnect = true, .no_roster = true};

    char proxies[100];

    config.jid = config.jid ? config.jid : "x.test";
    config.host = "127.0.0.1";
    config.tls = MYNAH_TLS_OFF;
    talk.ctx = mynah_context_new(NULL);
    server_start(&talk.server, talk.ctx, lines);
    config.port = (uint16_t)strtoul(talk.server.port, NULL, 10);
    if (config.proxies) { /* ends before the port; the server of the script is the proxy */
        snprintf(proxies, sizeof proxies, "%s%s", config.proxies, talk.server.port);
        config.proxies = proxies;
        config.host = NULL;
        config.port = 0;
    }
    talk_connect(&config);
}

void talk_end(const char *notes)
{
    if (notes)
        CHECK_STR(mn_buf_view(&talk.notes), notes);
    CHECK(!talk.server.refused);
    server_stop(&talk.server);
    mynah_context_free(talk.ctx);
    mn_buf_free(&talk.notes);
}

void talk_run(const char *const *lines, const char *notes)
{
    talk_start(lines, NULL);
    talk_until(talk_done);
    talk_end(notes);
}

#include "unit/client/server.h"

#include <unistd.h>

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

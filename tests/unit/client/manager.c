#include "unit/client/manager.h"

#include "base/codec.h"
#include "base/crypt.h"
#include "base/num.h"
#include "net/http.h"

struct line_ {
    struct mn_list link;
    struct mn_conn *conn;
    struct mn_http *http;
    uint64_t rid; /* 0: no request is open */
};

struct cm cm;
struct mn_tls *cm_https;

mn_str cm_attr(mn_str body, const char *name)
{
    mn_str head = mn_str_cut(body, '>', &(mn_str){0}), rest;
    char *p = memmem(head.p, head.n, name, strlen(name));

    return p ? mn_str_cut(mn_str_skip(head, (size_t)(p - head.p) + strlen(name)), '\'', &rest)
             : (mn_str){0};
}

/* The oldest request that is open, or the newest. */
static struct line_ *open_one(bool newest)
{
    struct line_ *found = NULL;

    MN_LIST_EACH(n, &cm.lines)
    {
        struct line_ *l = MN_OF(n, struct line_, link);

        if (l->rid && (!found || (l->rid > found->rid) == newest))
            found = l;
    }
    return found;
}

unsigned cm_open_count(void)
{
    unsigned count = 0;

    MN_LIST_EACH(n, &cm.lines)
    count += MN_OF(n, struct line_, link)->rid > 0;
    return count;
}

static void line_free(struct line_ *l)
{
    mn_list_del(&l->link);
    mn_conn_close(l->conn, 1000);
    mn_http_free(l->http);
    mn_free(l);
}

static void answer(struct line_ *l, mn_str text, bool raw)
{
    struct mn_buf b = {0}, whole = {0};
    char *mark;

    while ((mark = memchr(text.p, '%', text.n))) {
        mn_buf_add(&b, text.p, (size_t)(mark - text.p));
        mn_buf_u64(&b, cm.first + cm.count - (mark[1] == 'p' ? 2 : 1));
        text = mn_str_skip(text, (size_t)(mark - text.p) + 2);
    }
    mn_buf_str(&b, text);
    if (!raw)
        mn_buf_fmt(&whole, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", b.n);
    mn_buf_str(&whole, mn_buf_view(&b));
    l->rid = 0;
    mn_conn_write(l->conn, mn_buf_view(&whole));
    mn_buf_free(&b);
    mn_buf_free(&whole);
}

static bool heard(const char *text)
{
    if (cm.read == cm.count)
        return false;
    if (!strstr(cm.bodies[cm.read++], text))
        test_fail(__FILE__, __LINE__, "\"%s\" is not in %s", text, cm.bodies[cm.read - 1]);
    return true;
}

static bool came_again(const char *text)
{
    return cm.again.n && memmem(cm.again.p, cm.again.n, text, strlen(text));
}

void cm_go_on(void)
{
    const char *what;

    while ((what = cm.script[cm.at])) {
        struct line_ *l = open_one(strchr("}~", what[0]));

        if (what[0] == '@'   ? !came_again(what + 1)
            : what[0] == '<' ? !heard(what + 1)
                             : what[0] == '?' || !l)
            return;
        cm.at++;
        if (strchr(">}=^", what[0]))
            answer(l, mn_str_from(what + 1), strchr("=^", what[0]));
        if (strchr("!~^", what[0]))
            line_free(l);
    }
}

static void check_key(mn_str body)
{
    mn_str key = cm_attr(body, " key='"), fresh = cm_attr(body, " newkey='");
    unsigned char digest[MN_DIGEST_MAX];

    if (cm_attr(body, " sid='").n && !cm_https) {
        size_t n = mn_digest_of(MN_SHA1, &key, 1, digest);

        CHECK_STR(mn_hex(mn_str_make(digest, n), &cm.a), mn_arena_cstr(&cm.a, cm.key));
    }
    CHECK(cm_https ? !key.n && !fresh.n : key.n || fresh.n);
    cm.key = mn_arena_str(&cm.a, fresh.n ? fresh : key);
}

static void asked(struct line_ *l, mn_str body)
{
    uint64_t rid = 0;

    CHECK(mn_num_parse(cm_attr(body, " rid='"), (1ULL << 53) - 1, &rid) && rid);
    l->rid = rid;
    if (!cm.count || !cm_attr(body, " sid='").n)
        cm.first = rid - cm.count;
    if (rid - cm.first < cm.count) { /* once more, and the same */
        MN_LIST_EACH(n, &cm.lines)
        if (MN_OF(n, struct line_, link) != l && MN_OF(n, struct line_, link)->rid == rid)
            MN_OF(n, struct line_, link)->rid = 0;
        CHECK_STR(body, cm.bodies[rid - cm.first]);
        mn_buf_fmt(&cm.again, "%u ", (unsigned)(rid - cm.first));
        return;
    }
    CHECK_INT(rid, cm.first + cm.count);
    CHECK(cm.count < CM_BODIES_MAX);
    check_key(body);
    cm.bodies[cm.count++] = mn_str_dup(body);
    if (cm_open_count() > cm.most)
        cm.most = cm_open_count();
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct line_ *l = arg;
    struct mn_http_message m;

    mn_http_feed(l->http, bytes);
    if (mn_http_next(l->http, &m))
        return;
    CHECK(!l->rid); /* it does not ask before it is answered */
    CHECK_STR(m.method, "POST");
    snprintf(cm.path, sizeof cm.path, "%.*s", MN_ARG(m.target));
    CHECK_STR(mn_http_get(&m, "Content-Type"), "text/xml; charset=utf-8");
    asked(l, m.body);
    cm_go_on();
}

static void on_closed(void *arg, int why)
{
    (void)why;
    line_free(arg);
}

static const struct mn_conn_face face = {on_bytes, on_closed, NULL, NULL};

static void accepted(void *arg, int fd, const struct mn_addr *peer)
{
    struct line_ *l = MN_NEW(struct line_);

    (void)arg;
    (void)peer;
    l->http = mn_http_new(true, 1 << 20);
    l->conn = mn_conn_tcp(talk.ctx->loop, fd, &face, l);
    if (cm_https)
        mn_conn_start_tls(l->conn, cm_https, true, NULL);
    cm.connections++;
    mn_list_add(&cm.lines, &l->link);
}

void cm_listen(const char *const *script)
{
    struct mn_addr at;
    struct mn_buf why = {0};

    cm = (struct cm){.script = script};
    mn_list_init(&cm.lines);
    talk.ctx = mynah_context_new(NULL);
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK_INT(mn_listen(talk.ctx->loop, &at, accepted, NULL, &cm.listener, &why), 0);
    snprintf(cm.url, sizeof cm.url, "http%s://127.0.0.1:%u/bind", cm_https ? "s" : "",
             mn_addr_port(mn_listener_addr(cm.listener)));
}

void cm_connect(struct mynah_client_config config)
{
    config.bosh = cm.url;
    config.no_roster = true;
    config.tls = cm_https ? MYNAH_TLS_REQUIRED : MYNAH_TLS_OFF;
    talk_connect(&config);
}

void cm_start(const char *const *script, struct mynah_client_config config)
{
    cm_listen(script);
    cm_connect(config);
}

void cm_end(const char *notes, const char *again, unsigned most)
{
    if (notes)
        CHECK_STR(mn_buf_view(&talk.notes), notes);
    CHECK_STR(mn_buf_view(&cm.again), again);
    CHECK(cm.most <= most);
    while (!mn_list_empty(&cm.lines))
        line_free(MN_OF(cm.lines.next, struct line_, link));
    for (size_t i = 0; i < cm.count; i++)
        mn_free(cm.bodies[i]);
    mn_listener_free(cm.listener);
    mynah_context_free(talk.ctx);
    mn_arena_done(&cm.a, NULL);
    mn_buf_free(&cm.again);
    mn_buf_free(&talk.notes);
}

bool cm_said_all(void)
{
    return !cm.script[cm.at];
}

void cm_say(const char *text)
{
    struct mynah_elem *m = mynah_message_new("a@y.test", MYNAH_CHAT, text);

    CHECK_INT(mynah_message_send(talk.c, &m, NULL, NULL, NULL), 0);
}

static const char *waited;

static bool noted_it(void)
{
    return noted(waited);
}

void cm_until(const char *text)
{
    waited = text;
    talk_until(noted_it);
}

bool cm_pauses(void)
{
    return cm.script[cm.at] && cm.script[cm.at][0] == '?';
}

/* Says that behind a "?". */
void cm_say_there(const char *text)
{
    talk_until(cm_pauses);
    cm_say(text);
    cm.at++;
}

void cm_says(const char *const *lines)
{
    static const char *const first[] = {IN(""), "<rid", "?", "<<message"};
    static const char *script[40]; /* is looked at until the end */
    size_t n = MN_COUNT(first);

    memcpy(script, first, sizeof first);
    while (*lines)
        script[n++] = *lines++;
    script[n++] = "<rid";
    script[n++] = ">" OVER;
    script[n] = NULL;
    cm_start(script, once);
    talk_until(talk_online);
    cm_say_there("x");
    talk_until(talk_over);
}

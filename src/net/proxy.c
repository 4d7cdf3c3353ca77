/* A tunnel goes from proxy to proxy; each is asked for the next host, and answers:
 *
 *   SOCKS5   methods ->  <- choice  [password ->  <- verdict]  request ->  <- answer
 *   CONNECT  request ->  <- head
 */
#include "net/proxy.h"

#include "base/codec.h"
#include "base/num.h"
#include "net/addr.h"
#include "net/http.h"
#include "net/socks5.h"

enum { HEAD_MAX = 8192, NAME_MAX_ = 255 };

/* Configuration. */

static bool decoded(mn_str s, struct mn_arena *a, mn_str *out)
{
    char *p = mn_arena_bytes(a, s.n + 1), *to = p;

    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && s.n - i > 2 ? mn_hex_digit(s.p[i + 1]) : 0,
            low = s.p[i] == '%' && s.n - i > 2 ? mn_hex_digit(s.p[i + 2]) : 0;

        if (s.p[i] == '%' && (s.n - i < 3 || high < 0 || low < 0))
            return false;
        *to++ = s.p[i] == '%' ? (char)(high << 4 | low) : s.p[i];
        i += s.p[i] == '%' ? 2 : 0;
    }
    *out = (mn_str){p, (size_t)(to - p)};
    return out->n <= NAME_MAX_;
}

/* Nothing that could end a line of HTTP or a host in it. */
static bool is_host(mn_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || strchr("/@[]", s.p[i]))
            return false;
    return s.n > 0 && s.n <= NAME_MAX_;
}

static bool place(mn_str s, struct mn_arena *a, struct mn_proxy *out)
{
    mn_str port, host;
    uint64_t n;

    if (s.n && s.p[0] == '[') {
        host = mn_str_cut(mn_str_skip(s, 1), ']', &port);
        if (!port.n || port.p[0] != ':')
            return false;
        port = mn_str_skip(port, 1);
    } else {
        host = mn_str_cut(s, ':', &port);
    }
    if (!is_host(host) || !mn_num_parse(port, UINT16_MAX, &n) || !n)
        return false;
    out->host = mn_arena_cstr(a, host);
    out->port = (uint16_t)n;
    return true;
}

static bool credentials(mn_str s, struct mn_arena *a, struct mn_proxy *out)
{
    mn_str password, user = mn_str_cut(s, ':', &password);

    if (!decoded(user, a, &out->user) || !decoded(password, a, &out->password) || !out->user.n)
        return false;
    return !out->http || mn_str_find(out->user, ':') == out->user.n; /* RFC 7617, 2 */
}

static bool one(mn_str s, struct mn_arena *a, struct mn_proxy *out)
{
    mn_str at;
    size_t i;

    *out = (struct mn_proxy){.http = mn_str_starts(s, MN_STR("http://"))};
    if (!out->http && !mn_str_starts(s, MN_STR("socks5://")))
        return false;
    s = mn_str_skip(s, out->http ? 7 : 9);
    i = mn_str_find(s, '@');
    at = i < s.n ? mn_str_skip(s, i + 1) : s;
    return (i == s.n || credentials((mn_str){s.p, i}, a, out)) && place(at, a, out);
}

int mn_proxies_parse(mn_str text, struct mn_arena *a, struct mn_proxy **out, size_t *count)
{
    struct mn_proxy *rows = mn_arena_alloc0(a, MN_PROXIES_MAX * sizeof *rows);

    *out = rows;
    *count = 0;
    while (text.n) {
        mn_str word = mn_str_cut(text, ' ', &text);

        if (word.n && (*count == MN_PROXIES_MAX || !one(word, a, &rows[(*count)++])))
            return MN_E_FORMAT;
    }
    return *count ? MN_E_OK : MN_E_FORMAT;
}

const struct mn_proxy *mn_proxies_copy(const struct mn_proxy *proxies, size_t count,
                                       struct mn_arena *a)
{
    struct mn_proxy *list = mn_arena_alloc0(a, count * sizeof *list);

    for (size_t i = 0; i < count; i++) {
        list[i] = proxies[i];
        list[i].host = mn_arena_cstr(a, mn_str_from(proxies[i].host));
        list[i].user = proxies[i].user.p ? mn_arena_str(a, proxies[i].user) : (mn_str){0};
        list[i].password =
            proxies[i].password.p ? mn_arena_str(a, proxies[i].password) : (mn_str){0};
    }
    return list;
}

/* The tunnel. */

enum state { ASK, CHOICE, VERDICT, ANSWER, HEAD, STANDS };

struct mn_tunnel {
    const struct mn_proxy *proxies;
    size_t count, at;
    const char *host;
    uint16_t port;
    enum state state;
    struct mn_buf in, why;
};

struct mn_tunnel *mn_tunnel_new(const struct mn_proxy *proxies, size_t count, const char *host,
                                uint16_t port)
{
    struct mn_tunnel *t = MN_NEW(struct mn_tunnel);

    t->proxies = proxies;
    t->count = count;
    t->host = host;
    t->port = port;
    return t;
}

void mn_tunnel_free(struct mn_tunnel *t)
{
    if (!t)
        return;
    mn_buf_free(&t->in);
    mn_buf_free(&t->why);
    mn_free(t);
}

/* Where the proxy at hand is to connect to. */
static mn_str target(const struct mn_tunnel *t, uint16_t *port)
{
    const struct mn_proxy *next = t->at + 1 < t->count ? &t->proxies[t->at + 1] : NULL;

    *port = next ? next->port : t->port;
    return mn_str_from(next ? next->host : t->host);
}

static int refuse(struct mn_tunnel *t, int code, const char *what)
{
    size_t at = t->at < t->count ? t->at : t->count - 1;

    if (!t->why.n)
        mn_buf_fmt(&t->why, "the proxy %s: %s", t->proxies[at].host, what);
    return code;
}

static void connect_add(struct mn_tunnel *t, struct mn_buf *out)
{
    const struct mn_proxy *p = &t->proxies[t->at];
    struct mn_arena a = {0};
    uint16_t port;
    mn_str host = target(t, &port);
    bool v6 = mn_str_find(host, ':') < host.n;
    mn_str place =
        mn_arena_fmt(&a, "%s%.*s%s:%u", v6 ? "[" : "", MN_ARG(host), v6 ? "]" : "", (unsigned)port);

    mn_buf_fmt(out, "CONNECT %.*s HTTP/1.1\r\nHost: %.*s\r\n", MN_ARG(place), MN_ARG(place));
    if (p->user.p) {
        struct mn_buf b = {0};

        mn_buf_str(&b, p->user);
        mn_buf_c(&b, ':');
        mn_buf_str(&b, p->password);
        mn_buf_fmt(out, "Proxy-Authorization: Basic %.*s\r\n",
                   MN_ARG(mn_base64(mn_buf_view(&b), &a)));
        mn_buf_free(&b);
    }
    mn_buf_lit(out, "\r\n");
    mn_arena_done(&a, NULL);
}

static int ask(struct mn_tunnel *t, struct mn_buf *out)
{
    const struct mn_proxy *p = &t->proxies[t->at];
    uint16_t port;

    if (!is_host(target(t, &port)))
        return refuse(t, MN_E_FORMAT, "cannot be asked for such a host");
    t->state = p->http ? HEAD : CHOICE;
    if (p->http)
        connect_add(t, out);
    else
        mn_socks5_methods_add(out, p->user.p != NULL);
    return MN_E_OK;
}

static void request(struct mn_tunnel *t, struct mn_buf *out)
{
    uint16_t port;
    mn_str host = target(t, &port);

    mn_socks5_add_host(out, MN_SOCKS5_CONNECT, host, port);
    t->state = ANSWER;
}

static int choice(struct mn_tunnel *t, struct mn_buf *out)
{
    const struct mn_proxy *p = &t->proxies[t->at];
    uint8_t method;
    size_t n;
    int e = mn_socks5_choice_parse(mn_buf_view(&t->in), &method, &n);

    if (e)
        return e;
    mn_buf_shift(&t->in, n);
    if (method == MN_SOCKS5_OPEN) {
        request(t, out);
    } else if (method == MN_SOCKS5_PASSWORD && p->user.p) {
        mn_socks5_password_add(out, p->user, p->password);
        t->state = VERDICT;
    } else {
        return refuse(t, MN_E_DENIED, "wants a password");
    }
    return MN_E_OK;
}

static int verdict(struct mn_tunnel *t, struct mn_buf *out)
{
    bool good;
    size_t n;
    int e = mn_socks5_verdict_parse(mn_buf_view(&t->in), &good, &n);

    if (e)
        return e;
    mn_buf_shift(&t->in, n);
    if (!good)
        return refuse(t, MN_E_DENIED, "refuses the password");
    request(t, out);
    return MN_E_OK;
}

static void arrived(struct mn_tunnel *t)
{
    t->at++;
    t->state = t->at < t->count ? ASK : STANDS;
}

static int answer(struct mn_tunnel *t)
{
    struct mn_socks5 m;
    size_t n;
    int e = mn_socks5_parse(mn_buf_view(&t->in), &m, &n);

    if (e)
        return e;
    mn_buf_shift(&t->in, n);
    if (m.code != MN_SOCKS5_DONE)
        return refuse(t, MN_E_CLOSED, mn_socks5_text(m.code));
    arrived(t);
    return MN_E_OK;
}

static int head(struct mn_tunnel *t)
{
    mn_str in = mn_buf_view(&t->in), begin = MN_STR("HTTP/1.");
    size_t n = mn_http_head_length(in);
    unsigned status;

    if (!mn_str_starts(in, (mn_str){begin.p, in.n < begin.n ? in.n : begin.n}))
        return MN_E_FORMAT;
    if (!n)
        return in.n > HEAD_MAX ? MN_E_LIMIT : MN_E_AGAIN;
    if (n > HEAD_MAX || !mn_http_status(in, &status))
        return MN_E_FORMAT;
    mn_buf_shift(&t->in, n);
    if (status == 407)
        return refuse(t, MN_E_DENIED,
                      t->proxies[t->at].user.p ? "refuses the password" : "wants a password");
    if (status >= 300) {
        char text[40];

        snprintf(text, sizeof text, "answers %u", status);
        return refuse(t, MN_E_CLOSED, text);
    }
    if (status >= 200) /* else more comes behind it */
        arrived(t);
    return MN_E_OK;
}

static int step(struct mn_tunnel *t, struct mn_buf *out)
{
    switch (t->state) {
    case ASK:
        return ask(t, out);
    case CHOICE:
        return choice(t, out);
    case VERDICT:
        return verdict(t, out);
    case ANSWER:
        return answer(t);
    case HEAD:
        return head(t);
    case STANDS:
        break;
    }
    /* An XMPP server does not speak first: that is somebody else. */
    return t->in.n ? refuse(t, MN_E_FORMAT, "bytes that nobody asked for") : MN_E_OK;
}

int mn_tunnel_feed(struct mn_tunnel *t, mn_str in, struct mn_buf *out, const char **why)
{
    int e;

    mn_buf_str(&t->in, in);
    do
        e = step(t, out);
    while (!e && t->state != STANDS);
    if (!e)
        e = step(t, out); /* nothing may lie behind */
    if (e && e != MN_E_AGAIN) {
        refuse(t, e, "answers nonsense");
        mn_buf_c(&t->why, 0);
        *why = t->why.p;
    }
    return e;
}

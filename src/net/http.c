/* A message is a head, and then what the head says:
 *
 *   HEAD -> LENGTH   so many bytes
 *        -> CHUNK    size line, bytes, line end, ... until a chunk of none -> TRAILER
 *        -> REST     all that comes until the end of the connection
 */
#include "net/http.h"

#include "base/codec.h"
#include "base/num.h"

enum { CHUNK_LINE_MAX = 256 };
enum state { HEAD, LENGTH, CHUNK, CHUNK_END, TRAILER, REST };

struct mn_http {
    bool requests;
    size_t body_max;
    enum state state;
    struct mn_arena a; /* of the message at hand */
    struct mn_http_message m;
    size_t left, trailer; /* bytes of the body or the chunk; of the trailer so far */
    struct mn_buf in, body;
    bool told; /* the message was given away */
};

struct mn_http *mn_http_new(bool requests, size_t body_max)
{
    struct mn_http *h = MN_NEW(struct mn_http);

    h->requests = requests;
    h->body_max = body_max;
    return h;
}

void mn_http_free(struct mn_http *h)
{
    if (!h)
        return;
    mn_arena_done(&h->a, NULL);
    mn_buf_free(&h->in);
    mn_buf_free(&h->body);
    mn_free(h);
}

mn_str mn_http_get(const struct mn_http_message *m, const char *name)
{
    for (size_t i = 0; i < m->field_count; i++)
        if (mn_str_eq_nocase(m->fields[i].name, mn_str_from(name)))
            return m->fields[i].value;
    return (mn_str){0};
}

void mn_http_feed(struct mn_http *h, mn_str bytes)
{
    mn_buf_str(&h->in, bytes);
}

bool mn_http_busy(const struct mn_http *h)
{
    return h->in.n || (h->state != HEAD && !h->told);
}

/* The head. */

size_t mn_http_head_length(mn_str in)
{
    for (size_t i = 0; i < in.n; i++) {
        mn_str next = mn_str_skip(in, i + 1);

        if (in.p[i] == '\n' && mn_str_starts(next, MN_STR("\r\n")))
            return i + 3;
        if (in.p[i] == '\n' && mn_str_starts(next, MN_STR("\n")))
            return i + 2;
    }
    return 0;
}

bool mn_http_status(mn_str head, unsigned *out)
{
    mn_str rest;
    uint64_t n;

    if (!mn_str_starts(head, MN_STR("HTTP/1.")) || head.n < 12 || head.p[8] != ' ' ||
        !mn_num_parse(mn_str_cut((mn_str){head.p + 9, 3}, ' ', &rest), 999, &n) || n < 100)
        return false;
    *out = (unsigned)n;
    return true;
}

static bool is_token(mn_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] & 0x80 ||
            strchr("\x7f\"(),/:;<=>?@[\\]{}", s.p[i]))
            return false;
    return s.n > 0;
}

static bool is_plain(mn_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
            return false;
    return true;
}

static mn_str line_cut(mn_str in, mn_str *rest)
{
    mn_str line = mn_str_cut(in, '\n', rest);

    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static bool request_line(struct mn_http *h, mn_str line, mn_str *version)
{
    h->m.method = mn_str_cut(line, ' ', version);
    h->m.target = mn_str_cut(*version, ' ', version);
    return is_token(h->m.method) && h->m.target.n && is_plain(line) && version->n == 8 &&
           mn_str_starts(*version, MN_STR("HTTP/1."));
}

static bool first_line(struct mn_http *h, mn_str line)
{
    mn_str version = line;

    if (h->requests ? !request_line(h, line, &version)
                    : !mn_http_status(line, &h->m.status) || !is_plain(line))
        return false;
    h->m.last = version.p[7] == '0';
    return version.p[7] >= '0' && version.p[7] <= '9';
}

static int fields(struct mn_http *h, mn_str rest)
{
    struct mn_http_field *f = mn_arena_alloc(&h->a, MN_HTTP_FIELDS_MAX * sizeof *f);
    size_t n = 0;

    h->m.fields = f;
    while (rest.n) {
        mn_str value, line = line_cut(rest, &rest), name = mn_str_cut(line, ':', &value);

        if (!line.n)
            break;
        if (n == MN_HTTP_FIELDS_MAX)
            return MN_E_LIMIT;
        if (name.n == line.n || !is_token(name) || !is_plain(value))
            return MN_E_FORMAT;
        f[n++] = (struct mn_http_field){name, mn_str_trim(value)};
    }
    h->m.field_count = n;
    return MN_E_OK;
}

/* One of the values of a list; all fields of that name are one list (RFC 9110, 5.3). */
static bool lists(const struct mn_http_message *m, const char *name, const char *value)
{
    for (size_t i = 0; i < m->field_count; i++) {
        mn_str rest = m->fields[i].value;

        while (mn_str_eq_nocase(m->fields[i].name, mn_str_from(name)) && rest.n)
            if (mn_str_eq_nocase(mn_str_trim(mn_str_cut(rest, ',', &rest)), mn_str_from(value)))
                return true;
    }
    return false;
}

static size_t count_of(const struct mn_http_message *m, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < m->field_count; i++)
        n += mn_str_eq_nocase(m->fields[i].name, mn_str_from(name));
    return n;
}

/* How long the body is (RFC 9112, 6.3). What two readers could take for two things is refused. */
static int framing(struct mn_http *h)
{
    const struct mn_http_message *m = &h->m;
    size_t lengths = count_of(m, "Content-Length"), codings = count_of(m, "Transfer-Encoding");
    bool none = !h->requests && (m->status < 200 || m->status == 204 || m->status == 304);
    uint64_t n = 0;

    if (lengths + codings > 1 ||
        (lengths && !mn_num_parse(mn_http_get(m, "Content-Length"), SIZE_MAX, &n)) ||
        (codings && !mn_str_eq_nocase(mn_http_get(m, "Transfer-Encoding"), MN_STR("chunked"))))
        return MN_E_FORMAT;
    if (n > h->body_max)
        return MN_E_LIMIT;
    h->left = none ? 0 : n;
    h->state = none ? LENGTH : codings ? CHUNK : lengths || h->requests ? LENGTH : REST;
    h->m.last = h->state == REST || lists(m, "Connection", "close") ||
                (h->m.last && !lists(m, "Connection", "keep-alive"));
    return MN_E_OK;
}

static int head(struct mn_http *h)
{
    mn_str in = mn_buf_view(&h->in), rest;
    size_t n = mn_http_head_length(in), empty = 0;
    int e;

    while (h->requests && empty < in.n && (in.p[empty] == '\r' || in.p[empty] == '\n'))
        empty++; /* RFC 9112, 2.2 */
    if (empty) {
        mn_buf_shift(&h->in, empty);
        return head(h);
    }
    if (!n || n > MN_HTTP_HEAD_MAX)
        return in.n > MN_HTTP_HEAD_MAX ? MN_E_LIMIT : MN_E_AGAIN;
    in = mn_arena_str(&h->a, (mn_str){in.p, n});
    mn_buf_shift(&h->in, n);
    if (!first_line(h, line_cut(in, &rest)))
        return MN_E_FORMAT;
    e = fields(h, rest);
    return e ? e : framing(h);
}

/* The body. */

static int take(struct mn_http *h)
{
    size_t n = h->left < h->in.n ? h->left : h->in.n;

    mn_buf_add(&h->body, h->in.p, n);
    mn_buf_shift(&h->in, n);
    h->left -= n;
    return h->left ? MN_E_AGAIN : MN_E_OK;
}

/* A line of the framing, without its end. */
static int line(struct mn_http *h, mn_str *out)
{
    mn_str in = mn_buf_view(&h->in), rest;
    size_t n = mn_str_find(in, '\n');

    if (n == in.n || n > CHUNK_LINE_MAX)
        return in.n > CHUNK_LINE_MAX ? MN_E_LIMIT : MN_E_AGAIN;
    *out = mn_arena_str(&h->a, line_cut(in, &rest));
    mn_buf_shift(&h->in, n + 1);
    return is_plain(*out) ? MN_E_OK : MN_E_FORMAT;
}

static int chunk_size(struct mn_http *h)
{
    mn_str text, extension;
    size_t n = 0;
    int e = line(h, &text);

    if (e)
        return e;
    text = mn_str_trim(mn_str_cut(text, ';', &extension));
    if (!text.n || text.n > 8)
        return MN_E_FORMAT;
    for (size_t i = 0; i < text.n; i++) {
        int digit = mn_hex_digit(text.p[i]);

        if (digit < 0)
            return MN_E_FORMAT;
        n = n << 4 | (size_t)digit;
    }
    if (n > h->body_max - h->body.n)
        return MN_E_LIMIT;
    h->left = n;
    h->state = n ? CHUNK_END : TRAILER;
    return MN_E_AGAIN;
}

static int chunk_end(struct mn_http *h)
{
    mn_str text;
    int e = h->left ? take(h) : MN_E_OK;

    if (!e)
        e = line(h, &text);
    if (e)
        return e;
    h->state = CHUNK;
    return text.n ? MN_E_FORMAT : MN_E_AGAIN;
}

/* Fields behind the body: nobody here asks for them. */
static int trailer(struct mn_http *h)
{
    mn_str text;
    int e = line(h, &text);

    if (e || !text.n)
        return e;
    h->trailer += text.n;
    return h->trailer > MN_HTTP_HEAD_MAX ? MN_E_LIMIT : MN_E_AGAIN;
}

static int rest_take(struct mn_http *h)
{
    if (h->in.n > h->body_max - h->body.n)
        return MN_E_LIMIT;
    h->left = h->in.n;
    (void)take(h);
    return MN_E_AGAIN;
}

static int step(struct mn_http *h)
{
    static int (*const steps[])(struct mn_http * h) = {head,      take,    chunk_size,
                                                       chunk_end, trailer, rest_take};

    return steps[h->state](h);
}

/* The one before is over. */
static void begin(struct mn_http *h)
{
    mn_arena_done(&h->a, NULL);
    mn_buf_clear(&h->body);
    h->m = (struct mn_http_message){0};
    h->state = HEAD;
    h->left = h->trailer = 0;
    h->told = false;
}

static void give(struct mn_http *h, struct mn_http_message *out)
{
    h->told = true;
    *out = h->m;
    out->body = mn_buf_view(&h->body);
}

int mn_http_next(struct mn_http *h, struct mn_http_message *out)
{
    size_t before;
    enum state was;
    int e;

    if (h->told)
        begin(h);
    do { /* as long as something moves */
        before = h->in.n;
        was = h->state;
        e = step(h);
        if (!e && was == HEAD)
            e = MN_E_AGAIN;
        if (!e && !h->requests && h->m.status < 200) {
            begin(h);
            e = MN_E_AGAIN;
        }
    } while (e == MN_E_AGAIN && (h->in.n != before || h->state != was));
    if (!e)
        give(h, out);
    return e;
}

int mn_http_end(struct mn_http *h, struct mn_http_message *out)
{
    if (h->state != REST || h->told)
        return MN_E_CLOSED;
    give(h, out);
    return MN_E_OK;
}

/* Addresses. */

static bool is_host(mn_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] & 0x80 ||
            strchr("\x7f\"<>@[]\\^`{|}/?#%", s.p[i]))
            return false;
    return s.n > 0 && s.n <= 255;
}

static bool is_path(mn_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] & 0x80 || s.p[i] == 0x7f)
            return false;
    return true;
}

static bool place(mn_str s, struct mn_url *out)
{
    mn_str port;
    uint64_t n = out->tls ? 443 : 80;
    bool v6 = s.n && s.p[0] == '[';

    out->place = s;
    out->host = mn_str_cut(v6 ? mn_str_skip(s, 1) : s, v6 ? ']' : ':', &port);
    if (v6 && (out->host.n + 1 >= s.n || (port.n && port.p[0] != ':')))
        return false;
    port = v6 ? mn_str_skip(port, 1) : port;
    if (port.n && (!mn_num_parse(port, UINT16_MAX, &n) || !n))
        return false;
    out->port = (uint16_t)n;
    return is_host(out->host) && (v6 || mn_str_find(out->host, ':') == out->host.n);
}

int mn_url_parse(mn_str text, struct mn_url *out)
{
    mn_str fragment, s = mn_str_cut(text, '#', &fragment);
    size_t scheme = mn_str_find(s, ':'), end;

    *out = (struct mn_url){.tls = mn_str_eq_nocase((mn_str){s.p, scheme}, MN_STR("https"))};
    if ((!out->tls && !mn_str_eq_nocase((mn_str){s.p, scheme}, MN_STR("http"))) ||
        !mn_str_starts(mn_str_skip(s, scheme), MN_STR("://")))
        return MN_E_FORMAT;
    s = mn_str_skip(s, scheme + 3);
    for (end = 0; end < s.n && s.p[end] != '/' && s.p[end] != '?'; end++)
        ;
    out->path = mn_str_skip(s, end);
    if (!place((mn_str){s.p, end}, out) || !is_path(out->path) ||
        (out->path.n && out->path.p[0] == '?'))
        return MN_E_FORMAT;
    if (!out->path.n)
        out->path = MN_STR("/");
    return MN_E_OK;
}

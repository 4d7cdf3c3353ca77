/* covers: mn_http_feed mn_url_parse
 * The first byte says whose messages they are: in one piece and byte by byte it is the same. The
 * whole is an address, too. */
#include "net/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 1000 };

static void told(struct mn_buf *out, const struct mn_http_message *m)
{
    MN_ASSERT(m->body.n <= BODY_MAX && m->field_count <= MN_HTTP_FIELDS_MAX);
    mn_buf_fmt(out, "%u %.*s %.*s %d\n", m->status, MN_ARG(m->method), MN_ARG(m->target), m->last);
    for (size_t i = 0; i < m->field_count; i++)
        mn_buf_fmt(out, "%.*s:%.*s\n", MN_ARG(m->fields[i].name), MN_ARG(m->fields[i].value));
    mn_buf_str(out, m->body);
}

static void go(bool requests, mn_str in, size_t piece, struct mn_buf *out)
{
    struct mn_http *h = mn_http_new(requests, BODY_MAX);
    struct mn_http_message m;
    int e = MN_E_AGAIN;

    for (; e == MN_E_AGAIN && in.n; in = mn_str_skip(in, piece)) {
        mn_http_feed(h, (mn_str){in.p, piece < in.n ? piece : in.n});
        while (!(e = mn_http_next(h, &m)))
            told(out, &m);
    }
    if (e == MN_E_AGAIN && !(e = mn_http_end(h, &m)))
        told(out, &m);
    mn_buf_fmt(out, "%d", e);
    mn_http_free(h);
}

static void address(mn_str in)
{
    struct mn_url u;

    if (!mn_url_parse(in, &u))
        MN_ASSERT(u.host.n && u.port && u.path.n && u.path.p[0] == '/' &&
                  mn_str_find(u.path, '\n') == u.path.n && mn_str_find(u.place, '\n') == u.place.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mn_str in = {(const char *)data, size};
    struct mn_buf once = {0}, pieces = {0};
    bool requests = size && data[0] == '>';

    address(in);
    in = mn_str_skip(in, 1);
    go(requests, in, size + 1, &once);
    go(requests, in, 1, &pieces);
    MN_ASSERT(mn_str_eq(mn_buf_view(&once), mn_buf_view(&pieces)));
    mn_buf_free(&once);
    mn_buf_free(&pieces);
    return 0;
}

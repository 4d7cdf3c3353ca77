/* HTTP messages: the same whole, byte by byte and one behind the other; what is wrong is said. */
#include "net/http.h"

#include "test.h"

#define LONG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* "STATUS:body" or "METHOD target:body" of each message, "!" behind one that is the last, and how
 * it stops. */
static void read_all(bool requests, mn_str in, size_t piece, struct mn_buf *out)
{
    struct mn_http *h = mn_http_new(requests, 64);
    struct mn_http_message m;
    int e = MN_E_AGAIN;

    while (e == MN_E_AGAIN && in.n) {
        mn_http_feed(h, (mn_str){in.p, piece < in.n ? piece : in.n});
        in = mn_str_skip(in, piece);
        while (!(e = mn_http_next(h, &m)))
            requests ? mn_buf_fmt(out, "%.*s %.*s:%.*s%s ", MN_ARG(m.method), MN_ARG(m.target),
                                  MN_ARG(m.body), m.last ? "!" : "")
                     : mn_buf_fmt(out, "%u:%.*s%s ", m.status, MN_ARG(m.body), m.last ? "!" : "");
    }
    if (e == MN_E_AGAIN) {
        e = mn_http_end(h, &m);
        if (!e)
            mn_buf_fmt(out, "%u:%.*s%s ", m.status, MN_ARG(m.body), m.last ? "!" : "");
    }
    mn_buf_fmt(out, "%d", e);
    mn_http_free(h);
}

static void check(size_t row, bool requests, const char *in, const char *want)
{
    static const size_t pieces[] = {1, 3, 10000};

    for (size_t i = 0; i < MN_COUNT(pieces); i++) {
        struct mn_buf got = {0};

        read_all(requests, mn_str_from(in), pieces[i], &got);
        if (!mn_str_is(mn_buf_view(&got), want))
            test_fail(__FILE__, __LINE__, "row %zu in pieces of %zu: %.*s", row, pieces[i],
                      MN_ARG(mn_buf_view(&got)));
        mn_buf_free(&got);
    }
}

TEST(answers_are_read_whatever_their_framing)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200:hello -2"},
        {"HTTP/1.1 200\r\ncontent-length:5 \r\n\r\nhelloHTTP/1.1 204 x\r\n\r\n",
         "200:hello 204: -2"},
        {"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "200:hi -2"},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200:hi! -2"},
        {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi", "200:hi -2"},
        {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nhi", "200:hi! -2"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n"
         "A;x=\"y\"\r\n, it is me\r\n000\r\nTrailer: x\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: "
         "0\r\n\r\n",
         "200:hello, it is me 404: -2"},
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "200:until the end! 0"},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: y\r\n\r\n"
         "HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
         "304: 200:x -2"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "-2"},
        {"", "-1"},
    };

    for (size_t i = 0; i + 1 < MN_COUNT(rows); i++)
        check(i, false, rows[i].in, rows[i].want);
}

TEST(what_is_no_answer_or_could_be_two_is_refused)
{
    static const char *const rows[] = {
        "<stream:stream>\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nName : x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx",
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: "
         "chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        check(i, false, rows[i], "-4");
}

TEST(every_size_has_a_limit)
{
    static const char *const rows[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n" LONG "x",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" LONG "\r\n1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" LONG LONG LONG LONG LONG,
    };
    struct mn_buf b = {0};

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        check(i, false, rows[i], "-3");
    mn_buf_lit(&b, "HTTP/1.1 200 OK\r\n");
    for (unsigned i = 0; i <= MN_HTTP_FIELDS_MAX; i++)
        mn_buf_fmt(&b, "F%u: x\r\n", i);
    mn_buf_lit(&b, "\r\n");
    mn_buf_c(&b, 0);
    check(100, false, b.p, "-3");
    mn_buf_clear(&b);
    mn_buf_lit(&b, "HTTP/1.1 200 OK\r\nF: ");
    for (unsigned i = 0; i < MN_HTTP_HEAD_MAX; i++)
        mn_buf_c(&b, 'x');
    mn_buf_c(&b, 0);
    check(101, false, b.p, "-3");
    mn_buf_free(&b);
}

TEST(requests_are_read_and_what_is_none_refused)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"\r\nGET /x?y HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"
         "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
         "GET /x?y: POST /:hi POST /:x! -2"},
        {"GET  / HTTP/1.1\r\n\r\n", "-4"},
        {"GET / HTTP/1.1 \r\n\r\n", "-4"},
        {"GET /\r\n\r\n", "-4"},
        {"G{T / HTTP/1.1\r\n\r\n", "-4"},
        {"GET / HTTP/3.1\r\n\r\n", "-4"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        check(i, true, rows[i].in, rows[i].want);
}

TEST(fields_are_found_whatever_their_case)
{
    struct mn_http *h = mn_http_new(false, 0);
    struct mn_http_message m;

    mn_http_feed(h, MN_STR("HTTP/1.1 302 x\r\nLOCATION:  y \r\nlocation: z\r\nEmpty:\r\n\r\n"));
    CHECK_INT(mn_http_next(h, &m), MN_E_AGAIN); /* its body ends with the connection */
    CHECK_INT(mn_http_end(h, &m), MN_E_OK);
    CHECK_STR(mn_http_get(&m, "Location"), "y");
    CHECK(mn_http_get(&m, "empty").p && !mn_http_get(&m, "none").p);
    mn_http_free(h);
}

TEST(addresses_are_read)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"https://x.test", "1 x.test 443 x.test /"},
        {"HTTP://x.test:5280/http-bind?a=b#c", "0 x.test 5280 x.test:5280 /http-bind?a=b"},
        {"https://[::1]:8/", "1 ::1 8 [::1]:8 /"},
        {"http://[::1]/a", "0 ::1 80 [::1] /a"},
        {"http://127.0.0.1:/", "0 127.0.0.1 80 127.0.0.1: /"},
        {"ftp://x.test/", "no"},
        {"https:x.test/", "no"},
        {"https://", "no"},
        {"https:///x", "no"},
        {"https://u:p@x.test/", "no"},
        {"https://x.test:0/", "no"},
        {"https://x.test:65536/", "no"},
        {"https://x.test/a b", "no"},
        {"https://x.test/\r\nX: y", "no"},
        {"https://x.test?q", "no"},
        {"https://[::1/", "no"},
        {"https://[::1]x/", "no"},
        {"https://::1/", "no"},
        {"https://\xe5\x8c\x97/", "no"},
        {"", "no"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        char text[200] = "no";
        struct mn_url u;

        if (!mn_url_parse(mn_str_from(rows[i].in), &u))
            snprintf(text, sizeof text, "%d %.*s %u %.*s %.*s", u.tls, MN_ARG(u.host), u.port,
                     MN_ARG(u.place), MN_ARG(u.path));
        CHECK_STR(mn_str_from(text), rows[i].want);
    }
}

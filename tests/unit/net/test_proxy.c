/* Tunnels through proxies that answer by a script, in pieces of every size. */
#include "net/proxy.h"

#include "test.h"

#define IN(lit) ((mn_str){lit, sizeof(lit) - 1})

TEST(lists_of_proxies)
{
    static const struct {
        const char *in, *out; /* NULL: none */
    } rows[] = {
        {"socks5://h:1080", "socks5 - - h 1080"},
        {"http://u:p@h:1", "http u p h 1"},
        {"http://h:1 socks5://u@[::1]:65535", "http - - h 1;socks5 u  ::1 65535"},
        {" socks5://a%40b:c%3Ad%25@h:1 ", "socks5 a@b c:d% h 1"},
        {"", NULL},
        {"  ", NULL},
        {"h:1080", NULL},
        {"socks4://h:1", NULL},
        {"socks5://h", NULL},
        {"socks5://h:0", NULL},
        {"socks5://h:65536", NULL},
        {"socks5://h:1/", NULL},
        {"socks5://:1", NULL},
        {"socks5://[::1]", NULL},
        {"socks5://[::1]1", NULL},
        {"socks5://[::1:1", NULL},
        {"socks5://::1:1", NULL},
        {"socks5://@h:1", NULL},
        {"socks5://:p@h:1", NULL},
        {"socks5://a%4@h:1", NULL},
        {"socks5://a%zz@h:1", NULL},
        {"socks5://a\r\nb:1", NULL},
        {"http://a%3Ab:c@h:1", NULL}, /* Basic cannot say that name */
        {"http://h:1 x", NULL},
        {"http://h:1 http://h:1 http://h:1 http://h:1 http://h:1 http://h:1 http://h:1 http://h:1 "
         "http://h:1",
         NULL},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_arena a = {0};
        struct mn_proxy *p;
        struct mn_buf b = {0};
        size_t n;
        int e = mn_proxies_parse(mn_str_from(rows[i].in), &a, &p, &n);

        for (size_t k = 0; !e && k < n; k++)
            mn_buf_fmt(&b, "%s%s %.*s %.*s %s %u", k ? ";" : "", p[k].http ? "http" : "socks5",
                       p[k].user.p ? (int)p[k].user.n : 1, p[k].user.p ? p[k].user.p : "-",
                       p[k].user.p ? (int)p[k].password.n : 1, p[k].user.p ? p[k].password.p : "-",
                       p[k].host, p[k].port);
        if (!!e != !rows[i].out || (!e && !mn_str_is(mn_buf_view(&b), rows[i].out)))
            test_fail(__FILE__, __LINE__, "row %zu: %.*s", i, MN_ARG(mn_buf_view(&b)));
        mn_buf_free(&b);
        mn_arena_done(&a, NULL);
    }
}

/* Goes the whole way, with `in` in pieces of `piece` bytes: how it ended, what was said, why. */
static int go(const char *proxies, const char *host, mn_str in, size_t piece, struct mn_buf *out,
              struct mn_buf *why)
{
    struct mn_arena a = {0};
    struct mn_proxy *p;
    size_t n;
    struct mn_tunnel *t;
    const char *text = "";
    int e;

    CHECK_INT(mn_proxies_parse(mn_str_from(proxies), &a, &p, &n), 0);
    t = mn_tunnel_new(p, n, host, 5222);
    e = mn_tunnel_feed(t, (mn_str){0}, out, &text);
    while (e == MN_E_AGAIN && in.n) {
        size_t k = piece < in.n ? piece : in.n;

        e = mn_tunnel_feed(t, (mn_str){in.p, k}, out, &text);
        in = mn_str_skip(in, k);
    }
    mn_buf_str(why, mn_str_from(text));
    mn_tunnel_free(t);
    mn_arena_done(&a, NULL);
    return e;
}

#define CONNECT(place, more) "CONNECT " place " HTTP/1.1\r\nHost: " place "\r\n" more "\r\n"
#define SOCKS_X "\5\1\0\3\6x.test\x14\x66"

TEST(ways_that_lead_there)
{
    static const struct {
        const char *proxies, *host;
        mn_str in, out;
    } rows[] = {
        {"socks5://h:1", "x.test", IN("\5\0\5\0\0\1abcd\0\0"), IN("\5\1\0" SOCKS_X)},
        {"socks5://u:pw@h:1", "x.test", IN("\5\0\5\0\0\3\3abc\0\0"), IN("\5\2\0\2" SOCKS_X)},
        {"socks5://u:pw@h:1", "x.test", IN("\5\2\1\0\5\0\0\4abcdefghijklmnop\0\0"),
         IN("\5\2\0\2\1\1u\2pw" SOCKS_X)},
        {"socks5://h:1", "127.0.0.1", IN("\5\0\5\0\0\1abcd\0\0"),
         IN("\5\1\0\5\1\0\1\x7f\0\0\1\x14\x66")},
        {"socks5://h:1", "::1", IN("\5\0\5\0\0\1abcd\0\0"),
         IN("\5\1\0\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x14\x66")},
        {"http://h:1", "x.test", IN("HTTP/1.1 200 OK\r\nVia: x\r\n\r\n"),
         IN(CONNECT("x.test:5222", ""))},
        {"http://h:1", "::1", IN("HTTP/1.0 299\n\n"), IN(CONNECT("[::1]:5222", ""))},
        {"http://u:p:w@h:1", "x.test",
         IN("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
         IN(CONNECT("x.test:5222", "Proxy-Authorization: Basic dTpwOnc=\r\n"))},
        {"socks5://h:1 http://[::2]:8080 socks5://third:9", "x.test",
         IN("\5\0\5\0\0\1abcd\0\0HTTP/1.1 200 OK\r\n\r\n\5\0\5\0\0\1abcd\0\0"),
         IN("\5\1\0\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\x1f\x90" CONNECT("third:9",
                                                                             "") "\5\1\0" SOCKS_X)},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        for (size_t piece = 1; piece <= rows[i].in.n; piece++) {
            struct mn_buf out = {0}, why = {0};

            if (go(rows[i].proxies, rows[i].host, rows[i].in, piece, &out, &why) ||
                !mn_str_eq(mn_buf_view(&out), rows[i].out))
                test_fail(__FILE__, __LINE__, "row %zu, piece %zu: %.*s; %.*s", i, piece,
                          MN_ARG(mn_buf_view(&out)), MN_ARG(mn_buf_view(&why)));
            mn_buf_free(&out);
            mn_buf_free(&why);
        }
}

TEST(ways_that_do_not)
{
    static const struct {
        const char *proxies, *host;
        mn_str in;
        const char *why; /* NULL: waits for more */
    } rows[] = {
        {"socks5://h:1", "x.test", IN(""), NULL},
        {"socks5://h:1", "x.test", IN("\5\0\5\0\0\3\3ab"), NULL},
        {"socks5://h:1", "x.test", IN("\5\xff"), "the proxy h: wants a password"},
        {"socks5://h:1", "x.test", IN("\5\2"), "the proxy h: wants a password"},
        {"socks5://u:p@h:1", "x.test", IN("\5\2\1\1"), "the proxy h: refuses the password"},
        {"socks5://u:p@h:1", "x.test", IN("\5\2\5\0"), "the proxy h: answers nonsense"},
        {"socks5://h:1", "x.test", IN("\5\0\5\5\0\1abcd\0\0"), "the proxy h: nobody accepts there"},
        {"socks5://h:1", "x.test", IN("\5\0\5\x63\0\1abcd\0\0"), "the proxy h: refused"},
        {"socks5://h:1", "x.test", IN("HTTP/1.1 400 x"), "the proxy h: answers nonsense"},
        {"socks5://h:1", "x.test", IN("\5\0\5\0\0\2abcd\0\0"), "the proxy h: answers nonsense"},
        {"socks5://h:1 socks5://i:1", "x.test", IN("\5\0\5\0\0\1abcd\0\0\4"),
         "the proxy i: answers nonsense"},
        {"socks5://h:1", "x\r\ny", IN(""), "the proxy h: cannot be asked for such a host"},
        {"http://h:1", "x y", IN(""), "the proxy h: cannot be asked for such a host"},
        {"http://h:1", "x.test", IN("HTTP/1.1 200 OK\r\nVia: x\r\n"), NULL},
        {"http://h:1", "x.test", IN("HTTP/1.1 407 No\r\n\r\n"), "the proxy h: wants a password"},
        {"http://u:p@h:1", "x.test", IN("HTTP/1.1 407 No\r\n\r\n"),
         "the proxy h: refuses the password"},
        {"http://h:1", "x.test", IN("HTTP/1.1 502 Bad\r\n\r\n"), "the proxy h: answers 502"},
        {"http://h:1", "x.test", IN("HTTP/1.1 301 Moved\r\n\r\n"), "the proxy h: answers 301"},
        {"http://h:1", "x.test", IN("HTTP/1.1 2x0 OK\r\n\r\n"), "the proxy h: answers nonsense"},
        {"http://h:1", "x.test", IN("HTTP/1.1 020 OK\r\n\r\n"), "the proxy h: answers nonsense"},
        {"http://h:1", "x.test", IN("HTTP/2 200 OK\r\n\r\n"), "the proxy h: answers nonsense"},
        {"http://h:1", "x.test", IN("<stream:stream>"), "the proxy h: answers nonsense"},
        {"http://h:1", "x.test", IN("\n\n"), "the proxy h: answers nonsense"},
        {"http://h:1", "x.test", IN("HTTP/1.1 200 OK\r\n\r\n<"),
         "the proxy h: bytes that nobody asked for"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_buf out = {0}, why = {0};
        int e = go(rows[i].proxies, rows[i].host, rows[i].in, 1000, &out, &why);

        if ((e == MN_E_AGAIN) != !rows[i].why ||
            (rows[i].why && !mn_str_is(mn_buf_view(&why), rows[i].why)))
            test_fail(__FILE__, __LINE__, "row %zu: %.*s", i, MN_ARG(mn_buf_view(&why)));
        mn_buf_free(&out);
        mn_buf_free(&why);
    }
}

TEST(an_endless_head_is_refused)
{
    struct mn_buf in = {0}, out = {0}, why = {0};

    mn_buf_lit(&in, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 10000; i++)
        mn_buf_c(&in, 'x');
    CHECK_INT(go("http://h:1", "x.test", mn_buf_view(&in), 100, &out, &why), MN_E_LIMIT);
    CHECK_STR(mn_buf_view(&why), "the proxy h: answers nonsense");
    mn_buf_free(&in);
    mn_buf_free(&out);
    mn_buf_free(&why);
}

#include "net/socks5.h"

#include "test.h"

#define IN(lit) ((mn_str){lit, sizeof(lit) - 1})

TEST(methods)
{
    static const struct {
        mn_str in;
        int code;
        size_t n, count;
    } rows[] = {
        {{"", 0}, MN_E_AGAIN, 0, 0},          {{"\5", 1}, MN_E_AGAIN, 0, 0},
        {{"\5\1", 2}, MN_E_AGAIN, 0, 0},      {{"\5\1\0", 3}, MN_E_OK, 3, 1},
        {{"\5\2\0\2rest", 8}, MN_E_OK, 4, 2}, {{"\5\0", 2}, MN_E_FORMAT, 0, 0},
        {{"\4", 1}, MN_E_FORMAT, 0, 0},       {{"GET / HTTP/1.1", 14}, MN_E_FORMAT, 0, 0},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        mn_str methods = {0};
        size_t n = 0;

        CHECK_INT(mn_socks5_methods_parse(rows[i].in, &methods, &n), rows[i].code);
        if (rows[i].code)
            continue;
        CHECK_INT(n, rows[i].n);
        CHECK_INT(methods.n, rows[i].count);
    }
}

TEST(choice)
{
    uint8_t method = 9;
    size_t n;

    CHECK_INT(mn_socks5_choice_parse(IN("\5"), &method, &n), MN_E_AGAIN);
    CHECK_INT(mn_socks5_choice_parse(IN("\5\xffx"), &method, &n), MN_E_OK);
    CHECK_INT(method, MN_SOCKS5_NO_METHOD);
    CHECK_INT(n, 2);
    CHECK_INT(mn_socks5_choice_parse(IN("\1\0"), &method, &n), MN_E_FORMAT);
}

TEST(requests_and_answers)
{
    static const struct {
        mn_str in;
        int code;
        const char *host;
        unsigned port;
    } rows[] = {
        {{"\5\1\0\3\3abc\x14\x66rest", 14}, MN_E_OK, "abc", 5222},
        {{"\5\1\0\3\0\0\0", 7}, MN_E_OK, "", 0},
        {{"\5\0\0\1abcd\0\1", 10}, MN_E_OK, "abcd", 1},
        {{"\5\0\0\4abcdefghijklmnop\0\1", 22}, MN_E_OK, "abcdefghijklmnop", 1},
        {{"\5\1\0\3\3abc\x14", 9}, MN_E_AGAIN, NULL, 0},
        {{"\5\1\0\3", 4}, MN_E_AGAIN, NULL, 0},
        {{"\5\1\0\2\3abc\x14\x66", 10}, MN_E_FORMAT, NULL, 0},
        {{"\0\1\0\3\3abc\x14\x66", 10}, MN_E_FORMAT, NULL, 0},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_socks5 m;
        size_t n;

        CHECK_INT(mn_socks5_parse(rows[i].in, &m, &n), rows[i].code);
        if (rows[i].code)
            continue;
        CHECK_STR(m.host, rows[i].host);
        CHECK_INT(m.port, rows[i].port);
        CHECK_INT(n, rows[i].in.n - (i == 0 ? 4 : 0));
    }
}

TEST(what_is_written_is_read)
{
    struct mn_buf b = {0};
    struct mn_socks5 m;
    char name[255];
    size_t n;

    memset(name, 'x', sizeof name);
    mn_socks5_add(&b, MN_SOCKS5_CONNECT, mn_str_make(name, sizeof name), 65534);
    CHECK_INT(mn_socks5_parse(mn_buf_view(&b), &m, &n), MN_E_OK);
    CHECK_INT(m.code, MN_SOCKS5_CONNECT);
    CHECK(m.is_name);
    CHECK(mn_str_eq(m.host, mn_str_make(name, sizeof name)));
    CHECK_INT(m.port, 65534);
    CHECK_INT(n, b.n);
    mn_buf_free(&b);
}

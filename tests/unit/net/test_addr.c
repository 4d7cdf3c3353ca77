#include "net/addr.h"

#include "test.h"

TEST(literals_are_read_and_names_are_not)
{
    static const struct {
        const char *in, *text;
        bool loopback, other;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1:5222", true, false},
        {"127.200.0.9", "127.200.0.9:5222", true, false},
        {"192.0.2.7", "192.0.2.7:5222", false, true},
        {"0.0.0.0", "0.0.0.0:5222", false, false},
        {"0.0.0.1", "0.0.0.1:5222", false, false},
        {"223.255.255.255", "223.255.255.255:5222", false, true},
        {"224.0.0.1", "224.0.0.1:5222", false, false},
        {"255.255.255.255", "255.255.255.255:5222", false, false},
        {"::1", "[::1]:5222", true, false},
        {"::", "[::]:5222", false, false},
        {"ff02::1", "[ff02::1]:5222", false, false},
        {"fe80::1", "[fe80::1]:5222", false, true},
        {"2001:DB8::5", "[2001:db8::5]:5222", false, true},
        {"::ffff:127.0.0.1", "127.0.0.1:5222", true, false},
        {"::ffff:0.0.0.0", "0.0.0.0:5222", false, false},
        {"::ffff:192.0.2.7", "192.0.2.7:5222", false, true},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:5222", false, false},
    };
    static const char *const bad[] = {
        "",          "localhost", "127.1",  "1.2.3.4.5",
        "256.0.0.1", "[::1]",     "::1%lo", " ::1",
        "1.2.3.4:5", "01.2.3.4x", ":::",    "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555"};
    struct mn_addr a;
    char text[MN_ADDR_TEXT];

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        CHECK_INT(mn_addr_parse(mn_str_from(rows[i].in), 5222, &a), 0);
        CHECK_STR(mn_str_from(mn_addr_text(&a, text)), rows[i].text);
        CHECK(mn_addr_is_loopback(&a) == rows[i].loopback);
        CHECK(mn_addr_is_other(&a) == rows[i].other);
        CHECK_INT(mn_addr_port(&a), 5222);
    }
    for (size_t i = 0; i < MN_COUNT(bad); i++)
        CHECK_INT(mn_addr_parse(mn_str_from(bad[i]), 5222, &a), MN_E_FORMAT);
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1\0"), 5222, &a), MN_E_FORMAT);
}

static mn_str group(const char *text, char out[16])
{
    struct mn_addr a;

    CHECK_INT(mn_addr_parse(mn_str_from(text), 1, &a), 0);
    return mn_addr_group(&a, out);
}

TEST(networks_are_told_apart_by_their_first_bytes)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"192.0.2.7", "192.0.2.200", true},
        {"192.0.2.7", "::ffff:192.0.2.9", true},
        {"192.0.2.7", "192.0.3.7", false},
        {"2001:db8:1:2::5", "2001:db8:1:ffff::9", true},
        {"2001:db8:1:2::5", "2001:db8:2:2::5", false},
        {"0.0.0.0", "::", false},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_addr a, b;
        char x[17], y[17], group[16];

        CHECK_INT(mn_addr_parse(mn_str_from(rows[i].a), 1, &a), 0);
        CHECK_INT(mn_addr_parse(mn_str_from(rows[i].b), 2, &b), 0);
        CHECK(mn_str_eq(mn_addr_network(&a, x), mn_addr_network(&b, y)) == rows[i].same);
        CHECK(!mn_str_eq(mn_addr_network(&a, x), mn_addr_group(&a, group)));
    }
}

TEST(limits_count_by_address_or_by_the_64_bits_of_a_network)
{
    char x[16], y[16];

    CHECK(mn_str_eq(group("192.0.2.7", x), group("::ffff:192.0.2.7", y)));
    CHECK(!mn_str_eq(group("192.0.2.7", x), group("192.0.2.8", y)));
    CHECK(mn_str_eq(group("2001:db8:1:2::5", x), group("2001:db8:1:2:ffff::9", y)));
    CHECK(!mn_str_eq(group("2001:db8:1:2::5", x), group("2001:db8:1:3::5", y)));
}

TEST(addresses_are_equal_with_port_and_scope)
{
    static const struct {
        const char *a, *b;
        uint16_t port;
        bool same;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", 1, true},  {"192.0.2.1", "192.0.2.2", 1, false},
        {"192.0.2.1", "192.0.2.1", 2, false}, {"fe80::1", "fe80::1", 1, true},
        {"fe80::1", "fe80::2", 1, false},     {"::1", "127.0.0.1", 1, false},
    };
    struct mn_addr a, b;

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        CHECK_INT(mn_addr_parse(mn_str_from(rows[i].a), 1, &a), 0);
        CHECK_INT(mn_addr_parse(mn_str_from(rows[i].b), rows[i].port, &b), 0);
        CHECK_INT(mn_addr_eq(&a, &b), rows[i].same);
    }
    CHECK_INT(mn_addr_parse(MN_STR("fe80::1"), 1, &a), 0);
    b = a;
    b.v6.sin6_scope_id = 3;
    CHECK(!mn_addr_eq(&a, &b));
}

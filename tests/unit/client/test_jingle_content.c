#include "mynah/jingle_content.h"

#include "client/jingle.h"
#include "mynah/base.h"
#include "test.h"

static struct mynah_elem *parsed(const char *xml)
{
    struct mynah_elem *e;

    CHECK_INT(mynah_elem_parse(xml, &e), 0);
    return e;
}

static void check_xml(struct mynah_elem *e, const char *xml)
{
    char *text = mynah_elem_xml(e);

    CHECK_STR(mn_str_from(text), xml);
    CHECK(jingle_ok(e));
    mynah_free(text);
}

TEST(a_file_is_built_and_read)
{
    static const struct mynah_jingle_file f = {.size = sizeof f,
                                               .name = "a.txt",
                                               .media_type = "text/plain",
                                               .desc = "d",
                                               .date = 1000,
                                               .bytes = 6144,
                                               .hash_name = "sha-256",
                                               .hash = "AA==",
                                               .ranged = true,
                                               .offset = 7};
    struct mynah_elem *e = mynah_jingle_file_new(&f);
    struct mynah_jingle_file out;

    check_xml(e, "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file>"
                 "<date>1970-01-01T00:00:01.000Z</date><desc>d</desc>"
                 "<media-type>text/plain</media-type><name>a.txt</name><size>6144</size>"
                 "<range offset='7'/><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>AA==</hash>"
                 "</file></description>");
    CHECK(mynah_jingle_file(e, &out));
    CHECK_STR(mn_str_from(out.name), "a.txt");
    CHECK_STR(mn_str_from(out.hash), "AA==");
    CHECK_INT(out.bytes, 6144);
    CHECK_INT(out.date, 1000);
    CHECK(out.ranged && out.offset == 7 && !out.length);
    mynah_elem_free(e);
}

#define FILE_(inside)                                                                              \
    "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'>" inside "</description>"
#define ICE(attrs, inside)                                                                         \
    "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'" attrs ">" inside "</transport>"
#define KEYS " ufrag='8hhy' pwd='asd88fgpdd777uzjYhagZg'"
#define CANDIDATE(component, ip, port, priority, type)                                             \
    "<candidate component='" component "' foundation='1' generation='0' id='x' ip='" ip            \
    "' network='1' port='" port "' priority='" priority "' protocol='udp' type='" type "'/>"
#define IBB(attrs) "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' " attrs "/>"

TEST(what_breaks_the_rules_is_not_taken)
{
    static const struct {
        const char *xml;
        bool ok;
    } rows[] = {
        {FILE_("<file/>"), true},
        {FILE_(""), false},
        {FILE_("<file><size>-1</size></file>"), false},
        {FILE_("<file><size>9223372036854775808</size></file>"), false},
        {FILE_("<file><range offset='x'/></file>"), false},
        {FILE_("<file><range/><date>yesterday</date></file>"), true},
        {ICE("", ""), true},
        {ICE(KEYS, CANDIDATE("1", "10.0.1.1", "8998", "2130706431", "host")), true},
        {ICE(KEYS, CANDIDATE("1", "2001:db8::9:1", "8998", "1", "relay")), true},
        {ICE("", CANDIDATE("1", "10.0.1.1", "8998", "2130706431", "host")), false},
        {ICE(" ufrag='8hh' pwd='asd88fgpdd777uzjYhagZg'", ""), false},
        {ICE(" ufrag='8hhy' pwd='short'", ""), false},
        {ICE(" ufrag='8hhy'", ""), false},
        {ICE(KEYS, CANDIDATE("0", "10.0.1.1", "8998", "1", "host")), false},
        {ICE(KEYS, CANDIDATE("257", "10.0.1.1", "8998", "1", "host")), false},
        {ICE(KEYS, CANDIDATE("1", "evil.test", "8998", "1", "host")), false},
        {ICE(KEYS, CANDIDATE("1", "10.0.1.1", "65536", "1", "host")), false},
        {ICE(KEYS, CANDIDATE("1", "10.0.1.1", "1", "0", "host")), false},
        {ICE(KEYS, CANDIDATE("1", "10.0.1.1", "1", "2147483648", "host")), false},
        {ICE(KEYS, CANDIDATE("1", "10.0.1.1", "1", "1", "other")), false},
        {ICE(KEYS, "<candidate/>"), false},
        {ICE(KEYS, "<remote-candidate component='1' ip='10.0.1.2' port='9001'/>"), true},
        {ICE(KEYS, "<remote-candidate component='1' ip='10.0.1' port='9001'/>"), false},
        {IBB("sid='s' block-size='4096'"), true},
        {IBB("sid='s' block-size='65535' stanza='message'"), true},
        {IBB("sid='s' block-size='0'"), false},
        {IBB("sid='s' block-size='65536'"), false},
        {IBB("sid='' block-size='1'"), false},
        {IBB("block-size='1'"), false},
        {IBB("sid='s' block-size='1' stanza='presence'"), false},
        {"<transport xmlns='of:others'/>", true},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mynah_elem *e = parsed(rows[i].xml);

        if (jingle_ok(e) != rows[i].ok)
            test_fail(__FILE__, __LINE__, "%s", rows[i].xml);
        mynah_elem_free(e);
    }
}

TEST(candidates_are_built_and_read)
{
    static const struct mynah_ice_candidate k = {.size = sizeof k,
                                                 .id = "i",
                                                 .foundation = "f",
                                                 .component = 2,
                                                 .ip = "192.0.2.3",
                                                 .port = 45664,
                                                 .priority = 1694498815,
                                                 .type = MYNAH_ICE_SRFLX,
                                                 .rel_addr = "10.0.1.1",
                                                 .rel_port = 8998,
                                                 .generation = 1};
    struct mynah_elem *e = mynah_ice_new("8hhy", "asd88fgpdd777uzjYhagZg");
    struct mynah_ice_candidate out;
    unsigned component;
    const char *ip;
    uint16_t port;

    mynah_ice_add(e, &k);
    mynah_ice_remote_add(e, 1, "2001:db8::1", 9001);
    check_xml(e, "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' "
                 "pwd='asd88fgpdd777uzjYhagZg' ufrag='8hhy'><candidate component='2' "
                 "foundation='f' generation='1' id='i' ip='192.0.2.3' network='0' port='45664' "
                 "priority='1694498815' protocol='udp' rel-addr='10.0.1.1' rel-port='8998' "
                 "type='srflx'/><remote-candidate component='1' ip='2001:db8::1' port='9001'/>"
                 "</transport>");
    CHECK(mynah_ice_at(e, 0, &out) && !mynah_ice_at(e, 1, &out));
    CHECK(mynah_ice_at(e, 0, &out));
    CHECK(out.component == 2 && out.port == 45664 && out.priority == 1694498815 &&
          out.type == MYNAH_ICE_SRFLX && out.rel_port == 8998 && out.generation == 1);
    CHECK_STR(mn_str_from(out.rel_addr), "10.0.1.1");
    CHECK(mynah_ice_remote_at(e, 0, &component, &ip, &port) && component == 1 && port == 9001);
    CHECK(!mynah_ice_remote_at(e, 1, &component, &ip, &port));
    mynah_elem_free(e);
}

TEST(an_in_band_transport_is_built_and_read)
{
    struct mynah_elem *e = mynah_jingle_ibb_new("s", 2048, true);
    const char *sid;
    unsigned block;
    bool messages;

    check_xml(e, "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='2048' sid='s' "
                 "stanza='message'/>");
    CHECK(mynah_jingle_ibb(e, &sid, &block, &messages) && block == 2048 && messages);
    CHECK_STR(mn_str_from(sid), "s");
    mynah_elem_free(e);
}

/* What a domain says of BOSH (XEP-0156), as XML and as JSON. */
#include "client/host_meta.h"

#include "base/err.h"
#include "test.h"

#define XRD(inside)                                                                                \
    "<?xml version='1.0'?>\n<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>" inside "</"   \
    "XRD>"
#define LINK(rel, href) "<Link rel='urn:xmpp:alt-connections:" rel "' href='" href "'/>"
#define JRD(inside) "{\"subject\":\"x\",\"links\":[" inside "]}"
#define ROW(rel, href) "{\"rel\":\"urn:xmpp:alt-connections:" rel "\",\"href\":\"" href "\"}"

TEST(the_address_of_bosh_is_found_when_it_is_https)
{
    static const struct {
        bool json;
        const char *text;
        int code;
        const char *address;
    } rows[] = {
        {false, XRD(LINK("websocket", "wss://x/ws") LINK("xbosh", "https://x:5281/bind")), 0,
         "https://x:5281/bind"},
        {false, XRD(LINK("xbosh", "http://x/") LINK("xbosh", "https://y/")), 0, "https://y/"},
        {false, XRD(LINK("xbosh", "http://x/")), MN_E_NOT_FOUND, NULL},
        {false, XRD("<Link xmlns='other' rel='urn:xmpp:alt-connections:xbosh' href='https://x/'/>"),
         MN_E_NOT_FOUND, NULL},
        {false, XRD(""), MN_E_NOT_FOUND, NULL},
        {false, "<html>", MN_E_XML, NULL},
        {true, JRD(ROW("websocket", "wss://x/ws") "," ROW("xbosh", "https://x/bind")), 0,
         "https://x/bind"},
        {true, JRD(ROW("xbosh", "http://x/") ",1,{\"rel\":1}"), MN_E_NOT_FOUND, NULL},
        {true, "{\"links\":1}", MN_E_NOT_FOUND, NULL},
        {true, "[]", MN_E_NOT_FOUND, NULL},
        {true, "{", MN_E_FORMAT, NULL},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_arena a = {0};
        mn_str out = {0};

        CHECK_INT(host_meta_parse(mn_str_from(rows[i].text), rows[i].json, &a, &out), rows[i].code);
        CHECK_STR(out, rows[i].address ? rows[i].address : "");
        mn_arena_done(&a, NULL);
    }
}

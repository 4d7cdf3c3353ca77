#include "xmpp/caps.h"

#include "test.h"
#include "xmpp/xml.h"

/* The answers whose strings stand in the rows; children and attributes in another order. */
static const struct {
    const char *name, *query;
} answers[] = {
    {"simple", "<feature var='http://jabber.org/protocol/muc'/>"
               "<feature var='http://jabber.org/protocol/disco#items'/>"
               "<feature var='http://jabber.org/protocol/disco#info'/>"
               "<feature var='http://jabber.org/protocol/caps'/>"
               "<identity name='Exodus 0.9.1' type='pc' category='client'/>"},
    {"complex", "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
                "<identity xml:lang='el' category='client' name='\xce\xa8 0.11' type='pc'/>"
                "<feature var='http://jabber.org/protocol/caps'/>"
                "<feature var='http://jabber.org/protocol/disco#info'/>"
                "<feature var='http://jabber.org/protocol/disco#items'/>"
                "<feature var='http://jabber.org/protocol/muc'/>"
                "<x xmlns='jabber:x:data' type='result'>"
                "<field var='os_version'><value>10.5.1</value></field>"
                "<field var='os'><value>Mac</value></field>"
                "<field var='ip_version'><value>ipv6</value><value>ipv4</value></field>"
                "<field var='FORM_TYPE' type='hidden'>"
                "<value>urn:xmpp:dataforms:softwareinfo</value></field>"
                "<field var='software'><value>Psi</value></field>"
                "<field var='software_version'><value>0.11</value></field></x>"},
    {"scansion-client", "<identity type='bot' category='client' name='scansion'/>"
                        "<feature var='urn:xmpp:bookmarks:1+notify'/>"
                        "<feature var='http://jabber.org/protocol/disco#info'/>"},
};

static const struct mn_elem *query_of(const char *children, struct mn_arena *a)
{
    static const struct mn_xml_limits limits = {10000, 10, 10};
    struct mn_elem *out = NULL;

    CHECK(!mn_xml_parse(mn_arena_fmt(a,
                                     "<query xmlns='http://jabber.org/protocol/disco#info'>%s"
                                     "</query>",
                                     children),
                        &limits, a, &out));
    return out;
}

TEST(the_rows_of_xep_0115)
{
    mn_str file = test_file("tests/vectors/caps.tsv"), text = file, col[4];
    struct mn_arena a = {0};
    size_t seen = 0;

    while (test_row(&text, col, 4))
        for (size_t i = 0; i < MN_COUNT(answers); i++) {
            const struct mn_elem *q;

            if (!mn_str_is(col[0], answers[i].name))
                continue;
            q = query_of(answers[i].query, &a);
            CHECK(mn_str_eq(mn_caps_string(q, &a), col[2]));
            CHECK(mn_str_eq(mn_caps_ver(q, MN_SHA1, &a), col[3]));
            seen++;
        }
    CHECK_INT(seen, MN_COUNT(answers));
    mn_arena_done(&a, NULL);
    mn_free((void *)file.p);
}

/* '#' stands before '<', which is no part of what is put in order. */
TEST(a_shorter_name_comes_first)
{
    struct mn_arena a = {0};

    CHECK_STR(mn_caps_string(query_of("<feature var='a#b'/><feature var='a'/>", &a), &a), "a<a#b<");
    mn_arena_done(&a, NULL);
}

TEST(a_form_without_a_hidden_type_does_not_count)
{
    struct mn_arena a = {0};

    CHECK_STR(mn_caps_string(query_of("<x xmlns='jabber:x:data'><field var='FORM_TYPE'>"
                                      "<value>t</value></field></x>"
                                      "<x xmlns='jabber:x:data'><field var='f'>"
                                      "<value>v</value></field></x><feature var='a'/>",
                                      &a),
                             &a),
              "a<");
    mn_arena_done(&a, NULL);
}

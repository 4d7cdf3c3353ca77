#include "mynah/elem.h"

#include "test.h"

static struct mynah_elem *parsed(const char *xml)
{
    struct mynah_elem *e;

    CHECK_INT(mynah_elem_parse(xml, &e), 0);
    return e;
}

static void is(const struct mynah_elem *e, const char *xml)
{
    char *text = mynah_elem_xml(e);

    CHECK_STR(mn_str_from(text), xml);
    mynah_free(text);
}

TEST(a_path_leads_to_the_first_of_its_names)
{
    static const struct {
        const char *path, *id; /* NULL: there is none */
    } rows[] = {
        {"b", "1"},
        {"b/c", "2"},
        {"b/d", "4"},
        {"*/d", "4"},
        {"b/*", "2"},
        {"c", NULL},
        {"b/x/c", NULL},
        {"", NULL},
        {"b/", "1"},
        {"*/*/e", "5"},
        {"b[@i='3']", "3"},
        {"b[@i=\"3\"]/d", "4"},
        {"b[@i='2']", NULL},
        {"b[@i]", "1"},
        {"b[@j]", NULL},
        {"b[@xmlns='y']", "3"},
        {"b[2]", "3"},
        {"b[3]", NULL},
        {"*[2]/*", "4"},
        {"b[d]", "3"},
        {"b[c][2]", NULL},
        {"b[@xmlns='y'][1]", "3"},
        {"b/d[t='/]']", "4"},
        {"b[t]", NULL},
        {"b/d[t='x']", NULL},
        {"//e", "5"},
        {"//d/e", "5"},
        {"b//e", "5"},
        {"//*[@i='4']", "4"},
        {"//e[2]", NULL},
        {"//a", NULL},
        {"/a/b", "1"},
        {"/b", NULL},
        {"/*/b[2]", "3"},
        {"/", NULL},
        {"//", NULL},
        {"b//", NULL},
        {"//*//e", NULL},
        {"b[", NULL},
        {"b[]", NULL},
        {"b[@i='1'", NULL},
        {"b[@i='1]", NULL},
        {"b[@i=1]", NULL},
        {"b[@i=]", NULL},
        {"b[=]", NULL},
        {"b[1]x", NULL},
        {"[1]", NULL},
        {"b[0]", NULL},
        {"b[@i='1'][@i][@i][@i][@i][@i][@i][@i]", "1"},
        {"b[@i='1'][@i][@i][@i][@i][@i][@i][@i][@i]", NULL},
    };
    static const char *const all[] = {"1", "2", "3", "4", "5", ""};
    struct mynah_elem *e = parsed("<a xmlns='x'><b i='1'><c i='2'/></b><b xmlns='y' i='3'>"
                                  "<d i='4'><e i='5'/><t>/]</t></d></b></a>");

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        CHECK_STR(mn_str_from(mynah_elem_get(mynah_elem_path(e, rows[i].path), "i")),
                  rows[i].id ? rows[i].id : "");
    CHECK(!mynah_elem_path(NULL, "b"));
    for (size_t i = 0; i < MN_COUNT(all); i++)
        CHECK_STR(mn_str_from(mynah_elem_get(mynah_elem_path_nth(e, "//*[@i]", i), "i")), all[i]);
    mynah_elem_free(e);
}

TEST(what_is_taken_out_is_not_there_and_may_come_again)
{
    struct mynah_elem *e =
        parsed("<a xmlns='x' k='1' l='2' m='3' n='4' o='5'><b/>text<c/><b/></a>");

    mynah_elem_unset(e, "k");
    mynah_elem_unset(e, "no");
    mynah_elem_drop(e, "b", "y");
    mynah_elem_drop(e, "b", NULL);
    is(e, "<a xmlns='x' l='2' m='3' n='4' o='5'>text<c/></a>");
    mynah_elem_set(e, "k", "6");
    mynah_elem_set(e, "p", "7");
    mynah_elem_add(e, "b", NULL);
    is(e, "<a xmlns='x' l='2' m='3' n='4' o='5' k='6' p='7'>text<c/><b/></a>");
    mynah_elem_drop(e, NULL, NULL);
    is(e, "<a xmlns='x' l='2' m='3' n='4' o='5' k='6' p='7'>text</a>");
    mynah_elem_free(e);
}

TEST(a_text_is_found_by_its_language)
{
    struct mynah_elem *e =
        parsed("<a xmlns='x'><b xml:lang='de'>d</b><b>n</b><b xml:lang='zh'>z</b>"
               "<c xml:lang='de'>c</c></a>");

    CHECK_STR(mn_str_from(mynah_elem_text_in(e, "b", "x", "zh")), "z");
    CHECK_STR(mn_str_from(mynah_elem_text_in(e, "b", "x", "en")), "n");
    CHECK_STR(mn_str_from(mynah_elem_text_in(e, "b", NULL, NULL)), "n");
    CHECK_STR(mn_str_from(mynah_elem_text_in(e, "c", "x", "en")), "c");
    CHECK(!mynah_elem_text_in(e, "d", "x", "en"));
    mynah_elem_free(e);
}

TEST(a_namespace_may_be_given_as_an_attribute)
{
    struct mynah_elem *e = mynah_elem_new("query", "urn:old");

    mynah_elem_set(e, "xmlns", "urn:new");
    mynah_elem_add(e, "item", NULL);
    is(e, "<query xmlns='urn:new'><item/></query>");
    CHECK(mynah_elem_is(mynah_elem_child(e, "item", "urn:new"), "item", NULL));
    mynah_elem_free(e);
}

TEST(a_document_may_say_what_it_is)
{
    struct mynah_elem *e = parsed("\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?>\n<a/>");

    is(e, "<a/>");
    mynah_elem_free(e);
}

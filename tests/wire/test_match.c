#include "test.h"
#include "wire/wire.h"

static bool same(const char *want, const char *got, bool exactly, struct vars *v)
{
    struct mn_list w, g;
    bool is;

    mn_list_init(&w);
    mn_list_init(&g);
    CHECK(items_parse(mn_str_from(want), &w) && items_parse(mn_str_from(got), &g));
    is = !mn_list_empty(&w) && !mn_list_empty(&g) &&
         match_item(v, MN_OF(w.next, struct item, link), MN_OF(g.next, struct item, link), exactly);
    items_free(&w);
    items_free(&g);
    return is;
}

TEST(an_expectation_matches_what_it_says_and_nothing_else)
{
    static const struct {
        bool same;
        const char *want, *got;
    } rows[] = {
        {true, "<iq id='1' type='get'/>", "<iq type=\"get\" id='1'></iq>"},
        {true, "<a>\n  <b/>\n</a>", "<a><b/></a>"},
        {true, "<a xmlns='x'><b/></a>", "<p:a xmlns:p='x'><p:b/></p:a>"},
        {true, "<a>&lt;b</a>", "<a><![CDATA[<b]]></a>"},
        {true, "<a x='{?}'/>", "<a/>"},
        {true, "<a x='{?}'/>", "<a x='1'/>"},
        {true, "<a>{*}<c/>{*}</a>", "<a><b/>text<c/></a>"},
        {true, "<a>{*}</a>", "<a/>"},
        {true, "<a x='{v}' y='{v}'/>", "<a x='1' y='1'/>"},
        {true, "<a x='r@{h}/{r}'>{r}</a>", "<a x='r@h.example/s/t'>s/t</a>"},
        {true, "<a x='{v}' y='{!v}'/>", "<a x='1' y='2'/>"},
        {false, "<a x='{v}' y='{!v}'/>", "<a x='1' y='1'/>"},
        {false, "<a x='{!v}'/>", "<a x='1'/>"},
        {false, "<a/>", "<b/>"},
        {false, "<a/>", "<a xmlns='x'/>"},
        {false, "<a/>", "<a x='1'/>"},
        {false, "<a x='1'/>", "<a/>"},
        {false, "<a x='1'/>", "<a x='2'/>"},
        {false, "<a xml:lang='en'/>", "<a lang='en'/>"},
        {false, "<a/>", "<a><b/></a>"},
        {false, "<a/>", "<a>text</a>"},
        {false, "<a><b/></a>", "<a/>"},
        {false, "<a><b/><c/></a>", "<a><c/><b/></a>"},
        {false, "<a><b/></a>", "<a><b/><b/></a>"},
        {false, "<a>one</a>", "<a>two</a>"},
        {false, "<a>one</a>", "<a> one</a>"},
        {false, "<a>{*}<c/></a>", "<a><c/><b/></a>"},
        {false, "<a x='{v}' y='{v}'/>", "<a x='1' y='2'/>"},
        {false, "<a x='{v}'/>", "<a x=''/>"},
        {false, "<a>{v}</a>", "<a><b/></a>"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct vars v = {0};

        if (same(rows[i].want, rows[i].got, false, &v) != rows[i].same)
            test_fail(__FILE__, __LINE__, "%s and %s", rows[i].want, rows[i].got);
        if (!rows[i].same)
            CHECK_INT(v.count, 0); /* what does not match binds nothing */
        mn_arena_done(&v.arena, NULL);
    }
}

TEST(exactly_compares_the_bytes_inside)
{
    struct vars v = {0};

    CHECK(same("<m a='1' b='2'><x y='1'/></m>", "<m b='2' a='1'><x y='1'/></m>", true, &v));
    CHECK(!same("<m><x y='1'/></m>", "<m><x y=\"1\"/></m>", true, &v));
    CHECK(!same("<m><x/></m>", "<m> <x/></m>", true, &v));
    CHECK(!same("<m a='1'><x/></m>", "<m a='2'><x/></m>", true, &v));
    mn_arena_done(&v.arena, NULL);
}

TEST(what_is_no_xml_is_no_expectation)
{
    static const char *const rows[] = {"<a>", "<a></b>", "text", "<a x='1' x='1'/>"};

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_list l;

        mn_list_init(&l);
        CHECK(!items_parse(mn_str_from(rows[i]), &l));
        items_free(&l);
    }
}

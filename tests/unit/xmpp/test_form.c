#include "xmpp/form.h"

#include "test.h"
#include "xmpp/xml.h"

static struct mn_elem *x_of(const char *type, const char *children, struct mn_arena *a)
{
    static const struct mn_xml_limits limits = {100000, 10, 10};
    struct mn_elem *out = NULL;

    CHECK(!mn_xml_parse(mn_arena_fmt(a, "<x xmlns='jabber:x:data'%s>%s</x>", type, children),
                        &limits, a, &out));
    return out;
}

TEST(a_form_is_read_or_is_none)
{
    static const struct {
        const char *type, *children;
        int e;
        size_t fields;
    } rows[] = {
        {" type='submit'", "<field var='a'><value>1</value></field>", MN_E_OK, 1},
        {" type='submit'", "", MN_E_OK, 0},
        {" type='cancel'", "", MN_E_OK, 0},
        {"", "<field var='a'/>", MN_E_FORMAT, 0},
        {" type='set'", "<field var='a'/>", MN_E_FORMAT, 0},
        {" type='submit'", "<field><value>1</value></field>", MN_E_FORMAT, 0},
        {" type='submit'", "<field var=''><value>1</value></field>", MN_E_FORMAT, 0},
        {" type='form'", "<field type='fixed'><value>Part 1</value></field>", MN_E_OK, 0},
        {" type='submit'", "<field var='a'/><field var='b'/><field var='a'/>", MN_E_FORMAT, 2},
        {" type='submit'", "<title/><other xmlns='o' var='a'/><field var='a'/>", MN_E_OK, 1},
        {" type='result'",
         "<reported><field var='a'/></reported><item><field var='a'/></item><item/>", MN_E_OK, 0},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_arena a = {0};
        struct mn_form f;

        CHECK_INT(mn_form_parse(x_of(rows[i].type, rows[i].children, &a), &a, &f), rows[i].e);
        CHECK_INT(f.count, rows[i].fields);
        mn_arena_done(&a, NULL);
    }
}

TEST(a_text_is_one_value)
{
    struct mn_arena a = {0};
    struct mn_form f;

    CHECK(!mn_form_parse(x_of(" type='submit'",
                              "<field var='one'><value>a &amp; b</value></field>"
                              "<field var='none'/><field var='empty'><value/></field>"
                              "<field var='two'><value>1</value><desc/><value>2</value></field>",
                              &a),
                         &a, &f));
    CHECK_STR(mn_form_text(&f, "one"), "a & b");
    CHECK(!mn_form_text(&f, "none").p && !mn_form_text(&f, "two").p);
    CHECK(mn_form_text(&f, "empty").p && !mn_form_text(&f, "empty").n);
    CHECK(!mn_form_find(&f, "three") && mn_form_find(&f, "none")->count == 0);
    CHECK_STR(mn_form_find(&f, "two")->values[1], "2");
    mn_arena_done(&a, NULL);
}

TEST(fields_have_a_limit)
{
    struct mn_arena a = {0};
    struct mn_buf b = {0};
    struct mn_form f;

    for (int i = 0; i < 256; i++)
        mn_buf_fmt(&b, "<field var='%d'/>", i);
    CHECK_INT(mn_form_parse(x_of(" type='submit'", b.p, &a), &a, &f), MN_E_OK);
    CHECK_INT(f.count, 256);
    mn_buf_fmt(&b, "<field var='256'/>");
    CHECK_INT(mn_form_parse(x_of(" type='submit'", b.p, &a), &a, &f), MN_E_LIMIT);
    mn_buf_free(&b);
    mn_arena_done(&a, NULL);
}

TEST(what_is_built_is_what_is_read)
{
    struct mn_arena a = {0};
    struct mn_elem *parent = mn_elem_new(&a, MN_NS_CLIENT, "q"), *x, *f;
    struct mn_buf b = {0};
    struct mn_form form;

    x = mn_form_add(&a, parent, MN_FORM_SUBMIT, "urn:t", "T", NULL);
    mn_form_lines(&a, mn_form_field(&a, x, "text-multi", "text", "Text"), MN_STR("a\n\nb"));
    f = mn_form_field(&a, x, NULL, "list", NULL);
    mn_form_value(&a, f, MN_STR("1"));
    mn_form_option(&a, f, MN_STR("1"));
    mn_form_option(&a, f, MN_STR("2"));
    mn_elem_write(&b, x, MN_STR(""));
    CHECK_STR(mn_buf_view(&b),
              "<x xmlns='jabber:x:data' type='submit'><title>T</title>"
              "<field var='FORM_TYPE' type='hidden'><value>urn:t</value></field>"
              "<field var='text' type='text-multi' label='Text'><value>a</value><value/>"
              "<value>b</value></field>"
              "<field var='list'><value>1</value><option><value>1</value></option>"
              "<option><value>2</value></option></field></x>");
    CHECK(!mn_form_parse(x, &a, &form));
    CHECK_STR(mn_form_text(&form, "FORM_TYPE"), "urn:t");
    CHECK_STR(mn_form_text(&form, "list"), "1");
    CHECK_INT(mn_form_find(&form, "text")->count, 3);
    mn_buf_free(&b);
    mn_arena_done(&a, NULL);
}

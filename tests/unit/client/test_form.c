#include "mynah/form.h"

#include <sys/resource.h>

#include "base/buf.h"
#include "mynah/base.h"
#include "test.h"

static struct mynah_form *parsed(const char *xml)
{
    struct mynah_elem *e;
    struct mynah_form *f;

    CHECK_INT(mynah_elem_parse(xml, &e), 0);
    f = mynah_form_read(e);
    mynah_elem_free(e);
    return f;
}

static void is_xml(const struct mynah_form *f, const char *want)
{
    struct mynah_elem *e = mynah_form_elem(f);
    char *xml = mynah_elem_xml(e);

    CHECK_STR(mn_str_from(xml), want);
    mynah_free(xml);
    mynah_elem_free(e);
}

TEST(a_form_is_read_with_all_it_says)
{
    struct mynah_form
        *f = parsed(
            "<q><x xmlns='jabber:x:data' "
            "type='form'><title>Room</title><instructions>One</instructions><instructions>Two</"
            "instructions>"
            "<field var='FORM_TYPE' type='hidden'><value>urn:f</value></field><field "
            "type='fixed'><value>Look</value></field>"
            "<field var='who' type='list-multi' "
            "label='Who'><required/><desc>why</desc><value>a</value><value>b</value>"
            "<option label='A'><value>a</value></option><option><value>b</value></option><option "
            "label='none'/></field>"
            "<field var='on' type='boolean'><value>1</value></field><field var='plain'/></x></q>"),
        *answer;
    const struct mynah_field *who;

    CHECK(f);
    CHECK_STR(mn_str_from(mynah_form_title(f)), "Room");
    CHECK_STR(mn_str_from(mynah_form_instructions(f)), "One\nTwo");
    CHECK_STR(mn_str_from(mynah_form_value(f, "FORM_TYPE")), "urn:f");
    who = mynah_form_find(f, "who");
    CHECK(who && who->required && who->value_count == 2 && who->option_count == 2 &&
          !strcmp(who->desc, "why"));
    CHECK_STR(mn_str_from(who->options[0].label), "A");
    CHECK(!who->options[1].label);
    CHECK(mynah_form_flag(f, "on") && !mynah_form_flag(f, "plain") && !mynah_form_flag(f, "no"));
    CHECK(!mynah_form_at(f, 1)->var && !mynah_form_at(f, 5) && !mynah_form_value(f, "plain"));
    CHECK_STR(mn_str_from(mynah_form_at(f, 4)->type), "text-single");
    answer = mynah_form_answer(f);
    mynah_form_set(answer, "who", "c");
    mynah_form_set(answer, "plain", "<text>");
    is_xml(answer, "<x xmlns='jabber:x:data' type='submit'><field type='hidden' "
                   "var='FORM_TYPE'><value>urn:f</value></field>"
                   "<field type='list-multi' var='who'><value>c</value></field><field "
                   "type='boolean' var='on'><value>1</value></field>"
                   "<field type='text-single' var='plain'><value>&lt;text&gt;</value></field></x>");
    mynah_form_free(answer);
    mynah_form_free(f);
}

TEST(a_table_of_results_is_read_by_rows_and_columns)
{
    struct mynah_form *f = parsed("<x xmlns='jabber:x:data' type='result'><reported><field var='a' "
                                  "label='A'/><field var='b'/></reported>"
                                  "<item><field var='b'><value>2</value></field><field "
                                  "var='a'><value>1</value></field></item>"
                                  "<item><field var='a'><value>3</value></field></item></x>");

    CHECK_INT(mynah_form_rows(f), 2);
    CHECK_STR(mn_str_from(mynah_form_column(f, 0)->label), "A");
    CHECK(mynah_form_column(f, 1) && !mynah_form_column(f, 2));
    CHECK_STR(mn_str_from(mynah_form_cell(f, 0, "a")), "1");
    CHECK_STR(mn_str_from(mynah_form_cell(f, 1, "a")), "3");
    CHECK(!mynah_form_cell(f, 1, "b") && !mynah_form_cell(f, 2, "a"));
    CHECK(!mynah_form_cell(f, 0, NULL) && !mynah_form_find(f, NULL)); /* a column without a name */
    mynah_form_free(f);
    CHECK(!parsed("<x xmlns='urn:other'/>"));
}

TEST(a_form_is_built_field_by_field)
{
    struct mynah_form *f = mynah_form_new("form", "urn:f");
    const char *two[] = {"x", "y"};

    mynah_form_describe(f, "T", "I");
    mynah_form_add(f, "list-single", "l", "L", true);
    mynah_form_option(f, "l", "X", "x");
    mynah_form_option(f, "l", NULL, "y");
    mynah_form_set_all(f, "l", two, 2);
    mynah_form_set(f, "l", "y");
    mynah_form_set(f, "new", "n");
    mynah_form_set(f, "new", NULL);
    is_xml(f, "<x xmlns='jabber:x:data' type='form'><field type='hidden' "
              "var='FORM_TYPE'><value>urn:f</value></field>"
              "<title>T</title><instructions>I</instructions><field type='list-single' var='l' "
              "label='L'><required/>"
              "<option "
              "label='X'><value>x</value></option><option><value>y</value></option><value>y</"
              "value></field>"
              "<field var='new'/></x>");
    mynah_form_free(f);
}

/* Each of them a line, and all of them one text, which costs no peer's square. */
TEST(many_instructions_cost_what_they_are)
{
    enum { MANY = 20000, KIB = 100 << 10 };
    struct mn_buf xml = {0};
    struct rusage before, after;
    struct mynah_form *f;

    mn_buf_lit(&xml, "<x xmlns='jabber:x:data'>");
    for (int i = 0; i < MANY; i++)
        mn_buf_lit(&xml, "<instructions>a</instructions>");
    mn_buf_lit(&xml, "</x>");
    mn_buf_c(&xml, 0);
    getrusage(RUSAGE_SELF, &before);
    f = parsed(xml.p);
    getrusage(RUSAGE_SELF, &after);
    CHECK_INT(strlen(mynah_form_instructions(f)), 2 * MANY - 1);
    CHECK(after.ru_maxrss - before.ru_maxrss < KIB);
    mynah_form_free(f);
    mn_buf_free(&xml);
}

#include "im/form.h"

#include "base/file.h"
#include "test.h"

static struct im_form *asked(const char *inside)
{
    struct mn_buf b = {0};
    struct mynah_elem *e;
    struct mynah_form *from;
    struct im_form *f;

    mn_buf_fmt(&b, "<x xmlns='jabber:x:data' type='form'>%s</x>", inside);
    mn_buf_c(&b, 0);
    CHECK_INT(mynah_elem_parse(b.p, &e), 0);
    from = mynah_form_read(e);
    f = im_form_read(from);
    mynah_form_free(from);
    mynah_elem_free(e);
    mn_buf_free(&b);
    return f;
}

static void answers(const struct im_form *f, const char *want)
{
    struct mynah_form *answer = im_form_answer(f);
    struct mynah_elem *e = mynah_form_elem(answer);
    char *xml = mynah_elem_xml(e);

    CHECK_STR(mn_str_from(xml), want);
    mynah_free(xml);
    mynah_elem_free(e);
    mynah_form_free(answer);
}

#define SUBMIT "<x xmlns='jabber:x:data' type='submit'>"

TEST(every_type_of_field_has_a_kind_and_its_answer)
{
    static const struct {
        const char *type, *value, *set;
        enum im_field_kind kind;
        const char *answer;
    } rows[] = {
        {"text-single", "a", "b", IM_FIELD_TEXT, "<value>b</value>"},
        {"text-private", "", "b", IM_FIELD_SECRET, "<value>b</value>"},
        {"text-multi", "a", "b\n\nc\n", IM_FIELD_LINES, "<value>b</value><value/><value>c</value>"},
        {"jid-single", "", "b@c", IM_FIELD_TEXT, "<value>b@c</value>"},
        {"jid-multi", "", "b@c\nd@c", IM_FIELD_LINES, "<value>b@c</value><value>d@c</value>"},
        {"what-is-this", "a", "b", IM_FIELD_TEXT, "<value>b</value>"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        char text[300];
        struct im_form *f;

        snprintf(text, sizeof text, "<field var='v' type='%s'><value>%s</value></field>",
                 rows[i].type, rows[i].value);
        f = asked(text);
        CHECK_INT(f->count, 1);
        CHECK_INT(f->fields[0].kind, rows[i].kind);
        CHECK_STR(mn_str_from(f->fields[0].value), rows[i].value);
        im_field_set(&f->fields[0], rows[i].set);
        snprintf(text, sizeof text, SUBMIT "<field var='v' type='%s'>%s</field></x>", rows[i].type,
                 rows[i].answer);
        answers(f, text);
        im_form_free(f);
    }
}

TEST(choices_are_made_and_what_was_not_touched_goes_back_as_it_came)
{
    struct im_form *f = asked(
        "<field type='fixed'><value>Look</value></field>"
        "<field var='h' type='hidden'><value>kept</value></field>"
        "<field var='one' type='list-single'><value>odd</value><option label='A'><value>a</value>"
        "</option><option><value>b</value></option></field>"
        "<field var='many' type='list-multi'><value>b</value><option><value>a</value></option>"
        "<option><value>b</value></option></field>"
        "<field var='on' type='boolean'><value>true</value></field>");

    CHECK_INT(f->count, 4);
    CHECK(f->fields[3].checked && f->fields[2].options[1].chosen);
    answers(f, SUBMIT "<field var='h' type='hidden'><value>kept</value></field>"
                      "<field var='one' type='list-single'><value>odd</value></field>"
                      "<field var='many' type='list-multi'><value>b</value></field>"
                      "<field var='on' type='boolean'><value>true</value></field></x>");
    im_field_choose(im_form_find(f, "one"), 0);
    im_field_choose(im_form_find(f, "one"), 1);
    im_field_choose(im_form_find(f, "many"), 0);
    f->fields[3].checked = false;
    f->fields[3].touched = true;
    CHECK_STR(mn_str_from(im_form_value(f, "one")), "b");
    answers(f, SUBMIT "<field var='h' type='hidden'><value>kept</value></field>"
                      "<field var='one' type='list-single'><value>b</value></field>"
                      "<field var='many' type='list-multi'><value>a</value><value>b</value></field>"
                      "<field var='on' type='boolean'><value>0</value></field></x>");
    im_form_free(f);
}

#define RULE(type, inside)                                                                         \
    "<validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='" type "'>" inside      \
    "</validate>"

TEST(rules_are_kept)
{
    static const struct {
        const char *type, *rule, *good, *bad, *says;
    } rows[] = {
        {"text-single", "<required/>", "x", "", "this has to be filled in"},
        {"jid-single", "", "a@b", "a@@b", "an address like name@server"},
        {"jid-multi", "", "a@b\n\nc@d", "a@b\n@", "an address like name@server"},
        {"text-single", RULE("xs:integer", ""), "-12", "1.5", "a whole number"},
        {"text-single", RULE("xs:byte", "<basic/>"), "127", "128", "a whole number"},
        {"text-single", RULE("xs:decimal", "<range min='0.5' max='2'/>"), "1.25", "2.01",
         "a number from 0.5 to 2"},
        {"text-single", RULE("xs:integer", "<range min='3'/>"), "3", "2",
         "a whole number from 3 on"},
        {"text-single", RULE("xs:date", ""), "2026-12-31Z", "2026-12-3", "a date like 2026-12-31"},
        {"text-single", RULE("xs:dateTime", ""), "2003-10-06T11:22:00.5-07:00",
         "2003-10-06 11:22:00", "a time like 2026-12-31T23:59:00Z"},
        {"list-single", RULE("xs:int", "<open/>"), "7", "seven", "a whole number"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        char text[400];
        struct im_form *f;
        struct mn_buf why = {0};

        snprintf(text, sizeof text, "<field var='v' type='%s'><value>0</value>%s</field>",
                 rows[i].type, rows[i].rule);
        f = asked(text);
        im_field_set(&f->fields[0], rows[i].good);
        CHECK(!im_field_wrong(&f->fields[0], &why));
        im_field_set(&f->fields[0], rows[i].bad);
        CHECK(im_field_wrong(&f->fields[0], &why));
        CHECK_STR(mn_buf_view(&why), rows[i].says);
        mn_buf_free(&why);
        im_form_free(f);
    }
}

TEST(so_many_options_as_are_allowed)
{
    struct im_form *f = asked("<field var='v' type='list-multi'>" RULE(
        "xs:string", "<basic/><list-range min='1' max='2'/>") "<option><value>a</value></option>"
                                                              "<option><value>b</value></option>"
                                                              "<option><value>c</value></option>"
                                                              "</field>");
    struct mn_buf why = {0};

    for (size_t i = 0; i < 3; i++) {
        CHECK(!im_field_wrong(&f->fields[0], &why));
        im_field_choose(&f->fields[0], i);
    }
    CHECK(im_field_wrong(&f->fields[0], &why));
    CHECK_STR(mn_buf_view(&why), "at least 1 of them, at most 2 of them");
    mn_buf_free(&why);
    im_form_free(f);
}

TEST(results_are_a_table_whose_rows_know_their_address)
{
    struct mynah_elem *e;
    struct mynah_form *from;
    struct im_form *f;

    CHECK_INT(
        mynah_elem_parse(
            "<x xmlns='jabber:x:data' type='result'><reported><field var='n' label='Name'/>"
            "<field var='jid' type='jid-single'/><field/></reported><item><field var='jid'>"
            "<value>a@b</value></field><field var='n'><value>Ann</value></field></item><item/>"
            "<field var='up' type='boolean' label='Up'><value>1</value></field></x>",
            &e),
        0);
    from = mynah_form_read(e);
    f = im_form_read(from);
    CHECK_INT(f->column_count, 3);
    CHECK_INT(f->row_count, 2);
    CHECK_STR(mn_str_from(f->columns[0]), "Name");
    CHECK(f->columns[2] && !*f->columns[2]); /* it has no name at all */
    CHECK_STR(mn_str_from(f->rows[0].cells[0]), "Ann");
    CHECK_STR(mn_str_from(f->rows[0].key), "a@b");
    CHECK_STR(mn_str_from(f->rows[1].cells[1]), "");
    CHECK_INT(f->fields[0].kind, IM_FIELD_FIXED);
    CHECK_STR(mn_str_from(f->fields[0].value), "yes");
    im_form_free(f);
    mynah_form_free(from);
    mynah_elem_free(e);
}

#define PICTURE                                                                                    \
    "<field var='ocr'><media xmlns='urn:xmpp:media-element'><uri type='image/png'>%s</uri>"        \
    "</media></field>"

/* What came along is a file as long as the form is there; a page is a page. */
TEST(pictures_that_came_along_are_files)
{
    static const struct {
        const char *uri, *data, *link; /* "": a file */
    } rows[] = {
        {"cid:1@bob", "<data xmlns='urn:xmpp:bob' cid='1@bob' type='image/png'>cG\nljdA==</data>",
         ""},
        {"cid:2@bob", "<data xmlns='urn:xmpp:bob' cid='1@bob' type='image/png'>cGljdA==</data>",
         NULL},
        {"cid:1@bob", "<data xmlns='urn:xmpp:bob' cid='1@bob' type='text/html'>cGljdA==</data>",
         NULL},
        {"cid:1@bob", "<data xmlns='urn:xmpp:bob' cid='1@bob' type='image/png'>***</data>", NULL},
        {" https://a/b.png ", "", "https://a/b.png"},
        {"file:///etc/passwd", "", NULL},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_arena a = {0};
        struct mynah_elem *around;
        char *path = NULL;
        mn_str bytes;
        struct im_form *f = asked(mn_arena_fmt(&a, PICTURE, rows[i].uri).p);

        CHECK_INT(mynah_elem_parse(mn_arena_fmt(&a, "<query xmlns='q'>%s</query>", rows[i].data).p,
                                   &around),
                  0);
        im_form_media(f, around);
        if (rows[i].link && *rows[i].link) {
            CHECK_STR(mn_str_from(f->fields[0].link), rows[i].link);
        } else if (rows[i].link) {
            path = mn_arena_cstr(&a, mn_str_from(f->fields[0].link));
            CHECK_INT(mn_file_read(path, 100, &a, &bytes), 0);
            CHECK_STR(bytes, "pict");
        } else {
            CHECK(!f->fields[0].link && f->fields[0].media);
        }
        im_form_free(f);
        CHECK(!path || mn_file_read(path, 100, &a, &bytes) == MN_E_NOT_FOUND);
        mynah_elem_free(around);
        mn_arena_done(&a, NULL);
    }
}

/* Ten thousand fields, endless labels and values: cut to the limits, and answered whole. */
TEST(a_strangers_form_is_cut_to_limits)
{
    struct mn_buf b = {0};
    struct im_form *f;
    struct mynah_form *answer;

    mn_buf_lit(&b, "<field var='long' label='");
    for (int i = 0; i < 5000; i++)
        mn_buf_lit(&b, "长");
    mn_buf_lit(&b, "'><value>");
    for (int i = 0; i < 20000; i++)
        mn_buf_lit(&b, "x");
    mn_buf_lit(&b, "</value></field><field var='many' type='list-multi'>");
    for (int i = 0; i < 1000; i++)
        mn_buf_fmt(&b, "<option><value>%d</value></option>", i);
    mn_buf_lit(&b, "</field>");
    for (int i = 0; i < 9998; i++)
        mn_buf_fmt(&b, "<field var='f%d' type='boolean'><value>1</value></field>", i);
    mn_buf_c(&b, 0);
    f = asked(b.p);
    CHECK_INT(f->count, IM_FORM_FIELDS);
    CHECK_INT(f->left_out, 10000 - IM_FORM_FIELDS);
    CHECK_INT(strlen(f->fields[0].label), IM_FORM_LABEL + strlen("…"));
    CHECK(f->fields[0].locked);
    CHECK_INT(strlen(f->fields[0].value), IM_FORM_VALUE + strlen("…"));
    CHECK_INT(f->fields[1].option_count, IM_FORM_OPTIONS);
    answer = im_form_answer(f);
    CHECK_INT(strlen(mynah_form_value(answer, "long")), 20000);
    CHECK(mynah_form_at(answer, 9999) && !mynah_form_at(answer, 10000));
    CHECK(mynah_form_flag(answer, "f9997"));
    mynah_form_free(answer);
    im_form_free(f);
    mn_buf_free(&b);
}

TEST(plain_names_have_labels_and_go_back_as_names)
{
    static const char *const names[] = {"username", "password", "email"}, *const values[] = {
                                                                              "ann", "", ""};
    struct im_form *f = im_form_plain("Fill in", names, values, 3);
    struct mn_arena a = {0};
    const char *const *n, *const *v;
    struct im_field *ours;

    CHECK_STR(mn_str_from(f->fields[0].label), "User name");
    CHECK_INT(f->fields[1].kind, IM_FIELD_SECRET);
    CHECK(f->fields[1].required && !f->fields[2].required);
    im_field_set(&f->fields[1], "pw");
    ours = im_form_add(f, IM_FIELD_ONE, "keep", "Keep it", NULL);
    ours->ours = true;
    im_form_option(f, ours, "no", "no", true);
    CHECK_STR(mn_str_from(im_form_value(f, "keep")), "no");
    CHECK_INT(im_form_answers(f, &a, &n, &v), 3);
    CHECK_STR(mn_str_from(n[1]), "password");
    CHECK_STR(mn_str_from(v[1]), "pw");
    mn_arena_done(&a, NULL);
    im_form_free(f);
}

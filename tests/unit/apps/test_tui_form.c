#include "apps/mynah/tui_form.h"

#include <locale.h>

#include "test.h"

/* The screen as text; the cursor is a bar. */
static void screen_is(struct form *f, int width, const char *want)
{
    struct form_rows rows;
    struct mn_buf b = {0};

    form_layout(f, width, &rows);
    for (int i = 0; i < rows.n; i++) {
        size_t n = strlen(rows.items[i].text);

        while (n && rows.items[i].text[n - 1] == ' ')
            n--;
        mn_buf_fmt(&b, "%.*s\n", (int)n, rows.items[i].text);
    }
    CHECK_STR(mn_buf_view(&b), want);
    mn_buf_free(&b);
    form_rows_free(&rows);
}

static struct im_form *read_form(const char *xml)
{
    struct mynah_elem *e;
    struct mynah_form *from;
    struct im_form *f;

    CHECK_INT(mynah_elem_parse(xml, &e), 0);
    from = mynah_form_read(e);
    f = im_form_read(from);
    mynah_form_free(from);
    mynah_elem_free(e);
    return f;
}

static const struct form_button buttons[] = {{"Save", 7, true}, {"Cancel", -1, false}, {0}};

static struct form *opened(const char *inside, bool picks)
{
    struct mn_buf b = {0};
    struct im_form *asked;

    setlocale(LC_CTYPE, "C.UTF-8");
    mn_buf_fmt(&b, "<x xmlns='jabber:x:data' type='form'>%s</x>", inside);
    mn_buf_c(&b, 0);
    asked = read_form(b.p);
    mn_buf_free(&b);
    return form_new(&asked, buttons, picks);
}

static enum form_end keyed(struct form *f, int key)
{
    int value = 0;
    enum form_end end = form_key(f, key, &value);

    return end == FORM_OPEN ? FORM_OPEN : end + 100 * value;
}

static void type(struct form *f, const char *text)
{
    while (*text)
        keyed(f, *text++);
}

#define ROOM                                                                                       \
    "<title>Room</title><instructions>Fill in</instructions>"                                      \
    "<field type='fixed'><value>First</value></field>"                                             \
    "<field var='name' label='名字' type='text-single'><required/><desc>what it is "             \
    "called</desc></field>"                                                                        \
    "<field var='pw' label='Password' type='text-private'><value>abc</value></field>"              \
    "<field var='all' label='Everybody may come in' type='boolean'/>"                              \
    "<field var='who' label='Seen by' type='list-single'><value>b</value>"                         \
    "<option label='all of them'><value>a</value></option>"                                        \
    "<option label='moderators'><value>b</value></option></field>"                                 \
    "<field var='more' label='More' "                                                              \
    "type='text-multi'><value>one</value><value>two</value></field>"

TEST(the_cursor_goes_straight_up_in_lines_of_a_field)
{
    struct form *f = opened("<field var='l' label='Lines' type='text-multi'><value>北京天安</value>"
                            "<value>abcd</value></field>",
                            false);

    keyed(f, LINE_UP);
    type(f, "x");
    CHECK(!strcmp(f->line->text, "北京x天安\nabcd"));
    form_free(f);
}

TEST(a_form_is_shown_filled_in_and_pressed)
{
    struct form *f = opened(ROOM, false);

    screen_is(f, 60,
              "Room\nFill in\n\nFirst\n> 名字 *    [                                        ]\n"
              "    what it is called\n  Password  [***                                     ]\n"
              "  [ ] Everybody may come in\n  Seen by   <moderators>\n"
              "  More      [one                                     ]\n"
              "            [two                                     ]\n\n  [ Save ]  [ Cancel ]\n");
    CHECK_INT(keyed(f, LINE_UP), FORM_OPEN);
    for (int i = 0; i < 5; i++)
        keyed(f, '\t');
    CHECK_INT(keyed(f, '\r'), FORM_OPEN); /* the name is missing */
    CHECK_INT(f->wrong, 1);
    type(f, "x y");
    keyed(f, '\r');
    keyed(f, LINE_BACKSPACE);
    keyed(f, LINE_DOWN);
    keyed(f, ' ');
    keyed(f, LINE_DOWN);
    keyed(f, LINE_LEFT);
    keyed(f, '\t');
    screen_is(f, 60,
              "Room\nFill in\n\nFirst\n  名字 *    [x y                                     ]\n"
              "  Password  [**                                      ]\n"
              "  [x] Everybody may come in\n  Seen by   <all of them>\n"
              "> More      [one                                     ]\n"
              "            [two                                     ]\n\n  [ Save ]  [ Cancel ]\n");
    keyed(f, LINE_UP); /* inside the text */
    type(f, "2\r3");
    keyed(f, '\t');
    CHECK_INT(keyed(f, '\r'), FORM_PRESSED + 700);
    CHECK_STR(mn_str_from(im_form_value(f->asked, "name")), "x y");
    CHECK_STR(mn_str_from(im_form_value(f->asked, "pw")), "ab");
    CHECK_STR(mn_str_from(im_form_value(f->asked, "who")), "a");
    CHECK_STR(mn_str_from(im_form_value(f->asked, "more")), "one2\n3\ntwo");
    CHECK(im_form_find(f->asked, "all")->checked);
    form_free(f);
}

TEST(narrow_screens_have_labels_above_and_options_below)
{
    struct form *f = opened("<field var='who' label='Who may see the addresses of people' "
                            "type='list-multi'><option><value>a</value></option><option>"
                            "<value>b</value></option></field>",
                            false);

    keyed(f, '\r');
    keyed(f, LINE_DOWN);
    keyed(f, ' ');
    screen_is(f, 30,
              "  Who may see the addresses of\n  people\n    <b>\n     [ ] a\n>    [x] b\n\n"
              "  [ Save ]  [ Cancel ]\n");
    CHECK_INT(keyed(f, 27), FORM_OPEN);
    CHECK_INT(keyed(f, 27), FORM_LEFT);
    form_free(f);
}

TEST(rows_of_a_table_are_looked_for_and_picked)
{
    struct im_form *asked = im_form_new("Rooms", NULL);
    struct form *f;

    setlocale(LC_CTYPE, "C.UTF-8");
    im_form_column(asked, "Room");
    im_form_column(asked, "Name");
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"garden", "kitchen", "厨房 long name"};
        struct im_row *row = im_form_row(asked, names[i]);

        im_form_cell(asked, row, 0, names[i]);
        im_form_cell(asked, row, 1, i ? "a room to cook" : "outside");
    }
    f = form_new(&asked, buttons, true);
    type(f, "cook");
    keyed(f, LINE_DOWN);
    screen_is(f, 26,
              "Rooms\n\n  with: cook\n  Room            Name\n  kitchen         a room …\n"
              "> 厨房 long name  a room …\n\n  [ Save ]  [ Cancel ]\n");
    CHECK_INT(keyed(f, '\r'), FORM_PICKED + 200);
    form_free(f);
}

/* Nothing of it is a command to the terminal, nothing turns around, and no row is longer than the
 * screen. */
static int clicked(struct form *f, int row, int column)
{
    struct form_rows rows;
    int value = 0;
    enum form_end end;

    form_layout(f, 60, &rows);
    end = form_click(f, &rows, row, column, &value);
    form_rows_free(&rows);
    return end == FORM_OPEN ? FORM_OPEN : (int)end + 100 * value;
}

TEST(a_click_does_what_the_keys_would)
{
    struct form *f = opened(ROOM, false);

    type(f, "x");
    CHECK_INT(clicked(f, 0, 0), FORM_OPEN); /* the title is nothing */
    CHECK_INT(clicked(f, 7, 30), FORM_OPEN);
    CHECK_STR(mn_str_from(im_form_value(f->asked, "name")), "x"); /* what was typed is kept */
    screen_is(f, 60,
              "Room\nFill in\n\nFirst\n  名字 *    [x                                       ]\n"
              "  Password  [***                                     ]\n"
              "> [x] Everybody may come in\n  Seen by   <moderators>\n"
              "  More      [one                                     ]\n"
              "            [two                                     ]\n\n  [ Save ]  [ Cancel ]\n");
    clicked(f, 7, 0);
    screen_is(f, 60,
              "Room\nFill in\n\nFirst\n  名字 *    [x                                       ]\n"
              "  Password  [***                                     ]\n"
              "  [x] Everybody may come in\n  Seen by   <moderators>\n"
              "     ( ) all of them\n>    (*) moderators\n"
              "  More      [one                                     ]\n"
              "            [two                                     ]\n\n  [ Save ]  [ Cancel ]\n");
    clicked(f, 7, 0); /* shuts the list again, */
    CHECK_INT(f->open, -1);
    clicked(f, 7, 0);
    clicked(f, 6, 5); /* as does whatever is not in it */
    CHECK_INT(f->open, -1);
    CHECK(!im_form_find(f->asked, "all")->checked);
    clicked(f, 7, 0);
    clicked(f, 8, 50);
    CHECK_INT(f->open, -1);
    clicked(f, 9, 20); /* the second line of the field has it, too */
    type(f, "!");
    CHECK_INT(clicked(f, 11, 1), FORM_OPEN);
    CHECK_INT(clicked(f, 11, 14), FORM_PRESSED - 100);
    CHECK_INT(clicked(f, 11, 2), FORM_PRESSED + 700);
    CHECK_STR(mn_str_from(im_form_value(f->asked, "more")), "one\ntwo!");
    CHECK(im_form_find(f->asked, "who")->options[0].chosen);
    form_free(f);
}

TEST(a_row_is_picked_by_the_second_click)
{
    struct im_form *asked = im_form_new("Rooms", NULL);
    struct form *f;

    im_form_column(asked, "Room");
    for (int i = 0; i < 3; i++)
        im_form_cell(asked, im_form_row(asked, "r"), 0, "r");
    f = form_new(&asked, buttons, true);
    CHECK_INT(clicked(f, 4, 0), FORM_OPEN);
    CHECK_INT(clicked(f, 2, 0), FORM_OPEN); /* what stands above the columns */
    CHECK_INT(clicked(f, 5, 0), FORM_OPEN);
    CHECK_INT(clicked(f, 5, 7), FORM_PICKED + 200);
    type(f, "no r");
    CHECK_INT(keyed(f, ' '), FORM_OPEN); /* of what is looked for, though no row is left */
    CHECK_STR(mn_str_from(f->filter), "no r ");
    form_free(f);
}

TEST(a_strangers_form_is_harmless)
{
    struct mn_buf b = {0};
    struct form *f;
    struct form_rows rows;
    struct im_form *asked = im_form_new("\033[2J\xe2\x80\xae title", "\033]0;x\007");

    for (int i = 0; i < 1000; i++)
        im_form_add(asked, IM_FIELD_TEXT, "v", "\x1b[31m\xe2\x81\xa6 label",
                    "\xc2\x9b"
                    "31m");
    im_form_find(asked, "v")->kind = IM_FIELD_CHECK;
    im_form_find(asked, "v")->label = "";
    f = form_new(&asked, buttons, false);
    form_layout(f, 40, &rows);
    CHECK(rows.n > IM_FORM_FIELDS);
    for (int i = 0; i < rows.n; i++)
        mn_buf_fmt(&b, "%s\n", rows.items[i].text);
    mn_buf_c(&b, 0);
    CHECK(!strpbrk(b.p, "\033\007") && !strstr(b.p, "\xe2\x80\xae") && !strstr(b.p, "\xc2\x9b") &&
          !strstr(b.p, "\xe2\x81\xa6"));
    CHECK(strstr(b.p, "700 more are not shown"));
    mn_buf_free(&b);
    form_rows_free(&rows);
    form_free(f);
}

TEST(escape_leads_to_the_commands_of_vi_before_it_leaves)
{
    struct form *f = opened("<field var='a' label='A'><value>one two</value></field>", false);

    keyed(f, LINE_CTRL('R')); /* there are no older lines to look for */
    type(f, "!");
    f->line->style = LINE_VI;
    CHECK_INT(keyed(f, LINE_ESCAPE), FORM_OPEN);
    type(f, "bx");
    screen_is(f, 50, ": A  [one wo!                                 ]\n\n  [ Save ]  [ Cancel ]\n");
    keyed(f, '\t');
    CHECK_INT(keyed(f, '\r'), FORM_PRESSED + 700);
    CHECK_STR(mn_str_from(im_form_value(f->asked, "a")), "one wo!");
    keyed(f, FORM_BACK);
    CHECK_INT(keyed(f, LINE_ESCAPE), FORM_OPEN);
    CHECK_INT(keyed(f, LINE_ESCAPE), FORM_LEFT);
    form_free(f);
}

/* Each flag is eight bytes and two columns; a box that counted them otherwise never ended. */
TEST(a_text_of_flags_is_scrolled)
{
    struct mn_buf b = {0};
    struct form *f;

    mn_buf_lit(&b, "<field var='a' label='A'><value>");
    for (int i = 0; i < 100; i++)
        mn_buf_lit(&b, "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa");
    mn_buf_lit(&b, "</value></field>");
    mn_buf_c(&b, 0);
    f = opened(b.p, false);
    for (int i = 0; i < 80; i++)
        keyed(f, LINE_LEFT);
    while (f->line->at)
        keyed(f, LINE_BACKSPACE);
    screen_is(f, 50, "> A  [🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪… ]\n\n  [ Save ]  [ Cancel ]\n");
    form_free(f);
    mn_buf_free(&b);
}

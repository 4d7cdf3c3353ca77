/* covers: mynah_form_read im_form_read im_form_answer form_layout form_click
 * A form that a stranger sent, on the screen of the terminal client: the first line are keys, the
 * rest is the form. Whatever is pressed, no row is wider than the screen or has a command to the
 * terminal in it, and the answer has the fields that were asked for, with what they proposed until
 * they are changed. */
#include <locale.h>
#include <string.h>

#include "apps/mynah/text.h"
#include "apps/mynah/tui_form.h"
#include "base/err.h"

#define NS_DATA "jabber:x:data"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct form_button buttons[] = {{"Save", 0, true}, {"Cancel", -1, false}, {0}};

/* What the program would have sent with no person in between. */
static void unchanged(const struct mynah_form *from, const struct im_form *asked)
{
    struct mynah_form *want = mynah_form_answer(from), *got = im_form_answer(asked);
    const struct mynah_field *w, *g;

    for (size_t i = 0; (w = mynah_form_at(want, i)); i++) {
        g = mynah_form_at(got, i);
        MN_ASSERT(g && !strcmp(g->var, w->var) && g->value_count == w->value_count);
        for (size_t v = 0; v < w->value_count; v++)
            MN_ASSERT(!strcmp(g->values[v], w->values[v]));
    }
    mynah_form_free(want);
    mynah_form_free(got);
}

static void answered(const struct form *f)
{
    struct mynah_form *answer = im_form_answer(f->asked);
    const struct mynah_field *got;
    size_t i = 0;

    MYNAH_EACH(field, f->asked->x, "field", NS_DATA)
    {
        const char *var = mynah_elem_get(field, "var"), *type = mynah_elem_get(field, "type");

        if (!var || (type && !strcmp(type, "fixed")))
            continue;
        got = mynah_form_at(answer, i++);
        MN_ASSERT(got && !strcmp(got->var, var));
    }
    MN_ASSERT(!mynah_form_at(answer, i));
    mynah_form_free(answer);
}

static void row_check(const struct form_row *row, int width)
{
    size_t n = strlen(row->text);
    char *safe = text_screen(row->text, "");

    MN_ASSERT(!strcmp(safe, row->text) && text_width(row->text) <= width);
    MN_ASSERT(row->from >= 0 && row->from <= row->to && (size_t)row->to <= n);
    mn_free(safe);
}

static void drawn(struct form *f, int width, int height)
{
    struct form_rows rows;
    int top;

    form_layout(f, width, &rows);
    for (int i = 0; i < rows.n; i++)
        row_check(&rows.items[i], width);
    MN_ASSERT(rows.focus < rows.n && rows.cursor < rows.n);
    MN_ASSERT(rows.cursor < 0 || (rows.column >= 0 && rows.column < width));
    top = form_top(f, &rows, height);
    MN_ASSERT(top >= 0 && top < rows.n);
    form_rows_free(&rows);
}

static int key_of(uint8_t c)
{
    static const int keys[] = {
        LINE_LEFT,   LINE_RIGHT,     LINE_UP,        LINE_DOWN, LINE_HOME,    LINE_END,
        LINE_DELETE, LINE_WORD_LEFT, LINE_BACKSPACE, FORM_BACK, FORM_PAGE_UP, FORM_PAGE_DOWN,
        0x1f1e9,     0x301,          0x5317,         0x200d,    '\r',         LINE_ALT | '\r'};

    return c < 0x80 ? c : keys[c % MN_COUNT(keys)];
}

static enum form_end clicked(struct form *f, int width, int at, int *value)
{
    struct form_rows rows;
    enum form_end end;

    form_layout(f, width, &rows);
    end = form_click(f, &rows, at / 4, at % 4 * 8 + 3, value);
    form_rows_free(&rows);
    return end;
}

/* Drawing takes most of the time: so many keys are pressed for each, and one follows the last. */
enum { DRAWN = 8 };

static void pressed(struct form *f, mn_str keys)
{
    int width = 80, value = 0;

    for (size_t i = 0; i < keys.n; i++) {
        enum form_end end = FORM_OPEN;
        uint8_t key = (uint8_t)keys.p[i];

        if (key == 0xff)
            form_paste(f, "a\nb\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", 11);
        else if (key == 0xfe)
            width = width == 80 ? 20 : 80;
        else if (key == 0xfd && i + 1 < keys.n)
            end = clicked(f, width, (uint8_t)keys.p[++i], &value);
        else
            end = form_key(f, key_of(key), &value);
        if (end == FORM_LEFT)
            return;
        if (end == FORM_PRESSED)
            answered(f);
        if (i % DRAWN == 0 || i + 1 >= keys.n)
            drawn(f, width, 12);
    }
}

static void shown(const struct mynah_form *from, mn_str keys)
{
    struct im_form *asked = im_form_read(from);
    struct form *f;

    unchanged(from, asked);
    f = form_new(&asked, buttons, keys.n % 2);
    f->line->style = keys.n % 3 ? LINE_EMACS : LINE_VI;
    drawn(f, 80, 24);
    pressed(f, keys);
    answered(f);
    form_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mn_str rest, keys = mn_str_cut((mn_str){(const char *)data, size}, '\n', &rest);
    char *xml = mn_str_dup(rest);
    struct mynah_elem *e = NULL;
    struct mynah_form *from;

    setlocale(LC_CTYPE, "C.UTF-8");
    if (strlen(xml) == rest.n && !mynah_elem_parse(xml, &e)) {
        from = mynah_form_read(e);
        if (from)
            shown(from, keys);
        mynah_form_free(from);
        mynah_elem_free(e);
    }
    mn_free(xml);
    return 0;
}

/* What stands in the rows of a form:
 *
 *   title
 *   what is wrong, instructions
 *   > label *      [value             ]
 *     label        [x]
 *     label        <choice>
 *   rows of a table
 *   [>Button<]  [ Button ]
 */
#include <stdio.h>
#include <string.h>

#include "apps/mynah/tui_form.h"
#include "apps/mynah/text.h"
#include "base/err.h"
#include "im/lang.h"

enum { BOX = 40, LINES_SHOWN = 6, GAP = 2 };

static struct form_row *row_add(struct form_rows *r, enum form_style style, mn_str text)
{
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 32;
        r->items = mn_realloc(r->items, (size_t)r->cap * sizeof *r->items);
    }
    r->items[r->n] = (struct form_row){.text = mn_str_dup(text), .style = style};
    return &r->items[r->n++];
}

void form_rows_free(struct form_rows *r)
{
    for (int i = 0; i < r->n; i++)
        mn_free(r->items[i].text);
    mn_free(r->items);
    mn_free(r->spots);
    *r = (struct form_rows){0};
}

/* The rows from `top` on, in those columns. */
static void spot_add(struct form_rows *r, int top, int left, int right, struct stop stop)
{
    size_t n = r->spot_count++;

    if (!(n & (n - 1)))
        r->spots = mn_realloc(r->spots, (n ? 2 * n : 1) * sizeof *r->spots);
    r->spots[n] = (struct form_spot){stop, top, r->n, left, right};
}

static void spaces(struct mn_buf *b, int n)
{
    while (n-- > 0)
        mn_buf_c(b, ' ');
}

/* Text that wraps, behind so many columns. */
static void wrap(struct form_rows *r, enum form_style style, int indent, int width,
                 const char *text)
{
    char *safe = text_screen(text, "\n");

    for (const char *p = safe; *p;) {
        size_t n = text_fit(p, width - indent, true);
        struct mn_buf b = {0};

        spaces(&b, indent);
        mn_buf_add(&b, p, n);
        row_add(r, style, mn_buf_view(&b));
        mn_buf_free(&b);
        p += n;
        p += *p == '\n' || *p == ' ';
    }
    mn_free(safe);
}

/* As much of a text as fits, with blanks up to `width`. */
static void cell(struct mn_buf *b, const char *text, int width)
{
    char *safe = text_screen(text, " ");
    bool fits = text_width(safe) <= width;
    size_t n = fits ? strlen(safe) : text_fit(safe, width - 1, false);
    char *shown = mn_str_dup((mn_str){safe, n});

    mn_buf_fmt(b, "%s%s", shown, fits ? "" : "…");
    spaces(b, width - text_width(shown) - !fits);
    mn_free(shown);
    mn_free(safe);
}

/* Fields. */

struct place {
    struct form *f;
    struct form_rows *rows;
    int width, labels; /* of the screen, of the column of labels */
};

static bool has_focus(const struct place *p, enum stop_kind kind, size_t i, size_t option)
{
    struct stop s = p->f->stops[p->f->at];

    return s.kind == kind && s.i == i && s.option == option;
}

static void mark_focus(struct form_rows *r)
{
    r->items[r->n - 1].focus = true;
    r->focus = r->n - 1;
}

static char *label_text(const struct im_field *field)
{
    struct mn_buf b = {0};
    char *safe = text_screen(field->label, " "), *text;

    mn_buf_fmt(&b, "%s%s", safe, field->required ? " *" : "");
    text = mn_str_dup(mn_buf_view(&b));
    mn_buf_free(&b);
    mn_free(safe);
    return text;
}

/* The label, on the row of its value or above it; `b` begins that row. */
static void label_put(struct place *p, const struct im_field *field, bool focus, struct mn_buf *b)
{
    char *label = label_text(field);

    const char *mark = !focus ? "  " : p->f->line->vi.command ? ": " : "> ";

    if (text_width(label) <= p->labels) {
        mn_buf_fmt(b, "%s%s", mark, label);
        spaces(b, p->labels - text_width(label) + GAP);
    } else {
        wrap(p->rows, FORM_PLAIN, 2, p->width, label);
        mn_buf_fmt(b, "%s", mark);
        spaces(b, p->width < BOX + 10 ? 2 : p->labels + GAP);
    }
    mn_free(label);
}

static const char *text_of(struct mn_buf *b)
{
    mn_buf_c(b, 0);
    b->n--;
    return b->p;
}

/* The first so many bytes, harmless; stars when nobody is to read them. */
static char *shown(mn_str text, bool secret)
{
    char *part = mn_str_dup(text), *safe = text_screen(part, " ");
    size_t n = 0;

    for (char *p = safe; secret && *p; p += text_next(p))
        n++;
    if (secret) {
        mn_free(safe);
        safe = mn_alloc(n + 1);
        memset(safe, '*', n);
        safe[n] = 0;
    }
    explicit_bzero(part, text.n);
    mn_free(part);
    return safe;
}

/* Without what stands left of the columns that hold the cursor. */
static const char *scrolled(const char *text, int *cursor, int columns)
{
    while (*cursor >= columns && *text) {
        size_t n = text_next(text);

        *cursor -= text_columns(text, n);
        text += n;
    }
    return text;
}

/* One line of a value; `at`: where the cursor is in it, or none (SIZE_MAX). */
static void box_put(struct place *p, struct mn_buf *b, mn_str line, size_t at, bool secret)
{
    int head = text_width(text_of(b)), columns = p->width - head - 2, x;
    size_t split = at < line.n ? at : at == SIZE_MAX ? 0 : line.n, start = b->n + 1;
    char *before = shown((mn_str){line.p, split}, secret),
         *after = shown(mn_str_skip(line, split), secret);
    struct mn_buf all = {0};
    struct form_row *row;

    columns = columns > BOX ? BOX : columns < 4 ? 4 : columns;
    x = text_width(before);
    mn_buf_fmt(&all, "%s%s", before, after);
    mn_buf_c(b, '[');
    cell(b, scrolled(text_of(&all), &x, columns), columns);
    mn_buf_c(b, ']');
    row = row_add(p->rows, FORM_PLAIN, mn_buf_view(b));
    row->from = (int)start;
    row->to = (int)b->n - 1;
    if (at != SIZE_MAX) {
        p->rows->cursor = p->rows->n - 1;
        p->rows->column = head + 1 + x;
    }
    mn_buf_free(&all);
    mn_free(before);
    mn_free(after);
}

static void lines_put(struct place *p, struct mn_buf *b, mn_str text, size_t at, bool focus)
{
    int head = text_width(text_of(b)), n = 0, cursor = -1, first = p->rows->n;
    mn_str rest = text;

    for (size_t i = 0; focus && i < at; i++)
        cursor += (cursor < 0) + (text.p[i] == '\n');
    cursor = focus && cursor < 0 ? 0 : cursor;
    do { /* those around the cursor */
        bool more = mn_str_find(rest, '\n') < rest.n;
        size_t from = (size_t)(rest.p - text.p);
        mn_str line = mn_str_cut(rest, '\n', &rest);

        if (n > cursor - LINES_SHOWN && n < (cursor < 0 ? 0 : cursor) + LINES_SHOWN) {
            box_put(p, b, line, n == cursor ? at - from : SIZE_MAX, false);
            if (focus && n == cursor)
                mark_focus(p->rows);
            b->n = 0;
            spaces(b, head);
        }
        n++;
        if (!more)
            break;
    } while (true);
    if (focus && first < p->rows->n)
        p->rows->items[first].focus = true;
}

static void choice_text(const struct im_field *field, struct mn_buf *out)
{
    size_t chosen = 0;

    for (size_t i = 0; i < field->option_count; i++)
        if (field->options[i].chosen)
            mn_buf_fmt(out, "%s%s", chosen++ ? ", " : "", field->options[i].label);
    if (!chosen && field->kind == IM_FIELD_ONE && !field->touched)
        mn_buf_fmt(out, "%s", field->value);
}

static void options_put(struct place *p, size_t i)
{
    const struct im_field *field = &p->f->asked->fields[i];

    for (size_t o = 0; o < field->option_count; o++) {
        const struct im_option *option = &field->options[o];
        bool focus = has_focus(p, STOP_OPTION, i, o), one = field->kind == IM_FIELD_ONE;
        struct mn_buf b = {0};

        mn_buf_fmt(&b, "%s    %s ", focus ? ">" : " ",
                   one              ? (option->chosen ? "(*)" : "( )")
                   : option->chosen ? "[x]"
                                    : "[ ]");
        cell(&b, option->label, p->width - (int)b.n);
        row_add(p->rows, FORM_PLAIN, mn_buf_view(&b));
        spot_add(p->rows, p->rows->n - 1, 0, p->width, (struct stop){STOP_OPTION, i, o});
        mn_buf_free(&b);
        if (focus)
            mark_focus(p->rows);
    }
}

/* The mark stands before its label, which may be a whole sentence. */
static void check_put(struct place *p, const struct im_field *field, bool focus)
{
    int first = p->rows->n;
    char *label = label_text(field), *text;
    struct form_row *row;

    wrap(p->rows, FORM_PLAIN, 6, p->width, *label ? label : "-");
    row = &p->rows->items[first];
    text = row->text;
    text[0] = focus ? '>' : ' ';
    text[2] = '[';
    text[3] = field->checked ? 'x' : ' ';
    text[4] = ']';
    row->from = 2;
    row->to = 5;
    row->focus = focus;
    p->rows->focus = focus ? first : p->rows->focus;
    mn_free(label);
}

static void choice_put(struct place *p, const struct im_field *field, struct mn_buf *b)
{
    struct mn_buf text = {0};
    int room = p->width - text_width(text_of(b)) - 2;
    size_t start = b->n;
    struct form_row *row;

    choice_text(field, &text);
    mn_buf_c(b, '<');
    cell(b, text_of(&text), text_width(text_of(&text)) < room ? text_width(text_of(&text)) : room);
    mn_buf_c(b, '>');
    row = row_add(p->rows, FORM_PLAIN, mn_buf_view(b));
    row->from = (int)start;
    row->to = (int)b->n;
    mn_buf_free(&text);
}

/* Where what is asked about can be seen, or what the value leads to, whole. */
static void link_put(struct place *p, const struct im_field *field, bool focus)
{
    struct mn_buf b = {0};

    if (field->link && (field->media || focus))
        mn_buf_fmt(&b, field->media ? _("to be seen at %s") : "%s", field->link);
    else if (field->media)
        mn_buf_fmt(&b, "%s", _("what is asked about cannot be shown here"));
    if (field->link && focus)
        mn_buf_fmt(&b, "%s", _(" (Alt-o opens it)"));
    wrap(p->rows, focus ? FORM_PLAIN : FORM_DIM, 4, p->width, text_of(&b));
    mn_buf_free(&b);
}

/* What helps to fill it in, where the focus is. */
static void help_put(struct place *p, const struct im_field *field, bool focus, bool wrong)
{
    struct mn_buf b = {0};

    if (wrong && im_field_wrong(field, &b)) {
        wrap(p->rows, FORM_ALARM, 4, p->width, text_of(&b));
    } else if (focus) {
        if (field->desc)
            wrap(p->rows, FORM_DIM, 4, p->width, field->desc);
        im_field_takes(field, &b);
        if (field->locked)
            mn_buf_fmt(&b, "%s", _("too long to be changed here"));
        wrap(p->rows, FORM_DIM, 4, p->width, text_of(&b));
    }
    mn_buf_free(&b);
}

static void field_put(struct place *p, size_t i)
{
    const struct im_field *field = &p->f->asked->fields[i];
    bool focus = has_focus(p, STOP_FIELD, i, 0), typed = focus && !field->locked;
    mn_str text = typed ? (mn_str){p->f->line->text, p->f->line->n} : mn_str_from(field->value);
    size_t at = typed ? p->f->line->at : SIZE_MAX;
    int top = p->rows->n;
    struct mn_buf b = {0};

    if (field->kind != IM_FIELD_CHECK)
        label_put(p, field, focus, &b);
    if (field->kind == IM_FIELD_CHECK)
        check_put(p, field, focus);
    else if (im_field_has_options(field))
        choice_put(p, field, &b);
    else if (field->kind == IM_FIELD_LINES)
        lines_put(p, &b, text, at, typed);
    else
        box_put(p, &b, text, at, field->kind == IM_FIELD_SECRET);
    if (focus && field->kind != IM_FIELD_LINES && field->kind != IM_FIELD_CHECK)
        mark_focus(p->rows);
    mn_buf_free(&b);
    link_put(p, field, focus);
    help_put(p, field, focus, p->f->wrong == (int)i);
    if (p->f->open == (int)i)
        options_put(p, i);
    spot_add(p->rows, top, 0, p->width, (struct stop){STOP_FIELD, i, 0});
}

static void fixed_put(struct place *p, const struct im_field *field)
{
    struct mn_buf b = {0};
    bool pair = *field->label && *field->value && field->var &&
                strcmp(field->label, field->var) != 0; /* it has a label of its own */

    mn_buf_fmt(&b, "%s%s%s", pair || !*field->value ? field->label : "", pair ? ": " : "",
               field->value);
    wrap(p->rows, field->var ? FORM_PLAIN : FORM_HEAD, field->var ? 2 : 0, p->width, text_of(&b));
    if (field->desc)
        wrap(p->rows, FORM_DIM, 4, p->width, field->desc);
    mn_buf_free(&b);
}

static void fields_put(struct place *p)
{
    const struct im_form *asked = p->f->asked;

    for (size_t i = 0; i < asked->count; i++) {
        char *label = label_text(&asked->fields[i]);

        if (asked->fields[i].kind != IM_FIELD_FIXED && asked->fields[i].kind != IM_FIELD_CHECK &&
            text_width(label) > p->labels && text_width(label) <= p->width * 2 / 5)
            p->labels = text_width(label);
        mn_free(label);
    }
    for (size_t i = 0; i < asked->count; i++)
        if (asked->fields[i].kind == IM_FIELD_FIXED)
            fixed_put(p, &asked->fields[i]);
        else
            field_put(p, i);
}

/* Tables. */

enum { CELL_LEAST = 8 };

/* As wide as what stands in them, or less where there is no room; columns at the right go first. */
static size_t columns_fit(const struct place *p, int *widths)
{
    const struct im_form *asked = p->f->asked;
    int left = p->width - GAP;
    size_t n = 0;

    while (n < asked->column_count && (n ? left >= CELL_LEAST : true)) {
        int later = (int)(asked->column_count - n - 1) * (CELL_LEAST + GAP), most;

        most = left - later < CELL_LEAST ? CELL_LEAST : left - later;
        widths[n] = text_width(asked->columns[n]);
        for (size_t r = 0; r < asked->row_count; r++) {
            int w = text_width(asked->rows[r].cells[n]);

            widths[n] = w > widths[n] ? w : widths[n];
        }
        widths[n] = widths[n] > most ? most : widths[n];
        left -= widths[n++] + GAP;
    }
    return n;
}

static void cells_put(struct place *p, enum form_style style, const char *const *cells,
                      const int *widths, size_t n, bool focus)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "%s", focus ? "> " : "  ");
    for (size_t i = 0; i < n; i++) {
        cell(&b, cells[i], widths[i]);
        spaces(&b, i + 1 < n ? GAP : 0);
    }
    row_add(p->rows, style, mn_buf_view(&b));
    mn_buf_free(&b);
    if (focus)
        mark_focus(p->rows);
}

static void table_put(struct place *p)
{
    const struct im_form *asked = p->f->asked;
    int widths[IM_FORM_COLUMNS];
    size_t n = asked->column_count ? columns_fit(p, widths) : 0;
    struct mn_buf b = {0};

    if (*p->f->filter) {
        mn_buf_fmt(&b, _("with: %s"), p->f->filter);
        wrap(p->rows, FORM_DIM, 2, p->width, text_of(&b));
        mn_buf_free(&b);
    }
    if (n)
        cells_put(p, FORM_HEAD, asked->columns, widths, n, false);
    for (size_t i = 0; n && i < asked->row_count; i++)
        if (form_row_fits(p->f, i)) {
            cells_put(p, FORM_PLAIN, asked->rows[i].cells, widths, n, has_focus(p, STOP_ROW, i, 0));
            if (p->f->picks)
                spot_add(p->rows, p->rows->n - 1, 0, p->width, (struct stop){STOP_ROW, i, 0});
        }
    if (n && !asked->row_count)
        wrap(p->rows, FORM_DIM, 2, p->width, _("nothing"));
}

/* The row that they stand in is added behind them. */
static void buttons_put(struct place *p)
{
    struct mn_buf b = {0};

    for (size_t i = 0; p->f->buttons[i].label; i++) {
        bool focus = has_focus(p, STOP_BUTTON, i, 0);
        const char *label = _(p->f->buttons[i].label);
        int left;

        if (b.n && text_width(text_of(&b)) + text_width(label) + 6 > p->width) {
            row_add(p->rows, FORM_PLAIN, mn_buf_view(&b));
            b.n = 0;
        }
        left = b.n ? text_width(text_of(&b)) : 0;
        mn_buf_fmt(&b, focus ? "  [>%s<]" : "  [ %s ]", label);
        spot_add(p->rows, p->rows->n, left + 2, text_width(text_of(&b)),
                 (struct stop){STOP_BUTTON, i, 0});
        p->rows->spots[p->rows->spot_count - 1].bottom++;
        if (focus)
            p->rows->focus = p->rows->n;
    }
    row_add(p->rows, FORM_PLAIN, mn_buf_view(&b));
    mn_buf_free(&b);
}

static void head_put(struct place *p)
{
    const struct form *f = p->f;
    char text[100];

    if (f->asked->title)
        wrap(p->rows, FORM_TITLE, 0, p->width, f->asked->title);
    if (f->error)
        wrap(p->rows, FORM_ALARM, 0, p->width, f->error);
    if (f->asked->instructions)
        wrap(p->rows, FORM_PLAIN, 0, p->width, f->asked->instructions);
    if (f->asked->left_out) {
        snprintf(text, sizeof text, _("%zu more are not shown"), f->asked->left_out);
        wrap(p->rows, FORM_DIM, 0, p->width, text);
    }
    if (p->rows->n)
        row_add(p->rows, FORM_PLAIN, (mn_str){0});
}

void form_layout(struct form *f, int width, struct form_rows *out)
{
    struct place p = {f, out, width < 20 ? 20 : width, 0};

    *out = (struct form_rows){.focus = -1, .cursor = -1, .column = -1};
    head_put(&p);
    fields_put(&p);
    table_put(&p);
    row_add(out, FORM_PLAIN, (mn_str){0});
    buttons_put(&p);
}

int form_top(struct form *f, const struct form_rows *r, int height)
{
    int focus = r->focus, most = r->n > height ? r->n - height : 0;

    f->page = height;
    if (f->follow && focus >= 0) {
        if (f->top > focus - 1)
            f->top = focus - 1;
        if (f->top < focus + 3 - height) /* with what is said below it */
            f->top = focus + 3 - height > focus ? focus : focus + 3 - height;
    }
    f->top = f->top > most ? most : f->top;
    f->top = f->top < 0 ? 0 : f->top;
    return f->top;
}

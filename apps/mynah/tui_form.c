#include "apps/mynah/tui_form.h"

#include <string.h>

#include "apps/mynah/text.h"
#include "base/err.h"

/* Stops. */

static void stop_add(struct form *f, enum stop_kind kind, size_t i, size_t option)
{
    if (!(f->stop_count & (f->stop_count - 1)))
        f->stops = mn_realloc(f->stops, (f->stop_count ? 2 * f->stop_count : 1) * sizeof *f->stops);
    f->stops[f->stop_count++] = (struct stop){kind, i, option};
}

bool form_row_fits(const struct form *f, size_t row)
{
    if (!*f->filter)
        return true;
    for (size_t i = 0; i < f->asked->column_count; i++)
        if (strcasestr(f->asked->rows[row].cells[i], f->filter))
            return true;
    return false;
}

static void stops_make(struct form *f)
{
    f->stop_count = 0;
    for (size_t i = 0; i < f->asked->count; i++) {
        if (f->asked->fields[i].kind != IM_FIELD_FIXED)
            stop_add(f, STOP_FIELD, i, 0);
        for (size_t o = 0; f->open == (int)i && o < f->asked->fields[i].option_count; o++)
            stop_add(f, STOP_OPTION, i, o);
    }
    for (size_t i = 0; f->picks && i < f->asked->row_count; i++)
        if (form_row_fits(f, i))
            stop_add(f, STOP_ROW, i, 0);
    for (size_t i = 0; f->buttons[i].label; i++)
        stop_add(f, STOP_BUTTON, i, 0);
    MN_ASSERT(f->stop_count); /* there is always a button */
    f->at = f->at < f->stop_count ? f->at : f->stop_count - 1;
}

static struct stop here(const struct form *f)
{
    return f->stops[f->at];
}

static bool is_written(const struct im_field *field)
{
    return !field->locked && (field->kind == IM_FIELD_TEXT || field->kind == IM_FIELD_SECRET ||
                              field->kind == IM_FIELD_LINES);
}

/* The field that is typed into, or NULL. */
static struct im_field *written(const struct form *f)
{
    struct im_field *field = here(f).kind == STOP_FIELD ? &f->asked->fields[here(f).i] : NULL;

    return field && is_written(field) ? field : NULL;
}

/* What is typed becomes the field's. */
static void keep(struct form *f)
{
    if (written(f))
        im_field_set(written(f), f->line->text);
}

/* The focus is there now; whatever had it was kept. */
static void enter(struct form *f, size_t at)
{
    f->at = at;
    f->follow = true;
    line_set(f->line, written(f) ? written(f)->value : "");
    f->line->hidden = written(f) && written(f)->kind == IM_FIELD_SECRET;
}

static void focus(struct form *f, size_t at)
{
    keep(f);
    enter(f, at);
}

static void enter_at(struct form *f, enum stop_kind kind, size_t i, size_t option)
{
    for (size_t s = 0; s < f->stop_count; s++)
        if (f->stops[s].kind == kind && f->stops[s].i == i && f->stops[s].option == option) {
            enter(f, s);
            return;
        }
}

/* What is filled in already is passed over by who looks for what is missing. */
static size_t first_stop(const struct form *f)
{
    const struct im_field *first = f->asked->count ? &f->asked->fields[f->stops[0].i] : NULL;

    if (!first || f->stops[0].kind != STOP_FIELD || !is_written(first) || !*first->value)
        return 0;
    for (size_t s = 0; s < f->stop_count && f->stops[s].kind == STOP_FIELD; s++) {
        const struct im_field *field = &f->asked->fields[f->stops[s].i];

        if (field->required && is_written(field) && !*field->value)
            return s;
    }
    return 0;
}

struct form *form_new(struct im_form **asked, const struct form_button *buttons, bool picks)
{
    struct form *f = MN_NEW(struct form);

    f->asked = *asked;
    *asked = NULL;
    f->buttons = buttons;
    f->picks = picks;
    f->open = f->wrong = -1;
    f->line = MN_NEW(struct typed);
    stops_make(f);
    enter(f, first_stop(f));
    f->follow = here(f).kind != STOP_BUTTON; /* what is only read begins at its top */
    return f;
}

void form_free(struct form *f)
{
    if (!f)
        return;
    im_form_free(f->asked);
    explicit_bzero(f->line->text, sizeof f->line->text);
    line_done(f->line);
    mn_free(f->line);
    mn_free(f->stops);
    mn_free(f->error);
    mn_free(f);
}

void form_fail(struct form *f, const char *error)
{
    mn_free(f->error);
    f->error = mn_str_dup(mn_str_from(error));
    f->top = 0;
}

/* Moving. */

static void step(struct form *f, int by)
{
    size_t to = f->at + (size_t)by;

    if (to < f->stop_count)
        focus(f, to);
    else
        f->top += by; /* nothing is behind it: more is shown */
}

static void page_step(struct form *f, int by)
{
    int to = (int)f->at + by;

    if (here(f).kind != STOP_ROW || to < 0 || to >= (int)f->stop_count) {
        f->top += by;
        f->follow = false;
        return;
    }
    focus(f, (size_t)to);
}

/* Options. */

static void options_open(struct form *f, size_t field)
{
    size_t chosen = 0;

    keep(f);
    f->open = (int)field;
    stops_make(f);
    for (size_t i = f->asked->fields[field].option_count; i-- > 0;)
        if (f->asked->fields[field].options[i].chosen)
            chosen = i;
    if (f->asked->fields[field].option_count)
        enter_at(f, STOP_OPTION, field, chosen);
}

static void options_close(struct form *f)
{
    size_t field = (size_t)f->open;

    if (f->open < 0)
        return;
    f->open = -1;
    stops_make(f);
    enter_at(f, STOP_FIELD, field, 0);
}

static void option_next(struct im_field *field, int by)
{
    size_t n = field->option_count, at = 0;

    if (!n)
        return;
    while (at < n && !field->options[at].chosen)
        at++;
    im_field_choose(field, at == n ? 0 : (at + n + (size_t)by) % n);
}

/* What a key does where the focus is. */

static enum form_end press(struct form *f, const struct form_button *b, int *value)
{
    keep(f);
    f->wrong = -1;
    for (size_t i = 0; b->checks && i < f->asked->count; i++) {
        struct mn_buf why = {0};
        bool bad = im_field_wrong(&f->asked->fields[i], &why);

        mn_buf_free(&why);
        if (bad) {
            f->wrong = (int)i;
            enter_at(f, STOP_FIELD, i, 0);
            return FORM_OPEN;
        }
    }
    *value = b->value;
    return FORM_PRESSED;
}

static void option_key(struct form *f, bool enter)
{
    struct im_field *field = &f->asked->fields[here(f).i];

    if (!enter || field->kind == IM_FIELD_ONE)
        im_field_choose(field, here(f).option);
    if (enter || field->kind == IM_FIELD_ONE)
        options_close(f);
}

static void field_key(struct form *f, bool enter)
{
    struct im_field *field = &f->asked->fields[here(f).i];

    if (field->kind == IM_FIELD_CHECK && !enter) {
        field->checked = !field->checked;
        field->touched = true;
    } else if (field->option_count && im_field_has_options(field)) {
        options_open(f, here(f).i);
    } else {
        step(f, 1);
    }
}

/* Enter, or the space bar where nothing is typed. */
static enum form_end act(struct form *f, bool enter, int *value)
{
    struct stop s = here(f);

    switch (s.kind) {
    case STOP_FIELD:
        if (enter && written(f) && written(f)->kind == IM_FIELD_LINES)
            line_insert(f->line, "\n", 1);
        else
            field_key(f, enter);
        return FORM_OPEN;
    case STOP_OPTION:
        option_key(f, enter);
        return FORM_OPEN;
    case STOP_ROW:
        *value = (int)s.i;
        return FORM_PICKED;
    default:
        return press(f, &f->buttons[s.i], value);
    }
}

static const struct form_spot *spot_at(const struct form_rows *r, int row, int column)
{
    for (size_t i = 0; i < r->spot_count; i++) {
        const struct form_spot *s = &r->spots[i];

        if (row >= s->top && row < s->bottom && column >= s->left && column < s->right)
            return s;
    }
    return NULL;
}

enum form_end form_click(struct form *f, const struct form_rows *r, int row, int column, int *value)
{
    const struct form_spot *spot = spot_at(r, row, column);
    struct stop was = here(f), now = spot ? spot->stop : was;
    bool has = f->open == (int)now.i && (now.kind == STOP_FIELD || now.kind == STOP_OPTION);
    const struct im_field *field = now.kind == STOP_FIELD ? &f->asked->fields[now.i] : NULL;

    if (!spot)
        return FORM_OPEN;
    keep(f);
    if (!has || field) /* a list that is open is closed by whatever is not in it */
        options_close(f);
    enter_at(f, now.kind, now.i, now.option);
    if (field && !has &&
        (field->kind == IM_FIELD_CHECK || (field->option_count && im_field_has_options(field))))
        field_key(f, false);
    else if (now.kind == STOP_OPTION)
        option_key(f, false);
    else if (now.kind == STOP_ROW && was.kind == STOP_ROW && was.i == now.i)
        return act(f, true, value);
    else if (now.kind == STOP_BUTTON)
        return act(f, true, value);
    return FORM_OPEN;
}

static void filter_change(struct form *f)
{
    size_t at = 0;

    stops_make(f);
    while (at + 1 < f->stop_count && f->stops[at].kind == STOP_FIELD)
        at++;
    enter(f, at);
}

/* Letters look for rows. */
static bool filter_key(struct form *f, int key)
{
    size_t n = strlen(f->filter);

    if (!f->picks || !f->asked->row_count || written(f))
        return false;
    if (n && (key == LINE_BACKSPACE || key == LINE_CTRL('H'))) {
        while (n && ((unsigned char)f->filter[--n] & 0xc0) == 0x80)
            ;
        f->filter[n] = 0;
    } else if (key >= (n ? ' ' : '!') && key < LINE_LEFT && n + 4 < sizeof f->filter) {
        struct mn_buf b = {0};

        text_add(&b, (uint32_t)key);
        mn_buf_c(&b, 0);
        memcpy(f->filter + n, b.p, b.n);
        mn_buf_free(&b);
    } else {
        return false;
    }
    filter_change(f);
    return true;
}

static bool move_key(struct form *f, int key)
{
    const struct im_field *field = written(f);
    struct im_field *plain = here(f).kind == STOP_FIELD ? &f->asked->fields[here(f).i] : NULL;
    bool lines = field && field->kind == IM_FIELD_LINES;

    switch (key) {
    case LINE_UP:
    case LINE_DOWN:
        if (!lines || !line_row(f->line, key == LINE_UP ? -1 : 1))
            step(f, key == LINE_UP ? -1 : 1);
        return true;
    case FORM_PAGE_UP:
    case FORM_PAGE_DOWN:
        page_step(f, (key == FORM_PAGE_UP ? -1 : 1) * (f->page > 2 ? f->page - 1 : 1));
        return true;
    case LINE_LEFT:
    case LINE_RIGHT:
        if (field)
            return false;
        if (plain && plain->kind == IM_FIELD_ONE)
            option_next(plain, key == LINE_LEFT ? -1 : 1);
        else if (here(f).kind == STOP_BUTTON)
            step(f, key == LINE_LEFT ? -1 : 1);
        return true;
    }
    return false;
}

enum form_end form_key(struct form *f, int key, int *value)
{
    if (key == LINE_ESCAPE || key == LINE_CTRL('C')) {
        if (f->open >= 0) {
            options_close(f);
        } else if (*f->filter) {
            f->filter[0] = 0;
            filter_change(f);
        } else if (key == LINE_ESCAPE && written(f) && f->line->style == LINE_VI &&
                   !f->line->vi.command) {
            (void)line_key(f->line, key); /* the second one leaves */
        } else {
            return FORM_LEFT;
        }
    } else if (key == '\t' || key == FORM_BACK) {
        options_close(f);
        focus(f, (f->at + (key == FORM_BACK ? f->stop_count - 1 : 1)) % f->stop_count);
    } else if ((key & ~LINE_ALT) == '\r' || (key & ~LINE_ALT) == '\n') {
        return act(f, true, value);
    } else if (key == ' ' && !written(f) && here(f).kind != STOP_ROW && !*f->filter) {
        return act(f, false, value);
    } else if (!move_key(f, key) && !filter_key(f, key) && written(f)) {
        (void)line_key(f->line, key);
        f->line->search.on = false; /* there are no older lines */
        f->follow = true;
    }
    return FORM_OPEN;
}

const char *form_link(const struct form *f)
{
    return here(f).kind == STOP_FIELD ? f->asked->fields[here(f).i].link : NULL;
}

void form_paste(struct form *f, const char *text, size_t n)
{
    if (!written(f))
        return;
    for (size_t i = 0; i < n; i++)
        line_insert(f->line, text[i] == '\n' && written(f)->kind != IM_FIELD_LINES ? " " : text + i,
                    1);
}

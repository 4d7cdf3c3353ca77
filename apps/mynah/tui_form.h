/* A form on a screen, without the screen: what has the focus, what a key does (tui_form.c), what
 * stands in the rows (tui_form_rows.c). tui_page.c puts it on the terminal. */
#pragma once

#include "apps/mynah/line.h"
#include "im/form.h"

struct form_button {
    const char *label;
    int value;
    bool checks; /* is not pressed while something is wrong */
};

/* What the focus can stop at. */
enum stop_kind { STOP_FIELD, STOP_OPTION, STOP_ROW, STOP_BUTTON };
struct stop {
    enum stop_kind kind;
    size_t i, option;
};

struct form {
    struct im_form *asked;
    const struct form_button *buttons; /* ended by a label NULL */
    bool picks;                        /* Enter on a row of the table takes it */
    struct stop *stops;
    size_t stop_count, at;
    int open;           /* the field whose options are shown, or -1 */
    int wrong;          /* the field that is, or -1 */
    char *error;        /* above all; or NULL */
    struct typed *line; /* of the field that has the focus */
    char filter[64];
    int top, page; /* of the rows that are seen */
    bool follow;   /* the focus is to be seen */
};

/* Keys as the line has them (line.h), and these. */
enum { FORM_PAGE_UP = 0x210000, FORM_PAGE_DOWN, FORM_BACK };
enum form_end { FORM_OPEN, FORM_PRESSED, FORM_PICKED, FORM_LEFT };

/* Takes the form. `buttons` are lent for good. */
struct form *form_new(struct im_form **asked, const struct form_button *buttons, bool picks);
void form_free(struct form *f); /* accepts NULL */
void form_fail(struct form *f, const char *error);
/* FORM_PRESSED: `value` is the button's; FORM_PICKED: the row's number; FORM_LEFT: Esc. */
enum form_end form_key(struct form *f, int key, int *value);
/* What Alt-o is to open, of the field that has the focus; NULL: nothing. Lent. */
const char *form_link(const struct form *f);
void form_paste(struct form *f, const char *text, size_t n);

enum form_style { FORM_PLAIN, FORM_TITLE, FORM_DIM, FORM_ALARM, FORM_HEAD };
struct form_row {
    char *text;
    enum form_style style;
    int from, to; /* bytes that are marked: a value that can be changed; 0, 0: none */
    bool focus;
};
/* Who clicks there means that stop; of several the first. `bottom` and `right` are behind it. */
struct form_spot {
    struct stop stop;
    int top, bottom, left, right;
};
struct form_rows {
    struct form_row *items;
    int n, cap;
    struct form_spot *spots;
    size_t spot_count;
    int focus;          /* the row of it, or -1 */
    int cursor, column; /* row and column where is typed; -1: nowhere */
};
/* All rows at that width; text is harmless on a terminal. */
void form_layout(struct form *f, int width, struct form_rows *out);
void form_rows_free(struct form_rows *r);
/* A click on those rows, as they were laid out: what is there has the focus, is ticked, opened,
 * chosen or pressed. A row of a table is picked by the second one. */
enum form_end form_click(struct form *f, const struct form_rows *r, int row, int column,
                         int *value);
/* The first row that is seen of `height`, as the focus or scrolling has it. */
int form_top(struct form *f, const struct form_rows *r, int height);
/* Rows that the filter leaves. */
bool form_row_fits(const struct form *f, size_t row);

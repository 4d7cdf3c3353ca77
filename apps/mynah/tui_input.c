/* The line that is typed, in as many rows as it needs; when those are too many, the ones around the
 * cursor. */
#include <ncurses.h>
#include <stdio.h>

#include "apps/mynah/text.h"
#include "apps/mynah/tui.h"

enum { ROWS_MAX = 6, HEAD_MAX = 200 };

struct layout {
    size_t *starts; /* of each row, in the text */
    int rows, cursor_row, cursor_x, head_width;
};

/* What stands before the text: a question, what is looked for, or with whom one talks. */
static void head_of(char out[HEAD_MAX])
{
    const struct typed *l = &tui.line;
    char *title = text_screen(tui.asking ? tui.asking : tui_chat()->title, " ");
    int room = COLS / 2 > 4 ? COLS / 2 : 4;

    if (l->search.on)
        snprintf(out, HEAD_MAX, "%.*s? ", (int)text_fit(l->search.words, room, false),
                 l->search.words);
    else
        snprintf(out, HEAD_MAX, "%.*s%s ",
                 (int)(text_width(title) > room ? text_fit(title, room, false) : HEAD_MAX - 4),
                 title, l->vi.command ? ":" : ">");
    mn_free(title);
}

static void row_begin(struct layout *lay, size_t at)
{
    lay->starts = mn_realloc(lay->starts, (size_t)(lay->rows + 2) * sizeof *lay->starts);
    lay->starts[lay->rows++] = at;
}

static struct layout laid_out(const struct typed *l)
{
    struct layout lay = {0};
    char head[HEAD_MAX];
    int x, width;

    head_of(head);
    x = lay.head_width = text_width(head);
    row_begin(&lay, 0);
    for (size_t at = 0, n; at <= l->n && !l->hidden; at += n) {
        n = text_next(l->text + at);
        width = n ? text_columns(l->text + at, n) : 0;
        if (x + width > COLS - 1 && x) {
            row_begin(&lay, at);
            x = 0;
        }
        if (at == l->at) {
            lay.cursor_row = lay.rows - 1;
            lay.cursor_x = x;
        }
        x += width;
        if (l->text[at] == '\n') {
            row_begin(&lay, at + 1);
            x = 0;
        }
        if (!n)
            break;
    }
    if (l->hidden)
        lay.cursor_x = x;
    lay.starts[lay.rows] = l->n;
    return lay;
}

static int seen_of(const struct layout *lay)
{
    int most = LINES / 3 < ROWS_MAX ? LINES / 3 : ROWS_MAX;

    most = most > 0 ? most : 1;
    return lay->rows < most ? lay->rows : most;
}

int input_rows(void)
{
    struct layout lay = laid_out(&tui.line);
    int seen = seen_of(&lay);

    mn_free(lay.starts);
    return seen;
}

static void row_draw(const struct layout *lay, int row, int y)
{
    size_t from = lay->starts[row], to = lay->starts[row + 1];
    char *text;
    int x = row ? 0 : lay->head_width;

    to -= to > from && tui.line.text[to - 1] == '\n';
    text = mn_str_dup((mn_str){tui.line.text + from, to - from});
    screen_put(y, x, COLS - x, 0, text);
    mn_free(text);
}

void input_draw(void)
{
    struct layout lay = laid_out(&tui.line);
    int seen = seen_of(&lay), top = lay.cursor_row >= seen ? lay.cursor_row - seen + 1 : 0;
    char head[HEAD_MAX];

    head_of(head);
    if (!top)
        screen_put(LINES - seen, 0, COLS, A_BOLD, head);
    for (int i = 0; i < seen && !tui.line.hidden; i++)
        row_draw(&lay, top + i, LINES - seen + i);
    move(LINES - seen + lay.cursor_row - top, lay.cursor_x);
    mn_free(lay.starts);
}

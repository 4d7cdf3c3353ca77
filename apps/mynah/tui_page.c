#include "apps/mynah/tui_page.h"

#include <ncurses.h>
#include <string.h>

#include "im/lang.h"

struct page {
    struct im_chat *chat;
    struct form *form;
    page_done *done;
    void *arg;
    struct page *next;
};

static struct page *pages;
/* Of what was drawn last: where the cursor stands, how wide it is, its first row. */
static struct {
    int y, x;
} cursor = {-1, -1};
static int drawn_width, drawn_top;

static struct page **page_of(const struct im_chat *chat)
{
    struct page **p = &pages;

    while (*p && (*p)->chat != chat)
        p = &(*p)->next;
    return p;
}

static void page_end(struct page **at, enum form_end end, int value)
{
    struct page *p = *at;

    *at = p->next;
    tui.dirty = true;
    p->done(p->arg, p->chat, end, value, &p->form->asked);
    form_free(p->form);
    mn_free(p);
}

void page_close(const struct im_chat *chat)
{
    while (*page_of(chat))
        page_end(page_of(chat), FORM_LEFT, 0);
}

static void page_add(struct im_chat *chat, struct form *form, page_done *done, void *arg)
{
    struct page *p = MN_NEW(struct page), **last = &pages;

    form->line->style = tui.line.style;
    while (*last)
        last = &(*last)->next;
    *p = (struct page){chat, form, done, arg, NULL};
    *last = p;
    if (chat != tui_chat()) {
        chat->unread++;
        chat->mentioned = true;
    }
    tui.dirty = true;
}

void page_open(struct im_chat *chat, struct im_form **asked, const struct form_button *buttons,
               const char *error, page_done *done, void *arg)
{
    struct form *form = form_new(asked, buttons, false);

    if (error)
        form_fail(form, error);
    page_add(chat, form, done, arg);
}

static const struct form_button closes[] = {{N_("Close"), 0, false}, {0}};

void page_pick(struct im_chat *chat, struct im_form **asked, page_done *done, void *arg)
{
    page_add(chat, form_new(asked, closes, true), done, arg);
}

static void shown(void *arg, struct im_chat *chat, enum form_end end, int value,
                  struct im_form **asked)
{
}

void page_show(struct im_chat *chat, struct im_form **asked)
{
    page_open(chat, asked, closes, NULL, shown, NULL);
}

struct im_chat *page_chat(const struct im_chat *chat)
{
    for (size_t i = 0; i < im_chat_count(tui.im); i++)
        if (im_chat_at(tui.im, i) == chat)
            return im_chat_at(tui.im, i);
    return im_chat_at(tui.im, 0);
}

bool page_is_in(const struct im_chat *chat)
{
    return *page_of(chat) != NULL;
}

bool page_is_open(void)
{
    return page_is_in(tui_chat());
}

bool page_picks(void)
{
    const struct form *form = (*page_of(tui_chat()))->form;

    return form->picks && form->asked->row_count;
}

void page_key(int key)
{
    struct page **at = page_of(tui_chat());
    int value = 0;
    const char *why;
    enum form_end end;

    if (key == (LINE_ALT | 'o') && form_link((*at)->form)) {
        why = program_browse(form_link((*at)->form));
        if (why)
            form_fail((*at)->form, why);
        return;
    }
    end = form_key((*at)->form, key, &value);
    if (end != FORM_OPEN)
        page_end(at, end, value);
}

void page_click(int y, int x)
{
    struct page **at = page_of(tui_chat());
    struct form_rows rows;
    int value = 0;
    enum form_end end;

    form_layout((*at)->form, drawn_width, &rows);
    end = form_click((*at)->form, &rows, drawn_top + y - 1, x, &value);
    form_rows_free(&rows);
    if (end != FORM_OPEN)
        page_end(at, end, value);
}

void page_scroll(int rows)
{
    struct form *form = (*page_of(tui_chat()))->form;

    form->top -= rows;
    form->follow = false;
}

void page_paste(const char *text, size_t n)
{
    form_paste((*page_of(tui_chat()))->form, text, n);
}

void page_draw(int width, int height)
{
    static const attr_t attrs[] = {[FORM_PLAIN] = A_NORMAL,
                                   [FORM_TITLE] = A_BOLD | A_UNDERLINE,
                                   [FORM_DIM] = A_DIM,
                                   [FORM_ALARM] = A_BOLD | A_STANDOUT,
                                   [FORM_HEAD] = A_BOLD};
    struct form *form = (*page_of(tui_chat()))->form;
    struct form_rows rows;
    int top;

    form_layout(form, width, &rows);
    top = form_top(form, &rows, height);
    drawn_width = width;
    drawn_top = top;
    for (int i = top; i < rows.n && i < top + height; i++) {
        const struct form_row *row = &rows.items[i];
        attr_t attr = attrs[row->style] | (row->focus ? A_BOLD : 0);

        attrset((int)attr);
        mvaddnstr(1 + i - top, 0, row->text, row->from);
        attrset((int)(row->to ? attr | A_UNDERLINE : attr));
        addnstr(row->text + row->from, row->to - row->from);
        attrset((int)attr);
        addstr(row->text + row->to);
    }
    attrset(A_NORMAL);
    cursor.y = rows.cursor >= top && rows.cursor < top + height ? 1 + rows.cursor - top : -1;
    cursor.x = rows.column;
    form_rows_free(&rows);
}

void page_cursor(void)
{
    if (cursor.y > 0)
        move(cursor.y, cursor.x);
}

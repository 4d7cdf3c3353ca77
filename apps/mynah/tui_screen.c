/* The screen, drawn anew when something changed:
 *
 *   title: with whom, what they do          | people
 *   what was said                           | or who is in the room
 *   a question that waits (tui_question.h)
 *   windows, unread                         |
 *   the line that is typed
 */
#include <ncurses.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apps/mynah/text.h"
#include "apps/mynah/theme.h"
#include "apps/mynah/tui_page.h"
#include "apps/mynah/tui_question.h"
#include "im/lang.h"

enum { WHO = 40 }; /* columns of a name */

void screen_open(void)
{
    set_escdelay(25);
    initscr();
    raw();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    keys_open();
    look_open();
    screen_mouse(tui.config.terminal.mouse);
    fputs("\033[?2004h", stdout); /* pastes are told apart from typing */
    fflush(stdout);
}

void screen_leave(void)
{
    fputs("\033[?2004l", stdout);
    fflush(stdout);
    endwin();
}

void screen_back(void)
{
    fputs("\033[?2004h", stdout);
    fflush(stdout);
    clearok(stdscr, TRUE);
    refresh();
    tui.dirty = true;
}

void screen_close(void)
{
    terminal_title_close();
    screen_leave();
}

void screen_mouse(bool on)
{
    mmask_t wanted = BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED;

    mouseinterval(0);
    mousemask(on ? wanted : 0, NULL);
}

static int columns(void)
{
    return panel_width() ? COLS - panel_width() - 1 : COLS;
}

int screen_page(void)
{
    int rows = LINES - 2 - input_rows() - question_rows();

    return rows > 0 ? rows : 0;
}

void screen_put(int y, int x, int width, int attrs, const char *text)
{
    char *safe = text_screen(text, " ");
    bool fits = text_width(safe) <= width;

    if (width > 0 && y >= 0 && y < LINES) {
        attrset(attrs);
        mvaddnstr(y, x, safe, (int)(fits ? strlen(safe) : text_fit(safe, width - 1, false)));
        if (!fits)
            addstr("…");
        attrset(A_NORMAL);
    }
    mn_free(safe);
}

/* What was said, as rows of the screen. */

struct row {
    char *text;
    int attrs, head, head_attrs; /* the first so many bytes have others */
};
struct rows {
    struct row *items;
    size_t n, cap;
};

static void row_add(struct rows *r, const char *text, size_t n, int attrs, int head, int head_attrs)
{
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 64;
        r->items = mn_realloc(r->items, r->cap * sizeof *r->items);
    }
    r->items[r->n++] = (struct row){mn_str_dup((mn_str){text, n}), attrs, head, head_attrs};
}

static const char *mark(const struct im_line *l)
{
    static const char *const marks[] = {"…", "·", "✓", "✓✓", "✓✓✓", "✗"};

    return !l->ours || !l->id ? "" : marks[l->sent];
}

static int attrs_of(const struct im_line *l)
{
    if (tui.found && l->kind == IM_SAID && strcasestr(l->text, tui.found))
        return look_of(THEME_found);
    return l->kind == IM_ERROR  ? look_of(THEME_error)
           : l->kind == IM_NOTE ? look_of(THEME_note)
           : l->mention         ? look_of(THEME_mention)
           : l->old             ? look_of(THEME_old)
                                : 0;
}

/* The time and who it is; others who are called as we are here stand in quotes. */
static void head_put(struct mn_buf *b, const struct im_line *l, const char *stamp, const char *who,
                     bool action)
{
    const char *quote = l->who && !l->ours && !strcmp(who, _("me")) ? "\"" : "";

    if (l->who)
        mn_buf_fmt(b, "%s %s%s%.*s%s%s ", stamp, action ? "* " : "", quote,
                   (int)text_fit(who, WHO, false), who, quote, action ? "" : ":");
    else
        mn_buf_fmt(b, "%s - ", stamp);
    mn_buf_c(b, 0);
}

/* The rows of one line, wrapped; those behind the first stand below its text. */
static void line_rows(struct rows *r, const struct im_line *l, int width)
{
    char stamp[16];
    time_t at = (time_t)(l->at / 1000);
    struct tm tm;
    struct mn_buf head = {0};
    char *who = text_screen(l->who ? l->who : "", " "), *text = text_screen(l->text, "\n");
    bool action = l->who && !strncmp(text, "/me ", 4);
    int attrs = attrs_of(l);
    int head_attrs = l->ours ? look_of(THEME_ours) : l->who ? look_name(l->who) : attrs, indent;
    const char *p = action ? text + 4 : text;
    bool first = true;

    strftime(stamp, sizeof stamp, "%H:%M", localtime_r(&at, &tm));
    head_put(&head, l, stamp, who, action);
    indent = text_width(head.p) < width / 2 ? text_width(head.p) : 6;
    do {
        size_t n = text_fit(p, width - indent - (first ? 3 : 0), true), at_n;
        struct mn_buf b = {0};

        if (first)
            mn_buf_fmt(&b, "%s", head.p);
        else
            for (int i = 0; i < indent; i++)
                mn_buf_c(&b, ' ');
        at_n = b.n;
        mn_buf_add(&b, p, n);
        p += n;
        p += *p == '\n' || (n && *p == ' '); /* the blank that it broke at stands nowhere */
        if (!*p && l->corrected)
            mn_buf_fmt(&b, " %s", _("(corrected)"));
        if (!*p && *mark(l))
            mn_buf_fmt(&b, " %s", mark(l));
        row_add(r, b.p, b.n, attrs, first ? (int)at_n : 0, head_attrs);
        mn_buf_free(&b);
        first = false;
    } while (*p);
    mn_buf_free(&head);
    mn_free(who);
    mn_free(text);
}

static void rule(struct rows *r, const char *text, int width, int attrs)
{
    struct mn_buf b = {0};
    int side = (width - text_width(text) - 2) / 2;

    for (int i = 0; i < side; i++)
        mn_buf_lit(&b, "─");
    mn_buf_fmt(&b, " %s ", text);
    for (int i = 0; i < side; i++)
        mn_buf_lit(&b, "─");
    row_add(r, b.p, b.n, attrs, 0, 0);
    mn_buf_free(&b);
}

static long day_of(int64_t at)
{
    time_t t = (time_t)(at / 1000);
    struct tm tm;

    localtime_r(&t, &tm);
    return tm.tm_year * 400L + tm.tm_yday;
}

/* From a line on to the end; enough lines for what is seen. */
static void chat_rows(struct rows *r, const struct im_chat *chat, int width, int wanted)
{
    size_t from = chat->count > (size_t)wanted ? chat->count - (size_t)wanted : 0;

    for (size_t i = from; i < chat->count; i++) {
        char day[40];
        time_t at = (time_t)(chat->lines[i].at / 1000);
        struct tm tm;

        if (i == from || day_of(chat->lines[i].at) != day_of(chat->lines[i - 1].at)) {
            strftime(day, sizeof day, "%Y-%m-%d", localtime_r(&at, &tm));
            rule(r, day, width, look_of(THEME_rule));
        }
        if (i == chat->fresh && i)
            rule(r, _("new"), width, look_of(THEME_fresh));
        line_rows(r, &chat->lines[i], width);
    }
}

static void rows_free(struct rows *r)
{
    for (size_t i = 0; i < r->n; i++)
        mn_free(r->items[i].text);
    mn_free(r->items);
}

/* Who reads older lines goes on to see them when new ones come. */
static void keep_place(const struct im_chat *chat, int width)
{
    size_t news = chat->told - tui.told < chat->count ? chat->told - tui.told : chat->count;
    struct rows r = {0};

    for (size_t i = chat->count - news; tui.scroll && i < chat->count; i++)
        line_rows(&r, &chat->lines[i], width);
    tui.scroll += (int)r.n;
    tui.told = chat->told;
    rows_free(&r);
}

void screen_scroll(int rows)
{
    struct im_chat *chat = tui_chat();
    struct rows r = {0};

    tui.scroll = tui.scroll + rows < 0 ? 0 : tui.scroll + rows;
    chat_rows(&r, chat, columns(), screen_page() + tui.scroll);
    if ((int)r.n < screen_page() + tui.scroll)
        im_chat_older(chat);
    rows_free(&r);
}

/* Rows from the first of a line to the end. */
static int rows_from(const struct im_chat *chat, size_t line)
{
    struct rows r = {0};
    int n;

    for (size_t i = line; i < chat->count; i++)
        line_rows(&r, &chat->lines[i], columns());
    n = (int)r.n;
    rows_free(&r);
    return n;
}

bool screen_find(const char *words, bool further)
{
    struct im_chat *chat = tui_chat();
    size_t i = further && tui.at_found < chat->count ? chat->count - tui.at_found : chat->count;
    size_t more;

    do {
        for (; i > 0; i--)
            if (chat->lines[i - 1].kind == IM_SAID && strcasestr(chat->lines[i - 1].text, words)) {
                tui.scroll = rows_from(chat, i - 1) - 1;
                tui.at_found = chat->count - i + 1;
                tui.told = chat->told;
                return true;
            }
        i = more = im_chat_older(chat);
    } while (more);
    return false;
}

static void body_draw(const struct im_chat *chat, int width)
{
    struct rows r = {0};
    int height = screen_page(), last, most;

    keep_place(chat, width);
    chat_rows(&r, chat, width, height + tui.scroll);
    most = (int)r.n > height ? (int)r.n - height : 0;
    tui.scroll = tui.scroll > most ? most : tui.scroll;
    last = (int)r.n - tui.scroll;
    for (int y = 0; y < height; y++) {
        int i = last - height + y + (last < height ? height - last : 0);

        if (i < 0 || i >= last)
            continue;
        attrset(r.items[i].attrs);
        mvaddstr(1 + y, 0, r.items[i].text);
        attrset(A_NORMAL);
        if (r.items[i].head) {
            attrset(r.items[i].head_attrs);
            mvaddnstr(1 + y, 0, r.items[i].text, r.items[i].head);
            attrset(A_NORMAL);
        }
    }
    rows_free(&r);
}

void screen_draw(void)
{
    struct im_chat *chat = tui_chat();

    erase();
    title_draw();
    if (page_is_open())
        page_draw(columns(), screen_page());
    else
        body_draw(chat, columns());
    panel_draw(1, screen_page());
    question_draw(LINES - 2 - input_rows());
    windows_draw();
    if (page_is_open() && !tui.asking) {
        screen_put(LINES - 1, 0, COLS, A_DIM,
                   page_picks()
                       ? _("Esc leaves the form · Enter takes a row · letters look for one")
                       : _("Esc leaves the form · Tab next · Enter presses · Space chooses"));
        page_cursor();
    } else {
        input_draw();
    }
    refresh();
    if (tui.config.terminal.title)
        terminal_title();
}

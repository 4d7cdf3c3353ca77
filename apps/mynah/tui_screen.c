/* The screen, drawn anew when something changed:
 *
 *   title: with whom, what they do          | people
 *   what was said                           | or who is in the room
 *   windows, unread                         |
 *   the line that is typed
 */
#include <ncurses.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apps/mynah/text.h"
#include "apps/mynah/tui.h"
#include "im/lang.h"

enum { PANEL = 26, PANEL_FROM = 80, NAMES = 7 };
enum { PLAIN, OURS = 1, NOTE, ALARM, BAR, DIM, NAME };

static const short name_colors[NAMES] = {COLOR_CYAN, COLOR_MAGENTA, COLOR_GREEN, COLOR_YELLOW,
                                         COLOR_BLUE, COLOR_RED,     COLOR_WHITE};

void screen_open(void)
{
    set_escdelay(25);
    initscr();
    raw();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    keys_open();
    if (has_colors()) {
        start_color();
        use_default_colors();
        init_pair(OURS, COLOR_GREEN, -1);
        init_pair(NOTE, COLOR_CYAN, -1);
        init_pair(ALARM, COLOR_RED, -1);
        init_pair(BAR, COLOR_WHITE, COLOR_BLUE);
        init_pair(DIM, COLOR_WHITE, -1);
        for (int i = 0; i < NAMES; i++)
            init_pair((short)(NAME + i), name_colors[i], -1);
    }
    fputs("\033[?2004h", stdout); /* pastes are told apart from typing */
    fflush(stdout);
}

void screen_close(void)
{
    fputs("\033[?2004l", stdout);
    endwin();
}

static int columns(void)
{
    return tui.panel && COLS >= PANEL_FROM ? COLS - PANEL - 1 : COLS;
}

int screen_page(void)
{
    return LINES - 2 - input_rows();
}

void screen_put(int y, int x, int width, int attrs, const char *text)
{
    char *safe = text_screen(text, " ");

    if (width > 0 && y >= 0 && y < LINES) {
        attrset(attrs);
        mvaddnstr(y, x, safe,
                  (int)(text_width(safe) <= width ? strlen(safe) : text_fit(safe, width, false)));
        attrset(A_NORMAL);
    }
    mn_free(safe);
}

static void bar(int y, int x, int width)
{
    attrset(COLOR_PAIR(BAR));
    mvhline(y, x, ' ', width);
    attrset(A_NORMAL);
}

static int color_of(const char *name)
{
    unsigned h = 0;

    while (*name)
        h = h * 31 + (unsigned char)*name++;
    return COLOR_PAIR(NAME + (int)(h % NAMES));
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
    static const char *const marks[] = {"…", "·", "✓", "✓✓", "✓✓", "✗"};

    return !l->ours || !l->id ? "" : marks[l->sent];
}

/* The rows of one line, wrapped; those behind the first stand below its text. */
static void line_rows(struct rows *r, const struct im_line *l, int width)
{
    char head[200], stamp[16];
    time_t at = (time_t)(l->at / 1000);
    struct tm tm;
    char *who = text_screen(l->who ? l->who : "", " "), *text = text_screen(l->text, "\n");
    bool action = l->who && !strncmp(text, "/me ", 4);
    int attrs = l->kind == IM_ERROR  ? (int)COLOR_PAIR(ALARM)
                : l->kind == IM_NOTE ? (int)COLOR_PAIR(NOTE)
                : l->mention         ? (int)A_BOLD
                                     : 0;
    int head_attrs = l->ours ? (int)COLOR_PAIR(OURS) : l->who ? color_of(l->who) : attrs, indent;
    const char *p = action ? text + 4 : text;
    bool first = true;

    strftime(stamp, sizeof stamp, "%H:%M", localtime_r(&at, &tm));
    snprintf(head, sizeof head, l->who ? (action ? "%s * %.60s " : "%s %.60s: ") : "%s - ", stamp,
             who);
    if (l->old)
        attrs |= A_DIM;
    indent = text_width(head) < width / 2 ? text_width(head) : 6;
    do {
        size_t n = text_fit(p, width - indent - (first ? 3 : 0), true), at_n;
        struct mn_buf b = {0};

        if (first)
            mn_buf_fmt(&b, "%s", head);
        else
            for (int i = 0; i < indent; i++)
                mn_buf_c(&b, ' ');
        at_n = b.n;
        mn_buf_add(&b, p, n);
        p += n;
        p += *p == '\n';
        if (!*p && *mark(l))
            mn_buf_fmt(&b, " %s", mark(l));
        row_add(r, b.p, b.n, attrs, first ? (int)at_n : 0, head_attrs);
        mn_buf_free(&b);
        first = false;
    } while (*p);
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
            rule(r, day, width, A_DIM);
        }
        if (i == chat->fresh && i)
            rule(r, _("new"), width, COLOR_PAIR(ALARM));
        line_rows(r, &chat->lines[i], width);
    }
}

static void body_draw(const struct im_chat *chat, int width)
{
    struct rows r = {0};
    int height = screen_page(), last, most;

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
    for (size_t i = 0; i < r.n; i++)
        mn_free(r.items[i].text);
    mn_free(r.items);
}

/* Bars. */

static const char *doing(const struct im_chat *chat)
{
    return chat->typing == MYNAH_COMPOSING ? _("is typing")
           : chat->typing == MYNAH_PAUSED  ? _("stopped typing")
           : chat->typing == MYNAH_GONE    ? _("has left")
                                           : "";
}

static const char *show_of(const struct im_chat *chat)
{
    static const char *const shows[] = {N_("online"),        N_("free for chat"),  N_("away"),
                                        N_("away for long"), N_("do not disturb"), N_("offline")};
    const struct mynah_resource *r;

    if (!chat->account || chat->room)
        return "";
    r = mynah_roster_resource(chat->account->client, chat->jid, 0);
    return _(shows[r ? r->show : MYNAH_UNAVAILABLE]);
}

static void title_draw(const struct im_chat *chat)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, " %s", chat->title);
    if (*chat->jid)
        mn_buf_fmt(&b, " (%s)", chat->jid);
    if (*show_of(chat))
        mn_buf_fmt(&b, " · %s", show_of(chat));
    if (*doing(chat))
        mn_buf_fmt(&b, " · %s", doing(chat));
    if (chat->room && *mynah_room_subject(chat->room))
        mn_buf_fmt(&b, " · %s", mynah_room_subject(chat->room));
    if (tui.scroll)
        mn_buf_fmt(&b, " · %s", _("scrolled, End goes to the end"));
    mn_buf_c(&b, 0);
    bar(0, 0, COLS);
    screen_put(0, 0, COLS, COLOR_PAIR(BAR) | A_BOLD, b.p);
    mn_buf_free(&b);
}

static void windows_draw(void)
{
    char text[200];
    time_t now = time(NULL);
    struct tm tm;
    int x, y = LINES - 1 - input_rows();

    bar(y, 0, COLS);
    strftime(text, sizeof text, " %H:%M ", localtime_r(&now, &tm));
    screen_put(y, 0, COLS, COLOR_PAIR(BAR), text);
    x = text_width(text);
    for (size_t i = 0; i < im_account_count(tui.im); i++) {
        struct im_account_state *a = im_account_at(tui.im, i);
        enum mynah_state s = mynah_client_state(a->client);

        snprintf(text, sizeof text, "%s %.60s  ",
                 s == MYNAH_ONLINE    ? "●"
                 : s == MYNAH_OFFLINE ? "○"
                                      : "◌",
                 a->jid);
        screen_put(y, x, COLS - x, COLOR_PAIR(BAR), text);
        x += text_width(text);
    }
    for (size_t i = 0; i < im_chat_count(tui.im) && x < COLS; i++) {
        const struct im_chat *chat = im_chat_at(tui.im, i);
        int attrs =
            COLOR_PAIR(BAR) | (i == tui.at ? A_REVERSE : 0) | (chat->mentioned ? A_BOLD : 0);

        if (chat->unread && i != tui.at)
            snprintf(text, sizeof text, " %zu:%.30s %u%s ", i + 1, chat->title, chat->unread,
                     chat->mentioned ? "!" : "");
        else
            snprintf(text, sizeof text, " %zu:%.30s ", i + 1, chat->title);
        screen_put(y, x, COLS - x, attrs, text);
        x += text_width(text) + 1;
    }
}

/* People. */

static void panel_row(int *y, int attrs, const char *mark_, const char *name)
{
    char text[300];

    snprintf(text, sizeof text, "%s %.200s", mark_, name);
    screen_put(*y, COLS - PANEL, PANEL, attrs, text);
    ++*y;
}

static void occupants_draw(const struct mynah_room *r, int y)
{
    static const char *const marks[] = {" ", " ", "+", "@"};
    const struct mynah_occupant *o;

    for (size_t i = 0; (o = mynah_room_at(r, i)) && y < 1 + screen_page(); i++)
        panel_row(&y, color_of(o->nick), marks[o->role], o->nick);
}

static void people_draw(int y)
{
    static const char *const marks[] = {"●", "●", "◐", "◑", "⊘", "○"};
    struct im_account_state *a;
    const char *jid;

    for (size_t i = 0; (jid = im_asked_at(tui.im, i, &a)) && y < 1 + screen_page(); i++)
        panel_row(&y, COLOR_PAIR(ALARM), "?", jid);
    for (size_t i = 0; (a = im_account_at(tui.im, i)); i++)
        for (int online = 1; online >= 0; online--) {
            const struct mynah_contact *k;

            for (size_t n = 0; (k = mynah_roster_at(a->client, n)) && y < 1 + screen_page(); n++) {
                const struct mynah_resource *res = mynah_roster_resource(a->client, k->jid, 0);

                if ((res != NULL) == online)
                    panel_row(&y, online ? A_NORMAL : A_DIM, marks[res ? (int)res->show : 5],
                              im_name(a, k->jid));
            }
        }
}

static void panel_draw(const struct im_chat *chat)
{
    if (columns() == COLS)
        return;
    attrset(A_DIM);
    mvvline(1, COLS - PANEL - 1, ACS_VLINE, screen_page());
    attrset(A_NORMAL);
    if (chat->room)
        occupants_draw(chat->room, 1);
    else
        people_draw(1);
}

void screen_draw(void)
{
    struct im_chat *chat = tui_chat();

    erase();
    title_draw(chat);
    body_draw(chat, columns());
    panel_draw(chat);
    windows_draw();
    input_draw();
    refresh();
}

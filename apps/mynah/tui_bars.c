/* The two bars: with whom one talks, and the windows that there are. */
#include <ncurses.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apps/mynah/text.h"
#include "apps/mynah/theme.h"
#include "apps/mynah/tui.h"
#include "im/lang.h"

static void bar(int y)
{
    attrset(look_of(THEME_bar));
    mvhline(y, 0, ' ', COLS);
    attrset(A_NORMAL);
}

const char *mark_of(enum mynah_show show)
{
    static const char *const marks[] = {"●", "●", "◐", "◑", "⊘", "○"};

    return marks[show];
}

static const char *doing(const struct im_chat *chat)
{
    return chat->typing == MYNAH_COMPOSING ? _("is typing")
           : chat->typing == MYNAH_PAUSED  ? _("stopped typing")
           : chat->typing == MYNAH_GONE    ? _("has left")
                                           : "";
}

const char *show_name(enum mynah_show show)
{
    static const char *const shows[] = {N_("online"),        N_("free for chat"),  N_("away"),
                                        N_("away for long"), N_("do not disturb"), N_("offline")};

    return _(shows[show]);
}

static const char *show_of(const struct im_chat *chat)
{
    const struct mynah_resource *r;
    const struct mynah_occupant *o;
    const struct mynah_room *room;

    if (!chat->account || chat->room)
        return "";
    if (chat->occupant) {
        room = mynah_room_find(chat->account->client, chat->jid);
        o = room ? mynah_room_occupant(room, chat->title) : NULL;
        return o ? show_name(o->show) : _("not in the room");
    }
    r = mynah_roster_resource(chat->account->client, chat->jid, 0);
    return show_name(r ? r->show : MYNAH_UNAVAILABLE);
}

void title_draw(void)
{
    const struct im_chat *chat = tui_chat();
    struct mn_buf b = {0};

    mn_buf_fmt(&b, " %s", chat->title);
    if (*chat->jid)
        mn_buf_fmt(&b, " (%s)", chat->jid);
    else if (im_account_count(tui.im) > 1)
        mn_buf_fmt(&b, " (%s)", tui_account()->jid); /* whose commands are run here */
    if (*show_of(chat))
        mn_buf_fmt(&b, " · %s", show_of(chat));
    if (*doing(chat))
        mn_buf_fmt(&b, " · %s", doing(chat));
    if (chat->room && *mynah_room_subject(chat->room))
        mn_buf_fmt(&b, " · %s", mynah_room_subject(chat->room));
    if (*chat->jid && im_account_count(tui.im) > 1)
        mn_buf_fmt(&b, _(" · as %s"), chat->account->jid);
    if (tui.scroll)
        mn_buf_fmt(&b, " · %s", _("scrolled, End goes to the end"));
    mn_buf_c(&b, 0);
    bar(0);
    screen_put(0, 0, COLS, look_of(THEME_bar) | A_BOLD, b.p);
    mn_buf_free(&b);
}

/* The time and the accounts: with their addresses where there is room for all windows too. */
static void state_text(struct mn_buf *b, bool names)
{
    char stamp[20];
    time_t now = time(NULL);
    struct tm tm;

    strftime(stamp, sizeof stamp, " %H:%M ", localtime_r(&now, &tm));
    mn_buf_str(b, mn_str_from(stamp));
    for (size_t i = 0; i < im_account_count(tui.im); i++) {
        struct im_account_state *a = im_account_at(tui.im, i);
        enum mynah_state s = mynah_client_state(a->client);
        const char *mark = s == MYNAH_ONLINE    ? mark_of(mynah_presence_shown(a->client))
                           : s == MYNAH_OFFLINE ? mark_of(MYNAH_UNAVAILABLE)
                                                : "◌";

        if (names)
            mn_buf_fmt(b, "%s %.60s  ", mark, a->jid);
        else
            mn_buf_fmt(b, "%s ", mark);
    }
    mn_buf_c(b, 0);
}

static void window_label(size_t i, char *out, size_t n)
{
    const struct im_chat *chat = im_chat_at(tui.im, i);
    char *title = text_screen(chat->title, " ");

    title[text_fit(title, 20, false)] = 0;
    if (chat->unread && i != tui.at)
        snprintf(out, n, " %zu:%.100s %u%s ", i + 1, title, chat->unread,
                 chat->mentioned ? "!" : "");
    else
        snprintf(out, n, " %zu:%.100s ", i + 1, title);
    mn_free(title);
}

/* From one window up to another, with the gaps behind them. */
static int labels_width(size_t from, size_t to)
{
    char text[200];
    int width = 0;

    for (size_t i = from; i < to; i++) {
        window_label(i, text, sizeof text);
        width += text_width(text) + 1;
    }
    return width;
}

/* What stands where in the bar: the one that is shown is seen, however many there are. */
struct bar {
    struct mn_buf state;
    int x; /* of the first label, */
    size_t first;
};

static struct bar bar_made(void)
{
    struct bar made = {0};
    int all = labels_width(0, im_chat_count(tui.im)) - 1;

    state_text(&made.state, true);
    if (text_width(made.state.p) + all > COLS) {
        mn_buf_clear(&made.state);
        state_text(&made.state, false);
    }
    made.x = text_width(made.state.p);
    all = labels_width(0, tui.at + 1) - 1;
    for (; made.first < tui.at && made.x + all > COLS; made.first++)
        all -= labels_width(made.first, made.first + 1);
    return made;
}

static int window_attrs(size_t i)
{
    const struct im_chat *chat = im_chat_at(tui.im, i);

    return look_of(i == tui.at ? THEME_window : chat->mentioned ? THEME_news : THEME_bar);
}

void windows_draw(void)
{
    struct bar made = bar_made();
    char text[200];
    int x = made.x, y = LINES - 1 - input_rows();

    bar(y);
    screen_put(y, 0, COLS, look_of(THEME_bar), made.state.p);
    if (made.first)
        screen_put(y, x - 1, 1, look_of(THEME_bar), "‹");
    for (size_t i = made.first; i < im_chat_count(tui.im); i++) {
        if (x >= COLS) {
            screen_put(y, COLS - 1, 1, look_of(THEME_bar), "›");
            break;
        }
        window_label(i, text, sizeof text);
        screen_put(y, x, COLS - x, window_attrs(i), text);
        x += text_width(text) + 1;
    }
    mn_buf_free(&made.state);
}

void windows_click(int at)
{
    struct bar made = bar_made();
    int x = made.x;

    mn_buf_free(&made.state);
    for (size_t i = made.first; i < im_chat_count(tui.im); i++) {
        int width = labels_width(i, i + 1);

        if (at >= x && at < x + width - 1) {
            tui_show(im_chat_at(tui.im, i));
            return;
        }
        x += width;
    }
}

static char title_shown[100];

/* Not more often than it changes; terminals that know no titles are left alone. */
void terminal_title(void)
{
    char text[100];
    unsigned unread = 0;
    const char *term = getenv("TERM");

    for (size_t i = 0; i < im_chat_count(tui.im); i++)
        unread += im_chat_at(tui.im, i)->unread;
    snprintf(text, sizeof text, unread ? "Mynah (%u)" : "Mynah", unread);
    if (!strcmp(text, title_shown) || !term || !strcmp(term, "linux") || !strncmp(term, "vt", 2))
        return;
    memcpy(title_shown, text, sizeof title_shown);
    printf("\033]2;%s\a", text);
    fflush(stdout);
}

void terminal_title_close(void)
{
    if (*title_shown)
        fputs("\033]2;\a", stdout);
}

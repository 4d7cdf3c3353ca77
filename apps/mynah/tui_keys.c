/* The keys of the windows; the others are the line's (line.h). */
#include <ncurses.h>
#include <string.h>

#include "apps/mynah/text.h"
#include "apps/mynah/tui_page.h"
#include "apps/mynah/tui_question.h"
#include "im/lang.h"

static void window_step(int step)
{
    size_t n = im_chat_count(tui.im);

    tui_show(im_chat_at(tui.im, (tui.at + n + (size_t)step) % n));
}

static void window_news(void)
{
    for (size_t i = 1; i <= im_chat_count(tui.im); i++) {
        struct im_chat *chat = im_chat_at(tui.im, (tui.at + i) % im_chat_count(tui.im));

        if (chat->unread) {
            tui_show(chat);
            return;
        }
    }
}

void tui_line_done(void)
{
    char *text = mn_str_dup((mn_str){tui.line.text, tui.line.n});
    void (*answer)(const char *text) = tui.answered;

    line_keep(&tui.line);
    line_set(&tui.line, "");
    tui.scroll = text[0] == '/' ? tui.scroll : 0;
    if (answer) {
        mn_free(tui.asking);
        tui.asking = NULL;
        tui.answered = NULL;
        tui.line.hidden = false;
        tui_draft();
        answer(text);
        explicit_bzero(text, strlen(text));
    } else if (text[0] != '/' && *text && xml_said(text)) {
        tui.dirty = true;
    } else if (text[0] == '/' && text[1] == '/') {
        im_say(tui_chat(), text + 1);
    } else if (text[0] == '/') {
        command_run(text);
    } else if (*text) {
        im_say(tui_chat(), text);
    }
    tui_draft_keep();
    mn_free(text);
}

/* Keys of ours, for sequences that terminals send and terminfo does not name everywhere. */
enum { OWN = 0x1000 };
enum own { PASTE, PASTED, ALT_LEFT, ALT_RIGHT, CTRL_LEFT, CTRL_RIGHT, ALT_PAGE_UP, ALT_PAGE_DOWN };

void keys_open(void)
{
    static const struct {
        const char *sequence;
        enum own key;
    } all[] = {{"\033[200~", PASTE},        {"\033[201~", PASTED},     {"\033[1;3D", ALT_LEFT},
               {"\033[1;3C", ALT_RIGHT},    {"\033[1;5D", CTRL_LEFT},  {"\033[1;5C", CTRL_RIGHT},
               {"\033\033[D", ALT_LEFT},    {"\033\033[C", ALT_RIGHT}, {"\033[5;3~", ALT_PAGE_UP},
               {"\033[6;3~", ALT_PAGE_DOWN}};

    for (size_t i = 0; i < MN_COUNT(all); i++)
        define_key(all[i].sequence, OWN + (int)all[i].key);
}

/* What ncurses calls a key, as the line does; 0: none of its. */
static int meant(int key, bool is_code)
{
    static const struct {
        int code, meant;
    } codes[] = {{KEY_LEFT, LINE_LEFT},
                 {KEY_RIGHT, LINE_RIGHT},
                 {KEY_UP, LINE_UP},
                 {KEY_DOWN, LINE_DOWN},
                 {KEY_HOME, LINE_HOME},
                 {KEY_END, LINE_END},
                 {KEY_DC, LINE_DELETE},
                 {KEY_ENTER, '\r'},
                 {KEY_BACKSPACE, LINE_BACKSPACE},
                 {OWN + CTRL_LEFT, LINE_WORD_LEFT},
                 {OWN + CTRL_RIGHT, LINE_WORD_RIGHT}};

    for (size_t i = 0; is_code && i < MN_COUNT(codes); i++)
        if (codes[i].code == key)
            return codes[i].meant;
    return is_code ? 0 : key;
}

/* The same for a form, which has keys of its own and leaves those of windows alone. */
static int form_means(int key, bool is_code)
{
    if (is_code && (key == KEY_PPAGE || key == KEY_NPAGE || key == KEY_BTAB))
        return key == KEY_PPAGE ? FORM_PAGE_UP : key == KEY_NPAGE ? FORM_PAGE_DOWN : FORM_BACK;
    return !is_code && key == LINE_CTRL('L') ? 0 : meant(key, is_code);
}

/* A click chooses, the wheel scrolls what is below it. */
static void mouse(void)
{
    MEVENT e;
    bool panel;

    if (getmouse(&e) != OK)
        return;
    panel = panel_width() && e.x > COLS - panel_width() - 1;
    if (e.bstate & (BUTTON4_PRESSED | BUTTON5_PRESSED)) {
        int rows = e.bstate & BUTTON4_PRESSED ? 3 : -3;

        if (panel)
            panel_scroll(-rows);
        else if (page_is_open())
            page_scroll(rows);
        else
            screen_scroll(rows);
    } else if (e.y == LINES - 1 - input_rows()) {
        windows_click(e.x);
    } else if (panel) {
        panel_click(e.y);
    } else if (page_is_open() && e.y > 0 && e.y <= screen_page()) {
        page_click(e.y, e.x);
    }
}

/* Those of the windows come first. */
static bool window_key(int key, bool is_code, bool alt)
{
    if (alt && !is_code && key >= '0' && key <= '9') {
        struct im_chat *chat = im_chat_at(tui.im, key == '0' ? 9 : (size_t)(key - '1'));

        if (chat)
            tui_show(chat);
    } else if (is_code && (key == OWN + ALT_LEFT || key == OWN + ALT_RIGHT)) {
        window_step(key == OWN + ALT_LEFT ? -1 : 1);
    } else if (alt && !is_code && key == 'a') {
        window_news();
    } else if (alt && !is_code && question_key(key)) {
        tui.dirty = true;
    } else if (is_code && (key == KEY_PPAGE || key == KEY_NPAGE)) {
        screen_scroll(key == KEY_PPAGE ? screen_page() / 2 : -(screen_page() / 2));
    } else if (is_code && (key == OWN + ALT_PAGE_UP || key == OWN + ALT_PAGE_DOWN)) {
        panel_scroll(key == OWN + ALT_PAGE_UP ? -screen_page() / 2 : screen_page() / 2);
    } else if (is_code && key == KEY_MOUSE) {
        mouse();
    } else if (is_code && key == KEY_END && tui.scroll) {
        tui.scroll = 0;
    } else if (!is_code && key == LINE_CTRL('L')) {
        clearok(stdscr, TRUE);
    } else if (!is_code && key == LINE_CTRL('C') && !tui.line.search.on) {
        if (tui.asking && !tui.line.n)
            tui_line_done(); /* no answer */
        else if (tui.line.n)
            line_set(&tui.line, "");
        else
            tui_note(IM_NOTE, _("/quit ends"));
    } else {
        return false;
    }
    return true;
}

static void line_pressed(int key)
{
    enum line_result r = line_key(&tui.line, key);

    if (r == LINE_FINISHED)
        tui_line_done();
    else if (r == LINE_OUTSIDE && !tui.asking)
        write_in_editor();
    else if (!tui.asking)
        im_typing(tui_chat(), tui.line.n && tui.line.text[0] != '/');
}

static void pasted(int key)
{
    struct mn_buf b = {0};
    char *clean;

    if (key < ' ' && key != '\r' && key != '\n' && key != '\t')
        return;
    text_add(&b, key == '\r' ? '\n' : (uint32_t)key);
    mn_buf_c(&b, 0);
    clean = text_safe(b.p, "\n");
    if (page_is_open() && !tui.asking)
        page_paste(clean, strlen(clean));
    else
        line_insert(&tui.line, clean, strlen(clean));
    mn_free(clean);
    mn_buf_free(&b);
}

/* The mark of the end may come in pieces, which ncurses does not put together. */
static void paste_key(int key)
{
    static const char end[] = "[201~";
    static size_t seen; /* of ESC and the end */

    if (seen && key == end[seen - 1]) {
        seen++;
    } else {
        for (size_t i = 1; i < seen; i++)
            pasted(end[i - 1]);
        seen = key == LINE_ESCAPE;
        pasted(key);
    }
    if (seen == sizeof end) {
        seen = 0;
        tui.pasting = false;
    }
}

/* Between its two marks what comes is text: nothing in it is a key, and a line end sends nothing.
 */
static bool paste_mark(int key, bool is_code)
{
    if (!is_code || (key != OWN + PASTE && key != OWN + PASTED))
        return false;
    tui.pasting = key == OWN + PASTE;
    if (tui.pasting)
        line_remember(&tui.line);
    return true;
}

static void one_key(int key, bool is_code, bool alt)
{
    if (paste_mark(key, is_code))
        return;
    if (tui.pasting) {
        if (alt)
            paste_key(LINE_ESCAPE);
        if (!is_code)
            paste_key(key);
        return;
    }
    if (page_is_open() && !tui.asking && form_means(key, is_code) &&
        !(alt && window_key(key, is_code, alt))) {
        page_key(form_means(key, is_code) | (alt ? LINE_ALT : 0));
        return;
    }
    if (!is_code && !alt && key == '\t' && !tui.asking) {
        command_complete(&tui.line, false);
        return;
    }
    if (is_code && key == KEY_BTAB) {
        command_complete(&tui.line, true);
        return;
    }
    mn_free(tui.line.completing);
    tui.line.completing = NULL;
    if (!window_key(key, is_code, alt) && meant(key, is_code))
        line_pressed(meant(key, is_code) | (alt ? LINE_ALT : 0));
}

/* A key behind ESC was pressed with Alt; two ESC are two. */
static void escape(void)
{
    wint_t key;
    int r = get_wch(&key);

    if (r == ERR || (r == OK && key == LINE_ESCAPE))
        one_key(LINE_ESCAPE, false, false);
    if (r == OK && key == LINE_ESCAPE)
        one_key(LINE_ESCAPE, false, false);
    else if (r != ERR)
        one_key((int)key, r == KEY_CODE_YES, true);
}

void keys_read(void)
{
    wint_t key;
    int r;

    while (!tui.quit && (r = get_wch(&key)) != ERR) {
        tui.dirty = true;
        if (r == KEY_CODE_YES && key == KEY_RESIZE)
            continue;
        if (r != KEY_CODE_YES && key == LINE_ESCAPE)
            escape();
        else
            one_key((int)key, r == KEY_CODE_YES, false);
    }
}

/* Forms on the terminal: one a window, in the place of what was said there. A window with a form
 * may be left and come back to; what is typed elsewhere goes elsewhere. */
#pragma once

#include "apps/mynah/tui.h"
#include "apps/mynah/tui_form.h"

/* How it ended: once, also when the window is closed (FORM_LEFT). A form that is taken out of
 * `asked` is the caller's; it may be opened again. */
typedef void page_done(void *arg, struct im_chat *chat, enum form_end end, int value,
                       struct im_form **asked);
/* Takes the form; `error` may be NULL. It waits behind one that is there already: what is being
 * filled in stays. */
void page_open(struct im_chat *chat, struct im_form **asked, const struct form_button *buttons,
               const char *error, page_done *done, void *arg);
/* A table whose rows can be picked. */
void page_pick(struct im_chat *chat, struct im_form **asked, page_done *done, void *arg);
/* One that is only read. */
void page_show(struct im_chat *chat, struct im_form **asked);
/* `chat`, if it is still there, else the program's own page. */
struct im_chat *page_chat(const struct im_chat *chat);
void page_close(const struct im_chat *chat);
bool page_is_in(const struct im_chat *chat);
bool page_is_open(void); /* in the window that is shown */
/* Of the window that is shown, whose form is open. */
bool page_picks(void); /* a row of it can be picked */
void page_key(int key);
void page_paste(const char *text, size_t n);
void page_scroll(int rows); /* up */
void page_click(int y, int x);
void page_draw(int width, int height);
void page_cursor(void);

/* The terminal client: main loop (tui.c), keys (tui_keys.c), screen (tui_screen.c), the line that
 * is typed (line.h, drawn by tui_input.c), commands (tui_commands.c with tui.def). What it shows is
 * im/messenger.h. */
#pragma once

#include <signal.h>

#include "apps/mynah/line.h"
#include "im/messenger.h"

struct tui {
    struct mynah_context *ctx;
    struct im *im;
    struct im_account options;        /* --host, --port, --ca-file ... of accounts that are new */
    struct im_config config;          /* at the start; */
    const char *config_path;          /* of what is there now */
    struct im_account_state *account; /* that pages without one mean; NULL: the first */
    size_t at;                        /* the chat that is shown */
    unsigned shown;                   /* how often another one was */
    int scroll;                       /* rows that are below what is shown */
    size_t told;                      /* of the chat, when it was drawn last */
    size_t at_found;                  /* lines from the end that the last one found is */
    char *found;                      /* words that are shown in another colour; or NULL */
    bool dirty, panel, pasting;
    volatile sig_atomic_t quit; /* said by a person or a signal */
    struct typed line;
    char *asking;                       /* a question stands instead of the chat's name; or NULL */
    void (*answered)(const char *text); /* what is done with the line; or NULL */
};
extern struct tui tui;

struct im_chat *tui_chat(void); /* that is shown */
void tui_show(struct im_chat *chat);
void tui_note(enum im_kind kind, const char *fmt, ...) MN_PRINTF(2, 3); /* in it */
/* The next line goes to `answered`; hidden while it is typed. */
void tui_ask(const char *question, bool hidden, void (*answered)(const char *text));
struct im_account_state *tui_account(void); /* of the chat, else the one that was chosen; NULL */

void tui_draft(void); /* what was being written in it stands in the line again */
void tui_draft_keep(void);
void tui_clear(struct im_chat *chat);
void tui_history(const char *words); /* said in the chat that is shown, or anywhere */
/* Until the user quits. `path`: where `config` is from; `options`: of the command line. `jid`: asks
 * for its password first; NULL: the accounts of the configuration. `socket`: where commands may
 * ask; NULL: nowhere. */
int tui_main(const struct im_config *config, const char *path, const struct im_account *options,
             const char *jid, const char *socket);

/* tui_screen.c */
void screen_open(void);
void screen_close(void);
void screen_leave(void); /* to another program; */
void screen_back(void);
void screen_draw(void);
int screen_page(void); /* lines of a chat that are seen */
void screen_mouse(bool on);
void screen_scroll(int rows); /* up; older lines come from the history */
/* Scrolls up to the last line that has these words, or `further`, to the one before; false: there
 * is none. */
bool screen_find(const char *words, bool further);

/* At a place; "…" where it is cut at the right. */
void screen_put(int y, int x, int width, int attrs, const char *text);

/* tui_look.c: roles are of theme.h */
void look_open(void);
bool look_set(const char *theme); /* false: it was told why not */
int look_of(int role);            /* attributes of ncurses */
int look_name(const char *name);

/* tui_panel.c: people on the right */
void panel_draw(int top, int height);
void panel_close(void);
int panel_width(void);                /* 0: it is not shown */
void panel_changed(void);             /* somebody came or went, or another chat is shown */
void panel_filter(const char *words); /* those whose names have them; NULL: all */
void panel_scroll(int rows);
void panel_click(int y);

/* tui_bars.c */
void title_draw(void);
const char *mark_of(enum mynah_show show);   /* of somebody who is so */
const char *show_name(enum mynah_show show); /* the same in words */
void windows_draw(void);
void windows_click(int x);
void terminal_title_close(void);
void terminal_title(void); /* of the window that the terminal is in */

/* tui_xml.c */
void xml_watch(struct mynah_client *c);      /* an account that may be new */
void xml_closed(const struct im_chat *chat); /* a chat that may be the console */
bool xml_said(const char *text);             /* true: it was said in the console */

/* tui_write.c */
void write_in_editor(void);

/* tui_program.c */
/* `sh -c command arg` has the terminal; the network goes on meanwhile. Its exit code, -1: it could
 * not run or something ended it. `out` not NULL: what it writes goes there, in `a`. */
int program_run(const char *command, const char *arg, struct mn_arena *a, mn_str *out);
/* Gives an address or a file to the browser; why it cannot, or NULL. */
const char *program_browse(const char *what);

/* tui_input.c */
int input_rows(void);  /* of the screen that the line takes now */
void input_draw(void); /* the cursor stands in it then */

/* tui_keys.c */
void keys_open(void);     /* once the screen is open */
void keys_read(void);     /* all that were pressed */
void tui_line_done(void); /* the line is said, run or answers a question */

/* tui_file.c */
void tui_file_serve(struct im_account_state *a);     /* what others offer is shown */
void tui_file_send(const char *path);                /* to whom is talked with */
void tui_file(const char *what, const char *folder); /* accept, decline, cancel */
void tui_file_close(void);                           /* all ends */
char *tui_path(const char *typed);                   /* "~/x" in the home of the user; malloc'd */

/* tui_complete.c */
void command_complete(struct typed *l, bool back); /* the next one, or the one before it */

/* tui_commands.c */
/* The name of the i-th of tui.def; NULL: not so many. */
const char *command_at(size_t i, const char **synopsis);
void command_run(const char *line);

/* tui_account.c */
void tui_connect(const char *jid);      /* asks for the password if nothing has it */
void accounts_connect(void);            /* of the configuration, at the start */
bool account_is_there(const char *jid); /* is logged in, or logs in at the next start */
void account_connect(const struct im_account *acc, mn_str password);

/* An account's state is another one: what follows from that for its password. */
void account_state(struct im_account_state *a, enum mynah_state state,
                   const struct mynah_error *why);
void account_password_changed(const struct im_account_state *a); /* it is kept where the old was */
/* Where a password that is kept in a file has it; in `a`. */
const char *account_password_path(const char *jid, struct mn_arena *a);
void accounts_close(void);

/* tui_keyring.c: `password` NULL: what is there for the account is looked for; "": it is taken out;
 * else it is kept. The answer comes once, in a later turn, or never when the program ends: with
 * what was found or kept, and `why` not NULL: it did not work. Both are lent. */
typedef void keyring_done(const char *jid, const char *password, const char *why);
void keyring_ask(const char *jid, const char *password, keyring_done *done);
void keyring_close(void); /* none comes any more */

/* tui_first.c: pages that lead to an account. `jid` may be NULL; so may `why`, which stands above.
 */
void first_open(const char *jid, bool registers, const char *why);
void first_close(void);

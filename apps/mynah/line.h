/* The line that is typed: its text, what was cut, undone and typed before. It takes keys and knows
 * no screen. Its text is UTF-8 without controls but line ends; a cursor stands between characters
 * as a reader sees them (text.h).
 *
 *   line.c       the text and what is remembered
 *   line_move.c  where a motion leads
 *   line_keys.c  the keys of emacs, those that both have, looking for older lines
 *   line_vi.c    the keys of vi */
#pragma once

#include "base/str.h"

enum { LINE_MAX_BYTES = 16384, LINE_KEPT = 100, LINE_CUTS = 8, LINE_UNDOS = 100, LINE_KEYS = 64 };

/* A key is a code point, a control character (LINE_CTRL), or one of these. Pressed with Alt it has
 * LINE_ALT added. */
enum {
    LINE_LEFT = 0x200000,
    LINE_RIGHT,
    LINE_UP,
    LINE_DOWN,
    LINE_HOME,
    LINE_END,
    LINE_DELETE,
    LINE_WORD_LEFT,
    LINE_WORD_RIGHT,
    LINE_ALT = 0x400000,
    LINE_ESCAPE = 27,
    LINE_BACKSPACE = 127,
};
#define LINE_CTRL(letter) ((letter)&31)

enum line_style { LINE_EMACS, LINE_VI };
enum line_result {
    LINE_GOES_ON,
    LINE_FINISHED,
    LINE_OUTSIDE, /* is to be edited by a program */
    LINE_UNKNOWN, /* the key means nothing here */
};

struct line_state {
    char *text;
    size_t at;
};
struct line_states {
    struct line_state items[LINE_UNDOS];
    int count;
};

struct typed {
    char text[LINE_MAX_BYTES];
    size_t n, at; /* length, cursor */
    bool hidden;  /* a password */
    enum line_style style;
    char *kept[LINE_KEPT]; /* older lines */
    int count, shown;      /* of kept; count: the one being typed */
    char *own;             /* what was being typed when older ones were looked at */
    char *completing;      /* what stood there before the first Tab */
    int choice;
    struct line_states undo, redo;
    char *cuts[LINE_CUTS]; /* the last one first */
    enum { LINE_DID_OTHER, LINE_DID_TYPE, LINE_DID_CUT, LINE_DID_PASTE } did;
    int pasted; /* which of cuts; it stands from paste_at to the cursor */
    size_t paste_at;
    bool prefixed; /* Ctrl-X was pressed */
    struct {
        bool on;
        char words[200];
        size_t n;
        int found; /* of kept; count: nothing */
    } search;
    struct {
        bool command;    /* keys are commands, not text */
        int count, verb; /* so far; 0: none */
        int verb_count;
        int wait; /* the command that waits for one more key; 0: none */
        int seek_way;
        uint32_t seek; /* what f, F, t or T looked for last */
        int keys[LINE_KEYS], last[LINE_KEYS];
        /* Of the command now, 0: none is noted; and of the last that changed something. */
        int key_count, last_count;
        bool changed, repeating;
    } vi;
};

enum line_result line_key(struct typed *l, int key);
void line_set(struct typed *l, const char *text);              /* nothing can be undone behind it */
void line_insert(struct typed *l, const char *text, size_t n); /* what does not fit is left out */
void line_keep(struct typed *l);
void line_done(struct typed *l); /* frees what it holds; it is empty then */

/* Parts, for line_*.c and tests. */

/* Before a change; several letters that are typed in a row are one change. */
void line_remember(struct typed *l);
void line_undo(struct typed *l, bool again);
void line_remove(struct typed *l, size_t from, size_t to); /* the cursor stands at `from` then */
/* Takes it away, or with `copy` does not, and remembers it for pasting. */
void line_cut(struct typed *l, size_t from, size_t to, bool copy);
void line_paste(struct typed *l, int which);
void line_older(struct typed *l, int step); /* -1: the one before */
bool line_row(struct typed *l, int step);   /* in the text, below or above; false: there is none */
void line_vertical(struct typed *l, int step); /* the same, else to an older or newer one */
void line_search(struct typed *l, int step);   /* begins it, or goes on to the next */

/* Where a motion leads from `at`. */
typedef size_t line_motion(const struct typed *l, size_t at);
line_motion line_left, line_right, line_start, line_end, line_first, line_word_left,
    line_word_right, line_blank_left, line_blank_right, line_vi_left, line_vi_right, line_vi_end,
    line_big_left, line_big_right, line_big_end;
/* The `count`th `c` behind `at`, or before it; l->n + 1: there is none. */
size_t line_seek(const struct typed *l, size_t at, uint32_t c, bool back, int count);

enum line_result line_common(struct typed *l, int key); /* keys that both styles have */
enum line_result line_vi(struct typed *l, int key);

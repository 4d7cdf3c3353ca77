/* The keys of the line. Most move the cursor or take away what stands between it and where a motion
 * leads: those are rows of a table. */
#include <limits.h>
#include <wctype.h>

#include "apps/mynah/line.h"
#include "apps/mynah/text.h"
#include "base/err.h"

enum what { MOVE, DROP, CUT };

struct row {
    int key;
    enum what what;
    line_motion *motion;
    void (*run)(struct typed *l);
};

/* Inserting what a key stands for. */
static enum line_result type(struct typed *l, int key)
{
    char text[MB_LEN_MAX];
    struct mn_buf b = {text, 0, sizeof text};

    text_add(&b, (uint32_t)key);
    if (l->did != LINE_DID_TYPE || key == ' ')
        line_remember(l);
    line_insert(l, b.p, b.n);
    l->did = LINE_DID_TYPE;
    return LINE_GOES_ON;
}

static void newline(struct typed *l)
{
    line_remember(l);
    line_insert(l, "\n", 1);
}

static void up(struct typed *l)
{
    line_vertical(l, -1);
}

static void down(struct typed *l)
{
    line_vertical(l, 1);
}

static void before(struct typed *l)
{
    line_older(l, -1);
}

static void behind(struct typed *l)
{
    line_older(l, 1);
}

static void search(struct typed *l)
{
    line_search(l, -1);
}

/* At the end of a line its end goes. */
static void kill(struct typed *l)
{
    size_t end = line_end(l, l->at);

    line_cut(l, l->at, end == l->at ? line_right(l, l->at) : end, false);
}

static void kill_all(struct typed *l)
{
    line_cut(l, 0, l->n, false);
}

static void paste(struct typed *l)
{
    line_paste(l, 0);
}

/* Right after a paste: what was cut before that instead. */
static void paste_other(struct typed *l)
{
    int next = (l->pasted + 1) % LINE_CUTS;

    if (l->did != LINE_DID_PASTE)
        return;
    line_remember(l);
    line_remove(l, l->paste_at, l->at);
    line_paste(l, l->cuts[next] ? next : 0);
}

static void undo(struct typed *l)
{
    line_undo(l, false);
}

/* [from, middle) and [middle, to) change places. */
static void swap(struct typed *l, size_t from, size_t middle, size_t to)
{
    char *first = mn_str_dup((mn_str){l->text + from, middle - from});

    line_remember(l);
    memmove(l->text + from, l->text + middle, to - middle);
    memcpy(l->text + from + (to - middle), first, middle - from);
    l->at = to;
    mn_free(first);
}

static void transpose(struct typed *l)
{
    size_t right = l->at < line_end(l, l->at) ? line_right(l, l->at) : l->at,
           middle = line_left(l, right), left = line_left(l, middle);

    if (left < middle && left >= line_start(l, l->at))
        swap(l, left, middle, right);
}

static void transpose_words(struct typed *l)
{
    size_t end = line_word_right(l, l->at), second = line_word_left(l, end),
           first = line_word_left(l, second), first_end = line_word_right(l, first);
    size_t between = second - first_end;

    if (first_end > second || first == second)
        return;
    swap(l, first, first_end, second); /* ab-cd: -abcd, then -cdab, then cd-ab */
    swap(l, first + between, second, end);
    swap(l, first, first + between, first + between + (end - second));
    l->at = end;
}

static void change_case(struct typed *l, wint_t (*first)(wint_t), wint_t (*other)(wint_t))
{
    size_t end = line_word_right(l, l->at), from = l->at;
    struct mn_buf b = {0};
    bool begun = false;

    for (size_t at = from; at < end;) {
        size_t n = text_next(l->text + at);
        wint_t c = (wint_t)text_point(l->text + at);

        if (n <= MB_LEN_MAX && iswalpha(c)) {
            text_add(&b, (uint32_t)(begun ? other : first)(c));
            begun = true;
        } else {
            mn_buf_add(&b, l->text + at, n);
        }
        at += n;
    }
    line_remember(l);
    line_remove(l, from, end);
    line_insert(l, b.p ? b.p : "", b.n);
    mn_buf_free(&b);
}

static void upper(struct typed *l)
{
    change_case(l, towupper, towupper);
}

static void lower(struct typed *l)
{
    change_case(l, towlower, towlower);
}

static void capital(struct typed *l)
{
    change_case(l, towupper, towlower);
}

static void prefix(struct typed *l)
{
    l->prefixed = true;
}

static size_t whole_start(const struct typed *l, size_t at)
{
    return 0;
}

static size_t whole_end(const struct typed *l, size_t at)
{
    return l->n;
}

static const struct row common[] = {
    {LINE_LEFT, MOVE, line_left, NULL},
    {LINE_RIGHT, MOVE, line_right, NULL},
    {LINE_HOME, MOVE, line_start, NULL},
    {LINE_END, MOVE, line_end, NULL},
    {LINE_WORD_LEFT, MOVE, line_word_left, NULL},
    {LINE_WORD_RIGHT, MOVE, line_word_right, NULL},
    {LINE_BACKSPACE, DROP, line_left, NULL},
    {LINE_CTRL('H'), DROP, line_left, NULL},
    {LINE_DELETE, DROP, line_right, NULL},
    {LINE_CTRL('W'), CUT, line_blank_left, NULL},
    {LINE_CTRL('U'), CUT, line_start, NULL},
    {LINE_CTRL('R'), MOVE, NULL, search},
    {LINE_CTRL('P'), MOVE, NULL, before},
    {LINE_CTRL('N'), MOVE, NULL, behind},
    {LINE_CTRL('Y'), MOVE, NULL, paste},
    {LINE_CTRL('T'), MOVE, NULL, transpose},
    {LINE_CTRL('_'), MOVE, NULL, undo},
    {LINE_UP, MOVE, NULL, up},
    {LINE_DOWN, MOVE, NULL, down},
    {LINE_ALT | '\r', MOVE, NULL, newline},
    {LINE_ALT | '\n', MOVE, NULL, newline},
};

static const struct row emacs[] = {
    {LINE_CTRL('A'), MOVE, line_start, NULL},
    {LINE_CTRL('E'), MOVE, line_end, NULL},
    {LINE_CTRL('B'), MOVE, line_left, NULL},
    {LINE_CTRL('F'), MOVE, line_right, NULL},
    {LINE_CTRL('D'), DROP, line_right, NULL},
    {LINE_CTRL('K'), MOVE, NULL, kill},
    {LINE_ALT | 'b', MOVE, line_word_left, NULL},
    {LINE_ALT | 'f', MOVE, line_word_right, NULL},
    {LINE_ALT | 'd', CUT, line_word_right, NULL},
    {LINE_ALT | LINE_BACKSPACE, CUT, line_word_left, NULL},
    {LINE_ALT | LINE_CTRL('H'), CUT, line_word_left, NULL},
    {LINE_ALT | '<', MOVE, whole_start, NULL},
    {LINE_ALT | '>', MOVE, whole_end, NULL},
    {LINE_ALT | 'k', MOVE, NULL, kill_all},
    {LINE_ALT | 'y', MOVE, NULL, paste_other},
    {LINE_ALT | 't', MOVE, NULL, transpose_words},
    {LINE_ALT | 'u', MOVE, NULL, upper},
    {LINE_ALT | 'l', MOVE, NULL, lower},
    {LINE_ALT | 'c', MOVE, NULL, capital},
    {LINE_CTRL('X'), MOVE, NULL, prefix},
};

static void follow(struct typed *l, const struct row *r)
{
    size_t to = r->motion(l, l->at), from = l->at;

    if (r->what == MOVE) {
        l->at = to;
        return;
    }
    if (to < from) {
        size_t swapped = to;

        to = from;
        from = swapped;
    }
    if (r->what == CUT) {
        line_cut(l, from, to, false);
    } else if (from < to) {
        line_remember(l);
        line_remove(l, from, to);
    }
}

static bool run(struct typed *l, int key, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int did = l->did;

        if (rows[i].key != key)
            continue;
        if (rows[i].motion)
            follow(l, &rows[i]);
        else
            rows[i].run(l);
        if ((int)l->did == did && rows[i].what != CUT && rows[i].run != kill &&
            rows[i].run != paste && rows[i].run != paste_other)
            l->did = LINE_DID_OTHER;
        return true;
    }
    return false;
}

enum line_result line_common(struct typed *l, int key)
{
    if (run(l, key, common, MN_COUNT(common)))
        return LINE_GOES_ON;
    if (key == '\r' || key == '\n')
        return LINE_FINISHED;
    if (key == (LINE_ALT | 'e'))
        return LINE_OUTSIDE;
    return key >= ' ' && key < LINE_LEFT ? type(l, key) : LINE_UNKNOWN;
}

static enum line_result emacs_key(struct typed *l, int key)
{
    if (l->prefixed) {
        l->prefixed = false;
        if (key == LINE_CTRL('U'))
            line_undo(l, false);
        return key == LINE_CTRL('E') ? LINE_OUTSIDE : LINE_GOES_ON;
    }
    if (run(l, key, emacs, MN_COUNT(emacs)))
        return LINE_GOES_ON;
    return line_common(l, key);
}

/* Looking for an older line: what is typed is looked for, Ctrl-R goes on to an older one. */

static void find_from(struct typed *l, int from, int step)
{
    bool command = l->vi.command;

    for (int i = from; i >= 0 && i < l->count; i += step)
        if (l->search.n && strstr(l->kept[i], l->search.words)) {
            l->shown = l->search.found = i;
            line_set(l, l->kept[i]);
            l->at = (size_t)(strstr(l->text, l->search.words) - l->text);
            l->search.on = true;
            l->vi.command = command;
            return;
        }
}

void line_search(struct typed *l, int step)
{
    if (l->hidden)
        return;
    if (!l->search.on) {
        if (l->shown == l->count) {
            mn_free(l->own);
            l->own = mn_str_dup((mn_str){l->text, l->n});
        }
        l->search.on = true;
        l->search.n = 0;
        l->search.words[0] = 0;
        l->search.found = l->count;
        return;
    }
    find_from(l, l->search.found + step, step);
}

static void search_text(struct typed *l, int key)
{
    char text[MB_LEN_MAX];
    struct mn_buf b = {text, 0, sizeof text};

    if (key == LINE_BACKSPACE || key == LINE_CTRL('H')) {
        l->search.n -= text_before(l->search.words, l->search.words + l->search.n);
    } else {
        text_add(&b, (uint32_t)key);
        if (l->search.n + b.n < sizeof l->search.words) {
            memcpy(l->search.words + l->search.n, b.p, b.n);
            l->search.n += b.n;
        }
    }
    l->search.words[l->search.n] = 0;
    find_from(l, l->search.found < l->count ? l->search.found : l->count - 1, -1);
}

static enum line_result search_key(struct typed *l, int key)
{
    if (key == LINE_CTRL('R') || key == LINE_CTRL('S')) {
        line_search(l, key == LINE_CTRL('R') ? -1 : 1);
    } else if (key == LINE_CTRL('G') || key == LINE_CTRL('C')) {
        l->shown = l->count;
        line_set(l, l->own ? l->own : "");
    } else if (key == LINE_BACKSPACE || key == LINE_CTRL('H') || (key >= ' ' && key < LINE_LEFT)) {
        search_text(l, key);
    } else {
        l->search.on = false;
        if (key == LINE_ESCAPE || (l->vi.command && key == '\r'))
            return LINE_GOES_ON; /* vi shows what it has found first */
        return line_key(l, key);
    }
    return LINE_GOES_ON;
}

enum line_result line_key(struct typed *l, int key)
{
    if (l->search.on)
        return search_key(l, key);
    return l->style == LINE_VI && !l->hidden ? line_vi(l, key) : emacs_key(l, key);
}

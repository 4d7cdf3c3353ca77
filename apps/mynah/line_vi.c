/* The keys of vi for the line: [count] verb [count] motion, and commands of one letter. A line
 * begins with inserting; Escape leads to the commands. */
#include <wctype.h>

#include "apps/mynah/line.h"
#include "apps/mynah/text.h"

enum { COUNT_MAX = 1000 };

struct motion {
    int key;
    line_motion *lead;
    bool inclusive, in_line; /* an verb takes the last one too; stays in the line of an verb */
};

static size_t line_left_in(const struct typed *l, size_t at)
{
    return at > line_start(l, at) ? line_left(l, at) : at;
}

static size_t line_right_in(const struct typed *l, size_t at)
{
    return at < line_end(l, at) ? line_right(l, at) : at;
}

static const struct motion motions[] = {
    {'h', line_left_in, false, true},   {LINE_BACKSPACE, line_left_in, false, true},
    {'l', line_right_in, false, true},  {' ', line_right_in, false, true},
    {'0', line_start, false, true},     {'^', line_first, false, true},
    {'$', line_end, false, true},       {'w', line_vi_right, false, true},
    {'W', line_big_right, false, true}, {'b', line_vi_left, false, false},
    {'B', line_big_left, false, false}, {'e', line_vi_end, true, false},
    {'E', line_big_end, true, false},
};

static int times(const struct typed *l)
{
    int n = l->vi.count ? l->vi.count : 1;

    n *= l->vi.verb_count ? l->vi.verb_count : 1;
    return n < COUNT_MAX ? n : COUNT_MAX;
}

static bool is_idle(const struct typed *l)
{
    return !l->vi.count && !l->vi.verb && !l->vi.wait;
}

static void settle(struct typed *l)
{
    l->vi.count = l->vi.verb = l->vi.verb_count = l->vi.wait = 0;
}

static void insert_from(struct typed *l, size_t at)
{
    l->at = at;
    l->vi.command = false;
    l->did = LINE_DID_OTHER;
}

/* What an verb does with a stretch. */
static void operate(struct typed *l, int verb, size_t from, size_t to)
{
    l->did = LINE_DID_OTHER;
    line_cut(l, from, to, verb == 'y');
    l->did = LINE_DID_OTHER;
    if (verb == 'c')
        insert_from(l, from);
}

/* dd, cc, yy: whole lines. */
static void operate_lines(struct typed *l, int verb)
{
    size_t from = line_start(l, l->at), to = line_end(l, l->at);

    for (int n = times(l); n > 1 && to < l->n; n--)
        to = line_end(l, to + 1);
    if (verb == 'd' && to < l->n)
        to++;
    else if (verb == 'd' && from)
        from--;
    operate(l, verb, from, to);
}

static void go(struct typed *l, size_t to, bool inclusive)
{
    size_t from = l->at;

    if (!l->vi.verb) {
        l->at = to;
        return;
    }
    if (to < from) {
        size_t swapped = to;

        to = from;
        from = swapped;
    }
    operate(l, l->vi.verb, from, inclusive ? line_right(l, to) : to);
}

static bool move(struct typed *l, int key)
{
    /* cw takes the word without the blanks behind it, as ce. */
    bool on_word = l->at < l->n && l->text[l->at] != ' ';
    int meant = l->vi.verb == 'c' && on_word && key == 'w' ? 'e' : key;

    for (const struct motion *m = motions; m < motions + MN_COUNT(motions); m++) {
        size_t to = l->at, end = line_end(l, l->at);

        if (m->key != meant)
            continue;
        for (int n = times(l); n > 0; n--)
            to = m->lead(l, to);
        if (l->vi.verb && m->in_line && to > end)
            to = end;
        go(l, to, m->inclusive);
        return true;
    }
    return false;
}

/* f, F, t, T; and the same again by ; and , */
static void seek(struct typed *l, int way)
{
    bool back = way == 'F' || way == 'T';
    size_t to = line_seek(l, l->at, l->vi.seek, back, times(l));

    if (to > l->n)
        return;
    if (way == 't')
        to = line_left(l, to);
    if (way == 'T')
        to = line_right(l, to);
    go(l, to, !back);
}

static int other_way(int way)
{
    return way == 'f' ? 'F' : way == 'F' ? 'f' : way == 't' ? 'T' : 't';
}

/* iw and aw: the word below the cursor, with the blanks behind it. */
static void operate_word(struct typed *l, int which)
{
    size_t end, from;

    if (l->at >= l->n)
        return;
    end = line_vi_end(l, line_left(l, l->at));
    end = line_right(l, end < l->at ? l->at : end);
    from = line_vi_left(l, end);
    while (which == 'a' && l->text[end] == ' ')
        end++;
    operate(l, l->vi.verb, from, end);
}

static void replace(struct typed *l, int key)
{
    struct mn_buf b = {0};
    size_t end = l->at;
    int n = times(l);

    for (int i = 0; i < n; i++) {
        if (end >= line_end(l, l->at)) { /* not so many: nothing happens */
            mn_buf_free(&b);
            return;
        }
        end = line_right(l, end);
        text_add(&b, (uint32_t)key);
    }
    line_remember(l);
    line_remove(l, l->at, end);
    line_insert(l, b.p, b.n);
    l->at = line_left(l, l->at);
    mn_buf_free(&b);
}

static void swap_case(struct typed *l)
{
    line_remember(l);
    for (int n = times(l); n > 0 && l->at < line_end(l, l->at); n--) {
        wint_t c = (wint_t)text_point(l->text + l->at);
        size_t next = line_right(l, l->at);
        struct mn_buf b = {0};

        if (iswalpha(c)) {
            text_add(&b, (uint32_t)(iswupper(c) ? towlower(c) : towupper(c)));
            line_remove(l, l->at, next);
            line_insert(l, b.p, b.n);
        } else {
            l->at = next;
        }
        mn_buf_free(&b);
    }
}

static void paste(struct typed *l, bool behind)
{
    if (!l->cuts[0])
        return;
    if (behind)
        l->at = line_right_in(l, l->at);
    for (int n = times(l); n > 0; n--)
        line_paste(l, 0);
    l->at = line_left(l, l->at);
    l->did = LINE_DID_OTHER;
}

static void open_line(struct typed *l, bool below)
{
    l->at = below ? line_end(l, l->at) : line_start(l, l->at);
    line_remember(l);
    line_insert(l, "\n", 1);
    insert_from(l, below ? l->at : l->at - 1);
}

/* Some are short for an verb with a motion. */
static bool is_short(struct typed *l, int key)
{
    static const struct {
        char key, verb, motion;
    } shorts[] = {{'x', 'd', 'l'}, {'X', 'd', 'h'}, {'D', 'd', '$'}, {'C', 'c', '$'},
                  {'s', 'c', 'l'}, {'Y', 'y', 0},   {'S', 'c', 0}};

    for (size_t i = 0; i < MN_COUNT(shorts); i++)
        if (shorts[i].key == key) {
            l->vi.verb = shorts[i].verb;
            if (shorts[i].motion)
                move(l, shorts[i].motion);
            else
                operate_lines(l, l->vi.verb);
            return true;
        }
    return false;
}

static bool inserts(struct typed *l, int key)
{
    switch (key) {
    case 'i':
        insert_from(l, l->at);
        break;
    case 'a':
        insert_from(l, line_right_in(l, l->at));
        break;
    case 'I':
        insert_from(l, line_first(l, l->at));
        break;
    case 'A':
        insert_from(l, line_end(l, l->at));
        break;
    case 'o':
    case 'O':
        open_line(l, key == 'o');
        break;
    default:
        return false;
    }
    return true;
}

static void repeat(struct typed *l)
{
    int keys[LINE_KEYS], count = l->vi.last_count;

    memcpy(keys, l->vi.last, sizeof keys);
    settle(l);
    l->vi.repeating = true;
    for (int i = 0; i < count; i++)
        line_vi(l, keys[i]);
    if (!l->vi.command)
        line_vi(l, LINE_ESCAPE);
    l->vi.repeating = false;
}

static void search_on(struct typed *l, int step)
{
    l->search.on = true;
    line_search(l, step);
    l->search.on = false;
}

static bool others(struct typed *l, int key)
{
    switch (key) {
    case 'p':
    case 'P':
        paste(l, key == 'p');
        break;
    case 'u':
    case LINE_CTRL('R'):
        for (int n = times(l); n > 0; n--)
            line_undo(l, key != 'u');
        break;
    case '~':
        swap_case(l);
        break;
    case '.':
        repeat(l);
        break;
    case 'j':
    case '+':
    case 'k':
    case '-':
        for (int n = times(l); n > 0; n--)
            line_vertical(l, key == 'j' || key == '+' ? 1 : -1);
        break;
    case '/':
        line_search(l, -1);
        break;
    case 'n':
    case 'N':
        search_on(l, key == 'n' ? -1 : 1);
        break;
    case ';':
    case ',':
        if (l->vi.seek_way)
            seek(l, key == ';' ? l->vi.seek_way : other_way(l->vi.seek_way));
        break;
    default:
        return false;
    }
    return true;
}

static void waited(struct typed *l, int key)
{
    int wait = l->vi.wait;

    if (key < ' ' || key >= LINE_LEFT)
        return;
    if (wait == 'r') {
        replace(l, key);
    } else if (wait == 'i' || wait == 'a') {
        if (key == 'w')
            operate_word(l, wait);
    } else {
        l->vi.seek = (uint32_t)key;
        l->vi.seek_way = wait;
        seek(l, wait);
    }
}

/* True: more keys belong to the command. */
static bool is_begun(struct typed *l, int key)
{
    bool verb = key == 'd' || key == 'c' || key == 'y';

    if (l->vi.wait)
        return false;
    if ((key >= '1' && key <= '9') || (key == '0' && l->vi.count)) {
        l->vi.count = l->vi.count < COUNT_MAX ? l->vi.count * 10 + key - '0' : COUNT_MAX;
    } else if (verb && !l->vi.verb) {
        l->vi.verb = key;
        l->vi.verb_count = l->vi.count;
        l->vi.count = 0;
    } else if (key == 'f' || key == 'F' || key == 't' || key == 'T' || key == 'r' ||
               (l->vi.verb && (key == 'i' || key == 'a'))) {
        l->vi.wait = key;
    } else {
        return false;
    }
    return true;
}

static enum line_result outside(struct typed *l, int key)
{
    bool is_named = key >= LINE_LEFT || key == '\r' || key == '\n' || key == LINE_CTRL('P') ||
                    key == LINE_CTRL('N');

    if (key == 'v')
        return LINE_OUTSIDE;
    return is_named ? line_common(l, key) : LINE_UNKNOWN;
}

static enum line_result command(struct typed *l, int key)
{
    enum line_result r = LINE_GOES_ON;

    if (is_begun(l, key))
        return r;
    if (l->vi.wait)
        waited(l, key);
    else if (l->vi.verb && l->vi.verb == key)
        operate_lines(l, key);
    else if (key != LINE_ESCAPE && !move(l, key) && !is_short(l, key) &&
             (l->vi.verb || (!inserts(l, key) && !others(l, key))))
        r = outside(l, key);
    settle(l);
    return r;
}

static void note(struct typed *l, int key)
{
    if (l->vi.key_count && l->vi.key_count < LINE_KEYS)
        l->vi.keys[l->vi.key_count++] = key;
    else
        l->vi.key_count = 0; /* too long to be repeated */
}

/* The command is over, with what was inserted by it. */
static void ended(struct typed *l)
{
    int first = l->vi.keys[0];

    if (l->vi.changed && l->vi.key_count && first != 'u' && first != LINE_CTRL('R') &&
        first != '.') {
        memcpy(l->vi.last, l->vi.keys, sizeof l->vi.keys);
        l->vi.last_count = l->vi.key_count;
    }
    l->vi.key_count = 0;
}

static void stand_on_character(struct typed *l)
{
    if (l->at == line_end(l, l->at))
        l->at = line_left_in(l, l->at);
}

static enum line_result insert(struct typed *l, int key)
{
    if (key != LINE_ESCAPE)
        return line_common(l, key);
    l->vi.command = true;
    l->at = line_left_in(l, l->at);
    l->did = LINE_DID_OTHER;
    return LINE_GOES_ON;
}

/* Escape and a key that came at once look like one with Alt. */
static bool is_escaped(const struct typed *l, int key)
{
    int plain = key & ~LINE_ALT;

    return key & LINE_ALT && plain < LINE_LEFT && plain != '\r' && plain != '\n';
}

enum line_result line_vi(struct typed *l, int key)
{
    enum line_result r;

    if (is_escaped(l, key)) {
        line_vi(l, LINE_ESCAPE);
        return line_vi(l, key & ~LINE_ALT);
    }
    if (!l->vi.repeating) {
        if (l->vi.command && is_idle(l)) {
            l->vi.keys[0] = key;
            l->vi.key_count = 1;
            l->vi.changed = false;
        } else {
            note(l, key);
        }
    }
    r = l->vi.command ? command(l, key) : insert(l, key);
    if (l->vi.command && r == LINE_GOES_ON) {
        stand_on_character(l);
        if (is_idle(l) && !l->vi.repeating)
            ended(l);
    }
    return r;
}

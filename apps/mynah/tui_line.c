/* The line that is typed: readline's keys, older lines, UTF-8 throughout. */
#include <limits.h>
#include <ncurses.h>
#include <string.h>
#include <wchar.h>

#include "apps/mynah/text.h"
#include "apps/mynah/tui.h"

void line_insert(struct typed *l, const char *text, size_t n)
{
    if (l->n + n >= sizeof l->text)
        return;
    memmove(l->text + l->at + n, l->text + l->at, l->n - l->at + 1);
    memcpy(l->text + l->at, text, n);
    l->n += n;
    l->at += n;
}

static void cut(struct typed *l, size_t from, size_t to)
{
    memmove(l->text + from, l->text + to, l->n - to + 1);
    l->n -= to - from;
    l->at = from;
}

void line_set(struct typed *l, const char *text)
{
    l->n = 0;
    l->at = 0;
    l->text[0] = 0;
    line_insert(l, text, strlen(text));
}

static size_t word_before(const struct typed *l)
{
    size_t i = l->at;

    while (i && l->text[i - 1] == ' ')
        i--;
    while (i && l->text[i - 1] != ' ')
        i--;
    return i;
}

static size_t word_behind(const struct typed *l)
{
    size_t i = l->at;

    while (i < l->n && l->text[i] == ' ')
        i++;
    while (i < l->n && l->text[i] != ' ')
        i++;
    return i;
}

void line_keep(struct typed *l)
{
    if (l->hidden || !l->n)
        return;
    if (l->count == KEPT_LINES) {
        mn_free(l->kept[0]);
        memmove(l->kept, l->kept + 1, --l->count * sizeof l->kept[0]);
    }
    l->kept[l->count++] = mn_str_dup((mn_str){l->text, l->n});
    l->shown = l->count;
}

static void older(struct typed *l, int step)
{
    int to = l->shown + step;

    if (to < 0 || to > l->count || l->hidden)
        return;
    if (l->shown == l->count) {
        mn_free(l->own);
        l->own = mn_str_dup((mn_str){l->text, l->n});
    }
    l->shown = to;
    line_set(l, to == l->count ? l->own : l->kept[to]);
}

static void key_code(struct typed *l, int key)
{
    switch (key) {
    case KEY_LEFT:
        l->at -= text_before(l->text, l->text + l->at);
        break;
    case KEY_RIGHT:
        l->at += text_next(l->text + l->at);
        break;
    case KEY_HOME:
        l->at = 0;
        break;
    case KEY_END:
        l->at = l->n;
        break;
    case KEY_BACKSPACE:
        cut(l, l->at - text_before(l->text, l->text + l->at), l->at);
        break;
    case KEY_DC:
        cut(l, l->at, l->at + text_next(l->text + l->at));
        break;
    case KEY_UP:
        older(l, -1);
        break;
    case KEY_DOWN:
        older(l, 1);
        break;
    }
}

static void control(struct typed *l, int key)
{
    static const struct {
        char letter;
        int code;
    } same[] = {{'A', KEY_HOME},      {'E', KEY_END}, {'B', KEY_LEFT}, {'F', KEY_RIGHT},
                {'H', KEY_BACKSPACE}, {'D', KEY_DC},  {'P', KEY_UP},   {'N', KEY_DOWN}};

    for (size_t i = 0; i < MN_COUNT(same); i++)
        if (key == (same[i].letter & 31))
            key_code(l, same[i].code);
    if (key == ('U' & 31))
        cut(l, 0, l->at);
    if (key == ('K' & 31))
        cut(l, l->at, l->n);
    if (key == ('W' & 31))
        cut(l, word_before(l), l->at);
}

static void with_alt(struct typed *l, int key)
{
    if (key == 'b')
        l->at = word_before(l);
    if (key == 'f')
        l->at = word_behind(l);
    if (key == 'd')
        cut(l, l->at, word_behind(l));
    if (key == 127)
        cut(l, word_before(l), l->at);
    if (key == '\r' || key == '\n')
        line_insert(l, "\n", 1);
}

bool line_key(struct typed *l, int key, bool is_code, bool alt)
{
    char text[MB_LEN_MAX];
    mbstate_t state = {0};
    size_t n;

    if (is_code)
        key_code(l, key);
    else if (alt)
        with_alt(l, key);
    else if (key == '\r' || key == '\n')
        return true;
    else if (key == 127)
        key_code(l, KEY_BACKSPACE);
    else if (key < ' ')
        control(l, key);
    else if ((n = wcrtomb(text, (wchar_t)key, &state)) <= sizeof text)
        line_insert(l, text, n);
    return false;
}

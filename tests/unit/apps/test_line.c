#include "apps/mynah/line.h"

#include <locale.h>

#include "apps/mynah/text.h"
#include "base/err.h"
#include "test.h"

static struct typed line;

static const struct {
    const char *name;
    int key;
} names[] = {
    {"Esc", LINE_ESCAPE}, {"Enter", '\r'},           {"M-Enter", LINE_ALT | '\r'},
    {"Space", ' '},       {"BS", LINE_BACKSPACE},    {"M-BS", LINE_ALT | LINE_BACKSPACE},
    {"Left", LINE_LEFT},  {"Right", LINE_RIGHT},     {"Up", LINE_UP},
    {"Down", LINE_DOWN},  {"Home", LINE_HOME},       {"End", LINE_END},
    {"Del", LINE_DELETE}, {"WLeft", LINE_WORD_LEFT}, {"WRight", LINE_WORD_RIGHT},
};

/* One key by its name: a name of above, C-x, M-x; else each letter is one. */
static enum line_result press(mn_str word)
{
    enum line_result r = LINE_GOES_ON;

    for (size_t i = 0; i < MN_COUNT(names); i++)
        if (mn_str_is(word, names[i].name))
            return line_key(&line, names[i].key);
    if (word.n == 3 && word.p[1] == '-' && (word.p[0] == 'C' || word.p[0] == 'M'))
        return line_key(&line, word.p[0] == 'C' ? LINE_CTRL(word.p[2]) : LINE_ALT | word.p[2]);
    for (size_t i = 0; i < word.n;) {
        char rest[8] = {0};

        memcpy(rest, word.p + i, word.n - i < 7 ? word.n - i : 7);
        r = line_key(&line, (int)text_point(rest));
        for (i++; i < word.n && (word.p[i] & 0xc0) == 0x80; i++)
            ;
    }
    return r;
}

static enum line_result presses(const char *keys)
{
    mn_str rest = mn_str_from(keys), word;
    enum line_result r = LINE_GOES_ON;

    while (rest.n) {
        word = mn_str_cut(rest, ' ', &rest);
        r = press(word);
    }
    return r;
}

/* The text with | where the cursor stands. */
static void shows(const char *keys, const char *want)
{
    struct mn_buf b = {0};

    mn_buf_add(&b, line.text, line.at);
    mn_buf_c(&b, '|');
    mn_buf_add(&b, line.text + line.at, line.n - line.at);
    mn_buf_c(&b, 0);
    if (strcmp(b.p, want))
        test_fail(__FILE__, __LINE__, "%s: \"%s\", not \"%s\"", keys, b.p, want);
    mn_buf_free(&b);
}

static void begin(enum line_style style, const char *text)
{
    const char *cursor = strchr(text, '|');

    setlocale(LC_ALL, "C.UTF-8");
    line_done(&line);
    line.style = style;
    line_insert(&line, text, (size_t)(cursor - text));
    line_insert(&line, cursor + 1, strlen(cursor + 1));
    line.at = (size_t)(cursor - text);
}

struct row {
    const char *text, *keys, *want;
};

static void rows_run(enum line_style style, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        begin(style, rows[i].text);
        presses(rows[i].keys);
        shows(rows[i].keys, rows[i].want);
    }
    line_done(&line);
}

TEST(emacs_keys_do_what_readline_does)
{
    static const struct row rows[] = {
        {"|", "abc", "abc|"},
        {"ab|c", "C-a x", "x|abc"},
        {"a|bc", "C-e x", "abcx|"},
        {"one\ntw|o", "C-a", "one\n|two"},
        {"on|e\ntwo", "C-e", "one|\ntwo"},
        {"ab|c", "C-b C-d", "a|c"},
        {"a|bc", "C-f BS", "a|c"},
        {"one two|", "C-w", "one |"},
        {"one, two|", "M-b", "one, |two"},
        {"|one, two", "M-f", "one|, two"},
        {"|one, two", "M-f M-f", "one, two|"},
        {"|one, two", "M-d", "|, two"},
        {"one, two|", "M-BS", "one, |"},
        {"one, two|", "WLeft WLeft WRight", "one|, two"},
        {"one |two", "C-k", "one |"},
        {"one|\ntwo", "C-k", "one|two"},
        {"one |two", "C-u", "|two"},
        {"one |two", "M-k C-y C-y", "one twoone two|"},
        {"one |two", "C-k C-a C-y", "two|one "},
        {"one two three|", "C-w C-w C-y", "one two three|"},
        {"|one two three", "M-d M-d C-y", "one two| three"},
        {"one two|", "C-w C-a C-w C-e C-w C-y M-y", "two|"},
        {"ab|c", "C-t", "acb|"},
        {"abc|", "C-t", "acb|"},
        {"one two|", "M-t", "two one|"},
        {"|one two", "M-u M-c", "ONE Two|"},
        {"|ONE two", "M-l", "one| two"},
        {"|", "one Space two C-_", "one|"},
        {"one two|", "C-w C-_", "one two|"},
        {"one two|", "C-w C-x C-u", "one two|"},
        {"|", "ab M-Enter c", "ab\nc|"},
        {"abc\nde|f", "Up x", "abx|c\ndef"},
        {"ab|c\nd", "Down", "abc\nd|"},
        {"北京天安\nabcd|", "Up", "北京|天安\nabcd"}, /* by what is seen above */
        {"a北|京\nabcd", "Down", "a北京\nabc|d"},
        {"a\nb|", "M-< x M-> y", "xa\nby|"},
        {"abc|", "Home Del Right End", "bc|"},
    };

    rows_run(LINE_EMACS, rows, MN_COUNT(rows));
}

TEST(vi_keys_do_what_vi_does)
{
    static const struct row rows[] = {
        {"|", "abc Esc", "ab|c"},
        {"|", "abc Esc i x", "abx|c"},
        {"abc|", "Esc I x Esc A y", "xabcy|"},
        {"abc|", "Esc h h x", "|bc"},
        {"abc|", "Esc 0 l r x", "a|xc"},
        {"abc|", "Esc 0 a x", "ax|bc"},
        {"one two, three|", "Esc 0 w", "one |two, three"},
        {"one two, three|", "Esc 0 w w", "one two|, three"},
        {"one two, three|", "Esc 0 2 W", "one two, |three"},
        {"one two, three|", "Esc 0 e", "on|e two, three"},
        {"one two, three|", "Esc 0 e E", "one two|, three"},
        {"one two, three|", "Esc b b b", "one |two, three"},
        {"one two, three|", "Esc B B", "one |two, three"},
        {"one two|", "Esc 0 d w", "|two"},
        {"one two|", "Esc b d w", "one| "},
        {"one two three|", "Esc 0 2 d w", "|three"},
        {"one two three|", "Esc 0 d 2 w", "|three"},
        {"one two|", "Esc 0 c w x", "x| two"},
        {"one two|", "Esc b D", "one| "},
        {"one two|", "Esc b C x", "one x|"},
        {"one two|", "Esc d 0", "|o"},
        {"one two|", "Esc d b", "one |o"},
        {"one two|", "Esc 0 d f t", "|wo"},
        {"one two|", "Esc 0 d t t", "|two"},
        {"a-b-c|", "Esc 0 f - ; x", "a-b|c"},
        {"a-b-c|", "Esc 0 f - ; , x", "a|b-c"},
        {"a-b-c|", "Esc T - x", "a-b|-"},
        {"one two|", "Esc 0 d d", "|"},
        {"one\ntwo\nthree|", "Esc k d d", "one\n|three"},
        {"one\ntwo|", "Esc d d", "on|e"},
        {"one two|", "Esc c c x", "x|"},
        {"one two|", "Esc S x", "x|"},
        {"abc|", "Esc 0 x p", "b|ac"},
        {"abc|", "Esc 0 3 x", "|"},
        {"abc|", "Esc X X", "|c"},
        {"one |", "Esc 0 y w $ p", "one one| "},
        {"one|", "Esc y y P", "on|eone"},
        {"one two three|", "Esc 0 d w . .", "|"},
        {"one two three|", "Esc 0 c w x Esc w . w .", "x x |x"},
        {"|", "ab Esc u", "|"},
        {"one two|", "Esc 0 d w u", "|one two"},
        {"one two|", "Esc 0 d w u C-r", "|two"},
        {"aBc|", "Esc 0 3 ~", "Ab|C"},
        {"one two|", "Esc 0 w d i w", "one| "},
        {"one two three|", "Esc 0 w d a w", "one |three"},
        {"one|", "Esc o two Esc O x", "one\nx|\ntwo"},
        {"abc|", "M-h x", "a|c"}, /* Escape and a key that came as one */
        {"one two|", "C-w", "one |"},
        {"abc|", "Esc Home", "|abc"},
        {"abc|", "Esc 0 5 l", "ab|c"},
        {"abc|", "Esc 0 4 r x", "|abc"},
        {"one two|", "Esc 0 d Esc x", "|ne two"},
    };

    rows_run(LINE_VI, rows, MN_COUNT(rows));
}

TEST(a_character_is_what_a_reader_sees_as_one)
{
    static const struct row rows[] = {
        {"北京|", "BS", "北|"},
        {"|北京", "Right Del", "北|"},
        {"e\u0301a|", "Left BS", "|a"},               /* with a mark */
        {"👩‍👩‍👧x|", "Left BS", "|x"},    /* a family */
        {"👍🏽x|", "Left Left x", "x|👍🏽x"}, /* a skin tone */
        {"🇨🇳🇩🇪|", "BS", "🇨🇳|"},                       /* flags */
        {"❤️x|", "Left BS", "|x"},                /* a variation */
        {"我们去北京。好|", "M-BS M-BS", "|"},        /* a run of ideographs is a word */
        {"é|", "M-b M-u", "É|"},
        {"|\u0301", "x BS", "|\u0301"}, /* a mark that the cursor comes to stand before */
    };

    rows_run(LINE_EMACS, rows, MN_COUNT(rows));
}

TEST(older_lines_come_back)
{
    begin(LINE_EMACS, "first|");
    line_keep(&line);
    line_set(&line, "second");
    line_keep(&line);
    line_set(&line, "");
    presses("own Up Up");
    shows("up", "first|");
    presses("Down Down");
    shows("down", "own|");
    presses("C-r f i");
    shows("looks for fi", "|first");
    presses("C-g");
    shows("leaves", "own|");
    presses("C-r o n C-r");
    shows("older", "sec|ond");
    presses("C-a x");
    shows("takes it", "x|second");
    line_keep(&line);
    begin(LINE_VI, "|");
    line_set(&line, "one");
    line_keep(&line);
    line_set(&line, "");
    presses("Esc k x");
    shows("vi's k", "o|n");
    line_done(&line);
}

TEST(vi_shows_what_it_has_found_before_it_is_said)
{
    begin(LINE_VI, "|");
    line_set(&line, "found");
    line_keep(&line);
    line_set(&line, "");
    presses("Esc / oun");
    CHECK_INT(press(mn_str_from("Enter")), LINE_GOES_ON);
    CHECK(line.vi.command && !strcmp(line.text, "found"));
    CHECK_INT(press(mn_str_from("Enter")), LINE_FINISHED);
    line_done(&line);
}

TEST(a_password_is_remembered_nowhere)
{
    begin(LINE_EMACS, "secret|");
    line.hidden = true;
    presses("x C-w");
    line_keep(&line);
    CHECK(!line.cuts[0]);
    CHECK_INT(line.undo.count, 0);
    CHECK_INT(line.count, 0);
    line_done(&line);
}

TEST(the_line_ends_where_its_room_does)
{
    static char much[2 * LINE_MAX_BYTES];

    begin(LINE_EMACS, "|");
    for (size_t i = 0; i + 3 < sizeof much; i += 3)
        memcpy(much + i, "北", 3);
    line_insert(&line, much, sizeof much - 1);
    CHECK_INT(line.n, (LINE_MAX_BYTES - 1) / 3 * 3);
    presses("x");
    CHECK(line.n < sizeof line.text);
    line_done(&line);
}

TEST(keys_that_end_it)
{
    begin(LINE_EMACS, "a|");
    CHECK_INT(presses("Enter"), LINE_FINISHED);
    CHECK_INT(presses("C-x C-e"), LINE_OUTSIDE);
    CHECK_INT(presses("M-z"), LINE_UNKNOWN);
    begin(LINE_VI, "a|");
    CHECK_INT(presses("Enter"), LINE_FINISHED);
    CHECK_INT(presses("Esc Enter"), LINE_FINISHED);
    CHECK_INT(presses("v"), LINE_OUTSIDE);
    line_done(&line);
}

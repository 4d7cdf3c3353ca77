#include "apps/mynah/text.h"

#include <locale.h>

#include "base/err.h"
#include "test.h"

TEST(what_commands_a_terminal_is_made_harmless)
{
    static const struct {
        const char *in, *printed, *screen;
    } rows[] = {
        {"plain 北京 ok", "plain 北京 ok", "plain 北京 ok"},
        {"a\x1b[31mb", "a�[31mb", "a�[31mb"},
        {"a\x07\x7f\r", "a���", "a���"},
        {"a\xc2\x9b"
         "31m",
         "a�31m", "a�31m"}, /* CSI in one character */
        {"a\x9b"
         "b",
         "a�b", "a�b"}, /* and as one byte */
        {"a\xc0\x9b"
         "b",
         "a��b", "a��b"},                  /* written too long */
        {"a\xed\xa0\x80", "a���", "a���"}, /* half of a pair */
        {"a\xe4\xb8", "a��", "a��"},       /* cut off */
        {"a\u202eb\u2066c\u200fd\u061c", "a�b�c�d�", "a�b�c�d�"},
        {"a\u2028b", "a�b", "a�b"},
        {"a\nb\tc", "a|b    c", "a|b    c"},
        {"👩‍👧!", "👩‍👧!", "👩👧!"},
        {"👍🏽❤️", "👍🏽❤️", "👍❤"},
        {"a\u0301\u0302\u0303\u0304\u0305", "a\u0301\u0302\u0303\u0304\u0305",
         "a\u0301\u0302\u0303"},
        {"x\U000e0041\ufeffy", "x\U000e0041\ufeffy", "xy"},
    };

    setlocale(LC_ALL, "C.UTF-8");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *printed = text_safe(rows[i].in, "|"), *screen = text_screen(rows[i].in, "|");

        CHECK_STR(mn_str_from(printed), rows[i].printed);
        CHECK_STR(mn_str_from(screen), rows[i].screen);
        mn_free(printed);
        mn_free(screen);
    }
}

TEST(json_keeps_what_it_says)
{
    struct mn_buf b = {0};

    setlocale(LC_ALL, "C.UTF-8");
    text_escape(&b, "{\"a\":\"北京 \xc2\x9b"
                    "31m\u202e\x7f \\n\"}");
    CHECK_STR(mn_buf_view(&b), "{\"a\":\"北京 \\u009b31m\\u202e\\u007f \\n\"}");
    mn_buf_free(&b);
}

TEST(a_text_is_as_wide_before_as_on_the_screen)
{
    static const struct {
        const char *in;
        int width;
    } rows[] = {{"abc", 3},      {"北京", 4},   {"e\u0301", 1}, {"👩‍👩‍👧", 6},
                {"👍🏽", 2}, {"❤️", 1}, {"🇨🇳", 2},      {"", 0},
                {"\x1b", 1}};

    setlocale(LC_ALL, "C.UTF-8");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *screen = text_screen(rows[i].in, "");

        CHECK_INT(text_width(rows[i].in), rows[i].width);
        CHECK_INT(text_width(screen), rows[i].width);
        mn_free(screen);
    }
}

TEST(text_is_cut_between_words_where_it_can_be)
{
    setlocale(LC_ALL, "C.UTF-8");
    CHECK_INT(text_fit("one two", 5, true), 4);
    CHECK_INT(text_fit("one two", 5, false), 5);
    CHECK_INT(text_fit("onetwo", 5, true), 5);
    CHECK_INT(text_fit("北京", 3, true), 3);
    CHECK_INT(text_fit("北京", 1, true), 3);     /* one always */
    CHECK_INT(text_fit("北京，好", 4, true), 3); /* no row begins with a comma */
    CHECK_INT(text_fit("北京，好", 4, false), 6);
    CHECK_INT(text_fit("北京，好", 6, true), 9);
    CHECK_INT(text_fit("，，，", 2, true), 3);
    CHECK_INT(text_fit("a\nb", 9, true), 1);
    CHECK_INT(text_fit("xe\u0301y", 2, false), 4);
}

TEST(code_points_become_utf8)
{
    struct mn_buf b = {0};

    text_add(&b, 'a');
    text_add(&b, 0xe9);
    text_add(&b, 0x5317);
    text_add(&b, 0x1f600);
    text_add(&b, 0xd800);
    CHECK_STR(mn_buf_view(&b), "aé北😀�");
    mn_buf_free(&b);
}

/* Back over the same characters, wherever it begins to look. */
TEST(the_one_before_ends_here)
{
    static const char text[] = "a\xcc\x81 \xe5\x8c\x97\xe4\xba\xac \xf0\x9f\x91\xa9\xe2\x80\x8d"
                               "\xf0\x9f\x91\xa7x\xe2\x80\x8dy\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa"
                               "\xf0\x9f\x87\xab\n\xcc\x81\xff\xcc\x81z";

    CHECK_INT(text_before(text, text), 0);
    for (size_t at = 0, n; (n = text_next(text + at)); at += n) {
        CHECK_INT(text_before(text, text + at + n), n);
        for (size_t in = 1; in < n; in++)
            CHECK_INT(text_before(text, text + at + in), in);
    }
}

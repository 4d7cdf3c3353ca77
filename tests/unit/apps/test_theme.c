#include "apps/mynah/theme.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "test.h"

TEST(a_style_is_words)
{
    static const struct {
        const char *text;
        bool ok;
        int fore, back;
        unsigned attrs;
    } rows[] = {
        {"red", true, 1, -1, 0},
        {"bold bright-blue on black", true, 12, 0, THEME_BOLD},
        {"dim underline #0a0BfF", true, THEME_RGB + 0x0a0bff, -1, THEME_DIM | THEME_UNDERLINE},
        {"default on default", true, -1, -1, 0},
        {"reverse", true, -1, -1, THEME_REVERSE},
        {"reddish", false, 0, 0, 0},
        {"#12345", false, 0, 0, 0},
        {"#12345g", false, 0, 0, 0},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct theme_style s;

        CHECK_INT(theme_style(mn_str_from(rows[i].text), &s), rows[i].ok);
        if (!rows[i].ok)
            continue;
        CHECK_INT(s.fore, rows[i].fore);
        CHECK_INT(s.back, rows[i].back);
        CHECK_INT(s.attrs, rows[i].attrs);
    }
}

TEST(a_colour_becomes_what_the_terminal_has)
{
    CHECK_INT(theme_color(THEME_DEFAULT, 256), -1);
    CHECK_INT(theme_color(9, 256), 9);
    CHECK_INT(theme_color(9, 8), 1);
    CHECK_INT(theme_color(THEME_RGB + 0xff0000, 256), 196);
    CHECK_INT(theme_color(THEME_RGB + 0x808080, 256), 244);
    CHECK_INT(theme_color(THEME_RGB + 0xfe0102, 16), 9);
    CHECK_INT(theme_color(THEME_RGB + 0xfe0102, 8), 1);
    CHECK_INT(theme_color(THEME_RGB + 0x123456, 1 << 24), 0x123456);
    CHECK_INT(theme_hue(250, 70, 8), 4);
    CHECK_INT(theme_hue(355, 70, 8), 1);
    CHECK(theme_hue(250, 70, 256) >= 16);
}

TEST(a_file_changes_what_it_names_and_tells_what_is_wrong)
{
    char folder[] = "/tmp/mynah-theme-XXXXXX", path[64];
    struct theme t, dark;
    struct mn_buf why = {0};

    CHECK(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/mine.yaml", folder);
    CHECK_INT(theme_load("dark", folder, &dark, &why), 0);
    CHECK_INT(mn_file_write(path, MN_STR("base: light\nerror: bold magenta\nnames: 0\n"), 0600), 0);
    CHECK_INT(theme_load("mine", folder, &t, &why), 0);
    CHECK_INT(t.roles[THEME_error].fore, 5);
    CHECK_INT(t.roles[THEME_bar].back, THEME_RGB + 0xc8d8f0);
    CHECK_INT(t.names, 0);
    CHECK_INT(mn_file_write(path, MN_STR("error: pinkish\nbarr: red\n"), 0600), 0);
    CHECK_INT(theme_load("mine", folder, &t, &why), MN_E_FORMAT);
    mn_buf_c(&why, 0);
    CHECK(strstr(why.p, "mine.yaml:1: ") && strstr(why.p, "unknown key barr"));
    CHECK_INT(t.roles[THEME_error].fore, 5);
    mn_buf_clear(&why);
    CHECK_INT(theme_load("../mine", folder, &t, &why), MN_E_NOT_FOUND);
    mn_buf_free(&why);
    unlink(path);
    rmdir(folder);
}

/* The example of a page is a theme, and names every role. */
static void check_example(const char *page)
{
    char folder[] = "/tmp/mynah-theme-XXXXXX", path[64];
    mn_str file = test_file(page), end;
    char *doc = mn_str_dup(file);
    const char *from = strstr(doc, "```yaml\n");
    struct theme t;
    struct mn_buf why = {0};

    CHECK(from && mkdtemp(folder));
    snprintf(path, sizeof path, "%s/doc.yaml", folder);
    end = mn_str_from(from + 8);
    CHECK_INT(mn_file_write(path, (mn_str){end.p, (size_t)(strstr(end.p, "```") - end.p)}, 0600),
              0);
    CHECK_INT(theme_load("doc", folder, &t, &why), 0);
    CHECK_STR(mn_buf_view(&why), "");
#define THEME(key, text, dark, light, mono) CHECK(strstr(end.p, "\n" #key ": "));
#include "apps/mynah/theme.def"
#undef THEME
    mn_buf_free(&why);
    unlink(path);
    rmdir(folder);
    mn_free(doc);
    mn_free((char *)file.p);
}

TEST(the_example_of_the_docs_is_a_theme)
{
    check_example("docs/terminal.md");
    check_example("docs/terminal.zh.md");
}

#include "apps/mynah/theme.h"

#include <math.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/file.h"
#include "im/color.h"

enum { FILE_MAX = 65536, BASES = 3 };

static const char *const bases[] = {"dark", "light", "mono", NULL};
static const struct {
    const char *styles[BASES];
} built_in[] = {
#define THEME(key, text, dark, light, mono) {{dark, light, mono}},
#include "apps/mynah/theme.def"
#undef THEME
};
static const int64_t names_of[BASES] = {70, 42, 0};

/* A theme's file, as it is read. */
struct file {
    int base;
    int64_t names;
    mn_str styles[THEME_ROLES];
};

static int check_style(const void *value, struct mn_buf *why)
{
    const mn_str *text = value;
    struct theme_style style;

    if (!text->n || theme_style(*text, &style))
        return MN_E_OK;
    mn_buf_lit(why, "expected [bold] [dim] [underline] [reverse] [COLOUR] [on COLOUR], a colour as "
                    "red, bright-red or #ff0000");
    return MN_E_FORMAT;
}

static const struct mn_conf_row rows[] = {
    {"base", MN_CONF_CHOICE, offsetof(struct file, base), "dark", .choices = bases},
    {"names", MN_CONF_INT, offsetof(struct file, names), "-1", .min = -1, .max = 100},
#define THEME(key, what, dark, light, mono)                                                        \
    {#key, MN_CONF_TEXT, offsetof(struct file, styles) + THEME_##key * sizeof(mn_str),             \
     "",   .max = 100,   .check = check_style},
#include "apps/mynah/theme.def"
#undef THEME
    {0},
};

/* Styles. */

static bool color_of(mn_str word, int *out)
{
    static const char *const names[] = {"black", "red",     "green", "yellow",
                                        "blue",  "magenta", "cyan",  "white"};
    mn_str bright = MN_STR("bright-");
    bool is_bright = mn_str_starts(word, bright);
    uint32_t rgb = 0;

    for (size_t i = 0; i < MN_COUNT(names); i++)
        if (mn_str_is(mn_str_skip(word, is_bright ? bright.n : 0), names[i])) {
            *out = (int)i + (is_bright ? 8 : 0);
            return true;
        }
    *out = THEME_DEFAULT;
    if (mn_str_is(word, "default"))
        return true;
    if (word.n != 7 || word.p[0] != '#')
        return false;
    for (size_t i = 1; i < 7; i++) {
        const char *digits = "0123456789abcdef", *at = strchr(digits, word.p[i] | 0x20);

        if (!at || !word.p[i])
            return false;
        rgb = rgb << 4 | (uint32_t)(at - digits);
    }
    *out = THEME_RGB + (int)rgb;
    return true;
}

bool theme_style(mn_str text, struct theme_style *out)
{
    static const char *const attrs[] = {"bold", "dim", "underline", "reverse"};
    mn_str word;
    int *color = &out->fore;

    *out = (struct theme_style){THEME_DEFAULT, THEME_DEFAULT, 0};
    while (text.n) {
        size_t i = 0;

        word = mn_str_cut(text, ' ', &text);
        while (i < MN_COUNT(attrs) && !mn_str_is(word, attrs[i]))
            i++;
        if (i < MN_COUNT(attrs))
            out->attrs |= 1u << i;
        else if (mn_str_is(word, "on"))
            color = &out->back;
        else if (word.n && !color_of(word, color))
            return false;
    }
    return true;
}

static void build(const struct file *f, struct theme *out)
{
    for (size_t i = 0; i < THEME_ROLES; i++) {
        mn_str text = f->styles[i].n ? f->styles[i] : mn_str_from(built_in[i].styles[f->base]);

        MN_ASSERT(theme_style(text, &out->roles[i]));
    }
    out->names = f->names >= 0 ? f->names : names_of[f->base];
}

static int load_file(const char *path, struct theme *out, struct mn_buf *why)
{
    struct mn_arena a = {0};
    struct mn_conf_errors errors = {0};
    struct file f = {0};
    mn_str text;
    int e = mn_file_read(path, FILE_MAX, &a, &text);

    if (e)
        mn_buf_fmt(why, "%s: %s", path, mn_err_text(e));
    else
        e = mn_conf_parse(text, rows, &a, &f, &errors);
    for (size_t i = 0; i < errors.count; i++)
        mn_buf_fmt(why, "%s%s:%d: %.*s", i ? "\n" : "", path, errors.items[i].line,
                   MN_ARG(errors.items[i].text));
    if (!e)
        build(&f, out);
    mn_arena_done(&a, NULL);
    return e;
}

int theme_load(const char *name, const char *folder, struct theme *out, struct mn_buf *why)
{
    struct mn_buf path = {0};
    int e;

    for (int i = 0; i < BASES; i++)
        if (!strcmp(name, bases[i])) {
            build(&(struct file){.base = i, .names = -1}, out);
            return MN_E_OK;
        }
    mn_buf_fmt(&path, "%s/%s.yaml", folder, strchr(name, '/') ? "." : name);
    mn_buf_c(&path, 0);
    e = load_file(path.p, out, why);
    mn_buf_free(&path);
    return e;
}

/* Colours. */

static int apart(int a, int b)
{
    int sum = 0;

    for (int shift = 0; shift < 24; shift += 8) {
        int d = (a >> shift & 255) - (b >> shift & 255);

        sum += d * d;
    }
    return sum;
}

/* The terminal's 256: 16 that are its own, a cube of 6 levels, 24 greys. */
static int of_256(int i)
{
    static const int levels[] = {0, 95, 135, 175, 215, 255};
    int grey = 8 + 10 * (i - 232);

    if (i >= 232)
        return grey << 16 | grey << 8 | grey;
    i -= 16;
    return levels[i / 36] << 16 | levels[i / 6 % 6] << 8 | levels[i % 6];
}

static int of_16(int i)
{
    int level = i < 8 ? 205 : 255;

    if (i == 8)
        return 0x7f7f7f;
    return (i & 1 ? level : 0) << 16 | (i & 2 ? level : 0) << 8 | (i & 4 ? level : 0);
}

int theme_color(int color, int colors)
{
    int from = colors >= 256 ? 16 : 0, to = colors >= 256 ? 256 : colors < 16 ? 8 : 16, best = from;
    int rgb = color - THEME_RGB;

    if (color < THEME_RGB)
        return color < colors ? color : color - 8;
    if (colors > 256) /* below 8 are the terminal's own */
        return rgb < 8 ? 8 : rgb;
    for (int i = from; i < to; i++)
        if (apart(rgb, from ? of_256(i) : of_16(i)) < apart(rgb, from ? of_256(best) : of_16(best)))
            best = i;
    return best;
}

int theme_hue(double hue, double lightness, int colors)
{
    static const double hues[] = {12.18, 127.72, 85.87, 265.87, 307.72, 192.18}; /* of 1 to 6 */
    size_t best = 0;

    if (colors >= 256)
        return theme_color(THEME_RGB + (int)im_color_rgb(hue, lightness), colors);
    for (size_t i = 1; i < MN_COUNT(hues); i++)
        if (fabs(remainder(hue - hues[i], 360)) < fabs(remainder(hue - hues[best], 360)))
            best = i;
    return (int)best + 1;
}

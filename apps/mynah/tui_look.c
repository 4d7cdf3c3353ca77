/* The theme on this terminal: colours as it has them. */
#include <ncurses.h>
#include <string.h>

#include "apps/mynah/theme.h"
#include "apps/mynah/tui.h"
#include "base/err.h"
#include "im/color.h"

enum { HUES = 36 };

static struct {
    int roles[THEME_ROLES], hues[HUES];
    struct theme theme;
} look;

static int attrs_of(const struct theme_style *s)
{
    static const attr_t attrs[] = {A_BOLD, A_DIM, A_UNDERLINE, A_REVERSE};
    int out = 0;

    for (size_t i = 0; i < MN_COUNT(attrs); i++)
        if (s->attrs >> i & 1)
            out |= (int)attrs[i];
    if (has_colors() && (s->fore != THEME_DEFAULT || s->back != THEME_DEFAULT))
        out |=
            (int)COLOR_PAIR(alloc_pair(theme_color(s->fore, COLORS), theme_color(s->back, COLORS)));
    return out;
}

static void taken(void)
{
    reset_color_pairs();
    for (size_t i = 0; i < THEME_ROLES; i++)
        look.roles[i] = attrs_of(&look.theme.roles[i]);
    for (int i = 0; i < HUES; i++) {
        int color = theme_hue(i * 360.0 / HUES, (double)look.theme.names, COLORS);

        look.hues[i] =
            has_colors() && look.theme.names ? (int)COLOR_PAIR(alloc_pair(color, -1)) : 0;
    }
    panel_changed();
}

bool look_set(const char *name)
{
    struct mn_buf why = {0}, folder = {0};
    const char *slash = strrchr(tui.config_path, '/');
    int e;

    mn_buf_fmt(&folder, "%.*sthemes", slash ? (int)(slash - tui.config_path) + 1 : 0,
               tui.config_path);
    mn_buf_c(&folder, 0);
    e = theme_load(name, folder.p, &look.theme, &why);
    mn_buf_c(&why, 0);
    if (e)
        tui_note(IM_ERROR, "%s", why.p);
    else
        taken();
    mn_buf_free(&why);
    mn_buf_free(&folder);
    return !e;
}

/* NO_COLOR, when it is not empty, goes before the configuration (no-color.org). */
void look_open(void)
{
    const char *none = getenv("NO_COLOR");
    char *name = mn_str_dup(tui.config.terminal.theme);

    if (has_colors()) {
        start_color();
        use_default_colors();
    }
    if ((none && *none) || !look_set(name))
        (void)!look_set(none && *none ? "mono" : "dark");
    mn_free(name);
}

int look_of(int role)
{
    return look.roles[role];
}

int look_name(const char *name)
{
    return look.hues[(int)(im_color_hue(mn_str_from(name)) * HUES / 360)];
}

/* What the screen looks like: a style for each role of theme.def, of a theme that is built in or of
 * a YAML file. Nothing here draws. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum theme_role {
#define THEME(key, text, dark, light, mono) THEME_##key,
#include "apps/mynah/theme.def"
#undef THEME
    THEME_ROLES
};

enum { THEME_BOLD = 1, THEME_DIM = 2, THEME_UNDERLINE = 4, THEME_REVERSE = 8 };
/* A colour: one of the terminal's 16, or THEME_RGB + 0xRRGGBB. */
enum { THEME_DEFAULT = -1, THEME_RGB = 0x1000000 };
struct theme_style {
    int fore, back;
    unsigned attrs;
};
struct theme {
    struct theme_style roles[THEME_ROLES];
    int64_t names; /* lightness of the colours of names, 0 to 100; 0: they have none */
};

/* "[bold] [dim] [underline] [reverse] [COLOUR] [on COLOUR]", a colour by its name or #rrggbb.
 * False: it is none. */
bool theme_style(mn_str text, struct theme_style *out);
/* dark, light, mono, or NAME.yaml of `folder`. MN_E_NOT_FOUND, MN_E_FORMAT, ...: `why` says what
 * and where, `out` is as it was. */
int theme_load(const char *name, const char *folder, struct theme *out,
               struct mn_buf *why) MN_MUST_CHECK;
/* The number of a colour on a terminal that has so many (16, 256, or more: all of them); -1. */
int theme_color(int color, int colors);
/* The same for a hue, where there are 16: the one whose hue is next (XEP-0392, 5.4). */
int theme_hue(double hue, double lightness, int colors);

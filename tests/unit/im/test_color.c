#include "im/color.h"

#include <math.h>
#include <stdlib.h>

#include "test.h"

/* The vectors of XEP-0392, section 13. */
TEST(a_name_has_the_colour_that_everybody_gives_it)
{
    static const struct {
        const char *name;
        double hue, rgb[3];
    } rows[] = {
        {"Romeo", 327.255249, {0.865, 0.000, 0.686}},
        {"juliet@capulet.lit", 209.410400, {0.000, 0.515, 0.573}},
        {"😺", 331.199341, {0.872, 0.000, 0.659}},
        {"council", 359.994507, {0.918, 0.000, 0.394}},
        {"Board", 171.430664, {0.000, 0.527, 0.457}},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        double hue = im_color_hue(mn_str_from(rows[i].name));
        uint32_t rgb = im_color_rgb(hue, 50);

        CHECK(fabs(hue - rows[i].hue) < 1e-6);
        for (int k = 0; k < 3; k++)
            CHECK(abs((int)(rgb >> (16 - 8 * k) & 255) - (int)lround(rows[i].rgb[k] * 255)) <= 1);
    }
    CHECK_INT(im_color_rgb(100, 0), 0);
    CHECK_INT(im_color_rgb(100, 100), 0xffffff);
}

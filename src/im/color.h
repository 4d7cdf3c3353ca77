/* Colours that everybody gives to the same name (XEP-0392). */
#pragma once

#include "base/str.h"

/* The hue of a name or a bare address, 0 to 360 (section 5.1). */
double im_color_hue(mn_str name);
/* 0xRRGGBB of a hue, at full saturation and a lightness of 0 to 100 in the HSLuv colour space. */
uint32_t im_color_rgb(double hue, double lightness);

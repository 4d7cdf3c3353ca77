/* HSLuv: for a lightness and a hue, how much colour the screen can show at most is found by walking
 * from grey along the hue, in CIELUV, to the nearest of six lines where red, green or blue is 0 or
 * 1. */
#include "im/color.h"

#include <math.h>

#include "base/crypt.h"

#define KAPPA 903.2962962
#define WHITE_U 0.19783000664283
#define WHITE_V 0.46831999493879

static const double to_rgb[3][3] = {
    {3.240969941904521, -1.537383177570093, -0.498610760293},
    {-0.96924363628087, 1.87596750150772, 0.041555057407175},
    {0.055630079696993, -0.20397695888897, 1.056971514242878},
};

double im_color_hue(mn_str name)
{
    unsigned char digest[MN_DIGEST_MAX];

    mn_digest_of(MN_SHA1, &name, 1, digest);
    return (digest[0] | digest[1] << 8) / 65536.0 * 360;
}

/* Of linear light, as the eye measures it. */
static double luminance(double lightness)
{
    return lightness > 8 ? pow((lightness + 16) / 116, 3) : lightness / KAPPA;
}

static double chroma_most(double lightness, double angle)
{
    double y = luminance(lightness), least = INFINITY;

    for (int i = 0; i < 3; i++)
        for (int t = 0; t < 2; t++) {
            const double *m = to_rgb[i];
            double x1 = (284517 * m[0] - 94839 * m[2]) * y;
            double x2 = (838422 * m[2] + 769860 * m[1] + 731718 * m[0]) * lightness * y -
                        769860 * t * lightness;
            double down = (632260 * m[2] - 126452 * m[1]) * y + 126452 * t;
            double far = x2 / down / (sin(angle) - x1 / down * cos(angle));

            if (far >= 0 && far < least)
                least = far;
        }
    return least;
}

/* Gamma; 0 to 255. */
static uint32_t shown(double linear)
{
    double c = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;

    return c <= 0 ? 0 : c >= 1 ? 255 : (uint32_t)lround(c * 255);
}

uint32_t im_color_rgb(double hue, double lightness)
{
    double angle = hue * acos(-1) / 180, chroma, u, v, x, y, z;
    uint32_t rgb = 0;

    if (lightness <= 0 || lightness >= 100)
        return lightness <= 0 ? 0 : 0xffffff;
    chroma = chroma_most(lightness, angle);
    u = cos(angle) * chroma / (13 * lightness) + WHITE_U;
    v = sin(angle) * chroma / (13 * lightness) + WHITE_V;
    y = luminance(lightness);
    x = 9 * y * u / (4 * v);
    z = (9 * y - 15 * v * y - v * x) / (3 * v);
    for (int i = 0; i < 3; i++)
        rgb = rgb << 8 | shown(to_rgb[i][0] * x + to_rgb[i][1] * y + to_rgb[i][2] * z);
    return rgb;
}

#include "base/codec.h"

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

mn_str mn_base64(mn_str in, struct mn_arena *a)
{
    char *out = mn_arena_bytes(a, (in.n + 2) / 3 * 4), *p = out;

    for (size_t i = 0; i < in.n; i += 3) {
        size_t left = in.n - i;
        uint32_t v = (uint32_t)(unsigned char)in.p[i] << 16 |
                     (left > 1 ? (uint32_t)(unsigned char)in.p[i + 1] << 8 : 0) |
                     (left > 2 ? (uint32_t)(unsigned char)in.p[i + 2] : 0);

        *p++ = digits64[v >> 18];
        *p++ = digits64[v >> 12 & 63];
        *p++ = left > 1 ? digits64[v >> 6 & 63] : '=';
        *p++ = left > 2 ? digits64[v & 63] : '=';
    }
    return (mn_str){out, (size_t)(p - out)};
}

static int value64(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

int mn_base64_parse(mn_str in, struct mn_arena *a, mn_str *out)
{
    size_t pad = in.n && in.p[in.n - 1] == '=' ? 1 + (in.n > 1 && in.p[in.n - 2] == '=') : 0;
    char *p = mn_arena_bytes(a, in.n / 4 * 3), *begin = p;
    uint32_t v = 0;

    if (in.n % 4)
        return MN_E_FORMAT;
    for (size_t i = 0; i < in.n; i++) {
        int d = i < in.n - pad ? value64(in.p[i]) : 0;

        if (d < 0)
            return MN_E_FORMAT;
        v = v << 6 | (uint32_t)d;
        if (i % 4 == 3) {
            *p++ = (char)(v >> 16);
            *p++ = (char)(v >> 8);
            *p++ = (char)v;
        }
    }
    if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
        return MN_E_FORMAT;
    *out = (mn_str){begin, (size_t)(p - begin) - pad};
    return MN_E_OK;
}

mn_str mn_hex(mn_str in, struct mn_arena *a)
{
    char *p = mn_arena_bytes(a, in.n * 2);

    for (size_t i = 0; i < in.n; i++) {
        p[2 * i] = "0123456789abcdef"[(unsigned char)in.p[i] >> 4];
        p[2 * i + 1] = "0123456789abcdef"[in.p[i] & 15];
    }
    return (mn_str){p, in.n * 2};
}

int mn_hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

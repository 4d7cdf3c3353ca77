#include "net/socks5.h"

enum { VERSION = 5 };
enum { IPV4 = 1, NAME = 3, IPV6 = 4 };

static uint8_t byte(mn_str in, size_t i)
{
    return (uint8_t)in.p[i];
}

/* A message that must begin with the version and be at least `n` long. */
static int begins(mn_str in, size_t n)
{
    if (in.n && byte(in, 0) != VERSION)
        return MN_E_FORMAT;
    return in.n < n ? MN_E_AGAIN : MN_E_OK;
}

int mn_socks5_methods_parse(mn_str in, mn_str *methods, size_t *n)
{
    int e = begins(in, 2);

    if (e)
        return e;
    if (!byte(in, 1))
        return MN_E_FORMAT;
    *n = 2u + byte(in, 1);
    *methods = (mn_str){in.p + 2, byte(in, 1)};
    return in.n < *n ? MN_E_AGAIN : MN_E_OK;
}

int mn_socks5_choice_parse(mn_str in, uint8_t *method, size_t *n)
{
    int e = begins(in, 2);

    if (e)
        return e;
    *n = 2;
    *method = byte(in, 1);
    return MN_E_OK;
}

int mn_socks5_parse(mn_str in, struct mn_socks5 *out, size_t *n)
{
    int e = begins(in, 5);
    size_t at = 4, len;

    if (e)
        return e;
    switch (byte(in, 3)) {
    case IPV4:
        len = 4;
        break;
    case IPV6:
        len = 16;
        break;
    case NAME:
        len = byte(in, at++);
        break;
    default:
        return MN_E_FORMAT;
    }
    *n = at + len + 2;
    if (in.n < *n)
        return MN_E_AGAIN;
    *out = (struct mn_socks5){byte(in, 1), byte(in, 3) == NAME, {in.p + at, len}, 0};
    out->port = (uint16_t)(byte(in, at + len) << 8 | byte(in, at + len + 1));
    return MN_E_OK;
}

void mn_socks5_add(struct mn_buf *b, uint8_t code, mn_str name, uint16_t port)
{
    const char head[] = {VERSION, (char)code, 0, NAME, (char)name.n};
    const char tail[] = {(char)(port >> 8), (char)port};

    MN_ASSERT(name.n <= 255);
    mn_buf_add(b, head, sizeof head);
    mn_buf_str(b, name);
    mn_buf_add(b, tail, sizeof tail);
}

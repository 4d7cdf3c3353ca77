#include "net/socks5.h"

#include "net/addr.h"

enum { VERSION = 5, PASSWORD_VERSION = 1 };
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

void mn_socks5_add_host(struct mn_buf *b, uint8_t code, mn_str host, uint16_t port)
{
    struct mn_addr a;
    bool v6;

    if (mn_addr_parse(host, port, &a)) {
        mn_socks5_add(b, code, host, port);
        return;
    }
    v6 = a.sa.sa_family == AF_INET6;
    mn_buf_add(b, (const char[]){VERSION, (char)code, 0, v6 ? IPV6 : IPV4}, 4);
    mn_buf_add(b, v6 ? (const char *)&a.v6.sin6_addr : (const char *)&a.v4.sin_addr, v6 ? 16 : 4);
    mn_buf_add(b, (const char[]){(char)(port >> 8), (char)port}, 2);
}

const char *mn_socks5_text(uint8_t code)
{
    static const char *const texts[] = {"done",
                                        "it failed",
                                        "not allowed",
                                        "the network cannot be reached",
                                        "the host cannot be reached",
                                        "nobody accepts there",
                                        "the way is too long",
                                        "not understood",
                                        "no such kind of address"};

    return code < MN_COUNT(texts) ? texts[code] : "refused";
}

void mn_socks5_methods_add(struct mn_buf *b, bool password)
{
    const char offer[] = {VERSION, password ? 2 : 1, MN_SOCKS5_OPEN, MN_SOCKS5_PASSWORD};

    mn_buf_add(b, offer, password ? 4 : 3);
}

void mn_socks5_password_add(struct mn_buf *b, mn_str user, mn_str password)
{
    MN_ASSERT(user.n <= 255 && password.n <= 255);
    mn_buf_c(b, PASSWORD_VERSION);
    mn_buf_c(b, (char)user.n);
    mn_buf_str(b, user);
    mn_buf_c(b, (char)password.n);
    mn_buf_str(b, password);
}

int mn_socks5_verdict_parse(mn_str in, bool *good, size_t *n)
{
    if (in.n && byte(in, 0) != PASSWORD_VERSION)
        return MN_E_FORMAT;
    if (in.n < 2)
        return MN_E_AGAIN;
    *n = 2;
    *good = !byte(in, 1);
    return MN_E_OK;
}

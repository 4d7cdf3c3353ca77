/* covers: mn_proxies_parse mn_tunnel_feed mn_socks5_verdict_parse
 * The first line is a list of proxies, what follows is what they say: the same in one piece and
 * byte by byte. */
#include "net/proxy.h"
#include "net/socks5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int go(const struct mn_proxy *p, size_t count, mn_str in, size_t piece, struct mn_buf *out)
{
    struct mn_tunnel *t = mn_tunnel_new(p, count, "x.test", 5222);
    const char *why = NULL;
    int e = mn_tunnel_feed(t, (mn_str){0}, out, &why);

    for (; e == MN_E_AGAIN && in.n; in = mn_str_skip(in, piece))
        e = mn_tunnel_feed(t, (mn_str){in.p, piece < in.n ? piece : in.n}, out, &why);
    MN_ASSERT(e == MN_E_AGAIN || !e == !why);
    mn_tunnel_free(t);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mn_str rest, list = mn_str_cut((mn_str){(const char *)data, size}, '\n', &rest);
    struct mn_buf once = {0}, pieces = {0};
    struct mn_arena a = {0};
    struct mn_proxy *p;
    size_t count, n;
    bool good;

    if (!mn_socks5_verdict_parse(rest, &good, &n))
        MN_ASSERT(n == 2 && good == !rest.p[1]);
    if (!mn_proxies_parse(list, &a, &p, &count)) {
        int whole = go(p, count, rest, size + 1, &once), byte = go(p, count, rest, 1, &pieces);

        MN_ASSERT(count > 0 && count <= MN_PROXIES_MAX);
        /* In pieces it may have arrived before the byte that nobody asked for. */
        MN_ASSERT(whole == byte || (whole == MN_E_FORMAT && !byte) || whole == MN_E_LIMIT ||
                  byte == MN_E_LIMIT);
        MN_ASSERT(whole || mn_str_eq(mn_buf_view(&once), mn_buf_view(&pieces)));
    }
    mn_buf_free(&once);
    mn_buf_free(&pieces);
    mn_arena_done(&a, NULL);
    return 0;
}

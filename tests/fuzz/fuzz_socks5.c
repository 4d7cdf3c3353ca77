/* covers: mn_socks5_parse mn_socks5_methods_parse mn_socks5_choice_parse
 * What is found lies inside what came; a shorter beginning of it is not enough; a name that is
 * written again reads the same. */
#include "net/socks5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message(mn_str in)
{
    struct mn_socks5 m, again;
    size_t n, n2;
    struct mn_buf b = {0};

    if (mn_socks5_parse(in, &m, &n))
        return;
    MN_ASSERT(n <= in.n && m.host.p >= in.p && m.host.p + m.host.n + 2 == in.p + n);
    MN_ASSERT(mn_socks5_parse((mn_str){in.p, n - 1}, &again, &n2) == MN_E_AGAIN);
    if (m.is_name) {
        mn_socks5_add(&b, m.code, m.host, m.port);
        MN_ASSERT(!mn_socks5_parse(mn_buf_view(&b), &again, &n2) && n2 == n);
        MN_ASSERT(mn_str_eq(again.host, m.host) && again.port == m.port && again.code == m.code);
        mn_buf_free(&b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mn_str in = {(const char *)data, size}, methods;
    uint8_t method;
    size_t n;

    if (!mn_socks5_methods_parse(in, &methods, &n))
        MN_ASSERT(n <= size && methods.n == n - 2);
    if (!mn_socks5_choice_parse(in, &method, &n))
        MN_ASSERT(n == 2 && method == data[1]);
    message(in);
    return 0;
}

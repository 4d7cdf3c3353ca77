/* covers: mn_addr_parse
 * What is accepted is the same address when it is written and read again. */
#include "net/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mn_addr a, b;
    char text[MN_ADDR_TEXT], again[MN_ADDR_TEXT], x[16], y[16];
    mn_str host;

    if (mn_addr_parse((mn_str){(const char *)data, size}, 5222, &a))
        return 0;
    host = mn_str_from(mn_addr_text(&a, text));
    MN_ASSERT(host.n > 5);
    host.n -= 5; /* ":5222" */
    if (host.p[0] == '[')
        host = (mn_str){host.p + 1, host.n - 2};
    MN_ASSERT(!mn_addr_parse(host, 5222, &b));
    MN_ASSERT(mn_str_is(mn_str_from(mn_addr_text(&b, again)), text));
    MN_ASSERT(mn_str_eq(mn_addr_group(&a, x), mn_addr_group(&b, y)));
    MN_ASSERT(mn_addr_is_loopback(&a) == mn_addr_is_loopback(&b));
    return 0;
}

/* covers: mn_base64_parse
 * What is accepted is the one spelling of its bytes. */
#include "base/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mn_arena a = {0};
    mn_str in = {(const char *)data, size}, out;

    if (!mn_base64_parse(in, &a, &out))
        MN_ASSERT(mn_str_eq(mn_base64(out, &a), in));
    MN_ASSERT(!mn_base64_parse(mn_base64(in, &a), &a, &out) && mn_str_eq(out, in));
    mn_arena_done(&a, NULL);
    return 0;
}

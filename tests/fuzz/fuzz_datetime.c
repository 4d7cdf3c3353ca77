/* covers: mn_datetime_parse
 * What is accepted is the same moment when it is written and read again. */
#include "xmpp/datetime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t year_10000 = 253402300800000;
    struct mn_arena a = {0};
    int64_t at, again;

    if (!mn_datetime_parse((mn_str){(const char *)data, size}, &at)) {
        mn_str text = mn_datetime_text(at, &a);

        if (at >= 0 && at < year_10000)
            MN_ASSERT(!mn_datetime_parse(text, &again) && again == at);
    }
    mn_arena_done(&a, NULL);
    return 0;
}

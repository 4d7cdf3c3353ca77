/* covers: mn_conf_parse config_parse
 * A file is taken, or there is an error to show, each with a line of the file. */
#include "server/config.h"

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(int e, const struct mn_conf_errors *errors, mn_str in)
{
    int lines = 2;

    MN_ASSERT(!e == !errors->count);
    for (size_t i = 0; i < in.n; i++)
        lines += in.p[i] == '\n' || in.p[i] == '\r' || in.p[i] & 0x80; /* U+0085 and the like */
    for (size_t i = 0; i < errors->count; i++)
        MN_ASSERT(errors->items[i].text.n && errors->items[i].line >= 0 &&
                  errors->items[i].line <= lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mn_arena a = {0};
    mn_str in = {(const char *)data, size};
    struct mn_conf_errors errors, all;
    struct config *c = mn_arena_alloc0(&a, config_size());
    int e = mn_conf_parse(in, config_rows(), &a, c, &errors);

    look(e, &errors, in);
    look(config_parse(in, &a, &c, &all), &all, in);
    MN_ASSERT(all.count >= errors.count);
    mn_arena_done(&a, NULL);
    return 0;
}

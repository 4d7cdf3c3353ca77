#include "server/module.h"

const struct module *const modules[] = {
#define MODULE(name) &mod_##name,
#include "server/modules.def"
#undef MODULE
    NULL,
};

#define LISTEN(name) &mod_##name,
#define HOOK(ret, name, args, ...)                                                                 \
    const struct module *const listeners_##name[] = {__VA_ARGS__ NULL};
#include "server/hooks.def"
#undef HOOK
#undef LISTEN

bool module_on(const struct server *srv, const struct module *m)
{
    return m->always || *(const bool *)config_module(srv->conf, m);
}

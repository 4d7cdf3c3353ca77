#include "server/module.h"

const struct module *const modules[] = {
#define MODULE(name) &mod_##name,
#include "server/modules.def"
#undef MODULE
    NULL,
};

bool module_on(const struct server *srv, const struct module *m)
{
    return m->always || *(const bool *)config_module(srv->conf, m);
}

static void listen_on(const struct server *srv, const struct module *const *all,
                      const struct module **on)
{
    for (; *all; all++)
        if (module_on(srv, *all))
            *on++ = *all;
    *on = NULL;
}

struct hooks *hooks_new(const struct server *srv)
{
    struct hooks *h = MN_NEW(struct hooks);

#define LISTEN(name) &mod_##name,
#define HOOK(ret, name, args, ...)                                                                 \
    listen_on(srv, (const struct module *const[]){__VA_ARGS__ NULL}, h->name);
#include "server/hooks.def"
#undef HOOK
#undef LISTEN
    return h;
}

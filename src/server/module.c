#include "server/module.h"

const struct module *const modules[] = {
#define MODULE(name) &mod_##name,
#include "server/modules.def"
#undef MODULE
    NULL,
};

static bool is_on(const struct server *srv, const struct config *conf, const struct module *m)
{
    return m->always || *(const bool *)config_module(m->from_start ? srv->conf : conf, m);
}

bool module_on(const struct server *srv, const struct module *m)
{
    const struct owner *o = owner_here();

    return is_on(srv, o ? o->snap->conf : srv->conf, m);
}

static void listen_on(const struct server *srv, const struct config *conf,
                      const struct module *const *all, const struct module **on)
{
    for (; *all; all++)
        if (is_on(srv, conf, *all))
            *on++ = *all;
    *on = NULL;
}

struct hooks *hooks_new(const struct server *srv, const struct config *conf)
{
    struct hooks *h = MN_NEW(struct hooks);

#define LISTEN(name) &mod_##name,
#define HOOK(ret, name, args, ...)                                                                 \
    listen_on(srv, conf, (const struct module *const[]){__VA_ARGS__ NULL}, h->name);
#include "server/hooks.def"
#undef HOOK
#undef LISTEN
    return h;
}

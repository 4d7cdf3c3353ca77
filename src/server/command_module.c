/* Commands that tell what the server can. */
#include "server/command.h"
#include "server/protocol.h"

/* It is off, too, when the configuration leaves off all that it speaks. */
static json_t *of_module(const struct server *srv, const struct module *m,
                         const struct protocol *all, size_t count)
{
    struct mn_buf b = {0};
    bool on = false;
    json_t *o;

    for (size_t i = 0; i < count; i++)
        if (all[i].module == m) {
            mn_buf_fmt(&b, "%s%s", b.n ? "; " : "", all[i].name);
            on |= protocol_on(srv, &all[i]);
        }
    o = json_pack("{ss,sb,ss%}", "name", m->name, "on", (int)(b.n ? on : module_on(srv, m)),
                  "protocols", b.n ? b.p : "", b.n);
    mn_buf_free(&b);
    return o;
}

void command_module_list(struct command *c)
{
    json_t *list = json_array();
    size_t count;
    struct protocol *all = protocols_all(&c->a, &count);

    for (const struct module *const *m = modules; *m; m++)
        json_array_append_new(list, of_module(c->srv, *m, all, count));
    command_ok(c, json_pack("{so}", "modules", list));
}

void command_protocols(struct command *c)
{
    json_t *list = json_array();
    size_t count;
    struct protocol *all = protocols_all(&c->a, &count);

    for (size_t i = 0; i < count; i++) {
        const struct module *m = all[i].module;

        json_array_append_new(
            list, json_pack("{ss,ss,ss,ss?,sb,ss?}", "name", all[i].name, "version", all[i].version,
                            "title", all[i].title, "module", m ? m->name : NULL, "on",
                            (int)protocol_on(c->srv, &all[i]), "key", all[i].key));
    }
    command_ok(c, json_pack("{so}", "protocols", list));
}

void command_log_level(struct command *c)
{
    mn_str name = command_arg(c, "level");

    for (int i = 0; mn_log_levels[i]; i++)
        if (mn_str_is(name, mn_log_levels[i])) {
            mn_log_set_level((enum mn_log_level)i);
            command_ok(c, json_pack("{ss}", "level", mn_log_levels[i]));
            return;
        }
    command_fail(c, MN_COND_NOT_ACCEPTABLE, "%.*s: expected error, warn, info or debug",
                 MN_ARG(name));
}

/* Commands that tell what the server can. */
#include "server/command.h"
#include "server/protocol.h"

static json_t *of_module(const struct module *m, const struct protocol *all, size_t count)
{
    struct mn_buf b = {0};
    json_t *o;

    for (size_t i = 0; i < count; i++)
        if (all[i].module == m)
            mn_buf_fmt(&b, "%s%s", b.n ? "; " : "", all[i].name);
    o = json_stringn(b.n ? b.p : "", b.n);
    mn_buf_free(&b);
    return o;
}

void command_module_list(struct command *c)
{
    json_t *list = json_array();
    size_t count;
    struct protocol *all = protocols_all(&c->a, &count);

    for (const struct module *const *m = modules; *m; m++)
        json_array_append_new(list, json_pack("{ss,sb,so}", "name", (*m)->name, "on",
                                              (int)module_on(c->srv, *m), "protocols",
                                              of_module(*m, all, count)));
    command_ok(c, json_pack("{so}", "modules", list));
}

void command_protocols(struct command *c)
{
    json_t *list = json_array();
    size_t count;
    struct protocol *all = protocols_all(&c->a, &count);

    for (size_t i = 0; i < count; i++) {
        const struct module *m = all[i].module;

        json_array_append_new(list, json_pack("{ss,ss,ss,so,sb}", "name", all[i].name, "version",
                                              all[i].version, "title", all[i].title, "module",
                                              m ? json_string(m->name) : json_null(), "on",
                                              !m || module_on(c->srv, m)));
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

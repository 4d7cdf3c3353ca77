/* Commands that concern external components. */
#include "server/command.h"
#include "server/component.h"
#include "xmpp/datetime.h"

static json_t *shown(struct command *c, const struct component *p)
{
    mn_str since = p->stream ? mn_datetime_text(p->since, &c->a) : MN_STR("");

    return json_pack("{ss%,sb,ss,ss%}", "name", p->name.p, p->name.n, "connected",
                     p->stream != NULL, "address", p->stream ? p->stream->peer : "", "since",
                     since.p, since.n);
}

/* Each loop fills in its own. */
static void each(struct command *c)
{
    for (size_t i = 0; i < c->srv->component_count; i++)
        if (component_owner(c->srv, &c->srv->components[i]) == owner_here())
            json_array_set_new(c->state, i, shown(c, &c->srv->components[i]));
}

static void list(struct command *c)
{
    command_ok(c, json_pack("{so}", "components", c->state));
}

void command_component_list(struct command *c)
{
    c->state = json_array();
    for (size_t i = 0; i < c->srv->component_count; i++)
        json_array_append_new(c->state, json_null());
    command_visit(c, each, list);
}

/* Commands that concern external components. */
#include "server/command.h"
#include "server/component.h"
#include "xmpp/datetime.h"

static void list(struct command *c)
{
    json_t *all = json_array();

    for (size_t i = 0; i < c->srv->component_count; i++) {
        const struct component *p = &c->srv->components[i];
        mn_str since = p->stream ? mn_datetime_text(p->since, &c->a) : (mn_str){0},
               peer = p->stream ? p->peer : (mn_str){0};

        json_array_append_new(all, json_pack("{ss%,sb,ss%,ss%}", "name", p->name.p, p->name.n,
                                             "connected", p->stream != NULL, "address",
                                             peer.n ? peer.p : "", peer.n, "since",
                                             since.n ? since.p : "", since.n));
    }
    command_ok(c, json_pack("{so}", "components", all));
}

void command_component_list(struct command *c)
{
    command_go(c, component_owner(c->srv), list);
}

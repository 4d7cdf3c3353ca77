/* XEP-0092 Software Version. The operating system is nobody's business. */
#include "server/module.h"

static enum mn_cond on_version(struct iq *iq)
{
    struct mn_stanza *answer = iq_answer(iq);
    struct mn_arena *a = &answer->arena;
    struct mn_elem *q = mn_elem_add(a, mn_stanza_body(answer), MN_NS_VERSION, "query");

    mn_elem_add_text(a, q, MN_NS_VERSION, "name", MN_STR("Mynah"));
    mn_elem_add_text(a, q, MN_NS_VERSION, "version", MN_STR(MN_VERSION));
    return iq_result(iq, answer);
}

const struct module mod_version = {
    .name = "version",
    .xep = {{92, "1.1", "Software Version", "wire/version"}},
    .feature = {"jabber:iq:version"},
    .iq = {{MN_TYPE_GET, MN_NS_VERSION, "query", AT_HOST, on_version}},
};

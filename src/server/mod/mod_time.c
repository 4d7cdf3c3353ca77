/* XEP-0202 Entity Time, in UTC: where the machine stands is nobody's business. */
#include "base/clock.h"
#include "server/module.h"
#include "xmpp/datetime.h"

static enum mn_cond on_time(struct iq *iq)
{
    struct mn_stanza *answer = iq_answer(iq);
    struct mn_arena *a = &answer->arena;
    struct mn_elem *t = mn_elem_add(a, mn_stanza_body(answer), MN_NS_TIME, "time");

    mn_elem_add_text(a, t, MN_NS_TIME, "tzo", MN_STR("+00:00"));
    mn_elem_add_text(a, t, MN_NS_TIME, "utc", mn_datetime_text(mn_clock_wall(), a));
    return iq_result(iq, answer);
}

const struct module mod_time = {
    .name = "time",
    .xep = {{202, "2.0", "Entity Time", "wire/last"}},
    .feature = {"urn:xmpp:time"},
    .iq = {{MN_TYPE_GET, MN_NS_TIME, "time", AT_HOST, on_time}},
};

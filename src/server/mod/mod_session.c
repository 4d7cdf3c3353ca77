/* The session request of RFC 3921, which older clients make after binding: answered, and nothing
 * else. Clients of today leave it out, and with it a round trip of every login, where they hear
 * that they may. */
#include "server/module.h"

struct conf {
    bool on, optional;
};
static const struct mn_conf_row keys[] = {
    {"optional", MN_CONF_BOOL, offsetof(struct conf, optional), "on",
     .text = "clients hear that they need not ask for it", .live = true},
    {0}};

static void features(struct c2s *c, struct mn_buf *out)
{
    const struct conf *conf = config_module(c->stream.owner->snap->conf, &mod_session);

    if (c->state != C2S_KNOWN)
        return;
    if (conf->optional)
        mn_buf_lit(out, "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/>"
                        "</session>");
    else
        mn_buf_lit(out, "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>");
}

static enum mn_cond on_session(struct iq *iq)
{
    struct mn_stanza *answer = iq_answer(iq);

    mn_elem_add(&answer->arena, mn_stanza_body(answer), MN_NS_SESSION, "session");
    return iq_result(iq, answer);
}

const struct module mod_session = {
    .name = "session",
    .rfc = {{"RFC 3921, 3", "Session Establishment", "wire/session"}},
    .iq = {{MN_TYPE_SET, MN_NS_SESSION, "session", AT_HOST | AT_USER, on_session}},
    .conf = keys,
    .conf_size = sizeof(struct conf),
    .stream_features = features,
};

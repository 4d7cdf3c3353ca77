/* The session request of RFC 3921, which older clients make after binding: answered, and nothing
 * else. */
#include "server/module.h"

static void features(struct c2s *c, struct mn_buf *out)
{
    if (c->state == C2S_KNOWN)
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
    .stream_features = features,
};

/* XEP-0199 XMPP Ping: answer for the server, and for an account to who may see its presence. */
#include "server/module.h"
#include "server/presence.h"

static enum mn_cond on_ping(struct iq *iq)
{
    if (iq->user && !presence_subscriber(iq->user, &iq->st->from))
        return MN_COND_SERVICE_UNAVAILABLE;
    return iq_result(iq, NULL);
}

const struct module mod_ping = {
    .name = "ping",
    .xep = {{199, "2.0.1", "XMPP Ping", "wire/ping"}},
    .feature = {"urn:xmpp:ping"},
    .user_feature = {"urn:xmpp:ping"},
    .iq = {{MN_TYPE_GET, MN_NS_PING, "ping", AT_HOST | AT_USER, on_ping}},
};

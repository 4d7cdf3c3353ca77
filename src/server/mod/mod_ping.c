/* XEP-0199 XMPP Ping: answer for the server and for every account. */
#include "server/module.h"

static enum mn_cond on_ping(struct iq *iq)
{
    return iq_result(iq, NULL);
}

const struct module mod_ping = {
    .name = "ping",
    .xep = {{199, "2.0.1", "XMPP Ping", "wire/ping"}},
    .feature = {"urn:xmpp:ping"},
    .iq = {{MN_TYPE_GET, MN_NS_PING, "ping", AT_HOST | AT_USER, on_ping}},
};

/* XEP-0280 Message Carbons: switched on by itself; what the account's other clients send and get is
 * told as the message inside. Only our own server may say so. */
#include "client/ext.h"

#define NS_CARBONS "urn:xmpp:carbons:2"

static void online(struct mynah_client *c, void *state, bool resumed)
{
    struct mynah_elem *enable;

    (void)state;
    if (resumed || !c->jid.user)
        return;
    enable = mynah_elem_new("enable", NS_CARBONS);
    mynah_iq_send(c, MYNAH_SET, NULL, &enable, 0, NULL, NULL);
}

static bool stanza(struct mynah_client *c, void *state, const struct mynah_elem *st)
{
    const struct mynah_elem *received = mynah_elem_child(st, "received", NS_CARBONS),
                            *sent = mynah_elem_child(st, "sent", NS_CARBONS),
                            *inner = mynah_elem_child(received ? received : sent, "forwarded",
                                                      "urn:xmpp:forward:0");

    (void)state;
    if ((!received && !sent) || !mynah_elem_is(st, "message", NULL))
        return false;
    inner = mynah_elem_child(inner, "message", "jabber:client");
    if (!from_self(c, mynah_elem_get(st, "from")))
        client_log(c, MYNAH_LOG_WARN, "a forged carbon was thrown away");
    else if (inner)
        message_told(c, inner, received ? MYNAH_CARBON_RECEIVED : MYNAH_CARBON_SENT);
    return true;
}

const struct ext ext_carbons = {.name = "carbons", .online = online, .stanza = stanza};

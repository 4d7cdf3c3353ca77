/* XEP-0106 JID Escaping. To a server an escaped localpart is a name like any other: it never stands
 * unescaped on the wire and is compared as it is. What may be created keeps its rule (xmpp/jid.c);
 * here clients and gateways learn that they may escape. */
#include "server/module.h"

const struct module mod_escape = {
    .name = "escape",
    .xep = {{106, "1.1.1", "JID Escaping", "wire/escape"}},
    .feature = {"jid\\20escaping"},
};

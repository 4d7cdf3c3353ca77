/* Namespaces by number. Known ones compare by their number; the others carry MN_NS_OTHER and their
 * text. */
#pragma once

#include "base/str.h"

enum mn_ns {
    MN_NS_NONE,
#define NS(id, uri) MN_NS_##id,
#include "xmpp/ns.def"
#undef NS
    MN_NS_OTHER,
};

/* The URI of a known namespace, static (also NUL-terminated); empty for NONE and OTHER. */
mn_str mn_ns_uri(enum mn_ns ns);
/* MN_NS_OTHER when it is not one of ours, MN_NS_NONE for the empty one. */
enum mn_ns mn_ns_find(mn_str uri);

/* Stanza and stream error conditions (RFC 6120, 8.3.3 and 4.9.3) as tables. */
#pragma once

#include "base/str.h"

enum mn_cond {
    MN_COND_NONE, /* no error */
#define COND(id, name, type, code) MN_COND_##id,
#include "xmpp/conds.def"
#undef COND
    MN_COND_LATER, /* an answer comes later: never on the wire */
};

/* "bad-request", "modify": static. */
mn_str mn_cond_name(enum mn_cond c);
mn_str mn_cond_type(enum mn_cond c);
mn_str mn_cond_code(enum mn_cond c);    /* "400": what it was before it had a name (XEP-0086) */
enum mn_cond mn_cond_find(mn_str name); /* MN_COND_UNDEFINED for unknown names */

enum mn_stream_cond {
    MN_STREAM_NONE,
#define STREAM(id, name) MN_STREAM_##id,
#include "xmpp/conds.def"
#undef STREAM
};
mn_str mn_stream_cond_name(enum mn_stream_cond c);
/* What a fault of the XML stream (a negative code of mn_xml_next) is called. */
enum mn_stream_cond mn_stream_cond_of(int xml_error);

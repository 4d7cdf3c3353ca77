/* Entity capabilities (XEP-0115): the hash by which an answer to disco#info is known. */
#pragma once

#include "base/crypt.h"
#include "xmpp/elem.h"

/* The verification string (5.1) of a disco#info <query/>: what is hashed. */
mn_str mn_caps_string(const struct mn_elem *query, struct mn_arena *a);
/* Its hash in base64. */
mn_str mn_caps_ver(const struct mn_elem *query, enum mn_digest d, struct mn_arena *a);

/* Base64 (RFC 4648, section 4, strict) and hex. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

mn_str mn_base64(mn_str in, struct mn_arena *a);
/* Refuses everything RFC 6120 13.9.1 tells to: white space, missing or misplaced padding, stray
 * bits. */
int mn_base64_parse(mn_str in, struct mn_arena *a, mn_str *out) MN_MUST_CHECK;
mn_str mn_hex(mn_str in, struct mn_arena *a); /* lower case */
int mn_hex_digit(char c);                     /* of either case; -1: it is none */

/* What a domain says of other ways to it (XEP-0156): fetched over https only, from the domain whose
 * certificate is checked; as XML, or else as JSON (RFC 6415). */
#pragma once

#include "client/stream.h"

struct host_meta;
/* `done`: 0 and the address of BOSH, always https; or a mynah_code and why. Lent, called once, not
 * inside host_meta_new. */
struct host_meta *host_meta_new(struct mynah_context *ctx, const struct stream_plan *plan,
                                void (*done)(void *arg, int code, mn_str address, const char *why),
                                void *arg);
void host_meta_free(struct host_meta *h); /* also inside `done`; accepts NULL */

/* The https address of BOSH in such a document; MN_E_NOT_FOUND: it names none; else it is none. */
int host_meta_parse(mn_str text, bool json, struct mn_arena *a, mn_str *out) MN_MUST_CHECK;

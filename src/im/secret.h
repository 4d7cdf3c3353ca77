/* Passwords in the keyring of the desktop (the Secret Service), by libsecret's secret-tool: service
 * "mynah", account the bare address in canonical form. All block, for as long as a person needs to
 * unlock it. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Whether secret-tool is installed, and the session has a bus that leads to a keyring. */
bool im_secret_there(void);
/* MN_E_NOT_FOUND: no secret-tool; MN_E_DENIED: nothing there for this account, or locked. `why`
 * says so. */
int im_secret_get(mn_str jid, struct mn_arena *a, mn_str *out, struct mn_buf *why) MN_MUST_CHECK;
/* Replaces what is there; an empty password takes it out. The same errors. */
int im_secret_set(mn_str jid, mn_str password, struct mn_buf *why) MN_MUST_CHECK;

/* Certificates that a person trusts although no authority vouches for them: one for each domain, by
 * its SHA-256. The file has lines "domain sha256". */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum im_pin { IM_PIN_NONE, IM_PIN_SAME, IM_PIN_OTHER };

/* $XDG_DATA_HOME/mynah/certificates, or below ~/.local/share; in `a`. */
const char *im_pins_path(struct mn_arena *a);
/* What is kept for the domain, against what it shows; `kept` is in `a`. A file that cannot be read
 * keeps nothing. */
enum im_pin im_pin_look(const char *path, mn_str domain, mn_str sha256, struct mn_arena *a,
                        mn_str *kept);
/* In the place of what was kept; `sha256` empty: nothing is from now on. The file is for its owner
 * alone. MN_E_NOT_FOUND: there was nothing to forget; MN_E_IO, MN_E_DENIED, MN_E_LIMIT. */
int im_pin_set(const char *path, mn_str domain, mn_str sha256) MN_MUST_CHECK;
void im_pins_each(const char *path, void (*each)(mn_str domain, mn_str sha256));

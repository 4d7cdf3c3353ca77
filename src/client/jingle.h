/* Between Jingle's sessions (ext_jingle.c) and what stands in them (jingle_content.c). */
#pragma once

#include "mynah/elem.h"

/* False: a description or a transport of a known namespace that breaks its rules. */
bool jingle_ok(const struct mynah_elem *e);

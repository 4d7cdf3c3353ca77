/* A last line of a file that says what stands before it, so that whoever reads it later knows
 * whether it is as it was written. It keeps nobody from changing a file on purpose. */
#pragma once

#include "base/str.h"

enum { MN_SEAL = 79 }; /* bytes */

/* Behind all that is in the file. MN_E_FULL, MN_E_IO. */
int mn_seal_put(int fd) MN_MUST_CHECK;
/* MN_E_NOT_FOUND: there is none; MN_E_FORMAT: something else was sealed; MN_E_IO. */
int mn_seal_check(int fd) MN_MUST_CHECK;

/* A data folder out of a backup. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* `dir` is made, or empty; as root everything in it becomes `user`'s. On failure `why` is one
 * sentence, and nothing is left. */
int restore(const char *file, const char *dir, const char *user, int64_t *bytes,
            struct mn_buf *why) MN_MUST_CHECK;

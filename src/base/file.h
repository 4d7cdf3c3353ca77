/* Files and descriptors. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

void mn_closep(int *fd); /* for MN_AUTO */
/* A whole file, at most `max` bytes: MN_E_NOT_FOUND, MN_E_DENIED, MN_E_LIMIT, MN_E_IO. */
int mn_file_read(const char *path, size_t max, struct mn_arena *a, mn_str *out) MN_MUST_CHECK;
/* Written beside, synced, renamed over; mode as given. */
int mn_file_write(const char *path, mn_str bytes, unsigned mode) MN_MUST_CHECK;
int mn_file_mkdir(const char *path, unsigned mode) MN_MUST_CHECK; /* with parents; exists: ok */

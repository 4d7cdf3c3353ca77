/* Files and descriptors. */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "base/arena.h"
#include "base/err.h"

void mn_closep(int *fd); /* for MN_AUTO */
/* A whole file, at most `max` bytes: MN_E_NOT_FOUND, MN_E_DENIED, MN_E_LIMIT, MN_E_IO. */
int mn_file_read(const char *path, size_t max, struct mn_arena *a, mn_str *out) MN_MUST_CHECK;
/* Written beside, synced, renamed over; mode as given. */
int mn_file_write(const char *path, mn_str bytes, unsigned mode) MN_MUST_CHECK;
/* Where a symbolic link leads, so that it is that which is written over; any other path itself. */
const char *mn_file_behind(const char *path, struct mn_arena *a);
/* A new file with a name of its own that ends in `suffix`, for this user alone, where files go that
 * nobody keeps. `path`: in `a`; the caller takes it away. */
int mn_file_temporary(mn_str bytes, const char *suffix, struct mn_arena *a,
                      mn_str *path) MN_MUST_CHECK;
/* Where the Unix socket `path` is bound or connected. A path too long for `out` goes through a
 * descriptor of its folder, which stays open meanwhile: `folder` is the caller's to close, or -1.
 */
int mn_file_socket(const char *path, struct sockaddr_un *out, int *folder) MN_MUST_CHECK;
/* Nobody else may read or write it from now on. */
void mn_file_private(const char *path);
int mn_file_mkdir(const char *path, unsigned mode) MN_MUST_CHECK; /* with parents; exists: ok */

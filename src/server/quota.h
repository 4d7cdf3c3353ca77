/* How much room each thing takes that an account keeps as it likes (XEP-0049): asked before it is
 * stored, without reading what is there. Loaded with the account, and stored with each change. */
#pragma once

#include "server/user.h"

#define USER_QUOTA "quota" /* key in the store "user" */

/* One change: quota_begin, quota_set for each thing, quota_end. */
struct quota_change {
    struct user *user;
    char *was;
    uint32_t was_n;
};
void quota_begin(struct user *u, struct quota_change *c);
void quota_set(struct quota_change *c, mn_str thing, size_t bytes);
/* True: it stands, and is written with the caller's changes. False, when all together would be more
 * than `max` bytes (and more than before), or more than 1,000 things: nothing has changed. */
bool quota_end(struct quota_change *c, uint64_t max);

void quota_load(struct user *u, mn_str record);
void quota_free(struct user *u);

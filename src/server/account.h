/* Changes of accounts that may be asked for on any loop (XEP-0077, administration): keys are made
 * on a work lane, the change is made at the account's owner, and it is told when it is durable. */
#pragma once

#include "server/user.h"

enum account_what {
    ACCOUNT_CREATE,   /* CONFLICT when it exists */
    ACCOUNT_PASSWORD, /* ITEM_NOT_FOUND when it does not exist; its sessions end (user_reset) */
    ACCOUNT_DISABLE,  /* likewise (user_disable) */
    ACCOUNT_ENABLE,   /* likewise */
    ACCOUNT_REMOVE,   /* likewise; with everything of it, its sessions end (user_remove) */
};

struct account_change {
    struct mn_job job;      /* first */
    enum account_what what; /* asked; the slices live in `arena` */
    const struct host *host;
    mn_str name; /* localpart; prepared here */
    mn_str password, full_name, email;
    struct session *except; /* of the account, which asks for another password and stays: a
                             * reference, taken over */
    /* On the loop that asked, with the answer: NONE, CONFLICT, ITEM_NOT_FOUND, NOT_ACCEPTABLE (a
     * name that may not be created, an empty password), RESOURCE_CONSTRAINT (busy, disk full, or
     * `except` asked when the password was another), INTERNAL. It frees the change. */
    void (*done)(struct account_change *ch, enum mn_cond cond);
    void *arg;
    struct mn_arena arena;
    /* account.c's own */
    struct wait wait;
    struct owner *asker, *owner;
    struct user *user;
    mn_str creds;
    enum mn_cond cond;
    int error;
    unsigned mechanisms, iterations;
    uint64_t since; /* owner->accounts_changed when it was asked */
    unsigned made;  /* of the account that it was asked for */
};

struct account_change *account_change_new(enum account_what what, const struct host *host);
void account_change_free(struct account_change *ch); /* one that was not asked, or inside `done` */
/* Asks, on an owner's loop. `done` may be called inside. */
void account_change(struct account_change *ch);

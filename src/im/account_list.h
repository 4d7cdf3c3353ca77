/* The list of accounts in the configuration file, changed by lines: what a person wrote there stays
 * as it is, comments and order too. What comes out is parsed before it is written; what cannot be
 * changed this way is refused, and `why` names the line that a person has to change. */
#pragma once

#include "im/accounts.h"

/* The text of the file with one account more, with one less, with one that is logged in at a start
 * or not; in `a`. MN_E_EXISTS, MN_E_NOT_FOUND: the account is there, or is not; MN_E_FORMAT: the
 * text is of a kind that a person has to change. Of an account what is not empty, 0 or the first
 * choice is written. */
int im_list_with(mn_str text, const struct im_account *acc, struct mn_arena *a, mn_str *out,
                 struct mn_buf *why) MN_MUST_CHECK;
int im_list_without(mn_str text, mn_str jid, struct mn_arena *a, mn_str *out,
                    struct mn_buf *why) MN_MUST_CHECK;
int im_list_enabled(mn_str text, mn_str jid, bool on, struct mn_arena *a, mn_str *out,
                    struct mn_buf *why) MN_MUST_CHECK;

/* The same in the file, which nobody else may read from then on; it is made with its folder when
 * there is none, and a link to it stays one. Block for a moment. The errors of mn_file_read and
 * mn_file_write too. */
int im_accounts_add(const char *path, const struct im_account *acc,
                    struct mn_buf *why) MN_MUST_CHECK;
int im_accounts_remove(const char *path, mn_str jid, struct mn_buf *why) MN_MUST_CHECK;
int im_accounts_enable(const char *path, mn_str jid, bool on, struct mn_buf *why) MN_MUST_CHECK;

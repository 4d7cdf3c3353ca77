/* The lines of a chat, for the messenger's files. */
#pragma once

#include "im/messenger.h"

/* A new last one; the first go when there are too many, or too much is in them. `at` 0: now. */
struct im_line *im_line_add(struct im_chat *chat, enum im_kind kind, int64_t at, const char *who,
                            const char *text);
/* Other words in its place. */
void im_line_say(struct im_chat *chat, struct im_line *l, const char *text);
/* The last one of that id, of ours or of `who`; NULL: there is none. */
struct im_line *im_line_find(struct im_chat *chat, const char *id, bool ours, const char *who);
/* Those of `older` come before its own. */
void im_lines_join(struct im_chat *chat, struct im_chat *older);
bool im_lines_are_full(const struct im_chat *chat);
void im_lines_free(struct im_chat *chat);

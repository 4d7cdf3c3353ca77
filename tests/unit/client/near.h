/* Clients without a server, on the loop of a network of their own. What they are told is noted for
 * each; time goes on as pass() says. */
#pragma once

#include "mynah/local.h"

#include "base/loop.h"
#include "mynah/mynah.h"
#include "test.h"

enum { CLIENTS = 3 };
extern struct near_world {
    struct mynah_context *ctx;
    struct mynah_client *at[CLIENTS];
    struct mn_buf notes[CLIENTS];
    int64_t now;
    bool only_messages; /* what becomes of one's own is not noted */
} w;

/* False: no such network may be made here, and the test is skipped. */
bool begin(void);
void end(void);
void pass(int64_t ms);
void note_at(size_t i, const char *fmt, ...) MN_PRINTF(2, 3);
/* All that was noted since, which is forgotten. */
void noted(size_t i, const char *text);
size_t index_of(const struct mynah_client *c);
struct mynah_client *come(size_t i, const char *user, const char *machine,
                          const struct mynah_local_config *more);
/* Juliet and Romeo, who have seen each other. */
void two(void);

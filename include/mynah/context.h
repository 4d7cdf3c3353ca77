/* A context: the loop that accounts share. Three ways to drive it: mynah_run; or one descriptor and
 * a due time inside a loop of the program's; or the same by call-backs. */
#pragma once

#include "mynah/base.h"

MYNAH_BEGIN

/* How much a line of the log matters: the lower, the more. */
enum mynah_log_level { MYNAH_LOG_ERROR, MYNAH_LOG_WARN, MYNAH_LOG_INFO, MYNAH_LOG_DEBUG };

/* What clients of a context share. */
struct mynah_context_config {
    size_t size;
    /* One line per event, without secrets; NULL: none are made. `account`: the bare address. */
    void (*log)(void *arg, enum mynah_log_level level, const char *account, const char *text);
    void *log_arg;
    const char *dns; /* "127.0.0.1:53,...": resolvers; NULL: the system's */
};
/* A context of the calling thread, the caller's own; `config` may be NULL. NULL: the process has no
 * descriptors left. */
MYNAH_API struct mynah_context *mynah_context_new(const struct mynah_context_config *config);
/* Frees the clients too. What they have just said over BOSH may need a connection yet, which is
 * waited for, at most two seconds. Not inside mynah_run or mynah_turn. Accepts NULL. */
MYNAH_API void mynah_context_free(struct mynah_context *ctx);

/* 1. Until mynah_stop, which any thread and signal handlers may call, also before: then at once.
 * Inside a call-back neither this nor mynah_turn does anything. */
MYNAH_API void mynah_run(struct mynah_context *ctx);
MYNAH_API void mynah_stop(struct mynah_context *ctx);

/* 2. When the descriptor is readable or `due` milliseconds are over (-1: no need), call mynah_turn
 * with 0; ask for the due time anew after each turn. Other calls of the library make the descriptor
 * readable when a turn is needed. */
MYNAH_API int mynah_fd(struct mynah_context *ctx);
MYNAH_API int64_t mynah_due(struct mynah_context *ctx);
/* Does what is to be done, waiting for it at most `wait_ms` (-1: for ever); true when something was
 * done. */
MYNAH_API bool mynah_turn(struct mynah_context *ctx, int wait_ms);

/* 3. The same told by call-backs, of which `watch` comes once now, and once when the context is
 * freed. */
struct mynah_loop {
    size_t size;
    void (*watch)(void *arg, int fd, bool on); /* call mynah_turn(ctx, 0) when it is readable */
    void (*timer)(void *arg, int64_t ms); /* and once after so long; -1: not; replaces the last */
    void *arg;
};
/* Both of its calls come inside, and from then on whenever something changes. */
MYNAH_API void mynah_attach(struct mynah_context *ctx, const struct mynah_loop *loop);

/* From any thread: `run` is called on the context's. Refused never; dropped when the context is
 * freed before. */
MYNAH_API void mynah_post(struct mynah_context *ctx, void (*run)(void *arg), void *arg);

/* A timer of the context's. */
struct mynah_timer;
/* After so long, once. The timer is gone when it has fired or was stopped. */
MYNAH_API struct mynah_timer *mynah_timer_start(struct mynah_context *ctx, int64_t ms,
                                                void (*fire)(void *arg), void *arg);
MYNAH_API void mynah_timer_stop(struct mynah_timer *t); /* accepts NULL */

MYNAH_END

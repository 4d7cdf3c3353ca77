/* The context's inside: a loop, a lane for slow work, and what is freed at the end of the turn. */
#pragma once

#include "base/loop.h"
#include "base/work.h"
#include "mynah/context.h"

/* A struct of the program's: as many bytes as both sides know. */
#define SIZED_COPY(to, from)                                                                       \
    memcpy(&(to), (from), (from)->size < sizeof(to) ? (from)->size : sizeof(to))

struct mynah_context {
    struct mn_loop *loop;
    struct mn_work *work; /* made when it is first needed */
    struct mynah_context_config conf;
    char *dns;
    struct mn_trust *trust;
    struct mynah_loop host;
    struct mn_list clients, trash, timers, jobs, ports, conns;
    struct mn_list waits; /* of quick.c */
    unsigned leaving;     /* connections that are to stand for a last word */
    struct mn_turn sweep; /* empties the trash */
    struct mn_turn told;  /* tells the host the due time */
    bool inside;          /* mynah_run, mynah_turn: call-backs are under way */
    bool over;            /* it is being freed: what was posted is dropped */
};

/* Something that may still be looked at in this turn and goes when it ends. */
struct trash {
    struct mn_list link;
    void (*free)(struct trash *t);
};
void context_trash(struct mynah_context *ctx, struct trash *t, void (*free_it)(struct trash *t));
/* Runs on the context's lane; MN_E_BUSY as mn_work_submit, MN_E_LIMIT: it can have no thread. Jobs
 * that the context outlives are freed by `drop`. */
struct slow {
    struct mn_job job; /* first */
    struct mn_list link;
    struct mynah_context *ctx;
    void (*drop)(struct slow *s);
};
int context_slow(struct mynah_context *ctx, struct slow *s) MN_MUST_CHECK;
void context_slow_done(struct slow *s); /* from its `done` */

/* listen.c: with the context. */
void listen_done(struct mynah_context *ctx);

/* A listener of any family: its calls are copied, as many bytes as both sides know. */
struct mynah_listener {
    struct trash trash; /* first */
    struct mn_list link;
    struct mynah_context *ctx;
    void *arg;
    bool gone;
    void *calls[]; /* the struct of calls, zeros behind what the program knows */
};
struct mynah_listener *listener_add(struct mynah_context *ctx, struct mn_list *list,
                                    const void *calls, size_t size, void *arg);
/* None of them is called any more; ... */
void listeners_mute(struct mn_list *list);
/* ... and the list goes, outside of every walk. */
void listeners_free(struct mn_list *list);
/* Calls `member` of all listeners in the list that have it; `type` is the struct of calls. */
#define LISTENERS_TELL(list, type, member, ...)                                                    \
    MN_LIST_EACH(n_, list)                                                                         \
    {                                                                                              \
        struct mynah_listener *l_ = MN_OF(n_, struct mynah_listener, link);                        \
        const type *calls_ = (const type *)l_->calls;                                              \
        if (!l_->gone && calls_->member)                                                           \
            calls_->member(l_->arg, __VA_ARGS__);                                                  \
    }

/* Between store.c and the backends in store/. */
#pragma once

#include "server/store.h"

enum op_kind {
    OP_SET,
    OP_UPDATE,
    OP_DEL,
    OP_DEL_PREFIX,
    OP_DROP,
    OP_LOG_ADD,
    OP_LOG_REPLACE,
    OP_LOG_DEL,
    OP_LOG_TRIM,
    OP_INDEX_ADD,
    OP_INDEX_DEL,
};

struct store_op {
    struct store_op *next;
    enum op_kind kind;
    const char *store;
    mn_str owner, key, value, term;
    struct store_entry entries[2];
    size_t count;
    int64_t time;
    uint64_t id, keep;
    uint64_t *id_out;
    bool whole;
    store_update_fn *update;
    void *arg;
};

/* One turn of one loop. */
struct store_commit {
    struct mn_post post;       /* the way back */
    struct store_commit *next; /* in the writer's queue */
    struct store_writer *writer;
    struct store_op *first, **last;
    uint64_t seq;
    unsigned epoch; /* of the writer when it was submitted */
    int result;
    struct mn_arena arena;
};

struct store_backend {
    /* Takes the commit; later posts it back with `result` set. */
    void (*submit)(struct store *s, struct store_commit *c);
    /* Fills r's answer; on a lane's thread, or inline when `inline_reads`. */
    void (*read)(struct store *s, struct store_read *r);
    void (*close)(struct store *s);
    int (*check)(struct store *s, struct mn_buf *why);
    int (*backup)(struct store *s, const char *path, struct store_progress *told,
                  struct mn_buf *why); /* NULL: there is nothing that would stay */
};

struct store {
    const struct store_backend *backend;
    struct mn_work *work; /* NULL: reads are answered without a lane */
};

/* For backends. */
void store_commit_back(struct store_commit *c); /* posts it to its loop */
/* The backend's one writing thread asks before it runs a commit, and says when one failed: from
 * then on those that its loop submitted before it heard of that are stale. */
bool store_commit_stale(const struct store_commit *c);
void store_commit_failed(const struct store_commit *c);

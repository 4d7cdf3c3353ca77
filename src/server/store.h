/* Storage knows three shapes: value, log and index (docs/design/002-store.md). Writes go through a
 * writer, one per loop: what is written in one turn of the loop is one atomic, durable commit,
 * whichever owners it names. Reads are asynchronous and see what was committed before them. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/work.h"

struct store;        /* thread-safe; backends in server/store/ */
struct store_writer; /* belongs to its loop */

/* Commits are through, those from `from` to `upto`: `result` is 0, and it is one, or MN_E_FULL or
 * MN_E_IO, and none of what was written until now is stored: what stood behind a failed commit
 * fails with it, all in one call. Called on the writer's loop, in order. */
typedef void store_done_fn(void *arg, uint64_t from, uint64_t upto, int result);

struct store_writer *store_writer_new(struct store *s, struct mn_loop *l, store_done_fn *done,
                                      void *arg);
void store_writer_free(struct store_writer *w);
/* Each returns the sequence number of the commit it will be part of: that of this turn. Bytes are
 * copied. `store` is a literal. */
uint64_t store_set(struct store_writer *w, mn_str owner, const char *store, mn_str key,
                   mn_str value);
uint64_t store_del(struct store_writer *w, mn_str owner, const char *store, mn_str key);
uint64_t store_del_prefix(struct store_writer *w, mn_str owner, const char *store, mn_str prefix);
/* The value becomes what `fn` makes of the one that is there (empty: none): on the store's writing
 * thread, in the middle of the commit, behind all commits before it. `arg` lives until the commit
 * is reported. */
typedef void store_update_fn(void *arg, mn_str old, struct mn_buf *out);
uint64_t store_update(struct store_writer *w, mn_str owner, const char *store, mn_str key,
                      store_update_fn *fn, void *arg);
/* Everything of an owner in all shapes (account removal); its index entries too. */
uint64_t store_drop(struct store_writer *w, mn_str owner);

struct store_entry {
    mn_str owner, peer; /* peer: the other side's bare JID, may be empty */
    mn_str key;         /* keyed logs: publishing it again replaces; else empty */
};
/* Appends one record; with `count` 2 the same payload stands in two owners' logs, once on disk
 * (with the same owner twice it is one entry, the first).
 * `time` in ms since 1970. `id` (may be NULL) is filled before the commit is reported: the record's
 * sequence number. */
uint64_t store_log_add(struct store_writer *w, const char *store, const struct store_entry *entries,
                       size_t count, int64_t time, mn_str value, uint64_t *id);
uint64_t store_log_replace(struct store_writer *w, mn_str owner, const char *store, uint64_t id,
                           mn_str value);
/* The value goes, id and time stay (a tombstone); with `whole` the record goes. */
uint64_t store_log_del(struct store_writer *w, mn_str owner, const char *store, uint64_t id,
                       bool whole);
/* Oldest records go until at most `keep` are left, and all up to and including id `upto` (0: none).
 */
uint64_t store_log_trim(struct store_writer *w, mn_str owner, const char *store, uint64_t keep,
                        uint64_t upto);
/* (host, store, term) -> (owner, key), in order of term, owner, key. */
uint64_t store_index_add(struct store_writer *w, mn_str host, const char *store, mn_str term,
                         mn_str owner, mn_str key);
uint64_t store_index_del(struct store_writer *w, mn_str host, const char *store, mn_str term,
                         mn_str owner, mn_str key);
/* Sequence number of the newest commit reported done (also failed ones). */
uint64_t store_writer_done(const struct store_writer *w);
/* Commits are on their way, or reads wait for them. */
bool store_writer_busy(const struct store_writer *w);

struct store_row {
    uint64_t id;  /* log */
    int64_t time; /* log */
    mn_str key,
        value;    /* value: key, value; log: item key, payload (gone: {NULL, 0}); index: `key` */
    mn_str owner; /* index: the owner; log: the peer */
    mn_str term;  /* index */
};

enum store_read_kind {
    STORE_GET,
    STORE_LIST,
    STORE_LOG,
    STORE_LOG_STATS,
    STORE_INDEX,
    STORE_INDEX_COUNT,
};

struct store_read {
    struct mn_job job;
    /* asked */
    enum store_read_kind kind;
    mn_str owner; /* INDEX, INDEX_COUNT: the host */
    const char *store;
    mn_str key; /* GET: key; LIST: prefix of keys; LOG: item key or empty; INDEX: prefix of terms */
    mn_str peer;            /* LOG, LOG_STATS: only records with this peer, when not empty */
    uint64_t after, before; /* LOG: ids strictly between; 0: open */
    int64_t start, end;     /* LOG: times, inclusive; 0: open */
    struct store_row from;  /* INDEX: strictly behind this (term, owner, key) when from.term.p */
    bool backward;          /* LOG: newest first */
    size_t limit;           /* rows at most; 0: 1000 */
    void (*done)(struct store_read *r); /* on the loop that asked; may free r */
    void *arg;
    /* answered */
    int result; /* 0, MN_E_IO, MN_E_BUSY (too many reads wait) */
    struct store_row *rows;
    size_t count;
    uint64_t total_count, total_bytes; /* LOG_STATS; INDEX_COUNT: the count, of the whole index */
    struct mn_arena arena;             /* rows live here; asked slices may too */
    uint64_t sees;                     /* every commit of the asker's up to this one is in it */
    struct store_writer *writer;       /* store.c's own */
    size_t bytes;                      /* the same: of the rows */
};
/* {0}ed, malloc'd; freed by store_read_free inside or after done. */
struct store_read *store_read_new(void);
void store_read_free(struct store_read *r);
/* Asks from `w`'s loop. It sees all commits of this writer up to `seq` (0: whatever is committed
 * now). Always answers by `done`, never inside this call. */
void store_read(struct store_writer *w, struct store_read *r, uint64_t seq);

/* Backends. On failure `why` says what to do about it. */
int store_open_embedded(const char *dir, struct mn_work *work, struct store **out,
                        struct mn_buf *why) MN_MUST_CHECK;
int store_open_mem(struct store **out) MN_MUST_CHECK;
void store_close(struct store *s); /* writers are freed before; commits what is queued */
/* How far a backup is, in bytes; and that it is to be given up. Any thread. */
struct store_progress {
    _Atomic uint64_t done, of;
    _Atomic bool stop;
};
/* A copy of all that is committed at one moment, as a new file; beside the work that goes on. Takes
 * its time and blocks. MN_E_EXISTS when the file is there; otherwise a failure leaves none. */
int store_backup(struct store *s, const char *path, struct store_progress *told,
                 struct mn_buf *why) MN_MUST_CHECK;
/* A synchronous consistency check (embedded: PRAGMA integrity_check and the log's index against the
 * log). */
int store_check(struct store *s, struct mn_buf *why) MN_MUST_CHECK;

/* Stream management of a session (XEP-0198): what was sent and is not acknowledged, what was taken
 * and is settled, and a session's life without its stream. Only sessions that asked for it have
 * one. Counters begin when it is enabled and go modulo 2^32. */
#pragma once

#include "server/session.h"

/* A message that several sessions of an account got, as its recipients or as a copy: it goes on to
 * the account when the last of them ends and none has had it. */
struct sm_shared {
    unsigned holders;
    bool had;        /* acknowledged, or written to a session that acknowledges nothing */
    uint64_t number; /* in the account's log, where it is still and needs no way back to; 0: none */
    struct sm_place *places; /* in records of before a restart (sm_record.h) */
};

struct sm_item { /* a stanza as it went out */
    struct sm_item *next;
    struct sm_shared *shared; /* NULL: this session alone got it */
    int64_t time;             /* wall clock */
    uint32_t at;              /* its number in the record of before a restart; 0: it is in none */
    uint32_t n;
    char bytes[];
};

/* Its record of before a restart (sm_record.h). */
enum sm_record {
    SM_NO_RECORD,
    SM_RECORD,         /* holds: the session is as it was written down */
    SM_RECORD_LEAVING, /* is being ended or deleted */
    SM_RECORD_ENDED,   /* the session goes on without it: it is there for the messages alone */
    SM_RECORD_STUCK,   /* could be neither: the session cannot go on */
};

struct sm {
    struct session *session;
    uint32_t in_base;       /* session->in_count when it was enabled ... */
    bool begun;             /* ... and whether all that stood before that is settled */
    uint32_t sent, acked;   /* stanzas to the client, and what it has of them */
    uint32_t told;          /* our last h ... */
    uint32_t due;           /* ... and the one that the client asked for while it was not settled */
    uint32_t mark;          /* what was sent before the session's last mark */
    bool resumable, asking; /* asking: our <r/> is not answered yet */
    enum sm_record record;
    bool marked;      /* and is not acknowledged */
    uint32_t max;     /* seconds without a stream */
    uint32_t resumes; /* how often a stream asked to go on with it; the last one does */
    struct sm_item *first, **last;
    size_t bytes;  /* of the queue */
    int64_t until; /* wall clock: how long it waits for its client; 0: it is about to end */
    struct mn_timer absent;
    char id[25]; /* SM-ID; text of 24 characters */
};

struct sm *sm_new(mn_str id);
/* From now on. `max`: seconds; 0: not to be resumed. */
void sm_enable(struct session *s, uint32_t max);
/* At the end of the queue, and counted; it is not sent. `shared` gets a holder more. */
struct sm_item *sm_push(struct sm *m, int64_t time, mn_str bytes, struct sm_shared *shared);
/* For a message that comes to an account; the caller is its first holder. */
struct sm_shared *sm_shared_new(void);
/* One holder less, which had it or not; accepts NULL. True: it was the last, and none had it. */
bool sm_shared_let(struct sm_shared *shared, bool had);
/* A stanza to the client: kept until it is acknowledged. */
void sm_write(struct session *s, const struct mn_stanza *st, const struct mn_jid *to);
/* session_had when all that was sent so far is acknowledged. True: it is. */
bool sm_mark(struct sm *m);
/* The client has everything up to `h`. False: more than was sent. */
bool sm_acked(struct session *s, uint32_t h);
/* Our `h`: everything up to it is settled, and durable where it is stored. */
uint32_t sm_handled(const struct session *s);
/* <a/> with it; the client wants to hear of what is open still as soon as it is settled. */
void sm_tell(struct session *s);
/* More is settled: tells a client that waits for it. */
void sm_settled(struct session *s);
/* Its stream is gone without a farewell: it stays, for a time. False: it cannot. */
bool sm_leave(struct session *s);
/* Somebody else is to go on with it: its stream ends, and it waits. */
void sm_cut(struct session *s);
/* It waits for its client from now on, so many ms. */
void sm_wait(struct session *s, int64_t ms);
/* The client is back: <resumed/>, and everything that it does not have. False when `h` cannot be.
 */
bool sm_return(struct session *s, const struct endpoint_face *face, void *endpoint, uint32_t h);
/* The first that is not acknowledged and in the log still; 0: none. */
uint64_t sm_first_number(const struct sm *m);
struct session *sm_find(struct user *u, mn_str id);
/* The session has ended: messages that it had not acknowledged go the way of messages to somebody
 * who is away, requests are answered by an error. */
void sm_end(struct session *s, struct user *u);
void sm_free(struct session *s); /* without any of that */
/* The same for a queue whose session ended before the restart; frees it. */
void sm_give_on(struct sm *m, struct user *u);

/* sm_keep.c, sm_restore.c: sessions over a restart. Those of this owner that wait for their client
 * are written down and gone, without a word to anybody ... */
void sm_keep_all(struct owner *o);
/* ... and all are there again, before the loops run. Their records stay as long as they are true.
 */
void sm_restore_all(struct server *srv);

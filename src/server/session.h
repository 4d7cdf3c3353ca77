/* A session: one bound resource of an account, at the account's owner. Its endpoint (a c2s stream)
 * is spoken to through a small face, and is on the same loop. */
#pragma once

#include "base/log.h"
#include "server/user.h"

struct session;

enum { SESSION_OPEN_MAX = 1 << 20 }; /* bytes */

struct endpoint_face {
    void (*write)(void *endpoint, const struct mn_stanza *st, const struct mn_jid *to);
    void (*raw)(void *endpoint, mn_str bytes); /* whole elements, of a stanza or none */
    size_t (*queued)(const void *endpoint);    /* bytes that wait for the client */
    /* No longer too much of its input is unsettled (session_is_busy). */
    void (*settled)(void *endpoint);
    /* A stream error and the end; the endpoint forgets its session at once. */
    void (*close)(void *endpoint, enum mn_stream_cond cond, mn_str text);
};

/* A presence, flattened: what probes are answered with. */
struct flat {
    uint32_t id, lang, payload; /* lengths */
    char bytes[];
};

struct session {
    struct mn_list link; /* in user->sessions */
    struct user *user;   /* NULL once it has ended */
    struct mn_jid jid;   /* full; its text stands behind the struct */
    const struct endpoint_face *face;
    void *endpoint;              /* NULL: its stream is gone and may come back (sm) */
    struct sm *sm;               /* XEP-0198; NULL: not asked for */
    struct unheard_list unheard; /* what it sent and was not told of */
    struct handled *handled;     /* what is known of it after a crash; NULL: it cannot be resumed */
    unsigned refs;
    int8_t priority;
    bool available, interested, anonymous;
    bool succeeds;           /* one that took messages, and has not said itself whether it does */
    bool carbons;            /* XEP-0280 */
    bool inactive;           /* XEP-0352 */
    bool blocklist;          /* it knows the list of XEP-0191 and is told of changes */
    uint32_t served;         /* owner->serving when it last got a message as a recipient */
    struct adhoc *adhoc;     /* forms that it may submit (mod_adhoc) */
    struct held *held;       /* what an inactive client does not get yet (mod_csi) */
    uint32_t in_count;       /* stanzas taken from it */
    uint32_t marks, has;     /* session_mark: the last one, and the last one that it has */
    bool leaves;             /* session_farewell: it has everything, whatever is marked */
    int64_t marked;          /* when the last one was */
    struct mn_list tickets;  /* the open ones */
    size_t open_bytes;       /* of their stanzas, and of the answers behind them */
    struct mn_list answers;  /* own IQ answers behind open tickets */
    struct flat *presence;   /* while available */
    struct mn_map *directed; /* who got directed presence: text -> struct jid_node */
    size_t directed_bytes;   /* of their addresses */
    const struct mn_log *log;
    int64_t since; /* wall clock */
    mn_str peer;   /* for the session list; text of the endpoint */
};

/* Binds `resource` (prepared) for a loaded account; an older session of that name is ended with
 * conflict. */
struct session *session_new(struct user *u, mn_str resource, const struct endpoint_face *face,
                            void *endpoint);
/* May one more be bound: the account is below its limit, or it takes the place of one. One that
 * waits for its client gives way: who comes is worth more than who may come back. */
bool session_fits(struct user *u, mn_str resource);
/* Of those that wait for their client, the one that would be given up first, and is not given up
 * already; NULL: none. */
struct session *session_longest_away(const struct user *u);
/* Ends it: unavailable presence goes out, the account forgets it. The endpoint is the caller's
 * business. */
void session_end(struct session *s);
/* It is gone, and nobody hears of it. */
void session_forget(struct session *s);
/* Ends it and closes its endpoint with a stream error. */
void session_kick(struct session *s, enum mn_stream_cond cond, mn_str text);
bool session_is(const struct session *s, mn_str resource);
struct session *session_find(const struct user *u, mn_str resource);
struct session *session_ref(struct session *s);
void session_unref(struct session *s);

/* One inbound stanza from the endpoint, stamped already; takes over the reference. `malformed`: its
 * `to` is no address. */
void session_take(struct session *s, struct mn_stanza *st, bool malformed);
/* A message of its is settled: its account's other sessions may see it. Takes over the reference.
 */
void session_sent(struct session *s, struct mn_stanza *st);
/* Out to the client; `to` overrules the envelope's address. Nothing when the session has ended. */
void session_write(struct session *s, const struct mn_stanza *st, const struct mn_jid *to);
/* Bytes that wait for the client, or for its acknowledgement. */
size_t session_queued(const struct session *s);
/* So much of what it sent is not settled yet that no more is to be taken before that, or its
 * account is being read anew after a failed commit (then endpoint_face.settled). Or it is removed,
 * and nothing is to be stored behind that: the session ends when that is durable. */
static inline bool session_is_busy(const struct session *s)
{
    return s->open_bytes > SESSION_OPEN_MAX || (s->user && (!s->user->loaded || !s->user->exists));
}
/* Inactive or not; what was kept back goes out first. */
void session_active(struct session *s, bool active);
/* The same for a stanza of ours: takes over the reference. */
void session_give(struct session *s, struct mn_stanza *st);
/* Our own answer to its stanza number `seq`: leaves when everything up to it is settled. Takes over
 * the reference. */
void session_answer(struct session *s, uint32_t seq, struct mn_stanza *st);
/* A stanza on the account's behalf. An IQ leaves behind all answers that wait: a roster push must
 * not overtake the older roster. Takes over the reference. */
void session_push(struct session *s, struct mn_stanza *st);
/* A mark behind all that was written to it: when its client has shown that it has all of that, the
 * hook client_has is run and session_has is true. */
uint32_t session_mark(struct session *s);
bool session_has(const struct session *s, uint32_t mark);
/* Its client has everything up to the last mark. */
void session_had(struct session *s);
/* It ended its stream in good order, and everything was written by then. */
void session_farewell(struct session *s);
/* The number of the last stanza of the closed prefix: everything up to it is settled. */
uint32_t session_settled(const struct session *s);
/* The endpoint is gone: the session ends, or waits for it to come back. */
void session_lost(struct session *s);
/* What the closed prefix lets go. */
void session_settle(struct session *s);

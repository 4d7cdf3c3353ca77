/* Owners: one loop per CPU, and everything that lives on it. Every bare JID belongs to one owner,
 * and its state is touched on that owner's thread only. */
#pragma once

#include "base/map.h"
#include "server/store.h"
#include "xmpp/stanza.h"

struct server;
struct snapshot;
struct session;

/* What waits for a commit of this owner's writer, in order. `go` is called with the commit's result
 * (0 or a code); it owns the wait from then on. */
struct wait {
    struct mn_list link;
    uint64_t seq;
    void (*go)(struct wait *w, int result);
};
struct gate {
    struct mn_list waits;
    struct mn_list link; /* in a list of the owner's while something waits */
    bool is_fifo;        /* let go behind all that are none */
};

/* One inbound stanza of a session whose consequences are not all settled yet (architecture:
 * tickets). */
struct ticket {
    struct mn_list link;     /* in its session's list, in order */
    struct session *session; /* NULL: it has ended, and this is of what goes on instead (move) */
    struct handled *handled; /* the session's; NULL: it cannot be resumed */
    struct sm_move *move;
    uint32_t seq;
    unsigned parts;
    size_t bytes;           /* what its stanza takes, about */
    struct mn_stanza *sent; /* a message that other sessions are to see when it is settled */
};

struct owner {
    struct server *srv;
    struct snapshot *snap;
    unsigned index;
    struct mn_loop *loop;
    struct store_writer *writer;
    struct mn_map users; /* bare JID -> struct user */
    struct mn_list idle; /* users nobody needs now, longest first */
    size_t idle_count;
    struct mn_list gates, held; /* where something waits: of accounts, of FIFOs */
    struct mn_map fifos;        /* side, sender and recipient -> struct fifo */
    struct mn_map notices;      /* domain -> struct notices (notice.c) */
    struct mn_list streams;     /* struct stream */
    struct {                    /* the stanza being handled */
        struct session *session;
        uint32_t seq;
        size_t bytes; /* of its payload */
        struct ticket *ticket;
    } now;
    struct sm_shared *shared; /* of the message that sessions get now; NULL: not of several */
    struct caps_ver
        *caps;           /* of each host, by the present snapshot (mod_caps); NULL: not made yet */
    struct route *spare; /* a free list */
    unsigned spare_count;
    struct {
        /* crossed: deliveries from another loop; moved: connections; wrong: passwords and the
         * like */
        uint64_t stanzas, crossed, moved, logins, wrong, sessions, refused, failed_commits;
    } count;
    uint32_t serving;          /* number of the message being delivered */
    struct owner *crowded;     /* mail for it went over the mark, since this was set to NULL */
    uint64_t accounts_changed; /* passwords set, accounts removed */
    uint64_t forgotten;        /* the latest user->since of accounts that were evicted */
    bool stopping;
};

struct owner *owner_here(void); /* of this thread; NULL on others */
void owner_set_here(struct owner *o);
struct owner *owner_of(struct server *srv, mn_str bare);

/* Posts to another owner. Above the mark (limits.mailbox) whoever feeds it is to stop reading; what
 * was posted arrives in any case. */
void owner_post(struct owner *to, struct mn_post *p);

struct owner *owner_new(struct server *srv, unsigned index, struct mn_loop *loop,
                        struct snapshot *snap); /* lent; NULL: it only winds up */
void owner_free(struct owner *o);               /* after its loop stopped */

void gate_init(struct gate *g);
static inline bool gate_open(const struct gate *g)
{
    return mn_list_empty(&g->waits);
}
/* Queues `w` for commit `seq` (0: only for what stands before it). */
void gate_wait(struct owner *o, struct gate *g, struct wait *w, uint64_t seq);

/* The held FIFO of a sender towards a recipient, both bare (architecture: order): one where the
 * sender lives, of what waits for his changes, one where the recipient does. NULL when nothing is
 * held. */
enum fifo_side { FIFO_OUT, FIFO_IN };
struct gate *fifo_find(struct owner *o, enum fifo_side side, mn_str from, mn_str to);
struct gate *fifo_make(struct owner *o, enum fifo_side side, mn_str from, mn_str to);

/* A part of the ticket of the stanza being handled; NULL when that stanza came from no session of
 * ours. */
struct ticket *ticket_part(struct owner *o);
struct ticket *ticket_more(struct ticket *t); /* another part of that one; accepts NULL */
/* Gives the part back; on the loop of the ticket's session only. Accepts NULL. */
void ticket_done(struct ticket *t);

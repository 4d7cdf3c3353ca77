/* Between conn.c and its leaves (conn_tcp, conn_mem, conn_tls, conn_zlib); nobody else includes
 * this.
 *
 *   out:  on_bytes' owner -> out -> [deflate] -> [TLS] -> raw -> transport
 *   in:   transport -> [TLS] -> [inflate] -> on_bytes
 *
 * What came from the transport goes through all layers at once: nothing but a partial TLS record or
 * deflate block stays inside them, so there is nothing to pump when a connection moves; the
 * receiver keeps what it cannot use yet. */
#pragma once

#include "net/conn.h"

struct conn_tls;
struct conn_zlib;
struct conn_mem;

struct transport {
    /* As much of `raw` as goes now is taken from it. 0, MN_E_AGAIN (then it clears `blocked` and
     * asks for a flush when more goes), MN_E_CLOSED. */
    int (*send)(struct mn_conn *c, struct mn_buf *raw);
    bool (*is_out)(const struct mn_conn *c); /* what was sent has arrived */
    uint64_t (*taken)(const struct mn_conn *c);
    void (*shut)(struct mn_conn *c);   /* no more will be sent */
    void (*listen)(struct mn_conn *c); /* reading and writing wishes changed */
    void (*detach)(struct mn_conn *c);
    void (*attach)(struct mn_conn *c);
    void (*free)(struct mn_conn *c);
};

struct mn_conn {
    const struct transport *transport;
    const struct mn_conn_face *face;
    void *arg;
    struct mn_loop *loop;
    struct mn_watch watch; /* TCP */
    struct conn_mem *mem;  /* memory */
    struct mn_turn turn;
    struct mn_buf out, raw;
    struct conn_tls *tls;
    struct conn_zlib *zlib;
    struct mn_timer *linger; /* while closing */
    struct mn_addr *peer;    /* NULL: none known */
    uint32_t low, high;
    bool paused, above, blocked;        /* blocked: the transport takes no more now */
    bool watched, closing, shut, ended; /* ended: on_closed was told */
};

/* Bytes from the transport. */
void conn_input(struct mn_conn *c, mn_str bytes);
/* Bytes out of the layers, to the receiver. False: it is gone or closing. */
bool conn_deliver(struct mn_conn *c, mn_str bytes);
/* The transport ended: an MN_E_ code. */
void conn_ended(struct mn_conn *c, int why);
void conn_flush_soon(struct mn_conn *c);
void conn_free(struct mn_conn *c);
void conn_turn(struct mn_turn *t); /* the write at the end of a turn */

enum { CONN_CHUNK = 65536 };
/* Per-thread scratch of CONN_CHUNK bytes: 0 for the transport, 1 for TLS, 2 for zlib. */
char *conn_scratch(int which);
/* Buffers from a small stock per thread; give takes the memory. */
void conn_buf_ready(struct mn_buf *b);
void conn_buf_give(struct mn_buf *b);

/* conn_tls.c: codes; output goes to c->raw. */
void conn_tls_free(struct conn_tls *t);
int conn_tls_input(struct mn_conn *c, mn_str bytes);
int conn_tls_output(struct mn_conn *c, mn_str bytes);
void conn_tls_shut(struct mn_conn *c);
bool conn_tls_busy(
    const struct mn_conn *c);            /* the handshake is not done: application output waits */
bool conn_tls_budget(struct mn_loop *l); /* may another handshake step be taken in this turn? */
/* conn_zlib.c: codes. */
void conn_zlib_free(struct conn_zlib *z);
struct conn_zlib *conn_zlib_new(void);
int conn_zlib_input(struct mn_conn *c, mn_str bytes);
int conn_zlib_output(struct mn_conn *c, mn_str bytes, struct mn_buf *to);

/* Byte connections: TCP, TLS over TCP, and a pair in memory for tests. One loop owns a connection
 * at a time. Upward there is on_bytes, on_closed and on_drained; nothing outside conn_tls sees an
 * SSL object. */
#pragma once

#include "base/loop.h"
#include "base/log.h"
#include "net/addr.h"

struct mn_conn;
struct mn_tls; /* a server or client context, refcounted, thread-safe: net/tls.h */

struct mn_conn_face {
    /* Bytes came: lent until return. The receiver may write, close, stop reading, start TLS or
     * detach inside. */
    void (*on_bytes)(void *arg, mn_str bytes);
    /* The other side or a fault closed it; `why` is a MN_E_ code (MN_E_CLOSED: orderly). Called
     * once, never after mn_conn_close by us. The connection is still to be closed by the receiver.
     */
    void (*on_closed)(void *arg, int why);
    /* What was queued fell below the low mark after mn_conn_queued had passed the high one. May be
     * NULL. */
    void (*on_drained)(void *arg);
    /* A TLS handshake asked for by mn_conn_start_tls ended well (failure is on_closed with
     * MN_E_TLS). May be NULL. */
    void (*on_tls)(void *arg);
};

/* Takes the descriptor (non-blocking; TCP, or another stream socket). Reading begins at once. */
struct mn_conn *mn_conn_tcp(struct mn_loop *l, int fd, const struct mn_conn_face *face, void *arg);
/* The same of one that a listener of ours has accepted (net/listen.h): it has the listener's
 * options, and its peer is known. */
struct mn_conn *mn_conn_accepted(struct mn_loop *l, int fd, const struct mn_addr *peer,
                                 const struct mn_conn_face *face, void *arg);
/* What a TCP socket of ours is set to; what it accepts is, too (Linux). */
void mn_conn_options(int fd);
/* Two ends in memory on one loop or two; each delivers what the other wrote. */
void mn_conn_mem(struct mn_loop *la, struct mn_loop *lb, struct mn_conn **a, struct mn_conn **b);
void mn_conn_face(struct mn_conn *c, const struct mn_conn_face *face, void *arg);

/* Copies to the output; one gathered write at the end of the turn. Never fails: faults show up as
 * on_closed, behind what the other side had sent before. */
void mn_conn_write(struct mn_conn *c, mn_str bytes);
/* Where to append directly (then mn_conn_written): saves the copy. The buffer is the connection's,
 * from a pool of the loop. */
struct mn_buf *mn_conn_out(struct mn_conn *c);
void mn_conn_written(struct mn_conn *c);
size_t mn_conn_queued(const struct mn_conn *c); /* bytes not handed to the kernel yet */
/* The other end's kernel has everything that was written. */
bool mn_conn_is_out(const struct mn_conn *c);
/* Something is on its way there, and it has taken some of that in since *taken, which is brought up
 * to date. */
bool mn_conn_moves(const struct mn_conn *c, uint64_t *taken);
void mn_conn_marks(struct mn_conn *c, size_t low, size_t high);
/* Stop or resume reading from the network. What was read already still comes (layers hold nothing
 * back); the end of the connection is not noticed until reading goes on. */
void mn_conn_pause(struct mn_conn *c, bool paused);
/* Says no more; what is queued is written first (for at most `linger_ms`), then FIN; frees itself.
 * With 0 only what goes at once is written; so it is inside on_closed, where the other side may
 * still listen. No call-back after this. */
void mn_conn_close(struct mn_conn *c, int64_t linger_ms);

/* Both directions from here on in TLS. Bytes already written go out in clear before. Works over TCP
 * and memory. */
void mn_conn_start_tls(struct mn_conn *c, struct mn_tls *tls, bool server, const char *server_name);
/* zlib both ways from here on (XEP-0138). What one piece from the network may inflate to is bounded
 * (MN_E_LIMIT). */
void mn_conn_start_zlib(struct mn_conn *c);

/* Moving to another loop: detach on the old one (not inside a call-back of the connection; watch
 * and turn hook are out, nothing is lost), post it, attach on the new one. What was read has gone
 * up already, through TLS and inflate; so only the receiver has bytes to go on with. */
void mn_conn_detach(struct mn_conn *c);
void mn_conn_attach(struct mn_conn *c, struct mn_loop *l);

/* What is known of it. */
bool mn_conn_is_tls(const struct mn_conn *c);
bool mn_conn_is_zlib(const struct mn_conn *c);
const struct mn_addr *mn_conn_peer(const struct mn_conn *c);
const char *mn_conn_tls_name(
    const struct mn_conn *c); /* "TLSv1.3 TLS_AES_256_GCM_SHA384", for logs; NULL without TLS */
mn_str mn_conn_sni(const struct mn_conn *c); /* server side; empty without */
/* The XMPP addresses (RFC 6120, 13.7.1.4) of the certificate that the client has shown, as they
 * stand there; 0 when there is none that holds, and then `why`, in a few words for the log, unless
 * there was nothing to show. */
size_t mn_conn_addresses(const struct mn_conn *c, struct mn_arena *a, const mn_str **out,
                         const char **why);
/* Channel bindings (RFC 9266, RFC 5929), into the arena; false where this connection cannot do it.
 */
enum mn_binding { MN_BIND_EXPORTER, MN_BIND_UNIQUE, MN_BIND_END_POINT };
bool mn_conn_binding(struct mn_conn *c, enum mn_binding b, struct mn_arena *a, mn_str *out);
bool mn_conn_is_tls13(const struct mn_conn *c);
/* First Finished of a TLS 1.3 handshake, for clients that send tls-unique there. */
bool mn_conn_finished13(struct mn_conn *c, struct mn_arena *a, mn_str *out);
/* The certificate that the other side showed; texts in the arena. */
/* What may be wrong with a certificate, joined. */
enum {
    MN_CERT_ISSUER = 1 << 0, /* made by nobody who is trusted */
    MN_CERT_NAME = 1 << 1,   /* for somebody else */
    MN_CERT_EXPIRED = 1 << 2,
    MN_CERT_NOT_YET = 1 << 3,
    MN_CERT_REVOKED = 1 << 4,
    MN_CERT_NO_CA = 1 << 5, /* its issuer may not make any */
    MN_CERT_OTHER = 1 << 6  /* none was shown, a bad signature, a weak key, ... */
};
struct mn_cert_seen {
    bool trusted;                   /* verified, and for that name */
    mn_str why;                     /* when not: a few words on the first thing that is wrong */
    unsigned problems;              /* all of them that were looked for; 0 too without a look */
    mn_str subject, issuer, sha256; /* the hash of the whole certificate in hex */
    int64_t not_before, not_after;  /* ms since 1970 */
};
void mn_conn_cert(const struct mn_conn *c, struct mn_arena *a, struct mn_cert_seen *out);
/* Before a thread ends that had connections: frees its stock of buffers. */
void mn_conn_thread_done(void);

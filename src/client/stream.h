/* One connection that carries an XML stream: dialled or accepted, read, secured, compressed. It
 * knows nothing of logins; whoever made it says when to go on. */
#pragma once

#include "client/way.h"
#include "net/tls.h"
#include "xmpp/xml.h"

struct stream;
struct stream_face {
    void (*connected)(void *arg, bool direct); /* TCP stands; direct: TLS has begun already */
    void (*secured)(void *arg);                /* TLS stands; certificate to be looked at */
    /* The header came (over BOSH what stands for it). */
    void (*opened)(void *arg, const struct mn_elem *header);
    /* A stanza or another element came (in `a`, which goes behind the call). */
    void (*element)(void *arg, const struct mn_elem *e, struct mn_arena *a);
    void (*acked)(void *arg, uint64_t mark); /* BOSH: writes up to that one have arrived */
    void (*ended)(void *arg);                /* the server closed its stream */
    /* The last call: mynah_code, the condition that was named or NULL, and why in words. */
    void (*failed)(void *arg, int code, const char *condition, const char *why);
    void (*wire)(void *arg, bool out, mn_str text);
};

struct stream_plan {
    struct way_plan way;
    struct mn_tls *tls, *tls_direct;    /* lent to it; NULL: no TLS */
    const char *name;                   /* whose certificate is expected (A-label) */
    const struct mn_xml_limits *limits; /* of what comes; NULL: a server's */
    const char *bosh;  /* over HTTP: its address, or "auto" for what `name` says; NULL */
    bool plain;        /* http is good enough for it */
    const char *from;  /* these two lent for its life; who logs in, or NULL */
    const char *route; /* "xmpp:host:port" for the connection manager, or NULL */
};

struct stream *stream_new(struct mynah_context *ctx, const struct stream_plan *plan,
                          const struct stream_face *face, void *arg);
/* The other end of one: somebody has connected (takes the descriptor), and his header comes first.
 * `tls`, a server's, and `limits` are all that counts of the plan. */
struct stream *stream_accept(struct mynah_context *ctx, int fd, const struct stream_plan *plan,
                             const struct stream_face *face, void *arg);
/* No call-back comes any more; what was written goes out, for at most `linger_ms`. Accepts NULL. */
void stream_close(struct stream *s, int64_t linger_ms);
/* This server was no good, for that reason (mynah_code): the next one of the list; `failed` when
 * there is none. */
void stream_next(struct stream *s, int code, const char *why);

/* Both accept NULL. */
void stream_write(struct stream *s, mn_str bytes);
/* The same, told to consoles as `shown`. */
void stream_write_secret(struct stream *s, mn_str bytes, mn_str shown);
struct stream_head {
    enum mn_ns ns;
    mn_str from, to, id, lang; /* empty: is left out */
    bool old;                  /* from before RFC 3920: without a version */
};
void stream_header(struct stream *s, const struct stream_head *h);
/* What was fed and not read is dropped (RFC 6120 5.4.3.3), TLS begins. */
/* Nothing more is told of it, or read, until that is taken back. Not over BOSH. */
void stream_hold(struct stream *s, bool hold);
void stream_secure(struct stream *s);
void stream_compress(struct stream *s);
/* The stream ends from here on: </stream:stream> went out, only the other's end is waited for. */
void stream_end(struct stream *s);
bool stream_is_bosh(const struct stream *s);
bool stream_is_tls(const struct stream *s);
/* Bytes of ours are taken in, as mn_conn_moves. */
bool stream_moves(const struct stream *s, uint64_t *taken);
uint64_t stream_mark(const struct stream *s); /* BOSH: the number of the last write */
size_t stream_queued(const struct stream *s); /* bytes not handed to the kernel; 0 over BOSH */
/* The network is another one: what hangs on the old one is said again. */
void stream_renew(struct stream *s);
/* NULL: none now, as before it is found, or between two requests. */
struct mn_conn *stream_conn(const struct stream *s);

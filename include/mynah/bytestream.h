/* Bytes between two clients, both ways and in order: in-band (XEP-0047), or over a connection of
 * their own that is direct or goes through a proxy (XEP-0065). One handle for both. */
#pragma once

#include "mynah/client.h"

MYNAH_BEGIN

/* One stream, until its `closed`. */
struct mynah_bytestream;

/* What carries it; as bits where several may. */
enum mynah_bytestream_kind { MYNAH_SOCKS5 = 1, MYNAH_IBB = 2 };

/* What happens on one; each may be NULL. */
struct mynah_bytestream_calls {
    size_t size;
    void (*opened)(void *arg, struct mynah_bytestream *b); /* bytes may be written from now on */
    void (*bytes)(void *arg, struct mynah_bytestream *b, const void *p, size_t n);
    /* After a write that was not taken whole: there is room again. */
    void (*drained)(void *arg, struct mynah_bytestream *b);
    /* The last call, exactly one for each stream that was opened or accepted; the handle goes with
     * it. `why` NULL: it was closed in order, by either side, and nothing of ours is left unsent;
     * else MYNAH_E_STANZA (refused), MYNAH_E_CONNECT (no way to each other), MYNAH_E_TIMEOUT,
     * MYNAH_E_FORMAT (the other side breaks the protocol), MYNAH_E_LOST, MYNAH_E_CANCELLED. */
    void (*closed)(void *arg, struct mynah_bytestream *b, const struct mynah_error *why);
};

/* What a program may choose; zero is sensible. */
struct mynah_bytestream_options {
    size_t size;
    const char *sid; /* NULL: a new one */
    /* MYNAH_IBB. */
    unsigned block; /* bytes in a stanza: up to 65535, as many as the other side takes; 0: 4096 */
    bool messages;  /* <message/> instead of <iq/> */
    /* MYNAH_SOCKS5. Who is offered is dialled through the client's `proxies`; without them not on
     * this machine itself, unless the server is there. */
    bool no_direct;      /* our own addresses are not told; nor are they behind `proxies` of the
                            client's, but for `address` */
    bool no_proxy;       /* no proxy is looked for */
    const char *address; /* our own address as others see it, instead of the interfaces' */
    uint16_t port;       /* where to listen; 0: any free port */
    /* A proxy of the program's choice, offered before those that are found; NULL: none. */
    const char *proxy_jid, *proxy_host;
    uint16_t proxy_port;
};

/* Opens one to a full address. NULL, and no call comes: no stream of the client is open, or `to` is
 * no address. `options` may be NULL. */
MYNAH_API struct mynah_bytestream *
mynah_bytestream_open(struct mynah_client *c, enum mynah_bytestream_kind kind, const char *to,
                      const struct mynah_bytestream_options *options,
                      const struct mynah_bytestream_calls *calls, void *arg);

/* Those that others open: the program accepts or refuses each that is `offered`, at once or later;
 * the handle waits for that while the client lives. NULL takes it out: all are refused. Announced
 * by disco. */
MYNAH_API void mynah_bytestream_serve(struct mynah_client *c,
                                      void (*offered)(void *arg, struct mynah_client *c,
                                                      struct mynah_bytestream *b),
                                      void *arg);
MYNAH_API void mynah_bytestream_accept(struct mynah_bytestream *b,
                                       const struct mynah_bytestream_calls *calls, void *arg);
MYNAH_API void mynah_bytestream_refuse(struct mynah_bytestream *b);

/* Takes what there is room for and returns how much that is; when less than `n`, `drained` comes
 * later. 0 too when it is not open. */
MYNAH_API size_t mynah_bytestream_write(struct mynah_bytestream *b, const void *p, size_t n);
/* Says no more; what was written still goes. `closed` comes later, never inside. */
MYNAH_API void mynah_bytestream_close(struct mynah_bytestream *b);

/* What it is. Lent with the handle. */
MYNAH_API const char *mynah_bytestream_peer(const struct mynah_bytestream *b); /* full address */
MYNAH_API const char *mynah_bytestream_sid(const struct mynah_bytestream *b);
MYNAH_API enum mynah_bytestream_kind mynah_bytestream_kind(const struct mynah_bytestream *b);

MYNAH_END

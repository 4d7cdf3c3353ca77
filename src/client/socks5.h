/* What ext_socks5.c (XEP-0065) stands on: connections to stream hosts, and being one. Both end in a
 * plain connection behind the handshake. */
#pragma once

#include "client/way.h"
#include "mynah/elem.h"

#define NS_S5B "http://jabber.org/protocol/bytestreams"

enum { SOCKS5_DST = 40 }; /* the hash of id and addresses, in hex */

/* socks5_dial.c: goes there and asks for `dst` (at most 255 bytes). `done` comes once, never
 * inside, and the dial is gone then: `conn` is the receiver's (paused; its face is to be set),
 * NULL: it did not come to that. `rest`: bytes that came behind. */
struct socks5_dial;
struct socks5_dial *socks5_dial(struct mynah_context *ctx, const struct way_plan *way,
                                const char *dst,
                                void (*done)(void *arg, struct mn_conn *conn, mn_str rest),
                                void *arg);
void socks5_dial_free(struct socks5_dial *d); /* accepts NULL */

/* socks5_host.c: waits at a port for who asks for `dst`; all others are turned away. NULL: there is
 * no port. */
struct socks5_host;
struct socks5_host *socks5_host_new(struct mynah_context *ctx, uint16_t port, const char *dst);
uint16_t socks5_host_port(const struct socks5_host *h);
/* The last connection that asked for it and still stands, paused; the caller's now. NULL: none. */
struct mn_conn *socks5_host_take(struct socks5_host *h, struct mn_buf *rest);
void socks5_host_free(struct socks5_host *h); /* accepts NULL */

/* socks5_proxies.c: stream hosts by name and port, and the proxies of the account's server, found
 * once a session (XEP-0065, 4). */
enum { PLACES_MAX = 16 };
struct place {
    char *jid, *host;
    uint16_t port;
};
struct places {
    struct place at[PLACES_MAX];
    size_t count;
};
void place_add(struct places *p, const char *jid, const char *host, uint16_t port);
/* A <streamhost/>; false: not one that can be used. */
bool place_read(const struct mynah_elem *e, const char **host, uint16_t *port);
void places_free(struct places *p);

struct proxies {
    struct places places;
    struct mn_list waiting;
    unsigned open; /* questions */
    bool found;
};
struct proxies_wait {
    struct mn_list link;
    struct mn_timer late;
    void (*found)(struct proxies_wait *w, const struct places *found); /* NULL: not in time */
};
void proxies_init(struct proxies *p);
void proxies_forget(struct proxies *p);
/* `found` comes once, inside the call too, unless the waiting is left before. */
void proxies_find(struct mynah_client *c, struct proxies *p, struct proxies_wait *w);
void proxies_leave(struct proxies_wait *w);

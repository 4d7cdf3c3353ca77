/* A way to a server through proxies, one behind the other: SOCKS5 (RFC 1928, password of RFC 1929)
 * and HTTP's CONNECT (RFC 9110, 9.3.6; password as Basic). Bytes in, bytes out, no sockets: whoever
 * holds the connection to the first proxy passes on what is said. Names are for the proxies to look
 * up. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { MN_PROXIES_MAX = 8 };

struct mn_proxy {
    bool http;        /* else SOCKS5 */
    const char *host; /* a name, or an address without brackets */
    uint16_t port;
    mn_str user, password; /* {NULL, 0}: none */
};
/* "socks5://user:password@host:port http://[::1]:8080", the first one first; %XX in user and
 * password. At least one; MN_E_FORMAT. All lies in `a`. */
int mn_proxies_parse(mn_str text, struct mn_arena *a, struct mn_proxy **out,
                     size_t *count) MN_MUST_CHECK;

/* The same in another arena. */
const struct mn_proxy *mn_proxies_copy(const struct mn_proxy *proxies, size_t count,
                                       struct mn_arena *a);

struct mn_tunnel;
/* From the last of `proxies` (lent for its life, as is `host`) to `host`. */
struct mn_tunnel *mn_tunnel_new(const struct mn_proxy *proxies, size_t count, const char *host,
                                uint16_t port);
void mn_tunnel_free(struct mn_tunnel *t); /* accepts NULL */
/* `in`: what came, at first nothing; what is to be sent is added to `out`. MN_E_AGAIN: go on when
 * more comes. MN_E_OK: the next byte is the server's. Anything else: it will not be, and `why` says
 * so in words (lent). */
int mn_tunnel_feed(struct mn_tunnel *t, mn_str in, struct mn_buf *out,
                   const char **why) MN_MUST_CHECK;

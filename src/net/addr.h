/* Network addresses: IPv4 and IPv6 with port. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"

struct mn_addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

/* A literal ("127.0.0.1", "::1", "::"), no names. */
int mn_addr_parse(mn_str text, uint16_t port, struct mn_addr *out) MN_MUST_CHECK;
enum { MN_ADDR_TEXT = 64 };
/* "127.0.0.1:5222", "[::1]:5222"; into `out`, returned. */
const char *mn_addr_text(const struct mn_addr *a, char out[MN_ADDR_TEXT]);
bool mn_addr_eq(const struct mn_addr *a, const struct mn_addr *b);        /* port and scope, too */
bool mn_addr_same_host(const struct mn_addr *a, const struct mn_addr *b); /* port or not */
bool mn_addr_is_loopback(const struct mn_addr *a);                        /* also ::ffff:127.x */
/* A single machine that may be another one: no loopback, none, nobody's or everybody's address. */
bool mn_addr_is_other(const struct mn_addr *a);
/* What limits count by: the IPv4 address, or the /64 of an IPv6 one. 16 bytes. */
mn_str mn_addr_group(const struct mn_addr *a, char out[16]);
/* The network around it, as far as one is dealt out to one customer: the /24 of an IPv4 address,
 * the /48 of an IPv6 one. 17 bytes, never the same as a group. */
mn_str mn_addr_network(const struct mn_addr *a, char out[17]);
/* This machine's interfaces that others might reach: not its own loop, nothing of one link only.
 * At most `max`; how many. */
size_t mn_addr_local(struct mn_addr *out, size_t max);
uint16_t mn_addr_port(const struct mn_addr *a);
socklen_t mn_addr_len(const struct mn_addr *a);

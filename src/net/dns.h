/* Names to addresses and services, by c-ares; nothing blocks. One object serves the asks of one
 * purpose: freeing it cancels them, and a new one knows of resolvers that came meanwhile. */
#pragma once

#include "base/loop.h"
#include "net/addr.h"

struct mn_dns;
/* `servers`: "127.0.0.1:5300,…" (tests), NULL for the system's. MN_E_IO: no resolver can be set up.
 */
int mn_dns_new(struct mn_loop *l, const char *servers, struct mn_dns **out) MN_MUST_CHECK;
/* No answer comes any more. Also inside an answer. */
void mn_dns_free(struct mn_dns *d);

struct mn_srv {
    uint16_t priority, weight, port;
    char target[256]; /* empty: the service is decidedly not there (".") */
};
/* RFC 2782, as they came. MN_E_NOT_FOUND: there is none; MN_E_TIMEOUT, MN_E_IO: nobody answered.
 * The rows are lent. Answers may come inside the ask. */
void mn_dns_srv(struct mn_dns *d, const char *name,
                void (*done)(void *arg, int code, const struct mn_srv *rows, size_t count),
                void *arg);
/* The order of RFC 2782: by priority, within it by lot according to the weights. */
void mn_srv_sort(struct mn_srv *rows, size_t count);
/* Addresses of one family (AF_INET, AF_INET6), with `port` filled in; hosts files count. */
void mn_dns_addr(struct mn_dns *d, const char *host, int family, uint16_t port,
                 void (*done)(void *arg, int code, const struct mn_addr *rows, size_t count),
                 void *arg);

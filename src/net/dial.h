/* From a domain to a connected descriptor: SRV records for both kinds of TLS as one list (RFC 2782,
 * XEP-0368), then addresses of both families, tried one beside the other (RFC 8305) until one
 * answers. */
#pragma once

#include "net/dns.h"

struct mn_dial;

enum mn_dial_tls { MN_DIAL_ANY, MN_DIAL_STARTTLS, MN_DIAL_DIRECT };

struct mn_dial_plan {
    const char *domain; /* A-label; without `host` its SRV records, else itself at 5222, are asked;
                           localhost has none */
    const char *host;   /* name or address: no SRV record is asked */
    uint16_t port;      /* 0: 5222, or 5223 for direct TLS */
    enum mn_dial_tls tls;
    const char *dns; /* resolvers, as in mn_dns_new */
    bool elsewhere;  /* only where mn_addr_is_other */
    /* Where `domain` is, with ports: nothing is asked. */
    const struct mn_addr *addrs;
    size_t addr_count;
};

struct mn_dial_found {
    int fd;      /* the receiver's; connected, non-blocking */
    bool direct; /* TLS begins at once */
    const char *host;
    uint16_t port;
};

/* `done`: MN_E_OK with what was found, or why nothing was: MN_E_NOT_FOUND no such name, MN_E_DENIED
 * the domain says that it has no such service, MN_E_TIMEOUT, MN_E_IO (no resolver), MN_E_CLOSED
 * (nobody accepts); `why` says it in words. Never inside mn_dial. */
struct mn_dial *mn_dial(struct mn_loop *l, const struct mn_dial_plan *plan,
                        void (*done)(void *arg, int code, const struct mn_dial_found *found,
                                     const char *why),
                        void *arg);
/* The found one was no good, and why: goes on behind it, `done` is called again. */
void mn_dial_again(struct mn_dial *d, int code, const char *why);
void mn_dial_free(struct mn_dial *d); /* also inside done; accepts NULL */

/* Between mdns.c (life, what comes, the clock), mdns_own.c (our names and records) and
 * mdns_cache.c (those of others); nobody else includes this. */
#pragma once

#include "net/mdns.h"
#include "net/mdns_msg.h"

enum { LINK_ADDRS = 16, NEVER_MS = 3600000 };
#define NEVER INT64_MAX

/* Records of ours; what is asked for and what is sent are sets of them. */
enum own {
    OWN_SERVICE, /* PTR: service -> instance */
    OWN_TYPES,   /* PTR: _services._dns-sd._udp -> service */
    OWN_SRV,
    OWN_TXT,
    OWN_ICON,
    OWN_ADDR, /* A and AAAA */
    OWN_NSEC, /* of the instance: what else it has not */
    OWN_HOST_NSEC,
    OWN_COUNT
};
#define OWN(x) (1u << OWN_##x)

struct link {
    struct mn_list link;
    unsigned id;
    struct mn_addr addrs[LINK_ADDRS];
    size_t addr_count;
    int64_t sent[OWN_COUNT]; /* when it was multicast last; 0: never */
    /* An answer under way. */
    unsigned answer;
    int64_t due;
    struct mn_addr asker;
    bool several; /* askers: what one of them knows counts for him alone */
};

enum stage { STAGE_NONE, STAGE_PROBE, STAGE_ANNOUNCE, STAGE_STANDS };

struct mn_mdns {
    struct mn_loop *loop;
    const struct mn_mdns_face *face;
    void *arg;
    struct mn_timer timer;
    struct mn_list links;
    mn_str service, types, local; /* names */
    struct mn_arena a;            /* of these */

    /* Ours. */
    enum stage stage;
    mn_str user, machine; /* as wanted */
    unsigned user_n, machine_n, conflicts;
    uint16_t port;
    struct mn_buf txt, icon, instance, host, named_user, named_machine;
    bool named;        /* with the present ones */
    unsigned left;     /* probes, announcements */
    unsigned announce; /* what is announced */
    int64_t next;

    /* Others. */
    bool browsing;
    int64_t browse_next, browse_gap;
    struct mn_list records, peers, lookups;
    size_t record_count, peer_count;
};

/* mdns.c */
void mdns_schedule(struct mn_mdns *m); /* something is due at another time */
void mdns_send(struct mn_mdns *m, struct link *l, const struct mn_addr *to, struct mn_mdns_out *o);
int64_t mdns_lot(int64_t from, int64_t to); /* a time between */

/* mdns_own.c */
void own_done(struct mn_mdns *m);
void own_asked(struct mn_mdns *m, struct link *l, const struct mn_addr *from,
               const struct mn_mdns_msg *msg);
void own_heard(struct mn_mdns *m, const struct mn_mdns_msg *msg); /* answers of others */
void own_link_changed(struct mn_mdns *m);
int64_t own_due(const struct mn_mdns *m);
void own_tick(struct mn_mdns *m, int64_t now);
/* Our own questions reach us, too: they say that we know of ourselves. */
void own_known(const struct mn_mdns *m, const struct link *l, struct mn_mdns_out *o);
bool own_instance(const struct mn_mdns *m, mn_str name);

/* mdns_cache.c */
void cache_done(struct mn_mdns *m);
void cache_heard(struct mn_mdns *m, struct link *l, const struct mn_mdns_msg *msg);
void cache_link_gone(struct mn_mdns *m, unsigned link);
int64_t cache_due(const struct mn_mdns *m);
void cache_tick(struct mn_mdns *m, int64_t now);

/* Between mdns.c (life, what comes, the clock), mdns_own.c (our names), mdns_answer.c (our records
 * and who asks for them), mdns_cache.c (those of others) and mdns_lookup.c (one of them, when it is
 * needed); nobody else includes this. */
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
void own_asked(struct mn_mdns *m, const struct link *l, const struct mn_mdns_msg *msg);
void own_heard(struct mn_mdns *m, const struct mn_mdns_msg *msg); /* answers of others */
void own_link_changed(struct mn_mdns *m);
int64_t own_due(const struct mn_mdns *m);
void own_tick(struct mn_mdns *m, int64_t now);
bool own_instance(const struct mn_mdns *m, mn_str name);
bool own_host(const struct mn_mdns *m, mn_str name);

/* mdns_answer.c */
/* One of our records as it stands on that link (it counts for addresses alone: several, where `i`
 * counts). False: no more. */
bool own_record(const struct mn_mdns *m, const struct link *l, enum own x, size_t i,
                struct mn_buf *b, struct mn_mdns_record *out);
/* Those of `set` into a message. `ttl`: at most this. */
void own_add(const struct mn_mdns *m, const struct link *l, unsigned set, enum mn_mdns_part part,
             uint32_t ttl, bool legacy, struct mn_mdns_out *o);
/* To one, or to everybody (NULL). */
void own_tell(struct mn_mdns *m, struct link *l, unsigned set, const struct mn_addr *to);
void answer_asked(struct mn_mdns *m, struct link *l, const struct mn_addr *from,
                  const struct mn_mdns_msg *msg);
int64_t answer_due(const struct mn_mdns *m);
void answer_tick(struct mn_mdns *m, int64_t now);
/* Our own questions reach us, too: they say that we know of ourselves. */
void answer_known(const struct mn_mdns *m, const struct link *l, struct mn_mdns_out *o);

/* mdns_cache.c */
struct record {
    struct mn_list link;
    unsigned via;            /* which link */
    struct mn_mdns_record r; /* texts behind the struct */
    int64_t at, until;
    unsigned asked; /* how often again, near its end */
};
/* Questions to be asked now, on every link. */
struct questions {
    struct mn_arena a;
    struct {
        mn_str name;
        uint16_t type;
    } at[32];
    size_t count;
};
void cache_done(struct mn_mdns *m);
void cache_heard(struct mn_mdns *m, struct link *l, const struct mn_mdns_msg *msg);
void cache_link_gone(struct mn_mdns *m, unsigned link);
/* The youngest of that name and type, on any link. */
struct record *cache_find(const struct mn_mdns *m, mn_str name, uint16_t type);
void cache_ask(struct questions *q, mn_str name, uint16_t type);
int64_t cache_due(const struct mn_mdns *m);
void cache_tick(struct mn_mdns *m, int64_t now);

/* mdns_lookup.c */
void lookup_done(struct mn_mdns *m);
bool lookup_wants(const struct mn_mdns *m, mn_str name, uint16_t type);
void lookup_came(struct mn_mdns *m, const struct mn_mdns_record *r);
int64_t lookup_due(const struct mn_mdns *m);
void lookup_tick(struct mn_mdns *m, int64_t now, struct questions *q);

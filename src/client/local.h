/* Link-local messaging from the inside: local.c (life, our name, what we tell), local_people.c (who
 * else is there), local_peer.c (what is written to one of them), local_hop.c (a stream) and
 * local_claim.c (whether it is of whom it says). */
#pragma once

#include "client/client.h"
#include "mynah/local.h"
#include "net/mdns.h"
#include "net/mdns_link.h"

struct local {
    struct mynah_client *client;
    struct mynah_local_config conf; /* texts in the client's arena */
    struct mn_mdns *mdns;
    struct mn_mdns_links *links;
    struct mn_listener *listener;
    struct mn_tls *tls_in, *tls_out; /* NULL: no TLS */
    char *name;                      /* user@machine as it is announced */
    bool hidden;
    struct mn_list peers, strangers; /* strangers: hops of whom it is not known who they are */
    unsigned peer_count, stranger_count;
    struct mn_turn sweep;    /* of those who are gone */
    struct mn_list icons;    /* questions for them */
    struct mn_buf icon;      /* ours */
    char photo[41];          /* its hash */
    struct mynah_elem *more; /* TXT data of the program's: <told key=''>value</told> */
};

/* Somebody, whether he is there or only spoken to. */
struct peer {
    struct mn_list link;
    struct local *local;
    char *name, *jid;
    bool present;
    struct mn_arena a; /* of `told` */
    struct mynah_neighbour told;
    const char **pairs; /* all that was told: key, value, ..., NULL */
    struct mn_list hops;
    struct hop *current;  /* what is written to */
    struct mn_list queue; /* struct out, for want of a stream */
    unsigned queued;
    struct mn_mdns_lookup *lookup;
    struct mn_timer again; /* dials once more */
    unsigned tries;
};

enum stage {
    STAGE_DIAL,
    STAGE_HEADER,
    STAGE_FEATURES,
    STAGE_PROCEED,
    STAGE_TLS,
    STAGE_OPEN,
    STAGE_CLOSING
};

/* One stream. */
struct hop {
    struct trash trash; /* first */
    struct mn_list link;
    struct local *local;
    struct peer *peer; /* NULL: a stranger */
    struct stream *stream;
    struct mn_timer timer;
    enum stage stage;
    bool dialled, secured, gone, old;
    bool for_us;         /* the header names us, or nobody */
    struct mn_addr from; /* of who has connected */
    char *claim;         /* who he says he is, while that is looked at; or NULL */
    struct mn_mdns_lookup *lookup;
    struct mynah_elem *first; /* what he said before; or NULL */
};

/* local.c */
int local_start(struct mynah_client *c);
void local_stop(struct mynah_client *c);
void local_free(struct mynah_client *c);
void local_look(struct mynah_client *c); /* the network may be another one */
void local_presence(struct mynah_client *c);

/* local_people.c */
/* NULL: there is no such address, or there are too many. */
struct peer *local_peer(struct local *l, const char *jid, bool make);
struct peer *local_named(struct local *l, mn_str name);
/* An instance's name is any text of 63 bytes; what is no address is escaped (XEP-0106). Yours;
 * NULL: it cannot be one. */
char *people_address(mn_str name);
void people_init(struct local *l);
void people_found(void *arg, mn_str instance, mn_str txt); /* struct mn_mdns_face */
void people_gone(void *arg, mn_str instance);
void people_online(struct local *l); /* we are: who is there is told, what waits is written */
void people_stop(struct local *l);
void people_free(struct local *l);

/* local_peer.c */
void local_send(struct mynah_client *c, const struct mynah_elem *st, bool lasting, const char *id);
void peer_again(struct mn_timer *t);
void peer_go(struct peer *p);                  /* what waits is to be written */
void peer_flush(struct peer *p);               /* ... as far as there is a stream */
void peer_unreached(struct peer *p, int code); /* one that was dialled came to nothing */
void peer_close(struct peer *p);               /* in order */
void peer_stop(struct peer *p);                /* at once */
bool peer_idle(const struct peer *p);
struct mn_conn *peer_conn(struct peer *p); /* of an open stream; or NULL */

/* local_hop.c */
/* What is written to: the one from before, so that all comes in order. NULL: none is open. */
struct hop *hop_open(struct peer *p);
void hop_dial(struct peer *p, const struct mn_mdns_found *found);
void local_accepted(void *arg, int fd, const struct mn_addr *peer);
void hop_write(struct hop *h, mn_str bytes);
void hop_close(struct hop *h); /* in order */
void hop_stop(struct hop *h);  /* at once */
void strangers_stop(struct local *l);
void hop_limit(struct hop *h); /* there are too many: it ends */
void hop_refuse(struct hop *h, const char *condition);
void hop_header(struct hop *h);
/* He has said who he is, and it is so, or he has not yet: what follows his header is said. */
void hop_welcome(struct hop *h);
void hop_stanza(struct hop *h, struct mynah_elem *e);

/* local_claim.c */
/* A stranger says who he is, by his header or (`first`, which is copied) by a stanza. Nothing more
 * is read from him until it is known whether that is so. */
void hop_claims(struct hop *h, const char *name, const struct mynah_elem *first);
/* The name is that of whom the stream is with. */
bool hop_is_of(const struct hop *h, const char *name);
void claim_over(struct hop *h);

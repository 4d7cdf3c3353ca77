/* Link-local messaging from the inside: local.c (life, names, what is told of people) and
 * local_peer.c (streams with them). */
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
    struct mn_list peers, strangers; /* strangers: hops that have not said who they are */
    unsigned peer_count, stranger_count;
    struct mn_turn sweep; /* of those who are gone */
    struct mn_list icons; /* questions for them */
    struct mn_buf icon;   /* ours */
    char photo[41];       /* its hash */
};

/* Somebody, whether he is there or only spoken to. */
struct peer {
    struct mn_list link;
    struct local *local;
    char *name, *jid;
    bool present;
    struct mn_arena a; /* of `told` */
    struct mynah_neighbour told;
    struct mn_list hops;
    struct hop *current;  /* what is written to */
    struct mn_list queue; /* struct out, for want of a stream */
    unsigned queued;
    struct mn_mdns_lookup *lookup;
    struct mn_timer again; /* dials once more */
    unsigned tries;
};

/* local.c */
int local_start(struct mynah_client *c);
void local_stop(struct mynah_client *c);
void local_free(struct mynah_client *c);
void local_look(struct mynah_client *c); /* the network may be another one */
void local_presence(struct mynah_client *c);
/* NULL: there is no such address, or there are too many. */
struct peer *local_peer(struct local *l, const char *jid, bool make);
struct peer *local_named(struct local *l, mn_str name);

/* local_peer.c */
void local_send(struct mynah_client *c, const struct mynah_elem *st, bool lasting, const char *id);
void local_accepted(void *arg, int fd, const struct mn_addr *peer);
void peer_again(struct mn_timer *t);
void peer_go(struct peer *p);    /* what waits is to be written */
void peer_close(struct peer *p); /* in order */
void peer_stop(struct peer *p);  /* at once */
bool peer_idle(const struct peer *p);
struct mn_conn *peer_conn(struct peer *p); /* of an open stream; or NULL */
void strangers_stop(struct local *l);

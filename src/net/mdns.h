/* Multicast DNS (RFC 6762) with service discovery (RFC 6763) for one service: one instance of ours,
 * called user@machine as XEP-0174 wants it, and all others in the network. No sockets: packets come
 * by mn_mdns_feed and leave by the face (mdns_link.h has the sockets). */
#pragma once

#include "base/loop.h"
#include "net/addr.h"

struct mn_mdns;

struct mn_mdns_face {
    /* `to` NULL: to everybody on the link. */
    void (*send)(void *arg, unsigned link, const struct mn_addr *to, mn_str packet);
    /* Nobody else has these names: they are announced. Again when others were to be taken. */
    void (*named)(void *arg, mn_str user, mn_str machine);
    /* Somebody came, or his TXT data has changed: strings behind their lengths, or nothing. */
    void (*found)(void *arg, mn_str instance, mn_str txt);
    void (*gone)(void *arg, mn_str instance);
};
/* `service`: "_presence"; over TCP, below "local". */
struct mn_mdns *mn_mdns_new(struct mn_loop *l, const char *service, const struct mn_mdns_face *face,
                            void *arg);
void mn_mdns_free(struct mn_mdns *m); /* without a good-bye; not inside the face; accepts NULL */

/* Where packets go: an interface with one family, by any number whose half is the interface's
 * index. `addrs` are the interface's, of both families: what of our addresses is told there. Again
 * when they have changed; none: it is gone. */
void mn_mdns_link(struct mn_mdns *m, unsigned link, const struct mn_addr *addrs, size_t count);
/* What came; from whom (with port). */
void mn_mdns_feed(struct mn_mdns *m, unsigned link, const struct mn_addr *from, mn_str packet);

/* Asks who is there, from now on. */
void mn_mdns_browse(struct mn_mdns *m);
/* Looks whether the names are free, and takes the next ones (user-1, machine-1) where they are not.
 * `txt`: at most MN_MDNS_TXT bytes of strings behind their lengths. */
enum { MN_MDNS_TXT = 1300, MN_MDNS_ICON = 8000 };
void mn_mdns_publish(struct mn_mdns *m, mn_str user, mn_str machine, uint16_t port, mn_str txt);
void mn_mdns_txt(struct mn_mdns *m, mn_str txt); /* other data */
/* What is answered to questions for the instance's NULL record; at most MN_MDNS_ICON bytes. */
void mn_mdns_icon(struct mn_mdns *m, mn_str icon);
/* Says that we are leaving; everything may be published again. */
void mn_mdns_bye(struct mn_mdns *m);

/* Where an instance is to be reached now, with ports, or its NULL record. `done` comes once, never
 * inside, and the lookup is gone then; nothing found: count 0, no data. */
struct mn_mdns_lookup;
struct mn_mdns_found {
    const struct mn_addr *addrs;
    size_t count;
    mn_str data;
};
struct mn_mdns_lookup *mn_mdns_where(struct mn_mdns *m, mn_str instance,
                                     void (*done)(void *arg, const struct mn_mdns_found *found),
                                     void *arg);
struct mn_mdns_lookup *mn_mdns_icon_of(struct mn_mdns *m, mn_str instance,
                                       void (*done)(void *arg, const struct mn_mdns_found *found),
                                       void *arg);
void mn_mdns_lookup_free(struct mn_mdns_lookup *w); /* before it is done; accepts NULL */
/* It did not answer where it should be: asks whether it is still there, and soon says that it is
 * gone. */
void mn_mdns_doubt(struct mn_mdns *m, mn_str instance);

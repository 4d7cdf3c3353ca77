/* Talking in the local network without a server (XEP-0174). Everybody who is there tells of himself
 * by multicast DNS, and streams go from one to the other. For a program it is a client as any
 * other: it connects (its names are made sure of), sees presence, sends messages, asks, sends
 * files (mynah/message.h, mynah/iq.h, mynah/file.h, ...), each with an address `to` like
 * "juliet@pronto"; streams are opened when they are needed, and closed when for ten minutes nothing
 * was said. Nobody acknowledges: a message is written, or has failed (MYNAH_E_MISSING: nobody of
 * that name is there; MYNAH_E_CONNECT and others: he cannot be spoken to). No daemon is needed, and
 * one that runs (avahi) is not disturbed.
 *
 * Who opens a stream must be announced, at the address that he comes from, else it is refused
 * (invalid-from). That is all: nobody's name is proved to anybody, whoever is in the network may
 * announce what he likes, and where the one who is dialled has no certificate everybody there may
 * read along. A user is to be told so. */
#pragma once

#include "mynah/client.h"
#include "mynah/presence.h"

MYNAH_BEGIN

/* Who we are, and what is told of us. */
struct mynah_local_config {
    size_t size;
    const char *user;    /* NULL: the name of who runs the program */
    const char *machine; /* letters, digits and "-"; NULL: the host's name. Where others have the
                            names already, they get numbers: mynah_client_jid says which, at
                            MYNAH_ONLINE */
    uint16_t port;       /* where others connect; 0: any that is free */
    /* What everybody in the network may know; NULL, the default: nothing. */
    const char *first, *last, *nick, *email, *jid; /* the last two: several, separated by blanks */
    const char *ext, *vc; /* of old clients: XEP-0115's extensions; what of audio and video */
    /* Encryption. With a certificate of one's own STARTTLS is offered to who connects, and whoever
     * offers it to us is spoken to that way; what he shows goes to the `certificate` call, whose
     * field `jid` says whose it is. When nobody listens to that, any will do. */
    const char *cert_file, *key_file; /* PEM */
    bool tls_required;                /* nobody else is spoken to */
};
/* A client of that kind. Its presence (mynah_presence_set) is what others see; unavailable hides
 * it, and others may refuse its streams then. MYNAH_E_ARGUMENT: what `why` says (may be NULL;
 * mynah_free it). */
MYNAH_API int mynah_local_new(struct mynah_context *ctx, const struct mynah_local_config *config,
                              struct mynah_client **out, char **why) MYNAH_MUST_CHECK;

/* Somebody in the network, as he tells of himself. Lent until something is heard of him. */
struct mynah_neighbour {
    const char *jid;  /* what to send to: the name as an address */
    const char *name; /* as he announces it, for people */
    enum mynah_show show;
    const char *status, *first, *last, *nick, *email, *jids; /* NULL: not told */
    const char *node, *ver, *hash, *ext, *vc;                /* what he can; mynah_caps_info */
    const char *photo; /* SHA-1 of his icon in hex (mynah_local_icon) */
    /* The rest of what is registered: the version of all this, and the port as old clients want it,
     * which is nobody's to use. */
    const char *txtvers, *port;
};
/* All who are there, in no order: NULL behind the last. `presence` of struct mynah_calls tells of
 * changes. All three: NULL too when it is no such client. */
MYNAH_API const struct mynah_neighbour *mynah_local_at(const struct mynah_client *c, size_t i);
MYNAH_API const struct mynah_neighbour *mynah_local_find(const struct mynah_client *c,
                                                         const char *jid);
/* Anything else that somebody tells of himself, by its key, in any case; lent as the rest; NULL: it
 * is not told. */
MYNAH_API const char *mynah_local_told(const struct mynah_client *c, const char *jid,
                                       const char *key);
/* And that we do, from now on: up to 255 bytes with the key, as far as there is room beside the
 * rest; NULL: no more. MYNAH_E_ARGUMENT: no key, or one that is told by itself. */
MYNAH_API int mynah_local_tell(struct mynah_client *c, const char *key, const char *value);

/* How the open stream with somebody is encrypted, as mynah_client_tls_name; NULL: not at all. */
MYNAH_API const char *mynah_local_tls_name(const struct mynah_client *c, const char *jid);

/* Ends the streams with somebody; what waits for one is still written first. */
MYNAH_API void mynah_local_close(struct mynah_client *c, const char *jid);

/* Our picture, up to 8000 bytes (MYNAH_E_LIMIT); 0 bytes: none. */
MYNAH_API int mynah_local_icon_set(struct mynah_client *c, const void *icon, size_t n);
/* Somebody else's. `done` comes once, never inside, unless the client is freed before; 0 bytes:
 * there is none. MYNAH_E_STATE: not connected. */
typedef void mynah_icon_done(void *arg, struct mynah_client *c, const char *jid, const void *icon,
                             size_t n);
MYNAH_API int mynah_local_icon(struct mynah_client *c, const char *jid, mynah_icon_done *done,
                               void *arg);

MYNAH_END

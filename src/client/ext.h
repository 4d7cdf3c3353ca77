/* An extension: one file, one table, one line in exts.def. It stands on the public interface
 * (mynah/) and adds what has to be there without being asked: state beside the client, answers,
 * features, a look at what comes. */
#pragma once

#include "client/client.h"

struct ext {
    const char *name;
    const char *features[8]; /* of disco#info */
    size_t size;             /* of its state beside each client, zeroed */
    void (*init)(struct mynah_client *c, void *state);
    void (*done)(struct mynah_client *c, void *state);
    /* The program has freed the client: what is open ends, and nothing is told from here on. */
    void (*freed)(struct mynah_client *c, void *state);
    void (*bound)(struct mynah_client *c,
                  void *state); /* a new session, before its first presence */
    void (*online)(struct mynah_client *c, void *state, bool resumed);
    void (*lost)(struct mynah_client *c, void *state); /* the session is over for good */
    /* A stanza that is no answer to a request; true: it is meant for this extension alone. */
    bool (*stanza)(struct mynah_client *c, void *state, const struct mynah_elem *st);
};

#define EXT(name) extern const struct ext ext_##name;
#include "client/exts.def"
#undef EXT
extern const struct ext *const exts[]; /* NULL-ended */
void *ext_state(struct mynah_client *c, const struct ext *ext);
void exts_init(struct mynah_client *c);
void exts_done(struct mynah_client *c);
void exts_freed(struct mynah_client *c);
void exts_bound(struct mynah_client *c);
void exts_online(struct mynah_client *c, bool resumed);
void exts_lost(struct mynah_client *c);
bool exts_stanza(struct mynah_client *c, const struct mynah_elem *st);

/* What we say of ourselves, with the node that goes with it; and what somebody says of himself
 * before he is asked. */
struct mynah_elem *disco_own(struct mynah_client *c);
void disco_heard(struct mynah_client *c, const struct mynah_elem *query);
size_t disco_known(struct mynah_client *c); /* hashes of which is kept what they stand for */

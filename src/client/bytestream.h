/* What the kinds of byte streams share. ext_bytestream.c keeps them all and owns their ends; a kind
 * (ext_ibb.c, ext_socks5.c) carries bytes.
 *
 *   offer:   mynah_bytestream_open -> kind.offer ... bytestream_opened
 *   answer:  bytestream_came (refused, or) -> kind.accept ... bytestream_opened
 *   end:     bytestream_end (kind.stop at once; `closed` and the memory at the end of the turn) */
#pragma once

#include "client/ext.h"
#include "mynah/bytestream.h"

struct bytestream_face {
    enum mynah_bytestream_kind kind;
    void (*offer)(struct mynah_bytestream *b, const struct mynah_bytestream_options *o);
    void (*accept)(struct mynah_bytestream *b);
    size_t (*write)(struct mynah_bytestream *b, mn_str bytes); /* how much was taken */
    void (*close)(struct mynah_bytestream *b);                 /* once, of an open one */
    void (*stop)(struct mynah_bytestream *b);                  /* frees what is the kind's */
    bool needs_session;                                        /* also when open */
};

struct mynah_bytestream {
    struct mn_list link;
    struct mynah_client *client;
    const struct bytestream_face *face;
    char *peer, *sid;
    struct mynah_bytestream_calls calls;
    void *arg;
    void *state;           /* the kind's */
    struct mynah_ask *ask; /* the offer of the other side, until it is answered */
    bool accepted, open, closing, ended;
    bool held;    /* the program has it and has not said yes or no */
    bool told;    /* of its end */
    bool wanting; /* a write was cut short */
    struct mn_turn end;
    int code; /* how it ended; 0: in order */
    char *condition;
};

extern const struct bytestream_face face_ibb, face_socks5;

/* An offer came: somebody who waits for it takes it, or it is refused. Takes *q; `state` is the
 * kind's from now on (freed by its stop). */
void bytestream_came(struct mynah_client *c, const struct bytestream_face *face, const char *sid,
                     void *state, struct mynah_ask **q);
/* Of that kind, with that id and that other side; NULL: there is none. */
struct mynah_bytestream *bytestream_find(struct mynah_client *c, const struct bytestream_face *face,
                                         const char *sid, const char *peer);
/* It may be offered: the id is a good one, unused, and there are not too many. */
bool bytestream_may_come(struct mynah_client *c, const struct bytestream_face *face,
                         const char *sid, const char *peer);
void bytestream_opened(struct mynah_bytestream *b);
void bytestream_bytes(struct mynah_bytestream *b, mn_str bytes);
void bytestream_room(struct mynah_bytestream *b); /* there is room: tells who wanted some */
/* Over, for what reason (0: in order). Answers an open offer by `condition` or not-acceptable. */
void bytestream_end(struct mynah_bytestream *b, int code, const char *condition);
void bytestream_fail(struct mynah_bytestream *b, const struct mynah_error *error);

/* Files come by streams: the features are told for them. */
void bytestream_wanted(struct mynah_client *c, bool on);

/* Streams with that id from that address are accepted, of the kinds in `kinds`, in front of
 * whatever the program says to others; drop ends the waiting (accepts NULL). */
struct expected;
struct expected *bytestream_expect(struct mynah_client *c, unsigned kinds, const char *peer,
                                   const char *sid, const struct mynah_bytestream_calls *calls,
                                   void *arg);
void expected_drop(struct expected *x);

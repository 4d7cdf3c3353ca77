/* Between bosh.c (bodies, and when they are asked), bosh_request.c (how they are written),
 * bosh_webs.c (what carries them) and bosh_answer.c (what comes back); nobody else includes this.
 */
#pragma once

#include "client/bosh.h"
#include "client/bosh_body.h"
#include "client/host_meta.h"
#include "client/web.h"

enum {
    WEBS_MAX = 18,
    WAIT_S = 60,        /* at most so long a request is held */
    BOSH_POLL_MS = 1000 /* between empty requests, where no interval is named */
};

enum kind { SAYS, CREATES, RESTARTS, ENDS };

struct body {
    struct mn_list link;
    enum kind kind;
    uint64_t rid;  /* 0: not asked yet */
    uint64_t mark; /* the last write that is in it, or before it */
    struct mn_buf payload, shown;
    struct mn_buf request; /* as it was asked, to be asked again */
    struct web *web;       /* that carries it */
    int64_t due;
    uint64_t taken; /* of its connection, when that was looked at last */
    int64_t leaves; /* when it was last known to be under way to the connection manager */
    bool polls;     /* it only asks for news */
    bool answered;
    struct mn_arena a; /* of the answer */
    struct bosh_answer answer;
};

struct bosh {
    struct mynah_context *ctx;
    const struct stream_plan *plan; /* the stream's */
    const struct stream_face *face;
    void *arg;
    struct host_meta *meta;
    char *address;
    struct mn_url url;
    unsigned moves;
    char cert[65]; /* of the first connection, in hex; each other one is to have the same */
    struct web *webs[WEBS_MAX];
    size_t web_count;

    char *to, *lang, *sid;
    struct bosh_answer terms; /* of the session; its slices are gone */
    struct bosh_keys *keys;   /* over plain http */
    uint64_t rid, got, mark;  /* the last one asked; the last one answered in order */
    uint64_t heard;           /* all up to that one have arrived, as the connection manager says */
    struct mn_list bodies;
    struct mn_buf payload, shown; /* of the next body */
    struct mn_turn turn;
    struct mn_timer timer;
    unsigned hollow;   /* polls in a row that came to nothing at once */
    unsigned failures; /* in a row */
    int64_t failing;   /* since when; 0: not */
    int64_t retry_at, polled_at;
    bool gone, over; /* over: it has ended, or failed */
};

/* At the end of the turn everything is done that can be. */
void bosh_soon(struct bosh *b);
/* Both tell the stream's owner, once. */
void bosh_fail(struct bosh *b, int code, const char *condition, const char *why);
void bosh_ended(struct bosh *b);
/* An answer did not come, or not from the connection manager. */
void bosh_stumbled(struct bosh *b, int code, const char *why);
void bosh_bodies_free(struct bosh *b);
void body_free(struct body *x);

/* bosh_request.c: the body has its number, and is written. */
void bosh_request_make(struct bosh *b, struct body *x);
/* Frees what may have a password in it. */
void bosh_wipe(struct mn_buf *b);

/* bosh_webs.c. To that address, from the beginning: encryption is not given up on the way. */
void bosh_move(struct bosh *b, mn_str address);
/* One that may be asked; NULL: there are too many. */
struct web *bosh_web_free(struct bosh *b);
/* One that may be asked, out of the session: the caller's. */
struct web *bosh_web_take(struct bosh *b);
/* Returns what it carried. */
struct body *bosh_web_drop(struct bosh *b, struct web *w);
void bosh_webs_close(struct bosh *b);
/* Those with something to say go when it has left, or after a moment; the others at once. */
void bosh_webs_leave(struct bosh *b, int64_t linger_ms);

/* bosh_answer.c: that body has its answer. */
void bosh_answered(struct bosh *b, struct body *x, const struct mn_http_message *m);

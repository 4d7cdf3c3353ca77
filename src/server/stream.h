/* An XML stream on a connection (RFC 6120, 4), whoever is at the other end: it is opened, read one
 * element after the other within the limits, written, and ends by an error or in good order. What
 * is said on it is its user's, whose struct begins with it: c2s.c, component.c. On one loop at a
 * time, which it may leave for another. */
#pragma once

#include "net/conn.h"
#include "server/server.h"
#include "xmpp/error.h"
#include "xmpp/xml.h"

struct stream;

struct stream_face {
    const char *ns, *attributes; /* of our header: content namespace, what stands behind */
    const char *late, *deaf;     /* the texts for who is not let in in time; who does not read */
    mn_str (*name)(const struct stream *s); /* the header's `from`; empty: none */
    void (*header)(struct stream *s, const struct mn_xml_item *item, struct mn_arena *a);
    void (*element)(struct stream *s, const struct mn_xml_item *item, struct mn_arena *a);
    void (*moved)(struct stream *s); /* stream_move; NULL: it goes on */
    /* The other end has closed it; then it ends. NULL: nothing to do. */
    void (*ended)(struct stream *s);
    /* Its connection goes, nothing is written any more; `lost`: not in good order. */
    void (*gone)(struct stream *s, bool lost);
    void (*free)(struct stream *s); /* all of its user's */
    /* No more of what it sends is to be taken now (then stream_settled). NULL: never. */
    bool (*busy)(const struct stream *s);
    /* The server stops. NULL: system-shutdown. */
    void (*stop)(struct stream *s);
    /* Does it stay when the domains are those? NULL: always. */
    bool (*stays)(const struct stream *s, const struct snapshot *next);
};

struct stream {
    const struct stream_face *face;
    struct mn_list link; /* in owner->streams */
    struct owner *owner;
    struct mn_conn *conn; /* NULL when it is closed */
    struct mn_xml *xml;
    /* stream.c's own: */
    struct mn_timer deadline; /* or the end of a rest */
    int64_t deadline_at;      /* 0: none */
    struct mn_turn turn;      /* what is to be done when nothing of it is on the stack */
    struct mn_post post;      /* its way to another loop */
    struct owner *goal;
    struct mn_log log; /* the second field is its user's */
    char peer[MN_ADDR_TEXT];
    bool opened;  /* our header is out */
    bool closed;  /* nothing is read or written any more */
    bool secure;  /* TLS */
    bool waiting; /* something of it is elsewhere; nothing is read */
    bool unsent;  /* something waited to be written when the reading began that goes on now */
    bool busy, resting, pumping, moving, overflow, counted; /* stream.c's own */
};

enum { STREAM_ID = 24 };

/* Of a new connection on this owner's loop; `s` is {0}. False: there are too many strangers there,
 * the connection is closed and `s` as it was. */
bool stream_init(struct stream *s, const struct stream_face *face, struct owner *o,
                 struct mn_conn *conn) MN_MUST_CHECK;
/* Our header, to whoever that is (empty: it does not say); `id` becomes the stream's. */
void stream_open(struct stream *s, mn_str to, char id[STREAM_ID]);
/* The next thing from the other end is a new header (after TLS, SASL, compression). */
void stream_restart(struct stream *s);
/* It is no stranger any more: it may send as much as that. */
void stream_let_in(struct stream *s);
/* And has done in time what it had to. */
void stream_in_time(struct stream *s);
/* What it may send in its present state. */
struct mn_xml_limits stream_limits(const struct stream *s);
/* May a line be logged that the other end can repeat? */
bool stream_may_log(const struct stream *s);

/* Out, while it is open. Above limits.queue it ends. */
void stream_raw(struct stream *s, mn_str bytes);
void stream_write(struct stream *s, const struct mn_stanza *st, const struct mn_jid *to);
/* The stream error and the end. */
void stream_error(struct stream *s, enum mn_stream_cond cond, const char *text);
/* The same with an element of an application behind the text. */
void stream_error_with(struct stream *s, enum mn_stream_cond cond, const char *text, mn_str more);
/* </stream:stream> and the end. */
void stream_close(struct stream *s);
/* The end without a word, behind what was written: for the other end it is lost. */
void stream_break(struct stream *s);
void stream_stop(struct stream *s); /* the server stops */
/* The domains will be those: host-gone where it cannot stay. */
void stream_look(struct stream *s, const struct snapshot *next);

/* Stops handling input until stream_go_on. For work that is done elsewhere; `s` stays valid: if the
 * connection dies meanwhile, it is freed by stream_go_on, which then returns false. */
void stream_wait(struct stream *s);
bool stream_go_on(struct stream *s);
/* Takes nothing more for so long. Inside face->element alone, behind stream_in_time. */
void stream_rest(struct stream *s, int64_t ms);
/* face->busy may have changed. */
void stream_settled(struct stream *s);
/* Brings it to that owner, where face->moved is called; at once when it is there already. Input
 * waits from here on: sooner or later after that comes one stream_go_on. When the connection died
 * on the way, face->moved finds it closed, cleans up and calls stream_go_on. */
void stream_move(struct stream *s, struct owner *goal);

/* A client's stream (RFC 6120): negotiation, and the door through which stanzas reach a session. It begins on the loop that
 * accepted it and moves to the owner of an account as soon as that account is named (SASL, registration, jabber:iq:auth);
 * everything after that is local. */
#pragma once

#include "net/conn.h"
#include "server/session.h"
#include "server/server.h"
#include "xmpp/sasl.h"

enum c2s_state {
    C2S_OPENING,  /* waits for a stream header */
    C2S_OPEN,     /* features are out; not authenticated */
    C2S_KNOWN,    /* authenticated, features are out; no resource bound */
    C2S_BOUND,
    C2S_CLOSED,   /* nothing is read or written any more */
};

struct c2s {
    struct mn_list link; /* in owner->streams */
    struct server *srv;
    struct owner *owner;
    struct mn_conn *conn;
    struct mn_xml *xml;
    enum c2s_state state;
    uint8_t tls_policy;  /* enum conf_tls of the listener */
    bool secure, compressed, waiting; /* waiting: something of it is elsewhere; nothing is read */
    bool anonymous, counted, sasl_failed, closing;
    uint8_t wrong, refused; /* decision L3 */
    const struct host *host;
    struct session *session;
    struct login *login;   /* while a login goes on */
    mn_str user;           /* authenticated localpart, malloc'd with lang in `texts` */
    mn_str lang;           /* the stream's default; empty: none */
    struct mn_timer deadline;
    struct mn_log log;
    char peer[MN_ADDR_TEXT];
    struct mn_post post;   /* its way to another loop */
    void (*arrived)(struct c2s *c, void *arg);
    void *arrived_arg;
};

/* A new connection on this owner's loop. */
struct c2s *c2s_new(struct owner *o, struct mn_conn *conn, enum conf_tls policy);
/* The stream error and the end of the connection; ends the session too. */
void c2s_error(struct c2s *c, enum mn_stream_cond cond, const char *text);
/* </stream:stream> and the end. */
void c2s_close(struct c2s *c);
void c2s_write(struct c2s *c, const struct mn_stanza *st, const struct mn_jid *to);
void c2s_raw(struct c2s *c, mn_str bytes);
/* The next thing from the client is a new stream header (after TLS, SASL, compression). */
void c2s_restart(struct c2s *c);
/* Stops handling input until c2s_go_on. For work that is done elsewhere; `c` stays valid: if the connection dies meanwhile,
 * it is freed by c2s_go_on, which then returns false. */
void c2s_wait(struct c2s *c);
bool c2s_go_on(struct c2s *c);
/* Brings the stream to the owner of `bare` and calls `then` there; at once when it is there already. Input waits meanwhile:
 * `then` must end in c2s_go_on or c2s_wait's counterpart. */
void c2s_move(struct c2s *c, mn_str bare, void (*then)(struct c2s *c, void *arg), void *arg);
/* Authenticated as that localpart (copied). */
void c2s_authenticated(struct c2s *c, mn_str user);
/* The account's own bare JID. */
struct mn_jid c2s_jid(struct c2s *c, struct mn_arena *a);

/* A client's stream (RFC 6120): negotiation, and the door through which stanzas reach a session. It
 * begins on the loop that accepted it and moves to the owner of an account as soon as that account
 * is named (SASL, registration, jabber:iq:auth); everything after that is local. */
#pragma once

#include "net/conn.h"
#include "server/session.h"
#include "server/server.h"
#include "xmpp/sasl.h"

enum c2s_state {
    C2S_OPENING, /* waits for a stream header */
    C2S_OPEN,    /* features are out; not authenticated */
    C2S_KNOWN,   /* authenticated, features are out; no resource bound */
    C2S_BOUND,
    C2S_CLOSED, /* nothing is read or written any more */
};

struct c2s {
    struct mn_list link; /* in owner->streams */
    struct server *srv;
    struct owner *owner;
    struct mn_conn *conn;
    struct mn_xml *xml;
    enum c2s_state state;
    uint8_t tls_policy; /* enum conf_tls of the listener */
    bool secure, compressed;
    bool waiting; /* something of it is elsewhere; nothing is read */
    bool busy;    /* too much of what it sent is not settled: it waits for that */
    bool pumping, moving, overflow, anonymous, counted, sasl_failed;
    uint8_t wrong, refused; /* decision L3 */
    const struct host *host;
    struct session *session;
    struct login *login; /* while a login goes on (mod_sasl) */
    mn_str user;         /* authenticated localpart */
    mn_str lang;         /* the stream's default language; empty: none */
    char *claimed; /* bare address in the header, until logged in; NULL: none, or not under TLS */
    struct mn_timer deadline;
    int64_t deadline_at;
    struct mn_turn turn; /* what is to be done when nothing of it is on the stack */
    struct mn_post post; /* its way to another loop */
    void (*arrived)(struct c2s *c, void *arg);
    void *arrived_arg;
    struct owner *goal;
    struct mn_log log;
    char peer[MN_ADDR_TEXT];
};

/* A new connection on this owner's loop. */
struct c2s *c2s_new(struct owner *o, struct mn_conn *conn, enum conf_tls policy);
/* The stream error and the end of the connection; ends the session too. */
void c2s_error(struct c2s *c, enum mn_stream_cond cond, const char *text);
/* The same with an element of an application behind the text. */
void c2s_error_with(struct c2s *c, enum mn_stream_cond cond, const char *text, mn_str more);
/* </stream:stream> and the end. */
void c2s_close(struct c2s *c);
/* The server stops: system-shutdown, or, for who can resume, a last <a/> and no word that would end
 * the session (decision D3a). */
void c2s_stop(struct c2s *c);
void c2s_write(struct c2s *c, const struct mn_stanza *st, const struct mn_jid *to);
void c2s_raw(struct c2s *c, mn_str bytes);
/* The next thing from the client is a new stream header (after TLS, SASL, compression). */
void c2s_restart(struct c2s *c);
/* Stops handling input until c2s_go_on. For work that is done elsewhere; `c` stays valid: if the
 * connection dies meanwhile, it is freed by c2s_go_on, which then returns false. */
void c2s_wait(struct c2s *c);
bool c2s_go_on(struct c2s *c);
/* Brings the stream to the owner of `bare` and calls `then` there; at once when it is there
 * already. Input waits (c2s_wait) from here on: sooner or later after `then` comes one c2s_go_on.
 * When the connection died on the way, `then` finds C2S_CLOSED, cleans up and calls c2s_go_on. */
void c2s_move(struct c2s *c, mn_str bare, void (*then)(struct c2s *c, void *arg), void *arg);
/* Did the header, under TLS, say that this localpart would log in, or nobody (RFC 6120 6.4.6)? */
bool c2s_expects(const struct c2s *c, mn_str user);
/* Authenticated as that localpart (copied). */
void c2s_authenticated(struct c2s *c, mn_str user);
/* Its session begins: from now on stanzas go there. */
void c2s_bind(struct c2s *c, struct user *u, mn_str resource);
/* A session that lost its stream, or still has one, goes on here; `h` is what its client has
 * (server/sm.h). False: that cannot be. */
bool c2s_resume(struct c2s *c, struct session *s, uint32_t h);
/* The stream of a session; NULL when its endpoint is something else, or gone. */
struct c2s *c2s_of(const struct session *s);
/* What it may send in its present state. */
struct mn_xml_limits c2s_limits(const struct c2s *c);
/* May passwords and the like pass here: TLS, or a mechanism that the operator allows without it. */
bool c2s_may(const struct c2s *c, enum mn_sasl_mech m);
bool c2s_is_loopback(const struct c2s *c);
mn_str c2s_group(const struct c2s *c, char out[16]); /* what limits count by */
/* Into the log. */
void c2s_refused(const struct c2s *c, mn_str account, const char *why);
/* The account's own bare JID. */
struct mn_jid c2s_jid(struct c2s *c, struct mn_arena *a);
/* mod_sasl.c: drops a login that goes on. */
void login_free(struct c2s *c);

/* A client's stream (RFC 6120): negotiation, and the door through which stanzas reach a session. It
 * begins on the loop that accepted it and moves to the owner of an account as soon as that account
 * is named (SASL, registration, jabber:iq:auth); everything after that is local. */
#pragma once

#include "server/session.h"
#include "server/stream.h"
#include "xmpp/sasl.h"

enum c2s_state {
    C2S_OPEN,  /* not authenticated */
    C2S_KNOWN, /* authenticated; no resource bound */
    C2S_BOUND,
};

struct c2s {
    struct stream stream;
    enum c2s_state state : 8;
    uint8_t tls_policy; /* enum conf_tls of the listener */
    bool compressed, anonymous, sasl_failed, iqauth_failed;
    uint8_t wrong, refused; /* decision L3 */
    const struct host *host;
    struct session *session;
    struct login *login; /* while a login goes on (mod_sasl) */
    mn_str user;         /* authenticated localpart */
    int64_t paid;        /* limits.stanza_rate: up to when its stanzas are due, in us */
    uint64_t since;      /* owner->accounts_changed when it came to the account's owner */
    mn_str lang;         /* the stream's default language; empty: none */
    char *claimed; /* bare address in the header, until logged in; NULL: none, or not under TLS */
    void (*then)(struct c2s *c, void *arg); /* where it has moved */
    void *then_arg;
};

/* A new connection on this owner's loop. */
void c2s_new(struct owner *o, struct mn_conn *conn, enum conf_tls policy);
/* Brings it to the owner of `bare` (stream_move). */
void c2s_move(struct c2s *c, mn_str bare, void (*then)(struct c2s *c, void *arg), void *arg);
/* What is stored to prove the account by, behind all that was written of it; on its owner's loop.
 * `done` frees the read. */
void c2s_creds(struct c2s *c, mn_str bare, void (*done)(struct store_read *r), void *arg);
/* Is the account still the one whose proof was read (user_is_of)? */
bool c2s_is_of(const struct c2s *c, const struct user *u);
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
/* May passwords and the like pass here: TLS, or a mechanism that the operator allows without it. */
bool c2s_may(const struct c2s *c, enum mn_sasl_mech m);
/* For a login here: all but what is offered, and what binds it to the channel. */
struct mn_sasl_env c2s_sasl_env(const struct c2s *c);
/* After it: verifiers follow the configuration (decision L7). */
void c2s_renew(struct c2s *c, struct mn_sasl *sasl);
bool c2s_is_loopback(const struct c2s *c);
mn_str c2s_group(const struct c2s *c, char out[16]); /* what limits count by */
/* Into the log. */
void c2s_refused(const struct c2s *c, mn_str account, const char *why);
/* The account's own bare JID. */
struct mn_jid c2s_jid(struct c2s *c, struct mn_arena *a);
/* mod_sasl.c: drops a login that goes on. */
void login_free(struct c2s *c);

/* A client: one account, its connection, and everything that keeps it alive. It looks the server up
 * (SRV, both kinds of TLS, both families), secures the stream, logs in, binds, resumes
 * (XEP-0198), comes back after a loss, and goes where a server sends it ("see-other-host", or the
 * "location" where a session is resumed at best: in the name of the same domain), by itself. */
#pragma once

#include "mynah/context.h"
#include "mynah/elem.h"

MYNAH_BEGIN

/* How the stream is secured (RFC 6120, 5; XEP-0368). */
enum mynah_tls {
    MYNAH_TLS_REQUIRED, /* STARTTLS or direct, whatever the domain offers first */
    MYNAH_TLS_STARTTLS,
    MYNAH_TLS_DIRECT,
    MYNAH_TLS_OFFERED, /* without, where the server has none */
    MYNAH_TLS_OFF
};

/* Whose account, how, and what the client does by itself. All texts are copied. */
struct mynah_client_config {
    size_t size;
    const char *jid;      /* user@domain, or with /resource; a domain alone: anonymous */
    const char *password; /* NULL: only a certificate or an anonymous login */
    const char *host;     /* name or address instead of what DNS says; NULL */
    uint16_t port;        /* with `host`; 0: the usual one */
    enum mynah_tls tls;
    const char *ca_file;              /* PEM; NULL: the system's */
    const char *cert_file, *key_file; /* of one's own, for SASL EXTERNAL */
    const char *pin; /* SHA-256 of the server's certificate in hex: it and no other is trusted */
    const char *mechanisms; /* those allowed, separated by blanks; NULL: SCRAM, EXTERNAL, ANONYMOUS.
                               PLAIN goes over TLS only. DIGEST-MD5, CRAM-MD5 and XEP-0078 (for
                               servers from before SASL; its password over TLS only) run only when
                               named */
    const char *authzid;    /* NULL */
    const char *lang;       /* of the stream; NULL */
    bool compress;          /* XEP-0138, where offered */
    bool hold_login;        /* stays at MYNAH_OPEN until mynah_client_login (XEP-0077), once */
    bool no_resume;         /* no stream management */
    bool no_reconnect;      /* a lost connection stays lost */
    bool no_roster;         /* the roster is not fetched */
    int keepalive_ms;       /* silence after which life is asked for; 0: five minutes. As long
                               again, at most 15 s, and the connection is lost; so it is two minutes
                               after a question whether what was written is read, which comes at
                               the latest a minute behind it */
    int connect_ms;         /* from nothing to online at most; 0: a minute */
    const char *component_secret; /* `jid` is a domain that we serve (XEP-0114) at `host`, 5347 or
                                     `port`; TLS only as MYNAH_TLS_DIRECT. No password, roster or
                                     presence of its own; each stanza needs `to` and is from the
                                     domain where it does not say from which address below it */
    const char *proxies; /* ways out, the first one first: "socks5://[user:password@]host:port
                            http://..." (CONNECT). The last connects to `host`, else to the domain,
                            at `port` or 5222 (direct TLS: 5223); no name but the first proxy's is
                            looked up here. NULL: none */
    const char *bosh;    /* over HTTP (XEP-0124, XEP-0206), at "https://..."; "auto": where the
                            domain says (XEP-0156); "http://..." with MYNAH_TLS_OFFERED and
                            MYNAH_TLS_OFF only. `host`, `port` are where the connection manager is
                            to go, if it lets that be said. NULL: TCP */
    bool hold_acks;      /* what came is not acknowledged (XEP-0198) before mynah_client_ack: what a
                            program that is killed had not kept comes again */
    const char
        *authcid; /* the name that SASL logs in by, where it is not the user of `jid`; NULL */
};
/* Makes a client; nothing happens before mynah_client_connect. MYNAH_E_ARGUMENT: what `why` says
 * (may be NULL; mynah_free it), and *out is NULL. */
MYNAH_API int mynah_client_new(struct mynah_context *ctx, const struct mynah_client_config *config,
                               struct mynah_client **out, char **why) MYNAH_MUST_CHECK;
/* Closes at once what is open; requests, sessions, streams and files end with MYNAH_E_CANCELLED,
 * inside; when it returns, nothing is told any more. Accepts NULL. */
MYNAH_API void mynah_client_free(struct mynah_client *c);

/* Where it is on its way to a session, and back. */
enum mynah_state {
    MYNAH_OFFLINE,    /* nothing is open, nothing will be tried */
    MYNAH_WAITING,    /* for the next attempt (mynah_client_retry_ms) */
    MYNAH_CONNECTING, /* DNS, TCP */
    MYNAH_SECURING,   /* TLS, its certificate */
    MYNAH_OPEN,       /* hold_login: registration may go on; mynah_client_login continues */
    MYNAH_LOGIN,      /* SASL */
    MYNAH_BINDING,    /* resuming, binding */
    MYNAH_ONLINE,     /* a session stands */
    MYNAH_CLOSING     /* we have said good-bye */
};

/* What is wrong with a certificate, joined. */
enum {
    MYNAH_CERTIFICATE_ISSUER = 1 << 0, /* made by nobody who is trusted, or by itself */
    MYNAH_CERTIFICATE_NAME = 1 << 1,   /* for another server */
    MYNAH_CERTIFICATE_EXPIRED = 1 << 2,
    MYNAH_CERTIFICATE_NOT_YET = 1 << 3,
    MYNAH_CERTIFICATE_REVOKED = 1 << 4,
    MYNAH_CERTIFICATE_NO_CA = 1 << 5, /* who made it, or made that one's, may make none */
    MYNAH_CERTIFICATE_OTHER = 1 << 6  /* `why` says it: a bad signature, a weak key, ... */
};
/* A certificate (RFC 6120, 13.7; RFC 9525). */
struct mynah_certificate {
    const char *why; /* the first thing that is wrong, in words; "" of one that is trusted */
    const char *subject, *issuer, *sha256;
    int64_t not_before, not_after; /* ms since 1970 */
    const char *jid; /* whose it is, without a server (mynah/local.h); NULL: the server's */
    /* Everything that is wrong with it, of which `why` is one. 0: nothing, or it is that of
     * somebody without a server, in which nothing is looked for. Who forgives one thing forgives no
     * other: a program that lets expired ones pass compares with exactly that bit. */
    unsigned problems;
};

struct mynah_message;  /* mynah/message.h */
struct mynah_presence; /* mynah/presence.h */

/* The life line of a message, mynah/message.h. */
enum mynah_sent {
    MYNAH_SENT_QUEUED,
    MYNAH_SENT_WRITTEN,
    MYNAH_SENT_ACKED,
    MYNAH_SENT_DELIVERED,
    MYNAH_SENT_DISPLAYED,
    MYNAH_SENT_FAILED
};

/* What a program wants to hear of; each may be NULL. */
struct mynah_calls {
    size_t size;
    /* `why`: of MYNAH_OFFLINE and MYNAH_WAITING after a failure; else NULL. */
    void (*state)(void *arg, struct mynah_client *c, enum mynah_state state,
                  const struct mynah_error *why);
    /* One that is not trusted by itself. True: go on all the same. Without such a call the answer
     * is no. */
    bool (*certificate)(void *arg, struct mynah_client *c, const struct mynah_certificate *cert);
    void (*message)(void *arg, struct mynah_client *c, const struct mynah_message *m);
    void (*sent)(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                 const struct mynah_error *why);
    void (*presence)(void *arg, struct mynah_client *c, const struct mynah_presence *p);
    /* Every stanza before anything else sees it; true: nothing else is to. */
    bool (*stanza)(void *arg, struct mynah_client *c, const struct mynah_elem *stanza);
    /* The bytes of the stream as text, for consoles, in their order; secrets are left out. What is
     * written is told a moment later: at the end of the turn, or before what comes next; what is
     * written inside this call, in the next turn. */
    void (*wire)(void *arg, struct mynah_client *c, bool out, const char *text, size_t n);
    /* With hold_acks: one that was told before, as a message, of a room or to an extension, and was
     * not safe when the session was resumed. It is to be kept, and shown to nobody: of what comes
     * again nothing else is told. */
    void (*again)(void *arg, struct mynah_client *c, const struct mynah_message *m);
};
/* Later ones hear later. */
MYNAH_API struct mynah_listener *mynah_listen(struct mynah_client *c,
                                              const struct mynah_calls *calls, void *arg);

/* Begins; how it goes is told by `state`. MYNAH_E_STATE: it has begun. */
MYNAH_API int mynah_client_connect(struct mynah_client *c);
/* Goes on from MYNAH_OPEN (hold_login). MYNAH_E_STATE: it is not there. */
MYNAH_API int mynah_client_login(struct mynah_client *c);
/* Says good-bye (unavailable, end of stream) and waits for it a moment; then MYNAH_OFFLINE.
 * Messages that cross it are not told where the server gives them to the next session. Without a
 * stream, or when the good-bye is lost on its way, that session gets the last ones once more, with
 * the same id: the server does not know that they were read. */
MYNAH_API void mynah_client_disconnect(struct mynah_client *c);
/* Nobody looks at the program: the server may keep back what can wait (XEP-0352, where it knows
 * that). Begins as false; said again to each new stream. */
MYNAH_API void mynah_client_idle(struct mynah_client *c, bool idle);
/* The network is another one, or there again: what is open is tested, what waits is tried now. */
MYNAH_API void mynah_client_network_changed(struct mynah_client *c);

/* Where it is now, as `state` told it last. */
MYNAH_API enum mynah_state mynah_client_state(const struct mynah_client *c);
/* Milliseconds until the next attempt; -1: it does not wait for one. */
MYNAH_API int64_t mynah_client_retry_ms(const struct mynah_client *c);
/* The full address once bound, before that what was configured. Lent until it changes. */
MYNAH_API const char *mynah_client_jid(const struct mynah_client *c);
/* Parts of it; the bare address of a component, and before an anonymous login, is the domain. Lent
 * likewise. */
MYNAH_API const char *mynah_client_bare(const struct mynah_client *c);
MYNAH_API const char *mynah_client_domain(const struct mynah_client *c);
/* The session that stands is the one of before (XEP-0198): nothing needs to be asked for again. */
MYNAH_API bool mynah_client_is_resumed(const struct mynah_client *c);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", or NULL without; lent until the next call. */
MYNAH_API const char *mynah_client_tls_name(const struct mynah_client *c);
/* The stream of now is compressed (`compress`). */
MYNAH_API bool mynah_client_is_compressed(const struct mynah_client *c);
/* What the server has shown on the connection of now: trusted, pinned, or let pass. NULL without
 * TLS; lent until the next call. */
MYNAH_API const struct mynah_certificate *mynah_client_certificate(struct mynah_client *c);
/* The mechanism of the last login: "SCRAM-SHA-256-PLUS", or NULL. */
MYNAH_API const char *mynah_client_mechanism(const struct mynah_client *c);
/* The <features/> that came last, or NULL; lent until the next ones come. */
MYNAH_API const struct mynah_elem *mynah_client_features(const struct mynah_client *c);
/* What went through its streams since it was made. */
struct mynah_traffic {
    size_t size;
    uint64_t bytes_in, bytes_out;     /* of XML: before compression and TLS, secrets aside */
    uint64_t stanzas_in, stanzas_out; /* of sessions: without those of the login */
    /* Of which are: */
    uint64_t messages_in, messages_out, presences_in, presences_out, iqs_in, iqs_out;
};
/* Fills what `out`, whose size the program sets, has room for. */
MYNAH_API void mynah_client_traffic(const struct mynah_client *c, struct mynah_traffic *out);
/* A pointer of the program's that goes along; NULL to begin with. */
MYNAH_API void mynah_client_set_data(struct mynah_client *c, void *data);
MYNAH_API void *mynah_client_data(const struct mynah_client *c);
/* What it logs in with; NULL: nothing. Set before the login, or for the next one; copied, the old
 * one is wiped. */
MYNAH_API const char *mynah_client_password(const struct mynah_client *c);
MYNAH_API void mynah_client_set_password(struct mynah_client *c, const char *password);

/* What a later run of the program needs to go on where this one stops: the session and everything
 * that was not acknowledged, whose life lines go on for listeners (`sent`). A program that may be
 * killed saves it anew whenever it has sent or read something; what came or was acknowledged behind
 * the last time may come, or go, once more with the same id. *out is the program's (mynah_free).
 * Restored before connecting. The later run asks for everything else as in a new session: the
 * roster, rooms, who is there (others see it go and come again, if it said its presence before).
 * MYNAH_E_FORMAT: it is none of this account, MYNAH_E_STATE: it has connected. */
MYNAH_API int mynah_client_save(struct mynah_client *c, void **out, size_t *n) MYNAH_MUST_CHECK;
MYNAH_API int mynah_client_restore(struct mynah_client *c, const void *saved,
                                   size_t n) MYNAH_MUST_CHECK;
/* The same for a program that keeps, in one with this, what the first `received` stanzas brought
 * (mynah_client_received), and acknowledges them when that is done. */
MYNAH_API int mynah_client_save_with(struct mynah_client *c, uint32_t received, void **out,
                                     size_t *n) MYNAH_MUST_CHECK;

/* How many stanzas of this session have come, as XEP-0198 counts them; 0 without it. */
MYNAH_API uint32_t mynah_client_received(const struct mynah_client *c);
/* With hold_acks: so many of them are safe. The server hears it as soon as it wants to know; a
 * count of an earlier session is of no use, and does no harm. What is not safe when a session is
 * resumed comes again (`again` of struct mynah_calls), and is counted again. */
MYNAH_API void mynah_client_ack(struct mynah_client *c, uint32_t received);

/* Any stanza (message, presence, iq) as it is; takes it. One that answers nobody's request is
 * queued when the stream is not open. MYNAH_E_ARGUMENT: it is no stanza, or a component's without
 * `to`. MYNAH_E_LIMIT: it is said in a room, and too much waits for rooms (mynah_room_send). */
MYNAH_API int mynah_send(struct mynah_client *c, struct mynah_elem **stanza);
/* An id that was not used before; mynah_free it. */
MYNAH_API char *mynah_id(struct mynah_client *c);

MYNAH_END

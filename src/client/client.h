/* The client's inside, between client.c (life), session.c (what its stream tells), login.c (from a
 * connection to a session), sm.c (what is acknowledged), saved.c, alive.c, shown.c, iq.c,
 * message.c, presence.c and the extensions. */
#pragma once

#include "base/map.h"
#include "client/context.h"
#include "client/elem.h"
#include "client/stream.h"
#include "mynah/iq.h"
#include "mynah/message.h"
#include "mynah/presence.h"
#include "xmpp/jid.h"
#include "xmpp/sasl.h"

struct login; /* login.c: the exchange under way */

/* What the server is to say next that is no stanza; each may come once for each time it was asked
 * for, and never else. */
enum waits { WAITS_NOT, WAITS_FEATURES, WAITS_TLS, WAITS_ZLIB, WAITS_RESUMED, WAITS_BOUND };

/* A stanza on its way out (sm.c). */
struct out {
    struct mn_list link;
    uint64_t mark; /* over BOSH: which write it was */
    bool lasting;  /* is written again when its session is lost */
    bool answer;   /* to a question */
    char *id;      /* of a message; or NULL */
    char *room;    /* in which it is said, bare; or NULL */
    mn_str bytes;  /* behind the struct */
};

/* For an answer: not longer than `ms` behind the last byte of ours that moved. */
struct patience {
    int64_t ms, since;
    uint64_t taken;
};

struct sm {
    bool on;                         /* what we write is counted */
    bool enabled;                    /* what comes is, too */
    bool asked;                      /* an <r/> of ours is open */
    bool restored;                   /* from an earlier run, which may have gone on */
    char *id;                        /* of the session; NULL: none to resume */
    uint32_t in, out;                /* stanzas received; written and acknowledged */
    uint32_t safe;                   /* of `in`, what may be acknowledged */
    struct mn_buf unsafe;            /* what came behind `safe`: its marks (sm.c) */
    struct mn_buf known;             /* what may come again since it was resumed: the same */
    uint32_t wanted;                 /* `in` when the server asked */
    bool owed;                       /* and less was safe then */
    struct mn_list unacked, waiting; /* written; not yet */
    struct mn_list held;             /* nor before a room is entered (held.c) */
    struct mn_list acked, refused;   /* about to be told */
    unsigned unacked_count;
    size_t answers;     /* bytes of answers among those that were written */
    size_t said;        /* bytes of answers since there was nothing of ours left to be sent */
    bool fresh;         /* something was written after the last <r/> */
    struct mn_turn ask; /* <r/> at the end of the turn */
    struct mn_timer again;
    struct patience wait; /* where it is an <a/> that is waited for */
};

enum nonsasl { NONSASL_NONE, NONSASL_ASKED, NONSASL_SENT };

struct mynah_client {
    struct trash trash; /* first */
    struct mynah_context *ctx;
    struct mn_list link;
    struct mn_arena a;               /* what lives as long as the client */
    struct mynah_client_config conf; /* texts in `a` */
    struct mn_jid jid;               /* as configured */
    mn_str domain_ascii;
    char *password, *bound, *bare, *domain; /* bound: the full address, of its own */
    bool component;                         /* `password` is its secret */
    struct local *local;                    /* no server: others are reached (local.h); or NULL */
    struct mn_list listeners;
    struct mn_list said; /* what was written and consoles did not hear of yet (shown.c) */
    struct mn_turn tell_said;
    struct mn_timer tell_later; /* of what is written while it is `telling` */
    bool telling;
    bool freed;
    void *data;   /* the program's */
    bool repeats; /* what is told is told again */
    struct mynah_traffic traffic;
    size_t kept; /* bytes of what others say and stays: contacts, who is there, occupants */

    enum mynah_state state;
    struct mn_proxy *proxies;
    size_t proxy_count;
    const char *route; /* over BOSH */
    char *elsewhere;   /* where the last server sent us (RFC 6120, 4.9.3.19) */
    uint16_t elsewhere_port;
    bool elsewhere_next; /* the next attempt goes there */
    unsigned elsewheres; /* so often in a row */
    char *back;          /* where this session is to be resumed first (XEP-0198, 3); or NULL */
    uint16_t back_port;
    bool back_next; /* the next attempt is the first behind a session */
    bool goes_back; /* this one goes there */
    struct stream *stream;
    struct mn_tls *tls, *tls_direct;
    struct login *login;
    enum waits waits;
    struct mynah_elem *features;
    const char *mechanism;          /* static */
    struct mynah_certificate shown; /* what mynah_client_certificate lends, with its texts */
    struct mn_arena shown_texts;
    char *stream_id; /* of the header that came last */
    enum nonsasl nonsasl;
    bool authenticated, resumed, opened, stopping;
    unsigned failures;     /* attempts in a row that came to nothing */
    struct mn_timer timer; /* the deadline of an attempt, the pause before the next */
    struct mn_timer idle;  /* silence */
    bool probing;          /* life was asked for */
    struct patience probe, pong;
    /* Since something was written that nobody acknowledges, or since the question whose answer
     * would show that it was heard; its id, and how many stanzas it was behind. */
    struct mn_timer unheard;
    char ping[MYNAH_ID_MAX];
    uint64_t ping_at;

    struct sm sm;
    struct mn_map requests, served;
    struct mn_list request_list, asks;
    unsigned ask_count; /* questions of others that are not answered yet */
    size_t ask_weight;
    unsigned long ids;
    char id_head[9];
    struct mn_map tracks;
    struct mn_list track_list;
    unsigned track_count;

    enum mynah_show show;
    bool has_presence;
    char *status;
    int priority;
    struct mynah_elem *presence_extra; /* children go into each presence */
    void **exts;                       /* states, by the order of exts.def */
};

#define CLIENT_TELL(c, member, ...)                                                                \
    LISTENERS_TELL(&(c)->listeners, struct mynah_calls, member, (c), __VA_ARGS__)

void client_log(struct mynah_client *c, enum mynah_log_level level, const char *fmt, ...)
    MN_PRINTF(3, 4);
/* True: it is still in that state, and not freed, when everybody has been told. */
bool client_state(struct mynah_client *c, enum mynah_state state, const struct mynah_error *why);
/* The attempt or the session is over; `final`: no other is made. */
void client_fail(struct mynah_client *c, const struct mynah_error *why, bool final);
void client_fail_code(struct mynah_client *c, int code, const char *text, bool final);
/* The server says what it may not say here. */
void client_fail_order(struct mynah_client *c);
/* What the session leaves behind: lasting stanzas to the next one, an end to each request. */
void client_session_over(struct mynah_client *c);
/* A new header, of the first stream or behind a step of the login. */
void client_header(struct mynah_client *c);
/* The session stands; `resumed`: it is the one from before. */
void client_online(struct mynah_client *c, bool resumed);
/* Stanzas that came, first for listeners, then for those they are meant for. */
void client_stanza(struct mynah_client *c, const struct mynah_elem *st);
/* An unused id, into `out`. */
void client_id(struct mynah_client *c, char out[MYNAH_ID_MAX]);
/* Who we are; `bound`: in the session that begins. */
void client_called(struct mynah_client *c, const struct mn_jid *jid, bool bound);
bool client_is_stanza(const struct mynah_elem *e);
/* Asks the first who listens for it; `otherwise`: nobody does. `jid`: whose it is, when it is not
 * the server's. Texts in `a`. */
/* One more has gone or come, whose name begins so. */
void traffic_stanza(struct mynah_client *c, bool out, char first);
/* What was seen, for programs; its texts are in the arena. */
struct mynah_certificate client_certificate_of(const struct mn_cert_seen *seen, const char *jid,
                                               struct mn_arena *a);
bool client_person_trusts(struct mynah_client *c, const struct mn_cert_seen *seen, const char *jid,
                          bool otherwise, struct mn_arena *a);
/* What an <error/> inside says; texts lent from it. */
void error_of(const struct mynah_elem *stanza, struct mynah_error *out);
/* It comes from our own account's side of the server: no address, the bare one, or the domain. */
bool from_server(const struct mynah_client *c, const char *from);
bool from_self(const struct mynah_client *c, const char *from); /* the bare one, or none */

/* No stream, no session, and nothing is tried. */
void client_over(struct mynah_client *c);
void client_timed(struct mn_timer *t); /* an attempt, a pause, a good-bye has lasted long enough */

/* client_new.c */
void client_memory(struct trash *t);

/* session.c */
extern const struct stream_face client_face;

/* alive.c */
void alive_init(struct mynah_client *c);
void alive_stop(struct mynah_client *c); /* with its stream */
/* An element came; NULL: the session has begun. */
void alive_came(struct mynah_client *c, const struct mynah_elem *e);
void alive_said(struct mynah_client *c);  /* something went out that nobody acknowledges */
void alive_probe(struct mynah_client *c); /* is asked for life, which has its time */
/* Something was asked: `t` fires now and then, and asks whether it is still waited for. */
void alive_wait(struct mynah_client *c, struct patience *w, struct mn_timer *t, int64_t ms);
bool alive_waits(struct mynah_client *c, struct patience *w, struct mn_timer *t);

/* shown.c */
void shown_init(struct mynah_client *c);
void shown_done(struct mynah_client *c);
void shown_moved(struct mynah_client *c, bool out, mn_str text);
void shown_tell(struct mynah_client *c); /* what was not told yet */

/* attempt.c */
/* What `bosh` says is no address, or one that may not be used: an MN_E_ code. */
int attempt_check(const struct mynah_client *c) MN_MUST_CHECK;
/* The next one goes there, if that is a place at all. */
void attempt_elsewhere(struct mynah_client *c, const char *place);
/* The first one behind this session, when it can be resumed; NULL: it is as any other. */
void attempt_back(struct mynah_client *c, const char *place);
/* NULL: it has failed. */
struct stream *attempt_stream(struct mynah_client *c);

/* component.c */
void component_opened(struct mynah_client *c, mn_str id); /* the header came */
bool component_element(struct mynah_client *c, const struct mynah_elem *e);
/* A copy that says from whom. */
struct mynah_elem *component_stanza(const struct mynah_client *c, const struct mynah_elem *st);

/* login.c */
void login_features(struct mynah_client *c, const struct mynah_elem *features);
/* An element that is no stanza; false: not one of the login's. */
bool login_element(struct mynah_client *c, const struct mynah_elem *e);
bool login_allows(const struct mynah_client *c, mn_str mechanism); /* `mechanisms` names it */
void login_free(struct mynah_client *c);
void login_rebind(struct mynah_client *c); /* the old session is over */
void login_go(struct mynah_client *c);     /* past MYNAH_OPEN */
/* Only this answer is waited for while binding. */
bool login_iq(struct mynah_client *c, const struct mynah_elem *e);

/* nonsasl.c */
/* False: this client has no such login. */
bool nonsasl_start(struct mynah_client *c);
bool nonsasl_iq(struct mynah_client *c, const struct mynah_elem *e);

/* sm.c, saved.c */
struct out *out_new(mn_str bytes, bool lasting, const char *id);
void out_free(struct out *o); /* also out of its list */
void sm_init(struct mynah_client *c);
void sm_done(struct mynah_client *c);
/* Writes it now, or when there is a stream for it; `lasting`: it outlives its session. `id`: of a
 * message whose life line is told, also when too much waits for rooms (MYNAH_E_LIMIT). */
int sm_send(struct mynah_client *c, const struct mynah_elem *st, bool lasting, const char *id);
/* A stanza came; true: not for the first time. */
bool sm_received(struct mynah_client *c, const struct mynah_elem *st);
/* More is answered than the other side takes in: it asks and does not listen. */
bool sm_is_flooded(const struct mynah_client *c);
bool sm_element(struct mynah_client *c, const struct mynah_elem *e);
/* Asks for resumption; false: there is nothing to resume. */
bool sm_resume(struct mynah_client *c);
bool sm_can_enable(struct mynah_client *c);
void sm_enable(struct mynah_client *c);
void sm_stream_gone(struct mynah_client *c);
void sm_session_lost(struct mynah_client *c); /* nothing can be resumed: only what lasts stays */
void sm_flush(struct mynah_client *c);        /* what waited is written */
void sm_ask(struct mynah_client *c);
void sm_arrived(struct mynah_client *c, uint64_t mark); /* over BOSH: writes up to that one */
void sm_end(struct mynah_client *c);                    /* before the end of the stream */

/* held.c: what is said in a room waits for that room (ext_room.c). */
char *held_room(const struct mynah_elem *st); /* where it is said, to be freed; NULL: in none */
bool held_any(const struct mynah_client *c, const char *room);
/* With what waits for rooms already. */
bool held_fits(const struct mynah_client *c, const struct out *more);
void held_release(struct mynah_client *c, const char *room);
/* The room has it: it is not said again. */
void held_taken(struct mynah_client *c, const char *room, const char *id);
/* None of it can be said there: each is told as the room would, with that <error/>. */
void held_refuse(struct mynah_client *c, const char *room, const struct mynah_elem *error,
                 void (*told)(void *arg, struct mynah_client *c, const struct mynah_message *m),
                 void *arg);
bool room_holds(struct mynah_client *c, const char *room);

/* iq.c */
void iq_came(struct mynah_client *c, const struct mynah_elem *st);
void iq_lost(struct mynah_client *c, int code); /* all requests end with that */
/* Soon, not inside: that one, or those to that address (canonical) and the like. */
void iq_lost_one(struct mynah_client *c, const char *id, int code);
void iq_lost_to(struct mynah_client *c, const char *jid, int code);
void iq_done(struct mynah_client *c);
/* A request that cannot be made: tells `done` (may be NULL) at once. Returns NULL. */
struct mynah_request *iq_refuse(struct mynah_client *c, int code, mynah_iq_done *done, void *arg);

/* quick.c: who waits for something of it waits no more. */
void quick_freed(struct mynah_client *c);

/* message.c */
void message_came(struct mynah_client *c, const struct mynah_elem *st);
void message_told(struct mynah_client *c, const struct mynah_elem *st, enum mynah_carbon carbon);
void message_repeated(struct mynah_client *c, const struct mynah_elem *st); /* it came before */
/* The same for who looks at it alone. */
void message_read(struct mynah_client *c, const struct mynah_elem *st,
                  void (*told)(void *arg, struct mynah_client *c, const struct mynah_message *m),
                  void *arg);
void message_state(struct mynah_client *c, const char *id, enum mynah_sent state,
                   const struct mynah_error *why);
/* It waits for nothing more here: nor is it written again. */
void message_gone(struct mynah_client *c, const char *id);
/* What came tells of one of ours, and from whom that was for; true: it did. */
bool message_receipt(struct mynah_client *c, const struct mynah_elem *st);
void message_echoed(struct mynah_client *c, const char *id, const char *room);
/* One of an earlier run's is on its way still: its life line goes on for listeners. */
void message_again(struct mynah_client *c, const char *id, const char *xml);
void message_done(struct mynah_client *c);

/* presence.c */
void presence_came(struct mynah_client *c, const struct mynah_elem *st);
/* False: a type that nobody knows. */
bool presence_read(struct mynah_client *c, const struct mynah_elem *st, struct mynah_presence *out,
                   struct mynah_error *error);
/* One of ours, to somebody or (NULL) to all who may see us, with all that is to be in it. */
struct mynah_elem *presence_new(const struct mynah_client *c, const char *to, enum mynah_show show,
                                const char *status, int priority);
void presence_again(struct mynah_client *c); /* after a login */
void rooms_presence(struct mynah_client *c); /* ext_room.c: those inside are told of it, too */
/* ext_captcha.c: it goes out, and who gets it may ask whether a person is there. */
void captcha_sent(struct mynah_client *c, const struct mynah_elem *st);
void presence_end(struct mynah_client *c); /* says good-bye */
void presence_done(struct mynah_client *c);

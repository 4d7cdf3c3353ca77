/* A client and a server on loopback that follows a script: what it waits for from the client, what
 * it says then, when it hangs up. What the client tells is noted, one word after the other. */
#pragma once

#include "base/clock.h"
#include "client/client.h"
#include "net/conn.h"
#include "mynah/mynah.h"
#include "mynah/room.h"
#include "net/listen.h"
#include "test.h"

/* Lines: "<text" waits until the client has said `text` (behind what was waited for before);
 * >text" says it; "z" compresses from here on; "!" cuts the connection, and what follows is for the
 * next one. `%1` in a text to
 * be said: what stands behind the last awaited text, up to a quote. */
struct server {
    struct mn_loop *loop;
    struct mn_listener *listener;
    struct mn_conn *conn;
    const char *const *lines; /* NULL-ended */
    size_t at;
    struct mn_buf got; /* of this connection, behind what was waited for */
    struct mn_buf all; /* of all connections, for CHECKs */
    char port[8];
    bool refused; /* a connection came behind the end of the script */
};
void server_start(struct server *s, struct mynah_context *ctx, const char *const *lines);
void server_stop(struct server *s);
bool server_done(const struct server *s); /* the script is at its end */

/* The lines of a login by ANONYMOUS as u@x.test/r; `more` stands in the features after it. */
#define HEADER                                                                                     \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' id='1' from='x.test' version='1.0'>"
#define SASL                                                                                       \
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"                       \
    "<mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>"
#define BIND(more)                                                                                 \
    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" more "</stream:features>"
#define SM "<sm xmlns='urn:xmpp:sm:3'/>"
#define BOUND                                                                                      \
    "<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"                  \
    "<jid>u@x.test/r</jid></bind></iq>"
#define AUTH(more)                                                                                 \
    "<<stream:stream", ">" HEADER SASL, "<mechanism='ANONYMOUS'",                                  \
        "><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "<<stream:stream",                 \
        ">" HEADER BIND(more)
#define LOGIN(more) AUTH(more), "<id='bind'", ">" BOUND
/* The client has answered everything before. */
#define END "><iq type='get' id='end'><x xmlns='y'/></iq>", "<id='end'", NULL

extern struct talk {
    struct mynah_context *ctx;
    struct mynah_client *c;
    struct server server;
    struct mn_buf notes;
} talk;

void note(const char *fmt, ...) MN_PRINTF(1, 2);
/* Are called inside each note, and inside what consoles hear of each write (ends.c); frees the
 * object that the call-backs are about. */
extern void (*talk_noted)(void), (*talk_wrote)(void), (*talk_drop)(void);
bool noted(const char *text);
/* A client that connects; its states, messages and life lines are noted. */
void talk_start(const char *const *lines, const struct mynah_client_config *more);
/* The same in talk.ctx, with that configuration and no server. */
void talk_connect(const struct mynah_client_config *config);
void talk_until(bool (*reached)(void)); /* fails the test after a while */
/* For what no function says; gives up after a while, and the test looks at what it wanted. */
#define TALK_UNTIL(reached)                                                                        \
    do {                                                                                           \
        int64_t end_ = mn_clock_now() + 60000;                                                     \
                                                                                                   \
        while (!(reached) && mn_clock_now() < end_)                                                \
            mn_loop_turn(talk.ctx->loop, 20);                                                      \
    } while (0)
/* Compares the notes (NULL: not), and ends all. */
void talk_end(const char *notes);
bool talk_online(void);
bool talk_over(void);  /* offline */
bool talk_loses(void); /* waiting for the next attempt */
bool talk_done(void);  /* the script is at its end */
/* The whole for scripts without anything between. */
void talk_run(const char *const *lines, const char *notes);
/* For requests: notes NAME=result or NAME=CODE. */
void note_iq(void *name, struct mynah_client *c, const struct mynah_elem *result,
             const struct mynah_error *error);
/* For messages: notes STATE, and (CONDITION), or ID=STATE/CONDITION where `arg` is one. */
void note_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
               const struct mynah_error *why);
/* For rooms: notes refused(CONDITION). */
void note_refused(void *arg, struct mynah_room *r, const struct mynah_error *why);
/* Asks somebody, or the own server (NULL); the end is noted so. */
void talk_ask(const char *name, const char *to, int timeout_ms);

/* A connection manager (XEP-0124) that follows a script, for clients over BOSH. Whatever that says
 * and whatever connections do: requests come in their order, one that comes again is the same, and
 * each shows the key to the one before. */
#pragma once

#include "net/tls.h"
#include "unit/client/talk.h"

/* Lines: "<text" is the next request, which has `text` in it; ">text" answers the oldest one that
 * is open, "}text" the newest; "=text" answers the oldest, head and all, "^text" does and hangs up;
 * "!" cuts the connection of the oldest, "~" that of the newest; "?" waits for the test, "@text"
 * until those have come again. `%r` in an answer is the newest number, `%p` the one before. */
enum { CM_BODIES_MAX = 40 };

extern struct cm {
    struct mn_listener *listener;
    struct mn_list lines;
    const char *const *script;
    size_t at;
    char *bodies[CM_BODIES_MAX]; /* by number, from the first one on */
    size_t count, read;          /* those that came; those that the script has waited for */
    uint64_t first;
    mn_str key; /* of the last one */
    struct mn_arena a;
    unsigned most; /* at once */
    char path[64];
    struct mn_buf again;
    char url[64];
    unsigned connections;
} cm;
extern struct mn_tls *cm_https; /* NULL: plain */

void cm_listen(const char *const *script);
void cm_connect(struct mynah_client_config config);
void cm_start(const char *const *script, struct mynah_client_config config); /* both */
/* Compares notes (NULL: not) and numbers of what came again; at most so many at once. */
void cm_end(const char *notes, const char *again, unsigned most);
void cm_go_on(void); /* the script may have changed */
unsigned cm_open_count(void);
mn_str cm_attr(mn_str body, const char *name);
bool cm_said_all(void);
void cm_say(const char *text);
void cm_until(const char *noted);
bool cm_pauses(void); /* at a "?" */
/* Says that behind a "?". */
void cm_say_there(const char *text);
/* A session in which something is said, those lines follow, and the next request hears the end. */
void cm_says(const char *const *lines);

#define HEAD_ "<body xmlns='http://jabber.org/protocol/httpbind' "
#define STREAM "xmlns:stream='http://etherx.jabber.org/streams'"
#define BODY(inside) HEAD_ STREAM ">" inside "</body>"
#define EMPTY "<?xml version='1.0'?>" HEAD_ "/>"
#define SESSION                                                                                    \
    HEAD_ STREAM                                                                                   \
        " sid='s&amp;1' wait='60' hold='1' requests='2' inactivity='30' polling='1' ver='1.6' "    \
        "maxpause='10' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh' authid='7'>"
#define SUCCESS "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
#define IN(more)                                                                                   \
    "<", ">" SESSION SASL "</body>", "<mechanism='ANONYMOUS'", ">" BODY(SUCCESS),                  \
        "<xmpp:restart='true'", ">" BODY(BIND(more)), "<id='bind'", ">" BODY(BOUND)
#define FROM(text) "<message from='b@y.test'><body>" text "</body></message>"
#define OVER HEAD_ "type='terminate' condition='other-request'/>"

static const struct mynah_client_config once = {.jid = "x.test", .no_reconnect = true};

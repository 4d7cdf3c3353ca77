/* Messages of a session whose acknowledgement its client has not got (decision D5): when the
 * session has ended and the client sends one of them again, it is not delivered a second time.
 * Never by its id alone: bots and old clients use ids again and again. */
#pragma once

#include "base/list.h"
#include "xmpp/stanza.h"

struct session;
struct user;

struct unheard_list { /* oldest first; {0} is an empty one */
    struct unheard *first, *last;
    unsigned count;
};

/* Takes note of a message of this session, which just took it. True: the first copy is here, from a
 * session of the same full address that ended before its client heard of it; nobody is to get this
 * one. */
bool unheard_take(struct session *s, const struct mn_stanza *st);
/* The client is told of everything up to stanza number `seq`. */
void unheard_told(struct session *s, uint32_t seq);
/* The session has ended: its account remembers. */
void unheard_end(struct session *s, struct user *u);
/* A message with this id was refused: when it comes again it is another try. */
void unheard_refused(struct user *u, mn_str id);
void unheard_free(struct unheard_list *l);

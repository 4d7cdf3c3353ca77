/* Messages (RFC 6121, 5) and what became of them. */
#pragma once

#include "mynah/client.h"

MYNAH_BEGIN

/* RFC 6121, 5.2.2. */
enum mynah_message_type {
    MYNAH_NORMAL,
    MYNAH_CHAT,
    MYNAH_GROUPCHAT,
    MYNAH_HEADLINE,
    MYNAH_MESSAGE_ERROR
};
/* A copy of what another program of the account received or sent. */
enum mynah_carbon { MYNAH_NO_CARBON, MYNAH_CARBON_RECEIVED, MYNAH_CARBON_SENT };

/* One that came; lent. A carbon (XEP-0280) is told as the message inside it. */
struct mynah_message {
    enum mynah_message_type type;
    const char *from, *to, *id; /* `id` may be NULL */
    const char *body, *subject,
        *thread;     /* NULL: absent; in the stream's language, else the first */
    int64_t sent_at; /* ms since 1970 when it was delayed (XEP-0203, XEP-0091), else 0 */
    enum mynah_carbon carbon;
    const struct mynah_error *error; /* of MYNAH_MESSAGE_ERROR */
    const struct mynah_elem *xml;
};

/* A new one, the program's, to be filled further and sent. `body` may be NULL. */
MYNAH_API struct mynah_elem *mynah_message_new(const char *to, enum mynah_message_type type,
                                               const char *body);

/* The life line of one message: queued, written, acknowledged by the server (XEP-0198), delivered
 * (XEP-0184), displayed (XEP-0333), or failed with the reason. States are told in this order, some
 * are left out when nobody tells us of them; after displayed and failed comes nothing more. What
 * was displayed is told of all messages before it to that address, too. Only whom a message was for
 * is believed. Of those that need no more of us (acknowledged, or written where nobody
 * acknowledges) the last thousand are followed. */
typedef void mynah_sent_call(void *arg, struct mynah_client *c, const char *id,
                             enum mynah_sent state, const struct mynah_error *why);
/* The room for an id, with its NUL. */
enum { MYNAH_ID_MAX = 64 };
/* Takes the message, gives it an id when it has none (copied to `id` when that is not NULL). One
 * with a body and a type of chat or normal asks for a receipt and a mark. What cannot be written
 * now waits for the stream, and what is said in a room for that room (mynah_room_send); what was
 * not acknowledged is written again after a loss, with the same id (and XEP-0359's origin-id).
 * MYNAH_E_ARGUMENT: it is no message, its id is too long, or a component's has no `to`. */
MYNAH_API int mynah_message_send(struct mynah_client *c, struct mynah_elem **message,
                                 char id[MYNAH_ID_MAX], mynah_sent_call *sent, void *arg);
/* The whole for the common case: a body of type chat. Returns as mynah_message_send. */
MYNAH_API int mynah_chat(struct mynah_client *c, const char *to, const char *body);

/* Answers to one that asked for it (does nothing for others): it has arrived, it was seen. */
MYNAH_API void mynah_message_received(struct mynah_client *c, const struct mynah_message *m);
MYNAH_API void mynah_message_displayed(struct mynah_client *c, const struct mynah_message *m);

MYNAH_END

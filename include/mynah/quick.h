/* For scripts: calls that wait for what comes of them and run the loop meanwhile, so that a program
 * can be written from top to bottom. Listeners are called as ever, inside the waiting. Not for
 * call-backs (MYNAH_E_STATE there), nor for programs that have a loop of their own.
 *
 *     if (!mynah_quick_open(&config, &c, &why))
 *         mynah_quick_chat(c, "ann@example.org", "hello", &why);
 *
 * mynah_stop ends the waiting as it ends mynah_run, with MYNAH_E_CANCELLED: a question is asked no
 * more, all else goes on with the next turn of the loop.
 *
 * All return an enum mynah_code. `why` may be NULL; else *why is set to NULL, or to a line for
 * people, which is the program's (mynah_free). */
#pragma once

#include "mynah/iq.h"
#include "mynah/message.h"

MYNAH_BEGIN

/* Connects and waits until it is online (at MYNAH_OPEN with hold_login), or until the attempt has
 * failed; a client that is online already is left as it is. */
MYNAH_API int mynah_quick_online(struct mynah_client *c, char **why) MYNAH_MUST_CHECK;
/* A question (RFC 6120, 8.2.3) and its answer. Takes the payload. *answer, the whole stanza, is the
 * program's (mynah_elem_free); NULL after an error. `answer` may be NULL. */
MYNAH_API int mynah_quick_ask(struct mynah_client *c, enum mynah_iq_type type, const char *to,
                              struct mynah_elem **payload, struct mynah_elem **answer, char **why);
/* Sends a message (taken) and waits until it has come so far: usually MYNAH_SENT_ACKED, which every
 * server with XEP-0198 tells, or MYNAH_SENT_WRITTEN. MYNAH_E_TIMEOUT after a minute: it may come so
 * far later. */
MYNAH_API int mynah_quick_send(struct mynah_client *c, struct mynah_elem **message,
                               enum mynah_sent until, char **why);
/* The whole for the common case: a chat message that is acknowledged, or written where the server
 * acknowledges nothing. */
MYNAH_API int mynah_quick_chat(struct mynah_client *c, const char *to, const char *body,
                               char **why);
/* Says good-bye and waits for it. */
MYNAH_API int mynah_quick_end(struct mynah_client *c);

/* A client that is online, with a context of its own; *out is NULL after an error. */
MYNAH_API int mynah_quick_open(const struct mynah_client_config *config, struct mynah_client **out,
                               char **why) MYNAH_MUST_CHECK;
/* Says good-bye; frees such a client and its context. Accepts NULL. */
MYNAH_API void mynah_quick_close(struct mynah_client *c);

MYNAH_END

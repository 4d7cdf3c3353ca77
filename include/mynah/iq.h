/* Questions and answers (RFC 6120, 8.2.3).
 *
 * Every function of the library that returns a struct mynah_request asks somebody something. Its
 * `done` is called exactly once, on the context's thread, with the answer or an error, and the
 * request is gone then; mynah_cancel ends it before. A mynah_iq_done may be NULL, where
 * nobody wants to know, another `done` may not. What was wrong with the question itself is
 * told inside the call where the function says so, and NULL returned. */
#pragma once

#include "mynah/client.h"

MYNAH_BEGIN

/* To be told, or to have something changed. */
enum mynah_iq_type { MYNAH_GET, MYNAH_SET };

/* Exactly one call for each request: `result` is the whole answering stanza and `error` NULL, or
 * the other way round. */
typedef void mynah_iq_done(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                           const struct mynah_error *error);
/* `to` NULL: the account's own server side. Takes the payload (NULL inside: none). `timeout_ms` 0:
 * a minute. Waits while the session can be resumed; ends with MYNAH_E_LOST when it cannot, with
 * MYNAH_E_STATE when no stream is open, with MYNAH_E_ARGUMENT when a component names nobody (never
 * inside this call). */
MYNAH_API struct mynah_request *mynah_iq_send(struct mynah_client *c, enum mynah_iq_type type,
                                              const char *to, struct mynah_elem **payload,
                                              int timeout_ms, mynah_iq_done *done, void *arg);
/* The same from an address below a component's domain (NULL: the domain itself); only what comes
 * back to that address is its answer. */
MYNAH_API struct mynah_request *mynah_iq_send_from(struct mynah_client *c, const char *from,
                                                   enum mynah_iq_type type, const char *to,
                                                   struct mynah_elem **payload, int timeout_ms,
                                                   mynah_iq_done *done, void *arg);

/* A question that came. The handler answers, at once or later, also when the client is gone
 * meanwhile: the answer is what frees the question. */
struct mynah_ask;
/* Who asks, and whom: a component has many addresses. Never NULL; lent with the question. */
MYNAH_API const char *mynah_ask_from(const struct mynah_ask *q);
MYNAH_API const char *mynah_ask_to(const struct mynah_ask *q);
/* What for; the payload is lent with the question. */
MYNAH_API enum mynah_iq_type mynah_ask_type(const struct mynah_ask *q);
MYNAH_API const struct mynah_elem *mynah_ask_payload(const struct mynah_ask *q);
/* Both take the question (*q becomes NULL); the payload (taken) may be NULL or hold NULL.
 * `condition` is one of RFC 6120, 8.3.3; `text` is for people, and may be NULL. */
MYNAH_API void mynah_ask_result(struct mynah_ask **q, struct mynah_elem **payload);
MYNAH_API void mynah_ask_error(struct mynah_ask **q, const char *condition, const char *text);
/* With a condition of an extension beside the general one; both may be NULL. */
MYNAH_API void mynah_ask_refuse(struct mynah_ask **q, const char *condition, const char *text,
                                const char *special, const char *special_ns);

/* Another address is to be asked: "xmpp:desk@example.org" (RFC 6120, 8.3.3.14). Takes the question.
 */
MYNAH_API void mynah_ask_redirect(struct mynah_ask **q, const char *uri);

/* Questions with that payload go to `serve`; a later one replaces an earlier one, NULL takes it
 * out. `name` NULL: all of the namespace that have no handler of their own. */
MYNAH_API void mynah_iq_serve(struct mynah_client *c, enum mynah_iq_type type, const char *ns,
                              const char *name,
                              void (*serve)(void *arg, struct mynah_client *c, struct mynah_ask *q),
                              void *arg);

MYNAH_END

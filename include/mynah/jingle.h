/* Jingle sessions (XEP-0166): who talks to whom about what, over what. The library keeps the rules
 * of the session: who may say what when, ties, errors; what is exchanged, and the transports that
 * carry it, are the program's. Descriptions and transports are elements; mynah/jingle_content.h
 * reads and builds those that are known. */
#pragma once

#include "mynah/iq.h"

MYNAH_BEGIN

struct mynah_jingle; /* a session */

/* What is said in a session (XEP-0166, 7.2). */
enum mynah_jingle_action {
    MYNAH_CONTENT_ACCEPT,
    MYNAH_CONTENT_ADD,
    MYNAH_CONTENT_MODIFY,
    MYNAH_CONTENT_REJECT,
    MYNAH_CONTENT_REMOVE,
    MYNAH_DESCRIPTION_INFO,
    MYNAH_SECURITY_INFO,
    MYNAH_SESSION_ACCEPT,
    MYNAH_SESSION_INFO,
    MYNAH_SESSION_INITIATE,
    MYNAH_SESSION_TERMINATE,
    MYNAH_TRANSPORT_ACCEPT,
    MYNAH_TRANSPORT_INFO,
    MYNAH_TRANSPORT_REJECT,
    MYNAH_TRANSPORT_REPLACE
};
/* Offered; accepted; over. */
enum mynah_jingle_state { MYNAH_JINGLE_PENDING, MYNAH_JINGLE_ACTIVE, MYNAH_JINGLE_ENDED };
/* Who began it, and who was asked. */
enum mynah_jingle_side { MYNAH_INITIATOR, MYNAH_RESPONDER };
/* Who of both sends what a content is about. */
enum mynah_jingle_senders {
    MYNAH_SENDERS_UNSAID, /* of what came; to be built: both */
    MYNAH_SENDERS_BOTH,
    MYNAH_SENDERS_INITIATOR,
    MYNAH_SENDERS_NONE,
    MYNAH_SENDERS_RESPONDER
};
/* Why (XEP-0166, 7.4). */
enum mynah_jingle_reason {
    MYNAH_REASON_NONE,
    MYNAH_REASON_ALTERNATIVE_SESSION,
    MYNAH_REASON_BUSY,
    MYNAH_REASON_CANCEL,
    MYNAH_REASON_CONNECTIVITY_ERROR,
    MYNAH_REASON_DECLINE,
    MYNAH_REASON_EXPIRED,
    MYNAH_REASON_FAILED_APPLICATION,
    MYNAH_REASON_FAILED_TRANSPORT,
    MYNAH_REASON_GENERAL_ERROR,
    MYNAH_REASON_GONE,
    MYNAH_REASON_INCOMPATIBLE_PARAMETERS,
    MYNAH_REASON_MEDIA_ERROR,
    MYNAH_REASON_SECURITY_ERROR,
    MYNAH_REASON_SUCCESS,
    MYNAH_REASON_TIMEOUT,
    MYNAH_REASON_UNSUPPORTED_APPLICATIONS,
    MYNAH_REASON_UNSUPPORTED_TRANSPORTS
};

/* One content: what is exchanged, and how. Elements are copied when it is sent, lent when it came.
 */
struct mynah_content {
    size_t size;
    const char *name;
    enum mynah_jingle_side creator;
    enum mynah_jingle_senders senders;
    const char *disposition;                                     /* NULL: "session" */
    const struct mynah_elem *description, *transport, *security; /* or NULL */
};

/* Something that the other side does. Lent. */
struct mynah_jingle_event {
    enum mynah_jingle_action action;
    const struct mynah_content *contents;
    size_t count;
    enum mynah_jingle_reason reason; /* any action may have one */
    const char *text;                /* for people, or NULL */
    const char *alternative;         /* the session of MYNAH_REASON_ALTERNATIVE_SESSION, or NULL */
    const struct mynah_elem *info;   /* what stands beside contents and reason: <ringing/>, ... */
    const struct mynah_elem *xml;    /* the <jingle/> */
};

/* What a program wants to hear of a session; each may be NULL. */
struct mynah_jingle_calls {
    size_t size;
    /* The session or its contents change; already acknowledged. */
    void (*came)(void *arg, struct mynah_jingle *s, const struct mynah_jingle_event *e);
    /* One of the -info actions; false: not understood, which the other side is told. */
    bool (*info)(void *arg, struct mynah_jingle *s, const struct mynah_jingle_event *e);
    /* The last call, for sessions that the program does not end itself; the handle goes with it.
     * `reason`: what the other side says; `error`: instead, why it cannot go on, else NULL. */
    void (*ended)(void *arg, struct mynah_jingle *s, enum mynah_jingle_reason reason,
                  const char *text, const struct mynah_error *error);
};

/* Offers a session to a full address. MYNAH_E_ARGUMENT: no full address, no content, one without
 * name, description or transport, or too many (16); MYNAH_E_STATE: not online. An error that comes
 * is told by `ended`: "conflict" too, when the other side's own offer goes before (tie-break). */
MYNAH_API int mynah_jingle_start(struct mynah_client *c, const char *to,
                                 const struct mynah_content *contents, size_t count,
                                 const struct mynah_jingle_calls *calls, void *arg,
                                 struct mynah_jingle **out) MYNAH_MUST_CHECK;

/* Offers of others with a description of that namespace. Inside, the program takes the session or
 * ends it; one that it leaves is declined. What nobody serves ends as "unsupported-applications".
 * Jingle is announced while something is served; features of applications and transports are the
 * program's to announce (mynah_disco_feature). NULL takes it out. */
typedef void mynah_jingle_offered(void *arg, struct mynah_client *c, struct mynah_jingle *s,
                                  const struct mynah_jingle_event *e);
MYNAH_API void mynah_jingle_serve(struct mynah_client *c, const char *description_ns,
                                  mynah_jingle_offered *offered, void *arg);
/* Inside the offer: from now on the session is the program's, and told by `calls`. */
MYNAH_API void mynah_jingle_take(struct mynah_jingle *s, const struct mynah_jingle_calls *calls,
                                 void *arg);
/* Who may not see our presence is answered as if nobody were here, unless this is true. */
MYNAH_API void mynah_jingle_strangers(struct mynah_client *c, bool welcome);

/* Offers are answered by where else to go: "xmpp:voicemail@example.org" (XEP-0166, 6.3.2); copied.
 * NULL: they are taken again. Who is sent elsewhere hears of "redirect" by `ended`; nobody follows
 * by itself.
 */
MYNAH_API void mynah_jingle_redirect(struct mynah_client *c, const char *uri);

/* Everything but the first and the last word. *info (may be NULL, or hold NULL) is taken and stands
 * beside the contents. MYNAH_E_STATE: it is not the time for that, or not for us to say;
 * MYNAH_E_ARGUMENT: such a content is not there, or is already, or lacks what the action needs.
 * `done` may be NULL. A session whose other side says that it is not there ends. */
MYNAH_API int mynah_jingle_send(struct mynah_jingle *s, enum mynah_jingle_action action,
                                const struct mynah_content *contents, size_t count,
                                struct mynah_elem **info, mynah_iq_done *done, void *arg);
/* Ends it; the handle goes, no call comes any more. `text` may be NULL. Accepts NULL. */
MYNAH_API void mynah_jingle_end(struct mynah_jingle *s, enum mynah_jingle_reason reason,
                                const char *text);

/* What it is; texts are lent with the session. */
MYNAH_API struct mynah_client *mynah_jingle_client(const struct mynah_jingle *s);
MYNAH_API enum mynah_jingle_state mynah_jingle_state(const struct mynah_jingle *s);
MYNAH_API enum mynah_jingle_side mynah_jingle_side(const struct mynah_jingle *s); /* ours */
MYNAH_API const char *mynah_jingle_peer(const struct mynah_jingle *s);            /* full */
MYNAH_API const char *mynah_jingle_sid(const struct mynah_jingle *s);
/* The contents that are agreed on or offered, with their directions of now and what they were
 * offered with; false: not so many. Lent until the session changes. */
MYNAH_API bool mynah_jingle_content(const struct mynah_jingle *s, size_t i,
                                    struct mynah_content *out);
/* "unsupported-transports" and the like; "" of MYNAH_REASON_NONE. Static. */
MYNAH_API const char *mynah_jingle_reason_name(enum mynah_jingle_reason reason);

MYNAH_END

/* What rides in messages and presence: small elements, each with a function that adds and one that
 * reads. Readers return NULL, 0 or false where there is none; what they lend lives as long as the
 * stanza. Of lists they know the first 1000 entries. */
#pragma once

#include "mynah/elem.h"

MYNAH_BEGIN

/* Chat states (XEP-0085). */
enum mynah_chat_state {
    MYNAH_NO_STATE,
    MYNAH_ACTIVE,
    MYNAH_COMPOSING,
    MYNAH_PAUSED,
    MYNAH_INACTIVE,
    MYNAH_GONE
};
/* What the sender is doing. */
MYNAH_API void mynah_chat_state_add(struct mynah_elem *m, enum mynah_chat_state state);
MYNAH_API enum mynah_chat_state mynah_chat_state(const struct mynah_elem *m);

/* Message events (XEP-0022), as old programs send them. Bits; `id` NULL: they are asked for, else
 * they are told of that message. */
enum mynah_event {
    MYNAH_EVENT_OFFLINE = 1,
    MYNAH_EVENT_DELIVERED = 2,
    MYNAH_EVENT_DISPLAYED = 4,
    MYNAH_EVENT_COMPOSING = 8
};
/* Added, and read: true: there is an <x/>; without bits and with an id it takes back "composing".
 */
MYNAH_API void mynah_event_add(struct mynah_elem *m, unsigned events, const char *id);
MYNAH_API bool mynah_event(const struct mynah_elem *m, unsigned *events, const char **id);

/* When it was sent, if not now (XEP-0203, and XEP-0091 when read): ms since 1970; 0: now. `from`:
 * who delayed it; it and `why` may be NULL. */
MYNAH_API void mynah_delay_add(struct mynah_elem *e, int64_t ms, const char *from, const char *why);
MYNAH_API int64_t mynah_delay(const struct mynah_elem *e, const char **from, const char **why);

/* A link (XEP-0066); `desc` may be NULL. */
MYNAH_API void mynah_oob_add(struct mynah_elem *e, const char *url, const char *desc);
MYNAH_API const char *mynah_oob(const struct mynah_elem *e, const char **desc);

/* How somebody calls himself (XEP-0172): in requests for subscription and first messages. */
MYNAH_API void mynah_nick_add(struct mynah_elem *e, const char *nick);
MYNAH_API const char *mynah_nick(const struct mynah_elem *e);

/* A wish for attention (XEP-0224); not in what was delayed. */
MYNAH_API void mynah_attention_add(struct mynah_elem *m);
MYNAH_API bool mynah_attention(const struct mynah_elem *m);

/* OpenPGP of old (XEP-0027): armor without its lines around; what it means is the program's. */
MYNAH_API void mynah_signed_add(struct mynah_elem *e, const char *armor);
MYNAH_API const char *mynah_signed(const struct mynah_elem *e);
MYNAH_API void mynah_encrypted_add(struct mynah_elem *m, const char *armor);
MYNAH_API const char *mynah_encrypted(const struct mynah_elem *m);

/* A stanza inside another (XEP-0297), with the time it was sent, or 0. */
MYNAH_API void mynah_forward_add(struct mynah_elem *e, const struct mynah_elem *stanza, int64_t ms);
MYNAH_API const struct mynah_elem *mynah_forwarded(const struct mynah_elem *e, int64_t *ms);

/* Headers by name (XEP-0131): one more, and the value of the first of that name, or NULL. */
MYNAH_API void mynah_header_add(struct mynah_elem *e, const char *name, const char *value);
MYNAH_API const char *mynah_header(const struct mynah_elem *e, const char *name);
/* All in turn; false: not so many. */
MYNAH_API bool mynah_header_at(const struct mynah_elem *e, size_t i, const char **name,
                               const char **value);

/* What servers should do with a message (XEP-0079). Conditions are "deliver" ("direct", "forward",
 * "gateway", "none", "stored"), "expire-at" (a time in UTC, XEP-0082) and "match-resource" ("any",
 * "exact", "other"); actions "alert" (it is dropped, and we are told), "drop", "error" and "notify"
 * (it goes on, and we are told). What a server can it says in disco#info, node and feature
 * "http://jabber.org/protocol/amp". */
struct mynah_rule {
    const char *condition, *action, *value;
};
/* One more rule, and those that are there in turn. False: not so many. `status`: "alert", "notify"
 * or "error" in what a server tells, else NULL; may be NULL. */
MYNAH_API void mynah_rule_add(struct mynah_elem *m, const struct mynah_rule *rule);
MYNAH_API bool mynah_rule_at(const struct mynah_elem *m, size_t i, struct mynah_rule *rule,
                             const char **status);
/* The rules are for every server on the way, not only for the first and the last: said of a message
 * with rules, and read. */
MYNAH_API void mynah_rules_per_hop(struct mynah_elem *m);
MYNAH_API bool mynah_rules_are_per_hop(const struct mynah_elem *m);
/* A server tells of a message of ours whose rules (mynah_rule_at) were met. It has the id of that;
 * one with "error" is of MYNAH_MESSAGE_ERROR. */
struct mynah_rules_met {
    const char *status;    /* "alert", "notify", "error" */
    const char *from, *to; /* of that message; or NULL */
};
/* False: it tells of none. */
MYNAH_API bool mynah_rules_met(const struct mynah_elem *m, struct mynah_rules_met *out);
/* The rules for which a message was refused, in turn; false: not so many. `special` of the error
 * says why: "failed-rules" (they were met, and their action is "error"), "unsupported-actions",
 * "unsupported-conditions", "invalid-rules". */
MYNAH_API bool mynah_rule_refused(const struct mynah_error *error, size_t i,
                                  struct mynah_rule *rule);

/* Contacts for somebody else's roster (XEP-0144); to be taken over after asking only. */
struct mynah_suggestion {
    const char *action; /* "add", "delete", "modify" */
    const char *jid, *name;
    const struct mynah_elem *item; /* its <group/>s are children */
};
/* One more, and those that are there in turn; false: not so many. */
MYNAH_API void mynah_suggestion_add(struct mynah_elem *m, const char *action, const char *jid,
                                    const char *name, const char *const *groups,
                                    size_t group_count);
MYNAH_API bool mynah_suggestion_at(const struct mynah_elem *m, size_t i,
                                   struct mynah_suggestion *s);

/* Hints for servers and archives (XEP-0334): "no-store", "no-copy", "store", "no-permanent-store";
 * whether one is there. */
MYNAH_API void mynah_hint_add(struct mynah_elem *m, const char *hint);
MYNAH_API bool mynah_hint(const struct mynah_elem *m, const char *hint);

/* This message stands in the place of an earlier one of the same sender (XEP-0308). */
MYNAH_API void mynah_correct_add(struct mynah_elem *m, const char *id);
MYNAH_API const char *mynah_corrects(const struct mynah_elem *m);

/* Formatted text (XEP-0071). Added: the children of *body (taken) below an XHTML <body/>. Read:
 * only elements, attributes and styles of the profile, links of http, https, mailto, xmpp and ftp;
 * the rest is left out, its text kept. The program's own; NULL: there is none. */
MYNAH_API void mynah_xhtml_add(struct mynah_elem *m, struct mynah_elem **body);
MYNAH_API struct mynah_elem *mynah_xhtml(const struct mynah_elem *m);

MYNAH_END

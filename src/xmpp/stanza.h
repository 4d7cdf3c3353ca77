/* Stanzas (RFC 6120, 8) as values: an envelope and a payload. Parsed or sealed, a stanza is const
 * and may be shared by any number of holders on any thread. A new envelope over the same payload
 * costs a small arena and no copy. */
#pragma once

#include <stdatomic.h>

#include "xmpp/error.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

enum mn_kind { MN_MESSAGE, MN_PRESENCE, MN_IQ };

enum mn_type {
    MN_TYPE_NONE, /* no type attribute: message normal, presence available */
    MN_TYPE_ERROR,
    MN_TYPE_NORMAL, /* messages */
    MN_TYPE_CHAT,
    MN_TYPE_GROUPCHAT,
    MN_TYPE_HEADLINE,
    MN_TYPE_UNAVAILABLE, /* presence */
    MN_TYPE_SUBSCRIBE,
    MN_TYPE_SUBSCRIBED,
    MN_TYPE_UNSUBSCRIBE,
    MN_TYPE_UNSUBSCRIBED,
    MN_TYPE_PROBE,
    MN_TYPE_GET, /* iq */
    MN_TYPE_SET,
    MN_TYPE_RESULT,
    MN_TYPE_BAD, /* none that the kind knows */
};

struct mn_stanza {
    atomic_uint refs;
    uint8_t kind, type;     /* enum mn_kind, enum mn_type */
    bool delayed;           /* `added` holds a delay */
    struct mn_jid from, to; /* none: absent */
    mn_str id, lang;        /* {NULL, 0}: absent */
    const struct mn_elem
        *elem; /* the payload as the children of this element; NULL when made from bytes alone */
    mn_str payload;         /* the same as bytes, in the context of jabber:client */
    mn_str attrs;           /* attributes that are none of the five, as bytes (RFC 6120 8.4) */
    mn_str added;           /* bytes behind the payload that this envelope adds */
    struct mn_stanza *base; /* whose payload this is; NULL: its own */
    struct mn_arena arena;  /* where all of it lives, the struct too */
};

/* From a parsed top-level element; takes over *arena (which holds the item), also on failure.
 * MN_E_NOT_FOUND: no stanza (other name or not in `content`, the stream's default namespace);
 * MN_E_FORMAT: `to` or `from` is no address: then *out is there for an error reply, with that
 * address absent. `from` is the peer's word: whoever receives it settles it by mn_stanza_stamp
 * before the stanza is shared. */
int mn_stanza_parse(const struct mn_xml_item *item, struct mn_arena *arena, enum mn_ns content,
                    struct mn_stanza **out) MN_MUST_CHECK;
/* A new one; `pool` NULL: the loop's of this thread. Fill the fields, hang children below
 * mn_stanza_body, then seal. */
struct mn_stanza *mn_stanza_new(enum mn_kind kind, enum mn_type type);
struct mn_elem *
mn_stanza_body(struct mn_stanza *st);      /* the element whose children are the payload */
void mn_stanza_seal(struct mn_stanza *st); /* payload := what hangs below the body */
/* A new envelope (kind, type, from, to, id, lang copied, to be changed) over the same payload. */
struct mn_stanza *mn_stanza_wrap(struct mn_stanza *base);
/* The bare reply: from and to swapped, same id, no payload. */
struct mn_stanza *mn_stanza_reply(const struct mn_stanza *st, enum mn_type type);
/* The error reply of RFC 6120 8.3; `text` may be empty. */
struct mn_stanza *mn_stanza_error(const struct mn_stanza *st, enum mn_cond cond, mn_str text);
struct mn_stanza *mn_stanza_ref(struct mn_stanza *st);
void mn_stanza_unref(struct mn_stanza *st); /* accepts NULL; on any loop's thread or none */
/* Somebody holds it beside the caller. */
static inline bool mn_stanza_shared(const struct mn_stanza *st)
{
    return atomic_load_explicit(&st->refs, memory_order_acquire) > 1;
}
/* Before it is shared only. The address is copied. */
void mn_stanza_from(struct mn_stanza *st, const struct mn_jid *from);
void mn_stanza_to(struct mn_stanza *st, const struct mn_jid *to);

/* Before it is shared only: takes children for which `goes` says so out of the payload. Costs
 * nothing else when there is none. */
void mn_stanza_drop(struct mn_stanza *st, bool (*goes)(const void *arg, const struct mn_elem *e),
                    const void *arg);

/* A message that holds nothing but a chat state (XEP-0085), beside what says how to treat it. */
bool mn_stanza_is_state(const struct mn_stanza *st);

mn_str mn_type_name(enum mn_type t);
mn_str mn_kind_name(enum mn_kind k);
/* The payload's first child element, for IQs the request. */
const struct mn_elem *mn_stanza_child(const struct mn_stanza *st);
/* Bytes for the wire of a jabber:client or jabber:server stream; `to` overrules the envelope's when
 * not NULL. */
void mn_stanza_write(struct mn_buf *b, const struct mn_stanza *st, const struct mn_jid *to);
/* Adds to an envelope of one's own, behind the payload. */
void mn_stanza_add(struct mn_stanza *st, const struct mn_elem *e);
/* Adds a delay (XEP-0203) to an envelope of one's own, unless `by` has said of it already when it
 * was delayed. */
void mn_stanza_delay(struct mn_stanza *st, mn_str by, int64_t wall_ms);
/* A stanza back from stored bytes (written by mn_stanza_write). */
int mn_stanza_load(mn_str bytes, struct mn_stanza **out) MN_MUST_CHECK;

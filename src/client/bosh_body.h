/* The wrapper of BOSH (XEP-0124, XEP-0206): what a <body/> says beside the elements that it
 * carries, each way; and the keys of those over plain http. */
#pragma once

#include "base/buf.h"
#include "xmpp/elem.h"

/* What a connection manager says. Times in ms; those of a creation are there with `sid` only. */
struct bosh_answer {
    const struct mn_elem *body;
    mn_str sid;
    uint64_t requests;                 /* at most so many at once */
    int64_t wait, polling, inactivity; /* 0: none is named */
    bool polls;                        /* it holds no request */
    bool legacy;                       /* it says what is wrong by codes of HTTP */
    bool has_version;                  /* of XMPP: features come, if not here then later */
    bool acks;                         /* the absence of `ack` means something */
    uint64_t ack, report;              /* 0: none */
    int64_t time;
    bool terminates, repeat; /* type='terminate'; type='error' */
    mn_str condition;        /* {NULL, 0}: none */
};
/* The tree is in `a`. MN_E_XML and others of mn_xml_parse; MN_E_FORMAT: it is no <body/>. */
int bosh_answer_parse(mn_str text, struct mn_arena *a, struct bosh_answer *out) MN_MUST_CHECK;

/* An element that was written for a stream, whose default namespace is jabber:client, as one of a
 * body's. */
void bosh_payload_add(struct mn_buf *b, mn_str bytes);
void bosh_attr(struct mn_buf *b, const char *name, mn_str value); /* nothing when it is empty */
void bosh_number(struct mn_buf *b, const char *name, uint64_t value);

/* Key sequences (XEP-0124, 15): each request shows what hashes to the key of the one before. */
struct bosh_keys {
    unsigned left;
    unsigned char keys[256][20];
};
/* The attributes of the next request; the first one (or behind the last of a sequence) announces a
 * new sequence. */
void bosh_keys_add(struct bosh_keys *k, bool first, struct mn_buf *b);

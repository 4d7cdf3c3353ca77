/* Messages of multicast DNS (RFC 6762, over RFC 1035): names, questions, records. Names are kept as
 * they stand on the wire, without compression and in one piece: labels behind their lengths, up to
 * the empty one. Lengths lie below all letters, so mn_str_eq_nocase compares names. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum {
    MN_RR_A = 1,
    MN_RR_NULL = 10,
    MN_RR_PTR = 12,
    MN_RR_TXT = 16,
    MN_RR_AAAA = 28,
    MN_RR_SRV = 33,
    MN_RR_NSEC = 47,
    MN_RR_ANY = 255
};
enum { MN_MDNS_LABEL = 63, MN_MDNS_NAME = 255, MN_MDNS_PACKET = 9000 };

struct mn_mdns_question {
    mn_str name;
    uint16_t type;
    bool unicast; /* may be answered to the asker alone */
};
struct mn_mdns_record {
    mn_str name;
    uint16_t type;
    bool flush; /* it is alone, or with its like in this message: older ones go */
    uint32_t ttl;
    mn_str data; /* names inside (PTR, SRV) without compression */
};

/* One that came. Records of other classes than IN are left out. */
struct mn_mdns_msg {
    uint16_t id;
    bool response, truncated;
    const struct mn_mdns_question *questions;
    const struct mn_mdns_record *records; /* answers, then authorities, then additional ones */
    size_t question_count, answers, authorities, record_count;
};
/* MN_E_FORMAT, MN_E_LIMIT (more than 500 records); `packet` is lent as long as the arena. */
int mn_mdns_parse(mn_str packet, struct mn_arena *a, struct mn_mdns_msg *out) MN_MUST_CHECK;

/* One that is built. */
struct mn_mdns_out {
    struct mn_buf b;
    uint16_t names[64]; /* where labels begin, for compression */
    size_t name_count;
};
void mn_mdns_begin(struct mn_mdns_out *o, uint16_t id, bool response);
void mn_mdns_ask(struct mn_mdns_out *o, mn_str name, uint16_t type, bool unicast);
/* In this order: answers (or known answers), authorities, additional ones. */
enum mn_mdns_part { MN_MDNS_ANSWER, MN_MDNS_AUTHORITY, MN_MDNS_MORE };
void mn_mdns_add(struct mn_mdns_out *o, enum mn_mdns_part part, const struct mn_mdns_record *r);
void mn_mdns_truncated(struct mn_mdns_out *o); /* known answers go on in the next one */
bool mn_mdns_empty(const struct mn_mdns_out *o);

/* Appends labels; the name ends with mn_mdns_root. */
void mn_mdns_label(struct mn_buf *b, mn_str label);
static inline void mn_mdns_root(struct mn_buf *b)
{
    mn_buf_c(b, 0);
}
/* The first label, and the name behind it. */
mn_str mn_mdns_first(mn_str name, mn_str *rest);

/* TXT data (RFC 6763, 6): the value of the first string with that key, in any case; {NULL, 0} when
 * there is none. A value that is too long for its string is cut between two characters. */
mn_str mn_mdns_txt_get(mn_str txt, const char *key);
void mn_mdns_txt_add(struct mn_buf *b, const char *key, mn_str value);

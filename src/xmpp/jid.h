/* Addresses (RFC 7622 names, prepared by the profiles of RFC 6122 for routing: nodeprep, IDNA host,
 * resourceprep). A JID is a value: one piece of canonical text and the lengths of its parts, so
 * that the bare JID is a slice of it. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct mn_jid {
    const char *p;                 /* canonical text: user@host/resource; NULL: no address */
    uint16_t user, host, resource; /* lengths; 0 for user and resource: absent */
};

enum { MN_JID_PART_MAX = 1023, MN_JID_MAX = 3 * MN_JID_PART_MAX + 2 };

/* MN_E_FORMAT when it is none. The text lies in `a`, or is `text` itself where that is canonical
 * already. */
int mn_jid_parse(mn_str text, struct mn_arena *a, struct mn_jid *out) MN_MUST_CHECK;
/* Parts as they come from a peer (user, resource may be {NULL,0}); each is prepared. */
int mn_jid_make(mn_str user, mn_str host, mn_str resource, struct mn_arena *a,
                struct mn_jid *out) MN_MUST_CHECK;
/* What may be created here (accounts): stable under RFC 7622 too (UsernameCaseMapped, see the
 * header of jid.c). `user` is the text as asked for; MN_E_FORMAT when it may not, else the prepared
 * form in `out`. */
int mn_jid_may_create(mn_str user, struct mn_arena *a, mn_str *out) MN_MUST_CHECK;
/* resourceprep / host alone. */
int mn_jid_resource_prep(mn_str resource, struct mn_arena *a, mn_str *out) MN_MUST_CHECK;
int mn_jid_host_prep(mn_str host, struct mn_arena *a, mn_str *out) MN_MUST_CHECK;
/* A-labels for DNS and SNI, or MN_E_FORMAT. */
int mn_jid_host_ascii(mn_str host, struct mn_arena *a, mn_str *out) MN_MUST_CHECK;
/* XEP-0106. escape: any text to a localpart's text; unescape: for display. */
mn_str mn_jid_escape(mn_str text, struct mn_arena *a);
mn_str mn_jid_unescape(mn_str user, struct mn_arena *a);

static inline bool mn_jid_none(const struct mn_jid *j)
{
    return !j->p;
}
static inline mn_str mn_jid_user(const struct mn_jid *j)
{
    return (mn_str){j->p, j->user};
}
static inline mn_str mn_jid_host(const struct mn_jid *j)
{
    return (mn_str){j->p + (j->user ? j->user + 1 : 0), j->host};
}
static inline mn_str mn_jid_bare(const struct mn_jid *j)
{
    return (mn_str){j->p, (j->user ? j->user + 1u : 0u) + j->host};
}
static inline mn_str mn_jid_resource(const struct mn_jid *j)
{
    return (mn_str){j->p + (j->user ? j->user + 1 : 0) + j->host + 1, j->resource};
}
static inline mn_str mn_jid_text(const struct mn_jid *j)
{
    return (mn_str){j->p, (j->user ? j->user + 1u : 0u) + j->host +
                              (j->resource ? j->resource + 1u : 0u)};
}
static inline struct mn_jid mn_jid_to_bare(const struct mn_jid *j)
{
    return (struct mn_jid){j->p, j->user, j->host, 0};
}
static inline bool mn_jid_eq(const struct mn_jid *a, const struct mn_jid *b)
{
    return mn_str_eq(mn_jid_text(a), mn_jid_text(b));
}
struct mn_jid mn_jid_copy(const struct mn_jid *j, struct mn_arena *a);

/* IQs addressed to us (RFC 6120, 8.2.3): one look-up by type, namespace and element name, one
 * function, one answer. */
#pragma once

#include "server/router.h"

struct c2s;

enum iq_at {
    AT_HOST = 1,   /* the server's own address */
    AT_USER = 2,   /* an account's bare address: its own sessions and others (see iq_is_self) */
    AT_STREAM = 4, /* on a stream without a bound resource */
    AT_TOLD = 8, /* beside AT_USER: a refusal is told as what it is, by the specification's MUST */
};

struct iq {
    struct mn_stanza *st; /* the request, a reference */
    const struct mn_elem *child;
    struct owner *owner;
    const struct host *host;
    struct user *user;   /* AT_USER: the account asked, loaded and existing */
    struct session *via; /* the asking session when it is one of this owner's and asks its own
                            account or host; a reference once held */
    struct c2s *stream;  /* AT_STREAM */
    uint32_t seq;        /* at its session */
    struct ticket *ticket;
    bool held;
};

typedef enum mn_cond iq_fn(struct iq *iq);

struct iq_row {
    enum mn_type type; /* MN_TYPE_GET, MN_TYPE_SET */
    enum mn_ns ns;
    const char *name;
    unsigned at; /* enum iq_at bits */
    iq_fn *fn;
};

/* RFC 6120 8.2.3: an id, one child for get and set, at most one for result. */
bool iq_ok(const struct mn_stanza *st);
/* Finds the row and runs it; an error answer where there is none. `iq` is on the caller's stack,
 * its st a reference that is taken over. */
void iq_dispatch(struct iq *iq, enum iq_at at);
/* Would a request be heard there at all? */
bool iq_hears(const struct mn_elem *child, enum mn_type type, enum iq_at at);
/* The asker is the account itself (any of its sessions). */
bool iq_is_self(const struct iq *iq);
/* An answer's payload is built here, in the answer's own arena: begin, add children to the element,
 * end. */
struct mn_stanza *iq_answer(struct iq *iq);
/* Sends it (NULL: an empty result); returns MN_COND_NONE for `return iq_result(...)`. */
enum mn_cond iq_result(struct iq *iq, struct mn_stanza *answer);
/* The same with a payload as bytes. */
enum mn_cond iq_result_bytes(struct iq *iq, mn_str payload);
/* For answers that come later: a copy on the heap, then `return MN_COND_LATER`. */
struct iq *iq_hold(struct iq *iq);
/* Answers a held one with what a handler would have returned, and frees it. */
void iq_finish(struct iq *iq, enum mn_cond cond);
/* The rows of all modules that are on, at start. */
void iq_table_build(void);

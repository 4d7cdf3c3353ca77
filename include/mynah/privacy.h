/* Privacy lists (XEP-0016): rules of the server's about what may come and go. Blocking (XEP-0191,
 * mynah/blocking.h) does for most; programs should use one of the two. */
#pragma once

#include "mynah/iq.h"

MYNAH_BEGIN

/* Whom a rule is about. */
enum mynah_privacy_type {
    MYNAH_PRIVACY_ALL, /* everybody; `value` NULL */
    MYNAH_PRIVACY_JID,
    MYNAH_PRIVACY_GROUP,       /* of the roster */
    MYNAH_PRIVACY_SUBSCRIPTION /* "both", "to", "from", "none" */
};
/* What a rule is about, joined; 0: all that comes and goes. */
enum {
    MYNAH_PRIVACY_MESSAGE = 1 << 0,
    MYNAH_PRIVACY_IQ = 1 << 1,
    MYNAH_PRIVACY_PRESENCE_IN = 1 << 2,
    MYNAH_PRIVACY_PRESENCE_OUT = 1 << 3
};
/* The first rule that fits, by rising `order`, decides; no two may have the same. Without one: yes.
 */
struct mynah_privacy_item {
    enum mynah_privacy_type type;
    const char *value;
    bool allow;
    uint32_t order;
    unsigned stanzas;
};

/* `standard`: what holds for sessions that did not choose; `active`: this session's choice. NULL:
 * none. */
struct mynah_privacy_lists {
    const char *active, *standard;
    const char *const *names;
    size_t count;
};
/* Which lists there are. */
typedef void mynah_privacy_lists_done(void *arg, struct mynah_client *c,
                                      const struct mynah_privacy_lists *lists,
                                      const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_privacy_lists(struct mynah_client *c,
                                                    mynah_privacy_lists_done *done, void *arg);
/* As the server has them, in no order. MYNAH_E_FORMAT also when one of the rules is none: a list
 * without it would mean something else. */
typedef void mynah_privacy_done(void *arg, struct mynah_client *c,
                                const struct mynah_privacy_item *items, size_t count,
                                const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_privacy_get(struct mynah_client *c, const char *name,
                                                  mynah_privacy_done *done, void *arg);

/* Below, `done` may be NULL; MYNAH_E_ARGUMENT is told inside the call, and NULL returned: no name,
 * no rules. */
/* Makes or replaces a list as a whole; takes one away. */
MYNAH_API struct mynah_request *mynah_privacy_set(struct mynah_client *c, const char *name,
                                                  const struct mynah_privacy_item *items,
                                                  size_t count, mynah_iq_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_privacy_remove(struct mynah_client *c, const char *name,
                                                     mynah_iq_done *done, void *arg);
/* For this session; `name` NULL: none. */
MYNAH_API struct mynah_request *mynah_privacy_activate(struct mynah_client *c, const char *name,
                                                       mynah_iq_done *done, void *arg);
/* For all sessions that do not choose; `name` NULL: none. */
MYNAH_API struct mynah_request *mynah_privacy_standard(struct mynah_client *c, const char *name,
                                                       mynah_iq_done *done, void *arg);

/* Changes of lists, by whoever it was. */
struct mynah_privacy_calls {
    size_t size;
    /* Some program of the account changed that list, or took it away. */
    void (*changed)(void *arg, struct mynah_client *c, const char *name);
};
/* Hears of them. */
MYNAH_API struct mynah_listener *
mynah_privacy_listen(struct mynah_client *c, const struct mynah_privacy_calls *calls, void *arg);

MYNAH_END

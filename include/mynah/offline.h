/* Messages that came while nobody was there, looked through and taken one by one (XEP-0013). Count
 * or list them before the first available presence: then the server does not send all at once. */
#pragma once

#include "mynah/iq.h"

MYNAH_BEGIN

/* One message that waits. */
struct mynah_offline {
    const char *node; /* by which it is fetched and removed */
    const char *from; /* who sent it; or NULL */
};
/* How many there are, or which; lent. MYNAH_E_FORMAT: the answer is none. */
typedef void mynah_offline_count_done(void *arg, struct mynah_client *c, size_t count,
                                      const struct mynah_error *error);
typedef void mynah_offline_done(void *arg, struct mynah_client *c, const struct mynah_offline *list,
                                size_t count, const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_offline_count(struct mynah_client *c,
                                                    mynah_offline_count_done *done, void *arg);
/* All, by their nodes, which is the order of time with servers that name them by it. */
MYNAH_API struct mynah_request *mynah_offline_list(struct mynah_client *c, mynah_offline_done *done,
                                                   void *arg);

/* The messages come like all others, before `done`; they stay on the server until they are removed.
 * `done` may be NULL, here and below. No nodes: MYNAH_E_ARGUMENT, told inside the call, and NULL
 * returned. */
MYNAH_API struct mynah_request *mynah_offline_fetch(struct mynah_client *c,
                                                    const char *const *nodes, size_t count,
                                                    mynah_iq_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_offline_fetch_all(struct mynah_client *c, mynah_iq_done *done,
                                                        void *arg);
MYNAH_API struct mynah_request *mynah_offline_remove(struct mynah_client *c,
                                                     const char *const *nodes, size_t count,
                                                     mynah_iq_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_offline_purge(struct mynah_client *c, mynah_iq_done *done,
                                                    void *arg);
/* The node that a message was fetched by; NULL: it was not. A sender can write one too: remove only
 * nodes that mynah_offline_list told. */
MYNAH_API const char *mynah_offline_node(const struct mynah_elem *message);

MYNAH_END

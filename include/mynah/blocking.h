/* Blocking (XEP-0191): from whom nothing comes any more, kept by the server for all programs of the
 * account. An address without user or resource stands for all below it. */
#pragma once

#include "mynah/iq.h"

MYNAH_BEGIN

/* What changed, also by ourselves and by other programs of the account, when the list was asked for
 * in this session: servers tell only those. */
struct mynah_blocking_calls {
    size_t size;
    void (*blocked)(void *arg, struct mynah_client *c, const char *jid);
    void (*unblocked)(void *arg, struct mynah_client *c, const char *jid); /* NULL: everybody */
};
/* Hears of changes. */
MYNAH_API struct mynah_listener *
mynah_blocking_listen(struct mynah_client *c, const struct mynah_blocking_calls *calls, void *arg);

/* The whole list, lent; MYNAH_E_FORMAT: the answer is none. From then on changes are told. */
typedef void mynah_blocking_done(void *arg, struct mynah_client *c, const char *const *jids,
                                 size_t count, const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_blocking_get(struct mynah_client *c,
                                                   mynah_blocking_done *done, void *arg);
/* Change it; the contact is told nothing but that we went. `done` may be NULL. No address:
 * MYNAH_E_ARGUMENT, told inside the call, and NULL returned. */
MYNAH_API struct mynah_request *mynah_block(struct mynah_client *c, const char *jid,
                                            mynah_iq_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_unblock(struct mynah_client *c, const char *jid,
                                              mynah_iq_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_unblock_all(struct mynah_client *c, mynah_iq_done *done,
                                                  void *arg);

MYNAH_END

/* Files by their address (XEP-0066, jabber:iq:oob): told to somebody, who fetches them and says so.
 * Addresses inside messages: mynah_oob in mynah/payload.h. */
#pragma once

#include "mynah/iq.h"

MYNAH_BEGIN

/* `desc` may be NULL. The result comes when all of it was fetched, which may take long;
 * "item-not-found": it could not be, "not-acceptable": it is not wanted. */
MYNAH_API struct mynah_request *mynah_oob_offer(struct mynah_client *c, const char *to,
                                                const char *url, const char *desc,
                                                mynah_iq_done *done, void *arg);
/* What others offer: the program answers `q`, by mynah_ask_result when it has fetched all of it,
 * else by the errors above. `desc` may be NULL; both texts live as long as `q`. NULL takes it out.
 * Announced by disco. */
typedef void mynah_oob_offered(void *arg, struct mynah_client *c, struct mynah_ask *q,
                               const char *url, const char *desc);
MYNAH_API void mynah_oob_serve(struct mynah_client *c, mynah_oob_offered *offered, void *arg);

MYNAH_END

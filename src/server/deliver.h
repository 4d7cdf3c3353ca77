/* The last step: from the recipient's owner to the account's sessions, or what is done without. */
#pragma once

#include "server/route.h"

/* `r->user` is found. */
void deliver(struct route *r);
/* One that was delivered and kept, once more, as if it came now. */
void deliver_again(struct route *r);

/* Between pubsub.c (what is asked of a service) and ext_pubsub.c (what services tell). */
#pragma once

#include "client/client.h"
#include "mynah/pubsub.h"

#define NS_PUBSUB "http://jabber.org/protocol/pubsub"

/* `in`: the element around it, whose node it has when it names none. False: it names nobody. */
bool pubsub_subscription(const struct mynah_elem *e, const struct mynah_elem *in,
                         struct mynah_pubsub_subscription *out);
/* The <item/>s inside; in `a`. */
struct mynah_pubsub_item *pubsub_items(const struct mynah_elem *in, struct mn_arena *a,
                                       size_t *count);

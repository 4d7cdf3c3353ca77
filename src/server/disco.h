/* What disco#info says of a host or an account (XEP-0030): the modules' tables and what their
 * listeners add. */
#pragma once

#include "server/user.h"
#include "xmpp/elem.h"

struct disco {
    struct owner *owner;
    const struct host *host;
    const struct user *user;   /* NULL: the host itself */
    const struct session *via; /* who asks, when it is one of ours; of a node only */
    mn_str node;               /* what was asked for */
    enum mn_cond cond;         /* of a node: why it is not to be known */
    struct mn_arena *a;
    struct mn_elem *query; /* to be filled */
};

/* Identity, features, forms. */
void disco_fill(struct disco *d);
/* A form (XEP-0128) below the query. */
struct mn_elem *disco_form(struct disco *d, const char *type);

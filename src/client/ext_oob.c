/* XEP-0066 Out of Band Data between clients (jabber:iq:oob). */
#include "client/ext.h"

#include "mynah/disco.h"
#include "mynah/oob.h"

#define NS_OOB "jabber:iq:oob"

enum { FETCH_MS = 3600000 }; /* an hour */

struct oob {
    mynah_oob_offered *offered;
    void *arg;
};

struct mynah_request *mynah_oob_offer(struct mynah_client *c, const char *to, const char *url,
                                      const char *desc, mynah_iq_done *done, void *arg)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_OOB);

    mynah_elem_add_text(query, "url", NULL, url);
    mynah_elem_add_text(query, "desc", NULL, desc);
    return mynah_iq_send(c, MYNAH_SET, to, &query, FETCH_MS, done, arg);
}

static void offer_came(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    const struct oob *s = arg;
    const struct mynah_elem *query = mynah_ask_payload(q);
    const char *url = mynah_elem_child_text(query, "url", NS_OOB);

    if (!s->offered)
        mynah_ask_error(&q, "service-unavailable", NULL);
    else if (!url || !*url)
        mynah_ask_error(&q, "bad-request", NULL);
    else
        s->offered(s->arg, c, q, url, mynah_elem_child_text(query, "desc", NS_OOB));
}

void mynah_oob_serve(struct mynah_client *c, mynah_oob_offered *offered, void *arg)
{
    struct oob *s = ext_state(c, &ext_oob);

    *s = (struct oob){offered, arg};
    mynah_disco_feature(c, NS_OOB, offered);
}

static void init(struct mynah_client *c, void *state)
{
    mynah_iq_serve(c, MYNAH_SET, NS_OOB, "query", offer_came, state);
}

const struct ext ext_oob = {.name = "oob", .size = sizeof(struct oob), .init = init};

/* XEP-0191 Blocking Command: requests, and pushes of the own server. */
#include "mynah/blocking.h"

#include "base/err.h"
#include "client/ext.h"

#define NS_BLOCKING "urn:xmpp:blocking"

struct blocking {
    struct mn_list listeners;
};

#define TELL(c, b, member, ...)                                                                    \
    LISTENERS_TELL(&(b)->listeners, struct mynah_blocking_calls, member, c, __VA_ARGS__)

static void told(struct mynah_client *c, struct blocking *b, bool block, const char *jid)
{
    if (block) {
        TELL(c, b, blocked, jid);
    } else {
        TELL(c, b, unblocked, jid);
    }
}

static void pushed(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct blocking *b = arg;
    struct mynah_elem *copy = mynah_elem_copy(mynah_ask_payload(q));
    bool block = mynah_elem_is(copy, "block", NULL), any = false;

    if (!from_self(c, mynah_ask_from(q))) {
        mynah_ask_error(&q, "service-unavailable", NULL);
        mynah_elem_free(copy);
        return;
    }
    mynah_ask_result(&q, NULL);
    MYNAH_EACH(item, copy, "item", NS_BLOCKING)
    {
        any = true;
        if (mynah_elem_get(item, "jid") && !c->freed)
            told(c, b, block, mynah_elem_get(item, "jid"));
    }
    if (!any && !block)
        told(c, b, false, NULL);
    mynah_elem_free(copy);
}

static void init(struct mynah_client *c, void *state)
{
    struct blocking *b = state;

    mn_list_init(&b->listeners);
    mynah_iq_serve(c, MYNAH_SET, NS_BLOCKING, "block", pushed, b);
    mynah_iq_serve(c, MYNAH_SET, NS_BLOCKING, "unblock", pushed, b);
}

static void freed(struct mynah_client *c, void *state)
{
    (void)c;
    listeners_mute(&((struct blocking *)state)->listeners);
}

static void done(struct mynah_client *c, void *state)
{
    struct blocking *b = state;

    (void)c;
    listeners_free(&b->listeners);
}

const struct ext ext_blocking = {.name = "blocking",
                                 .size = sizeof(struct blocking),
                                 .init = init,
                                 .done = done,
                                 .freed = freed};

/* What programs call. */

struct mynah_listener *mynah_blocking_listen(struct mynah_client *c,
                                             const struct mynah_blocking_calls *calls, void *arg)
{
    struct blocking *b = ext_state(c, &ext_blocking);

    return listener_add(c->ctx, &b->listeners, calls, sizeof *calls, arg);
}

struct wanted {
    mynah_blocking_done *done;
    void *arg;
};

static void came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                 const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *list = mynah_elem_child(result, "blocklist", NS_BLOCKING);
    const struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};
    struct mn_arena a = {0};
    const char **jids = elem_room(list, "item", NS_BLOCKING, sizeof *jids, &a);
    size_t n = 0;

    MYNAH_EACH(item, list, "item", NS_BLOCKING)
    if (mynah_elem_get(item, "jid"))
        jids[n++] = mynah_elem_get(item, "jid");
    w->done(w->arg, c, jids, n, list ? NULL : error ? error : &none);
    mn_arena_done(&a, NULL);
    mn_free(w);
}

struct mynah_request *mynah_blocking_get(struct mynah_client *c, mynah_blocking_done *done_,
                                         void *arg)
{
    struct mynah_elem *list = mynah_elem_new("blocklist", NS_BLOCKING);
    struct wanted *w = MN_NEW(struct wanted);

    *w = (struct wanted){done_, arg};
    return mynah_iq_send(c, MYNAH_GET, NULL, &list, 0, came, w);
}

/* An <unblock/> without an address would let in everybody. */
static struct mynah_request *change(struct mynah_client *c, const char *name, const char *jid,
                                    mynah_iq_done *done_, void *arg)
{
    struct mynah_elem *e;

    if (!jid || !*jid)
        return iq_refuse(c, MYNAH_E_ARGUMENT, done_, arg);
    e = mynah_elem_new(name, NS_BLOCKING);
    mynah_elem_set(mynah_elem_add(e, "item", NULL), "jid", jid);
    return mynah_iq_send(c, MYNAH_SET, NULL, &e, 0, done_, arg);
}

struct mynah_request *mynah_block(struct mynah_client *c, const char *jid, mynah_iq_done *done_,
                                  void *arg)
{
    return change(c, "block", jid, done_, arg);
}

struct mynah_request *mynah_unblock(struct mynah_client *c, const char *jid, mynah_iq_done *done_,
                                    void *arg)
{
    return change(c, "unblock", jid, done_, arg);
}

struct mynah_request *mynah_unblock_all(struct mynah_client *c, mynah_iq_done *done_, void *arg)
{
    struct mynah_elem *e = mynah_elem_new("unblock", NS_BLOCKING);

    return mynah_iq_send(c, MYNAH_SET, NULL, &e, 0, done_, arg);
}

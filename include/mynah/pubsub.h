/* Publish and subscribe (XEP-0060), the whole of the client's side; personal eventing (XEP-0163) is
 * the same at an account's own address.
 *
 * `service`: the address that is asked; NULL: the own account. `done` may be NULL. Where a request
 * is refused, `error->condition` says what RFC 6120 has for it and `error->special` what pubsub
 * adds: "closed-node", "precondition-not-met", "subid-required" ...; what is "unsupported" is told
 * by mynah_pubsub_missing. Nodes of a service are listed by mynah_disco_items; what one is, by
 * mynah_disco_info (its form is of type "...pubsub#meta-data"). Lists that a call lends, and the
 * texts in them, end with the call. */
#pragma once

#include "mynah/form.h"
#include "mynah/iq.h"
#include "mynah/page.h"

MYNAH_BEGIN

/* What forms are called (mynah_form_new("submit", ...)); their fields begin with "pubsub#". */
#define MYNAH_PUBSUB_NODE_CONFIG "http://jabber.org/protocol/pubsub#node_config"
#define MYNAH_PUBSUB_SUBSCRIBE_OPTIONS "http://jabber.org/protocol/pubsub#subscribe_options"
#define MYNAH_PUBSUB_PUBLISH_OPTIONS "http://jabber.org/protocol/pubsub#publish-options"
/* A command (mynah/adhoc.h) for owners: the service sends again what waits for an answer (8.7). */
#define MYNAH_PUBSUB_GET_PENDING "http://jabber.org/protocol/pubsub#get-pending"

/* What somebody may with a node (4.1), ordered by how much. */
enum mynah_pubsub_affiliation {
    MYNAH_PUBSUB_OUTCAST = -1,
    MYNAH_PUBSUB_NO_AFFILIATION,
    MYNAH_PUBSUB_MEMBER,
    MYNAH_PUBSUB_PUBLISH_ONLY,
    MYNAH_PUBSUB_PUBLISHER,
    MYNAH_PUBSUB_OWNER
};
/* How far a subscription is (4.2). */
enum mynah_pubsub_state {
    MYNAH_PUBSUB_UNSUBSCRIBED,
    MYNAH_PUBSUB_PENDING,      /* an owner has to allow it */
    MYNAH_PUBSUB_UNCONFIGURED, /* it waits for options */
    MYNAH_PUBSUB_SUBSCRIBED
};

/* A subscription to a node. */
struct mynah_pubsub_subscription {
    const char *node;  /* NULL: the root of the service */
    const char *jid;   /* who is subscribed */
    const char *subid; /* which of several of the same address; or NULL */
    enum mynah_pubsub_state state;
    const char *expiry;           /* as XEP-0082 writes it; or NULL */
    bool has_options;             /* mynah_pubsub_options works */
    bool needs_options;           /* before they are set, nothing comes */
    const struct mynah_elem *xml; /* the <subscription/> */
};
/* What somebody may with a node. */
struct mynah_pubsub_affiliate {
    const char *node; /* may be NULL when lists are changed */
    const char *jid;  /* NULL: oneself */
    enum mynah_pubsub_affiliation affiliation;
};
/* What was published. */
struct mynah_pubsub_item {
    const char *id;                   /* or NULL */
    const char *publisher;            /* as the service says, where it does; else NULL */
    const struct mynah_elem *payload; /* or NULL */
    const struct mynah_elem *xml;     /* the <item/> */
};

/* What is told is NULL, or a list empty, when `error` is not. */
typedef void mynah_pubsub_subscribed(void *arg, struct mynah_client *c,
                                     const struct mynah_pubsub_subscription *s,
                                     const struct mynah_error *error);
typedef void mynah_pubsub_named(void *arg, struct mynah_client *c, const char *name,
                                const struct mynah_error *error);
typedef void mynah_pubsub_form(void *arg, struct mynah_client *c, const struct mynah_form *form,
                               const struct mynah_error *error);
/* A request that changes a list and is refused in part ("not-acceptable") gets both: the error, and
 * those that could not be changed, as they are (8.8.2.4). */
typedef void mynah_pubsub_subscriptions_done(void *arg, struct mynah_client *c,
                                             const struct mynah_pubsub_subscription *list,
                                             size_t count, const struct mynah_error *error);
typedef void mynah_pubsub_affiliates_done(void *arg, struct mynah_client *c,
                                          const struct mynah_pubsub_affiliate *list, size_t count,
                                          const struct mynah_error *error);
/* `page` NULL: the service knows no pages, or left nothing out. */
typedef void mynah_pubsub_items_done(void *arg, struct mynah_client *c,
                                     const struct mynah_pubsub_item *items, size_t count,
                                     const struct mynah_page *page,
                                     const struct mynah_error *error);

/* The feature of XEP-0060 that an "unsupported" error misses: "retrieve-subscriptions"; or NULL. */
MYNAH_API const char *mynah_pubsub_missing(const struct mynah_error *error);

/* Subscribers (6). `jid`: the address that is subscribed; NULL: our bare one. `subid`, `options`
 * may be NULL. That it worked may mean "pending" or "unconfigured": look at `state`. */
MYNAH_API struct mynah_request *mynah_pubsub_subscribe(struct mynah_client *c, const char *service,
                                                       const char *node, const char *jid,
                                                       const struct mynah_form *options,
                                                       mynah_pubsub_subscribed *done, void *arg);
MYNAH_API struct mynah_request *mynah_pubsub_unsubscribe(struct mynah_client *c,
                                                         const char *service, const char *node,
                                                         const char *jid, const char *subid,
                                                         mynah_iq_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_pubsub_options(struct mynah_client *c, const char *service,
                                                     const char *node, const char *jid,
                                                     const char *subid, mynah_pubsub_form *done,
                                                     void *arg);
MYNAH_API struct mynah_request *mynah_pubsub_set_options(struct mynah_client *c,
                                                         const char *service, const char *node,
                                                         const char *jid, const char *subid,
                                                         const struct mynah_form *options,
                                                         mynah_iq_done *done, void *arg);
/* `node` NULL: of all nodes there. */
MYNAH_API struct mynah_request *mynah_pubsub_default_options(struct mynah_client *c,
                                                             const char *service, const char *node,
                                                             mynah_pubsub_form *done, void *arg);
/* Our own (5.6, 5.7); `node` NULL: at the whole service. */
MYNAH_API struct mynah_request *mynah_pubsub_subscriptions(struct mynah_client *c,
                                                           const char *service, const char *node,
                                                           mynah_pubsub_subscriptions_done *done,
                                                           void *arg);
MYNAH_API struct mynah_request *mynah_pubsub_affiliations(struct mynah_client *c,
                                                          const char *service, const char *node,
                                                          mynah_pubsub_affiliates_done *done,
                                                          void *arg);

/* Items of a node (6.5). `wish` NULL: all that the service gives at once. */
struct mynah_pubsub_wish {
    size_t size;
    const char *const *ids; /* these and no others */
    size_t id_count;
    unsigned newest;                    /* only so many, the newest ones; 0: no matter */
    const char *subid;                  /* or NULL */
    const struct mynah_page_wish *page; /* or NULL */
};
/* Asks for them. */
MYNAH_API struct mynah_request *mynah_pubsub_items(struct mynah_client *c, const char *service,
                                                   const char *node,
                                                   const struct mynah_pubsub_wish *wish,
                                                   mynah_pubsub_items_done *done, void *arg);

/* Publishers (7). `id` NULL: the service makes one; an item that has it already is replaced.
 * `payload` (taken) may be NULL or hold NULL: with an id an empty item, without one none at all.
 * `options` NULL, or what the node has to be like. `done` gets the id, NULL when the service does
 * not tell it or there is no item. */
MYNAH_API struct mynah_request *mynah_pubsub_publish(struct mynah_client *c, const char *service,
                                                     const char *node, const char *id,
                                                     struct mynah_elem **payload,
                                                     const struct mynah_form *options,
                                                     mynah_pubsub_named *done, void *arg);
/* `notify`: subscribers are told in any case. */
MYNAH_API struct mynah_request *mynah_pubsub_retract(struct mynah_client *c, const char *service,
                                                     const char *node, const char *id, bool notify,
                                                     mynah_iq_done *done, void *arg);

/* Owners (8). `node` NULL: the service makes a name; `done` gets the name in any case. `config`
 * NULL: as the service has it by default. */
MYNAH_API struct mynah_request *mynah_pubsub_create(struct mynah_client *c, const char *service,
                                                    const char *node,
                                                    const struct mynah_form *config,
                                                    mynah_pubsub_named *done, void *arg);
/* The form of a node as it is, and a filled one (8.2). */
MYNAH_API struct mynah_request *mynah_pubsub_config(struct mynah_client *c, const char *service,
                                                    const char *node, mynah_pubsub_form *done,
                                                    void *arg);
MYNAH_API struct mynah_request *mynah_pubsub_configure(struct mynah_client *c, const char *service,
                                                       const char *node,
                                                       const struct mynah_form *filled,
                                                       mynah_iq_done *done, void *arg);
/* `type` NULL: of a leaf; "collection". */
MYNAH_API struct mynah_request *mynah_pubsub_default_config(struct mynah_client *c,
                                                            const char *service, const char *type,
                                                            mynah_pubsub_form *done, void *arg);
/* `redirect`: a URI where to go instead, or NULL. */
MYNAH_API struct mynah_request *mynah_pubsub_delete(struct mynah_client *c, const char *service,
                                                    const char *node, const char *redirect,
                                                    mynah_iq_done *done, void *arg);
/* Takes all items out (8.5). */
MYNAH_API struct mynah_request *mynah_pubsub_purge(struct mynah_client *c, const char *service,
                                                   const char *node, mynah_iq_done *done,
                                                   void *arg);
/* A subscription as an owner sets it; `subid` may be NULL. */
struct mynah_pubsub_subscriber {
    const char *jid, *subid;
    enum mynah_pubsub_state state;
};
/* Lists of a node (8.8, 8.9). Only what changes is set; `node` of an affiliate may be NULL. */
MYNAH_API struct mynah_request *mynah_pubsub_subscribers(struct mynah_client *c,
                                                         const char *service, const char *node,
                                                         mynah_pubsub_subscriptions_done *done,
                                                         void *arg);
MYNAH_API struct mynah_request *
mynah_pubsub_set_subscribers(struct mynah_client *c, const char *service, const char *node,
                             const struct mynah_pubsub_subscriber *list, size_t count,
                             mynah_pubsub_subscriptions_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_pubsub_affiliates(struct mynah_client *c, const char *service,
                                                        const char *node,
                                                        mynah_pubsub_affiliates_done *done,
                                                        void *arg);
MYNAH_API struct mynah_request *
mynah_pubsub_set_affiliates(struct mynah_client *c, const char *service, const char *node,
                            const struct mynah_pubsub_affiliate *list, size_t count,
                            mynah_pubsub_affiliates_done *done, void *arg);

/* What services tell. Anybody can send such a message: `service` is the address it really came
 * from, and what it says is true of that service's nodes only. A message with a body as well is
 * told as a message, too. */
struct mynah_pubsub_event {
    const char *service;
    const char *node;          /* NULL: the root of the service */
    const char *const *subids; /* the subscriptions it came by, where there are several */
    size_t subid_count;
    const char *collection; /* the node it came by (XEP-0248), where that is another; or NULL */
    int64_t sent_at;        /* ms since 1970 when it is not of now (XEP-0203), else 0 */
    const struct mynah_elem *xml; /* the message */
};
/* Somebody wants to subscribe to a node of ours (8.6); it waits until an owner answers. */
struct mynah_pubsub_ask {
    const char *service, *node, *jid;
    const char *subid, *id; /* of the subscription, of the message; or NULL */
    const struct mynah_form *form;
};
/* What a program wants to hear of; each may be NULL. */
struct mynah_pubsub_calls {
    size_t size;
    /* `count` 0: something happened, and the node has no items. */
    void (*items)(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                  const struct mynah_pubsub_item *items, size_t count);
    void (*retracted)(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                      const char *const *ids, size_t count);
    void (*purged)(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e);
    void (*deleted)(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                    const char *redirect); /* a URI, or NULL */
    void (*configured)(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                       const struct mynah_form *form); /* or NULL */
    void (*subscription)(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                         const struct mynah_pubsub_subscription *s);
    void (*asked)(void *arg, struct mynah_client *c, const struct mynah_pubsub_ask *q);
    /* `child` belongs to the collection e->node now, or no more (XEP-0248, 7.7). */
    void (*associated)(void *arg, struct mynah_client *c, const struct mynah_pubsub_event *e,
                       const char *child, bool on);
};
/* Hears of all services; the own account too. */
MYNAH_API struct mynah_listener *
mynah_pubsub_listen(struct mynah_client *c, const struct mynah_pubsub_calls *calls, void *arg);
/* Inside `asked`, or later with copies of its texts and no form. Returns as mynah_message_send. */
MYNAH_API int mynah_pubsub_answer(struct mynah_client *c, const struct mynah_pubsub_ask *q,
                                  bool allow);
/* Whether contacts' (and our other devices') personal events of that node are wanted: puts
 * "NODE+notify" into what we say we can (XEP-0163). */
MYNAH_API void mynah_pubsub_notify(struct mynah_client *c, const char *node, bool on);

MYNAH_END

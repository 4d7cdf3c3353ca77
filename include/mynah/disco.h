/* Service discovery (XEP-0030) and capabilities (XEP-0115): what others can, and what we say. */
#pragma once

#include "mynah/iq.h"

MYNAH_BEGIN

/* What kind of thing an address is: "client", "pc". */
struct mynah_identity {
    const char *category, *type, *name, *lang; /* the last two may be NULL */
};
/* What an address, or a node of it, says of itself. */
struct mynah_disco {
    const char *node; /* or NULL */
    const struct mynah_identity *identities;
    size_t identity_count;
    const char *const *features;
    size_t feature_count;
    const struct mynah_elem *xml; /* the <query/>, with forms (XEP-0128) */
};
/* What belongs to it. */
struct mynah_item {
    const char *jid, *node, *name; /* the last two may be NULL */
};
/* What is told is lent; NULL, none, with an error: MYNAH_E_FORMAT when the answer is no such thing.
 */
typedef void mynah_disco_done(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                              const struct mynah_error *error);
typedef void mynah_items_done(void *arg, struct mynah_client *c, const struct mynah_item *items,
                              size_t count, const struct mynah_error *error);

/* Ask for them. `jid` NULL: the own server; `node` may be NULL. */
MYNAH_API struct mynah_request *mynah_disco_info(struct mynah_client *c, const char *jid,
                                                 const char *node, mynah_disco_done *done,
                                                 void *arg);
MYNAH_API struct mynah_request *mynah_disco_items(struct mynah_client *c, const char *jid,
                                                  const char *node, mynah_items_done *done,
                                                  void *arg);
/* It has that feature. */
MYNAH_API bool mynah_disco_has(const struct mynah_disco *d, const char *feature);
/* One of its identities is of that category and type (either may be NULL: any). */
MYNAH_API bool mynah_disco_is(const struct mynah_disco *d, const char *category, const char *type);

/* What a full address that sends presence can: from what its hash was known to stand for, without
 * asking (then `done` is called inside and NULL returned), else asked for once. A hash is believed
 * only after the answer was found to have it. */
MYNAH_API struct mynah_request *mynah_caps_info(struct mynah_client *c, const char *jid,
                                                mynah_disco_done *done, void *arg);

/* Ourselves, from now on, and in each presence (XEP-0115). The first identity replaces the default
 * (client, pc; of a component: component, generic); `name` may be NULL. */
MYNAH_API void mynah_disco_identity(struct mynah_client *c, const char *category, const char *type,
                                    const char *name);
/* What names the program in presence, in the place of "urn:mynah:client": an address on the web
 * that tells of it (XEP-0115, 4). NULL: as it was. */
MYNAH_API void mynah_disco_node_set(struct mynah_client *c, const char *uri);
/* One more feature, or one less. */
MYNAH_API void mynah_disco_feature(struct mynah_client *c, const char *feature, bool on);
/* One more form, in the place of an earlier one of the same FORM_TYPE; takes it. */
MYNAH_API void mynah_disco_form(struct mynah_client *c, struct mynah_elem **form);
/* Questions about one node of ours: fill the query and return true, or false: there is none. NULL
 * takes the node out. */
typedef bool mynah_disco_node(void *arg, struct mynah_client *c, const char *from, bool items,
                              struct mynah_elem *query);
MYNAH_API void mynah_disco_serve(struct mynah_client *c, const char *node, mynah_disco_node *serve,
                                 void *arg);

MYNAH_END

/* What a program keeps on its server: any XML (XEP-0049), and what is usually kept so: bookmarks
 * (XEP-0048), notes on contacts (XEP-0145), what separates nested groups (XEP-0083). Only the
 * account itself may read it. Each list is one piece: get it, change it, set it as a whole. */
#pragma once

#include "mynah/iq.h"

MYNAH_BEGIN

/* `stored` is the element of that name and namespace, empty when nothing was stored; NULL with an
 * error: of the server, MYNAH_E_FORMAT when its answer has no such element. */
typedef void mynah_private_done(void *arg, struct mynah_client *c, const struct mynah_elem *stored,
                                const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_private_get(struct mynah_client *c, const char *name,
                                                  const char *ns, mynah_private_done *done,
                                                  void *arg);
/* In the place of what is there; takes it. `done` may be NULL, here and below. */
MYNAH_API struct mynah_request *mynah_private_set(struct mynah_client *c, struct mynah_elem **xml,
                                                  mynah_iq_done *done, void *arg);

/* A room (`jid`) or a page (`url`); one with neither was stored by another program for something
 * else, and should stay in its list. Texts may be NULL. */
struct mynah_bookmark {
    const char *jid, *url, *name;
    const char *nick, *password;  /* of a room; a password is better not stored (XEP-0048, 2.1) */
    bool autojoin;                /* the room is to be entered after each login */
    const struct mynah_elem *xml; /* as it came, or NULL; what has no place here is kept */
};
/* The list is lent; MYNAH_E_FORMAT: the answer is none. It is set as a whole. */
typedef void mynah_bookmarks_done(void *arg, struct mynah_client *c,
                                  const struct mynah_bookmark *list, size_t count,
                                  const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_bookmarks_get(struct mynah_client *c,
                                                    mynah_bookmarks_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_bookmarks_set(struct mynah_client *c,
                                                    const struct mynah_bookmark *list, size_t count,
                                                    mynah_iq_done *done, void *arg);

/* A note on somebody; one for each bare address. Times in ms since 1970, 0: not known. */
struct mynah_annotation {
    const char *jid, *text;
    int64_t created, modified;
};
/* As with bookmarks. */
typedef void mynah_annotations_done(void *arg, struct mynah_client *c,
                                    const struct mynah_annotation *list, size_t count,
                                    const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_annotations_get(struct mynah_client *c,
                                                      mynah_annotations_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_annotations_set(struct mynah_client *c,
                                                      const struct mynah_annotation *list,
                                                      size_t count, mynah_iq_done *done, void *arg);

/* What stands between the names of nested groups: "Work::Team" with "::". NULL: groups are not
 * nested, also when it is a single letter or digit, as XEP-0083 wants it. */
typedef void mynah_delimiter_done(void *arg, struct mynah_client *c, const char *delimiter,
                                  const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_delimiter_get(struct mynah_client *c,
                                                    mynah_delimiter_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_delimiter_set(struct mynah_client *c, const char *delimiter,
                                                    mynah_iq_done *done, void *arg);

MYNAH_END

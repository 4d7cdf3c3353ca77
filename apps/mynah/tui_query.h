/* A form that somebody sent, filled in and sent back, as often as it is refused. */
#pragma once

#include "apps/mynah/commands.h"
#include "apps/mynah/tui_page.h"
#include "base/list.h"

struct query {
    struct mn_list link;
    struct im_chat *chat; /* where it was asked for; by page_chat */
    struct im_account_state *account;
    char *jid, *node, *session; /* each may be NULL */
    const char *sent;           /* what is said when it worked; NULL: nothing */
    struct im_form *form;       /* what was sent, for another try */
    struct form_button buttons[6];
    void (*send)(struct query *q, int button);
    void (*left)(struct query *q); /* before it goes unsent; or NULL */
    struct mynah_request *room;    /* what the room is being asked for; NULL: nothing */
};

/* In the window that is shown, of its account; NULL, and said so: there is none. Texts may be NULL.
 */
struct query *query_new(const char *jid, const char *node);
/* To somebody: to who is in the room by the nickname, to a contact, to any address; NULL: to our
 * own server. `program`: a contact's program is meant, and not the server in its place: the one
 * that messages reach. NULL, and said so: nobody is meant. */
struct query *query_to(const char *who, bool program);
void query_free(struct query *q);
/* NULL: the account is gone meanwhile. */
struct mynah_client *query_client(const struct query *q);
void query_note(const struct query *q, enum im_kind kind, const char *fmt, ...) MN_PRINTF(3, 4);
void query_fail(const struct query *q, const struct mynah_error *error);
/* The same, and `q` is freed; false: there is no error. */
bool query_failed(struct query *q, const struct mynah_error *error);
/* The form on the screen, with q->buttons, or Save and Cancel when there are none. Takes it. */
void query_open(struct query *q, struct im_form **form, const char *error);
/* The same for what came; frees `q` when nothing did. */
void query_came(struct query *q, const struct mynah_form *form, const struct mynah_error *error);
/* Mynah_iq_done of what was sent: the end, or the form again with what is wrong; `arg` is the
 * query.
 */
void query_sent(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                const struct mynah_error *error);

/* tui_people.c: lines that tell what a vCard has, true: something; and of somebody in the roster.
 */
bool card_tell(const struct query *q, const struct mynah_vcard *v);
void contact_tell(const struct mynah_contact *k);
/* tui_room.c */
const char *affiliation_text(enum mynah_affiliation a);
const char *role_text(enum mynah_role r);

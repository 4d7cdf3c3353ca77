/* What is said in a room, and asked of it: XEP-0045 7 to 10. */
#include "client/ext.h"
#include "client/room.h"

#include "base/err.h"
#include "mynah/disco.h"

#define NS_ADMIN NS_MUC "#admin"
#define NS_OWNER NS_MUC "#owner"
#define NS_USER NS_MUC "#user"

/* Messages. */

int mynah_room_send(struct mynah_room *r, const char *body, char id[MYNAH_ID_MAX],
                    mynah_sent_call *sent, void *arg)
{
    struct mynah_elem *m = mynah_message_new(r->jid, MYNAH_GROUPCHAT, body);

    return mynah_message_send(r->client, &m, id, sent, arg);
}

int mynah_room_send_private(struct mynah_room *r, const char *nick, const char *body)
{
    struct mn_buf to = {0};
    struct mynah_elem *m;
    int e;

    mn_buf_fmt(&to, "%s/%s", r->jid, nick);
    mn_buf_c(&to, 0);
    m = mynah_message_new(to.p, MYNAH_CHAT, body);
    mynah_elem_add(m, "x", NS_USER); /* 7.5: so that carbons know it */
    e = mynah_message_send(r->client, &m, NULL, NULL, NULL);
    mn_buf_free(&to);
    return e;
}

int mynah_room_set_subject(struct mynah_room *r, const char *subject)
{
    struct mynah_elem *m = mynah_message_new(r->jid, MYNAH_GROUPCHAT, NULL);

    mynah_elem_add_text(m, "subject", NULL, subject ? subject : "");
    return mynah_message_send(r->client, &m, NULL, NULL, NULL);
}

/* Invitations. */

static int invite(struct mynah_room *r, const char *jid, const char *reason, bool continues,
                  const char *thread)
{
    struct mynah_elem *m = mynah_message_new(r->jid, MYNAH_NORMAL, NULL),
                      *to = mynah_elem_add(mynah_elem_add(m, "x", NS_USER), "invite", NULL);

    mynah_elem_set(to, "to", jid);
    mynah_elem_add_text(to, "reason", NULL, reason);
    if (continues)
        mynah_elem_set(mynah_elem_add(to, "continue", NULL), "thread", thread);
    return mynah_send(r->client, &m);
}

static int invite_directly(struct mynah_room *r, const char *jid, const char *reason,
                           bool continues, const char *thread)
{
    struct mynah_elem *m = mynah_message_new(jid, MYNAH_NORMAL, NULL),
                      *x = mynah_elem_add(m, "x", "jabber:x:conference");

    mynah_elem_set(x, "jid", r->jid);
    mynah_elem_set(x, "password", r->password);
    mynah_elem_set(x, "reason", reason);
    mynah_elem_set(x, "continue", continues ? "true" : NULL);
    mynah_elem_set(x, "thread", thread);
    return mynah_send(r->client, &m);
}

int mynah_room_invite(struct mynah_room *r, const char *jid, const char *reason)
{
    return invite(r, jid, reason, false, NULL);
}

int mynah_room_invite_directly(struct mynah_room *r, const char *jid, const char *reason)
{
    return invite_directly(r, jid, reason, false, NULL);
}

int mynah_room_continue(struct mynah_room *r, const char *jid, const char *thread,
                        const char *reason, bool directly)
{
    return (directly ? invite_directly : invite)(r, jid, reason, true, thread);
}

int mynah_invitation_decline(struct mynah_client *c, const struct mynah_invitation *i,
                             const char *reason)
{
    struct mynah_elem *m, *decline;

    if (i->direct)
        return MYNAH_E_MISSING; /* XEP-0249 has no way to say so */
    m = mynah_message_new(i->room, MYNAH_NORMAL, NULL);
    decline = mynah_elem_add(mynah_elem_add(m, "x", NS_USER), "decline", NULL);
    mynah_elem_set(decline, "to", i->from);
    mynah_elem_add_text(decline, "reason", NULL, reason);
    return mynah_send(c, &m);
}

struct mynah_listener *mynah_invitations_listen(struct mynah_client *c,
                                                const struct mynah_invitation_calls *calls,
                                                void *arg)
{
    struct rooms *rooms = ext_state(c, &ext_room);

    return listener_add(c->ctx, &rooms->listeners, calls, sizeof *calls, arg);
}

/* Roles and affiliations. */

struct mynah_request *mynah_room_set_items(struct mynah_room *r,
                                           const struct mynah_room_item *items, size_t count,
                                           mynah_iq_done *done, void *arg)
{
    struct mynah_elem *q = mynah_elem_new("query", NS_ADMIN);

    for (size_t i = 0; i < count; i++) {
        const struct mynah_room_item *k = &items[i];
        struct mynah_elem *item = mynah_elem_add(q, "item", NULL);

        mynah_elem_set(item, k->nick ? "nick" : "jid", k->nick ? k->nick : k->jid);
        mynah_elem_set(item, k->nick ? "role" : "affiliation",
                       k->nick ? room_role_name(k->role) : room_affiliation_name(k->affiliation));
        mynah_elem_add_text(item, "reason", NULL, k->reason);
    }
    return mynah_iq_send(r->client, MYNAH_SET, r->jid, &q, 0, done, arg);
}

struct mynah_request *mynah_room_set_role(struct mynah_room *r, const char *nick,
                                          enum mynah_role role, const char *reason,
                                          mynah_iq_done *done, void *arg)
{
    const struct mynah_room_item item = {.nick = nick, .role = role, .reason = reason};

    return mynah_room_set_items(r, &item, 1, done, arg);
}

struct mynah_request *mynah_room_set_affiliation(struct mynah_room *r, const char *jid,
                                                 enum mynah_affiliation affiliation,
                                                 const char *reason, mynah_iq_done *done, void *arg)
{
    const struct mynah_room_item item = {.jid = jid, .affiliation = affiliation, .reason = reason};

    return mynah_room_set_items(r, &item, 1, done, arg);
}

/* Answers that are told with the room; questions end with it. */
struct wanted {
    struct mn_list link;
    struct mynah_room *room; /* NULL: it was told that this is over */
    mynah_room_list_done *list;
    mynah_room_form_done *form;
    void *arg;
};

static void answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                     const struct mynah_error *error);

static struct mynah_request *ask(struct mynah_room *r, struct mynah_elem *query,
                                 mynah_room_list_done *list, mynah_room_form_done *form, void *arg)
{
    struct wanted *w = MN_NEW(struct wanted);

    w->room = r;
    w->list = list;
    w->form = form;
    w->arg = arg;
    mn_list_add(&r->wants, &w->link);
    return mynah_iq_send(r->client, MYNAH_GET, r->jid, &query, 0, answered, w);
}

static void list_tell(struct wanted *w, struct mynah_room *r, const struct mynah_elem *query)
{
    struct mn_arena a = {0};
    struct mynah_room_item *items = elem_room(query, "item", NULL, sizeof *items, &a);
    size_t n = 0;

    MYNAH_EACH(e, query, "item", NULL)
    items[n++] = (struct mynah_room_item){mynah_elem_get(e, "jid"), mynah_elem_get(e, "nick"),
                                          mynah_elem_child_text(e, "reason", NULL),
                                          room_affiliation(mynah_elem_get(e, "affiliation")),
                                          room_role(mynah_elem_get(e, "role"))};
    w->list(w->arg, r, items, n, NULL);
    mn_arena_done(&a, NULL);
}

static void tell(struct wanted *w, const struct mynah_elem *query, struct mynah_form *form,
                 const struct mynah_error *error)
{
    struct mynah_room *r = w->room;

    mn_list_del(&w->link);
    w->room = NULL;
    if (w->list && error)
        w->list(w->arg, r, NULL, 0, error);
    else if (w->list)
        list_tell(w, r, query);
    else if (w->form)
        w->form(w->arg, r, error ? NULL : form, error);
}

static void answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                     const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *query = mynah_elem_child(result, "query", NULL);
    struct mynah_form *form = w->form ? mynah_form_read(query) : NULL;
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};

    (void)c;
    if (result && (!query || (w->form && !form)))
        error = &none;
    if (w->room)
        tell(w, query, form, error);
    mynah_form_free(form);
    mn_free(w);
}

/* Their answers are passed over. */
void room_wants_end(struct mynah_room *r)
{
    const struct mynah_error over = {.code = MYNAH_E_CANCELLED};

    while (!mn_list_empty(&r->wants))
        tell(MN_OF(r->wants.next, struct wanted, link), NULL, NULL, &over);
}

static struct mynah_request *list_get(struct mynah_room *r, const char *what, const char *value,
                                      mynah_room_list_done *done, void *arg)
{
    struct mynah_elem *q = mynah_elem_new("query", NS_ADMIN);

    mynah_elem_set(mynah_elem_add(q, "item", NULL), what, value);
    return ask(r, q, done, NULL, arg);
}

struct mynah_request *mynah_room_by_affiliation(struct mynah_room *r,
                                                enum mynah_affiliation affiliation,
                                                mynah_room_list_done *done, void *arg)
{
    return list_get(r, "affiliation", room_affiliation_name(affiliation), done, arg);
}

struct mynah_request *mynah_room_by_role(struct mynah_room *r, enum mynah_role role,
                                         mynah_room_list_done *done, void *arg)
{
    return list_get(r, "role", room_role_name(role), done, arg);
}

/* Voice: 7.13 and 8.6. */

static int form_send(struct mynah_room *r, struct mynah_form *form)
{
    struct mynah_elem *m = mynah_message_new(r->jid, MYNAH_NORMAL, NULL),
                      *x = mynah_form_elem(form);

    mynah_form_free(form);
    mynah_elem_hang(m, &x);
    return mynah_send(r->client, &m);
}

int mynah_room_ask_voice(struct mynah_room *r)
{
    struct mynah_form *form = mynah_form_new("submit", NS_MUC "#request");

    mynah_form_add(form, "list-single", "muc#role", "Requested role", false);
    mynah_form_set(form, "muc#role", "participant");
    return form_send(r, form);
}

int mynah_room_voice(struct mynah_room *r, const struct mynah_form *asked, bool granted)
{
    struct mynah_form *form = mynah_form_answer(asked);

    mynah_form_set(form, "muc#request_allow", granted ? "true" : "false");
    return form_send(r, form);
}

/* Owners. */

struct mynah_request *mynah_room_config(struct mynah_room *r, mynah_room_form_done *done, void *arg)
{
    return ask(r, mynah_elem_new("query", NS_OWNER), NULL, done, arg);
}

struct mynah_request *mynah_room_configure(struct mynah_room *r, const struct mynah_form *filled,
                                           mynah_iq_done *done, void *arg)
{
    struct mynah_elem *q = mynah_elem_new("query", NS_OWNER), *x = mynah_form_elem(filled);

    mynah_elem_hang(q, &x);
    return mynah_iq_send(r->client, MYNAH_SET, r->jid, &q, 0, done, arg);
}

struct mynah_request *mynah_room_accept_defaults(struct mynah_room *r, mynah_iq_done *done,
                                                 void *arg)
{
    struct mynah_form *form = mynah_form_new("submit", NULL);
    struct mynah_request *request = mynah_room_configure(r, form, done, arg);

    mynah_form_free(form);
    return request;
}

struct mynah_request *mynah_room_destroy(struct mynah_room *r, const char *other,
                                         const char *reason, const char *password,
                                         mynah_iq_done *done, void *arg)
{
    struct mynah_elem *q = mynah_elem_new("query", NS_OWNER),
                      *destroy = mynah_elem_add(q, "destroy", NULL);

    mynah_elem_set(destroy, "jid", other);
    mynah_elem_add_text(destroy, "reason", NULL, reason);
    mynah_elem_add_text(destroy, "password", NULL, password);
    return mynah_iq_send(r->client, MYNAH_SET, r->jid, &q, 0, done, arg);
}

/* XEP-0307. */

struct name_wanted {
    void (*done)(void *arg, struct mynah_client *c, const char *name,
                 const struct mynah_error *error);
    void *arg;
};

static void named(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                  const struct mynah_error *error)
{
    struct name_wanted *w = arg;
    const char *name = mynah_elem_child_text(result, "unique", NS_MUC "#unique");
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};

    w->done(w->arg, c, name, name ? NULL : error ? error : &none);
    mn_free(w);
}

struct mynah_request *mynah_room_name(struct mynah_client *c, const char *jid,
                                      void (*done)(void *arg, struct mynah_client *c,
                                                   const char *name,
                                                   const struct mynah_error *error),
                                      void *arg)
{
    struct name_wanted *w = MN_NEW(struct name_wanted);
    struct mynah_elem *q = mynah_elem_new("unique", NS_MUC "#unique");

    *w = (struct name_wanted){done, arg};
    return mynah_iq_send(c, MYNAH_GET, jid, &q, 0, named, w);
}

/* Rooms: which there are, their configuration, who may what in them (XEP-0045). */
#include <stdio.h>
#include <string.h>

#include "apps/mynah/tui_query.h"
#include "im/lang.h"

static struct mynah_room *query_room(const struct query *q)
{
    struct mynah_client *c = query_client(q);

    return c ? mynah_room_find(c, q->jid) : NULL;
}

static struct query *room_query(void)
{
    struct mynah_room *r = command_room();

    return r ? query_new(mynah_room_jid(r), NULL) : NULL;
}

/* Which there are. */

static void room_picked(void *arg, struct im_chat *chat, enum form_end end, int value,
                        struct im_form **asked)
{
    struct query *q = arg;
    char *user = mynah_jid_user(q->account->jid);
    const char *jid = end == FORM_PICKED && query_client(q) ? (*asked)->rows[value].key : NULL;
    struct im_chat *room = jid ? im_room_join(q->account, jid, user ? user : "me", NULL) : NULL;

    if (room)
        tui_show(room);
    mynah_free(user);
    query_free(q);
}

static void rooms_came(void *arg, struct mynah_client *c, const struct mynah_item *items,
                       size_t count, const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *form;

    if (query_failed(q, error))
        return;
    form = im_form_new(q->jid, _("Enter goes into a room; letters look for one."));
    im_form_column(form, _("Room"));
    im_form_column(form, _("Name"));
    for (size_t i = 0; i < count; i++) {
        char *user = mynah_jid_user(items[i].jid);
        struct im_row *row = user ? im_form_row(form, items[i].jid) : NULL;

        im_form_cell(form, row, 0, user);
        im_form_cell(form, row, 1, items[i].name);
        mynah_free(user);
    }
    page_pick(page_chat(q->chat), &form, room_picked, q);
}

/* The service of rooms among what the server has: one after the other is asked. */
struct hunt {
    struct query *q;
    char *jids[20];
    size_t count, at;
};

static void hunt_end(struct hunt *h)
{
    for (size_t i = 0; i < h->count; i++)
        mn_free(h->jids[i]);
    mn_free(h);
}

static void hunt_info(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                      const struct mynah_error *error)
{
    struct hunt *h = arg;
    struct query *q = h->q;

    if (info && mynah_disco_has(info, "http://jabber.org/protocol/muc")) {
        q->jid = h->jids[h->at];
        h->jids[h->at] = NULL;
        hunt_end(h);
        mynah_disco_items(c, q->jid, NULL, rooms_came, q);
    } else if (++h->at < h->count && query_client(q)) {
        mynah_disco_info(c, h->jids[h->at], NULL, hunt_info, h);
    } else {
        query_note(q, IM_ERROR, _("the server has no rooms; /rooms SERVICE asks another"));
        query_free(q);
        hunt_end(h);
    }
}

static void hunt_items(void *arg, struct mynah_client *c, const struct mynah_item *items,
                       size_t count, const struct mynah_error *error)
{
    struct hunt *h = MN_NEW(struct hunt);

    h->q = arg;
    for (size_t i = 0; i < count && h->count < MN_COUNT(h->jids); i++)
        if (items[i].jid && !items[i].node)
            h->jids[h->count++] = mn_str_dup(mn_str_from(items[i].jid));
    if (h->count) {
        mynah_disco_info(c, h->jids[0], NULL, hunt_info, h);
    } else {
        h->at = h->count;
        hunt_info(h, c, NULL, error);
    }
}

void do_rooms(char **args, int count)
{
    struct query *q = query_new(args[0], NULL);

    if (q && q->jid)
        mynah_disco_items(query_client(q), q->jid, NULL, rooms_came, q);
    else if (q)
        mynah_disco_items(query_client(q), NULL, NULL, hunt_items, q);
}

/* Configuration. */

static void config_send(struct query *q, int button)
{
    struct mynah_form *answer = im_form_answer(q->form);

    if (query_room(q)) {
        mynah_room_configure(query_room(q), answer, query_sent, q);
    } else {
        query_note(q, IM_ERROR, _("you are not in the room any more"));
        query_free(q);
    }
    mynah_form_free(answer);
}

static void config_came(void *arg, struct mynah_room *r, const struct mynah_form *form,
                        const struct mynah_error *error)
{
    struct query *q = arg;

    q->room = NULL;
    query_came(q, form, error);
}

static void config_begin(struct query *q)
{
    q->send = config_send;
    q->sent = N_("the room is configured");
    q->room = mynah_room_config(query_room(q), config_came, q);
}

static void room_config(char **args, int count)
{
    struct query *q = room_query();

    if (q)
        config_begin(q);
}

static void take_defaults(struct query *q)
{
    if (query_room(q))
        mynah_room_accept_defaults(query_room(q), command_done, NULL);
}

static char *creating; /* the room that is to be configured when it is there */

bool tui_room_created(struct im_chat *chat)
{
    bool wanted = creating && !strcmp(creating, chat->jid);
    struct query *q = wanted && chat == tui_chat() ? room_query() : NULL;

    mn_free(creating);
    creating = NULL;
    if (q) {
        q->left = take_defaults;
        config_begin(q);
    }
    return q != NULL;
}

static void room_create(char **args, int count)
{
    mn_free(creating);
    creating = mynah_jid_bare(args[0]);
    do_join(args, count);
}

static void room_accept(char **args, int count)
{
    if (command_room())
        mynah_room_accept_defaults(tui_chat()->room, command_done, NULL);
}

static void room_destroy(char **args, int count)
{
    if (command_room())
        mynah_room_destroy(tui_chat()->room, NULL, command_rest(0), NULL, command_done, NULL);
}

static void room_invite(char **args, int count)
{
    if (command_room())
        mynah_room_invite_directly(tui_chat()->room, args[0], command_rest(1));
}

static void room_register(char **args, int count)
{
    char *words[] = {"register", NULL, NULL};

    if (!command_room())
        return;
    words[1] = tui_chat()->jid;
    do_service(words, 2);
}

static void room_voice(char **args, int count)
{
    if (command_room() && !mynah_room_ask_voice(tui_chat()->room))
        tui_note(IM_NOTE, "%s", _("the moderators are asked"));
}

void do_room(char **args, int count)
{
    static const struct command_part parts[] = {
        {"accept", 0, room_accept}, {"config", 0, room_config},
        {"create", 1, room_create}, {"destroy", 0, room_destroy},
        {"invite", 1, room_invite}, {"register", 0, room_register},
        {"voice", 0, room_voice},   {0}};

    command_parts("room", parts, args, count);
}

/* Who may what. */

static const char *const affiliations[] = {"none", "outcast", "member", "admin", "owner"};
static const char *const roles[] = {"none", "visitor", "participant", "moderator"};

static int named(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return (int)i;
    tui_note(IM_ERROR, _("there is no %s"), name);
    return -1;
}

static void list_came(void *arg, struct mynah_room *r, const struct mynah_room_item *items,
                      size_t count, const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *form;

    q->room = NULL;
    if (query_failed(q, error))
        return;
    form = im_form_new(q->jid, NULL);
    im_form_column(form, _("Address"));
    im_form_column(form, _("Nickname"));
    im_form_column(form, _("Affiliation"));
    im_form_column(form, _("Reason"));
    for (size_t i = 0; i < count; i++) {
        struct im_row *row = im_form_row(form, items[i].jid);

        im_form_cell(form, row, 0, items[i].jid);
        im_form_cell(form, row, 1, items[i].nick);
        im_form_cell(form, row, 2, affiliations[items[i].affiliation]);
        im_form_cell(form, row, 3, items[i].reason);
    }
    page_show(page_chat(q->chat), &form);
    query_free(q);
}

static void affiliation_set(char **args, int count)
{
    int a = named(affiliations, MN_COUNT(affiliations), args[0]);

    if (a >= 0 && command_room())
        mynah_room_set_affiliation(tui_chat()->room, args[1], (enum mynah_affiliation)a,
                                   command_rest(2), command_done, NULL);
}

static void affiliation_list(char **args, int count)
{
    int a = named(affiliations, MN_COUNT(affiliations), args[0]);
    struct query *q = a >= 0 ? room_query() : NULL;

    if (q)
        q->room =
            mynah_room_by_affiliation(tui_chat()->room, (enum mynah_affiliation)a, list_came, q);
}

void do_affiliation(char **args, int count)
{
    static const struct command_part parts[] = {
        {"set", 2, affiliation_set}, {"list", 1, affiliation_list}, {0}};

    command_parts("affiliation", parts, args, count);
}

static void role_set(char **args, int count)
{
    int r = named(roles, MN_COUNT(roles), args[0]);

    if (r >= 0 && command_room())
        mynah_room_set_role(tui_chat()->room, args[1], (enum mynah_role)r, command_rest(2),
                            command_done, NULL);
}

static void role_list(char **args, int count)
{
    int r = named(roles, MN_COUNT(roles), args[0]);
    struct query *q = r >= 0 ? room_query() : NULL;

    if (q)
        q->room = mynah_room_by_role(tui_chat()->room, (enum mynah_role)r, list_came, q);
}

void do_role(char **args, int count)
{
    static const struct command_part parts[] = {{"set", 2, role_set}, {"list", 1, role_list}, {0}};

    command_parts("role", parts, args, count);
}

void do_subject(char **args, int count)
{
    do_topic(args, count);
}

void do_join(char **args, int count)
{
    struct im_account_state *a = tui_account();
    char *user = command_client() ? mynah_jid_user(a->jid) : NULL;
    struct im_chat *chat = a ? im_room_join(a, args[0],
                                            count > 1 ? args[1]
                                            : user    ? user
                                                      : "me",
                                            NULL)
                             : NULL;

    mynah_free(user);
    if (a && !chat)
        tui_note(IM_ERROR, _("no room can be there: %s"), args[0]);
    if (chat)
        tui_show(chat);
}

/* What is done in a room: its configuration, who may what in it (XEP-0045). */
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

static char *creating; /* as it was typed: the room that is to be configured when it is there */

bool tui_room_created(struct im_chat *chat)
{
    char *name = mynah_jid_user(chat->jid);
    bool wanted =
        creating && (mynah_jid_same(creating, chat->jid) || (name && !strcmp(creating, name)));
    struct query *q = wanted && chat == tui_chat() ? room_query() : NULL;

    mynah_free(name);
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
    creating = mn_str_dup(mn_str_from(args[0]));
    do_join(args, count);
}

static void room_accept(char **args, int count)
{
    if (command_room())
        mynah_room_accept_defaults(tui_chat()->room, command_done,
                                   N_("the room is as it usually is"));
}

static void room_destroy(char **args, int count)
{
    if (command_room())
        mynah_room_destroy(tui_chat()->room, NULL, command_rest(0), NULL, command_done, NULL);
}

static void room_invite(char **args, int count)
{
    struct mynah_room *r = command_room();
    const char *jid = r ? command_person(args[0]) : NULL;

    if (jid)
        command_sent(mynah_room_invite_directly(r, jid, command_rest(1)),
                     N_("asked into the room"));
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
    struct mynah_room *r = command_inside();
    const struct mynah_occupant *self = r ? mynah_room_occupant(r, mynah_room_nick(r)) : NULL;

    if (self && self->role >= MYNAH_PARTICIPANT)
        tui_note(IM_NOTE, "%s", _("you may speak here"));
    else if (r && !mynah_room_ask_voice(r))
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

static const char *const affiliations[] = {N_("none"), N_("outcast"), N_("member"), N_("admin"),
                                           N_("owner")};
static const char *const roles[] = {N_("none"), N_("visitor"), N_("participant"), N_("moderator")};

const char *affiliation_text(enum mynah_affiliation a)
{
    return _(affiliations[a]);
}

const char *role_text(enum mynah_role r)
{
    return _(roles[r]);
}

static int named(const char *const *names, size_t n, const char *name)
{
    struct mn_buf all = {0};

    for (size_t i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return (int)i;
    for (size_t i = 0; i < n; i++)
        mn_buf_fmt(&all, "%s%s", i ? ", " : "", names[i]);
    tui_note(IM_ERROR, _("there is no %s, but %.*s"), name, MN_ARG(mn_buf_view(&all)));
    mn_buf_free(&all);
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

/* By the nickname of somebody inside, where the room tells the address, or by an address. */
static void affiliate(const char *who, enum mynah_affiliation to, const char *reason,
                      const char *done)
{
    struct mynah_room *r = command_room();
    const struct mynah_occupant *o = r ? mynah_room_occupant(r, who) : NULL;
    const char *jid = o ? o->jid : r ? command_person(who) : NULL;
    char *bare = jid ? mynah_jid_bare(jid) : NULL;

    if (o && !jid)
        tui_note(IM_ERROR, _("the room does not tell the address of %s"), who);
    if (bare)
        mynah_room_set_affiliation(r, bare, to, reason, command_done, (void *)done);
    mynah_free(bare);
}

static void affiliation_set(char **args, int count)
{
    int a = named(affiliations, MN_COUNT(affiliations), args[0]);

    if (a >= 0)
        affiliate(args[1], (enum mynah_affiliation)a, command_rest(2),
                  N_("what they are to the room is changed"));
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

    if (r >= 0 && command_inside())
        mynah_room_set_role(tui_chat()->room, args[1], (enum mynah_role)r, command_rest(2),
                            command_done, N_("what they may in the room is changed"));
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

/* What is said of it, and who is in it. */

static void topic(const char *text)
{
    struct mynah_room *r = command_inside();
    const char *now = r ? mynah_room_subject(r) : "";
    int e = r && text ? mynah_room_set_subject(r, text) : MYNAH_OK;

    if (e)
        command_sent(e, NULL);
    else if (r && !text && *now)
        tui_note(IM_NOTE, _("subject: %s"), now);
    else if (r && !text)
        tui_note(IM_NOTE, "%s", _("the room has no subject"));
}

void do_topic(char **args, int count)
{
    topic(command_rest(0));
}

/* As Profanity has it, too. */
void do_subject(char **args, int count)
{
    topic(command_rest(count > 1 && !strcmp(args[0], "set")));
}

void do_nick(char **args, int count)
{
    struct mynah_room *r = command_inside();
    int e = r ? mynah_room_set_nick(r, command_last(args, count, 0)) : MYNAH_OK;

    if (e)
        command_sent(e, NULL);
}

void do_kick(char **args, int count)
{
    if (command_inside())
        mynah_room_set_role(tui_chat()->room, args[0], MYNAH_NO_ROLE, command_rest(1), command_done,
                            NULL);
}

void do_ban(char **args, int count)
{
    affiliate(args[0], MYNAH_OUTCAST, command_rest(1), N_("shut out of the room"));
}

void do_invite(char **args, int count)
{
    struct mynah_room *r = command_inside();
    const char *jid = r ? command_person(args[0]) : NULL;

    if (jid)
        command_sent(mynah_room_invite(r, jid, command_rest(1)), N_("asked into the room"));
}

/* Rooms (XEP-0045): which there are, and entering them. What is done inside: tui_room.c. */
#include <stdio.h>
#include <string.h>

#include "apps/mynah/tui_query.h"
#include "im/lang.h"

/* `nick` may be NULL. */
static void enter(struct im_account_state *a, const char *jid, const char *nick)
{
    struct im_chat *chat = im_room_join(a, jid, nick, NULL);

    if (chat)
        tui_show(chat);
    else
        tui_note(IM_ERROR, _("no room can be there: %s"), jid);
}

/* Which there are. */

static void room_picked(void *arg, struct im_chat *chat, enum form_end end, int value,
                        struct im_form **asked)
{
    struct query *q = arg;

    if (end == FORM_PICKED && query_client(q))
        enter(q->account, (*asked)->rows[value].key, NULL);
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
        bool wanted = user && (!q->node || strcasestr(user, q->node) ||
                               (items[i].name && strcasestr(items[i].name, q->node)));
        struct im_row *row = wanted ? im_form_row(form, items[i].jid) : NULL;

        im_form_cell(form, row, 0, user);
        im_form_cell(form, row, 1, items[i].name);
        mynah_free(user);
    }
    page_pick(page_chat(q->chat), &form, room_picked, q);
}

/* The service of rooms among what the server has: one after the other is asked. It is q->jid then.
 */
struct hunt {
    struct query *q;
    void (*then)(struct query *q, struct mynah_client *c);
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
        h->then(q, c);
        hunt_end(h);
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
    struct hunt *h = arg;

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

static void hunt(struct query *q, void (*then)(struct query *q, struct mynah_client *c))
{
    struct hunt *h = MN_NEW(struct hunt);

    h->q = q;
    h->then = then;
    mynah_disco_items(query_client(q), NULL, NULL, hunt_items, h);
}

static void rooms_list(struct query *q, struct mynah_client *c)
{
    mynah_disco_items(c, q->jid, NULL, rooms_came, q);
}

/* "service S", "filter WORDS" as Profanity has it, too. */
void do_rooms(char **args, int count)
{
    int at = count && !strcmp(args[0], "service");
    bool named = at || (count && strcmp(args[0], "filter") != 0);
    const char *service = named ? args[at] : NULL;
    struct query *q;

    at += named;
    if (count < at || (count > at && (strcmp(args[at], "filter") != 0 || count == at + 1))) {
        command_misused("rooms");
        return;
    }
    q = query_new(service, count > at ? command_last(args, count, at + 1) : NULL);
    if (q && q->jid)
        rooms_list(q, query_client(q));
    else if (q)
        hunt(q, rooms_list);
}

/* A name alone is a room of the server that one is at. */
static void join_there(struct query *q, struct mynah_client *c)
{
    char *jid = mynah_jid_make(q->node, q->jid, NULL);

    enter(q->account, jid ? jid : q->node, q->session);
    mynah_free(jid);
    query_free(q);
}

void do_join(char **args, int count)
{
    int at = count > 2 && !strcmp(args[1], "nick") ? 2 : 1; /* as Profanity has it */
    const char *nick = count > at ? command_last(args, count, at) : NULL;
    struct query *q;

    if (strpbrk(args[0], "@.")) {
        if (command_client())
            enter(tui_account(), args[0], nick);
        return;
    }
    q = query_new(NULL, args[0]);
    if (!q)
        return;
    q->session = nick ? mn_str_dup(mn_str_from(nick)) : NULL;
    hunt(q, join_there);
}

/* A room that wants a password: the next line is it, where the room is looked at. */
static struct {
    struct im_account_state *account;
    char *jid;
} locked;

static void password_came(const char *text)
{
    if (*text)
        (void)im_room_join(locked.account, locked.jid, NULL, text);
    mn_free(locked.jid);
    locked.jid = NULL;
}

void tui_room_locked(struct im_chat *chat)
{
    char question[200];

    if (chat != tui_chat() || tui.asking) {
        im_note(chat, IM_NOTE, _("/join %s asks for it"), chat->jid);
        return;
    }
    mn_free(locked.jid);
    locked.account = chat->account;
    locked.jid = mn_str_dup(mn_str_from(chat->jid));
    snprintf(question, sizeof question, _("password of %.100s"), chat->jid);
    tui_ask(question, true, password_came);
}

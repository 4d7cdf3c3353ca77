/* What is said in talks, by us and others, and how far it came. */
#include "im/messenger_parts.h"

#include <ctype.h>

#include "base/clock.h"
#include "im/error.h"
#include "im/lines.h"

#define NS_MARKERS "urn:xmpp:chat-markers:0"

const char *said_occupant(const struct im_chat *chat, const struct mynah_message *m)
{
    return chat->has_occupants
               ? mynah_elem_get(mynah_elem_child(m->xml, "occupant-id", NS_OCCUPANT), "id")
               : NULL;
}

/* Where no letters of ASCII stand, words have no ends that could be looked for. */
static bool goes_on(char a, char b)
{
    return isascii(a) && isascii(b) && isalnum((unsigned char)a) && isalnum((unsigned char)b);
}

bool said_names(const char *body, const char *nick)
{
    size_t n = strlen(nick);

    for (const char *p = body; n && (p = strstr(p, nick)); p++)
        if ((p == body || !goes_on(p[-1], *p)) && !goes_on(p[n - 1], p[n]))
            return true;
    return false;
}

/* In a room the same nickname may be somebody else (XEP-0308, 4 and 5). */
static bool is_of_the_same(const struct im_line *l, const char *occupant)
{
    return l->occupant && occupant ? !strcmp(l->occupant, occupant) : !l->closed;
}

void said_close(struct im_chat *chat, const char *nick)
{
    for (size_t i = 0; i < chat->count; i++)
        if (!nick || (chat->lines[i].who && !strcmp(chat->lines[i].who, nick)))
            chat->lines[i].closed = true;
}

bool said_corrected(struct im_chat *chat, const struct mynah_message *m, bool ours, const char *who)
{
    const char *id = mynah_corrects(m->xml);
    struct im_line *l = id ? im_line_find(chat, id, ours, who) : NULL;
    struct im *im = own(chat);

    if (!l || !is_of_the_same(l, said_occupant(chat, m)))
        return false;
    im_line_say(chat, l, m->body);
    l->corrected = true;
    if (im->history && l->number &&
        im_history_correct(im->history, l->number, mn_str_from(m->body)))
        im_note(im->chats[0], IM_ERROR, "%s", _("the history cannot be written"));
    changed(chat);
    return true;
}

/* An answer (XEP-0461) whose sender quoted nothing: what it answers stands before it. */
static char *quoted(struct im_chat *chat, const struct mynah_message *m)
{
    const struct mynah_elem *reply = mynah_elem_child(m->xml, "reply", "urn:xmpp:reply:0");
    const char *id = mynah_elem_get(reply, "id");
    struct mn_buf b = {0};
    mn_str rest;

    for (size_t i = chat->count; id && m->body[0] != '>' && i-- > 0;)
        if (chat->lines[i].id && !strcmp(chat->lines[i].id, id)) {
            mn_str line = mn_str_cut(mn_str_from(chat->lines[i].text), '\n', &rest);

            mn_buf_fmt(&b, "> %s: %.*s\n", chat->lines[i].who, MN_ARG(line));
            break;
        }
    mn_buf_str(&b, mn_str_from(m->body));
    mn_buf_c(&b, 0);
    return b.p;
}

/* What an answer to it needs, if it asks for one. */
static void unseen(struct im_chat *chat, const struct mynah_message *m)
{
    const struct mynah_elem *asks = mynah_elem_child(m->xml, "markable", NS_MARKERS);

    mynah_elem_free(chat->unseen);
    chat->unseen = asks ? mynah_message_new(m->to, MYNAH_CHAT, NULL) : NULL;
    if (!asks)
        return;
    mynah_elem_set(chat->unseen, "from", m->from);
    mynah_elem_set(chat->unseen, "id", m->id);
    mynah_elem_add(chat->unseen, "markable", NS_MARKERS);
    chat->moved = true;
}

void im_chat_seen(struct im_chat *chat, bool tell)
{
    struct mynah_message m = {.type = MYNAH_CHAT, .xml = chat->unseen};

    chat->unread = 0;
    chat->mentioned = false;
    chat->moved |= chat->seen != chat->last || chat->unseen;
    chat->seen = chat->last;
    if (!chat->unseen)
        return;
    m.from = mynah_elem_get(chat->unseen, "from");
    m.to = mynah_elem_get(chat->unseen, "to");
    m.id = mynah_elem_get(chat->unseen, "id");
    if (tell)
        mynah_message_displayed(chat->account->client, &m);
    mynah_elem_free(chat->unseen);
    chat->unseen = NULL;
}

void said_heard(struct im_chat *chat, const char *who, const struct mynah_message *m, bool mention,
                bool past, int64_t number)
{
    char *text = quoted(chat, m);
    struct im_line *l = im_line_add(chat, IM_SAID, m->sent_at, who, text);

    mn_free(text);
    l->id = copy(m->id);
    l->number = number > 0 ? number : 0;
    l->mention = mention && chat->room;
    l->old = past;
    chat->unread += !past;
    chat->mentioned |= mention && !past;
    changed(chat);
}

void said_ours(struct im_chat *chat, const char *text, const char *id, int64_t at, int64_t number)
{
    bool none = chat->fresh == chat->count;
    struct im_line *l = im_line_add(chat, IM_SAID, at, _("me"), text);

    l->ours = true;
    l->id = copy(id);
    l->number = number > 0 ? number : 0;
    if (none)
        chat->fresh = chat->count; /* what we said is new to nobody */
    changed(chat);
}

/* One that was kept and not acknowledged before the program ended comes once more. */
static bool is_there(struct im_chat *chat, const struct mynah_message *m, bool ours,
                     const char *who)
{
    struct im_line *l = im_line_find(chat, m->id, ours, who);

    return l && !strcmp(l->text, m->body);
}

/* With an occupant of a room, of which another program of ours has it, it is no talk of the room.
 */
static struct im_chat *chat_of(struct im_account_state *a, const char *jid)
{
    char *bare = mynah_jid_bare(jid), *nick = mynah_jid_resource(jid);
    struct im_chat *room = bare ? chat_find(a, bare) : NULL,
                   *chat = room && room->room && nick ? im_chat_private(room, nick)
                                                      : im_chat_with(a, jid);

    mynah_free(bare);
    mynah_free(nick);
    return chat;
}

/* What goes back tells that we are there, and where: nothing does to who may not see that
 * (XEP-0184, 8) and to whom we have not spoken. */
static bool may_know(const struct im_chat *chat)
{
    bool may = mynah_roster_sees(chat->account->client, chat->jid);

    for (size_t i = 0; i < chat->count && !may; i++)
        may = chat->lines[i].ours;
    return may;
}

void said_kept(struct im_chat *chat, const struct mynah_message *m, bool ours, const char *who,
               int64_t number)
{
    struct im_line *l = m->id ? im_line_find(chat, m->id, ours, who) : NULL;

    if (l && number > 0)
        l->number = number;
    if (!chat->unread)
        im_chat_seen(chat, false);
}

/* `again`: it is shown already. */
static void came(struct im_account_state *a, const struct mynah_message *m, bool again)
{
    bool ours = m->carbon == MYNAH_CARBON_SENT;
    struct im_chat *chat;
    enum mynah_chat_state state = mynah_chat_state(m->xml);
    const char *who;
    int64_t number;

    if (m->type == MYNAH_MESSAGE_ERROR || m->type == MYNAH_GROUPCHAT || (again && !m->body))
        return;
    if (!m->body) {
        char *bare = mynah_jid_bare(ours ? m->to : m->from);

        chat = bare ? chat_find(a, bare) : NULL;
        mynah_free(bare);
        if (chat && chat->room)
            return;
        if (chat && ours && mynah_elem_child(m->xml, "displayed", NS_MARKERS)) {
            im_chat_looked_at(chat); /* at another device */
            changed(chat);
        } else if (chat && !ours && state) {
            chat->typing = state;
            changed(chat);
        }
        return;
    }
    chat = chat_of(a, ours ? m->to : m->from);
    if (!chat)
        return;
    chat->typing = MYNAH_NO_STATE;
    who = chat->occupant ? chat->title : im_name(a, m->from);
    if (said_corrected(chat, m, ours, who))
        return;
    number = chat_history_add(chat,
                              ours             ? a->jid
                              : chat->occupant ? who
                                               : m->from,
                              m->id, m->body, m->sent_at, ours);
    if (!again && !ours && !m->carbon && may_know(chat)) {
        unseen(chat, m);
        mynah_message_received(a->client, m);
    }
    if (again) {
        said_kept(chat, m, ours, who, number);
    } else if (number == CHAT_KEPT && is_there(chat, m, ours, who)) {
        return;
    } else if (ours) {
        im_chat_looked_at(chat);
        said_ours(chat, m->body, m->id, m->sent_at, number);
    } else {
        said_heard(chat, who, m, true, false, number);
    }
    chat_strangers(a, chat);
}

void said_message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    came(arg, m, false);
}

void said_again(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    struct mynah_room *r = m->type == MYNAH_GROUPCHAT ? mynah_room_find(c, m->from) : NULL;

    if (r)
        room_again(r, m);
    else
        came(arg, m, true);
}

void said_failed(struct im_chat *chat, const struct mynah_error *why, const char *body)
{
    char *text = why ? im_error_text(why) : NULL;
    const char *told = text ? text : _(mynah_code_text(MYNAH_E_LOST));

    if (body) /* it stands nowhere else */
        im_note(chat, IM_ERROR, _("not sent: %s - it was: %s"), told, body);
    else
        im_note(chat, IM_ERROR, _("not sent: %s"), told);
    mn_free(text);
}

void said_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
               const struct mynah_error *why)
{
    struct im_account_state *a = arg;

    if (a->im->history && state != MYNAH_SENT_QUEUED)
        (void)!im_history_sent(a->im->history, mn_str_from(a->jid), mn_str_from(id), (int)state);
    for (size_t i = 1; i < a->im->chat_count; i++) {
        struct im_chat *chat = a->im->chats[i];

        for (size_t k = chat->count; k-- > 0 && chat->account == a;)
            if (chat->lines[k].ours && chat->lines[k].id && !strcmp(chat->lines[k].id, id)) {
                chat->lines[k].sent = state;
                if (state == MYNAH_SENT_FAILED)
                    said_failed(chat, why, NULL);
                changed(chat);
                return;
            }
    }
}

void im_say(struct im_chat *chat, const char *text)
{
    struct mynah_elem *m;
    char *id;

    if (!chat->account) {
        im_note(chat, IM_ERROR, _("nobody listens here; /msg or /join begins a talk"));
        return;
    }
    if (chat->room) {
        if (!mynah_room_is_wanted(chat->room))
            im_note(chat, IM_ERROR, _("not sent: you are not in this room; /join %s enters it"),
                    chat->jid);
        else if (mynah_room_send(chat->room, text, NULL, NULL, NULL))
            im_note(chat, IM_ERROR, _("it could not be sent"));
        else if (mynah_client_state(chat->account->client) != MYNAH_ONLINE ||
                 !mynah_room_is_joined(chat->room))
            im_note(chat, IM_NOTE, _("it waits for the connection: %s"), text);
        return; /* the room sends it back */
    }
    m = mynah_message_new(chat->jid, MYNAH_CHAT, text);
    if (chat->occupant)
        mynah_elem_add(m, "x", NS_MUC_USER); /* so that carbons know it (XEP-0045, 7.5) */
    else
        mynah_chat_state_add(m, MYNAH_ACTIVE);
    chat->told_typing = false;
    im_chat_looked_at(chat);
    id = mynah_id(chat->account->client);
    mynah_elem_set(m, "id", id);
    said_ours(chat, text, id, 0, chat_history_add(chat, chat->account->jid, id, text, 0, true));
    mynah_message_send(chat->account->client, &m, NULL, NULL, NULL);
    mynah_free(id);
}

bool im_correct(struct im_chat *chat, const char *text)
{
    struct mynah_elem *m;
    size_t i = chat->count;

    while (i && !(chat->lines[i - 1].ours && chat->lines[i - 1].id && !chat->lines[i - 1].closed))
        i--;
    if (!i || !chat->account)
        return false;
    m = mynah_message_new(chat->jid, chat->room ? MYNAH_GROUPCHAT : MYNAH_CHAT, text);
    mynah_correct_add(m, chat->lines[i - 1].id);
    if (!chat->room) /* a room sends it back */
        said_corrected(chat, &(struct mynah_message){.body = text, .xml = m}, true, NULL);
    mynah_message_send(chat->account->client, &m, NULL, NULL, NULL);
    return true;
}

void im_said(struct im_account_state *a, const char *to, const char *id, const char *text)
{
    struct im_chat *chat = im_chat_with(a, to);

    if (!chat)
        return;
    said_ours(chat, text, id, 0, chat_history_add(chat, a->jid, id, text, 0, true));
}

void im_typing(struct im_chat *chat, bool typing)
{
    struct mynah_elem *m;

    if (!chat->account || chat->room || chat->occupant || chat->told_typing == typing ||
        mynah_client_state(chat->account->client) != MYNAH_ONLINE)
        return;
    chat->told_typing = typing;
    m = mynah_message_new(chat->jid, MYNAH_CHAT, NULL);
    mynah_chat_state_add(m, typing ? MYNAH_COMPOSING : MYNAH_PAUSED);
    mynah_hint_add(m, "no-store");
    mynah_send(chat->account->client, &m);
}

/* Without chats. */

static int keep(struct im_history *h, const char *with, struct im_said *said)
{
    char *peer = mynah_jid_bare(with);
    int e;

    said->peer = mn_str_from(peer);
    said->at = said->at ? said->at : mn_clock_wall();
    e = im_history_add(h, said);
    mynah_free(peer);
    return im_history_keep(h) ? MN_E_IO : e == MN_E_EXISTS ? MN_E_OK : e;
}

int im_keep_heard(struct im_history *h, struct mynah_client *c, const struct mynah_message *m)
{
    bool ours = m->carbon == MYNAH_CARBON_SENT;
    mn_str account = mn_str_from(mynah_client_bare(c));
    struct im_said said = {.account = account,
                           .who = ours ? account : mn_str_from(m->from),
                           .id = mn_str_from(m->id),
                           .body = mn_str_from(m->body),
                           .at = m->sent_at,
                           .ours = ours};

    if (!m->body || m->type == MYNAH_MESSAGE_ERROR || m->type == MYNAH_GROUPCHAT)
        return MN_E_OK;
    return keep(h, ours ? m->to : m->from, &said);
}

int im_keep_said(struct im_history *h, struct mynah_client *c, const char *to, const char *id,
                 const char *text)
{
    mn_str account = mn_str_from(mynah_client_bare(c));
    struct im_said said = {.account = account,
                           .who = account,
                           .id = mn_str_from(id),
                           .body = mn_str_from(text),
                           .ours = true};

    return keep(h, to, &said);
}

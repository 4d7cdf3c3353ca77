/* Rooms (XEP-0045): who is there, what is said, what happens to them. */
#include "im/messenger_parts.h"

#include <stdlib.h>

#include "im/error.h"
#include "im/lines.h"

enum { NEAR_MS = 5 * 60 * 1000 };

static struct im_chat *chat_of(struct mynah_room *r)
{
    struct im_account_state *a = mynah_client_data(mynah_room_client(r));

    return chat_find(a, mynah_room_jid(r));
}

static void room_told(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                      const struct mynah_error *error)
{
    char *jid = arg;
    struct im_chat *chat = info ? chat_find(mynah_client_data(c), jid) : NULL;

    if (chat)
        chat->has_occupants = mynah_disco_has(info, NS_OCCUPANT);
    mn_free(jid);
}

static void room_joined(void *arg, struct mynah_room *r, bool created)
{
    struct im_chat *chat = chat_of(r);
    struct im *im = chat ? own(chat) : NULL;

    if (chat) {
        said_close(chat, NULL);
        chat->moved |= !chat->inside;
        chat->inside = true;
        mynah_disco_info(chat->account->client, chat->jid, NULL, room_told, copy(chat->jid));
    }

    if (created && !(chat && im->calls.room_created && im->calls.room_created(im->arg, chat)))
        mynah_room_accept_defaults(r, NULL, NULL);
    if (chat)
        im_note(chat, IM_NOTE, created ? _("joined as %s; the room is new") : _("joined as %s"),
                mynah_room_nick(r));
}

static void room_refused(void *arg, struct mynah_room *r, const struct mynah_error *why)
{
    struct im_chat *chat = chat_of(r);
    bool locked = why->condition && !strcmp(why->condition, "not-authorized");
    char *text = im_error_text(why);

    if (chat && locked)
        im_note(chat, IM_ERROR, "%s", _("the room wants its password"));
    else if (chat)
        im_note(chat, IM_ERROR, _("the room refuses: %s"), text);
    if (chat && locked)
        TELL(own(chat), locked, chat);
    mn_free(text);
}

/* Not only for this time. */
static bool is_over(enum mynah_room_end end)
{
    return end != MYNAH_ROOM_LOST && end != MYNAH_ROOM_SHUTDOWN && end != MYNAH_ROOM_ERROR;
}

static void room_left(void *arg, struct mynah_room *r, const struct mynah_room_gone *why)
{
    static const char *const ends[] = {N_("left"),
                                       N_("kicked"),
                                       N_("banned"),
                                       N_("excluded"),
                                       N_("the service stops"),
                                       N_("lost"),
                                       N_("the room is gone"),
                                       N_("the connection was lost")};
    struct im_chat *chat = chat_of(r);
    bool online = mynah_client_state(mynah_room_client(r)) == MYNAH_ONLINE;

    if (!chat)
        return;
    said_close(chat, NULL);
    chat->known = true;
    chat->role = MYNAH_NO_ROLE;
    if (is_over(why->end)) {
        chat->moved |= chat->inside;
        chat->inside = false;
    }
    im_note(chat, IM_NOTE, "%s%s%s",
            online && why->end == MYNAH_ROOM_LOST ? _("the room does not know you any more")
                                                  : _(ends[why->end]),
            why->reason ? ": " : "", why->reason ? why->reason : "");
}

/* What we may is another thing than before. */
static void role_told(struct im_chat *chat, enum mynah_role now)
{
    const char *what = now == MYNAH_MODERATOR          ? _("you are a moderator here now")
                       : now == MYNAH_VISITOR          ? _("you may only listen here now")
                       : chat->role == MYNAH_MODERATOR ? _("you are no moderator here any more")
                                                       : _("you may speak here now");

    if (chat->role && now && chat->role != now)
        im_note(chat, IM_NOTE, "%s", what);
    chat->role = now;
}

static void room_occupant(void *arg, struct mynah_room *r, const struct mynah_occupant *o)
{
    struct im_chat *chat = chat_of(r);

    if (chat && o->self)
        role_told(chat, o->role);
    if (chat)
        changed(chat);
}

static void room_gone(void *arg, struct mynah_room *r, const struct mynah_occupant *o,
                      const struct mynah_room_gone *why)
{
    struct im_chat *chat = chat_of(r), *with = chat ? chat_private(chat, o->nick) : NULL;

    if (with) /* the next of that name may be somebody else */
        im_note(with, IM_NOTE, _("%s is not in the room any more"), o->nick);
    if (chat)
        said_close(chat, o->nick);
    if (chat && why->end != MYNAH_ROOM_LEFT)
        im_note(chat, IM_NOTE, _("%s was put out%s%s"), o->nick, why->reason ? ": " : "",
                why->reason ? why->reason : "");
    else if (chat)
        changed(chat);
}

/* The talk with somebody goes on under the new nickname. */
static void private_renamed(struct im_chat *room, const char *old, const char *now)
{
    struct im_chat *chat = chat_private(room, now) ? NULL : chat_private(room, old);
    struct mn_buf full = {0};

    if (!chat)
        return;
    mn_buf_fmt(&full, "%s/%s", room->jid, now);
    mn_buf_c(&full, 0);
    chat_rename(chat, full.p, now);
    im_note(chat, IM_NOTE, _("%s is %s now"), old, now);
    mn_buf_free(&full);
}

static void room_renamed(void *arg, struct mynah_room *r, const char *old, const char *now)
{
    struct im_chat *chat = chat_of(r);

    if (!chat)
        return;
    said_close(chat, strcmp(now, mynah_room_nick(r)) ? old : _("me"));
    chat->moved |= !strcmp(now, mynah_room_nick(r));
    private_renamed(chat, old, now);
    im_note(chat, IM_NOTE, _("%s is %s now"), old, now);
}

static const char *occupant_id(const struct mynah_elem *xml)
{
    return mynah_elem_get(mynah_elem_child(xml, "occupant-id", NS_OCCUPANT), "id");
}

/* By who it is where the room tells that (XEP-0421: it told us whom it takes us for), so that
 * nothing of somebody who had our nickname before is taken for ours; else by the nickname. */
static bool is_ours(const struct mynah_room *r, const struct mynah_message *m, const char *nick)
{
    const struct mynah_occupant *self = mynah_room_occupant(r, mynah_room_nick(r));
    const char *own_id = self ? occupant_id(self->xml) : NULL, *id = occupant_id(m->xml);

    if (!nick || m->type != MYNAH_GROUPCHAT)
        return false;
    return own_id && id ? !strcmp(own_id, id) : !strcmp(nick, mynah_room_nick(r));
}

/* A line that the room tells again to who comes back: the same id, or where there is none the same
 * words at about the same time. One that was corrected has other words, or comes twice. */
static bool is_there(const struct im_chat *chat, const struct mynah_message *m, bool ours,
                     const char *nick)
{
    for (size_t i = chat->count; i-- > 0;) {
        const struct im_line *l = &chat->lines[i];
        bool words = !strcmp(l->text, m->body), id = l->id && m->id && !strcmp(l->id, m->id),
             near = llabs(l->at - m->sent_at) < NEAR_MS;

        if (l->kind != IM_SAID || l->ours != ours || (!ours && strcmp(l->who, nick) != 0))
            continue;
        if (id ? words || l->corrected : words && near && (l->corrected || !l->id || !m->id))
            return true;
    }
    return false;
}

/* To us alone. */
static void room_private(struct im_chat *room, const struct mynah_message *m, const char *nick)
{
    struct im_chat *chat = im_chat_private(room, nick);
    int64_t number;

    if (said_corrected(chat, m, false, nick))
        return;
    number = chat_history_add(chat, nick, m->id, m->body, m->sent_at, false);
    said_heard(chat, nick, m, true, false, number);
    chat_strangers(room->account, chat);
}

/* `again`: it is shown already. */
static void came(struct mynah_room *r, const struct mynah_message *m, const char *nick, bool again)
{
    struct im_chat *chat = chat_of(r);
    bool ours = is_ours(r, m, nick);
    int64_t number = 0;
    struct im_line *l;

    if (chat && m->type == MYNAH_MESSAGE_ERROR) {
        if (!nick || !chat_private(chat, nick)) /* there it is told of the message itself */
            said_failed(chat, m->error, m->body);
        return;
    }
    if (!chat || !m->body)
        return;
    if (m->type != MYNAH_GROUPCHAT && nick) {
        room_private(chat, m, nick);
        return;
    }
    if (!again && m->sent_at && nick && is_there(chat, m, ours, nick))
        return;
    if (nick && said_corrected(chat, m, ours, nick))
        return;
    if (!m->sent_at || (m->id && *m->id)) /* without an id it would be kept each time we come */
        number = chat_history_add(chat, nick ? nick : chat->jid, m->id, m->body, m->sent_at, ours);
    if (again)
        said_kept(chat, m, ours, nick ? nick : chat->title, number);
    if (again || (m->sent_at && number == CHAT_KEPT))
        return;
    if (ours) {
        said_ours(chat, m->body, m->id, m->sent_at, number);
        chat->lines[chat->count - 1].sent = MYNAH_SENT_DELIVERED;
    } else
        said_heard(chat, nick ? nick : chat->title, m, said_names(m->body, mynah_room_nick(r)),
                   m->sent_at && !chat->known, number);
    l = &chat->lines[chat->count - 1];
    l->occupant = copy(said_occupant(chat, m));
    l->old = m->sent_at && (ours || !chat->known);
    l->closed = m->sent_at; /* of before we came: whose that nickname was then nobody knows */
}

static void room_message(void *arg, struct mynah_room *r, const struct mynah_message *m,
                         const char *nick)
{
    came(r, m, nick, false);
}

void room_again(struct mynah_room *r, const struct mynah_message *m)
{
    const char *nick = strchr(m->from, '/');

    came(r, m, nick ? nick + 1 : NULL, true);
}

static void room_subject(void *arg, struct mynah_room *r, const char *subject, const char *nick)
{
    struct im_chat *chat = chat_of(r);

    if (chat && *subject)
        im_note(chat, IM_NOTE, _("subject: %s"), subject);
}

static void room_status(void *arg, struct mynah_room *r, unsigned code)
{
    static const struct {
        unsigned code;
        const char *text;
    } texts[] = {
        {100, N_("everybody here can see your address")},
        {102, N_("the room shows its members that are away")},
        {103, N_("the room does not show its members that are away")},
        {104, N_("the configuration of the room changed")},
        {170, N_("what is said here is recorded")},
        {171, N_("what is said here is not recorded any more")},
        {172, N_("everybody can see everybody's address now")},
        {173, N_("only moderators can see addresses now")},
        {174, N_("nobody can see addresses now")},
        {210, N_("the room changed your nickname")},
    };
    struct im_chat *chat = chat_of(r);

    for (size_t i = 0; chat && i < MN_COUNT(texts); i++)
        if (texts[i].code == code)
            im_note(chat, IM_NOTE, "%s", _(texts[i].text));
}

static void room_voice(void *arg, struct mynah_room *r, const struct mynah_form *form)
{
    struct im_chat *chat = chat_of(r);

    if (chat)
        TELL(own(chat), voice, chat, form);
}

static void room_declined(void *arg, struct mynah_room *r, const char *who, const char *reason)
{
    struct im_chat *chat = chat_of(r);

    if (chat)
        im_note(chat, IM_NOTE, _("%s does not come%s%s"), who, reason ? ": " : "",
                reason ? reason : "");
}

static void invited(void *arg, struct mynah_client *c, const struct mynah_invitation *i)
{
    struct im_account_state *a = arg;
    struct im_chat *page = a->im->chats[0];
    char *bare = mynah_jid_same(i->from, i->room) ? NULL : mynah_jid_bare(i->from);

    page->unread++;
    page->mentioned = true;
    im_note(page, IM_NOTE, _("%s asks you into a room: /join %s%s%s"), bare ? bare : i->from,
            i->room, i->reason ? " - " : "", i->reason ? i->reason : "");
    mynah_free(bare);
}

/* NULL: that is no nickname. */
static char *nick_for(const struct im_account_state *a, const struct im_chat *chat,
                      const char *nick)
{
    const char *before = chat && chat->room ? mynah_room_nick(chat->room) : NULL;
    char *user = mynah_jid_user(a->jid);
    char *full = mynah_jid_make(NULL, "x",
                                nick     ? nick
                                : before ? before
                                : user   ? user
                                         : "me"),
         *name = full ? mynah_jid_resource(full) : NULL;

    mynah_free(user);
    mynah_free(full);
    return name;
}

static struct im_chat *room_chat(struct im_account_state *a, const char *bare, const char *user)
{
    struct im_chat *chat = chat_new(a->im, a, bare, user ? user : bare);

    chat->room = mynah_room_find(a->client, bare); /* so that its history is that of a room */
    chat_history_show(chat);
    chat->known = chat->last;
    return chat;
}

struct im_chat *room_open(struct im_account_state *a, const char *jid, const char *nick)
{
    static const struct mynah_room_calls calls = {.size = sizeof calls,
                                                  .joined = room_joined,
                                                  .refused = room_refused,
                                                  .left = room_left,
                                                  .occupant = room_occupant,
                                                  .gone = room_gone,
                                                  .renamed = room_renamed,
                                                  .message = room_message,
                                                  .subject = room_subject,
                                                  .status = room_status,
                                                  .voice = room_voice,
                                                  .declined = room_declined};
    char *bare = mynah_jid_bare(jid), *user = mynah_jid_user(jid);
    struct im_chat *chat = bare ? chat_find(a, bare) : NULL;
    struct mynah_room *r = chat ? chat->room : NULL;
    char *name = nick_for(a, chat, nick);
    bool other = name && r && strcmp(name, mynah_room_nick(r)) != 0;

    if (other && mynah_room_is_joined(r)) {
        (void)!mynah_room_set_nick(r, name);
    } else if (other) { /* it has the nickname that it was made with */
        mynah_room_free(r);
        r = NULL;
    }
    if (bare && name && !r && !mynah_room_new(a->client, bare, name, &calls, NULL, &r))
        chat = chat ? chat : room_chat(a, bare, user);
    if (chat)
        chat->room = r;
    chat = name && r ? chat : NULL;
    mynah_free(bare);
    mynah_free(user);
    mynah_free(name);
    return chat;
}

/* When the last was said that is kept; 0: nothing is. */
static int64_t heard_at(const struct im_chat *chat)
{
    for (size_t i = chat->count; i-- > 0;)
        if (chat->lines[i].number)
            return chat->lines[i].at;
    return 0;
}

struct im_chat *im_room_join(struct im_account_state *a, const char *jid, const char *nick,
                             const char *password)
{
    struct im_chat *chat = room_open(a, jid, nick);
    struct mynah_history missed = {-1, -1, -1, 0};

    /* Clocks differ; what comes twice is shown once. */
    if (chat && heard_at(chat))
        missed.since = heard_at(chat) - NEAR_MS;
    if (chat)
        (void)!mynah_room_join(chat->room, password, &missed); /* or we are in it */
    if (chat)
        changed(chat);
    return chat;
}

const struct mynah_invitation_calls room_invitations = {sizeof room_invitations, invited};

#include "im/messenger.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/list.h"
#include "im/error.h"
#include "im/lang.h"
#include "im/lines.h"

#define NS_OCCUPANT "urn:xmpp:occupant-id:0"

enum { HISTORY_SHOWN = 30 };
/* Who waits behind so many is told of by the server at the next login again. */
enum { ASKED_MAX = 50 };

struct asked {
    struct im_account_state *account;
    char *jid;
};

struct im {
    struct mynah_context *ctx;
    struct im_history *history;
    struct im_calls calls;
    void *arg;
    struct im_chat **chats;
    size_t chat_count, chat_cap;
    struct im_account_state **accounts;
    size_t account_count;
    struct asked *asked;
    size_t asked_count;
    char *name;    /* what im_name lent last */
    bool settling; /* the history is being written */
};

#define TELL(im, member, ...)                                                                      \
    do {                                                                                           \
        if ((im)->calls.member)                                                                    \
            (im)->calls.member((im)->arg, ##__VA_ARGS__);                                          \
    } while (0)

static char *copy(const char *text)
{
    return text ? mn_str_dup(mn_str_from(text)) : NULL;
}

static struct im *own(struct im_chat *chat)
{
    return *(struct im **)(chat + 1);
}

static void changed(struct im_chat *chat)
{
    TELL(own(chat), chat, chat);
}

void im_note(struct im_chat *chat, enum im_kind kind, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    im_line_add(chat, kind, 0, NULL, text);
    changed(chat);
}

void im_note_again(struct im_chat *chat, unsigned of, enum im_kind kind, const char *fmt, ...)
{
    char text[1024];
    struct im_line *l = NULL;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (size_t i = chat->count; i-- > 0 && !l;)
        if (chat->lines[i].of == of)
            l = &chat->lines[i];
    if (!l) {
        l = im_line_add(chat, kind, 0, NULL, text);
        l->of = of;
    } else {
        mn_free(l->text);
        l->text = copy(text);
        l->kind = kind;
    }
    changed(chat);
}

/* Chats. The messenger stands behind the struct, so that the program's own page has it too. */

static struct im_chat *chat_new(struct im *im, struct im_account_state *a, const char *jid,
                                const char *title)
{
    struct im_chat *chat = mn_alloc0(sizeof *chat + sizeof im);

    *(struct im **)(chat + 1) = im;
    chat->account = a;
    chat->jid = copy(jid);
    chat->title = copy(title);
    if (im->chat_count == im->chat_cap) {
        im->chat_cap = im->chat_cap ? 2 * im->chat_cap : 16;
        im->chats = mn_realloc(im->chats, im->chat_cap * sizeof(struct im_chat *));
    }
    im->chats[im->chat_count++] = chat;
    return chat;
}

static void chat_free(struct im_chat *chat)
{
    im_lines_free(chat);
    mynah_elem_free(chat->unseen);
    mynah_room_free(chat->room);
    mn_free(chat->jid);
    mn_free(chat->title);
    mn_free(chat);
}

static struct im_chat *chat_find(struct im_account_state *a, const char *bare)
{
    for (size_t i = 1; i < a->im->chat_count; i++)
        if (a->im->chats[i]->account == a && !strcmp(a->im->chats[i]->jid, bare))
            return a->im->chats[i];
    return NULL;
}

static void remembered(void *arg, const struct im_said *m)
{
    struct im_chat *chat = arg;
    char *who = mn_str_dup(m->who), *body = mn_str_dup(m->body);
    const char *shown = m->ours ? _("me") : chat->room ? who : im_name(chat->account, who);
    struct im_line *l = im_line_add(chat, IM_SAID, m->at, shown, body);

    l->ours = m->ours;
    l->sent = (enum mynah_sent)m->sent;
    l->old = true;
    l->id = m->id.n ? mn_str_dup(m->id) : NULL;
    l->number = m->number;
    l->closed = chat->room;
    if (!chat->oldest || m->number < chat->oldest)
        chat->oldest = m->number;
    mn_free(who);
    mn_free(body);
}

static void history_show(struct im_chat *chat)
{
    struct im *im = own(chat);
    struct im_history_query q = {.account = mn_str_from(chat->account->jid),
                                 .peer = mn_str_from(chat->jid),
                                 .limit = HISTORY_SHOWN};

    if (im->history && im_history_each(im->history, &q, remembered, chat))
        im_note(chat, IM_ERROR, _("the history cannot be read"));
    chat->fresh = chat->count;
}

size_t im_chat_older(struct im_chat *chat)
{
    struct im_chat found = {.account = chat->account, .room = chat->room, .oldest = chat->oldest};
    struct im_history_query q = {.before = chat->oldest, .limit = HISTORY_SHOWN};
    size_t n;

    if (!chat->oldest || im_lines_are_full(chat))
        return 0;
    q.account = mn_str_from(chat->account->jid);
    q.peer = mn_str_from(chat->jid);
    if (im_history_each(own(chat)->history, &q, remembered, &found))
        im_note(chat, IM_ERROR, "%s", _("the history cannot be read"));
    n = found.count;
    chat->oldest = n ? found.oldest : 0;
    im_lines_join(chat, &found);
    return n;
}

/* Its number; 0: it is not kept, or there was one of that id. */
static int64_t history_add(struct im_chat *chat, const char *who, const char *id, const char *body,
                           int64_t at, bool ours)
{
    struct im *im = own(chat);
    struct im_said said = {.account = mn_str_from(chat->account->jid),
                           .peer = mn_str_from(chat->jid),
                           .who = mn_str_from(who),
                           .id = mn_str_from(id),
                           .body = mn_str_from(body),
                           .at = at ? at : mn_clock_wall(),
                           .ours = ours};
    int e = im->history ? im_history_add(im->history, &said) : MN_E_OK;

    if (e && e != MN_E_EXISTS)
        im_note(im->chats[0], IM_ERROR, _("the history cannot be written"));
    return said.number;
}

struct im_chat *im_page_new(struct im *im, const char *title)
{
    return chat_new(im, NULL, "", title);
}

struct im_chat *im_chat_with(struct im_account_state *a, const char *jid)
{
    char *bare = mynah_jid_bare(jid);
    struct im_chat *chat = bare ? chat_find(a, bare) : NULL;

    if (bare && !chat) {
        chat = chat_new(a->im, a, bare, im_name(a, bare));
        history_show(chat);
        changed(chat);
    }
    mynah_free(bare);
    return chat;
}

void im_chat_close(struct im_chat *chat)
{
    struct im *im = own(chat);

    for (size_t i = 1; i < im->chat_count; i++)
        if (im->chats[i] == chat) {
            TELL(im, closed, chat);
            memmove(&im->chats[i], &im->chats[i + 1],
                    (--im->chat_count - i) * sizeof(struct im_chat *));
            chat_free(chat);
            return;
        }
}

void im_chat_clear(struct im_chat *chat)
{
    im_lines_free(chat);
}

void im_chat_looked_at(struct im_chat *chat)
{
    chat->unread = 0;
    chat->mentioned = false;
    chat->fresh = chat->count;
}

struct im_chat *im_chat_at(const struct im *im, size_t i)
{
    return i < im->chat_count ? im->chats[i] : NULL;
}

size_t im_chat_count(const struct im *im)
{
    return im->chat_count;
}

/* What is said. */

/* Who it is beyond the nickname; NULL: the room does not say, or anybody could (XEP-0421). */
static const char *occupant_of(const struct im_chat *chat, const struct mynah_message *m)
{
    return chat->has_occupants
               ? mynah_elem_get(mynah_elem_child(m->xml, "occupant-id", NS_OCCUPANT), "id")
               : NULL;
}

/* In a room the same nickname may be somebody else (XEP-0308, 4 and 5). */
static bool is_of_the_same(const struct im_line *l, const char *occupant)
{
    return l->occupant && occupant ? !strcmp(l->occupant, occupant) : !l->closed;
}

/* What was said under a nickname (NULL: any) is corrected by nobody whom the room does not vouch
 * for.
 */
static void lines_close(struct im_chat *chat, const char *nick)
{
    for (size_t i = 0; i < chat->count; i++)
        if (!nick || (chat->lines[i].who && !strcmp(chat->lines[i].who, nick)))
            chat->lines[i].closed = true;
}

/* It stands in the place of an earlier one of the same sender: that is changed here and in the
 * history. */
static bool corrected(struct im_chat *chat, const struct mynah_message *m, bool ours,
                      const char *who)
{
    const char *id = mynah_corrects(m->xml);
    struct im_line *l = id ? im_line_find(chat, id, ours, who) : NULL;
    struct im *im = own(chat);

    if (!l || !is_of_the_same(l, occupant_of(chat, m)))
        return false;
    mn_free(l->text);
    l->text = copy(m->body);
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

static void unseen(struct im_chat *chat, const struct mynah_message *m)
{
    mynah_elem_free(chat->unseen);
    chat->unseen = mynah_elem_copy(m->xml);
}

void im_chat_seen(struct im_chat *chat)
{
    struct mynah_message m = {.type = MYNAH_CHAT, .xml = chat->unseen};

    if (!chat->unseen)
        return;
    m.from = mynah_elem_get(chat->unseen, "from");
    m.to = mynah_elem_get(chat->unseen, "to");
    m.id = mynah_elem_get(chat->unseen, "id");
    mynah_message_displayed(chat->account->client, &m);
    mynah_elem_free(chat->unseen);
    chat->unseen = NULL;
}

static void heard(struct im_chat *chat, const char *who, const struct mynah_message *m,
                  bool mention, int64_t number)
{
    char *text = quoted(chat, m);
    struct im_line *l = im_line_add(chat, IM_SAID, m->sent_at, who, text);

    mn_free(text);
    l->id = copy(m->id);
    l->number = number;
    l->mention = mention && chat->room;
    chat->unread++;
    chat->mentioned |= mention;
    changed(chat);
}

static void said(struct im_chat *chat, const char *text, const char *id, int64_t at, int64_t number)
{
    struct im_line *l = im_line_add(chat, IM_SAID, at, _("me"), text);

    l->ours = true;
    l->id = copy(id);
    l->number = number;
    changed(chat);
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    struct im_account_state *a = arg;
    bool ours = m->carbon == MYNAH_CARBON_SENT;
    struct im_chat *chat;
    enum mynah_chat_state state = mynah_chat_state(m->xml);
    int64_t number;

    if (m->type == MYNAH_MESSAGE_ERROR || m->type == MYNAH_GROUPCHAT)
        return;
    if (!m->body) {
        char *bare = mynah_jid_bare(m->from);

        chat = bare && !ours ? chat_find(a, bare) : NULL;
        mynah_free(bare);
        if (chat && state) {
            chat->typing = state;
            changed(chat);
        }
        return;
    }
    chat = im_chat_with(a, ours ? m->to : m->from);
    if (!chat)
        return;
    chat->typing = MYNAH_NO_STATE;
    if (corrected(chat, m, ours, im_name(a, m->from)))
        return;
    number = history_add(chat, ours ? a->jid : m->from, m->id, m->body, m->sent_at, ours);
    if (ours) {
        said(chat, m->body, m->id, m->sent_at, number);
        return;
    }
    if (!m->carbon) {
        unseen(chat, m);
        mynah_message_received(c, m);
    }
    heard(chat, im_name(a, m->from), m, true, number);
}

/* Something of ours was not taken. */
static void failed(struct im_chat *chat, const struct mynah_error *why)
{
    char *text = why ? im_error_text(why) : NULL;

    im_note(chat, IM_ERROR, _("not sent: %s"), text ? text : _(mynah_code_text(MYNAH_E_LOST)));
    mn_free(text);
}

static void sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
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
                    failed(chat, why);
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
        if (mynah_room_send(chat->room, text, NULL, NULL, NULL))
            im_note(chat, IM_ERROR, _("it could not be sent"));
        return; /* the room sends it back */
    }
    m = mynah_message_new(chat->jid, MYNAH_CHAT, text);
    mynah_chat_state_add(m, MYNAH_ACTIVE);
    chat->told_typing = false;
    im_chat_looked_at(chat);
    id = mynah_id(chat->account->client);
    mynah_elem_set(m, "id", id);
    said(chat, text, id, 0, history_add(chat, chat->account->jid, id, text, 0, true));
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
        corrected(chat, &(struct mynah_message){.body = text, .xml = m}, true, NULL);
    mynah_message_send(chat->account->client, &m, NULL, NULL, NULL);
    return true;
}

void im_said(struct im_account_state *a, const char *to, const char *id, const char *text)
{
    struct im_chat *chat = im_chat_with(a, to);

    if (!chat)
        return;
    said(chat, text, id, 0, history_add(chat, a->jid, id, text, 0, true));
}

void im_typing(struct im_chat *chat, bool typing)
{
    struct mynah_elem *m;

    if (!chat->account || chat->room || chat->told_typing == typing ||
        mynah_client_state(chat->account->client) != MYNAH_ONLINE)
        return;
    chat->told_typing = typing;
    m = mynah_message_new(chat->jid, MYNAH_CHAT, NULL);
    mynah_chat_state_add(m, typing ? MYNAH_COMPOSING : MYNAH_PAUSED);
    mynah_hint_add(m, "no-store");
    mynah_send(chat->account->client, &m);
}

/* Rooms. */

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
        lines_close(chat, NULL);
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
    char *text = im_error_text(why);

    if (chat)
        im_note(chat, IM_ERROR, _("the room refuses: %s"), text);
    mn_free(text);
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

    if (chat)
        lines_close(chat, NULL);
    if (chat)
        im_note(chat, IM_NOTE, "%s%s%s", _(ends[why->end]), why->reason ? ": " : "",
                why->reason ? why->reason : "");
}

static void room_occupant(void *arg, struct mynah_room *r, const struct mynah_occupant *o)
{
    struct im_chat *chat = chat_of(r);

    if (chat)
        changed(chat);
}

static void room_gone(void *arg, struct mynah_room *r, const struct mynah_occupant *o,
                      const struct mynah_room_gone *why)
{
    struct im_chat *chat = chat_of(r);

    if (chat)
        lines_close(chat, o->nick);
    if (chat && why->end != MYNAH_ROOM_LEFT)
        im_note(chat, IM_NOTE, _("%s was put out%s%s"), o->nick, why->reason ? ": " : "",
                why->reason ? why->reason : "");
    else if (chat)
        changed(chat);
}

static void room_renamed(void *arg, struct mynah_room *r, const char *old, const char *now)
{
    struct im_chat *chat = chat_of(r);

    if (!chat)
        return;
    lines_close(chat, strcmp(now, mynah_room_nick(r)) ? old : _("me"));
    im_note(chat, IM_NOTE, _("%s is %s now"), old, now);
}

static void room_message(void *arg, struct mynah_room *r, const struct mynah_message *m,
                         const char *nick)
{
    struct im_chat *chat = chat_of(r);
    bool ours = nick && !strcmp(nick, mynah_room_nick(r)) && m->type == MYNAH_GROUPCHAT;
    int64_t number = 0;
    struct im_line *l;

    if (chat && m->type == MYNAH_MESSAGE_ERROR) {
        failed(chat, m->error);
        return;
    }
    if (!chat || !m->body)
        return;
    if (nick && corrected(chat, m, ours, nick))
        return;
    if (!m->sent_at)
        number = history_add(chat, nick ? nick : chat->jid, m->id, m->body, 0, ours);
    if (ours) {
        said(chat, m->body, m->id, m->sent_at, number);
        chat->lines[chat->count - 1].sent = MYNAH_SENT_DELIVERED;
    } else
        heard(chat, nick ? nick : chat->title, m,
              m->type == MYNAH_CHAT || strstr(m->body, mynah_room_nick(r)), number);
    l = &chat->lines[chat->count - 1];
    l->occupant = copy(occupant_of(chat, m));
    if (m->sent_at) { /* of before we came: whose that nickname was then nobody knows */
        l->old = l->closed = true;
        chat->unread -= chat->unread > 0 && !ours;
    }
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

    im_note(a->im->chats[0], IM_NOTE, _("%s asks you into a room: /join %s%s%s"), i->from, i->room,
            i->reason ? " - " : "", i->reason ? i->reason : "");
}

struct im_chat *im_room_join(struct im_account_state *a, const char *jid, const char *nick,
                             const char *password)
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
    struct mynah_room *r = NULL;

    if (bare && !chat && !mynah_room_new(a->client, bare, nick, &calls, NULL, &r)) {
        chat = chat_new(a->im, a, bare, user ? user : bare);
        chat->room = r;
        history_show(chat);
    }
    if (chat && chat->room)
        (void)!mynah_room_join(chat->room, password, NULL);
    mynah_free(bare);
    mynah_free(user);
    if (chat)
        changed(chat);
    return chat;
}

/* People. */

const char *im_name(struct im_account_state *a, const char *jid)
{
    const struct mynah_contact *k = mynah_roster_find(a->client, jid);
    char *user;

    if (k && k->name && *k->name)
        return k->name;
    user = mynah_jid_user(jid);
    mynah_free(a->im->name);
    a->im->name = user ? user : copy(jid);
    return a->im->name;
}

static void roster_ready(void *arg, struct mynah_client *c)
{
    TELL(((struct im_account_state *)arg)->im, people);
}

static void roster_failed(void *arg, struct mynah_client *c, const struct mynah_error *why)
{
    struct im_account_state *a = arg;
    char *text = im_error_text(why);

    im_note(a->im->chats[0], IM_ERROR, _("%s: the roster cannot be read: %s"), a->jid, text);
    mn_free(text);
}

static void roster_removed(void *arg, struct mynah_client *c, const char *jid)
{
    TELL(((struct im_account_state *)arg)->im, people);
}

static void roster_presence(void *arg, struct mynah_client *c, const struct mynah_contact *k,
                            const struct mynah_resource *r)
{
    TELL(((struct im_account_state *)arg)->im, people);
}

static size_t asked_find(const struct im *im, const struct im_account_state *a, const char *jid)
{
    for (size_t i = 0; i < im->asked_count; i++)
        if (im->asked[i].account == a && !strcmp(im->asked[i].jid, jid))
            return i;
    return im->asked_count;
}

/* It was answered, here or by another program of ours. */
static void asked_over(struct im_account_state *a, const char *jid)
{
    struct im *im = a->im;
    size_t i = asked_find(im, a, jid);
    char *gone;

    if (i == im->asked_count)
        return;
    gone = im->asked[i].jid;
    memmove(&im->asked[i], &im->asked[i + 1], (--im->asked_count - i) * sizeof *im->asked);
    TELL(im, answered, a, gone);
    mn_free(gone);
}

static void roster_changed(void *arg, struct mynah_client *c, const struct mynah_contact *k)
{
    struct im_account_state *a = arg;

    if (k->subscription == MYNAH_FROM || k->subscription == MYNAH_BOTH)
        asked_over(a, k->jid);
    TELL(a->im, people);
}

static void roster_asked(void *arg, struct mynah_client *c, const char *from, const char *text)
{
    struct im_account_state *a = arg;
    struct im *im = a->im;

    if (asked_find(im, a, from) < im->asked_count || im->asked_count == ASKED_MAX)
        return;
    im->asked = mn_realloc(im->asked, (im->asked_count + 1) * sizeof *im->asked);
    im->asked[im->asked_count++] = (struct asked){a, copy(from)};
    TELL(im, asked, a, from);
}

const char *im_asked_at(const struct im *im, size_t i, struct im_account_state **account)
{
    if (i >= im->asked_count)
        return NULL;
    *account = im->asked[i].account;
    return im->asked[i].jid;
}

bool im_answer(struct im_account_state *a, const char *jid, bool yes)
{
    const struct mynah_contact *k = mynah_roster_find(a->client, jid);
    bool asks =
        yes && !(k && (k->asked || k->subscription == MYNAH_TO || k->subscription == MYNAH_BOTH));

    mynah_subscription_send(a->client, jid, yes ? MYNAH_SUBSCRIBED : MYNAH_UNSUBSCRIBED, NULL);
    if (asks)
        mynah_subscription_send(a->client, jid, MYNAH_SUBSCRIBE, NULL);
    asked_over(a, jid);
    return asks;
}

/* Accounts. */

static void state(void *arg, struct mynah_client *c, enum mynah_state s,
                  const struct mynah_error *why)
{
    struct im_account_state *a = arg;

    TELL(a->im, state, a, s, why);
    TELL(a->im, people);
}

static bool certificate(void *arg, struct mynah_client *c, const struct mynah_certificate *cert)
{
    struct im_account_state *a = arg;

    return a->im->calls.certificate && a->im->calls.certificate(a->im->arg, a, cert);
}

int im_connect(struct im *im, const struct mynah_client_config *config,
               struct im_account_state **out, char **why)
{
    static const struct mynah_calls calls = {.size = sizeof calls,
                                             .state = state,
                                             .certificate = certificate,
                                             .message = message,
                                             .sent = sent};
    static const struct mynah_roster_calls roster = {.size = sizeof roster,
                                                     .ready = roster_ready,
                                                     .changed = roster_changed,
                                                     .removed = roster_removed,
                                                     .presence = roster_presence,
                                                     .asked = roster_asked,
                                                     .failed = roster_failed};
    static const struct mynah_invitation_calls invitations = {sizeof invitations, invited};
    struct im_account_state *a = MN_NEW(struct im_account_state);
    struct mynah_client_config held = *config;
    int e;

    held.hold_acks = im->history;
    e = mynah_client_new(im->ctx, &held, &a->client, why);
    *out = NULL;
    if (e) {
        mn_free(a);
        return e;
    }
    a->im = im;
    a->jid = copy(mynah_client_bare(a->client));
    mynah_client_set_data(a->client, a);
    im->accounts =
        mn_realloc(im->accounts, (im->account_count + 1) * sizeof(struct im_account_state *));
    im->accounts[im->account_count++] = a;
    mynah_listen(a->client, &calls, a);
    mynah_roster_listen(a->client, &roster, a);
    mynah_invitations_listen(a->client, &invitations, a);
    mynah_presence_set(a->client, MYNAH_AVAILABLE, NULL, 0);
    mynah_client_connect(a->client);
    *out = a;
    return MYNAH_OK;
}

size_t im_account_count(const struct im *im)
{
    return im->account_count;
}

struct im_account_state *im_account_at(const struct im *im, size_t i)
{
    return i < im->account_count ? im->accounts[i] : NULL;
}

struct im *im_new(struct mynah_context *ctx, struct im_history *history,
                  const struct im_calls *calls, void *arg)
{
    struct im *im = MN_NEW(struct im);

    im->ctx = ctx;
    im->history = history;
    im->arg = arg;
    memcpy(&im->calls, calls, calls->size < sizeof im->calls ? calls->size : sizeof im->calls);
    chat_new(im, NULL, "", "Mynah");
    return im;
}

/* What was said is in the history, and need not come again. */
static void settled(struct im *im)
{
    im->settling = false;
    for (size_t i = 0; i < im->account_count; i++)
        mynah_client_ack(im->accounts[i]->client, im->accounts[i]->received);
}

int im_settle(struct im *im)
{
    int fd = -1;

    if (!im->history)
        return -1;
    if (im->settling && !im_history_keeping(im->history))
        settled(im);
    for (size_t i = 0; i < im->account_count && !im->settling; i++)
        im->accounts[i]->received = mynah_client_received(im->accounts[i]->client);
    if (im_history_keep_aside(im->history, &fd))
        im_note(im->chats[0], IM_ERROR, _("the history cannot be written"));
    im->settling = fd >= 0;
    if (!im->settling)
        settled(im);
    return fd;
}

void im_free(struct im *im)
{
    im->calls = (struct im_calls){0};
    for (size_t i = 0; i < im->chat_count; i++)
        chat_free(im->chats[i]);
    for (size_t i = 0; i < im->account_count; i++) {
        mynah_client_free(im->accounts[i]->client);
        mn_free(im->accounts[i]->jid);
        mn_free(im->accounts[i]);
    }
    for (size_t i = 0; i < im->asked_count; i++)
        mn_free(im->asked[i].jid);
    mn_free(im->asked);
    mn_free(im->accounts);
    mn_free(im->chats);
    mynah_free(im->name);
    mn_free(im);
}

/* Windows of talk: what stands in them, and what comes of the history. */
#include "im/messenger_parts.h"

#include <stdio.h>

#include "base/clock.h"
#include "im/lines.h"

/* STRANGERS_MAX: windows of people who are no contacts, each of which somebody may open by writing.
 */
enum { HISTORY_SHOWN = 30, UNREAD_SHOWN = 1500, STRANGERS_MAX = 200 };

void im_notev(struct im_chat *chat, enum im_kind kind, const char *fmt, va_list ap)
{
    struct mn_buf b = {0};

    mn_buf_addv(&b, fmt, ap);
    mn_buf_c(&b, 0);
    im_line_add(chat, kind, 0, NULL, b.p);
    mn_buf_free(&b);
    changed(chat);
}

void im_note(struct im_chat *chat, enum im_kind kind, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    im_notev(chat, kind, fmt, ap);
    va_end(ap);
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
        im_line_say(chat, l, text);
        l->kind = kind;
    }
    changed(chat);
}

struct im_chat *chat_new(struct im *im, struct im_account_state *a, const char *jid,
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

void chat_free(struct im_chat *chat)
{
    im_lines_free(chat);
    mynah_elem_free(chat->unseen);
    mynah_room_free(chat->room);
    mn_free(chat->jid);
    mn_free(chat->title);
    mn_free(chat->draft);
    mn_free(chat);
}

struct im_chat *chat_find(struct im_account_state *a, const char *bare)
{
    for (size_t i = 1; i < a->im->chat_count; i++)
        if (a->im->chats[i]->account == a && !strcmp(a->im->chats[i]->jid, bare))
            return a->im->chats[i];
    return NULL;
}

static void remembered(void *arg, const struct im_said *m)
{
    struct im_chat *chat = arg;
    bool fresh = m->number > chat->seen && !m->ours;
    char *who = mn_str_dup(m->who), *body = mn_str_dup(m->body);
    bool nick = chat->room || chat->occupant;
    const char *shown = m->ours ? _("me") : nick ? who : im_name(chat->account, who);
    struct im_line *l = im_line_add(chat, IM_SAID, m->at, shown, body);

    l->ours = m->ours;
    l->sent = chat->room ? MYNAH_SENT_DELIVERED : (enum mynah_sent)m->sent; /* it sent it back */
    l->old = !fresh;
    l->id = m->id.n ? mn_str_dup(m->id) : NULL;
    l->number = m->number;
    l->closed = nick;
    l->mention = fresh && chat->room && said_names(body, mynah_room_nick(chat->room));
    chat->mentioned |= l->mention || (fresh && !chat->room);
    if (!chat->oldest || m->number < chat->oldest)
        chat->oldest = m->number;
    chat->last = m->number > chat->last ? m->number : chat->last;
    mn_free(who);
    mn_free(body);
}

static void placed(void *arg, const struct im_place *p)
{
    struct im_chat *chat = arg;
    char *mark = mn_str_dup(p->mark);

    chat->seen = p->seen;
    chat->unread = (unsigned)p->unread;
    chat->inside = p->inside;
    chat->draft = p->draft.n ? mn_str_dup(p->draft) : NULL;
    if (p->mark.n)
        (void)!mynah_elem_parse(mark, &chat->unseen);
    mn_free(mark);
}

/* From the first that is unread on, and some before it. */
void chat_history_show(struct im_chat *chat)
{
    struct im *im = own(chat);
    struct im_history_query q = {.account = mn_str_from(chat->account->jid),
                                 .peer = mn_str_from(chat->jid)};

    if (!im->history)
        return;
    if (im_history_places(im->history, q.account, q.peer, placed, chat))
        im_note(chat, IM_ERROR, _("the history cannot be read"));
    q.limit = HISTORY_SHOWN + (chat->unread < UNREAD_SHOWN ? chat->unread : UNREAD_SHOWN);
    if (im_history_each(im->history, &q, remembered, chat))
        im_note(chat, IM_ERROR, _("the history cannot be read"));
    while (chat->fresh < chat->count && chat->lines[chat->fresh].old)
        chat->fresh++;
}

/* `jid`: with the nickname. */
static struct im_chat *private_open(struct im_account_state *a, const char *jid)
{
    struct im_chat *chat = chat_find(a, jid);

    if (chat)
        return chat;
    chat = chat_new(a->im, a, jid, strchr(jid, '/') + 1);
    chat->occupant = true;
    chat_history_show(chat);
    changed(chat);
    return chat;
}

static void left_open(void *arg, const struct im_place *p)
{
    struct im_account_state *a = arg;
    char *peer = mn_str_dup(p->peer), *nick = mn_str_dup(p->nick);

    if (p->nick.n && (p->inside || p->unread || p->draft.n)) {
        struct im_chat *chat = room_open(a, peer, nick);

        if (chat && p->inside)
            im_room_join(a, peer, nick, NULL);
    } else if ((p->unread || p->draft.n) && strchr(peer, '/')) {
        private_open(a, peer);
    } else if (p->unread || p->draft.n) {
        im_chat_with(a, peer);
    }
    mn_free(peer);
    mn_free(nick);
}

void chats_open(struct im_account_state *a)
{
    struct im *im = a->im;

    if (im->history &&
        im_history_places(im->history, mn_str_from(a->jid), (mn_str){0}, left_open, a))
        im_note(im->chats[0], IM_ERROR, _("the history cannot be read"));
}

void chat_place_keep(struct im_chat *chat)
{
    struct im *im = own(chat);
    char *mark = chat->unseen ? mynah_elem_xml(chat->unseen) : NULL;
    struct im_place p = {.account = mn_str_from(chat->account->jid),
                         .peer = mn_str_from(chat->jid),
                         .seen = chat->seen,
                         .draft = mn_str_from(chat->draft),
                         .nick = mn_str_from(chat->room ? mynah_room_nick(chat->room) : NULL),
                         .inside = chat->inside,
                         .mark = mn_str_from(mark)};

    chat->moved = false;
    if (im_history_place_set(im->history, &p))
        im_note(im->chats[0], IM_ERROR, _("the history cannot be written"));
    mynah_free(mark);
}

/* Under the old name nothing waits any more: who has it next begins anew. */
static void place_move(struct im_chat *chat, const char *now)
{
    struct im *im = own(chat);
    struct im_place p = {.account = mn_str_from(chat->account->jid),
                         .peer = mn_str_from(chat->jid),
                         .seen = chat->last};

    if (im_history_move(im->history, p.account, p.peer, mn_str_from(now), chat->seen) ||
        im_history_place_set(im->history, &p))
        im_note(im->chats[0], IM_ERROR, _("the history cannot be written"));
}

void chat_rename(struct im_chat *chat, const char *jid, const char *title)
{
    if (own(chat)->history)
        place_move(chat, jid);
    mn_free(chat->jid);
    mn_free(chat->title);
    chat->jid = copy(jid);
    chat->title = copy(title);
    chat->moved = true;
}

size_t im_chat_older(struct im_chat *chat)
{
    struct im_chat found = {.account = chat->account,
                            .room = chat->room,
                            .occupant = chat->occupant,
                            .oldest = chat->oldest,
                            .seen = chat->seen};
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

int64_t chat_history_add(struct im_chat *chat, const char *who, const char *id, const char *body,
                         int64_t at, bool ours)
{
    struct im *im = own(chat);
    struct im_said said = {.account = mn_str_from(chat->account->jid),
                           .peer = mn_str_from(chat->jid),
                           .who = mn_str_from(who),
                           .id = mn_str_from(id),
                           .body = mn_str_from(body),
                           .at = at ? at : mn_clock_wall(),
                           .ours = ours,
                           .again = chat->room && at};
    int e = im->history ? im_history_add(im->history, &said) : MN_E_OK;

    if (e && e != MN_E_EXISTS) {
        chat->account->unkept = true;
        im_note(im->chats[0], IM_ERROR, _("the history cannot be written"));
    }
    chat->last = e || !im->history ? chat->last : said.number;
    return e == MN_E_EXISTS ? CHAT_KEPT : said.number;
}

struct im_chat *im_page_new(struct im *im, const char *title)
{
    return chat_new(im, NULL, "", title);
}

static int64_t spoken_at(const struct im_chat *chat)
{
    return chat->count ? chat->lines[chat->count - 1].at : 0;
}

void chat_strangers(struct im_account_state *a, const struct im_chat *now)
{
    struct im_chat *silent = NULL;
    size_t n = 0;

    for (size_t i = 1; i < a->im->chat_count; i++) {
        struct im_chat *chat = a->im->chats[i];

        if (chat->account != a || chat->room || mynah_roster_find(a->client, chat->jid))
            continue;
        n++;
        if (chat != now && !chat->draft && (!silent || spoken_at(chat) < spoken_at(silent)))
            silent = chat;
    }
    if (n > STRANGERS_MAX && silent)
        im_chat_close(silent);
}

struct im_chat *im_chat_with(struct im_account_state *a, const char *jid)
{
    char *bare = mynah_jid_bare(jid);
    struct im_chat *chat = bare ? chat_find(a, bare) : NULL;

    if (bare && !chat) {
        chat = chat_new(a->im, a, bare, im_name(a, bare));
        chat_history_show(chat);
        changed(chat);
    }
    mynah_free(bare);
    return chat;
}

struct im_chat *chat_private(const struct im_chat *room, const char *nick)
{
    struct mn_buf full = {0};
    struct im_chat *chat;

    mn_buf_fmt(&full, "%s/%s", room->jid, nick);
    mn_buf_c(&full, 0);
    chat = chat_find(room->account, full.p);
    mn_buf_free(&full);
    return chat;
}

struct im_chat *im_chat_private(struct im_chat *room, const char *nick)
{
    struct mn_buf full = {0};
    struct im_chat *chat;

    mn_buf_fmt(&full, "%s/%s", room->jid, nick);
    mn_buf_c(&full, 0);
    chat = private_open(room->account, full.p);
    mn_buf_free(&full);
    return chat;
}

void im_chat_close(struct im_chat *chat)
{
    struct im *im = own(chat);

    for (size_t i = 1; i < im->chat_count; i++)
        if (im->chats[i] == chat) {
            TELL(im, closed, chat);
            im_chat_seen(chat, false);
            im_chat_draft(chat, NULL);
            chat->moved |= chat->inside;
            chat->inside = false;
            if (chat->moved && im->history)
                chat_place_keep(chat);
            memmove(&im->chats[i], &im->chats[i + 1],
                    (--im->chat_count - i) * sizeof(struct im_chat *));
            chat_free(chat);
            return;
        }
}

void im_chat_clear(struct im_chat *chat)
{
    for (size_t i = 0; i < chat->count; i++)
        if (chat->lines[i].number && chat->lines[i].number >= chat->oldest)
            chat->oldest = chat->lines[i].number + 1; /* it is among the older ones now */
    im_lines_free(chat);
}

void im_chat_looked_at(struct im_chat *chat)
{
    im_chat_seen(chat, false);
    chat->fresh = chat->count;
}

void im_chat_draft(struct im_chat *chat, const char *text)
{
    const char *now = text ? text : "", *before = chat->draft ? chat->draft : "";

    if (!strcmp(now, before))
        return;
    mn_free(chat->draft);
    chat->draft = *now ? copy(now) : NULL;
    chat->moved = chat->account;
}

struct im_chat *im_chat_at(const struct im *im, size_t i)
{
    return i < im->chat_count ? im->chats[i] : NULL;
}

size_t im_chat_count(const struct im *im)
{
    return im->chat_count;
}

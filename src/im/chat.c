/* Windows of talk: what stands in them, and what comes of the history. */
#include "im/messenger_parts.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "im/lines.h"

enum { HISTORY_SHOWN = 30 };

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
    char *who = mn_str_dup(m->who), *body = mn_str_dup(m->body);
    const char *shown = m->ours ? _("me") : chat->room ? who : im_name(chat->account, who);
    struct im_line *l = im_line_add(chat, IM_SAID, m->at, shown, body);

    l->ours = m->ours;
    l->sent = chat->room ? MYNAH_SENT_DELIVERED : (enum mynah_sent)m->sent; /* it sent it back */
    l->old = true;
    l->id = m->id.n ? mn_str_dup(m->id) : NULL;
    l->number = m->number;
    l->closed = chat->room;
    if (!chat->oldest || m->number < chat->oldest)
        chat->oldest = m->number;
    mn_free(who);
    mn_free(body);
}

void chat_history_show(struct im_chat *chat)
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
                           .ours = ours};
    int e = im->history ? im_history_add(im->history, &said) : MN_E_OK;

    if (e && e != MN_E_EXISTS)
        im_note(im->chats[0], IM_ERROR, _("the history cannot be written"));
    return e == MN_E_EXISTS ? CHAT_KEPT : said.number;
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
        chat_history_show(chat);
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

/* Who wants to speak in a room asks its moderators (XEP-0045, 8.6): one question each, so that a
 * stranger opens no form under somebody's fingers. */
#include <stdio.h>

#include "apps/mynah/commands.h"
#include "apps/mynah/tui_question.h"
#include "im/lang.h"

enum { ASKED_MAX = 20 };

struct voice {
    struct mn_list link;
    struct question question;
    struct im_account_state *account;
    char *room;
    struct mynah_form *form;
};
static struct mn_list voices = {&voices, &voices};

static void voice_free(struct voice *v)
{
    question_drop(&v->question);
    mn_list_del(&v->link);
    mynah_form_free(v->form);
    mn_free(v->room);
    mn_free(v);
}

static void answered(struct question *q, enum answer answer)
{
    struct voice *v = MN_OF(q, struct voice, question);
    struct mynah_room *r = mynah_room_find(v->account->client, v->room);

    if (r)
        (void)!mynah_room_voice(r, v->form, answer != ANSWER_NO);
    voice_free(v);
}

static const char *value_of(const struct mynah_form *form, const char *var)
{
    const char *value = mynah_form_value(form, var);

    return value ? value : "";
}

/* Asks already, or nobody can answer so many. */
static bool is_too_much(const struct im_chat *chat, const char *nick)
{
    unsigned n = 0;

    MN_LIST_EACH(at, &voices)
    {
        const struct voice *v = MN_OF(at, struct voice, link);

        if (v->account == chat->account && !strcmp(v->room, chat->jid) &&
            !strcmp(value_of(v->form, "muc#roomnick"), nick))
            return true;
        n++;
    }
    return n >= ASKED_MAX;
}

void tui_voice_asked(struct im_chat *chat, const struct mynah_form *form)
{
    const char *nick = value_of(form, "muc#roomnick"), *jid = value_of(form, "muc#jid");
    struct mynah_elem *x;
    struct voice *v;
    char text[300];

    if (is_too_much(chat, nick))
        return;
    v = MN_NEW(struct voice);
    x = mynah_form_elem(form);
    v->form = mynah_form_read(x);
    mynah_elem_free(x);
    v->account = chat->account;
    v->room = mn_str_dup(mn_str_from(chat->jid));
    mn_list_init(&v->link);
    mn_list_add(&voices, &v->link);
    snprintf(text, sizeof text, _("%.60s (%.200s) asks to speak"), nick, jid);
    question_ask(&v->question, chat->account, chat->jid, text, answered);
    chat->unread++;
    chat->mentioned = true;
    im_note(chat, IM_NOTE, _("%s asks to speak: Alt-y allows it, Alt-n does not"), nick);
}

void tui_voice_closed(const struct im_chat *chat)
{
    MN_LIST_EACH(at, &voices)
    {
        struct voice *v = MN_OF(at, struct voice, link);

        if (v->account == chat->account && !strcmp(v->room, chat->jid))
            voice_free(v);
    }
}

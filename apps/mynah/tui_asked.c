/* Who wants to see when we are online: it is asked in the talk with them. */
#include <stdio.h>

#include "apps/mynah/tui_question.h"
#include "im/lang.h"

struct asked {
    struct question question;
    char *jid;
};

static void asked_free(struct asked *k)
{
    question_drop(&k->question);
    mn_free(k->jid);
    mn_free(k);
}

void asked_answer(struct im_account_state *a, const char *jid, bool yes)
{
    struct im_chat *chat = im_chat_with(a, jid);

    if (!chat)
        tui_note(IM_ERROR, _("no address: %s"), jid);
    else if (im_answer(a, jid, yes))
        im_note(chat, IM_NOTE, _("%s sees when you are online; asked to see the same of them"),
                chat->jid);
    else
        im_note(chat, IM_NOTE,
                yes ? _("%s sees when you are online") : _("%s does not see when you are online"),
                chat->jid);
}

static void answered(struct question *q, enum answer answer)
{
    struct asked *k = MN_OF(q, struct asked, question);

    asked_answer(q->account, k->jid, answer != ANSWER_NO);
    asked_free(k);
}

void asked_came(struct im_account_state *a, const char *jid)
{
    struct im_chat *chat = im_chat_with(a, jid);
    struct asked *k;
    char text[300];

    if (!chat)
        return;
    k = MN_NEW(struct asked);
    k->jid = mn_str_dup(mn_str_from(jid));
    snprintf(text, sizeof text, _("%.200s wants to see when you are online"), jid);
    question_ask(&k->question, a, jid, text, answered);
    chat->unread++;
    chat->mentioned = true;
    im_note(chat, IM_NOTE,
            _("%s wants to see when you are online: Alt-y allows it, Alt-n does not (/sub)"), jid);
}

void asked_over(struct im_account_state *a, const char *jid)
{
    struct question *q = question_find(a, jid, answered);

    if (q)
        asked_free(MN_OF(q, struct asked, question));
}

void asked_close(void)
{
    struct im_account_state *a;
    struct question *q;

    for (size_t i = 0; (a = im_account_at(tui.im, i)); i++)
        while ((q = question_find(a, NULL, answered)))
            asked_free(MN_OF(q, struct asked, question));
}
